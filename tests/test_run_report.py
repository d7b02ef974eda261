"""run.json and hexseal status, memory and spill of databases, and the disk a build needs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hexseal.errors import InputError, OutputError
from hexseal.execution import completed, note_kept
from hexseal.execution.report import (
    Meter,
    RunReport,
    StageReport,
    family,
    headline,
    read_run,
    recording,
    table,
)
from hexseal.execution.space import Size, needed_bytes, require_space
from hexseal.execution.units import Outcome
from hexseal.progress import Reporter
from hexseal.storage.database import Limits, connect, limited, remove_spills
from hexseal.storage.files import is_held, one_writer

MB = 1_000_000


class Named:
    """A unit."""

    def __init__(self, name: str) -> None:
        self.name = name


def record(path: Path, lines: list[str]) -> None:
    """Run two stages, the second of two units, one of which fails."""
    with recording(path, Reporter(lines.append), region="island", workers=2, cluster=None) as (
        reporter,
        recorder,
    ):
        with reporter.stage("check"):
            reporter.progress("check", 1, 2)
        with reporter.stage("delta") as left:
            recorder.unit(Outcome(Named("E44N36"), 1, seconds=2.0, peak_bytes=5 * MB))
            recorder.unit(Outcome(Named("E45N36"), error=InputError("class 77"), attempts=1))
            recorder.kept("E46N36")
            left.pixels = 1_000_000
        recorder.finish("done", work_bytes=10 * MB, site_bytes=20 * MB)


def test_a_run_is_recorded(tmp_path: Path) -> None:
    lines: list[str] = []
    record(tmp_path / "run.json", lines)
    report = read_run(tmp_path / "run.json")
    assert report is not None
    assert (report.region, report.state, report.workers) == ("island", "done", 2)
    assert (report.pixels, report.work_bytes, report.site_bytes) == (MB, 10 * MB, 20 * MB)
    check, delta = report.stages
    assert (check.name, check.state, check.what, check.done, check.total) == (
        "check", "done", "check", 1, 2,
    )  # fmt: skip
    assert check.peak_bytes > 10 * MB
    assert {name: (unit.state, unit.reason) for name, unit in delta.units.items()} == {
        "E44N36": ("done", ""),
        "E45N36": ("failed", "class 77"),
        "E46N36": ("kept", ""),
    }
    assert len(lines) == 2


def test_a_failed_stage_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    with (
        pytest.raises(InputError),
        recording(path, Reporter(), region="island", workers=1, cluster=None) as (reporter, _),
        reporter.stage("delta"),
    ):
        raise InputError("no")
    report = read_run(path)
    assert report is not None
    assert (report.state, report.stages[0].state) == ("failed", "failed")


def test_the_next_run_knows_how_long_the_last_whole_one_took(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    record(path, [])
    facts = json.loads(path.read_text())
    for stage, seconds in zip(facts["stages"], (10.0, 30.0), strict=True):
        stage["seconds"] = seconds
    path.write_text(json.dumps(facts))
    with recording(path, Reporter(), region="island", workers=2, cluster=None) as (_, recorder):
        report = recorder.report
        assert report.expected() == {"check": 10.0, "delta": 30.0}
        assert report.left_s() == 40.0
        report.stages.append(StageReport("check", seconds=4.0))
        assert report.left_s() == 36.0
        report.stages[0] = StageReport("check", seconds=4.0, done=1, total=2)
        assert report.left_s() == 34.0
        recorder.finish("stopped")
    # A run that was stopped leaves what is known of the one before.
    with recording(path, Reporter(), region="island", workers=2, cluster=None) as (_, recorder):
        assert recorder.report.expected() == {"check": 10.0, "delta": 30.0}


def test_the_table_holds_a_line_for_each_stage() -> None:
    stages = [
        StageReport("check", "done", 12.0, pixels=400 * MB, read_bytes=210 * MB, peak_bytes=MB),
        StageReport("delta", "running", 8.0, what="count", done=16, total=96, peak_bytes=512 * MB),
    ]
    report = RunReport("island", 2, None, stages=stages)
    assert table(report) == [
        "stage  state    seconds        amount      rate    read    peak",
        "check  done        12.0  400 M pixels  33.3 M/s  210 MB    1 MB",
        "delta  running      8.0      16 of 96       2/s     0 B  512 MB",
    ]
    assert headline(report, is_running=False) == "island: killed, 0 s with 2 workers"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 99, "stages": []}', "\x00"])
def test_what_is_no_run_report_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content)
    assert read_run(tmp_path / "run.json") is None


@pytest.mark.skipif(sys.platform != "linux", reason="no /proc")
def test_memory_and_bytes_of_children_count(tmp_path: Path) -> None:
    (tmp_path / "input").write_bytes(bytes(30 * MB))
    program = (
        "import sys; content = open(sys.argv[1], 'rb').read(); print(flush=True); sys.stdin.read()"
    )
    with Meter() as meter:
        before = meter.take()
        child = subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "input")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert child.stdout is not None
        child.stdout.readline()
        assert child.pid in family(__import__("os").getpid())
        measured = meter.take()
        child.communicate()
    assert measured.peak_bytes > before.peak_bytes + 30 * MB
    assert measured.read_bytes > 30 * MB


def test_what_a_database_spills_is_removed(tmp_path: Path) -> None:
    with limited(Limits("20MB", 1)), connect(tmp_path) as database:
        database.execute("CREATE TABLE numbers AS SELECT hash(range) AS n FROM range(4_000_000)")
        assert len(list(tmp_path.glob(".duckdb-*"))) == 1
        ((threads, memory),) = database.execute(
            "SELECT current_setting('threads'), current_setting('memory_limit')"
        ).fetchall()
        assert (threads, memory) == (1, "19.0 MiB")
    assert list(tmp_path.iterdir()) == []


def test_what_killed_builds_spilled_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".duckdb-12345678").mkdir()
    (tmp_path / ".duckdb-12345678" / "spill").touch()
    remove_spills(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("memory", ["", "2", "0GB", "GB", "2 TB", "-1GB", "1e3MB", "2GB; SELECT 1"])
def test_a_memory_without_sense_is_refused(memory: str) -> None:
    with pytest.raises(InputError, match="--memory"):
        Limits(memory)


def test_a_disk_that_is_too_small_is_refused(tmp_path: Path) -> None:
    require_space(tmp_path, 3 * MB, free=lambda path: 3 * MB)
    require_space(tmp_path, 3 * MB, reused=MB, free=lambda path: 2 * MB)
    with pytest.raises(
        OutputError, match=r"the build needs about 3 MB, 2\.99 MB are free; free some space"
    ):
        require_space(tmp_path, 3 * MB, free=lambda path: 2_990_000)


def test_the_disk_needed_grows_with_the_hexagons(tmp_path: Path) -> None:
    size = Size(pixels=400 * MB, area_m2=40_000 * 1e6, resolutions=(5, 6, 7, 8, 9))
    assert size.hexagons == pytest.approx(443_000, rel=0.01)
    needed = needed_bytes(size, tmp_path / "run.json")
    assert 0.9e9 < needed < 1.3e9


def test_the_disk_needed_is_that_of_the_last_run(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    record(path, [])
    size = Size(pixels=2 * MB, area_m2=200 * 1e6, resolutions=(8,))
    assert needed_bytes(size, path) == round(1.2 * 60 * MB)


def test_a_lock_is_seen(tmp_path: Path) -> None:
    lock = tmp_path / ".lock"
    assert not is_held(lock)
    with one_writer(lock, "work"):
        assert is_held(lock)
    assert not is_held(lock)


def test_units_of_a_stage_are_recorded_by_themselves(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    with recording(path, Reporter(), region="island", workers=1, cluster=None) as (reporter, made):
        with reporter.stage("delta"):
            note_kept(["E44N35"])
            outcomes = [Outcome(Named("E44N36"), 1), Outcome(Named("E45N36"), 2)]
            assert len(list(completed(outcomes, what="count"))) == 2
        made.finish("done")
    report = read_run(path)
    assert report is not None
    assert {name: unit.state for name, unit in report.stages[0].units.items()} == {
        "E44N35": "kept", "E44N36": "done", "E45N36": "done",
    }  # fmt: skip
    # Nothing is noted where nothing records.
    note_kept(["E44N37"])
