"""Outlines of H3 cells in degrees, valid across the antimeridian and at the poles.

And which area a hexagon belongs to, where areas cut across hexagons.
"""

import math

import numpy as np
import shapely
import shapely.affinity
from h3.api import basic_int
from numpy.typing import NDArray

from hexseal.types import Doubles, Integers

# Corners lie on multiples of 2^-24 degrees (7 mm): neighbours share them to the last bit, and
# their many zero bits compress.
STEPS_PER_DEGREE = float(1 << 24)
WORLD = shapely.box(-180.0, -90.0, 180.0, 90.0)


def cell_polygons(cells: NDArray[np.uint64]) -> NDArray[np.object_]:
    """Return the outline of each cell, corners counter-clockwise, longitudes -180 to 180.

    A cell across the antimeridian is cut there into a MultiPolygon; one around a pole reaches
    from the one side of the antimeridian along its corners to the other, and up to the pole.
    """
    rings = [basic_int.cell_to_boundary(cell) for cell in cells.tolist()]
    counts = np.array([len(ring) for ring in rings], np.int64)
    latlon = np.array([corner for ring in rings for corner in ring], np.float64).reshape(-1, 2)
    lonlat = np.round(latlon[:, ::-1] * STEPS_PER_DEGREE) / STEPS_PER_DEGREE
    owner = np.repeat(np.arange(len(rings)), counts)
    rings_known = np.asarray(shapely.linearrings(lonlat, indices=owner), dtype=object)
    polygons = np.asarray(shapely.polygons(rings_known), dtype=object)
    west, _, east, _ = shapely.bounds(polygons).T if len(polygons) else np.empty((4, 0))
    for place in np.flatnonzero(east - west > 180.0).tolist():
        polygons[place] = _across(lonlat[owner == place])
    return polygons


def _across(ring: Doubles) -> shapely.Geometry:
    """Return the cell of a ring, shape (n, 2), that crosses the antimeridian."""
    steps = np.diff(ring[:, 0], append=ring[0, 0])
    turns = np.rint(steps / 360.0)
    if turns.sum() != 0:
        return _around_pole(ring)
    lon = ring[:, 0] - 360.0 * np.concatenate([[0.0], np.cumsum(turns)[:-1]])
    whole = shapely.Polygon(np.column_stack([lon, ring[:, 1]]))
    moved = [shapely.affinity.translate(whole, by) for by in (-360.0, 0.0, 360.0)]
    parts = [shapely.intersection(polygon, WORLD) for polygon in moved]
    sides = [part for part in parts if isinstance(part, shapely.Polygon) and part.area]
    return shapely.orient_polygons(shapely.MultiPolygon(sides))


def _around_pole(ring: Doubles) -> shapely.Geometry:
    """Return a cell around a pole: its corners from west to east, closed along the pole."""
    pole = np.copysign(90.0, ring[0, 1])
    corners = ring[np.argsort(ring[:, 0], kind="stable")]
    ends = corners[[-1, 0]] + [[-360.0, 0.0], [360.0, 0.0]]
    # Where the ring meets the antimeridian.
    share = (180.0 - corners[-1, 0]) / (ends[1, 0] - corners[-1, 0])
    lat = corners[-1, 1] + share * (ends[1, 1] - corners[-1, 1])
    closed = [(-180.0, lat), *map(tuple, corners), (180.0, lat), (180.0, pole), (-180.0, pole)]
    return shapely.orient_polygons(shapely.Polygon(closed))


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
