"""Judge the change of each pair of years: filters, patches, what losses confirm, counts.

The units of the region are read once (``survey``) and leave parts of patches and rows of changed
pixels. Here parts are joined, all patches judged together, and the outcome of each patch is given
to its rows. Memory follows the number of patches, not the size of the region.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hexseal.change.block import CONDITION
from hexseal.change.border import (
    COUNTED,
    MEASURES,
    BorderPatches,
    Judge,
    as_lists,
    border_counts,
    border_table,
    ends_of,
)
from hexseal.change.grading import (
    DoubtfulPlaces,
    FalseShare,
    Grade,
    Grading,
    PairEvidence,
    grade_pair,
    reasons_of,
)
from hexseal.change.joining import StoredPatches, batches
from hexseal.change.maptests import Check, check_series
from hexseal.change.patches import Patches
from hexseal.change.rate import Tail
from hexseal.change.states import FILTERS, GAIN_REASONS, LOSS_REASONS, State
from hexseal.change.survey import CODE, SQL, Survey, survey_again, survey_areas, survey_region
from hexseal.change.unit import OWNERS
from hexseal.change.worklist import ListedPatches, changed_areas_m2, listed, patch_rows
from hexseal.counting.stage import CountFiles, counted_files, counted_settings
from hexseal.execution import Execution
from hexseal.forward.stage import maker, source_titles
from hexseal.progress import Progress, no_progress
from hexseal.raster.confidence import contrasts_of, inverted_of, least_contrast
from hexseal.raster.grid import Window
from hexseal.raster.registration import EdgeSums, solve_displacement
from hexseal.raster.runs import pixels_of
from hexseal.region.load import Region
from hexseal.storage.cache import Stamp
from hexseal.storage.files import copy_file, whole_file, write_bytes
from hexseal.storage.workdir import WorkFolder
from hexseal.types import Bytes, Flags, Integers, Pair

# Columns of the counts of judged pixels.
COLUMNS = (*CONDITION, "origin")
# Which years have one maker is part of the grade.
MAKERS = "hexseal.forward.stage"
# Writes counts: owners, columns, and what nothing adds to, see CountFiles.
AddCounts = Callable[[np.ndarray, Sequence[np.ndarray], Flags], None]


@dataclass(frozen=True, slots=True)
class Removed:
    """Pixels of difference that a filter removed."""

    gain: int
    loss: int


@dataclass(frozen=True, slots=True)
class PairReport:
    """What was judged between two years; counts are pixels unless named patches.

    ``removed`` is by filter, in the order in which they act; a filter that is off removes 0.
    ``confirmed`` are secure pixels of confirmed patches, ``confirmed_whole`` all of them.
    ``patch_design`` is the sum of squared sizes over the sum of sizes of what was not confirmed;
    ``variance`` and ``confirmed_design`` are those of ``Grading``. ``candidates`` and ``fields``
    count patches that are listed for a look. ``inverted`` are the years whose confidence is.
    """

    first: int
    second: int
    raw_gain: int
    raw_loss: int
    removed: Mapping[str, Removed]
    confirmed: int
    confirmed_patches: int
    gain_patches: int
    loss_patches: int
    threshold: float | None
    decoy_ratio: float
    provisional: bool
    has_confidence: bool
    uses_confidence: bool
    patch_design: float
    grade: Grade
    checks: tuple[Check, ...]
    tail: Tail | None
    false: FalseShare | None
    variance: float
    confirmed_design: float
    confirmed_whole: int
    candidates: int
    fields: int
    inverted: tuple[int, ...] = ()

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return test and name of each check that makes the pair inconclusive."""
        return reasons_of(self.checks)

    @property
    def pair(self) -> Pair:
        """Return the years that were compared."""
        return Pair(self.first, self.second)


def judge_region(
    region: Region,
    work: Path,
    *,
    execution: Execution | None = None,
    progress: Progress = no_progress,
) -> tuple[PairReport, ...]:
    """Write evidence of every pair into ``work``: counts, patches, report (see ARCHITECTURE).

    Reads the region first where counting has not, and those units again in which a test of the
    maps fails locally.
    """
    survey = survey_region(region, work, execution=execution, progress=progress)
    sealed = _sealed_pixels(region, survey)
    judged = [_judge_pair(region, pair, survey, sealed) for pair in region.pairs]
    doubtful = [pair.fates.doubtful for pair in judged]
    final = survey_again(survey, doubtful, work, execution=execution, progress=progress)
    reports = []
    for done, found in enumerate(judged, 1):
        reports.append(_write_pair(region, found, final, work))
        progress("change", done, len(judged))
    return tuple(reports)


def change_stamp(region: Region, work: WorkFolder) -> Stamp:
    """Return the stamp of the judged change: counts, filters, product, masks, sources, code."""
    masks = [(epoch.confidence, epoch.post_processing) for epoch in region.epochs]
    noise = tuple(asdict(region.noise).items())
    files = [*counted_files(region), *(mask for pair in masks for mask in pair if mask)]
    titles = [epoch.source for epoch in region.epochs]
    settings = (*counted_settings(region), noise, region.product.facts, masks, titles)
    return Stamp(work.change_stamp, *settings, files=files, code=(*CODE, SQL, MAKERS))


def read_report(work: Path, pair: Pair) -> PairReport:
    """Return what ``judge_region`` wrote of a pair."""
    facts = json.loads((WorkFolder(work).report(pair)).read_text(encoding="utf-8"))
    removed = {name: Removed(**counts) for name, counts in facts.pop("removed").items()}
    checks = tuple(Check(**check) for check in facts.pop("checks"))
    tail, false = facts.pop("tail"), facts.pop("false")
    inverted = tuple(facts.pop("inverted", ()))
    return PairReport(
        removed=removed,
        inverted=inverted,
        checks=checks,
        tail=tail and Tail(**tail),
        false=false and FalseShare(**false),
        **facts,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Fates:
    """What becomes of the parts of patches in the units of a region, in the units' order.

    ``patch`` is the patch of each part, ``starts`` the number of the first part of each unit,
    ``outcome`` the State that the pixels of each patch end in; of a confirmed patch, only those
    that have the bit ``secure``. ``doubtful`` marks where the maps are.
    """

    windows: tuple[Window, ...]
    patch: NDArray[np.int32]
    starts: Integers
    outcome: Bytes
    secure: int
    doubtful: DoubtfulPlaces

    def of(self, changed: pa.Table, unit: int) -> tuple[Bytes, Bytes]:
        """Return the State that rows of changed pixels end in, and former class if confirmed."""
        label, state, secure, partner = (
            changed[name].to_numpy() for name in ("label", "state", "secure", "partner")
        )
        in_patch = label >= 0
        ends = state.astype(np.uint8)
        ends[in_patch] = self.outcome[self.patch[label[in_patch] + self.starts[unit]]]
        return ends_of(ends, secure & self.secure > 0, partner)

    def border(self, changed: pa.Table, unit: int, place: NDArray[np.int32]) -> pa.Table:
        """Return the rows of changed pixels of some patches, with the ``place`` of each (-1: none).

        Instead of its bits, ``secure`` says whether the row's pixels may be confirmed area.
        """
        label = changed["label"].to_numpy()
        patch = np.full(len(label), -1, np.int32)
        in_patch = label >= 0
        patch[in_patch] = place[self.patch[label[in_patch] + self.starts[unit]]]
        rows = changed.filter(patch >= 0)
        secure = (rows["secure"].to_numpy() & self.secure > 0).astype(np.uint8)
        columns = {"patch": patch[patch >= 0], "owner": rows["owner"]}
        for name in (*COUNTED, *MEASURES):
            columns[name] = secure if name == "secure" else rows[name]
        return pa.table(columns)

    def write(self, path: Path) -> None:
        """Keep them, so that other areas can be counted without judging again."""
        windows = [(w.row, w.column, w.height, w.width) for w in self.windows]
        with whole_file(path) as partial, partial.open("wb") as stream:
            np.savez(
                stream, windows=np.array(windows), patch=self.patch, starts=self.starts,
                outcome=self.outcome, secure=np.int64(self.secure),
                shape=np.array(self.doubtful.shape), level=self.doubtful.level,
                shift=self.doubtful.shift,
            )  # fmt: skip

    @classmethod
    def read(cls, path: Path) -> "_Fates":
        """Return what ``write`` wrote."""
        with np.load(path) as kept:
            rows, columns = kept["shape"].tolist()
            return cls(
                tuple(Window(*window) for window in kept["windows"].tolist()),
                kept["patch"], kept["starts"], kept["outcome"], int(kept["secure"]),
                DoubtfulPlaces((rows, columns), kept["level"], kept["shift"]),
            )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    """A pair's patches, how they were judged, and the fates of their parts."""

    pair: Pair
    table: StoredPatches
    report: PairReport
    grading: Grading
    fates: _Fates


def judge_areas(
    region: Region,
    known: Path,
    work: Path,
    *,
    execution: Execution | None = None,
    progress: Progress = no_progress,
) -> None:
    """Write evidence of every pair into ``work`` for the region's areas, judging nothing again.

    ``known`` is a work folder that ``judge_region`` filled for the same maps, with areas of its
    own: evidence of hexagons and reports are taken over, pixels are counted in the areas.
    """
    before, now = WorkFolder(known), WorkFolder(work)
    fates = [_Fates.read(before.judged(pair)) for pair in region.pairs]
    survey = survey_areas(
        region, work, fates[0].windows, [fate.doubtful for fate in fates],
        execution=execution, progress=progress,
    )  # fmt: skip
    for pair, fate in zip(region.pairs, fates, strict=True):
        _write_counts(region, pair, fate, survey, work)
        now.evidence(pair, "cells").unlink()
        copy_file(before.evidence(pair, "cells"), now.evidence(pair, "cells"))
        copy_file(before.report(pair), now.report(pair))


def _judge_pair(region: Region, pair: Pair, survey: Survey, sealed: Mapping[int, int]) -> _Judged:
    """Join the patches of a pair and judge them."""
    table = survey.patches(pair.key)
    facts = survey.facts(pair.key)
    evidence = _evidence(region, pair, survey, facts)
    kept = table.pixels >= region.noise.minimum_patch
    states = _total(facts, "states")
    grading = _grade(table, evidence, kept, region, _series(region, pair, sealed))
    # Where a pair is inconclusive everywhere, no place matters any more.
    is_lost = grading.grade == "inconclusive"
    doubtful = grading.doubtful.nowhere() if is_lost else grading.doubtful
    fates = _Fates(
        windows=tuple(task.window for task in survey.tasks),
        patch=table.patch,
        starts=table.starts,
        outcome=_outcome(table, kept, grading),
        secure=grading.secure,
        doubtful=doubtful,
    )
    report = _report(region, pair, table, states, evidence, grading, fates.outcome)
    table.forget()
    return _Judged(pair, table, report, grading, fates)


def _sealed_pixels(region: Region, survey: Survey) -> dict[int, int]:
    """Return the sealed pixels of each year, of those that count in every year."""
    valid = np.array(sorted(region.product.valid), np.uint8)
    codes = np.array(sorted(region.product.sealed), np.uint8)
    sums = dict.fromkeys(region.years, 0)
    for task in survey.tasks:
        names = [*(f"class_{year}" for year in region.years), "pixels"]
        rows = pq.read_table(survey.table(task, "cells"), columns=names)
        *classes, pixels = (column.to_numpy() for column in rows.columns)
        counts = np.all([np.isin(each, valid) for each in classes], axis=0)
        for year, each in zip(region.years, classes, strict=True):
            sums[year] += int(pixels[counts & np.isin(each, codes)].sum())
    return sums


def _series(region: Region, pair: Pair, sealed: Mapping[int, int]) -> list[Check]:
    """Return what makes the years of a pair no series; densities are never graded by it."""
    if region.product.is_density:
        return []
    titles = source_titles(region)
    made = [year for year in pair if year not in region.mapped_years]
    first, second = (maker(titles[str(year)], year) for year in pair)
    return check_series(
        same_makers=bool(made) or first == second,
        sealed=(sealed[pair.first], sealed[pair.second]),
        years=pair.second - pair.first,
    )


def _evidence(
    region: Region, pair: Pair, survey: Survey, facts: Sequence[Mapping[str, Integers]]
) -> PairEvidence:
    """Return what the units gathered of a pair besides its patches."""
    edges = EdgeSums(_total(facts, "left"), _total(facts, "right"))
    gaps = contrasts_of(_total(facts, "contrast"))
    layers = [epoch.confidence is not None for epoch in region.epochs if epoch.year in pair]
    return PairEvidence(
        (survey.grid.height, survey.grid.width),
        solve_displacement(edges),
        least_contrast(gaps),
        any(layers),
        inverted_of(gaps),
        all(layers),
    )


def _total(facts: Sequence[Mapping[str, Integers]], name: str) -> Integers:
    return np.sum([sums[name] for sums in facts], axis=0)


def _write_pair(region: Region, judged: _Judged, survey: Survey, work: Path) -> PairReport:
    """Write counts, patches, those along the border, and report of a pair."""
    pair, fates, table, grading = judged.pair, judged.fates, judged.table, judged.grading
    folder = WorkFolder(work)
    border = table.outermost(survey.grid.height, survey.grid.width)
    counts = _write_counts(region, pair, fates, survey, work, border=border)
    chosen = listed(table, grading, fates.outcome)
    known = np.union1d(chosen, border)
    runs = _runs(judged, survey, known)
    mine = _owned(runs, known, chosen)
    pixels = pixels_of(*mine.T)
    rows = ListedPatches(
        table.chosen(chosen), fates.outcome[chosen], grading.q_value[chosen],
        grading.score[chosen], grading.candidate[chosen], grading.field[chosen], pixels,
        changed_areas_m2(region, pair, survey.grid, pixels, len(chosen)),
    )  # fmt: skip
    with whole_file(folder.patches(pair)) as partial:
        listing = patch_rows(region, pair, survey.grid, survey.zones.table, rows)
        pq.write_table(listing, partial, compression="zstd")
    mine = _owned(runs, known, border)
    area = changed_areas_m2(region, pair, survey.grid, pixels_of(*mine.T), len(border))
    rank = np.zeros(len(table), np.int32)
    rank[chosen] = np.arange(1, len(chosen) + 1)
    BorderPatches(
        border_table(
            table.chosen(border),
            {
                "rank": rank[border],
                "state": fates.outcome[border],
                "candidate": grading.candidate[border],
                "q_value": grading.q_value[border],
                "area_m2": area,
                "secure": grading.secure_pixels(table)[border],
            },
            as_lists(np.zeros(len(border), np.int64), np.arange(len(border)), len(border)),
            mine,
        ),
        counts,
        (Judge.of(table, grading),),
    ).write(folder, pair)
    table.forget()
    fates.write(folder.judged(pair))
    write_bytes(folder.report(pair), json.dumps(asdict(judged.report), indent=1).encode())
    return judged.report


def _write_counts(
    region: Region,
    pair: Pair,
    fates: _Fates,
    survey: Survey,
    work: Path,
    *,
    border: Integers | None = None,
) -> tuple[pa.Table, pa.Table]:
    """Write the counts of judged pixels; return those of the patches ``border`` by hexagon, area.

    The patches returned are numbered by their place in ``border``.
    """
    folder = WorkFolder(work)
    targets = folder.evidence(pair, "cells"), folder.evidence(pair, "zones")
    place = np.full(len(fates.outcome), -1, np.int32)
    if border is not None:
        place[border] = np.arange(len(border), dtype=np.int32)
    kept: tuple[list[pa.Table], list[pa.Table]] = [], []
    with CountFiles(targets, region.years, survey.zones, columns=COLUMNS) as files:
        for unit, task in enumerate(survey.tasks):
            if not survey.is_read(task):
                continue
            for which, add in enumerate((files.add_cells, files.add_zones)):
                owner = OWNERS[which]
                for rows in batches(survey.table(task, f"still_{pair.key}_{owner}")):
                    none = np.zeros(rows.num_rows, np.uint8)
                    _add_counts(add, rows, rows["state"].to_numpy(), none)
                for rows in batches(survey.table(task, f"changed_{pair.key}_{owner}")):
                    _add_counts(add, rows, *fates.of(rows, unit))
                    found = fates.border(rows, unit, place)
                    kept[which].append(_named(found, files.names if which else None))
        files.finish()
    return border_counts(0, kept[0]), border_counts(1, kept[1])


def _add_counts(add: AddCounts, rows: pa.Table, states: Bytes, origin: Bytes) -> None:
    """Add rows of a unit to the counts of judged pixels, in the states that they end in."""
    names = ("edge_before", "edge_after", "doubtful")
    columns = [states, *(rows[name].to_numpy() for name in names), origin]
    columns += [rows[name].to_numpy() for name in ("pixels", "area_mm2")]
    add(rows["owner"].to_numpy(), columns, rows["whole"].to_numpy())


def _named(counts: pa.Table, names: pa.Table | None) -> pa.Table:
    """Return counts with the cell, or layer and id, of their owner in the column's place."""
    owner = counts["owner"]
    columns = {"h3": owner} if names is None else dict(
        zip(names.column_names, names.take(owner).columns, strict=True)
    )  # fmt: skip
    kept = [name for name in counts.column_names if name not in {"patch", "owner"}]
    columns = {"patch": counts["patch"], **columns, **{name: counts[name] for name in kept}}
    return pa.table(columns)


def _runs(judged: _Judged, survey: Survey, chosen: Integers) -> Integers:
    """Return row, start, stop and place in ``chosen`` of the runs of the chosen patches.

    They are in raster order, which does not depend on how the region was cut.
    """
    place = np.full(len(judged.table), -1, np.int32)
    place[chosen] = np.arange(len(chosen), dtype=np.int32)
    parts = [np.empty((0, 4), np.int64)]
    for task, first in zip(survey.tasks, judged.fates.starts, strict=False):
        for rows in batches(survey.table(task, f"runs_{judged.pair.key}")):
            row, start, stop, label = (column.to_numpy() for column in rows.columns)
            owner = place[judged.fates.patch[label + first]]
            mine = owner >= 0
            parts.append(
                np.column_stack([row[mine], start[mine], stop[mine], owner[mine].astype(np.int64)])
            )
    found = np.concatenate(parts)
    return found[np.lexsort((found[:, 1], found[:, 0]))]


def _owned(runs: Integers, known: Integers, chosen: Integers) -> Integers:
    """Return the runs of those of the ``known`` patches that are ``chosen``, by place in these."""
    place = np.full(len(known), -1, np.int64)
    place[np.searchsorted(known, chosen)] = np.arange(len(chosen))
    owner = place[runs[:, 3]]
    mine = owner >= 0
    return np.column_stack([runs[mine, :3], owner[mine]])


def _grade(
    table: Patches,
    evidence: PairEvidence,
    kept: Flags,
    region: Region,
    series: Sequence[Check],
) -> Grading:
    noise = region.noise
    ratio = None if noise.decoy_ratio == "auto" else noise.decoy_ratio
    return grade_pair(
        table,
        evidence,
        kept=kept,
        level=noise.level,
        decoy_ratio=ratio,
        density=region.product.is_density,
        series=series,
    )


def _outcome(table: Patches, kept: Flags, grading: Grading) -> Bytes:
    """Return the State that the pixels of each patch end in."""
    gains = table.direction > 0

    def either(gain: State, loss: State) -> Bytes:
        return np.where(gains, np.uint8(gain), np.uint8(loss))

    ends = either(State.GAIN, State.LOSS)
    ends = np.where(grading.field, either(State.GAIN_FIELD, State.LOSS_FIELD), ends)
    ends = np.where(kept, ends, either(State.GAIN_SMALL, State.LOSS_SMALL))
    return np.where(grading.confirmed, np.uint8(State.CONFIRMED), ends)


def _report(
    region: Region,
    pair: Pair,
    table: Patches,
    filtered: Integers,
    evidence: PairEvidence,
    grading: Grading,
    outcome: Bytes,
) -> PairReport:
    """Return the report of a pair; ``filtered`` are the pixels in each state before judging."""
    states = filtered.copy()
    sizes = np.bincount(outcome, table.pixels, minlength=32).astype(np.int64)
    for small in (State.GAIN_SMALL, State.LOSS_SMALL):
        states[small] = sizes[small]
    gain_total = filtered[[State.GAIN, *GAIN_REASONS]].sum()
    loss_total = filtered[[State.LOSS, *LOSS_REASONS]].sum()
    sure = grading.confirmed
    noise = table.pixels[~sure & ~grading.field].astype(float)
    gains = np.isin(outcome, (State.GAIN, State.GAIN_FIELD, State.CONFIRMED))
    losses = np.isin(outcome, (State.LOSS, State.LOSS_FIELD))
    return PairReport(
        first=pair.first,
        second=pair.second,
        raw_gain=int(gain_total),
        raw_loss=int(loss_total),
        removed={
            name: Removed(int(states[gain]), int(states[loss]))
            for name, gain, loss in zip(FILTERS, GAIN_REASONS, LOSS_REASONS, strict=True)
        },
        confirmed=int(grading.secure_pixels(table)[sure].sum()),
        confirmed_patches=int(sure.sum()),
        gain_patches=int(gains.sum()),
        loss_patches=int(losses.sum()),
        threshold=float(grading.score[sure].min()) if sure.any() else None,
        decoy_ratio=grading.ratio,
        provisional=not _has_later_map(region, pair),
        has_confidence=evidence.has_confidence,
        uses_confidence=grading.uses_confidence,
        patch_design=float((noise**2).sum() / noise.sum()) if noise.sum() else 1.0,
        grade=grading.grade,
        checks=grading.checks,
        tail=grading.tail,
        false=grading.false,
        variance=grading.variance,
        confirmed_design=grading.confirmed_design,
        confirmed_whole=int(table.pixels[sure].sum()),
        candidates=int(grading.candidate.sum()),
        fields=int((grading.field & (table.direction > 0)).sum()),
        inverted=tuple(year for year, found in zip(pair, evidence.inverted, strict=True) if found),
    )


def _has_later_map(region: Region, pair: Pair) -> bool:
    """Return whether a later map exists that could contradict the second year."""
    return any(epoch.year > pair.second and epoch.forward is None for epoch in region.epochs)
