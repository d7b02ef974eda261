"""Adjusted net change against a slow reading of its formulas, and against known noise."""

import math

import numpy as np
import pytest
from scipy.stats import norm, t

from hexseal.region.load import SealedAccuracy
from hexseal.statistics.adjusted import (
    NoiseLevel,
    Transfer,
    Units,
    Whole,
    adjust,
    false_discovery,
    fit_noise,
)
from hexseal.statistics.transfer import transfer_between


def made(count: int, seed: int = 1, shape: float = 5.0) -> Units:
    """Units whose gain and loss are noise alone: gamma-Poisson around 0.04 per edge pixel."""
    rng = np.random.default_rng(seed)
    edges = rng.integers(0, 400, count).astype(float)
    level = rng.gamma(shape, 1 / shape, count)
    gain, loss = (rng.poisson(0.04 * 2 * edges * level).astype(float) for _ in range(2))
    nothing = np.zeros(count)
    return Units(gain, loss, nothing, nothing, nothing, edges, edges)


def whole_of(units: Units) -> Whole:
    return Whole.of(units, variance=0.0, confirmed_design=0.3)


def test_noise_is_found_again() -> None:
    level = fit_noise(made(20_000), Transfer(), 1.0, None)
    assert level.rate == pytest.approx(0.08, rel=0.02)
    assert level.shape == pytest.approx(5.0, rel=0.1)
    assert level.design == pytest.approx(1.0, rel=0.03)


def test_intervals_hold_the_truth_where_there_is_only_noise() -> None:
    units = made(20_000)
    found = adjust(units, fit_noise(units, Transfer(), 1.0, None), Transfer(), whole_of(units))
    held = ((found.low <= 0) & (found.high >= 0)).mean()
    assert 0.94 < held < 0.985
    assert (false_discovery(found.p_value) <= 0.10).mean() < 0.001


def slow_adjust(
    one: dict[str, float], level: NoiseLevel, transfer: Transfer, whole: Whole
) -> tuple[float, float, float, float]:
    """Adjust one unit, formula by formula."""
    gain = one["gain"] - one["confirmed"] - one["field_gain"]
    loss = one["loss"] - one["field_loss"]
    edges = one["edges_before"] + one["edges_after"]
    mean = level.rate * edges
    noise = gain + loss
    expected = (level.shape + noise) / (level.shape / mean + 1) if mean else noise
    variance = level.design * expected + whole.confirmed_design * one["confirmed"]
    share = one["edges_before"] / whole.edges_before
    known = (transfer.slope_sd / transfer.slope * one["confirmed"]) ** 2
    known += (transfer.bias_sd * share) ** 2
    freedom = 2 * (level.shape + noise)
    half = math.sqrt(t.ppf(0.975, freedom) ** 2 * variance + norm.ppf(0.975) ** 2 * known) + 0.5
    change = one["confirmed"] + gain - loss - transfer.bias * share
    noise_or_shift = (whole.excess - transfer.bias) * edges / whole.edges
    readings = [change, change - noise_or_shift]
    low, high = min(readings) - one["field_loss"], max(readings) + one["field_gain"]
    beyond = max(max(low, -high) - 0.5, 0) / math.sqrt(variance + known)
    slope = transfer.slope
    ends = (sum(readings) / 2, low - half, high + half)
    return *(end / slope for end in ends), float(min(1, 2 * t.sf(beyond, freedom)))


def test_the_formulas_one_unit_at_a_time() -> None:
    names = Units.__slots__
    rows = [
        dict(zip(names, values, strict=True))
        for values in (
            (30.0, 4.0, 22.0, 0.0, 0.0, 50.0, 61.0),
            (3.0, 9.0, 0.0, 0.0, 5.0, 120.0, 117.0),
            (90.0, 2.0, 20.0, 60.0, 0.0, 30.0, 40.0),
            (0.0, 0.0, 0.0, 0.0, 0.0, 10.0, 10.0),
        )
    ]
    units = Units(*(np.array([row[name] for row in rows]) for name in names))
    level = NoiseLevel(rate=0.08, shape=4.0, design=1.6)
    transfer = Transfer(slope=0.92, slope_sd=0.046, bias=40.0, bias_sd=12.0)
    whole = Whole(2_000.0, 900.0, excess=130.0, variance=500.0, confirmed_design=0.4)
    found = adjust(units, level, transfer, whole)
    for place, row in enumerate(rows):
        expected = slow_adjust(row, level, transfer, whole)
        got = (found.net[place], found.low[place], found.high[place], found.p_value[place])
        assert got == pytest.approx(expected)


def test_nets_of_units_add_up_to_that_of_the_whole() -> None:
    units = made(200)
    units = Units(units.gain + 3, *(getattr(units, name) for name in Units.__slots__[1:]))
    whole = Whole.of(units, variance=1_000.0, confirmed_design=0.3)
    level = fit_noise(units, Transfer(), 1.0, None)
    each = adjust(units, level, Transfer(), whole)
    region = adjust(units.total(), level, Transfer(), whole, is_whole=True)
    assert each.net.sum() == pytest.approx(region.net[0])
    # Nothing is confirmed: the region's 200 x 3 unexplained pixels are noise or change.
    half = 1.959964 * math.sqrt(1_000.0) + 0.5
    assert region.low[0] == pytest.approx(-half)
    assert region.high[0] == pytest.approx(units.excess.sum() + half)


def test_units_without_sealed_ground_have_no_change_and_no_doubt() -> None:
    nothing = np.zeros(2)
    units = Units(*(nothing,) * 7)
    level = fit_noise(units, Transfer(), 1.0, None)
    found = adjust(units, level, Transfer(), whole_of(units))
    assert found.net.tolist() == found.low.tolist() == found.high.tolist() == [0.0, 0.0]
    assert found.p_value.tolist() == [1.0, 1.0]


def test_few_units_lean_on_those_of_another_size() -> None:
    usual = NoiseLevel(rate=0.5, shape=7.0, design=1.8)
    level = fit_noise(made(10), Transfer(), 1.0, usual)
    assert (level.shape, level.design) == (7.0, 1.8)
    assert level.rate != usual.rate


def test_q_values_by_the_definition_of_benjamini_and_hochberg() -> None:
    rng = np.random.default_rng(5)
    p_value = np.round(np.concatenate([rng.random(40), rng.random(10) / 100]), 3)
    for level in (0.01, 0.05, 0.10, 0.3):
        ranked = sorted(p_value)
        passing = [k for k, p in enumerate(ranked, 1) if p <= k * level / len(ranked)]
        limit = ranked[max(passing) - 1] if passing else -1.0
        assert ((false_discovery(p_value) <= level) == (p_value <= limit)).all()


def test_equal_accuracies_bring_no_bias_and_a_slope_between_two_bounds() -> None:
    equal = SealedAccuracy(0.85, 0.85)
    found = transfer_between(equal, equal, sealed=5_000, land=100_000)
    # f = 0.85 x 0.05 x 0.15 / (0.85 x 0.95) = 0.00789; bounds 0.8421 and 1
    assert found.slope == pytest.approx((0.842105 + 1) / 2, abs=1e-5)
    assert found.slope_sd == pytest.approx((1 - 0.842105) / math.sqrt(12), abs=1e-5)
    assert (found.bias, found.bias_sd) == (0.0, 0.0)


def test_drifting_accuracies_bring_the_bias_that_they_cause() -> None:
    first, second = SealedAccuracy(0.85, 0.85, 0.01, 0.02), SealedAccuracy(0.83, 0.87)
    found = transfer_between(first, second, sealed=100_000, land=2_000_000)
    drift = (0.87 / 0.83) / 1.0
    assert found.bias == pytest.approx(100_000 * (drift - 1))
    spread = math.hypot(0.01 / 0.85, 0.02 / 0.85)
    assert found.bias_sd == pytest.approx(100_000 * drift * spread)
