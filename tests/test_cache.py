"""Stamps: what counts as unchanged, and what does not."""

import os
import time
from pathlib import Path

import pytest
from rasterio import Affine

from hexseal.fetch.place import Place
from hexseal.fetch.plan import Job
from hexseal.raster.grid import Grid
from hexseal.storage.cache import READ_WHOLE, Checksums, Stamp, identity


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
