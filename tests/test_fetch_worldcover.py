"""ESA WorldCover from an imitation of its bucket: tiles, borders, sea, 180 degrees."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.transform import from_origin
from services import Answer, Services, running

from hexseal.errors import FetchError, RegionError
from hexseal.fetch.landcover import MapWriter
from hexseal.fetch.place import WORLDCOVER_LATTICE, Place, place_of_box
from hexseal.fetch.web import Web
from hexseal.fetch.worldcover import fetch_worldcover
from hexseal.products import WORLDCOVER
from hexseal.region.fetch import SERVICES
from hexseal.region.load import load_region

PIXEL = 1 / 12_000
SIZE = 40


def box(west: int, south: int, width: int, height: int) -> Place:
    """Return a place given in pixels from longitude and latitude 0."""
    edges = (west, south, west + width, south + height)
    return place_of_box(tuple(e / 12_000 for e in edges), "EPSG:4326", WORLDCOVER_LATTICE)  # type: ignore[arg-type]


def write_tile(folder: Path, name: str, west: int, north: int, code: int) -> None:
    """Write the part of a tile around its corner at (west, north) in pixels, of one code."""
    with rasterio.open(
        folder / f"2020_{name}_Map.tif", "w", driver="GTiff", width=SIZE, height=SIZE, count=1,
        dtype="uint8", crs="EPSG:4326",
        transform=from_origin(west / 12e3, north / 12e3, PIXEL, PIXEL),
        compress="DEFLATE", tiled=True, blockxsize=16, blockysize=16,
    ) as file:  # fmt: skip
        file.write(np.full((1, SIZE, SIZE), code, np.uint8))


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    with running() as services:
        (tmp_path / "tiles").mkdir()
        services.folder("/map/", tmp_path / "tiles")
        yield services


def fetched(services: Services, place: Place, path: Path, workers: int = 1) -> np.ndarray:
    address = f"{services.address}/map/2020_{{tile}}_Map.tif"
    with MapWriter(path, place, WORLDCOVER) as writer:
        fetch_worldcover(Web(pause=lambda seconds: None), address, writer, workers=workers)
        writer.check_filled()
    with rasterio.open(path) as file:
        assert file.crs.to_epsg() == 4326
        assert file.transform.almost_equals(place.grid.transform, 1e-12)
        return file.read(1)


def test_a_place_on_four_tiles_of_which_one_is_sea(services: Services, tmp_path: Path) -> None:
    corner = 6 * 12_000
    for name, west, north, code in (
        ("N00E006", corner, SIZE, 50),
        ("N00E003", corner - SIZE, SIZE, 10),
        ("S03E006", corner, 0, 80),
    ):  # fmt: skip
        write_tile(tmp_path / "tiles", name, west, north, code)
    expected = np.zeros((11, 15), np.uint8)
    expected[:7, :5], expected[:7, 5:], expected[7:, 5:] = 10, 50, 80
    for workers in (1, 3):
        place, path = box(corner - 5, -4, 15, 11), tmp_path / f"{workers}.tif"
        assert (fetched(services, place, path, workers) == expected).all()
    assert (tmp_path / "1.tif").read_bytes() == (tmp_path / "3.tif").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"tiles", "1.tif", "3.tif"}


def test_a_place_across_180_degrees(services: Services, tmp_path: Path) -> None:
    end = 180 * 12_000
    write_tile(tmp_path / "tiles", "S18E177", end - SIZE, -15 * 12_000, 30)
    write_tile(tmp_path / "tiles", "S18W180", -end, -15 * 12_000, 50)
    codes = fetched(services, box(end - 3, -15 * 12_000 - 4, 8, 4), tmp_path / "a.tif")
    assert (codes == np.array([[30] * 3 + [50] * 5] * 4)).all()


def test_open_sea_and_other_pixels_are_refused(services: Services, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"has no tile for this place \(HTTP 404\)"):
        fetched(services, box(0, 0, 5, 5), tmp_path / "a.tif")
    write_tile(tmp_path / "tiles", "N00E000", 0, SIZE, 50)
    with rasterio.open(tmp_path / "tiles/2020_N00E000_Map.tif", "r+") as file:
        file.transform = Affine(PIXEL, 0, PIXEL / 2, 0, -PIXEL, SIZE / 12_000)
    with pytest.raises(FetchError, match="is not a tile of WorldCover's pixels"):
        fetched(services, box(0, 0, 5, 5), tmp_path / "a.tif")
    services.faults["/map/"] = [Answer(status=403)]
    with pytest.raises(FetchError, match="answered HTTP 403"):
        fetched(services, box(0, 0, 5, 5), tmp_path / "a.tif")
    with pytest.raises(FetchError, match="is not a tile of WorldCover's pixels") as failed:
        fetched(services, box(-2, 0, 5, 5), tmp_path / "a.tif", workers=2)
    assert "\n" not in str(failed.value)
    assert [path.name for path in tmp_path.iterdir()] == ["tiles"]


REGION = """
[region]
id = "fiji"
[product]
name = "worldcover"
[[epoch]]
year = 2020
landcover = "in/worldcover_2020.tif"
[fetch]
bbox = {box}
[fetch.worldcover]
years = {years}
"""


@pytest.mark.parametrize(
    ("given", "bbox"),
    [
        ("[179.5, -17, -179.5, -16]", (179.5, -17, 180.5, -16)),
        ("[179.5, -17, 180.5, -16]", (179.5, -17, 180.5, -16)),
        ("[6.4, 0, 6.8, 0.45]", (6.4, 0, 6.8, 0.45)),
    ],
)
def test_a_box_across_180_degrees_goes_on_eastwards(
    tmp_path: Path, given: str, bbox: tuple[float, ...]
) -> None:
    path = tmp_path / "fiji.toml"
    path.write_text(REGION.format(box=given, years="[2020]"))
    fetch = load_region(path).fetch
    assert fetch is not None
    assert (fetch.crs, fetch.bbox) == ("EPSG:4326", bbox)
    assert fetch.worldcover is not None
    assert fetch.worldcover.addresses[2020].endswith("_10m_2020_v100_{tile}_Map.tif")


def test_services_are_read_from_a_file_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, own = tmp_path / "fiji.toml", tmp_path / "services.toml"
    path.write_text(REGION.format(box="[0, 0, 1, 1]", years="[2021]"))
    own.write_text('[worldcover]\n2020 = "http://127.0.0.1/{tile}"\n')
    monkeypatch.setenv(SERVICES, str(own))
    fetch = load_region(path).fetch
    assert fetch is not None
    assert fetch.worldcover is not None
    assert fetch.worldcover.addresses[2020] == "http://127.0.0.1/{tile}"
    assert fetch.worldcover.addresses[2021].startswith("https://esa-worldcover.s3.")
    own.write_text("[" * 5000)
    with pytest.raises(RegionError, match=r"services.toml \(HEXSEAL_SERVICES\): cannot be read"):
        load_region(path)
    monkeypatch.delenv(SERVICES)
    path.write_text(REGION.format(box="[0, 0, 1, 1]", years="[2019]"))
    with pytest.raises(RegionError, match="years holds 2019; there are maps of 2020, 2021"):
        load_region(path)
