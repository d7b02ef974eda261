"""Sites that many tests read: made once for all workers and runs, again when a source changed."""

import hashlib
import pickle
import shutil
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import TypeVar

from filelock import FileLock

ROOT = Path(__file__).parents[1]
# What a made site depends on: the code, the front end, what makes the inputs, the libraries.
SOURCES = (
    "build/hexseal", "site_template/src", "site_template/styles", "site_template/templates",
    "site_template/locales", "site_template/snippets", "site_template/build.mjs", "tests/sites.py",
    "tests/rasterfiles.py", "tests/browser/made_site.py", "requirements.lock",
)  # fmt: skip
MADE = "made.pickle"
T = TypeVar("T")


def shared(home: Path, name: str, make: Callable[[Path], T]) -> T:
    """Return what ``make`` returned for a folder of its own below ``home``, making it if needed.

    The folder bears a digest of all sources, so that it is never out of date, and is made under a
    lock, so that workers make it once. Tests only read it; one that damages a site copies it.
    """
    folder = home / f"{name}-{digest()}"
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(home / f"{name}.lock"):
        if not (folder / MADE).is_file():
            for old in home.glob(f"{name}-*"):
                shutil.rmtree(old)
            folder.mkdir()
            (folder / MADE).write_bytes(pickle.dumps(make(folder)))
        return pickle.loads((folder / MADE).read_bytes())


@cache
def digest() -> str:
    """Return a digest of names and contents of all sources."""
    found = hashlib.sha256()
    for path in sorted(_files(ROOT / source for source in SOURCES)):
        found.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:16]


def _files(sources: Iterable[Path]) -> Iterable[Path]:
    for source in sources:
        if source.is_file():
            yield source
        yield from (p for p in source.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
