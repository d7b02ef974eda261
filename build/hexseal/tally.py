"""Count the joint classes of one window in its hexagons and areas."""

import logging
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hexseal.cells import TOLERANCE_PIXELS, Cells, View, cells_over, index_points
from hexseal.grid import Grid, Window
from hexseal.joint import Bytes, ClassJoiner, JointClasses
from hexseal.scanline import (
    Counts,
    Doubtful,
    Integers,
    PixelArea,
    Polygons,
    count_polygons,
)

log = logging.getLogger(__name__)

# Square centimetres in a square metre: areas are summed as whole numbers, so that no order of
# summation changes a digit and parents are exactly the sum of their children.
CM2 = 10_000
# Below this many pixels in a cell, asking H3 pixel by pixel is cheaper than drawing the cell.
SMALLEST_DRAWN_CELL = 8.0
ROWS_AT_ONCE = 64


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Sparse counts: row i says that ``owner[i]`` holds ``pixels[i]`` pixels of ``code[i]``."""

    owner: NDArray[np.uint64]
    code: Integers
    pixels: Integers
    area_cm2: Integers


@dataclass(frozen=True, slots=True, eq=False)
class WindowCounts:
    """Counts of one window per cell and per area, and the classes that its codes stand for."""

    classes: Bytes
    cells: Tally
    zones: Tally


class WindowCounter:
    """Count windows of one grid; safe to share between threads.

    ``zones`` are the areas in pixel coordinates of the whole grid.
    """

    def __init__(self, grid: Grid, joiner: ClassJoiner, resolution: int, zones: Polygons) -> None:
        self.grid = grid
        self.joiner = joiner
        self.resolution = resolution
        self.zones = zones
        self.zone_boxes = zones.boxes()

    def count(self, window: Window, bands: tuple[Bytes, ...]) -> WindowCounts:
        """Count one window; ``bands`` hold the classes of every year, shape of the window."""
        view = View(self.grid, window)
        joint = self.joiner.join(bands)
        area = self._pixel_area(view)
        cells = self._count_cells(view, joint, area)
        return WindowCounts(joint.classes, cells, self._count_zones(view, joint, area))

    def _count_cells(self, view: View, joint: JointClasses, area: PixelArea | None) -> Tally:
        cells = None
        if view.pixels_per_cell(self.resolution) >= SMALLEST_DRAWN_CELL:
            cells = cells_over(view, self.resolution)
        if cells is None:
            return self._count_pixels(view, joint, area)
        counts, doubtful = count_polygons(
            joint.codes,
            cells.polygons,
            code_count=len(joint.classes),
            area=area,
            tolerance=TOLERANCE_PIXELS,
        )
        _settle(counts, doubtful, view, cells, joint.codes, area)
        if counts.pixels.sum() != joint.codes.size:
            log.warning("%s: cells overlap or leave gaps; counting pixel by pixel", view.window)
            return self._count_pixels(view, joint, area)
        tally = self._sparse(counts)
        held, position = np.unique(tally.owner.astype(np.int64), return_inverse=True)
        return replace(tally, owner=cells.identifiers(held)[position])

    def _count_pixels(self, view: View, joint: JointClasses, area: PixelArea | None) -> Tally:
        """Ask the H3 library for the cell of every pixel, some rows at a time."""
        parts = []
        for start in range(0, view.window.height, ROWS_AT_ONCE):
            codes = joint.codes[start : start + ROWS_AT_ONCE]
            rows, columns = np.indices(codes.shape).reshape(2, -1)
            rows += start
            lon, lat = view.lonlat(columns.astype(np.float64), rows.astype(np.float64))
            cells, owner = np.unique(
                index_points(lon, lat, self.resolution), return_inverse=True
            )
            shape = cells.size, len(joint.classes)
            place = owner * shape[1] + codes.ravel()
            size = shape[0] * shape[1]
            pixels = np.bincount(place, minlength=size).reshape(shape)
            m2 = None
            if area is not None:
                weights = area.at(rows, columns, view.window.width)
                m2 = np.bincount(place, weights, minlength=size).reshape(shape)
            tally = self._sparse(Counts(pixels, m2))
            parts.append((cells[tally.owner], tally.code, tally.pixels, tally.area_cm2))
        return Tally(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def _count_zones(self, view: View, joint: JointClasses, area: PixelArea | None) -> Tally:
        window = view.window
        frame = window.column, window.row, window.width, window.height
        near = self.zones.within(self.zone_boxes, frame)
        chosen, owners = np.unique(near.owners, return_inverse=True)
        near = replace(near, owners=owners, count=chosen.size)
        counts, _ = count_polygons(joint.codes, near, code_count=len(joint.classes), area=area)
        tally = self._sparse(counts)
        return replace(tally, owner=chosen[tally.owner].astype(np.uint64))

    def _sparse(self, counts: Counts) -> Tally:
        owner, code = counts.pixels.nonzero()
        pixels = counts.pixels[owner, code]
        m2 = pixels * self.grid.nominal_pixel_area_m2 if counts.area is None else counts.area[owner, code]
        return Tally(owner.astype(np.uint64), code, pixels, np.rint(m2 * CM2).astype(np.int64))

    def _pixel_area(self, view: View) -> PixelArea | None:
        """Return the true areas of a window's pixels, or None where the grid's own are true."""
        if self.grid.is_equal_area:
            return None
        rows = np.arange(view.window.height)
        if self.grid.is_geographic:
            return PixelArea(self.grid.row_area_m2(rows + view.window.row))
        middle, last = 0.5 * (view.window.width - 1), float(view.window.width - 1)
        scale = self.grid.areal_scale(*view.lonlat(np.full(rows.size, middle), rows * 1.0))
        ends = np.array([0.0, last]), np.full(2, 0.5 * (view.window.height - 1))
        left, right = 1.0 / self.grid.areal_scale(*view.lonlat(*ends))
        nominal = self.grid.nominal_pixel_area_m2
        return PixelArea(nominal / scale, nominal * (right - left) / max(last, 1.0))


def _settle(
    counts: Counts,
    doubtful: Doubtful,
    view: View,
    cells: Cells,
    codes: NDArray[np.uint16],
    area: PixelArea | None,
) -> None:
    """Ask the H3 library for the pixels next to an edge and correct what was counted, in place.

    Each cell's own judgement is corrected by itself: +1 where it left out a pixel that is its
    own, -1 where it took one that is not. So it does not matter whether both neighbours doubted.
    """
    if doubtful.row.size == 0:
        return
    width = view.window.width
    judged = np.column_stack([doubtful.polygon, doubtful.row * width + doubtful.column])
    judged, first = np.unique(judged, axis=0, return_index=True)
    pixels, position = np.unique(judged[:, 1], return_inverse=True)
    rows, columns = np.divmod(pixels, width)
    owner = index_points(
        *view.lonlat(columns.astype(np.float64), rows.astype(np.float64)), cells.resolution
    )
    mine = cells.identifiers(judged[:, 0]) == owner[position]
    change = mine.astype(np.int64) - doubtful.inside[first]
    code = codes[rows, columns][position]
    np.add.at(counts.pixels, (judged[:, 0], code), change)
    if counts.area is not None and area is not None:
        weights = area.at(rows, columns, width)[position]
        np.add.at(counts.area, (judged[:, 0], code), change * weights)
