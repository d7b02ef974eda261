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


Log = Callable[[str], None]


def no_log(line: str) -> None:
    """Ignore a log line."""


@dataclass(frozen=True, slots=True)
class Reporter:
    """Where a build reports: log lines, stage progress, and a cancellation check."""

    log: Log = no_log
    progress: Progress = no_progress
    is_stopped: Callable[[], bool] = bool

    @contextmanager
    def stage(self, name: str) -> Iterator[list[str]]:
        """Log one line when a stage is done: its name, what the stage appended, seconds."""
        started = time.monotonic()
        lines: list[str] = []
        yield lines
        # A Ctrl-C that fell into a library's own code may have been lost there.
        if self.is_stopped():
            raise KeyboardInterrupt
        self.log(f"{name:<10} {'; '.join(lines)} ({time.monotonic() - started:.1f} s)")
