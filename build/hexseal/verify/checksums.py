"""Bytes: SHA256SUMS lists every file of the site as it is, and hashed names fit what they name."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from hexseal.datasets.checksums import NAME, checksum_lines, listed_files
from hexseal.storage.files import sha256

UNREADABLE = "cannot be read"
# Names that carry the start of a digest: app-0123456789.js, origins-0123456789/.
HASHED = re.compile(r"(?P<stem>.+)-(?P<digest>[0-9a-f]{10})(?:\.\w+)?")
FOLDERS = ("assets", "tiles")


def digests_of(site: Path) -> dict[str, str]:
    """Return the SHA-256 of every file that SHA256SUMS lists, by its path in the site.

    A file that cannot be read has no digest but the text ``UNREADABLE``.
    """
    return {name: _digest(site / name) for name in listed_files(site)}


def _digest(path: Path) -> str:
    try:
        return sha256(path)
    except OSError:
        return UNREADABLE


def check_checksums(site: Path, digests: Mapping[str, str]) -> list[str]:
    """Return the files that SHA256SUMS lacks, or that are missing, changed or unreadable."""
    path = site / NAME
    if not path.is_file():
        return [f"{NAME}: is missing"]
    content = path.read_bytes()
    if content == checksum_lines(digests).encode():
        return []
    lines = content.decode("utf-8", "replace").splitlines()
    listed = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    problems = [f"{NAME}: does not name {name}" for name in digests.keys() - listed.keys()]
    problems += [f"{name}: is missing" for name in listed.keys() - digests.keys()]
    problems += [
        f"{name}: {UNREADABLE}"
        if digests[name] == UNREADABLE
        else f"{name}: is not the file that {NAME} lists (SHA-256 differs)"
        for name in listed.keys() & digests.keys()
        if listed[name] != digests[name]
    ]
    return sorted(problems) or [f"{NAME}: is not written as sha256sum writes it"]


def check_hashed_names(site: Path, digests: Mapping[str, str]) -> Iterator[str]:
    """Return the files and folders of assets and tiles whose name is not that of their bytes.

    A script that carries an archive has the digest of the archive.
    """
    archives = {digest[:10] for name, digest in digests.items() if name.endswith(".pmtiles")}
    for folder in FOLDERS:
        for path in sorted((site / folder).glob("*-*")):
            found = HASHED.fullmatch(path.name)
            if found is None:
                continue
            if path.is_dir():
                digest = _digest_of_scripts(path)
            else:
                digest = digests.get(path.relative_to(site).as_posix(), "")[:10]
            if found["digest"] not in (digest, *(archives if path.suffix == ".js" else ())):
                name = path.relative_to(site).as_posix()
                yield f"{name}: its name does not fit its bytes ({digest})"


def _digest_of_scripts(folder: Path) -> str:
    """Return the start of the digest over all scripts of a folder, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.js"), key=lambda path: path.stem):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:10]
