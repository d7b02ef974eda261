"""run.json: what a build did, stage by stage and unit by unit, written while it runs.

Memory and bytes read are those of this process and all that it started.
"""

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from hexseal import __version__
from hexseal.execution.attempt import peak_bytes
from hexseal.execution.units import Outcome, watched
from hexseal.progress import Reporter, StageLines, lasting
from hexseal.storage.files import write_bytes

# Shorter peaks go unseen.
SAMPLE_S = 0.2
PROC = Path("/proc")
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


@dataclass(frozen=True, slots=True)
class Measured:
    """Largest resident memory of all processes together, and bytes they read from files.

    Memory that processes share counts for each of them. Where the system has no /proc, memory is
    that of this process since it began, and bytes are 0.
    """

    peak_bytes: int
    read_bytes: int


class Meter:
    """Samples the processes in a thread of its own; ``take`` returns what was since the last."""

    def __init__(self) -> None:
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._thread = threading.Thread(target=self._watch, name="meter", daemon=True)
        self._peak = 0
        self._read: dict[int, int] = {}
        self._taken = 0

    def __enter__(self) -> Self:
        self._sample()
        self.take()
        if sys.platform == "linux":
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def take(self) -> Measured:
        """Return what was measured since the last call."""
        self._sample()
        with self._lock:
            total = sum(self._read.values())
            measured = Measured(self._peak or peak_bytes(), total - self._taken)
            self._peak, self._taken = 0, total
        return measured

    def _watch(self) -> None:
        while not self._stop.wait(SAMPLE_S):
            self._sample()

    def _sample(self) -> None:
        if sys.platform != "linux":
            return
        resident = 0
        for pid in family(os.getpid()):
            # A process may end while it is looked at.
            with suppress(OSError, ValueError, IndexError):
                resident += PAGE * int((PROC / str(pid) / "statm").read_text().split()[1])
                first = (PROC / str(pid) / "io").read_text().split("\n", 1)[0]
                with self._lock:
                    self._read[pid] = int(first.removeprefix("rchar:"))
        with self._lock:
            self._peak = max(self._peak, resident)


def family(pid: int) -> Iterator[int]:
    """Yield a process and all that it and its children started, as far as they run."""
    yield pid
    with suppress(OSError, ValueError):
        for task in (PROC / str(pid) / "task").iterdir():
            for child in (task / "children").read_text().split():
                yield from family(int(child))


FORMAT = 1
# The file is written again at most so often while a stage runs.
WRITE_S = 1.0
State = Literal["running", "done", "failed", "stopped"]


@dataclass(slots=True)
class UnitReport:
    """What became of a unit; ``kept`` is one that an earlier run had finished."""

    state: Literal["done", "failed", "kept"]
    seconds: float = 0.0
    attempts: int = 0
    peak_bytes: int = 0
    reason: str = ""


@dataclass(slots=True)
class StageReport:
    """A stage: its state, time, amounts, memory, bytes read, and how far it is."""

    name: str
    state: State = "running"
    seconds: float = 0.0
    pixels: int = 0
    rows: int = 0
    read_bytes: int = 0
    peak_bytes: int = 0
    what: str = ""
    done: int = 0
    total: int = 0
    units: dict[str, UnitReport] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Return pixels a second, or rows where it has none, or steps; 0 where unknown."""
        amount = self.pixels or self.rows or self.done
        return amount / self.seconds if self.seconds > 0 else 0.0

    @property
    def left_s(self) -> float | None:
        """Return the seconds left as the steps so far suggest, None where nothing does."""
        if self.state != "running" or not self.done or not self.total:
            return None
        return self.seconds * (self.total - self.done) / self.done


@dataclass(slots=True)
class RunReport:
    """One build. Times are seconds since 1970; ``previous`` holds the last whole run's stages."""

    region: str
    workers: int
    cluster: str | None
    pixels: int = 0
    state: State = "running"
    started: float = 0.0
    updated: float = 0.0
    host: str = ""
    pid: int = 0
    version: str = __version__
    work_bytes: int = 0
    site_bytes: int = 0
    stages: list[StageReport] = field(default_factory=list)
    previous: dict[str, Any] | None = None

    @property
    def seconds(self) -> float:
        """Return how long the build took or has taken."""
        return self.updated - self.started

    @property
    def peak_bytes(self) -> int:
        """Return the largest memory of any stage."""
        return max((stage.peak_bytes for stage in self.stages), default=0)

    def expected(self) -> dict[str, float]:
        """Return the seconds of each stage as the last whole run suggests, by its pixels."""
        if not self.previous or not self.previous.get("pixels"):
            return {}
        scale = (self.pixels or self.previous["pixels"]) / self.previous["pixels"]
        return {name: scale * seconds for name, seconds in self.previous["seconds"].items()}

    def left_s(self) -> float | None:
        """Return the seconds left: of the stage that runs, and of those to come."""
        expected = self.expected()
        begun = {stage.name for stage in self.stages}
        later = sum(seconds for name, seconds in expected.items() if name not in begun)
        now = next((stage for stage in self.stages if stage.state == "running"), None)
        if now is None:
            return later if expected else None
        left = now.left_s
        if left is None and now.name in expected:
            left = max(0.0, expected[now.name] - now.seconds)
        return left if left is None or not expected else left + later


class Recorder:
    """Keeps run.json of one build up to date."""

    def __init__(self, path: Path, report: RunReport, meter: Meter) -> None:
        self.path, self.report, self._meter = path, report, meter
        self._began = self._written = 0.0

    def begin(self, stage: str) -> None:
        """Note that a stage begins."""
        self._meter.take()
        self._began = time.monotonic()
        self.report.stages.append(StageReport(stage))
        self._write()

    def progress(self, what: str, done: int, total: int) -> None:
        """Note how far the stage is."""
        if self.report.stages:
            stage = self.report.stages[-1]
            stage.what, stage.done, stage.total = what, done, total
            self._write_now_and_then()

    def unit(self, outcome: Outcome[Any, Any]) -> None:
        """Note what became of a unit."""
        if not self.report.stages:
            return
        state = "done" if outcome.error is None else "failed"
        self.report.stages[-1].units[outcome.unit.name] = UnitReport(
            state, round(outcome.seconds, 3), outcome.attempts, outcome.peak_bytes, outcome.reason
        )
        self._write_now_and_then()

    def kept(self, name: str) -> None:
        """Note a unit that an earlier run had finished."""
        if self.report.stages:
            self.report.stages[-1].units[name] = UnitReport("kept")

    def end(self, lines: StageLines) -> None:
        """Note that the stage is done, and what it went through."""
        stage = self.report.stages[-1]
        self._measure(stage)
        stage.state, stage.pixels, stage.rows = "done", lines.pixels, lines.rows
        self.report.pixels = max(self.report.pixels, lines.pixels)
        self._write()

    def finish(self, state: State, **sizes: int) -> None:
        """Note how the build ended."""
        if self.report.stages and self.report.stages[-1].state == "running":
            self._measure(self.report.stages[-1])
            self.report.stages[-1].state = state
        self.report.state = state
        for name, size in sizes.items():
            setattr(self.report, name, size)
        self._write()

    def _measure(self, stage: StageReport) -> None:
        measured = self._meter.take()
        stage.seconds = round(time.monotonic() - self._began, 3)
        stage.peak_bytes = max(stage.peak_bytes, measured.peak_bytes)
        stage.read_bytes += measured.read_bytes

    def _write_now_and_then(self) -> None:
        if time.monotonic() - self._written >= WRITE_S:
            self._measure(self.report.stages[-1])
            self._write()

    def _write(self) -> None:
        self._written = time.monotonic()
        self.report.updated = round(time.time(), 3)
        content = {"format": FORMAT, **asdict(self.report)}
        write_bytes(self.path, json.dumps(content, indent=1).encode())


@contextmanager
def recording(
    path: Path, reporter: Reporter, *, region: str, workers: int, cluster: str | None
) -> Iterator[tuple[Reporter, Recorder]]:
    """Yield a reporter whose stages and progress go into the run report at ``path``, too."""
    now = round(time.time(), 3)
    report = RunReport(
        region, workers, cluster, started=now, updated=now, host=socket.gethostname(),
        pid=os.getpid(), previous=_previous(path),
    )  # fmt: skip
    with Meter() as meter:
        recorder = Recorder(path, report, meter)

        def progress(what: str, done: int, total: int) -> None:
            recorder.progress(what, done, total)
            reporter.progress(what, done, total)

        try:
            with watched(recorder):
                yield replace(reporter, progress=progress, recorder=recorder), recorder
        except KeyboardInterrupt:
            recorder.finish("stopped")
            raise
        except BaseException:
            recorder.finish("failed")
            raise


def read_run(path: Path) -> RunReport | None:
    """Return a run report, None where there is none of this version."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        if facts.pop("format") != FORMAT:
            return None
        stages = [_stage(stage) for stage in facts.pop("stages")]
        return RunReport(**facts, stages=stages)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _stage(facts: Mapping[str, Any]) -> StageReport:
    units = {name: UnitReport(**unit) for name, unit in facts["units"].items()}
    return StageReport(**{**facts, "units": units})


def _previous(path: Path) -> dict[str, Any] | None:
    """Return pixels, bytes and stages of the last run that came to its end and counted."""
    last = read_run(path)
    if last is None:
        return None
    if last.state != "done" or not any(stage.pixels for stage in last.stages):
        return last.previous
    seconds = {stage.name: stage.seconds for stage in last.stages}
    size = last.work_bytes + last.site_bytes
    return {"pixels": last.pixels, "seconds": seconds, "bytes": size}


def headline(report: RunReport, *, is_running: bool) -> str:
    """Return state, time and time left as one line; ``is_running``: its build still holds the lock.

    A report that was running and whose build is gone was killed.
    """
    state = report.state if report.state != "running" or is_running else "killed"
    where = f"on {report.cluster}" if report.cluster else f"with {report.workers} workers"
    seconds = time.time() - report.started if is_running else report.seconds
    line = f"{report.region}: {state}, {lasting(seconds)} {where}"
    left = report.left_s() if is_running else None
    return line if left is None else f"{line}, about {lasting(left)} left"


def table(report: RunReport) -> list[str]:
    """Return the stages as lines of text."""
    rows = [("stage", "state", "seconds", "amount", "rate", "read", "peak")]
    rows += [_row(stage) for stage in report.stages]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    left = (0, 1)
    return [
        "  ".join(
            cell.ljust(width) if place in left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _row(stage: StageReport) -> tuple[str, ...]:
    amount, rate = "", ""
    unit = "pixels" if stage.pixels else "rows"
    if stage.pixels or stage.rows:
        amount = f"{counted(stage.pixels or stage.rows)} {unit}"
        rate = f"{counted(stage.rate)}/s"
    elif stage.total and stage.state == "running":
        amount = f"{stage.done:,} of {stage.total:,}"
        rate = f"{counted(stage.rate)}/s"
    failed = sum(unit.state == "failed" for unit in stage.units.values())
    state = f"{stage.state}, {failed} units failed" if failed else stage.state
    return (
        stage.name, state, f"{stage.seconds:.1f}", amount, rate,
        counted(stage.read_bytes, "B"), counted(stage.peak_bytes, "B"),
    )  # fmt: skip


def counted(amount: float, unit: str = "") -> str:
    """Return a number with three digits, a letter for its thousands, and a unit.

    >>> [counted(n, "B") for n in (0, 7, 1234, 45_600_000, 7.25e9)]
    ['0 B', '7 B', '1.23 kB', '45.6 MB', '7.25 GB']
    """
    for letter, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if amount >= size:
            return f"{amount / size:.3g} {letter}{unit}"
    return f"{amount:.3g} {unit}".rstrip()
