"""Pixels, images, patches and uncertainty on the map, and the legend that goes with them."""

from base64 import b64encode
from io import BytesIO
from pathlib import Path

import pytest
from journey import Journey
from pmtiles.reader import MemorySource, Reader, all_tiles
from pmtiles.tile import zxy_to_tileid
from pmtiles.writer import Writer

pytestmark = pytest.mark.browser

CLOSE = "map=14/46.6/-31.5"
SEALED, NOT_SEALED, STABLE = "rgb(115, 42, 76)", "rgb(242, 245, 234)", "rgb(139, 134, 145)"
CONFIRMED = "rgb(143, 45, 15)"

COUNT_PROGRAMS = """
    globalThis.programs = 0;
    const link = WebGL2RenderingContext.prototype.linkProgram;
    WebGL2RenderingContext.prototype.linkProgram = function (program) {
        globalThis.programs += 1;
        return link.call(this, program);
    };
"""


@pytest.mark.parametrize("way", ["file", "whole"])
def test_single_pixels_are_drawn_close_up_and_only_then_loaded(journey: Journey, way: str) -> None:
    journey.open(way)
    assert not any("pixels-" in address for address in journey.requests)
    journey.more()
    journey.page.get_by_role("radio", name="Pixels").check()
    assert "Zoom in to see single pixels" in journey.text("#legend")
    assert not any("pixels-" in address for address in journey.requests)
    journey.open(way, f"index.html?close#view=share&year=2023&ground=pixels&{CLOSE}")
    assert journey.text("#legend h2") == "Single pixels, 2023"
    assert {SEALED, NOT_SEALED} <= journey.colours()
    journey.page.get_by_role("radio", name="Change").check()
    assert journey.text("#legend h2") == "Single pixels, 2018–2023"
    # The square was sealed in all years; by 2023 it had grown within a confirmed patch.
    journey.until(lambda: {STABLE, CONFIRMED} <= journey.colours(), "pixels of the pair")
    assert SEALED not in journey.colours()
    assert journey.hash()["ground"] == "pixels"


def test_where_an_archive_has_no_tile_there_are_no_pixels(browser, site_copy: Path) -> None:
    archive = next(site_copy.glob("tiles/pixels-*.pmtiles")).read_bytes()
    script = next(site_copy.glob("assets/pixels-*.js"))
    whole, emptied = (b64encode(each).decode() for each in (archive, without_maxzoom(archive)))
    text = script.read_text(encoding="utf-8")
    assert whole in text
    script.write_text(text.replace(whole, emptied), encoding="utf-8")
    journey = Journey(browser, {"file": site_copy.as_uri() + "/"})
    journey.open("file", f"index.html#view=share&year=2023&ground=pixels&{CLOSE}")
    assert journey.text("#status") == ""
    assert SEALED not in journey.colours()
    journey.close()
    assert journey.problems == []


def without_maxzoom(archive: bytes) -> bytes:
    """Return an archive of tiles without those of its highest zoom."""
    source = MemorySource(archive)
    reader = Reader(source)
    kept = BytesIO()
    writer = Writer(kept)
    for (zoom, column, row), tile in all_tiles(source):
        if zoom < reader.header()["max_zoom"]:
            writer.write_tile(zxy_to_tileid(zoom, column, row), tile)
    writer.finalize(reader.header(), reader.metadata())
    return kept.getvalue()


def test_images_of_a_year_are_shown_where_there_are_any(journey: Journey) -> None:
    journey.open("file", f"index.html#view=share&year=2023&ground=images&{CLOSE}")
    assert journey.text("#legend h2") == "Satellite image, 2023"
    assert "Copernicus Sentinel data" in journey.text(".maplibregl-ctrl-attrib")
    greys = [colour for colour in journey.colours() if len(set(colour[4:-1].split(", "))) == 1]
    assert len(greys) > 3
    journey.page.get_by_role("group", name="Year").get_by_role("radio", name="2018").check()
    assert "no image of 2018 here; there are those of 2021, 2023" in journey.text("#legend")


def test_confirmed_patches_are_outlined_and_tell_of_themselves(journey: Journey) -> None:
    journey.open("file", f"index.html#view=change&pair=2018-2023&patches=1&{CLOSE}")
    journey.page.mouse.move(*journey.map_point(0.5, 0.5))
    tooltip = journey.page.locator(".tooltip")
    journey.until(tooltip.is_visible, "a tooltip")
    journey.until(lambda: "patch" in tooltip.inner_text(), "the patch")
    assert "no. 1: 0.09\u00a0ha, q = 0.010, formerly Permanent herbaceous" in tooltip.inner_text()
    address = journey.page.url
    journey.page.goto(address.replace("index.html", "fr/index.html"))
    journey.wait()
    journey.page.mouse.move(*journey.map_point(0.5, 0.5))
    journey.until(lambda: "auparavant" in tooltip.inner_text(), "the patch in French")
    assert "auparavant Végétation herbacée permanente" in tooltip.inner_text()
    journey.page.goto(address)
    journey.wait()
    journey.more()
    journey.page.get_by_role("checkbox", name="Confirmed patches").uncheck()
    assert journey.hash()["patches"] == "0"
    journey.page.locator("#search-field").click()

    def says_nothing_of_it() -> bool:
        # What is under a resting pointer is only told when it moves.
        for across in (0.52, 0.5):
            journey.page.mouse.move(*journey.map_point(across, 0.5))
        return "patch" not in tooltip.inner_text()

    journey.until(says_nothing_of_it, "no patch")


def test_no_shader_program_is_made_once_the_map_is_open(journey: Journey) -> None:
    # The page cannot answer while one is made, until all that was drawn before is done.
    journey.page.add_init_script(COUNT_PROGRAMS)
    journey.open("file", f"index.html#view=change&pair=2018-2023&{CLOSE}")
    opened = journey.page.evaluate("programs")
    assert opened >= 5
    before = journey.colours()
    journey.page.locator("#legend button.class").first.hover()
    journey.until(lambda: journey.colours() != before, "a class that stands out")
    journey.more()
    journey.page.get_by_role("checkbox", name="Confirmed patches").uncheck()
    journey.page.get_by_role("checkbox", name="Confirmed patches").check()
    journey.page.get_by_role("radio", name="Pixels").check()
    journey.until(lambda: STABLE in journey.colours(), "single pixels")
    journey.page.get_by_role("radio", name="Images").check()
    journey.until(lambda: STABLE not in journey.colours(), "the image")
    assert journey.page.evaluate("programs") == opened


def test_uncertainty_suppresses_values(journey: Journey) -> None:
    journey.open("file", "index.html#view=change&pair=2018-2023&unsure=1")
    assert journey.page.locator(".wedge-row").count() == 3
    rows = journey.page.locator(".wedge-row")
    counts = [rows.nth(place).locator(".swatch").count() for place in range(3)]
    assert counts == [6, 2, 1]
    assert "too uncertain" in journey.text("#legend")
    journey.page.get_by_role("radio", name="Difference of the maps").check()
    assert journey.page.locator(".wedge-row").count() == 0
    journey.more()
    assert journey.page.get_by_role("checkbox", name="Uncertainty").is_hidden()


def test_a_class_of_the_legend_stands_out_when_it_is_pointed_at(journey: Journey) -> None:
    journey.open("file")
    before = journey.colours()
    first = journey.page.locator(".ramp button").first
    first.focus()
    journey.until(lambda: journey.colours() != before, "the others to step back")
    assert first.get_attribute("tabindex") == "0"
    journey.page.keyboard.press("ArrowRight")
    focused = "document.activeElement.getAttribute('aria-label')"
    assert journey.page.evaluate(focused) == "Show on the map: 1 to 3 %"
    journey.page.keyboard.press("Enter")
    assert journey.page.locator(".ramp button[aria-pressed=true]").count() == 1
    journey.page.keyboard.press("Enter")
    journey.page.locator("#theme").focus()
    journey.until(lambda: journey.colours() == before, "all classes as before")


def test_the_legend_leads_to_patches_where_they_are_too_small_to_see(journey: Journey) -> None:
    journey.open("file", "index.html#view=change&pair=2018-2023&patches=1&map=8/46.6/-31.5")
    journey.page.get_by_role("button", name="Zoom in to see confirmed patches").click()
    journey.until(lambda: "Confirmed patch" in journey.text(".legend-others >> nth=1"), "patches")
    # The address follows once the map has come to rest.
    journey.until(lambda: float(journey.hash()["map"].split("/")[0]) >= 10, "the zoom")
