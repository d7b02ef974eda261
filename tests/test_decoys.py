"""q-values from losses, against their definition."""

import numpy as np
import pytest

from hexseal.change.decoys import asymmetry, confirm
from hexseal.errors import InputError


def slow_q(gains: list[float], losses: list[float], ratio: float) -> list[float]:
    """The least rate over all thresholds that let a gain pass, by trying each."""

    def rate(threshold: float) -> float:
        decoys = sum(score >= threshold for score in losses)
        return min(1.0, (ratio * decoys + 1) / sum(score >= threshold for score in gains))

    rates = {score: rate(score) for score in set(gains)}
    return [min(known for other, known in rates.items() if other <= score) for score in gains]


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("ratio", [1.0, 1.7])
def test_q_values_are_those_of_the_definition(seed: int, ratio: float) -> None:
    rng = np.random.default_rng(seed)
    gains = np.round(np.concatenate([rng.exponential(2, 60), rng.exponential(9, 20)]), 1)
    losses = np.round(rng.exponential(2, 55), 1)
    found = confirm(gains, losses, decoy_ratio=ratio)
    np.testing.assert_allclose(found.q_value, slow_q(gains.tolist(), losses.tolist(), ratio))
    assert found.confirmed == (found.q_value <= 0.10).sum()


def test_the_one_added_keeps_few_gains_from_passing_for_certain() -> None:
    found = confirm(np.array([50.0] * 9), np.array([]))
    assert found.q_value.tolist() == pytest.approx([1 / 9] * 9)
    assert (found.confirmed, found.threshold, found.few_decoys) == (0, None, True)
    assert confirm(np.array([50.0] * 10), np.array([])).confirmed == 10


def test_no_gains_and_no_losses_are_stated_cases() -> None:
    found = confirm(np.array([]), np.array([1.0, 2.0]))
    assert (found.gains, found.losses, found.confirmed) == (0, 2, 0)
    assert confirm(np.array([]), np.array([])).few_decoys


def test_noise_that_gains_twice_as_often_is_seen_and_corrected() -> None:
    rng = np.random.default_rng(3)
    noise = rng.exponential(1, 900)
    gains, losses = noise[:600], noise[600:]
    assert asymmetry(np.sort(gains), np.sort(losses)) == pytest.approx(2.0, abs=0.2)
    found = confirm(gains, losses, decoy_ratio="auto")
    assert found.decoy_ratio == found.asymmetry
    assert asymmetry(np.sort(gains), np.array([1.0] * 19)) == 1.0


def test_levels_and_ratios_outside_their_range() -> None:
    with pytest.raises(InputError, match=r"level = 1.5: give a share between 0 and 1"):
        confirm(np.array([1.0]), np.array([1.0]), level=1.5)
    with pytest.raises(InputError, match=r"decoy_ratio = 0.5: give 1"):
        confirm(np.array([1.0]), np.array([1.0]), decoy_ratio=0.5)
