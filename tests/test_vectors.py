"""Area layers: any CRS, repaired polygons, and one line for each bad file."""

from pathlib import Path

import numpy as np
import pytest
import shapely
from rasterfiles import NORTH, SHARED, WEST, north_up, real_data, write_areas
from shapely import Point, Polygon, box

from hexseal.errors import InputError
from hexseal.raster.grid import Grid
from hexseal.raster.landcover import read_grid
from hexseal.region.load import AreaLayer
from hexseal.vector.areas import read_areas, safe_slug

GRID = Grid("EPSG:3035", north_up(), 10, 10)
LEFT, RIGHT = (
    box(WEST, NORTH - 100, WEST + 50, NORTH),
    box(WEST + 50, NORTH - 100, WEST + 100, NORTH),
)
BOW_TIE = Polygon(
    [(WEST, NORTH), (WEST + 100, NORTH - 100), (WEST + 100, NORTH), (WEST, NORTH - 100)]
)


def layer(path: str, *, population: str | None = None, key: str = "code") -> AreaLayer:
    return AreaLayer("town", path, key, "name", population, {"en": "Town"})


def refusal(path: str, **options: str) -> str:
    with pytest.raises(InputError) as caught:
        read_areas(layer(path, **options), GRID)
    return str(caught.value)


def two(path: Path, **columns: list) -> str:
    return write_areas(path, [LEFT, RIGHT], **columns)


def test_areas_in_the_grids_own_crs_stay_exact(tmp_path: Path) -> None:
    path = two(tmp_path / "a.gpkg", code=["L", "R"], name=["Left", None], pop=[12.0, np.nan])
    areas = read_areas(layer(path, population="pop"), GRID)
    assert areas.ids == ("L", "R")
    assert areas.names == ("Left", "R")
    assert areas.populations == (12.0, None)
    assert [shape.bounds for shape in areas.geometries] == [LEFT.bounds, RIGHT.bounds]
    assert areas.repaired == ()
    assert areas.outside == 0
    west, south, east, north = areas.lonlat_geometries[0].bounds
    assert 6.0 < west < east < 6.2
    assert 49.5 < south < north < 50.0


def test_areas_in_another_crs(tmp_path: Path) -> None:
    lon, lat = GRID.to_lonlat(np.array([WEST + 20.0]), np.array([NORTH - 30.0]))
    shape = box(lon[0], lat[0], lon[0] + 1e-4, lat[0] + 1e-4)
    path = write_areas(tmp_path / "a.geojson", [shape], crs="EPSG:4326", code=["x"], name=["X"])
    areas = read_areas(layer(path), GRID)
    corner = areas.geometries[0].boundary.distance(Point(WEST + 20, NORTH - 30))
    assert corner < 0.01


def test_long_edges_follow_their_own_crs(tmp_path: Path) -> None:
    # A parallel of 2 degrees: drawn straight in EPSG:3035 it would miss its middle by kilometres.
    shape = box(5.0, 48.0, 7.0, 49.9)
    path = write_areas(tmp_path / "a.geojson", [shape], crs="EPSG:4326", code=["x"], name=["X"])
    geometry = read_areas(layer(path), GRID).geometries[0]
    x, y = GRID.from_lonlat(np.array([6.0]), np.array([49.9]))
    assert geometry.boundary.distance(Point(x[0], y[0])) < 0.5


def test_areas_that_do_not_reach_the_grid_are_left_out(tmp_path: Path) -> None:
    far = shapely.transform(LEFT, lambda xy: xy + 1e5)
    path = write_areas(tmp_path / "a.gpkg", [far, RIGHT], code=["far", "R"], name=["Far", "R"])
    areas = read_areas(layer(path), GRID)
    assert (areas.ids, areas.outside) == (("R",), 1)


def test_no_area_reaches_the_grid(tmp_path: Path) -> None:
    path = write_areas(tmp_path / "a.gpkg", [box(6.0, 49.0, 6.1, 49.1)], crs="EPSG:4326",
                       code=["x"], name=["X"])  # fmt: skip
    assert refusal(path) == (
        f"{path}: no area reaches the raster: areas lie at longitude 6 to 6.1, "
        "latitude 49 to 49.1, the raster at 6.09726 to 6.09872, 49.7745 to 49.7754; check both CRS"
    )


def test_whole_numbers_as_ids(tmp_path: Path) -> None:
    path = two(tmp_path / "a.gpkg", code=[1.0, 22.0], name=["a", "b"])
    assert read_areas(layer(path), GRID).ids == ("1", "22")


def test_invalid_polygons_are_repaired_and_named(tmp_path: Path) -> None:
    path = write_areas(tmp_path / "a.gpkg", [BOW_TIE], code=["bow"], name=["Bow tie"])
    areas = read_areas(layer(path), GRID)
    assert areas.repaired == ("bow",)
    assert areas.geometries[0].area == pytest.approx(5000.0)
    assert areas.geometries[0].is_valid


def test_missing_area_file(tmp_path: Path) -> None:
    path = str(tmp_path / "none.gpkg")
    assert refusal(path) == f"{path}: no such area file; check path of layer 'town'"


def test_text_file(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    path.write_text("not areas")
    assert refusal(str(path)) == (
        f"{path}: is not an area file that GDAL can read; "
        "expected GeoPackage, GeoJSON, GeoParquet, FlatGeobuf or Shapefile"
    )


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_areas_without_crs(tmp_path: Path) -> None:
    path = write_areas(tmp_path / "a.shp", [LEFT], crs=None, code=["L"], name=["L"])
    assert refusal(path) == (
        f"{path}: has no coordinate reference system; "
        "write a copy that has one with ogr2ogr -a_srs EPSG:CODE"
    )


def test_missing_column(tmp_path: Path) -> None:
    path = two(tmp_path / "a.gpkg", code=["L", "R"], name=["a", "b"])
    assert refusal(path, key="nuts") == f"{path}: has no column 'nuts'; it has code, name"


def test_repeated_id(tmp_path: Path) -> None:
    path = two(tmp_path / "a.gpkg", code=["L", "L"], name=["a", "b"])
    assert refusal(path) == (
        f"{path}: code = 'L' stands twice; give each area its own id "
        "(dissolve the parts of one area into a multipolygon)"
    )


def test_empty_id(tmp_path: Path) -> None:
    path = two(tmp_path / "a.gpkg", code=["L", None], name=["a", "b"])
    assert refusal(path) == f"{path}: row 2 has no 'code'; fill it in"


def test_points_are_no_areas(tmp_path: Path) -> None:
    path = write_areas(tmp_path / "a.gpkg", [Point(WEST, NORTH)], code=["p"], name=["P"])
    assert refusal(path) == f"{path}: area 'p' is Point, not a polygon; remove it"


def test_missing_geometry(tmp_path: Path) -> None:
    path = write_areas(tmp_path / "a.gpkg", [LEFT, None], code=["L", "n"], name=["L", "N"])
    assert refusal(path) == f"{path}: area 'n' has no geometry; remove it"


def test_polygon_without_area(tmp_path: Path) -> None:
    line = Polygon([(WEST, NORTH), (WEST + 50, NORTH), (WEST, NORTH)])
    path = write_areas(tmp_path / "a.gpkg", [line], code=["flat"], name=["Flat"])
    assert refusal(path) == f"{path}: area 'flat' encloses nothing; remove it"


def test_population_that_is_text(tmp_path: Path) -> None:
    path = two(tmp_path / "a.gpkg", code=["L", "R"], name=["a", "b"], pop=["many", "12"])
    assert refusal(path, population="pop") == (
        f"{path}: column 'pop' does not hold numbers (could not convert string to float: 'many'); "
        "name the column with the inhabitants, or leave population out"
    )


def test_negative_population(tmp_path: Path) -> None:
    path = two(tmp_path / "a.gpkg", code=["L", "R"], name=["a", "b"], pop=[5, -1])
    assert refusal(path, population="pop") == (
        f"{path}: area 'R' has pop = -1; leave it empty where it is unknown"
    )


def test_several_layers(tmp_path: Path) -> None:
    for name in ("one", "two"):
        path = write_areas(tmp_path / "a.gpkg", [LEFT], layer=name, code=["L"], name=["L"])
    assert refusal(path) == (
        f"{path}: holds 2 layers of geometry (one, two), expected one; "
        "choose it with layer_name in [[areas]] or --layer"
    )


@pytest.mark.parametrize(
    "text", ["../../etc/passwd", "a/b", "a\\b", "", ".", "..", "nul", "é", "x" * 300]
)
def test_slugs_are_safe_file_names(text: str) -> None:
    slug = safe_slug(text)
    assert slug not in ("", ".", "..", "nul")
    assert len(slug) <= 80
    assert set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-._")


def test_slugs_of_different_ids_differ() -> None:
    assert len({safe_slug(text) for text in ("a/b", "a-b", "a b", "é", "è", "", ".")}) == 7
    assert safe_slug("FR101_x.2") == "FR101_x.2"


class TestRealData:
    pytestmark = real_data

    def test_nuts_regions_around_ojcow(self) -> None:
        folder = SHARED / "clcplus-2023-poland"
        grid = read_grid(str(folder / "CLCplusBB_Ojcowski_National_Park_3035_BUFFERED_1km.tif"))
        nuts = str(SHARED / "boundaries" / "NUTS_RG_20M_2021_4326_LEVL_3.geojson")
        areas = read_areas(AreaLayer("nuts3", nuts, "NUTS_ID", "NAME_LATN", None, {}), grid)
        assert areas.ids == ("PL214", "PL21A", "PL22B", "PL722")
        assert areas.outside == 1508
