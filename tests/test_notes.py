"""Reasons for care: each appears where it should, and only there."""

from dataclasses import replace

import pytest

from hexseal.statistics.notes import PairFacts, maker, notes_of

CALM = PairFacts(
    pair=(2018, 2021),
    sources=("CLC+ Backbone 2018", "CLC+ Backbone 2021"),
    product="clcplus",
    simulated=True,
    sealed=(100_000.0, 101_000.0),
    gain=6_000.0,
    loss=5_000.0,
    confirmed=1_000.0,
    asymmetry=1.02,
    noise_sd=125.0,
    few_decoys=False,
    lost_share=(0.0, 0.01),
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


@pytest.mark.parametrize("ratio", [1.3, 0.7])
def test_noise_that_does_not_gain_as_it_loses(ratio: float) -> None:
    assert kinds(asymmetry=ratio) == ["asymmetry"]


def test_a_level_shift_must_be_far_from_noise_and_large() -> None:
    # Unconfirmed net 2 000 of 12 000 pixels: 16 deviations, 17 %.
    assert kinds(gain=8_000.0) == ["level_shift"]
    assert kinds(gain=8_000.0, noise_sd=600.0) == []
    # 600 of 10 600: nearly 5 deviations, but 6 % only.
    assert kinds(gain=6_600.0) == []
    (note,) = notes_of(replace(CALM, gain=8_000.0))
    assert note.values["percent"] == pytest.approx(100 * 2_000 / 12_000)


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


def test_too_few_decoys_is_stated() -> None:
    assert kinds(few_decoys=True) == ["few_decoys"]


def test_the_weightiest_come_first() -> None:
    found = kinds(few_decoys=True, asymmetry=2.0, sources=("A 2018", "B 2021"))
    assert found == ["makers", "asymmetry", "few_decoys"]
