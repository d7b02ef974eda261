"""What stages hand to the pages: small frozen values, all paths relative to the site."""

from dataclasses import dataclass


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
    bounds: tuple[float, float, float, float]
    center: tuple[float, float]
    minzoom: int
    maxzoom: int
    bands: tuple[ZoomBand, ...]


@dataclass(frozen=True, slots=True)
class Download:
    """One file of site/data; ``resolution`` is None where rows are areas."""

    path: str
    format: str
    title: str
    resolution: int | None
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Partition:
    """One file of the partitioned hexagons; ``parent`` is a hexadecimal H3 index."""

    parent: str
    path: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class PartitionTree:
    """The finest hexagons as ``folder/parent=HEX/file``; parents are of ``resolution``."""

    folder: str
    file: str
    resolution: int
    partitions: tuple[Partition, ...]


@dataclass(frozen=True, slots=True)
class Datasets:
    """Everything that was written into site/data."""

    downloads: tuple[Download, ...]
    tree: PartitionTree
