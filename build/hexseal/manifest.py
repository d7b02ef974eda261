"""What stages leave for later ones, as values and as work/ID/manifest/NAME.json.

Small frozen dataclasses; all paths are relative to the site.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from hexseal.errors import InputError
from hexseal.storage.files import write_bytes
from hexseal.storage.workdir import WorkFolder
from hexseal.types import Box

Content = TypeVar("Content")


@dataclass(frozen=True, slots=True)
class ZoomBand:
    """Map zooms ``minzoom`` to ``maxzoom``, both included, show one H3 resolution."""

    resolution: int
    minzoom: int
    maxzoom: int


@dataclass(frozen=True, slots=True)
class TileSummary:
    """The tile archive; ``bounds`` are west, south, east, north and ``center`` lon, lat, degrees.

    ``script`` is the classic script that carries the same bytes as base64, or None.
    """

    pmtiles: str
    script: str | None
    bytes: int
    bounds: Box
    center: tuple[float, float]
    minzoom: int
    maxzoom: int
    bands: tuple[ZoomBand, ...]


@dataclass(frozen=True, slots=True)
class Download:
    """One file of site/data.

    ``resolution`` is None where rows are no hexagons of one resolution, ``rows`` where there are
    none. ``title`` is what it holds (text key page.downloads.TITLE); ``table`` names the table of
    the codebook whose columns it has, None where it has none or several.
    """

    path: str
    format: str
    title: str
    resolution: int | None
    rows: int | None
    bytes: int
    sha256: str
    table: str | None = None


@dataclass(frozen=True, slots=True)
class Partition:
    """One file of split hexagons; ``parent`` is a hexadecimal H3 index, or an area's id."""

    parent: str
    path: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class PartitionTree:
    """The finest hexagons as ``folder/parent=HEX/file``; parents are of ``resolution``.

    ``scripts`` is the folder of PARENT.js, classic scripts with the same bytes as base64, or None.
    """

    folder: str
    file: str
    resolution: int
    partitions: tuple[Partition, ...]
    scripts: str | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """The finest hexagons once more as ``folder/LAYER=ID/file``, one file per area of a layer."""

    layer: str
    folder: str
    partitions: tuple[Partition, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A file beside the datasets; ``kind`` is what it is: stac, datapackage, dcat, workbook ..."""

    kind: str
    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Datasets:
    """Everything that was written into site/data, and what a page about it needs.

    ``reports`` are plain CSV files and workbooks; ``schema_org`` is, by language, the schema.org
    Dataset that a page carries as JSON-LD.
    """

    downloads: tuple[Download, ...]
    tree: PartitionTree
    splits: tuple[Split, ...] = ()
    documents: tuple[Document, ...] = ()
    reports: tuple[Document, ...] = ()
    schema_org: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Archive:
    """A PMTiles archive of one layer, and the script that carries its copy, or None.

    ``format`` is mvt, png, jpg or webp; ``bounds`` are west, south, east, north in degrees.
    """

    name: str
    format: str
    pmtiles: str
    script: str | None
    bytes: int
    bounds: Box
    minzoom: int
    maxzoom: int


@dataclass(frozen=True, slots=True)
class Basemap:
    """The user's own map beneath; ``layers`` are the names of its vector layers."""

    archive: Archive
    attribution: str
    layers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MapLayers:
    """What the map can show beside hexagons and areas; ``codes`` are what pixels mean.

    See ``hexseal.tiles.codes`` for the codes; ``images`` are by year.
    """

    patches: Archive | None = None
    pixels: Archive | None = None
    codes: tuple[tuple[int, int], ...] = ()
    images: Mapping[int, Archive] = field(default_factory=dict)
    basemap: Basemap | None = None
    ground: Archive | None = None

    @property
    def archives(self) -> tuple[Archive, ...]:
        """Return every archive."""
        some = (self.ground, self.patches, self.pixels, self.basemap and self.basemap.archive)
        return (*(archive for archive in some if archive), *self.images.values())


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything of a site but its pages: ``files`` by path, made from what ``key`` digests."""

    key: str
    files: tuple[str, ...]


def write_manifest(work: Path, name: str, content: object) -> None:
    """Write what a stage left as ``work``/manifest/NAME.json."""
    text = json.dumps(_encoded(content), ensure_ascii=False, indent=1, allow_nan=False)
    write_bytes(WorkFolder(work).manifest(name), f"{text}\n".encode())


def read_manifest(work: Path, name: str, kind: type[Content]) -> Content:
    """Return what ``write_manifest`` wrote; raise InputError where it is missing or broken."""
    path = WorkFolder(work).manifest(name)
    try:
        return _decoded(kind, json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as err:
        raise InputError(f"{path}: is missing; build the site once without --from") from err
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
        raise InputError(f"{path}: is broken ({err!r}); build the site without --from") from err


def _encoded(value: Any) -> Any:
    """Return a value as JSON holds it: dataclasses as objects, tuples as lists."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _encoded(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _encoded(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_encoded(item) for item in value]
    return value


def _decoded(kind: Any, value: Any) -> Any:
    """Return the value of a type from what ``_encoded`` gave."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        (known,) = (each for each in inner if each is not type(None))
        return None if value is None else _decoded(known, value)
    if origin is tuple:
        kinds = [inner[0]] * len(value) if inner[-1] is Ellipsis else inner
        return tuple(_decoded(each, item) for each, item in zip(kinds, value, strict=True))
    if origin is not None and issubclass(origin, Mapping):
        return {inner[0](key): _decoded(inner[1], item) for key, item in value.items()}
    if isinstance(kind, type) and is_dataclass(kind):
        kinds = get_type_hints(kind)
        return kind(**{key: _decoded(kinds[key], item) for key, item in value.items()})
    if isinstance(kind, type) and issubclass(kind, tuple):
        return kind(*value)
    return value
