"""Adjusted net change with an interval and a signal, from the noise that the maps show themselves.

All counts are pixels, one array element per unit (hexagon or area). With gain g, loss l and
confirmed gain c, the noise of a unit is x = (g - c) + l: losses and the gains that are no better
than losses. Its expectation follows the sealed edges E of both maps, where errors gather:

    mu = E x sum(x) / sum(E)
    v  = (shape + x) / (shape / mu + 1)          gamma-Poisson shrinkage (Clayton & Kaldor 1987)
    Var(noise of the net) = design x v           design = sum((g - c - l)^2) / sum(v)

``design`` is the overdispersion that clustered errors cause, the variance that resampling
blocks of a unit's size would give; ``shape`` follows from the excess of Var(x) over Poisson. A
variance estimated from ``shape + x`` counts makes the net Student's t with twice as many degrees
of freedom. The adjusted net is (net - bias) / J (``transfer``), intervals are 95 %.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats import t as student

Doubles = NDArray[np.float64]

CONFIDENCE = 0.95
# Estimates from fewer units than this are taken from units of another size.
ENOUGH_UNITS = 30
USUAL_WEIGHT = 100
# A pixel at the edge of a confirmed patch may be in or out: the variance of a fair coin.
EDGE_VARIANCE = 0.25
# A count of pixels stands for half a pixel more and less (continuity correction).
HALF_PIXEL = 0.5
SHAPES = (0.5, 100.0)


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """Pixels per unit; ``edges`` are sealed edge pixels of the first and of the second map.

    ``confirmed_edges`` are those of the second map that were confirmed as new.
    """

    gain: Doubles
    loss: Doubles
    confirmed: Doubles
    edges_before: Doubles
    edges_after: Doubles
    confirmed_edges: Doubles

    @property
    def edges(self) -> Doubles:
        """Return the edge pixels of both maps."""
        return self.edges_before + self.edges_after

    @property
    def unconfirmed(self) -> Doubles:
        """Return x, the pixels that gauge the noise."""
        return self.gain - self.confirmed + self.loss

    def total(self) -> "Units":
        """Return the sum of all units as one."""
        return Units(*(np.array([getattr(self, name).sum()]) for name in Units.__slots__))

    @property
    def excess(self) -> Doubles:
        """Return the net of what gauges the noise."""
        return self.gain - self.confirmed - self.loss


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
    told = edges > 0
    if usual is not None and np.count_nonzero(told) < ENOUGH_UNITS:
        return NoiseLevel(rate, usual.shape, usual.design)
    mean = rate * edges[told]
    spread = float(((noise[told] - mean) ** 2 - patch_design * noise[told]).sum())
    shape = float((mean**2).sum()) / spread if spread > 0 else SHAPES[1]
    shape = min(max(shape, SHAPES[0]), SHAPES[1])
    variance = _expected(noise, rate * edges, shape)
    residual = units.excess - _bias(units, transfer)
    design = float((residual**2).sum() / variance.sum()) if variance.sum() else 1.0
    if usual is not None:
        units_told = np.count_nonzero(told)
        design = (units_told * design + USUAL_WEIGHT * usual.design) / (units_told + USUAL_WEIGHT)
    return NoiseLevel(rate, shape, max(design, 1.0))


def adjust(units: Units, level: NoiseLevel, transfer: Transfer, region_edges: float) -> Adjusted:
    """Return adjusted net change; ``region_edges`` are the edges_before of the whole region."""
    noise = units.unconfirmed
    variance = level.design * (
        _expected(noise, level.rate * units.edges, level.shape)
        + EDGE_VARIANCE * units.confirmed_edges
    )
    share = units.edges_before / region_edges if region_edges else np.zeros_like(noise)
    known = (transfer.slope_sd / transfer.slope * units.confirmed) ** 2
    known = known + (transfer.bias_sd * share) ** 2
    net = units.gain - units.loss - transfer.bias * share
    freedom = 2 * (level.shape + noise)
    tail = (1 + CONFIDENCE) / 2
    half = np.sqrt(student.ppf(tail, freedom) ** 2 * variance + norm.ppf(tail) ** 2 * known)
    correction = np.where(variance + known > 0, HALF_PIXEL, 0.0)
    half = half + correction
    deviation = np.sqrt(np.maximum(variance + known, 1e-12))
    distance = np.maximum(np.abs(net) - correction, 0.0) / deviation
    p_value = np.minimum(2 * student.sf(distance, freedom), 1.0)
    slope = transfer.slope
    return Adjusted(net / slope, (net - half) / slope, (net + half) / slope, p_value)


def detection_limit(adjusted: Adjusted) -> Doubles:
    """Return the least net change in pixels that would stand out: half the interval's width."""
    return (adjusted.high - adjusted.low) / 2


def false_discovery(p_value: Doubles) -> Doubles:
    """Return q-values that control the false discovery rate over all units.

    Benjamini & Hochberg 1995, J. R. Stat. Soc. B 57:289-300; NaN stays out.

    >>> false_discovery(np.array([0.01, 0.04, 0.03, 0.5, np.nan])).round(4).tolist()
    [0.04, 0.0533, 0.0533, 0.5, nan]
    """
    q_value = np.full(p_value.shape, np.nan)
    told = np.flatnonzero(~np.isnan(p_value))
    order = told[np.argsort(p_value[told], kind="stable")]
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
