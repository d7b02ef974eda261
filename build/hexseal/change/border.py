"""Patches that reach the border of a region, kept so that a merge can join them with others.

What lies beyond the border may continue them. So each is kept with all that adds up when parts are
joined, with its pixels, with the counts of its pixels by hexagon and area, and with the rule by
which its region judged it.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hexseal.change.block import CONDITION
from hexseal.change.features import COLUMNS
from hexseal.change.grading import Grade, Grading
from hexseal.change.maptests import is_field
from hexseal.change.patches import Patches, PatchTable
from hexseal.change.states import WHOLE, State
from hexseal.storage.files import whole_file
from hexseal.storage.workdir import BORDER, WorkFolder
from hexseal.types import Bytes, Doubles, Flags, Integers, Pair

# The order of first pixels follows from the pixels.
FEATURES = tuple(name for name in COLUMNS if name != "first")
RUNS = ("row", "start", "stop")
PATCHES = pa.schema([
    *((name, pa.int64()) for name in FEATURES),
    ("rank", pa.int32()), ("state", pa.uint8()), ("candidate", pa.bool_()),
    ("q_value", pa.float64()), ("area_m2", pa.float64()), ("secure", pa.int64()),
    ("judges", pa.list_(pa.int32())),
    *((f"run_{name}", pa.list_(pa.int32())) for name in RUNS),
])  # fmt: skip
OWNERS = ([("h3", pa.uint64())], [("layer", pa.string()), ("id", pa.string())])
MEASURES = ("pixels", "area_mm2")
# Counts of a patch's pixels: whether the pixel counts as confirmed area if its patch is confirmed,
# and the class that is not Sealed.
COUNTED = (*CONDITION[1:], "secure", "partner")
COUNTS = tuple(
    pa.schema([
        ("patch", pa.int32()), *owner, *((name, pa.uint8()) for name in COUNTED),
        *((name, pa.int64()) for name in MEASURES),
    ])
    for owner in OWNERS
)  # fmt: skip
JUDGES = pa.schema([
    ("window", pa.int32()), ("grade", pa.string()), ("uses_confidence", pa.bool_()),
    ("threshold", pa.float64()), ("candidate_from", pa.float64()),
    ("scores", pa.list_(pa.float64())), ("rates", pa.list_(pa.float64())),
])  # fmt: skip
# Rates above this are of no use to anybody.
LISTED_Q = 0.5


@dataclass(frozen=True, slots=True)
class Judge:
    """How a region judges a patch by its score.

    ``window`` is its place in the build record. ``threshold`` is the least score that it
    confirmed, ``candidate_from`` the least that stood out where nothing could be confirmed; whole
    fields aside, and None where there was none. A gain scoring at least ``scores[i]`` (ascending)
    has a rate of false patches of ``rates[i]``.
    """

    window: int
    grade: Grade
    uses_confidence: bool
    threshold: float | None
    candidate_from: float | None
    scores: tuple[float, ...] = ()
    rates: tuple[float, ...] = ()

    @classmethod
    def of(cls, table: Patches, grading: Grading) -> "Judge":
        """Return how the only region of a build judged its patches."""
        field, sure = grading.field.copy(), np.flatnonzero(grading.confirmed)
        field[sure] = is_field(table.chosen(sure))
        usual = ~field & (np.nan_to_num(grading.q_value, nan=1.0) <= LISTED_Q)
        scores, rates = _steps(grading.score[usual], grading.q_value[usual])
        return cls(
            window=0,
            grade=grading.grade,
            uses_confidence=grading.uses_confidence,
            threshold=_least(grading.score[grading.confirmed & ~field]),
            candidate_from=_least(grading.score[grading.candidate & ~field]),
            scores=tuple(scores.tolist()),
            rates=tuple(rates.tolist()),
        )

    def rate(self, score: float) -> float:
        """Return the rate of false patches among the region's gains that score so at least.

        >>> judge = Judge(0, "consistent", False, 8.0, None, (5.0, 8.0), (0.3, 0.1))
        >>> [judge.rate(score) for score in (4.0, 7.0, 90.0)]
        [1.0, 0.3, 0.1]
        """
        place = int(np.searchsorted(self.scores, score, "right"))
        return self.rates[place - 1] if place else 1.0


def _least(scores: Doubles) -> float | None:
    return float(scores.min()) if len(scores) else None


def _steps(scores: Doubles, rates: Doubles) -> tuple[Doubles, Doubles]:
    """Return the scores at which the rate falls, and the rates from there on."""
    order = np.lexsort((-rates, scores))
    scores, rates = scores[order], rates[order]
    first = np.concatenate([np.ones(min(len(rates), 1), np.bool_), rates[1:] < rates[:-1]])
    return scores[first], rates[first]


@dataclass(frozen=True, slots=True, eq=False)
class BorderPatches:
    """The patches of a pair that reach the border of a region or of a part of it.

    ``table`` (PATCHES) has one row for each: features that add up, its ``rank`` in the work list
    (0: not listed), the State of its pixels, how many of them ``secure`` would make confirmed area,
    the judges of the windows that it lies in, and its pixels as runs; rows and columns count from
    the corner of the first window in the build record. ``counts`` (COUNTS) are its pixels by
    hexagon and by area.
    """

    table: pa.Table
    counts: tuple[pa.Table, pa.Table]
    judges: tuple[Judge, ...]

    def write(self, folder: WorkFolder, pair: Pair) -> None:
        """Write the files of a pair."""
        columns = [[getattr(judge, each.name) for judge in self.judges] for each in fields(Judge)]
        judges = pa.table(columns, schema=JUDGES)
        for name, table in zip(BORDER, (self.table, *self.counts, judges), strict=True):
            with whole_file(folder.border(pair, name)) as partial:
                pq.write_table(table, partial, compression="zstd")

    @classmethod
    def read(cls, folder: WorkFolder, pair: Pair) -> "BorderPatches":
        """Return what ``write`` wrote."""
        tables = [pq.read_table(folder.border(pair, name)) for name in BORDER]
        judges = [
            Judge(**row | {name: tuple(row[name]) for name in ("scores", "rates")})
            for row in tables[3].to_pylist()
        ]
        return cls(tables[0], (tables[1], tables[2]), tuple(judges))


def features_of(table: PatchTable) -> dict[str, Integers]:
    """Return the whole numbers that patches add up to: FEATURES."""
    count = table.pixels

    def total(mean: Doubles) -> Integers:
        return np.round(mean * count).astype(np.int64)

    sure = np.isnan(table.confidence)
    known = {
        "gain": np.where(table.direction > 0, count, 0),
        "row": total(table.row_mean),
        "column": total(table.column_mean),
        "confidence": np.where(sure, -count, total(np.nan_to_num(table.confidence))),
        "score": np.round(table.score * WHOLE).astype(np.int64),
    }
    return {name: known.get(name, getattr(table, name, None)) for name in FEATURES}  # type: ignore[misc]


def joined_runs(runs: Integers) -> tuple[Integers, Integers]:
    """Join runs, rows (row, start, stop, patch) in raster order, that follow each other.

    Returns them, and the number of the one that each run went into.

    >>> runs, number = joined_runs(np.array([[0, 1, 3, 7], [0, 3, 4, 7], [0, 5, 6, 7]]))
    >>> runs.tolist(), number.tolist()
    ([[0, 1, 4, 7], [0, 5, 6, 7]], [0, 0, 1])
    """
    if not len(runs):
        return runs, np.empty(0, np.int64)
    row, start, stop, patch = runs.T
    goes_on = (row[1:] == row[:-1]) & (start[1:] == stop[:-1]) & (patch[1:] == patch[:-1])
    begins = np.concatenate([[True], ~goes_on])
    first = np.flatnonzero(begins)
    last = np.concatenate([first[1:] - 1, [len(runs) - 1]])
    joined = np.column_stack([row[first], start[first], stop[last], patch[first]])
    return joined, np.cumsum(begins) - 1


def as_lists(values: Integers, owner: Integers, owners: int) -> pa.Array:
    """Return values, in the order of their owners, as one list for each owner."""
    offsets = np.searchsorted(owner, np.arange(owners + 1)).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values.astype(np.int32)))


def border_table(
    table: PatchTable,
    judgement: dict[str, Any],
    judges: pa.Array,
    runs: Integers,
) -> pa.Table:
    """Return the rows of PATCHES of some patches.

    ``judgement`` holds the columns from ``rank`` to ``secure``, ``runs`` rows (row, start, stop,
    place in ``table``) in raster order.
    """
    runs, _ = joined_runs(runs)
    runs = runs[np.argsort(runs[:, 3], kind="stable")]
    lists = {f"run_{name}": as_lists(runs[:, n], runs[:, 3], len(table)) for n, name in
             enumerate(RUNS)}  # fmt: skip
    columns = {**features_of(table), **judgement, "judges": judges, **lists}
    arrays = [
        columns[each.name] if isinstance(columns[each.name], pa.Array)
        else pa.array(columns[each.name], each.type, from_pandas=True)
        for each in PATCHES
    ]  # fmt: skip
    return pa.table(arrays, schema=PATCHES)


def border_counts(owners: int, tables: list[pa.Table]) -> pa.Table:
    """Return counts of patches' pixels, one row for each kind, from tables with the same columns.

    ``owners`` is the place in OWNERS. The order does not depend on how the region was cut.
    """
    schema = COUNTS[owners]
    keys = [name for name in schema.names if name not in MEASURES]
    both = pa.concat_tables([schema.empty_table(), *(table.cast(schema) for table in tables)])
    summed = both.group_by(keys).aggregate([(name, "sum") for name in MEASURES])
    summed = summed.rename_columns([*keys, *MEASURES]) if summed.num_rows else schema.empty_table()
    summed = summed.select(schema.names).cast(schema)
    summed = summed.filter(np.not_equal(summed["pixels"].to_numpy(), 0))
    return summed.sort_by([(name, "ascending") for name in keys]).combine_chunks()


def ends_of(outcome: Bytes, secure: Flags, partner: Bytes) -> tuple[Bytes, Bytes]:
    """Return the State that pixels of patches end in, and the former class of the confirmed.

    ``outcome`` is that of the pixel's patch; of a confirmed one, only secure pixels are confirmed
    area.
    """
    ends = np.where((outcome == State.CONFIRMED) & ~secure, State.CONFIRMED_EDGE, outcome)
    return ends.astype(np.uint8), np.where(ends == State.CONFIRMED, partner, 0).astype(np.uint8)
