"""What stages hand to the pages: small frozen values, all paths relative to the site."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hexseal.types import Box


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
    none. ``title`` says what it holds (text key page.downloads.TITLE); ``table`` names the table of
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
