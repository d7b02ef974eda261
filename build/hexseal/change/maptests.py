"""Tests that two maps must pass before their differences may be read as change.

Each check has a statistic, a threshold and a verdict, all published. ``g_k`` and ``l_k`` are gains
and losses of k pixels, L all losses, F whole fields (see ``is_field``). A pair that fails one is
"inconclusive": its figures would rest on something that the maps contradict.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import poisson

from hexseal.change.patches import Patches
from hexseal.change.rate import FEWEST_DECOYS, Tail
from hexseal.raster.confidence import INVERTED_CONTRAST, LEAST_CONTRAST
from hexseal.raster.registration import (
    MOST_DRIFT,
    MOST_SHARPNESS,
    MOST_SHIFT,
    MOST_SHIFT_ERROR,
    Displacement,
)
from hexseal.types import Doubles, Flags, Integers

TestName = Literal[
    "decoys", "tail", "level", "registration", "fields", "confidence", "unsealing", "densities",
    "series",
]  # fmt: skip
Verdict = Literal["pass", "fail", "unknown"]
# "most": fails above the threshold; "least": fails below it.
Side = Literal["most", "least"]

MOST_FAINT_RATIO = 2.0
MOST_BALANCE_Z, MOST_BALANCE_RATIO = 3.3, 1.08
MOST_SLOPE_Z, LEAST_SLOPE = 3.3, 0.12
MOST_MIDDLE_Z, LEAST_MIDDLE_RATIO = 3.5, 1.15
LEAST_TAIL_P = 0.001
MOST_SPREAD, LEAST_EFFECT, MOST_BLOCK_Z = 2.8, 0.10, 4.2
MOST_FIELD_SHARE, FEWEST_FIELDS, HARMLESS_FIELD_SHARE = 0.45, 4, 0.12
HEAVIEST_TAIL = 0.5
# Sealed area in Europe grows by about 0.25 % a year (EEA 2020); above this method is likelier.
FASTEST_YEARLY_CHANGE = 0.05
SMALL, LARGE = 6, 12
FIELD_PIXELS, FIELD_CONTACT, FIELD_PURITY, FIELD_CORE = 40, 0.15, 0.90, 0.33
FAINT_QUANTILE = 0.75
FEWEST_BLOCKS, MOST_BLOCKS, PATCHES_OF_BLOCK = 4, 32, 200
# Patches that are looked at in one go where all of them take too much memory.
AT_ONCE = 1_000_000


@dataclass(frozen=True, slots=True)
class Check:
    """One statistic of a test against its threshold.

    ``statistic`` is None where it cannot be computed; the verdict is then "unknown" and counts
    as failed where the figures need it (``needed``).
    """

    test: TestName
    name: str
    statistic: float | None
    threshold: float
    side: Side
    verdict: Verdict
    needed: bool = True

    @property
    def stops(self) -> bool:
        """Return whether the pair is inconclusive by this check."""
        return self.verdict == "fail" or (self.verdict == "unknown" and self.needed)


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """Small gains and losses of each block of the region; arrays of shape (n, n)."""

    gains: Doubles
    losses: Doubles

    @property
    def z(self) -> Doubles:
        """Return (g - l) / sqrt(g + l) of each block, 0 where nothing changed."""
        both = self.gains + self.losses
        return (self.gains - self.losses) / np.sqrt(np.maximum(both, 1))

    @property
    def fails(self) -> Flags:
        """Return the blocks whose own level differs between the maps."""
        both = np.maximum(self.gains + self.losses, 1)
        effect = np.abs(self.gains - self.losses) / both
        return (np.abs(self.z) > MOST_BLOCK_Z) & (effect > LEAST_EFFECT)


def is_field(table: Patches) -> Flags:
    """Return the patches that look like a whole field: large, compact, alone, of one class.

    At least 40 pixels, at most 15 % of the outline along what was sealed, 90 % of one former
    class, a third core. Two maps cannot distinguish bare soil in such a field from building.
    """
    found = np.zeros(len(table), np.bool_)
    large = np.flatnonzero(table.pixels >= FIELD_PIXELS)
    some = table.chosen(large)
    found[large] = (
        (some.contact <= FIELD_CONTACT * some.sides)
        & (some.origin_pixels >= FIELD_PURITY * some.pixels)
        & (some.core >= FIELD_CORE * some.pixels)
    )
    return found


def faint_ratio(gain_scores: Doubles, loss_scores: Doubles) -> float:
    """Return false gains per loss among patches that score no more than the median gain.

    (G + 1) / (L + 1) whatever L is: too few losses give a large ratio, never 1.

    >>> faint_ratio(np.arange(10.0), np.arange(10.0)), faint_ratio(np.arange(100.0), np.array([]))
    (1.0, 51.0)
    """
    if not len(gain_scores):
        return 1.0
    median = np.sort(gain_scores)[(len(gain_scores) - 1) // 2]
    faint = (int((scores <= median).sum()) + 1 for scores in (gain_scores, loss_scores))
    gains, losses = faint
    return gains / losses


def is_faint(table: Patches, *, uses_confidence: bool) -> Flags:
    """Return the patches whose confidence per pixel is no better than that of most losses.

    Small real change is confident, noise is not: without this, single new houses would look like
    losses that are missing. Without confidence all patches count.
    """
    if not uses_confidence or not (table.direction < 0).any():
        return np.ones(len(table), np.bool_)
    weight = table.score / table.plain_score
    return weight <= np.quantile(weight[table.direction < 0], FAINT_QUANTILE)


def count_blocks(table: Patches, shape: tuple[int, int], faint: Flags) -> Blocks:
    """Count faint patches of at most 6 pixels in square parts of the region.

    4 x 4 parts, and up to 32 x 32 in regions with many patches: about 200 patches in each.
    """
    small = faint & (table.pixels <= SMALL)
    parts = int(np.clip(np.sqrt(small.sum() / PATCHES_OF_BLOCK), FEWEST_BLOCKS, MOST_BLOCKS))
    block = blocks_of(table, shape, parts)
    gain = table.direction > 0
    both = [
        np.bincount(block[small & side], minlength=parts * parts).reshape(parts, parts)
        for side in (gain, ~gain)
    ]
    return Blocks(both[0].astype(np.float64), both[1].astype(np.float64))


def blocks_of(table: Patches, shape: tuple[int, int], parts: int) -> NDArray[np.int32]:
    """Return in which of ``parts`` x ``parts`` blocks of a region the centre of each patch lies."""
    found = _cut(table.row_mean, shape[0], parts) * np.int32(parts)
    found += _cut(table.column_mean, shape[1], parts)
    return found


def _cut(mean: Doubles, length: int, parts: int) -> NDArray[np.int32]:
    """Return in which of ``parts`` equal parts of an axis of so many pixels each place lies."""
    found = np.empty(len(mean), np.int32)
    for start in range(0, len(mean), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        place = (mean[some] * parts / max(length, 1)).astype(np.int32)
        place.clip(0, parts - 1, out=found[some])
    return found


def check_decoys(gain_scores: Doubles, loss_scores: Doubles, sizes: "Sizes") -> list[Check]:
    """Return whether there are losses enough, and as many small ones as small gains."""
    few, faint = len(loss_scores), faint_ratio(gain_scores, loss_scores)
    gains, losses = sizes.between(1, 3)
    balance_z = _z(gains, losses)
    unequal = _ratio(gains, losses)
    balanced = abs(balance_z) <= MOST_BALANCE_Z or unequal <= MOST_BALANCE_RATIO
    return [
        _least("decoys", "losses", few, FEWEST_DECOYS),
        _most("decoys", "faint_ratio", faint, MOST_FAINT_RATIO),
        Check(
            "decoys", "balance", unequal, MOST_BALANCE_RATIO, "most",
            "pass" if balanced else "fail",
        ),
    ]  # fmt: skip


def check_tail(faint: "Sizes", sizes: "Sizes") -> list[Check]:
    """Return whether larger losses are as frequent as the smaller ones make expected.

    ``faint`` are the sizes of faint patches, ``sizes`` of all.
    """
    slope, z = _slope(faint)
    middle_gain, middle_loss = faint.between(4, 5)
    middle_z = _z(middle_gain, middle_loss)
    ratio = _ratio(middle_gain, middle_loss) if middle_gain > middle_loss else 1.0
    cut = middle_z > MOST_MIDDLE_Z and ratio > LEAST_MIDDLE_RATIO
    falls = z > MOST_SLOPE_Z and slope > LEAST_SLOPE
    return [
        Check("tail", "slope", z, MOST_SLOPE_Z, "most", "fail" if falls else "pass"),
        Check("tail", "middle", middle_z, MOST_MIDDLE_Z, "most", "fail" if cut else "pass"),
        _least("tail", "extrapolated", _tail_p(sizes), LEAST_TAIL_P),
    ]


def check_level(blocks: Blocks) -> list[Check]:
    """Return whether small gains and losses balance in every part of the region alike."""
    both = blocks.gains + blocks.losses
    known = both > 0
    if not known.any():
        return [Check("level", "spread", None, MOST_SPREAD, "most", "unknown")]
    spread = float((blocks.z[known] ** 2).mean())
    effect = float(np.sqrt(max(0.0, 4 * (spread - 1) / both[known].mean())))
    uneven = spread > MOST_SPREAD and effect > LEAST_EFFECT
    worst = float(np.abs(blocks.z).max())
    # In large regions a few blocks make only their own places inconclusive.
    lost = blocks.fails.sum() > max(0, int(0.05 * blocks.fails.size) - 1)
    return [
        Check("level", "spread", spread, MOST_SPREAD, "most", "fail" if uneven else "pass"),
        Check("level", "block", worst, MOST_BLOCK_Z, "most", "fail" if lost else "pass"),
    ]


def check_registration(found: Displacement) -> list[Check]:
    """Return whether the maps lie on each other and are equally sharp."""
    if not np.isfinite(found.shift) or not found.shift_error <= MOST_SHIFT_ERROR:
        return [Check("registration", "shift", None, MOST_SHIFT, "most", "unknown")]
    drift = found.drift if np.isfinite(found.drift) else None
    return [
        _most("registration", "shift", found.shift, MOST_SHIFT),
        _most("registration", "drift", drift, MOST_DRIFT, needed=False),
        _most("registration", "sharpness", abs(found.sharpness), MOST_SHARPNESS),
    ]


def check_fields(table: Patches, field: Flags) -> list[Check]:
    """Return whether whole fields are a small part of what was gained in larger patches."""
    gains = table.direction > 0
    large = int(table.pixels[gains & (table.pixels >= LARGE)].sum())
    share = float(table.pixels[gains & field].sum() / large) if large else 0.0
    many = share > MOST_FIELD_SHARE and int((gains & field).sum()) >= FEWEST_FIELDS
    return [Check("fields", "share", share, MOST_FIELD_SHARE, "most", "fail" if many else "pass")]


def check_confidence(
    contrast: float | None, *, has_layer: bool, has_both: bool = True
) -> list[Check]:
    """Return whether confidence falls where the maps are in doubt; too little is not used.

    Nor is a layer of one date alone: gains and losses made by noise would not score alike.
    """
    if not has_layer:
        return []
    is_used = has_both and contrast is not None and contrast > LEAST_CONTRAST
    inverted = contrast is not None and contrast < INVERTED_CONTRAST
    verdict: Verdict = "fail" if inverted else "pass" if is_used else "unknown"
    threshold = INVERTED_CONTRAST if inverted else LEAST_CONTRAST
    return [Check("confidence", "contrast", contrast, threshold, "least", verdict, needed=False)]


def check_densities() -> list[Check]:
    """Return that the tests have never been measured on maps of densities.

    They and the noise interval rest on how single pixels of a class turn falsely; a density errs
    by degrees in every pixel, which patches of large differences do not show.
    """
    return [Check("densities", "measured", None, 0.0, "most", "unknown")]


def check_series(*, same_makers: bool, sealed: tuple[int, int], years: int) -> list[Check]:
    """Return what makes two years no series: other makers, or a pace beyond belief.

    ``sealed`` are the sealed pixels of the first and the second year, ``years`` apart. Nothing is
    returned where both are sound: that alone proves nothing.
    """
    checks = [] if same_makers else [_most("series", "makers", 1.0, 0.0)]
    yearly = abs(sealed[1] / sealed[0] - 1) / years if sealed[0] else 0.0
    if yearly > FASTEST_YEARLY_CHANGE:
        checks.append(_most("series", "pace", yearly, FASTEST_YEARLY_CHANGE))
    return checks


def check_unsealing(tail: Tail | None) -> list[Check]:
    """Return whether the losses' tail is as light as that of noise: heavy means real losses."""
    if tail is None:
        return [Check("unsealing", "tail_shape", None, HEAVIEST_TAIL, "most", "unknown")]
    return [_most("unsealing", "tail_shape", tail.shape, HEAVIEST_TAIL)]


@dataclass(frozen=True, slots=True, eq=False)
class Sizes:
    """Number of gains and losses of 0, 1, 2 ... pixels; ``losses_beyond``: of 4 and more."""

    gains: Integers
    losses: Integers
    losses_beyond: int

    @classmethod
    def of(cls, table: Patches, chosen: Flags | None = None) -> "Sizes":
        """Count the patches of a table, or the ``chosen`` of them."""
        gain = table.direction > 0
        some = np.ones(len(table), np.bool_) if chosen is None else chosen
        sides = [
            np.bincount(table.pixels[side & some & (table.pixels <= LARGE)], minlength=LARGE + 1)
            for side in (gain, ~gain)
        ]
        return cls(sides[0], sides[1], int((~gain & some & (table.pixels >= 4)).sum()))

    def between(self, first: int, last: int) -> tuple[int, int]:
        """Return gains and losses of ``first`` to ``last`` pixels, both included."""
        here = slice(first, last + 1)
        return int(self.gains[here].sum()), int(self.losses[here].sum())


def _slope(sizes: Sizes) -> tuple[float, float]:
    """Return slope and z of ln(g_k / l_k) over k = 1..6, weighted by its variance."""
    size = np.arange(1, SMALL + 1)
    gain, loss = sizes.gains[size] + 0.5, sizes.losses[size] + 0.5
    weight = 1 / (1 / gain + 1 / loss)
    middle = (weight * size).sum() / weight.sum()
    spread = (weight * (size - middle) ** 2).sum()
    slope = float((weight * (size - middle) * np.log(gain / loss)).sum() / spread)
    return slope, float(slope * np.sqrt(spread))


def _tail_p(sizes: Sizes) -> float:
    """Return the lesser chance of so few large losses, going by the smaller losses themselves.

    Expected: l_6 + l_7 = 0.5 l_45^2 / l_23, and of 4 and more 0.5 (l_3 + 0.5) p / (1 - p) with
    p = l_2 / l_1; halved, because the fall from size to size is not quite geometric.
    """
    loss = sizes.losses
    middle, small = sizes.between(4, 5)[1], sizes.between(2, 3)[1]
    step = min(max(loss[2] / max(loss[1], 1), 0.05), 0.9)
    beyond = 0.5 * (loss[3] + 0.5) * step / (1 - step)
    upper = 0.5 * middle**2 / max(small, 1)
    chances = (
        poisson.cdf(sizes.losses_beyond, beyond),
        poisson.cdf(sizes.between(6, 7)[1], upper),
    )
    return float(min(chances))


def _z(gains: int, losses: int) -> float:
    return (gains - losses) / float(np.sqrt(max(gains + losses, 1)))


def _ratio(gains: int, losses: int) -> float:
    ratio = (gains + 1) / (losses + 1)
    return max(ratio, 1 / ratio)


def _most(
    test: TestName, name: str, value: float | None, threshold: float, *, needed: bool = True
) -> Check:
    if value is None:
        return Check(test, name, None, threshold, "most", "unknown", needed)
    verdict: Verdict = "fail" if value > threshold else "pass"
    return Check(test, name, float(value), threshold, "most", verdict, needed)


def _least(test: TestName, name: str, value: float, threshold: float) -> Check:
    verdict: Verdict = "fail" if value < threshold else "pass"
    return Check(test, name, float(value), threshold, "least", verdict)
