"""Streets that branch off the roads inside a settlement, and the house plots along them."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from hexseal.simulate.fields import Mask
from hexseal.simulate.settlements import Settlement
from hexseal.simulate.terrain import PIXEL_M

STEP_M = 12.0
Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Plots:
    """House plots along streets: where a house stands or could stand.

    ``xy`` is the house's centre, ``angle`` the street's direction, ``centrality`` 1 in the
    settlement's middle and 0 at its rim, ``curb_xy`` the point of the street before it.
    """

    xy: Points
    angle: NDArray[np.float64]
    centrality: NDArray[np.float64]
    curb_xy: Points


def grow_streets(
    place: Settlement,
    roads: tuple[shapely.LineString, ...],
    buildable: Mask,
    rng: np.random.Generator,
) -> list[Points]:
    """Return streets as points 12 m apart: the roads' inner parts first, then the branches."""
    streets = _inner_roads(place, roads)
    if not streets:
        streets = [place.xy + np.array([[-2.0, 0], [-1, 0], [0, 0], [1, 0], [2, 0]]) * STEP_M]
    known = np.vstack(streets)
    spacing = 68.0 if place.is_town else 58.0
    wanted_m = 1.9 * place.radius_m**2 / spacing
    squeeze = rng.uniform(0.6, 1.0), rng.uniform(0, np.pi)
    length_m = 0.0
    for _ in range(int(wanted_m / 10)):
        street = _branch(place, streets, known, (buildable, spacing, squeeze), rng)
        if len(street) >= 5:
            streets.append(street)
            known = np.vstack([known, street[1:]])
            length_m += len(street) * STEP_M
        if length_m > wanted_m:
            break
    return streets


def _inner_roads(place: Settlement, roads: tuple[shapely.LineString, ...]) -> list[Points]:
    disc = shapely.Point(place.x, place.y).buffer(place.radius_m * 1.15)
    parts = shapely.get_parts(shapely.intersection(np.array(roads, dtype=object), disc))
    lines = [part for part in parts if part.length > 3 * STEP_M]
    return [shapely.get_coordinates(line.segmentize(STEP_M)) for line in lines]


def _branch(
    place: Settlement,
    streets: list[Points],
    known: Points,
    limits: tuple[Mask, float, tuple[float, float]],
    rng: np.random.Generator,
) -> Points:
    """March away from a street at about a right angle until something is in the way."""
    buildable, spacing, squeeze = limits
    parent = streets[int(rng.integers(len(streets)))]
    at = int(rng.integers(1, max(2, len(parent) - 1)))
    along = parent[min(at + 1, len(parent) - 1)] - parent[at - 1]
    heading = np.arctan2(along[1], along[0]) + rng.choice((-1, 1)) * np.pi / 2
    heading += rng.normal(0, 0.12)
    bend = rng.normal(0, 0.035)
    points = [parent[at]]
    longest = int(rng.integers(6, 32 if place.is_town else 20))
    away = np.hypot(*(known - parent[at]).T)
    others = known[(away > 1.05 * STEP_M) & (away < longest * STEP_M + spacing)]
    for step in range(longest):
        heading += bend + rng.normal(0, 0.02)
        new = points[-1] + STEP_M * np.array([np.cos(heading), np.sin(heading)])
        if not _inside(place, new, squeeze) or not _is_true(buildable, new):
            break
        gap = float(np.hypot(*(others - new).T).min()) if len(others) else np.inf
        start_gap = float(np.hypot(*(new - points[0])))
        if step > 3 and gap < STEP_M * 1.2:
            points.append(others[int(np.argmin(np.hypot(*(others - new).T)))])
            break
        if gap < min(spacing * 0.72, start_gap * 0.93) and (step < 4 or gap > spacing * 0.45):
            if step > 5:
                break
            return np.array(points[:1])
        points.append(new)
    return np.array(points)


def _inside(place: Settlement, xy: Points, squeeze: tuple[float, float]) -> bool:
    narrow, turn = squeeze
    dx, dy = xy - place.xy
    along = dx * np.cos(turn) + dy * np.sin(turn)
    across = dy * np.cos(turn) - dx * np.sin(turn)
    wave = 1 + 0.22 * np.sin(3 * np.arctan2(dy, dx) + turn * 5)
    return bool(np.hypot(along, across / narrow) < place.radius_m * wave)


def _is_true(mask: Mask, xy: Points) -> bool:
    row, column = int(xy[1] // PIXEL_M), int(xy[0] // PIXEL_M)
    return 0 <= row < mask.shape[0] and 0 <= column < mask.shape[1] and bool(mask[row, column])


def line_plots(
    place: Settlement, streets: list[Points], buildable: Mask, rng: np.random.Generator
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


def _off_streets(table: Points, streets: list[Points]) -> NDArray[np.bool_]:
    """Drop the plots that would stand on another street."""
    tree = shapely.STRtree([shapely.LineString(street) for street in streets])
    hits = tree.query(shapely.points(table[:, :2]), predicate="dwithin", distance=7.5)
    clear = np.ones(len(table), bool)
    clear[hits[0]] = False
    return clear
