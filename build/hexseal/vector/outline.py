"""Outlines of many small groups of pixels along the pixels' edges, traced with numba."""

from collections.abc import Callable

import numba
import numpy as np
import shapely
from numpy.typing import NDArray

from hexseal.types import Doubles, Integers

# Directions in the order of a right turn: east, south, west, north, as steps in row and column.
_DOWN = np.array([0, 1, 0, -1])
_ACROSS = np.array([1, 0, -1, 0])


def pixel_outlines(
    rows: Integers, columns: Integers, owner: Integers, place: Callable[[Doubles], Doubles]
) -> NDArray[np.object_]:
    """Return the outline of each group of pixels, shape (groups,).

    Pixel i (``rows[i]``, ``columns[i]``) belongs to group ``owner[i]``; groups are numbered from 0
    without a gap and hold each pixel once. ``place`` turns corners (column, row), shape (n, 2),
    where pixel (r, c) reaches from (c, r) to (c + 1, r + 1), into coordinates of the result.
    Pixels of a group that touch in a corner only become parts of a multipolygon. Outlines are
    valid and without corners along straight edges; shells run counter-clockwise.
    """
    order = np.lexsort((columns, rows, owner))
    rows, columns, owner = rows[order], columns[order], owner[order]
    groups = int(owner[-1]) + 1 if owner.size else 0
    starts = np.searchsorted(owner, np.arange(groups + 1))
    corners, rings, group, area = _trace(rows, columns, starts)
    shells = np.bincount(group[area > 0], minlength=groups)
    holes = np.bincount(group[area < 0], minlength=groups)
    shapes = np.empty(groups, dtype=object)
    placed = place(corners.astype(np.float64))
    for chosen, kind in (
        (shells == 1, shapely.GeometryType.POLYGON),
        ((shells > 1) & (holes == 0), shapely.GeometryType.MULTIPOLYGON),
    ):
        if chosen.any():
            shapes[chosen] = _assembled(placed, rings, group, area, chosen, kind)
    for number in np.flatnonzero((shells > 1) & (holes > 0)).tolist():
        mine = slice(starts[number], starts[number + 1])
        boxes = shapely.box(columns[mine], rows[mine], columns[mine] + 1, rows[mine] + 1)
        shapes[number] = shapely.transform(shapely.union_all(boxes), place)
    return shapely.orient_polygons(shapes)


def _assembled(
    placed: Doubles,
    rings: Integers,
    group: Integers,
    area: Integers,
    chosen: NDArray[np.bool_],
    kind: shapely.GeometryType,
) -> NDArray[np.object_]:
    """Return the chosen groups, each of one polygon with holes or of several without."""
    mine = np.flatnonzero(chosen[group])
    # The shell of a polygon comes before its holes.
    mine = mine[np.lexsort((mine, area[mine] < 0, group[mine]))]
    sizes = rings[mine + 1] - rings[mine]
    starts = np.concatenate([[0], np.cumsum(sizes + 1)])
    within = np.arange(starts[-1]) - np.repeat(starts[:-1], sizes + 1)
    # A ring ends with its first corner.
    corner = np.repeat(rings[mine], sizes + 1) + within % np.repeat(sizes, sizes + 1)
    each = np.concatenate([[0], np.cumsum(np.bincount(group[mine], minlength=chosen.size)[chosen])])
    offsets: tuple[Integers, ...] = (starts, each)
    if kind == shapely.GeometryType.MULTIPOLYGON:
        offsets = (starts, np.arange(mine.size + 1), each)
    return shapely.from_ragged_array(kind, placed[corner], offsets)


@numba.njit(cache=True, nogil=True)
def _grown(table: Integers) -> Integers:
    grown = np.empty((2 * table.shape[0], table.shape[1]), table.dtype)
    grown[: table.shape[0]] = table
    return grown


@numba.njit(cache=True, nogil=True)
def _cut(path, first, last, group, found, corners, rings):
    """Append the loop ``path[first:last]`` as a ring; return the tables and how many there are."""
    corner_count, ring_count = found
    while corner_count + last - first > corners.shape[0]:
        corners = _grown(corners)
    if ring_count + 1 >= rings.shape[0]:
        rings = _grown(rings)
    doubled, before = 0, last - 1
    for i in range(first, last):
        # Rows point down, so that a shell with its inside to the right has a positive sum.
        doubled += path[before, 1] * path[i, 0] - path[i, 1] * path[before, 0]
        corners[corner_count, 0], corners[corner_count, 1] = path[i, 1], path[i, 0]
        corner_count += 1
        before = i
    rings[ring_count, 0], rings[ring_count, 1] = corner_count, group
    rings[ring_count, 2] = doubled
    return corners, rings, (corner_count, ring_count + 1)


@numba.njit(cache=True, nogil=True)
def _follow(mask, start, path, seen, visited):
    """Walk one contour from the top left corner of ``start``, the inside to the right.

    Appends corners to ``path`` and returns, for each corner that was met again, the half-open
    range of ``path`` that it closes. A closed loop is taken off the path, so that no ring meets
    itself.
    """
    row, column, heading = start[0], start[1], 0
    length = 0
    closed = []
    while True:
        known = seen[row, column]
        if known >= 0:
            loop = path[known:length].copy()
            closed.append(loop)
            for i in range(known + 1, length):
                seen[path[i, 0], path[i, 1]] = -1
            length = known + 1
            if row == start[0] and column == start[1] and heading == 0:
                seen[row, column] = -1
                return closed
        else:
            path[length, 0], path[length, 1] = row, column
            seen[row, column] = length
            length += 1
        turned = False
        while not turned:
            if heading == 0:
                visited[row, column] = True
            row, column = row + _DOWN[heading], column + _ACROSS[heading]
            # The two pixels ahead of this corner, to the right and to the left of the way.
            right_row = row - (1 if heading == 2 or heading == 3 else 0)
            right_column = column - (1 if heading == 1 or heading == 2 else 0)
            left_row = row - (1 if heading == 0 or heading == 3 else 0)
            left_column = column - (1 if heading == 2 or heading == 3 else 0)
            if not mask[right_row + 1, right_column + 1]:
                heading, turned = (heading + 1) % 4, True
            elif mask[left_row + 1, left_column + 1]:
                heading, turned = (heading + 3) % 4, True


@numba.njit(cache=True, nogil=True)
def _trace(rows, columns, starts):
    """Return all corners (column, row), where each ring starts, its group and twice its area.

    The area is negative for holes.
    """
    corners, rings = np.empty((1024, 2), np.int64), np.empty((256, 3), np.int64)
    found = (0, 0)
    for group in range(starts.size - 1):
        first, last = starts[group], starts[group + 1]
        top, left = rows[first], columns[first:last].min()
        height = rows[last - 1] - top + 1
        width = columns[first:last].max() - left + 1
        mask = np.zeros((height + 2, width + 2), np.bool_)
        for i in range(first, last):
            mask[rows[i] - top + 1, columns[i] - left + 1] = True
        visited = np.zeros((height + 1, width + 1), np.bool_)
        seen = np.full((height + 1, width + 1), -1, np.int64)
        path = np.empty((4 * (last - first) + 4, 2), np.int64)
        for i in range(first, last):
            row, column = rows[i] - top, columns[i] - left
            if mask[row, column + 1] or visited[row, column]:
                continue
            for loop in _follow(mask, (row, column), path, seen, visited):
                loop[:, 0] += top
                loop[:, 1] += left
                corners, rings, found = _cut(loop, 0, loop.shape[0], group, found, corners, rings)
    ends = np.zeros(found[1] + 1, np.int64)
    ends[1:] = rings[: found[1], 0]
    return corners[: found[0]], ends, rings[: found[1], 1], rings[: found[1], 2]
