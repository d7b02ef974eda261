"""The public interface: everything here comes from ``import hexseal`` alone."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import shapely
from rasterfiles import NORTH, WEST, write_areas, write_tif
from sites import COLUMNS, ROWS, two_years, write_region

import hexseal

PIXEL_M2 = 100.0


@pytest.fixture
def maps(tmp_path: Path) -> dict[int, Path]:
    before, after = two_years()
    return {2018: write_tif(tmp_path / "a.tif", before), 2021: write_tif(tmp_path / "b.tif", after)}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The index page of a toy region, its region file beside the site."""
    return hexseal.build_site(write_region(tmp_path_factory.mktemp("api")))


def sealed_m2() -> tuple[float, float]:
    """Count the sealed pixels that are valid in both years by hand."""
    before, after = two_years()
    valid = (before != 254) & (after != 254)
    return tuple(float(((year == 1) & valid).sum()) * PIXEL_M2 for year in (before, after))


def test_every_public_name_is_there_and_documented() -> None:
    for name in hexseal.__all__:
        thing = getattr(hexseal, name)
        assert name == "__version__" or thing.__doc__, name
    assert set(hexseal.__all__) <= set(dir(hexseal))
    with pytest.raises(AttributeError, match="no attribute 'bake'"):
        _ = hexseal.bake  # pyright: ignore[reportAttributeAccessIssue]


def test_importing_hexseal_imports_no_stage() -> None:
    code = "import sys, json, hexseal; hexseal.load_region; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "numba", "rasterio", "duckdb", "scipy"} & set(json.loads(done.stdout))


def test_hexagons_of_two_rasters(maps: dict[int, Path]) -> None:
    table = hexseal.compare_maps(maps, resolution=9)
    assert isinstance(table, pa.Table)
    assert table.column_names[0] == "h3"
    assert table.column_names[-1] == "geometry"
    assert set(table["resolution"].to_pylist()) == {9}
    for year, wanted in zip(maps, sealed_m2(), strict=True):
        assert sum(table[f"sealed_m2_{year}"].to_pylist()) == pytest.approx(wanted)
    # The town grows by 20 x 5 pixels and loses 30, see sites.two_years.
    assert sum(table["new_sealed_m2_2018_2021"].to_pylist()) == pytest.approx(100 * PIXEL_M2)
    assert sum(table["unsealed_m2_2018_2021"].to_pylist()) == pytest.approx(30 * PIXEL_M2)
    outlines = shapely.from_wkb(table["geometry"].to_pylist())
    assert all(shapely.is_valid(outlines))
    assert np.diff(shapely.bounds(outlines)[:, [0, 2]]).max() < 0.02


def test_areas_of_two_rasters(maps: dict[int, Path], tmp_path: Path) -> None:
    middle, south = WEST + 5.0 * COLUMNS, NORTH - 10.0 * ROWS
    halves = [
        shapely.box(WEST, south, middle, NORTH),
        shapely.box(middle, south, WEST + 10.0 * COLUMNS, NORTH),
    ]
    areas = tmp_path / "halves.gpkg"
    write_areas(areas, halves, code=["w", "e"], label=["West", "East"])
    table = hexseal.compare_maps(
        {year: str(path) for year, path in maps.items()},
        resolution=8, areas=areas, area_id="code", area_name="label",
    )  # fmt: skip
    rows = {row["id"]: row for row in table.to_pylist()}
    assert {key: row["name"] for key, row in rows.items()} == {"w": "West", "e": "East"}
    assert rows["w"]["new_sealed_m2_2018_2021"] == 100 * PIXEL_M2
    assert rows["e"]["new_sealed_m2_2018_2021"] == 0
    frame = hexseal.to_geodataframe(table)
    assert frame.crs == "EPSG:4326"
    assert frame.loc[frame["id"] == "w", "sealed_m2_2018"].item() == 600 * PIXEL_M2


def test_geopandas_knows_the_outlines(maps: dict[int, Path]) -> None:
    geopandas = pytest.importorskip("geopandas")
    frame = geopandas.GeoDataFrame.from_arrow(hexseal.compare_maps(maps, resolution=8))
    assert frame.crs == "OGC:CRS84"
    assert set(frame.geom_type) == {"Polygon"}


def test_bad_maps_are_one_line(maps: dict[int, Path], tmp_path: Path) -> None:
    with pytest.raises(hexseal.RegionError, match="at least two years"):
        hexseal.compare_maps({2018: maps[2018]})
    with pytest.raises(hexseal.RegionError, match="product = 'corine' is not one of clcplus"):
        hexseal.compare_maps(maps, product="corine")  # pyright: ignore[reportArgumentType]
    with pytest.raises(hexseal.RegionError, match="H3 resolutions are 0 to 15"):
        hexseal.compare_maps(maps, resolution=16)
    with pytest.raises(hexseal.RegionError, match="give area_id"):
        hexseal.compare_maps(maps, areas="halves.gpkg")
    with pytest.raises(hexseal.InputError, match=r"missing\.tif.*no such file") as error:
        hexseal.compare_maps(maps | {2024: tmp_path / "missing.tif"})
    assert "\n" not in str(error.value)
    other = write_tif(tmp_path / "c.tif", np.full((5, 5), 6, np.uint8))
    with pytest.raises(hexseal.HexsealError, match=r"c\.tif"):
        hexseal.compare_maps({2018: maps[2018], 2021: other})


def test_a_site_is_built_beside_its_region_file_and_verified(built: Path) -> None:
    assert built.name == "index.html"
    assert built.parent.name == "site"
    assert (built.parent.parent / "toy.toml").is_file()
    report = hexseal.verify_site(built.parent)
    assert report.problems == ()
    region = hexseal.load_region(str(built.parent.parent / "toy.toml"))
    assert (region.id, region.years) == ("toy", (2018, 2021))
    assert not hexseal.check_region(region).errors


def test_areas_and_accuracy_of_a_region(built: Path, tmp_path: Path) -> None:
    region = built.parent.parent / "toy.toml"
    out = tmp_path / "halves.csv"
    summary = hexseal.measure_areas(region, region.with_name("areas.gpkg"), out, id_field="code")
    # The corner without data is 100 of the 9,000 pixels of one half.
    assert (summary.rows, summary.answers) == (2, {"ok": 1, "partly": 1})
    assert out.read_text(encoding="utf-8").count("\n") == 3
    points = tmp_path / "points.csv"
    # Ten points in each of town, grass and lake; the town is right, two of grass are sealed.
    places = [(445, 555, 1)] * 10 + [(45, 555, 6)] * 8 + [(45, 555, 1)] * 2 + [(45, 25, 10)] * 10
    rows = [
        f"{WEST + x + 10 * (n % 10)},{NORTH - y},{code},{code}"
        for n, (x, y, code) in enumerate(places)
    ]
    points.write_text("\n".join(["x,y,reference_2018,reference_2021", *rows]) + "\n")
    report = hexseal.assess_accuracy(region, points, crs="EPSG:3035")
    assert [year.points for year in report.years] == [30, 30]


@pytest.mark.slow  # The quick tier merges sites in test_merge.py.
def test_two_sites_are_merged(tmp_path: Path) -> None:
    parts = []
    middle = WEST + 10.0 * COLUMNS / 2
    for name, window in (
        ("west", (WEST, NORTH - 10.0 * ROWS, middle, NORTH)),
        ("east", (middle, NORTH - 10.0 * ROWS, WEST + 10.0 * COLUMNS, NORTH)),
    ):
        region = write_region(tmp_path / name)
        text = region.read_text(encoding="utf-8").replace(
            'id = "toy"', f'id = "{name}"\nwindow = {list(window)}'
        )
        region.write_text(text, encoding="utf-8")
        parts.append(hexseal.build_site(region).parent)
    index = hexseal.merge_sites(parts, tmp_path / "both", id="both", title="Both")
    assert hexseal.verify_site(index.parent).problems == ()
    assert "Both" in index.read_text(encoding="utf-8")


def test_an_island_is_ready_to_build(tmp_path: Path) -> None:
    region = hexseal.load_region(hexseal.simulate(tmp_path / "demo", size_km=(6, 6)))
    assert region.simulated
    assert region.years[:2] == (2018, 2021)
    assert [layer.layer for layer in region.areas] == ["province", "municipality"]
    with pytest.raises(hexseal.RegionError, match="no such region file"):
        hexseal.load_region(tmp_path / "other.toml")
    with pytest.raises(hexseal.HexsealError, match=r"\[fetch\]"):
        hexseal.fetch_region(region)


def test_the_example_notebook_runs_and_holds_no_output() -> None:
    path = Path(__file__).parents[1] / "docs/examples/two-rasters.ipynb"
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert not any(cell.get("outputs") for cell in cells)
    names: dict[str, object] = {}
    for number, text in enumerate(code):
        exec(compile(text, f"{path.name}, cell {number}", "exec"), names)
    assert len(names["hexagons"]) > 10  # pyright: ignore[reportArgumentType]
    assert list(names["maps"]) == [2018, 2021]  # pyright: ignore[reportArgumentType, reportCallIssue]
