"""Tiles of the web Mercator square over a pixel grid: which ones, and which pixel shows where."""

from dataclasses import dataclass

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
        painted = numbers[self.rows, self.columns]
        painted[self.rows == OUTSIDE] = outside
        return painted


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
    rows, columns = (_nearest(_between(nodes)) for nodes in (rows, columns))
    inside = (rows >= 0) & (rows < grid.height) & (columns >= 0) & (columns < grid.width)
    if not inside.any():
        return None
    top, left = int(rows[inside].min()), int(columns[inside].min())
    bottom, right = int(rows[inside].max()) + 1, int(columns[inside].max()) + 1
    window = Window(top, left, bottom - top, right - left)
    return TileView(
        window,
        np.where(inside, rows - top, OUTSIDE),
        np.where(inside, columns - left, OUTSIDE),
    )


def _nearest(places: Doubles) -> Integers:
    # Where a projection ends, places are infinite: no whole number, and outside of every grid.
    return np.floor(np.where(np.isfinite(places), places, -1e6) + 0.5).astype(np.int64)


def _between(nodes: Doubles) -> Doubles:
    """Return values at the centres of a tile's pixels from those at every STEP-th edge."""
    weights = (np.arange(STEP) + 0.5) / STEP
    for axis in (0, 1):
        low = np.take(nodes, range(nodes.shape[axis] - 1), axis)
        high = np.take(nodes, range(1, nodes.shape[axis]), axis)
        parts = [low + (high - low) * weight for weight in weights]
        nodes = np.stack(parts, axis + 1)
        shape = list(low.shape)
        shape[axis] *= STEP
        nodes = nodes.reshape(shape)
    return nodes


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
