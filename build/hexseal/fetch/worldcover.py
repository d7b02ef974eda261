"""ESA WorldCover without a login: windows of its public tiles of 3 x 3 degrees.

Tiles are named by their south-west corner; over open sea there are none. A place may lie on
several tiles and across 180 degrees, where its grid continues eastwards.
"""

import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import rasterio

from hexseal.errors import FetchError
from hexseal.fetch.addresses import public
from hexseal.fetch.landcover import ROWS, MapWriter
from hexseal.fetch.pool import in_order
from hexseal.fetch.remote import opened
from hexseal.fetch.web import RefusalError, Web
from hexseal.progress import Progress, no_progress
from hexseal.raster.grid import Grid, Window
from hexseal.types import Bytes

SIDE = 3
PIXELS = 12_000
# Nothing is classified there.
NODATA = 0
ALIGNED = 1e-3


def tile_name(south: int, west: int) -> str:
    """Return the name of the tile with this south-west corner; longitudes go round.

    >>> tile_name(0, 6), tile_name(-3, -180), tile_name(51, 180)
    ('N00E006', 'S03W180', 'N51W180')
    """
    west = (west + 180) % 360 - 180
    return f"{'S' if south < 0 else 'N'}{abs(south):02d}{'W' if west < 0 else 'E'}{abs(west):03d}"


def tiles_of(grid: Grid) -> Iterator[tuple[int, int, Window]]:
    """Yield south and west of each tile that a grid meets, and its window of the grid.

    >>> from affine import Affine
    >>> pixel = 1 / 12000
    >>> grid = Grid("EPSG:4326", Affine(pixel, 0, 5.999, 0, -pixel, 0.001), 24, 24)
    >>> [(south, west, w.height, w.width) for south, west, w in tiles_of(grid)]
    [(0, 3, 12, 12), (0, 6, 12, 12), (-3, 3, 12, 12), (-3, 6, 12, 12)]
    """
    left, top = round(grid.transform.c * PIXELS), round(grid.transform.f * PIXELS)
    step = SIDE * PIXELS
    for row_tile in range(math.ceil(top / step), math.floor((top - grid.height) / step), -1):
        north = min(top, row_tile * step)
        south = max(top - grid.height, (row_tile - 1) * step)
        for column_tile in range(left // step, -(-(left + grid.width) // step)):
            west = max(left, column_tile * step)
            east = min(left + grid.width, (column_tile + 1) * step)
            window = Window(top - north, west - left, north - south, east - west)
            if window.height > 0 and window.width > 0:
                yield (row_tile - 1) * SIDE, column_tile * SIDE, window


@dataclass(frozen=True, slots=True)
class _Tile:
    """A tile's part of a place: address, south-west corner, window, and where its codes go."""

    address: str
    corner: tuple[int, int]
    window: Window
    grid: Grid
    path: Path

    def pieces(self, codes: Bytes) -> Iterator[tuple[Bytes, Window]]:
        """Yield strips of the part's codes and their windows of the place."""
        for piece in self.window.strips(ROWS):
            top = piece.row - self.window.row
            yield codes[top : top + piece.height], piece


def fetch_worldcover(
    web: Web,
    service: str,
    writer: MapWriter,
    *,
    workers: int = 1,
    progress: Progress = no_progress,
) -> list[str]:
    """Write the place's map of a year; return the addresses of the tiles that it came from.

    ``workers`` tiles are read at once; beside the map each takes as many bytes as it has pixels
    while it is read. Raises FetchError where no tile is there, or one is not on WorldCover's
    pixels.
    """
    grid, used = writer.place.grid, []
    with TemporaryDirectory(prefix=".hexseal-", dir=writer.path.parent) as folder:
        parts = [
            _Tile(service.replace("{tile}", name), (south, west), window, grid, Path(folder) / name)
            for south, west, window in tiles_of(grid)
            for name in [tile_name(south, west)]
        ]
        with closing(in_order(_read, parts, web, workers)) as found:
            for done, is_there in enumerate(found, 1):
                part = parts[done - 1]
                address, shape = public(part.address), (part.window.height, part.window.width)
                if is_there:
                    used.append(address)
                    codes = np.memmap(part.path, np.uint8, "r", shape=shape)
                else:
                    codes = np.broadcast_to(np.uint8(NODATA), shape)
                for some, piece in part.pieces(codes):
                    writer.write(some, piece, address)
                part.path.unlink(missing_ok=True)
                progress(writer.path.name, done, len(parts))
    if not used:
        raise FetchError(
            f"{public(service)}: has no tile for this place (HTTP 404), which lies in open sea or "
            "at an address that has moved; check [fetch] bbox"
        )
    return used


def _read(part: _Tile, web: Web) -> bool:
    """Write a tile's codes into its file; return False where there is no such tile."""
    try:
        with opened(web, part.address) as raster, part.path.open("wb") as file:
            for codes in _strips(raster, part):
                file.write(np.ascontiguousarray(codes).tobytes())
    except RefusalError as err:
        if err.status != 404:
            raise
        return False
    return True


def _strips(raster: rasterio.DatasetReader, part: _Tile) -> Iterator[Bytes]:
    """Yield the window of a place out of a tile; what the tile does not hold is no data."""
    west = part.corner[1]
    turned = west - ((west + 180) % 360 - 180)
    across, down = _offset(raster, turned, part.grid, public(part.address))
    for piece in part.window.strips(ROWS):
        row, column = piece.row - down, piece.column - across
        top, left = max(row, 0), max(column, 0)
        bottom = min(row + piece.height, raster.height)
        right = min(column + piece.width, raster.width)
        codes = np.full((piece.height, piece.width), NODATA, np.uint8)
        if top < bottom and left < right:
            some: Bytes = raster.read(1, window=((top, bottom), (left, right)))
            codes[top - row : bottom - row, left - column : right - column] = some
        yield codes


def _offset(
    raster: rasterio.DatasetReader, turned: float, grid: Grid, address: str
) -> tuple[int, int]:
    """Return columns and rows from the grid's corner to the tile's; refuse other pixels."""
    steps = (raster.transform.a * PIXELS, raster.transform.e * PIXELS)
    across = (raster.transform.c + turned - grid.transform.c) * PIXELS
    down = (grid.transform.f - raster.transform.f) * PIXELS
    off = max(abs(v - round(v)) for v in (across, down))
    is_fine = raster.count == 1 and raster.dtypes[0] == "uint8"
    is_aligned = max(abs(steps[0] - 1), abs(steps[1] + 1)) < 1e-6 and off < ALIGNED
    code = None if raster.crs is None else raster.crs.to_epsg()
    if not (is_fine and code == 4326 and is_aligned):
        raise FetchError(
            f"{address}: is not a tile of WorldCover's pixels (EPSG:4326, 1/12000 degree, one byte "
            "each); it is not resampled"
        )
    return round(across), round(down)
