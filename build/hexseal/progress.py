"""Progress as an injected callable, silent by default."""

from collections.abc import Callable
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
