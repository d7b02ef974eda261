"""The divider between two years, the cursor of cells, and the buttons on the map."""

from pathlib import Path

import h3
import pytest
from journey import Journey
from rasterio.io import MemoryFile

pytestmark = pytest.mark.browser


def _compared(journey: Journey) -> None:
    mark = "document.querySelector('#map').dataset.compared"
    journey.until(lambda: journey.page.evaluate(mark) == "ready", "the second map")


def _tooltip_at(journey: Journey, across: float) -> str:
    journey.page.mouse.move(*journey.map_point(across, 0.5))
    tooltip = journey.page.locator(".tooltip")
    journey.until(tooltip.is_visible, "a tooltip")
    return tooltip.inner_text()


def test_a_divider_compares_two_years_by_keys_and_by_pointer(journey: Journey) -> None:
    journey.open("file")
    journey.more()
    compare = journey.page.get_by_role("group", name="Compare with")
    assert compare.get_by_role("radio", name="2023").is_hidden()
    compare.get_by_role("radio", name="2018").check()
    journey.page.keyboard.press("Escape")
    _compared(journey)
    assert "2018 | 2023" in journey.text("#legend h2")
    assert "land, 2018" in _tooltip_at(journey, 0.45)
    assert "land, 2023" in _tooltip_at(journey, 0.55)
    divider = journey.page.get_by_role("slider", name="Divider between two years")
    divider.focus()
    result = []
    for key in ("ArrowLeft", "ArrowRight", "PageUp", "Home", "End"):
        journey.page.keyboard.press(key)
        result.append(divider.get_attribute("aria-valuenow"))
    assert result == ["48", "50", "60", "0", "100"]
    assert divider.get_attribute("aria-valuetext") == "2018 on 100% of the map, 2023 on 0%"
    assert (journey.hash()["compare"], journey.hash()["divider"]) == ("2018", "1.00")
    journey.page.keyboard.press("PageDown")
    box = divider.bounding_box()
    assert box is not None
    journey.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    journey.page.mouse.down()
    journey.page.mouse.move(*journey.map_point(0.3, 0.5))
    journey.page.mouse.up()
    assert divider.get_attribute("aria-valuenow") == "30"
    assert journey.hash()["divider"] == "0.30"
    journey.more()
    compare.get_by_role("radio", name="None").check()
    assert divider.is_hidden()
    assert "compare" not in journey.hash()


# What stands for the map on paper, as the text of a picture.
PRINTED = """() => {
    dispatchEvent(new Event("beforeprint"));
    const picture = document.querySelector("canvas.map-picture").toDataURL();
    dispatchEvent(new Event("afterprint"));
    return picture;
}"""


def test_both_years_of_a_comparison_are_printed(journey: Journey) -> None:
    journey.open("file", "index.html#view=share&year=2023&compare=2018&divider=0.5")
    _compared(journey)
    divider = journey.page.get_by_role("slider", name="Divider between two years")
    printed = {}
    for key in ("End", "Home", "PageUp"):
        divider.press(key)
        printed[key] = journey.page.evaluate(PRINTED)
    # All of 2018, all of 2023, and a tenth of 2018 beside it.
    assert len(set(printed.values())) == 3
    assert journey.page.locator(".map-picture").count() == 0


def test_on_paper_notes_are_open_and_a_dark_map_is_turned_light(journey: Journey) -> None:
    journey.open("file", "index.html#view=change&pair=2018-2021")
    journey.page.get_by_role("button", name="Dark").click()
    reason = journey.page.locator('[data-pair="2018-2021"] .warning details p').first
    assert reason.is_hidden()
    journey.page.emulate_media(media="print")
    assert reason.is_visible()
    turned = "document.documentElement.hasAttribute('data-drawn-dark')"
    journey.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert journey.page.evaluate(turned)
    swatch = journey.page.locator(".legend-others .swatch:not(.hexagon)").first
    assert "invert" in swatch.evaluate("each => getComputedStyle(each).filter")
    journey.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert not journey.page.evaluate(turned)


def test_an_address_keeps_how_the_map_is_turned(journey: Journey) -> None:
    journey.open("file", "index.html#view=share&map=9.00/46.60000/-31.50000/30")
    journey.page.get_by_role("radio", name="2018").first.check()
    assert journey.hash()["map"] == "9.00/46.60000/-31.50000/30"
    journey.page.locator(".north-button").click()
    journey.until(lambda: journey.hash()["map"].count("/") == 2, "north up")


def test_an_address_brings_a_comparison_back(journey: Journey) -> None:
    journey.open("file", "index.html#view=share&year=2021&compare=2023&divider=0.25")
    _compared(journey)
    divider = journey.page.get_by_role("slider", name="Divider between two years")
    assert divider.get_attribute("aria-valuetext") == "2023 on 25% of the map, 2021 on 75%"
    journey.page.get_by_role("radio", name="Change").check()
    assert divider.is_hidden()


def test_arrow_keys_lead_from_cell_to_cell(journey: Journey) -> None:
    journey.open("file")
    journey.page.locator(".maplibregl-canvas").first.focus()
    assert journey.page.locator(".map-help").is_visible()

    def kept(key: str) -> str:
        journey.page.keyboard.press(key)
        journey.until(lambda: "% of land" in journey.text("#speaker"), "the words")
        journey.page.keyboard.press("Enter")
        return journey.hash()["cell"]

    first = kept("ArrowRight")
    second = kept("ArrowRight")
    third = kept("ArrowRight")
    assert h3.are_neighbor_cells(first, second)
    assert h3.are_neighbor_cells(second, third)
    longitudes = [h3.cell_to_latlng(cell)[1] for cell in (first, second, third)]
    assert longitudes == sorted(longitudes)
    # Down and up again leads back: steps keep to a line.
    below = kept("ArrowDown")
    assert h3.cell_to_latlng(below)[0] < h3.cell_to_latlng(third)[0]
    journey.page.keyboard.press("ArrowRight")
    spoken = journey.text("#speaker")
    assert "Sealed share of the land, 2023" in spoken
    journey.page.keyboard.press("Escape")
    journey.until(journey.page.locator("#selection").is_hidden, "no selection")
    assert journey.page.locator(".tooltip").is_hidden()


def test_the_cursor_goes_past_the_edge_and_shift_moves_the_map(journey: Journey) -> None:
    journey.open("file", "index.html#view=share&year=2023&map=12/46.6/-31.5")
    journey.page.locator(".maplibregl-canvas").first.focus()
    for _ in range(9):
        journey.page.keyboard.press("ArrowUp")
    journey.until(lambda: float(journey.hash()["map"].split("/")[1]) > 46.601, "the map to move")
    before = journey.hash()["map"]
    journey.page.keyboard.press("Shift+ArrowLeft")
    journey.until(lambda: journey.hash()["map"] != before, "the map to move")
    assert float(journey.hash()["map"].split("/")[2]) < float(before.split("/")[2])


def test_the_map_turns_and_north_comes_back(journey: Journey) -> None:
    journey.open("file")
    journey.page.locator(".maplibregl-canvas").first.focus()
    needle = "document.querySelector('.north-button svg').style.transform"
    journey.page.keyboard.press("Alt+ArrowRight")
    journey.until(lambda: journey.page.evaluate(needle) == "rotate(-15deg)", "the needle to turn")
    journey.page.get_by_role("button", name="Turn north up").click()
    ends = ("rotate(0deg)", "rotate(-0deg)")
    journey.until(lambda: journey.page.evaluate(needle) in ends, "north up")


def test_full_screen_shows_the_map_with_its_legend(journey: Journey) -> None:
    journey.open("file")
    journey.page.get_by_role("button", name="Full screen").click()
    full = "document.fullscreenElement?.className"
    journey.until(lambda: journey.page.evaluate(full) == "map-frame", "full screen")
    assert journey.page.locator("#legend").is_visible()
    journey.page.get_by_role("button", name="Leave full screen").click()
    journey.until(lambda: journey.page.evaluate(full) is None, "the page")


def _picture(encoded: bytes):
    """Return red, green, blue of a PNG file as an array (3, height, width)."""
    with MemoryFile(encoded) as memory, memory.open() as file:
        return file.read((1, 2, 3))


# What the page writes on canvases: the words of a picture.
WRITTEN = """
    globalThis.written = [];
    const write = CanvasRenderingContext2D.prototype.fillText;
    CanvasRenderingContext2D.prototype.fillText = function (words, ...more) {
        globalThis.written.push(words);
        return write.call(this, words, ...more);
    };
"""


def _save(journey: Journey, path: Path, button) -> str:
    """Save a picture; return the name that it is given."""
    with journey.page.expect_download() as waiting:
        button.click()
    waiting.value.save_as(path)
    return waiting.value.suggested_filename


def test_the_map_is_saved_at_twice_the_pixels_with_its_legend(
    journey: Journey, tmp_path: Path
) -> None:
    # Without outlines of areas the map shows hexagons: empty land, open land, suburbs and a town.
    journey.open("file", "index.html#outlines=none")
    ramp = journey.page.evaluate(
        "[...document.querySelectorAll('.ramp .swatch')].map(s => s.style.backgroundColor)"
    )
    button = journey.page.get_by_role("button", name="Save the map as a picture")
    assert _save(journey, tmp_path / "map.png", button) == "made-up-share-2023.png"
    box = journey.page.locator("#map").bounding_box()
    assert box is not None
    seen = _picture(journey.page.locator("#map").screenshot())
    bands = _picture((tmp_path / "map.png").read_bytes())
    assert bands.shape[2] == 2 * seen.shape[2]
    height = 2 * seen.shape[1]
    assert bands.shape[1] > height + 200

    def likeness(top: int, step: int = 1) -> float:
        shown = bands[:, top : top + height][:, ::step][:, 1::2, 1::2]
        return (abs(shown.astype(int) - seen) < 12).all(axis=0).mean()

    # All but buttons, legend and names is the same, and nothing stands on its head.
    top = max(range(80, bands.shape[1] - height, 2), key=likeness)
    assert likeness(top) > 0.7
    assert likeness(top, -1) < likeness(top) - 0.1

    def holds(part, colour: str) -> bool:
        channels = [int(number) for number in colour[4:-1].split(",")]
        return bool((part == [[[c]] for c in channels]).all(axis=0).any())

    def is_near(colour: str) -> bool:
        """Return whether the map has a colour, with a little of the ground that shows through."""
        channels = [int(number) for number in colour[4:-1].split(",")]
        far = abs(bands[:, top : top + height].astype(int) - [[[c]] for c in channels])
        return bool((far <= 20).all(axis=0).any())

    assert sum(is_near(colour) for colour in ramp) >= 5
    assert all(holds(bands[:, top + height :], colour) for colour in ramp)
    # The map on the screen is as sharp as before.
    width = journey.page.evaluate("document.querySelector('#map canvas').width")
    assert width == seen.shape[2]


def test_a_picture_carries_the_headline_and_every_warning(journey: Journey, tmp_path: Path) -> None:
    journey.page.add_init_script(WRITTEN)
    journey.open("file", "index.html#view=change&pair=2018-2021&area=municipality/01")
    headline = journey.text("#selection .headline")
    badge = journey.text("#selection .grade-line")
    button = journey.page.locator("#selection .action[data-action=picture]")
    assert _save(journey, tmp_path / "map.png", button).startswith("made-up-01-change-2018-2021-")
    written = " ".join(" ".join(journey.page.evaluate("written")).split())
    for words in (
        "Made-up island", "Évora-sur-Mer", headline, badge, "Simulated data", "2018–2021: ",
        journey.text("#legend h2"), "Data version 1.0.0",
    ):  # fmt: skip
        assert words in written, words
    # Where a folder lies on a disk is nobody's business.
    assert "file:" not in written
    notes = journey.page.evaluate(
        """JSON.parse(document.getElementById("hexseal-config").textContent).notes
            .filter((note) => note.severe && note.pair.join() === "2018,2021")
            .map((note) => note.brief)"""
    )
    assert notes
    assert all(note in written for note in notes)
