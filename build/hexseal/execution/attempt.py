"""What a worker does with one unit, whoever started the worker."""

import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rasterio.errors import RasterioError

from hexseal.errors import HexsealError, OutputError, shortened

_warmed: set[object] = set()
_warming = threading.Lock()


@dataclass(frozen=True, slots=True)
class Job:
    """A function of one unit, what to call once in each process before it, and a file to find.

    ``warm`` loads what the function would otherwise compile or read within its first unit.
    ``marker`` is a file in the work folder, None where the worker is on the same machine.
    """

    function: Callable[[Any], Any]
    warm: Callable[[], object] | None = None
    marker: Path | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The value of a unit, or the error that no repetition would change."""

    value: Any
    error: HexsealError | None
    seconds: float
    peak_bytes: int


def attempt(job: Job, unit: Any) -> Answer:
    """Compute a unit. Errors that may pass (a file or network that fails) are raised."""
    _prepare(job)
    started = time.monotonic()
    value, error = None, None
    try:
        value = job.function(unit)
    except HexsealError as err:
        if may_pass(err):
            raise
        error = err
    return Answer(value, error, time.monotonic() - started, peak_bytes())


def may_pass(error: BaseException) -> bool:
    """Return whether a repetition may succeed: the error comes from a file, network or a bug.

    >>> may_pass(OutputError("class 77 is unknown"))
    False
    """
    cause: BaseException | None = error
    while cause is not None:
        if not isinstance(cause, HexsealError) or isinstance(cause, OSError | RasterioError):
            return True
        cause = cause.__cause__
    return False


def reason_of(error: BaseException) -> str:
    """Return an error as one line.

    >>> reason_of(KeyError("h3"))
    "KeyError: 'h3'"
    """
    text = " ".join(str(error).split())
    return shortened(text if isinstance(error, HexsealError) else f"{type(error).__name__}: {text}")


def peak_bytes() -> int:
    """Return the largest resident memory of this process so far, 0 where the system hides it."""
    if sys.platform == "win32":
        return 0
    import resource  # noqa: PLC0415

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _prepare(job: Job) -> None:
    """Check once in each process that the work folder is there, and warm it up."""
    with _warming:
        if job.marker is not None and job.marker not in _warmed:
            if not job.marker.is_file():
                raise OutputError(
                    f"{job.marker.parent}: worker {worker_name()} does not see this folder; share "
                    "it under the same path with every machine of the cluster"
                )
            _warmed.add(job.marker)
        if job.warm is not None and job.warm not in _warmed:
            job.warm()
            _warmed.add(job.warm)


def worker_name() -> str:
    """Return machine and process, for messages."""
    return f"{socket.gethostname()}:{os.getpid()}"
