"""Stages talk through files: manifests, and builds of some stages only."""

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from sites import tree, write_region

from hexseal.cli.console import Console
from hexseal.cli.main import cli
from hexseal.datasets import write_datasets
from hexseal.errors import HexsealError, InputError, ToolError
from hexseal.manifest import (
    Archive,
    Basemap,
    MapLayers,
    TileSummary,
    ZoomBand,
    read_manifest,
    write_manifest,
)
from hexseal.region.load import load_region
from hexseal.types import Box

BOX = Box(6.5, 49.0, 6.75, 49.5)
ARCHIVE = Archive("pixels", "png", "tiles/p.pmtiles", None, 9, BOX, 3, 14)
LEFT = {
    "tiles": TileSummary(
        "tiles/h.pmtiles", "assets/h.js", 7, BOX, (6.6, 49.2), 0, 9, (ZoomBand(5, 0, 6),)
    ),
    "layers": MapLayers(
        None, ARCHIVE, ((1, 0), (3, 1)), {2024: ARCHIVE}, Basemap(ARCHIVE, "© x", ("water",))
    ),
}


@pytest.mark.parametrize("name", LEFT)
def test_a_manifest_reads_back_as_it_was_written(name: str, tmp_path: Path) -> None:
    write_manifest(tmp_path, name, LEFT[name])
    assert read_manifest(tmp_path, name, type(LEFT[name])) == LEFT[name]


@pytest.mark.parametrize("text", [None, "", "[]", "{", '{"pmtiles": 1}', '{"other": 1}', "null"])
def test_a_broken_manifest_is_one_line(text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "manifest" / "tiles.json"
    path.parent.mkdir()
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=r"tiles\.json: is (missing|broken).* without --from$"):
        read_manifest(tmp_path, "tiles", TileSummary)


def build(region: Path, *options: str) -> Result:
    arguments = ["build", str(region), "--out", str(region.parent / "site"), *options]
    return CliRunner().invoke(cli, arguments, obj=Console(quiet=False))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    region = write_region(tmp_path_factory.mktemp("stages"))
    done = build(region, "--until", "change")
    assert done.exit_code == 0, done.output
    assert "stopped after change" in done.output
    assert (region.parent / "work" / "toy" / "evidence_2018_2021.json").is_file()
    assert not (region.parent / "work" / "toy" / "hexagons.parquet").exists()
    assert not (region.parent / "site").exists()
    assert build(region).exit_code == 0
    return region


def test_pages_alone_are_refused_after_other_code_has_made_the_rest(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hexseal.storage.cache.code_version", lambda *names: repr(names))
    done = build(built, "--from", "pages")
    assert isinstance(done.exception, InputError)
    assert "or by another version of hexseal" in str(done.exception)


def test_pages_alone_give_the_site_of_a_whole_build(built: Path) -> None:
    before = tree(built.parent / "site")
    (built.parent / "site" / "index.html").write_text("spoilt")
    done = build(built, "--from", "pages")
    assert done.exit_code == 0, done.output
    assert "delta" not in done.output
    assert tree(built.parent / "site") == before


def test_pages_alone_need_the_parts_of_the_same_region(built: Path) -> None:
    text = built.read_text(encoding="utf-8")
    built.write_text(text.replace("coarsest = 7", "coarsest = 8"), encoding="utf-8")
    try:
        done = build(built, "--from", "pages")
    finally:
        built.write_text(text, encoding="utf-8")
    assert isinstance(done.exception, HexsealError)
    assert "built from other settings" in str(done.exception)


def test_pages_alone_name_a_part_that_is_missing(built: Path) -> None:
    part = built.parent / "site" / "data" / "toy_areas.parquet"
    aside = part.rename(built.parent / "aside")
    try:
        done = build(built, "--from", "pages")
    finally:
        aside.rename(part)
    assert isinstance(done.exception, InputError)
    assert str(done.exception).endswith("is missing; build the site without --from")


@pytest.mark.parametrize("option", ["--from", "--until"])
def test_a_stage_that_is_none_is_wrong_usage(option: str, built: Path) -> None:
    done = build(built, option, "everything")
    assert done.exit_code == 2
    assert f"Invalid value for '{option}': 'everything' is not one of" in done.output


def test_a_column_that_the_codebook_lacks_is_refused(built: Path, tmp_path: Path) -> None:
    region = load_region(built)
    work = tmp_path / "work"
    shutil.copytree(built.parent / "work" / "toy", work)
    table = pq.read_table(work / "hexagons.parquet")
    more = table.append_column("forgotten_m2", pa.nulls(len(table), pa.float64()))
    pq.write_table(more, work / "hexagons.parquet")
    with pytest.raises(ToolError, match="column forgotten_m2 is not in the codebook"):
        write_datasets(region, work, tmp_path / "site")
