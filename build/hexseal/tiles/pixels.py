"""The pixels behind the hexagons as tiles of palette numbers, for looking only.

Each pixel of a tile shows the one raster pixel under its centre; no figure is made from tiles.
"""

import os
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import rasterio.features
import shapely
from numpy.typing import NDArray
from pmtiles.tile import TileType
from rasterio.errors import NotGeoreferencedWarning

from hexseal.progress import Progress, no_progress
from hexseal.raster.grid import Grid, Window
from hexseal.raster.stack import YearStack, region_grid
from hexseal.region.load import Region
from hexseal.storage.workdir import WorkFolder
from hexseal.tiles.archives import fitting_zoom, write_archive
from hexseal.tiles.codes import NO_DATA, PixelCodes, encode, pixel_codes, plain_palette
from hexseal.tiles.mercator import TILE_PIXELS, MercatorTile, bounds_of, tiles_over, view_of
from hexseal.types import Box, Bytes, Pair

# A tile's pixel is at most this part of a raster's pixel, so that squares stay squares.
DETAIL = 0.4
ZOOMS = 3
TILES_AT_ONCE = 64
_warnings_lock = threading.Lock()


def write_pixels(
    region: Region,
    work: Path,
    archive: Path,
    *,
    workers: int | None = None,
    progress: Progress = no_progress,
) -> int:
    """Write the sealed pixels of every year and what became of them; return the number of tiles."""
    grid, frame = region_grid(region)
    codes = pixel_codes(region.years, region.pairs)
    confirmed = [ConfirmedPixels(grid, work, pair) for pair in region.pairs]
    palette = plain_palette(codes)
    with YearStack(region, frame) as reader:
        source = _Source(region, codes, reader, confirmed)

        def draw(tile: MercatorTile) -> bytes | None:
            view = view_of(grid, tile)
            numbers = None if view is None else view.paint(source.read(view.window), NO_DATA)
            return encode(numbers, palette) if numbers is not None and numbers.any() else None

        zooms = pixel_zooms(grid)
        bounds = bounds_of(grid)
        return write_archive(
            archive,
            draw_tiles(draw, bounds, zooms, workers, progress),
            kind=TileType.PNG,
            bounds=bounds,
            metadata={"name": f"{region.id} pixels", "attribution": region.attribution},
        )


def pixel_zooms(grid: Grid, detail: float = DETAIL) -> range:
    """Return the zooms at which single pixels of a grid can be distinguished."""
    rows = np.array([grid.height // 2])
    columns = np.array([grid.width // 2])
    pixel_m = float(grid.pixel_areas_m2(rows, columns)[0]) ** 0.5
    _, lat = grid.to_lonlat(*grid.centers(rows.astype(float), columns.astype(float)))
    last = fitting_zoom(pixel_m, float(lat[0]), tile_pixels=TILE_PIXELS, detail=detail)
    return range(max(0, last - ZOOMS + 1), last + 1)


def draw_tiles(
    draw: Callable[[MercatorTile], bytes | None],
    bounds: Box,
    zooms: Sequence[int],
    workers: int | None,
    progress: Progress,
) -> Iterator[tuple[int, bytes]]:
    """Yield id and content of each tile that shows anything, in ascending order of the ids."""
    tiles = [tile for zoom in zooms for tile in tiles_over(bounds, zoom)]
    done = 0
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        for start in range(0, len(tiles), TILES_AT_ONCE):
            some = tiles[start : start + TILES_AT_ONCE]
            for tile, content in zip(some, pool.map(draw, some), strict=True):
                done += 1
                if content is not None:
                    yield tile.id, content
            progress("tiles", done, len(tiles))


class ConfirmedPixels:
    """The pixels of a pair's confirmed patches, from the outlines that run along their edges."""

    def __init__(self, grid: Grid, work: Path, pair: Pair) -> None:
        table = pq.read_table(
            WorkFolder(work).patches(pair),
            columns=["geometry"],
            filters=[("confirmed", "=", True)],
        )
        outlines = shapely.from_wkb(table["geometry"].to_numpy(zero_copy_only=False))

        def corners(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
            columns, rows = grid.places(*grid.from_lonlat(lonlat[:, 0], lonlat[:, 1]))
            return np.round(np.column_stack([columns, rows]) + 0.5)

        self.shapes = np.asarray(shapely.transform(outlines, corners), dtype=object)
        self.tree = shapely.STRtree(self.shapes)

    def read(self, window: Window) -> NDArray[np.bool_]:
        """Return which pixels of a window are confirmed."""
        shape = window.height, window.width
        left, top = window.column, window.row
        here = self.tree.query(shapely.box(left, top, left + shape[1], top + shape[0]))
        if not len(here):
            return np.zeros(shape, np.bool_)
        moved = shapely.transform(self.shapes[np.sort(here)], lambda xy: xy - (left, top))
        with _warnings_lock, warnings.catch_warnings():
            # That the pixels lie nowhere on Earth: they are counted from the window's corner.
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            burnt: Bytes = rasterio.features.rasterize(moved, out_shape=shape, dtype="uint8")
        return np.equal(burnt, 1)


class _Source:
    """Windows of codes."""

    def __init__(
        self, region: Region, codes: PixelCodes, reader: YearStack, confirmed: list[ConfirmedPixels]
    ) -> None:
        product = region.product
        sets = (product.sealed, product.valid, product.water)
        self.sealed, self.valid, self.water = (np.isin(np.arange(256), sorted(s)) for s in sets)
        self.codes, self.reader, self.confirmed = codes, reader, confirmed

    def read(self, window: Window) -> Bytes:
        years = self.reader.read(window)
        return self.codes.join(
            [self.sealed[classes] for classes in years],
            [pixels.read(window) for pixels in self.confirmed],
            valid=np.logical_and.reduce([self.valid[classes] for classes in years]),
            water=np.logical_and.reduce([self.water[classes] for classes in years]),
        )
