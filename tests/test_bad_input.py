"""Whatever goes wrong: one clear line, exit code 1, the previous site as it was."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from rasterfiles import NORTH, WEST, north_up, write_tif
from sites import Result, hexseal, hexseal_process, tree, two_years, write_region


@pytest.fixture(scope="session")
def finished(toy: Path) -> Path:
    """A built toy region to copy from."""
    return toy


@pytest.fixture
def place(finished: Path, tmp_path: Path) -> Path:
    """A region of its own beside a finished site."""
    write_region(tmp_path / "inputs")
    # GDAL writes the time into a GeoPackage; datasets tell the checksums of their inputs.
    shutil.copyfile(finished / "inputs/areas.gpkg", tmp_path / "inputs/areas.gpkg")
    shutil.copytree(finished / "site", tmp_path / "site")
    return tmp_path


def build(place: Path) -> Result:
    return hexseal("build", place / "inputs/toy.toml", "--out", place / "site")


def refused(place: Path, *words: str) -> None:
    """Build and expect one line of error with these words, and the old site untouched."""
    before = tree(place / "site")
    result = build(place)
    assert result.code == 1
    assert "Traceback" not in result.err + result.out
    (line,) = result.err.strip().splitlines()
    assert line.startswith("error: ")
    said = result.err + result.out
    for word in words:
        assert word in said, said
    assert tree(place / "site") == before
    assert no_leftovers(place)


def no_leftovers(place: Path) -> bool:
    return not [p for p in place.rglob("*") if ".partial" in p.name or "-shared" in p.name]


def edit(place: Path, old: str, new: str) -> None:
    region = place / "inputs/toy.toml"
    text = region.read_text(encoding="utf-8")
    assert old in text
    region.write_text(text.replace(old, new), encoding="utf-8")


def cut_off(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def two_bands(path: Path) -> None:
    write_tif(path, np.stack(two_years()))


RASTERS: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
    "missing file": (lambda p: p.unlink(), ("b.tif", "no such file")),
    "truncated": (cut_off, ("b.tif",)),
    "text named .tif": (lambda p: p.write_text("not a raster\n"), ("b.tif", "not a raster")),
    "float": (
        lambda p: write_tif(p, two_years()[1].astype(np.float32)),
        ("b.tif", "float32", "gdal_translate"),
    ),
    "two bands": (two_bands, ("b.tif", "2 bands")),
    "rotated": (
        lambda p: write_tif(p, two_years()[1], transform=north_up() @ north_up().rotation(5.0)),
        ("b.tif", "rotated", "gdalwarp"),
    ),
    "no CRS": (lambda p: write_tif(p, two_years()[1], crs=None), ("b.tif", "gdal_edit")),
    "another grid": (
        lambda p: write_tif(p, two_years()[1], transform=north_up(WEST + 3.0, NORTH)),
        ("b.tif", "gdalwarp", "-te"),
    ),
    "all no data": (
        lambda p: write_tif(p, np.full_like(two_years()[1], 254)),
        ("b.tif",),
    ),
    "unknown class": (
        lambda p: write_tif(p, np.where(two_years()[1] == 10, 42, two_years()[1])),
        ("b.tif", "42", "1500"),
    ),
}


@pytest.mark.parametrize("name", RASTERS)
def test_an_unusable_raster_is_refused(place: Path, name: str) -> None:
    spoil, words = RASTERS[name]
    spoil(place / "inputs/b.tif")
    result = hexseal("check", place / "inputs/toy.toml")
    assert result.code == 1
    assert all(word in result.out.replace(",", "") + result.err for word in words), (
        result.out + result.err
    )
    refused(place, "b.tif")


@pytest.mark.parametrize("name", ["truncated", "text named .tif"])
def test_libraries_print_nothing_beside_the_line(place: Path, name: str) -> None:
    RASTERS[name][0](place / "inputs/b.tif")
    result = hexseal_process("build", place / "inputs/toy.toml", "--out", place / "site")
    assert result.code == 1
    (line,) = result.err.strip().splitlines()
    assert line.startswith("error: ")


REGION_FILES = {
    "year twice": ("year = 2021", "year = 2018", ("2018", "twice")),
    "unknown key": ('id = "toy"', 'id = "toy"\ncolour = "red"', ("colour", "toy.toml")),
    "wrong type": ("finest = 9", 'finest = "nine"', ("finest", "nine", "whole number")),
    "coarsest finer than finest": ("coarsest = 7", "coarsest = 11", ("11", "9")),
    "empty window": (
        'id = "toy"',
        'id = "toy"\nwindow = [0.0, 0.0, 50.0, 50.0]',
        ("window", "no pixel"),
    ),
    "not TOML": ("[region]", "[region", ("TOML",)),
    "no epoch": ("[[epoch]]", "[[era]]", ("[[epoch]] is missing",)),
    "area column": ('id = "code"', 'id = "kode"', ("kode", "code, name")),
    "area file": ("areas.gpkg", "nowhere.gpkg", ("nowhere.gpkg", "no such")),
}


@pytest.mark.parametrize("name", REGION_FILES)
def test_a_wrong_region_file_is_refused(place: Path, name: str) -> None:
    old, new, words = REGION_FILES[name]
    edit(place, old, new)
    refused(place, *words)


def test_a_missing_region_file_is_one_line(tmp_path: Path) -> None:
    result = hexseal("build", tmp_path / "none.toml", "--out", tmp_path / "site")
    assert result.code == 1
    assert result.err.strip().splitlines() == [
        f"error: {tmp_path / 'none.toml'}: no such region file; write one with hexseal "
        "init, or an example with hexseal simulate FOLDER (hexseal schema lists the keys)"
    ]


def test_wrong_usage_exits_with_2(tmp_path: Path) -> None:
    assert hexseal("build").code == 2
    assert hexseal("build", "x.toml", "--no-such-option").code == 2


def test_a_folder_of_somebody_else_is_never_replaced(place: Path) -> None:
    other = place / "holiday"
    other.mkdir()
    (other / "photo.jpg").write_bytes(b"dear")
    result = hexseal("build", place / "inputs/toy.toml", "--out", other)
    assert result.code == 1
    assert "photo.jpg" in result.err
    assert (other / "photo.jpg").read_bytes() == b"dear"


def test_a_folder_that_cannot_be_written_is_one_line(place: Path) -> None:
    locked = Path("/sys/hexseal") if os.geteuid() == 0 else place / "locked"
    if not locked.parent.is_dir():
        pytest.skip("root may write everywhere here")
    if os.geteuid() != 0:
        locked.mkdir(mode=0o555)
    result = hexseal("build", place / "inputs/toy.toml", "--out", locked / "site")
    assert result.code == 1
    (line,) = result.err.strip().splitlines()
    assert str(locked) in line
    assert "permission" in line or "cannot be written" in line


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 300 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no right to mount a small file system here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_one_line_and_leaves_no_half_file(place: Path, small_disk: Path) -> None:
    result = hexseal_process("build", place / "inputs/toy.toml", "--out", small_disk / "site")
    assert result.code == 1
    (line,) = result.err.strip().splitlines()
    assert "disk is full" in line or "free disk space" in line, line
    assert not (small_disk / "site").exists()
    assert no_leftovers(small_disk)


def stopped(place: Path, how: signal.Signals, after: str) -> tuple[int, str]:
    """Start a build, stop it once a line that starts with ``after`` was printed."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "hexseal", "build", str(place / "inputs/toy.toml"),
         "--out", str(place / "site"), "--fresh"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(after):
            break
    time.sleep(0.05)
    process.send_signal(how)
    _, err = process.communicate(timeout=60)
    return process.returncode, err


@pytest.mark.slow
@pytest.mark.parametrize("after", ["check", "delta", "statistics", "datasets"])
def test_ctrl_c_leaves_the_previous_site(place: Path, after: str) -> None:
    before = tree(place / "site")
    code, err = stopped(place, signal.SIGINT, after)
    assert code == 130
    assert err.strip().splitlines() == ["error: interrupted; the published site is unchanged"]
    assert tree(place / "site") == before
    assert no_leftovers(place)


@pytest.mark.slow
@pytest.mark.parametrize("after", ["check", "statistics", "datasets"])
def test_kill_9_leaves_the_previous_site_and_the_next_build_cleans_up(
    place: Path, after: str
) -> None:
    before = tree(place / "site")
    code, _ = stopped(place, signal.SIGKILL, after)
    assert code == -signal.SIGKILL
    assert tree(place / "site") == before
    assert build(place).code == 0
    assert tree(place / "site") == before
    assert no_leftovers(place)


def test_a_site_caught_between_two_renames_comes_back(place: Path) -> None:
    before = tree(place / "site")
    (place / "site").rename(place / ".site.previous")
    (place / "inputs/b.tif").unlink()
    assert build(place).code == 1
    assert tree(place / "site") == before
