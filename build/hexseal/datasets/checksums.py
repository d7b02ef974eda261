"""SHA256SUMS: a checksum for every file of the site, in the form that sha256sum -c reads."""

from collections.abc import Mapping
from pathlib import Path

from hexseal.storage.files import SiteFolder, sha256, write_bytes

NAME = "SHA256SUMS"


def listed_files(site: Path) -> list[str]:
    """Return the files that SHA256SUMS lists: all of the site but itself and the user's own."""
    left_out = {NAME, *SiteFolder.KEPT}
    paths = (path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file())
    return sorted(path for path in paths if path not in left_out)


def checksum_lines(digests: Mapping[str, str]) -> str:
    """Return the text of SHA256SUMS for hexadecimal SHA-256 by path.

    >>> checksum_lines({"a.txt": "00ff"})
    '00ff  a.txt\\n'
    """
    return "".join(f"{digests[name]}  {name}\n" for name in sorted(digests))


def write_checksums(site: Path) -> int:
    """Write SHA256SUMS over all other files of the site; return how many there are.

    Check with: cd site && sha256sum -c SHA256SUMS
    """
    digests = {name: sha256(site / name) for name in listed_files(site)}
    write_bytes(site / NAME, checksum_lines(digests).encode())
    return len(digests)
