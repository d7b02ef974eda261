"""Read vector tiles back (MVT specification 2.1), without the code that wrote them.

A tile of the finest zoom holds thousands of hexagons, an archive tens of millions: no Python object
stands for one of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from hexseal.types import Bytes, Integers

# Numbers of fields in the specification's vector_tile.proto.
_LAYER = 3
_NAME, _FEATURE, _KEY, _VALUE = 1, 2, 3, 4
_FEATURE_ID, _TAGS = 1, 2
_INT, _UINT, _SINT = 4, 5, 6


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """Cells as tiles hold them: a cell stands once for each tile that it touches.

    ``ids`` are the low bits of the H3 index, shape (n,); ``figures`` whole numbers, shape (n,
    columns), 0 where a cell lacks one; ``tiles`` column and row of the tile, shape (n, 2).
    """

    ids: NDArray[np.uint64]
    resolutions: Integers
    figures: Integers
    tiles: Integers


def read_layers(tile: bytes) -> Iterator[tuple[str, Bytes]]:
    """Yield name and content of each layer of a tile; raise ValueError where it does not decode."""
    content = np.frombuffer(tile, np.uint8)
    for start, stop in _fields(content, _LAYER):
        layer = content[start:stop]
        names = _texts(layer, _NAME)
        if len(names) != 1:
            raise ValueError(f"a layer has {len(names)} names")
        yield names[0], layer


def read_cells(layer: Bytes, columns: Sequence[str], tile: tuple[int, int]) -> Decoded:
    """Return the cells of a layer with ``columns`` of their figures."""
    keys = _texts(layer, _KEY)
    wanted = {name: place for place, name in enumerate(["resolution", *columns])}
    slots = np.array([wanted.get(key, -1) for key in keys], np.int64)
    values = _values(layer, _fields(layer, _VALUE))
    features = _fields(layer, _FEATURE)
    ids = np.zeros(len(features), np.uint64)
    figures = np.zeros((len(features), len(wanted)), np.int64)
    if not _features(layer, features, slots, values, ids, figures):
        raise ValueError("a feature names a key or a value that its layer lacks")
    return Decoded(
        ids, figures[:, 0], figures[:, 1:], np.tile(np.array(tile, np.int64), (ids.size, 1))
    )


def joined_cells(parts: Sequence[Decoded]) -> Decoded:
    """Return the cells of several tiles."""
    return Decoded(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in Decoded.__slots__)
    )


def _fields(content: Bytes, number: int) -> Integers:
    """Return start and stop of every field of a number that holds bytes, shape (n, 2)."""
    found, count = _scan(content, number)
    if count < 0:
        raise ValueError("a field reaches beyond the end")
    return found[:count]


def _texts(content: Bytes, number: int) -> list[str]:
    return [content[a:b].tobytes().decode() for a, b in _fields(content, number)]


@numba.njit(cache=True, nogil=True)
def _varint(content, at, stop):
    """Return a whole number and where the next byte lies; -1 where it does not end in time."""
    value, shift = np.uint64(0), np.uint64(0)
    while at < stop and shift < 70:
        byte = np.uint64(content[at])
        at += 1
        value |= (byte & np.uint64(0x7F)) << shift
        if byte < 128:
            return value, at
        shift += np.uint64(7)
    return value, -1


@numba.njit(cache=True, nogil=True)
def _field(content, at, stop):
    """Return number, value, and start and stop of what a field holds; stop is -1 if broken."""
    tag, at = _varint(content, at, stop)
    if at < 0:
        return 0, np.uint64(0), at, at
    number, kind = np.int64(tag >> np.uint64(3)), np.int64(tag & np.uint64(7))
    value, size = np.uint64(0), np.int64(0)
    if kind == 0:
        value, after = _varint(content, at, stop)
        return number, value, at, after
    if kind == 1:
        size = 8
    elif kind == 5:
        size = 4
    elif kind == 2:
        value, at = _varint(content, at, stop)
        if at < 0 or value > np.uint64(stop - at):
            return number, value, -1, -1
        size = np.int64(value)
    else:
        return number, value, -1, -1
    if at + size > stop:
        return number, value, -1, -1
    return number, value, at, at + size


@numba.njit(cache=True, nogil=True)
def _scan(content, number):
    found = np.empty((16, 2), np.int64)
    count, at = 0, 0
    while at < content.size:
        seen, _, start, stop = _field(content, at, content.size)
        if stop < 0:
            return found, -1
        if seen == number:
            if count == len(found):
                larger = np.empty((2 * count, 2), np.int64)
                larger[:count] = found
                found = larger
            found[count, 0], found[count, 1] = start, stop
            count += 1
        at = stop
    return found, count


@numba.njit(cache=True, nogil=True)
def _values(content, fields):
    """Return each value as a whole number, 0 for texts and fractions."""
    values = np.zeros(len(fields), np.int64)
    for n in range(len(fields)):
        at, stop = fields[n]
        while 0 <= at < stop:
            number, value, _, at = _field(content, at, stop)
            if number in (_INT, _UINT):
                values[n] = np.int64(value)
            elif number == _SINT:
                values[n] = np.int64(value >> np.uint64(1)) ^ -np.int64(value & np.uint64(1))
    return values


@numba.njit(cache=True, nogil=True)
def _features(content, fields, slots, values, ids, figures):
    """Fill ids and figures; return whether every key and value is there."""
    for n in range(len(fields)):
        at, stop = fields[n]
        while 0 <= at < stop:
            number, value, start, at = _field(content, at, stop)
            if number == _FEATURE_ID:
                ids[n] = value
            elif number == _TAGS and at >= 0:
                inner = start
                while inner < at:
                    key, inner = _varint(content, inner, at)
                    if inner < 0:
                        return False
                    which, inner = _varint(content, inner, at)
                    if inner < 0 or key >= len(slots) or which >= len(values):
                        return False
                    slot = slots[np.int64(key)]
                    if slot >= 0:
                        figures[n, slot] = values[np.int64(which)]
        if at < 0:
            return False
    return True
