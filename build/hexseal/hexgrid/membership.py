"""Which area a hexagon belongs to, where areas cut across hexagons."""

import math

import numpy as np
import shapely
from h3.api import basic_int
from numpy.typing import NDArray

from hexseal.hexgrid.outlines import cell_polygons
from hexseal.types import Doubles, Integers

METRES_PER_DEGREE = 110_000.0
# Longest distance from the centre of a cell to its corners, in mean edges of its resolution.
REACH = 1.6
NONE = -1


def areas_of_cells(
    cells: NDArray[np.uint64], lonlat: Doubles, shapes: NDArray[np.object_]
) -> Integers:
    """Return for each cell the place in ``shapes`` of the area it belongs to, -1 for none.

    It is the area that holds the cell's centre (``lonlat``, degrees, shape (n, 2)), the smallest
    of several; where the centre lies in none, the area that covers the largest part of the cell.
    Of areas that tie, the first.
    """
    owner = np.full(len(cells), NONE, np.int64)
    if not len(shapes):
        return owner
    points = np.asarray(shapely.points(lonlat), dtype=object)
    # Prepared areas against a tree of points: the other way each point would be tried by itself.
    area, cell = shapely.STRtree(points).query(shapes, predicate="intersects")
    order = np.lexsort((-area, -shapely.area(shapes)[area]))
    owner[cell[order]] = area[order]
    left = np.flatnonzero(owner == NONE)
    near = left[_near(cells[left], lonlat[left], points[left], shapes)]
    owner[near] = _covering(cell_polygons(cells[near]), shapes)
    return owner


def _near(
    cells: NDArray[np.uint64],
    lonlat: Doubles,
    points: NDArray[np.object_],
    shapes: NDArray[np.object_],
) -> NDArray[np.bool_]:
    """Return which cells may reach an area: by the distance of their centres, or at 180 degrees."""
    tree, found = shapely.STRtree(shapes), np.zeros(len(cells), dtype=bool)
    resolutions = ((cells >> np.uint64(52)) & np.uint64(15)).astype(np.int64)
    for resolution in np.unique(resolutions).tolist():
        mine = np.flatnonzero(resolutions == resolution)
        edge = basic_int.average_hexagon_edge_length(resolution, "m") * REACH
        steepest = math.radians(min(float(np.abs(lonlat[mine, 1]).max()), 89.0))
        reach = edge / METRES_PER_DEGREE / math.cos(steepest)
        places, _ = tree.query(points[mine], predicate="dwithin", distance=reach)
        found[mine[places]] = True
        found[mine[np.abs(lonlat[mine, 0]) > 180.0 - reach]] = True
    return found


def _covering(outlines: NDArray[np.object_], shapes: NDArray[np.object_]) -> Integers:
    """Return for each outline the shape that covers most of it, the first of equals, -1 for none.

    Areas in square degrees: within one cell their scale hardly changes.
    """
    owner = np.full(len(outlines), NONE, np.int64)
    cell, area = shapely.STRtree(shapes).query(outlines, predicate="intersects")
    covered = shapely.area(shapely.intersection(outlines[cell], shapes[area]))
    cell, area, covered = cell[covered > 0], area[covered > 0], covered[covered > 0]
    order = np.lexsort((-area, covered, cell))
    owner[cell[order]] = area[order]
    return owner
