"""The place to fetch: a grid on the pixels of CLC+ Backbone (EPSG:3035) or of ESA WorldCover."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyogrio
import pyogrio.raw
import shapely
from affine import Affine
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError
from pyproj import CRS
from pyproj.exceptions import CRSError
from rasterio.features import geometry_mask

from hexseal.errors import FetchError, RegionError
from hexseal.raster.grid import Grid, Window, from_lonlat, to_lonlat
from hexseal.types import Box

EPSG, PIXEL_M = "EPSG:3035", 10.0
# Rounding to the pixel grid forgives this share of a pixel, so that whole numbers stay.
FORGIVEN = 1e-6
# Points along each edge of a box that changes its CRS; a straight edge becomes a curve.
EDGE_STEPS = 32
# Longer edges (degrees) get corners before they change CRS, as in hexseal.vectors.
LONGEST_EDGE = 0.01
# EPSG:3035's own extent on the ground, in its metres: Iceland and the Azores to Cyprus.
EXTENT = Box(900_000.0, 900_000.0, 7_400_000.0, 5_500_000.0)
# 300 x 300 km: more than a person waits for through these services.
MOST_PIXELS = 900_000_000


@dataclass(frozen=True, slots=True)
class Lattice:
    """The pixels of a product: CRS, pixels in ``units`` of it (10 m: 1 in 10), and its extent.

    Edges of pixels are whole multiples of units / pixels, counted as integers.
    """

    product: str
    crs: str
    pixels: int
    units: int
    extent: Box

    @property
    def pixel(self) -> float:
        """Return the side of a pixel in the CRS's unit."""
        return self.units / self.pixels

    def holds(self, crs: str) -> bool:
        """Return whether coordinates of a CRS are those of the lattice."""
        try:
            own = CRS.from_user_input(self.crs)
            return CRS.from_user_input(crs).equals(own, ignore_axis_order=True)
        except CRSError as err:
            raise RegionError(f"[fetch] crs = {crs!r} is not understood; give EPSG:CODE") from err


CLCPLUS_LATTICE = Lattice("CLC+ Backbone's European grid", EPSG, 1, 10, EXTENT)
# 36 000 pixels in 3 degrees; boxes may continue beyond 180 degrees east.
WORLDCOVER_LATTICE = Lattice(
    "ESA WorldCover", "EPSG:4326", 12_000, 1, Box(-180.0, -60.0, 540.0, 84.0)
)


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """The pixel grid to fetch, and the polygon (grid's CRS) outside which nothing counts."""

    grid: Grid
    shape: shapely.Geometry | None = None

    @property
    def lonlat_box(self) -> Box:
        """Return west, south, east, north in degrees of a box around the grid."""
        if self.grid.crs == "EPSG:4326":
            return self.grid.bounds
        return to_box(self.grid.bounds, self.grid.crs, "EPSG:4326")

    def outside(self, window: Window) -> NDArray[np.bool_] | None:
        """Return the pixels (rows, columns) whose centre lies outside the polygon, if there is one.

        The window is one of the grid.
        """
        if self.shape is None:
            return None
        part = self.grid.subgrid(window)
        return geometry_mask([self.shape], (part.height, part.width), part.transform)


def place_of_box(bbox: Box, crs: str, lattice: Lattice = CLCPLUS_LATTICE) -> Place:
    """Return the smallest aligned grid that holds a box given in any CRS."""
    box = bbox if lattice.holds(crs) else to_box(bbox, crs, lattice.crs)
    return Place(_snapped(box, lattice))


def place_of_polygons(path: Path, select: str | None, lattice: Lattice = CLCPLUS_LATTICE) -> Place:
    """Return the grid around the polygons of a file, those that ``select`` keeps, and their union.

    Raises FetchError where the file cannot be read or the condition keeps none.
    """
    crs, shapes = _polygons(path, select)
    if not lattice.holds(crs):
        lonlat = shapely.transform(shapes, lambda xy: np.column_stack(to_lonlat(crs, *xy.T)))
        lonlat = shapely.segmentize(lonlat, LONGEST_EDGE)
        shapes = shapely.transform(
            lonlat, lambda xy: np.column_stack(from_lonlat(lattice.crs, *xy.T))
        )
    shape = shapely.union_all(shapely.make_valid(shapes))
    return Place(_snapped(shapely.bounds(shape).tolist(), lattice), shape)


def _polygons(path: Path, select: str | None) -> tuple[str, NDArray[np.object_]]:
    try:
        meta, _, geometry, _ = pyogrio.raw.read(path, where=select, columns=[], force_2d=True)
    except (DataSourceError, DataLayerError, ValueError) as err:
        hint = "" if select is None else f", or its columns do not fit [fetch] select = {select!r}"
        raise FetchError(f"{path}: is no polygon file that GDAL can read{hint}") from err
    shapes = shapely.from_wkb(geometry)
    kept = shapes[np.isin(shapely.get_type_id(shapes), (3, 6))]
    if not kept.size:
        fits = "" if select is None else f" that fits [fetch] select = {select!r}"
        raise FetchError(f"{path}: holds no polygon{fits}; check [fetch] boundary")
    return meta["crs"] or "EPSG:4326", kept


def to_box(box: Box, crs: str, target: str) -> Box:
    """Return the box in another CRS that holds a box, whose edges become curves there."""
    xmin, ymin, xmax, ymax = box
    along, across = np.linspace(xmin, xmax, EDGE_STEPS), np.linspace(ymin, ymax, EDGE_STEPS)
    x = np.concatenate([along, along, np.full(EDGE_STEPS, xmin), np.full(EDGE_STEPS, xmax)])
    y = np.concatenate([np.full(EDGE_STEPS, ymin), np.full(EDGE_STEPS, ymax), across, across])
    x, y = from_lonlat(target, *to_lonlat(crs, x, y))
    return Box(float(x.min()), float(y.min()), float(x.max()), float(y.max()))


def _snapped(box: Box, lattice: Lattice) -> Grid:
    xmin, ymin, xmax, ymax = box
    west, south, east, north = lattice.extent
    inside = all(map(math.isfinite, box)) and (
        west <= xmin and south <= ymin and xmax <= east and ymax <= north
    )
    if not inside:
        raise RegionError(
            f"[fetch] the place lies at {', '.join(f'{edge:.6g}' for edge in box)} in "
            f"{lattice.crs}, outside {lattice.product}; check bbox and crs (overseas regions of "
            "CLC+, which lie in UTM, cannot be fetched)"
        )
    west, south = (math.floor(v * lattice.pixels / lattice.units + FORGIVEN) for v in (xmin, ymin))
    east, north = (math.ceil(v * lattice.pixels / lattice.units - FORGIVEN) for v in (xmax, ymax))
    width, height = max(east - west, 1), max(north - south, 1)
    if width * height > MOST_PIXELS:
        raise RegionError(
            f"[fetch] the place holds {width * height:,} pixels, more than {MOST_PIXELS:,}; "
            "fetch parts of it and join their sites with hexseal merge"
        )
    pixel, units, pixels = lattice.pixel, lattice.units, lattice.pixels
    transform = Affine(pixel, 0.0, west * units / pixels, 0.0, -pixel, north * units / pixels)
    return Grid(lattice.crs, transform, width, height)
