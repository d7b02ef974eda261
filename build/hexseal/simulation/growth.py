"""What is built after 2018: houses, estates, a bypass, halls, a car park, a solar park."""

from dataclasses import dataclass

import numpy as np
import shapely

from hexseal.simulation.covers import BARE_GROUND, GARDEN, HARD, Batch, rectangles
from hexseal.simulation.sites import smooth_line_xy, yard_shapes
from hexseal.simulation.streets import Plots
from hexseal.simulation.works import Works, house_shapes, link, offset_xy, pick, place_rectangle
from hexseal.types import Doubles, Objects

# New sealed per three years as a share of land, before ``growth`` scales it.
TARGET_SHARE = 0.00075
SHARES = {"house": 0.34, "estate": 0.30, "industry": 0.20, "road": 0.10}


@dataclass(frozen=True, slots=True)
class NewObject:
    """One thing built (or removed) between two years."""

    kind: str
    year: int
    shape: shapely.Geometry


def grow(works: Works, growth: float, rng: np.random.Generator) -> list[NewObject]:
    """Add the building of 2019 to 2024 to ``works`` and return the list of what was built."""
    if growth <= 0:
        return []
    built: list[NewObject] = []
    land_m2 = float(works.terrain.land.sum()) * 100
    for year in (2021, 2024):
        budget_m2 = land_m2 * TARGET_SHARE * growth
        built += _bypass(works, year, budget_m2 * SHARES["road"], rng)
        built += _parks(works, year, budget_m2 * SHARES["industry"], rng)
        built += _special(works, year, budget_m2, rng)
        built += _estates(works, year, budget_m2 * SHARES["estate"], rng)
        built += _houses(works, year, budget_m2 * SHARES["house"], rng)
        built += _demolish(works, year, budget_m2 * 0.012, rng)
    return built


def _log(kind: str, year: int, shapes: Objects) -> list[NewObject]:
    return [NewObject(kind, year, shape) for shape in shapes if not shape.is_empty]


def _houses(works: Works, year: int, budget_m2: float, rng: np.random.Generator) -> list[NewObject]:
    """Fill empty plots one house at a time; a few plots are building sites one epoch before."""
    pool = np.array([(s, i) for s, plots in enumerate(works.vacant) for i in range(len(plots.xy))])
    wanted = min(len(pool), max(1, round(budget_m2 / 250)))
    chosen = pool[np.sort(rng.permutation(len(pool))[:wanted])] if len(pool) else pool
    built: list[NewObject] = []
    for settlement in np.unique(chosen[:, 0]) if len(chosen) else []:
        taken = np.zeros(len(works.vacant[settlement].xy), bool)
        taken[chosen[chosen[:, 0] == settlement, 1]] = True
        plots = pick(works.vacant[settlement], taken)
        works.vacant[settlement] = pick(works.vacant[settlement], ~taken)
        works.dwellings.setdefault(year, []).append(plots.xy)
        built += _raise_houses(works, year, plots, rng)
    return built


def _raise_houses(
    works: Works, year: int, plots: Plots, rng: np.random.Generator
) -> list[NewObject]:
    shapes = house_shapes(plots, rng)
    both = shapes.reshape(2, -1)
    digging = rng.random(len(plots.xy)) < 0.12
    sites = rectangles(plots.xy, np.full((len(plots.xy), 2), 20.0), plots.angle)[digging]
    works.buildings.add(Batch("site", BARE_GROUND, sites, year - 3, year, under=True))
    works.buildings.add(Batch("house", HARD, shapes, year))
    return _log("house", year, shapely.union(both[0], both[1]))


def _estates(
    works: Works, year: int, budget_m2: float, rng: np.random.Generator
) -> list[NewObject]:
    """Build housing estates on open land at the edge of settlements."""
    built: list[NewObject] = []
    left = budget_m2 / 0.52
    places = works.network.settlements
    for attempt in range(12):
        area = float(np.clip(rng.lognormal(np.log(16_000), 0.5), 4_000, max(5_000, left)))
        if left < 3_000 or attempt > 10:
            break
        place = places[0] if rng.random() < 0.4 else places[int(rng.integers(len(places)))]
        wide = np.sqrt(area * rng.uniform(1.1, 1.9))
        size = (float(wide), float(area / wide))
        near = (place.radius_m * 0.5, place.radius_m * 1.25 + 200)
        spot = place_rectangle(works, place.xy, size, rng, within_m=near)
        if spot is not None:
            built += _lay_estate(works, year, (*spot, size), rng)
            left -= area
    return built


def _lay_estate(
    works: Works,
    year: int,
    frame: tuple[Doubles, float, tuple[float, float]],
    rng: np.random.Generator,
) -> list[NewObject]:
    centre, angle, size = frame
    outline = rectangles(centre[None], np.array([size]), np.array([angle]))
    rows = max(1, round(size[1] / 58))
    offsets = (np.arange(rows) + 0.5) / rows * size[1] - size[1] / 2
    lanes_xy = offset_xy(centre, angle, np.column_stack([np.zeros(rows), offsets]))
    lanes = rectangles(lanes_xy, np.tile([size[0] * 0.96, 6.5], (rows, 1)), np.full(rows, angle))
    x = np.arange(-size[0] / 2 + 11, size[0] / 2 - 9, 18.0)
    local = np.array([(u, v + side * 16) for v in offsets for u in x for side in (-1, 1)])
    curb = np.array([(u, v) for v in offsets for u in x for _ in (0, 1)])
    count = len(local)
    plots = Plots(
        offset_xy(centre, angle, local.reshape(count, 2)),
        np.full(count, angle),
        np.full(count, 0.35),
        offset_xy(centre, angle, curb.reshape(count, 2)),
    )
    houses = house_shapes(plots, rng)
    if rng.random() < 0.6:
        works.buildings.add(Batch("site", BARE_GROUND, outline, year - 3, year, under=True))
    works.buildings.add(Batch("garden", GARDEN, outline, year, under=True))
    works.buildings.add(
        Batch("estate", HARD, np.concatenate([lanes, houses, link(works, centre, 3.5)]), year)
    )
    works.occupy(outline, 15)
    works.dwellings.setdefault(year, []).append(plots.xy)
    return _log("estate", year, outline)


def _parks(works: Works, year: int, budget_m2: float, rng: np.random.Generator) -> list[NewObject]:
    """Extend the business parks."""
    built: list[NewObject] = []
    left = budget_m2 / 0.62
    for x, y, side in works.yards * 2:
        if left < 2_000:
            break
        area = min(left, rng.uniform(15_000, 40_000))
        wide = np.sqrt(area * 1.5)
        size = (float(wide), float(area / wide))
        reach = (side * 0.4, side * 1.2 + wide)
        spot = place_rectangle(works, np.array([x, y]), size, rng, within_m=reach)
        if spot is None:
            continue
        halls, storage = yard_shapes(*spot, size, rng)
        outline = rectangles(spot[0][None], np.array([size]), np.array([spot[1]]))
        works.buildings.add(Batch("site", BARE_GROUND, outline, year - 3, year, under=True))
        works.buildings.add(Batch("garden", GARDEN, outline, year, under=True))
        works.buildings.add(
            Batch("industry", HARD, np.concatenate([halls, link(works, spot[0], 4)]), year)
        )
        works.buildings.add(Batch("storage", BARE_GROUND, storage, year, under=True))
        works.occupy(outline, 15)
        built += _log("industry", year, outline)
        left -= area
    return built


def _bypass(works: Works, year: int, budget_m2: float, rng: np.random.Generator) -> list[NewObject]:
    """Lead a new road around the town, from one of its roads to the next."""
    town, wide_m = works.network.settlements[0], 11.0
    radius = town.radius_m * rng.uniform(1.12, 1.28)
    wanted = budget_m2 / wide_m / radius
    best, best_score = np.empty((0, 2)), 0.35
    for start, end in _gaps_between_roads(works, radius):
        angles = np.linspace(start, min(end, start + 1.5 * wanted), 30)
        wave = radius * (1 + 0.07 * np.sin(np.pi * (angles - start) / max(end - start, 0.1)))
        line = town.xy + wave[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])
        spots = np.clip((line // 10).astype(int), 0, np.array(works.free.shape)[::-1] - 1)
        dry = float(works.free[spots[:, 1], spots[:, 0]].mean())
        if not works.terrain.dry[spots[:, 1], spots[:, 0]].all():
            dry -= 0.4
        score = dry - 0.3 * abs(np.log((angles[-1] - start) / wanted))
        if score > best_score:
            best, best_score = line, score
    if not len(best):
        return []
    road = np.array([shapely.LineString(smooth_line_xy(best)).buffer(wide_m / 2)], dtype=object)
    works.buildings.add(
        Batch("site", BARE_GROUND, shapely.buffer(road, 4), year - 3, year, under=True)
    )
    works.buildings.add(Batch("bypass", HARD, road, year))
    # A wide strip, so that the next bypass goes elsewhere.
    works.occupy(road, 130)
    return _log("bypass", year, road)


def _gaps_between_roads(works: Works, radius: float) -> list[tuple[float, float]]:
    """Return the arcs (start and end angle) of a ring round the town that no road crosses."""
    town = works.network.settlements[0]
    ring = shapely.Point(town.x, town.y).buffer(radius).exterior
    crossed = shapely.intersection(np.array(works.network.roads, dtype=object), ring)
    points = shapely.get_coordinates(crossed) - town.xy
    angles = np.unique(np.round(np.arctan2(points[:, 1], points[:, 0]), 3))
    if not len(angles):
        angles = np.array([0.0, 2.0, 4.0])
    ends = np.append(angles[1:], angles[0] + 2 * np.pi)
    return [(float(a), float(b)) for a, b in zip(angles, ends, strict=True) if b - a > 0.15]


def _special(
    works: Works, year: int, budget_m2: float, rng: np.random.Generator
) -> list[NewObject]:
    """Turn half a quarry into a car park in 2021; set up a solar park in 2024."""
    side = float(np.sqrt(budget_m2 * 0.10))
    if year == 2021 and works.quarries:
        pit = works.quarries[0][0]
        middle = np.array([[pit.centroid.x, pit.centroid.y]])
        lot = rectangles(middle, np.array([[side * 1.2, side / 1.2]]), np.array([0.4]))
        lot = shapely.intersection(lot, pit.buffer(-8))
        works.buildings.add(Batch("car park", HARD, lot, year))
        return _log("car park", year, lot)
    if year == 2024:
        return _solar_park(works, year, side, rng)
    return []


def _solar_park(works: Works, year: int, side: float, rng: np.random.Generator) -> list[NewObject]:
    """Count panels as sealed, as the CLC+ manual of 2023 does."""
    town, size = works.network.settlements[0], (side * 1.3, side / 1.3)
    reach = (town.radius_m, town.radius_m * 3.5)
    spot = place_rectangle(works, town.xy, size, rng, within_m=reach)
    if spot is None:
        return []
    panels = rectangles(spot[0][None], np.array([size]), np.array([spot[1]]))
    works.buildings.add(Batch("solar park", HARD, panels, year))
    works.occupy(panels, 10)
    return _log("solar park", year, panels)


def _demolish(
    works: Works, year: int, budget_m2: float, rng: np.random.Generator
) -> list[NewObject]:
    """Return one small sealed place to grass."""
    halls = [b for b in works.buildings.batches if b.kind in ("industry", "court") and b.since == 0]
    shapes = [shape for batch in halls for shape in batch.shapes if 300 < shape.area < 5_000]
    if not shapes:
        return []
    gone = shapes[int(rng.integers(len(shapes)))]
    side = float(np.sqrt(max(budget_m2, 400)))
    hole = np.array([gone.intersection(gone.centroid.buffer(side / 2, cap_style="square"))])
    works.buildings.add(Batch("garden", GARDEN, hole, year))
    return _log("demolished", year, hole)
