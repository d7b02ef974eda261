"""Reference-based estimates: the published example, slow oracles and a Monte Carlo."""

import numpy as np
import pytest
from oracles import stratified_estimate

from hexseal.accuracy.estimators import (
    CHANGE_CLASSES,
    SampleUnits,
    StratifiedEstimate,
    change_estimate,
    change_labels,
    interval,
    strata_places,
    unit_weights,
    weighted_estimate,
)
from hexseal.errors import InputError

# Olofsson et al. 2014, table 8 and 9: deforestation, gain, stable forest, stable non-forest.
COUNTS = [[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]]
MAPPED = [200_000, 150_000, 3_200_000, 6_450_000]


def units_of(counts: np.ndarray, sizes: np.ndarray) -> SampleUnits:
    """One row per sample unit, strata being the map classes."""
    row, column = np.nonzero(counts)
    mapped, reference = (np.repeat(x, counts[row, column]) for x in (row, column))
    weight = (sizes / np.maximum(counts.sum(axis=1), 1))[mapped]
    return SampleUnits(mapped, reference, mapped, weight, np.ones_like(mapped))


class TestPublishedExample:
    estimate = stratified_estimate(COUNTS, MAPPED)

    def test_areas(self) -> None:
        assert np.rint(self.estimate.area).tolist() == [235_086, 129_846, 3_175_221, 6_459_846]
        assert round(1.96 * self.estimate.area_se[0]) == 68_418

    def test_overall_accuracy(self) -> None:
        assert round(self.estimate.overall_accuracy, 4) == 0.9465
        assert round(1.96 * self.estimate.overall_se, 4) == 0.0185

    def test_users_accuracy(self) -> None:
        assert self.estimate.users_accuracy.round(3).tolist() == [0.88, 0.733, 0.927, 0.963]
        assert (1.96 * self.estimate.users_se).round(3).tolist() == [0.074, 0.101, 0.04, 0.021]

    def test_producers_accuracy(self) -> None:
        assert self.estimate.producers_accuracy.round(3).tolist() == [0.749, 0.847, 0.935, 0.962]
        half = (1.96 * self.estimate.producers_se).round(3).tolist()
        assert half == [0.213, 0.254, 0.034, 0.018]

    def test_proportions_sum_to_the_mapped_shares(self) -> None:
        assert self.estimate.proportions.sum(axis=1) == pytest.approx(np.array(MAPPED) / 1e7)
        assert self.estimate.proportions[0, 2] == pytest.approx(0.02 * 5 / 75)

    def test_areas_sum_to_the_whole_without_error(self) -> None:
        assert self.estimate.area.sum() == pytest.approx(1e7)
        assert self.estimate.area_covariance.sum() == pytest.approx(0.0, abs=1e-2)


def printed_formulas(counts: np.ndarray, mapped: np.ndarray) -> dict[str, np.ndarray]:
    """Olofsson et al. 2014, equations 4 to 11, term by term."""
    classes = range(len(mapped))
    n, share = counts.sum(axis=1), mapped / mapped.sum()
    q = counts / n[:, None]
    p = share[:, None] * q
    users = np.array([q[i, i] for i in classes])
    area, users_v, producers, producers_v = ([0.0] * len(mapped) for _ in range(4))
    for j in classes:
        area[j] = sum(share[i] ** 2 * q[i, j] * (1 - q[i, j]) / (n[i] - 1) for i in classes)
        users_v[j] = users[j] * (1 - users[j]) / (n[j] - 1)
        producers[j] = p[j, j] / p[:, j].sum()
        total_j = sum(mapped[i] * q[i, j] for i in classes)
        own = mapped[j] ** 2 * (1 - producers[j]) ** 2 * users_v[j]
        others = sum(
            mapped[i] ** 2 * q[i, j] * (1 - q[i, j]) / (n[i] - 1) for i in classes if i != j
        )
        producers_v[j] = (own + producers[j] ** 2 * others) / total_j**2
    overall = sum(share[i] ** 2 * users_v[i] for i in classes)
    return {
        "area": p.sum(axis=0) * mapped.sum(),
        "area_se": np.sqrt(area) * mapped.sum(),
        "users_accuracy": users,
        "users_se": np.sqrt(users_v),
        "producers_accuracy": np.array(producers),
        "producers_se": np.sqrt(producers_v),
        "overall_accuracy": np.trace(p),
        "overall_se": np.sqrt(overall),
    }


@pytest.mark.parametrize("seed", range(10))
def test_random_matrices_follow_the_printed_formulas(seed: int) -> None:
    rng = np.random.default_rng(seed)
    classes = int(rng.integers(2, 7))
    counts = rng.integers(1, 60, (classes, classes))
    mapped = rng.uniform(1.0, 1e6, classes)
    estimate = stratified_estimate(counts, mapped)
    for name, expected in printed_formulas(counts, mapped).items():
        assert getattr(estimate, name) == pytest.approx(expected, rel=1e-12), name


def fields(estimate: StratifiedEstimate) -> list[np.ndarray]:
    names = [*StratifiedEstimate.__dataclass_fields__, "area_se"]
    return [np.asarray(getattr(estimate, name)) for name in names]


def test_units_one_by_one_give_the_same_as_their_matrix() -> None:
    counts, sizes = np.array(COUNTS), np.array(MAPPED, dtype=float)
    single = weighted_estimate(units_of(counts, sizes), 4, total=1e7)
    for one, other in zip(fields(single), fields(stratified_estimate(COUNTS, MAPPED)), strict=True):
        assert one == pytest.approx(other, rel=1e-10, abs=1e-4)


def stehman(units: SampleUnits, y: np.ndarray, x: np.ndarray) -> tuple[float, float]:
    """A combined ratio and its standard error as Stehman 2014 writes them, stratum by stratum."""
    top = bottom = variance = 0.0
    strata = np.unique(units.stratum)
    for h in strata:
        here = units.stratum == h
        size = units.weight[here].sum()
        top, bottom = top + size * y[here].mean(), bottom + size * x[here].mean()
    ratio = top / bottom
    for h in strata:
        here = units.stratum == h
        n, size = here.sum(), units.weight[here].sum()
        s2_y, s2_x = y[here].var(ddof=1), x[here].var(ddof=1)
        s_xy = np.cov(x[here], y[here], ddof=1)[0, 1]
        variance += size**2 * (s2_y + ratio**2 * s2_x - 2 * ratio * s_xy) / n
    return ratio, np.sqrt(variance) / bottom


@pytest.mark.parametrize("seed", range(5))
def test_other_strata_follow_stehman(seed: int) -> None:
    rng = np.random.default_rng(100 + seed)
    stratum = rng.integers(0, 4, 400)
    mapped, reference = rng.integers(0, 3, 400), rng.integers(0, 3, 400)
    sizes = rng.uniform(100.0, 1e5, 4)
    weight = unit_weights(np.bincount(stratum), sizes)[stratum]
    units = SampleUnits(mapped, reference, stratum, weight, np.ones(400, np.int64))
    estimate = weighted_estimate(units, 3)
    for j in range(3):
        on_map, on_ground = (mapped == j).astype(float), (reference == j).astype(float)
        both = on_map * on_ground
        found = stehman(units, on_ground, np.ones(400))
        assert (estimate.area[j], estimate.area_se[j]) == pytest.approx(found)
        users = estimate.users_accuracy[j], estimate.users_se[j]
        assert users == pytest.approx(stehman(units, both, on_map))
        producers = estimate.producers_accuracy[j], estimate.producers_se[j]
        assert producers == pytest.approx(stehman(units, both, on_ground))
    overall = stehman(units, (mapped == reference).astype(float), np.ones(400))
    assert (estimate.overall_accuracy, estimate.overall_se) == pytest.approx(overall)


def test_stated_errors_are_those_of_repeated_sampling() -> None:
    """Draw 4 000 samples from a known map and truth; strata are not the map classes."""
    rng = np.random.default_rng(5)
    chances = np.array([[0.70, 0.05, 0.05, 0.20], [0.02, 0.60, 0.30, 0.08]])  # of (map, truth)
    sizes, taken = np.array([9_000.0, 1_000.0]), np.array([150, 100])
    truth = (sizes[:, None] * chances).sum(axis=0).reshape(2, 2) / 1e4
    stratum = np.repeat([0, 0, 0, 0, 1, 1, 1, 1], 1)
    pairs = np.tile(np.arange(4), 2)
    weight = (sizes / taken)[stratum]
    found, stated = [], []
    for _ in range(4_000):
        count = np.concatenate([rng.multinomial(n, p) for n, p in zip(taken, chances, strict=True)])
        estimate = weighted_estimate(SampleUnits(pairs // 2, pairs % 2, stratum, weight, count), 2)
        figures = estimate.area[1], estimate.users_accuracy[1], estimate.producers_accuracy[1]
        errors = estimate.area_se[1], estimate.users_se[1], estimate.producers_se[1]
        found.append((*figures, estimate.overall_accuracy))
        stated.append((*errors, estimate.overall_se))
    expected = (
        truth[:, 1].sum(), truth[1, 1] / truth[1].sum(), truth[1, 1] / truth[:, 1].sum(),
        np.trace(truth),
    )  # fmt: skip
    found, stated = np.array(found), np.array(stated)
    assert found.mean(axis=0) == pytest.approx(expected, abs=0.006)
    assert stated.mean(axis=0) == pytest.approx(found.std(axis=0), rel=0.05)
    covered = np.abs(found - expected) <= 1.96 * stated
    # Ratios of few units are covered a little less often than promised.
    assert ((covered.mean(axis=0) > 0.92) & (covered.mean(axis=0) < 0.965)).all()


def test_unequal_weights_in_one_stratum_state_their_error() -> None:
    """Points drawn twice as often where the map is sealed, known only by their weights."""
    rng = np.random.default_rng(9)
    found, stated = [], []
    for _ in range(2_000):
        mapped = (rng.random(300) < 0.5).astype(np.int64)
        reference = (rng.random(300) < np.where(mapped == 1, 0.8, 0.1)).astype(np.int64)
        weight = np.where(mapped == 1, 0.2, 1.0)
        alone = np.zeros(300, np.int64)
        units = SampleUnits(mapped, reference, alone, weight, np.ones(300, np.int64))
        estimate = weighted_estimate(units, 2)
        found.append(estimate.area[1])
        stated.append(estimate.area_se[1])
    # A sixth of the ground is mapped as sealed: 0.8 / 6 + 0.1 x 5 / 6.
    assert np.mean(found) == pytest.approx(0.8 / 6 + 0.5 / 6, abs=0.002)
    assert np.mean(stated) == pytest.approx(np.std(found), rel=0.05)


class TestStatedCases:
    def test_a_class_that_nobody_saw_has_no_producers_accuracy(self) -> None:
        estimate = stratified_estimate([[10, 0], [5, 0]], [100, 50])
        assert estimate.area.tolist() == [150.0, 0.0]
        # Half an exception in the 15 points, which carry equal weight.
        part = 0.5 / 16
        se = 150 * np.sqrt(part * (1 - part) / 15)
        assert estimate.area_se == pytest.approx([se, se])
        assert estimate.users_accuracy.tolist() == [1.0, 0.0]
        assert estimate.producers_accuracy[0] == pytest.approx(2 / 3)
        assert np.isnan(estimate.producers_accuracy[1])
        assert np.isnan(estimate.producers_se[1])

    def test_a_class_that_is_not_on_the_map_has_no_users_accuracy(self) -> None:
        estimate = stratified_estimate([[8, 2], [0, 0]], [100, 0])
        assert estimate.area.tolist() == [80.0, 20.0]
        assert np.isnan(estimate.users_accuracy[1])
        assert estimate.producers_accuracy.tolist() == [1.0, 0.0]
        # 100 x sqrt(0.8 x 0.2 / 9)
        assert estimate.area_se == pytest.approx([100 * 0.4 / 3, 100 * 0.4 / 3])

    @pytest.mark.parametrize(("row", "units"), [([0, 0], 0), ([0, 1], 1)])
    def test_too_few_units_name_the_class(self, row: list[int], units: int) -> None:
        with pytest.raises(InputError, match=rf"class 'loss' has {units} reference points"):
            stratified_estimate([[5, 5], row], [10, 10], names=["gain", "loss"])

    def test_units_without_mapped_area(self) -> None:
        with pytest.raises(InputError, match="class 1 has 2 reference points but no mapped area"):
            stratified_estimate([[5, 5], [1, 1]], [10, 0])

    @pytest.mark.parametrize(
        ("counts", "mapped", "words"),
        [
            ([[1, 2]], [1], "square"),
            ([[3, 2], [2, 3]], [1], "square"),
            ([[-3, 2], [2, 3]], [1, 1], "whole numbers"),
            ([[3.5, 2], [2, 3]], [1, 1], "whole numbers"),
            ([[3, 2], [2, 3]], [1, float("nan")], "areas of 0 or more"),
            ([[0, 0], [0, 0]], [0, 0], "not all 0"),
        ],
    )
    def test_what_is_no_matrix(self, counts: list, mapped: list, words: str) -> None:
        with pytest.raises(InputError, match=words):
            stratified_estimate(counts, mapped)

    def test_a_stratum_of_one_unit(self) -> None:
        one = np.array([0, 0, 1])
        units = SampleUnits(one, one, one, np.ones(3), np.ones(3, np.int64))
        with pytest.raises(InputError, match="class 'b' has 1 reference point"):
            weighted_estimate(units, 2, names=["a", "b"])


class TestChange:
    def test_labels(self) -> None:
        labels = change_labels([6, 1, 50, 6, 1], [6, 50, 1, 1, 7], {1, 50})
        assert [CHANGE_CLASSES[k] for k in labels] == [
            "stable unsealed", "stable sealed", "stable sealed", "gain", "loss",
        ]  # fmt: skip

    def test_net_by_hand(self) -> None:
        # One stratum of 100 km²: 10 points, of which 3 gained and 2 lost.
        units = SampleUnits(
            np.zeros(3, np.int64), np.array([0, 2, 3]), np.zeros(3, np.int64), np.full(3, 10.0),
            np.array([5, 3, 2]),
        )  # fmt: skip
        change = change_estimate(weighted_estimate(units, 4, total=100.0))
        assert (change.gain, change.loss) == (pytest.approx(30.0), pytest.approx(20.0))
        assert change.net == pytest.approx(10.0)
        # V = 100² x (0.3 x 0.7 + 0.2 x 0.8 + 2 x 0.3 x 0.2) / 9 = 10000 x 0.49 / 9
        assert change.gain_se == pytest.approx(100 * np.sqrt(0.21 / 9))
        assert change.loss_se == pytest.approx(100 * np.sqrt(0.16 / 9))
        assert change.net_se == pytest.approx(100 * 0.7 / 3)

    def test_error_of_the_net_is_that_of_repeated_sampling(self) -> None:
        rng = np.random.default_rng(12)
        sizes, taken = np.array([8_000, 1_500, 300, 200]), [100, 80, 60, 60]
        chances = [
            [0.97, 0.01, 0.01, 0.01],
            [0.02, 0.95, 0.01, 0.02],
            [0.35, 0.15, 0.5, 0],
            [0.3, 0.3, 0, 0.4],
        ]
        truth = (sizes[:, None] * np.array(chances)).sum(axis=0)
        found = []
        for _ in range(3_000):
            counts = [rng.multinomial(n, p) for n, p in zip(taken, chances, strict=True)]
            change = change_estimate(stratified_estimate(counts, sizes))
            found.append((change.net, change.net_se))
        net, se = np.array(found).T
        assert net.mean() == pytest.approx(truth[2] - truth[3], abs=6.0)
        assert np.sqrt((se**2).mean()) == pytest.approx(net.std(), rel=0.05)


def test_places_of_named_strata() -> None:
    place, sizes, names = strata_places(["b", "a", "b"], {"a": 3.0, "b": 2.0, "c": 1.0})
    assert place.tolist() == [1, 0, 1]
    assert sizes.tolist() == [3.0, 2.0, 1.0]
    assert names == ("a", "b", "c")


def test_interval() -> None:
    assert interval(0.5, 0.1) == (pytest.approx(0.304), pytest.approx(0.696))
