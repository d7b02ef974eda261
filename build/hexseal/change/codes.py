"""One small code per pixel: its joint class, and in which masks of sealed land it is an edge.

There is a mask for each year, of densities two for each pair of years. A pixel is an edge of a mask
where it is sealed and one of its 4 neighbours is not. Counting these
codes once gives the counts by class and, for each pair of years, by state and edge.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numba
import numpy as np

from hexseal.raster.joint import (
    DOES_NOT_COUNT,
    MOST_CODES,
    UNKNOWN,
    JointClasses,
    TooManyCodesError,
)
from hexseal.types import Flags, Integers, UInt16s

MOST_MASKS = 15
# The highest bit marks a pixel that does not count in every year.
UNCOUNTED = 1 << MOST_MASKS
# Above this many codes those that do not occur are left out.
PACK_ABOVE = 4096
# Up to so many masks, a table holds the place of every edge.
TABLED_MASKS = 4


@dataclass(frozen=True, slots=True, eq=False)
class EdgeCodes:
    """The codes of a window, shape (rows, columns), and what each stands for.

    Code i stands for the joint class with number ``joint[i]``, for ``sealed[i]`` (bit k: the kth
    mask) and for ``edges[i]``, the masks of which such a pixel is an edge.
    """

    codes: UInt16s
    sealed: UInt16s
    edges: Integers
    joint: Integers


def sealed_bits(classes: np.ndarray, masks: Sequence[Flags]) -> UInt16s:
    """Return in which masks each joint class is sealed (bit k: the kth), if it counts in all years.

    ``masks`` have one flag for each joint class, of which ``classes`` are the rows. A joint class
    that does not count has UNCOUNTED alone.
    """
    counts = ((classes != DOES_NOT_COUNT) & (classes != UNKNOWN)).all(axis=1)
    bits = np.zeros(len(classes), np.int64)
    for place, mask in enumerate(masks):
        bits |= mask.astype(np.int64) << place
    return np.where(counts, bits, UNCOUNTED).astype(np.uint16)


def find_edges(
    joint: JointClasses, bits: UInt16s, flags: UInt16s, own: tuple[int, int, int, int], room: int
) -> tuple[EdgeCodes, UInt16s]:
    """Return the codes of the pixels ``own``, and of which masks each of them is an edge.

    ``flags`` are ``bits`` of every pixel of ``joint``; what lies around ``own`` (first and end
    row, first and end column) is read as its neighbours, beyond the window each pixel's like.
    Raises TooManyCodesError where more than ``room`` codes occur.
    """
    sets = [_subsets(int(bit)) for bit in (bits & (UNCOUNTED - 1))]
    numbers = np.repeat(np.arange(len(bits)), [len(found) for found in sets])
    edges = np.concatenate([np.array(found, np.int64) for found in sets])
    bases = np.searchsorted(numbers, np.arange(len(bits)))
    masks = int(bits[bits < UNCOUNTED].max(initial=0)).bit_length()
    small = len(numbers) <= MOST_CODES
    bases = bases.astype(np.uint16 if small else np.int32)
    found = _code(joint.codes, flags, bases, _places(masks), masks, own)
    codes, marked = cast("tuple[Integers, UInt16s]", found)
    if len(numbers) > min(PACK_ABOVE, room):
        seen = np.bincount(codes.ravel(), minlength=len(numbers)) > 0
        codes = (np.cumsum(seen) - 1)[codes]
        numbers, edges = numbers[seen], edges[seen]
        if len(numbers) > room:
            raise TooManyCodesError
    return EdgeCodes(codes.astype(np.uint16, copy=False), bits[numbers], edges, numbers), marked


def _subsets(bits: int) -> list[int]:
    """Return every subset of some bits in ascending order.

    >>> _subsets(0b101)
    [0, 1, 4, 5]
    """
    return [part for part in range(bits + 1) if part & ~bits == 0]


@numba.njit(cache=True, nogil=True)
def _place(sealed, edge, masks):
    """Return the place of ``edge`` among the subsets of ``sealed``."""
    place, step = 0, 1
    for mask in range(masks):
        if (sealed >> mask) & 1:
            if (edge >> mask) & 1:
                place += step
            step *= 2
    return place


def _places(masks: int) -> UInt16s:
    """Return the places of all edges, at ``sealed`` * 2^masks + ``edge``; none of many masks."""
    if masks > TABLED_MASKS:
        return np.empty(0, np.uint16)
    return _all_places(masks)


@numba.njit(cache=True, nogil=True)
def _all_places(masks):
    places = np.empty(1 << (2 * masks), np.uint16)
    for sealed in range(1 << masks):
        for edge in range(1 << masks):
            places[(sealed << masks) + edge] = _place(sealed, edge, masks)
    return places


@numba.njit(cache=True, nogil=True)
def _code(joint, flags, bases, places, masks, own):
    """Return the code and the masks of edges of each pixel of ``own``; see find_edges."""
    height = flags.shape[0]
    top, bottom, left, right = own
    codes = np.empty((bottom - top, right - left), bases.dtype)
    edges = np.empty((bottom - top, right - left), np.uint16)
    mask = np.uint16(UNCOUNTED - 1)
    for row in range(top, bottom):
        above, here, below = flags[max(row - 1, 0)], flags[row], flags[min(row + 1, height - 1)]
        found, coded, numbers = edges[row - top], codes[row - top], joint[row, left:right]
        _edge_row(above[left:right], here, below[left:right], left, mask, found)
        sealed = here[left:right]
        if places.size:
            for column in range(numbers.size):
                edge = places[((sealed[column] & mask) << masks) + found[column]]
                coded[column] = bases[numbers[column]] + edge
            continue
        for column in range(numbers.size):
            code = bases[numbers[column]]
            if found[column]:
                code += _place(sealed[column], found[column], masks)
            coded[column] = code
    return codes, edges


@numba.njit(cache=True, nogil=True)
def _edge_row(above, here, below, left, mask, found):
    """Write of which masks the pixels of a row from ``left`` on are an edge."""
    size, width = found.size, here.size
    own = here[left : left + size]
    first, last = (0 if left > 0 else 1), (size if left + size < width else size - 1)
    west, east = here[left - 1 + first :], here[left + 1 + first :]
    for column in range(last - first):
        inside = above[first + column] & below[first + column] & west[column] & east[column]
        found[first + column] = own[first + column] & mask & ~inside
    for column in range(0, size, max(size - 1, 1)):
        # At the region's sides what lies beyond is like the pixel itself.
        before = here[max(left + column - 1, 0)]
        after = here[min(left + column + 1, width - 1)]
        inside = above[column] & below[column] & before & after
        found[column] = own[column] & mask & ~inside
