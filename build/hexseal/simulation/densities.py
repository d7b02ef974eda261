"""Imperviousness densities as a producer would map them: the true per cent with errors.

Pure functions on arrays, no files. Errors are nearly the same in every year; they blur sealed
surfaces into their neighbours, miss faint ones, and lower the level, as the real layer does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hexseal.products import FULL
from hexseal.simulation.fields import blur
from hexseal.simulation.observation import LAST_CLASS, NoiseModel, error_fields
from hexseal.types import Bytes, Floats

OUTSIDE = 255


@dataclass(frozen=True, slots=True)
class DensityErrors:
    """How a density errs: mapped = level x blurred truth + spread x noise, 0 below ``faintest``.

    ``spread`` is in percentage points where half of a pixel is sealed and falls to a quarter of it
    where nothing or all is; ``blur_px`` is the radius of the blur.
    """

    level: float = 0.92
    spread: float = 9.0
    faintest: float = 8.0
    blur_px: float = 0.6


def observe_densities(
    sealed_percent: Sequence[Bytes],
    landcover: Sequence[Bytes],
    errors: DensityErrors,
    rng: np.random.Generator,
) -> list[Bytes]:
    """Map the true per cent of every year: 0 to 100, OUTSIDE beyond the classes of land and sea."""
    fields = error_fields(landcover[0].shape, len(landcover), NoiseModel(), rng)
    return [
        _density(percent, cover, field, errors)
        for percent, cover, field in zip(sealed_percent, landcover, fields, strict=True)
    ]


def _density(percent: Bytes, cover: Bytes, field: Floats, errors: DensityErrors) -> Bytes:
    valid = cover <= LAST_CLASS
    true = np.where(valid & (percent <= FULL), percent, 0).astype(np.float32)
    seen = errors.level * blur(true, errors.blur_px)
    middle = 4 * seen / FULL * (1 - seen / FULL)
    seen = seen + errors.spread * (0.25 + 0.75 * np.clip(middle, 0, 1)) * field
    seen = np.where(seen < errors.faintest, 0, np.clip(np.round(seen), 0, FULL))
    return np.where(valid, seen, OUTSIDE).astype(np.uint8)
