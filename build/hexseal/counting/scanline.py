"""Count what lies in polygons on a raster, run by run, in one pass over the pixels.

All coordinates are pixel coordinates of the window at hand: the centre of the pixel in row r and
column c is at (x=c, y=r). A pixel lies in a polygon when its centre does; of a centre exactly on
an edge, the half-open rule x0 <= c < x1, y0 <= r < y1 decides, so that polygons which share an
edge never share a pixel and never leave one out.
"""

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from hexseal.types import Integers
from hexseal.vector.polygons import Polygons

Codes = NDArray[np.uint16]


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Sparse counts: ``polygon[i]`` holds ``pixels[i]`` pixels of ``code[i]``, each pair once.

    ``area`` is in the units of the pixels' areas, or None when none were given.
    """

    polygon: Integers
    code: Integers
    pixels: Integers
    area: Integers | None


@dataclass(frozen=True, slots=True, eq=False)
class Doubtful:
    """Pixels so near to an edge that floating point cannot be trusted: one row per judgement.

    ``inside`` is whether polygon ``polygon`` counted the pixel (``row``, ``column``).
    """

    polygon: Integers
    row: Integers
    column: Integers
    inside: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Marked:
    """Pixels of a window in raster order: those of row r are ``rows[r]`` to ``rows[r + 1]``."""

    rows: Integers
    columns: Integers

    @classmethod
    def of(cls, row: Integers, column: Integers, height: int) -> "Marked":
        """Return pixels given by row and column in raster order."""
        return cls(np.searchsorted(row, np.arange(height + 1)), column)

    def pixels_of(self, first: int, end: int) -> Integers:
        """Return the numbers of the pixels of some rows."""
        return np.arange(self.rows[first], self.rows[end])

    def row(self) -> Integers:
        """Return the row of each pixel."""
        return np.repeat(np.arange(len(self.rows) - 1), np.diff(self.rows))


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """Which polygon holds which of the marked pixels (``pixel``: its number), each pair once."""

    polygon: Integers
    pixel: Integers


def count_polygons(
    codes: Codes,
    polygons: Polygons,
    *,
    code_count: int,
    area: Integers | None = None,
    tolerance: float = 0.0,
) -> tuple[Counts, Doubtful]:
    """Count the ``codes`` (shape (rows, columns), each below ``code_count``) in every polygon.

    ``area`` is that of each pixel in whole units. Pixels whose centre is within ``tolerance``
    (pixels, in x and in y) of an edge are counted and also returned as doubtful, so that the
    caller can correct them.
    """
    nothing = Marked(np.zeros(len(codes) + 1, np.int64), np.zeros(0, np.int64))
    return count_marked(
        codes, polygons, nothing, code_count=code_count, area=area, tolerance=tolerance
    )[:2]


def count_marked(
    codes: Codes,
    polygons: Polygons,
    marked: Marked,
    *,
    code_count: int,
    area: Integers | None = None,
    tolerance: float = 0.0,
) -> tuple[Counts, Doubtful, Hits]:
    """Count as ``count_polygons`` does, and return which polygons hold the ``marked`` pixels."""
    weights = np.empty((0, 0), np.int64) if area is None else area
    counted, areas, doubted, inside, hits = _count(
        codes, polygons.x, polygons.y, polygons.starts, polygons.owners, code_count, weights,
        tolerance, marked.rows, marked.columns,
    )  # fmt: skip
    polygon, code, pixels = counted
    counts = Counts(polygon, code, pixels, None if area is None else areas.astype(np.int64))
    owner, row, column = doubted
    return counts, Doubtful(owner, row, column, inside), Hits(*hits)


@numba.njit(cache=True, nogil=True)
def _wider(table):
    """Return a table with room for twice as many columns."""
    wider = np.empty((table.shape[0], 2 * table.shape[1]), table.dtype)
    wider[:, : table.shape[1]] = table
    return wider


@numba.njit(cache=True, nogil=True)
def _is_full(y0, y1, top, bottom, found, room):
    """Return whether a row between y0 and y1 has no room for one more crossing."""
    for r in range(max(top, int(np.ceil(y0))), min(bottom + 1, int(np.ceil(y1)))):
        if found[r - top] == room:
            return True
    return False


@numba.njit(cache=True, nogil=True)
def _cross(x0, y0, x1, y1, top, bottom, crossings, found):
    """Add where an edge crosses each row, keeping the crossings of a row in ascending order.

    The edge must run towards greater y, so that it crosses alike seen from both its sides.
    """
    slope = (x1 - x0) / (y1 - y0) if y1 > y0 else 0.0
    for r in range(max(top, int(np.ceil(y0))), min(bottom + 1, int(np.ceil(y1)))):
        n = found[r - top]
        at = x0 + (r - y0) * slope
        while n > 0 and crossings[r - top, n - 1] > at:
            crossings[r - top, n] = crossings[r - top, n - 1]
            n -= 1
        crossings[r - top, n] = at
        found[r - top] += 1


@numba.njit(cache=True, nogil=True)
def _doubt(x0, y0, x1, y1, top, bottom, width, polygon, tolerance, doubt, doubts):
    """Note the pixels within ``tolerance`` of an edge; return the table and its length."""
    slope = (x1 - x0) / (y1 - y0) if y1 > y0 else 0.0
    for r in range(
        max(top, int(np.ceil(y0 - tolerance))), min(bottom, int(np.floor(y1 + tolerance))) + 1
    ):
        left = x0 + (max(y0, r - tolerance) - y0) * slope
        right = x0 + (min(y1, r + tolerance) - y0) * slope
        if y1 == y0:
            right = x1
        if left > right:
            left, right = right, left
        first = int(np.ceil(left - tolerance))
        if first > right + tolerance:
            continue
        for c in range(max(0, first), min(width - 1, int(np.floor(right + tolerance))) + 1):
            if doubts == doubt.shape[1]:
                doubt = _wider(doubt)
            doubt[0, doubts], doubt[1, doubts], doubt[2, doubts] = polygon, r, c
            doubts += 1
    return doubt, doubts


@numba.njit(cache=True, nogil=True)
def _add_run(codes, r, start, stop, tally):
    """Count a run of pixels; four tallies in turn, so that equal neighbours do not wait."""
    c = start
    while c + 4 <= stop:
        tally[0, codes[r, c]] += 1
        tally[1, codes[r, c + 1]] += 1
        tally[2, codes[r, c + 2]] += 1
        tally[3, codes[r, c + 3]] += 1
        c += 4
    while c < stop:
        tally[0, codes[r, c]] += 1
        c += 1


@numba.njit(cache=True, nogil=True)
def _empty(tally, weight, polygon, counted, areas, rows):
    """Write a polygon's tallies behind ``rows`` rows, clear them, return the number of rows."""
    for code in range(tally.shape[1]):
        pixels = tally[0, code] + tally[1, code] + tally[2, code] + tally[3, code]
        if pixels == 0:
            continue
        counted[0, rows], counted[1, rows], counted[2, rows] = polygon, code, pixels
        areas[0, rows] = weight[code]
        rows += 1
        tally[0, code] = tally[1, code] = tally[2, code] = tally[3, code] = 0
        weight[code] = 0
    return rows


@numba.njit(cache=True, nogil=True)
def _first_from(columns, low, high, start):
    """Return the first place of ``low`` to ``high`` whose column is at least ``start``."""
    while low < high:
        middle = (low + high) >> 1
        if columns[middle] < start:
            low = middle + 1
        else:
            high = middle
    return low


@numba.njit(cache=True, nogil=True)
def _add_hits(rows, columns, r, start, stop, polygon, hits, count):
    """Note the marked pixels of a run; return the table and its length."""
    last = rows[r + 1]
    place = _first_from(columns, rows[r], last, start)
    while place < last and columns[place] < stop:
        if count == hits.shape[1]:
            hits = _wider(hits)
        hits[0, count], hits[1, count] = polygon, place
        place, count = place + 1, count + 1
    return hits, count


@numba.njit(cache=True, nogil=True)
def _count(
    codes, x, y, starts, owners, code_count, weights, tolerance, marked_rows, marked_columns
):
    """Walk the polygons; see count_marked."""
    height, width = codes.shape
    weighted = weights.size > 0
    hits, hit = np.empty((2, 4096), np.int64), 0
    counted, rows = np.empty((3, 4096), np.int64), 0
    areas = np.empty((1, 4096), np.int64)
    doubt, doubts = np.empty((4, 4096), np.int64), 0
    crossings, found = np.empty((64, 8), np.float64), np.zeros(64, np.int64)
    tally = np.zeros((4, code_count), np.int64)
    weight = np.zeros(code_count, np.int64)
    ring = 0
    while ring < owners.size:
        polygon = owners[ring]
        last = ring
        while last < owners.size and owners[last] == polygon:
            last += 1
        begin, end = starts[ring], starts[last]
        x_low, x_high, y_low, y_high = x[begin], x[begin], y[begin], y[begin]
        for i in range(begin, end):
            x_low, x_high = min(x_low, x[i]), max(x_high, x[i])
            y_low, y_high = min(y_low, y[i]), max(y_high, y[i])
        top = max(0, int(np.ceil(y_low - tolerance)))
        bottom = min(height - 1, int(np.floor(y_high + tolerance)))
        first_ring, ring = ring, last
        if top > bottom or x_high < -tolerance or x_low > width - 1 + tolerance:
            continue
        span = bottom - top + 1
        if span > found.size:
            crossings = np.empty((2 * span, crossings.shape[1]), np.float64)
            found = np.zeros(2 * span, np.int64)
        found[:span] = 0
        first_doubt = doubts
        for k in range(first_ring, last):
            j = starts[k + 1] - 1
            for i in range(starts[k], starts[k + 1]):
                low, high = (i, j) if y[i] <= y[j] else (j, i)
                j = i
                if y[high] < top - tolerance or y[low] > bottom + tolerance:
                    continue
                x0, y0, x1, y1 = x[low], y[low], x[high], y[high]
                if _is_full(y0, y1, top, bottom, found, crossings.shape[1]):
                    crossings = _wider(crossings)
                _cross(x0, y0, x1, y1, top, bottom, crossings, found)
                if tolerance > 0.0:
                    doubt, doubts = _doubt(
                        x0, y0, x1, y1, top, bottom, width, polygon, tolerance, doubt, doubts
                    )
        for r in range(top, bottom + 1):
            for n in range(0, found[r - top] - 1, 2):
                start = max(0, int(np.ceil(crossings[r - top, n])))
                stop = min(width, int(np.ceil(crossings[r - top, n + 1])))
                _add_run(codes, r, start, stop, tally)
                if weighted:
                    for c in range(start, stop):
                        weight[codes[r, c]] += weights[r, c]
                if stop > start and marked_rows[r + 1] > marked_rows[r]:
                    hits, hit = _add_hits(
                        marked_rows, marked_columns, r, start, stop, polygon, hits, hit
                    )
        for n in range(first_doubt, doubts):
            before, r = 0, doubt[1, n] - top
            while before < found[r] and np.ceil(crossings[r, before]) <= doubt[2, n]:
                before += 1
            doubt[3, n] = before % 2
        while rows + code_count > counted.shape[1]:
            counted, areas = _wider(counted), _wider(areas)
        rows = _empty(tally, weight, polygon, counted, areas, rows)
    doubted, inside = doubt[:3, :doubts], doubt[3, :doubts] == 1
    return counted[:, :rows], areas[0, :rows], doubted, inside, hits[:, :hit]
