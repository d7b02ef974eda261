"""Files that appear whole or not at all."""

import atexit
import ctypes
import errno
import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hexseal.errors import OutputError

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


PARTIAL = ".partial"
# AT_FDCWD: paths are seen from the working folder.
_HERE = -100
# Between two tries for a lock that another process holds.
WAIT_SECONDS = 0.1


def describe(err: OSError, path: Path) -> OutputError:
    """Turn an operating-system failure on writing ``path`` into one line with what to do."""
    if err.errno == errno.ENOSPC:
        return OutputError(f"{path}: the disk is full; free some space and run the command again")
    if err.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return OutputError(f"{path}: no permission to write here; choose another folder")
    return OutputError(f"{path}: cannot be written ({err.strerror or err})")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary sibling of ``path``; rename it to ``path`` on success."""
    partial = path.with_name(f"{PARTIAL}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        partial.replace(path)
    except OSError as err:
        raise describe(err, path) from err
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> int:
    """Write ``content`` under its final name in one step and return its length."""
    with whole_file(path) as partial:
        partial.write_bytes(content)
    return len(content)


@contextmanager
def one_writer(lock: Path, what: str) -> Iterator[None]:
    """Keep every other process out of the block; raise OutputError at once where one is in it.

    ``what`` is the folder that the holder writes, for the message. ``lock`` is a file that stays;
    the system releases it when its holder ends, killed or not.
    """
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        stream = lock.open("ab")
    except OSError as err:
        raise describe(err, lock) from err
    with stream:
        if not _locked(stream.fileno()):
            raise OutputError(
                f"{what}: another build is running here; wait for it, or choose another --out"
            )
        yield


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Hold an exclusive lock between processes; others wait for it.

    ``lock`` is a file that stays. The system releases it when its holder ends, killed or not, so
    none is ever left behind.
    """
    try:
        stream = lock.open("ab")
    except OSError as err:
        raise describe(err, lock) from err
    with stream:
        while not _locked(stream.fileno()):
            time.sleep(WAIT_SECONDS)
        yield


def is_held(lock: Path) -> bool:
    """Return whether a process is in the block of ``one_writer`` or ``only_one``."""
    try:
        stream = lock.open("rb+")
    except OSError:
        return False
    with stream:
        return not _locked(stream.fileno())


def folder_bytes(folder: Path) -> int:
    """Return the bytes of all files below a folder, 0 where there is none."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _locked(descriptor: int) -> bool:
    """Try to lock an open file; closing it unlocks it."""
    try:
        _lock(descriptor)
    except OSError as err:
        if err.errno in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
            return False
        raise
    return True


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def exchange(first: Path, second: Path) -> bool:
    """Swap two folders in a single step; return False where the system or disk cannot."""
    library = ctypes.CDLL(None, use_errno=True) if sys.platform != "win32" else None
    for name, arguments in (
        # renameat2(2) of Linux with RENAME_EXCHANGE, renamex_np(2) of macOS with RENAME_SWAP.
        ("renameat2", (_HERE, os.fsencode(first), _HERE, os.fsencode(second), 2)),
        ("renamex_np", (os.fsencode(first), os.fsencode(second), 2)),
    ):
        function = getattr(library, name, None)
        if function is not None:
            return function(*arguments) == 0
    return False


def ensure_compiler_cache(package: Path) -> None:
    """Set a folder for numba for compiled functions where neither package nor home can be written.

    Without one it refuses to import. The folder is this process's own and is removed at its end:
    numba unpickles what it finds, so a folder shared with other users would not be safe.
    """
    folders = (package, Path(os.path.expanduser("~/.cache")), Path(os.path.expanduser("~")))  # noqa: PTH111
    if "NUMBA_CACHE_DIR" in os.environ or any(os.access(folder, os.W_OK) for folder in folders):
        return
    folder = tempfile.mkdtemp(prefix="hexseal-compiled-")
    os.environ["NUMBA_CACHE_DIR"] = folder
    atexit.register(shutil.rmtree, folder, ignore_errors=True)


def copy_file(source: Path, target: Path) -> None:
    """Put a file of one folder into another, without copying its bytes where links are possible."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        with whole_file(target) as partial:
            shutil.copyfile(source, partial)


class SiteFolder:
    """A site that replaces the previous one in a single step, or leaves it as it was.

    Everything is written into a neighbouring folder. Only a folder that hexseal made (it holds
    the marker) or that is empty is ever replaced.
    """

    MARKER = ".hexseal-site"
    KEPT = (".gitignore",)

    def __init__(self, site: Path) -> None:
        self.site = site.resolve()
        self.staging = self.site.with_name(f".{self.site.name}{PARTIAL}")
        self.previous = self.site.with_name(f".{self.site.name}.previous")

    def open(self) -> Path:
        """Return an empty staging folder; raise OutputError when the site cannot be replaced."""
        self._refuse_foreign()
        try:
            if self.staging.exists():
                shutil.rmtree(self.staging)
            self.staging.mkdir(parents=True)
            (self.staging / self.MARKER).write_text("A site written by hexseal.\n")
        except OSError as err:
            raise describe(err, self.site) from err
        return self.staging

    def publish(self) -> None:
        """Put the staging folder in the place of the site.

        Where the system can exchange two folders in one step (Linux, macOS), the site is whole at
        every moment, killed or not; elsewhere it is absent between two renames, and ``recover``
        brings it back.
        """
        try:
            for name in self.KEPT:
                if (self.site / name).is_file():
                    shutil.copyfile(self.site / name, self.staging / name)
            if not self.site.exists():
                self.staging.replace(self.site)
            elif not exchange(self.staging, self.site):
                self.site.replace(self.previous)
                self.staging.replace(self.site)
        except OSError as err:
            self.recover()
            raise describe(err, self.site) from err
        self.recover()

    def discard(self) -> None:
        """Remove what was staged; the previous site stays."""
        shutil.rmtree(self.staging, ignore_errors=True)

    def recover(self) -> None:
        """Clear up after a build that was killed; bring the previous site back if need be."""
        self.discard()
        with suppress(OSError):
            if self.previous.exists() and not self.site.exists():
                self.previous.replace(self.site)
            elif self.previous.exists():
                shutil.rmtree(self.previous)

    def _refuse_foreign(self) -> None:
        if not self.site.exists():
            return
        if not self.site.is_dir():
            raise OutputError(f"{self.site}: is a file; choose a folder for --out")
        names = {entry.name for entry in self.site.iterdir()} - set(self.KEPT)
        if names and self.MARKER not in names:
            raise OutputError(
                f"{self.site}: holds files that hexseal did not write ({sorted(names)[0]!r}); "
                "choose an empty or new folder for --out"
            )
