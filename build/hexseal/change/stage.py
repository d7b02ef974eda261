"""Judge the change of each pair of years: filters, patches, what losses confirm, counts.

Two passes. The first reads the rasters in full-width bands, writes the state of each pixel and
joins changed pixels into patches without seams. The second paints the outcome of each patch and
counts states per hexagon and area. Memory follows the number of patches and the width of a band.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import BinaryIO

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.io import DatasetWriter
from rasterio.windows import Window as RasterioWindow

from hexseal.change.counts import RECORD, JudgedPixels, count_states
from hexseal.change.grading import (
    DoubtfulPlaces,
    EvidenceGatherer,
    FalseShare,
    Grade,
    Grading,
    PairEvidence,
    grade_pair,
    reasons_of,
)
from hexseal.change.maptests import Check
from hexseal.change.patches import ChangePixels, PatchBuilder, PatchTable
from hexseal.change.rate import Tail
from hexseal.change.source import PairSource
from hexseal.change.states import FILTERS, GAIN_REASONS, LOSS_REASONS, STATE_BITS, State
from hexseal.change.worklist import PatchFile, write_patches
from hexseal.counting.stage import counted_files, counted_settings
from hexseal.products import Product
from hexseal.progress import Progress, no_progress
from hexseal.raster.grid import Grid, Window
from hexseal.raster.stack import YearStack, region_grid
from hexseal.region.load import Region
from hexseal.storage.cache import Stamp
from hexseal.storage.files import copy_file, whole_file, write_bytes
from hexseal.storage.workdir import WorkFolder
from hexseal.types import Bytes, Pair
from hexseal.vector.zones import Zones, read_zones

BLOCK = 512


@dataclass(frozen=True, slots=True)
class Removed:
    """Pixels of difference that a filter removed."""

    gain: int
    loss: int


@dataclass(frozen=True, slots=True)
class PairReport:
    """What was judged between two years; counts are pixels unless they say patches.

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
    region: Region, work: Path, *, workers: int | None = None, progress: Progress = no_progress
) -> tuple[PairReport, ...]:
    """Write evidence of every pair into ``work``: counts, patches, report (see ARCHITECTURE)."""
    grid, frame = region_grid(region)
    zones = read_zones(region.areas, grid)
    return tuple(
        _judge_pair(region, pair, grid, frame, zones, work, workers, progress)
        for pair in region.pairs
    )


def change_stamp(region: Region, work: WorkFolder) -> Stamp:
    """Return the stamp of the judged change: what counts depend on, filters, product and masks."""
    masks = [(epoch.confidence, epoch.post_processing) for epoch in region.epochs]
    noise = tuple(asdict(region.noise).items())
    product = [
        sorted(value) if isinstance(value, frozenset) else repr(value)
        for value in (getattr(region.product, known.name) for known in fields(Product))
    ]
    files = [*counted_files(region), *(mask for pair in masks for mask in pair if mask)]
    return Stamp(work.change_stamp, *counted_settings(region), noise, product, masks, files=files)


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


def _judge_pair(
    region: Region,
    pair: Pair,
    grid: Grid,
    frame: Window,
    zones: Zones,
    work: Path,
    workers: int | None,
    progress: Progress,
) -> PairReport:
    name = pair.key
    with _scratch(work, name) as (raster, binary), PairSource(region, pair, frame) as source:
        labelled = _label(source, grid, raster, binary, progress)
        kept = labelled.table.pixels >= region.noise.minimum_patch
        grading = _grade(labelled, kept, region)
        outcome = _outcome(labelled.table, kept, grading)
        records = np.memmap(binary, RECORD, "r") if binary.stat().st_size else np.empty(0, RECORD)
        states = YearStack(region, Window(0, 0, grid.height, grid.width), addresses=[str(raster)])
        with states:
            judged = JudgedPixels(
                states, records, labelled.patches, outcome,
                secure=grading.secure, doubtful=grading.doubtful,
            )  # fmt: skip
            count_states(
                region, grid, zones, judged, work, prefix=f"evidence_{name}_",
                resolution=region.hexagons.finest, workers=workers, progress=progress,
            )  # fmt: skip
        patches = PatchFile(labelled.table, grading, outcome, records, labelled.patches)
        write_patches(region, pair, grid, zones, patches, WorkFolder(work).patches(pair))
        report = _report(source, labelled, grading, outcome)
        _keep(WorkFolder(work).judged(pair), (raster, binary), labelled, outcome, grading)
    write_bytes(WorkFolder(work).report(pair), json.dumps(asdict(report), indent=1).encode())
    return report


def _keep(
    targets: tuple[Path, Path, Path],
    scratch: tuple[Path, Path],
    labelled: "_Labelled",
    outcome: Bytes,
    grading: Grading,
) -> None:
    """Keep what is known of each pixel, so that other areas can be counted by it later."""
    for source, target in zip(scratch, targets, strict=False):
        source.replace(target)
    with whole_file(targets[2]) as partial, partial.open("wb") as stream:
        np.savez(
            stream, patches=labelled.patches, outcome=outcome, secure=np.int64(grading.secure),
            shape=np.array(grading.doubtful.shape), level=grading.doubtful.level,
            shift=grading.doubtful.shift,
        )  # fmt: skip


def judge_areas(
    region: Region,
    known: Path,
    work: Path,
    *,
    workers: int | None = None,
    progress: Progress = no_progress,
) -> None:
    """Write evidence of every pair into ``work`` for the region's areas, judging nothing anew.

    ``known`` is a work folder that ``judge_region`` filled for the same maps, with areas of its
    own: evidence of hexagons and reports are taken over, pixels are counted in the areas.
    """
    grid, _ = region_grid(region)
    zones = read_zones(region.areas, grid)
    before, now = WorkFolder(known), WorkFolder(work)
    for pair in region.pairs:
        with _judged(region, before.judged(pair), grid) as judged:
            count_states(
                region, grid, zones, judged, work, prefix=f"evidence_{pair.key}_",
                resolution=None, workers=workers, progress=progress,
            )  # fmt: skip
        now.evidence(pair, "cells").unlink()
        copy_file(before.evidence(pair, "cells"), now.evidence(pair, "cells"))
        copy_file(before.report(pair), now.report(pair))


@contextmanager
def _judged(region: Region, files: tuple[Path, Path, Path], grid: Grid) -> Iterator[JudgedPixels]:
    """Yield the pixels of a pair as ``_keep`` kept them."""
    raster, binary, fates = files
    records = np.memmap(binary, RECORD, "r") if binary.stat().st_size else np.empty(0, RECORD)
    frame = Window(0, 0, grid.height, grid.width)
    with np.load(fates) as kept, YearStack(region, frame, addresses=[str(raster)]) as states:
        rows, columns = kept["shape"].tolist()
        yield JudgedPixels(
            states, records, kept["patches"], kept["outcome"], secure=int(kept["secure"]),
            doubtful=DoubtfulPlaces((rows, columns), kept["level"], kept["shift"]),
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Labelled:
    """All patches, the patch of every label, pixels in each state, and what tests need besides."""

    table: PatchTable
    patches: NDArray[np.int64]
    states: NDArray[np.int64]
    evidence: PairEvidence


@contextmanager
def _scratch(work: Path, name: str) -> Iterator[tuple[Path, Path]]:
    """Yield two scratch paths; both are deleted on exit."""
    paths = work / f".states_{name}.tif", work / f".change_{name}.bin"
    try:
        yield paths
    finally:
        for path in paths:
            path.unlink(missing_ok=True)


def _label(
    source: PairSource, grid: Grid, raster: Path, binary: Path, progress: Progress
) -> _Labelled:
    """Write states and changed pixels of all bands; return the patches."""
    builder, gatherer = PatchBuilder(), EvidenceGatherer((grid.height, grid.width))
    states = np.zeros(256, np.int64)
    bands = len(source.rows())
    with _states_raster(raster, grid) as image, binary.open("wb") as stream:
        for done, band in enumerate(source.bands(), 1):
            states += np.bincount(band.states.ravel(), minlength=256)
            height, width = band.states.shape
            place = RasterioWindow(0, band.row, width, height)  # type: ignore[call-arg]
            image.write(band.states, 1, window=place)
            _append(stream, builder.add(band.change))
            gatherer.add(band.row, band.states, band.layers)
            progress("patches", done, bands)
        last, patches, table = builder.finish()
        _append(stream, last)
    by_state = np.bincount(np.arange(255) & STATE_BITS, states[:255], minlength=32)
    return _Labelled(table, patches, by_state.astype(np.int64), gatherer.finish())


def _states_raster(path: Path, grid: Grid) -> DatasetWriter:
    return rasterio.open(
        path, "w", driver="GTiff", count=1, dtype="uint8", crs=grid.crs,
        transform=grid.transform, width=grid.width, height=grid.height,
        tiled=True, blockxsize=BLOCK, blockysize=BLOCK, compress="lzw", bigtiff="if_safer",
    )  # fmt: skip


def _append(stream: BinaryIO, pixels: ChangePixels) -> None:
    records = np.empty(len(pixels.row), RECORD)
    records["row"], records["column"] = pixels.row, pixels.column
    records["label"], records["partner"] = pixels.patch, pixels.partner
    records["secure"] = pixels.secure
    stream.write(records.tobytes())


def _grade(labelled: _Labelled, kept: NDArray[np.bool_], region: Region) -> Grading:
    noise = region.noise
    ratio = None if noise.decoy_ratio == "auto" else noise.decoy_ratio
    return grade_pair(
        labelled.table,
        labelled.evidence,
        kept=kept,
        level=noise.level,
        decoy_ratio=ratio,
        density=region.product.is_density,
    )


def _outcome(table: PatchTable, kept: NDArray[np.bool_], grading: Grading) -> Bytes:
    """Return the State that the pixels of each patch end in."""
    gains = table.direction > 0
    ends = np.where(gains, State.GAIN, State.LOSS)
    fields = np.where(gains, State.GAIN_FIELD, State.LOSS_FIELD)
    ends = np.where(grading.field, fields, ends)
    ends = np.where(kept, ends, np.where(gains, State.GAIN_SMALL, State.LOSS_SMALL))
    return np.where(grading.confirmed, State.CONFIRMED, ends).astype(np.uint8)


def _report(
    source: PairSource, labelled: _Labelled, grading: Grading, outcome: Bytes
) -> PairReport:
    table, states = labelled.table, labelled.states.copy()
    sizes = np.bincount(outcome, table.pixels, minlength=32).astype(np.int64)
    for small in (State.GAIN_SMALL, State.LOSS_SMALL):
        states[small] = sizes[small]
    gain_total = labelled.states[[State.GAIN, *GAIN_REASONS]].sum()
    loss_total = labelled.states[[State.LOSS, *LOSS_REASONS]].sum()
    sure = grading.confirmed
    noise = table.pixels[~sure & ~grading.field].astype(float)
    gains = np.isin(outcome, (State.GAIN, State.GAIN_FIELD, State.CONFIRMED))
    losses = np.isin(outcome, (State.LOSS, State.LOSS_FIELD))
    return PairReport(
        first=source.pair.first,
        second=source.pair.second,
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
        provisional=not source.has_later_year,
        has_confidence=source.has_confidence,
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
        inverted=tuple(
            year
            for year, found in zip(source.pair, labelled.evidence.inverted, strict=True)
            if found
        ),
    )
