"""What a reader takes away: the code to embed a place, how to cite it, its tables."""

import html
import re

import pytest
from journey import Journey

pytestmark = pytest.mark.browser
PLACE = "index.html#view=share&year=2023&pair=2018-2021&area=municipality/01"
BROKEN_OUT = """(each) => {
    const box = each.getBoundingClientRect();
    return box.width > 0 && (box.right > innerWidth + 1 || box.bottom > innerHeight + 1);
}"""


def code_of(journey: Journey, action: str) -> str:
    """Press a button of the bar; return what it shows to copy."""
    journey.page.locator(f"#selection .action[data-action={action}]").click()
    return journey.page.locator("#selection .take-words").input_value()


def test_a_place_is_embedded_with_two_clicks(browser, addresses: dict[str, str]) -> None:
    journey = Journey(browser, addresses, permissions=["clipboard-read", "clipboard-write"])
    journey.open("whole", PLACE)
    code = code_of(journey, "embed")
    journey.page.locator("#selection .take button").click()
    journey.until(lambda: journey.text("#speaker") == "Copied", "the answer")
    assert journey.page.evaluate("navigator.clipboard.readText()") == code
    found = re.search(r'src="([^"]+)"', code)
    assert found
    source = html.unescape(found[1])
    assert source.startswith(addresses["whole"] + "embed.html#")
    assert "area=municipality/01" in source
    # Fitted to the frame, whatever the reader's screen showed.
    assert "map=" not in source
    assert 'title="Évora-sur-Mer, Made-up island"' in code
    assert "aspect-ratio:3/2" in code
    journey.close()
    assert journey.problems == []


@pytest.mark.parametrize("way", ["file", "whole"])
@pytest.mark.parametrize(("width", "height"), [(620, 413), (360, 240 + 180)])
def test_an_embedded_place_has_its_badge_and_no_controls(
    browser, addresses: dict[str, str], way: str, width: int, height: int
) -> None:
    journey = Journey(browser, addresses, viewport={"width": width, "height": height})
    journey.open(way, PLACE.replace("index", "embed"))
    assert journey.text("#selection h2") == "Évora-sur-Mer"
    assert "% of the land is sealed (2023)." in journey.text("#selection .headline")
    assert journey.text("#selection .grade-line .grade") == "Likely"
    assert "Simulated data" in journey.text("#embed-warnings")
    assert "provisional" in journey.text("#embed-warnings")
    assert "Data version 1.0.0" in journey.text("#embed-sources")
    # The classes of the legend can be pointed at; nothing else can be pressed.
    controls = "button:not(.class), input, select, textarea, summary, a:not(#embed-open)"
    assert not any(each.is_visible() for each in journey.page.locator(controls).all())
    badge = journey.page.locator("#selection .grade-line .grade")
    assert badge.evaluate(
        "(each) => each.getBoundingClientRect().bottom"
        " < document.querySelector('.embed-foot').getBoundingClientRect().top"
    )
    for selector in ("#map", "#embed-open", "#embed-warnings", ".panel"):
        assert not journey.page.locator(selector).evaluate(BROKEN_OUT), selector
    link = journey.page.locator("#embed-open").evaluate("(link) => link.href")
    assert link.startswith(addresses[way] + "index.html#")
    assert "area=municipality/01" in link
    journey.close()
    assert journey.problems == []


def test_a_view_of_the_map_is_embedded_as_it_is(journey: Journey) -> None:
    view = "#view=change&pair=2018-2023&basis=adjusted&map=10.50/46.60000/-31.50000"
    journey.open("file", "embed.html" + view)
    assert journey.page.locator("#region-name").is_visible()
    assert journey.page.evaluate("location.hash") == view
    assert "2018–2023" in journey.text("#legend h2")


def test_how_to_cite_a_place(journey: Journey) -> None:
    journey.open("whole", PLACE)
    words = code_of(journey, "cite")
    assert words.startswith(
        "hexseal: Soil sealing of Évora-sur-Mer (Made-up island), 2018–2023. Version 1.0.0. "
    )
    assert journey.addresses["whole"] in words
    # The same press folds it again.
    journey.page.locator("#selection .action[data-action=cite]").click()
    assert journey.page.locator(".take").count() == 0


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_tables_of_the_areas_are_one_click_away(journey: Journey, kind: str) -> None:
    journey.open("whole", PLACE)
    with journey.page.expect_download() as waiting:
        journey.page.locator(f"#selection .action[data-action={kind}]").click()
    assert waiting.value.suggested_filename == f"made-up_areas.{kind}"


@pytest.mark.parametrize("page", ["index.html", "fr/index.html"])
def test_the_bar_fits_a_phone(browser, addresses: dict[str, str], page: str) -> None:
    journey = Journey(browser, addresses, viewport={"width": 390, "height": 844})
    journey.open("file", page)
    bar = journey.page.locator("#region-actions")
    cut = bar.evaluate("(bar) => [...bar.children].filter((c) => c.scrollWidth > c.clientWidth)")
    assert cut == []
    assert bar.locator(".action").count() == 7
    journey.close()
    assert journey.problems == []
