"""Checks of a raster file that need no pixels: CRS, pixel size, origin, name, storage.

The rules of CLC+ Backbone follow the specifications in its product user manuals and the checks of
the EEA's quality tools. Crops from an image service rightly fail those on names, origin and
storage, so these are warnings.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from hexseal.check.report import Finding, refusal
from hexseal.errors import InputError
from hexseal.products import DENSITY_BREAK
from hexseal.raster.grid import ALIGNED, Grid
from hexseal.raster.landcover import Landcover, Tile
from hexseal.region.load import Epoch, Region, is_remote
from hexseal.vector.placenames import read_place_names

EUROPE = "EPSG:3035"
# French overseas regions: Guadeloupe and Martinique, Guiana, Mayotte, Réunion.
OVERSEAS = ("EPSG:32620", "EPSG:32622", "EPSG:32738", "EPSG:32740")
CLCPLUS_PIXEL_M = 10.0
REFERENCE_GRID_M = 1000.0
CLCPLUS_YEARS = (2018, 2021, 2023)
LARGEST_BLOCK = 1024
CLCPLUS_NAMES = (
    re.compile(
        r"clms_clcplus_raster_(?P<year>2018|2021)_010m_eu_(?P<epsg>03035)_v\d_\d.*\.tif", re.I
    ),
    re.compile(
        r"clms_clcplus_ras_s(?P<year>2023)_r10m_(?:[0-9a-z]{6}|gf|gp|mq|re|yt)_(?P<epsg>\d{5})"
        r"_v\d{2}_r\d{2}.*\.tif",
        re.I,
    ),
)
# Densities of 2006 to 2018 come as one file, later ones as tiles.
IMPERVIOUSNESS_YEARS = (2006, 2009, 2012, 2015, 2018, 2021)
IMPERVIOUSNESS_PIXELS_M = (10.0, 20.0, 100.0)
IMPERVIOUSNESS_NAMES = (
    re.compile(r"imd_(?P<year>\d{4})_\d{3}m_[a-z0-9]+_(?P<epsg>\d{4,5}).*\.tif", re.I),
    re.compile(
        r"clms_hrlnvlcc_imd_s(?P<year>\d{4})_r\d{2,3}m_[0-9a-z]+_(?P<epsg>\d{4,5})_v\d{2}_r\d{2}.*\.tif",
        re.I,
    ),
)
WORLDCOVER_NAMES = (re.compile(r"ESA_WorldCover_10m_(?P<year>\d{4})_v\d{3}_.*\.tif", re.I),)
PMTILES_START = b"PMTiles\x03"
NAMES = {
    "clcplus": CLCPLUS_NAMES,
    "worldcover": WORLDCOVER_NAMES,
    "imperviousness": IMPERVIOUSNESS_NAMES,
}


def check_grid(region: Region, epoch: Epoch, grid: Grid) -> Iterator[Finding]:
    """Check CRS, pixel size and origin of a CLC+ Backbone raster, pixel size of a density.

    A year that a model made from images alone lies wherever its images do, mostly in UTM.
    """
    if region.product.is_density and not region.simulated:
        yield from _check_density_grid(epoch, grid)
    is_images = epoch.forward is not None and epoch.forward.is_on_grid_of_images
    if region.product.name != "clcplus" or is_images:
        return
    if grid.crs_label not in (EUROPE, *OVERSEAS):
        yield Finding(
            "error",
            epoch.landcover,
            "CLC+ Backbone never comes in this CRS, so its pixels were resampled",
            grid.crs_label,
            f"fetch it in {EUROPE} (overseas: {', '.join(OVERSEAS)}), "
            "or describe it as [product] name = 'custom'",
        )
        return
    if any(abs(size - CLCPLUS_PIXEL_M) * n > ALIGNED for size, n in _sizes(grid)):
        yield Finding(
            "error",
            epoch.landcover,
            "pixels of CLC+ Backbone are squares of 10 m",
            " x ".join(f"{size:.10g}" for size in grid.pixel_size),
            "fetch the raster in its own resolution, without resampling",
        )
    elif grid.crs_label == EUROPE:
        yield from _check_origin(epoch, grid)


def _check_density_grid(epoch: Epoch, grid: Grid) -> Iterator[Finding]:
    known = any(
        all(abs(size - pixel) * n <= ALIGNED for size, n in _sizes(grid))
        for pixel in IMPERVIOUSNESS_PIXELS_M
    )
    if grid.crs_label in (EUROPE, *OVERSEAS) and known:
        return
    yield Finding(
        "warning",
        epoch.landcover,
        "imperviousness density comes in pixels of 10, 20 or 100 m, so this was resampled",
        f"{grid.crs_label}, {' x '.join(f'{size:.6g}' for size in grid.pixel_size)}",
        "take the delivered file; where you must warp, gdalwarp -r average keeps sums of density",
    )


def _sizes(grid: Grid) -> list[tuple[float, int]]:
    return list(zip(grid.pixel_size, (grid.width, grid.height), strict=True))


def _check_origin(epoch: Epoch, grid: Grid) -> Iterator[Finding]:
    west, _, _, north = grid.bounds
    corner = f"upper left corner {west:.10g} {north:.10g}"
    if not (_divides(CLCPLUS_PIXEL_M, west) and _divides(CLCPLUS_PIXEL_M, north)):
        yield Finding(
            "error",
            epoch.landcover,
            "lies between the pixels of CLC+ Backbone: its corner is no multiple of 10 m",
            corner,
            "fetch it again with corners at multiples of 10 m and nearest-neighbour sampling",
        )
    elif not (_divides(REFERENCE_GRID_M, west) and _divides(REFERENCE_GRID_M, north)):
        yield Finding(
            "warning",
            epoch.landcover,
            "is a crop: its corner is no multiple of 1000 m, as those of delivered files are",
            corner,
            "nothing to do if you cut it yourself",
        )


def _divides(step: float, value: float) -> bool:
    return abs(value - round(value / step) * step) < ALIGNED * CLCPLUS_PIXEL_M


def check_name(region: Region, epoch: Epoch, raster: Landcover) -> Iterator[Finding]:
    """Compare the product's file names with the region file and the CRS."""
    patterns = NAMES.get(region.product.name, ())
    if region.simulated or epoch.forward is not None or not patterns:
        return
    strangers = []
    for address in raster.addresses:
        name = address.rsplit("/", 1)[-1]
        found = next((match for p in patterns if (match := p.fullmatch(name))), None)
        if found is None:
            strangers.append(address)
            continue
        if int(found["year"]) != epoch.year:
            yield Finding(
                "warning",
                address,
                f"its name has {found['year']}, [[epoch]] year is {epoch.year}",
                remedy="check that no years are swapped",
            )
        code = found.groupdict().get("epsg")
        if code and f"EPSG:{int(code)}" != raster.grid.crs_label:
            yield Finding(
                "warning",
                address,
                f"its name has EPSG:{int(code)}",
                f"the file has {raster.grid.crs_label}",
                "fetch the original file",
            )
    if strangers:
        yield Finding(
            "warning",
            _first_of(strangers),
            f"its name is not one that {region.product.title} files have, "
            "so year and version cannot be read from it",
            remedy=f"check that it is the {epoch.year} map",
        )


def check_basemap(region: Region) -> Iterator[Finding]:
    """Check that the basemap is an archive that can be read; it is wanted only after all counts."""
    if region.site.basemap is None:
        return
    try:
        with Path(region.site.basemap).open("rb") as stream:
            start = stream.read(len(PMTILES_START))
    except OSError as err:
        what = f"cannot be read ({err.strerror})"
        yield Finding("error", region.site.basemap, what, remedy="check the path in [site] basemap")
        return
    if start != PMTILES_START:
        yield Finding(
            "error",
            region.site.basemap,
            "not a PMTiles v3 archive",
            remedy="convert it with pmtiles, or leave [site] basemap out",
        )


def check_places(region: Region) -> Iterator[Finding]:
    """Check that the names of places can be read; they are wanted only for the pages."""
    if region.places is None:
        return
    try:
        read_place_names(region.places)
    except InputError as err:
        yield refusal(err, region.places.path)


def check_edition(region: Region, epoch: Epoch) -> Iterator[Finding]:
    """Check that the year is an edition of the product and that the source is named."""
    if region.simulated or epoch.forward is not None:
        return
    if region.product.name == "clcplus" and epoch.year not in CLCPLUS_YEARS:
        yield Finding(
            "warning",
            epoch.landcover,
            "there is no CLC+ Backbone of this year",
            str(epoch.year),
            f"known: {', '.join(map(str, CLCPLUS_YEARS))}; name what it is in [[epoch]] source",
        )
    if region.product.is_density and epoch.year not in IMPERVIOUSNESS_YEARS:
        yield Finding(
            "warning",
            epoch.landcover,
            "there is no imperviousness density of this year",
            str(epoch.year),
            f"known: {', '.join(map(str, IMPERVIOUSNESS_YEARS))}; name what it is in [[epoch]] "
            "source",
        )
    if not epoch.source:
        yield Finding(
            "info",
            epoch.landcover,
            f"{epoch.year} has no [[epoch]] source",
            remedy="name product and version there; the site prints it beside every figure",
        )


def check_series(region: Region) -> Iterator[Finding]:
    """Warn of densities from both sides of the break in their series."""
    if not region.product.is_density or region.simulated:
        return
    for first, second in pairwise(region.years):
        if first < DENSITY_BREAK <= second:
            yield Finding(
                "warning",
                region.id,
                f"the densities of {first} and {second} come from other images, pixels and methods",
                f"the series breaks at {DENSITY_BREAK}",
                "quote the sealed area of each year, not their difference",
            )


def check_storage(region: Region, epoch: Epoch, raster: Landcover) -> Iterator[Finding]:
    """List what the files lack that delivered ones have: tiles, compression, colours, overviews."""
    if epoch.forward is not None:
        return
    lacking: dict[str, list[str]] = {}
    for tile in raster.tiles:
        lacks = ", ".join(_lacks(region, epoch, tile))
        if lacks:
            lacking.setdefault(lacks, []).append(tile.address)
    for lacks, addresses in lacking.items():
        yield Finding(
            "warning",
            _first_of(addresses),
            f"is stored with {lacks}",
            remedy="reading may be slower; to fix it: gdal_translate -of COG -co COMPRESS=LZW "
            "-co BLOCKSIZE=512 IN.tif OUT.tif",
        )
    if region.product.name == "clcplus" and not region.simulated:
        yield from _attribute_tables(raster)


def _attribute_tables(raster: Landcover) -> Iterator[Finding]:
    local = [tile.address for tile in raster.tiles if not is_remote(tile.address)]
    without = [address for address in local if not _has_attribute_table(Path(address))]
    if without:
        yield Finding(
            "info",
            _first_of(without),
            "has no attribute table beside it (.aux.xml or .vat.dbf), as delivered files have",
            remedy="not needed: the names of CLC+ classes are known",
        )


def _lacks(region: Region, epoch: Epoch, tile: Tile) -> Iterator[str]:
    layout = tile.layout
    height, width = layout.block_shape
    small = max(tile.window.height, tile.window.width) <= LARGEST_BLOCK
    if not layout.tiled and not small:
        yield f"strips of {height} x {width} instead of tiles"
    elif max(height, width) > LARGEST_BLOCK:
        yield f"blocks of {height} x {width}, over {LARGEST_BLOCK}"
    if layout.compression is None:
        yield "no compression"
    if not layout.overviews and not small:
        yield "no overviews"
    if not layout.has_colors:
        yield "no colour table"
    delivered = region.product.name == "clcplus" and not region.simulated
    if delivered and epoch.year >= 2023 and not layout.is_cog:
        yield "no cloud-optimised layout"


def _has_attribute_table(path: Path) -> bool:
    """Return whether a raster attribute table lies beside the file, as .aux.xml or .vat.dbf."""
    aux = path.with_name(f"{path.name}.aux.xml")
    if aux.is_file() and b"<GDALRasterAttributeTable" in aux.read_bytes():
        return True
    return any(path.with_name(f"{stem}.vat.dbf").is_file() for stem in (path.name, path.stem))


def _first_of(addresses: list[str]) -> str:
    more = len(addresses) - 1
    return addresses[0] if not more else f"{addresses[0]} and {more} more"
