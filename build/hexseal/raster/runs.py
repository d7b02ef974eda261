"""Pixels that differ between two years, as runs of equal change, joined to patches.

A plane of change holds one byte a pixel: OTHER, LOSS, GAIN or STABLE_SEALED. Runs are sparse: a
few per cent of the pixels, whatever the size of the block.
"""

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from hexseal.types import Bytes, Integers

# What a pixel is between two years: bit 0 where it is sealed before, bit 1 where after.
OTHER, LOSS, GAIN, STABLE_SEALED = 0, 1, 2, 3
CHUNK = 16
# The lowest bit of each byte of a word of eight pixels.
LOWEST, WORD = np.uint64(0x0101010101010101), 8


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """Runs of equal change in raster order: ``row``, half-open columns, GAIN or LOSS, label.

    Labels run from 0 in raster order of the patches' first pixels; runs of one label are
    8-connected and of one direction.
    """

    row: Integers
    start: Integers
    stop: Integers
    direction: Bytes
    label: Integers
    labels: int

    @property
    def pixels(self) -> Integers:
        """Return how many pixels each run has."""
        return self.stop - self.start

    def within(self, top: int, bottom: int, left: int, right: int) -> "Runs":
        """Return what lies in a box (half-open), counted from its corner and joined again."""
        start, stop = np.maximum(self.start, left) - left, np.minimum(self.stop, right) - left
        kept = np.flatnonzero((self.row >= top) & (self.row < bottom) & (start < stop))
        return join_runs(
            self.row[kept] - top, start[kept], stop[kept], self.direction[kept], bottom - top
        )

    def sizes(self) -> Integers:
        """Return the pixels of each label."""
        return np.bincount(self.label, self.pixels, minlength=self.labels).astype(np.int64)


def pixels_of(
    row: Integers, start: Integers, stop: Integers, value: np.ndarray
) -> tuple[Integers, Integers, np.ndarray]:
    """Return row, column and value of every pixel of runs, in the order of the runs.

    >>> [each.tolist() for each in pixels_of(*np.array([[4, 5], [1, 0], [3, 1], [7, 8]]))]
    [[4, 4, 5], [1, 2, 0], [7, 7, 8]]
    """
    length = stop - start
    begin = np.cumsum(length) - length
    column = np.arange(length.sum()) + np.repeat(start - begin, length)
    return np.repeat(row, length), column, np.repeat(value, length)


def find_runs(plane: Bytes) -> Runs:
    """Return the runs of change of a plane, shape (rows, columns), joined to patches.

    >>> found = find_runs(np.array([[2, 2, 0, 1], [0, 0, 2, 1]], np.uint8))
    >>> found.label.tolist(), found.sizes().tolist()
    ([0, 1, 0, 1], [3, 2])
    """
    row, start, stop, direction = _find(plane, _words(plane))
    return join_runs(row, start, stop, direction.astype(np.uint8), len(plane))


def join_runs(
    row: Integers, start: Integers, stop: Integers, direction: Bytes, height: int
) -> Runs:
    """Return runs, given in raster order, joined to patches; they lie in ``height`` rows."""
    rows = np.searchsorted(row, np.arange(height + 1))
    label, labels = _label(start, stop, direction, rows)
    return Runs(row, start, stop, direction, label, labels)


def _words(plane: Bytes) -> NDArray[np.uint64]:
    """Return the plane eight pixels at a time, where its rows are whole words; else nothing."""
    if plane.shape[1] % WORD or not plane.flags.c_contiguous:
        return np.empty((0, 0), np.uint64)
    return plane.view(np.uint64)


@numba.njit(cache=True, nogil=True)
def _differs(word):
    """Return whether one of eight pixels is LOSS or GAIN."""
    return (word ^ (word >> np.uint64(1))) & LOWEST != 0


@numba.njit(cache=True, nogil=True)
def _find(plane: Bytes, words: NDArray[np.uint64]) -> Integers:
    """Return row, start, stop and direction of each run, shape (4, runs)."""
    height, width = plane.shape
    runs, count = np.empty((4, 4096), np.int64), 0
    for row in range(height):
        here = plane[row]
        column = 0
        while column < width:
            end = min(column + CHUNK, width)
            if words.size:
                place = column // WORD
                while place < words.shape[1] and not _differs(words[row, place]):
                    place += 1
                column = max(column, place * WORD)
                end = min(place * WORD + WORD, width)
            elif end - column == CHUNK:
                changed = np.uint8(0)
                for k in range(CHUNK):
                    code = here[column + k]
                    changed |= (code ^ (code >> np.uint8(1))) & np.uint8(1)
                if changed == 0:
                    column = end
                    continue
            while column < end:
                code = here[column]
                start = column
                column += 1
                if code != LOSS and code != GAIN:
                    continue
                while column < width and here[column] == code:
                    column += 1
                if count == runs.shape[1]:
                    wider = np.empty((4, 2 * count), np.int64)
                    wider[:, :count] = runs
                    runs = wider
                runs[0, count], runs[1, count] = row, start
                runs[2, count], runs[3, count] = column, code
                count += 1
    return runs[:, :count].copy()


@numba.njit(cache=True, nogil=True)
def _root(parents: Integers, place: int) -> int:
    while parents[place] != place:
        parents[place] = parents[parents[place]]
        place = parents[place]
    return place


@numba.njit(cache=True, nogil=True)
def _label(
    start: Integers, stop: Integers, direction: Bytes, rows: Integers
) -> tuple[Integers, int]:
    """Return the label of each run and how many there are: a union-find over touching runs.

    ``rows`` holds where the runs of each row begin.
    """
    count = start.size
    parents = np.arange(count)
    for row in range(1, rows.size - 1):
        first, last = rows[row - 1], rows[row]
        for run in range(last, rows[row + 1]):
            # Runs that end before this one touches them end before every later one.
            while first < last and stop[first] < start[run]:
                first += 1
            above = first
            while above < last and start[above] <= stop[run]:
                if direction[above] == direction[run]:
                    one, other = _root(parents, above), _root(parents, run)
                    parents[max(one, other)] = min(one, other)
                above += 1
    labels, known = np.empty(count, np.int64), 0
    for run in range(count):
        root = _root(parents, run)
        if root == run:
            labels[run] = known
            known += 1
        else:
            labels[run] = labels[root]
    return labels, known
