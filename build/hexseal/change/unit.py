"""One unit of a region: read in stripes that roll, judged in blocks, kept as Parquet files.

Every block of the files in a unit is decoded once: rows are read along the blocks of the files,
and the last rows of a stripe stay for the next one. Memory follows the width of a unit, not that
of the region.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import ParamSpec, TypeVar

import numpy as np
import pyarrow as pa

from hexseal.change.block import (
    CHANGE,
    CONDITION,
    HALO,
    STATE_COUNT,
    BlockCensus,
    BlockFindings,
    BlockJudge,
    Layers,
    PairFindings,
    PairPlan,
    Rows,
)
from hexseal.change.codes import Own
from hexseal.change.features import COLUMNS
from hexseal.change.grading import DoubtfulPlaces
from hexseal.check.census import Census
from hexseal.counting.tally import WindowCounter
from hexseal.execution import UnitStore, UnitWriter
from hexseal.raster.grid import Grid, Window
from hexseal.raster.joint import ClassJoiner
from hexseal.raster.landcover import Landcover
from hexseal.raster.registration import EdgeSums
from hexseal.raster.stack import YearStack
from hexseal.region.load import Region, is_remote
from hexseal.types import Bytes, Integers
from hexseal.vector.polygons import Polygons

# Rows of a stripe and columns of a block; blocks of cloud-optimised rasters are 512 or 1024.
STEP = 2048
# Confidence and post-processing layers hold nothing where no tile lies.
OUTSIDE = 254
OWNERS = ("cells", "zones")
P = ParamSpec("P")
T = TypeVar("T")
Block = tuple[Own, Window, Layers]
# Among the facts of a unit, beside those of its pairs.
CENSUS = "census"


@dataclass(frozen=True, slots=True, eq=False)
class UnitTask:
    """What a worker needs to know to read one unit; ``window`` is its place in the region.

    ``frame`` is the region's place in the files. Without ``has_cells`` only areas are counted.
    ``threads`` judge blocks, and as many read the next ones meanwhile. A ``reason`` says why the
    unit cannot be read: all of its pixels are no data.
    """

    region: Region
    grid: Grid
    frame: Window
    zones: Polygons
    window: Window
    store: UnitStore
    doubtful: tuple[DoubtfulPlaces, ...] = ()
    has_cells: bool = True
    threads: int = 1
    reason: str = ""

    def pool(self) -> Executor:
        """Return the threads that judge, or read; a single one of local files does one at a time.

        What comes over a network is read while the blocks before it are judged.
        """
        remote = any(is_remote(epoch.landcover) for epoch in self.region.epochs)
        return ThreadPoolExecutor(self.threads) if self.threads > 1 or remote else _AtOnce()

    @property
    def meets_zone(self) -> bool:
        """Return whether an area may reach into the unit."""
        window = self.window
        frame = window.column, window.row, window.width, window.height
        return self.zones.within(self.zones.boxes(), frame).owners.size > 0

    @property
    def name(self) -> str:
        """Return what the unit is called: its first row and column in the files, and its size."""
        window, frame = self.window, self.frame
        place = f"r{window.row + frame.row}-c{window.column + frame.column}"
        return f"{place}-{window.height}x{window.width}"


class _AtOnce(Executor):
    """Runs what is submitted at once, on the thread that submits it."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Return the finished future of a call."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as err:  # noqa: BLE001 - who asks for the result receives it
            future.set_exception(err)
        return future


def read_unit(task: UnitTask) -> int:
    """Read a unit and write its tables; return its number of pixels.

    Raises InputError where a file cannot be read or holds a code that the product does not have.
    """
    with task.store.writing(task.name) as unit:
        findings = _Findings(task.region, unit)
        _judge_blocks(task, findings)
        unit.facts.update(findings.facts() | {"reason": task.reason})
    return task.window.height * task.window.width


def _judge_blocks(task: UnitTask, findings: "_Findings") -> None:
    """Read the blocks of a unit and write what each shows."""
    judge = block_judge(task)
    waiting: deque[tuple[int, Future[list[BlockFindings]]]] = deque()
    with task.pool() as pool, _UnitReader(task) as reader:
        try:
            for number, stripe in enumerate(reader.stripes()):
                for own, window, layers in stripe:
                    waiting.append((number, pool.submit(judge.judge_parts, layers, own, window)))
                    while waiting and waiting[0][1].done():
                        findings.add(waiting.popleft()[1].result())
                # The next stripe is read into the memory of the one before this.
                while waiting and waiting[0][0] < number:
                    findings.add(waiting.popleft()[1].result())
            while waiting:
                findings.add(waiting.popleft()[1].result())
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def block_judge(task: UnitTask) -> BlockJudge:
    """Return what judges the blocks of a unit."""
    region = task.region
    joiner = ClassJoiner(region.product)
    resolution = region.hexagons.finest if task.has_cells else None
    counter = WindowCounter(task.grid, joiner, resolution, task.zones)
    return BlockJudge(
        counter, joiner, region.product, region.noise, plans_of(region), task.doubtful,
        takes_census=task.has_cells and not task.doubtful,
    )  # fmt: skip


def plans_of(region: Region) -> tuple[PairPlan, ...]:
    """Return the places of each pair's years, and of the years that can contradict it."""
    return tuple(_plan(region, *map(region.years.index, pair)) for pair in region.pairs)


def _plan(region: Region, first: int, second: int) -> PairPlan:
    # Of densities, no third year is sealed or not: it takes nothing back.
    if not region.noise.three_dates or region.product.is_density or second != first + 1:
        return PairPlan(first, second)
    later = second + 1
    # A forward year repeats the map before it wherever the model saw no change: no witness.
    has_later = later < len(region.epochs) and region.epochs[later].forward is None
    return PairPlan(first, second, first - 1 if first else None, later if has_later else None)


class _UnitReader:
    """Read the blocks of a unit with their neighbours; use it as a context."""

    def __init__(self, task: UnitTask) -> None:
        self.task = task
        region, frame = task.region, task.frame
        self.classes = YearStack(region, frame)
        judged = bool(region.pairs)
        use = judged and region.noise.post_processing
        self.confidence = [self._layer(e.confidence if judged else None) for e in region.epochs]
        self.repaired = [self._layer(e.post_processing if use else None) for e in region.epochs]
        self.stack = ExitStack()

    def _layer(self, address: str | None) -> YearStack | None:
        if address is None:
            return None
        return YearStack(self.task.region, self.task.frame, addresses=[address], fill=OUTSIDE)

    def __enter__(self) -> "_UnitReader":
        for reader in (self.classes, *self.confidence, *self.repaired):
            if reader is not None:
                self.stack.enter_context(reader)
        self.pool = self.stack.enter_context(self.task.pool())
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def stripes(self) -> Iterator[list[Block]]:
        """Yield the blocks of each stripe: own rows and columns in the layers, place, layers.

        Layers are views of memory that the next but one stripe is read into.
        """
        unit, grid = self.task.window, self.task.grid
        west = max(0, unit.column - HALO)
        for top, first, end, planes in self._stripes():
            blocks: list[Block] = []
            for left, right in _steps(unit.column, unit.width, self.task.frame.column):
                low, high = max(0, left - HALO), min(grid.width, right + HALO)
                part = planes[:, :, low - west : high - west]
                own = first - top, end - top, left - low, right - low
                window = Window(first, left, end - first, right - left)
                blocks.append((own, window, self._split(part)))
            yield blocks

    def _stripes(self) -> Iterator[tuple[int, int, int, Bytes]]:
        """Yield the first row held, the first and end row that are the stripe's own, and planes."""
        unit, grid = self.task.window, self.task.grid
        top, first, last = max(0, unit.row - HALO), unit.row, unit.row + unit.height
        stop = min(grid.height, last + HALO)
        ready, offset = top, self.task.frame.row
        rows = min(STEP + 3 * HALO, stop - top)
        shape = len(self._fills()), rows, self._width
        planes, other = np.empty(shape, np.uint8), None
        while first < last:
            coming = min(stop, ((ready + offset) // STEP + 1) * STEP - offset)
            self._read(ready, planes[:, ready - top : coming - top])
            ready = coming
            end = last if ready == stop else min(last, ready - HALO)
            if end <= first:
                continue
            yield top, first, end, planes[:, : ready - top]
            keep = max(top, end - HALO)
            if end < last:
                other = np.empty(shape, np.uint8) if other is None else other
                other[:, : ready - keep] = planes[:, keep - top : ready - top]
                planes, other = other, planes
            top, first = keep, end

    @property
    def _width(self) -> int:
        """Return the columns of the unit and of its neighbours at either side."""
        unit = self.task.window
        right = min(self.task.grid.width, unit.column + unit.width + HALO)
        return right - max(0, unit.column - HALO)

    def _fills(self) -> list[int]:
        """Return what each plane holds where nothing was mapped."""
        layers = [layer for layer in (*self.confidence, *self.repaired) if layer is not None]
        return [self.classes.fill] * len(self.classes.addresses) + [OUTSIDE] * len(layers)

    def _readers(self) -> list[Landcover]:
        """Return the rasters of every plane: classes, confidence, post-processing by year."""
        stacks = (self.classes, *self.confidence, *self.repaired)
        return [raster for stack in stacks if stack is not None for raster in stack.rasters()]

    def _read(self, first: int, planes: Bytes) -> None:
        """Read rows from ``first`` on into planes, shape (layers, rows, columns)."""
        if self.task.reason:
            planes[:] = np.array(self._fills(), np.uint8)[:, None, None]
            return
        left = max(0, self.task.window.column - HALO)
        window = Window(first, left, planes.shape[1], planes.shape[2])
        window = window.moved(self.task.frame.row, self.task.frame.column)
        # Each file is read by one thread at a time.
        reads = [
            self.pool.submit(raster.read, window, out=plane)
            for raster, plane in zip(self._readers(), planes, strict=True)
        ]
        for done in reads:
            done.result()

    def _split(self, planes: Bytes) -> Layers:
        coming = iter(planes)
        whole = tuple(next(coming) for _ in self.task.region.epochs)
        confidence, repaired = (
            tuple(None if reader is None else next(coming) for reader in some)
            for some in (self.confidence, self.repaired)
        )
        return Layers(whole, confidence, repaired)


def _steps(start: int, length: int, offset: int) -> list[tuple[int, int]]:
    """Cut an axis at the multiples of STEP of the files, which begin ``offset`` before it.

    A last piece too narrow to hide what a block costs joins the one before.
    """
    end = start + length
    inner = range(((start + offset) // STEP + 1) * STEP - offset, end - STEP // 4, STEP)
    edges = [start, *inner, end]
    return list(pairwise(edges))


@dataclass(slots=True)
class _PairSums:
    """What a pair shows in the blocks seen so far; labels run on from block to block."""

    labels: int = 0
    states: Integers = field(default_factory=lambda: np.zeros(STATE_COUNT, np.int64))
    edges: EdgeSums = field(default_factory=EdgeSums.none)
    contrast: Integers = field(default_factory=lambda: np.zeros((2, 4), np.int64))


class _Findings:
    """Write the findings of blocks into the files of a unit as they come, and sum the rest."""

    def __init__(self, region: Region, unit: UnitWriter) -> None:
        self.unit = unit
        self.years = region.years
        self.keys = [pair.key for pair in region.pairs]
        self.sums = [_PairSums() for _ in self.keys]
        self.epochs = region.epochs
        self.census = Census.none(len(region.years), len(region.pairs))

    def add(self, blocks: Sequence[BlockFindings]) -> None:
        """Add what the parts of a block show."""
        for block in blocks:
            self._add_block(block)

    def _add_block(self, block: BlockFindings) -> None:
        names = [f"class_{year}" for year in self.years]
        for owner, rows in zip(OWNERS, block.counts, strict=True):
            classes = block.classes[rows.columns[:, 0]]
            self.unit.add(owner, _table(rows, names, classes))
        for key, sums, pair in zip(self.keys, self.sums, block.pairs, strict=True):
            self._add_pair(key, sums, pair)
        if block.census is not None:
            self._add_census(block.census)

    def _add_census(self, found: BlockCensus) -> None:
        # A layer that several years share is counted once.
        masks = {
            address: counts
            for epoch, sure, repaired in zip(
                self.epochs, found.confidence, found.repaired, strict=True
            )
            for address, counts in ((epoch.confidence, sure), (epoch.post_processing, repaired))
            if address is not None and counts is not None
        }
        self.census.add(replace(found.codes, masks=masks))

    def _add_pair(self, key: str, sums: _PairSums, pair: PairFindings) -> None:
        sums.states = sums.states + pair.states
        sums.edges = sums.edges + pair.edges
        sums.contrast = sums.contrast + pair.contrast
        for owner, still, changed in zip(OWNERS, pair.still, pair.changed, strict=True):
            self.unit.add(f"still_{key}_{owner}", _table(still, CONDITION, still.columns))
            columns = _shifted(changed.columns, 0, sums.labels)
            self.unit.add(f"changed_{key}_{owner}", _table(changed, CHANGE, columns))
        self.unit.add(f"patches_{key}", _plain(COLUMNS, pair.parts))
        for name, columns, table, place in (
            ("origins", ("label", "class", "pixels"), pair.origins, 0),
            ("runs", ("row", "start", "stop", "label"), pair.runs, 3),
            ("border", ("row", "column", "direction", "label"), pair.border, 3),
        ):
            self.unit.add(f"{name}_{key}", _plain(columns, _shifted(table, place, sums.labels)))
        sums.labels += len(pair.parts)

    def facts(self) -> dict[str, object]:
        """Return the census, and the sums of each pair by its key."""
        pairs = {
            key: {
                "states": sums.states.tolist(),
                "left": sums.edges.left.tolist(),
                "right": sums.edges.right.tolist(),
                "contrast": sums.contrast.tolist(),
            }
            for key, sums in zip(self.keys, self.sums, strict=True)
        }
        return {CENSUS: self.census.to_facts(), **pairs}


def _shifted(table: Integers, place: int, labels: int) -> Integers:
    """Return a table with the labels of one column, where there is one, counted from ``labels``."""
    shifted = table.copy()
    shifted[:, place] += np.where(table[:, place] >= 0, labels, 0)
    return shifted


def _table(rows: Rows, names: Sequence[str], columns: np.ndarray) -> pa.Table:
    """Return rows as a table; small numbers are bytes."""
    kinds = [pa.int64() if name == "label" else pa.uint8() for name in names]
    arrays = [
        pa.array(np.ascontiguousarray(column)).cast(kind)
        for column, kind in zip(columns.T, kinds, strict=True)
    ]
    whole = [pa.array(rows.pixels), pa.array(rows.area_mm2), pa.array(rows.whole)]
    return pa.table(
        [pa.array(rows.owner), *arrays, *whole],
        names=["owner", *names, "pixels", "area_mm2", "whole"],
    )


def _plain(names: Sequence[str], table: Integers) -> pa.Table:
    columns = [pa.array(np.ascontiguousarray(column)) for column in table.T]
    return pa.table(columns, names=list(names))
