"""Patches that the border between regions cut, joined to what they are: one patch each.

Parts join by the rule of ``change/joining``: 8-connected pixels that changed alike. Features are
sums; core pixels and sides are counted again from all pixels of the joint patch. It is judged anew,
by the rules that its regions found with their own losses:

- small (``minimum_patch``) or a whole field is what the joint patch is, not what its parts were;
- a gain is confirmed where a region confirmed a part of it, or where its joint score reaches the
  threshold of every region that it lies in. So the strictest of its regions has to agree with what
  none confirmed alone, and what one confirmed stays: it was among the gains whose rate of false
  patches that region holds at the level. Joining adds no patch to these, it makes one of several.
- a whole field is confirmed where all of its parts were.

Where its pixels end in another state than their region gave them, the counts by hexagon and area
are corrected row by row, so that they stay the sum of the patches.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from hexseal.change.border import (
    COUNTED,
    COUNTS,
    FEATURES,
    LISTED_Q,
    MEASURES,
    PATCHES,
    RUNS,
    BorderPatches,
    Judge,
    border_counts,
    border_table,
    ends_of,
    joined_runs,
)
from hexseal.change.grading import EDGE_VARIANCE
from hexseal.change.joining import Parts, patch_table
from hexseal.change.maptests import is_field
from hexseal.change.patches import PatchTable
from hexseal.change.stage import COLUMNS, PairReport, Removed
from hexseal.change.states import State
from hexseal.change.worklist import ListedPatches, patch_rows
from hexseal.counting.stage import whole_cm2
from hexseal.exchange.record import CountedWindow
from hexseal.merge.combine import noise_pixels
from hexseal.raster.grid import Grid
from hexseal.raster.runs import join_runs, pixels_of
from hexseal.region.load import Region
from hexseal.types import Bytes, Doubles, Flags, Integers, Pair

SMALL = (State.GAIN_SMALL, State.LOSS_SMALL)


@dataclass(frozen=True, slots=True, eq=False)
class SitePatches:
    """What a site states of a pair's patches: its border patches (None: it kept none), its list.

    ``report`` is how its region was judged, ``windows`` those of its build record.
    """

    windows: tuple[CountedWindow, ...]
    border: BorderPatches | None
    listing: pa.Table
    report: PairReport


@dataclass(frozen=True, slots=True, eq=False)
class JoinedPatches:
    """The work list of all sites, their border patches, and what joining changes of the rest.

    ``corrections`` are rows to add to the evidence of cells and of areas; ``joined`` counts the
    patches that are made of several.
    """

    listing: pa.Table
    border: BorderPatches
    corrections: tuple[pa.Table, pa.Table]
    report: PairReport
    joined: int


@dataclass(frozen=True, slots=True, eq=False)
class _Fates:
    """What becomes of patches: State, rate of false patches, and whether they are candidates."""

    state: Bytes
    q_value: Doubles
    candidate: Flags

    def chosen(self, places: Integers) -> "_Fates":
        return _Fates(self.state[places], self.q_value[places], self.candidate[places])


def join_patches(
    region: Region,
    pair: Pair,
    sites: Sequence[SitePatches],
    report: PairReport,
    shapes: pa.Table,
) -> JoinedPatches:
    """Join the patches of a pair that borders between the sites' windows cut.

    ``report`` is that of all sites together before patches are joined, ``shapes`` are all areas.
    """
    parts = _Parts.of(sites)
    patch, several = parts.patches()
    grouped = np.flatnonzero(several[patch])
    owner = np.full(len(parts), -1, np.int64)
    owner[grouped] = np.unique(patch[grouped], return_inverse=True)[1]
    table, runs = parts.joint(grouped, owner)
    groups = _members(owner, len(table))
    lies_in = [
        sorted({judge for part in group for judge in parts.lies_in[part]}) for group in groups
    ]
    judged = _judge(table, groups, parts, lies_in, region.noise.minimum_patch)
    secure = np.bincount(owner[grouped], parts.values("secure")[grouped], len(table))
    secure = secure.astype(np.int64)
    area = np.bincount(owner[grouped], parts.values("area_m2")[grouped], len(table))
    area = np.asarray(area, np.float64)
    listing, rank, place = _listing(
        region, pair, sites, shapes, parts,
        _Joint(table, runs, owner, area, judged, report, lies_in),
    )  # fmt: skip
    joint = border_table(
        table,
        {
            "rank": rank, "state": judged.state, "candidate": judged.candidate,
            "q_value": judged.q_value, "area_m2": area, "secure": secure,
        },
        _lists(lies_in),
        runs,
    )  # fmt: skip
    alone = np.flatnonzero(owner < 0)
    left = parts.moved_table(place).take(pa.array(alone))
    # Border patches of the result: those that stayed alone in their order, then the joint ones.
    number = np.where(owner < 0, np.cumsum(owner < 0) - 1, len(alone) + owner)
    border = BorderPatches(
        pa.concat_tables([left, joint]),
        tuple(border_counts(n, [_renumbered(c, number)]) for n, c in enumerate(parts.counts)),  # type: ignore[arg-type]
        tuple(parts.judges.values()),
    )
    return JoinedPatches(
        listing,
        border,
        tuple(_corrections(n, parts, owner, judged) for n in range(2)),  # type: ignore[arg-type]
        _report(report, parts, grouped, table, judged, secure),
        len(table),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Joint:
    """The joint patches, their runs and areas, that of each part (-1: none), how it was judged."""

    table: PatchTable
    runs: Integers
    owner: Integers
    area_m2: Doubles
    judged: _Fates
    report: PairReport
    lies_in: Sequence[Sequence[int]]


class _Parts:
    """The border patches of all sites in one frame: rows and columns from the first window's."""

    def __init__(
        self,
        frame: Grid,
        table: pa.Table,
        site: Integers,
        runs: Integers,
        counts: tuple[pa.Table, pa.Table],
        judges: tuple[Judge, ...],
    ) -> None:
        self.frame = frame
        self.table = table
        self.site = site
        self.runs = runs
        self.counts = counts
        self.judges = {judge.window: judge for judge in judges}
        self.lies_in: list[list[int]] = table["judges"].to_pylist()

    def __len__(self) -> int:
        return self.table.num_rows

    @classmethod
    def of(cls, sites: Sequence[SitePatches]) -> "_Parts":
        """Put all parts into one frame, and number them and the judges on from site to site."""
        first = sites[0].windows[0].grid
        tables, places, runs, judges = [], [], [np.empty((0, 4), np.int64)], []
        counts: tuple[list[pa.Table], list[pa.Table]] = [], []
        known = windows = 0
        for number, site in enumerate(sites):
            border = site.border
            if border is not None:
                down, across = map(round, first.offset_of(site.windows[0].grid))
                table = _moved(border.table, down, across)
                shifted = [[n + windows for n in each] for each in table["judges"].to_pylist()]
                at = table.schema.get_field_index("judges")
                tables.append(table.set_column(at, table.schema.field(at), _lists(shifted)))
                places += [number] * table.num_rows
                runs.append(_runs_of(tables[-1], known))
                for each, own in zip(counts, border.counts, strict=True):
                    each.append(_renumbered(own, np.arange(table.num_rows) + known))
                judges += [replace(j, window=j.window + windows) for j in border.judges]
                known += table.num_rows
            windows += len(site.windows)
        table = pa.concat_tables([PATCHES.empty_table(), *tables])
        both = [pa.concat_tables([COUNTS[n].empty_table(), *each]) for n, each in enumerate(counts)]
        joined = np.concatenate(runs)
        joined = joined[np.lexsort((joined[:, 1], joined[:, 0]))]
        whole = (both[0], both[1])
        return cls(first, table, np.array(places, np.int64), joined, whole, tuple(judges))

    def values(self, name: str) -> np.ndarray:
        """Return a column of all parts; rates that are missing are NaN."""
        return self.table[name].to_numpy()

    @property
    def fates(self) -> _Fates:
        """Return how the parts' own regions judged them."""
        q_value = self.values("q_value").astype(np.float64)
        return _Fates(self.values("state"), q_value, self.values("candidate").astype(np.bool_))

    def patches(self) -> tuple[Integers, Flags]:
        """Return the joined patch of each part, and of each patch whether it has several parts."""
        part = self.runs[:, 3]
        direction = np.where(self.values("gain") > 0, 2, 1)[part]
        # Runs that go on beyond a border are one; only runs of neighbouring rows are joined below.
        whole, number = joined_runs(np.column_stack([self.runs[:, :3], direction]))
        row, start, stop, direction = whole.T
        top, left = int(row.min(initial=0)), int(start.min(initial=0))
        height = int(row.max(initial=top)) - top + 1
        found = join_runs(row - top, start - left, stop - left, direction.astype(np.uint8), height)
        patch = np.zeros(len(self), np.int64)
        patch[part] = found.label[number]
        return patch, np.bincount(patch, minlength=found.labels) > 1

    def joint(self, chosen: Integers, owner: Integers) -> tuple[PatchTable, Integers]:
        """Return the joint patches of the chosen parts, and their runs in raster order.

        ``owner`` is the joint patch of every part, -1 of those that are not chosen.
        """
        patches = int(owner.max(initial=-1)) + 1
        columns = {name: self.values(name)[chosen] for name in FEATURES}
        columns["first"] = np.zeros(len(chosen), np.int64)
        place = np.full(len(self), -1, np.int64)
        place[chosen] = np.arange(len(chosen))
        cells = self.counts[0]
        part = place[cells["patch"].to_numpy()]
        origins = np.column_stack([
            part, cells["partner"].to_numpy(), cells["pixels"].to_numpy()
        ]).astype(np.int64)[part >= 0]  # fmt: skip
        parts = Parts(columns, origins, np.empty((0, 4), np.int64))
        table = patch_table(parts, owner[chosen], patches)
        runs = np.column_stack([self.runs[:, :3], owner[self.runs[:, 3]]])
        runs, _ = joined_runs(runs[runs[:, 3] >= 0])
        core, sides = _shape(runs, patches)
        return replace(table, core=core, sides=sides), runs

    def moved_table(self, rank: Integers) -> pa.Table:
        """Return the rows of all parts with other ranks."""
        at = self.table.schema.get_field_index("rank")
        return self.table.set_column(at, "rank", pa.array(rank, pa.int32()))


def _lists(values: Sequence[Sequence[int]]) -> pa.Array:
    return pa.array([list(each) for each in values], pa.list_(pa.int32()))


def _members(owner: Integers, owners: int) -> list[list[int]]:
    """Return the parts of each joint patch."""
    found: list[list[int]] = [[] for _ in range(owners)]
    for part in np.flatnonzero(owner >= 0).tolist():
        found[owner[part]].append(part)
    return found


def _renumbered(counts: pa.Table, number: Integers) -> pa.Table:
    patch = number[counts["patch"].to_numpy()].astype(np.int32)
    at = counts.schema.get_field_index("patch")
    return counts.set_column(at, counts.schema.field(at), pa.array(patch))


def _moved(table: pa.Table, down: int, across: int) -> pa.Table:
    """Return border patches so many pixels further down and to the right."""
    count = table["pixels"].to_numpy()
    steps = {
        "row": count * down, "column": count * across, "row_min": down, "row_end": down,
        "column_min": across, "column_end": across,
    }  # fmt: skip
    for name, step in steps.items():
        at = table.schema.get_field_index(name)
        moved = pa.array(table[name].to_numpy() + step)
        table = table.set_column(at, table.schema.field(at), moved)
    for name, step in zip(RUNS, (down, across, across), strict=True):
        at = table.schema.get_field_index(f"run_{name}")
        lists = table.column(at).combine_chunks()
        values = lists.flatten().to_numpy() + np.int32(step)
        lengths = lists.value_lengths().to_numpy()
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        lists = pa.ListArray.from_arrays(pa.array(offsets), pa.array(values, pa.int32()))
        table = table.set_column(at, table.schema.field(at), lists)
    return table


def _runs_of(table: pa.Table, known: int) -> Integers:
    """Return rows (row, start, stop, part) of all runs, parts numbered from ``known``."""
    lists = [table[f"run_{name}"].combine_chunks() for name in RUNS]
    part = np.repeat(np.arange(table.num_rows) + known, lists[0].value_lengths().to_numpy())
    return np.column_stack([*(each.flatten().to_numpy() for each in lists), part]).astype(np.int64)


def _shape(runs: Integers, patches: int) -> tuple[Integers, Integers]:
    """Return the core pixels of each patch (all 8 neighbours in it) and the sides of its outline.

    ``runs`` are rows (row, start, stop, patch) in raster order. Pixels of one direction that touch
    are in one patch, so that no other pixel of the map is needed.
    """
    row, column, patch = pixels_of(*runs.T)
    width = int(column.max(initial=0) - column.min(initial=0)) + 3
    key = (row - row.min(initial=0)) * width + column - column.min(initial=0) + 1
    alike = np.zeros(len(key), np.int64)
    sides = np.zeros(len(key), np.int64)
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            wanted = key + down * width + across
            at = np.searchsorted(key, wanted).clip(max=max(len(key) - 1, 0))
            same = (key[at] == wanted) & (patch[at] == patch)
            alike += same
            sides += ~same & ((down == 0) != (across == 0))
    core = np.bincount(patch, alike == 9, patches)
    return core.astype(np.int64), np.bincount(patch, sides, patches).astype(np.int64)


def _judge(
    table: PatchTable,
    groups: Sequence[Sequence[int]],
    parts: _Parts,
    lies_in: Sequence[Sequence[int]],
    minimum: int,
) -> _Fates:
    """Judge joint patches by the rules of their regions, see above."""
    field, plain, known = is_field(table), table.plain_score, parts.fates
    states, rates, candidates = [], [], []
    for n, group in enumerate(groups):
        own = known.chosen(np.array(group))
        gain = bool(table.direction[n] > 0)
        by = [parts.judges[window] for window in lies_in[n]]
        scores = [float(table.score[n] if judge.uses_confidence else plain[n]) for judge in by]
        kept = bool(table.pixels[n] >= minimum)
        sure = own.state == State.CONFIRMED
        passes = all(
            judge.threshold is not None and score >= judge.threshold
            for judge, score in zip(by, scores, strict=True)
        )
        is_open = kept and gain and not field[n]
        confirmed = bool(sure.all()) or (is_open and (bool(sure.any()) or passes))
        state = State.GAIN if gain else State.LOSS
        if field[n]:
            state = State.GAIN_FIELD if gain else State.LOSS_FIELD
        if not kept:
            state = State.GAIN_SMALL if gain else State.LOSS_SMALL
        unknown = [(j, s) for j, s in zip(by, scores, strict=True) if j.grade == "inconclusive"]
        states.append(State.CONFIRMED if confirmed else state)
        candidates.append(
            gain and kept and bool(unknown)
            and (bool(own.candidate.any()) or bool(field[n]) or all(
                judge.candidate_from is not None and score >= judge.candidate_from
                for judge, score in unknown
            ))
        )  # fmt: skip
        rate = max(judge.rate(score) for judge, score in zip(by, scores, strict=True))
        if sure.any():
            rate = min(float(np.nanmin(own.q_value[sure])), rate)
        hidden = not confirmed and (not is_open or bool(unknown))
        rates.append(np.nan if hidden else rate)
    return _Fates(np.array(states, np.uint8), np.array(rates), np.array(candidates, np.bool_))


def _listing(
    region: Region,
    pair: Pair,
    sites: Sequence[SitePatches],
    shapes: pa.Table,
    parts: _Parts,
    joint: _Joint,
) -> tuple[pa.Table, Integers, Integers]:
    """Return the work list, best score first, then largest, and in it the ranks of patches.

    The ranks are those of the joint patches, and of the parts that stayed alone; 0: not listed.
    """
    table, judged = joint.table, joint.judged
    rank = parts.values("rank").astype(np.int64)
    was_listed = np.zeros(len(table), np.bool_)
    in_joint = joint.owner >= 0
    was_listed[joint.owner[in_joint & (rank > 0)]] = True
    weighted = [
        all(parts.judges[window].uses_confidence for window in each) for each in joint.lies_in
    ]
    score = np.where(np.array(weighted, np.bool_), table.score, table.plain_score)
    least = joint.report.threshold
    good = was_listed | (np.nan_to_num(judged.q_value, nan=1.0) <= LISTED_Q)
    good |= judged.candidate | (judged.state == State.GAIN_FIELD)
    good &= judged.state != State.GAIN_SMALL
    lost = (table.direction < 0) & (was_listed | (score >= (np.inf if least is None else least)))
    chosen = np.flatnonzero(np.where(table.direction > 0, good, lost))
    rows = _joint_rows(region, pair, parts, joint, chosen, score, shapes)
    kept, sources = [], []
    for number, site in enumerate(sites):
        gone = rank[in_joint & (parts.site == number)]
        own = site.listing["rank"].to_numpy()
        mine = np.flatnonzero(~np.isin(own, gone[gone > 0]))
        kept.append(site.listing.take(pa.array(mine)))
        sources.append(np.column_stack([np.full(len(mine), number), own[mine]]))
    kept.append(rows.cast(sites[0].listing.schema) if rows.num_rows else rows.slice(0, 0))
    sources.append(np.column_stack([np.full(len(chosen), len(sites)), chosen]))
    listing, order = ranked(pa.concat_tables(kept))
    source = np.concatenate(sources)[order].tolist()
    place = {(site, key): n for n, (site, key) in enumerate(source, 1)}
    joint_rank = np.array([place.get((len(sites), n), 0) for n in range(len(table))], np.int64)
    alone = [place.get((int(s), int(r)), 0) for s, r in zip(parts.site, rank, strict=True)]
    return listing, joint_rank, np.array(alone, np.int64)


def _joint_rows(
    region: Region,
    pair: Pair,
    parts: _Parts,
    joint: _Joint,
    chosen: Integers,
    score: Doubles,
    shapes: pa.Table,
) -> pa.Table:
    """Return the rows of the work list for the chosen joint patches."""
    table, judged = joint.table.chosen(chosen), joint.judged.chosen(chosen)
    place = np.full(len(joint.table), -1, np.int64)
    place[chosen] = np.arange(len(chosen))
    runs = np.column_stack([joint.runs[:, :3], place[joint.runs[:, 3]]])
    found = ListedPatches(
        table, judged.state, judged.q_value, score[chosen], judged.candidate,
        np.isin(judged.state, (State.GAIN_FIELD, State.LOSS_FIELD)),
        pixels_of(*runs[runs[:, 3] >= 0].T), joint.area_m2[chosen],
    )  # fmt: skip
    return patch_rows(region, pair, parts.frame, shapes, found)


def ranked(listing: pa.Table) -> tuple[pa.Table, Integers]:
    """Return a work list ranked again, best score first, then largest, and the order taken."""
    score, pixels = (listing[name].to_numpy() for name in ("score", "pixels"))
    order = np.lexsort((np.arange(listing.num_rows), -pixels, -score))
    taken = listing.take(pa.array(order))
    ranks = pa.array(np.arange(1, listing.num_rows + 1), pa.int32())
    return taken.set_column(taken.schema.get_field_index("rank"), "rank", ranks), order


def _corrections(owners: int, parts: _Parts, owner: Integers, judged: _Fates) -> pa.Table:
    """Return rows of evidence that take pixels out of one state and put them into another."""
    counts = parts.counts[owners]
    patch = counts["patch"].to_numpy()
    before = parts.fates.state
    after = before.copy()
    after[owner >= 0] = judged.state[owner[owner >= 0]]
    counts = counts.filter(before[patch] != after[patch])
    patch = counts["patch"].to_numpy()
    names = [name for name in COUNTS[owners].names if name not in {"patch", *COUNTED, *MEASURES}]
    secure, partner = (counts[name].to_numpy() for name in ("secure", "partner"))
    pixels, area = counts["pixels"].to_numpy(), whole_cm2(counts["area_mm2"].to_numpy())
    rows = []
    for state, sign in ((before, -1), (after, 1)):
        ends, origin = ends_of(state[patch], secure > 0, partner)
        known = {"state": ends, "origin": origin, "pixels": sign * pixels, "area_cm2": sign * area}
        columns = {name: counts[name] for name in names}
        for name in (*COLUMNS, "pixels", "area_cm2"):
            columns[name] = known[name] if name in known else counts[name]
        rows.append(pa.table(columns))
    return pa.concat_tables(rows)


@dataclass(frozen=True, slots=True)
class _Sums:
    """What patches add to a report."""

    counts: Mapping[str, int]
    removed: Removed
    noise: int
    squares: float
    design: float

    @classmethod
    def of(cls, table: Mapping[str, np.ndarray], fates: _Fates) -> "_Sums":
        """Sum patches; ``table`` holds their pixels, core and secure pixels."""
        pixels, state = table["pixels"], fates.state
        sure = state == State.CONFIRMED
        fields = np.isin(state, (State.GAIN_FIELD, State.LOSS_FIELD))
        noise = pixels[~sure & ~fields].astype(np.float64)
        q, whole = fates.q_value[sure], pixels[sure].astype(np.float64)
        rim = whole - table["core"][sure]
        gains = sure | np.isin(state, (State.GAIN, State.GAIN_FIELD))
        return cls(
            counts={
                "confirmed": int(table["secure"][sure].sum()),
                "confirmed_whole": int(pixels[sure].sum()),
                "confirmed_patches": int(sure.sum()),
                "gain_patches": int(gains.sum()),
                "loss_patches": int(np.isin(state, (State.LOSS, State.LOSS_FIELD)).sum()),
                "candidates": int(fates.candidate.sum()),
                "fields": int((state == State.GAIN_FIELD).sum()),
            },
            removed=Removed(*(int(pixels[state == small].sum()) for small in SMALL)),
            noise=int(noise.sum()),
            squares=float((noise**2).sum()),
            design=float((q * (1 - q) * whole**2).sum() + EDGE_VARIANCE * rim.sum()),
        )


def _report(
    report: PairReport,
    parts: _Parts,
    grouped: Integers,
    table: PatchTable,
    judged: _Fates,
    secure: Integers,
) -> PairReport:
    """Return the report with the joint patches in the place of their parts.

    Parts of one patch err together, so that the variance grows by what its square is larger.
    """
    own = {name: parts.values(name)[grouped] for name in ("pixels", "core", "secure")}
    before = _Sums.of(own, parts.fates.chosen(grouped))
    after = _Sums.of({"pixels": table.pixels, "core": table.core, "secure": secure}, judged)
    counts = {
        name: getattr(report, name) + after.counts[name] - before.counts[name]
        for name in after.counts
    }
    small = report.removed["minimum_patch"]
    design = after.design - before.design
    noise, squares = after.noise - before.noise, after.squares - before.squares
    whole, pixels = counts["confirmed_whole"], noise_pixels(report)
    return replace(
        report,
        **counts,
        removed=dict(report.removed) | {
            "minimum_patch": Removed(
                small.gain + after.removed.gain - before.removed.gain,
                small.loss + after.removed.loss - before.removed.loss,
            )
        },
        variance=max(report.variance + squares + design, 0.0),
        confirmed_design=(report.confirmed_design * report.confirmed_whole + design)
        / max(whole, 1),
        patch_design=(report.patch_design * pixels + squares) / (pixels + noise)
        if pixels + noise > 0
        else 1.0,
    )  # fmt: skip
