"""Counting in polygons: figures checkable by hand, and the half-open rule at shared edges."""

from dataclasses import replace

import numpy as np
import pytest

from hexseal.counting.scanline import Marked, count_marked, count_polygons
from hexseal.vector.polygons import Polygons

NINE = np.arange(1, 10, dtype=np.uint16).reshape(3, 3)


def polygon(*rings: list[tuple[float, float]]) -> Polygons:
    """One polygon of several rings."""
    points = np.array([point for ring in rings for point in ring], dtype=np.float64)
    starts = np.cumsum([0, *(len(ring) for ring in rings)])
    owners = np.zeros(len(rings), dtype=np.int64)
    return Polygons(points[:, 0].copy(), points[:, 1].copy(), starts, owners, 1)


def square(low: float, high: float) -> list[tuple[float, float]]:
    return [(low, low), (high, low), (high, high), (low, high)]


def held(shape: Polygons, codes: np.ndarray = NINE) -> list[int]:
    counts, _ = count_polygons(codes, shape, code_count=int(codes.max()) + 1)
    return sorted(np.repeat(counts.code, counts.pixels).tolist())


def test_a_pixel_counts_when_its_centre_is_inside() -> None:
    assert held(polygon(square(-0.5, 1.5))) == [1, 2, 4, 5]


def test_the_winding_of_a_ring_does_not_matter() -> None:
    assert held(polygon(square(-0.5, 1.5)[::-1])) == [1, 2, 4, 5]


def test_a_hole_is_left_out() -> None:
    assert held(polygon(square(-0.5, 2.5), square(0.5, 1.5))) == [1, 2, 3, 4, 6, 7, 8, 9]


def test_two_parts_count_together() -> None:
    assert held(polygon(square(-0.5, 0.5), square(1.5, 2.5))) == [1, 9]


def test_a_triangle_by_hand() -> None:
    assert held(polygon([(-0.5, -0.5), (2.6, -0.5), (-0.5, 2.6)])) == [1, 2, 3, 4, 5, 7]


def test_polygons_outside_and_slivers_hold_nothing() -> None:
    assert held(polygon(square(5.0, 9.0))) == []
    assert held(polygon(square(-9.0, -5.0))) == []
    assert held(polygon([(0.1, -1.0), (0.9, -1.0), (0.9, 4.0), (0.1, 4.0)])) == []


def test_a_polygon_larger_than_the_raster_holds_all_of_it() -> None:
    assert held(polygon(square(-100.0, 100.0))) == [1, 2, 3, 4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize("edge", [0.0, 1.0, 0.5, 1.0000001])
def test_neighbours_share_no_pixel_and_leave_none(edge: float) -> None:
    left = polygon([(-1.0, -1.0), (edge, -1.0), (edge, 3.0), (-1.0, 3.0)])
    right = polygon([(edge, -1.0), (3.0, -1.0), (3.0, 3.0), (edge, 3.0)])
    assert sorted(held(left) + held(right)) == list(range(1, 10))


def test_random_quarterings_cover_every_pixel_once() -> None:
    rng = np.random.default_rng(5)
    codes = np.arange(400, dtype=np.uint16).reshape(20, 20)
    for _ in range(50):
        # Corners on pixel centres on purpose: every tie must be decided.
        x, y = rng.integers(0, 20, 2).astype(float)
        corners = [(-1.0, -1.0), (20.0, -1.0), (20.0, 20.0), (-1.0, 20.0)]
        found: list[int] = []
        for a, b in zip(corners, [*corners[1:], corners[0]], strict=True):
            found += held(polygon([(x, y), a, b]), codes)
        assert sorted(found) == list(range(400))


def test_areas_add_up_those_of_the_pixels() -> None:
    area = np.array([[1, 2, 4], [8, 16, 32], [64, 128, 256]])
    zeros = np.zeros((3, 3), dtype=np.uint16)
    counts, _ = count_polygons(zeros, polygon(square(-0.5, 1.5)), code_count=1, area=area)
    assert counts.area is not None
    assert counts.area.tolist() == [1 + 2 + 8 + 16]


def test_marked_pixels_are_found_in_every_polygon_that_holds_them() -> None:
    marked = Marked.of(np.array([0, 0, 1, 2]), np.array([0, 2, 1, 2]), 3)
    zeros = np.zeros((3, 3), dtype=np.uint16)
    whole, corner = square(-0.5, 2.5), square(-0.5, 1.5)
    two = replace(polygon(whole, corner), owners=np.array([0, 1]), count=2)
    _, _, hits = count_marked(zeros, two, marked, code_count=1)
    found = zip(hits.polygon.tolist(), hits.pixel.tolist(), strict=True)
    assert list(found) == [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 2)]


def test_pixels_next_to_an_edge_are_doubtful_on_both_sides() -> None:
    shape = polygon(square(-0.5, 1.001))
    _, doubtful = count_polygons(NINE, shape, code_count=10, tolerance=0.01)
    seen = set(zip(doubtful.row.tolist(), doubtful.column.tolist(), doubtful.inside, strict=True))
    assert seen == {(0, 1, True), (1, 0, True), (1, 1, True)}
    _, doubtful = count_polygons(NINE, polygon(square(-0.5, 0.999)), code_count=10, tolerance=0.01)
    assert doubtful.inside.tolist().count(True) == 0
    assert {(0, 1), (1, 0), (1, 1)} == set(
        zip(doubtful.row.tolist(), doubtful.column.tolist(), strict=True)
    )


def test_rings_outside_a_frame_are_dropped_and_the_others_shifted() -> None:
    both = polygon(square(10.0, 12.0), square(100.0, 101.0))
    near = both.within(both.boxes(), (8, 8, 10, 10))
    assert near.x.tolist() == [2.0, 4.0, 4.0, 2.0]
    assert near.starts.tolist() == [0, 4]
