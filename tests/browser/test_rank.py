"""Ranking and comparing areas, their sheets, and both without JavaScript."""

import csv
import io
import json
import re
from pathlib import Path

import pytest
from journey import Journey

pytestmark = pytest.mark.browser
NAMES = "#rank-table tbody th > a"


def choose(journey: Journey, name: str):
    """Return one of the controls above the table."""
    return journey.page.locator(f"#rank-controls [name={name}]")


def open_rank(journey: Journey, fragment: str = "", *, page: str = "areas.html") -> Journey:
    return journey.open("file", page + fragment)


def first_cells(journey: Journey, column: int) -> list[float]:
    texts = journey.texts(f"#rank-table tbody tr td:nth-child({column})")
    return [float(text.replace("−", "-").replace(",", "")) for text in texts]


def test_sorts_by_every_column_and_says_so(journey: Journey) -> None:
    open_rank(journey)
    # The largest share comes first, until the reader asks for something else.
    shares = first_cells(journey, 2)
    assert shares == sorted(shares, reverse=True)
    journey.page.locator("[data-column=name]").click()
    assert journey.texts(NAMES) == [
        '<b>Port & "Cove"</b>', "anse noire", "Évora-sur-Mer", "Zuidhaven",
    ]  # fmt: skip
    heads = journey.page.locator("#rank-table .sort-button")
    assert heads.count() == 7
    for place in range(heads.count()):
        for direction in ("ascending", "descending") if place == 0 else ("descending", "ascending"):
            if not (place == 0 and direction == "ascending"):
                heads.nth(place).click()
            column = heads.nth(place).evaluate("each => each.dataset.column")
            sort = journey.page.locator("#rank-table th[aria-sort]")
            assert sort.count() == 1
            assert sort.get_attribute("aria-sort") == direction
            assert journey.page.evaluate("document.activeElement.dataset.column") in (column, None)
    journey.page.get_by_role("button", name="Fastest growth").click()
    growth = first_cells(journey, 3)
    assert growth == sorted(growth, reverse=True)
    assert journey.hash()["sort"] == "-growth"
    assert journey.texts("#rank-table tbody .grade") == ["Likely"] * 4
    # 2018 to 2021 do not compare: no growth, so no rank.
    choose(journey, "pair").select_option("2018-2021")
    assert journey.texts("#rank-table tbody td.faint") == ["not established"] * 4


def test_back_and_forward_bring_choices_back(journey: Journey) -> None:
    open_rank(journey)
    choose(journey, "pair").select_option("2018-2021")
    choose(journey, "basis").select_option("raw")
    assert "New, raw 2018–2021 (ha)" in journey.text("#rank-table thead")
    journey.page.go_back()
    journey.until(lambda: "Confirmed new 2018–2021" in journey.text("#rank-table thead"), "back")
    journey.page.go_back()
    journey.until(lambda: "Confirmed new 2018–2023" in journey.text("#rank-table thead"), "back")
    journey.page.go_forward()
    journey.until(lambda: "Confirmed new 2018–2021" in journey.text("#rank-table thead"), "forward")
    assert choose(journey, "pair").input_value() == "2018-2021"


def test_a_link_shows_the_same_in_both_languages_and_ignores_nonsense(journey: Journey) -> None:
    open_rank(journey, "#pair=2018-2021&basis=raw&sort=-share&q=EVORA&year=1066&layer=x&page=-3")
    assert journey.texts(NAMES) == ["Évora-sur-Mer"]
    assert journey.text("#rank-count") == "1 of 4 areas"
    journey.page.get_by_role("link", name="FR").click()
    journey.page.wait_for_url(re.compile(r"/fr/areas\.html#"))
    journey.wait()
    assert journey.texts(NAMES) == ["Évora-sur-Mer"]
    assert "Nouveau, brut 2018–2021 (ha)" in journey.text("#rank-table thead")


def test_filters_by_text_without_accents_and_by_signal(journey: Journey) -> None:
    open_rank(journey)
    choose(journey, "q").fill("evora")
    assert journey.texts(NAMES) == ["Évora-sur-Mer"]
    choose(journey, "q").fill("nowhere")
    assert journey.text("#rank-table tbody") == ("No area matches. Clear the search or choose All.")
    choose(journey, "q").fill("")
    choose(journey, "signal").select_option("loss")
    assert journey.page.locator(NAMES).count() == 0
    choose(journey, "signal").select_option("gain")
    assert journey.page.locator(NAMES).count() > 0


def test_the_download_holds_exactly_what_is_shown(journey: Journey) -> None:
    open_rank(journey, "#sort=-share&pair=2018-2021")
    shown = journey.texts(NAMES)
    shares = first_cells(journey, 2)
    with journey.page.expect_download() as waiting:
        journey.page.get_by_role("button", name="Download this table").click()
    assert waiting.value.suggested_filename == "made-up_municipality.csv"
    text = Path(waiting.value.path()).read_text(encoding="utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0][:3] == ["id", "Name", "Share of land 2023 (%)"]
    assert [row[1] for row in rows[1:]] == shown
    assert [float(row[2]) for row in rows[1:]] == shares
    assert len({len(row) for row in rows}) == 1


def test_a_name_that_looks_like_a_formula_is_saved_as_text(
    journey: Journey, site_copy: Path
) -> None:
    page = site_copy / "areas.html"
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace('"Évora-sur-Mer"', '"=1+1,2"'), encoding="utf-8")
    journey.page.goto(page.as_uri())
    with journey.page.expect_download() as waiting:
        journey.page.get_by_role("button", name="Download this table").click()
    saved = Path(waiting.value.path()).read_text(encoding="utf-8-sig")
    names = [row[1] for row in csv.reader(io.StringIO(saved))]
    assert "'=1+1,2" in names
    assert "=1+1,2" not in names


def test_points_are_read_by_keyboard_and_open_their_sheet(journey: Journey) -> None:
    open_rank(journey)
    journey.page.locator("#scatter svg").wait_for()
    journey.page.locator("#scatter").focus()
    heard = []
    for _ in range(4):
        journey.page.keyboard.press("ArrowRight")
        heard.append(journey.text("#scatter-read"))
    assert len(set(heard)) == 4
    assert all("Share of land 2023 (%)" in words for words in heard)
    journey.page.keyboard.press("Enter")
    journey.page.wait_for_url("**/areas/municipality/*.html")
    assert journey.text("h1") == heard[-1].split(":")[0]


def test_a_row_leads_to_the_sheet_and_back_to_the_map(journey: Journey) -> None:
    open_rank(journey)
    journey.page.get_by_role("link", name="Évora-sur-Mer", exact=True).click()
    journey.page.wait_for_url("**/areas/municipality/01.html")
    assert journey.text("h1") == "Évora-sur-Mer"
    journey.page.get_by_role("link", name="Show on the map").click()
    journey.page.wait_for_url(re.compile(r"/index\.html#"))
    journey.wait()
    assert journey.text("#selection h2") == "Évora-sur-Mer"


def test_tables_and_sheets_read_without_javascript(browser, addresses: dict[str, str]) -> None:
    journey = Journey(browser, addresses, java_script_enabled=False)
    journey.page.goto(addresses["file"] + "areas.html")
    assert journey.page.locator("#rank").is_hidden()
    assert journey.page.locator("#rank-static tbody tr").count() == 4
    journey.page.get_by_role("link", name="Zuidhaven").click()
    assert journey.text("h1") == "Zuidhaven"
    assert journey.page.locator(".headline").first.is_visible()
    assert journey.page.locator("svg.locator").is_visible()
    assert journey.page.locator("figure.chart svg").first.is_visible()
    journey.page.get_by_role("link", name="Made-up island").first.click()
    assert journey.problems == []
    journey.close()


@pytest.mark.parametrize("page", ["areas.html", "areas/municipality/00.html", "fr/about.html"])
def test_no_page_scrolls_sideways(journey: Journey, page: str) -> None:
    journey.page.goto(journey.addresses["file"] + page)
    for width in (320, 390, 768, 1440):
        journey.page.set_viewport_size({"width": width, "height": 844})
        over = journey.page.evaluate("document.documentElement.scrollWidth")
        assert over <= width, f"{page} at {width}"


@pytest.mark.parametrize(
    "page", ["areas/municipality/01.html", "fr/areas/municipality/02.html"]
)  # fmt: skip
@pytest.mark.parametrize("size", ["A4", "Letter"])
def test_a_sheet_prints_on_two_pages_at_most(
    browser, addresses: dict[str, str], page: str, size: str
) -> None:
    journey = Journey(browser, addresses)
    journey.page.goto(addresses["file"] + page)
    printed = journey.page.pdf(prefer_css_page_size=True, format=size)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) <= 2
    # On paper the map stands beside what is said of the change.
    journey.page.emulate_media(media="print")
    sides = [
        journey.page.locator(each).bounding_box() for each in (".sheet-map", ".net-change, .why")
    ]
    assert sides[0] is not None
    assert sides[1] is not None
    assert sides[0]["x"] + sides[0]["width"] <= sides[1]["x"]
    assert abs(sides[0]["y"] - sides[1]["y"]) < 20
    journey.close()


MANY = 10_000


def with_many_areas(site: Path) -> None:
    """Give the rank page ten thousand areas, made from the four that it has."""
    page = site / "areas.html"
    text = page.read_text(encoding="utf-8")
    start = text.index('id="hexseal-rank">') + len('id="hexseal-rank">')
    end = text.index("</script>", start)
    result = json.loads(text[start:end])
    rows = result["layers"][0]["rows"]
    result["layers"][0]["rows"] = [made_row(number, rows[number % 4]) for number in range(MANY)]
    page.write_text(text[:start] + json.dumps(result) + text[end:], encoding="utf-8")


def made_row(number: int, like: list) -> list:
    """Return an area whose figures are a multiple of another's; its signals stay as they are."""
    factor = 1 + number * 31 % 997 / 100
    values, signals = like[4][:-6], like[4][-6:]
    scaled = [value if value is None else value * factor for value in values]
    return [str(number), f"Area {number:05d}", like[2], None, [*scaled, *signals]]


def test_ten_thousand_areas_are_drawn_fifty_at_a_time(browser, site_copy: Path) -> None:
    with_many_areas(site_copy)
    journey = Journey(browser, {"file": site_copy.as_uri() + "/"})
    open_rank(journey)
    assert journey.text("#rank-count") == "10,000 of 10,000 areas"
    assert journey.page.locator(NAMES).count() == 50
    # Rows lie in the order of their names, as the build sorted them.
    journey.page.locator("[data-column=name]").click()
    assert journey.texts(NAMES)[:2] == ["Area 00000", "Area 00001"]
    journey.page.locator("[data-column=name]").click()
    assert journey.texts(NAMES)[0] == "Area 09999"
    journey.page.locator("[data-column=share]").click()
    shares = first_cells(journey, 2)
    assert shares == sorted(shares, reverse=True)
    choose(journey, "q").fill("area 0999")
    assert journey.text("#rank-count") == "10 of 10,000 areas"
    journey.close()
    assert journey.problems == []
