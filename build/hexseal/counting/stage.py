"""Files of counts per hexagon and area, and counting of windows on threads.

Windows of the raster give partial counts that DuckDB sums. Memory depends on the window, not on
the raster.
"""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hexseal import __version__
from hexseal.counting.tally import MM2_PER_CM2, WindowCounter, WindowCounts
from hexseal.progress import Progress
from hexseal.raster.grid import Window
from hexseal.region.load import Region
from hexseal.storage.database import connect, run
from hexseal.storage.files import whole_file
from hexseal.types import Bytes, Flags, Integers
from hexseal.vector.zones import Zones

WINDOWS_AHEAD = 1
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
    several windows share go through a neighbouring file, which DuckDB sums in the end.
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
        self.files = targets
        self.stack = ExitStack()

    def __enter__(self) -> Self:
        self.targets = [self.stack.enter_context(whole_file(path)) for path in self.files]
        self.shared = [path.with_name(f".{path.stem}-shared.parquet") for path in self.files]
        for path in self.shared:
            self.stack.callback(path.unlink, missing_ok=True)
        self.writers = [
            self.stack.enter_context(pq.ParquetWriter(path, schema, **PARQUET))
            for path, schema in zip(
                (*self.targets, *self.shared), (self.cells, self.zones, *self.parts), strict=True
            )
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
        target, _, shared, _ = self.writers
        for writer, chosen in ((target, whole), (shared, ~whole)):
            if not chosen.any():
                continue
            *columns, area = (column[chosen] for column in measures)
            area = whole_cm2(area) if writer is target else area
            columns = [pa.array(column) for column in (owner[chosen], *columns, area)]
            writer.write_table(pa.table(columns, schema=writer.schema))

    def add_zones(
        self, owner: NDArray[np.uint64], measures: Sequence[np.ndarray], whole: Flags
    ) -> None:
        """Write counts of areas, which are given by their number."""
        writer = self.writers[3]
        names = self.names.take(pa.array(owner)).columns
        columns = [*names, *(pa.array(column) for column in measures)]
        writer.write_table(pa.table(columns, schema=writer.schema))

    def finish(self) -> None:
        """Sum what several windows share and put it behind the rest."""
        for writer in self.writers[2:]:
            writer.close()
        with connect(self.files[0].parent) as database:
            for path, writer in zip(self.shared, self.writers[:2], strict=True):
                run(database, "sum_counts", values={"parts": str(path)})
                for batch in database.to_arrow_reader(100_000):
                    writer.write_batch(batch.cast(writer.schema))


def whole_cm2(area_mm2: Integers) -> Integers:
    """Return areas rounded to whole square centimetres, halves up.

    >>> whole_cm2(np.array([149, 150, 99_950])).tolist()
    [1, 2, 1000]
    """
    return (area_mm2 + MM2_PER_CM2 // 2) // MM2_PER_CM2
