"""Rates from the tail of losses, tests of maps, and grades, on inputs whose truth is known."""

import sys
from pathlib import Path

import numpy as np
import pytest

from hexseal.change.maptests import (
    Blocks,
    Sizes,
    check_confidence,
    check_decoys,
    check_level,
    check_series,
    check_tail,
    faint_ratio,
)
from hexseal.change.rate import Tail, counted_bound, fit_tail, rates, sure_enough
from hexseal.statistics.adjusted import reconcile

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))
from grades import SHORT_ROWS, measure, report


def sizes(gains: list[int], losses: list[int], beyond: int | None = None) -> Sizes:
    """Patches of 0, 1, 2 ... pixels; those of 4 and more are counted unless given."""
    both = [np.array([0, *side, *[0] * (12 - len(side))]) for side in (gains, losses)]
    return Sizes(*both, losses_beyond=sum(losses[3:]) if beyond is None else beyond)


def verdicts(checks) -> dict[str, str]:
    return {check.name: check.verdict for check in checks}


def tail_checks(found: Sizes):
    return check_tail(found, found)


def test_a_tail_is_found_again() -> None:
    rng = np.random.default_rng(7)
    # Generalised Pareto of shape 0.2 and scale 2 above 0: inverse of its distribution.
    scores = 2 / 0.2 * (rng.random(20_000) ** -0.2 - 1)
    tail = fit_tail(scores)
    assert tail is not None
    assert tail.count == 4_000
    assert tail.shape == pytest.approx(0.2, abs=0.05)
    # Above its 80 % quantile the scale has grown by shape x quantile.
    assert tail.scale == pytest.approx(2 + 0.2 * tail.start, rel=0.08)


def test_fewer_than_60_losses_fit_no_tail() -> None:
    assert fit_tail(np.arange(59.0)) is None
    assert fit_tail(np.arange(60.0)) is not None
    assert fit_tail(np.ones(100)) is not None


def test_rates_are_at_least_what_is_counted() -> None:
    tail = Tail(start=1.0, scale=0.1, shape=0.0, count=50)
    losses = np.array([2.0] * 30 + [9.0] * 5)
    gains = np.array([5.0] * 10 + [10.0] * 40)
    found = rates(gains, losses, tail, ratio=2.0)
    # 5 losses score 9 and more, each stands for 2 false gains, of 50 gains at 5 and more.
    assert found[:10] == pytest.approx([2 * 5 / 50] * 10)
    assert (found[10:] < 0.01).all()
    assert rates(np.array([0.5]), losses, tail, 1.0).tolist() == [1.0]


def test_the_bound_of_no_decoy_is_not_none() -> None:
    assert counted_bound(0, 1.0) == 4
    assert counted_bound(0, 2.0) > 4


def test_no_losses_never_pass_for_a_balance() -> None:
    gains = np.arange(300.0)
    assert faint_ratio(gains, np.array([])) == 151.0
    found = verdicts(check_decoys(gains, np.array([]), sizes([200, 60, 20], [0, 0, 0])))
    assert found == {"losses": "fail", "faint_ratio": "fail", "balance": "fail"}
    same = check_decoys(gains, gains, sizes([200, 60, 20], [195, 66, 18]))
    assert set(verdicts(same).values()) == {"pass"}


def test_a_tail_that_a_producer_cut_off() -> None:
    gains = [1500, 520, 220, 120, 60, 40, 25]
    assert set(verdicts(tail_checks(sizes(gains, gains))).values()) == {"pass"}
    from_4 = verdicts(tail_checks(sizes(gains, [1500, 520, 220], 0)))
    assert (from_4["middle"], from_4["extrapolated"]) == ("fail", "fail")
    from_6 = verdicts(tail_checks(sizes(gains, [1500, 520, 220, 120, 60])))
    assert (from_6["middle"], from_6["extrapolated"]) == ("pass", "fail")
    smooth = [1450, 450, 150, 65, 25, 12, 8]
    assert verdicts(tail_checks(sizes(gains, smooth)))["slope"] == "fail"


def test_levels_that_differ_from_place_to_place() -> None:
    even = np.full((4, 4), 100.0)
    assert set(verdicts(check_level(Blocks(even, even))).values()) == {"pass"}
    west = even.copy()
    west[:, 0] = 160.0
    assert verdicts(check_level(Blocks(west, even)))["spread"] == "fail"
    one = even.copy()
    one[2, 2] = 200.0
    found = Blocks(one, even)
    assert verdicts(check_level(found))["block"] == "fail"
    assert np.argwhere(found.fails).tolist() == [[2, 2]]
    nothing = np.zeros((4, 4))
    assert check_level(Blocks(nothing, nothing))[0].stops


@pytest.mark.parametrize(
    ("contrast", "verdict", "stops"),
    [(40.0, "pass", False), (6.0, "unknown", False), (-40.0, "fail", True)],
)
def test_confidence_is_used_ignored_or_refused(contrast: float, verdict: str, stops: bool) -> None:
    (check,) = check_confidence(contrast, has_layer=True)
    assert (check.verdict, check.stops) == (verdict, stops)
    assert check_confidence(None, has_layer=False) == []


def test_confidence_of_one_date_or_of_too_few_pixels_is_not_used() -> None:
    for contrast, has_both in ((40.0, False), (None, True)):
        (check,) = check_confidence(contrast, has_layer=True, has_both=has_both)
        assert (check.verdict, check.stops) == ("unknown", False)


def test_periods_add_up_where_all_are_known() -> None:
    nets = {
        (2018, 2021): np.array([10.0, 4.0, np.nan]),
        (2021, 2024): np.array([20.0, 5.0, 7.0]),
        (2018, 2024): np.array([36.0, 12.0, 9.0]),
    }
    moves = reconcile(nets, {(2018, 2021): 1.0, (2021, 2024): 2.0, (2018, 2024): 3.0})
    added = {pair: nets[pair] + moves[pair] for pair in nets}
    total = added[2018, 2021] + added[2021, 2024]
    np.testing.assert_allclose(total[:2], added[2018, 2024][:2])
    # 6 are missing: by variance 1, 2, 3 they fall on the three figures.
    assert [float(moves[pair][0]) for pair in nets] == pytest.approx([1.0, 2.0, -3.0])
    # What is not known ties nothing.
    assert (moves[2021, 2024][2], moves[2018, 2024][2]) == (0.0, 0.0)
    # Sums over units stay sums.
    sums = {pair: values[:2].sum(keepdims=True) for pair, values in nets.items()}
    whole = reconcile(sums, {(2018, 2021): 1.0, (2021, 2024): 2.0, (2018, 2024): 3.0})
    for pair in nets:
        assert moves[pair][:2].sum() == pytest.approx(whole[pair][0])


def test_two_periods_alone_have_nothing_to_add_up_to() -> None:
    nets = {(2018, 2021): np.array([1.0]), (2021, 2024): np.array([2.0])}
    moves = reconcile(nets, dict.fromkeys(nets, 1.0))
    assert [move.tolist() for move in moves.values()] == [[0.0], [0.0]]
    assert reconcile({}, {}) == {}


def test_maps_with_known_errors_are_graded_as_they_deserve() -> None:
    runs = {name: measure((name, 3)) for name in SHORT_ROWS}
    assert not [name for name, run in runs.items() if run.is_silently_wrong]
    assert [name for name, run in runs.items() if run.consistent][:2] == ["control", "no change"]
    removed, shifted = (runs[n] for n in ("losses below 20 px removed", "shift 0.5 px"))
    assert {"decoys.losses", "decoys.faint_ratio"} <= set(removed.reasons)
    assert "registration.shift" in shifted.reasons
    assert runs["no change"].confirmed == 0
    assert runs["control"].holds
    assert runs["control"].found > 0.75
    assert "| silently wrong runs (0) | 0 of 6 | yes |" in report(list(runs.values()))


def test_of_few_gains_none_is_confirmed_that_chance_could_make_false() -> None:
    rate = np.array([0.001] * 6 + [0.09] * 6)
    # Of 12 gains one is expected to be false, and three are in one region of ten.
    assert sure_enough(rate, 0.10).tolist() == [True] * 6 + [False] * 6
    assert sure_enough(np.full(60, 0.09), 0.10).all()
    assert not sure_enough(np.full(60, 0.11), 0.10).any()
    assert not sure_enough(np.empty(0), 0.10).any()


@pytest.mark.parametrize(
    ("same", "sealed", "stops"),
    [
        (True, (1000, 1149), []),
        (True, (1000, 1151), ["pace"]),
        (True, (1000, 849), ["pace"]),
        (True, (0, 50), []),
        (False, (1000, 1000), ["makers"]),
        (False, (1000, 2000), ["makers", "pace"]),
    ],
)
def test_years_of_other_makers_or_an_unbelievable_pace_are_no_series(
    same: bool, sealed: tuple[int, int], stops: list[str]
) -> None:
    checks = check_series(same_makers=same, sealed=sealed, years=3)
    assert [check.name for check in checks] == stops
    assert all(check.test == "series" and check.stops for check in checks)
