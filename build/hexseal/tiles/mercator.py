"""Tiles of the web Mercator square over a pixel grid: which ones, and which pixel shows where."""

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray
from pmtiles.tile import zxy_to_tileid

from hexseal.raster.grid import Grid, Window
from hexseal.types import Box, Doubles, Integers

TILE_PIXELS = 512
# Places are computed exactly at every 16th pixel of a tile and linearly between them: within a
# few hundred metres a map projection bends by less than a millimetre.
STEP = 16
OUTSIDE = -1


@dataclass(frozen=True, slots=True)
class MercatorTile:
    """A tile by zoom, column and row."""

    zoom: int
    x: int
    y: int

    @property
    def id(self) -> int:
        """Return its place in a PMTiles archive."""
        return zxy_to_tileid(self.zoom, self.x, self.y)


def parts_of(tile: MercatorTile) -> tuple[MercatorTile, ...]:
    """Return the four tiles of the next zoom that a tile is made of, row by row."""
    return tuple(
        MercatorTile(tile.zoom + 1, 2 * tile.x + right, 2 * tile.y + down)
        for down in (0, 1)
        for right in (0, 1)
    )


@dataclass(frozen=True, slots=True, eq=False)
class TileView:
    """The pixels that a tile shows: ``window`` holds them all.

    ``rows`` and ``columns`` count from the window's corner, shape (TILE_PIXELS, TILE_PIXELS);
    both are OUTSIDE where the tile shows no pixel of the grid.
    """

    window: Window
    rows: Integers
    columns: Integers

    def paint(self, numbers: NDArray[np.uint8], outside: int = 0) -> NDArray[np.uint8]:
        """Return the tile of ``numbers``, an array over the window; no value is ever mixed."""
        return _painted(numbers, self.rows, self.columns, outside)


def view_of(grid: Grid, tile: MercatorTile) -> TileView | None:
    """Return which pixel lies under the centre of each pixel of a tile, None where none does."""
    edges = np.arange(0, TILE_PIXELS + 1, STEP) / TILE_PIXELS
    across = 2**tile.zoom
    x, y = np.meshgrid((tile.x + edges) / across, (tile.y + edges) / across)
    lon = 360.0 * x - 180.0
    if grid.is_geographic:
        # A grid in degrees may run past 180: which turn of the Earth is meant must not matter.
        west, _, east, _ = grid.bounds
        lon = lon + 360.0 * np.round(((west + east) / 2.0 - lon) / 360.0)
    lat = np.degrees(np.arctan(np.sinh(np.pi * (1.0 - 2.0 * y))))
    columns, rows = grid.places(*grid.from_lonlat(lon, lat))
    nodes = np.stack([rows, columns])
    places = np.empty((2, TILE_PIXELS, TILE_PIXELS), np.int64)
    top, left, bottom, right = _pixels_under(nodes, grid.height, grid.width, places)
    if top > bottom:
        return None
    window = Window(top, left, bottom - top + 1, right - left + 1)
    return TileView(window, places[0], places[1])


@numba.njit(cache=True, nogil=True)
def _pixels_under(nodes, height, width, places):
    """Fill in rows and columns within their own window; return its first and last row and column.

    ``nodes`` holds row and column at every STEP-th edge of a tile, shape (2, n + 1, n + 1). The
    first row is greater than the last one where the tile shows no pixel.
    """
    side, across = places.shape[1], nodes.shape[1]
    line = np.empty((2, across))
    top, left, bottom, right = height, width, -1, -1
    for y in range(side):
        at, weight = y // STEP, (y % STEP + 0.5) / STEP
        for axis in range(2):
            for node in range(across):
                low = nodes[axis, at, node]
                line[axis, node] = low + (nodes[axis, at + 1, node] - low) * weight
        for x in range(side):
            at, weight = x // STEP, (x % STEP + 0.5) / STEP
            row = line[0, at] + (line[0, at + 1] - line[0, at]) * weight
            column = line[1, at] + (line[1, at + 1] - line[1, at]) * weight
            row, column = np.floor(row + 0.5), np.floor(column + 0.5)
            # Where a projection ends, places are infinite: outside of every grid.
            if 0 <= row < height and 0 <= column < width:
                places[0, y, x], places[1, y, x] = np.int64(row), np.int64(column)
                top, bottom = min(top, places[0, y, x]), max(bottom, places[0, y, x])
                left, right = min(left, places[1, y, x]), max(right, places[1, y, x])
            else:
                places[0, y, x] = places[1, y, x] = OUTSIDE
    for y in range(side):
        for x in range(side):
            if places[0, y, x] != OUTSIDE:
                places[0, y, x] -= top
                places[1, y, x] -= left
    return top, left, bottom, right


@numba.njit(cache=True, nogil=True)
def _painted(numbers, rows, columns, outside):
    painted = np.empty(rows.shape, np.uint8)
    for y in range(rows.shape[0]):
        for x in range(rows.shape[1]):
            row, column = rows[y, x], columns[y, x]
            painted[y, x] = outside if row == OUTSIDE else numbers[row, column]
    return painted


def tiles_over(bounds: Box, zoom: int) -> list[MercatorTile]:
    """Return the tiles that touch west, south, east, north in degrees, by their ids.

    East may lie past 180 degrees.

    >>> [(tile.x, tile.y) for tile in tiles_over((-10.0, 40.0, 10.0, 50.0), 1)]
    [(0, 0), (1, 0)]
    """
    west, south, east, north = bounds
    if east > 180.0:
        beyond = Box(-180.0, south, min(180.0, east - 360.0), north)
        both = {*tiles_over(Box(west, south, 180.0, north), zoom), *tiles_over(beyond, zoom)}
        return sorted(both, key=lambda tile: tile.id)
    across = 2**zoom
    lat = np.radians(np.clip([north, south], -85.05, 85.05))
    y = (0.5 - np.arcsinh(np.tan(lat)) / (2.0 * np.pi)) * across
    x = (np.array([west, east]) / 360.0 + 0.5) * across
    left, right = np.clip(np.floor(x), 0, across - 1).astype(int)
    top, bottom = np.clip(np.floor(y), 0, across - 1).astype(int)
    tiles = [
        MercatorTile(zoom, column, row)
        for column in range(left, right + 1)
        for row in range(top, bottom + 1)
    ]
    return sorted(tiles, key=lambda tile: tile.id)


def bounds_of(grid: Grid) -> Box:
    """Return west, south, east, north in degrees of all pixels, from points along the edges.

    East lies past 180 degrees where the grid crosses them.
    """
    along = np.linspace(0.0, 1.0, 101)
    rows = np.concatenate([along * grid.height, along * grid.height, 0 * along, 0 * along + 1])
    rows[202:] *= grid.height
    columns = np.concatenate([0 * along, 0 * along + 1, along * grid.width, along * grid.width])
    columns[:202] *= grid.width
    lon, lat = grid.to_lonlat(*grid.centers(rows - 0.5, columns - 0.5))
    west, east = span_of(lon)
    return Box(west, float(lat.min()), east, float(lat.max()))


def span_of(lon: Doubles) -> tuple[float, float]:
    """Return the narrowest west and east around longitudes; east may lie past 180 degrees.

    What spans half of the globe or more keeps its edges.

    >>> span_of(np.array([179.5, -179.0]))
    (179.5, 181.0)
    """
    west, east = float(lon.min()), float(lon.max())
    if east - west < 180.0:
        return west, east
    turned = np.sort(np.unique(np.mod(lon, 360.0)))
    gaps = np.diff(turned, append=turned[0] + 360.0)
    widest = int(np.argmax(gaps))
    if gaps[widest] <= 180.0:
        return west, east
    start = float(turned[(widest + 1) % len(turned)])
    start = start - 360.0 if start > 180.0 else start
    return start, start + 360.0 - float(gaps[widest])


def header_bounds(bounds: Box) -> tuple[int, int, int, int]:
    """Return bounds as an archive's header states them: 1e-7 degrees, the globe across 180."""
    west, south, east, north = bounds
    if east > 180.0:
        west, east = -180.0, 180.0
    return round(west * 1e7), round(south * 1e7), round(east * 1e7), round(north * 1e7)
