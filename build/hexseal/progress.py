"""How stages report: progress, lines and the line that ends a stage; silent by default."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol


class Progress(Protocol):
    """Receive how far a stage has come: ``done`` of ``total`` steps of ``what``."""

    def __call__(self, what: str, done: int, total: int) -> None:
        """Report that ``done`` of ``total`` steps of ``what`` are finished."""


def no_progress(what: str, done: int, total: int) -> None:
    """Ignore progress."""


class Pace:
    """Turns progress into a line now and then: how far, how fast, how long it still takes."""

    def __init__(
        self, every_s: float = 30.0, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._every, self._clock = every_s, clock
        self._what, self._began, self._last = "", 0.0, 0.0
        self._first = 0

    def line(self, what: str, done: int, total: int) -> str | None:
        """Return a line where one is due.

        >>> times = iter([0.0, 10.0, 40.0])
        >>> pace = Pace(clock=lambda: next(times))
        >>> [pace.line("count", done, 100) for done in (1, 6, 21)]
        [None, None, 'count: 21 of 100, 0.5 a second, 3 min left']
        """
        now = self._clock()
        if what != self._what or done < self._first:
            self._what, self._began, self._last, self._first = what, now, now, done
        if now - self._last < self._every or done <= self._first or done >= total:
            return None
        self._last = now
        rate = (done - self._first) / (now - self._began)
        return (
            f"{what}: {done:,} of {total:,}, {rate:.3g} a second, "
            f"{lasting((total - done) / rate)} left"
        )


def lasting(seconds: float) -> str:
    """Return a time as people give it.

    >>> [lasting(s) for s in (4.2, 130, 8000)]
    ['4 s', '2 min', '2 h 13 min']
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


Log = Callable[[str], None]


def no_log(line: str) -> None:
    """Ignore a log line."""


class StageLines(list[str]):
    """The lines that a stage leaves, and how many pixels or rows it went through."""

    pixels: int = 0
    rows: int = 0


class Recorder(Protocol):
    """Receive when stages begin and end."""

    def begin(self, stage: str) -> None:
        """Note that a stage begins."""

    def end(self, lines: StageLines) -> None:
        """Note that the stage is done, and what it left."""


@dataclass(frozen=True, slots=True)
class Reporter:
    """Where a build reports: log lines, stage progress, a cancellation check, a run report."""

    log: Log = no_log
    progress: Progress = no_progress
    is_stopped: Callable[[], bool] = bool
    recorder: Recorder | None = None

    @contextmanager
    def stage(self, name: str) -> Iterator[StageLines]:
        """Log one line when a stage is done: its name, what the stage appended, seconds."""
        started = time.monotonic()
        lines = StageLines()
        if self.recorder is not None:
            self.recorder.begin(name)
        yield lines
        # A Ctrl-C that fell into a library's own code may have been lost there.
        if self.is_stopped():
            raise KeyboardInterrupt
        if self.recorder is not None:
            self.recorder.end(lines)
        self.log(f"{name:<10} {'; '.join(lines)} ({time.monotonic() - started:.1f} s)")
