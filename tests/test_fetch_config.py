"""The [fetch] table: what it means without keys, and what is refused."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from hexseal.errors import RegionError
from hexseal.region.fetch import CLMS_API, GISCO, Fetch, Secrets, read_secrets
from hexseal.region.load import load_region

HEAD = '[region]\nid = "toy"\n[[epoch]]\nyear = 2018\nlandcover = "a.tif"\n'
PLACE = "[fetch]\nbbox = [4000000, 2900000, 4010000, 2910000]\n"
CLC = "[fetch.clcplus]\nyears = [2021, 2018]\n"
S2 = "[fetch.sentinel2]\nyears = [2021]\n"
LAYER = '[[fetch.boundaries]]\nlayer = "communes"\n'


def read(folder: Path, text: str) -> Fetch | None:
    path = folder / "regions" / "toy.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(HEAD + text)
    return load_region(path).fetch


def test_the_usual_values_are_the_real_services(tmp_path: Path) -> None:
    fetch = read(tmp_path, PLACE + CLC + S2 + LAYER + "nuts = 3\n")
    assert fetch is not None
    assert fetch.folder == tmp_path / "inputs" / "toy"
    assert (fetch.crs, fetch.bbox) == ("EPSG:3035", (4e6, 2.9e6, 4.01e6, 2.91e6))
    assert fetch.clcplus is not None
    assert fetch.clcplus.years == (2018, 2021)
    hosts = [urlsplit(server).netloc for server in fetch.clcplus.image_servers]
    assert hosts == ["image.discomap.eea.europa.eu", "copernicus.discomap.eea.europa.eu"]
    assert set(fetch.clcplus.known) == {2021, 2023}
    assert fetch.clcplus.api == CLMS_API
    assert fetch.sentinel2 is not None
    assert fetch.sentinel2.months == (5, 9)
    assert fetch.sentinel2.mask == (0, 1, 3, 8, 9, 10)
    (layer,) = fetch.boundaries
    assert layer.address == f"{GISCO}/nuts/geojson/NUTS_RG_01M_2024_4326_LEVL_3.geojson"


def test_none_is_none(tmp_path: Path) -> None:
    assert read(tmp_path, "") is None


WRONG = {
    "no place": ("[fetch]\n" + CLC, "[fetch] needs a place"),
    "two places": (PLACE + 'boundary = "a.gpkg"\n' + CLC, "[fetch] needs a place"),
    "box turned": ("[fetch]\nbbox = [1, 2, 0, 3]\n" + CLC, "give xmin, ymin, xmax, ymax"),
    "nothing": (PLACE, "names nothing to fetch"),
    "other product": ('[product]\nname = "worldcover"\n' + PLACE + CLC, "'worldcover' has other"),
    "unknown key": (PLACE + CLC + 'token = "abc"\n', "[fetch.clcplus] token is not a key"),
    "year as text": (PLACE + '[fetch.clcplus]\nyears = ["2018"]\n', "whole numbers from 1900"),
    "year twice": (PLACE + "[fetch.clcplus]\nyears = [2018, 2018]\n", "name years, each once"),
    "address of a server": (PLACE + CLC + 'api = "https://a.test"\n', "write api below [clcplus]"),
    "servers": (PLACE + CLC + 'image_server = "a"\n', "write image_servers below [clcplus]"),
    "collection": (PLACE + S2 + 'collection = "a"\n', "collection below [catalogues.NAME]"),
    "GISCO": (PLACE + 'gisco = "a"\n' + LAYER + "nuts = 3\n", "write gisco below [boundaries]"),
    "ids": (PLACE + CLC + 'datasets = { 2023 = "a" }\n', "datasets.2023 = 'a': give the portal's"),
    "months": (PLACE + S2 + "months = [9, 5]\n", "give first and last month"),
    "band": (PLACE + S2 + 'bands = ["B10"]\n', "['B10']: choose among B01"),
    "mask": (PLACE + S2 + "mask = [12]\n", "whole numbers from 0 to 11"),
    "resampling": (PLACE + S2 + 'resampling = "near"\n', "'near' is not bilinear or cubic"),
    "two sources": (PLACE + LAYER + "nuts = 3\nlau = 2021\n", "needs one of nuts = 0 to 3"),
    "level": (PLACE + LAYER + "nuts = 4\n", "nuts = 4: give 0 to 3"),
    "layer twice": (PLACE + (LAYER + "nuts = 3\n") * 2, "'communes' is given twice"),
    "layer as path": (PLACE + '[[fetch.boundaries]]\nlayer = "../a"\nnuts = 3\n', "name a file"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_values_are_one_line_that_names_the_key(tmp_path: Path, name: str) -> None:
    text, words = WRONG[name]
    with pytest.raises(RegionError) as failed:
        read(tmp_path, text)
    assert words in str(failed.value)
    assert "\n" not in str(failed.value)


SERVICES = {
    "file as address": (
        '[clcplus]\napi = "file:///etc"\n',
        "'file:///etc' is not an http(s)",
    ),
    "large tile": ("[clcplus]\ntile_pixels = 5000\n", "tile_pixels = 5000: give 16 to 4000"),
    "years": ("[clcplus]\nimage_server_years = [1]\n", "whole numbers from 1900"),
    "no list": ('[clcplus]\nimage_servers = "a"\n', "is a text, not a list"),
    "unknown": ("[clcplus]\nspeed = 1\n", "[HEXSEAL_SERVICES.clcplus] speed is not a key"),
    "catalogue": ('[catalogues.earth-search]\nsign = "a"\n', "sign = 'a' is not an http(s)"),
    "GISCO": ('[boundaries]\ngisco = "a"\n', "gisco = 'a' is not an http(s) address"),
}


@pytest.mark.parametrize("name", SERVICES)
def test_wrong_services_are_one_line_that_names_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    text, words = SERVICES[name]
    (tmp_path / "services.toml").write_text(text)
    monkeypatch.setenv("HEXSEAL_SERVICES", str(tmp_path / "services.toml"))
    with pytest.raises(RegionError) as failed:
        read(tmp_path, PLACE + CLC + S2 + LAYER + "nuts = 3\n")
    assert words in str(failed.value)
    assert "\n" not in str(failed.value)


def test_secrets_come_from_the_environment_and_are_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HEXSEAL_CLMS_KEY", "/somewhere/key.json")
    monkeypatch.setenv("HEXSEAL_CLMS_TOKEN", "s3cret")
    secrets = read_secrets()
    assert secrets == Secrets(Path("/somewhere/key.json"), "s3cret")
    assert "s3cret" not in repr(secrets)
