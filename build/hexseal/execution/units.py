"""Units of work, how they run, and what came of each."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from hexseal.errors import UnitError
from hexseal.execution.attempt import reason_of


class Named(Protocol):
    """A unit: can be pickled, and has a name that a reader finds on the map."""

    @property
    def name(self) -> str:
        """Return what the unit is called in messages and files: letters, digits, -, _."""
        ...


U = TypeVar("U", bound=Named)
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Execution:
    """Where units run: ``workers`` processes here (None: one per core), or a Dask cluster.

    ``cluster`` is the address of a scheduler (``tcp://HOST:PORT``), or ``local`` for one of
    ``workers`` workers on this machine. A unit that fails for a reason that may pass is repeated
    ``retries`` times; with ``allow_missing`` those that still fail are left out and named.
    """

    workers: int | None = None
    cluster: str | None = None
    retries: int = 2
    allow_missing: bool = False


@dataclass(frozen=True, slots=True)
class Outcome(Generic[U, R]):
    """What came of a unit: its value, or the error after the last attempt.

    ``seconds`` and ``peak_bytes`` are those of the worker in the last attempt.
    """

    unit: U
    value: R | None = None
    error: BaseException | None = None
    seconds: float = 0.0
    peak_bytes: int = 0
    attempts: int = 1

    @property
    def reason(self) -> str:
        """Return why the unit failed as one line, "" where it did not."""
        return "" if self.error is None else reason_of(self.error)


class Executor(Protocol):
    """Runs functions over units. Use it within ``open_executor``."""

    @property
    def workers(self) -> int:
        """Return how many units run at once."""
        ...

    def run(
        self,
        function: Callable[[U], R],
        units: Sequence[U],
        *,
        ordered: bool = False,
        warm: Callable[[], object] | None = None,
    ) -> Iterator[Outcome[U, R]]:
        """Yield the outcome of each unit as it is there, or in their order.

        ``function`` is found by its name (a function of a module, or ``functools.partial`` of
        one). It may run twice for a unit whose worker was lost, so it must write its files whole.
        ``warm`` is called once in each process before its first unit.
        """
        ...


@contextmanager
def open_executor(execution: Execution, work: Path) -> Iterator[Executor]:
    """Yield what runs units; its workers start with the first run and end with the block.

    An error or Ctrl-C in the block ends them at once. ``work`` is a folder that all workers share.
    Raises OutputError where a worker of a cluster does not see it, ToolError where no cluster
    answers.
    """
    if execution.cluster is None:
        from hexseal.execution.local import Processes  # noqa: PLC0415

        with Processes(execution) as processes:
            yield processes
    else:
        from hexseal.execution.cluster import open_cluster  # noqa: PLC0415

        with open_cluster(execution, work) as cluster:
            yield cluster


class Watcher(Protocol):
    """Receives what becomes of units."""

    def unit(self, outcome: Outcome[Any, Any]) -> None:
        """Note the outcome of a unit."""
        ...

    def kept(self, name: str) -> None:
        """Note a unit that an earlier run had finished."""
        ...


_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Report every unit of the block to a watcher."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def note_kept(names: Iterable[str]) -> None:
    """Report units that an earlier run had finished."""
    watcher = _watcher.get()
    if watcher is not None:
        for name in names:
            watcher.kept(name)


def completed(
    outcomes: Iterable[Outcome[U, R]], *, what: str, lost: list[Outcome[U, R]] | None = None
) -> Iterator[Outcome[U, R]]:
    """Yield the outcomes that have a value; raise UnitError after the last one if any failed.

    The error of a region of one unit is raised as it is. ``what`` is the stage, for the message.
    Where ``lost`` is given, failed outcomes are added to it instead, unless all failed.
    """
    watcher = _watcher.get()
    failed: list[Outcome[U, R]] = []
    total = 0
    for outcome in outcomes:
        total += 1
        if watcher is not None:
            watcher.unit(outcome)
        if outcome.error is None:
            yield outcome
        else:
            failed.append(outcome)
    if lost is not None and len(failed) < total:
        lost += failed
    elif failed:
        raise _failure(failed, total, what) from failed[0].error


def _failure(failed: Sequence[Outcome[Any, Any]], total: int, what: str) -> BaseException:
    first = failed[0]
    if total == 1 and first.error is not None:
        return first.error
    others = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
    return UnitError(
        f"{what}: {len(failed)} of {total} units failed: {first.unit.name}{others}: "
        f"{first.reason}; run the build again, what is done is kept"
    )
