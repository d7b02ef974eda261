"""CLC+ from an ImageServer and from the CLMS portal: codes as they are, or one clear line."""

import dataclasses
import json
import threading
from collections.abc import Iterator
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from rasterfiles import NORTH, WEST, north_up, write_areas, write_tif
from rasterio.windows import Window as RasterioWindow
from services import (
    TOKEN,
    Answer,
    Ask,
    ClmsPortal,
    Services,
    crop_bytes,
    image_server,
    running,
    tiff_bytes,
    zip_bytes,
)

from hexseal.errors import FetchError, RegionError
from hexseal.fetch.clms import Access, Portal
from hexseal.fetch.clms_map import fetch_clms, pieces_of, unzip_rasters
from hexseal.fetch.image_server import fetch_image_server
from hexseal.fetch.landcover import MapWriter
from hexseal.fetch.place import Place, place_of_box, place_of_polygons
from hexseal.fetch.web import Web
from hexseal.products import CLCPLUS
from hexseal.region.fetch import FetchClcplus, Secrets

# 30 x 20 pixels, 10 columns and 5 rows inside a raster of 50 x 40.
BOX = (WEST + 100, NORTH - 250, WEST + 400, NORTH - 50)


def codes() -> np.ndarray:
    return (np.arange(40 * 50, dtype=np.uint16) % 11 + 1).astype(np.uint8).reshape(40, 50)


@pytest.fixture
def raster(tmp_path: Path) -> Path:
    return Path(write_tif(tmp_path / "all.tif", codes()))


@pytest.fixture
def services() -> Iterator[Services]:
    with running() as services:
        yield services


@pytest.fixture
def place() -> Place:
    return place_of_box(BOX, "EPSG:3035")


def fetch(
    services: Services, place: Place, path: Path, side: int = 16, workers: int = 1
) -> list[str]:
    service = f"{services.address}/clc/ImageServer?renderingRule=None"
    web = Web(pause=lambda seconds: None)
    with MapWriter(path, place, CLCPLUS) as writer:
        return fetch_image_server(web, service, side, writer, workers=workers)


def read(path: Path) -> np.ndarray:
    with rasterio.open(path) as file:
        return file.read(1)


def test_boxes_snap_outwards_to_whole_pixels() -> None:
    box = (WEST + 100.2, NORTH - 249.9, WEST + 391, NORTH - 58)
    assert place_of_box(box, "EPSG:3035").grid.bounds == BOX
    assert place_of_box(BOX, "EPSG:3035").grid.bounds == BOX
    west, south, east, north = place_of_box(BOX, "EPSG:3035").lonlat_box
    around = place_of_box((west, south, east, north), "EPSG:4326").grid.bounds
    assert around[0] <= BOX[0] <= BOX[2] <= around[2]
    assert around[1] <= BOX[1] <= BOX[3] <= around[3]


@pytest.mark.parametrize(
    ("box", "crs", "words"),
    [
        ((5.9, 49.4, 6.1, 49.6), "EPSG:3035", "outside CLC"),
        ((55.2, -21.4, 55.9, -20.8), "EPSG:4326", "outside CLC"),
        ((0.0, 40.0, 20.0, 55.0), "EPSG:4326", "hexseal merge"),
        (BOX, "EPSG:1", "not understood"),
    ],
)
def test_places_that_cannot_be_fetched(box: tuple, crs: str, words: str) -> None:
    with pytest.raises(RegionError, match=words):
        place_of_box(box, crs)


def test_pieces_make_the_map_code_by_code(
    services: Services, raster: Path, place: Place, tmp_path: Path
) -> None:
    services.routes["/clc/ImageServer/exportImage"] = image_server(raster)
    addresses = fetch(services, place, tmp_path / "map.tif")
    np.testing.assert_array_equal(read(tmp_path / "map.tif"), codes()[5:25, 10:40])
    with rasterio.open(tmp_path / "map.tif") as file:
        assert file.bounds == BOX
        assert file.crs.to_epsg() == 3035
        assert file.colormap(1)[1] == (255, 0, 0, 255)
    assert len(addresses) == len(services.asked) == 4
    assert [ask.query["size"] for ask in services.asked] == ["16,16", "14,16", "16,4", "14,4"]
    first = services.asked[0].query
    assert first["bbox"] == "4040100,2969790,4040260,2969950"
    assert (first["format"], first["pixelType"], first["renderingRule"]) == ("tiff", "U8", "None")


def test_pieces_asked_for_at_once_make_the_same_map(
    services: Services, raster: Path, place: Place, tmp_path: Path
) -> None:
    answer, together = image_server(raster), threading.Barrier(2, timeout=60)

    def when_two_ask(ask: Ask) -> Answer:
        together.wait()
        return answer(ask)

    services.routes["/clc/ImageServer/exportImage"] = answer
    fetch(services, place, tmp_path / "one.tif")
    # Nobody is answered before a second one asks.
    services.routes["/clc/ImageServer/exportImage"] = when_two_ask
    addresses = fetch(services, place, tmp_path / "two.tif", workers=2)
    assert (tmp_path / "two.tif").read_bytes() == (tmp_path / "one.tif").read_bytes()
    assert len(addresses) == 4
    assert not together.broken


def test_an_error_among_several_requests_is_one_line_and_leaves_nothing(
    services: Services, raster: Path, place: Place, tmp_path: Path
) -> None:
    answer = image_server(raster)

    def third_fails(ask: Ask) -> Answer:
        return Answer(b"gone", 410) if ask.query["size"] == "16,4" else answer(ask)

    services.routes["/clc/ImageServer/exportImage"] = third_fails
    before = set(tmp_path.iterdir())
    with pytest.raises(FetchError, match=r"answered HTTP 410 .*check the address") as failed:
        fetch(services, place, tmp_path / "map.tif", workers=3)
    assert "\n" not in str(failed.value)
    assert set(tmp_path.iterdir()) == before
    assert not active_children()


def test_what_lies_outside_the_polygon_becomes_254(
    services: Services, raster: Path, tmp_path: Path
) -> None:
    services.routes["/clc/ImageServer/exportImage"] = image_server(raster)
    left = shapely.box(BOX[0], BOX[1], BOX[0] + 150, BOX[3])
    right = shapely.box(BOX[0] + 150, BOX[1], BOX[2], BOX[3])
    areas = Path(write_areas(tmp_path / "a.gpkg", [left, right], code=["l", "r"]))
    whole = place_of_polygons(areas, None)
    assert whole.grid.bounds == BOX
    half = place_of_polygons(areas, "code = 'l'")
    assert half.grid.bounds == (BOX[0], BOX[1], BOX[0] + 150, BOX[3])
    fetch(services, dataclasses.replace(whole, shape=half.shape), tmp_path / "map.tif")
    wanted = codes()[5:25, 10:40]
    wanted[:, 15:] = 254
    np.testing.assert_array_equal(read(tmp_path / "map.tif"), wanted)
    with pytest.raises(FetchError, match=r"holds no polygon that fits .*code = 'x'"):
        place_of_polygons(areas, "code = 'x'")
    with pytest.raises(FetchError, match=r"or its columns do not fit .*kode"):
        place_of_polygons(areas, "kode = 'x'")


SMALL = np.full((20, 30), 6, np.uint8)
AT = north_up(BOX[0], BOX[3])
WRONG = {
    "JSON with status 200": (b'{"error":{"code":400}}', "sent no image but .*400}}"),
    "a page": (b"<html>Service stopped</html>", "sent no image but '<html>Service stopped"),
    "another size": (tiff_bytes(SMALL[:10], AT), "one of 30 x 20 bytes"),
    "colours": (tiff_bytes(np.stack([SMALL] * 3), AT), "sent 3 bands"),
    "wide numbers": (tiff_bytes(SMALL.astype(np.int16), AT), "int16"),
    "shifted by half a pixel": (tiff_bytes(SMALL, north_up(BOX[0] + 5, BOX[3])), "shifted"),
    "unknown code": (tiff_bytes(np.where(SMALL == 6, 77, 6).astype(np.uint8), AT),
                     r"600 pixels hold 77, which is no code of CLC\+ Backbone.*253, 254, 255\]"),
    "half a file": (tiff_bytes(SMALL, AT)[:300], "damaged"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answers_are_one_line_and_no_file(
    services: Services, place: Place, tmp_path: Path, name: str
) -> None:
    body, words = WRONG[name]
    services.routes["/clc/ImageServer/exportImage"] = lambda ask: Answer(body)
    with pytest.raises(FetchError, match=words) as failed:
        fetch(services, place, tmp_path / "map.tif", side=4000)
    assert "\n" not in str(failed.value)
    assert str(failed.value).startswith(f"{services.address}/clc/ImageServer/exportImage: ")
    assert list(tmp_path.iterdir()) == []


def test_a_map_without_classes_is_refused(tmp_path: Path, place: Place) -> None:
    writer = MapWriter(tmp_path / "map.tif", place, CLCPLUS)
    with pytest.raises(FetchError, match="no classified pixel"):
        writer.check_filled()


def order(portal: ClmsPortal, place: Place, path: Path, **settings: object) -> tuple[list, list]:
    """Fetch 2023 from the portal; return the addresses and the lines that were said."""
    said: list[str] = []
    wanted = FetchClcplus((2023,), api=f"{portal.services.address}/api", **settings)  # type: ignore[arg-type]
    web = Web(pause=lambda seconds: None)
    access = Access(web, wanted.api, Secrets(portal.key), clock=lambda: 1000.5)
    with MapWriter(path, place, CLCPLUS) as writer:
        addresses = fetch_clms(Portal(web, wanted, access, said.append), 2023, writer)
        writer.check_filled()
    return addresses, said


@pytest.fixture
def portal(services: Services, raster: Path, tmp_path: Path) -> ClmsPortal:
    """A portal that delivers the map as two tiles in an archive within the archive."""
    west = crop_bytes(raster, RasterioWindow(0, 0, 25, 40))  # type: ignore[call-arg]
    east = crop_bytes(raster, RasterioWindow(25, 0, 25, 40))  # type: ignore[call-arg]
    inner = zip_bytes({"a/../../E40N29.tif": west, "E41N29.tif": east, "E40N29_RASCL.tif": west})
    return ClmsPortal(services, zip_bytes({"inner.zip": inner, "readme.txt": b"hello"}), tmp_path)


def test_the_portal_is_asked_for_a_cut_and_waited_for(
    portal: ClmsPortal, place: Place, tmp_path: Path
) -> None:
    addresses, said = order(portal, place, tmp_path / "map.tif")
    np.testing.assert_array_equal(read(tmp_path / "map.tif"), codes()[5:25, 10:40])
    assert addresses == [f"{portal.services.address}/results/1.zip"]
    (wanted,) = portal.orders[0]["Datasets"]
    assert (wanted["DatasetID"], wanted["DatasetDownloadInformationID"]) == ("bb23", "bb23-map")
    assert (wanted["OutputFormat"], wanted["OutputGCS"]) == ("Geotiff", "EPSG:3035")
    west, north, east, south = wanted["BoundingBox"]
    assert (round(west, 2), round(north, 2)) == (6.1, 49.78)
    assert west < east
    assert south < north
    assert portal.grants == [
        {"iss": "client", "sub": "user", "iat": 1000, "exp": 4600,
         "aud": f"{portal.services.address}/api/@@oauth2-token"}
    ]  # fmt: skip
    assert [line.split(" is ")[1] for line in said] == [
        "Queued",
        "Preparing",
        "not ready yet (HTTP 403)",
    ]
    assert not list(tmp_path.glob(".clms*"))
    assert TOKEN not in "".join(said)


def test_a_stopped_wait_goes_on_with_the_same_task(
    portal: ClmsPortal, place: Place, tmp_path: Path
) -> None:
    portal.statuses = ["Queued"]
    with pytest.raises(FetchError, match="task 4711 is Queued after 1 minutes; fetch again later"):
        order(portal, place, tmp_path / "map.tif", wait_minutes=1.0)
    assert not (tmp_path / "map.tif").exists()
    assert TOKEN not in (tmp_path / ".clms-2023.json").read_text()
    portal.statuses = ["Finished_ok"]
    order(portal, place, tmp_path / "map.tif")
    assert len(portal.orders) == 1


def test_a_failed_task_is_told_and_ordered_anew(
    portal: ClmsPortal, place: Place, tmp_path: Path
) -> None:
    portal.statuses = ["Rejected"]
    with pytest.raises(FetchError, match="task 4711 ended as Rejected"):
        order(portal, place, tmp_path / "map.tif")
    portal.statuses = ["Finished_ok"]
    order(portal, place, tmp_path / "map.tif")
    assert len(portal.orders) == 2


def test_without_a_match_all_data_sets_are_looked_through(
    portal: ClmsPortal, place: Place, tmp_path: Path
) -> None:
    all_of_them = portal.services.routes["/api/@search"]
    portal.services.routes["/api/@search"] = lambda ask: (
        Answer.json({"items": []}) if "SearchableText" in ask.query else all_of_them(ask)
    )
    order(portal, place, tmp_path / "map.tif")
    assert portal.orders[0]["Datasets"][0]["DatasetID"] == "bb23"


def test_an_ended_token_is_replaced_once(portal: ClmsPortal, place: Place, tmp_path: Path) -> None:
    portal.services.faults["/api/@datarequest_post"] = [Answer.json({"message": "expired"}, 401)]
    order(portal, place, tmp_path / "map.tif")
    assert len(portal.grants) == 2


def test_named_ids_need_no_search(portal: ClmsPortal, place: Place, tmp_path: Path) -> None:
    order(portal, place, tmp_path / "map.tif", datasets={2023: ("uid", "file")})
    assert portal.orders[0]["Datasets"][0]["DatasetID"] == "uid"
    assert not [ask for ask in portal.services.asked if ask.path == "/api/@search"]


def test_a_year_that_the_portal_lacks_is_one_line(portal: ClmsPortal) -> None:
    settings = FetchClcplus((2027,), api=f"{portal.services.address}/api")
    web = Web(pause=lambda seconds: None)
    asking = Portal(web, settings, Access(web, settings.api, Secrets()), lambda line: None)
    with pytest.raises(FetchError, match=r"0 data sets look like CLC\+ Backbone 2027 \(none\)"):
        asking.find(2027)
    with pytest.raises(FetchError, match=r"needs a login; make a service key .*HEXSEAL_CLMS_KEY"):
        asking.access.token()


def listed(portal: ClmsPortal, place: Place, status: str, *, ids: str = "bb23") -> dict:
    """Return an entry of the portal's list for the order of the place, rounded as it echoes it."""
    west, south, east, north = place.lonlat_box
    cut = {
        "DatasetID": ids,
        "DatasetDownloadInformationID": f"{ids}-map",
        "BoundingBox": [round(edge, 6) for edge in (west, north, east, south)],
    }
    return {"Status": status, "RegistrationDateTime": "2026-11-01T10:00:00", "Datasets": [cut]}


def test_a_lost_note_is_recovered_from_the_list_of_requests(
    portal: ClmsPortal, place: Place, tmp_path: Path
) -> None:
    other = listed(portal, place, "Queued") | {"Datasets": [{"DatasetID": "bb23"}]}
    portal.listed = {"1": other, "4711": listed(portal, place, "In_progress")}
    order(portal, place, tmp_path / "map.tif")
    assert portal.orders == []
    np.testing.assert_array_equal(read(tmp_path / "map.tif"), codes()[5:25, 10:40])


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Answer.json({"TaskIds": [], "ErrorTaskIds": []}, 201), "Finished_ok"),
        (Answer.json({"message": "requested the same thing at least twice"}, 400), "Queued"),
    ],
)
def test_an_order_without_a_task_is_found_in_the_list_of_requests(
    portal: ClmsPortal, place: Place, tmp_path: Path, answer: Answer, status: str
) -> None:
    portal.services.faults["/api/@datarequest_post"] = [answer]
    # Not there when it is looked for before the order, as the order brings it about.
    portal.services.faults["/api/@datarequest_search"] = [Answer.json({})]
    portal.listed = {"4711": listed(portal, place, status)}
    order(portal, place, tmp_path / "map.tif")
    np.testing.assert_array_equal(read(tmp_path / "map.tif"), codes()[5:25, 10:40])


def test_an_order_that_is_nowhere_is_one_line(
    portal: ClmsPortal, place: Place, tmp_path: Path
) -> None:
    refused = {"TaskIds": [], "ErrorTaskIds": [{"TaskID": "x"}]}
    portal.services.faults["/api/@datarequest_post"] = [Answer.json(refused, 201)]
    with pytest.raises(FetchError, match="took no order and answered"):
        order(portal, place, tmp_path / "map.tif")


def test_known_ids_that_the_portal_refuses_are_searched_for(
    portal: ClmsPortal, place: Place, tmp_path: Path
) -> None:
    portal.services.faults["/api/@datarequest_post"] = [Answer.json({"message": "no such"}, 400)]
    order(portal, place, tmp_path / "map.tif", known={2023: ("old", "old-map")})
    assert portal.orders[0]["Datasets"][0]["DatasetID"] == "bb23"
    order(portal, place, tmp_path / "map.tif", known={2023: ("new", "new-map")})
    assert portal.orders[1]["Datasets"][0]["DatasetID"] == "new"


@pytest.mark.parametrize("kilometres", [1, 110, 200, 300])
def test_orders_hold_at_most_one_and_a_half_square_degrees(kilometres: int) -> None:
    side = kilometres * 1000
    place = place_of_box((4_000_000, 2_900_000, 4_000_000 + side, 2_900_000 + side), "EPSG:3035")
    windows = pieces_of(place)
    assert sum(window.height * window.width for window in windows) == (side // 10) ** 2
    assert (len(windows) == 1) == (kilometres < 100)
    for window in windows:
        west, south, east, north = Place(place.grid.subgrid(window)).lonlat_box
        assert (east - west) * (north - south) <= 1.5


@pytest.mark.parametrize("content", ["{}", "not json", '{"private_key": "-----BEGIN s3cret"}'])
def test_a_wrong_key_is_told_without_its_content(tmp_path: Path, content: str) -> None:
    (tmp_path / "key.json").write_text(content)
    web = Web(pause=lambda seconds: None)
    with pytest.raises(FetchError, match=r"key.json \(HEXSEAL_CLMS_KEY\): is no service key") as no:
        Access(web, "https://land.example", Secrets(tmp_path / "key.json")).token()
    assert "s3cret" not in str(no.value)


def test_a_key_may_not_send_its_grant_to_a_private_network(
    portal: ClmsPortal, tmp_path: Path
) -> None:
    result = json.loads(portal.key.read_text()) | {"token_uri": "https://10.1.1.1/token"}
    portal.key.write_text(json.dumps(result))
    access = Access(Web(), "https://land.example/api", Secrets(portal.key))
    with pytest.raises(FetchError, match="private network"):
        access.token()


COARSE, FAR = north_up(size=20.0), north_up(WEST + 9000)
ARCHIVES = {
    "no archive": (b"<html>expired</html>", "is no whole zip archive"),
    "no raster": (zip_bytes({"a.txt": b"a"}), "holds no map among its rasters .none"),
    "masks only": (zip_bytes({"x_CONF.tif": b"a"}), "holds no map .*x_CONF.tif"),
    "no GeoTIFF": (zip_bytes({"x.tif": b"a"}), "is not a raster"),
    "pixels of 20 m": (zip_bytes({"x.tif": tiff_bytes(SMALL, COARSE)}), "not resampled"),
    "another place": (zip_bytes({"x.tif": tiff_bytes(SMALL, FAR)}), "no classified"),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_wrong_archives_are_one_line_and_no_map(
    portal: ClmsPortal, place: Place, tmp_path: Path, name: str
) -> None:
    portal.archive, words = ARCHIVES[name]
    path = tmp_path / "out" / "map.tif"
    path.parent.mkdir()
    with pytest.raises(FetchError, match=words):
        order(portal, place, path)
    assert list(path.parent.iterdir()) == []


def test_archives_write_nowhere_else_and_not_too_much(tmp_path: Path) -> None:
    names = ["../../evil.tif", "/abs.tif", "C:\\win.tif", "deep/er.tif", ".ssh.tif"]
    (tmp_path / "a.zip").write_bytes(zip_bytes(dict.fromkeys(names, b"x" * 100)))
    found = unzip_rasters(tmp_path / "a.zip", tmp_path / "box" / "in")
    assert len(found) == 5
    assert all(path.parent == tmp_path / "box" / "in" for path in found)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "box"]
    with pytest.raises(FetchError, match="unpacks to more than it may"):
        unzip_rasters(tmp_path / "a.zip", tmp_path / "b", most_bytes=450)
