"""What to download, and from where: the values of a region file's [fetch] table.

Addresses of services stand in services.toml beside this module, over which the file that
HEXSEAL_SERVICES names is read. Secrets stand in environment variables, read here and nowhere else.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from hexseal.errors import RegionError
from hexseal.types import Box

SERVICES = "HEXSEAL_SERVICES"


def read_services(path: Path | None = None) -> dict[str, Any]:
    """Return the shipped services with those of a file over them; raise RegionError where broken.

    Without ``path`` the file is the one that HEXSEAL_SERVICES names, if any.
    """
    shipped = tomllib.loads(Path(__file__).with_name("services.toml").read_text(encoding="utf-8"))
    own = path or (Path(os.environ[SERVICES]) if os.environ.get(SERVICES) else None)
    if own is None:
        return shipped
    try:
        return _merged(shipped, tomllib.loads(own.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError) as err:
        raise RegionError(f"{own} ({SERVICES}): cannot be read as TOML ({err})") from err


def _merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    both = {
        key: _merged(under[key], over[key])
        for key in under.keys() & over.keys()
        if isinstance(under[key], dict) and isinstance(over[key], dict)
    }
    return under | over | both


_SHIPPED = read_services(Path(__file__).with_name("services.toml"))
IMAGE_SERVER = _SHIPPED["clcplus"]["image_servers"][0]
# Years that this server is known to have; others are ordered from the CLMS portal.
IMAGE_SERVER_YEARS = tuple(_SHIPPED["clcplus"]["image_server_years"])
CLMS_API = _SHIPPED["clcplus"]["api"]
EARTH_SEARCH = "earth-search"
CATALOGUE, COLLECTION = _SHIPPED["catalogues"][EARTH_SEARCH].values()
GISCO = _SHIPPED["boundaries"]["gisco"]
WORLDCOVER_YEARS = tuple(sorted(int(year) for year in _SHIPPED["worldcover"]))
# CRS of a box, and edition of NUTS, where none is named.
BOX_CRS, NUTS_YEAR = "EPSG:3035", 2024
BANDS = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12")
KNOWN_BANDS = ("B01", *BANDS[:8], "B09", "B11", "B12")
# Codes of the scene classification that hide the ground; those that hexseal-ml masks too.
MASKED_CODES = (0, 1, 3, 8, 9, 10)
# The server caps a side at about 4 100 pixels.
TILE_PIXELS, LARGEST_TILE = _SHIPPED["clcplus"]["tile_pixels"], 4000
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
    """Which years of CLC+ Backbone; ``datasets`` names (dataset, file) of the CLMS portal.

    ``image_servers`` are tried one after the other. ``known`` are ids that need no search, but may
    be out of date.
    """

    years: tuple[int, ...]
    image_servers: tuple[str, ...] = (IMAGE_SERVER,)
    image_server_years: tuple[int, ...] = IMAGE_SERVER_YEARS
    tile_pixels: int = TILE_PIXELS
    api: str = CLMS_API
    datasets: Mapping[int, tuple[str, str]] | None = None
    poll_seconds: float = _SHIPPED["clcplus"]["poll_seconds"]
    wait_minutes: float = _SHIPPED["clcplus"]["wait_minutes"]
    known: Mapping[int, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FetchWorldcover:
    """Which years of ESA WorldCover; ``addresses`` by year, ``{tile}`` standing for the tile."""

    years: tuple[int, ...]
    addresses: Mapping[int, str]


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
    worldcover: FetchWorldcover | None
    sentinel2: FetchSentinel2 | None
    boundaries: tuple[FetchBoundaries, ...]


def read_secrets() -> Secrets:
    """Return what the environment holds for the CLMS portal."""
    key_file = os.environ.get(CLMS_KEY)
    return Secrets(Path(key_file) if key_file else None, os.environ.get(CLMS_TOKEN) or None)
