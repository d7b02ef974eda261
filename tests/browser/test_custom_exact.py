"""Answers of the page against the exact counts of ``hexseal areas``, on a simulated region."""

import csv
import io
import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import rasterio
from journey import Journey
from pyproj import Transformer

from hexseal.areas import AreasOptions, measure_areas
from hexseal.build import BuildSettings, Reporter, build_site
from hexseal.region.load import load_region
from hexseal.simulation import simulate

pytestmark = pytest.mark.browser
REGION = """
[region]
id = "exact"
title = {{ en = "Exact" }}
simulated = true
[[epoch]]
year = 2018
landcover = "{inputs}/clcplus_2018.tif"
[[epoch]]
year = 2021
landcover = "{inputs}/clcplus_2021.tif"
[hexagons]
finest = 9
coarsest = 6
[site]
languages = ["en"]
"""
# Corners as parts of the region's width and height, so that each shape covers more than 10 km².
OUTLINE = [(0.15, 0.2), (0.85, 0.1), (0.9, 0.75), (0.5, 0.9), (0.1, 0.7)]
DENT = [(0.1, 0.1), (0.9, 0.1), (0.9, 0.5), (0.4, 0.45), (0.75, 0.9), (0.1, 0.9)]
HOLE = [(0.35, 0.4), (0.6, 0.35), (0.55, 0.6)]
WEST, EAST = [(0.05, 0.1), (0.4, 0.15), (0.35, 0.9)], [(0.5, 0.2), (0.95, 0.15), (0.9, 0.8)]
SHAPES = {
    "plain": [[OUTLINE]],
    "dented": [[DENT]],
    "with a hole": [[OUTLINE, HOLE]],
    "two parts": [[WEST], [EAST]],
}
COLUMNS = ("valid_m2", "land_m2", "sealed_m2_2018", "sealed_m2_2021")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a site whose polygons lie beside it as polygons.geojson."""
    folder = tmp_path_factory.mktemp("exact")
    inputs = simulate(folder / "inputs", size_km=(8, 7), seed=4).folder
    region = folder / "exact.toml"
    region.write_text(REGION.format(inputs=inputs))
    build_site(region, BuildSettings(folder / "site"), Reporter())
    (folder / "polygons.geojson").write_text(_polygons(inputs / "clcplus_2018.tif"))
    return folder / "site"


def _polygons(raster: Path) -> str:
    with rasterio.open(raster) as image:
        (west, south, east, north), crs = image.bounds, image.crs
    to_degrees = Transformer.from_crs(crs, 4326, always_xy=True)

    def ring(corners: list[tuple[float, float]]) -> list[list[float]]:
        places = [(west + x * (east - west), south + y * (north - south)) for x, y in corners]
        return [list(to_degrees.transform(*place)) for place in [*places, places[0]]]

    features = [
        {
            "type": "Feature",
            "properties": {"name": name},
            "geometry": {
                "type": "MultiPolygon",
                "coordinates": [[ring(corners) for corners in polygon] for polygon in polygons],
            },
        }
        for name, polygons in SHAPES.items()
    ]
    return json.dumps({"type": "FeatureCollection", "features": features})


def _answers(browser, site: Path) -> tuple[str, dict[str, dict[str, str]]]:
    """Return what the page says of its method, and the saved answers by name."""
    journey = Journey(browser, {"file": site.as_uri() + "/"})
    journey.open("file")
    journey.page.locator("#own summary").click()
    polygons = site.parent / "polygons.geojson"
    journey.page.locator("#own input[type=file]").set_input_files(polygons)
    cells = ".own-compare td"
    journey.until(
        lambda: (texts := journey.texts(cells)) != [] and "…" not in texts, "four answers"
    )
    with journey.page.expect_download() as waiting:
        journey.page.get_by_role("button", name="Save CSV").click()
    rows = csv.DictReader(io.StringIO(Path(waiting.value.path()).read_text(encoding="utf-8")))
    method = journey.text(".own-answer > .detail")
    assert journey.problems == []
    journey.close()
    return method, {row["name"]: row for row in rows}


@pytest.fixture(scope="module")
def exact(site: Path) -> dict[str, dict[str, float]]:
    output = site.parent / "areas.parquet"
    polygons = site.parent / "polygons.geojson"
    region = load_region(site.parent / "exact.toml")
    measure_areas(region, polygons, output, options=AreasOptions(id="name"))
    return {row["id"]: row for row in pq.read_table(output).to_pylist()}


def test_differs_by_less_than_1_percent_from_exact_counts(browser, site: Path, exact) -> None:
    method, rows = _answers(browser, site)
    assert "on the border are shared out by their pixels" in method
    for name, counted in exact.items():
        assert counted["polygon_m2"] > 10e6
        for column in COLUMNS:
            assert float(rows[name][column]) == pytest.approx(counted[column], rel=0.01), name
        assert float(rows[name]["polygon_m2"]) == pytest.approx(counted["polygon_m2"], rel=1e-3)
        new = counted["new_sealed_m2_2018_2021"]
        assert float(rows[name]["new_sealed_m2_2018_2021"]) == pytest.approx(new, rel=0.02), name


def test_without_pixels_borders_are_weighted_by_area(
    browser, site: Path, exact, tmp_path: Path
) -> None:
    copy = tmp_path / "site"
    shutil.copytree(site, copy)
    next((copy / "assets").glob("pixels-*.js")).unlink()
    shutil.copy(site.parent / "polygons.geojson", tmp_path)
    journey = Journey(browser, {"file": copy.as_uri() + "/"})
    journey.open("file")
    journey.page.locator("#own summary").click()
    journey.page.locator("#own input[type=file]").set_input_files(tmp_path / "polygons.geojson")
    result = journey.page.locator(".own-answer > .detail")
    journey.until(lambda: result.count() > 0 and "km²" in result.inner_text(), "an answer")
    assert "on the border are weighted by area" in result.inner_text()
    journey.close()
