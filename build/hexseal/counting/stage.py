"""Files of counts per hexagon and area, and counting of windows on threads.

Windows of the raster give partial counts that DuckDB sums. Memory depends on the window, not on
the raster.
"""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hexseal import __version__
from hexseal.counting.grouping import grouped
from hexseal.counting.tally import MM2_PER_CM2, WindowCounter, WindowCounts
from hexseal.progress import Progress
from hexseal.raster.grid import Window
from hexseal.region.load import Region
from hexseal.storage.database import connect, run
from hexseal.storage.files import whole_file
from hexseal.types import Bytes, Flags, Integers
from hexseal.vector.zones import Zones

WINDOWS_AHEAD = 1
# So many rows of counts are summed in memory, more by a database that spills to the disk.
MOST_ROWS, BATCH_ROWS = 1 << 20, 100_000
# Counts are read once, soon and whole: quick to write matters more than small.
PARQUET: dict[str, Any] = {"compression": "lz4", "use_dictionary": False, "write_statistics": False}


@dataclass(frozen=True, slots=True)
class DeltaSummary:
    """What was counted: the size of the region's window in pixels and the grid it lies on."""

    columns: int
    rows: int
    grid: str
    areas: int

    @property
    def pixels(self) -> int:
        """Return the number of pixels counted."""
        return self.columns * self.rows


def counted_settings(region: Region) -> tuple[object, ...]:
    """Return the settings that counts depend on, as plain values."""
    return (
        __version__,
        tuple(region.window) if region.window else None,
        sorted(region.product.valid),
        sorted(region.product.nodata),
        region.years,
        region.hexagons.finest,
        [sorted(asdict(layer).items(), key=lambda item: item[0]) for layer in region.areas],
    )


def counted_files(region: Region) -> list[str]:
    """Return the rasters and area files of a region."""
    addresses = [epoch.landcover for epoch in region.epochs]
    return addresses + [layer.path for layer in region.areas]


class Bands(Protocol):
    """Bands of one shape that are read window by window, from any thread."""

    def read(self, window: Window) -> tuple[Bytes, ...]:
        """Return every band in a window."""
        ...

    def windows(self) -> list[Window]:
        """Return the windows that cover all, row by row."""
        ...


def count_windows(
    reader: Bands, counter: WindowCounter, workers: int | None, progress: Progress
) -> Iterator[WindowCounts]:
    """Count windows on ``workers`` threads (None: one per core); yield them in their own order.

    Windows without an area are passed over when only areas are counted.
    """
    workers = workers or os.cpu_count() or 1

    def count(window: Window) -> WindowCounts:
        return counter.count(window, reader.read(window))

    windows = reader.windows()
    if counter.resolution is None:
        windows = [window for window in windows if counter.touches_zone(window)]
    waiting: deque[Future[WindowCounts]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            ahead = iter(windows)
            for done in range(len(windows)):
                while len(waiting) < workers + WINDOWS_AHEAD and (item := next(ahead, None)):
                    waiting.append(pool.submit(count, item))
                yield waiting.popleft().result()
                progress("count", done + 1, len(windows))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


class CountFiles:
    """Tables of counts by cell and by area, written window by window.

    Counts of cells that lie in one window are written at once; those of cells and areas that
    several windows share are summed in the end: in memory, or where they are more than MOST_ROWS
    by DuckDB from a neighbouring file.
    ``targets`` are the two files; other ``columns`` than the classes of the years may be given.
    """

    def __init__(
        self,
        targets: tuple[Path, Path],
        years: tuple[int, ...],
        zones: Zones,
        *,
        columns: tuple[str, ...] | None = None,
    ) -> None:
        columns = columns or tuple(f"class_{year}" for year in years)
        measures = [(column, pa.uint8()) for column in columns]
        measures += [("pixels", pa.int64())]
        exact, rounded = ([*measures, (name, pa.int64())] for name in ("area_mm2", "area_cm2"))
        names = ([("h3", pa.uint64())], [("layer", pa.string()), ("id", pa.string())])
        self.cells, self.zones = (pa.schema([*owner, *rounded]) for owner in names)
        self.parts = [pa.schema([*owner, *exact]) for owner in names]
        self.names = zones.table.select(["layer", "id"]).combine_chunks()
        self.held: list[list[_Shared]] = [[], []]
        self.files = targets
        self.stack = ExitStack()

    def __enter__(self) -> Self:
        self.targets = [self.stack.enter_context(whole_file(path)) for path in self.files]
        self.shared = [path.with_name(f".{path.stem}-shared.parquet") for path in self.files]
        self.spilled: list[pq.ParquetWriter | None] = [None, None]
        self.writers = [
            self.stack.enter_context(pq.ParquetWriter(path, schema, **PARQUET))
            for path, schema in zip(self.targets, (self.cells, self.zones), strict=True)
        ]
        return self

    def __exit__(self, *failure: Any) -> None:
        self.stack.__exit__(*failure)

    def add(self, counts: WindowCounts) -> None:
        """Write the counts of one window."""
        for rows, add in ((counts.cells, self.add_cells), (counts.zones, self.add_zones)):
            classes = [np.ascontiguousarray(column) for column in counts.classes[rows.code].T]
            add(rows.owner, [*classes, rows.pixels, rows.area_mm2], rows.whole)

    def add_cells(
        self, owner: NDArray[np.uint64], measures: Sequence[np.ndarray], whole: Flags
    ) -> None:
        """Write counts of cells: the columns, pixels and mm²; nothing adds to a ``whole`` row."""
        if whole.any():
            *columns, area = (column[whole] for column in measures)
            arrays = [pa.array(column) for column in (owner[whole], *columns, whole_cm2(area))]
            self.writers[0].write_table(pa.table(arrays, schema=self.cells))
        if not whole.all():
            self._hold(0, _Shared.of(owner[~whole], [column[~whole] for column in measures]))

    def add_zones(
        self, owner: NDArray[np.uint64], measures: Sequence[np.ndarray], whole: Flags
    ) -> None:
        """Write counts of areas, which are given by their number."""
        if len(owner):
            self._hold(1, _Shared.of(owner, measures))

    def _hold(self, place: int, rows: "_Shared") -> None:
        held = self.held[place]
        held.append(rows)
        if sum(len(each.owner) for each in held) > MOST_ROWS:
            # Rows of cells and areas that later windows share become one.
            held[:] = [_Shared.joined(held).summed()]
            if len(held[0].owner) > MOST_ROWS // 2:
                self._spill(place)

    def _spill(self, place: int) -> None:
        """Write the rows that are held into the neighbouring file."""
        writer = self.spilled[place]
        if writer is None:
            path = self.shared[place]
            self.stack.callback(path.unlink, missing_ok=True)
            writer = self.stack.enter_context(pq.ParquetWriter(path, self.parts[place], **PARQUET))
            self.spilled[place] = writer
        for rows in self.held[place]:
            columns = [
                *self._owners(place, rows.owner),
                *rows.columns.T,
                rows.pixels,
                rows.area_mm2,
            ]
            arrays = [
                column if isinstance(column, pa.Array) else pa.array(column).cast(field.type)
                for column, field in zip(columns, self.parts[place], strict=True)
            ]
            writer.write_table(pa.table(arrays, schema=self.parts[place]))
        self.held[place].clear()

    def _owners(self, place: int, owner: NDArray[np.uint64]) -> list[pa.Array]:
        """Return the columns that name cells or areas."""
        return [pa.array(owner)] if place == 0 else self.names.take(pa.array(owner)).columns

    def finish(self) -> None:
        """Sum what several windows share and put it behind the rest."""
        for place, target in enumerate(self.writers):
            writer = self.spilled[place]
            if writer is None:
                self._sum_held(place, target)
                continue
            self._spill(place)
            writer.close()
            with connect(self.files[0].parent) as database:
                run(database, "sum_counts", values={"parts": str(self.shared[place])})
                for batch in database.to_arrow_reader(BATCH_ROWS):
                    target.write_batch(batch.cast(target.schema))

    def _sum_held(self, place: int, target: pq.ParquetWriter) -> None:
        """Write the sums of what is held, as sum_counts.sql returns them."""
        if not self.held[place]:
            return
        rows = _Shared.joined(self.held[place])
        names = np.zeros(0, np.uint64)
        if place:
            # Areas come in the order of their names, not of their numbers.
            keys = list(zip(*(column.to_pylist() for column in self.names.columns), strict=True))
            numbers = {key: number for number, key in enumerate(keys)}
            names = np.array([numbers[key] for key in sorted(numbers)], np.uint64)
            ranks = {key: rank for rank, key in enumerate(sorted(numbers))}
            rows = replace(
                rows, owner=np.array([ranks[key] for key in keys], np.uint64)[rows.owner]
            )
        rows = rows.summed()
        kept = rows.pixels != 0
        owner = names[rows.owner[kept]] if place else rows.owner[kept]
        measures = [*rows.columns[kept].T, rows.pixels[kept], whole_cm2(rows.area_mm2[kept])]
        columns = [*self._owners(place, owner), *(pa.array(column) for column in measures)]
        arrays = [
            column.cast(field.type) for column, field in zip(columns, target.schema, strict=True)
        ]
        for batch in pa.table(arrays, schema=target.schema).to_batches(BATCH_ROWS):
            target.write_batch(batch)


@dataclass(frozen=True, slots=True, eq=False)
class _Shared:
    """Rows of counts that several windows may share; ``columns`` has shape (rows, columns)."""

    owner: NDArray[np.uint64]
    columns: Integers
    pixels: Integers
    area_mm2: Integers

    @classmethod
    def of(cls, owner: NDArray[np.uint64], measures: Sequence[np.ndarray]) -> "_Shared":
        """Return rows of an owner and measures: some columns, pixels and mm²."""
        *columns, pixels, area = measures
        return cls(owner, np.column_stack(columns).astype(np.int64), pixels, area)

    @classmethod
    def joined(cls, parts: "Sequence[_Shared]") -> "_Shared":
        """Return the rows of all parts."""
        columns = ([getattr(part, name) for part in parts] for name in cls.__slots__)
        return cls(*map(np.concatenate, columns))

    def summed(self) -> "_Shared":
        """Return one row for each owner and columns, in ascending order."""
        order, first = grouped(self.owner, self.columns)
        kinds = order[first]
        return _Shared(
            self.owner[kinds], self.columns[kinds],
            np.add.reduceat(self.pixels[order], first),
            np.add.reduceat(self.area_mm2[order], first),
        )  # fmt: skip


def whole_cm2(area_mm2: Integers) -> Integers:
    """Return areas rounded to whole square centimetres, halves up.

    >>> whole_cm2(np.array([149, 150, 99_950])).tolist()
    [1, 2, 1000]
    """
    return (area_mm2 + MM2_PER_CM2 // 2) // MM2_PER_CM2
