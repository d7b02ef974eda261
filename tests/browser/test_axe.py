"""Accessibility: axe-core finds nothing on any page, light or dark; and what it leaves out."""

from itertools import pairwise

import pytest
from journey import Journey
from made_site import MadeSite

from hexseal.frontend import TEMPLATE

pytestmark = pytest.mark.browser
AXE = TEMPLATE / "node_modules" / "axe-core" / "axe.min.js"
# WCAG 2.0 to 2.2, A and AA, and axe's own good practice.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = """async ([tags, rules]) => {
    const only = rules ? { type: "rule", values: rules } : { type: "tag", values: tags };
    const found = await axe.run(document, { runOnly: only, resultTypes: ["violations"] });
    return found.violations.flatMap((rule) =>
        rule.nodes.map((node) => `${rule.id}: ${node.target} ${node.html.slice(0, 160)}`));
}"""
# Targets of links within a line of text may be smaller (WCAG 2.5.8).
IN_TEXT = "p, li, td, dd, caption, .maplibregl-ctrl-attrib"
SMALL = """(inText) => [...document.querySelectorAll("a, button, input, select, summary")]
    .filter((each) => each.checkVisibility({ visibilityProperty: true }))
    .filter((each) => !each.closest(inText))
    .map((each) => [each, (each.closest("label") ?? each).getBoundingClientRect()])
    .filter(([each, box]) => box.width > 1 && (box.width < 23.9 || box.height < 23.9))
    .map(([each, box]) => `${each.outerHTML.slice(0, 120)} ${box.width}x${box.height}`)"""


def page_names(made: MadeSite) -> list[str]:
    """Return every page of the first language and one sheet; and two of the other language."""
    names = sorted(path.name for path in made.folder.glob("*.html"))
    sheets = sorted(made.folder.glob("areas/*/*.html"))[:1]
    return [*names, *(str(sheet.relative_to(made.folder)) for sheet in sheets)]


def open_page(journey: Journey, name: str) -> None:
    journey.page.goto(journey.addresses["file"] + name)
    journey.until(lambda: journey.mark() in (None, "ready"), f"{name} to be ready")


@pytest.fixture(scope="module")
def audit(browser, addresses: dict[str, str], made: MadeSite):
    """Return what axe finds on a page, by page and colours; each page is opened once."""
    source = AXE.read_text(encoding="utf-8")
    journey = Journey(browser, addresses, bypass_csp=True)
    yield lambda name: _audit(journey, source, name)
    journey.close()


def _audit(journey: Journey, source: str, name: str) -> dict[str, list[str]]:
    journey.page.emulate_media(color_scheme="light")
    open_page(journey, name)
    journey.page.evaluate(source + "; undefined")
    for details in journey.page.locator("details").all():
        details.evaluate("(each) => { each.open = true; }")
    found = {"light": journey.page.evaluate(RUN, [TAGS, None])}
    journey.page.emulate_media(color_scheme="dark")
    found["dark"] = journey.page.evaluate(RUN, [TAGS, ["color-contrast"]])
    found["small"] = journey.page.evaluate(SMALL, IN_TEXT)
    return found


def test_axe_finds_nothing_on_any_page(audit, made: MadeSite) -> None:
    names = page_names(made)
    assert {"index.html", "areas.html", "about.html", "accessibility.html"} <= set(names)
    selected = "index.html?selected#view=change&area=municipality/01"
    sheet = f"fr/{names[-1]}"
    further = ["fr/index.html", "fr/areas.html", selected, sheet]
    found = {name: audit(name) for name in [*names, *further]}
    wrong = [
        f"{name} ({kind}): {line}"
        for name, kinds in found.items()
        for kind, lines in kinds.items()
        for line in lines
    ]
    assert not wrong, "\n".join(wrong)


def test_every_page_has_title_description_language_and_one_main(journey: Journey, made) -> None:
    titles = []
    for name in [*page_names(made), "fr/about.html"]:
        open_page(journey, name)
        language = "fr" if name.startswith("fr/") else "en"
        facts = journey.page.evaluate(
            """() => [
                document.title,
                document.querySelector("meta[name=description]").content,
                document.documentElement.lang,
                document.querySelectorAll("main").length,
                document.querySelectorAll("h1").length,
                [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")]
                    .filter((each) => each.checkVisibility())
                    .map((each) => Number(each.tagName[1])),
                document.querySelector("a.skip")?.hash ?? "",
            ]"""
        )
        title, description, result, mains, firsts, levels, skip = facts
        assert 10 < len(title) < 120, name
        assert 40 < len(description) < 240, name
        assert (result, mains, firsts) == (language, 1, 1), name
        steps = pairwise(levels)
        assert all(after - before <= 1 for before, after in steps), (name, levels)
        # An embedded view has nothing before its main part that could be skipped.
        if name.endswith("embed.html"):
            assert skip == "", name
            continue
        assert journey.page.locator(skip).count() == 1, name
        titles.append(title)
    assert len(set(titles)) == len(titles)
