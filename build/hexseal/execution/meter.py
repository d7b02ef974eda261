"""Memory and bytes read of this process and all that it started, while stages run."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from hexseal.execution.attempt import peak_bytes

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
