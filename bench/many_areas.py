"""Ten thousand areas in the table and in the search, against the site's own few: ratios in one run.

    just bench-many-areas

Copies the built sample, gives its page of all areas and its search ten thousand of them, made
from those that it has, and opens, sorts, filters and types in Chromium under software rendering, in
turns with the site as it was built. Told are what the page's own answer to an event takes, and the
longest task of opening. Times are those of this machine and moment.
"""

import argparse
import json
import re
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from dashboard import FLAGS, WATCH
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[1]
MANY = 10_000
TYPED = ("saint e", "etienne-77", "pres", "es-p", "zui")
# Each returns milliseconds until the page has written its answer and laid it out.
ANSWER = """
    const start = performance.now();
    act();
    document.body.getBoundingClientRect();
    return performance.now() - start;
}"""
SORTING = f"""(column) => {{
    const act = () => document.querySelector(`[data-column=${{column}}]`).click();
    {ANSWER}"""
ENTERING = f"""
    const act = () => {{
        field.value = text;
        field.dispatchEvent(new Event("input", {{ bubbles: true }}));
    }};
    {ANSWER}"""
FILTERING = f"""(text) => {{
    const field = document.querySelector("#rank-controls [name=q]");
    {ENTERING}"""
TYPING = f"""(text) => {{
    const field = document.querySelector("#search-field");
    {ENTERING}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--site", type=Path, default=ROOT / "site")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    if not (arguments.site / "areas.html").is_file():
        parser.error(f"{arguments.site} holds no site; run just build first")
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as driver:
        many = Path(shutil.copytree(arguments.site, Path(scratch) / "site"))
        rewrite(many / "areas.html", "hexseal-rank", table_of_many)
        rewrite(many / "index.html", "hexseal-config", search_of_many)
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        rounds = {"few": [], "many": []}
        for _ in range(arguments.repeats):
            for name, site in (("few", arguments.site), ("many", many)):
                rounds[name].append(table(browser, site) | search(browser, site))
        page = opened(browser, many / "areas.html")
        print(f"The table says: {page.locator('#rank-count').inner_text()}")
        browser.close()
    for what in rounds["few"][0]:
        few, most = (statistics.median(each[what] for each in rounds[name]) for name in rounds)
        ratio = f"{most / few:.1f} times" if few else "none"
        print(f"{what:22} {most:4.0f} ms with {MANY}, {few:4.0f} ms with few: {ratio}")


def rewrite(page: Path, script: str, change: Callable[[dict], None]) -> None:
    """Change the data that a page carries in the script element of that id."""
    text = page.read_text(encoding="utf-8")
    found = re.search(rf'(id="{script}">)(.*?)(</script>)', text, re.DOTALL)
    assert found is not None, f"{page} holds no {script}"
    settings = json.loads(found[2])
    change(settings)
    written = json.dumps(settings).replace("<", "\\u003c")
    page.write_text(text[: found.start(2)] + written + text[found.end(2) :], encoding="utf-8")


def table_of_many(settings: dict) -> None:
    # The page opens with the layer of most areas.
    layer = max(settings["layers"], key=lambda each: len(each["rows"]))
    rows = layer["rows"]
    layer["rows"] = [made_row(number, rows[number % len(rows)]) for number in range(MANY)]


def made_row(number: int, like: list) -> list:
    """Return an area whose figures are a multiple of another's; its words stay as they are."""
    factor = 1 + number * 31 % 997 / 100
    values = [value * factor if isinstance(value, float) else value for value in like[4]]
    return [str(number), f"Area {number:05d}", like[2], None, values]


def search_of_many(settings: dict) -> None:
    rows = settings["layers"][0]["rows"]
    settings["layers"][0]["rows"] = rows + [
        rows[0] | {"id": f"x{at}", "name": f"Saint-Étienne-{at}-lès-Prés"} for at in range(MANY)
    ]


def table(browser: Browser, site: Path) -> dict[str, float]:
    """Return milliseconds: the longest task of opening, then each answer of the table."""
    page = opened(browser, site / "areas.html")
    # A task under 50 ms is not told by the browser.
    longest = {"table: opening": page.evaluate("window.longest")}
    for column in ("adjusted", "name", "share"):
        longest[f"table: sort by {column}"] = page.evaluate(SORTING, column)
    longest["table: filter"] = page.evaluate(FILTERING, "area 0999")
    page.close()
    return longest


def search(browser: Browser, site: Path) -> dict[str, float]:
    """Return the milliseconds of the first and of the usual later key press in the search."""
    page = opened(browser, site / "index.html")
    first, *later = [page.evaluate(TYPING, text) for text in TYPED]
    page.close()
    return {"search: first key": first, "search: later keys": statistics.median(later)}


def opened(browser: Browser, path: Path) -> Page:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.add_init_script(WATCH)
    page.goto(path.absolute().as_uri())
    deadline = time.monotonic() + 120
    while page.evaluate("document.documentElement.dataset.hexseal") != "ready":
        assert time.monotonic() < deadline, f"{path} never became ready"
        time.sleep(0.02)
    time.sleep(0.5)
    return page


if __name__ == "__main__":
    main()
