"""The [fetch] table of a region file, read key by key."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hexseal.errors import RegionError
from hexseal.products import Product
from hexseal.region.epochs import is_remote, resolve
from hexseal.region.fetch import (
    BANDS,
    KNOWN_BANDS,
    LARGEST_TILE,
    MASKED_CODES,
    WIDEN,
    Fetch,
    FetchBoundaries,
    FetchClcplus,
    FetchSentinel2,
    FetchWorldcover,
    Resampling,
    read_services,
)
from hexseal.region.toml import TableReader
from hexseal.types import Box


def read_fetch(root: TableReader, path: Path, region_id: str, product: Product) -> Fetch | None:
    """Take the [fetch] table, None where there is none; relative paths start at ``path``."""
    if "fetch" not in root.table:
        return None
    reader, services = root.child("fetch"), read_services()
    in_degrees = product.name == "worldcover"
    bbox, boundary = _place(reader, in_degrees)
    fetch = Fetch(
        folder=Path(resolve(reader.text("folder", f"../inputs/{region_id}"), path)),
        bbox=bbox,
        crs=reader.text("crs", "EPSG:4326" if in_degrees else "EPSG:3035"),
        boundary=resolve(boundary, path) if boundary else None,
        select=reader.take("select", str, None),
        clcplus=_clcplus(reader, services["clcplus"]),
        worldcover=_worldcover(reader, services["worldcover"]),
        sentinel2=_sentinel2(reader, services["catalogues"]),
        boundaries=_boundaries(reader, services["boundaries"]["gisco"]),
    )
    reader.done()
    if fetch.clcplus is not None and product.name != "clcplus":
        raise RegionError(
            f"[fetch.clcplus] fetches CLC+ Backbone; [product] name = {product.name!r} has other "
            "classes"
        )
    if fetch.worldcover is not None and product.name != "worldcover":
        raise RegionError(
            f"[fetch.worldcover] fetches ESA WorldCover; [product] name = {product.name!r} has "
            'other classes: write name = "worldcover"'
        )
    if in_degrees and fetch.sentinel2 is not None:
        raise RegionError(
            "[fetch.sentinel2] makes composites on the pixels of CLC+ Backbone only; leave it out "
            "of a region of WorldCover"
        )
    if not (fetch.clcplus or fetch.worldcover or fetch.sentinel2 or fetch.boundaries):
        raise RegionError(
            "[fetch] names nothing to fetch: add [fetch.clcplus], [fetch.worldcover], "
            "[fetch.sentinel2] or [[fetch.boundaries]]"
        )
    return fetch


def _place(reader: TableReader, in_degrees: bool) -> tuple[Box | None, str | None]:
    box, boundary = reader.numbers("bbox", 4), reader.take("boundary", str, None)
    if (box is None) == (boundary is None):
        raise RegionError(
            "[fetch] needs a place: either bbox = [xmin, ymin, xmax, ymax] with its crs, or "
            "boundary = a polygon file or its address"
        )
    if box is None:
        return None, boundary
    xmin, ymin, xmax, ymax = box
    if in_degrees and xmin > xmax and xmax >= -180.0 and xmin <= 180.0:
        # From east of the antimeridian to west of it, as GeoJSON writes such boxes.
        xmax += 360.0
    if xmin >= xmax or ymin >= ymax:
        raise RegionError(f"[fetch] bbox = {list(box)}: give xmin, ymin, xmax, ymax")
    return Box(xmin, ymin, xmax, ymax), None


Service = Mapping[str, Any]


def _clcplus(parent: TableReader, service: Service) -> FetchClcplus | None:
    if "clcplus" not in parent.table:
        return None
    reader = parent.child("clcplus")
    known = {int(year): (ids[0], ids[1]) for year, ids in service["datasets"].items()}
    servers = tuple(service["image_servers"])
    if "image_server" in reader.table:
        servers = (_address(reader, "image_server", None),)
    fetch = FetchClcplus(
        years=_years(reader, "years"),
        image_servers=servers,
        image_server_years=_years(
            reader, "image_server_years", tuple(service["image_server_years"])
        ),
        tile_pixels=_within(reader, "tile_pixels", service["tile_pixels"], 16, LARGEST_TILE),
        api=_address(reader, "api", service["api"]),
        datasets=_datasets(reader),
        poll_seconds=reader.number("poll_seconds", float(service["poll_seconds"])),
        wait_minutes=reader.number("wait_minutes", float(service["wait_minutes"])),
        known=known,
    )
    reader.done()
    return fetch


def _worldcover(parent: TableReader, service: Service) -> FetchWorldcover | None:
    if "worldcover" not in parent.table:
        return None
    reader = parent.child("worldcover")
    addresses = {int(year): address for year, address in service.items()}
    fetch = FetchWorldcover(_years(reader, "years", tuple(sorted(addresses))), addresses)
    reader.done()
    unknown = sorted(set(fetch.years) - set(addresses))
    if unknown:
        known = ", ".join(map(str, sorted(addresses)))
        raise RegionError(f"[fetch.worldcover] years holds {unknown[0]}; there are maps of {known}")
    return fetch


def _datasets(reader: TableReader) -> Mapping[int, tuple[str, str]]:
    table = reader.take("datasets", dict, {})
    found = {}
    for year, value in table.items():
        names = value if isinstance(value, list) else []
        if not (year.isdigit() and len(names) == 2 and all(isinstance(n, str) for n in names)):
            raise RegionError(
                f"{reader.name('datasets')}.{year} = {value!r}: give the portal's ids of data set "
                'and file, such as { 2023 = ["UID", "download information id"] }'
            )
        found[int(year)] = (names[0], names[1])
    return found


def _sentinel2(parent: TableReader, catalogues: Service) -> FetchSentinel2 | None:
    if "sentinel2" not in parent.table:
        return None
    reader = parent.child("sentinel2")
    profile = _profile(reader, catalogues)
    sign = reader.take("sign", str, profile.get("sign"))
    fetch = FetchSentinel2(
        years=_years(reader, "years"),
        catalogue=_checked(reader, "catalogue", profile["address"]),
        collection=reader.text("collection", profile["collection"]),
        months=_months(reader),
        cloud_percent=reader.number("cloud_percent", 40.0),
        scenes=_within(reader, "scenes", 20, 1, 200),
        observations=_within(reader, "observations", 3, 1, 50),
        bands=_bands(reader),
        mask=_whole_numbers(reader, "mask", MASKED_CODES, range(12)),
        widen=_within(reader, "widen", WIDEN, 0, 20),
        resampling=_resampling(reader),
        sign=_checked(reader, "sign", sign) if sign else None,
    )
    reader.done()
    return fetch


def _profile(reader: TableReader, catalogues: Service) -> Mapping[str, str]:
    """Return address, collection and sign of a catalogue given by its name or its address."""
    default = "earth-search"
    given = reader.text("catalogue", default)
    if given in catalogues:
        return catalogues[given]
    if not is_remote(given):
        names = ", ".join(catalogues)
        raise RegionError(
            f"{reader.name('catalogue')} = {given!r} is not one of {names}, nor an http(s) address"
        )
    return {"address": given, "collection": catalogues[default]["collection"]}


def _resampling(reader: TableReader) -> Resampling:
    value = reader.text("resampling", "bilinear")
    if value not in ("bilinear", "cubic"):
        raise RegionError(f"{reader.name('resampling')} = {value!r} is not bilinear or cubic")
    return value


def _months(reader: TableReader) -> tuple[int, int]:
    months = _whole_numbers(reader, "months", (5, 9), range(1, 13))
    if len(months) != 2 or months[0] > months[1]:
        raise RegionError(
            f"{reader.name('months')} = {list(months)}: give first and last month, such as [5, 9]"
        )
    return months[0], months[1]


def _bands(reader: TableReader) -> tuple[str, ...]:
    bands = tuple(reader.take("bands", list, list(BANDS)))
    unknown = [band for band in bands if band not in KNOWN_BANDS]
    if unknown or not bands or len(set(bands)) < len(bands):
        raise RegionError(
            f"{reader.name('bands')} = {list(bands)!r}: choose among {', '.join(KNOWN_BANDS)}, "
            "each once"
        )
    return bands


def _boundaries(parent: TableReader, gisco: str) -> tuple[FetchBoundaries, ...]:
    base = _address(parent, "gisco", gisco)
    layers: list[FetchBoundaries] = []
    for reader in parent.children("boundaries"):
        layer = reader.text("layer")
        if not layer.replace("_", "").replace("-", "").isalnum():
            raise RegionError(f"{reader.name('layer')} = {layer!r} cannot name a file")
        if layer in [known.layer for known in layers]:
            raise RegionError(f"{reader.name('layer')} = {layer!r} is given twice")
        layers.append(FetchBoundaries(layer, _boundary_address(reader, base)))
        reader.done()
    return tuple(layers)


def _boundary_address(reader: TableReader, base: str) -> str:
    """Return the address of a polygon file, by itself or as NUTS level or LAU of a year."""
    given = [key for key in ("nuts", "lau", "address") if key in reader.table]
    if len(given) != 1:
        raise RegionError(
            f"[{reader.where}] needs one of nuts = 0 to 3, lau = YEAR, or address = the address "
            "of a GeoJSON or GeoPackage file"
        )
    if "address" in given:
        return _address(reader, "address", None)
    if "lau" in given:
        year = reader.take("lau", int)
        return f"{base}/lau/geojson/LAU_RG_01M_{year}_4326.geojson"
    level, year = _within(reader, "nuts", 3, 0, 3), reader.take("year", int, 2024)
    return f"{base}/nuts/geojson/NUTS_RG_01M_{year}_4326_LEVL_{level}.geojson"


def _years(
    reader: TableReader, key: str, default: tuple[int, ...] | None = None
) -> tuple[int, ...]:
    years = _whole_numbers(reader, key, default, range(1900, 2201))
    if not years or len(set(years)) < len(years):
        raise RegionError(f"{reader.name(key)} = {list(years)}: name years, each once")
    return tuple(sorted(years))


def _whole_numbers(
    reader: TableReader, key: str, default: tuple[int, ...] | None, allowed: range
) -> tuple[int, ...]:
    values = reader.take(key, list, ... if default is None else list(default))
    if not all(type(value) is int and value in allowed for value in values):
        raise RegionError(
            f"{reader.name(key)} = {values!r}: give whole numbers from {allowed.start} to "
            f"{allowed.stop - 1}"
        )
    return tuple(values)


def _within(reader: TableReader, key: str, default: int, least: int, most: int) -> int:
    value = reader.take(key, int, default)
    if not least <= value <= most:
        raise RegionError(f"{reader.name(key)} = {value}: give {least} to {most}")
    return value


def _address(reader: TableReader, key: str, default: str | None) -> str:
    return _checked(reader, key, reader.text(key, ... if default is None else default))


def _checked(reader: TableReader, key: str, address: str) -> str:
    if not is_remote(address) or address.startswith("s3:"):
        raise RegionError(f"{reader.name(key)} = {address!r} is not an http(s) address")
    try:
        _ = urlsplit(address).port
    except ValueError as err:
        raise RegionError(f"{reader.name(key)} = {address!r} is not an http(s) address") from err
    return address.rstrip("/")
