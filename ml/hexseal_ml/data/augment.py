"""Augmentation: what differs between one image and the next without changing the land cover.

Reflectance of a composite varies with light, air, season and processor; sensors and archives lack
bands. A model that saw those variations in training does not mistake them for another class.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hexseal.types import Bytes, Floats
from hexseal_ml.imagery.bands import band_of, days_of

# Scattering grows towards blue about as the inverse square of the wavelength.
MICROMETRES = {
    "B01": 0.443, "B02": 0.492, "B03": 0.560, "B04": 0.665, "B05": 0.704, "B06": 0.741,
    "B07": 0.783, "B08": 0.833, "B8A": 0.865, "B09": 0.945, "B11": 1.614, "B12": 2.202,
}  # fmt: skip
# A typical clear atmosphere over Europe: reflectance of its path, and what it lets through.
PATH = {
    "B01": 0.105, "B02": 0.078, "B03": 0.045, "B04": 0.026, "B05": 0.021, "B06": 0.016,
    "B07": 0.013, "B08": 0.011, "B8A": 0.009, "B09": 0.006, "B11": 0.002, "B12": 0.001,
}  # fmt: skip
THROUGH = {
    "B01": 0.80, "B02": 0.83, "B03": 0.87, "B04": 0.90, "B05": 0.91, "B06": 0.93,
    "B07": 0.95, "B08": 0.94, "B8A": 0.96, "B09": 0.60, "B11": 0.96, "B12": 0.95,
}  # fmt: skip
COARSE = ("B05", "B06", "B07", "B8A", "B11", "B12")
# Bands that archives of 10 m mosaics leave out.
OFTEN_MISSING = ("B05", "B06", "B07", "B8A", "B12")


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Standard deviations of the drawn changes, and the chances of those that are rare.

    ``gain`` and ``brightness`` are factors, ``haze`` and ``noise`` reflectance, ``blur`` pixels.
    ``air`` is the range of the amount of atmosphere that is put on reflectance at the ground:
    0 is Level-2A, 1 Level-1C under a typical sky; ``air_chance`` is the chance of any, and
    ``resample_chance`` that of bands of 20 m being brought to 10 m in another way.
    """

    gain: float = 0.05
    brightness: float = 0.08
    haze: float = 0.012
    noise: float = 0.004
    blur: float = 0.5
    blur_chance: float = 0.15
    drop_chance: float = 0.15
    air: tuple[float, float] = (0.0, 0.0)
    air_chance: float = 1.0
    resample_chance: float = 0.0


def augment(
    reflectance: Floats,
    codes: Bytes,
    bands: Sequence[str],
    options: Augmentation,
    rng: np.random.Generator,
) -> tuple[Floats, Bytes]:
    """Return a changed copy of a crop (bands, side, side) and its codes (side, side).

    ``bands`` may be channels of several dates: each date has light and air of its own.
    """
    values, labels = _turned(reflectance, codes, rng)
    dates = max(len(days_of(bands)), 1)
    names = [band_of(channel) for channel in bands[: len(bands) // dates]]
    changed = [_changed(date, names, options, rng) for date in np.split(values, dates)]
    return np.concatenate(changed), labels


def _changed(
    values: Floats, bands: Sequence[str], options: Augmentation, rng: np.random.Generator
) -> Floats:
    """Return reflectance (bands, side, side) in other light and air."""
    waves = np.array([MICROMETRES[band] for band in bands])
    gains = (1 + rng.normal(0, options.gain, len(bands))) * (1 + rng.normal(0, options.brightness))
    haze = abs(rng.normal(0, options.haze)) * (0.492 / waves) ** rng.uniform(1, 3)
    if options.air != (0.0, 0.0) and rng.random() < options.air_chance:
        values = through_air(values, bands, rng.uniform(*options.air))
    if rng.random() < options.resample_chance:
        values = _resampled(values, bands, int(rng.choice((0, 1, 3))))
    values = values * gains.astype(np.float32)[:, None, None]
    values = values + haze.astype(np.float32)[:, None, None]
    if rng.random() < options.blur_chance:
        sigma = rng.uniform(0, options.blur)
        values = np.asarray(ndimage.gaussian_filter(values, (0, sigma, sigma)), np.float32)
    noise = rng.normal(0, options.noise * rng.random(), values.shape)
    changed = (values + noise).astype(np.float32)
    dropped = dropped_bands(bands, options.drop_chance, rng)
    changed[dropped] = np.nan
    return changed


def to_ground(reflectance: Floats, bands: Sequence[str]) -> Floats:
    """Take a typical atmosphere off Level-1C reflectance (bands, rows, cols)."""
    path, through = _atmosphere(bands)
    return ((reflectance - path) / through).astype(np.float32)


def through_air(reflectance: Floats, bands: Sequence[str], amount: float) -> Floats:
    """Put an atmosphere on reflectance at the ground (bands, rows, cols); 1 is a typical one.

    >>> raw = np.full((1, 1, 1), 0.2, np.float32)
    >>> round(float(through_air(to_ground(raw, ["B02"]), ["B02"], 1.0)[0, 0, 0]), 4)
    0.2
    """
    path, through = _atmosphere(bands)
    return (reflectance * (1 + amount * (through - 1)) + amount * path).astype(np.float32)


def _atmosphere(bands: Sequence[str]) -> tuple[Floats, Floats]:
    """Return path reflectance and transmittance, each (bands, 1, 1)."""
    path, through = (
        np.array([table[band] for band in bands], np.float32)[:, None, None]
        for table in (PATH, THROUGH)
    )
    return path, through


def _resampled(values: Floats, bands: Sequence[str], order: int) -> Floats:
    """Bring bands of 20 m to 10 m again, by splines of ``order`` (0 repeats pixels)."""
    out = values.copy()
    height, width = (length - length % 2 for length in values.shape[1:])
    for place in [number for number, band in enumerate(bands) if band in COARSE]:
        band = values[place, :height, :width]
        small = band.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
        if np.isfinite(small).all():
            out[place, :height, :width] = ndimage.zoom(
                small, 2, order=order, grid_mode=True, mode="nearest"
            )
    return out


def dropped_bands(
    bands: Sequence[str], chance: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Choose bands to take away: seldom, and then either some or those that archives lack."""
    dropped = np.zeros(len(bands), bool)
    if rng.random() >= chance:
        return dropped
    if rng.random() < 0.5:
        keep = {band for band in OFTEN_MISSING if rng.random() < 0.2}
        dropped = np.array([band in OFTEN_MISSING and band not in keep for band in bands])
    else:
        dropped = rng.random(len(bands)) < rng.uniform(0, 0.4)
    return np.zeros(len(bands), bool) if dropped.all() else dropped


def _turned(reflectance: Floats, codes: Bytes, rng: np.random.Generator) -> tuple[Floats, Bytes]:
    """Turn by quarters and mirror, one of the eight symmetries of a square."""
    quarter = int(rng.integers(4))
    values, labels = np.rot90(reflectance, quarter, (1, 2)), np.rot90(codes, quarter)
    if rng.random() < 0.5:
        values, labels = values[:, :, ::-1], labels[:, ::-1]
    return values, labels
