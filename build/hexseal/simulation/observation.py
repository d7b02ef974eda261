"""Maps as a classifier would make them: the truth with errors of known size and kind.

Pure functions on arrays, no files. The classifier sees evidence for Sealed: how much true
sealing lies within about a pixel (so that errors gather at edges and on small patches) plus
noise that is clustered in space and nearly the same in every year.

Densities are the true per cent with errors that are nearly the same in every year, too: they blur
sealed surfaces into their neighbours, miss faint ones, and lower the level, as the real layer does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri

from hexseal.errors import InputError
from hexseal.products import FULL
from hexseal.simulation.fields import blur
from hexseal.simulation.vegetation import (
    BARE,
    BROAD,
    CROPS,
    EVERGREEN,
    GRASS,
    MOSS,
    NEEDLE,
    OUTSIDE,
    SEALED,
    SHRUB,
    WATER,
)
from hexseal.types import Bytes, Flags, Floats

LAST_CLASS = 11
# Which class each class is mistaken for, in the low and in the high tail of the noise.
PARTNERS = {
    NEEDLE: (BROAD, EVERGREEN),
    BROAD: (SHRUB, NEEDLE),
    EVERGREEN: (SHRUB, BROAD),
    SHRUB: (BROAD, GRASS),
    GRASS: (CROPS, SHRUB),
    CROPS: (GRASS, BARE),
    MOSS: (GRASS, SHRUB),
    BARE: (CROPS, GRASS),
    WATER: (WATER, WATER),
}
# How readily each code is taken for Sealed, beyond the neighbourhood's score.
LOOKS_SEALED = {BARE: 0.5, CROPS: 0.0, GRASS: -0.1, SHRUB: -0.3, WATER: -3.0}


@dataclass(frozen=True, slots=True)
class NoiseModel:
    """How well the maps match the truth.

    ``users_accuracy`` and ``producers_accuracy`` are of Sealed, in the first year; the two
    drifts are added for each further year. ``error_correlation`` is between the noise of
    one year and the next, not between the errors themselves: at 0.97 about 3 in 4 wrong
    pixels are wrong again. ``context`` weighs true sealing nearby against noise;
    ``smooth_share`` is the part of the noise that is clustered, over ``cluster_px`` pixels;
    ``confusion`` is the share of pixels of the other classes that are mistaken.
    """

    users_accuracy: float = 0.86
    producers_accuracy: float = 0.86
    error_correlation: float = 0.96
    users_drift: float = 0.0
    producers_drift: float = 0.0
    context: float = 3.0
    cluster_px: float = 1.6
    smooth_share: float = 0.6
    confusion: float = 0.05

    def __post_init__(self) -> None:
        """Reject shares outside their range."""
        for key in ("users_accuracy", "producers_accuracy"):
            value = getattr(self, key)
            if not 0.3 <= value <= 1:
                raise InputError(f"{key} = {value}: give a share from 0.3 to 1")
        for key in ("error_correlation", "smooth_share", "confusion"):
            value = getattr(self, key)
            if not 0 <= value <= 1:
                raise InputError(f"{key} = {value}: give a share from 0 to 1")


@dataclass(frozen=True, slots=True)
class Observation:
    """One observed map and its confidence (0 to 100, 254 outside)."""

    landcover: Bytes
    confidence: Bytes


@dataclass(frozen=True, slots=True)
class _Thresholds:
    """Evidence from which on a pixel is mapped as Sealed: when it is sealed, when it is not."""

    sealed: float
    unsealed: float


def observe(
    truth: Sequence[Bytes], noise: NoiseModel, rng: np.random.Generator
) -> list[Observation]:
    """Map every year of ``truth``; codes above 11 (sea buffer, outside) are left as they are."""
    fields = error_fields(truth[0].shape, len(truth), noise, rng)
    others = error_fields(truth[0].shape, len(truth), replace(noise, smooth_share=0.85), rng)
    first = _evidence(truth[0], fields[0], noise)
    observed = []
    for step, (cover, sealed_noise, other_noise) in enumerate(
        zip(truth, fields, others, strict=True)
    ):
        limits = _solve(truth[0], first, noise, step)
        evidence = first if step == 0 else _evidence(cover, sealed_noise, noise)
        observed.append(_classify(cover, (evidence, other_noise), limits, noise))
    return observed


def error_fields(
    shape: tuple[int, int], years: int, noise: NoiseModel, rng: np.random.Generator
) -> list[Floats]:
    """Return one standard normal field per year; neighbours in time correlate as asked."""
    keep = noise.error_correlation
    fields = [_noise_field(shape, noise, rng)]
    for _ in range(years - 1):
        fresh = _noise_field(shape, noise, rng)
        mixed = keep * fields[-1] + np.sqrt(1 - keep**2) * fresh
        fields.append(np.asarray(mixed, np.float32))
    return fields


def _noise_field(shape: tuple[int, int], noise: NoiseModel, rng: np.random.Generator) -> Floats:
    smooth = blur(rng.standard_normal(shape, dtype=np.float32), noise.cluster_px)
    smooth /= max(float(smooth.std()), 1e-9)
    white = rng.standard_normal(shape, dtype=np.float32)
    share = noise.smooth_share
    return np.asarray(np.sqrt(share) * smooth + np.sqrt(1 - share) * white, np.float32)


def _evidence(cover: Bytes, field: Floats, noise: NoiseModel) -> Floats:
    """Return noise plus the scores of the neighbourhood and the pixel's own class."""
    density = blur((cover == SEALED).astype(np.float32), 1.0)
    looks = np.full(256, -0.4, np.float32)
    for code, value in LOOKS_SEALED.items():
        looks[code] = value
    looks[SEALED] = 0
    return np.asarray(field + noise.context * density + looks[cover], np.float32)


def _solve(truth: Bytes, evidence: Floats, noise: NoiseModel, step: int) -> _Thresholds:
    """Find the thresholds at which the first year's map would have the accuracies of ``step``."""
    producers = min(1.0, noise.producers_accuracy + step * noise.producers_drift)
    users = min(1.0, noise.users_accuracy + step * noise.users_drift)
    sealed = truth == SEALED
    hits = evidence[sealed]
    misses = evidence[(truth <= LAST_CLASS) & ~sealed]
    wanted = producers * len(hits) * (1 - users) / users
    if not len(hits) or wanted >= len(misses):
        return _Thresholds(-np.inf, np.inf)
    low = float(np.quantile(hits, 1 - producers)) if producers < 1 else -np.inf
    rank = len(misses) - 1 - round(wanted)
    high = float(np.partition(misses, rank)[rank]) if wanted >= 1 else np.inf
    return _Thresholds(low, high)


def _classify(
    cover: Bytes, noisy: tuple[Floats, Floats], limits: _Thresholds, noise: NoiseModel
) -> Observation:
    evidence, other_noise = noisy
    valid = cover <= LAST_CLASS
    sealed = cover == SEALED
    margin = evidence - np.where(sealed, limits.sealed, limits.unsealed).astype(np.float32)
    mapped_sealed = (margin > 0) & valid
    mapped, doubt = _confuse(cover, other_noise, noise)
    omitted = sealed & ~mapped_sealed
    mapped[omitted] = _neighbour_class(cover, omitted)
    mapped[mapped_sealed] = SEALED
    confidence = _confidence(np.abs(margin), np.where(mapped_sealed, 3, doubt), mapped)
    confidence[~valid] = OUTSIDE
    return Observation(mapped, confidence)


def _confuse(cover: Bytes, field: Floats, noise: NoiseModel) -> tuple[Bytes, Floats]:
    """Mistake some pixels for a similar class; also return how far each is from that."""
    limit = np.float32(_normal_quantile(1 - noise.confusion / 2))
    low, high = np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8)
    for code, (one, two) in PARTNERS.items():
        low[code], high[code] = one, two
    mapped = np.where(field < -limit, low[cover], np.where(field > limit, high[cover], cover))
    return mapped.astype(np.uint8), np.abs(np.abs(field) - limit).astype(np.float32)


def _normal_quantile(share: float) -> float:
    """Return the standard normal quantile; 0.5 < share.

    >>> round(_normal_quantile(0.975), 2)
    1.96
    """
    return float(ndtri(share)) if share < 1 else float("inf")


def _neighbour_class(cover: Bytes, where: Flags) -> Bytes:
    """Return the class of a near pixel that is not sealed; BARE when there is none."""
    rows, columns = np.nonzero(where)
    found = np.full(len(rows), BARE, np.uint8)
    for dy, dx in ((2, 0), (0, -2), (1, 1), (-1, -1), (-1, 0), (0, 1), (1, 0), (0, -1)):
        y = np.clip(rows + dy, 0, cover.shape[0] - 1)
        x = np.clip(columns + dx, 0, cover.shape[1] - 1)
        near = cover[y, x]
        usable = (near != SEALED) & (near <= LAST_CLASS) & (near != WATER)
        found[usable] = near[usable]
    return found


def _confidence(margin: Floats, doubt: Floats, mapped: Bytes) -> Bytes:
    """Return 0 to 100: low near a threshold and where neighbours are of another class."""
    mixed = np.zeros(mapped.shape, np.float32)
    for axis in (0, 1):
        for shift in (1, -1):
            mixed += np.roll(mapped, shift, axis) != mapped
    sure = np.minimum(margin * 0.75, doubt * 0.8 + 0.25)
    share = (1 - np.exp(-1.1 * sure)) * (1 - 0.10 * mixed)
    return np.clip(np.round(share * 100), 0, 100).astype(np.uint8)


NO_DENSITY = 255


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
    """Map the true per cent of every year: 0 to 100, NO_DENSITY beyond land and sea."""
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
    return np.where(valid, seen, NO_DENSITY).astype(np.uint8)
