"""A region file to start from: of a place that is fetched, or of rasters that are there."""

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyogrio
import rasterio
from pyogrio.errors import DataLayerError, DataSourceError
from rasterio.errors import RasterioError

from hexseal.errors import HexsealError, InputError, OutputError
from hexseal.fetch.place import CLCPLUS_LATTICE, WORLDCOVER_LATTICE, Lattice, place_of_box
from hexseal.products import (
    CLCPLUS,
    DENSITY_NAME,
    IMPERVIOUSNESS,
    PRODUCTS,
    WORLDCOVER,
    Product,
)
from hexseal.raster.grid import to_lonlat
from hexseal.region.fetch import WORLDCOVER_YEARS, read_services
from hexseal.region.load import SLUG
from hexseal.storage.files import write_bytes
from hexseal.types import Box

NUTS = re.compile(r"[A-Z]{2}[A-Z0-9]{0,3}")
LAU = re.compile(r"[A-Z]{2}_[A-Za-z0-9._-]{1,20}")
YEAR = re.compile(r"(?<![0-9])(?:19|20)[0-9]{2}(?![0-9])")
# Editions of GISCO's files whose columns the region file names.
NUTS_YEAR, LAU_YEAR = 2024, 2021
# EEA's member and cooperating countries lie in here; CLC+ Backbone maps nothing else.
EUROPE = Box(-32.0, 27.0, 45.0, 72.0)
PERIODS = {
    "clcplus": {
        2018: ("2017-07-01", "2019-06-30"),
        2021: ("2020-10-01", "2022-03-31"),
        2023: ("2022-10-01", "2024-03-31"),
    }
}
ID_NAMES = ("id", "code", "gisco_id", "nuts_id", "lau_id", "fid_id", "gid", "insee", "ags")
NAME_NAMES = ("name", "nom", "lau_name", "nuts_name", "label", "title", "namn", "nome", "naam")


OPEN_YEARS = (
    "# 2018 and 2021 need no login. 2023 is ordered from the CLMS portal: add it here and",
    "# in an [[epoch]] below, with a service key (docs/how-to/fetch-inputs.md). Where one is",
    "# at hand, hexseal init adds it by itself.",
    "[fetch.clcplus]",
    "years = [2018, 2021]",
)
PORTAL_YEARS = (
    "# 2018 and 2021 need no login. 2023 is ordered from the CLMS portal with your service key.",
    "[fetch.clcplus]",
    "years = [2018, 2021, 2023]",
)


@dataclass(frozen=True, slots=True)
class Start:
    """What a region file starts from: exactly one of the places, or rasters.

    ``bbox`` is west, south, east, north in degrees; ``sealed`` are codes of a product of one's own.
    ``portal``: a key of the CLMS portal is at hand, so that years that need one are fetched too.
    """

    nuts: str | None = None
    lau: str | None = None
    bbox: Box | None = None
    areas: Path | None = None
    rasters: tuple[Path, ...] = ()
    product: str | None = None
    sealed: tuple[int, ...] = ()
    portal: bool = False


def write_start(name: str, start: Start, path: Path) -> None:
    """Write the region file of a place called ``name``; raise OutputError where one is there."""
    if path.exists():
        raise OutputError(f"{path}: is there already; choose another with --output")
    identifier = slug_of(name)
    if start.product == IMPERVIOUSNESS.name and not start.rasters:
        raise InputError(
            "--product imperviousness: no service is known that gives densities cut to a place; "
            "download them (land.copernicus.eu, High Resolution Layer Imperviousness) and name the "
            "files: --raster IMD_2018.tif --raster IMD_2021.tif"
        )
    blocks = _of_rasters(start, path) if start.rasters else _of_place(start, identifier, path)
    head = [
        f"# {' '.join(name.split())}, begun by hexseal init. hexseal schema prints every key with",
        "# its meaning as a JSON Schema, with which editors complete and check this file.",
        "#",
        *([] if start.rasters else [
            f"#     hexseal fetch {path.name} --dry-run   what would be requested, and where",
            f"#     hexseal fetch {path.name}             fetch it, once",
        ]),
        f"#     hexseal build {path.name}",
        "",
        "[region]",
        f"id = {_text(identifier)}",
        f"title = {_text(name)}",
    ]  # fmt: skip
    text = "\n".join([*head, *blocks, "", "[hexagons]", "finest = 9", "coarsest = 5", ""])
    write_bytes(path, text.encode())


def slug_of(name: str) -> str:
    """Return a name as file names have it.

    >>> slug_of("Esch-sur-Alzette"), slug_of("Île aux Phoques  2")
    ('esch-sur-alzette', 'ile-aux-phoques-2')
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-")
    if not SLUG.fullmatch(slug):
        raise InputError(
            f"name {name[:60]!r}: needs a letter or digit of the Latin alphabet, which file names "
            "are made from"
        )
    return slug


def _text(value: str) -> str:
    """Return a TOML string; its escapes are those of JSON."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _of_place(start: Start, identifier: str, path: Path) -> list[str]:
    place, areas, product = _place(start)
    folder = f"inputs/{identifier}"
    lines = ["", "[product]", f'name = "{product.name}"', "", "[fetch]", *place]
    lines.append(f'folder = "{folder}"   # beside this file')
    if product is WORLDCOVER:
        lines += ["", "# ESA WorldCover needs no login.", "[fetch.worldcover]"]
        lines += [f"years = {list(WORLDCOVER_YEARS)}"]
    else:
        lines += [
            "",
            *(PORTAL_YEARS if start.portal else OPEN_YEARS),
            "",
            "# Images of later years, for a model (docs/how-to/years-from-images.md):",
            "# [fetch.sentinel2]",
            "# years = [2021, 2024]",
            '# catalogue = "earth-search"',
        ]
    if areas.boundaries:
        lines += ["", *areas.boundaries]
    lines += _epochs(product, folder, portal=start.portal)
    return [*lines, *areas.block(folder)]


def _epochs(product: Product, folder: str, *, portal: bool) -> list[str]:
    years = WORLDCOVER_YEARS if product is WORLDCOVER else (2018, 2021, 2023)
    lines: list[str] = []
    if product is WORLDCOVER:
        lines += [
            "",
            "# The two years were made by different versions of WorldCover's algorithm: most of",
            "# the change between them is method, not building (hexseal check warns of it).",
        ]
    for year in years:
        start, end = PERIODS.get(product.name, {}).get(year, (f"{year}-01-01", f"{year}-12-31"))
        mark = "# " if (product, year) == (CLCPLUS, 2023) and not portal else ""
        lines += ["", *(mark + line for line in (
            "[[epoch]]",
            f"year = {year}",
            f'landcover = "{folder}/{product.name}_{year}.tif"',
            f'source = "{product.title} {year}"',
            f'reference_period = ["{start}", "{end}"]',
        ))]  # fmt: skip
    return lines


@dataclass(frozen=True, slots=True)
class _Areas:
    """A layer of areas: what is fetched for it, its file (None: in the folder), its columns."""

    layer: str
    file: str
    id: str
    name: str
    boundaries: tuple[str, ...] = ()
    population: str | None = None

    def block(self, folder: str) -> list[str]:
        path = f"{folder}/{self.file}" if self.boundaries else self.file
        lines = ["", "[[areas]]", f'layer = "{self.layer}"', f"path = {_text(path)}"]
        lines += [f"id = {_text(self.id)}", f"name = {_text(self.name)}"]
        return lines + ([f'population = "{self.population}"'] if self.population else [])


MUNICIPALITIES = _Areas(
    "municipality", "municipalities.gpkg", "GISCO_ID", "LAU_NAME",
    ("[[fetch.boundaries]]", 'layer = "municipalities"', f"lau = {LAU_YEAR}"),
    f"POP_{LAU_YEAR}",
)  # fmt: skip


def _place(start: Start) -> tuple[list[str], _Areas, Product]:
    """Return the lines of the place, its layer of areas, and its product."""
    gisco = read_services()["boundaries"]["gisco"]
    if start.nuts is not None or start.lau is not None:
        product = PRODUCTS[start.product or CLCPLUS.name]
        return _region_of_gisco(start, gisco), MUNICIPALITIES, product
    if start.bbox is not None:
        _check_box(start.bbox)
        product = _product_at(start.bbox, start.product)
        west, south, east, north = start.bbox
        lattice = CLCPLUS_LATTICE if product is CLCPLUS else WORLDCOVER_LATTICE
        place_of_box(Box(west, south, east + 360 * (west > east), north), "EPSG:4326", lattice)
        numbers = ", ".join(f"{edge:g}" for edge in start.bbox)
        lines = [f"bbox = [{numbers}]   # west, south, east, north", 'crs = "EPSG:4326"']
        in_europe = _product_at(start.bbox, None) is CLCPLUS
        return lines, MUNICIPALITIES if in_europe else _countries(), product
    assert start.areas is not None
    areas, box = _own_areas(start.areas)
    return [f"boundary = {_text(areas.file)}"], areas, _product_at(box, start.product)


def _countries() -> _Areas:
    address = (
        f"{read_services()['boundaries']['gisco']}/countries/geojson/CNTR_RG_01M_2024_4326.geojson"
    )
    boundaries = ("[[fetch.boundaries]]", 'layer = "countries"', f"address = {_text(address)}")
    return _Areas("country", "countries.gpkg", "CNTR_ID", "NAME_ENGL", boundaries)


def _region_of_gisco(start: Start, gisco: str) -> list[str]:
    if start.nuts is not None:
        if not NUTS.fullmatch(start.nuts):
            raise InputError(
                f"--nuts {start.nuts[:20]!r}: give a NUTS code of level 0 to 3, such as LU or LU000"
            )
        level = len(start.nuts) - 2
        file = f"nuts/geojson/NUTS_RG_01M_{NUTS_YEAR}_4326_LEVL_{level}.geojson"
        column, code = "NUTS_ID", start.nuts
    else:
        code = start.lau or ""
        if not LAU.fullmatch(code):
            raise InputError(
                f"--lau {code[:20]!r}: give country and code as GISCO does, such as LU_0105"
            )
        file, column = f"lau/geojson/LAU_RG_01M_{LAU_YEAR}_4326.geojson", "GISCO_ID"
    return [f'boundary = "{gisco}/{file}"', f"select = \"{column} = '{code}'\""]


def _check_box(box: Box) -> None:
    west, south, east, north = box
    wraps = west > east
    if not (-180 <= west <= 180 and -180 <= east <= 540 and -90 <= south < north <= 90):
        raise InputError(
            f"--bbox {' '.join(f'{v:g}' for v in box)}: give west, south, east, north in degrees"
        )
    if west == east or (wraps and (west - east) < 180):
        raise InputError(
            f"--bbox {' '.join(f'{v:g}' for v in box)}: west lies east of east; only a box across "
            "180 degrees is written so"
        )


def _product_at(box: Box, given: str | None) -> Product:
    """Return CLC+ in Europe and WorldCover elsewhere, unless one is named."""
    if given is not None:
        return PRODUCTS[given]
    west, south, east, north = EUROPE
    if not (west <= box[0] < box[2] <= east and south <= box[1] and box[3] <= north):
        return WORLDCOVER
    return CLCPLUS if _lies_on(CLCPLUS_LATTICE, box) else WORLDCOVER


def _lies_on(lattice: Lattice, box: Box) -> bool:
    try:
        place_of_box(box, "EPSG:4326", lattice)
    except HexsealError:
        return False
    return True


def _own_areas(path: Path) -> tuple[_Areas, Box]:
    """Return a polygon file as a layer, its columns guessed by their names, and its box."""
    try:
        info = pyogrio.read_info(path, force_total_bounds=True)
    except (DataSourceError, DataLayerError, OSError, ValueError) as err:
        raise InputError(f"{path}: is not a polygon file that GDAL can read; check it") from err
    fields = [str(field) for field in info["fields"]]
    if not fields:
        raise InputError(f"{path}: has no columns; areas need an id and a name")
    lower = {field.lower(): field for field in fields}
    id_ = next((lower[name] for name in ID_NAMES if name in lower), fields[0])
    name = next((lower[name] for name in NAME_NAMES if name in lower), id_)
    xmin, ymin, xmax, ymax = info["total_bounds"]
    corners = np.array([(xmin, ymin), (xmax, ymin), (xmin, ymax), (xmax, ymax)])
    x, y = to_lonlat(str(info["crs"] or "EPSG:4326"), *corners.T)
    box = Box(float(x.min()), float(y.min()), float(x.max()), float(y.max()))
    return _Areas("area", str(path.resolve()), id_, name), box


def _of_rasters(start: Start, path: Path) -> list[str]:
    years = {year: raster for raster in start.rasters for year in [_year_of(raster)]}
    if len(years) < len(start.rasters):
        raise InputError("--raster: two rasters of one year; name one file for each year")
    codes = frozenset().union(*(_codes_of(raster) for raster in start.rasters))
    lines = ["", *_product_of(codes, start)]
    for year, raster in sorted(years.items()):
        place = _text(_seen_from(path, raster))
        lines += ["", "[[epoch]]", f"year = {year}", f"landcover = {place}"]
    return [
        *lines,
        "",
        "# Areas get figures of their own: any polygon file with an id and a name.",
        "# [[areas]]",
        '# layer = "municipality"',
        '# path = "municipalities.gpkg"',
        '# id = "code"',
        '# name = "name"',
    ]


def _seen_from(region: Path, raster: Path) -> str:
    """Return a raster's path from the folder of the region file where it is in or below it."""
    place, folder = raster.resolve(), region.resolve().parent
    return place.relative_to(folder).as_posix() if place.is_relative_to(folder) else str(place)


def _year_of(raster: Path) -> int:
    found = YEAR.findall(raster.stem)
    if not found:
        raise InputError(
            f"{raster.name}: its name holds no year; rename it, such as landcover_2021.tif"
        )
    return int(found[0])


def _codes_of(raster: Path) -> frozenset[int]:
    """Return the codes of a raster seen through at most 2 000 x 2 000 of its pixels."""
    try:
        with rasterio.open(raster) as file:
            if file.dtypes[0] not in ("uint8", "int8", "int16", "uint16", "int32"):
                raise InputError(f"{raster}: holds {file.dtypes[0]}, expected codes of classes")
            height, width = min(file.height, 2000), min(file.width, 2000)
            return frozenset(np.unique(file.read(1, out_shape=(height, width))).tolist())
    except RasterioError as err:
        raise InputError(f"{raster}: cannot be opened as a raster ({err})") from err


def _product_of(codes: frozenset[int], start: Start) -> list[str]:
    is_named = all(DENSITY_NAME.search(raster.stem) for raster in start.rasters)
    if start.product == IMPERVIOUSNESS.name or (start.product is None and is_named):
        lines = ["[product]", f'name = "{IMPERVIOUSNESS.name}"']
        if not start.sealed and codes <= IMPERVIOUSNESS.known:
            return lines
        if start.product is not None:
            strange = ", ".join(map(str, sorted(codes - IMPERVIOUSNESS.known)[:10]))
            raise InputError(
                f"--raster: holds {strange or 'codes of --sealed'}, which densities of 0 to 100 "
                "per cent, 254 and 255 do not have; check the file"
            )
    for product in (CLCPLUS, WORLDCOVER):
        is_wanted = start.product in (None, product.name) and not start.sealed
        if is_wanted and codes - {0} <= product.known:
            lines = ["[product]", f'name = "{product.name}"']
            extra = codes - product.known
            return lines + ([f"nodata = {sorted({*product.nodata, *extra})}"] if extra else [])
    listed = ", ".join(map(str, sorted(codes)[:20]))
    if not start.sealed:
        raise InputError(
            f"--raster: codes {listed} are those of neither CLC+ Backbone nor ESA WorldCover; "
            "name the ones that count as sealed: --sealed 1; or, of sealed per cent, write "
            "--product imperviousness"
        )
    valid = sorted((codes - {0, 255}) | set(start.sealed))
    return [
        "[product]",
        'name = "custom"',
        f"sealed = {sorted(start.sealed)}",
        f"valid = {valid}   # as found; add what is missing",
        "nodata = [0, 255]",
        "water = []   # codes of water: it counts as valid, but not as land",
    ]


def rasters_of(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Return rasters that exist; raise InputError for one that does not."""
    for path in paths:
        if not path.is_file():
            raise InputError(f"{path}: no such raster; check --raster")
    return tuple(paths)
