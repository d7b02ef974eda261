"""The true island: repeatable, about 4 to 6 % sealed, growing slowly, hardly ever unsealed."""

import numpy as np
import pytest

from hexseal.errors import InputError
from hexseal.simulation import Truth, simulate_truth


@pytest.fixture(scope="module")
def truth() -> Truth:
    return simulate_truth((1000, 800), 5)


def sealed(truth: Truth) -> list[np.ndarray]:
    return [cover == 1 for cover in truth.landcover]


def test_same_seed_gives_the_same_island(truth: Truth) -> None:
    again = simulate_truth((1000, 800), 5)
    for one, two in zip(truth.landcover, again.landcover, strict=True):
        assert np.array_equal(one, two)
    other = simulate_truth((1000, 800), 6)
    assert not np.array_equal(truth.landcover[0], other.landcover[0])


def test_sealed_share_and_growth_are_those_of_a_real_region(truth: Truth) -> None:
    land = truth.land.sum()
    first, second, third = sealed(truth)
    assert 0.03 < first.sum() / land < 0.06
    for old, new in ((first, second), (second, third)):
        assert 0.0006 < (new & ~old).sum() / land < 0.0015
        assert (old & ~new).sum() / land < 0.00006


def test_no_growth_means_no_change_of_sealed() -> None:
    truth = simulate_truth((600, 600), 2, growth=0.0)
    first, second, third = sealed(truth)
    assert np.array_equal(first, second)
    assert np.array_equal(first, third)
    assert truth.objects == ()
    assert not np.array_equal(truth.landcover[0], truth.landcover[1])


def test_bare_ground_is_the_usual_origin_of_new_sealed(truth: Truth) -> None:
    first, second, _ = sealed(truth)
    origin = np.bincount(truth.landcover[0][second & ~first], minlength=12)
    assert origin.argmax() == 9
    assert origin[10] < 0.1 * origin.sum()


def test_sealed_pixels_are_mostly_sealed_ground(truth: Truth) -> None:
    percent = truth.sealed_percent[0]
    assert percent.max() == 100
    assert percent[truth.landcover[0] == 1].min() >= 15
    assert percent[truth.landcover[0] == 1].mean() > 50
    assert percent[truth.landcover[0] != 1].mean() < 2


def test_only_codes_of_the_product(truth: Truth) -> None:
    for cover in truth.landcover:
        assert set(np.unique(cover)) <= {*range(1, 11), 254}
        assert (cover[0] == 254).all()
        assert (cover[:, -1] == 254).all()


def test_rivers_run_downhill_to_the_sea(truth: Truth) -> None:
    assert truth.terrain.relief_m[~truth.terrain.land].max() == 0
    assert truth.terrain.relief_m.max() > 100
    assert len(truth.terrain.rivers) == len(truth.terrain.river_km2) > 5


@pytest.mark.parametrize("growth", [-0.1, float("nan")])
def test_negative_growth_is_refused(growth: float) -> None:
    with pytest.raises(InputError, match="growth"):
        simulate_truth((600, 600), 1, growth)


def test_too_large_an_island_is_refused() -> None:
    with pytest.raises(InputError, match="side = 50 km"):
        simulate_truth((5000, 600), 1)
