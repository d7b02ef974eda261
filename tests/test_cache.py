"""Stamps: what counts as unchanged, and what does not."""

import os
import time
from pathlib import Path

import pytest
from rasterio import Affine

from hexseal.fetch.place import Place
from hexseal.fetch.plan import Job
from hexseal.raster.grid import Grid
from hexseal.storage.cache import Checksums, Stamp, identity


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
