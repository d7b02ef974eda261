"""Work that waits for the network, several pieces at once, in processes and in order."""

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from typing import TypeVar

from hexseal.errors import FetchError
from hexseal.execution.local import start_worker
from hexseal.fetch.web import Web

# Requests under way at once where nobody says: of scenes, which many servers hold, and of a map
# service, which may be one machine. Most of their time is waiting.
SCENES_AT_ONCE, MAPS_AT_ONCE = 6, 2

A = TypeVar("A")
T = TypeVar("T")


@contextmanager
def reading_pool(workers: int = SCENES_AT_ONCE) -> Iterator[Executor]:
    """Yield processes that read over the network; an error or Ctrl-C ends them at once.

    Processes, not threads: GDAL's locks and the interpreter's can wait for each other for ever
    when several threads open remote files (https://github.com/rasterio/rasterio/issues/3611).
    """
    pool, is_done = ProcessPoolExecutor(workers, get_context("spawn"), start_worker), False
    try:
        yield pool
        is_done = True
    finally:
        if not is_done:
            for child in active_children():
                child.terminate()
        pool.shutdown(cancel_futures=True)


def in_order(
    work: Callable[[A, Web], T], tasks: Sequence[A], web: Web, workers: int
) -> Generator[T]:
    """Yield what ``work`` returns for each task, in their order, several of them under way.

    One at a time, ``work`` runs here with ``web``; else in processes, which have access of their
    own, and ``work`` and tasks are pickled. Close the iterator to end what is under way. Raises
    FetchError where a task does, or its process is killed.
    """
    if workers == 1 or len(tasks) < 2:
        yield from (work(task, web) for task in tasks)
        return
    waiting: deque[Future[tuple[T, list[str]]]] = deque()
    with reading_pool(min(workers, len(tasks))) as pool:
        ahead = iter(tasks)
        for _ in tasks:
            # One more than are under way, so that no process waits for what is done here.
            while len(waiting) <= workers and (task := next(ahead, None)) is not None:
                waiting.append(pool.submit(_alone, work, task))
            try:
                found, lines = waiting.popleft().result()
            except BrokenProcessPool as err:
                raise FetchError(
                    "a process that read from the network was killed, perhaps for its memory; "
                    "fetch again, with fewer --workers"
                ) from err
            for line in lines:
                web.log(line)
            yield found


def _alone(work: Callable[[A, Web], T], task: A) -> tuple[T, list[str]]:
    """Run a task in a process of its own; return what it found, and the lines that it logged.

    Of an error only the line goes back.
    """
    lines: list[str] = []
    try:
        return work(task, Web(log=lines.append)), lines
    except FetchError as err:
        raise FetchError(str(err)) from None
