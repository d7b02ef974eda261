"""hexseal init: region files that load, plan and build."""

from pathlib import Path

import numpy as np
import pytest
import shapely
from click.testing import CliRunner
from rasterfiles import NORTH, WEST, write_areas, write_tif

from hexseal.cli.main import cli
from hexseal.errors import HexsealError
from hexseal.fetch.starter import slug_of
from hexseal.region.load import Region, load_region


def init(folder: Path, *arguments: object) -> Region:
    path = folder / "made.toml"
    result = CliRunner().invoke(
        cli, ["init", "Made Place", *map(str, arguments), "-o", str(path)], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    return load_region(path)


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEXSEAL_CLMS_KEY", "HEXSEAL_CLMS_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def refused(folder: Path, *arguments: object) -> str:
    with pytest.raises(HexsealError) as failed:
        CliRunner().invoke(
            cli, ["init", "Made", *map(str, arguments), "-o", str(folder / "x.toml")],
            catch_exceptions=False,
        )  # fmt: skip
    assert not (folder / "x.toml").exists()
    return str(failed.value)


@pytest.mark.parametrize(("code", "level"), [("LU", 0), ("LU0", 1), ("LU00", 2), ("LU000", 3)])
def test_a_nuts_region(tmp_path: Path, code: str, level: int) -> None:
    region = init(tmp_path, "--nuts", code)
    assert (region.id, region.years, region.product.name) == ("made-place", (2018, 2021), "clcplus")
    fetch = region.fetch
    assert fetch is not None
    assert fetch.boundary is not None
    assert fetch.boundary.endswith(f"NUTS_RG_01M_2024_4326_LEVL_{level}.geojson")
    assert fetch.select == f"NUTS_ID = '{code}'"
    assert fetch.folder == (tmp_path / "inputs/made-place").resolve()
    assert [layer.layer for layer in fetch.boundaries] == ["municipalities"]


def test_the_year_behind_a_login_is_added_where_a_key_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEXSEAL_CLMS_TOKEN", "secret")
    region = init(tmp_path, "--nuts", "LU000")
    assert region.years == (2018, 2021, 2023)
    assert region.fetch is not None
    assert region.fetch.clcplus is not None
    assert region.fetch.clcplus.years == (2018, 2021, 2023)
    assert 2023 in region.fetch.clcplus.known
    assert "secret" not in (tmp_path / "made.toml").read_text()


def test_a_commune_a_box_in_europe_and_a_box_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "c").mkdir()
    fetch = init(tmp_path, "--lau", "LU_0105").fetch
    assert fetch is not None
    assert fetch.select == "GISCO_ID = 'LU_0105'"
    europe = init(tmp_path / "b", "--bbox", 6.0, 49.4, 6.3, 49.6)
    assert europe.product.name == "clcplus"
    world = init(tmp_path / "c", "--bbox", 179.8, -17, -179.9, -16.5)
    assert (world.product.name, world.years) == ("worldcover", (2020, 2021))
    assert world.fetch is not None
    assert world.fetch.bbox == (179.8, -17, 180.1, -16.5)


def test_areas_name_the_place_and_its_columns(tmp_path: Path) -> None:
    square = shapely.box(WEST, NORTH - 500, WEST + 500, NORTH)
    path = Path(write_areas(tmp_path / "zones.gpkg", [square], code=["a"], name=["A"]))
    region = init(tmp_path, "--areas", path)
    (layer,) = region.areas
    assert (layer.path, layer.id, layer.name) == (str(path.resolve()), "code", "name")
    assert region.fetch is not None
    assert region.fetch.boundary == str(path.resolve())


def test_rasters_are_read_for_their_years_and_codes(tmp_path: Path) -> None:
    land = np.full((20, 20), 6, np.uint8)
    land[:3] = 1
    files = [write_tif(tmp_path / f"lc_{year}_v2.tif", land) for year in (2021, 2018)]
    region = init(tmp_path, "--raster", files[0], "--raster", files[1])
    assert (region.years, region.product.name, region.fetch) == ((2018, 2021), "clcplus", None)
    own = write_tif(tmp_path / "own_2015.tif", np.where(land == 1, 200, 150).astype(np.uint8))
    assert "codes 150, 200 are those of neither" in refused(tmp_path, "--raster", own)
    (tmp_path / "own").mkdir()
    region = init(tmp_path / "own", "--raster", own, "--sealed", 200)
    assert (region.product.sealed, region.product.valid) == ({200}, {150, 200})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "give one of --nuts"),
        (("--nuts", "LU000", "--lau", "LU_1"), "give one of --nuts"),
        (("--nuts", "Luxembourg"), "give a NUTS code of level 0 to 3"),
        (("--nuts", "LU' OR 1=1"), "give a NUTS code"),
        (("--lau", "0105"), "give country and code"),
        (("--bbox", 6, 50, 7, 49), "west, south, east, north in degrees"),
        (("--bbox", 7, 49, 6, 50), "only a box across 180"),
        (("--bbox", 0, 0, 20, 20), "more than 900,000,000"),
        (("--raster", "none_2020.tif"), "no such raster"),
    ],
)
def test_what_cannot_be_a_place_is_one_line(
    tmp_path: Path, arguments: tuple[object, ...], words: str
) -> None:
    assert words in refused(tmp_path, *arguments)


def test_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("mine")
    with pytest.raises(HexsealError, match="is there already"):
        CliRunner().invoke(
            cli, ["init", "X", "--nuts", "LU", "-o", str(tmp_path / "x.toml")],
            catch_exceptions=False,
        )  # fmt: skip
    assert (tmp_path / "x.toml").read_text() == "mine"


def test_names_become_file_names() -> None:
    assert slug_of("São Tomé & Príncipe") == "sao-tome-principe"
    assert len(slug_of("x" * 500)) == 60
    with pytest.raises(HexsealError, match="needs a letter or digit"):
        slug_of("東京")


def test_the_worked_example_is_what_init_writes(tmp_path: Path) -> None:
    made = init(tmp_path, "--nuts", "LU000")
    shipped = load_region(Path(__file__).parents[1] / "regions/luxembourg.toml")
    assert made.fetch is not None
    assert shipped.fetch is not None
    assert made.fetch.boundary == shipped.fetch.boundary
    assert made.fetch.clcplus == shipped.fetch.clcplus
    assert [e.reference_period for e in made.epochs] == [e.reference_period for e in shipped.epochs]
