"""A lost worker and a damaged unit change no byte of what a region yields."""

import hashlib
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from rasterfiles import write_tif
from scipy import ndimage

from hexseal.change import survey as surveys
from hexseal.change.stage import judge_region
from hexseal.change.survey import count_region
from hexseal.change.unit import UnitTask, read_unit
from hexseal.execution import Execution
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


def judged(known: Region, work: Path, execution: Execution) -> str:
    """Count and judge; return a checksum of all that comes of it."""
    work.mkdir(exist_ok=True)
    count_region(known, work, execution=execution)
    judge_region(known, work, execution=execution)
    content = hashlib.sha256()
    for path in sorted(path for pattern in RESULTS for path in work.glob(pattern)):
        content.update(path.name.encode() + path.read_bytes())
    return content.hexdigest()


@pytest.mark.parametrize(
    "cluster",
    [None, pytest.param("local", marks=[pytest.mark.slow, pytest.mark.xdist_group("dask")])],
)
def test_a_killed_worker_and_a_damaged_unit_change_no_byte(
    cluster: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surveys, "FEWEST_PIXELS", 0)
    monkeypatch.setattr(surveys, "_unit_axes", lambda *_: ((0, 80), (0, 80)))
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
