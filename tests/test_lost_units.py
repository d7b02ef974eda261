"""A lost worker and a damaged unit change no byte of what a region yields."""

import hashlib
import json
import os
import signal
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from rasterfiles import write_tif
from scipy import ndimage

from hexseal.build import BuildSettings, build_site
from hexseal.change import survey as surveys
from hexseal.change.stage import judge_region
from hexseal.change.survey import count_region, lost_units
from hexseal.change.unit import UnitTask, read_unit
from hexseal.errors import InputError, UnitError
from hexseal.execution import Execution
from hexseal.progress import Reporter
from hexseal.region.load import Region, load_region

SIDE = 160
RESULTS = ("cells.parquet", "zones.parquet", "evidence_*.parquet", "patches_*.parquet")


def region(folder: Path) -> Region:
    rng = np.random.default_rng(8)
    towns = ndimage.gaussian_filter(rng.standard_normal((SIDE, SIDE)), 2.0)
    text = '[region]\nid = "r"\nsimulated = true\n'
    for year in (2018, 2021):
        moved = towns + 0.02 * ndimage.gaussian_filter(rng.standard_normal((SIDE, SIDE)), 1.0)
        write_tif(folder / f"{year}.tif", np.where(moved > 0.1, 1, 6).astype(np.uint8))
        text += f'[[epoch]]\nyear = {year}\nlandcover = "{year}.tif"\n'
    (folder / "r.toml").write_text(text + "[hexagons]\nfinest = 10\n")
    return load_region(folder / "r.toml")


def killed_once(task: UnitTask) -> int:
    """Read a unit; the worker that comes first to the second row of units is killed."""
    marker = task.store.folder.parent / "killed"
    if task.window.row:
        try:
            marker.touch(exist_ok=False)
        except FileExistsError:
            return read_unit(task)
        os.kill(os.getpid(), signal.SIGKILL)
    return read_unit(task)


def damaged_file(task: UnitTask) -> int:
    """Read a unit; the last one cannot be read."""
    if (task.window.row, task.window.column) == (80, 80) and not task.reason:
        raise InputError("2021.tif: cannot be read at row 99, column 99; fetch it again")
    return read_unit(task)


def judged(known: Region, work: Path, execution: Execution) -> str:
    """Count and judge; return a checksum of all that comes of it."""
    work.mkdir(exist_ok=True)
    count_region(known, work, execution=execution)
    judge_region(known, work, execution=execution)
    content = hashlib.sha256()
    for path in sorted(path for pattern in RESULTS for path in work.glob(pattern)):
        content.update(path.name.encode() + path.read_bytes())
    return content.hexdigest()


@pytest.fixture
def small_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surveys, "FEWEST_PIXELS", 0)
    monkeypatch.setattr(surveys, "_unit_axes", lambda *_: ((0, 80), (0, 80)))


@pytest.mark.usefixtures("small_units")
@pytest.mark.parametrize(
    "cluster",
    [None, pytest.param("local", marks=[pytest.mark.slow, pytest.mark.xdist_group("dask")])],
)
def test_a_killed_worker_and_a_damaged_unit_change_no_byte(
    cluster: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = region(tmp_path)
    wanted = judged(known, tmp_path / "whole", Execution(1))

    monkeypatch.setattr(surveys, "read_unit", killed_once)
    work, execution = tmp_path / "hurt", Execution(2, cluster)
    assert judged(known, work, execution) == wanted
    (marker,) = work.rglob("killed")
    assert marker.is_file()

    files = sorted(work.rglob("r0-c80-80x80-*/cells.parquet"))
    content = bytearray(files[0].read_bytes())
    content[len(content) // 2] ^= 1
    files[0].write_bytes(content)
    assert judged(known, work, execution) == wanted


@pytest.mark.usefixtures("small_units")
def test_a_unit_that_cannot_be_read_ends_the_build_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = region(tmp_path)
    monkeypatch.setattr(surveys, "read_unit", damaged_file)
    settings = BuildSettings(tmp_path / "site", workers=1)
    with pytest.raises(UnitError, match=r"1 of 4 units failed: r80-c80-80x80: 2021\.tif"):
        build_site(known.path, settings, Reporter())
    assert not (settings.site / "index.html").exists()
    others = settings.work(known) / "units" / "delta"
    assert len(list(others.glob("r*"))) == 3


@pytest.mark.slow
@pytest.mark.usefixtures("small_units")
def test_a_site_without_a_unit_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = region(tmp_path)
    monkeypatch.setattr(surveys, "read_unit", damaged_file)
    settings = BuildSettings(tmp_path / "site", workers=1, allow_missing=True)
    log: list[str] = []
    build_site(known.path, settings, Reporter(log.append))
    assert any("unit r80-c80-80x80 is missing" in line for line in log)
    assert "incomplete, 1 unit missing" in (settings.site / "index.html").read_text()
    (table,) = (settings.site / "data").glob("*hexagons_r10.parquet")
    metadata = pq.read_schema(table).metadata
    assert "incomplete, 1 unit missing" in json.loads(metadata[b"hexseal.title"])["en"]

    monkeypatch.setattr(surveys, "read_unit", read_unit)
    whole = BuildSettings(settings.site, workers=1, until="change")
    build_site(known.path, whole, Reporter())
    assert lost_units(whole.work(known)) == {}
    cells = pq.read_table(whole.work(known) / "cells.parquet")
    counted = cells.filter(pc.field("class_2018") != 255)
    assert sum(counted["pixels"].to_pylist()) == SIDE * SIDE
