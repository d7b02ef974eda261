"""The build record: what a finished site states of the region it was made from.

It lies in ``data/merge/build.json`` of a site, beside the counts that it names with checksums.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from affine import Affine

from hexseal.errors import InputError
from hexseal.raster.grid import Grid
from hexseal.storage.files import sha256

FOLDER = "data/merge"
RECORD = f"{FOLDER}/build.json"
FORMAT = 1
Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class CountedWindow:
    """The pixels that a region counted: all of ``grid``, whoever else counts one of them."""

    region: str
    grid: Grid

    def to_json(self) -> dict[str, object]:
        """Return the window as it stands in the record."""
        corner = self.grid.transform
        return {
            "region": self.region,
            "crs": self.grid.crs_code,
            "pixel_size": [corner.a, -corner.e],
            "corner": [corner.c, corner.f],
            "size": [self.grid.width, self.grid.height],
        }

    @staticmethod
    def from_json(facts: Mapping) -> "CountedWindow":
        """Read a window of the record."""
        (across, down), (west, north) = facts["pixel_size"], facts["corner"]
        width, height = facts["size"]
        transform = Affine(across, 0.0, west, 0.0, -down, north)
        return CountedWindow(facts["region"], Grid(facts["crs"], transform, width, height))


@dataclass(frozen=True, slots=True)
class BuildRecord:
    """What a site was made from.

    ``settings`` are plain JSON values that must be equal for two sites to be joined; ``texts``
    those that may differ (titles, layer titles, languages). ``files`` maps the name of each file
    beside the record to its SHA-256.
    """

    region: str
    simulated: bool
    windows: tuple[CountedWindow, ...]
    settings: Json
    texts: Json
    files: Mapping[str, str]

    def to_bytes(self) -> bytes:
        """Return the record as JSON; the same record gives the same bytes."""
        facts = {
            "format": FORMAT,
            "region": self.region,
            "simulated": self.simulated,
            "windows": [window.to_json() for window in self.windows],
            "settings": self.settings,
            "texts": self.texts,
            "files": dict(sorted(self.files.items())),
        }
        return (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode()


def has_record(site: Path) -> bool:
    """Return whether a site states what it was made from."""
    return (site / RECORD).is_file()


def read_record(site: Path) -> BuildRecord:
    """Read the record of a site; raises InputError where there is none or it is broken."""
    path = site / RECORD
    if not path.is_file():
        raise InputError(
            f"{site}: has no {RECORD}, so it cannot be joined; give the folder of a site that "
            "this version of hexseal has built"
        )
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        if facts["format"] != FORMAT:
            raise InputError(
                f"{path}: format {facts['format']} instead of {FORMAT}; build the site again "
                "with this version of hexseal"
            )
        return BuildRecord(
            region=facts["region"],
            simulated=facts["simulated"],
            windows=tuple(map(CountedWindow.from_json, facts["windows"])),
            settings=facts["settings"],
            texts=facts["texts"],
            files=facts["files"],
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as err:
        raise InputError(f"{path}: is broken ({err!r}); build the site again") from err


def damaged_files(site: Path, record: BuildRecord) -> list[str]:
    """Return a line for each file beside the record that is missing or not what it names."""
    lines = []
    for name, digest in sorted(record.files.items()):
        path = site / FOLDER / name
        if not path.is_file():
            lines.append(f"{FOLDER}/{name}: is missing")
        elif sha256(path) != digest:
            lines.append(f"{FOLDER}/{name}: is not the file that {RECORD} names (SHA-256 differs)")
    return lines
