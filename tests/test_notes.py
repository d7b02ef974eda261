"""Reasons for care: each appears where it should, and only there."""

from dataclasses import replace

import pytest

from hexseal.change.maptests import Check, Verdict
from hexseal.statistics.notes import PairFacts, maker, notes_of, shrinking
from hexseal.types import Pair

CALM = PairFacts(
    pair=Pair(2018, 2021),
    sources=("CLC+ Backbone 2018", "CLC+ Backbone 2021"),
    product="clcplus",
    simulated=True,
    sealed=(100_000.0, 101_000.0),
    checks=(Check("decoys", "losses", 900.0, 60.0, "least", "pass"),),
    lost_share=(0.0, 0.01),
    confirmed=1_000.0,
)


def kinds(**changes: object) -> list[str]:
    return [note.kind for note in notes_of(replace(CALM, **changes))]


def test_a_calm_pair_has_no_note() -> None:
    assert kinds() == []


def test_versions_and_products_that_differ() -> None:
    (note,) = notes_of(
        replace(CALM, sources=("ESA WorldCover 2018 v100", "ESA WorldCover 2021 v200"))
    )
    assert note.kind == "makers"
    assert note.is_severe
    assert note.values == {"first": "ESA WorldCover v100", "second": "ESA WorldCover v200"}
    assert maker("Imperviousness 2018 v2018a", 2018) == "Imperviousness v2018a"


@pytest.mark.parametrize(
    ("check", "kind"),
    [
        (("decoys", "losses", 12.0, "fail"), "few_losses"),
        (("decoys", "balance", 2.1, "fail"), "unbalanced"),
        (("tail", "extrapolated", 0.0, "fail"), "cut_tail"),
        (("level", "spread", 9.0, "fail"), "local_level"),
        (("registration", "shift", 0.5, "fail"), "shifted"),
        (("registration", "shift", None, "unknown"), "shift_unknown"),
        (("registration", "sharpness", 0.03, "fail"), "sharpness"),
        (("fields", "share", 0.8, "fail"), "fields"),
        (("confidence", "contrast", -60.0, "fail"), "inverted"),
        (("unsealing", "tail_shape", 0.6, "fail"), "unsealing"),
    ],
)
def test_each_failed_check_is_a_severe_reason(
    check: tuple[str, str, float | None, Verdict], kind: str
) -> None:
    test, name, statistic, verdict = check
    failed = Check(test, name, statistic, 1.5, "most", verdict)  # type: ignore[arg-type]
    (note,) = notes_of(replace(CALM, checks=(failed,)))
    assert (note.kind, note.is_severe) == (kind, True)
    assert note.values["threshold"] == 1.5
    assert note.values.get("value") == statistic


def test_a_reason_is_named_once() -> None:
    twice = [Check("tail", name, 9.0, 3.5, "most", "fail") for name in ("slope", "middle")]
    assert kinds(checks=tuple(twice)) == ["cut_tail"]


def test_weak_confidence_is_a_remark() -> None:
    weak = Check("confidence", "contrast", 4.0, 10.0, "least", "unknown", needed=False)
    (note,) = notes_of(replace(CALM, checks=(weak,)))
    assert (note.kind, note.is_severe) == ("weak_confidence", False)


def test_accuracies_without_errors_are_named_by_year() -> None:
    (note,) = notes_of(replace(CALM, errors_assumed=(2021,)))
    assert (note.kind, note.values) == ("errors_assumed", {"year": 2021.0})


def test_a_longer_period_that_confirms_less_is_explained() -> None:
    longer = replace(CALM, pair=(2018, 2024), confirmed=900.0)
    (note,) = shrinking(longer, [CALM, longer])
    assert (note.kind, note.pair) == ("shrinks", (2018, 2024))
    assert note.values == {"first": 2018.0, "year": 2021.0}
    assert not list(shrinking(CALM, [CALM, longer]))
    assert not list(shrinking(replace(longer, confirmed=1_100.0), [CALM]))
    assert not list(shrinking(replace(longer, confirmed=None), [CALM]))


def test_sealed_area_that_grows_faster_than_soil_is_sealed() -> None:
    assert kinds(sealed=(100_000.0, 116_000.0)) == ["rate"]
    assert kinds(sealed=(0.0, 116_000.0)) == []


def test_real_clcplus_years_are_calibrated_on_earlier_ones() -> None:
    assert kinds(simulated=False) == ["calibration"]
    assert kinds(simulated=False, product="worldcover") == []


def test_coverage_that_differs_names_the_year_that_loses() -> None:
    (note,) = notes_of(replace(CALM, lost_share=(0.12, 0.0)))
    assert (note.kind, note.values) == ("coverage", {"year": 2018.0, "percent": 12.0})
    assert not note.is_severe


def test_failed_tests_come_first() -> None:
    failed = Check("decoys", "losses", 3.0, 60.0, "least", "fail")
    found = kinds(checks=(failed,), sources=("A 2018", "B 2021"))
    assert found == ["few_losses", "makers"]
