"""What to download, and from where: the values of a region file's [fetch] table.

Every address is a key, with the real service as default. Secrets are no keys: they stand in
environment variables, read here and nowhere else.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hexseal.types import Box

IMAGE_SERVER = (
    "https://image.discomap.eea.europa.eu/arcgis/rest/services/CLC_plus/"
    "CLMS_CLCplus_RASTER_{year}_010m_eu/ImageServer"
)
# Years that this server is known to have; others are ordered from the CLMS portal.
IMAGE_SERVER_YEARS = (2018, 2021)
CLMS_API = "https://land.copernicus.eu/api"
CATALOGUE, COLLECTION = "https://earth-search.aws.element84.com/v1", "sentinel-2-c1-l2a"
GISCO = "https://gisco-services.ec.europa.eu/distribution/v2"
BANDS = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")
KNOWN_BANDS = ("B01", *BANDS[:8], "B09", "B11", "B12")
# Codes of the scene classification that hide the ground; those that hexseal-ml masks too.
MASKED_CODES = (0, 1, 3, 8, 9, 10)
# The server caps a side at about 4 100 pixels.
TILE_PIXELS, LARGEST_TILE = 2000, 4000
# Pixels around clouds that count as cloud: bilinear bands of 20 m mix what lies that far away.
WIDEN = 2
CLMS_KEY, CLMS_TOKEN = "HEXSEAL_CLMS_KEY", "HEXSEAL_CLMS_TOKEN"
Resampling = Literal["bilinear", "cubic"]


@dataclass(frozen=True, slots=True)
class Secrets:
    """What opens the CLMS portal: the path of a service key, or an access token; never printed."""

    key_file: Path | None = None
    token: str | None = None

    def __repr__(self) -> str:
        return "Secrets(...)"


@dataclass(frozen=True, slots=True)
class FetchClcplus:
    """Which years of CLC+ Backbone; ``datasets`` names (dataset, file) of the CLMS portal."""

    years: tuple[int, ...]
    image_server: str = IMAGE_SERVER
    image_server_years: tuple[int, ...] = IMAGE_SERVER_YEARS
    tile_pixels: int = TILE_PIXELS
    api: str = CLMS_API
    datasets: Mapping[int, tuple[str, str]] | None = None
    poll_seconds: float = 30.0
    wait_minutes: float = 240.0


@dataclass(frozen=True, slots=True)
class FetchSentinel2:
    """Which composites, from which STAC catalogue.

    ``months`` are the first and last of the season, both included; ``scenes`` is the most images
    taken per tile of the Sentinel-2 grid, clearest first; pixels seen clear in fewer than
    ``observations`` images hold nothing. ``mask`` are the codes of the scene classification that
    hide the ground, together with ``widen`` pixels around them.
    ``sign`` is an address that answers with a token for the assets (Planetary Computer).
    """

    years: tuple[int, ...]
    catalogue: str = CATALOGUE
    collection: str = COLLECTION
    months: tuple[int, int] = (5, 9)
    cloud_percent: float = 40.0
    scenes: int = 20
    observations: int = 3
    bands: tuple[str, ...] = BANDS
    mask: tuple[int, ...] = MASKED_CODES
    widen: int = WIDEN
    resampling: Resampling = "bilinear"
    sign: str | None = None


@dataclass(frozen=True, slots=True)
class FetchBoundaries:
    """A polygon file by its address, cut to the areas that reach the region."""

    layer: str
    address: str


@dataclass(frozen=True, slots=True)
class Fetch:
    """What ``hexseal fetch`` downloads into ``folder``.

    ``bbox`` is (xmin, ymin, xmax, ymax) in ``crs``; instead, ``boundary`` names polygons (path or
    address), of which ``select`` keeps those that an SQL condition fits.
    """

    folder: Path
    bbox: Box | None
    crs: str
    boundary: str | None
    select: str | None
    clcplus: FetchClcplus | None
    sentinel2: FetchSentinel2 | None
    boundaries: tuple[FetchBoundaries, ...]


def read_secrets() -> Secrets:
    """Return what the environment holds for the CLMS portal."""
    key_file = os.environ.get(CLMS_KEY)
    return Secrets(Path(key_file) if key_file else None, os.environ.get(CLMS_TOKEN) or None)
