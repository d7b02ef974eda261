"""Files of the simulated sample: Cloud Optimized GeoTIFFs and GeoPackages, same bytes each run."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyogrio
import pyogrio.raw
import shapely
from numpy.typing import NDArray
from rasterio import Affine
from rasterio.crs import CRS
from rasterio.io import MemoryFile
from rasterio.shutil import copy

from hexseal.errors import OutputError
from hexseal.products import CLCPLUS
from hexseal.simulation.areas import Area
from hexseal.simulation.growth import NewObject
from hexseal.simulation.sentinel2 import NODATA, OFFSET, SCALE, SimulatedImage
from hexseal.simulation.spectra import BANDS
from hexseal.simulation.terrain import PIXEL_M
from hexseal.storage.files import write_bytes

EPSG = 3035
# Upper left corner in EPSG:3035: about 31.5° W, 46.5° N. The nearest land of all corners of
# the largest island is Corvo in the Azores, 640 km away (test_simulate_files checks it).
ORIGIN_X, ORIGIN_Y = 1_320_000, 3_470_000
# GeoPackage stores when it was written; a fixed date keeps the bytes the same.
WRITTEN = "2024-01-01T00:00:00.000Z"
NAME = "region.toml"
TEXT = """\
# A simulated island: invented maps with realistic errors, for trying hexseal out.
# Build it with:  hexseal build {file}
# To describe a region of your own, copy this file and name your own rasters. Paths start at this
# file. `hexseal schema` prints every key as a JSON Schema that editors understand.

[region]
id = "seal-island"                    # becomes part of file names
title = {{ en = "Seal Island (simulated)", fr = "Île aux Phoques (simulée)" }}
simulated = true                      # every page states it

[[epoch]]                             # one table for each reference year
year = 2018
landcover = "clcplus_2018.tif"        # a path, a glob of tiles, or an http(s) address
source = "CLC+ Backbone 2018 (simulated)"
reference_period = ["2017-07-01", "2019-06-30"]
confidence = "confidence_2018.tif"    # optional: 0 to 100 for every pixel

[[epoch]]
year = 2021
landcover = "clcplus_2021.tif"
source = "CLC+ Backbone 2021 (simulated)"
reference_period = ["2020-10-01", "2022-03-31"]
confidence = "confidence_2021.tif"
post_processing = "post_processing_2021.tif"   # optional: 1 where the map was corrected by hand
{forward}
[hexagons]
finest = 9                            # H3 resolutions: 9 is about 0.1 km2, 5 about 250 km2
coarsest = 5

[[areas]]                             # any polygon file; one table for each layer of areas
layer = "province"
path = "provinces.gpkg"
id = "code"
name = "name"
population = {{ 2018 = "pop_2018", 2021 = "pop_2021" }}
title = {{ en = "Provinces", fr = "Provinces" }}

[[areas]]
layer = "municipality"
path = "municipalities.gpkg"
id = "code"
name = "name"
population = {{ 2018 = "pop_2018", 2021 = "pop_2021" }}
title = {{ en = "Municipalities", fr = "Communes" }}
"""
DENSITY = """\
[product]
name = "imperviousness"               # the sealed per cent of each pixel; sealed area is their sum

[[epoch]]                             # one table for each reference year
year = 2018
landcover = "imperviousness_2018.tif" # a path, a glob of tiles, or an http(s) address
source = "HRL Imperviousness Density 2018 (simulated)"

[[epoch]]
year = 2021
landcover = "imperviousness_2021.tif"
source = "HRL Imperviousness Density 2021 (simulated)"
"""
FORWARD = """
[[epoch]]                             # a year without a map: a model maps images of 2021 and 2024
year = 2024

[epoch.forward]                       # and what differs is carried onto the map of 2021
imagery = "sentinel2_2024.tif"
calibration_imagery = "sentinel2_2021.tif"
model = "{model}"
"""


@dataclass(frozen=True, slots=True)
class Column:
    """A named column of a GeoPackage layer."""

    name: str
    values: NDArray[np.generic]


def raster_transform() -> Affine:
    """Return the transform of every raster of the sample."""
    return Affine(PIXEL_M, 0, ORIGIN_X, 0, -PIXEL_M, ORIGIN_Y)


def write_raster(
    path: Path, band: NDArray[np.generic], *, legend: bool = False, continuous: bool = False
) -> None:
    """Write one band as a tiled LZW COG; ``legend`` embeds the CLC+ colours.

    No nodata value is set: 254 is a class code of the product. Overviews of classes take
    the nearest pixel, those of ``continuous`` bands the average.
    """
    profile = {
        "driver": "GTiff",
        "height": band.shape[0],
        "width": band.shape[1],
        "count": 1,
        "dtype": band.dtype.name,
        "crs": CRS.from_epsg(EPSG),
        "transform": raster_transform(),
    }
    with MemoryFile() as memory:
        with memory.open(**profile) as raster:
            raster.write(band, 1)
            if legend:
                raster.write_colormap(1, _colors())
        copy(
            memory.name,
            path,
            driver="COG",
            compress="LZW",
            blocksize=512,
            predictor="YES" if continuous else "NO",
            overview_resampling="AVERAGE" if continuous else "NEAREST",
            num_threads="1",
        )


def write_image(path: Path, image: SimulatedImage) -> None:
    """Write a composite as a COG whose bands bear their names, scale, offset and nodata."""
    count, height, width = image.dn.shape
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff",
            height=height,
            width=width,
            count=count,
            dtype="int16",
            crs=CRS.from_epsg(EPSG),
            transform=raster_transform(),
            nodata=NODATA,
        ) as raster:
            raster.write(image.dn)
            raster.descriptions = BANDS
            raster.scales, raster.offsets = (SCALE,) * count, (OFFSET,) * count
        copy(
            memory.name,
            path,
            driver="COG",
            compress="ZSTD",
            level="3",
            blocksize=512,
            predictor="YES",
            overview_resampling="AVERAGE",
            num_threads="2",
        )


def _colors() -> dict[int, tuple[int, int, int, int]]:
    return {c.code: (*rgb(c.color), 255) for c in CLCPLUS.classes}


def rgb(color: str) -> tuple[int, int, int]:
    """Split a hexadecimal colour.

    >>> rgb("#FF8000")
    (255, 128, 0)
    """
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def to_map(geometry: shapely.Geometry) -> shapely.Geometry:
    """Move a geometry from local metres (y downwards) to EPSG:3035."""
    turned = np.array([[1.0, 0.0], [0.0, -1.0]])
    moved = shapely.transform(geometry, lambda xy: xy @ turned + (ORIGIN_X, ORIGIN_Y))
    return shapely.normalize(moved)


def write_areas(path: Path, areas: list[Area], years: tuple[int, ...]) -> None:
    """Write municipalities or provinces with their inhabitants of each year."""
    columns = [
        Column("code", np.array([area.code for area in areas], dtype=object)),
        Column("name", np.array([area.name for area in areas], dtype=object)),
        Column("province", np.array([area.province for area in areas], dtype=object)),
    ]
    for step, year in enumerate(years):
        people = np.array([area.population[step] for area in areas], dtype=np.int32)
        columns.append(Column(f"pop_{year}", people))
    _write_layer(path, [_multi(to_map(area.geometry)) for area in areas], columns)


def write_objects(path: Path, objects: tuple[NewObject, ...]) -> None:
    """Write what was built or removed, one row per object."""
    columns = [
        Column("kind", np.array([thing.kind for thing in objects], dtype=object)),
        Column("year", np.array([thing.year for thing in objects], dtype=np.int32)),
    ]
    _write_layer(path, [_multi(to_map(thing.shape)) for thing in objects], columns)


def _multi(geometry: shapely.Geometry) -> shapely.Geometry:
    polygons = [part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon"]
    return shapely.MultiPolygon(polygons)


def _write_layer(path: Path, geometries: list[shapely.Geometry], columns: list[Column]) -> None:
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": WRITTEN})
    try:
        pyogrio.raw.write(
            path,
            geometry=np.array(shapely.to_wkb(geometries), dtype=object),
            field_data=[column.values for column in columns],
            fields=[column.name for column in columns],
            geometry_type="MultiPolygon",
            crs=f"EPSG:{EPSG}",
            driver="GPKG",
            layer=path.stem,
        )
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def write_region_file(
    folder: Path, *, model: str | None = None, densities: bool = False
) -> Path | None:
    """Write region.toml beside the simulated inputs; return it, or None where one was kept.

    ``model`` names the model that makes 2024 from images; without it the region has two years.
    With ``densities`` its years are those of imperviousness density. A region file that is there
    already is never replaced: it may have been edited.
    """
    path = folder / NAME
    if path.exists():
        return None
    forward = "" if model is None else FORWARD.format(model=model)
    try:
        text = TEXT.format(file=path, forward="" if densities else forward)
        if densities:
            start, end = text.index("[[epoch]]"), text.index("\n[hexagons]")
            text = text[:start] + DENSITY + text[end:]
        write_bytes(path, text.encode())
    except OSError as err:
        raise OutputError(f"{path}: cannot be written ({err.strerror})") from err
    return path
