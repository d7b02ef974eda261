"""The exactness of the delta core: every cell holds just the pixels that H3 gives it."""

from collections import Counter

import h3
import numpy as np
import pytest
from affine import Affine
from oracles import cells_by_pixel

from hexseal.counting.tally import MM2, WindowCounter, WindowCounts
from hexseal.hexgrid.cells import View, cells_over
from hexseal.hexgrid.icosahedron import faces, lonlat
from hexseal.products import CLCPLUS
from hexseal.raster.grid import Grid, Window
from hexseal.raster.joint import ClassJoiner
from hexseal.vector.polygons import Polygons

NO_ZONES = Polygons(np.zeros(0), np.zeros(0), np.zeros(1, np.int64), np.zeros(0, np.int64), 0)
DEGREES = 1.0 / 12_000.0


def degrees_around(lon: float, lat: float, rows: int, columns: int, size: float) -> Grid:
    """A geographic grid whose middle is at (lon, lat)."""
    west, north = lon - columns * size / 2.0, lat + rows * size / 2.0
    return Grid("EPSG:4326", Affine(size, 0.0, west, 0.0, -size, north), columns, rows)


def metres(crs: str, west: float, north: float, size: float = 10.0) -> Grid:
    return Grid(crs, Affine(size, 0.0, west, 0.0, -size, north), 400, 300)


def face_edge() -> tuple[float, float]:
    """The middle of an edge of H3's icosahedron."""
    face = faces()[7]
    lon, lat = lonlat(face.sphere(face.corners[:2].mean(axis=0, keepdims=True)))
    return float(lon[0]), float(lat[0])


def pentagon(resolution: int) -> tuple[float, float]:
    lat, lon = h3.cell_to_latlng(h3.get_pentagons(resolution)[4])
    return lon, lat


def two_years(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(11)
    coarse = rng.integers(1, 12, (shape[0] // 5 + 1, shape[1] // 5 + 1)).astype(np.uint8)
    before = np.kron(coarse, np.ones((5, 5), np.uint8))[: shape[0], : shape[1]].copy()
    after = before.copy()
    after[rng.random(shape) < 0.02] = 1
    after[rng.random(shape) < 0.01] = 253
    return before, after


def count(grid: Grid, bands: tuple[np.ndarray, ...], resolution: int) -> WindowCounts:
    counter = WindowCounter(grid, ClassJoiner(CLCPLUS), resolution, NO_ZONES)
    return counter.count(Window(0, 0, grid.height, grid.width), bands)


def as_counter(counts: WindowCounts) -> Counter:
    tally = counts.cells
    classes = [tuple(row) for row in counts.classes[tally.code].tolist()]
    found: Counter = Counter()
    rows = zip(tally.owner.tolist(), classes, tally.pixels.tolist(), strict=True)
    for cell, joint, pixels in rows:
        found[cell, joint] += pixels
    return found


GRIDS = {
    "EPSG:3035": metres("EPSG:3035", 4_400_000, 3_700_000),
    "EPSG:3035 at its western rim": metres("EPSG:3035", 900_000, 1_500_000),
    "UTM 20N (Guadeloupe)": metres("EPSG:32620", 650_000, 1_800_000),
    "UTM 40S (Réunion)": metres("EPSG:32740", 320_000, 7_660_000),
    "EPSG:4326 at the equator": degrees_around(6.6, 0.2, 300, 400, DEGREES),
    "EPSG:4326 far north": degrees_around(25.0, 66.0, 300, 400, DEGREES),
    "EPSG:4326 across the antimeridian": degrees_around(180.0, -16.5, 300, 400, DEGREES),
    "pentagon": degrees_around(*pentagon(9), 300, 400, DEGREES),
    "edge of the icosahedron": degrees_around(*face_edge(), 300, 400, DEGREES),
    "100 m in Switzerland": metres("EPSG:2056", 2_500_000, 1_200_000, 100.0),
}


@pytest.mark.parametrize("resolution", [6, 8, 9])
@pytest.mark.parametrize("name", GRIDS)
def test_every_cell_equals_pixel_by_pixel_indexing(name: str, resolution: int) -> None:
    grid = GRIDS[name]
    bands = two_years((grid.height, grid.width))
    wanted = cells_by_pixel(grid, bands, resolution)
    expected: Counter = Counter()
    for (cell, (before, after)), pixels in wanted.items():
        expected[cell, (before, 255 if after == 253 else after)] += pixels
    assert as_counter(count(grid, bands, resolution)) == expected


def test_a_pole_is_counted_pixel_by_pixel() -> None:
    grid = Grid("EPSG:4326", Affine(0.005, 0.0, 10.0, 0.0, -0.005, 90.0), 300, 200)
    bands = two_years((200, 300))
    counts = count(grid, bands, 6)
    assert counts.cells.pixels.sum() == 200 * 300
    pole = h3.str_to_int(h3.latlng_to_cell(90.0, 0.0, 6))
    assert pole in counts.cells.owner.tolist()


def test_cells_smaller_than_a_pixel_are_counted_pixel_by_pixel() -> None:
    grid = metres("EPSG:3035", 4_400_000, 3_700_000)
    bands = two_years((20, 30))
    small = Grid(grid.crs, grid.transform, 30, 20)
    assert as_counter(count(small, bands, 13)).total() == 600


def test_pixels_on_an_edge_go_where_h3_puts_them() -> None:
    """A grid shifted so that pixel centres fall on a cell's corners: every tie is asked of H3."""
    cell = h3.latlng_to_cell(50.0, 15.0, 9)
    base = metres("EPSG:3035", 0.0, 0.0)
    corners = np.array(h3.cell_to_boundary(cell))
    x, y = base.from_lonlat(corners[:, 1], corners[:, 0])
    for corner_x, corner_y in zip(x, y, strict=True):
        west, north = corner_x - 10.0 * 20.5, corner_y + 10.0 * 20.5
        grid = Grid(base.crs, Affine(10.0, 0.0, west, 0.0, -10.0, north), 41, 41)
        bands = two_years((41, 41))
        bands = (bands[0], bands[0])
        assert as_counter(count(grid, bands, 9)) == cells_by_pixel(grid, bands, 9)


def test_areas_on_projected_grids_are_true() -> None:
    grid = metres("EPSG:32620", 650_000, 1_800_000)
    bands = two_years((grid.height, grid.width))
    tally = count(grid, bands, 8).cells
    rows, columns = np.indices(bands[0].shape).reshape(2, -1)
    x, y = grid.centers(rows.astype(float), columns.astype(float))
    lon, lat = grid.to_lonlat(x, y)
    true = (100.0 / grid.areal_scale(lon, lat)).sum()
    assert abs(tally.area_mm2.sum() / MM2 / true - 1.0) < 1e-6
    assert abs(true / (100.0 * bands[0].size) - 1.0) > 1e-4


def test_areas_on_geographic_grids_follow_the_rows() -> None:
    grid = degrees_around(25.0, 66.0, 300, 400, DEGREES)
    tally = count(grid, two_years((300, 400)), 8).cells
    true = grid.row_area_m2(np.arange(300)).sum() * 400
    assert abs(tally.area_mm2.sum() / MM2 - true) < 1e-6 * tally.pixels.sum()


def test_the_cells_over_a_window_are_drawn_on_the_lattice_or_listed() -> None:
    inside = View(GRIDS["EPSG:3035"], Window(0, 0, 300, 400))
    edge = View(GRIDS["edge of the icosahedron"], Window(0, 0, 300, 400))
    for view in (inside, edge):
        cells = cells_over(view, 9)
        assert cells is not None
        held = cells.identifiers(np.arange(cells.polygons.count))
        assert len(set(held.tolist())) == cells.polygons.count
