"""One ZIP file of everything that is small enough."""

import zipfile
from collections.abc import Iterable
from pathlib import Path

from hexseal.storage.files import whole_file

# A file beyond this is left out: whoever wants it takes it alone, and can resume.
MOST_BYTES = 50_000_000
# The least that the format can tell; a real time would change the bytes at every build.
FIXED_TIME = (1980, 1, 1, 0, 0, 0)
STORED = (".parquet", ".gz", ".tif")


def write_archive(site: Path, path: Path, members: Iterable[str]) -> int:
    """Put the members (paths seen from the site) of at most 50 MB into one ZIP file, by name.

    Returns how many went in. Inside, names start at the folder data/.
    """
    chosen = sorted(name for name in members if (site / name).stat().st_size <= MOST_BYTES)
    with whole_file(path) as partial, zipfile.ZipFile(partial, "w") as archive:
        for name in chosen:
            entry = zipfile.ZipInfo(name, FIXED_TIME)
            # As written on Unix, readable by all, whatever system builds.
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            packed = name.endswith(STORED)
            entry.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            archive.writestr(entry, (site / name).read_bytes(), compresslevel=9)
    return len(chosen)
