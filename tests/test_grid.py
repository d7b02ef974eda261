"""Grids: windows, areas, places, and what they refuse."""

import math

import numpy as np
import pytest
from pyproj import Geod, Transformer
from rasterfiles import WEST, north_up
from rasterio import Affine

from hexseal.errors import InputError
from hexseal.raster.grid import Grid, Window

EUROPE = Grid("EPSG:3035", north_up(), 4, 3)
WORLD = Grid("EPSG:4326", Affine(0.5, 0, 10.0, 0, -0.5, 50.0), 4, 3)


def test_edges_and_pixel_size() -> None:
    assert EUROPE.bounds == (4_040_000.0, 2_969_970.0, 4_040_040.0, 2_970_000.0)
    assert EUROPE.pixel_size == (10.0, 10.0)
    assert EUROPE.is_equal_area
    assert not EUROPE.is_geographic
    assert WORLD.is_geographic
    assert not WORLD.is_equal_area


def test_grid_is_a_value() -> None:
    assert Grid("EPSG:3035", north_up(), 4, 3) == EUROPE
    assert len({EUROPE, Grid("EPSG:3035", north_up(), 4, 3)}) == 1


@pytest.mark.parametrize(
    ("bounds", "window"),
    [
        # Centres of columns are at 10.25, 10.75, 11.25, 11.75; of rows at 49.75, 49.25, 48.75.
        ((10.0, 48.5, 12.0, 50.0), Window(0, 0, 3, 4)),
        ((-180.0, -90.0, 180.0, 90.0), Window(0, 0, 3, 4)),
        ((10.25, 48.5, 11.25, 50.0), Window(0, 0, 3, 2)),
        ((10.0, 48.75, 12.0, 49.75), Window(1, 0, 2, 4)),
        ((10.3, 49.0, 11.3, 49.5), Window(1, 1, 1, 2)),
    ],
)
def test_window_holds_west_and_south_centres(
    bounds: tuple[float, float, float, float], window: Window
) -> None:
    assert WORLD.window_of(bounds) == window


def test_windows_side_by_side_share_no_pixel_and_lose_none() -> None:
    grid = Grid("EPSG:4326", Affine(1 / 12000, 0, 6.0, 0, -1 / 12000, 3.0), 36000, 36000)
    parts = [grid.window_of((6.0 + k / 10, 0.0, 6.1 + k / 10, 0.45)) for k in range(10)]
    assert [p.column for p in parts] == [1200 * k for k in range(10)]
    assert {(p.row, p.height, p.width) for p in parts} == {(30600, 5400, 1200)}


def test_empty_window_is_one_line() -> None:
    with pytest.raises(InputError) as caught:
        WORLD.window_of((20.0, 48.0, 21.0, 50.0))
    assert str(caught.value) == (
        "window [20.0, 48.0, 21.0, 50.0] holds no pixel of the raster (EPSG:4326 4 x 3 pixels of "
        "0.5 x 0.5°, x 10 to 12, y 48.5 to 50); give xmin, ymin, xmax, ymax in the raster's own CRS"
    )


def test_subgrid_keeps_the_lattice() -> None:
    part = EUROPE.subgrid(Window(1, 2, 2, 1))
    assert part.bounds == (4_040_020.0, 2_969_970.0, 4_040_030.0, 2_969_990.0)
    assert EUROPE.offset_of(part) == (1.0, 2.0)


def test_description_has_no_float_noise() -> None:
    grid = Grid("EPSG:4326", Affine(1 / 12000, 0, 6.0, 0, -1 / 12000, 3.0), 36000, 36000)
    part = grid.subgrid(grid.window_of((6.4, 0.0, 6.8, 0.45)))
    assert str(part).endswith("x 6.4 to 6.8, y 0 to 0.45")


def test_row_areas_agree_with_geodesic_polygons() -> None:
    grid = Grid("EPSG:4326", Affine(0.001, 0, 6.0, 0, -0.001, 60.0), 1, 3)
    geod = Geod(ellps="WGS84")
    for row, area in enumerate(grid.row_area_m2(np.arange(3))):
        north = 60.0 - row / 1000
        expected, _ = geod.polygon_area_perimeter(
            [6.0, 6.001, 6.001, 6.0], [north - 0.001, north - 0.001, north, north]
        )
        assert area == pytest.approx(expected, rel=2e-6)


def test_row_areas_of_a_sphere() -> None:
    grid = Grid("EPSG:4047", Affine(360.0, 0, -180.0, 0, -90.0, 90.0), 1, 2)
    quarter = 2.0 * math.pi * 6_371_007.0**2
    assert grid.row_area_m2(np.arange(2)) == pytest.approx([quarter, quarter])


def test_areal_scale_of_utm() -> None:
    grid = Grid("EPSG:32632", Affine(10.0, 0, 5e5, 0, -10.0, 5.5e6), 1, 1)
    # Scale 0.9996 on the central meridian, in both directions.
    scale = grid.areal_scale(np.array([9.0]), np.array([50.0]))
    assert scale == pytest.approx([0.9996**2], rel=1e-9)
    # Two maps without a changed pixel ask for no point at all.
    none = np.empty(0, np.int64)
    assert grid.pixel_areas_m2(none, none).shape == (0,)
    assert grid.nominal_pixel_area_m2 == 100.0


def test_lonlat_there_and_back() -> None:
    x, y = np.array([4_040_005.0]), np.array([2_969_995.0])
    back = EUROPE.from_lonlat(*EUROPE.to_lonlat(x, y))
    assert np.hypot(back[0] - x, back[1] - y) < 0.002


def test_etrs89_counts_as_wgs84() -> None:
    lon, lat = Grid("EPSG:4258", WORLD.transform, 4, 3).to_lonlat(np.array([5.0]), np.array([50.0]))
    assert (lon[0], lat[0]) == (5.0, 50.0)


@pytest.mark.parametrize(
    ("crs", "x", "y", "metres"),
    [("EPSG:2056", 2_538_000.0, 1_152_000.0, 161.0), ("EPSG:27700", 530_000.0, 180_000.0, 121.0)],
)
def test_datums_that_lie_elsewhere_are_shifted(crs: str, x: float, y: float, metres: float) -> None:
    lon, lat = Grid(crs, north_up(), 1, 1).to_lonlat(np.array([x]), np.array([y]))
    plain = _own_lonlat(crs, x, y)
    distance = Geod(ellps="WGS84").inv(*plain, lon[0], lat[0])[2]
    assert distance == pytest.approx(metres, abs=15.0)


def _own_lonlat(crs: str, x: float, y: float) -> tuple[float, float]:
    geodetic = {"EPSG:2056": "EPSG:4150", "EPSG:27700": "EPSG:4277"}[crs]
    return Transformer.from_crs(crs, geodetic, always_xy=True).transform(x, y)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (Grid("EPSG:3035", north_up(), 4, 3), None),
        (Grid("EPSG:3035", north_up(WEST + 1e-4), 4, 3), None),
        (Grid("EPSG:32632", north_up(), 4, 3), "CRS EPSG:32632 instead of EPSG:3035"),
        (Grid("EPSG:3035", north_up(size=20.0), 4, 3), "pixels of 20 x 20 instead of 10 x 10"),
        (
            Grid("EPSG:3035", north_up(WEST + 30.0), 4, 3),
            "its origin lies 0 rows down and 3 columns right, so it covers another place",
        ),
        (
            Grid("EPSG:3035", north_up(WEST, 2_970_004.0), 4, 3),
            "its origin lies -0.4 rows down and 0 columns right, so its pixels cut across",
        ),
        (Grid("EPSG:3035", north_up(), 4, 2), "4 x 2 pixels instead of 4 x 3"),
    ],
)
def test_difference_is_one_line(other: Grid, said: str | None) -> None:
    assert EUROPE.difference(other) == said


def test_one_crs_in_two_spellings_is_the_same() -> None:
    wkt = Grid("EPSG:3035", north_up(), 4, 3).crs_code
    assert wkt == "EPSG:3035"
    spelled = "+proj=laea +lat_0=52 +lon_0=10 +x_0=4321000 +y_0=3210000 +ellps=GRS80 +units=m"
    assert not EUROPE.has_crs_of(Grid(f"{spelled} +lon_0=11", north_up(), 4, 3))
    assert EUROPE.has_crs_of(Grid("urn:ogc:def:crs:EPSG::3035", north_up(), 4, 3))


@pytest.mark.parametrize(
    ("crs", "transform", "size", "said"),
    [
        (
            "",
            north_up(),
            (1, 1),
            "has no coordinate reference system; assign one with gdal_edit.py -a_srs",
        ),
        (
            "EPSG:3035",
            Affine(10, 1, 0, 1, -10, 0),
            (1, 1),
            "grid is rotated (rotation terms 1 and 1, expected 0); "
            "warp it to a north-up grid with gdalwarp -r near",
        ),
        (
            "EPSG:3035",
            Affine(10, 0, 0, 0, 10, 0),
            (1, 1),
            "grid is not north-up (column step 10, row step 10; expected + and -); "
            "warp it with gdalwarp -r near",
        ),
        (
            "EPSG:3035",
            Affine(10, 0, math.nan, 0, -10, 0),
            (1, 1),
            "geotransform (10.0, 0.0, nan, 0.0, -10.0, 0.0) is not finite; "
            "fix the file's georeference",
        ),
        ("EPSG:3035", north_up(), (0, 5), "size 0 x 5 holds no pixel; give another file"),
        (
            'LOCAL_CS["plan",UNIT["metre",1]]',
            north_up(),
            (1, 1),
            "coordinate reference system 'plan' is tied to no place on Earth; "
            "assign the right one with gdal_edit.py -a_srs",
        ),
    ],
)
def test_bad_grids_are_one_line(
    crs: str, transform: Affine, size: tuple[int, int], said: str
) -> None:
    with pytest.raises(InputError) as caught:
        Grid(crs, transform, *size)
    assert str(caught.value) == said
