"""The building yard: what was built so far, where there is room, houses and their streets."""

from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio import Affine
from rasterio.features import rasterize

from hexseal.simulation.covers import HARD, Batch, Buildings, rectangles
from hexseal.simulation.settlements import Network, Settlement
from hexseal.simulation.streets import Plots, grow_streets, line_plots
from hexseal.simulation.terrain import PIXEL_M, Terrain
from hexseal.simulation.vegetation import LOCAL
from hexseal.types import Doubles, Flags, Objects

LINK_M = 450
# About one plot in eight is still empty in 2018: later single houses fill them.
VACANT = 0.13


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


def build_roads(works: Works, rng: np.random.Generator) -> None:
    """Pave the roads between settlements, each as wide as its class."""
    roads = np.array(works.network.roads, dtype=object)
    wide = shapely.buffer(roads, rng.choice([4.6, 5.2, 6.5], len(roads)), cap_style="flat")
    works.buildings.add(Batch("road", HARD, wide))
    works.occupy(wide, 10)
    works.ways += works.network.roads


def build_settlement(
    works: Works, place: Settlement, buildable: Flags, rng: np.random.Generator
) -> Doubles:
    """Build streets and houses of one settlement; return where people live."""
    streets = grow_streets(place, works.network.roads, buildable, rng)
    lines = shapely.buffer([shapely.LineString(s) for s in streets], 3.6, quad_segs=3)
    works.buildings.add(Batch("street", HARD, np.asarray(lines, dtype=object)))
    works.ways += [shapely.LineString(street) for street in streets]
    works.occupy(np.array([shapely.union_all(lines)], dtype=object), 32)
    plots = line_plots(place, streets, buildable, rng)
    _build_centre(works, place, plots, rng)
    empty = rng.random(len(plots.xy)) < VACANT * (1.35 - plots.centrality)
    works.vacant.append(pick(plots, empty))
    built = pick(plots, ~empty)
    works.buildings.add(Batch("house", HARD, house_shapes(built, rng)))
    return built.xy


def pick(plots: Plots, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Plots:
    """Return the chosen plots only."""
    parts = (plots.xy, plots.angle, plots.centrality, plots.curb_xy)
    return Plots(*(part[chosen] for part in parts))


def house_shapes(plots: Plots, rng: np.random.Generator) -> Objects:
    """Return a house and its paved drive or court for each plot."""
    count = len(plots.xy)
    along = 10.0 + 5.0 * rng.random(count) + 2.5 * plots.centrality
    across = 9.0 + 4.0 * rng.random(count) + 3.5 * plots.centrality
    houses = rectangles(plots.xy, np.column_stack([along, across]), plots.angle)
    toward = plots.curb_xy - plots.xy
    middle = plots.xy + 0.55 * toward
    reach = np.hypot(*toward.T)
    wide = 4.5 + 9 * plots.centrality + 4 * rng.random(count)
    drives = rectangles(middle, np.column_stack([wide, reach * 0.9]), plots.angle)
    return np.concatenate([houses, drives])


def _build_centre(works: Works, place: Settlement, plots: Plots, rng: np.random.Generator) -> None:
    """Pave squares and courts, build church, school and shops near the middle."""
    share = 0.55 if place.is_town else 0.25
    chosen = rng.random(len(plots.xy)) < share * np.clip(plots.centrality * 2.2 - 0.7, 0, 1)
    central = pick(plots, chosen)
    size = np.column_stack([18 + 20 * rng.random(len(central.xy)) for _ in range(2)])
    courts = rectangles(central.xy, size, central.angle)
    works.buildings.add(Batch("court", HARD, courts))
