"""hexseal fetch from plan to site inputs, all services imitated on this machine."""

import io
import json
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pyogrio.raw
import pytest
import rasterio
import shapely
from rasterfiles import NORTH, WEST, write_areas, write_tif
from rasterio.warp import Resampling, reproject, transform_bounds
from rasterio.windows import Window
from rasterio.windows import bounds as window_bounds
from services import (
    Answer,
    ClmsPortal,
    Services,
    catalogue,
    crop_bytes,
    image_server,
    running,
    scene_item,
    zip_bytes,
)
from sites import ROWS, Result, hexseal, hexseal_process, two_years

from hexseal.cli.main import main
from hexseal.datasets.provenance import provenance_of
from hexseal.errors import FetchError
from hexseal.fetch.boundaries import fetch_boundaries
from hexseal.fetch.place import place_of_box
from hexseal.fetch.web import Web
from hexseal.region.fetch import (
    CATALOGUE,
    GISCO,
    IMAGE_SERVER,
)
from hexseal.region.load import load_region
from hexseal.simulation import simulate

ROOT = Path(__file__).parents[1]
BOX = [WEST, NORTH - 10 * ROWS, WEST + 1500, NORTH]
TOY = """
[region]
id = "toy"
[fetch]
bbox = {box}
folder = "in"
[fetch.clcplus]
years = [2018]
[[fetch.boundaries]]
layer = "half"
address = "{address}/areas.geojson"
[[epoch]]
year = 2018
landcover = "in/clcplus_2018.tif"
[[areas]]
layer = "half"
path = "in/half.gpkg"
id = "code"
name = "name"
[hexagons]
finest = 9
coarsest = 8
"""
# What HEXSEAL_SERVICES names: these servers instead of the real ones.
SERVICES = """
[clcplus]
image_servers = ["{address}/clc{{year}}/ImageServer"]
api = "{address}/api"
tile_pixels = 100
poll_seconds = 0.1
[catalogues.mine]
address = "{address}/stac"
collection = "sentinel-2-l2a"
"""


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """A map of 2018 and the areas: west and east half, and one far away."""
    (tmp_path / "served").mkdir()
    raster = Path(write_tif(tmp_path / "served/map.tif", two_years()[0]))
    middle = WEST + 750
    halves = [
        shapely.box(WEST - 5000, NORTH - 5000, middle, NORTH + 5000),
        shapely.box(middle, NORTH - 5000, WEST + 9000, NORTH + 5000),
        shapely.box(WEST + 90_000, NORTH, WEST + 95_000, NORTH + 5000),
    ]
    areas = tmp_path / "served/areas.geojson"
    write_areas(
        areas, halves, code=["w", "e", "f"], name=["West", "Østre", None], FID=["1", "2", "3"]
    )
    with running() as services:
        services.routes["/clc2018/ImageServer/exportImage"] = image_server(raster)
        services.routes["/areas.geojson"] = lambda ask: Answer(areas.read_bytes())
        yield services


@pytest.fixture
def region(services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    use_services(services, tmp_path, monkeypatch)
    path = tmp_path / "toy.toml"
    path.write_text(TOY.format(box=BOX, address=services.address))
    return path


def use_services(services: Services, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = folder / "services.toml"
    own.write_text(SERVICES.format(address=services.address))
    monkeypatch.setenv("HEXSEAL_SERVICES", str(own))


def run(*arguments: object) -> Result:
    """Run the command line in this process, which is much faster than in one of its own."""
    out, err, argv = io.StringIO(), io.StringIO(), sys.argv
    handlers = {wish: signal.getsignal(wish) for wish in (signal.SIGINT, signal.SIGTERM)}
    sys.argv = ["hexseal", *map(str, arguments)]
    try:
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
            main()
    finally:
        sys.argv = argv
        for wish, handler in handlers.items():
            signal.signal(wish, handler)
    code = ended.value.code
    return Result(code if isinstance(code, int) else 0, out.getvalue(), err.getvalue())


def test_a_dry_run_tells_the_plan_and_asks_nobody(services: Services, region: Path) -> None:
    text = region.read_text().replace('"in/half.gpkg"', '"other.gpkg"')
    region.write_text(text)
    result = run("fetch", region, "--dry-run")
    assert result.code == 0, result.err
    lines = result.out.splitlines()
    assert lines[0].startswith("place: EPSG:3035 150 x 120 pixels of 10 x 10 metre, x 4040000")
    assert f"clcplus_2018.tif       4 requests, from {services.address}/clc2018" in result.out
    assert lines[-2].startswith(f"note: no [[epoch]] or [[areas]] of {region} names")
    assert lines[-2].endswith("in/half.gpkg")
    assert lines[-1] == "dry run: nothing was requested or written"
    assert services.asked == []
    assert not (region.parent / "in").exists()


def test_the_example_region_plans_to_ask_the_real_services() -> None:
    result = run("fetch", ROOT / "regions/esch.toml", "--dry-run")
    assert result.code == 0, result.err
    assert "1800 x 1400 pixels of 10 x 10 metre, x 4024000 to 4042000" in result.out
    assert IMAGE_SERVER.replace("{year}", "2018") in result.out
    assert f"from {CATALOGUE}" in result.out
    assert f"{GISCO}/lau/geojson/LAU_RG_01M_2021_4326.geojson" in result.out
    assert "note:" not in result.out


def test_help_and_documents_name_the_command_and_its_keys() -> None:
    help_text = " ".join(run("fetch", "--help").out.split())
    assert "Example: hexseal fetch regions/esch.toml --dry-run" in help_text
    commands = (ROOT / "docs/reference/commands.md").read_text(encoding="utf-8")
    assert "hexseal fetch" in commands
    guide = (ROOT / "docs/how-to/fetch-inputs.md").read_text(encoding="utf-8")
    for word in (
        "hexseal init",
        "HEXSEAL_SERVICES",
        "HEXSEAL_CLMS_KEY",
        "worldcover",
        "earth-search",
    ):
        assert word in guide, word


def test_files_are_fetched_once_and_told_of(services: Services, region: Path) -> None:
    missing = run("build", region)
    assert missing.code == 1
    assert (
        f"in/clcplus_2018.tif and 1 more: not fetched yet; run hexseal fetch {region}"
        in missing.err
    )
    result = run("fetch", region)
    assert result.code == 0, result.err
    assert "clcplus_2018.tif, 18,000 classified pixels, 3.33 % sealed" in result.out
    assert "half.gpkg, 2 areas" in result.out
    assert "2 files fetched, 0 kept; now hexseal build" in result.out
    record = json.loads((region.parent / "in/fetched.json").read_text())
    source = record["files"]["clcplus_2018.tif"]["source"]
    assert source["address"] == f"{services.address}/clc2018/ImageServer"
    assert (source["requests"], source["bbox_epsg_3035"]) == (4, BOX)
    assert len(record["files"]["half.gpkg"]["sha256"]) == 64
    _, areas = provenance_of(load_region(region), region.parent).inputs
    assert (areas.name, areas.source) == ("half.gpkg", f"{services.address}/areas.geojson")
    before = (region.parent / "in/half.gpkg").read_bytes(), record
    asked = len(services.asked)
    again = run("fetch", region)
    assert "0 files fetched, 2 kept" in again.out
    assert len(services.asked) == asked
    fresh = run("fetch", region, "--fresh")
    assert "2 files fetched, 0 kept" in fresh.out
    after = (
        (region.parent / "in/half.gpkg").read_bytes(),
        json.loads((region.parent / "in/fetched.json").read_text()),
    )
    assert after == before


def test_only_what_changed_is_fetched_again(services: Services, region: Path) -> None:
    assert run("fetch", region).code == 0
    (region.parent / "in/clcplus_2018.tif").write_bytes(b"cut off")
    assert "1 files fetched, 1 kept" in run("fetch", region).out
    own = region.with_name("services.toml")
    own.write_text(own.read_text().replace("tile_pixels = 100", "tile_pixels = 120"))
    assert "1 files fetched, 1 kept" in run("fetch", region).out


def test_files_of_the_users_own_stay(services: Services, region: Path) -> None:
    own = region.parent / "in/clcplus_2018.tif"
    own.parent.mkdir()
    own.write_bytes(b"mine")
    result = run("fetch", region)
    assert result.code == 1
    assert (
        result.err
        == f"error: {own}: exists but was not created by hexseal fetch; move it or use --fresh\n"
    )
    assert own.read_bytes() == b"mine"


def test_a_failure_keeps_what_was_fetched_before(services: Services, region: Path) -> None:
    services.routes["/areas.geojson"] = lambda ask: Answer(b"<html>moved</html>")
    result = run("fetch", region)
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert "areas.geojson: sent neither GeoJSON nor GeoPackage but '<html>moved" in result.err
    names = sorted(path.name for path in (region.parent / "in").iterdir())
    assert names == ["clcplus_2018.tif", "fetched.json"]


def test_the_place_may_be_a_polygon_of_a_file_from_the_network(
    services: Services, region: Path
) -> None:
    text = region.read_text().replace(
        f"bbox = {BOX}", f'boundary = "{services.address}/areas.geojson"\nselect = "code = \'w\'"'
    )
    region.write_text(text)
    dry = run("fetch", region, "--dry-run")
    assert f"place: around {services.address}/areas.geojson, which is downloaded first" in dry.out
    result = run("fetch", region)
    assert result.code == 0, result.err
    with rasterio.open(region.parent / "in/clcplus_2018.tif") as file:
        assert abs(file.bounds.left - (WEST - 5000)) <= 30
        codes = file.read(1)
    # The imitation has nothing beyond its map; within it, all that counts lies in the west.
    assert np.count_nonzero(codes != 254) == pytest.approx(75 * ROWS, abs=ROWS)


def test_areas_keep_their_outlines_and_columns(services: Services, tmp_path: Path) -> None:
    place = place_of_box(tuple(BOX), "EPSG:3035")  # type: ignore[arg-type]
    target = tmp_path / "half.gpkg"
    count = fetch_boundaries(Web(), f"{services.address}/areas.geojson", target, place)
    meta, _, geometry, data = pyogrio.raw.read(target)
    columns = dict(zip(meta["fields"], data, strict=True))
    assert count == len(geometry) == 2
    assert columns["code"].tolist() == ["w", "e"]
    assert columns["name"].tolist() == ["West", "Østre"]
    assert columns["FID"].tolist() == ["1", "2"]
    west = shapely.from_wkb(geometry[0])
    assert west.bounds[3] - west.bounds[1] > 0.08  # 10 km, though the place has 1.2
    far = place_of_box((WEST + 50_000, NORTH, WEST + 51_000, NORTH + 1000), "EPSG:3035")
    with pytest.raises(FetchError, match="none of its areas reaches the place"):
        fetch_boundaries(Web(), f"{services.address}/areas.geojson", tmp_path / "no.gpkg", far)
    assert not (tmp_path / "no.gpkg").exists()


ISLAND = """
[region]
id = "island"
[fetch]
bbox = {box}
folder = "in"
[fetch.clcplus]
years = [2018, 2021, 2023]
[fetch.sentinel2]
years = [2021]
catalogue = "mine"
bands = ["B02", "B04", "B11"]
observations = 1
[[fetch.boundaries]]
layer = "municipality"
address = "{address}/municipalities.gpkg"
[[epoch]]
year = 2018
landcover = "in/clcplus_2018.tif"
[[epoch]]
year = 2021
landcover = "in/clcplus_2021.tif"
[[epoch]]
year = 2023
landcover = "in/clcplus_2023.tif"
[[areas]]
layer = "municipality"
path = "in/municipality.gpkg"
id = "code"
name = "name"
[hexagons]
finest = 9
coarsest = 7
"""
UTM, BANDS = "EPSG:32625", ("B02", "B04", "B11")
# 300 x 240 pixels in the middle of the island.
INSIDE = Window(150, 180, 300, 240)  # type: ignore[call-arg]


def utm_scenes(image: Path, folder: Path, address: str) -> list[dict]:
    """Cut the island's image into three cloudy scenes of UTM, in the dialect of Planetary Computer.

    Each third of each scene lies under cloud, so that every pixel is seen clear twice.
    """
    with rasterio.open(image) as file:
        places = [file.descriptions.index(band) + 1 for band in BANDS]
        bands, transform = file.read(places), file.transform
        bounds = transform_bounds(file.crs, UTM, *file.bounds)
        box = list(transform_bounds(file.crs, "EPSG:4326", *file.bounds))
        crs = file.crs
    west, north = round(bounds[0], -1), round(bounds[3], -1)
    width, height = int((bounds[2] - west) // 10), int((north - bounds[1]) // 10)
    utm = rasterio.Affine(10, 0, west, 0, -10, north)
    seen = np.zeros((len(BANDS), height, width), np.int16)
    reproject(
        bands, seen, src_transform=transform, src_crs=crs, dst_transform=utm, dst_crs=UTM,
        src_nodata=0, dst_nodata=0, resampling=Resampling.bilinear,
    )  # fmt: skip
    items = []
    for number, baseline in enumerate(("02.14", "04.00", "05.10")):
        name = f"S2A_MSIL2A_202106{10 + number}T100000_R1_T25TXK"
        classes = np.where((np.arange(width) // 40 + number) % 3 == 0, 9, 4) * np.ones((height, 1))
        numbers = np.where(classes == 9, 9000, seen) * (seen > 0)
        if baseline == "02.14":
            numbers = np.maximum(numbers - 1000, 1) * (seen > 0)
        for band, values in zip(BANDS, numbers, strict=True):
            path = folder / f"{name}_{band}.tif"
            write_tif(path, values.astype(np.uint16), transform=utm, crs=UTM, tiled=True)
        write_tif(folder / f"{name}_SCL.tif", classes.astype(np.uint8), transform=utm, crs=UTM)
        files = {key: f"{address}/cog/{name}_{key}.tif" for key in (*BANDS, "SCL")}
        result = {
            "datetime": f"2021-06-{10 + number}T10:00:00Z",
            "s2:processing_baseline": baseline,
        }
        items.append(scene_item(name, box, files, **result))
    return items


@pytest.mark.slow
def test_an_island_from_services_to_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate, serve, fetch, check, count; what was fetched is what was served."""
    island = tmp_path / "island"
    simulate(island, size_km=(6, 6), seed=3)
    (tmp_path / "cog").mkdir()
    with rasterio.open(island / "clcplus_2018.tif") as file:
        box = list(window_bounds(INSIDE, file.transform))
    with running() as services:
        for year in (2018, 2021):
            route = image_server(island / f"clcplus_{year}.tif")
            services.routes[f"/clc{year}/ImageServer/exportImage"] = route
        whole = Window(0, 0, 600, 600)  # type: ignore[call-arg]
        archive = zip_bytes({"E13N34.tif": crop_bytes(island / "clcplus_2021.tif", whole)})
        portal = ClmsPortal(services, archive, tmp_path)
        items = utm_scenes(island / "sentinel2_2021.tif", tmp_path / "cog", services.address)
        cloudy = scene_item("cloudy", items[0]["bbox"], {}, **{"eo:cloud_cover": 90.0})
        cloudy["assets"] = items[0]["assets"]
        services.routes["/stac/search"] = catalogue(services, [cloudy, *items])
        services.folder("/cog/", tmp_path / "cog")
        areas = (island / "municipalities.gpkg").read_bytes()
        services.routes["/municipalities.gpkg"] = lambda ask: Answer(areas)
        # A busy service, in passing.
        services.faults["/clc2018"] = [Answer(status=503)]
        use_services(services, tmp_path, monkeypatch)
        region = tmp_path / "island.toml"
        region.write_text(ISLAND.format(box=box, address=services.address))
        result = hexseal_process("fetch", region, HEXSEAL_CLMS_KEY=str(portal.key))
        assert result.code == 0, result.err
        assert "sentinel2_2021.tif, median of 3 scenes" in result.out
        assert "5 files fetched" in result.out
    fetched, rows, columns = tmp_path / "in", slice(180, 420), slice(150, 450)
    for year, source in ((2018, 2018), (2021, 2021), (2023, 2021)):
        with (
            rasterio.open(fetched / f"clcplus_{year}.tif") as got,
            rasterio.open(island / f"clcplus_{source}.tif") as had,
        ):
            np.testing.assert_array_equal(got.read(1), had.read(1)[rows, columns])
    with (
        rasterio.open(fetched / "sentinel2_2021.tif") as got,
        rasterio.open(island / "sentinel2_2021.tif") as had,
    ):
        seen = got.read(3).astype(float)
        true = had.read(had.descriptions.index("B11") + 1)[rows, columns].astype(float)
    both = (seen > 0) & (true > 0)
    assert both.mean() > 0.97  # the rest are gaps that the island's own image has
    # Resampled twice, so blurred, but neither shifted, scaled nor clouded.
    assert np.corrcoef(seen[both], true[both])[0, 1] > 0.99
    assert abs(seen[both].mean() - true[both].mean()) < 5
    record = json.loads((fetched / "fetched.json").read_text())["files"]
    offsets = record["sentinel2_2021.tif"]["source"]["items"]
    assert list(offsets.values()) == [0.0, -0.1, -0.1]
    shutil.rmtree(tmp_path / "cog")
    checked = hexseal("check", region)
    assert checked.code == 0, checked.out
    counted = hexseal("delta", region, "--out", tmp_path / "site")
    assert counted.code == 0, counted.err
    assert "72,000 pixels (300 x 240 at 10 m, EPSG:3035)" in counted.out
    assert (tmp_path / "work/island/cells.parquet").is_file()
