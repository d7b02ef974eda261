"""Pointing, keeping, choosing, sorting, by pointer and by keyboard, in both languages."""

import h3
import pytest
from journey import Journey
from made_site import PIXEL_M2, MadeSite

pytestmark = pytest.mark.browser


def _click_middle(journey: Journey) -> str:
    """Keep the hexagon in the middle of the map and return its index."""
    journey.page.mouse.click(*journey.map_point(0.5, 0.5))
    journey.until(journey.page.locator("#selection").is_visible, "a selection")
    # The first click gives the area, the second its hexagon, once the map has come to rest.
    assert "area" in journey.hash()
    journey.still()
    journey.page.mouse.click(*journey.map_point(0.5, 0.5))
    journey.until(lambda: "cell" in journey.hash(), "a hexagon")
    journey.page.eval_on_selector("#selection .know", "box => { box.open = true; }")
    return journey.text("#selection .copyable >> nth=0").split()[0]


def test_pointing_shows_the_value_and_leaving_hides_it(journey: Journey) -> None:
    journey.open("file")
    journey.page.mouse.move(*journey.map_point(0.5, 0.5))
    tooltip = journey.page.locator(".tooltip")
    journey.until(tooltip.is_visible, "a tooltip")
    assert "% of land" in tooltip.inner_text()
    # Areas come first: the name of one stands above its share.
    assert tooltip.locator(".tooltip-name").inner_text() != ""
    journey.page.mouse.move(*journey.map_point(0.01, 0.3))
    journey.until(tooltip.is_hidden, "no tooltip")


def test_clicking_keeps_a_hexagon_with_its_own_figures(journey: Journey, made: MadeSite) -> None:
    journey.open("file")
    index = _click_middle(journey)
    assert h3.is_valid_cell(index)
    import pyarrow.parquet as pq  # noqa: PLC0415

    table = pq.read_table(made.work / "hexagons.parquet", filters=[("h3_hex", "=", index)])
    (row,) = table.to_pylist()
    journey.page.locator("#selection .all-figures > summary").click()
    shares = journey.texts("#selection .all-figures table >> nth=0 >> tbody tr:first-child td")
    assert shares == [f"{100 * row[f'sealed_share_{year}']:.2f}" for year in (2018, 2021, 2023)]
    assert journey.hash()["cell"] == index
    crumbs = journey.texts("#selection .crumb")
    assert crumbs[0] == "Made-up island"
    assert len(crumbs) == len(set(crumbs)) > 1
    lat, lon = h3.cell_to_latlng(index)
    assert f"{lat:.5f}, {lon:.5f}" in journey.text("#selection")


def _lines(journey: Journey, table: int) -> dict[str, list[str]]:
    """Return the rows of a table of the selection panel by their label."""
    journey.page.eval_on_selector("#selection .all-figures", "box => { box.open = true; }")
    rows = journey.texts(f"#selection .all-figures table >> nth={table} >> tbody tr")
    parts = [row.split("\t") for row in rows]
    return {part[0]: part[1:] for part in parts}


def test_panel_says_of_a_hexagon_what_was_judged(journey: Journey, made: MadeSite) -> None:
    journey.open("file")
    index = _click_middle(journey)
    import pyarrow.parquet as pq  # noqa: PLC0415

    table = pq.read_table(made.work / "hexagons.parquet", filters=[("h3_hex", "=", index)])
    (row,) = table.to_pylist()
    lines = _lines(journey, 1)
    pairs = ("2018_2021", "2021_2023", "2018_2023")
    numbers = [float(text) for text in lines["Confirmed newly sealed (ha)"]]
    wanted = [row[f"confirmed_m2_{pair}"] / 1e4 for pair in pairs]
    assert numbers == pytest.approx(wanted, abs=0.05)
    words = [row[f"signal_{pair}"].replace("_", " ") for pair in pairs]
    assert lines["Signal"] == words
    low, high = lines["Noise interval (ha)"][2].replace("−", "-").split(" to ")
    assert float(low) == pytest.approx(row["adjusted_low_m2_2018_2023"] / 1e4, abs=0.05)
    assert float(high) == pytest.approx(row["adjusted_high_m2_2018_2023"] / 1e4, abs=0.05)


def test_panel_warns_of_years_that_do_not_compare(journey: Journey) -> None:
    journey.open("file")
    journey.page.get_by_role("link", name="Évora-sur-Mer").click()
    journey.until(lambda: journey.text("#selection h2") == "Évora-sur-Mer", "the area")
    journey.page.locator("#selection .know > summary").click()
    brief = journey.page.locator("#selection .pair-details[data-pair='2018-2021'] .pair-brief")
    assert "do not compare" in brief.inner_text()
    journey.page.locator("#selection summary", has_text="Change 2018–2021").click()
    warning = journey.page.locator("#selection .warning")
    title = warning.locator("strong").inner_text()
    assert title.strip() == "Do not read 2018–2021 as change on the ground"
    assert "different makers; implausibly fast" in warning.inner_text()
    warning.locator("summary").click()
    assert "<i>Old & first</i> v1" in warning.inner_text()
    assert journey.page.locator("#selection th .sign[aria-label=warning]").count() == 2
    journey.page.locator("#selection summary", has_text="Change 2021–2023").click()
    assert "calibrated on the map before" in journey.text("#selection .note")
    # Known of this area: the limit of detection; not known, so not shown: inhabitants.
    assert _lines(journey, 2) == {"Detection limit (ha)": ["4.00"] * 3}
    assert "inhabitant" not in journey.text("#selection")


def test_change_is_outlined_where_it_is_not_established_and_warns(journey: Journey) -> None:
    journey.open("file")
    journey.page.get_by_role("radio", name="Change").check()
    assert "outline: not clear" in journey.texts(".legend-others li")
    assert journey.page.locator(".legend-warning").count() == 0
    journey.page.get_by_role("radio", name="2018–2021").check()
    assert journey.text(".legend-warning") == "Do not read 2018–2021 as change on the ground"


def test_the_flag_of_a_column_leads_to_the_warning(journey: Journey) -> None:
    journey.open("file")
    journey.page.get_by_role("radio", name="Change").check()
    journey.page.get_by_role("radio", name="2018–2021").check()
    journey.page.locator("table.areas .flag:visible").click()
    seen = """(() => {
        const box = document.querySelector("#notes-2018-2021").getBoundingClientRect();
        return box.bottom > 0 && box.top < innerHeight;
    })()"""
    journey.until(lambda: journey.page.evaluate(seen), "the warning")


@pytest.mark.parametrize("page", ["methodology.html", "fr/methodology.html"])
def test_methodology_opens_and_keeps_the_theme(journey: Journey, page: str) -> None:
    journey.page.goto(journey.addresses["whole"] + page)
    background = "getComputedStyle(document.body).backgroundColor"
    light = journey.page.evaluate(background)
    journey.page.locator("#theme").click()
    assert journey.page.evaluate(background) != light
    for width in (320, 390, 1440):
        journey.page.set_viewport_size({"width": width, "height": 844})
        assert journey.page.evaluate("document.documentElement.scrollWidth") <= width
    journey.page.locator(".brand-name a").click()
    journey.wait()
    assert journey.page.evaluate(background) != light


def test_an_address_brings_back_what_it_showed(journey: Journey) -> None:
    journey.open("file")
    journey.page.get_by_role("radio", name="Change").check()
    journey.page.get_by_role("radio", name="2018–2021").check()
    index = _click_middle(journey)
    origins = journey.page.locator("#selection [data-chart=origins]")
    journey.until(lambda: origins.count() > 0, "the origins")
    before = (journey.hash(), journey.text("#legend"), journey.text("#selection .headline"))
    assert before[0]["view"] == "change"
    assert before[0]["pair"] == "2018-2021"
    fragment = journey.page.evaluate("location.hash")
    journey.page.goto("about:blank")
    journey.open("file", "index.html" + fragment)
    shown = journey.page.locator("#selection")
    journey.until(lambda: index in (shown.text_content() or ""), "the hexagon of the address")
    journey.until(lambda: origins.count() > 0, "its origins")
    after = (journey.hash(), journey.text("#legend"), journey.text("#selection .headline"))
    assert after == before


def test_keyboard_reads_the_middle_and_escape_lets_go(journey: Journey) -> None:
    journey.open("file")
    journey.page.locator(".maplibregl-canvas").focus()
    journey.page.keyboard.press("ArrowRight")
    journey.until(lambda: journey.text("#speaker") != "", "what lies in the middle")
    journey.page.keyboard.press("Enter")
    journey.until(journey.page.locator("#selection").is_visible, "a selection")
    assert journey.page.locator("#speaker").inner_text().startswith("Hexagon 8")
    journey.page.keyboard.press("Escape")
    journey.until(journey.page.locator("#selection").is_hidden, "no selection")
    assert "cell" not in journey.hash()


def test_every_control_is_reached_by_tab_with_visible_focus(journey: Journey) -> None:
    journey.open("file")
    reached: list[str] = []
    for _ in range(60):
        journey.page.keyboard.press("Tab")
        name, outline = journey.page.evaluate(
            """(() => {
                const at = document.activeElement;
                const ring = (e) => e && (getComputedStyle(e).outlineStyle !== "none"
                    || getComputedStyle(e).boxShadow !== "none");
                return [at.id || at.name || at.className || at.tagName,
                        ring(at) || ring(at.nextElementSibling)];
            })()"""
        )
        if name == "BODY" and reached:
            break  # Past the last control.
        assert outline, f"no visible focus on {name}"
        reached.append(name)
    for wanted in ("skip", "badge", "theme", "search-field", "view", "year", "maplibregl-canvas"):
        assert wanted in reached
    assert any("zoom-in" in name for name in reached)
    assert any("home-button" in name for name in reached)
    assert "sort-button" in reached


def test_arrow_keys_change_view_and_year(journey: Journey) -> None:
    journey.open("file")
    journey.page.locator("input[name=year]:checked").focus()
    journey.page.keyboard.press("ArrowLeft")
    assert "2021" in journey.text("#legend h2")
    journey.page.locator("input[name=view]:checked").focus()
    journey.page.keyboard.press("ArrowRight")
    assert journey.text("#legend h2") == "Change of sealed share, 2018–2023"
    assert "established" in journey.text("#legend")


def test_table_sorts_by_any_column(journey: Journey) -> None:
    journey.open("file")
    names = "table.areas tbody th"
    assert journey.texts(names) == [
        '<b>Port & "Cove"</b>', "anse noire", "Évora-sur-Mer", "Zuidhaven",
    ]  # fmt: skip
    journey.page.get_by_role("button", name="Land (ha)").click()
    land = [float(text.replace(",", "")) for text in journey.texts("table.areas td:nth-child(2)")]
    assert land == sorted(land, reverse=True)
    journey.page.get_by_role("button", name="Land (ha)").click()
    assert journey.page.locator("th[aria-sort=ascending]").count() == 1
    assert journey.texts("table.areas td:nth-child(2)") == [f"{x:,.0f}" for x in sorted(land)]


def test_an_area_is_chosen_from_the_table_and_from_a_hexagon(journey: Journey) -> None:
    journey.open("file")
    journey.page.get_by_role("link", name="Évora-sur-Mer").click()
    journey.until(lambda: journey.text("#selection h2") == "Évora-sur-Mer", "the area")
    assert journey.hash()["area"] == "municipality/01"
    assert journey.page.locator("tr.chosen").inner_text().startswith("Évora-sur-Mer")
    journey.still()
    # In the area that is chosen already a click gives a hexagon.
    journey.page.mouse.click(*journey.map_point(0.6, 0.5))
    journey.until(lambda: "cell" in journey.hash(), "a hexagon")
    journey.page.locator("#selection .crumb", has_text="Évora").click()
    journey.until(lambda: journey.text("#selection h2") == "Évora-sur-Mer", "the area again")


def test_names_are_text_never_markup(journey: Journey) -> None:
    journey.open("file")
    journey.page.get_by_role("link", name="Port").click()
    journey.until(lambda: "Cove" in journey.text("#selection h2"), "the area")
    assert journey.text("#selection h2") == '<b>Port & "Cove"</b>'
    assert journey.page.locator("b").count() == 0


@pytest.mark.parametrize("way", ["file", "whole"])
def test_language_switch_keeps_what_is_shown(journey: Journey, way: str) -> None:
    journey.open(way)
    journey.page.get_by_role("radio", name="Change").check()
    journey.page.get_by_role("link", name="FR").click()
    journey.page.wait_for_url("**/fr/index.html**")
    journey.wait()
    assert journey.page.evaluate("document.documentElement.lang") == "fr"
    assert journey.text("#legend h2") == "Évolution de la part, 2018–2023"
    assert journey.text(".headline:visible").startswith("8,0 % du sol est imperméabilisé (2023).")
    assert journey.text(".grade:visible") == "Probable"


def test_theme_switch_is_remembered(journey: Journey) -> None:
    journey.open("whole")
    light = journey.page.evaluate("getComputedStyle(document.body).backgroundColor")
    journey.page.locator("#theme").click()
    dark = journey.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert light != dark
    journey.open("whole", "fr/index.html")
    assert journey.page.evaluate("getComputedStyle(document.body).backgroundColor") == dark


@pytest.mark.parametrize("page", ["index.html", "fr/index.html"])
def test_no_sideways_scrolling(journey: Journey, page: str) -> None:
    journey.open("file", page)
    _click_middle(journey)
    for width in (320, 390, 768, 1024, 1440):
        journey.page.set_viewport_size({"width": width, "height": 844})
        assert journey.page.evaluate("document.documentElement.scrollWidth") <= width
        panel = "(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)"
        over = journey.page.evaluate(f"{panel}(document.querySelector('#figures'))")
        assert over <= 0, f"the panel scrolls sideways at {width} px"


def test_areas_in_the_table_add_up_to_the_region(journey: Journey, made: MadeSite) -> None:
    journey.open("file")
    values = journey.page.eval_on_selector_all(
        "table.areas tbody td:nth-child(2)", "cells => cells.map(c => Number(c.dataset.value))"
    )
    assert sum(values) * 1e4 == pytest.approx(made.totals["land"] * PIXEL_M2)
