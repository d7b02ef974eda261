"""Shift, drift and sharpness of large pairs: measured on all rows against the sample of rows.

    python bench/registration.py

Pairs of 8 192 x 8 192 pixels of towns with noise of their own in each year and new patches, the
second map shifted, drifting or less sharp. Prints for each figure "all rows / sample".
"""

import argparse
from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from hexseal.raster import registration
from hexseal.raster.registration import BlockPlace, Displacement, edge_sums, solve_displacement
from hexseal.raster.runs import find_runs
from hexseal.types import Bytes, Floats

SIDE, TILE = 8192, 2731
FIGURES = ("shift", "shift_error", "drift", "sharpness")
# How far the second map is shifted in pixels, whether the shift drifts, and its blur.
KINDS = {
    "same": (0.0, False, 0.7), "shift 0.1": (0.1, False, 0.7), "shift 0.15": (0.15, False, 0.7),
    "shift 0.3": (0.3, False, 0.7), "shift 0.5": (0.5, False, 0.7), "drift 0.6": (0.6, True, 0.7),
    "less sharp": (0.0, False, 1.1),
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    arguments = parser.parse_args()
    for kind in arguments.kinds:
        for seed in range(1, arguments.seeds + 1):
            plane = draw(seed, *KINDS[kind])
            every, sample = measured(plane)
            figures = [
                f"{name} {getattr(every, name):.4f} / {getattr(sample, name):.4f}"
                for name in FIGURES
            ]
            apart = np.nanmax(np.abs(every.blocks - sample.blocks))
            print(f"{kind}, seed {seed}: {', '.join(figures)}; blocks {apart:.3f} apart at most")


def draw(seed: int, shift: float, drifts: bool, blur: float) -> Bytes:
    """Return a plane of change between two maps of the same towns."""
    rng = np.random.default_rng(seed)
    towns = ndimage.gaussian_filter(rng.standard_normal((TILE, TILE)), 4.0, mode="wrap") / 0.07
    ground = np.tile(towns.astype(np.float32), (3, 3))[:SIDE, :SIDE]
    first = mapped(ground, 0.7, rng)
    second = mapped(moved(ground, shift, drifts), blur, rng)
    second |= ndimage.binary_dilation(rng.random(ground.shape) < 0.0001, iterations=3)
    return (first | second.view(np.uint8) << 1).astype(np.uint8)


def mapped(ground: Floats, blur: float, rng: np.random.Generator) -> np.ndarray:
    noise = 0.06 * rng.standard_normal(ground.shape).astype(np.float32)
    return ndimage.gaussian_filter(ground + noise, blur) > 1.3


def moved(ground: Floats, shift: float, drifts: bool) -> Floats:
    if not drifts:
        return ndimage.shift(ground, (0.6 * shift, 0.8 * shift), order=1, mode="nearest")
    rows, columns = np.indices(ground.shape, dtype=np.float32)
    columns -= shift * np.sin(2 * np.pi * rows / SIDE)
    return ndimage.map_coordinates(ground, [rows, columns], order=1, mode="nearest")


def measured(plane: Bytes) -> Iterator[Displacement]:
    """Yield what all rows show, and what the sample does."""
    usual, runs = registration.SAMPLED_PIXELS, find_runs(plane)
    for least in (plane.size, usual):
        registration.SAMPLED_PIXELS = least
        sums = edge_sums(plane, runs, None, (0, SIDE, 0, SIDE), BlockPlace.of(plane.shape))
        yield solve_displacement(sums)
    registration.SAMPLED_PIXELS = usual


if __name__ == "__main__":
    main()
