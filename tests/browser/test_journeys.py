"""One reader in each language who never touches a pointer: every control, by Tab and keys alone."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

import h3
import pytest
from journey import Journey

pytestmark = pytest.mark.browser
# More Tab presses than any page has stops.
MOST_TABS = 140


@dataclass(frozen=True)
class Words:
    """What the journey expects to read and to press in one language."""

    page: str
    other: str
    change: str
    share_of_land: str
    place: str
    circle: str
    answered: str


LANGUAGES = {
    "en": Words(
        "index.html", "fr", "Change of sealed share", "Sealed share of the land", "Évora-sur-Mer",
        "Draw circle", "Area 1",
    ),
    "fr": Words(
        "fr/index.html", "en", "Évolution de la part", "Part imperméabilisée", "Évora-sur-Mer",
        "Dessiner un cercle", "Zone 1",
    ),
}  # fmt: skip


def tab_to(journey: Journey, selector: str) -> None:
    """Press Tab until the focus is on what the selector finds."""
    for _ in range(MOST_TABS):
        journey.page.keyboard.press("Tab")
        if journey.page.evaluate("(s) => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"Tab never reaches {selector}")


def press(journey: Journey, *keys: str) -> None:
    for key in keys:
        journey.page.keyboard.press(key)


def restart(journey: Journey) -> None:
    """Put the focus back before the first stop of the page, as a reload would."""
    journey.page.evaluate("document.activeElement.blur(); getSelection().removeAllRanges()")
    journey.page.keyboard.press("Control+Home")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_dashboard_by_keyboard_alone(journey: Journey, language: str) -> None:
    words = LANGUAGES[language]
    journey.open("file", words.page)
    _skip(journey)
    journey.open("file", words.page)
    _find(journey, words)
    _compare(journey)
    _switch(journey, words)
    _walk(journey, words)
    _draw(journey, words)
    _leave(journey, words)


def _skip(journey: Journey) -> None:
    press(journey, "Tab")
    assert journey.page.evaluate("document.activeElement.className") == "skip"
    press(journey, "Enter")
    assert journey.page.evaluate("document.activeElement.id") == "figures"


def _find(journey: Journey, words: Words) -> None:
    tab_to(journey, "#search-field")
    journey.page.keyboard.type("evora")
    journey.until(lambda: words.place in journey.text("#search-list"), "the place in the list")
    press(journey, "ArrowDown", "Enter")
    journey.until(lambda: "area" in journey.hash(), "the area in the address")
    assert words.place in journey.text("#selection")


def _compare(journey: Journey) -> None:
    journey.page.reload()
    journey.wait()
    tab_to(journey, "input[name=year]")
    press(journey, "ArrowLeft")
    assert journey.hash()["year"] == "2021"
    tab_to(journey, "#more > summary")
    press(journey, "Enter")
    tab_to(journey, "input[name=compare]")
    press(journey, "ArrowRight")
    journey.until(lambda: journey.hash().get("compare") == "2018", "the comparison")
    tab_to(journey, "[role=slider]")
    before = journey.page.locator("[role=slider]").get_attribute("aria-valuenow")
    press(journey, "ArrowRight")
    assert journey.page.locator("[role=slider]").get_attribute("aria-valuenow") != before
    press(journey, "Home")
    assert journey.page.locator("[role=slider]").get_attribute("aria-valuenow") == "0"


def _switch(journey: Journey, words: Words) -> None:
    journey.page.reload()
    journey.wait()
    tab_to(journey, "input[name=view]")
    press(journey, "ArrowRight")
    assert journey.hash()["view"] == "change"
    assert words.change in journey.text("#legend")
    tab_to(journey, "input[name=pair]")
    press(journey, "ArrowLeft")
    assert journey.hash()["pair"] == "2021-2023"
    tab_to(journey, "#more > summary")
    press(journey, "Enter")
    for name in ("basis", "outlines", "ground"):
        tab_to(journey, f"input[name={name}]")
        before = journey.page.evaluate("document.activeElement.value")
        press(journey, "ArrowRight")
        assert journey.page.evaluate("document.activeElement.value") != before
        press(journey, "ArrowLeft")
    for name, value in (("patches", "0"), ("unsure", "1")):
        tab_to(journey, f"input[name={name}]")
        press(journey, "Space")
        assert journey.hash()[name] == value
    for button in (".maplibregl-ctrl-zoom-in", ".home-button", ".north-button"):
        tab_to(journey, button)
        press(journey, "Enter")


def _walk(journey: Journey, words: Words) -> None:
    journey.open("file", words.page + "?walk")
    tab_to(journey, ".maplibregl-canvas")
    press(journey, "ArrowRight")
    journey.until(lambda: words.share_of_land in journey.text("#speaker"), "the cell's figures")
    press(journey, "Enter")
    journey.until(lambda: "cell" in journey.hash(), "the cell in the address")
    assert h3.is_valid_cell(journey.hash()["cell"])
    press(journey, "Escape")
    journey.until(lambda: "cell" not in journey.hash(), "nothing chosen")


def _draw(journey: Journey, words: Words) -> None:
    tab_to(journey, "#own > summary")
    press(journey, "Enter")
    for _ in range(MOST_TABS):
        press(journey, "Tab")
        if journey.page.evaluate("document.activeElement.textContent").strip() == words.circle:
            break
    press(journey, "Enter", "Enter", *["ArrowRight"] * 4, "Enter")
    journey.until(lambda: words.answered in journey.text("#own"), "an answer")
    assert re.search(r"\d", journey.text("#own"))
    assert "own" in journey.hash()


def _leave(journey: Journey, words: Words) -> None:
    restart(journey)
    tab_to(journey, "#theme")
    before = journey.page.evaluate("document.documentElement.dataset.theme ?? ''")
    press(journey, "Enter")
    assert journey.page.evaluate("document.documentElement.dataset.theme ?? ''") != before
    restart(journey)
    tab_to(journey, f"[data-language={words.other}]")
    press(journey, "Enter")
    there = LANGUAGES[words.other].page
    journey.page.wait_for_url(lambda url: urlsplit(url).path.endswith(f"site/{there}"))
    journey.wait()
    assert journey.page.locator("html").get_attribute("lang") == words.other
    assert "own" in journey.hash()
