"""Mapbox Vector Tile layers of many polygons at once (MVT specification 2.1), encoded with numba.

The specification: https://github.com/mapbox/vector-tile-spec/tree/master/2.1. Polygons are written
whole into every tile that they touch, so that shared edges leave no seams between tiles; only what
is wider than a tile is clipped, because renderers keep coordinates in 16 bits.
"""

import gzip
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numba
import numpy as np
import shapely
from numpy.typing import NDArray
from pmtiles.tile import zxy_to_tileid

from hexseal.types import Bytes, Doubles, Integers

EXTENT = 4096
# A polygon stands in every tile that it comes this near to, in units of the extent.
BUFFER = 80
# A tile's coordinates end this far outside of it; what reaches further is clipped at the buffer.
REACH = EXTENT
# Tiles that are encoded ahead of the one that is yielded.
AHEAD = 64

# A property of each feature: whole numbers, other numbers, or texts.
Property = Integers | Doubles | Sequence[str]

# Tags of protobuf fields in the specification's vector_tile.proto.
_ID, _TAGS, _TYPE, _GEOMETRY = 0x08, 0x12, 0x18, 0x22
_FEATURE, _VALUE = 0x12, 0x22
_INT, _SINT = 0x20, 0x30
_POLYGON = 3
_MOVE_TO_ONE, _LINE_TO, _CLOSE_PATH = 9, 2, 15
# A varint of 64 bits takes at most ten bytes.
_VARINT = 10


@dataclass(frozen=True, slots=True, eq=False)
class Outlines:
    """Outlines of n features on the world's square: 0 to 1 eastwards (x) and southwards (y).

    Feature i has the polygons ``features[i]`` to ``features[i + 1]``, polygon p the rings
    ``polygons[p]`` to ``polygons[p + 1]`` (its shell first), ring r the corners ``rings[r]`` to
    ``rings[r + 1]`` of ``x`` and ``y``, without the first one repeated. Shells run clockwise on
    the map, holes the other way.
    """

    x: Doubles
    y: Doubles
    rings: Integers
    polygons: Integers
    features: Integers

    def __len__(self) -> int:
        return self.features.size - 1

    def starts(self) -> Integers:
        """Return where each feature's corners begin, and where the last one's end."""
        return self.rings[self.polygons[self.features]]

    def boxes(self) -> tuple[Doubles, Doubles, Doubles, Doubles]:
        """Return each feature's least x, least y, greatest x and greatest y, shape (n,)."""
        at = self.starts()[:-1]
        low, high = np.minimum.reduceat, np.maximum.reduceat
        if not at.size:
            return self.x, self.y, self.x, self.y
        return low(self.x, at), low(self.y, at), high(self.x, at), high(self.y, at)

    def ring(self, number: int) -> tuple[Doubles, Doubles]:
        """Return the corners of one ring."""
        corners = slice(self.rings[number], self.rings[number + 1])
        return self.x[corners], self.y[corners]


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Polygons with ids and properties, each of length n."""

    ids: NDArray[np.uint64]
    outlines: Outlines
    properties: Mapping[str, Property]


def outlines_of(shapes: NDArray[np.object_]) -> Outlines:
    """Return shapely polygons and multipolygons of the world's square as outlines.

    None of them may be empty; their rings may run either way.
    """
    # y points down here, so that a shell which is clockwise on the map is not so for shapely.
    kind, places, offsets = shapely.to_ragged_array(shapely.orient_polygons(shapes))
    rings, polygons = (np.asarray(part, np.int64) for part in offsets[:2])
    if kind == shapely.GeometryType.POLYGON:
        features = np.arange(polygons.size, dtype=np.int64)
    else:
        features = np.asarray(offsets[2], np.int64)
    # shapely repeats a ring's first corner at its end.
    kept = np.ones(len(places), bool)
    kept[rings[1:] - 1] = False
    x, y = places[kept].T
    rings = rings - np.arange(rings.size)
    return Outlines(np.ascontiguousarray(x), np.ascontiguousarray(y), rings, polygons, features)


class Layer:
    """Features of one vector-tile layer, prepared once for the tiles of all zooms.

    With ``keep_tiny`` outlines that enclose nothing at a zoom are written all the same, so that
    every feature is in every zoom's tiles.
    """

    def __init__(self, name: str, features: Features, *, keep_tiny: bool = False) -> None:
        self.outlines = features.outlines
        self._keep_tiny = keep_tiny
        self._ids = np.ascontiguousarray(features.ids, dtype=np.uint64)
        self._numbers, self._bank = _properties(features)
        self._head = b"\x78\x02" + _field(0x0A, name.encode())
        keys = b"".join(_field(0x1A, key.encode()) for key in features.properties)
        self._tail = keys, b"\x28" + _varint(EXTENT)

    def tiles(self, zoom: int) -> "Tiles":
        """Return which features each tile of a zoom holds."""
        return Tiles(self, zoom)

    def encode(self, zoomed: "Zoomed", places: Integers, origin: tuple[int, int]) -> bytes:
        """Return the layer field of a tile that holds the features at ``places`` of ``zoomed``."""
        rows = zoomed.rows[places]
        room = _room(zoomed, places, self._numbers.shape[1])
        body, distinct = np.empty(room, np.uint8), np.empty(rows.size * self._numbers.shape[1], int)
        used, values = _encode_features(
            zoomed, places, origin, self._keep_tiny, self._ids, self._numbers, body, distinct
        )
        keys, end = self._tail
        written = _encode_values(distinct[:values], self._bank)
        content = (self._head, body[:used].tobytes(), keys, written.tobytes(), end)
        return _field(0x1A, b"".join(content))


class Bank(NamedTuple):
    """Encoded values that are no whole numbers: value i is ``content[starts[i]:starts[i + 1]]``."""

    content: Bytes
    starts: Integers


class Zoomed(NamedTuple):
    """Outlines in whole units of the extent at one zoom, and the row of each in the layer."""

    x: Integers
    y: Integers
    rings: Integers
    polygons: Integers
    features: Integers
    rows: Integers


class Tiles:
    """The tiles of one zoom that a layer's features touch, in ascending order of their ids."""

    def __init__(self, layer: Layer, zoom: int) -> None:
        self._layer = layer
        column, row, places = tiles_touched(layer.outlines, zoom)
        outlines, places, rows = _clipped(layer.outlines, zoom, (column, row, places))
        scale = EXTENT * 2**zoom
        self._zoomed = Zoomed(
            np.rint(outlines.x * scale).astype(np.int64),
            np.rint(outlines.y * scale).astype(np.int64),
            outlines.rings, outlines.polygons, outlines.features, rows,
        )  # fmt: skip
        order = np.lexsort((rows[places], row, column))
        column, row, self._places = column[order], row[order], places[order]
        first = np.flatnonzero(np.diff(column, prepend=-1) | np.diff(row, prepend=-1))
        self.columns, self.rows = column[first], row[first]
        self._starts = np.append(first, places.size)
        ids = [zxy_to_tileid(zoom, int(x), int(y)) for x, y in zip(self.columns, self.rows)]  # noqa: B905
        self.ids = np.array(ids, np.int64)

    def encoded(self, nth: int) -> bytes:
        """Return the layer of the nth tile."""
        places = self._places[self._starts[nth] : self._starts[nth + 1]]
        origin = int(self.columns[nth]) * EXTENT, int(self.rows[nth]) * EXTENT
        return self._layer.encode(self._zoomed, places, origin)


def packed_tiles(
    tiles: Tiles, others: Mapping[int, bytes] | None = None, *, workers: int | None = None
) -> Iterator[tuple[int, bytes]]:
    """Yield (tile id, gzip-packed tile) in ascending order, encoded and packed by threads.

    There are ``workers`` of them (None: one per core). ``others`` holds another layer's tiles of
    the same zoom by their ids.
    """
    others = others or {}
    mine = dict(zip(tiles.ids.tolist(), range(tiles.ids.size), strict=True))

    def packed(tile: int) -> bytes:
        own = tiles.encoded(mine[tile]) if tile in mine else b""
        return gzip.compress(own + others.get(tile, b""), mtime=0)

    waiting = iter(sorted(mine.keys() | others.keys()))
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        while chunk := list(islice(waiting, AHEAD)):
            yield from zip(chunk, pool.map(packed, chunk), strict=True)


def tiles_touched(outlines: Outlines, zoom: int) -> tuple[Integers, Integers, Integers]:
    """Return tile columns, tile rows and places of the features that touch them, shape (m,)."""
    across = 2**zoom
    west, north, east, south = outlines.boxes()
    margin = BUFFER / EXTENT
    lows, highs = [], []
    for low, high in ((west, east), (north, south)):
        lows.append(np.clip(np.floor(low * across - margin), 0, across - 1).astype(np.int64))
        highs.append(np.clip(np.floor(high * across + margin), 0, across - 1).astype(np.int64))
    columns, rows = (high - low + 1 for low, high in zip(lows, highs, strict=True))
    places = np.repeat(np.arange(columns.size), columns * rows)
    first = np.cumsum(columns * rows) - columns * rows
    nth = np.arange(places.size) - first[places]
    return lows[0][places] + nth % columns[places], lows[1][places] + nth // columns[places], places


def _clipped(
    outlines: Outlines, zoom: int, touched: tuple[Integers, Integers, Integers]
) -> tuple[Outlines, Integers, Integers]:
    """Clip features to the tiles that they reach too far out of.

    Returns the outlines with the clipped ones appended, the place in them for each touched tile,
    and the row of the layer that each outline belongs to. A feature whose box, but not itself,
    touches a tile keeps an empty outline there.
    """
    column, row, places = touched
    rows = np.arange(len(outlines))
    west, north, east, south = outlines.boxes()
    across, far = 2**zoom, REACH / EXTENT
    wide = (
        (west[places] * across < column - far)
        | (east[places] * across > column + 1 + far)
        | (north[places] * across < row - far)
        | (south[places] * across > row + 1 + far)
    ).nonzero()[0]
    if not wide.size:
        return outlines, places, rows
    cut = [
        _cut(_shape(outlines, int(places[n])), zoom, int(column[n]), int(row[n]))
        for n in wide.tolist()
    ]
    places = places.copy()
    places[wide] = len(outlines) + np.arange(wide.size)
    return _joined(outlines, cut), places, np.append(rows, touched[2][wide])


def _cut(shape: shapely.Geometry, zoom: int, column: int, row: int) -> Outlines | None:
    across, margin = 2**zoom, BUFFER / EXTENT
    box = (column - margin, row - margin, column + 1 + margin, row + 1 + margin)
    inside = shapely.clip_by_rect(shape, *(edge / across for edge in box))
    parts = shapely.get_parts(inside)
    polygons = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    if not polygons.size:
        return None
    return outlines_of(np.array([shapely.multipolygons(polygons)]))


def _shape(outlines: Outlines, feature: int) -> shapely.Geometry:
    polygons = []
    for polygon in range(outlines.features[feature], outlines.features[feature + 1]):
        rings = range(outlines.polygons[polygon], outlines.polygons[polygon + 1])
        corners = [np.column_stack(outlines.ring(ring)) for ring in rings]
        polygons.append(shapely.Polygon(corners[0], corners[1:]))
    return shapely.make_valid(shapely.MultiPolygon(polygons))


def _joined(first: Outlines, others: Sequence[Outlines | None]) -> Outlines:
    """Append outlines of one feature each; None is a feature without a polygon."""
    parts = [first, *(other for other in others if other is not None)]
    offsets = []
    for name in ("rings", "polygons"):
        known = 0
        pieces = [np.zeros(1, np.int64)]
        for part in parts:
            pieces.append(getattr(part, name)[1:] + known)
            known = int(pieces[-1][-1])
        offsets.append(np.concatenate(pieces))
    sizes = [0 if other is None else other.polygons.size - 1 for other in others]
    features = np.append(first.features, first.features[-1] + np.cumsum(sizes))
    x, y = (np.concatenate([getattr(part, axis) for part in parts]) for axis in ("x", "y"))
    return Outlines(x, y, offsets[0], offsets[1], features)


def _properties(features: Features) -> tuple[Integers, Bank]:
    """Return each feature's values as whole numbers, shape (n, properties), and the other values.

    A whole number v stands as 2v; another value as 2i + 1, where i is its place in the bank.
    """
    numbers = np.empty((len(features.outlines), len(features.properties)), np.int64)
    encoded: list[bytes] = []
    for place, column in enumerate(features.properties.values()):
        values = np.asarray(column)
        if values.dtype.kind in "iu":
            numbers[:, place] = values.astype(np.int64) * 2
            continue
        distinct, which = np.unique(values, return_inverse=True)
        numbers[:, place] = (which + len(encoded)) * 2 + 1
        encoded += [_value(value) for value in distinct.tolist()]
    starts = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    return numbers, Bank(np.frombuffer(b"".join(encoded), np.uint8), starts)


def _value(value: str | float) -> bytes:
    if isinstance(value, str):
        return _field(0x0A, value.encode())
    return b"\x19" + np.array(value, "<f8").tobytes()


def _field(tag: int, content: bytes) -> bytes:
    return bytes([tag]) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """Encode a whole number, not negative, as protobuf does.

    >>> _varint(300).hex()
    'ac02'
    """
    content = bytearray()
    while value >= 0x80:
        content.append(value & 0x7F | 0x80)
        value >>= 7
    content.append(value)
    return bytes(content)


def _room(zoomed: Zoomed, places: Integers, properties: int) -> int:
    """Return a number of bytes that the features surely fit into."""
    starts = zoomed.rings[zoomed.polygons[zoomed.features]]
    polygons = zoomed.polygons[zoomed.features]
    corners = int((starts[places + 1] - starts[places]).sum())
    rings = int((polygons[places + 1] - polygons[places]).sum())
    fields = 8 + 2 * properties
    return _VARINT * (2 * corners + 2 * rings + fields * places.size)


@numba.njit(cache=True, nogil=True)
def _put(content, at, value):
    """Write a varint at ``at``; return where the next byte goes."""
    rest = np.uint64(value)
    while rest >= np.uint64(0x80):
        content[at] = np.uint8(rest & np.uint64(0x7F)) | np.uint8(0x80)
        rest >>= np.uint64(7)
        at += 1
    content[at] = np.uint8(rest)
    return at + 1


@numba.njit(cache=True, nogil=True)
def _size(value):
    rest, size = np.uint64(value), 1
    while rest >= np.uint64(0x80):
        rest >>= np.uint64(7)
        size += 1
    return size


@numba.njit(cache=True, nogil=True)
def _zigzag(value):
    return (value << 1) ^ (value >> 63)


@numba.njit(cache=True, nogil=True)
def _put_ring(content, at, x, y, first, last, origin, keep, pen):
    """Write a ring's commands; ``pen`` is where the last one ended and moves on.

    Corners that fall together are written once. Where fewer than three are left or the ring
    encloses nothing, all corners are written with ``keep``, else ``at`` is returned unchanged.
    """
    start_x, start_y = x[first] - origin[0], y[first] - origin[1]
    doubled, lines = 0, 0
    now_x, now_y = start_x, start_y
    for i in range(first + 1, last):
        next_x, next_y = x[i] - origin[0], y[i] - origin[1]
        doubled += now_x * next_y - next_x * now_y
        if next_x != now_x or next_y != now_y:
            lines += 1
        now_x, now_y = next_x, next_y
    doubled += now_x * start_y - start_x * now_y
    if now_x == start_x and now_y == start_y:
        lines -= 1
    whole = lines < 2 or doubled == 0
    if whole:
        if not keep:
            return at
        lines = last - first - 1
    at = _put(content, at, _MOVE_TO_ONE)
    at = _put(content, at, _zigzag(start_x - pen[0]))
    at = _put(content, at, _zigzag(start_y - pen[1]))
    at = _put(content, at, _LINE_TO | lines << 3)
    now_x, now_y = start_x, start_y
    for i in range(first + 1, last):
        next_x, next_y = x[i] - origin[0], y[i] - origin[1]
        if lines == 0:
            break
        if whole or next_x != now_x or next_y != now_y:
            at = _put(content, at, _zigzag(next_x - now_x))
            at = _put(content, at, _zigzag(next_y - now_y))
            now_x, now_y = next_x, next_y
            lines -= 1
    pen[0], pen[1] = now_x, now_y
    return _put(content, at, _CLOSE_PATH)


@numba.njit(cache=True, nogil=True)
def _put_geometry(content, zoomed, place, origin, keep):
    at = 0
    pen = np.zeros(2, np.int64)
    for polygon in range(zoomed.features[place], zoomed.features[place + 1]):
        first_ring = zoomed.polygons[polygon]
        for ring in range(first_ring, zoomed.polygons[polygon + 1]):
            before = at
            at = _put_ring(
                content, at, zoomed.x, zoomed.y, zoomed.rings[ring], zoomed.rings[ring + 1],
                origin, keep, pen,
            )  # fmt: skip
            if ring == first_ring and at == before:
                # Holes of a shell that vanished would be read as parts of the one before.
                break
    return at


@numba.njit(cache=True, nogil=True)
def _numbered(value, table, keys, distinct, count):
    """Return a value's number in the tile, and how many are numbered now.

    ``table`` (-1 where free) and ``keys`` are an open-addressing hash table.
    """
    mask = np.uint64(table.size - 1)
    slot = (np.uint64(value) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20) & mask
    while table[slot] >= 0:
        if keys[slot] == value:
            return table[slot], count
        slot = (slot + np.uint64(1)) & mask
    table[slot], keys[slot] = count, value
    distinct[count] = value
    return count, count + 1


@numba.njit(cache=True, nogil=True)
def _encode_features(zoomed, places, origin, keep, ids, numbers, content, distinct):
    """Write the features of a tile; return the bytes used and the number of distinct values."""
    columns = numbers.shape[1]
    slots = 16
    while slots < 2 * places.size * columns:
        slots *= 2
    table, keys = np.full(slots, -1, np.int64), np.empty(slots, np.int64)
    tags = np.empty(2 * columns, np.int64)
    geometry = np.empty(content.size, np.uint8)
    at, values = 0, 0
    for place in places:
        size = _put_geometry(geometry, zoomed, place, origin, keep)
        if size == 0:
            continue
        row = zoomed.rows[place]
        tag_bytes = 0
        for column in range(columns):
            tags[2 * column] = column
            tags[2 * column + 1], values = _numbered(
                numbers[row, column], table, keys, distinct, values
            )
            tag_bytes += _size(column) + _size(tags[2 * column + 1])
        body = 3 + _size(ids[row]) + _size(tag_bytes) + tag_bytes + 2 + _size(size) + size
        content[at] = _FEATURE
        at = _put(content, at + 1, body)
        content[at] = _ID
        at = _put(content, at + 1, ids[row])
        content[at] = _TAGS
        at = _put(content, at + 1, tag_bytes)
        for tag in tags:
            at = _put(content, at, tag)
        content[at], content[at + 1], content[at + 2] = _TYPE, _POLYGON, _GEOMETRY
        at = _put(content, at + 3, size)
        content[at : at + size] = geometry[:size]
        at += size
    return at, values


@numba.njit(cache=True, nogil=True)
def _encode_values(distinct, bank):
    """Return the distinct values of a tile as value fields."""
    room = 0
    for value in distinct:
        place = value >> 1
        size = bank.starts[place + 1] - bank.starts[place] if value & 1 else 1 + _VARINT
        room += 1 + _VARINT + size
    content, at = np.empty(room, np.uint8), 0
    for value in distinct:
        content[at] = _VALUE
        place = value >> 1
        if value & 1:
            first, last = bank.starts[place], bank.starts[place + 1]
            at = _put(content, at + 1, last - first)
            content[at : at + last - first] = bank.content[first:last]
            at += last - first
        else:
            number, tag = (place, _INT) if place >= 0 else (_zigzag(place), _SINT)
            at = _put(content, at + 1, 1 + _size(number))
            content[at] = tag
            at = _put(content, at + 1, number)
    return content[:at]
