"""Units on a Dask cluster: one that runs already, or one made on this machine.

The work folder must be the same folder under the same path on every machine.
"""

import logging
import os
import shutil
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

from hexseal import __version__
from hexseal.errors import HexsealError, OutputError, ToolError
from hexseal.execution.attempt import Job, attempt, reason_of, worker_name
from hexseal.execution.local import in_order, main_hidden, outcome_of
from hexseal.execution.units import Execution, Named, Outcome
from hexseal.storage.files import describe, write_bytes
from hexseal.storage.workdir import WorkFolder

U = TypeVar("U", bound=Named)
R = TypeVar("R")
LOCAL = "local"


class Future(Protocol):
    """A unit on the cluster, as a client that is not asynchronous returns it."""

    def exception(self) -> BaseException | None:
        """Wait; return what the unit raised."""
        ...

    def result(self) -> Any:
        """Wait; return what the unit returned."""
        ...

    def release(self) -> None:
        """Release the result on the cluster."""
        ...


class Client(Protocol):
    """What is used of ``distributed.Client``."""

    loop: Any

    def submit(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Future:
        """Start a call on some worker."""
        ...

    def cancel(self, futures: Sequence[Future], *, force: bool) -> object:
        """Forget calls."""
        ...

    def run(
        self, function: Callable[..., Any], *arguments: Any, on_error: str
    ) -> Mapping[str, Any]:
        """Call on every worker; return the answers by address."""
        ...

    def nthreads(self) -> Mapping[str, int]:
        """Return the threads of each worker."""
        ...

    def wait_for_workers(self, n_workers: int, *, timeout: float) -> object:
        """Wait for the first workers."""
        ...


CONNECT_S = 20
# Where all workers are lost and none comes back, units fail rather than wait for ever.
LOCAL_SETTINGS = {"distributed.scheduler.no-workers-timeout": "180s"}


@contextmanager
def open_cluster(execution: Execution, work: Path) -> Iterator["Cluster"]:
    """Yield a cluster whose workers all see ``work``; a local one ends with the block.

    Raises ToolError where dask is missing, no scheduler answers or a worker has another hexseal,
    and OutputError where a worker does not see the folder.
    """
    try:
        import dask.config  # noqa: PLC0415
        import distributed  # noqa: PLC0415
    except ImportError as err:
        raise ToolError(
            '--cluster needs Dask, which is not installed; pip install "hexseal[cluster]"'
        ) from err
    address = str(execution.cluster)
    with ExitStack() as stack:
        if address == LOCAL:
            stack.enter_context(dask.config.set(LOCAL_SETTINGS))
            with main_hidden():
                local = distributed.LocalCluster(
                    n_workers=execution.workers or os.cpu_count() or 1,
                    threads_per_worker=1,
                    dashboard_address="127.0.0.1:0",
                    local_directory=str(WorkFolder(work).dask),
                    silence_logs=logging.CRITICAL,
                )
            stack.callback(_removed, WorkFolder(work).dask)
            stack.enter_context(cast(Any, local))
            address = str(cast(Any, local).scheduler_address)
        try:
            client = cast(Any, distributed.Client(address, timeout=CONNECT_S, set_as_default=False))
        except (OSError, ValueError) as err:
            raise ToolError(
                f"--cluster {address}: no Dask scheduler answers ({reason_of(err)}); give the "
                "address that dask-scheduler prints, tcp://HOST:PORT"
            ) from err
        stack.callback(client.close)
        marker = work.absolute() / f".cluster-{uuid.uuid4().hex}"
        stack.callback(marker.unlink, missing_ok=True)
        _check_workers(client, marker)
        yield Cluster(client, execution.retries, marker)


class Cluster:
    """Runs units as futures of a Dask client, which repeats them and replaces lost workers."""

    def __init__(self, client: Client, retries: int, marker: Path) -> None:
        self._client, self._retries, self._marker = client, retries, marker

    @property
    def workers(self) -> int:
        """Return how many units run at once."""
        return max(1, sum(self._client.nthreads().values()))

    def run(
        self,
        function: Callable[[U], R],
        units: Sequence[U],
        *,
        ordered: bool = False,
        warm: Callable[[], object] | None = None,
    ) -> Iterator[Outcome[U, R]]:
        """Yield the outcome of each unit (see ``Executor``)."""
        outcomes = self._spread(Job(function, warm, self._marker), units)
        try:
            yield from in_order(outcomes) if ordered else (outcome for _, outcome in outcomes)
        finally:
            outcomes.close()

    def _spread(
        self, job: Job, units: Sequence[Any]
    ) -> Generator[tuple[int, Outcome[Any, Any]], None, None]:
        """Yield place and outcome of units as they end.

        Each is taken from its worker at once: one that is lost later takes nothing along.
        """
        from distributed import as_completed  # noqa: PLC0415

        run = uuid.uuid4().hex[:8]
        waiting = {
            self._client.submit(
                attempt, job, unit, key=f"{unit.name}-{run}", retries=self._retries, pure=False
            ): place
            for place, unit in enumerate(units)
        }
        try:
            for future in cast(Any, as_completed(cast(Any, list(waiting)), loop=self._client.loop)):
                place = waiting[future]
                outcome = self._outcome(units[place], future)
                del waiting[future]
                future.release()
                yield place, outcome
        finally:
            if waiting:
                self._client.cancel(list(waiting), force=True)

    def _outcome(self, unit: Any, future: Future) -> Outcome[Any, Any]:
        from distributed import KilledWorker  # noqa: PLC0415

        error = future.exception()
        if error is None:
            return outcome_of(unit, future.result(), 1)
        if isinstance(error, KilledWorker):
            error = ToolError("its workers were lost; a cause is too little memory")
        return Outcome(unit, error=error, attempts=self._retries + 1)


def _check_workers(client: Client, marker: Path) -> None:
    """Raise where a worker does not read and write the work folder, or has another hexseal."""
    write_bytes(marker, marker.name.encode())
    if not client.nthreads():
        with suppress(TimeoutError):
            client.wait_for_workers(1, timeout=CONNECT_S)
    answers = client.run(_probe, marker, __version__, on_error="return")
    if not answers:
        raise ToolError("the Dask cluster has no worker; start some with dask-worker")
    for address, answer in answers.items():
        if isinstance(answer, HexsealError):
            raise answer
        if isinstance(answer, BaseException):
            raise ToolError(
                f"worker {address}: cannot run hexseal ({reason_of(answer)}); install hexseal "
                f"{__version__} on every machine of the cluster"
            )
        beside = marker.with_name(answer)
        if not beside.is_file():
            raise _not_shared(marker.parent, address)
        beside.unlink()


def _probe(marker: Path, version: str) -> str:
    """Read the client's file and write one beside it, on a worker; return its name."""
    if version != __version__:
        raise ToolError(
            f"worker {worker_name()}: has hexseal {__version__}, this is {version}; install the "
            "same on every machine of the cluster"
        )
    try:
        if marker.read_text() != marker.name:
            raise _not_shared(marker.parent, worker_name())
    except FileNotFoundError as err:
        raise _not_shared(marker.parent, worker_name()) from err
    mine = marker.with_name(f"{marker.name}-{uuid.uuid4().hex}")
    try:
        mine.write_bytes(b"")
    except OSError as err:
        raise describe(err, mine) from err
    return mine.name


def _not_shared(folder: Path, worker: str) -> OutputError:
    return OutputError(
        f"{folder}: worker {worker} does not see this folder; share it under the same path with "
        "every machine of the cluster, or choose a shared one with --out"
    )


def _removed(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
