"""Sentinel-2 items of STAC catalogues as scenes: which asset is which band, what its numbers mean.

Dialects that are understood (and tested with real items): CDSE (B02_10m, raster:offset in the
asset), Planetary Computer (B02, s2:processing_baseline), Earth Search v0 (B02, product id) and v1
(blue, raster:bands, earthsearch:boa_offset_applied), stactools (blue, blue_20m).
"""

import calendar
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urljoin

from hexseal.errors import FetchError
from hexseal.fetch.addresses import onward, public
from hexseal.fetch.web import (
    Query,
    Table,
    Web,
    as_list,
    as_number,
    as_numbers,
    as_table,
    as_tables,
    as_text,
)
from hexseal.region.fetch import FetchSentinel2
from hexseal.types import Box

NAMES = {
    "B01": "coastal", "B02": "blue", "B03": "green", "B04": "red", "B05": "rededge1",
    "B06": "rededge2", "B07": "rededge3", "B08": "nir", "B8A": "nir08", "B09": "nir09",
    "B11": "swir16", "B12": "swir22", "SCL": "scl",
}  # fmt: skip
NATIVE_M = {"B01": 60, "B02": 10, "B03": 10, "B04": 10, "B08": 10, "B09": 60}
USUAL_M = 20
SCALE, OFFSET = 1e-4, -0.1
# From this processing baseline on, 1000 is added to the numbers of Level-2A.
SHIFTED_BASELINE = 4.0
BASELINE = re.compile(r"_N(\d\d)(\d\d)_")
TILE = re.compile(r"(?:^|[_-])T?(\d{1,2}[C-X][A-Z]{2})(?:[_-]|$)")
PAGE, MOST_PAGES = 100, 100


@dataclass(frozen=True, slots=True)
class Asset:
    """One band of a scene: reflectance = number x scale + offset; 0 stands for nothing seen."""

    address: str
    scale: float
    offset: float


@dataclass(frozen=True, slots=True)
class Scene:
    """One item: ``bands`` by name, the scene classification, its box in degrees.

    ``offset_unsure``: the catalogue states that the offset is gone already, which is known to be
    wrong for part of its items; the pixels have to decide.
    """

    id: str
    tile: str
    moment: str
    cloud_percent: float
    baseline: float | None
    box: Box
    bands: dict[str, Asset]
    classes: str
    offset_unsure: bool


def scene_of(item: Table, bands: Iterable[str], origin: str) -> Scene:
    """Return an item as a scene; raise FetchError where it lacks a band or its box."""
    name, properties = as_text(item.get("id")), as_table(item.get("properties"))
    box = _box(item)
    if box is None:
        raise FetchError(
            f"{origin}: item {name} has no bbox of 4 numbers; choose another catalogue"
        )
    applied = properties.get("earthsearch:boa_offset_applied")
    baseline = baseline_of(item)
    assets, here = as_table(item.get("assets")), _Place(_address_of(item, origin), origin)
    return Scene(
        id=name,
        tile=_tile(item),
        moment=as_text(properties.get("datetime"))[:19],
        cloud_percent=_cloud(properties),
        baseline=baseline,
        box=box,
        bands={
            band: _asset(_find(assets, band, name, origin), baseline, here, applied is True)
            for band in bands
        },
        classes=_href(_find(assets, "SCL", name, origin), here),
        offset_unsure=isinstance(applied, bool),
    )


def _box(item: Table) -> Box | None:
    """Return west, south, east, north in degrees of an item's box of two or three dimensions."""
    flat, deep = as_numbers(item.get("bbox"), 4), as_numbers(item.get("bbox"), 6)
    if flat is not None:
        return Box(flat[0], flat[1], flat[2], flat[3])
    return None if deep is None else Box(deep[0], deep[1], deep[3], deep[4])


def baseline_of(item: Table) -> float | None:
    """Return the processing baseline, such as 5.09, None where it is unknown."""
    properties = as_table(item.get("properties"))
    for key in ("s2:processing_baseline", "processing:version"):
        try:
            return float(as_text(properties.get(key)))
        except ValueError:
            continue
    names = ("s2:product_uri", "sentinel:product_id", "s2:product_id")
    for text in (*(as_text(properties.get(key)) for key in names), as_text(item.get("id"))):
        found = BASELINE.search(text)
        if found:
            return float(f"{found[1]}.{found[2]}")
    return None


def newest(scenes: Iterable[Scene]) -> list[Scene]:
    """Keep, of products of one tile and moment, those of the highest processing baseline."""
    scenes = list(scenes)
    best: dict[tuple[str, str], float] = {}
    for scene in scenes:
        key = scene.tile, scene.moment
        best[key] = max(best.get(key, 0.0), scene.baseline or 0.0)
    return [s for s in scenes if (s.baseline or 0.0) == best[s.tile, s.moment]]


def clearest(scenes: Iterable[Scene], cloud_percent: float, most: int) -> list[Scene]:
    """Keep for each tile at most ``most`` scenes of at most so many clouds, clearest first."""
    kept: dict[str, list[Scene]] = {}
    for scene in sorted(scenes, key=lambda s: (s.cloud_percent, s.id)):
        if scene.cloud_percent <= cloud_percent and len(kept.setdefault(scene.tile, [])) < most:
            kept[scene.tile].append(scene)
    return sorted((s for tile in kept.values() for s in tile), key=lambda s: s.id)


def _find(assets: Table, band: str, name: str, origin: str) -> Table:
    """Return the asset of a band, the one of its native pixel size where there are several."""
    native = NATIVE_M.get(band, USUAL_M)
    wanted = [
        f"{word}{size}"
        for size in (f"_{native}m", "", "_10m", "_20m", "_60m")
        for word in (band, NAMES[band], band.lower())
    ]
    for key in wanted:
        if as_text(as_table(assets.get(key)).get("href")):
            return as_table(assets[key])
    raise FetchError(
        f"{origin}: item {name} has no asset of band {band} (only {', '.join(assets) or 'none'}); "
        "leave the band out of [fetch.sentinel2] bands or choose another collection"
    )


def _asset(table: Table, baseline: float | None, here: "_Place", is_applied: bool) -> Asset:
    """Return a band with its scaling: the asset's, else the baseline's."""
    tables = [table, *as_tables(table.get("raster:bands")), *as_tables(table.get("bands"))]
    scales = [as_number(t.get(k)) for t in tables for k in ("raster:scale", "scale")]
    offsets = [as_number(t.get(k)) for t in tables for k in ("raster:offset", "offset")]
    scale = next((s for s in scales if s), SCALE)
    shifted = baseline is not None and baseline >= SHIFTED_BASELINE
    usual = OFFSET if shifted else 0.0
    offset = next((o for o in offsets if o is not None), usual)
    return Asset(_href(table, here), scale, 0.0 if is_applied else offset)


def _address_of(item: Table, origin: str) -> str:
    links = as_tables(item.get("links"))
    selfs = [as_text(link.get("href")) for link in links if link.get("rel") == "self"]
    return urljoin(f"{origin}/", selfs[0]) if selfs else f"{origin}/"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an item lies, and the catalogue that named it."""

    item: str
    catalogue: str


def _href(table: Table, here: _Place) -> str:
    address = urljoin(here.item, as_text(table.get("href")))
    return onward(address, here.catalogue, schemes=("http", "https", "s3"))


def _cloud(properties: Table) -> float:
    cloud = as_number(properties.get("eo:cloud_cover"))
    return 100.0 if cloud is None else cloud


def _tile(item: Table) -> str:
    """Return the tile of the Sentinel-2 grid such as 31UFR, the item's id where it names none."""
    properties = as_table(item.get("properties"))
    keys = ("grid:code", "s2:mgrs_tile")
    for text in (*(as_text(properties.get(key)) for key in keys), as_text(item.get("id"))):
        found = TILE.search(text)
        if found:
            return found[1].zfill(5)
    return as_text(item.get("id"))


def season(year: int, months: tuple[int, int]) -> str:
    """Return the interval from the first day of the first month to the last of the last.

    >>> season(2024, (1, 2))
    '2024-01-01T00:00:00Z/2024-02-29T23:59:59Z'
    """
    first, last = months
    day = calendar.monthrange(year, last)[1]
    return f"{year}-{first:02d}-01T00:00:00Z/{year}-{last:02d}-{day}T23:59:59Z"


def search(web: Web, settings: FetchSentinel2, year: int, box: Box) -> Iterator[Table]:
    """Yield the items of a year's season that meet a box (west, south, east, north), once each.

    Raises FetchError where the catalogue answers without items or its pages never end.
    """
    address = f"{settings.catalogue}/search"
    body: Table | None = {
        "collections": [settings.collection],
        "bbox": [round(edge, 6) for edge in box],
        "datetime": season(year, settings.months),
        "limit": PAGE,
    }
    seen: set[str] = set()
    origin = ""
    for _ in range(MOST_PAGES):
        query = Query(address, origin=origin)
        if body is not None:
            query = Query.json(address, body, origin=origin)
        page = as_table(web.json(query))
        if not isinstance(page.get("features"), list):
            raise FetchError(
                f"{public(address)}: answered without features, so it is no STAC search; check "
                "[fetch.sentinel2] catalogue"
            )
        for item in as_tables(page["features"]):
            name = as_text(item.get("id"))
            if name not in seen:
                seen.add(name)
                yield item
        following = _next(page, address, body, settings.catalogue)
        if following is None:
            return
        (address, body), origin = following, settings.catalogue
    raise FetchError(
        f"{settings.catalogue}: more than {MOST_PAGES} pages of items; choose fewer months or a "
        "smaller place"
    )


def _next(
    page: Table, address: str, body: Table | None, catalogue: str
) -> tuple[str, Table | None] | None:
    """Return address and body of the next page; links may require GET or POST, whole or merged."""
    links = [link for link in as_tables(page.get("links")) if link.get("rel") == "next"]
    if not links or not as_list(page.get("features")):
        return None
    link = links[0]
    target = onward(urljoin(address, as_text(link.get("href"))), catalogue)
    if as_text(link.get("method")).upper() != "POST":
        return target, None
    sent = as_table(link.get("body"))
    merged = (body or {}) | sent if link.get("merge") is True else sent
    return target, merged or body
