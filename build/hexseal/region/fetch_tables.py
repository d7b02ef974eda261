"""The [fetch] table of a region file, read key by key."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from hexseal.errors import RegionError
from hexseal.products import Product
from hexseal.region.epochs import is_remote, resolve
from hexseal.region.fetch import (
    BANDS,
    BOX_CRS,
    EARTH_SEARCH,
    KNOWN_BANDS,
    LARGEST_TILE,
    MASKED_CODES,
    NUTS_YEAR,
    SERVICES,
    TILE_PIXELS,
    WIDEN,
    Fetch,
    FetchBoundaries,
    FetchClcplus,
    FetchSentinel2,
    FetchWorldcover,
    Resampling,
    read_services,
)
from hexseal.region.toml import TableReader, usual
from hexseal.types import Box

# Keys of earlier region files, and what the file of services calls them.
CLCPLUS_SERVICE = {
    "image_server": "image_servers", "image_server_years": "image_server_years",
    "tile_pixels": "tile_pixels", "api": "api", "poll_seconds": "poll_seconds",
    "wait_minutes": "wait_minutes",
}  # fmt: skip
CATALOGUE_SERVICE = {"collection": "collection", "sign": "sign"}


def read_fetch(root: TableReader, path: Path, region_id: str, product: Product) -> Fetch | None:
    """Take the [fetch] table, None where there is none; relative paths start at ``path``."""
    if "fetch" not in root.table:
        return None
    reader, services = root.child("fetch"), TableReader(read_services(), SERVICES)
    in_degrees = product.name == "worldcover"
    bbox, boundary = _place(reader, in_degrees)
    fetch = Fetch(
        folder=Path(resolve(reader.text("folder", f"../inputs/{region_id}"), path)),
        bbox=bbox,
        crs=reader.text("crs", "EPSG:4326" if in_degrees else BOX_CRS),
        boundary=resolve(boundary, path) if boundary else None,
        select=reader.take("select", str, None),
        clcplus=_clcplus(reader, services.child("clcplus")),
        worldcover=_worldcover(reader, services.child("worldcover")),
        sentinel2=_sentinel2(reader, services.child("catalogues")),
        boundaries=_boundaries(reader, services.child("boundaries")),
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


def _refuse_services(reader: TableReader, table: str, keys: Mapping[str, str]) -> None:
    """Reject keys of earlier region files that are facts of a service, not of a region."""
    for key, name in keys.items():
        if key in reader.table:
            raise RegionError(
                f"{reader.name(key)} belongs to the service, not to a region: write {name} below "
                f"[{table}] of a file that the environment variable {SERVICES} names"
            )


def _clcplus(parent: TableReader, service: TableReader) -> FetchClcplus | None:
    if "clcplus" not in parent.table:
        return None
    reader = parent.child("clcplus")
    _refuse_services(reader, "clcplus", CLCPLUS_SERVICE)
    servers = service.take("image_servers", list)
    fetch = FetchClcplus(
        years=_years(reader, "years"),
        image_servers=tuple(_checked(service, "image_servers", str(s)) for s in servers),
        image_server_years=_years(service, "image_server_years"),
        tile_pixels=_within(service, "tile_pixels", TILE_PIXELS, 16, LARGEST_TILE),
        api=_address(service, "api"),
        datasets=_datasets(reader),
        poll_seconds=service.number("poll_seconds"),
        wait_minutes=service.number("wait_minutes"),
        known=_datasets(service),
    )
    reader.done()
    service.done()
    return fetch


def _worldcover(parent: TableReader, service: TableReader) -> FetchWorldcover | None:
    if "worldcover" not in parent.table:
        return None
    reader = parent.child("worldcover")
    addresses = {int(year): _address(service, year) for year in sorted(service.table)}
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


def _sentinel2(parent: TableReader, catalogues: TableReader) -> FetchSentinel2 | None:
    if "sentinel2" not in parent.table:
        return None
    reader = parent.child("sentinel2")
    _refuse_services(reader, "catalogues.NAME", CATALOGUE_SERVICE)
    address, collection, sign = _catalogue(reader, catalogues)
    fetch = FetchSentinel2(
        years=_years(reader, "years"),
        catalogue=address,
        collection=collection,
        months=_months(reader),
        cloud_percent=reader.number("cloud_percent", usual(FetchSentinel2, "cloud_percent")),
        scenes=_within(reader, "scenes", usual(FetchSentinel2, "scenes"), 1, 200),
        observations=_within(reader, "observations", usual(FetchSentinel2, "observations"), 1, 50),
        bands=_bands(reader),
        mask=_whole_numbers(reader, "mask", MASKED_CODES, range(12)),
        widen=_within(reader, "widen", WIDEN, 0, 20),
        resampling=_resampling(reader),
        sign=sign,
    )
    reader.done()
    return fetch


def _catalogue(reader: TableReader, catalogues: TableReader) -> tuple[str, str, str | None]:
    """Return address, collection and sign of a catalogue given by its name or its address."""
    given = reader.text("catalogue", EARTH_SEARCH)
    name = given if given in catalogues.table else EARTH_SEARCH
    if name != given and not is_remote(given):
        names = ", ".join(catalogues.table)
        raise RegionError(
            f"{reader.name('catalogue')} = {given!r} is not one of {names}, nor an http(s) address"
        )
    known = catalogues.child(name)
    address, collection = _address(known, "address"), known.text("collection")
    sign = _address(known, "sign") if "sign" in known.table else None
    known.done()
    if name == given:
        return address, collection, sign
    return _checked(reader, "catalogue", given), collection, None


def _resampling(reader: TableReader) -> Resampling:
    value = reader.text("resampling", usual(FetchSentinel2, "resampling"))
    if value not in ("bilinear", "cubic"):
        raise RegionError(f"{reader.name('resampling')} = {value!r} is not bilinear or cubic")
    return value


def _months(reader: TableReader) -> tuple[int, int]:
    months = _whole_numbers(reader, "months", usual(FetchSentinel2, "months"), range(1, 13))
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


def _boundaries(parent: TableReader, service: TableReader) -> tuple[FetchBoundaries, ...]:
    _refuse_services(parent, "boundaries", {"gisco": "gisco"})
    base = _address(service, "gisco")
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
        return _address(reader, "address")
    if "lau" in given:
        year = reader.take("lau", int)
        return f"{base}/lau/geojson/LAU_RG_01M_{year}_4326.geojson"
    level, year = _within(reader, "nuts", 3, 0, 3), reader.take("year", int, NUTS_YEAR)
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


def _address(reader: TableReader, key: str) -> str:
    return _checked(reader, key, reader.text(key))


def _checked(reader: TableReader, key: str, address: str) -> str:
    if not is_remote(address) or address.startswith("s3:"):
        raise RegionError(f"{reader.name(key)} = {address!r} is not an http(s) address")
    try:
        _ = urlsplit(address).port
    except ValueError as err:
        raise RegionError(f"{reader.name(key)} = {address!r} is not an http(s) address") from err
    return address.rstrip("/")
