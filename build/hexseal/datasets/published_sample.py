"""The labelled blocks of a region's reference sample, and what they say, as downloads."""

from collections.abc import Iterator
from pathlib import Path

from hexseal.manifest import Download
from hexseal.region.load import Region
from hexseal.storage.files import sha256, write_bytes

# What the build left in its work folder of the sample.
FILES = (("reference_sample.csv", "CSV"), ("reference_sample.json", "JSON"))


def copy_sample(region: Region, work: Path, site: Path) -> Iterator[Download]:
    """Write data/ID_reference_sample.csv and .json where the region has a labelled sample."""
    if not region.accuracy.sample:
        return
    for name, kind in FILES:
        path = site / "data" / f"{region.id}_{name}"
        size = write_bytes(path, (work / name).read_bytes())
        title = "labels" if kind == "CSV" else "reference"
        yield Download(f"data/{path.name}", kind, title, None, None, size, sha256(path))
