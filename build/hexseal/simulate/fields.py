"""Random fields: the raw material of coast, relief, vegetation and map errors."""

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


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
    spectrum = fft.rfft2(rng.standard_normal(shape, dtype=np.float32))
    rows = np.fft.fftfreq(shape[0])[:, None]
    columns = np.fft.rfftfreq(shape[1])[None, :]
    frequency = np.hypot(rows, columns).astype(np.float32)
    kept = (frequency >= 1 / longest) & (frequency <= 1 / shortest)
    weight = np.where(kept, np.maximum(frequency, 1e-6) ** -slope, 0).astype(np.float32)
    field = fft.irfft2(spectrum * weight, s=shape).astype(np.float32)
    return (field - field.mean()) / max(float(field.std()), 1e-9)


def blur(field: Floats, sigma: float) -> Floats:
    """Return ``field`` smoothed by a Gaussian of ``sigma`` pixels."""
    return ndimage.gaussian_filter(field.astype(np.float32), sigma, truncate=3.0)


def smoothstep(field: Floats, low: float, high: float) -> Floats:
    """Rise smoothly from 0 at ``low`` to 1 at ``high``.

    >>> smoothstep(np.array([0, 1, 2, 3], np.float32), 1, 3).tolist()
    [0.0, 0.0, 0.5, 1.0]
    """
    ramp = np.clip((field - low) / (high - low), 0, 1)
    return (ramp * ramp * (3 - 2 * ramp)).astype(np.float32)


def distance(mask: Mask) -> Floats:
    """Return, for every pixel, the distance in pixels to the nearest True pixel of ``mask``."""
    return ndimage.distance_transform_edt(~mask).astype(np.float32)  # type: ignore[union-attr]


def block_mean(field: Floats, factor: int) -> Floats:
    """Average ``field`` over squares of ``factor`` pixels; both sides must be multiples."""
    height, width = field.shape
    blocks = field.reshape(height // factor, factor, width // factor, factor)
    return blocks.mean(axis=(1, 3), dtype=np.float32)


def enlarge(field: Floats, shape: tuple[int, int], order: int = 1) -> Floats:
    """Stretch a coarse ``field`` to ``shape``, pixel areas aligned."""
    factors = (shape[0] / field.shape[0], shape[1] / field.shape[1])
    return ndimage.zoom(field, factors, order=order, mode="nearest", grid_mode=True)
