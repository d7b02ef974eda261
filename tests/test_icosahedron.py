"""The lattice on the icosahedron's faces against the H3 library."""

import h3
import numpy as np
import pytest

from hexseal.hexgrid.icosahedron import face_around, faces, lonlat, unit_vectors


def test_there_are_twenty_faces_with_unit_axes() -> None:
    assert len(faces()) == 20
    for face in faces():
        axes = np.array([face.center, face.east, face.north])
        np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)


@pytest.mark.parametrize("resolution", [3, 4, 9, 10, 15])
def test_lattice_places_are_the_centres_of_cells(resolution: int) -> None:
    rng = np.random.default_rng(resolution)
    for face in faces():
        lattice = face.lattice(resolution)
        point = rng.dirichlet([4.0, 4.0, 4.0]) @ face.corners
        centre = np.rint(point @ np.linalg.inv(lattice)) @ lattice
        lon, lat = lonlat(face.sphere(centre[None]))
        cell = h3.latlng_to_cell(lat[0], lon[0], resolution)
        np.testing.assert_allclose(h3.cell_to_latlng(cell), (lat[0], lon[0]), atol=1e-9)


def test_the_plane_and_the_sphere_undo_each_other() -> None:
    face = faces()[3]
    points = np.array([[0.0, 0.0], [0.1, -0.2]])
    vectors = face.sphere(points)
    unit = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    np.testing.assert_allclose(face.plane(unit), points, atol=1e-12)


def test_points_on_two_faces_have_no_face_in_common() -> None:
    world = unit_vectors(np.array([0.0, 90.0]), np.array([0.0, 0.0]))
    assert face_around(world, 0.0) is None
    center = faces()[0].center[None]
    assert face_around(center, 0.1) is faces()[0]
    assert face_around(center, 10.0) is None
