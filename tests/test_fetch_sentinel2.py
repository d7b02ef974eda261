"""Sentinel-2: catalogues searched page by page, their dialects, composites checked by hand."""

import json
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import rasterio
from rasterfiles import NORTH, SHARED, WEST, north_up, real_data, write_tif
from rasterio.shutil import copy
from services import Answer, Services, catalogue, running, scene_item

from hexseal.errors import FetchError
from hexseal.fetch.composite import write_composite
from hexseal.fetch.items import Scene, clearest, newest, scene_of, search
from hexseal.fetch.place import Place, place_of_box
from hexseal.fetch.pool import reading_pool
from hexseal.fetch.scenes import SceneReader, small_grid
from hexseal.fetch.web import Web
from hexseal.region.fetch import FetchSentinel2
from hexseal_ml.imagery.image import open_image

BOX = (WEST, NORTH - 60, WEST + 80, NORTH)
LONLAT = [6.0, 49.0, 6.3, 50.0]
PLACE = place_of_box(BOX, "EPSG:3035")
CATALOGUE = "https://catalogue.example/v1"


@pytest.fixture(scope="module")
def pool() -> Iterator[Executor]:
    """Two processes for all tests here: starting them takes longer than most tests."""
    with reading_pool(2) as pool:
        yield pool


class Compose:
    """Makes composites with one pool."""

    def __init__(self, pool: Executor) -> None:
        self.pool = pool

    def __call__(
        self, wanted: FetchSentinel2, items: list[dict], path: Path, place: Place = PLACE
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the composite (bands, rows, columns) and the counts of items."""
        scenes = [scene_of(item, wanted.bands, wanted.catalogue) for item in items]
        reader = SceneReader(Web(pause=lambda seconds: None), wanted, self.pool)
        write_composite(path, place, reader.settled(scenes, place), reader)
        beside = path.with_name(f"{path.stem}_observations.tif")
        with rasterio.open(path) as file, rasterio.open(beside) as counts:
            return file.read(), counts.read(1)


@pytest.fixture
def composed(pool: Executor) -> Compose:
    return Compose(pool)


@pytest.fixture
def services() -> Iterator[Services]:
    with running() as services:
        yield services


@pytest.fixture
def web() -> Web:
    return Web(pause=lambda seconds: None)


def settings(services: Services, **changes: object) -> FetchSentinel2:
    usual = FetchSentinel2(
        (2021,), catalogue=f"{services.address}/stac", bands=("B02", "B11"), observations=1, widen=0
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


def real(name: str) -> dict:
    content = json.loads((SHARED / "stac" / name).read_text())
    return content["features"][0] if "features" in content else content


@pytest.mark.parametrize("by", ["POST", "GET"])
def test_all_pages_are_read_and_no_item_twice(services: Services, web: Web, by: str) -> None:
    items = [scene_item(f"S{n}", LONLAT, {}) for n in range(5)]
    items += [items[0], scene_item("late", LONLAT, {}, datetime="2021-10-01T10:00:00Z")]
    services.routes["/stac/search"] = catalogue(services, items, by=by)
    found = [i["id"] for i in search(web, settings(services), 2021, tuple(LONLAT))]  # type: ignore[arg-type]
    wanted = ["S0", "S1", "S2", "S3", "S4"]
    assert found == (wanted if by == "POST" else [*wanted, "late"])
    sent = json.loads(services.asked[0].body)
    assert sent["datetime"] == "2021-05-01T00:00:00Z/2021-09-30T23:59:59Z"
    assert sent["bbox"] == LONLAT
    assert sent["collections"] == ["sentinel-2-c1-l2a"]


def test_pages_that_never_end_or_lead_away_are_refused(services: Services, web: Web) -> None:
    page = {"features": [scene_item("S", LONLAT, {})], "links": [{"rel": "next", "href": "search"}]}
    services.routes["/stac/search"] = lambda ask: Answer.json(page)
    with pytest.raises(FetchError, match="more than 100 pages"):
        list(search(web, settings(services), 2021, tuple(LONLAT)))  # type: ignore[arg-type]
    page["links"][0]["href"] = "file:///etc/passwd"
    with pytest.raises(FetchError, match="not an address to follow"):
        list(search(web, settings(services), 2021, tuple(LONLAT)))  # type: ignore[arg-type]
    services.routes["/stac/search"] = lambda ask: Answer.json({"description": "a landing page"})
    with pytest.raises(FetchError, match="it is no STAC search"):
        list(search(web, settings(services), 2021, tuple(LONLAT)))  # type: ignore[arg-type]


class TestDialects:
    """Real items: (tile, baseline, clouds), then address ends, scale and offset of two bands."""

    pytestmark = real_data
    FILES: ClassVar = {
        "cdse_issue1043_T36NYH_2020_FeatureCollection.json": (
            ("36NYH", 5.0, 87.94), ("R10m/T36NYH_20200322T074609_B02_10m.jp2", 1e-4, -0.1),
            "R20m/T36NYH_20200322T074609_B11_20m.jp2", "T36NYH_20200322T074609_SCL_20m.jp2",
        ),
        "pc_S2B_MSIL2A_20190629T212529_R043_T06VVN.json": (
            ("06VVN", 2.12, 0.314306), ("T06VVN_20190629T212529_B02_10m.tif", 1e-4, 0.0),
            "T06VVN_20190629T212529_B11_20m.tif", "T06VVN_20190629T212529_SCL_20m.tif",
        ),
        "earthsearch_v0_S2A_28QCH_20200714_0_L2A.json": (
            ("28QCH", 2.14, 2.36), ("S2A_28QCH_20200714_0_L2A/B02.tif", 1e-4, 0.0),
            "S2A_28QCH_20200714_0_L2A/B11.tif", "S2A_28QCH_20200714_0_L2A/SCL.tif",
        ),
        "stactools_S2A_T07HFE_20190212T192646_L2A.json": (
            ("07HFE", 2.12, 51.580326), ("R10m/T07HFE_20190212T192651_B02_10m.tif", 1e-4, 0.0),
            "R20m/T07HFE_20190212T192651_B11_20m.tif", "R20m/T07HFE_20190212T192651_SCL_20m.tif",
        ),
    }  # fmt: skip

    @pytest.mark.parametrize("name", FILES)
    def test_real_items_are_understood(self, name: str) -> None:
        (tile, baseline, cloud), (blue, scale, offset), infrared, classes = self.FILES[name]
        scene = scene_of(real(name), ("B02", "B11"), CATALOGUE)
        assert (scene.tile, scene.baseline, scene.cloud_percent) == (tile, baseline, cloud)
        assert scene.bands["B02"].address.endswith(blue)
        assert (scene.bands["B02"].scale, scene.bands["B02"].offset) == (scale, offset)
        assert scene.bands["B11"].address.endswith(infrared)
        assert scene.bands["B11"].offset == offset
        assert scene.classes.endswith(classes)
        assert not scene.offset_unsure

    def test_every_band_of_each_is_found(self) -> None:
        for name in self.FILES:
            scene = scene_of(real(name), ("B01", "B04", "B08", "B8A", "B09", "B12"), CATALOGUE)
            assert len({asset.address for asset in scene.bands.values()}) == 6

    def test_an_item_without_a_band_is_told(self) -> None:
        item = real("pc_S2B_MSIL2A_20190629T212529_R043_T06VVN.json")
        del item["assets"]["B11"]
        with pytest.raises(FetchError, match=r"S2B_MSIL2A_2019\S+ has no asset of band B11"):
            scene_of(item, ("B11",), CATALOGUE)


FILES = {"blue": "https://a.example/b.tif", "scl": "https://a.example/s.tif"}


@pytest.mark.parametrize(
    ("properties", "bands", "offset", "unsure"),
    [
        ({"s2:processing_baseline": "05.09"}, None, -0.1, False),
        ({"s2:processing_baseline": "03.01"}, None, 0.0, False),
        ({}, None, 0.0, False),
        ({"s2:processing_baseline": "03.01"}, [{"scale": 1e-4, "offset": -0.1}], -0.1, False),
        ({"earthsearch:boa_offset_applied": True}, [{"offset": -0.1}], 0.0, True),
        ({"earthsearch:boa_offset_applied": False}, [{"offset": -0.1}], -0.1, True),
    ],
)
def test_offsets_by_what_the_item_says(
    properties: dict, bands: list | None, offset: float, unsure: bool
) -> None:
    item = scene_item("S2A_T31UFR_20210615T100000_L2A", LONLAT, FILES, **properties)
    if bands is not None:
        item["assets"]["blue"]["raster:bands"] = bands
    scene = scene_of(item, ("B02",), CATALOGUE)
    assert (scene.bands["B02"].offset, scene.offset_unsure, scene.tile) == (offset, unsure, "31UFR")


@pytest.mark.parametrize("href", ["file:///etc/passwd", "/vsizip//etc/a.zip", "https://10.0.0.1/a"])
def test_assets_may_not_point_into_this_machine_or_network(href: str) -> None:
    item = scene_item("S", LONLAT, FILES | {"blue": href})
    item["links"] = [{"rel": "self", "href": "https://10.0.0.1/item.json"}]
    with pytest.raises(FetchError, match=r"catalogue.example/v1: sent us to"):
        scene_of(item, ("B02",), CATALOGUE)


def test_one_product_of_each_moment_and_the_clearest_of_each_tile() -> None:
    def scene(name: str, tile: str, cloud: float, baseline: float, day: int = 1) -> Scene:
        moment = f"2021-06-{day:02d}"
        return Scene(name, tile, moment, cloud, baseline, BOX, {}, "", offset_unsure=False)

    old, new = scene("old", "31UFR", 1, 2.14), scene("new", "31UFR", 2, 5.0)
    more = [scene(f"s{n}", "31UFR", 10 + n, 5.0, n) for n in range(2, 6)]
    other, cloudy = scene("other", "32ULA", 39, 5.0), scene("cloudy", "32ULA", 41, 5.0)
    kept = newest([old, new, *more, other, cloudy])
    assert old not in kept
    assert [s.id for s in clearest(kept, 40.0, 3)] == ["new", "other", "s2", "s3"]


def made_scene(
    services: Services, folder: Path, name: str, numbers: object, classes: object, **changes: object
) -> dict:
    """Write a scene of 8 x 6 pixels on the place's own grid (so nothing is mixed) and its item."""
    band = np.broadcast_to(np.asarray(numbers, np.uint16), (6, 8)).copy()
    scl = np.broadcast_to(np.asarray(classes, np.uint8), (6, 8)).copy()
    write_tif(folder / f"{name}_b.tif", band, transform=north_up())
    write_tif(folder / f"{name}_i.tif", band + 1000, transform=north_up())
    write_tif(folder / f"{name}_s.tif", scl, transform=north_up())
    services.folder("/cog/", folder)
    files = {"blue": "b", "swir16": "i", "scl": "s"}
    hrefs = {key: f"{services.address}/cog/{name}_{end}.tif" for key, end in files.items()}
    return scene_item(name, LONLAT, hrefs, **({"s2:processing_baseline": "05.00"} | changes))


def test_the_median_of_what_is_clear(services: Services, composed: Compose, tmp_path: Path) -> None:
    """Three scenes; the second lies under cloud in column 0, all three in column 1."""
    cloud, shadow, cirrus = np.full((6, 8), 4), np.full((6, 8), 5), np.full((6, 8), 6)
    cloud[:, :2], shadow[:, 1], cirrus[:, 1] = 9, 3, 10
    empty = np.full((6, 8), 3000)
    empty[5, 7] = 0
    items = [
        made_scene(services, tmp_path, "a", 2000, shadow),
        made_scene(services, tmp_path, "b", 9000, cloud),
        made_scene(services, tmp_path, "c", empty, cirrus),
    ]
    values, counts = composed(settings(services), items, tmp_path / "s2.tif")
    expected = np.full((6, 8), 3000)
    expected[:, 0] = 2500  # the mean of the middle two, 2000 and 3000
    expected[:, 1] = 0
    expected[5, 7] = 5500  # 2000 and 9000
    np.testing.assert_array_equal(values[0], expected)
    clear = np.full((6, 8), 3)
    clear[:, 0], clear[:, 1], clear[5, 7] = 2, 0, 2
    # Infrared is 1000 at [5, 7] of c, so that only blue has two observations there.
    np.testing.assert_array_equal(counts, clear)
    assert values[1, 0, 2] == 4000


def test_what_lies_near_a_cloud_is_not_trusted(
    services: Services, composed: Compose, tmp_path: Path
) -> None:
    """A cloud of one pixel, widened by one; the image's own edge is the edge of what is known."""
    cloud = np.full((6, 8), 4)
    cloud[2, 3] = 9
    items = [made_scene(services, tmp_path, "a", 2000, cloud)]
    _, counts = composed(settings(services, widen=1), items, tmp_path / "s2.tif")
    expected = np.ones((6, 8))
    expected[1:4, 2:5] = 0
    expected[[0, -1]], expected[:, [0, -1]] = 0, 0
    np.testing.assert_array_equal(counts, expected)


def test_the_file_is_what_the_model_reads(
    services: Services, composed: Compose, tmp_path: Path
) -> None:
    items = [made_scene(services, tmp_path, "a", 1500, 4)]
    composed(settings(services), items, tmp_path / "s2.tif")
    with rasterio.open(tmp_path / "s2.tif") as file:
        assert file.descriptions == ("B02", "B11")
        assert (file.scales[0], file.offsets[0], file.nodata) == (1e-4, -0.1, 0)
        assert (file.dtypes[0], file.bounds, file.crs.to_epsg()) == ("int16", BOX, 3035)
    with open_image(str(tmp_path / "s2.tif")) as image:
        seen, known = image.read(image.grid.window_of(BOX))
        assert image.warnings == ()
    assert known.all()
    np.testing.assert_allclose(seen[0], 0.05, atol=1e-6)
    np.testing.assert_allclose(seen[1], 0.15, atol=1e-6)


def test_scenes_of_different_baselines_meet_in_one_scale(
    services: Services, composed: Compose, tmp_path: Path
) -> None:
    """Reflectance 0.1 before and after baseline 04.00: 1000, and 2000 with its offset."""
    items = [
        made_scene(services, tmp_path, "a", 1000, 4, **{"s2:processing_baseline": "02.14"}),
        made_scene(services, tmp_path, "b", 2000, 4),
    ]
    values, _ = composed(settings(services), items, tmp_path / "s2.tif")
    np.testing.assert_array_equal(values[0], np.full((6, 8), 2000))


@pytest.mark.parametrize(("says", "number", "expected"), [
    (True, 400, 1400), (True, 1400, 1400), (False, 400, 1400), (False, 1400, 1400),
])  # fmt: skip
def test_pixels_settle_an_offset_that_the_catalogue_is_unsure_of(
    services: Services, composed: Compose, tmp_path: Path, says: bool, number: int, expected: int
) -> None:
    """Reflectance 0.04 is 400 without and 1400 with the offset, whatever the flag says."""
    place = place_of_box((WEST, NORTH - 120, WEST + 160, NORTH), "EPSG:3035")
    big, scl = np.full((12, 16), number, np.uint16), np.full((12, 16), 4, np.uint8)
    write_tif(tmp_path / "b.tif", big), write_tif(tmp_path / "s.tif", scl)
    services.folder("/cog/", tmp_path)
    files = {"blue": f"{services.address}/cog/b.tif", "scl": f"{services.address}/cog/s.tif"}
    item = scene_item("a", LONLAT, files, **{"earthsearch:boa_offset_applied": says})
    wanted = settings(services, bands=("B02",))
    values, _ = composed(wanted, [item], tmp_path / "s2.tif", place)
    assert np.unique(values).tolist() == [expected]


def test_seldom_seen_pixels_hold_nothing(
    services: Services, composed: Compose, tmp_path: Path
) -> None:
    clouds = np.full((6, 8), 4)
    clouds[0] = 8
    items = [
        made_scene(services, tmp_path, "a", 2000, 4),
        made_scene(services, tmp_path, "b", 2000, clouds),
    ]
    values, counts = composed(settings(services, observations=2), items, tmp_path / "s2.tif")
    assert counts[:2, 0].tolist() == [1, 2]
    assert values[:, :2, 0].tolist() == [[0, 2000], [0, 3000]]
    with pytest.raises(FetchError, match="no pixel was seen clear in 3 images"):
        composed(settings(services, observations=3), items, tmp_path / "none.tif")
    assert not list(tmp_path.glob("*none*"))


def test_utm_scenes_of_20_m_come_onto_the_grid(
    services: Services, composed: Compose, tmp_path: Path
) -> None:
    """A west-east ramp in UTM stays a ramp; a cloud of four fine pixels stays where it is."""
    place = place_of_box((WEST, NORTH - 400, WEST + 400, NORTH), "EPSG:3035")
    lonlat = place.lonlat_box
    rows, columns = np.mgrid[0:100, 0:100]
    west, north = 292_000.0, 5_519_000.0
    x, y = place.grid.from_lonlat(np.array([lonlat[0]]), np.array([lonlat[3]]))
    assert abs(x[0] - WEST) < 50
    assert abs(y[0] - NORTH) < 50
    x, y = rasterio.warp.transform("EPSG:3035", "EPSG:32632", [WEST + 200], [NORTH - 200])
    west, north = round(x[0], -2) - 1000, round(y[0], -2) + 1000
    ramp = (1000 + 10 * columns + 0 * rows).astype(np.uint16)
    classes = np.full((100, 100), 4, np.uint8)
    utm = north_up(west, north, 20.0)
    for name, values in (("b", ramp), ("s", classes)):
        write_tif(tmp_path / f"{name}.tif", values, transform=utm, crs="EPSG:32632")
    services.folder("/cog/", tmp_path)
    files = {"blue": f"{services.address}/cog/b.tif", "scl": f"{services.address}/cog/s.tif"}
    item = scene_item("a", list(lonlat), files, **{"s2:processing_baseline": "05.00"})
    wanted = settings(services, bands=("B02",))
    values, _ = composed(wanted, [item], tmp_path / "s2.tif", place)
    px, py = place.grid.centers(
        np.arange(40.0)[:, None] * np.ones(40), np.ones((40, 1)) * np.arange(40.0)
    )
    ux, _ = rasterio.warp.transform("EPSG:3035", "EPSG:32632", px.ravel(), py.ravel())
    expected = 1000 + 10 * ((np.array(ux).reshape(40, 40) - west) / 20 - 0.5)
    assert np.abs(values[0] - expected).max() < 2  # 4 m of 200 a pixel: rounding and GDAL's 1/8 px


def test_a_signature_is_added_and_never_told(
    services: Services, composed: Compose, tmp_path: Path
) -> None:
    services.routes["/sign"] = lambda ask: Answer.json({"token": "sig=s3cret"})
    items = [made_scene(services, tmp_path, "a", 2000, 4)]
    wanted = settings(services, sign=f"{services.address}/sign")
    composed(wanted, items, tmp_path / "s2.tif")
    asked = [ask for ask in services.asked if ask.path.startswith("/cog/")]
    assert {ask.query.get("sig") for ask in asked} == {"s3cret"}
    items[0]["assets"]["blue"]["href"] = f"{services.address}/cog/gone.tif"
    with pytest.raises(FetchError, match=r"gone.tif: answered HTTP 404") as failed:
        composed(wanted, items, tmp_path / "t.tif")
    assert "s3cret" not in str(failed.value)


def test_jpeg_2000_of_a_bucket_is_read_with_the_access_of_the_environment(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As CDSE offers them: s3://eodata/…_B02_10m.jp2, the endpoint and keys in the environment."""
    bucket = tmp_path / "eodata"
    bucket.mkdir()
    for name, number, kind in (("B02_10m", 1500, np.uint16), ("SCL_20m", 4, np.uint8)):
        plain = write_tif(tmp_path / f"{name}.tif", np.full((64, 64), number, kind))
        copy(plain, bucket / f"{name}.jp2", driver="JP2OpenJPEG", reversible="YES", quality="100")
    services.folder("/eodata", bucket)
    result = {
        "AWS_S3_ENDPOINT": services.address.removeprefix("http://"),
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "word",
        "AWS_VIRTUAL_HOSTING": "FALSE",
        "AWS_HTTPS": "NO",
    }
    for key, value in result.items():
        monkeypatch.setenv(key, value)
    files = {key: f"s3://eodata/{key}.jp2" for key in ("B02_10m", "SCL_20m")}
    item = scene_item("a", LONLAT, files, **{"processing:version": "05.00"})
    with reading_pool(1) as pool:
        wanted = settings(services, bands=("B02",))
        values, _ = Compose(pool)(wanted, [item], tmp_path / "s2.tif")
    assert np.unique(values).tolist() == [1500]
    signed = [ask.headers.get("Authorization", "") for ask in services.asked]
    assert all(text.startswith("AWS4-HMAC-SHA256 Credential=key/") for text in signed)


def test_a_virtual_file_cannot_make_gdal_read_local_ones(
    services: Services, composed: Compose, tmp_path: Path
) -> None:
    items = [made_scene(services, tmp_path, "a", 2000, 4)]
    secret = write_tif(tmp_path / "secret.tif", np.full((6, 8), 7, np.uint16))
    (tmp_path / "a_b.tif").write_text(
        f'<VRTDataset rasterXSize="8" rasterYSize="6"><VRTRasterBand dataType="UInt16" band="1">'
        f"<SimpleSource><SourceFilename>{secret}</SourceFilename><SourceBand>1</SourceBand>"
        f"</SimpleSource></VRTRasterBand></VRTDataset>"
    )
    with pytest.raises(FetchError, match=r"a_b.tif: cannot be read"):
        composed(settings(services), items, tmp_path / "s2.tif")


def test_small_grids_cover_the_same_ground() -> None:
    small = small_grid(place_of_box((WEST, NORTH - 9000, WEST + 12_000, NORTH), "EPSG:3035").grid)
    assert (small.width, small.height, small.pixel_size) == (400, 300, (30.0, 30.0))
    assert small.bounds == (WEST, NORTH - 9000, WEST + 12_000, NORTH)
