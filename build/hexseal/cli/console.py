"""What all commands share: the console, arguments, exit codes.

Nothing here or at the top of a command's module may import more than click and the region file's
reader: ``--help``, ``--version`` and shell completion import every command. A command imports its
stage when it runs.
"""

import signal
import sys
import warnings
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import click

from hexseal.errors import LONGEST_LINE, HexsealError, shortened
from hexseal.progress import Pace, Reporter

if TYPE_CHECKING:
    from tqdm import tqdm

REGION = click.argument("region", type=click.Path(path_type=Path, dir_okay=False))
OUT = click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the site [default: site/ beside the region file; site/ of a clone of hexseal "
    "for a region file inside it].",
)
WORKERS = click.option(
    "--workers",
    type=click.IntRange(1, 256),
    help="Processes or threads that work at once, in every stage [default: one per core].",
)
CLUSTER = click.option(
    "--cluster",
    metavar="tcp://HOST:PORT|local",
    help="Dask scheduler that units run on; local starts one here. The work folder must be one "
    "folder for all its machines.",
)
MEMORY = click.option(
    "--memory",
    metavar="SIZE",
    help="What the database may hold before it spills into the work folder [default: 512MB].",
)
FRESH = click.option("--fresh", is_flag=True, help="Count again even if no input changed.")

_interrupted = False
# Packages that an exception from outside leaves broken, and when to try again.
_UNINTERRUPTED = ("llvmlite", "numba")
_AGAIN_S = 0.05


class Console:
    """Where lines and progress go: a bar on a terminal, plain lines in a log, or nothing."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet
        self.pace = Pace()
        self.bar: tqdm | None = None

    def log(self, line: str) -> None:
        """Print one line, past the progress bar."""
        self.close()
        if not self.quiet:
            click.echo(line)

    def progress(self, what: str, done: int, total: int) -> None:
        """Draw the progress of a stage on a terminal; print a line now and then elsewhere."""
        if self.quiet:
            return
        if not sys.stderr.isatty():
            if line := self.pace.line(what, done, total):
                click.echo(line)
            return
        if self.bar is None or self.bar.desc != f"{what}: ":
            self.close()
            from tqdm import tqdm

            self.bar = tqdm(total=total, desc=what, leave=False, file=sys.stderr)
        self.bar.update(done - self.bar.n)

    def close(self) -> None:
        """Remove the progress bar."""
        if self.bar is not None:
            self.bar.close()
            self.bar = None

    def reporter(self) -> Reporter:
        """Return where stages report to: this console."""
        return Reporter(self.log, self.progress, _is_interrupted)


def run(command: click.Command, *, interrupted: str) -> NoReturn:
    """Run a command line and exit: 0 done, 1 failed, 2 wrong usage, 130 interrupted.

    A failure that a user can fix is one line on standard error; ``interrupted`` is the line after
    Ctrl-C or SIGTERM.
    """
    global _interrupted
    _interrupted = False
    for wish in (signal.SIGINT, signal.SIGTERM):
        signal.signal(wish, _interrupt)
    # rasterio's; such a raster is refused in a line of its own.
    warnings.filterwarnings("ignore", message="Dataset has no geotransform")
    try:
        command.main(standalone_mode=False)
        _deafen()
    except HexsealError as err:
        if "--verbose" in sys.argv:
            raise
        _fail(str(err), 1)
    except (OSError, RecursionError, MemoryError) as err:
        # The machine's own limits: a path too long, a table nested too deeply, no memory left.
        if "--verbose" in sys.argv:
            raise
        _fail(_reason(err), 1)
    except click.ClickException as err:
        err.show()
        sys.exit(err.exit_code)
    except (KeyboardInterrupt, click.Abort):
        _fail(interrupted, 130)
    sys.exit(0)


def _reason(err: BaseException) -> str:
    if isinstance(err, OSError):
        where = shortened(str(err.filename or "the system"), 120)
        return f"{where}: {err.strerror or err}; check the path, its rights and the free space"
    if isinstance(err, MemoryError):
        return "the memory is used up; close other programs, or build a smaller window"
    return "an input is nested too deeply to be read; simplify it"


def _is_interrupted() -> bool:
    """Whether a stage shall end now; what waits to come again is taken as come."""
    if _interrupted and hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)
    return _interrupted


def _interrupt(signum: int, frame: FrameType | None) -> None:
    """Stop what runs, but never in the middle of what an exception would tear.

    An exception inside numba's compiler leaves LLVM's objects half made, and the process then ends
    with a segmentation fault; inside a finalizer it is lost. There the wish is kept and comes again
    a moment later.
    """
    global _interrupted
    _interrupted = True
    if _is_unsafe(frame):
        if hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, _interrupt)
            signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)
        return
    raise KeyboardInterrupt


def _is_unsafe(frame: FrameType | None) -> bool:
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module.split(".")[0] in _UNINTERRUPTED or frame.f_code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False


def _fail(line: str, code: int) -> NoReturn:
    _deafen()
    # The characters of "error: " count too.
    click.echo(f"error: {shortened(' '.join(line.split()), LONGEST_LINE - 7)}", err=True)
    sys.exit(code)


def _deafen() -> None:
    """Ignore signals from now on: all is done, and Python only puts itself away."""
    if hasattr(signal, "setitimer"):
        # A kept wish: Python takes its handlers down at the end, and the alarm would kill it.
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
    for wish in (signal.SIGINT, signal.SIGTERM):
        signal.signal(wish, signal.SIG_IGN)
    # Python -m ends itself by SIGINT where an interrupt, caught or not, passed through the last
    # exec of a text (dataclasses, numba): run_eval_code_obj in CPython's pythonrun.c.
    exec("")
