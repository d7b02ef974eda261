"""A basemap that the user gives as a PMTiles archive: what it is and whom to name."""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

from pmtiles.tile import Compression

from hexseal.errors import InputError
from hexseal.tiles.archives import read_header

# What broken metadata makes their readers raise.
UNREADABLE = (
    OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, RecursionError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class BasemapFacts:
    """What its metadata say: attribution as plain text, names of its vector layers."""

    attribution: str
    layers: tuple[str, ...]


def read_basemap(archive: Path) -> BasemapFacts:
    """Read an archive's metadata; raise InputError where the file is no such archive."""
    header = read_header(archive)
    with archive.open("rb") as stream:
        stream.seek(header["metadata_offset"])
        packed = stream.read(header["metadata_length"])
    kind = header["internal_compression"]
    if kind not in (Compression.GZIP, Compression.NONE):
        raise InputError(
            f"[site] basemap: {archive}: is packed with {kind.name}, which pages cannot read; "
            "pack it with gzip (pmtiles convert)"
        )
    try:
        text = gzip.decompress(packed) if kind == Compression.GZIP else packed
        facts = json.loads(text)
        layers = tuple(str(layer["id"]) for layer in facts.get("vector_layers", []))
        return BasemapFacts(str(facts.get("attribution") or ""), layers)
    except UNREADABLE as err:
        raise InputError(f"[site] basemap: {archive}: its metadata cannot be read") from err
