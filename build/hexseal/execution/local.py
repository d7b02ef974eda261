"""Units on processes of this machine.

Each worker is a pool of one process of its own: a process that is killed breaks its own pool only,
so that it costs its unit and nothing else.
"""

import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any, Self, TypeVar

from hexseal.errors import ToolError
from hexseal.execution.attempt import Answer, Job, attempt
from hexseal.execution.units import Execution, Named, Outcome

# How many finished units may wait for one before them, for each worker.
AHEAD = 4
U = TypeVar("U", bound=Named)
R = TypeVar("R")


class Processes:
    """Runs units on processes that start with the first run; a single unit runs in this one."""

    def __init__(self, execution: Execution) -> None:
        self.workers = execution.workers or os.cpu_count() or 1
        self._tries = execution.retries + 1
        self._pool: list[_Worker] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        for worker in self._pool:
            worker.close(at_once=failure is not None)

    def run(
        self,
        function: Callable[[U], R],
        units: Sequence[U],
        *,
        ordered: bool = False,
        warm: Callable[[], object] | None = None,
    ) -> Iterator[Outcome[U, R]]:
        """Yield the outcome of each unit (see ``Executor``)."""
        job = Job(function, warm)
        if min(self.workers, len(units)) <= 1:
            yield from (self._here(job, unit) for unit in units)
            return
        while len(self._pool) < min(self.workers, len(units)):
            self._pool.append(_Worker())
        outcomes = self._spread(job, units, AHEAD * self.workers if ordered else len(units))
        try:
            yield from in_order(outcomes) if ordered else (outcome for _, outcome in outcomes)
        finally:
            outcomes.close()

    def _here(self, job: Job, unit: Any) -> Outcome[Any, Any]:
        tried = 1
        while True:
            try:
                return outcome_of(unit, attempt(job, unit), tried)
            except Exception as err:  # noqa: BLE001 - the unit is named, the others continue
                if tried == self._tries:
                    return Outcome(unit, error=err, attempts=tried)
            tried += 1

    def _spread(
        self, job: Job, units: Sequence[Any], ahead: int
    ) -> Generator[tuple[int, Outcome[Any, Any]], None, None]:
        """Yield place and outcome of units as they end, at most ``ahead`` past the first one."""
        waiting = deque((place, 1) for place in range(len(units)))
        running: dict[Future[Answer], tuple[_Worker, int, int]] = {}
        free = list(self._pool)
        ended: set[int] = set()
        first = 0
        try:
            while waiting or running:
                while waiting and free and waiting[0][0] < first + ahead:
                    worker, (place, tried) = free.pop(), waiting.popleft()
                    running[worker.submit(job, units[place])] = worker, place, tried
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    worker, place, tried = running.pop(future)
                    free.append(worker)
                    error = future.exception()
                    if isinstance(error, BrokenProcessPool):
                        worker.restart()
                        error = ToolError("its worker was killed; a cause is too little memory")
                    if error is not None and tried < self._tries:
                        waiting.appendleft((place, tried + 1))
                        continue
                    ended.add(place)
                    while first in ended:
                        ended.remove(first)
                        first += 1
                    yield place, _outcome(units[place], future, error, tried)
        finally:
            for worker, _, _ in running.values():
                # Left in the middle: what still runs is of no use to anyone.
                worker.restart()


def outcome_of(unit: Any, answer: Answer, tried: int) -> Outcome[Any, Any]:
    """Return an answer as the outcome of its unit."""
    return Outcome(
        unit, answer.value, answer.error, answer.seconds, answer.peak_bytes, attempts=tried
    )


def _outcome(
    unit: Any, future: Future[Answer], error: BaseException | None, tried: int
) -> Outcome[Any, Any]:
    if error is not None:
        return Outcome(unit, error=error, attempts=tried)
    return outcome_of(unit, future.result(), tried)


def in_order(outcomes: Iterable[tuple[int, Outcome[Any, Any]]]) -> Iterator[Outcome[Any, Any]]:
    """Yield outcomes in the order of their places; those that come early wait."""
    early: dict[int, Outcome[Any, Any]] = {}
    place = 0
    for at, outcome in outcomes:
        early[at] = outcome
        while place in early:
            yield early.pop(place)
            place += 1


class _Worker:
    """A pool of one process."""

    def __init__(self) -> None:
        self._process: BaseProcess | None = None
        self._open()

    def _open(self) -> None:
        self._pool = ProcessPoolExecutor(1, get_context("spawn"), start_worker)
        self._process = None

    def submit(self, job: Job, unit: Any) -> Future[Answer]:
        if self._process is not None:
            return self._pool.submit(attempt, job, unit)
        before = set(active_children())
        with main_hidden():
            future = self._pool.submit(attempt, job, unit)
        self._process = next(iter(set(active_children()) - before), None)
        return future

    def restart(self) -> None:
        """End the process, whatever it does; the next unit starts another."""
        self.close(at_once=True)
        self._open()

    def close(self, *, at_once: bool) -> None:
        if at_once and self._process is not None:
            self._process.kill()
        self._pool.shutdown(wait=True, cancel_futures=True)


def start_worker() -> None:
    """Leave Ctrl-C to the parent, and end when it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()


@contextmanager
def main_hidden() -> Iterator[None]:
    """Keep processes that start in the block from running the program's own file again.

    A script that calls hexseal without ``if __name__ == "__main__"`` would start itself again.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
