"""Augmentation: what differs between one image and the next without changing the land cover.

Reflectance of a composite varies with light, air, season and processor; sensors and archives lack
bands. A model that saw those variations in training does not mistake them for another class.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hexseal_ml.scenes import Bytes, Floats

# Scattering grows towards blue about as the inverse square of the wavelength.
MICROMETRES = {
    "B01": 0.443, "B02": 0.492, "B03": 0.560, "B04": 0.665, "B05": 0.704, "B06": 0.741,
    "B07": 0.783, "B08": 0.833, "B8A": 0.865, "B09": 0.945, "B11": 1.614, "B12": 2.202,
}  # fmt: skip
# Bands that archives of 10 m mosaics leave out.
OFTEN_MISSING = ("B05", "B06", "B07", "B8A", "B12")


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Standard deviations of the drawn changes, and the chances of those that are rare.

    ``gain`` and ``brightness`` are factors, ``haze`` and ``noise`` reflectance, ``blur`` pixels.
    """

    gain: float = 0.05
    brightness: float = 0.08
    haze: float = 0.012
    noise: float = 0.004
    blur: float = 0.5
    blur_chance: float = 0.15
    drop_chance: float = 0.15


def augment(
    reflectance: Floats,
    codes: Bytes,
    bands: Sequence[str],
    options: Augmentation,
    rng: np.random.Generator,
) -> tuple[Floats, Bytes]:
    """Return a changed copy of a crop (bands, side, side) and its codes (side, side)."""
    values, labels = _turned(reflectance, codes, rng)
    waves = np.array([MICROMETRES[band] for band in bands])
    gains = (1 + rng.normal(0, options.gain, len(bands))) * (1 + rng.normal(0, options.brightness))
    haze = abs(rng.normal(0, options.haze)) * (0.492 / waves) ** rng.uniform(1, 3)
    values = (
        values * gains.astype(np.float32)[:, None, None] + haze.astype(np.float32)[:, None, None]
    )
    if rng.random() < options.blur_chance:
        sigma = rng.uniform(0, options.blur)
        values = ndimage.gaussian_filter(values, (0, sigma, sigma))
    values = values + rng.normal(0, options.noise * rng.random(), values.shape)
    dropped = dropped_bands(bands, options.drop_chance, rng)
    values[dropped] = np.nan
    return values.astype(np.float32), labels


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
