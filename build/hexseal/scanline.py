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

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Codes = NDArray[np.uint16]


@dataclass(frozen=True, slots=True, eq=False)
class Polygons:
    """Rings of many polygons: ring k runs over ``x[starts[k]:starts[k + 1]]``, closed implicitly.

    ``owners[k]`` is the polygon that ring k belongs to; a polygon's rings stand together. Holes
    and parts are plain rings: what an odd number of rings encloses is inside.
    """

    x: Floats
    y: Floats
    starts: Integers
    owners: Integers
    count: int

    def boxes(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Return the least x, least y, greatest x and greatest y of every ring."""
        if self.owners.size == 0:
            return self.x, self.y, self.x, self.y
        at = self.starts[:-1]
        low, high = np.minimum.reduceat, np.maximum.reduceat
        return low(self.x, at), low(self.y, at), high(self.x, at), high(self.y, at)

    def within(self, boxes: tuple[Floats, ...], frame: tuple[int, int, int, int]) -> "Polygons":
        """Return the rings that reach into a frame of pixels, in that frame's coordinates.

        ``frame`` is (column, row, width, height), ``boxes`` what boxes() gave. Owners and count
        stay as they are.
        """
        column, row, width, height = frame
        left, top, right, bottom = boxes
        touching = (right >= column - 1) & (left <= column + width)
        kept = np.flatnonzero(touching & (bottom >= row - 1) & (top <= row + height))
        lengths = np.diff(self.starts)[kept]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        places = np.arange(starts[-1]) + np.repeat(self.starts[kept] - starts[:-1], lengths)
        x, y = self.x[places] - column, self.y[places] - row
        return Polygons(x, y, starts, self.owners[kept], self.count)


@dataclass(frozen=True, slots=True, eq=False)
class PixelArea:
    """The true area of a window's pixels in m²: ``rows[r]`` in the middle of row r, changing by
    ``slope`` from one column to the next.
    """

    rows: Floats
    slope: float = 0.0

    def at(self, rows: Integers, columns: Integers, width: int) -> Floats:
        """Return the area of single pixels of a window ``width`` columns wide."""
        return self.rows[rows] + self.slope * (columns - 0.5 * (width - 1))


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Pixels and their area per polygon and code, both of shape (polygons, codes).

    ``area`` is in m², or None when no pixel area was given.
    """

    pixels: Integers
    area: Floats | None


@dataclass(frozen=True, slots=True, eq=False)
class Doubtful:
    """Pixels so near to an edge that floating point cannot be trusted: one row per judgement.

    ``inside`` tells whether polygon ``polygon`` counted the pixel (``row``, ``column``).
    """

    polygon: Integers
    row: Integers
    column: Integers
    inside: NDArray[np.bool_]


def count_polygons(
    codes: Codes,
    polygons: Polygons,
    *,
    code_count: int,
    area: PixelArea | None = None,
    tolerance: float = 0.0,
) -> tuple[Counts, Doubtful]:
    """Count the ``codes`` (shape (rows, columns), each below ``code_count``) in every polygon.

    Pixels whose centre is within ``tolerance`` (pixels, in x and in y) of an edge are counted
    and also returned as doubtful, so that the caller can correct them.
    """
    rows = area.rows if area is not None else np.empty(0)
    pixels, areas, polygon, row, column, inside = _count(
        codes,
        polygons.x,
        polygons.y,
        polygons.starts,
        polygons.owners,
        polygons.count,
        code_count,
        rows,
        area.slope if area is not None else 0.0,
        tolerance,
    )
    counts = Counts(pixels, areas if area is not None else None)
    return counts, Doubtful(polygon, row, column, inside)


@numba.njit(cache=True, nogil=True)
def _count(codes, x, y, starts, owners, count, code_count, weights, slope_area, tolerance):
    """Walk the polygons; see count_polygons."""
    height, width = codes.shape
    weighted = weights.size > 0
    pixels = np.zeros((count, code_count), np.int64)
    area = np.zeros((count if weighted else 0, code_count), np.float64)
    # Doubtful pixels; the arrays double when they are full.
    doubt = np.empty((4, 4096), np.int64)
    doubts = 0
    crossings = np.empty((64, 8), np.float64)
    found = np.zeros(64, np.int64)
    ring = 0
    rings = owners.size
    while ring < rings:
        polygon = owners[ring]
        last = ring
        while last < rings and owners[last] == polygon:
            last += 1
        begin, end = starts[ring], starts[last]
        first_doubt = doubts
        y_low, y_high = y[begin:end].min(), y[begin:end].max()
        x_low, x_high = x[begin:end].min(), x[begin:end].max()
        top = max(0, int(np.ceil(y_low - tolerance)))
        bottom = min(height - 1, int(np.floor(y_high + tolerance)))
        outside = x_high < -tolerance or x_low > width - 1 + tolerance
        if top > bottom or outside:
            ring = last
            continue
        if bottom - top + 1 > found.size:
            crossings = np.empty((2 * (bottom - top + 1), crossings.shape[1]), np.float64)
            found = np.zeros(crossings.shape[0], np.int64)
        found[: bottom - top + 1] = 0
        for k in range(ring, last):
            j = starts[k + 1] - 1
            for i in range(starts[k], starts[k + 1]):
                x0, y0, x1, y1 = x[j], y[j], x[i], y[i]
                j = i
                if y0 > y1:  # the same edge gives the same crossings from both its sides
                    x0, y0, x1, y1 = x1, y1, x0, y0
                if y1 < top - tolerance or y0 > bottom + tolerance:
                    continue
                slope = (x1 - x0) / (y1 - y0) if y1 > y0 else 0.0
                for r in range(max(top, int(np.ceil(y0))), min(bottom + 1, int(np.ceil(y1)))):
                    n = found[r - top]
                    if n == crossings.shape[1]:
                        wider = np.empty((crossings.shape[0], 2 * n), np.float64)
                        wider[:, :n] = crossings
                        crossings = wider
                    at = x0 + (r - y0) * slope
                    while n > 0 and crossings[r - top, n - 1] > at:
                        n -= 1
                    for m in range(found[r - top], n, -1):
                        crossings[r - top, m] = crossings[r - top, m - 1]
                    crossings[r - top, n] = at
                    found[r - top] += 1
                if tolerance > 0.0:
                    first = max(top, int(np.ceil(y0 - tolerance)))
                    for r in range(first, min(bottom, int(np.floor(y1 + tolerance))) + 1):
                        left = x0 + (max(y0, r - tolerance) - y0) * slope
                        right = x0 + (min(y1, r + tolerance) - y0) * slope
                        if y1 == y0:
                            right = x1
                        if left > right:
                            left, right = right, left
                        c = int(np.ceil(left - tolerance))
                        if c > right + tolerance:
                            continue
                        for c in range(
                            max(0, c), min(width - 1, int(np.floor(right + tolerance))) + 1
                        ):
                            if doubts == doubt.shape[1]:
                                longer = np.empty((4, 2 * doubts), np.int64)
                                longer[:, :doubts] = doubt
                                doubt = longer
                            doubt[0, doubts] = polygon
                            doubt[1, doubts] = r
                            doubt[2, doubts] = c
                            doubts += 1
        for r in range(top, bottom + 1):
            for n in range(0, found[r - top] - 1, 2):
                c = max(0, int(np.ceil(crossings[r - top, n])))
                stop = min(width, int(np.ceil(crossings[r - top, n + 1])))
                while c < stop:
                    code = codes[r, c]
                    start = c
                    c += 1
                    while c < stop and codes[r, c] == code:
                        c += 1
                    pixels[polygon, code] += c - start
                    if weighted:
                        off_middle = 0.5 * (start + c - width)
                        area[polygon, code] += (c - start) * (
                            weights[r] + slope_area * off_middle
                        )
        for n in range(first_doubt, doubts):
            before = 0
            r = doubt[1, n] - top
            while before < found[r] and np.ceil(crossings[r, before]) <= doubt[2, n]:
                before += 1
            doubt[3, n] = before % 2
        ring = last
    kept = doubt[:, :doubts]
    return pixels, area, kept[0].copy(), kept[1].copy(), kept[2].copy(), kept[3] == 1
