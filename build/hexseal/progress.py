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


def silent(what: str, done: int, total: int) -> None:
    """Say nothing."""


Say = Callable[[str], None]


def mute(line: str) -> None:
    """Drop a line that a stage would have told the user."""


@dataclass(frozen=True, slots=True)
class Talk:
    """How a build talks: whole lines, progress within a stage, and whether it was told to stop."""

    say: Say = mute
    progress: Progress = silent
    is_stopped: Callable[[], bool] = bool

    @contextmanager
    def stage(self, name: str) -> Iterator[list[str]]:
        """Say one line when a stage is done: its name, what the stage appended, seconds."""
        started = time.monotonic()
        told: list[str] = []
        yield told
        # A Ctrl-C that fell into a library's own code may have been lost there.
        if self.is_stopped():
            raise KeyboardInterrupt
        self.say(f"{name:<10} {'; '.join(told)} ({time.monotonic() - started:.1f} s)")
