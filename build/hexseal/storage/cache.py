"""What a file was made from, so that a later run can keep it: one rule for every stage.

Results are kept while the values, the files and the source code are the same that they were made
from, so that nobody deletes a work folder after changing code.

A file counts as unchanged while its size, both times, device and number stay, and its content: of a
large file pieces all over it. A changed file of the same size and modification time still differs
in the time at which its entry was changed, except on disks that keep no such time. Files that are
read along with it count too: a shapefile's table, a raster's mask and CRS, the sources of a virtual
raster.
"""

import hashlib
import html
import importlib.util
import json
import re
import time
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from glob import glob, has_magic
from pathlib import Path

from hexseal.storage.files import sha256, write_bytes

# Raise when the facts of a file are read in another way.
VERSION = 4
REMOTE_SECONDS = 10.0
# Files up to this many bytes are compared whole, of larger ones so many pieces.
READ_WHOLE = 16 << 20
PIECES, PIECE_BYTES = 64, 64 << 10
# Files that GDAL reads along with the one that is named: of its stem, or of its whole name.
COMPANIONS = (
    ".aux", ".cpg", ".dat", ".dbf", ".gfs", ".id", ".map", ".mid", ".prj", ".qpj", ".shp", ".shx",
    ".tfw", ".tifw", ".wld", ".xsd",
)  # fmt: skip
ADDITIONS = (".aux.xml", ".msk", ".ovr", "-wal", "-journal")
SOURCE = re.compile(r"<SourceFilename([^>]*)>([^<]+)<")
# Virtual rasters may name virtual rasters, and each other.
DEEPEST = 4
# What the code of a package is written in.
SOURCES = (".py", ".sql")


class Stamp:
    """A small file beside results that records what they were made from, as ``key_of`` takes it."""

    def __init__(
        self, path: Path, *values: object, files: Iterable[str] = (), code: Iterable[str] = ()
    ) -> None:
        self.path = path
        self.key = key_of(*values, files=files, code=code)

    def is_current(self, results: Iterable[Path] = ()) -> bool:
        """Return whether the stamp was written for the same facts and all results are there."""
        return written_key(self.path) == self.key and all(path.is_file() for path in results)

    def clear(self) -> None:
        """Remove the stamp, before its results are written again."""
        self.path.unlink(missing_ok=True)

    def write(self, facts: Mapping[str, object] | None = None) -> None:
        """Note that the results are written, with what else is known of them."""
        text = json.dumps({"key": self.key, **(facts or {})}, indent=1)
        write_bytes(self.path, text.encode())


def key_of(*values: object, files: Iterable[str] = (), code: Iterable[str] = ()) -> str:
    """Return a key that is the same while values, files and source code are.

    ``values`` are plain values (numbers, texts, tuples of them), never objects whose class may be
    renamed; ``files`` are paths, patterns, comma lists of them, or http(s) addresses; ``code`` are
    names of modules and packages, see ``code_version``.
    """
    facts = [(address, identity(address)) for address in files]
    text = repr((VERSION, values, facts, code_version(*code)))
    return hashlib.sha256(text.encode()).hexdigest()


def written_key(path: Path) -> str | None:
    """Return the key that the stamp at ``path`` holds, None where there is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8")).get("key")
    except (OSError, ValueError, AttributeError):
        return None


def code_version(*names: str) -> str:
    """Return a key of the sources of modules and packages, Python and SQL.

    They are found without being imported, only the packages around them are. A package that is not
    installed counts as one without sources.

    >>> code_version("hexseal.hexgrid") == code_version("hexseal.hexgrid", "hexseal.errors")
    False
    """
    found = [f"{name}/{path.name} {sha256(path)}" for name in names for path in _sources_of(name)]
    return hashlib.sha256("\n".join(found).encode()).hexdigest()


def _sources_of(name: str) -> list[Path]:
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return []
    if spec is None:
        return []
    if spec.submodule_search_locations is None:
        return [Path(str(spec.origin))]
    folders = map(Path, spec.submodule_search_locations)
    found = (path for folder in folders for path in folder.rglob("*"))
    return sorted(path for path in found if path.suffix in SOURCES)


def identity(address: str) -> tuple[object, ...]:
    """Return what changes when the content of an address does.

    A remote file without ETag or Last-Modified, or one that cannot be reached, is never the
    same twice; nor is a path where nothing is.
    """
    if "://" in address:
        return _remote(address)
    if Path(address).is_file():
        return _whole(Path(address))
    parts = address.split(",")
    if len(parts) > 1:
        return tuple(identity(part.strip()) for part in parts)
    if has_magic(address):
        found = sorted(glob(address, recursive=True))  # noqa: PTH207
        if found:
            return tuple((name, *_whole(Path(name))) for name in found)
    return (time.time_ns(),)


def _whole(path: Path) -> tuple[object, ...]:
    """Return the facts of a file and of all that is read with it."""
    facts = _local(path)
    others = [other for other in _read_along(path, DEEPEST) if other.is_file()]
    return (*facts, *((str(other), *_local(other)) for other in others))


def _read_along(path: Path, depth: int) -> Iterator[Path]:
    """Yield the files that are read with one, and those that a virtual raster names."""
    yield from (path.with_suffix(suffix) for suffix in COMPANIONS if suffix != path.suffix.lower())
    yield from (path.with_name(path.name + end) for end in ADDITIONS)
    if path.suffix.lower() != ".vrt" or not depth:
        return
    text = path.read_text(encoding="utf-8", errors="replace")
    for attributes, name in SOURCE.findall(text):
        relative = re.search(r"relativeToVRT\s*=\s*[\"']1", attributes)
        source = path.parent / html.unescape(name) if relative else Path(html.unescape(name))
        yield source
        if source.is_file():
            yield from _read_along(source, depth - 1)


def _local(path: Path) -> tuple[object, ...]:
    stat = path.stat()
    return (
        stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_dev, stat.st_ino,
        _content(path, stat.st_size),
    )  # fmt: skip


def _content(path: Path, size: int) -> str:
    """Return a digest of a file: of all its bytes, or of pieces all over it where it is large."""
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as stream:
        if size <= READ_WHOLE:
            digest.update(stream.read())
        else:
            for piece in range(PIECES):
                stream.seek((size - PIECE_BYTES) * piece // (PIECES - 1))
                digest.update(stream.read(PIECE_BYTES))
    return digest.hexdigest()


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
