"""Stamps: what counts as unchanged, and what does not."""

import os
import time
from pathlib import Path

import pytest
from rasterio import Affine
from sites import write_region

from hexseal.build import PARTS_CODE
from hexseal.change.stage import change_stamp
from hexseal.change.survey import counts_stamp
from hexseal.fetch.place import Place
from hexseal.fetch.plan import Job
from hexseal.raster.grid import Grid
from hexseal.region.load import load_region
from hexseal.storage import cache
from hexseal.storage.cache import READ_WHOLE, Checksums, Stamp, code_version, identity
from hexseal.storage.files import sha256
from hexseal.storage.workdir import WorkFolder


def stamp(folder: Path, *values: object, files: tuple[str, ...] = ()) -> Stamp:
    return Stamp(folder / "stamp.json", *values, files=files)


def test_a_stamp_holds_for_equal_values_and_files_only(tmp_path: Path) -> None:
    source, result = tmp_path / "in", tmp_path / "out"
    source.write_bytes(b"one")
    result.write_bytes(b"")
    assert not stamp(tmp_path, 1, files=(str(source),)).is_current()
    stamp(tmp_path, 1, files=(str(source),)).write()
    assert stamp(tmp_path, 1, files=(str(source),)).is_current([result])
    assert not stamp(tmp_path, 2, files=(str(source),)).is_current([result])
    assert not stamp(tmp_path, 1, files=(str(source),)).is_current([tmp_path / "gone"])
    source.write_bytes(b"other")
    assert not stamp(tmp_path, 1, files=(str(source),)).is_current([result])


@pytest.mark.parametrize("text", ["", "[]", "{", "null"])
def test_a_broken_stamp_is_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "stamp.json").write_text(text)
    assert not stamp(tmp_path).is_current()


def test_a_change_of_same_size_and_time_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "map.tif"
    path.write_bytes(b"aaaa")
    stat = path.stat()
    before, sums = identity(str(path)), Checksums(tmp_path / "inputs.json")
    first = sums.of(path)
    sums.write()
    time.sleep(0.02)
    path.write_bytes(b"bbbb")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert path.stat().st_size == stat.st_size
    assert path.stat().st_mtime_ns == stat.st_mtime_ns
    assert identity(str(path)) != before
    assert Checksums(tmp_path / "inputs.json").of(path) != first


@pytest.mark.parametrize("size", [1000, READ_WHOLE + 1])
def test_content_counts_where_a_disk_keeps_no_time_of_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    path = tmp_path / "map.tif"
    path.write_bytes(bytes(size))
    known, real = path.stat(), Path.stat

    def stat(self: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        return known if self == path else real(self, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", stat)
    before = identity(str(path))
    assert identity(str(path)) == before
    path.write_bytes(bytes(size - 1) + b"x")
    assert identity(str(path)) != before


@pytest.mark.parametrize(
    ("main", "companion"),
    [
        ("areas.shp", "areas.dbf"),
        ("areas.shp", "areas.cpg"),
        ("map.tif", "map.tif.msk"),
        ("map.tif", "map.tif.aux.xml"),
        ("map.tif", "map.tfw"),
        ("areas.gpkg", "areas.gpkg-wal"),
    ],
)
def test_what_is_read_along_counts(tmp_path: Path, main: str, companion: str) -> None:
    (tmp_path / main).write_bytes(b"x")
    alone = identity(str(tmp_path / main))
    (tmp_path / companion).write_bytes(b"y")
    both = identity(str(tmp_path / main))
    (tmp_path / companion).write_bytes(b"zz")
    (tmp_path / "areas.csv").write_bytes(b"an output beside it")
    assert len({alone, both, identity(str(tmp_path / main))}) == 3


def test_the_sources_of_a_virtual_raster_count(tmp_path: Path) -> None:
    (tmp_path / "a & b.tif").write_bytes(b"x")
    inner = '<S><SourceFilename relativeToVRT="1">a &amp; b.tif</SourceFilename></S>'
    (tmp_path / "inner.vrt").write_text(inner)
    outer = f"<S><SourceFilename>{tmp_path}/inner.vrt</SourceFilename></S>"
    (tmp_path / "outer.vrt").write_text(outer.replace("</S>", "<SourceFilename>outer.vrt<"))
    before = identity(str(tmp_path / "outer.vrt"))
    assert identity(str(tmp_path / "outer.vrt")) == before
    (tmp_path / "a & b.tif").write_bytes(b"yy")
    assert identity(str(tmp_path / "outer.vrt")) != before


def test_patterns_and_lists_are_the_files_that_they_name(tmp_path: Path) -> None:
    for name in ("a.tif", "b.tif"):
        (tmp_path / name).write_bytes(b"x")
    pattern, both = f"{tmp_path}/*.tif", f"{tmp_path}/a.tif,{tmp_path}/b.tif"
    known = identity(pattern), identity(both)
    assert (identity(pattern), identity(both)) == known
    (tmp_path / "b.tif").write_bytes(b"yy")
    assert identity(pattern) != known[0]
    assert identity(both) != known[1]
    assert identity(str(tmp_path / "gone.tif")) != identity(str(tmp_path / "gone.tif"))


def test_a_fetched_file_keeps_the_key_of_earlier_versions() -> None:
    grid = Grid("EPSG:3035", Affine(10.0, 0.0, 4e6, 0.0, -10.0, 3e6), 300, 200)
    job = Job("clcplus_2021.tif", "image server", "https://x.test/2021", 2021, "", 2000)
    now, before = job.keys(Place(grid, None))
    # Of repr((1, kind, address, year, settings, grid)), as hexseal 0.1.0 wrote it.
    assert before == "b5f7fcff18be74c56a59d7c6c269537016b914a00f410c13f6fad282f96bee4a"
    assert now != before


def test_the_version_of_code_follows_its_sources() -> None:
    assert code_version("hexseal.hexgrid") == code_version("hexseal.hexgrid")
    assert code_version("hexseal.hexgrid") != code_version("hexseal.hexgrid.cells")
    assert code_version("hexseal.sql") != code_version()
    assert code_version("no_such_package", "no_such_package.part") == code_version()


@pytest.mark.parametrize("changed", ["part.py", "deeper/part.py", "rows.sql"])
def test_a_stamp_ends_with_the_code_that_it_was_written_by(
    changed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "grades_of_test"
    for name in ("__init__.py", "part.py", "deeper/__init__.py", "deeper/part.py", "rows.sql"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    made = Stamp(tmp_path / "stamp.json", 1, code=[package.name])
    made.write({"rows": 3})
    assert Stamp(tmp_path / "stamp.json", 1, code=[package.name]).is_current()
    assert '"rows": 3' in made.path.read_text()
    (package / changed).write_text("LEVEL = 2")
    assert not Stamp(tmp_path / "stamp.json", 1, code=[package.name]).is_current()


@pytest.mark.parametrize(
    "module", ["grading", "states", "patches", "joining", "survey", "stage", "unit", "block"]
)
def test_no_work_folder_needs_to_be_deleted_after_grading_has_changed(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    region = load_region(write_region(tmp_path))
    stamps, same = (
        [make(region, WorkFolder(tmp_path)) for make in (counts_stamp, change_stamp)]
        for _ in range(2)
    )
    assert [stamp.key for stamp in stamps] == [stamp.key for stamp in same]
    parts = code_version(*PARTS_CODE)
    monkeypatch.setattr(cache, "sha256", lambda path: "" if path.stem == module else sha256(path))
    again = [make(region, WorkFolder(tmp_path)) for make in (counts_stamp, change_stamp)]
    assert all(old.key != new.key for old, new in zip(stamps, again, strict=True))
    assert code_version(*PARTS_CODE) != parts
