"""Observed maps: the accuracy, the correlation and the kind of errors that were asked for."""

import numpy as np
import pytest

from hexseal.errors import InputError
from hexseal.simulation import NoiseModel, Truth, error_fields, observe, simulate_truth
from hexseal.simulation.island import fix_by_hand


@pytest.fixture(scope="module")
def truth() -> Truth:
    return simulate_truth((1000, 1000), 3)


def accuracies(true: np.ndarray, mapped: np.ndarray) -> tuple[float, float]:
    both = float(((true == 1) & (mapped == 1)).sum())
    return both / float((mapped == 1).sum()), both / float((true == 1).sum())


@pytest.mark.parametrize("target", [(0.86, 0.86), (0.80, 0.92), (0.95, 0.85)])
def test_accuracies_are_those_asked_for(truth: Truth, target: tuple[float, float]) -> None:
    noise = NoiseModel(users_accuracy=target[0], producers_accuracy=target[1])
    maps = observe(truth.landcover, noise, np.random.default_rng(1))
    for true, seen in zip(truth.landcover, maps, strict=True):
        assert accuracies(true, seen.landcover) == pytest.approx(target, abs=0.03)


def test_drift_lowers_the_second_year_only(truth: Truth) -> None:
    noise = NoiseModel(users_drift=-0.04, producers_drift=0.03)
    maps = observe(truth.landcover[:2], noise, np.random.default_rng(1))
    first, second = (
        accuracies(true, seen.landcover)
        for true, seen in zip(truth.landcover[:2], maps, strict=True)
    )
    assert first == pytest.approx((0.86, 0.86), abs=0.005)
    assert second == pytest.approx((0.82, 0.89), abs=0.015)


@pytest.mark.parametrize("asked", [0.0, 0.5, 0.96])
def test_noise_of_two_years_correlates_as_asked(asked: float) -> None:
    noise = NoiseModel(error_correlation=asked)
    first, second = error_fields((700, 700), 2, noise, np.random.default_rng(0))
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] == pytest.approx(asked, abs=0.02)
    assert second.std() == pytest.approx(1, abs=0.02)


def test_errors_repeat_from_year_to_year(truth: Truth) -> None:
    first, second = observe(truth.landcover[:2], NoiseModel(), np.random.default_rng(2))
    wrong = [
        ((true == 1) != (seen.landcover == 1))[truth.land]
        for true, seen in zip(truth.landcover, (first, second), strict=False)
    ]
    assert 0.70 < np.corrcoef(wrong[0], wrong[1])[0, 1] < 0.85


def test_raw_gain_is_several_times_the_true_gain(truth: Truth) -> None:
    true = [cover == 1 for cover in truth.landcover[:2]]
    maps = observe(truth.landcover[:2], NoiseModel(), np.random.default_rng(3))
    seen = [m.landcover == 1 for m in maps]
    true_gain = (true[1] & ~true[0]).sum()
    assert 2.5 < (seen[1] & ~seen[0]).sum() / true_gain < 5.5
    assert (seen[0] & ~seen[1]).sum() > 1.5 * true_gain


def test_without_true_change_losses_equal_gains(truth: Truth) -> None:
    same = [truth.landcover[0]] * 2
    seen = [m.landcover == 1 for m in observe(same, NoiseModel(), np.random.default_rng(4))]
    gain, loss = (seen[1] & ~seen[0]).sum(), (seen[0] & ~seen[1]).sum()
    assert gain == pytest.approx(loss, rel=0.15)


def test_perfect_accuracy_shows_the_truth(truth: Truth) -> None:
    noise = NoiseModel(users_accuracy=1, producers_accuracy=1, confusion=0)
    (seen,) = observe(truth.landcover[:1], noise, np.random.default_rng(5))
    assert np.array_equal(seen.landcover, truth.landcover[0])


def test_codes_outside_the_classes_stay(truth: Truth) -> None:
    (seen,) = observe(truth.landcover[:1], NoiseModel(), np.random.default_rng(6))
    outside = truth.landcover[0] == 254
    assert (seen.landcover[outside] == 254).all()
    assert (seen.confidence[outside] == 254).all()
    assert seen.confidence[~outside].max() <= 100


def test_confidence_is_lower_where_the_map_is_wrong_but_not_always(truth: Truth) -> None:
    (seen,) = observe(truth.landcover[:1], NoiseModel(), np.random.default_rng(7))
    wrong = ((truth.landcover[0] == 1) != (seen.landcover == 1)) & truth.land
    right = truth.land & (seen.landcover == truth.landcover[0])
    assert seen.confidence[wrong].mean() + 15 < seen.confidence[right].mean()
    assert (seen.confidence[wrong] > 50).mean() > 0.03


def test_corrections_touch_one_pixel_in_a_thousand(truth: Truth) -> None:
    (seen,) = observe(truth.landcover[:1], NoiseModel(), np.random.default_rng(8))
    fixed, layer = fix_by_hand(truth.landcover[0], seen.landcover, np.random.default_rng(8))
    assert ((fixed != seen.landcover) == (layer == 1)).all()
    assert (layer == 1).sum() / (layer < 2).sum() == pytest.approx(0.001, rel=0.2)
    repaired = (fixed == truth.landcover[0])[layer == 1].mean()
    assert 0.6 < repaired < 1


def test_map_without_any_sealed_pixel_is_left_without() -> None:
    cover = np.full((60, 60), 6, np.uint8)
    (seen,) = observe([cover], NoiseModel(), np.random.default_rng(0))
    assert not (seen.landcover == 1).any()


@pytest.mark.parametrize("field", ["users_accuracy", "error_correlation"])
def test_impossible_noise_is_refused(field: str) -> None:
    with pytest.raises(InputError, match=field):
        NoiseModel(**{field: 1.2})
