"""Mapbox Vector Tile layers of many small polygons at once (MVT specification 2.1).

Polygons are not clipped: a hexagon is always much smaller than its tile, and whole outlines on
one lattice of coordinates leave no seams between tiles.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from mapbox_vector_tile.Mapbox import vector_tile_pb2
from numpy.typing import NDArray

EXTENT = 4096
# A polygon stands in every tile that it comes this near to, in units of the extent.
BUFFER = 80
POLYGON = 3
MOVE_TO_ONE, LINE_TO, CLOSE_PATH = 9, 2, 15

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Outlines:
    """Outlines of n polygons on the world's square: 0 to 1 eastwards (x) and southwards (y).

    ``x`` and ``y`` have shape (n, most corners); polygon i uses its first ``corners[i]``, which
    run clockwise on the map.
    """

    x: Floats
    y: Floats
    corners: Integers

    def chosen(self, places: Integers) -> "Outlines":
        """Return some of the outlines."""
        return Outlines(self.x[places], self.y[places], self.corners[places])


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Polygons with ids and whole-number properties, each of shape (n,)."""

    ids: NDArray[np.uint64]
    outlines: Outlines
    properties: Mapping[str, Integers]


def encode_layer(name: str, features: Features, zoom: int) -> Iterator[tuple[int, int, bytes]]:
    """Yield (x, y, encoded layer) for every tile of a zoom that a feature touches.

    Features keep their order within a tile; tiles come by x, then y.
    """
    tile_x, tile_y, places = tiles_touched(features.outlines, zoom)
    order = np.lexsort((places, tile_y, tile_x))
    tile_x, tile_y, places = tile_x[order], tile_y[order], places[order]
    starts = np.flatnonzero(np.diff(tile_x, prepend=-1) | np.diff(tile_y, prepend=-1))
    for start, stop in zip(starts, [*starts[1:], places.size], strict=True):
        x, y = int(tile_x[start]), int(tile_y[start])
        yield x, y, _encode(name, features, places[start:stop], (zoom, x, y))


def tiles_touched(outlines: Outlines, zoom: int) -> tuple[Integers, Integers, Integers]:
    """Return tile columns, tile rows and places of the polygons that touch them, shape (m,)."""
    across = 2**zoom
    ranges = []
    for axis in (outlines.x, outlines.y):
        low = np.floor(axis.min(axis=1) * across - BUFFER / EXTENT)
        high = np.floor(axis.max(axis=1) * across + BUFFER / EXTENT)
        ranges.append(np.clip([low, high], 0, across - 1).astype(np.int64))
    columns, rows = (r[1] - r[0] + 1 for r in ranges)
    places = np.repeat(np.arange(columns.size), columns * rows)
    first = np.cumsum(columns * rows) - columns * rows
    nth = np.arange(places.size) - first[places]
    return (
        ranges[0][0][places] + nth % columns[places],
        ranges[1][0][places] + nth // columns[places],
        places,
    )


def _encode(name: str, features: Features, places: Integers, tile: tuple[int, int, int]) -> bytes:
    message = vector_tile_pb2.tile()  # type: ignore[attr-defined]
    layer = message.layers.add()
    layer.version, layer.name, layer.extent = 2, name, EXTENT
    layer.keys.extend(features.properties)
    values, tags = _tags(features, places)
    for value in values:
        layer.values.add().int_value = value
    ids = features.ids[places].tolist()
    shapes = _geometries(features.outlines.chosen(places), tile)
    for identifier, feature_tags, geometry in zip(ids, tags, shapes, strict=True):
        feature = layer.features.add()
        feature.id, feature.type = identifier, POLYGON
        feature.tags.extend(feature_tags)
        feature.geometry.extend(geometry)
    return message.SerializeToString()


def _tags(features: Features, places: Integers) -> tuple[list[int], list[list[int]]]:
    """Return the distinct values of a tile and each feature's (key, value) places."""
    columns = np.column_stack([column[places] for column in features.properties.values()])
    values, which = np.unique(columns, return_inverse=True)
    tags = np.empty((*columns.shape, 2), dtype=np.int64)
    tags[..., 0] = np.arange(columns.shape[1])
    tags[..., 1] = which.reshape(columns.shape)
    return values.tolist(), tags.reshape(len(places), -1).tolist()


def _geometries(outlines: Outlines, tile: tuple[int, int, int]) -> list[list[int]]:
    """Return the geometry commands of each outline in the tile's coordinates."""
    zoom, tile_x, tile_y = tile
    scale = EXTENT * 2**zoom
    points = np.stack(
        [
            np.rint(outlines.x * scale).astype(np.int64) - tile_x * EXTENT,
            np.rint(outlines.y * scale).astype(np.int64) - tile_y * EXTENT,
        ],
        axis=2,
    )
    steps = np.diff(points, axis=1, prepend=0)
    zigzag = (steps << 1) ^ (steps >> 63)
    # (n, corners, 2) -> (n, corners * 2)
    flat = zigzag.reshape(len(points), -1).tolist()
    return [
        [MOVE_TO_ONE, *row[:2], LINE_TO | (corners - 1) << 3, *row[2 : 2 * corners], CLOSE_PATH]
        for row, corners in zip(flat, outlines.corners.tolist(), strict=True)
    ]
