"""Two noisy maps of one made landscape: towns, confidence by distance from the threshold."""

import numpy as np
from scipy import ndimage

EIGHT = np.ones((3, 3), np.bool_)


def draw_maps(
    rows: int = 400, columns: int = 420, seed: int = 4, *, grows: bool = True
) -> dict[str, np.ndarray]:
    """Return codes a, b (1 is sealed), confidence ca, cb (0 to 100), and the truths ta, tb.

    Twelve new buildings of 6 x 6 pixels; errors gather along the edges of towns.
    """
    rng = np.random.default_rng(seed)
    towns = _smooth(rng, (rows, columns), 9.0) > 0.9
    grown = towns.copy()
    for place in range(12 if grows else 0):
        row, column = (
            rows // 5 + rows // 5 * (place // 4),
            columns // 6 + columns // 5 * (place % 4),
        )
        grown[row : row + 6, column : column + 6] = True
    shared = 0.10 * _smooth(rng, (rows, columns), 1.3)
    origin = np.where(_smooth(rng, (rows, columns), 20.0) > 0, 6, 7).astype(np.uint8)
    bands: dict[str, np.ndarray] = {"ta": towns, "tb": grown}
    for name, cover in (("a", towns), ("b", grown)):
        score = ndimage.gaussian_filter(cover.astype(np.float64), 0.7) + shared
        score += 0.13 * _smooth(rng, (rows, columns), 0.9)
        bands[name] = np.where(score > 0.5, np.uint8(1), origin)
        bands[f"c{name}"] = (100 * (1 - np.exp(-np.abs(score - 0.5) / 0.15))).astype(np.uint8)
    return bands


def _smooth(rng: np.random.Generator, shape: tuple[int, int], sigma: float) -> np.ndarray:
    found = ndimage.gaussian_filter(rng.standard_normal(shape), sigma)
    return found / found.std()
