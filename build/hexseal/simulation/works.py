"""The building yard: what was built so far, where there is room, and how to find it."""

from dataclasses import dataclass, field

import numpy as np
import shapely
from rasterio import Affine
from rasterio.features import rasterize

from hexseal.simulation.covers import Buildings
from hexseal.simulation.settlements import Network
from hexseal.simulation.streets import Plots
from hexseal.simulation.terrain import PIXEL_M, Terrain
from hexseal.simulation.vegetation import LOCAL
from hexseal.types import Doubles, Flags, Objects

LINK_M = 450


@dataclass(slots=True)
class Works:
    """The building yard: what was built so far and where there is still room.

    ``free`` marks open, fairly flat land without buildings, on the 10 m grid; ``vacant``
    holds the empty plots of each settlement, ``ways`` the roads and streets to link to,
    ``dwellings`` the homes by the year in which they first stand.
    """

    terrain: Terrain
    network: Network
    buildings: Buildings
    free: Flags
    dwellings: dict[int, list[Doubles]] = field(default_factory=dict)
    vacant: list[Plots] = field(default_factory=list)
    ways: list[shapely.LineString] = field(default_factory=list)
    quarries: list[Objects] = field(default_factory=list)
    yards: list[tuple[float, float, float]] = field(default_factory=list)

    def occupy(self, shapes: Objects, margin_m: float = 0.0) -> None:
        """Take the land under ``shapes`` and ``margin_m`` around it off the free land."""
        for shape in shapely.buffer(shapes, margin_m):
            if not shape.is_empty:
                _clear(self.free, shape)


def _clear(free: Flags, shape: shapely.Geometry) -> None:
    """Set the pixels that ``shape`` touches to False, working on its bounding box only."""
    left, top, right, bottom = (shapely.bounds(shape) / PIXEL_M).astype(int)
    rows = slice(max(0, top), min(free.shape[0], bottom + 1))
    columns = slice(max(0, left), min(free.shape[1], right + 1))
    window = free[rows, columns]
    if window.size:
        place = LOCAL @ Affine.translation(columns.start, rows.start)
        taken = np.zeros(window.shape, np.uint8)
        rasterize([shape], out=taken, transform=place, all_touched=True)
        window &= taken == 0


def link(works: Works, xy: Doubles, half_width_m: float) -> Objects:
    """Return a straight access road from ``xy`` to the nearest road.

    Empty where water bars the way or it is longer than LINK_M.
    """
    here = shapely.Point(xy)
    nearest = works.ways[int(np.argmin(shapely.distance(works.ways, here)))]
    line = shapely.shortest_line(here, nearest)
    spots = (shapely.get_coordinates(shapely.segmentize(line, 20)) // PIXEL_M).astype(int)
    if line.length > LINK_M or not works.terrain.dry[spots[:, 1], spots[:, 0]].all():
        return np.empty(0, dtype=object)
    return np.array([shapely.buffer(line, half_width_m)], dtype=object)


def place_rectangle(
    works: Works,
    near_xy: Doubles,
    size_m: tuple[float, float],
    rng: np.random.Generator,
    *,
    within_m: tuple[float, float],
    free_share: float = 0.97,
) -> tuple[Doubles, float] | None:
    """Find room for a rectangle around ``near_xy``: its centre and angle, or None."""
    grid = np.stack(np.meshgrid(np.linspace(-0.5, 0.5, 9), np.linspace(-0.5, 0.5, 9)), -1)
    for _ in range(220):
        way, turn = rng.uniform(0, 2 * np.pi), rng.uniform(0, np.pi)
        reach = rng.uniform(*within_m)
        centre = near_xy + reach * np.array([np.cos(way), np.sin(way)])
        local = grid.reshape(-1, 2) * np.array(size_m)
        spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        spots = ((local @ spin + centre) // PIXEL_M).astype(int)
        inside = (spots >= 0).all() and (spots < np.array(works.free.shape)[::-1]).all()
        if inside and works.free[spots[:, 1], spots[:, 0]].mean() >= free_share:
            return centre, turn
    return None


def offset_xy(centre: Doubles, angle: float, local: Doubles) -> Doubles:
    """Turn points of a rectangle's own axes into local metres."""
    spin = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return local @ spin + centre
