"""SHA256SUMS: it names every file of site/data and nothing else, and every file is as it says."""

from collections.abc import Mapping
from pathlib import Path

from hexseal.storage.files import sha256

NAME = "SHA256SUMS"
DIGITS = 64


def digests_of(site: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of site/data by its path seen from there."""
    data = site / "data"
    return {
        path.relative_to(data).as_posix(): sha256(path)
        for path in sorted(data.rglob("*"))
        if path.is_file() and path != data / NAME
    }


def check_checksums(site: Path, digests: Mapping[str, str]) -> list[str]:
    """Return what SHA256SUMS misses, names in vain, or tells wrongly."""
    path = site / "data" / NAME
    if not path.is_file():
        return [f"data/{NAME}: is missing"]
    lines = path.read_text(encoding="utf-8").splitlines()
    told = {line[DIGITS + 2 :]: line[:DIGITS] for line in lines}
    problems = [f"data/{NAME}: does not name {name}" for name in digests.keys() - told.keys()]
    problems += [f"data/{name}: is missing" for name in told.keys() - digests.keys()]
    problems += [
        f"data/{name}: is not the file that {NAME} lists (SHA-256 differs)"
        for name in told.keys() & digests.keys()
        if told[name] != digests[name]
    ]
    return sorted(problems)
