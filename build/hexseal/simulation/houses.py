"""Roads, streets and houses: the fabric of towns and villages."""

import numpy as np
import shapely
from numpy.typing import NDArray

from hexseal.simulation.covers import HARD, Batch, rectangles
from hexseal.simulation.settlements import Settlement
from hexseal.simulation.streets import Plots, grow_streets, line_plots
from hexseal.simulation.works import Works
from hexseal.types import Doubles, Flags, Objects

# About one plot in eight is still empty in 2018: later single houses fill them.
VACANT = 0.13


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
