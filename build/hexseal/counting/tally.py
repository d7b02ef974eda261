"""Count the joint classes of one window in its hexagons and areas."""

import logging
from dataclasses import dataclass, replace
from typing import Protocol

import numba
import numpy as np
from numpy.typing import NDArray

from hexseal.counting.scanline import Codes, Counts, Doubtful, Hits, Marked, count_marked
from hexseal.hexgrid.cells import TOLERANCE_PIXELS, View, cells_over, index_points
from hexseal.raster.grid import Grid, Window
from hexseal.raster.joint import JointClasses, TooManyCodesError
from hexseal.types import Bytes, Doubles, Integers
from hexseal.vector.polygons import Polygons

log = logging.getLogger(__name__)

# Square millimetres in a square metre and in a square centimetre. Areas are whole numbers for each
# pixel and are rounded to square centimetres when all of a cell is summed, so that neither the
# order of summation nor where windows are cut changes a digit; parents are exactly the sum of
# their children.
MM2 = 1_000_000
MM2_PER_CM2 = 100
# Below this many pixels in a cell, looking H3 up pixel by pixel is cheaper than drawing the cell.
SMALLEST_DRAWN_CELL = 8.0
ROWS_AT_ONCE = 64
# The scale of a projection is computed every so many pixels, and is linear in between.
NODES = 256


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Sparse counts: row i means that ``owner[i]`` holds ``pixels[i]`` pixels of ``code[i]``.

    Rows of the same owner and code add up; corrections are rows with negative pixels. Nothing
    adds to a row that is ``whole``: its owner lies within the window and needed no correction.
    Areas are in mm²; only whole sums are rounded.
    """

    owner: NDArray[np.uint64]
    code: Integers
    pixels: Integers
    area_mm2: Integers
    whole: NDArray[np.bool_]

    def chosen(self, places: Integers) -> "Tally":
        """Return some of the rows."""
        return Tally(*(getattr(self, name)[places] for name in Tally.__slots__))

    @staticmethod
    def joined(parts: "list[Tally]") -> "Tally":
        """Return the rows of several tallies as one."""
        columns = ([getattr(part, name) for part in parts] for name in Tally.__slots__)
        return Tally(*map(np.concatenate, columns))


@dataclass(frozen=True, slots=True, eq=False)
class Holders:
    """Who holds the marked pixels: row i adds ``pixels[i]`` (1 or -1) of ``pixel[i]`` to an owner.

    A correction takes a pixel from one owner and gives it to another.
    """

    owner: NDArray[np.uint64]
    pixel: Integers
    pixels: Integers


@dataclass(frozen=True, slots=True, eq=False)
class CodeCounts:
    """Counts of one window's codes per cell and per area, and who holds the marked pixels."""

    cells: Tally
    zones: Tally
    cell_holders: Holders
    zone_holders: Holders


@dataclass(frozen=True, slots=True, eq=False)
class WindowCounts:
    """Counts of one window per cell and per area, and the classes that its codes stand for."""

    classes: Bytes
    cells: Tally
    zones: Tally


class Joiner(Protocol):
    """Pack the bands of a window into one small code per pixel."""

    def join(self, bands: tuple[Bytes, ...]) -> JointClasses:
        """Return the codes of a window and what they stand for."""
        ...

    def refuse_unknown(self, bands: tuple[Bytes, ...], classes: NDArray[np.int16]) -> None:
        """Raise InputError when one of the joint classes that occur makes no sense."""
        ...


class WindowCounter:
    """Count windows of one grid; safe to share between threads.

    ``zones`` are the areas in pixel coordinates of the whole grid. Without a ``resolution`` only
    they are counted.
    """

    def __init__(self, grid: Grid, joiner: Joiner, resolution: int | None, zones: Polygons) -> None:
        self.grid = grid
        self.joiner = joiner
        self.resolution = resolution
        self.zones = zones
        self.zone_boxes = zones.boxes()

    def count(self, window: Window, bands: tuple[Bytes, ...]) -> WindowCounts:
        """Count one window; ``bands`` hold the classes of every year, shape of the window."""
        try:
            joint = self.joiner.join(bands)
        except TooManyCodesError:
            return self._count_halves(window, bands)
        found = self.count_codes(window, joint.codes, len(joint.classes))
        seen = np.unique(np.concatenate([found.cells.code, found.zones.code]))
        self.joiner.refuse_unknown(bands, joint.classes[seen])
        return WindowCounts(joint.classes.astype(np.uint8), found.cells, found.zones)

    def count_codes(
        self, window: Window, codes: Codes, code_count: int, marked: Marked | None = None
    ) -> CodeCounts:
        """Count the ``codes`` of one window, each below ``code_count``.

        Also find the owners of its ``marked`` pixels.
        """
        if marked is None:
            marked = Marked(np.zeros(len(codes) + 1, np.int64), np.zeros(0, np.int64))
        view = View(self.grid, window)
        coded = _Coded(codes, code_count, pixel_areas(self.grid, window), marked)
        zones, zone_holders = self._count_zones(view, coded)
        cells, cell_holders = zones.chosen(np.zeros(0, np.int64)), _nobody()
        if self.resolution is not None:
            cells, cell_holders = self._count_cells(view, coded, self.resolution)
        return CodeCounts(cells, zones, cell_holders, zone_holders)

    def _count_halves(self, window: Window, bands: tuple[Bytes, ...]) -> WindowCounts:
        """Count both halves of a window whose joint classes are too many to number."""
        axis = 0 if window.height >= window.width else 1
        halves = [np.array_split(band, 2, axis=axis) for band in bands]
        height, width = halves[0][0].shape
        row, column = (
            (window.row + height, window.column)
            if axis == 0
            else (window.row, window.column + width)
        )
        windows = (
            Window(window.row, window.column, height, width),
            Window(row, column, *halves[0][1].shape),
        )
        first, second = (
            self.count(part, tuple(np.ascontiguousarray(half[place]) for half in halves))
            for place, part in enumerate(windows)
        )
        shift = len(first.classes)
        cells, zones = (
            Tally.joined([one, replace(other, code=other.code + shift)])
            for one, other in ((first.cells, second.cells), (first.zones, second.zones))
        )
        return WindowCounts(np.concatenate([first.classes, second.classes]), cells, zones)

    def touches_zone(self, window: Window) -> bool:
        """Return whether an area may reach into a window."""
        frame = window.column, window.row, window.width, window.height
        return self.zones.within(self.zone_boxes, frame).owners.size > 0

    def _count_cells(self, view: View, coded: "_Coded", resolution: int) -> tuple[Tally, Holders]:
        cells = None
        if view.pixels_per_cell(resolution) >= SMALLEST_DRAWN_CELL:
            cells = cells_over(view, resolution)
        if cells is None:
            return self._count_pixels(view, coded, resolution)
        counts, doubtful, hits = coded.count(cells.polygons, TOLERANCE_PIXELS)
        judged = np.unique(np.concatenate([counts.polygon, doubtful.polygon]))
        identifiers = np.zeros(cells.polygons.count, dtype=np.uint64)
        identifiers[judged] = cells.identifiers(judged)
        settled = _settle(doubtful, view, identifiers, cells.resolution, coded)
        if counts.pixels.sum() + settled.counts.pixels.sum() != coded.codes.size:
            log.warning("%s: cells overlap or leave gaps; counting pixel by pixel", view.window)
            return self._count_pixels(view, coded, resolution)
        whole = _within(cells.polygons, view.window)
        whole[settled.counts.polygon] = False
        parts = self._tally(counts, whole), self._tally(settled.counts, whole)
        tally = Tally.joined([replace(part, owner=identifiers[part.owner]) for part in parts])
        holders = Holders(
            identifiers[np.concatenate([hits.polygon, settled.hits.polygon])],
            np.concatenate([hits.pixel, settled.hits.pixel]),
            np.concatenate([np.ones(len(hits.pixel), np.int64), settled.signs]),
        )
        return tally, holders

    def _count_pixels(self, view: View, coded: "_Coded", resolution: int) -> tuple[Tally, Holders]:
        """Return the counts with the cell of every pixel by the H3 library, some rows at a time."""
        parts, holders = [], []
        for start in range(0, view.window.height, ROWS_AT_ONCE):
            codes = coded.codes[start : start + ROWS_AT_ONCE]
            rows, columns = np.indices(codes.shape).reshape(2, -1)
            rows += start
            lon, lat = view.lonlat(columns.astype(np.float64), rows.astype(np.float64))
            cells, owner = np.unique(index_points(lon, lat, resolution), return_inverse=True)
            places, where = np.unique(owner * coded.code_count + codes.ravel(), return_inverse=True)
            area = None
            if coded.area is not None:
                area = np.zeros(len(places), np.int64)
                np.add.at(area, where, coded.area[rows, columns])
            held, code = np.divmod(places, coded.code_count)
            tally = self._tally(Counts(held, code, np.bincount(where), area))
            parts.append(replace(tally, owner=cells[held]))
            marked = coded.marked.pixels_of(start, start + len(codes))
            at = (coded.marked.row()[marked] - start) * codes.shape[1]
            at += coded.marked.columns[marked]
            holders.append((cells[owner[at]], marked))
        owners, pixels = (np.concatenate(axis) for axis in zip(*holders, strict=True))
        return Tally.joined(parts), Holders(owners, pixels, np.ones(len(pixels), np.int64))

    def _count_zones(self, view: View, coded: "_Coded") -> tuple[Tally, Holders]:
        window = view.window
        frame = window.column, window.row, window.width, window.height
        near = self.zones.within(self.zone_boxes, frame)
        counts, _, hits = coded.count(near, 0.0)
        ones = np.ones(len(hits.pixel), np.int64)
        return self._tally(counts), Holders(hits.polygon.astype(np.uint64), hits.pixel, ones)

    def _tally(self, counts: Counts, whole: NDArray[np.bool_] | None = None) -> Tally:
        """Return counts with areas, owned by the polygons' own numbers.

        ``whole`` marks the polygons that are whole; without it none is.
        """
        area = counts.area
        if area is None:
            area = counts.pixels * nominal_mm2(self.grid)
        owner = counts.polygon.astype(np.uint64)
        known = np.zeros(owner.size, np.bool_) if whole is None else whole[counts.polygon]
        return Tally(owner, counts.code, counts.pixels, area, known)


@dataclass(frozen=True, slots=True, eq=False)
class _Coded:
    """The codes of a window, the areas of its pixels (None: all alike), and marked pixels."""

    codes: Codes
    code_count: int
    area: Integers | None
    marked: Marked

    def count(self, polygons: Polygons, tolerance: float) -> tuple[Counts, Doubtful, Hits]:
        """Count them in polygons."""
        return count_marked(
            self.codes, polygons, self.marked,
            code_count=self.code_count, area=self.area, tolerance=tolerance,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Settled:
    """What must be added to the counts and to the holders of marked pixels (``signs``: 1, -1)."""

    counts: Counts
    hits: Hits
    signs: Integers


def nominal_mm2(grid: Grid) -> int:
    """Return the area of a pixel of a projected grid in mm² of the map."""
    return round(grid.nominal_pixel_area_m2 * MM2)


def pixel_areas(grid: Grid, window: Window) -> Integers | None:
    """Return the true areas of a window's pixels in mm², shape of the window.

    None where the grid's own are true. The area of a pixel is the same in every window.
    """
    if grid.is_equal_area:
        return None
    shape = window.height, window.width
    if grid.is_geographic:
        rows = np.arange(window.row, window.row + window.height)
        area = np.rint(grid.row_area_m2(rows) * MM2).astype(np.int64)
        return np.broadcast_to(area[:, None], shape)
    rows, down = _lattice(window.row, window.height, grid.height)
    columns, across = _lattice(window.column, window.width, grid.width)
    mesh = np.meshgrid(rows.astype(np.float64), columns.astype(np.float64), indexing="ij")
    lonlat = grid.to_lonlat(*grid.centers(mesh[0].ravel(), mesh[1].ravel()))
    nodes = grid.nominal_pixel_area_m2 / grid.areal_scale(*lonlat).reshape(mesh[0].shape)
    return _interpolated(nodes, rows, columns, down, across)


def _lattice(start: int, length: int, end: int) -> tuple[Integers, Integers]:
    """Return the places of an axis where the scale is computed, and the one before each pixel.

    They are the multiples of NODES and the last pixel of the whole axis.
    """
    nodes = np.unique(np.append(np.arange(0, end, NODES), end - 1))
    places = np.arange(start, start + length)
    before = np.clip(np.searchsorted(nodes, places, "right") - 1, 0, max(len(nodes) - 2, 0))
    chosen = nodes[before[0] : before[-1] + 2]
    return chosen, np.vstack([places, before - before[0]])


@numba.njit(cache=True, nogil=True)
def _interpolated(
    nodes: Doubles, rows: Integers, columns: Integers, down: Integers, across: Integers
) -> Integers:
    """Return areas in mm² between ``nodes`` (m²), linear along both axes."""
    areas = np.empty((down.shape[1], across.shape[1]), np.int64)
    last_row, last_column = rows.size - 1, columns.size - 1
    for r in range(down.shape[1]):
        top = down[1, r]
        bottom = min(top + 1, last_row)
        y = (down[0, r] - rows[top]) / max(rows[bottom] - rows[top], 1)
        for c in range(across.shape[1]):
            left = across[1, c]
            right = min(left + 1, last_column)
            x = (across[0, c] - columns[left]) / max(columns[right] - columns[left], 1)
            above = nodes[top, left] * (1.0 - x) + nodes[top, right] * x
            below = nodes[bottom, left] * (1.0 - x) + nodes[bottom, right] * x
            areas[r, c] = np.int64(np.rint((above * (1.0 - y) + below * y) * MM2))
    return areas


def _within(polygons: Polygons, window: Window) -> NDArray[np.bool_]:
    """Return, for each single-ring polygon, whether all its pixels lie in the window."""
    left, top, right, bottom = polygons.boxes()
    across = (left > -0.5) & (right < window.width - 0.5)
    return across & (top > -0.5) & (bottom < window.height - 0.5)


def _nobody() -> Holders:
    none = np.zeros(0, np.int64)
    return Holders(none.astype(np.uint64), none, none)


def _settle(
    doubtful: Doubtful,
    view: View,
    identifiers: NDArray[np.uint64],
    resolution: int,
    coded: _Coded,
) -> _Settled:
    """Return what must be added to the counts, by the H3 library's answer for pixels at an edge.

    Each cell's own judgement is corrected by itself: +1 where it left out a pixel that is its
    own, −1 where it took one that is not. So it does not matter whether both neighbours doubted.
    """
    width = view.window.width
    place = doubtful.row * width + doubtful.column
    _, first = np.unique(doubtful.polygon * coded.codes.size + place, return_index=True)
    pixels, position = np.unique(place[first], return_inverse=True)
    rows, columns = np.divmod(pixels, width)
    lon, lat = view.lonlat(columns.astype(np.float64), rows.astype(np.float64))
    owner = index_points(lon, lat, resolution)[position]
    polygon = doubtful.polygon[first]
    change = (identifiers[polygon] == owner).astype(np.int64) - doubtful.inside[first]
    wrong = np.flatnonzero(change)
    rows, columns = rows[position][wrong], columns[position][wrong]
    area = None if coded.area is None else change[wrong] * coded.area[rows, columns]
    code = coded.codes[rows, columns].astype(np.int64)
    counts = Counts(polygon[wrong], code, change[wrong], area)
    marked = coded.marked.row() * width + coded.marked.columns
    at = np.searchsorted(marked, rows * width + columns)
    held = at < len(marked)
    held[held] = marked[at[held]] == (rows * width + columns)[held]
    return _Settled(counts, Hits(polygon[wrong][held], at[held]), change[wrong][held])
