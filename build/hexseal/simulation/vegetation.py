"""Land cover without people's buildings: rock, forest, heath, meadows and fields.

Fields lie in blocks of land with one direction each, cut into strips of varied width.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from numba import njit
from numpy.typing import NDArray
from rasterio import Affine
from rasterio.features import rasterize

from hexseal.simulation.fields import blur, blur_widely, distance, enlarge, fractal, smoothstep
from hexseal.simulation.terrain import PIXEL_M, Terrain
from hexseal.types import Bytes, Flags, Floats

BLOCK_PX = 58
# One direction per block is looked up on a coarse grid of the slope's direction.
ASPECT_PX = 20


@dataclass(frozen=True, slots=True)
class Parcels:
    """Which parcel each pixel belongs to.

    ``draw`` is a uniform random number in [0, 1) that is constant over a parcel, ``block``
    one that is constant over a block of parcels; ``rim_px`` is the distance to the parcel's
    border in pixels.
    """

    draw: Floats
    block: Floats
    rim_px: Floats


def cut_parcels(relief_m: Floats, land: Flags, rng: np.random.Generator) -> Parcels:
    """Cut the land into parcels whose long sides follow the contour lines; 0 at sea."""
    down, right = np.gradient(blur(relief_m, 8)[::ASPECT_PX, ::ASPECT_PX])
    angle = np.arctan2(down, right).astype(np.float32)
    return Parcels(*_cut(land, angle, int(rng.integers(2**31))))


@njit(cache=True, inline="always")
def _uniform(seed: int, a: int, b: int, c: int) -> float:
    """Hash four integers to [0, 1)."""
    value = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15)
    for part in (a, b, c):
        value ^= np.uint64(part + 0x7FFFFFFF) + (value << np.uint64(6)) + (value >> np.uint64(2))
        value *= np.uint64(0xBF58476D1CE4E5B9)
        value ^= value >> np.uint64(29)
    return (value >> np.uint64(40)) / 16777216.0


@njit(cache=True)
def _cut(
    land: Flags, aspect: Floats, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    draw = np.zeros(land.shape, np.float32)
    block = np.zeros(land.shape, np.float32)
    rim = np.zeros(land.shape, np.float32)
    for y in range(land.shape[0]):
        for x in range(land.shape[1]):
            if not land[y, x]:
                continue
            j, i, dy, dx = _nearest_block(seed, y, x)
            cell = aspect[
                min(max((y - int(dy)) // ASPECT_PX, 0), aspect.shape[0] - 1),
                min(max((x - int(dx)) // ASPECT_PX, 0), aspect.shape[1] - 1),
            ]
            turn = cell + (_uniform(seed, j, i, 3) - 0.5) * 0.7
            across = dx * np.cos(turn) + dy * np.sin(turn)
            along = dy * np.cos(turn) - dx * np.sin(turn)
            wide = 7.0 + 16.0 * _uniform(seed, j, i, 4) ** 1.5
            strip, left = _cut_line(seed + j * 7 + i, across, wide)
            long = wide * (1.2 + 2.0 * _uniform(seed, j, i, 5))
            piece, top = _cut_line(seed + j * 11 + i * 3 + strip * 5, along, long)
            draw[y, x] = _uniform(seed + j, i, strip, piece)
            block[y, x] = _uniform(seed, j, i, 6)
            rim[y, x] = min(left, top)
    return draw, block, rim


@njit(cache=True, inline="always")
def _nearest_block(seed: int, y: int, x: int) -> tuple[int, int, float, float]:
    row, column = y // BLOCK_PX, x // BLOCK_PX
    nearest = 1e18
    best = (0, 0, 0.0, 0.0)
    for j in range(row - 1, row + 2):
        for i in range(column - 1, column + 2):
            dy = y - (j + _uniform(seed, j, i, 1)) * BLOCK_PX
            dx = x - (i + _uniform(seed, j, i, 2)) * BLOCK_PX
            if dy * dy + dx * dx < nearest:
                nearest = dy * dy + dx * dx
                best = (j, i, dy, dx)
    return best


@njit(cache=True, inline="always")
def _cut_line(seed: int, position: float, step: float) -> tuple[int, float]:
    """Return the number of the unevenly spaced strip and the distance to its nearer border."""
    number = int(np.floor(position / step))
    low = (number + 0.6 * _uniform(seed, number, 7, 7)) * step
    if position < low:
        number -= 1
        low = (number + 0.6 * _uniform(seed, number, 7, 7)) * step
    high = (number + 1 + 0.6 * _uniform(seed, number + 1, 7, 7)) * step
    return number, min(position - low, high - position)


SEALED, NEEDLE, BROAD, EVERGREEN, SHRUB = 1, 2, 3, 4, 5
GRASS, CROPS, MOSS, BARE, WATER = 6, 7, 8, 9, 10
SEA_BUFFER, OUTSIDE = 253, 254
LOCAL = Affine(PIXEL_M, 0, 0, 0, PIXEL_M, 0)


@dataclass(frozen=True, slots=True)
class Countryside:
    """Natural and farmed cover of every pixel, and the parcels behind it."""

    cover: Bytes
    parcels: Parcels
    rivers: Flags


def grow_vegetation(terrain: Terrain, rng: np.random.Generator) -> Countryside:
    """Cover the island; the sea is WATER."""
    parcels = cut_parcels(terrain.relief_m, terrain.land, rng)
    rivers = _burn_rivers(terrain)
    cover = _farmland(terrain, parcels, rng)
    _plant_forests(cover, terrain, parcels, rng)
    _hedges(cover, parcels, terrain)
    _riverside(cover, terrain, rivers, rng)
    _rock_and_sand(cover, terrain, rng)
    cover[rivers | terrain.lakes | ~terrain.land] = WATER
    return Countryside(cover, parcels, rivers)


def _noise(
    terrain: Terrain, rng: np.random.Generator, *, longest: float, shortest: float
) -> Floats:
    """Return fractal noise, made on every second pixel: plants need no finer detail."""
    height, width = terrain.shape
    half = (height // 2, width // 2)
    field = fractal(half, rng, slope=1.8, longest=longest / 2, shortest=shortest / 2)
    return enlarge(field, terrain.shape)


def _burn_rivers(terrain: Terrain) -> Flags:
    if not terrain.rivers:
        return np.zeros(terrain.shape, bool)
    wide_m = 2.0 + 2.6 * np.sqrt(terrain.river_km2)
    shapes = shapely.buffer(np.array(terrain.rivers), wide_m)
    burnt = np.zeros(terrain.shape, np.uint8)
    rasterize(shapes, out=burnt, transform=LOCAL)
    return (burnt > 0) & terrain.land


def _farmland(terrain: Terrain, parcels: Parcels, rng: np.random.Generator) -> Bytes:
    """Fields where it is low and flat, meadows above, heath on top, parcel by parcel."""
    height = terrain.relief_m / max(float(terrain.relief_m.max()), 1)
    lumps = _noise(terrain, rng, longest=500, shortest=30)
    hard = 2.3 * height + 2.6 * terrain.slope + 0.16 * lumps
    hard = (hard + 0.45 * (parcels.block - 0.5)).astype(np.float32)
    chance = parcels.draw
    cover = np.full(terrain.shape, GRASS, np.uint8)
    cover[chance > 0.08 + 0.92 * smoothstep(hard, 0.16, 1.15)] = CROPS
    wild = hard + 0.22 * _noise(terrain, rng, longest=90, shortest=6)
    cover[(wild > 1.55) | ((chance > 0.965) & (hard > 0.5))] = SHRUB
    cover[(wild > 2.15) & (lumps > -0.3)] = GRASS
    cover[wild > 2.75] = MOSS
    return cover


def _plant_forests(
    cover: Bytes, terrain: Terrain, parcels: Parcels, rng: np.random.Generator
) -> None:
    """Woods on slopes and poor soil: broad-leaved low, needle-leaved high and in plantations."""
    height = terrain.relief_m / max(float(terrain.relief_m.max()), 1)
    patches = _noise(terrain, rng, longest=260, shortest=8)
    woody = patches + 2.8 * np.minimum(terrain.slope, 0.45) + 1.2 * np.minimum(height, 0.55)
    woody = woody - 5.0 * np.maximum(height - 0.66, 0) - 1.5 * smoothstep(-terrain.coast_px, -25, 0)
    forest = woody > 1.28
    small_woods = (patches > 0.9) & (parcels.draw > 0.80)
    kind = height + 0.10 * _noise(terrain, rng, longest=120, shortest=8)
    needle = (kind > 0.42) | ((parcels.block > 0.86) & (kind > 0.18))
    south = np.linspace(0, 1, terrain.shape[0], dtype=np.float32)[:, None]
    evergreen = (south - kind * 1.6 + 0.25 * patches > 0.62) & (parcels.block < 0.75)
    cover[forest | small_woods] = BROAD
    cover[forest & evergreen] = EVERGREEN
    cover[forest & needle] = NEEDLE
    cut = forest & needle & (parcels.draw > 0.95)
    cover[cut] = SHRUB


def _hedges(cover: Bytes, parcels: Parcels, terrain: Terrain) -> None:
    """Line some parcels with trees or bushes, where blocks are of the hedged kind."""
    hedged = (parcels.block > 0.25) & (parcels.block < 0.62) & (terrain.coast_px > 12)
    farmed = (cover == GRASS) | (cover == CROPS)
    line = (parcels.rim_px < 0.55) & hedged & farmed & (parcels.draw > 0.3)
    cover[line] = np.where(parcels.block[line] > 0.4, BROAD, SHRUB)


def _halved(mask: Flags) -> Flags:
    return mask[::2, ::2] | mask[1::2, ::2] | mask[::2, 1::2] | mask[1::2, 1::2]


def _riverside(cover: Bytes, terrain: Terrain, rivers: Flags, rng: np.random.Generator) -> None:
    """Trees along running water, reed and wet meadow in the flat valleys and round lakes."""
    water_px = 2 * enlarge(distance(_halved(rivers | terrain.lakes)), terrain.shape)
    ragged = _noise(terrain, rng, longest=60, shortest=4)
    open_land = (cover == GRASS) | (cover == CROPS)
    flat = blur(terrain.slope, 3) < 0.035
    cover[(water_px < 9 + 5 * ragged) & open_land & flat] = GRASS
    cover[(water_px < 2.2 + 1.2 * ragged) & (cover != BARE) & (ragged > -0.8)] = BROAD


def _rock_and_sand(cover: Bytes, terrain: Terrain, rng: np.random.Generator) -> None:
    """Cliffs and rocky summits; beaches in sheltered flat bays; heath along the coast."""
    height = terrain.relief_m / max(float(terrain.relief_m.max()), 1)
    rough = _noise(terrain, rng, longest=50, shortest=3)
    stretch = _noise(terrain, rng, longest=300, shortest=80)
    coast = terrain.coast_px
    open_coast = ~np.isin(cover, (NEEDLE, BROAD, EVERGREEN))
    cover[(coast < 9 + 5 * rough) & open_coast & (stretch > -0.4)] = SHRUB
    cover[(coast < 6 + 3 * rough) & (stretch > -0.9)] = GRASS
    cover[(terrain.slope + 0.05 * rough + 0.25 * height > 0.83) & (coast > 3)] = BARE
    cover[(coast < 1.6 + 0.7 * rough) & (stretch > 0.1)] = BARE
    sheltered = blur_widely(terrain.land.astype(np.float32), 30) > 0.52
    cover[(coast < 3.2 + 1.2 * rough) & sheltered & (terrain.slope < 0.22)] = BARE
