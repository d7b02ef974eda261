"""SHA256SUMS: a checksum for every file of site/data, in the form that sha256sum -c reads."""

from pathlib import Path

from hexseal.storage.files import sha256, write_bytes

NAME = "SHA256SUMS"


def write_checksums(site: Path) -> int:
    """Write data/SHA256SUMS over all other files of site/data; return how many there are.

    Names are seen from site/data. Check with: cd data && sha256sum -c SHA256SUMS
    """
    data = site / "data"
    files = sorted(
        path.relative_to(data).as_posix()
        for path in data.rglob("*")
        if path.is_file() and path != data / NAME
    )
    lines = [f"{sha256(data / name)}  {name}\n" for name in files]
    write_bytes(data / NAME, "".join(lines).encode())
    return len(files)
