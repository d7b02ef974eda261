"""What a page states about itself in its embedded settings."""

import json
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from hexseal.codebook import Spread
from hexseal.errors import VerifyError
from hexseal.types import Pair

SETTINGS_ID = "hexseal-config"


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A download as the page lists it: see ``hexseal.manifest.Download``."""

    path: str
    format: str
    title: str
    resolution: int | None
    rows: int | None
    bytes: int
    sha256: str
    table: str | None


@dataclass(frozen=True, slots=True)
class LayerArchive:
    """The archive of one more layer of the map, as the page names it."""

    name: str
    format: str
    pmtiles: str
    script: str | None
    bytes: int
    minzoom: int
    maxzoom: int


@dataclass(frozen=True, slots=True)
class ListedTree:
    """The partitions as the page lists them; ``parents`` are hexadecimal index, rows, bytes."""

    folder: str
    file: str
    scripts: str | None
    parents: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class PageSettings:
    """The part of the page's settings that verification needs; paths are relative to the site."""

    years: tuple[int, ...]
    pairs: tuple[Pair, ...]
    archive: str
    script: str | None
    downloads: tuple[ListedFile, ...]
    layers: tuple[str, ...]
    archives: tuple[LayerArchive, ...]
    codes: tuple[tuple[int, int], ...]
    simulated: bool
    partitions: ListedTree
    density: bool = False

    @property
    def spread(self) -> Spread:
        """Return what the codebook's templates are filled with."""
        return Spread(self.years, self.pairs, self.layers, self.density)


class _Settings(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.inside = False
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag == "script" and ("id", SETTINGS_ID) in attrs

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.text += data


def read_settings(page: Path) -> PageSettings:
    """Read the settings embedded in a page; raises VerifyError when they are not whole."""
    parser = _Settings()
    parser.feed(page.read_text(encoding="utf-8"))
    try:
        found = json.loads(parser.text)
        return PageSettings(
            years=tuple(found["years"]),
            pairs=tuple(Pair(*years) for years in found["pairs"]),
            archive=found["tiles"]["pmtiles"],
            script=found["tiles"]["script"],
            downloads=tuple(
                ListedFile(**{name: item[name] for name in ListedFile.__slots__})
                for item in found["downloads"]
            ),
            layers=tuple(layer["layer"] for layer in found["layers"]),
            archives=tuple(
                LayerArchive(**{name: item[name] for name in LayerArchive.__slots__})
                for item in found["mapLayers"]["archives"]
            ),
            codes=tuple((sealed, meaning) for sealed, meaning in found["mapLayers"]["codes"]),
            simulated=found["region"]["simulated"],
            partitions=_tree(found["partitions"]),
            density=found.get("density", False),
        )
    except (ValueError, KeyError, TypeError) as err:
        raise VerifyError(f"{page}: its settings (#{SETTINGS_ID}) are broken: {err!r}") from err


def _tree(found: dict) -> ListedTree:
    return ListedTree(
        folder=found["folder"],
        file=found["file"],
        scripts=found["scripts"],
        parents=tuple((parent, rows, size) for parent, rows, size in found["parents"]),
    )
