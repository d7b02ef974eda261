"""The bare island: coastline, relief carved by running water, rivers and lakes."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage

from hexseal.simulation.fields import (
    block_mean,
    blur,
    distance,
    enlarge,
    fractal,
    labelled,
    smoothstep,
    steepness,
)
from hexseal.simulation.spread import Spread, accumulate, drain, erode_once, trace, upstream
from hexseal.types import Flags, Floats

PIXEL_M = 10.0
# One routing cell is 5 pixels of 10 m: fine enough for a road, coarse enough for a heap.
COARSE = 5
EROSION_STEPS = 24


@dataclass(frozen=True, slots=True)
class Terrain:
    """The island before anybody lived there, on the 10 m grid.

    ``relief_m`` is 0 at sea; ``coast_px`` is the distance to the sea and ``sea_px`` to the
    land, both in pixels; ``rivers`` are lines in local metres (x to the right, y
    downwards from the upper left corner) with the drained area of each in km².
    """

    land: Flags
    relief_m: Floats
    slope: Floats
    coast_px: Floats
    sea_px: Floats
    lakes: Flags
    rivers: tuple[shapely.LineString, ...]
    river_km2: tuple[float, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Return (rows, columns)."""
        return self.land.shape  # type: ignore[return-value]

    @property
    def dry(self) -> Flags:
        """Return the land that no lake covers."""
        return self.land & ~self.lakes

    @property
    def span(self) -> float:
        """Return the size of the island as one length, in units of 15 km."""
        return float(np.sqrt(self.land.sum()) * PIXEL_M / 15_000)


def shape_terrain(shape: tuple[int, int], rng: np.random.Generator) -> Terrain:
    """Build coast, relief and waters of an island that fills about half of ``shape``."""
    land = _coast(shape, rng)
    coast_px = distance(~land)
    relief = _relief(land, coast_px, rng)
    flow, drained = _drainage(relief, land)
    lakes = _lakes(relief, flow, drained, rng) & land
    rivers, river_km2 = _rivers(flow, drained)
    slope = steepness(blur(relief, 1.5), PIXEL_M)
    return Terrain(land, relief, slope, coast_px, distance(land), lakes, rivers, river_km2)


def _coast(shape: tuple[int, int], rng: np.random.Generator) -> Flags:
    side = min(shape)
    bulk = enlarge(_dome(shape, rng), shape)
    bulk += 0.42 * fractal(shape, rng, slope=1.7, longest=side * 0.5, shortest=4)
    land = np.asarray(ndimage.binary_fill_holes(bulk > np.quantile(bulk[::4, ::4], 0.53)))
    labels, sizes = labelled(land)
    return (sizes >= 25)[labels] & land


def _dome(shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Return the rough body of the island on cells of 100 m, bays cut in, sea at the frame."""
    small = (shape[0] // 10, shape[1] // 10)
    side = min(small)
    rows, columns = np.linspace(-1, 1, small[0]), np.linspace(-1, 1, small[1])
    y, x = np.meshgrid(rows, columns, indexing="ij")
    bend = fractal(small, rng, slope=2.2, longest=side * 1.2, shortest=side / 10)
    x, y = x + 0.10 * bend, y + 0.10 * np.roll(bend, side // 3, axis=1)
    tilt = rng.uniform(-0.25, 0.25)
    x, y = x * np.cos(tilt) + y * np.sin(tilt), y * np.cos(tilt) - x * np.sin(tilt)
    bulk = 1 - (np.abs(x) / 0.80) ** 2.3 - (np.abs(y) / 0.76) ** 2.3
    return (bulk - 1.5 * _bays(small, rng) - 4 * _near_frame(small)).astype(np.float32)


def _bays(shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Carve a few drowned valleys from the sea towards the middle."""
    side = min(shape)
    rows, columns = np.indices(shape, dtype=np.float32)
    down, right = rows - shape[0] / 2, columns - shape[1] / 2
    carved = np.zeros(shape, np.float32)
    for angle in rng.uniform(0, 2 * np.pi) + np.arange(4) * np.pi / 2 + rng.normal(0, 0.3, 4):
        along = right / shape[1] * np.cos(angle) + down / shape[0] * np.sin(angle)
        across = down * np.cos(angle) - right * np.sin(angle)
        reach = smoothstep(along, rng.uniform(0.12, 0.24), 0.40)
        wide = side * rng.uniform(0.025, 0.06)
        carved += rng.uniform(0.8, 1.5) * reach * np.exp(-((across / wide) ** 2))
    return carved


def _near_frame(shape: tuple[int, int]) -> Floats:
    """Return 0 in the middle, rising towards the frame, so that the sea surrounds all."""
    margins = [np.minimum(np.arange(n), np.arange(n)[::-1]) / (0.2 * min(shape)) for n in shape]
    nearest = np.clip(1 - margins[0][:, None], 0, 1) ** 2 + np.clip(1 - margins[1], 0, 1) ** 2
    return nearest.astype(np.float32)


def _relief(land: Flags, coast_px: Floats, rng: np.random.Generator) -> Floats:
    shape = land.shape
    factor = 10
    inside = block_mean(land.astype(np.float32), factor) > 0.5
    dome = block_mean(coast_px, factor)
    small = dome.shape
    ridges = 1 - np.abs(fractal(small, rng, slope=1.6, longest=90, shortest=4))
    lumps = fractal(small, rng, slope=2.0, longest=120, shortest=10)
    uplift = (dome / max(dome.max(), 1)) ** 0.8 * np.clip(
        0.75 + 0.3 * ridges + 0.45 * lumps, 0.1, 3
    )
    carved = _erode(uplift.astype(np.float32), inside, rng)
    summit = 52 * (land.sum() * PIXEL_M**2 / 1e6) ** 0.45
    smooth = blur(enlarge(carved * summit / max(float(carved.max()), 1e-6), shape, 3), 4)
    steep = steepness(smooth, PIXEL_M)
    fine = fractal(shape, rng, slope=1.7, longest=60, shortest=3)
    low = fractal((shape[0] // 10, shape[1] // 10), rng, slope=2.2, longest=30, shortest=6)
    ramp = enlarge(low, shape)
    shore = smoothstep(coast_px, 0, 1) * (0.25 + 0.75 * smoothstep(coast_px, 0, 26))
    relief = (smooth + fine * (0.8 + 22 * steep)) * shore
    relief += np.clip(ramp, 0, 2) * 9 * smoothstep(coast_px, 0, 6)
    return np.where(land, np.maximum(relief, 1.0), 0).astype(np.float32)


def _erode(uplift: Floats, inside: Flags, rng: np.random.Generator) -> Floats:
    """Raise and carve in turn until valleys branch as running water makes them."""
    start = uplift * 0.6 + 0.02 * rng.random(uplift.shape, dtype=np.float32)
    elevation = start.astype(np.float32)
    elevation[~inside] = 0
    for _ in range(EROSION_STEPS):
        flow = drain(elevation, ~inside)
        elevation = erode_once(
            elevation + uplift * 0.07, (flow.parent, flow.order, accumulate(flow)), 0.028
        )
        elevation[~inside] = 0
        elevation = ((0.9 * elevation + 0.1 * blur(elevation, 0.9)) * inside).astype(np.float32)
    return elevation


def _drainage(relief: Floats, land: Flags) -> tuple[Spread, Floats]:
    """Return the flow over routing cells and the drained area of each in km²."""
    coarse_land = block_mean(land.astype(np.float32), COARSE) > 0.5
    flow = drain(block_mean(relief, COARSE), ~coarse_land)
    cell_km2 = np.float32((COARSE * PIXEL_M / 1000) ** 2)
    return flow, accumulate(flow) * coarse_land * cell_km2


def _rivers(
    flow: Spread, drained_km2: Floats
) -> tuple[tuple[shapely.LineString, ...], tuple[float, ...]]:
    wet = drained_km2 > 0.7
    fed = np.zeros(wet.size, bool)
    fed[flow.parent[wet & (flow.parent >= 0)]] = True
    heads = np.flatnonzero(wet.ravel() & ~fed)
    seen = np.zeros(wet.size, bool)
    lines: list[shapely.LineString] = []
    areas: list[float] = []
    for head in heads[np.argsort(-flow.cost.ravel()[heads], kind="stable")]:
        path = trace(flow.parent, int(head))
        cells = (path[:, 0] * wet.shape[1] + path[:, 1]).astype(int)
        stop = int(np.argmax(seen[cells])) if seen[cells].any() else len(cells) - 1
        stop = _first_sea(drained_km2.ravel()[cells], stop)
        seen[cells[:stop]] = True
        for first in range(0, stop, 12):
            last = min(first + 12, stop)
            if last > first:
                areas.append(float(drained_km2.ravel()[cells[last - 1]]))
        lines += _pieces(smooth_line(path[: stop + 1]), stop)
    return tuple(lines), tuple(areas)


def _first_sea(drained_km2: NDArray[np.float32], stop: int) -> int:
    sea = np.flatnonzero(drained_km2[: stop + 1] <= 0)
    return int(sea[0]) if len(sea) else stop


def _pieces(line: NDArray[np.float64], stop: int) -> list[shapely.LineString]:
    cuts = [(a, min(a + 12, stop)) for a in range(0, stop, 12)]
    return [shapely.LineString(line[a : b + 1]) for a, b in cuts if b > a]


def smooth_line(path: NDArray[np.float64], sigma: float = 1.6) -> NDArray[np.float64]:
    """Turn (row, column) routing cells into rounded (x, y) local metres, ends kept."""
    xy = (path[:, ::-1] + 0.5) * COARSE * PIXEL_M
    if len(xy) < 4:
        return xy
    soft = ndimage.gaussian_filter1d(xy, sigma, axis=0, mode="nearest")
    soft[0], soft[-1] = xy[0], xy[-1]
    return soft


def _lakes(relief: Floats, flow: Spread, drained_km2: Floats, rng: np.random.Generator) -> Flags:
    """Dam a few rivers in flat valleys and fill what lies upstream and below the dam."""
    surface = flow.cost
    wanted = max(1, round(float((drained_km2 > 0).sum()) / 24_000))
    candidates = np.flatnonzero((drained_km2 > 1.5) & (drained_km2 < 25) & (surface > 15))
    lakes = np.zeros(surface.shape, bool)
    for dam in rng.permutation(candidates)[:60]:
        above = upstream(flow, int(dam))
        water = above & (surface < surface.ravel()[dam] + rng.uniform(4, 12))
        near = blur(lakes.astype(np.float32), 8) > 0.001
        if 40 <= water.sum() <= 320 and not (water & near).any():
            lakes |= water
            wanted -= 1
        if wanted == 0:
            break
    soft = enlarge(blur(lakes.astype(np.float32), 0.7), relief.shape, 1)
    return soft + 0.06 * fractal(relief.shape, rng, slope=1.5, longest=40, shortest=4) > 0.5
