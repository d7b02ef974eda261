"""Count the joint classes of one window in its hexagons and areas."""

import logging
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hexseal.counting.scanline import (
    Counts,
    Doubtful,
    PixelArea,
    count_polygons,
)
from hexseal.hexgrid.cells import TOLERANCE_PIXELS, View, cells_over, index_points
from hexseal.raster.grid import Grid, Window
from hexseal.raster.joint import JointClasses, TooManyCodesError
from hexseal.types import Bytes, Integers
from hexseal.vector.polygons import Polygons

log = logging.getLogger(__name__)

# Square centimetres in a square metre: areas are summed as whole numbers, so that no order of
# summation changes a digit and parents are exactly the sum of their children.
CM2 = 10_000
# Below this many pixels in a cell, asking H3 pixel by pixel is cheaper than drawing the cell.
SMALLEST_DRAWN_CELL = 8.0
ROWS_AT_ONCE = 64


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Sparse counts: row i says that ``owner[i]`` holds ``pixels[i]`` pixels of ``code[i]``.

    Rows of the same owner and code add up; corrections are rows with negative pixels. Nothing
    adds to a row that is ``whole``: its owner lies within the window and needed no correction.
    """

    owner: NDArray[np.uint64]
    code: Integers
    pixels: Integers
    area_cm2: Integers
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
        view = View(self.grid, window)
        try:
            joint = self.joiner.join(bands)
        except TooManyCodesError:
            return self._count_halves(window, bands)
        area = self._pixel_area(view)
        zones = self._count_zones(view, joint, area)
        cells = zones.chosen(np.zeros(0, np.int64))
        if self.resolution is not None:
            cells = self._count_cells(view, joint, area, self.resolution)
        seen = np.unique(np.concatenate([cells.code, zones.code]))
        self.joiner.refuse_unknown(bands, joint.classes[seen])
        return WindowCounts(joint.classes.astype(np.uint8), cells, zones)

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

    def _count_cells(
        self, view: View, joint: JointClasses, area: PixelArea | None, resolution: int
    ) -> Tally:
        cells = None
        if view.pixels_per_cell(resolution) >= SMALLEST_DRAWN_CELL:
            cells = cells_over(view, resolution)
        if cells is None:
            return self._count_pixels(view, joint, area, resolution)
        counts, doubtful = count_polygons(
            joint.codes,
            cells.polygons,
            code_count=len(joint.classes),
            area=area,
            tolerance=TOLERANCE_PIXELS,
        )
        judged = np.unique(np.concatenate([counts.polygon, doubtful.polygon]))
        identifiers = np.zeros(cells.polygons.count, dtype=np.uint64)
        identifiers[judged] = cells.identifiers(judged)
        settled = _settle(doubtful, view, identifiers, cells.resolution, joint.codes, area)
        if counts.pixels.sum() + settled.pixels.sum() != joint.codes.size:
            log.warning("%s: cells overlap or leave gaps; counting pixel by pixel", view.window)
            return self._count_pixels(view, joint, area, resolution)
        whole = _within(cells.polygons, view.window)
        whole[settled.polygon] = False
        parts = self._tally(counts, whole), self._tally(settled, whole)
        return Tally.joined([replace(part, owner=identifiers[part.owner]) for part in parts])

    def _count_pixels(
        self, view: View, joint: JointClasses, area: PixelArea | None, resolution: int
    ) -> Tally:
        """Ask the H3 library for the cell of every pixel, some rows at a time."""
        parts = []
        for start in range(0, view.window.height, ROWS_AT_ONCE):
            codes = joint.codes[start : start + ROWS_AT_ONCE]
            rows, columns = np.indices(codes.shape).reshape(2, -1)
            rows += start
            lon, lat = view.lonlat(columns.astype(np.float64), rows.astype(np.float64))
            cells, owner = np.unique(index_points(lon, lat, resolution), return_inverse=True)
            places, where = np.unique(
                owner * len(joint.classes) + codes.ravel(), return_inverse=True
            )
            m2 = None
            if area is not None:
                weights = area.at(rows, columns, view.window.width)
                m2 = np.bincount(where, weights).astype(np.float64)
            held, code = np.divmod(places, len(joint.classes))
            tally = self._tally(Counts(held, code, np.bincount(where), m2))
            parts.append(replace(tally, owner=cells[held]))
        return Tally.joined(parts)

    def _count_zones(self, view: View, joint: JointClasses, area: PixelArea | None) -> Tally:
        window = view.window
        frame = window.column, window.row, window.width, window.height
        near = self.zones.within(self.zone_boxes, frame)
        counts, _ = count_polygons(joint.codes, near, code_count=len(joint.classes), area=area)
        return self._tally(counts)

    def _tally(self, counts: Counts, whole: NDArray[np.bool_] | None = None) -> Tally:
        """Return counts with areas in whole cm², owned by the polygons' own numbers.

        ``whole`` tells of each polygon whether it is whole; without it none is.
        """
        m2 = counts.area
        if m2 is None:
            m2 = counts.pixels * self.grid.nominal_pixel_area_m2
        area_cm2 = np.rint(m2 * CM2).astype(np.int64)
        owner = counts.polygon.astype(np.uint64)
        known = np.zeros(owner.size, np.bool_) if whole is None else whole[counts.polygon]
        return Tally(owner, counts.code, counts.pixels, area_cm2, known)

    def _pixel_area(self, view: View) -> PixelArea | None:
        """Return the true areas of a window's pixels, or None where the grid's own are true."""
        if self.grid.is_equal_area:
            return None
        rows = np.arange(view.window.height)
        if self.grid.is_geographic:
            return PixelArea(self.grid.row_area_m2(rows + view.window.row))
        middle, last = 0.5 * (view.window.width - 1), float(view.window.width - 1)
        scale = self.grid.areal_scale(
            *view.lonlat(np.full(rows.size, middle), rows.astype(np.float64))
        )
        ends = np.array([0.0, last]), np.full(2, 0.5 * (view.window.height - 1))
        left, right = 1.0 / self.grid.areal_scale(*view.lonlat(*ends))
        nominal = self.grid.nominal_pixel_area_m2
        return PixelArea(nominal / scale, nominal * (right - left) / max(last, 1.0))


def _within(polygons: Polygons, window: Window) -> NDArray[np.bool_]:
    """Return, for each single-ring polygon, whether all its pixels lie in the window."""
    left, top, right, bottom = polygons.boxes()
    across = (left > -0.5) & (right < window.width - 0.5)
    return across & (top > -0.5) & (bottom < window.height - 0.5)


def _settle(
    doubtful: Doubtful,
    view: View,
    identifiers: NDArray[np.uint64],
    resolution: int,
    codes: NDArray[np.uint16],
    area: PixelArea | None,
) -> Counts:
    """Ask the H3 library for the pixels next to an edge; return what must be added to the counts.

    Each cell's own judgement is corrected by itself: +1 where it left out a pixel that is its
    own, −1 where it took one that is not. So it does not matter whether both neighbours doubted.
    """
    width = view.window.width
    place = doubtful.row * width + doubtful.column
    _, first = np.unique(doubtful.polygon * codes.size + place, return_index=True)
    pixels, position = np.unique(place[first], return_inverse=True)
    rows, columns = np.divmod(pixels, width)
    lon, lat = view.lonlat(columns.astype(np.float64), rows.astype(np.float64))
    owner = index_points(lon, lat, resolution)[position]
    polygon = doubtful.polygon[first]
    change = (identifiers[polygon] == owner).astype(np.int64) - doubtful.inside[first]
    wrong = np.flatnonzero(change)
    rows, columns = rows[position][wrong], columns[position][wrong]
    m2 = None if area is None else change[wrong] * area.at(rows, columns, width)
    return Counts(polygon[wrong], codes[rows, columns].astype(np.int64), change[wrong], m2)
