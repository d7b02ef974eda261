"""One small code per pixel: its joint class, and in which masks of sealed land it is an edge.

There is a mask for each year, of densities two for each pair of years. A pixel is an edge of a mask
where it is sealed and one of its 4 neighbours is not. Counting these
codes once gives the counts by class and, for each pair of years, by state and edge.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numba
import numpy as np
from numpy.typing import NDArray

from hexseal.raster.joint import DOES_NOT_COUNT, MOST_CODES, UNKNOWN, TooManyCodesError
from hexseal.types import Bytes, Flags, Integers, UInt16s

MOST_MASKS = 15
# The highest bit marks a pixel that does not count in every year.
UNCOUNTED = 1 << MOST_MASKS
# Up to so many masks their bits and this mark fit into a byte.
BYTE_MASKS = 7
# Above this many codes those that do not occur are left out.
PACK_ABOVE = 4096
# Up to so many masks, a table holds the place of every edge.
TABLED_MASKS = 4
Own = tuple[int, int, int, int]


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


@dataclass(frozen=True, slots=True, eq=False)
class CodeTable:
    """All codes that joint classes with some ``bits`` can have (see ``sealed_bits``).

    ``entries`` holds for each joint class its first code, and its bits from bit 32 on; the codes
    after the first are those of its edges. ``numbers`` is the joint class of each code, ``edges``
    the masks of which it is an edge.
    """

    bits: UInt16s
    entries: NDArray[np.uint64]
    numbers: Integers
    edges: Integers

    @classmethod
    def of(cls, bits: UInt16s) -> "CodeTable":
        """Number the codes of joint classes in ascending order of class and edges."""
        sets = [_subsets(int(bit)) for bit in (bits & (UNCOUNTED - 1))]
        numbers = np.repeat(np.arange(len(bits)), [len(found) for found in sets])
        edges = np.concatenate([np.array(found, np.int64) for found in sets])
        bases = np.searchsorted(numbers, np.arange(len(bits))).astype(np.uint64)
        return cls(bits, bases | bits.astype(np.uint64) << np.uint64(32), numbers, edges)

    def at(self, numbers: Integers) -> "CodeTable":
        """Return the same codes with entries by other numbers: those of the joint classes."""
        return replace(self, entries=self.entries[numbers])

    @property
    def masks(self) -> int:
        """Return the number of masks of which something is sealed."""
        return int(self.bits[self.bits < UNCOUNTED].max(initial=0)).bit_length()


@dataclass(frozen=True, slots=True, eq=False)
class Sealed:
    """In which masks each pixel of a window is sealed, and of which it is an edge (bit k: the kth).

    ``masks`` has the shape of the window, ``edges`` that of its ``own`` pixels. ``counts`` is the
    common valid mask of the window, None where every pixel counts; what does not is in no mask.
    With ``is_plane`` there are two masks at most: ``masks`` is the plane of change between them.
    """

    masks: Bytes | UInt16s
    edges: Bytes | UInt16s
    counts: Flags | None
    is_plane: bool


def code_pixels(
    bands: tuple[Bytes, ...] | tuple[UInt16s], table: CodeTable, own: Own, room: int
) -> tuple[EdgeCodes, Sealed]:
    """Return the codes of the pixels ``own``, and what of the window is sealed.

    ``bands`` are those of two years, of which ``table`` has an entry for former code times 256
    plus later code, or one band of numbers of entries. What lies around ``own`` (first and end
    row, first and end column) is read as its neighbours, beyond the window each pixel's like.
    Raises TooManyCodesError where more than ``room`` codes occur.
    """
    top, bottom, left, right = own
    masks = table.masks
    shape, size = bands[0].shape, (bottom - top, right - left)
    # Arrays of this size are faster made by numpy, which asks for large pages, than by numba.
    sealed, edges = _empty(shape, masks), _empty(size, masks)
    high = 1 << (8 * sealed.itemsize - 1)
    codes = np.empty(size, np.uint16 if len(table.numbers) <= MOST_CODES else np.int32)
    seen = _code(bands, table.entries, _places(masks), masks, own, high, sealed, codes, edges)
    numbers, found = table.numbers, table.edges
    if len(numbers) > min(PACK_ABOVE, room):
        occurs = np.bincount(codes.ravel(), minlength=len(numbers)) > 0
        codes = (np.cumsum(occurs) - 1)[codes]
        numbers, found = numbers[occurs], found[occurs]
        if len(numbers) > room:
            raise TooManyCodesError
    counts = None
    if seen & high:
        counts = sealed < high
        sealed &= high - 1
    coded = EdgeCodes(codes.astype(np.uint16, copy=False), table.bits[numbers], found, numbers)
    return coded, Sealed(sealed, edges, counts, is_plane=masks <= 2)


def _empty(shape: tuple[int, ...], masks: int) -> Bytes | UInt16s:
    """Return an array for so many masks and the mark of what does not count."""
    return np.empty(shape, np.uint8) if masks <= BYTE_MASKS else np.empty(shape, np.uint16)


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
def _code(bands, entries, places, masks, own, high, sealed, codes, edges):
    """Write codes, masks and edges (see code_pixels); return all bits of the masks.

    ``high`` is the bit that stands for UNCOUNTED in ``sealed``.
    """
    height, width = sealed.shape
    top, bottom, left, right = own
    size = right - left
    bases = np.empty(width, np.int32)
    kind = sealed.dtype.type
    mark, mask, seen = kind(high), kind(high - 1), kind(0)
    for row in range(height + 1):
        if row < height:
            here = sealed[row]
            if len(bands) == 2:
                former, later = bands[0][row], bands[1][row]
                for column in range(width):
                    entry = entries[(np.int64(former[column]) << 8) | np.int64(later[column])]
                    bits = entry >> np.uint64(32)
                    here[column] = kind(bits) if bits < UNCOUNTED else mark
                    bases[column] = np.int32(entry)
            else:
                numbers = bands[0][row]
                for column in range(width):
                    entry = entries[numbers[column]]
                    bits = entry >> np.uint64(32)
                    here[column] = kind(bits) if bits < UNCOUNTED else mark
                    bases[column] = np.int32(entry)
            for column in range(width):
                seen |= here[column]
            if top <= row < bottom:
                codes[row - top, :] = bases[left:right]
        if not top < row <= bottom:
            continue
        here, found, coded = sealed[row - 1], edges[row - 1 - top], codes[row - 1 - top]
        above, below = sealed[max(row - 2, 0)], sealed[min(row, height - 1)]
        _edge_row(above[left:right], here, below[left:right], left, mask, found)
        own_masks = here[left:right]
        if places.size:
            for column in range(size):
                place = (np.int64(own_masks[column] & mask) << masks) + found[column]
                coded[column] += places[place]
            continue
        for column in range(size):
            if found[column]:
                coded[column] += _place(own_masks[column], found[column], masks)
    return seen


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
