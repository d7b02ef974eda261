"""Adjusted net change with a noise interval and a signal, from what the maps show themselves.

All counts are pixels, one array element per unit (hexagon or area). With gain g, loss l, confirmed
gain c (all pixels of confirmed patches) and whole fields f (gained), h (lost):

    x = (g - c - f) - (l - h)        unexplained net        X its sum over the region
    n = (g - c - f) + (l - h)        noise pixels
    s = (X - bias) E / sum(E)        the unit's part of the region's unexplained net, by its
                                     sealed edges E, where the errors of maps gather

X may be noise or a shift of level between the maps (reading 1: it is no change) or faint change
(reading 2). Two maps cannot decide, so the interval holds both, and fields either way:

    low  = (c + x - bias_unit - max(s, 0) - h) / J - t sd
    high = (c + x - bias_unit - min(s, 0) + f) / J + t sd
    net  = (c + x - bias_unit - s / 2) / J

Sums over units of the nets are the net of the whole. The variance of a unit's noise is

    v  = (shape + n) / (shape / mu + 1)          gamma-Poisson shrinkage (Clayton & Kaldor 1987)
    Var = design x v + (variance per confirmed pixel) x c        mu = E x sum(n) / sum(E)

``design`` is the overdispersion that clustered errors cause, the variance that resampling
blocks of a unit's size would give; ``shape`` follows from the excess of Var(n) over Poisson. A
variance estimated from ``shape + n`` counts makes the net Student's t with twice as many degrees
of freedom. The whole region takes its variance from a jackknife over blocks instead. ``J`` and
``bias`` follow from accuracies where they are given (``transfer``); intervals are 95 %.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

from hexseal.types import Doubles, Pair

CONFIDENCE = 0.95
# Estimates from fewer units than this are taken from units of another size.
ENOUGH_UNITS = 30
USUAL_WEIGHT = 100
# A count of pixels stands for half a pixel more and less (continuity correction).
HALF_PIXEL = 0.5
SHAPES = (0.5, 100.0)


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """Pixels per unit; ``edges`` are sealed edge pixels of the first and of the second map.

    ``confirmed`` are all pixels of confirmed patches, ``field_gain`` and ``field_loss`` those of
    whole fields that were gained or lost.
    """

    gain: Doubles
    loss: Doubles
    confirmed: Doubles
    field_gain: Doubles
    field_loss: Doubles
    edges_before: Doubles
    edges_after: Doubles

    @property
    def edges(self) -> Doubles:
        """Return the edge pixels of both maps."""
        return self.edges_before + self.edges_after

    @property
    def unconfirmed(self) -> Doubles:
        """Return the pixels that gauge the noise."""
        return self._faint_gain + self._faint_loss

    def total(self) -> "Units":
        """Return the sum of all units as one."""
        return Units(*(np.array([getattr(self, name).sum()]) for name in Units.__slots__))

    @property
    def excess(self) -> Doubles:
        """Return the unexplained net."""
        return self._faint_gain - self._faint_loss

    @property
    def _faint_gain(self) -> Doubles:
        return self.gain - self.confirmed - self.field_gain

    @property
    def _faint_loss(self) -> Doubles:
        return self.loss - self.field_loss


@dataclass(frozen=True, slots=True)
class Whole:
    """The region's own sums: edge pixels of both maps and of the first, unexplained net.

    ``variance`` is that of the region's net in square pixels, ``confirmed_design`` what each
    confirmed pixel brings to it.
    """

    edges: float
    edges_before: float
    excess: float
    variance: float
    confirmed_design: float

    @classmethod
    def of(cls, units: Units, variance: float, confirmed_design: float) -> "Whole":
        """Sum all units of one size."""
        return cls(
            float(units.edges.sum()),
            float(units.edges_before.sum()),
            float(units.excess.sum()),
            variance,
            confirmed_design,
        )


@dataclass(frozen=True, slots=True)
class Transfer:
    """How map change follows true change: net = slope x true net + bias.

    ``bias`` is of the whole region in pixels and spread by the sealed edges of the first map.
    """

    slope: float = 1.0
    slope_sd: float = 0.05
    bias: float = 0.0
    bias_sd: float = 0.0


@dataclass(frozen=True, slots=True)
class NoiseLevel:
    """Noise of units of one size: pixels per edge pixel, gamma shape and design effect."""

    rate: float
    shape: float
    design: float


@dataclass(frozen=True, slots=True, eq=False)
class Adjusted:
    """Net change per unit in pixels, its 95 % interval, and the p-value of no change at all."""

    net: Doubles
    low: Doubles
    high: Doubles
    p_value: Doubles


def fit_noise(
    units: Units, transfer: Transfer, patch_design: float, usual: NoiseLevel | None
) -> NoiseLevel:
    """Estimate the noise of units of one size.

    ``patch_design`` is the overdispersion within patches, sum of squared sizes over sum of
    sizes. ``usual`` is the noise of other units, finer ones: too few units take shape and design
    from it, the design of others is drawn to it with the weight of 100 units.
    """
    noise, edges = units.unconfirmed, units.edges
    rate = float(noise.sum() / edges.sum()) if edges.sum() else 0.0
    seen = edges > 0
    if usual is not None and np.count_nonzero(seen) < ENOUGH_UNITS:
        return NoiseLevel(rate, usual.shape, usual.design)
    mean = rate * edges[seen]
    spread = float(((noise[seen] - mean) ** 2 - patch_design * noise[seen]).sum())
    shape = float((mean**2).sum()) / spread if spread > 0 else SHAPES[1]
    shape = min(max(shape, SHAPES[0]), SHAPES[1])
    variance = _expected(noise, rate * edges, shape)
    residual = units.excess - _bias(units, transfer)
    design = float((residual**2).sum() / variance.sum()) if variance.sum() else 1.0
    if usual is not None:
        units_told = np.count_nonzero(seen)
        design = (units_told * design + USUAL_WEIGHT * usual.design) / (units_told + USUAL_WEIGHT)
    return NoiseLevel(rate, shape, max(design, 1.0))


def adjust(
    units: Units, level: NoiseLevel, transfer: Transfer, whole: Whole, *, is_whole: bool = False
) -> Adjusted:
    """Return adjusted net change; ``is_whole`` where the one unit is the region itself."""
    noise = units.unconfirmed
    share = units.edges_before / whole.edges_before if whole.edges_before else np.zeros_like(noise)
    part = units.edges / whole.edges if whole.edges else np.zeros_like(noise)
    shift = (whole.excess - transfer.bias) * part
    base = units.confirmed + units.excess - transfer.bias * share
    low = base - np.maximum(shift, 0) - units.field_loss
    high = base - np.minimum(shift, 0) + units.field_gain
    known = (transfer.slope_sd / transfer.slope * units.confirmed) ** 2
    known = known + (transfer.bias_sd * share) ** 2
    tail = (1 + CONFIDENCE) / 2
    if is_whole:
        variance, freedom = np.full_like(noise, whole.variance), np.full_like(noise, 1e9)
    else:
        variance = level.design * _expected(noise, level.rate * units.edges, level.shape)
        variance = variance + whole.confirmed_design * units.confirmed
        freedom = 2 * (level.shape + noise)
    half = np.sqrt(student.ppf(tail, freedom) ** 2 * variance + norm.ppf(tail) ** 2 * known)
    correction = np.where(variance + known > 0, HALF_PIXEL, 0.0)
    half = half + correction
    deviation = np.sqrt(np.maximum(variance + known, 1e-12))
    # How far no change at all lies outside what both readings allow.
    distance = np.maximum(np.maximum(low, -high) - correction, 0.0) / deviation
    p_value = np.minimum(2 * student.sf(distance, freedom), 1.0)
    slope = transfer.slope
    middle = base - shift / 2
    return Adjusted(middle / slope, (low - half) / slope, (high + half) / slope, p_value)


def false_discovery(p_value: Doubles) -> Doubles:
    """Return q-values that control the false discovery rate over all units.

    Benjamini & Hochberg 1995, J. R. Stat. Soc. B 57:289-300; NaN stays out.

    >>> false_discovery(np.array([0.01, 0.04, 0.03, 0.5, np.nan])).round(4).tolist()
    [0.04, 0.0533, 0.0533, 0.5, nan]
    """
    q_value = np.full(p_value.shape, np.nan)
    judged = np.flatnonzero(~np.isnan(p_value))
    order = judged[np.argsort(p_value[judged], kind="stable")]
    ranked = p_value[order] * len(order) / np.arange(1, len(order) + 1)
    q_value[order] = np.minimum.accumulate(ranked[::-1])[::-1]
    return q_value


def _bias(units: Units, transfer: Transfer) -> Doubles:
    total = units.edges_before.sum()
    return transfer.bias * units.edges_before / total if total else np.zeros_like(units.gain)


def _expected(noise: Doubles, mean: Doubles, shape: float) -> Doubles:
    """Return the gamma-Poisson mean of each unit's noise; 0 where nothing is expected."""
    shrunk = (shape + noise) / (shape / np.maximum(mean, 1e-12) + 1)
    return np.where(mean > 0, shrunk, noise)


def reconcile(nets: Mapping[Pair, Doubles], variances: Mapping[Pair, float]) -> dict[Pair, Doubles]:
    """Return by how much each net moves so that A to B plus B to C equals A to C.

    Every pair of years is estimated from its own two maps, so the three disagree by noise. Least
    squares finds the figures nearest to all of them that add up, the less sure ones moving more:

        y' = y - V R' (R V R')^-1 R y        R: one row per triple of years, V: variances

    ``variances`` are those of the region, the same for all units, so sums over units still add up,
    over space as over time. NaN stays out, and what it would tie stays apart.

    >>> nets = {(1, 2): np.array([4.0]), (2, 3): np.array([5.0]), (1, 3): np.array([12.0])}
    >>> moved = reconcile(nets, {(1, 2): 1.0, (2, 3): 1.0, (1, 3): 1.0})
    >>> [float(moved[pair][0]) for pair in nets]
    [1.0, 1.0, -1.0]
    """
    pairs = list(nets)
    if not pairs:
        return {}
    values = np.stack([nets[pair] for pair in pairs])
    moves = np.zeros_like(values)
    known = ~np.isnan(values)
    for pattern in np.unique(known, axis=1).T:
        here = (known == pattern[:, None]).all(0)
        some = [place for place in range(len(pairs)) if pattern[place]]
        chosen = np.array(some, np.intp)[:, None], np.flatnonzero(here)[None, :]
        moves[chosen] = _moves(
            [pairs[place] for place in some],
            values[chosen],
            np.array([variances[pairs[place]] for place in some]),
        )
    return dict(zip(pairs, moves, strict=True))


def _moves(pairs: list[Pair], values: Doubles, variance: Doubles) -> Doubles:
    """Return the moves of values of shape (pairs, units) that hold no NaN."""
    rules = _rules(pairs)
    if not len(rules):
        return np.zeros_like(values)
    weighted = np.maximum(variance, 1e-9)[:, None] * rules.T
    return -weighted @ np.linalg.pinv(rules @ weighted) @ (rules @ values)


def _rules(pairs: Collection[Pair]) -> Doubles:
    """Return one row per triple of years whose three pairs are all known."""
    place = {pair: number for number, pair in enumerate(pairs)}
    years = sorted({year for pair in pairs for year in pair})
    rows = []
    for first, middle, last in combinations(years, 3):
        parts, whole = (Pair(first, middle), Pair(middle, last)), Pair(first, last)
        if {*parts, whole} <= place.keys():
            row = np.zeros(len(place))
            row[[place[part] for part in parts]] = 1.0
            row[place[whole]] = -1.0
            rows.append(row)
    return np.array(rows)
