"""The files that a region's [fetch] table makes, and the record of those fetched."""

import hashlib
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import shapely
from affine import Affine

from hexseal.errors import InputError
from hexseal.fetch.image_server import tiles
from hexseal.fetch.items import season
from hexseal.fetch.place import Place
from hexseal.fetch.web import Table, as_table
from hexseal.fetch.worldcover import tiles_of
from hexseal.region.fetch import (
    Fetch,
    FetchBoundaries,
    FetchClcplus,
    FetchSentinel2,
    FetchWorldcover,
)
from hexseal.region.load import Region
from hexseal.storage.files import sha256, write_bytes

Kind = Literal["image server", "portal", "worldcover", "composite", "boundaries"]
# A change of how files are made makes them again.
VERSION = 2
COMPOSITE_KEYS = (
    "collection", "months", "cloud_percent", "scenes", "observations", "bands", "mask",
    "widen",
    "resampling",
)  # fmt: skip
NAME = "fetched.json"


@dataclass(frozen=True, slots=True)
class Job:
    """One file to make: its name in the folder, how, and for which year or layer."""

    name: str
    kind: Kind
    address: str
    year: int = 0
    words: str = ""
    settings: object = None

    def keys(self, place: Place) -> tuple[str, str]:
        """Return what the file depends on, and the key that hexseal 0.1.0 gave the same request.

        Both are made of plain values, so that no renamed class orders or downloads data again.
        """
        grid = place.grid
        shape = b"" if place.shape is None else shapely.to_wkb(place.shape)
        asked = (self.kind, self.address, self.year, self.settings)
        facts = (VERSION, *asked, grid.crs, tuple(grid.transform)[:6], grid.width, grid.height)
        size = f"width={grid.width!r}, height={grid.height!r}"
        old = f"Grid(crs={grid.crs!r}, transform={_affine(grid.transform)}, {size})"
        before = f"({', '.join(map(repr, (1, *asked)))}, {old})"
        now, earlier = (
            hashlib.sha256(text.encode() + shape).hexdigest() for text in (repr(facts), before)
        )
        return now, earlier


def _affine(transform: Affine) -> str:
    """Return a transform as the package affine wrote it with version 2."""
    a, b, c, d, e, f = tuple(transform)[:6]
    return f"Affine({a!r}, {b!r}, {c!r},\n       {d!r}, {e!r}, {f!r})"


def jobs_of(fetch: Fetch, place: Place | None) -> list[Job]:
    """Return every file to make; ``place`` adds how much is requested, where it is known."""
    jobs: list[Job] = []
    if fetch.clcplus is not None:
        jobs += _clcplus(fetch.clcplus, place)
    if fetch.worldcover is not None:
        jobs += _worldcover(fetch.worldcover, place)
    if fetch.sentinel2 is not None:
        jobs += _composites(fetch.sentinel2, place)
    return jobs + [_layer(layer) for layer in fetch.boundaries]


def _clcplus(wanted: FetchClcplus, place: Place | None) -> Iterator[Job]:
    for year in wanted.years:
        name = f"clcplus_{year}.tif"
        if year in wanted.image_server_years:
            address = wanted.image_servers[0].replace("{year}", str(year))
            pieces = sum(1 for _ in tiles(place.grid, wanted.tile_pixels)) if place else 0
            words = f"{pieces} request{'s' * (pieces != 1)}" if place else "by pieces"
            yield Job(name, "image server", address, year, words, wanted.tile_pixels)
        else:
            words = "ordered with a service key, may take hours"
            ids = (wanted.datasets or {}).get(year)
            yield Job(name, "portal", wanted.api, year, words, ids)


def _worldcover(wanted: FetchWorldcover, place: Place | None) -> Iterator[Job]:
    count = len(list(tiles_of(place.grid))) if place else 0
    words = f"of {count} tile{'s' * (count != 1)}, no login" if place else "no login"
    for year in wanted.years:
        yield Job(f"worldcover_{year}.tif", "worldcover", wanted.addresses[year], year, words)


def _composites(wanted: FetchSentinel2, place: Place | None) -> Iterator[Job]:
    for year in wanted.years:
        size = ""
        if place is not None:
            pixels = place.grid.width * place.grid.height * len(wanted.bands)
            size = f", {pixels * 2 / 1e6:,.0f} MB before compression"
        days = season(year, wanted.months).replace("T00:00:00Z/", " to ")[:24]
        words = (
            f"{wanted.collection}, {days}, at most {wanted.cloud_percent:g} % clouds, "
            f"{wanted.scenes} scenes a tile, {len(wanted.bands)} bands{size}"
        )
        # Where the signature comes from does not change the pixels.
        settings = tuple(getattr(wanted, key) for key in COMPOSITE_KEYS)
        yield Job(f"sentinel2_{year}.tif", "composite", wanted.catalogue, year, words, settings)


def _layer(layer: FetchBoundaries) -> Job:
    return Job(
        f"{layer.layer}.gpkg", "boundaries", layer.address, words="areas that reach the place"
    )


def unused(region: Region, jobs: list[Job], folder: Path) -> list[str]:
    """Return the names of files that nothing in the region file names."""
    named = {address for _, address in _named(region)}
    return [job.name for job in jobs if str((folder / job.name).resolve()) not in named]


def missing_files(region: Region) -> list[Path]:
    """Return the files that the region names, that fetch makes, and that are not there yet."""
    if region.fetch is None:
        return []
    made = {str((region.fetch.folder / job.name).resolve()) for job in jobs_of(region.fetch, None)}
    named = [address for _, address in _named(region) if address in made]
    return [Path(address) for address in dict.fromkeys(named) if not Path(address).is_file()]


def require_fetched(region: Region) -> None:
    """Raise InputError where a file is missing that ``hexseal fetch`` makes."""
    missing = missing_files(region)
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise InputError(f"{missing[0]}{more}: not fetched yet; run hexseal fetch {region.path}")


def _named(region: Region) -> Iterator[tuple[str, str]]:
    for epoch in region.epochs:
        yield "landcover", epoch.landcover
        if epoch.forward is not None:
            for text in epoch.forward.images:
                for address in text.split(","):
                    yield "imagery", address
    for layer in region.areas:
        yield "areas", layer.path


@dataclass(frozen=True, slots=True)
class Source:
    """What a file came from: a public address, and what was requested there."""

    address: str
    details: Table

    def to_json(self) -> Table:
        """Return the source as JSON."""
        return {"address": self.address, **self.details}


class Record:
    """The files that a folder's earlier fetches have made."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        try:
            content = as_table(json.loads(self.path.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            content = {}
        self.files = {name: as_table(file) for name, file in as_table(content.get("files")).items()}

    def lists(self, name: str) -> bool:
        """Return whether a file was fetched, and is not the user's own."""
        return name in self.files

    def source_of(self, name: str, digest: str) -> str | None:
        """Return the public address that a file of this SHA-256 was fetched from, if it was."""
        entry = self.files.get(name, {})
        source = entry.get("source")
        if entry.get("sha256") != digest or not isinstance(source, dict):
            return None
        address = source.get("address")
        return address if isinstance(address, str) else None

    def is_current(self, name: str, keys: Collection[str]) -> bool:
        """Return whether a file lies there as it was fetched for one of the requests."""
        entry, path = self.files.get(name, {}), self.path.with_name(name)
        if entry.get("key") not in keys or not path.is_file():
            return False
        return entry.get("bytes") == path.stat().st_size and entry.get("sha256") == sha256(path)

    def add(self, name: str, key: str, source: Source) -> None:
        """Write down a file that has just been made."""
        path = self.path.with_name(name)
        self.files[name] = {
            "bytes": path.stat().st_size,
            "key": key,
            "sha256": sha256(path),
            "source": source.to_json(),
        }
        content = {"files": self.files, "made_by": "hexseal fetch"}
        text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        write_bytes(self.path, text.encode())
