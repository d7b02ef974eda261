"""Random fields: the raw material of coast, relief, vegetation and map errors."""

import numpy as np
import scipy.fft
from numba import njit
from numpy.typing import NDArray
from scipy import ndimage

from hexseal.types import Flags, Floats


def fractal(
    shape: tuple[int, int],
    rng: np.random.Generator,
    *,
    slope: float = 2.0,
    longest: float = 400.0,
    shortest: float = 2.0,
) -> Floats:
    """Return noise of mean 0 and variance 1 whose amplitude falls as wavelength ** slope.

    ``longest`` and ``shortest`` are the wavelengths kept, in pixels.
    """
    spectrum = scipy.fft.rfft2(rng.standard_normal(shape, dtype=np.float32))
    rows = np.fft.fftfreq(shape[0])[:, None]
    columns = np.fft.rfftfreq(shape[1])[None, :]
    frequency = np.hypot(rows, columns).astype(np.float32)
    kept = (frequency >= 1 / longest) & (frequency <= 1 / shortest)
    weight = np.where(kept, np.maximum(frequency, 1e-6) ** -slope, 0).astype(np.float32)
    field = np.asarray(scipy.fft.irfft2(np.asarray(spectrum) * weight, s=shape), np.float32)
    return (field - field.mean()) / max(float(field.std()), 1e-9)


def blur(field: Floats, sigma: float) -> Floats:
    """Return ``field`` smoothed by a Gaussian of ``sigma`` pixels."""
    soft = ndimage.gaussian_filter(np.asarray(field, np.float32), sigma, truncate=3.0)
    return np.asarray(soft, np.float32)


def blur_widely(field: Floats, sigma: float, factor: int = 10) -> Floats:
    """Return nearly what ``blur`` does, made on blocks of ``factor`` pixels: for wide sigmas."""
    return enlarge(blur(block_mean(field, factor), sigma / factor), field.shape)


def smoothstep(field: Floats, low: float, high: float) -> Floats:
    """Rise smoothly from 0 at ``low`` to 1 at ``high``.

    >>> smoothstep(np.array([0, 1, 2, 3], np.float32), 1, 3).tolist()
    [0.0, 0.0, 0.5, 1.0]
    """
    ramp = np.clip((field - low) / (high - low), 0, 1)
    return (ramp * ramp * (3 - 2 * ramp)).astype(np.float32)


def distance(mask: Flags) -> Floats:
    """Return, for every pixel, the distance in pixels to the nearest True pixel of ``mask``."""
    return np.asarray(ndimage.distance_transform_edt(~mask), np.float32)


def block_mean(field: Floats, factor: int) -> Floats:
    """Average ``field`` over squares of ``factor`` pixels; both sides must be multiples."""
    height, width = field.shape
    blocks = field.reshape(height // factor, factor, width // factor, factor)
    return blocks.mean(axis=(1, 3), dtype=np.float32)


def enlarge(field: Floats, shape: tuple[int, ...], order: int = 1) -> Floats:
    """Stretch a coarse ``field`` to ``shape``, pixel areas aligned, linearly or by cubics."""
    if order == 1:
        return _stretch(np.ascontiguousarray(field, np.float32), (shape[0], shape[1]))
    factors = (shape[0] / field.shape[0], shape[1] / field.shape[1])
    large = ndimage.zoom(field, factors, order=order, mode="nearest", grid_mode=True)
    return np.asarray(large, np.float32)


@njit(cache=True)
def _stretch(field: Floats, shape: tuple[int, int]) -> Floats:
    large = np.empty(shape, np.float32)
    height, width = field.shape
    for y in range(shape[0]):
        down = min(max((y + 0.5) * height / shape[0] - 0.5, 0.0), height - 1.0)
        top = min(int(down), height - 2)
        v = np.float32(down - top)
        for x in range(shape[1]):
            right = min(max((x + 0.5) * width / shape[1] - 0.5, 0.0), width - 1.0)
            left = min(int(right), width - 2)
            u = np.float32(right - left)
            upper = field[top, left] * (1 - u) + field[top, left + 1] * u
            lower = field[top + 1, left] * (1 - u) + field[top + 1, left + 1] * u
            large[y, x] = upper * (1 - v) + lower * v
    return large


def steepness(field: Floats, step: float) -> Floats:
    """Return the length of the gradient, ``step`` being the distance between pixels."""
    down, right = np.gradient(field, step)
    return np.asarray(np.hypot(down, right), np.float32)


def labelled(mask: Flags) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Number the 4-connected parts of ``mask`` from 1; also return the size of each number."""
    labels = np.zeros(mask.shape, np.int32)
    ndimage.label(mask, output=labels)
    return labels, np.bincount(labels.ravel())
