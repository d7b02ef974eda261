"""What a file was made from, so that a later build can keep it: one rule for every stage.

A file counts as unchanged while its size, both times, device and number stay: a changed file of
the same size and modification time still differs in the time at which its entry was changed.
"""

import hashlib
import json
import time
import urllib.request
from collections.abc import Iterable
from contextlib import suppress
from glob import glob, has_magic
from pathlib import Path

from hexseal.storage.files import sha256, write_bytes

# Raise when the facts of a file are read in another way.
VERSION = 2
REMOTE_SECONDS = 10.0


class Stamp:
    """A small file beside results that says what they were made from.

    ``values`` are plain values (numbers, texts, tuples of them), never objects whose class may be
    renamed; ``files`` are paths, patterns, comma lists of them, or http(s) addresses.
    """

    def __init__(self, path: Path, *values: object, files: Iterable[str] = ()) -> None:
        facts = [(address, identity(address)) for address in files]
        text = repr((VERSION, values, facts))
        self.path = path
        self.key = hashlib.sha256(text.encode()).hexdigest()

    def is_current(self, results: Iterable[Path] = ()) -> bool:
        """Return whether the stamp was written for the same facts and all results are there."""
        try:
            known = json.loads(self.path.read_text(encoding="utf-8")).get("key")
        except (OSError, ValueError, AttributeError):
            return False
        return known == self.key and all(path.is_file() for path in results)

    def clear(self) -> None:
        """Remove the stamp, before its results are written again."""
        self.path.unlink(missing_ok=True)

    def write(self) -> None:
        """Note that the results are written."""
        write_bytes(self.path, json.dumps({"key": self.key}).encode())


def identity(address: str) -> tuple[object, ...]:
    """Return what changes when the content of an address does.

    A remote file without ETag or Last-Modified, or one that cannot be asked for, is never the
    same twice; nor is a path where nothing is.
    """
    if "://" in address:
        return _remote(address)
    if Path(address).is_file():
        return _local(Path(address))
    parts = address.split(",")
    if len(parts) > 1:
        return tuple(identity(part.strip()) for part in parts)
    if has_magic(address):
        found = sorted(glob(address, recursive=True))  # noqa: PTH207
        if found:
            return tuple((name, *_local(Path(name))) for name in found)
    return (time.time_ns(),)


def _local(path: Path) -> tuple[object, ...]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_dev, stat.st_ino


def _remote(address: str) -> tuple[object, ...]:
    names = ("ETag", "Last-Modified", "Content-Length")
    if address.startswith(("http://", "https://")):
        request = urllib.request.Request(address, method="HEAD")
        with (
            suppress(OSError, ValueError),
            urllib.request.urlopen(request, timeout=REMOTE_SECONDS) as answer,
        ):
            facts = tuple(answer.headers.get(name) for name in names)
            if any(facts[:2]):
                return facts
    return (time.time_ns(),)


class Checksums:
    """SHA-256 of input files, each read again only when its identity has changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.known = _read(path)
        self.used: dict[str, list[object]] = {}

    def of(self, file: Path) -> str:
        """Return the checksum of a file."""
        facts = list(_local(file))
        known = self.known.get(str(file))
        digest = known[-1] if known is not None and known[:-1] == facts else sha256(file)
        self.used[str(file)] = [*facts, digest]
        return str(digest)

    def write(self) -> None:
        """Keep the checksums for the next build."""
        write_bytes(self.path, json.dumps(self.used, sort_keys=True, indent=1).encode())


def _read(path: Path) -> dict[str, list[object]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
