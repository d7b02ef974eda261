"""Rasters out of archives that came over the network.

Nothing is written under a name that the archive chose: files are numbered, so no entry can leave
the folder. Sizes are counted while unpacking, because what an archive says of itself may be wrong.
"""

import re
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from hexseal.errors import FetchError

# A map of 300 x 300 km unpacked holds 0.9 GB; whole tiles come with masks of the same size.
MOST_BYTES = 20_000_000_000
MOST_ENTRIES = 5_000
CHUNK = 1 << 20
LONGEST_NAME = 100
UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def unzip_rasters(archive: Path, folder: Path, *, most_bytes: int = MOST_BYTES) -> list[Path]:
    """Unpack the GeoTIFFs of an archive, also of archives within it, and return them by name.

    Raises FetchError where it is no archive, is damaged or encrypted, or holds too much.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found: list[Path] = []
    left = _unpack(archive, folder, found, most_bytes)
    for inner in sorted(folder.glob("*.zip")):
        left = _unpack(inner, folder, found, left, suffixes=(".tif", ".tiff"))
        inner.unlink()
    return sorted(found)


def _unpack(
    archive: Path,
    folder: Path,
    found: list[Path],
    left: int,
    *,
    suffixes: tuple[str, ...] = (".tif", ".tiff", ".zip"),
) -> int:
    """Unpack the files with these suffixes; return how many bytes may still come."""
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = opened.infolist()
            if len(entries) > MOST_ENTRIES:
                raise FetchError(f"{archive.name}: holds {len(entries):,} files; not unpacked")
            for entry in entries:
                name = UNSAFE.sub("-", PurePosixPath(entry.filename).name)
                if entry.is_dir() or not name.lower().endswith(suffixes):
                    continue
                # The end of a long name holds its suffix.
                path = folder / f"{len(list(folder.iterdir())):04d}-{name[-LONGEST_NAME:]}"
                left = _copy(opened, entry, path, left)
                if not name.lower().endswith(".zip"):
                    found.append(path)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError) as err:
        raise FetchError(f"{archive.name}: is no whole zip archive ({err}); try again") from err
    except RuntimeError as err:
        raise FetchError(f"{archive.name}: cannot be unpacked ({err})") from err
    return left


def _copy(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path, left: int) -> int:
    with opened.open(entry) as source, path.open("wb") as target:
        while content := source.read(CHUNK):
            left -= len(content)
            if left < 0:
                raise FetchError(
                    f"{path.name}: unpacks to more than it may ({entry.filename[-60:]!r}); "
                    "it is not used"
                )
            target.write(content)
    return left
