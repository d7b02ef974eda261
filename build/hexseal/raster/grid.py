"""The pixel grid of a raster: a frozen value with places, windows and true areas.

Longitudes and latitudes are WGS84. ETRS89 and the other frames that PROJ calls equal to it are
taken as they are, so that results do not depend on installed datum grids; a datum that lies
elsewhere (OSGB36 or CH1903+, 90 to 160 m away) is shifted by PROJ's best formula without a grid.
"""

import math
import threading
import warnings
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS, Proj, Transformer
from pyproj.exceptions import CRSError, ProjError
from pyproj.transformer import AreaOfInterest, TransformerGroup

from hexseal.errors import InputError
from hexseal.types import Box, Doubles

# Grids are alike when their pixels lie less than this share of a pixel apart.
ALIGNED = 1e-3
# A datum shift of less than about a metre (in degrees) counts as none.
SAME_DATUM = 1e-5
# A millimetre, in degrees; so many codes of PROJ are tried for a CRS without one.
SAME_PLACE = 1e-8
CANDIDATES = 12
# Pixels of one window: large enough to hide what a window costs, small enough for many threads.
WINDOW_PIXELS = 4_200_000
_local = threading.local()
_warnings_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Window:
    """Rows ``row`` to ``row + height`` and columns ``column`` to ``column + width``, half-open."""

    row: int
    column: int
    height: int
    width: int

    def moved(self, down: int, across: int) -> "Window":
        """Return the window so many pixels further down and to the right."""
        return Window(self.row + down, self.column + across, self.height, self.width)

    def cut(self, block_shape: tuple[int, int], *, pixels: int = WINDOW_PIXELS) -> list["Window"]:
        """Cut along blocks of (height, width) into windows of about ``pixels``, row by row.

        >>> cut = Window(1, 0, 2, 4).cut((2, 2), pixels=4)
        >>> [(window.row, window.column, window.height, window.width) for window in cut]
        [(1, 0, 1, 2), (1, 2, 1, 2), (2, 0, 1, 2), (2, 2, 1, 2)]
        """
        block_height, block_width = block_shape
        across = max(1, round(pixels**0.5 / block_width)) * block_width
        across = min(across, math.ceil(self.width / block_width + 1) * block_width)
        down = max(1, pixels // across // block_height) * block_height
        return [
            Window(top, left, bottom - top, right - left)
            for top, bottom in _cuts(self.row, self.height, down)
            for left, right in _cuts(self.column, self.width, across)
        ]

    def strips(self, rows: int, *, least: int = 1) -> list["Window"]:
        """Cut into strips of full width and ``rows``, from north to south.

        A last strip of fewer than ``least`` rows is joined to the one before it.

        >>> [(strip.row, strip.height) for strip in Window(5, 0, 7, 4).strips(3, least=2)]
        [(5, 3), (8, 4)]
        """
        inside = range(rows, self.height, rows)
        starts = [0, *(start for start in inside if self.height - start >= least)]
        return [
            Window(self.row + start, self.column, end - start, self.width)
            for start, end in pairwise([*starts, self.height])
        ]


def _cuts(start: int, length: int, step: int) -> list[tuple[int, int]]:
    """Cut ``length`` pixels from ``start`` at the multiples of ``step``.

    >>> _cuts(1000, 2000, 1024)
    [(1000, 1024), (1024, 2048), (2048, 3000)]
    """
    inner = range((start // step + 1) * step, start + length, step)
    return list(pairwise([start, *inner, start + length]))


@dataclass(frozen=True, slots=True)
class Grid:
    """A north-up pixel grid; ``crs`` is anything that pyproj reads, best an authority code.

    ``transform`` maps pixel corners (column, row) to CRS coordinates (x, y).
    """

    crs: str
    transform: Affine
    width: int
    height: int

    def __post_init__(self) -> None:
        """Reject what has no CRS or is not north-up."""
        _check_crs(self.crs)
        _check_transform(self.transform)
        if self.width < 1 or self.height < 1:
            raise InputError(f"size {self.width} x {self.height} holds no pixel; give another file")

    def __str__(self) -> str:
        """Describe the grid in one line."""
        x, y = self.pixel_size
        west, south, east, north = (round(edge, 9) for edge in self.bounds)
        unit = "°" if self.is_geographic else f" {_crs(self.crs).axis_info[0].unit_name}"
        return (
            f"{self.crs_label} {self.width} x {self.height} pixels of {x:.10g} x {y:.10g}{unit}, "
            f"x {west:.10g} to {east:.10g}, y {south:.10g} to {north:.10g}"
        )

    @property
    def brief(self) -> str:
        """Describe size, pixel and CRS in a few words, such as "300 x 240 at 10 m, EPSG:3035"."""
        x, y = self.pixel_size
        pixel = f"{x:.4g}" if x == y else f"{x:.4g} x {y:.4g}"
        unit = "°" if self.is_geographic else f" {_crs(self.crs).axis_info[0].unit_name}"
        unit = unit.replace(" metre", " m")
        return f"{self.width} x {self.height} at {pixel}{unit}, {self.crs_label}"

    @property
    def crs_label(self) -> str:
        """Return the authority code of the CRS where it has one, else its name."""
        authority = _crs(self.crs).to_authority()
        return ":".join(authority) if authority else _crs(self.crs).name

    @property
    def crs_code(self) -> str:
        """Return the authority code of the CRS where it has one, else its WKT on one line."""
        authority = _crs(self.crs).to_authority()
        return ":".join(authority) if authority else _crs(self.crs).to_wkt()

    @property
    def window(self) -> Window:
        """Return the window that covers the whole grid."""
        return Window(0, 0, self.height, self.width)

    @property
    def pixel_size(self) -> tuple[float, float]:
        """Return width and height of a pixel in CRS units, both positive."""
        return self.transform.a, -self.transform.e

    @property
    def bounds(self) -> Box:
        """Return xmin, ymin, xmax, ymax of the outer pixel edges in CRS units."""
        x, y = self.transform.c, self.transform.f
        return Box(x, y + self.height * self.transform.e, x + self.width * self.transform.a, y)

    @property
    def is_geographic(self) -> bool:
        """Return whether coordinates are degrees."""
        return _crs(self.crs).is_geographic

    @property
    def is_equal_area(self) -> bool:
        """Return whether the CRS is an equal-area projection, so that all pixels are alike."""
        operation = _crs(self.crs).coordinate_operation
        return operation is not None and "equal area" in operation.method_name.lower()

    @property
    def nominal_pixel_area_m2(self) -> float:
        """Return width times height of a pixel of a projected grid in m² of the map.

        It is the true area where the grid is equal-area; elsewhere divide it by areal_scale.

        >>> Grid("EPSG:3035", Affine(10.0, 0, 0.0, 0, -10.0, 0.0), 1, 1).nominal_pixel_area_m2
        100.0
        """
        unit = _crs(self.crs).axis_info[0].unit_conversion_factor
        return self.transform.a * -self.transform.e * unit * unit

    def row_area_m2(self, rows: NDArray[np.int64]) -> Doubles:
        """Return the area in m² of one pixel of each row of a geographic grid.

        The area of a zone between two parallels of the ellipsoid (Snyder 1987, Map Projections,
        equation 3-12), times the pixel's share of a turn.

        >>> whole = Grid("EPSG:4326", Affine(360.0, 0, -180.0, 0, -180.0, 90.0), 1, 1)
        >>> round(whole.row_area_m2(np.array([0]))[0] / 1e6)
        510065622
        """
        ellipsoid = _crs(self.crs).ellipsoid
        assert ellipsoid is not None
        e2 = 1.0 - (ellipsoid.semi_minor_metre / ellipsoid.semi_major_metre) ** 2
        edges = self.transform.f + np.concatenate([rows, rows + 1]) * self.transform.e
        sine = np.sin(np.radians(np.clip(edges, -90.0, 90.0)))
        e = math.sqrt(e2)
        bend = np.arctanh(e * sine) / e if e else sine
        q = (1.0 - e2) * (sine / (1.0 - e2 * sine**2) + bend)
        north, south = np.split(q, 2)
        half_a2 = ellipsoid.semi_major_metre**2 / 2.0
        return half_a2 * np.radians(self.transform.a) * (north - south)

    def areal_scale(self, lon: Doubles, lat: Doubles) -> Doubles:
        """Return map area / true area at points in degrees, on a projected grid.

        Raises InputError where the projection is not defined.
        """
        if not lon.size:
            # PROJ takes no point at all for an error.
            return np.empty(0, np.float64)
        try:
            factors = _proj(self.crs).get_factors(lon, lat, errcheck=True)
        except ProjError as err:
            raise InputError(
                f"{self.crs_label} has no scale at longitude {np.min(lon):.6g} to "
                f"{np.max(lon):.6g}, latitude {np.min(lat):.6g} to {np.max(lat):.6g}; "
                "warp the rasters to a CRS that is made for the region, such as EPSG:3035"
            ) from err
        return np.asarray(factors.areal_scale, dtype=np.float64)

    def pixel_areas_m2(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Doubles:
        """Return the true area in m² of single pixels."""
        if self.is_geographic:
            return self.row_area_m2(rows)
        if self.is_equal_area:
            return np.full(rows.shape, self.nominal_pixel_area_m2)
        lon, lat = self.to_lonlat(*self.centers(rows.astype(float), columns.astype(float)))
        return self.nominal_pixel_area_m2 / self.areal_scale(lon, lat)

    def centers(self, rows: Doubles, columns: Doubles) -> tuple[Doubles, Doubles]:
        """Return CRS coordinates (x, y) of pixel centres; rows and columns may be fractions."""
        corner = self.transform
        return corner.c + (columns + 0.5) * corner.a, corner.f + (rows + 0.5) * corner.e

    def places(self, x: Doubles, y: Doubles) -> tuple[Doubles, Doubles]:
        """Return (columns, rows) of CRS coordinates, whole numbers at pixel centres."""
        corner = self.transform
        return (x - corner.c) / corner.a - 0.5, (y - corner.f) / corner.e - 0.5

    def to_lonlat(self, x: Doubles, y: Doubles) -> tuple[Doubles, Doubles]:
        """Return degrees (lon, lat) of CRS coordinates; infinite where the CRS ends."""
        return to_lonlat(self.crs, x, y)

    def from_lonlat(self, lon: Doubles, lat: Doubles) -> tuple[Doubles, Doubles]:
        """Return CRS coordinates (x, y) of degrees; infinite where the CRS ends."""
        return from_lonlat(self.crs, lon, lat)

    def window_of(self, bounds: Box) -> Window:
        """Return the pixels whose centre lies in xmin <= x < xmax, ymin <= y < ymax.

        Raises InputError when there are none.
        """
        xmin, ymin, xmax, ymax = bounds
        columns, rows = self.places(np.array([xmin, xmax]), np.array([ymax, ymin]))
        # A centre on a bound belongs to the lower x and the lower y; 1e-6 pixels are float noise.
        left, right = (np.ceil(columns - 1e-6)).astype(int)
        top, bottom = (np.floor(rows + 1e-6)).astype(int) + 1
        left, right = max(0, int(left)), min(self.width, int(right))
        top, bottom = max(0, int(top)), min(self.height, int(bottom))
        if left >= right or top >= bottom:
            raise InputError(
                f"window {list(bounds)} holds no pixel of the raster ({self}); "
                "give xmin, ymin, xmax, ymax in the raster's own CRS"
            )
        return Window(top, left, bottom - top, right - left)

    def subgrid(self, window: Window) -> "Grid":
        """Return the grid of a window."""
        x, y = self.transform.a, self.transform.e
        west, north = self.transform.c + window.column * x, self.transform.f + window.row * y
        moved = Affine(x, 0.0, west, 0.0, y, north)
        return Grid(self.crs, moved, window.width, window.height)

    def offset_of(self, other: "Grid") -> tuple[float, float]:
        """Return how many (rows, columns) another grid's upper left corner lies from this one's."""
        corner, its = self.transform, other.transform
        return (its.f - corner.f) / corner.e, (its.c - corner.c) / corner.a

    def has_pixels_like(self, other: "Grid") -> bool:
        """Return whether CRS and pixel size are the same; sizes may differ by float noise only."""
        mine, its = self.pixel_size, other.pixel_size
        drift = [
            abs(a - b) / a * n for a, b, n in zip(mine, its, _extent(self, other), strict=True)
        ]
        return self.has_crs_of(other) and max(drift) < ALIGNED

    def has_crs_of(self, other: "Grid") -> bool:
        """Return whether both grids have the same CRS, however it is written."""
        if self.crs == other.crs:
            return True
        return _crs(self.crs).equals(_crs(other.crs), ignore_axis_order=True)

    def difference(self, other: "Grid") -> str | None:
        """Describe in one line how another grid differs, or None when both are the same.

        >>> a = Grid("EPSG:3035", Affine(10.0, 0, 0.0, 0, -10.0, 0.0), 8, 8)
        >>> a.difference(Grid("EPSG:3035", Affine(10.0, 0, 5.0, 0, -10.0, 0.0), 8, 8))
        'its origin lies 0 rows down and 0.5 columns right, so its pixels cut across'
        """
        if not self.has_crs_of(other):
            return f"CRS {other.crs_label} instead of {self.crs_label}"
        if not self.has_pixels_like(other):
            (x, y), (its_x, its_y) = self.pixel_size, other.pixel_size
            return f"pixels of {its_x:.10g} x {its_y:.10g} instead of {x:.10g} x {y:.10g}"
        row, column = self.offset_of(other)
        whole = max(abs(row - round(row)), abs(column - round(column))) < ALIGNED
        if not whole or (round(row), round(column)) != (0, 0):
            how = "so it covers another place" if whole else "so its pixels cut across"
            return f"its origin lies {row:z.6g} rows down and {column:z.6g} columns right, {how}"
        if (self.width, self.height) != (other.width, other.height):
            return f"{other.width} x {other.height} pixels instead of {self.width} x {self.height}"
        return None


def _extent(one: Grid, other: Grid) -> tuple[int, int]:
    return max(one.width, other.width), max(one.height, other.height)


def _check_crs(text: str) -> None:
    if not text:
        raise InputError("has no coordinate reference system; assign one with gdal_edit.py -a_srs")
    try:
        crs = CRS.from_user_input(text)
    except CRSError as err:
        raise InputError(f"coordinate reference system {text!r} is not understood") from err
    if not (crs.is_projected or crs.is_geographic) or crs.geodetic_crs is None:
        raise InputError(
            f"coordinate reference system {crs.name!r} is tied to no place on Earth; "
            "assign the right one with gdal_edit.py -a_srs"
        )
    unit = crs.axis_info[0].unit_name
    if crs.is_geographic and unit != "degree":
        raise InputError(f"coordinates are in {unit}, not in degrees; warp it with gdalwarp")


def _check_transform(transform: Affine) -> None:
    terms = tuple(transform)[:6]
    if not all(map(math.isfinite, terms)):
        raise InputError(f"geotransform {terms} is not finite; fix the file's georeference")
    if transform.b or transform.d:
        raise InputError(
            f"grid is rotated (rotation terms {transform.b:g} and {transform.d:g}, expected 0); "
            "warp it to a north-up grid with gdalwarp -r near"
        )
    if transform == Affine.identity():
        raise InputError(
            "has no georeference, so the place of its pixels is unknown; fetch it as a GeoTIFF, or "
            "give it its place with gdal_translate -a_srs EPSG:CODE -a_ullr WEST NORTH EAST SOUTH"
        )
    if transform.a <= 0 or transform.e >= 0:
        raise InputError(
            f"grid is not north-up (column step {transform.a:g}, row step {transform.e:g}; "
            "expected + and -); warp it with gdalwarp -r near"
        )


def _crs(text: str) -> CRS:
    """Return a CRS of this thread; reading one from text takes longer than using it."""
    known: dict[str, CRS] = _local.__dict__.setdefault("crs", {})
    if text not in known:
        known[text] = CRS.from_user_input(text)
    return known[text]


def _proj(text: str) -> Proj:
    """Return this thread's projection functions of a CRS."""
    known: dict[str, Proj] = _local.__dict__.setdefault("projections", {})
    if text not in known:
        known[text] = Proj(_crs(text))
    return known[text]


def identified(wkt: str, x: Doubles, y: Doubles) -> str:
    """Return the EPSG code of a CRS that is written another way, else another code, else the WKT.

    Tools write EPSG:3035 as a proj4 string, as ESRI's WKT or with a datum shift of zero. A code is
    taken where it puts the points (x, y) of the file on the same place on Earth, to a millimetre.
    Raises InputError where the CRS is not understood.
    """
    try:
        crs = CRS.from_wkt(wkt)
    except CRSError as err:
        raise InputError(f"coordinate reference system {wkt[:60]!r} is not understood") from err
    if crs.is_compound:  # heights play no part in where a pixel lies
        crs = next((part for part in crs.sub_crs_list if not part.is_vertical), crs)
        wkt = crs.to_wkt()
    authority = crs.to_authority()
    if authority is not None and authority[0] == "EPSG":
        return ":".join(authority)
    bare = crs.source_crs if crs.is_bound and crs.source_crs is not None else crs
    for found in bare.list_authority("EPSG", min_confidence=10)[:CANDIDATES]:
        if _same_place(wkt, f"EPSG:{found.code}", x, y):
            return f"EPSG:{found.code}"
    return ":".join(authority) if authority else wkt


def _same_place(one: str, other: str, x: Doubles, y: Doubles) -> bool:
    try:
        here, there = np.array(to_lonlat(one, x, y)), np.array(to_lonlat(other, x, y))
    except (CRSError, ProjError):
        return False
    return bool(np.isfinite(here).all() and np.abs(here - there).max() < SAME_PLACE)


def to_lonlat(crs: str, x: Doubles, y: Doubles) -> tuple[Doubles, Doubles]:
    """Return degrees (lon, lat) of coordinates in a CRS; infinite where the CRS ends."""
    for step in _steps(crs):
        x, y = step.transform(x, y)
    return x, y


def from_lonlat(crs: str, lon: Doubles, lat: Doubles) -> tuple[Doubles, Doubles]:
    """Return coordinates (x, y) in a CRS of degrees; infinite where the CRS ends."""
    for step in reversed(_steps(crs)):
        lon, lat = step.transform(lon, lat, direction="INVERSE")
    return lon, lat


def _steps(text: str) -> list[Transformer]:
    """Return this thread's way from a CRS to its own geodetic CRS and on to WGS84."""
    known: dict[str, list[Transformer]] = _local.__dict__.setdefault("steps", {})
    if text not in known:
        crs = _crs(text)
        known[text] = [Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)]
        shift = _datum_shift(text)
        if shift is not None:
            known[text].append(Transformer.from_pipeline(shift))
    return known[text]


@cache
def has_known_datum(text: str) -> bool:
    """Return whether PROJ can compute, without a grid, how a CRS's datum lies to WGS84."""
    crs = CRS.from_user_input(text)
    with _warnings_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ways = TransformerGroup(crs.geodetic_crs, "EPSG:4326", True).transformers
    return any(
        way.accuracy >= 0 and not any(step.grids for step in way.operations or ()) for way in ways
    )


@cache
def _datum_shift(text: str) -> str | None:
    """Return PROJ's best pipeline without a grid from the CRS's datum to WGS84, if it moves."""
    crs = CRS.from_user_input(text)
    use = crs.area_of_use
    area = AreaOfInterest(*use.bounds) if use else None
    with _warnings_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a better way would need a grid
        group = TransformerGroup(crs.geodetic_crs, "EPSG:4326", True, area)
    for way in group.transformers:
        if way.accuracy >= 0 and not any(step.grids for step in way.operations or ()):
            here = ((use.west + use.east) / 2, (use.south + use.north) / 2) if use else (0.0, 0.0)
            there = way.transform(*here)
            moves = max(abs(a - b) for a, b in zip(here, there, strict=True)) > SAME_DATUM
            return way.definition if moves else None
    return None
