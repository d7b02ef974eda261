"""The panel: the same words and drawings as the build's, the chosen pair and basis, origins."""

from xml.etree import ElementTree

import h3
import pytest
from journey import Journey
from made_site import MadeSite

from hexseal.frontend import TEMPLATE
from hexseal.pages.charts import Chart, stock_chart
from hexseal.pages.figures import read_areas
from hexseal.pages.judgement import read_judgement
from hexseal.pages.locales import load_locale
from hexseal.pages.origins import read_area_sources
from hexseal.pages.stories import doubtful_pairs, layer_medians, pair_stories, place_view
from hexseal.pages.tables import Writer
from hexseal.pages.years import year_points

pytestmark = pytest.mark.browser
AREA = "#area=municipality/01"


def _parts(svg: str) -> list[tuple[str, dict[str, str], str]]:
    """Return the elements of a drawing without the name space that a browser adds."""
    plain = svg.replace('xmlns="http://www.w3.org/2000/svg"', "").replace("&nbsp;", "\u00a0")
    root = ElementTree.fromstring(plain)
    return [(part.tag, dict(part.attrib), part.text or "") for part in root.iter()]


def _same(drawn: str, built: Chart) -> None:
    assert _parts(drawn) == _parts(str(built.svg))


@pytest.mark.parametrize(("language", "page"), [("en", "index.html"), ("fr", "fr/index.html")])
def test_page_and_build_say_and_draw_the_same_of_an_area(
    journey: Journey, made: MadeSite, language: str, page: str
) -> None:
    journey.open("file", page + AREA)
    selection = journey.page.locator("#selection")
    origins = selection.locator("[data-chart=origins]")
    journey.until(lambda: origins.count() == 3, "the origins")
    region, write = made.region, Writer(load_locale(TEMPLATE / "locales", language))
    areas = read_areas(made.work / "areas.parquet", region, None)
    (area,) = [area for area in areas if area.id == "01"]
    judged = read_judgement(made.work / "judgement.json")
    layer = [each for each in areas if each.layer == "municipality"]
    view = place_view(area, region, judged, write, layer_medians(layer, region, judged))
    assert _markup(selection.locator(".headline")) == str(view.head.sentence)
    assert selection.locator(".grade").first.text_content() == view.head.badge
    assert selection.locator(".grade-note").text_content() == view.head.note
    assert view.intervals is not None
    drawn = selection.locator(".interval-chart")
    assert _parts(drawn.evaluate("svg => svg.outerHTML")) == _parts(str(view.intervals.svg))
    key = selection.locator(".net-change .chart-key li").all_text_contents()
    assert key == [words for _, words in view.intervals.key]
    rows = selection.locator(".differences tbody tr")
    for row, difference in zip(rows.all(), view.differences, strict=True):
        cells = row.locator("td.number").all_text_contents()
        assert cells == [cell.text for cell in difference.cells]
        assert row.locator(f".grade.{difference.grade}").count() == 1
    sources = read_area_sources(made.work / "transition_areas.parquet")
    for story in pair_stories(area, region, judged, write, sources["municipality", "01"]):
        box = selection.locator(f".pair-details[data-pair='{story.key}']")
        assert box.locator(".story").text_content() == story.difference
        brief = story.brief + (" " if story.warnings else "")
        assert box.locator(".pair-brief").text_content() == brief
        assert story.origins is not None
        svg = box.locator("[data-chart=origins] svg")
        _same(svg.evaluate("svg => svg.outerHTML"), story.origins)
    stock = stock_chart(year_points(area, region, doubtful_pairs(region, judged)), write)
    assert stock is not None
    drawn = selection.locator("[data-chart=stock]")
    _same(drawn.locator("svg").evaluate("svg => svg.outerHTML"), stock)
    cells = drawn.locator("td").all_text_contents()
    assert cells == [cell.text for row in stock.rows for cell in row.cells]


def _markup(locator) -> str:
    return locator.evaluate("each => each.innerHTML").replace("&nbsp;", "\u00a0")


def _know(journey: Journey, place: str = "#region") -> None:
    """Unfold how we know of the region or of the selection."""
    journey.page.locator(f"{place} .know:not([open]) > summary").click()


def test_opening_a_pair_chooses_it_and_closes_the_others(journey: Journey) -> None:
    journey.open("file")
    _know(journey)
    is_open = (
        "[...document.querySelectorAll('#region .pair-details[open]')].map(d => d.dataset.pair)"
    )
    assert journey.page.evaluate(is_open) == ["2018-2023"]
    journey.page.locator("#region summary", has_text="Change 2021–2023").click()
    # The browser closes the other pair at once; the page sorts them when it hears of it.
    sorted_titles = ["Change 2021–2023", "Change 2018–2023", "Change 2018–2021"]
    journey.until(
        lambda: (
            [text.split("\n")[0] for text in journey.texts("#region .pair-details > summary")]
            == sorted_titles
        ),
        "the chosen pair first",
    )
    assert journey.page.evaluate(is_open) == ["2021-2023"]
    assert "2021–2023" in journey.page.evaluate("document.activeElement.textContent")
    journey.page.get_by_role("radio", name="Change").check()
    journey.until(lambda: journey.hash().get("pair") == "2021-2023", "the pair in the address")
    assert journey.text("#legend h2").endswith("2021–2023")


def test_the_headline_is_that_of_the_last_year_whatever_the_map_shows(journey: Journey) -> None:
    journey.open("file")
    before = journey.text(".headline:visible")
    assert "of the land is sealed (2023)" in before
    journey.page.get_by_role("group", name="Year").get_by_role("radio", name="2018").check()
    assert journey.text(".headline:visible") == before
    journey.page.mouse.click(*journey.map_point(0.5, 0.5))
    journey.until(journey.page.locator("#selection").is_visible, "a selection")
    assert "of the land is sealed (2023)" in journey.text(".headline:visible")
    assert journey.text("#speaker").endswith(("Likely", "Do not compare"))


def test_the_difference_of_the_maps_is_one_click_away(journey: Journey) -> None:
    journey.open("file", "index.html" + AREA)
    journey.page.get_by_role("radio", name="Difference of the maps").check()
    assert journey.text("#legend h2") == "Difference of the maps, 2018–2023"
    assert (journey.hash()["view"], journey.hash()["basis"]) == ("change", "raw")
    _know(journey, "#selection")
    assert journey.page.locator("#selection .differences tbody tr").count() == 3
    journey.page.get_by_role("radio", name="Change").check()
    assert journey.hash()["basis"] == "adjusted"


def test_a_small_hexagon_tells_of_the_origins_around_it(journey: Journey, made: MadeSite) -> None:
    cell = h3.latlng_to_cell(46.6, -31.5, 8)
    journey.open("file", f"index.html#cell={cell}")
    chart = journey.page.locator("#selection .pair-details[open] [data-chart=origins]")
    journey.until(lambda: chart.count() == 1, "the origins")
    _know(journey, "#selection")
    assert "In the hexagon of resolution 6 around it." in chart.inner_text()
    chart.locator("summary").click()
    rows = [row.split("\t") for row in chart.locator("tbody tr").all_inner_texts()]
    names = [row[0] for row in rows]
    assert names == ["Bare or sparsely vegetated", "Permanent herbaceous"]
    confirmed, raw = (float(text) for text in rows[0][1:])
    assert raw == pytest.approx(2 * confirmed, abs=0.2)


def test_the_breadcrumb_leads_back_to_the_whole_region(journey: Journey) -> None:
    journey.open("file", "index.html" + AREA)
    assert journey.texts("#selection .crumb") == ["Made-up island"]
    journey.page.locator("#selection .crumb").click()
    journey.until(journey.page.locator("#region").is_visible, "the region")
    assert "area" not in journey.hash()


def test_a_flag_leads_to_the_warning_of_the_selection(journey: Journey) -> None:
    journey.open("file", "index.html#view=change&pair=2018-2021&area=municipality/01")
    journey.page.locator("table.areas .flag:visible").first.click()
    warning = journey.page.locator("#selection [data-notes='2018-2021']")
    journey.until(warning.is_visible, "the warning")
    focused = "document.activeElement.dataset.notes"
    assert journey.page.evaluate(focused) == "2018-2021"
