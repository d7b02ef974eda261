"""The pixel grid of a raster: a frozen value that knows places, windows and true areas.

Longitudes and latitudes are those of the grid's own geodetic CRS: ETRS89 is taken as WGS84, so
that results do not depend on installed datum grids.
"""

import math
import threading
from dataclasses import dataclass

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS, Proj, Transformer
from pyproj.exceptions import CRSError

from hexseal.errors import InputError

Floats = NDArray[np.float64]
Bounds = tuple[float, float, float, float]
# Grids are alike when their pixels lie less than this share of a pixel apart.
ALIGNED = 1e-3
_local = threading.local()


@dataclass(frozen=True, slots=True)
class Window:
    """Rows ``row`` to ``row + height`` and columns ``column`` to ``column + width``, half-open."""

    row: int
    column: int
    height: int
    width: int


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
        """Refuse what has no CRS or is not north-up."""
        if not self.crs:
            raise InputError("has no coordinate reference system; assign one with gdal_edit -a_srs")
        try:
            CRS.from_user_input(self.crs)
        except CRSError as err:
            raise InputError(f"coordinate reference system {self.crs!r} is not understood") from err
        terms = tuple(self.transform)[:6]
        if not all(map(math.isfinite, terms)):
            raise InputError(f"geotransform {terms} is not finite; mend the file's georeference")
        if self.transform.b or self.transform.d:
            raise InputError(f"grid is rotated (terms {self.transform.b}, {self.transform.d}); "
                             "warp it to a north-up grid with gdalwarp")  # fmt: skip
        if self.transform.a <= 0 or self.transform.e >= 0:
            raise InputError(f"pixel size {self.transform.a} x {self.transform.e} is not north-up; "
                             "warp it with gdalwarp")  # fmt: skip
        if self.width < 1 or self.height < 1:
            raise InputError(f"size {self.width} x {self.height} holds no pixel")

    def __str__(self) -> str:
        """Describe the grid in one line."""
        x, y = self.pixel_size
        west, south, east, north = self.bounds
        unit = "°" if self.is_geographic else " m"
        return (
            f"{self.crs_label} {self.width} x {self.height} pixels of {x:.10g} x {y:.10g}{unit}, "
            f"x {west:.10g} to {east:.10g}, y {south:.10g} to {north:.10g}"
        )

    @property
    def crs_label(self) -> str:
        """Return the authority code of the CRS where it has one, else its name."""
        crs = _crs(self.crs)
        authority = crs.to_authority()
        return ":".join(authority) if authority else crs.name

    @property
    def pixel_size(self) -> tuple[float, float]:
        """Return width and height of a pixel in CRS units, both positive."""
        return self.transform.a, -self.transform.e

    @property
    def bounds(self) -> Bounds:
        """Return xmin, ymin, xmax, ymax of the outer pixel edges in CRS units."""
        x, y = self.transform.c, self.transform.f
        return x, y + self.height * self.transform.e, x + self.width * self.transform.a, y

    @property
    def is_geographic(self) -> bool:
        """Tell whether coordinates are degrees."""
        return _crs(self.crs).is_geographic

    @property
    def is_equal_area(self) -> bool:
        """Tell whether the CRS is an equal-area projection, so that all pixels are alike."""
        operation = _crs(self.crs).coordinate_operation
        return operation is not None and "equal area" in operation.method_name.lower()

    @property
    def nominal_pixel_area_m2(self) -> float:
        """Return width times height of a pixel of a projected grid in m²."""
        unit = _crs(self.crs).axis_info[0].unit_conversion_factor
        return self.transform.a * -self.transform.e * unit * unit

    def row_area_m2(self, rows: NDArray[np.int64]) -> Floats:
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
        q = (1.0 - e2) * (sine / (1.0 - e2 * sine**2) + np.arctanh(e * sine) / e)
        north, south = np.split(q, 2)
        half_a2 = ellipsoid.semi_major_metre**2 / 2.0
        return half_a2 * np.radians(self.transform.a) * (north - south)

    def areal_scale(self, lon: Floats, lat: Floats) -> Floats:
        """Return map area / true area at points in degrees, on a projected grid."""
        factors = Proj(_crs(self.crs)).get_factors(lon, lat, errcheck=True)
        return np.asarray(factors.areal_scale, dtype=np.float64)

    def centers(self, rows: Floats, columns: Floats) -> tuple[Floats, Floats]:
        """Return CRS coordinates (x, y) of pixel centres; rows and columns may be fractions."""
        corner = self.transform
        return corner.c + (columns + 0.5) * corner.a, corner.f + (rows + 0.5) * corner.e

    def places(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return (columns, rows) of CRS coordinates, whole numbers at pixel centres."""
        corner = self.transform
        return (x - corner.c) / corner.a - 0.5, (y - corner.f) / corner.e - 0.5

    def to_lonlat(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return degrees (lon, lat) of CRS coordinates; infinite where the CRS ends."""
        return _transformer(self.crs).transform(x, y)

    def from_lonlat(self, lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
        """Return CRS coordinates (x, y) of degrees; infinite where the CRS ends."""
        return _transformer(self.crs).transform(lon, lat, direction="INVERSE")

    def window_of(self, bounds: Bounds) -> Window:
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
        moved = self.transform * Affine.translation(window.column, window.row)
        return Grid(self.crs, moved, window.width, window.height)

    def difference(self, other: "Grid") -> str | None:
        """Say in one line how another grid differs, or None when both are the same."""
        if _crs(self.crs) != _crs(other.crs):
            return f"CRS {self.crs_label} against {other.crs_label}"
        mine, its = np.array(self.pixel_size), np.array(other.pixel_size)
        if (np.abs(its - mine) * (self.width, self.height) > ALIGNED * mine).any():
            return (
                f"pixels of {mine[0]:.10g} x {mine[1]:.10g} against {its[0]:.10g} x {its[1]:.10g}"
            )
        column, row = self.places(np.array(other.transform.c), np.array(other.transform.f))
        offset = float(column) + 0.5, float(row) + 0.5
        if max(map(abs, offset)) > ALIGNED:
            return f"origins {offset[0]:.4g} columns and {offset[1]:.4g} rows apart"
        if (self.width, self.height) != (other.width, other.height):
            return f"{self.width} x {self.height} against {other.width} x {other.height} pixels"
        return None


def _crs(text: str) -> CRS:
    """Return a CRS of this thread; reading one from text takes longer than using it."""
    known: dict[str, CRS] = _local.__dict__.setdefault("crs", {})
    if text not in known:
        known[text] = CRS.from_user_input(text)
    return known[text]


def _transformer(text: str) -> Transformer:
    """Return this thread's transformer to the CRS's own geodetic CRS, axes x, y and lon, lat."""
    known: dict[str, Transformer] = _local.__dict__.setdefault("transformers", {})
    if text not in known:
        crs = _crs(text)
        geodetic = crs.geodetic_crs
        assert geodetic is not None
        known[text] = Transformer.from_crs(crs, geodetic, always_xy=True)
    return known[text]
