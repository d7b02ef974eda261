"""Outlines of pixel groups: valid, exact, and equal to the union of their pixels' squares."""

import numpy as np
import pytest
import shapely
from scipy import ndimage

from hexseal.vector.outline import pixel_outlines


def outlines(*pictures: str) -> list[shapely.Geometry]:
    """Return the outlines of pictures drawn with #, one group each."""
    pixels = [
        (row, column, owner)
        for owner, picture in enumerate(pictures)
        for row, line in enumerate(picture.split())
        for column, sign in enumerate(line)
        if sign == "#"
    ]
    rows, columns, owner = np.array(pixels, np.int64).T
    return list(pixel_outlines(rows, columns, owner, lambda places: places))


def test_one_pixel_is_its_square() -> None:
    (square,) = outlines("..# ...")
    assert shapely.equals(square, shapely.box(2, 0, 3, 1))
    assert len(square.exterior.coords) == 5
    assert square.exterior.is_ccw


def test_straight_edges_have_no_corner_between() -> None:
    (shape,) = outlines("###. ####")
    assert len(shape.exterior.coords) == 7
    assert shape.area == 7


@pytest.mark.parametrize(
    ("picture", "kind", "holes"),
    [
        ("### #.# ###", "Polygon", 1),
        ("#. .#", "MultiPolygon", 0),
        # The hole meets the outside in a corner only.
        ("### #.# ##.", "Polygon", 1),
        # Two holes that meet in a corner.
        ("#### #.## ##.# ####", "Polygon", 2),
        # A hole that meets the shell in a corner.
        (".### #.#. ###.", "Polygon", 1),
        # A pixel in a hole: an island of the same group that touches in a corner.
        ("##### #...# #.#.# #...# #####", "MultiPolygon", None),
    ],
)
def test_holes_parts_and_pinches(picture: str, kind: str, holes: int | None) -> None:
    (shape,) = outlines(picture)
    pixels = [
        shapely.box(column, row, column + 1, row + 1)
        for row, line in enumerate(picture.split())
        for column, sign in enumerate(line)
        if sign == "#"
    ]
    assert shapely.is_valid(shape), shapely.is_valid_reason(shape)
    assert shapely.equals(shape, shapely.union_all(pixels))
    assert shape.area == len(pixels)
    assert shape.geom_type == kind
    if holes is not None and kind == "Polygon":
        assert len(shape.interiors) == holes


@pytest.mark.parametrize("density", [0.2, 0.5, 0.7, 0.9])
def test_random_groups_equal_the_union_of_their_pixels(density: float) -> None:
    picture = np.random.default_rng(int(density * 10)).random((60, 70)) < density
    labels, count = ndimage.label(picture, np.ones((3, 3)))
    rows, columns = np.nonzero(picture)
    shapes = pixel_outlines(rows, columns, labels[rows, columns] - 1, lambda places: places)
    assert shapes.size == count
    assert shapely.is_valid(shapes).all()
    sizes = np.bincount(labels[rows, columns] - 1)
    assert shapely.area(shapes).tolist() == sizes.tolist()
    boxes = shapely.box(columns, rows, columns + 1, rows + 1)
    for number, shape in enumerate(shapes):
        wanted = shapely.union_all(boxes[labels[rows, columns] == number + 1])
        assert shapely.equals(shape, wanted)


def test_no_pixel_gives_no_outline() -> None:
    nothing = np.empty(0, np.int64)
    assert pixel_outlines(nothing, nothing, nothing, lambda places: places).size == 0


def test_groups_may_lie_anywhere_and_inside_each_other() -> None:
    ring, dot = outlines("##### #...# #...# #...# #####", "..... ..... ..#.. .....")
    assert shapely.contains(shapely.Polygon(ring.exterior), dot)
    assert not shapely.intersects(ring, dot)
