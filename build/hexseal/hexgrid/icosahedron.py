"""The H3 grid as a plane lattice on each face of its icosahedron.

H3 projects the sphere onto the twenty faces of an icosahedron with the gnomonic projection and
lays a hexagonal lattice on each face, centred on the face, with its axes towards the face's
corners (turned by a fixed angle at odd resolutions). Within one face every cell is a regular
hexagon of that lattice, so all corners of many cells follow from array arithmetic, where the
H3 library answers cell by cell. Facts: h3geo.org, "Overview of the H3 grid"; the corners of the
icosahedron are the centres of the twelve pentagons, which come from the H3 library itself.

Latitudes and longitudes are those of H3: degrees, taken as coordinates on a sphere.
"""

import math
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import h3
import numpy as np

from hexseal.types import Doubles

# Distance of neighbouring cell centres at resolution 0 on the plane that touches a unit sphere
# at the face's centre: the golden ratio to the power of -2.
LATTICE_UNIT = (3.0 - math.sqrt(5.0)) / 2.0
# Odd resolutions are turned by this angle against even ones.
APERTURE_7_ROTATION = math.asin(math.sqrt(3.0 / 28.0))


def unit_vectors(lon: Doubles, lat: Doubles) -> Doubles:
    """Return the points of a unit sphere, shape (n, 3), for degrees ``lon``, ``lat`` of shape (n,).

    >>> unit_vectors(np.array([90.0]), np.array([0.0])).round(12).tolist()
    [[0.0, 1.0, 0.0]]
    """
    lon, lat = np.radians(lon), np.radians(lat)
    return np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def lonlat(vectors: Doubles) -> tuple[Doubles, Doubles]:
    """Return degrees (lon, lat) of the directions ``vectors``, shape (n, 3), of any length."""
    x, y, z = vectors.T
    return np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One icosahedron face: ``center`` and plane axes ``east``, ``north``, each a unit 3-vector.

    ``east`` points to one corner of the face. ``corners`` are the three corners on the plane,
    shape (3, 2), counter-clockwise.
    """

    center: Doubles
    east: Doubles
    north: Doubles
    corners: Doubles

    def plane(self, vectors: Doubles) -> Doubles:
        """Project unit vectors, shape (n, 3), onto the face's plane, shape (n, 2).

        Only meaningful for points less than 90 degrees from the face's centre.
        """
        depth = vectors @ self.center
        return np.column_stack([vectors @ self.east, vectors @ self.north]) / depth[:, None]

    def sphere(self, points: Doubles) -> Doubles:
        """Return the directions, shape (n, 3), of plane points, shape (n, 2)."""
        return self.center + points[:, :1] * self.east + points[:, 1:] * self.north

    def clearance(self, points: Doubles) -> float:
        """Return the least distance of plane points to the face's edges, negative when outside."""
        starts, ends = self.corners, np.roll(self.corners, -1, axis=0)
        along = ends - starts
        normals = np.column_stack([-along[:, 1], along[:, 0]]) / np.hypot(*along.T)[:, None]
        distances = (points[:, None, :] - starts[None]) * normals[None]
        return float(distances.sum(axis=2).min())

    def lattice(self, resolution: int) -> Doubles:
        """Return the two lattice vectors, rows of shape (2, 2), 60 degrees apart."""
        length = LATTICE_UNIT / math.sqrt(7.0) ** resolution
        turn = APERTURE_7_ROTATION if resolution % 2 else 0.0
        angles = np.array([turn, turn + math.pi / 3.0])
        return length * np.column_stack([np.cos(angles), np.sin(angles)])


@cache
def faces() -> tuple[Face, ...]:
    """Return the twenty faces."""
    lat, lon = np.array([h3.cell_to_latlng(cell) for cell in h3.get_pentagons(0)]).T
    corners = unit_vectors(lon, lat)
    nearby = corners @ corners.T > 0.4  # neighbours are at cos = 1 / sqrt(5)
    triples = [
        triple
        for triple in combinations(range(12), 3)
        if all(nearby[a, b] for a, b in combinations(triple, 2))
    ]
    return tuple(_face(corners[list(triple)]) for triple in triples)


def _face(corners: Doubles) -> Face:
    center = corners.sum(axis=0)
    center /= np.linalg.norm(center)
    east = corners[0] - (corners[0] @ center) * center
    east /= np.linalg.norm(east)
    north = np.cross(center, east)
    turned = np.einsum("ij,j->i", np.cross(corners, np.roll(corners, -1, axis=0)), center)
    ordered = corners if turned[0] > 0 else corners[::-1]
    empty = Face(center, east, north, np.zeros((3, 2)))
    return Face(center, east, north, empty.plane(ordered))


def face_around(vectors: Doubles, margin: float) -> Face | None:
    """Return the face that holds all ``vectors`` at least ``margin`` (plane units) from its edges.

    None when the points lie on several faces or too near to an edge.
    """
    middle = vectors.mean(axis=0)
    face = max(faces(), key=lambda candidate: float(candidate.center @ middle))
    if (vectors @ face.center).min() <= 0.5:
        return None
    return face if face.clearance(face.plane(vectors)) >= margin else None
