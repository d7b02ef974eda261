"""Field parcels: blocks of land with one direction each, cut into strips of varied width."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hexseal.simulation.fields import blur
from hexseal.types import Flags, Floats

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
