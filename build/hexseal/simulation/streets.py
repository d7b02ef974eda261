"""Streets that branch off the roads inside a settlement, and the house plots along them."""

from dataclasses import dataclass

import numpy as np
import shapely
from numba import njit
from numpy.typing import NDArray

from hexseal.simulation.settlements import Settlement
from hexseal.simulation.terrain import PIXEL_M
from hexseal.types import Doubles, Flags

STEP_M = 12.0


@dataclass(frozen=True, slots=True)
class Plots:
    """House plots along streets: where a house stands or could stand.

    ``xy`` is the house's centre, ``angle`` the street's direction, ``centrality`` 1 in the
    settlement's middle and 0 at its rim, ``curb_xy`` the point of the street before it.
    """

    xy: Doubles
    angle: NDArray[np.float64]
    centrality: NDArray[np.float64]
    curb_xy: Doubles


def grow_streets(
    place: Settlement,
    roads: tuple[shapely.LineString, ...],
    buildable: Flags,
    rng: np.random.Generator,
) -> list[Doubles]:
    """Return streets as points 12 m apart: the roads' inner parts first, then the branches."""
    streets = _inner_roads(place, roads)
    if not streets:
        streets = [place.xy + np.array([[-2.0, 0], [-1, 0], [0, 0], [1, 0], [2, 0]]) * STEP_M]
    spacing = 68.0 if place.is_town else 58.0
    squeeze, turn = rng.uniform(0.6, 1.0), rng.uniform(0, np.pi)
    outline = np.array([place.x, place.y, place.radius_m, squeeze, turn, spacing])
    wanted_m = 1.9 * place.radius_m**2 / spacing
    known = np.vstack(streets)
    for _ in range(int(wanted_m / 10)):
        start, headings = _departure(streets, 32 if place.is_town else 20, rng)
        street = _march(start, headings, known, outline, buildable)
        if len(street) >= 5:
            streets.append(street)
            known = np.vstack([known, street[1:]])
            wanted_m -= len(street) * STEP_M
        if wanted_m < 0:
            break
    return streets


def _inner_roads(place: Settlement, roads: tuple[shapely.LineString, ...]) -> list[Doubles]:
    disc = shapely.Point(place.x, place.y).buffer(place.radius_m * 1.15)
    parts = shapely.get_parts(shapely.intersection(np.array(roads, dtype=object), disc))
    lines = [part for part in parts if part.length > 3 * STEP_M]
    return [shapely.get_coordinates(line.segmentize(STEP_M)) for line in lines]


def _departure(
    streets: list[Doubles], longest: int, rng: np.random.Generator
) -> tuple[Doubles, NDArray[np.float64]]:
    """Choose where a new street leaves an old one, and its heading at every step."""
    parent = streets[int(rng.integers(len(streets)))]
    at = int(rng.integers(1, max(2, len(parent) - 1)))
    along = parent[min(at + 1, len(parent) - 1)] - parent[at - 1]
    heading = np.arctan2(along[1], along[0]) + rng.choice((-1, 1)) * np.pi / 2
    steps = np.arange(1, rng.integers(6, longest) + 1)
    wobble = rng.normal(0, 0.02, len(steps)).cumsum()
    return parent[at], heading + rng.normal(0, 0.12) + rng.normal(0, 0.035) * steps + wobble


@njit(cache=True)
def _march(
    start: Doubles,
    headings: NDArray[np.float64],
    known: Doubles,
    outline: NDArray[np.float64],
    buildable: Flags,
) -> Doubles:
    """Walk until the settlement ends or another street is near; join that one if it can be.

    A walk that starts too close to other streets returns fewer than five points.
    """
    spacing = outline[5]
    path = np.empty((len(headings) + 2, 2))
    path[0] = start
    count = 1
    for step in range(len(headings)):
        x = path[count - 1, 0] + STEP_M * np.cos(headings[step])
        y = path[count - 1, 1] + STEP_M * np.sin(headings[step])
        if not _inside(outline, buildable, x, y):
            break
        nearest, gap = _nearest(known, start, x, y)
        away = np.hypot(x - start[0], y - start[1])
        touches = step > 3 and gap < STEP_M * 1.2
        crowded = gap < min(spacing * 0.72, away * 0.93) and (step < 4 or gap > spacing * 0.45)
        if touches or (crowded and step > 5):
            path[count] = known[nearest]
            return path[: count + 1].copy()
        if crowded:
            return path[:1].copy()
        path[count, 0], path[count, 1] = x, y
        count += 1
    return path[:count].copy()


@njit(cache=True)
def _nearest(known: Doubles, start: Doubles, x: float, y: float) -> tuple[int, float]:
    """Find the street point nearest to (x, y), leaving out those at the walk's start."""
    best, least = 0, 1e18
    for i in range(len(known)):
        away = (known[i, 0] - x) ** 2 + (known[i, 1] - y) ** 2
        if away < least:
            behind = (known[i, 0] - start[0]) ** 2 + (known[i, 1] - start[1]) ** 2
            if behind > (1.05 * STEP_M) ** 2:
                best, least = i, away
    return best, np.sqrt(least)


@njit(cache=True)
def _inside(outline: NDArray[np.float64], buildable: Flags, x: float, y: float) -> bool:
    """Return whether a street may run here: within the settlement's lobed outline, on good land."""
    dx, dy, turn = x - outline[0], y - outline[1], outline[4]
    along = dx * np.cos(turn) + dy * np.sin(turn)
    across = dy * np.cos(turn) - dx * np.sin(turn)
    wave = 1 + 0.22 * np.sin(3 * np.arctan2(dy, dx) + turn * 5)
    if np.hypot(along, across / outline[3]) >= outline[2] * wave:
        return False
    row, column = int(y // PIXEL_M), int(x // PIXEL_M)
    inside = 0 <= row < buildable.shape[0] and 0 <= column < buildable.shape[1]
    return inside and buildable[row, column]


def line_plots(
    place: Settlement, streets: list[Doubles], buildable: Flags, rng: np.random.Generator
) -> Plots:
    """Set plots on both sides of every street, closer together towards the middle."""
    rows: list[tuple[float, ...]] = []
    for street in streets:
        line = shapely.LineString(street)
        for side in (-1, 1):
            at = rng.uniform(4, 16)
            while at < line.length - 4:
                here = shapely.get_coordinates(line.interpolate([at, at + 3.0]))
                central = max(0.0, 1 - float(np.hypot(*(here[0] - place.xy))) / place.radius_m)
                angle = float(np.arctan2(*(here[1] - here[0])[::-1])) if at + 3 < line.length else 0
                back = side * (9.5 + 7 * (1 - central) + rng.uniform(0, 4))
                x = here[0, 0] - np.sin(angle) * back
                y = here[0, 1] + np.cos(angle) * back
                rows.append((x, y, angle, central, *here[0]))
                at += (13.5 + 13 * (1 - central)) * rng.uniform(0.85, 1.5)
    table = np.array(rows)
    spots = (table[:, :2] // PIXEL_M).astype(int)
    spots = np.clip(spots, 0, np.array(buildable.shape)[::-1] - 1)
    table = table[_off_streets(table, streets) & buildable[spots[:, 1], spots[:, 0]]]
    return Plots(table[:, :2], table[:, 2], table[:, 3], table[:, 4:])


def _off_streets(table: Doubles, streets: list[Doubles]) -> NDArray[np.bool_]:
    """Drop the plots that would stand on another street."""
    tree = shapely.STRtree([shapely.LineString(street) for street in streets])
    hits = tree.query(shapely.points(table[:, :2]), predicate="dwithin", distance=7.5)
    clear = np.ones(len(table), bool)
    clear[hits[0]] = False
    return clear
