"""The H3 cells over a window of a raster, as polygons in the window's pixel coordinates."""

import math
from dataclasses import dataclass

import h3
import numpy as np
from h3.api import basic_int
from numpy.typing import NDArray

from hexseal.hexgrid.icosahedron import Face, face_around, faces, lonlat, unit_vectors
from hexseal.raster.grid import Grid, Window
from hexseal.types import Doubles, Integers
from hexseal.vector.polygons import Polygons

# Pixels nearer to a cell's edge than this are looked up with the H3 library. It must exceed
# what the projection loses on the way there and back (PROJ's LAEA: up to 1.4 mm) plus the bend of
# an edge that is drawn straight, which is kept below a quarter of it.
TOLERANCE_PIXELS = 0.002
OUTLINE_STEPS = 32
# Corners of the cell at lattice place (a, b), in thirds of the lattice vectors, counter-clockwise.
CORNER_THIRDS = np.array([[1, 1], [-1, 2], [-2, 1], [-1, -1], [1, -2], [2, -1]])


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Polygons of the cells over a window and where their centres are (degrees).

    Some polygons may hold no pixel; no cell that holds one is missing.
    """

    polygons: Polygons
    lon: Doubles
    lat: Doubles
    resolution: int

    def identifiers(self, chosen: Integers) -> NDArray[np.uint64]:
        """Return the H3 indexes of the cells at the positions ``chosen``."""
        return index_points(self.lon[chosen], self.lat[chosen], self.resolution)


@dataclass(frozen=True, slots=True)
class View:
    """A window of a grid: the pixel coordinates that polygons are drawn in."""

    grid: Grid
    window: Window

    def lonlat(self, columns: Doubles, rows: Doubles) -> tuple[Doubles, Doubles]:
        """Return degrees (lon, lat) of pixel coordinates of the window."""
        x, y = self.grid.centers(rows + self.window.row, columns + self.window.column)
        return self.grid.to_lonlat(x, y)

    def pixels(self, vectors: Doubles) -> tuple[Doubles, Doubles]:
        """Return pixel coordinates (columns, rows) of the directions ``vectors``, shape (n, 3)."""
        x, y = self.grid.from_lonlat(*lonlat(vectors))
        if self.grid.is_geographic:
            x = x - 360.0 * np.rint((x - self._middle_x) / 360.0)
        columns, rows = self.grid.places(x, y)
        return columns - self.window.column, rows - self.window.row

    def pixels_per_cell(self, resolution: int) -> float:
        """Return roughly how many of the window's pixels an average cell holds."""
        return h3.average_hexagon_area(resolution, unit="m^2") / self._pixel_m2()

    def _pixel_m2(self) -> float:
        """Return the rough area of the window's middle pixel on a sphere."""
        x, y = self.window.width / 2.0, self.window.height / 2.0
        square = self.lonlat(np.array([x, x + 1.0, x]), np.array([y, y, y + 1.0]))
        here, right, down = unit_vectors(*square) * 6_371_007.0
        return float(np.linalg.norm(np.cross(right - here, down - here)))

    @property
    def _middle_x(self) -> float:
        column = np.array([self.window.column + self.window.width / 2.0])
        return float(self.grid.centers(np.zeros(1), column)[0][0])


def index_points(lon: Doubles, lat: Doubles, resolution: int) -> NDArray[np.uint64]:
    """Return the H3 cell of each point (degrees), one call of the H3 library per point."""
    index = basic_int.latlng_to_cell
    pairs = zip(lat.tolist(), lon.tolist(), strict=True)
    cells = [index(a, b, resolution) for a, b in pairs]
    return np.array(cells, dtype=np.uint64)


def cells_over(view: View, resolution: int) -> Cells | None:
    """Return the cells over a window, or None when they cannot be drawn in its pixel coordinates.

    That is so where a cell holds a pole or where the CRS ends; index_points serves there.
    """
    outline = _outline(view)
    if not np.isfinite(outline).all():
        return None
    spacing = float(np.hypot(*faces()[0].lattice(resolution)[0]))
    face = face_around(outline, 4.0 * spacing)
    if face is None:
        return _listed_cells(view, resolution)
    return _lattice_cells(view, resolution, face, outline)


def _outline(view: View) -> Doubles:
    """Return unit vectors along the window's border and across its middle."""
    across = np.linspace(0.0, view.window.width, OUTLINE_STEPS + 1) - 0.5
    down = np.linspace(0.0, view.window.height, OUTLINE_STEPS + 1) - 0.5
    sides = [across, across, across, *(np.full(down.size, x) for x in across[[0, 16, -1]])]
    levels = [*(np.full(across.size, y) for y in down[[0, 16, -1]]), down, down, down]
    return unit_vectors(*view.lonlat(np.concatenate(sides), np.concatenate(levels)))


def _lattice_cells(view: View, resolution: int, face: Face, outline: Doubles) -> Cells:
    """Draw the cells of a window that lies within one face of the icosahedron."""
    lattice = face.lattice(resolution)
    places = _places_near(view, lattice, face.plane(outline) @ np.linalg.inv(lattice), outline)
    corners = 3 * places[:, None, :] + CORNER_THIRDS[None]
    sample = face.sphere((corners[:: max(1, len(places) // 16)] / 3.0 @ lattice).reshape(-1, 2))
    pieces = _pieces(view, sample.reshape(-1, 6, 3))
    if pieces == 1:
        x, y = _draw_shared(view, lattice, face, corners)
    else:
        points = _cut(corners / 3.0, pieces) @ lattice
        x, y = view.pixels(face.sphere(points.reshape(-1, 2)))
    lon, lat = lonlat(face.sphere(places @ lattice))
    starts = np.arange(0, (len(places) + 1) * 6 * pieces, 6 * pieces)
    owners = np.arange(len(places))
    return Cells(Polygons(x, y, starts, owners, len(places)), lon, lat, resolution)


def _places_near(
    view: View, lattice: Doubles, outline_places: Doubles, outline: Doubles
) -> Integers:
    """Return the lattice places, shape (n, 2), whose cells may reach into the window.

    Within a window pixel coordinates are nearly an affine function of lattice places; the
    function is fitted on the outline and its worst miss widens the margin.
    """
    low = np.floor(outline_places.min(axis=0)).astype(int) - 2
    high = np.ceil(outline_places.max(axis=0)).astype(int) + 3
    grids = np.meshgrid(np.arange(low[0], high[0]), np.arange(low[1], high[1]), indexing="ij")
    places = np.column_stack([axis.ravel() for axis in grids])
    target = np.column_stack(view.pixels(outline))
    design = np.column_stack([outline_places, np.ones(len(outline_places))])
    fit, *_ = np.linalg.lstsq(design, target, rcond=None)
    miss = np.abs(design @ fit - target).max()
    margin = np.hypot(*fit[:2].T).max() + 3.0 * miss + 1.0
    near = places @ fit[:2] + fit[2]
    size = np.array([view.window.width, view.window.height])
    return places[((near > -margin) & (near < size + margin)).all(axis=1)]


def _draw_shared(
    view: View, lattice: Doubles, face: Face, corners: Integers
) -> tuple[Doubles, Doubles]:
    """Return pixel coordinates of ``corners`` (thirds), projecting each lattice corner once."""
    low = corners.min(axis=(0, 1))
    span = corners.max(axis=(0, 1)) - low + 1
    keys = (corners[..., 0] - low[0]) * span[1] + (corners[..., 1] - low[1])
    used = np.zeros(span[0] * span[1], dtype=bool)
    used[keys] = True
    first, second = np.divmod(np.flatnonzero(used), span[1])
    thirds = np.column_stack([first, second]) + low
    x, y = view.pixels(face.sphere(thirds / 3.0 @ lattice))
    order = (np.cumsum(used) - 1)[keys].ravel()
    return x[order], y[order]


def _listed_cells(view: View, resolution: int) -> Cells | None:
    """Draw cells one by one from the H3 library: near the icosahedron's edges and corners."""
    cells = _candidates(view, resolution)
    rings = [np.array(basic_int.cell_to_boundary(cell)) for cell in cells]
    vectors = [unit_vectors(ring[:, 1], ring[:, 0]) for ring in rings]
    pieces = max((_pieces(view, ring[None]) for ring in vectors), default=1)
    cut = [_cut(ring, pieces) for ring in vectors]
    x, y = view.pixels(np.concatenate(cut))
    starts = np.concatenate([[0], np.cumsum([len(ring) for ring in cut])])
    polygons = Polygons(x, y, starts, np.arange(len(cells)), len(cells))
    if not (np.isfinite(x).all() and np.isfinite(y).all()) or _wraps(view, polygons):
        return None
    lat, lon = np.array([basic_int.cell_to_latlng(cell) for cell in cells]).T
    return Cells(polygons, lon, lat, resolution)


def _wraps(view: View, polygons: Polygons) -> bool:
    """Return whether a polygon on a geographic grid goes round the globe (it holds a pole)."""
    if not view.grid.is_geographic:
        return False
    turn = 180.0 / view.grid.pixel_size[0]
    spans = np.maximum.reduceat(polygons.x, polygons.starts[:-1]) - np.minimum.reduceat(
        polygons.x, polygons.starts[:-1]
    )
    return bool((spans > turn).any())


def _candidates(view: View, resolution: int) -> list[int]:
    """Return, sorted, the cells at points closer than a cell's inner radius, and their ring."""
    step = 0.4 * math.sqrt(view.pixels_per_cell(resolution))
    columns = np.linspace(0, view.window.width - 1, math.ceil(view.window.width / step) + 1)
    rows = np.linspace(0, view.window.height - 1, math.ceil(view.window.height / step) + 1)
    mesh = np.meshgrid(columns, rows)
    hit = index_points(*view.lonlat(mesh[0].ravel(), mesh[1].ravel()), resolution)
    ring = (near for cell in np.unique(hit).tolist() for near in basic_int.grid_disk(cell, 1))
    return sorted(set(ring))


def _pieces(view: View, rings: Doubles) -> int:
    """Return into how many straight pieces an edge must be cut to follow its great circle.

    ``rings`` are corners as vectors, shape (n, corners, 3). The bend falls with the square of the
    number of pieces.
    """
    ends = np.roll(rings, -1, axis=1)
    points = (rings, (rings + ends) / 2.0, ends)
    start, middle, end = (np.array(view.pixels(p.reshape(-1, 3))) for p in points)
    bend = np.hypot(*(middle - (start + end) / 2.0)).max(initial=0.0)
    if not np.isfinite(bend):
        return 1
    return max(1, math.ceil(math.sqrt(1.5 * bend / (TOLERANCE_PIXELS / 4.0))))


def _cut(rings: Doubles, pieces: int) -> Doubles:
    """Cut each edge of closed rings, shape (..., corners, axes), into equal straight pieces."""
    shares = (np.arange(pieces) / pieces)[:, None]
    ends = np.roll(rings, -1, axis=-2)
    cut = rings[..., None, :] * (1.0 - shares) + ends[..., None, :] * shares
    # (..., corners, pieces, axes) -> (..., corners * pieces, axes)
    return cut.reshape(*rings.shape[:-2], rings.shape[-2] * pieces, rings.shape[-1])
