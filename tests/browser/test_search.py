"""Finding areas, cells and coordinates; where the keyboard and the history lead."""

import json
import re
from pathlib import Path

import h3
import pytest
from journey import Journey
from made_site import CENTER, MadeSite

pytestmark = pytest.mark.browser
FIELD = "#search-field"
OPTIONS = "#search-list [role=option]"
# The middle of the island, as people write it.
NOTATIONS = (
    "46.6, -31.5", "46.6 -31.5", "46,6; -31,5", "46,6 -31,5", "46.6N 31.5W", "31.5 O 46.6 N",
    "geo:46.6,-31.5", "46°36\u203200\u2033N 31°30'W", "N 46.6 W 31.5", "\u221231.5 E, 46.6 N",
)  # fmt: skip


def result(journey: Journey) -> str:
    """Return all that is said of the selection, folded or not."""
    return journey.page.locator("#selection").text_content() or ""


def type_in(journey: Journey, text: str) -> list[str]:
    """Type into the search and return the names that are offered."""
    journey.page.locator(FIELD).fill(text)
    return journey.texts(f"{OPTIONS} .search-name")


def test_names_are_found_without_case_and_accents(journey: Journey) -> None:
    journey.open("file")
    assert type_in(journey, "evora") == ["Évora-sur-Mer"]
    assert type_in(journey, "MER") == ["Évora-sur-Mer"]
    # The beginning of a name comes before the middle of another.
    assert type_in(journey, "e")[0] == "Évora-sur-Mer"
    assert type_in(journey, "an") == ["anse noire"]
    assert type_in(journey, "<b>") == ['<b>Port & "Cove"</b>']
    assert journey.page.locator("#search-list b").count() == 0
    assert type_in(journey, "xyz") == []
    assert journey.text("#search-status").startswith("Nothing found")


def test_an_area_is_chosen_by_keyboard_alone(journey: Journey) -> None:
    journey.open("file")
    field = journey.page.locator(FIELD)
    field.focus()
    journey.page.keyboard.type("e")
    assert field.get_attribute("aria-expanded") == "true"
    journey.page.keyboard.press("ArrowDown")
    first = field.get_attribute("aria-activedescendant")
    assert first == "search-option-0"
    selected = journey.page.locator(f"#{first}")
    assert selected.get_attribute("aria-selected") == "true"
    journey.page.keyboard.press("ArrowUp")
    journey.page.keyboard.press("ArrowDown")
    name = selected.locator(".search-name").inner_text()
    before = journey.hash()["map"]
    journey.page.keyboard.press("Enter")
    journey.until(lambda: journey.text("#selection h2") == name, "the area")
    assert field.get_attribute("aria-expanded") == "false"
    assert journey.page.evaluate("document.activeElement.id") == "selection-name"
    journey.until(lambda: journey.hash()["map"] != before, "the map moved")


def test_escape_ends_the_search_before_the_selection(journey: Journey) -> None:
    journey.open("file", "index.html#area=municipality/01")
    field = journey.page.locator(FIELD)
    field.focus()
    journey.page.keyboard.type("z")
    journey.page.keyboard.press("Escape")
    assert field.get_attribute("aria-expanded") == "false"
    journey.page.keyboard.press("Escape")
    assert field.input_value() == ""
    assert journey.page.locator("#selection").is_visible()
    journey.page.keyboard.press("Escape")
    journey.until(journey.page.locator("#selection").is_hidden, "no selection")


def test_coordinates_in_many_notations_find_the_finest_hexagon(journey: Journey) -> None:
    journey.open("file")
    for text in NOTATIONS:
        assert type_in(journey, text) == ["46.60000, -31.50000"], text
    cell = h3.latlng_to_cell(*CENTER, 8)
    journey.page.keyboard.press("Enter")
    journey.until(lambda: cell in result(journey), "the hexagon")
    journey.until(lambda: journey.hash().get("cell") == cell, "its address")
    assert journey.page.evaluate("document.activeElement.id") == "selection-name"


def test_cells_of_any_size_are_found_or_refused_politely(journey: Journey) -> None:
    journey.open("file")
    inner = h3.latlng_to_cell(*CENTER, 11)
    assert type_in(journey, inner.upper()) == [inner]
    assert "Hexagon of resolution 8" in journey.text(OPTIONS)
    journey.page.locator(OPTIONS).click()
    parent = h3.cell_to_parent(inner, 8)
    journey.until(lambda: parent in result(journey), "the published hexagon")
    for text in ("46.5, 6.6", h3.latlng_to_cell(46.5, 6.6, 8), h3.latlng_to_cell(*CENTER, 2)):
        assert len(type_in(journey, text)) == 1
        assert "outside this region" in journey.text(OPTIONS)
        journey.page.keyboard.press("Enter")
        assert "lies outside this region" in journey.text("#search-status")
        assert parent in result(journey)


def test_a_cell_without_data_says_so(journey: Journey) -> None:
    journey.open("file")
    lost = h3.latlng_to_cell(CENTER[0] + 0.13, CENTER[1] + 0.2, 8)
    type_in(journey, lost)
    journey.page.keyboard.press("Enter")
    journey.until(lambda: "hold no data" in journey.text("#selection"), "the answer")
    assert lost in result(journey)


def test_back_and_forward_follow_selections_not_the_camera(journey: Journey) -> None:
    journey.open("file")
    for name in ("evora", "anse"):
        type_in(journey, name)
        journey.page.keyboard.press("Enter")
    journey.until(lambda: journey.text("#selection h2") == "anse noire", "the second area")
    journey.page.mouse.move(*journey.map_point(0.5, 0.5))
    journey.page.mouse.wheel(0, -200)
    shown = journey.hash()["map"]
    journey.until(lambda: journey.hash()["map"] != shown, "the map moved")
    journey.page.go_back()
    journey.until(lambda: journey.text("#selection h2") == "Évora-sur-Mer", "the first area")
    journey.page.go_back()
    journey.until(journey.page.locator("#region").is_visible, "the region")
    journey.page.go_forward()
    journey.until(lambda: journey.text("#selection h2") == "Évora-sur-Mer", "the first again")


def test_ten_thousand_areas_are_searched(browser, site_copy: Path) -> None:
    page = site_copy / "index.html"
    text = page.read_text(encoding="utf-8")
    found = re.search(r'(id="hexseal-config">)(.*?)(</script>)', text, re.DOTALL)
    assert found is not None
    settings = json.loads(found[2])
    rows = settings["layers"][0]["rows"]
    settings["layers"][0]["rows"] = rows + [
        rows[1] | {"id": f"x{at}", "name": f"Saint-Étienne-{at}-lès-Prés"} for at in range(10_000)
    ]
    written = json.dumps(settings).replace("<", "\\u003c")
    page.write_text(text[: found.start(2)] + written + text[found.end(2) :], encoding="utf-8")
    journey = Journey(browser, {"copy": site_copy.as_uri() + "/"})
    journey.open("copy")
    for text in ("etienne 9999", "etienne-9999-les"):
        assert type_in(journey, text) == ["Saint-Étienne-9999-lès-Prés"]
    assert len(type_in(journey, "saint")) == 8
    assert journey.text("#search-status") == "10,000 found, the first 8 are listed"
    journey.close()
    assert journey.problems == []


def test_find_reads_right_in_both_languages(journey: Journey, made: MadeSite) -> None:
    journey.open("file", "fr/index.html")
    type_in(journey, "evora")
    assert journey.text(f"{OPTIONS} .search-about") == "Communes"
    assert journey.text("#search-status") == "1 trouvé(s)"
