"""The tasks by which the page is judged, on a desktop and on a phone, in both languages."""

import pytest
from journey import Journey
from made_site import make_site

from hexseal.region.load import Target

pytestmark = pytest.mark.browser
# Clicks and taps of the reader, over all pages of a visit.
CLICKS = """
    addEventListener("pointerdown", ({ isTrusted }) => {
        if (isTrusted) {
            sessionStorage.clicks = Number(sessionStorage.clicks ?? 0) + 1;
        }
    }, true);
"""
SCREENS = {
    "desktop": {"viewport": {"width": 1280, "height": 800}},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
}
# The sum of what moved without the reader having done anything (web.dev/cls).
SHIFTS = """
    globalThis.shifts = 0;
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
            globalThis.shifts += entry.hadRecentInput ? 0 : entry.value;
        }
    }).observe({ type: "layout-shift", buffered: true });
"""
PLACE = "index.html#area=municipality/01"
IN_VIEW = """(each) => {
    const box = each.getBoundingClientRect();
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
    return box.height > 0 && box.top >= 0 && box.bottom <= innerHeight
        && each.contains(document.elementFromPoint(x, y));
}"""


@pytest.fixture(params=SCREENS)
def visit(request, browser, addresses: dict[str, str]):
    """Return a page on one of the screens, whose reader's clicks are counted."""
    journey = Journey(
        browser,
        addresses,
        permissions=["clipboard-read", "clipboard-write"],
        **SCREENS[request.param],
    )
    journey.page.add_init_script(SHIFTS)
    journey.page.add_init_script(CLICKS)
    yield journey
    journey.close()
    assert journey.problems == []


def take(journey: Journey, action: str) -> None:
    """Press a button of the bar, which is in view as soon as a place is chosen."""
    button = journey.page.locator(f"#selection .action[data-action={action}]")
    journey.until(button.is_visible, action)
    assert button.evaluate(IN_VIEW)
    button.click()


def clicks(journey: Journey) -> int:
    """Return how often the reader has clicked or tapped since the visit began."""
    return int(journey.page.evaluate("sessionStorage.clicks ?? 0"))


def pick(journey: Journey, words: str) -> None:
    """Search a place and choose the first that is found: two clicks."""
    field = journey.page.locator("#search-field")
    field.click()
    field.fill(words)
    journey.page.locator("#search-list [role=option]").first.click()


@pytest.mark.parametrize(
    ("page", "share", "grew"),
    [("index.html", "% of the land is sealed (2023).", "It grew by"),
     ("fr/index.html", "% du sol est imperméabilisé (2023).", "La surface a crû de")],
)  # fmt: skip
def test_how_much_is_sealed_and_did_it_grow(
    visit: Journey, page: str, share: str, grew: str
) -> None:
    visit.open("file", page)
    pick(visit, "evora")
    headline = visit.page.locator("#selection .headline")
    visit.until(headline.is_visible, "the headline")
    visit.until(lambda: grew in visit.text("#selection .headline"), "the growth")
    words = visit.text("#selection .headline")
    assert share in words
    assert grew in words
    assert headline.evaluate(IN_VIEW)
    assert visit.page.locator("#selection .grade").first.evaluate(IN_VIEW)
    assert clicks(visit) == 2


def test_the_link_is_copied_with_one_click(visit: Journey) -> None:
    visit.open("whole", PLACE)
    take(visit, "link")
    visit.until(lambda: visit.text("#speaker") == "Link copied", "the answer")
    copied = visit.page.evaluate("navigator.clipboard.readText()")
    assert copied == visit.page.url
    assert "area=municipality/01" in copied
    assert clicks(visit) == 1


@pytest.mark.parametrize(
    ("action", "name"),
    [("picture", "made-up-01-share-2023"), ("csv", "made-up_areas.csv"),
     ("xlsx", "made-up_areas.xlsx")],
)  # fmt: skip
def test_picture_and_tables_are_saved_with_one_click(
    visit: Journey, action: str, name: str
) -> None:
    visit.open("whole", PLACE)
    with visit.page.expect_download() as waiting:
        take(visit, action)
    assert waiting.value.suggested_filename.startswith(name)
    assert clicks(visit) == 1


def test_the_code_to_embed_is_copied_with_two_clicks(visit: Journey) -> None:
    visit.open("whole", PLACE)
    take(visit, "embed")
    copy = visit.page.locator("#selection .take button")
    visit.until(lambda: copy.evaluate(IN_VIEW), "the button to copy in view")
    copy.click()
    visit.until(lambda: visit.text("#speaker") == "Copied", "the answer")
    assert "embed.html#" in visit.page.evaluate("navigator.clipboard.readText()")
    assert clicks(visit) == 2


@pytest.fixture(scope="module")
def targeted(tmp_path_factory) -> str:
    """Return the address of a site whose places have a target."""
    folder = tmp_path_factory.mktemp("targeted")
    made = make_site(folder / "made", radius=1, target=Target((2021, 2023), 2031, 50))
    return made.folder.as_uri() + "/"


@pytest.mark.parametrize("screen", SCREENS)
def test_the_target_is_at_most_one_click_away(browser, targeted: str, screen: str) -> None:
    journey = Journey(browser, {"file": targeted}, **SCREENS[screen])
    journey.page.add_init_script(CLICKS)
    journey.open("file", PLACE)
    answer = journey.page.locator("#selection .target p")
    journey.until(answer.is_visible, "the target")
    if not answer.evaluate(IN_VIEW):
        # A tap on the handle opens the sheet of a phone.
        handle = journey.page.locator("#sheet-handle")
        (handle if handle.is_visible() else answer).click()
    journey.until(lambda: answer.evaluate(IN_VIEW), "the answer in view")
    assert journey.text("#selection .target p").startswith("On track for 50 % less by 2031?")
    assert clicks(journey) <= 1
    # Another reduction is kept in the address.
    slider = journey.page.locator("#selection .target input")
    slider.focus()
    slider.press("End")
    journey.until(lambda: journey.hash().get("target") == "100", "the address")
    assert journey.text("#selection .target p").startswith("On track for no net sealing by 2031?")
    journey.close()
    assert journey.problems == []


def test_which_places_grew_most_is_two_clicks(visit: Journey) -> None:
    visit.open("file")
    visit.page.locator(".sections a", has_text="Areas").click()
    visit.page.wait_for_url("**/areas.html")
    visit.wait()
    visit.page.get_by_role("button", name="Fastest growth").click()
    head = visit.page.locator("#rank-table th[aria-sort=descending]")
    assert head.inner_text().startswith("Growth 2018–2023 (points a year)")
    grade = visit.page.locator("#rank-table tbody .grade").first
    assert grade.inner_text() == "Likely"
    assert grade.evaluate(IN_VIEW)
    assert clicks(visit) == 2


def test_two_places_compare_in_three_clicks(visit: Journey) -> None:
    visit.open("file")
    pick(visit, "evora")
    visit.page.locator("#selection .compare-button").click()
    # The field waits for the second name, which the Enter key takes.
    field = visit.page.locator("#search-field")
    assert field.evaluate("(each) => each === document.activeElement")
    field.press_sequentially("zuid")
    field.press("Enter")
    visit.until(lambda: visit.page.locator(".compare-card").count() == 2, "two places")
    names = visit.texts(".compare-card h3")
    assert names == ["Évora-sur-Mer", "Zuidhaven"]
    assert clicks(visit) == 3
    rows = visit.texts(".compare-difference dd")
    assert "points higher in" in rows[0]
    assert "ha a year" in rows[1]
    assert visit.hash()["places"] == "municipality%2F01%2Cmunicipality%2F02" or (
        "01" in visit.hash()["places"] and "02" in visit.hash()["places"]
    )
    # The address brings the comparison back.
    fragment = visit.page.evaluate("location.hash")
    visit.page.goto("about:blank")
    visit.open("file", "index.html" + fragment)
    assert visit.texts(".compare-card h3") == names
    visit.page.locator(".compare-head button").click()
    visit.until(lambda: visit.text("#selection h2") == "Évora-sur-Mer", "one place")


def test_places_that_changed_fly_the_map(visit: Journey) -> None:
    visit.open("file")
    pick(visit, "zuid")
    card = visit.page.locator("#selection .place-card")
    visit.until(lambda: card.count() == 1, "the place that changed")
    assert "0.09\u00a0ha" in card.inner_text()
    visit.still()
    before = visit.hash()["map"]
    card.click()
    visit.until(lambda: visit.hash()["map"] != before, "the map to fly")
    assert visit.hash()["view"] == "change"


@pytest.mark.parametrize("page", ["index.html", "fr/index.html", "index.html#area=municipality/01"])
def test_nothing_shifts_while_the_page_opens(visit: Journey, page: str) -> None:
    visit.open("file", page)
    visit.still()
    shifts = visit.page.evaluate("shifts")
    print(f"\n{page}: layout shift {shifts:.3f}")  # noqa: T201
    assert shifts < 0.1


def test_a_link_to_what_is_not_there_says_so(journey: Journey) -> None:
    journey.open("file", "index.html#year=1066&area=municipality/99")
    assert (
        journey.text("#status")
        == "This site does not have what the link names: 1066, municipality/99."
    )


def test_the_sheet_keeps_to_three_heights(browser, addresses: dict[str, str]) -> None:
    journey = Journey(browser, addresses, **SCREENS["phone"])
    journey.open("file")
    handle = journey.page.locator("#sheet-handle")
    height = "document.querySelector('#figures').offsetHeight"
    half = journey.page.evaluate(height)
    handle.press("ArrowDown")
    journey.until(lambda: journey.page.evaluate(height) == 96, "a strip")
    assert handle.get_attribute("aria-expanded") == "false"
    pick(journey, "evora")
    journey.until(lambda: journey.page.evaluate(height) == half, "half open after a choice")
    handle.press("ArrowUp")
    journey.until(lambda: journey.page.evaluate(height) > 1.5 * half, "the whole height")
    journey.close()
    assert journey.problems == []
