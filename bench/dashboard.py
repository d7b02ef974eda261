"""Opening and using a site in Chromium under software rendering: the sample and 500 000 hexagons.

    just bench-dashboard

Prints the compressed scripts of the map page and of a sheet, and how far a phone's page moves by
itself; with --previous FOLDER also the opening against the sample as an earlier version built it,
the two opened in turn. Builds a region of coarse pixels whose finest hexagons number about 500 000,
opens it and the sample from a file and from a server, several times each in a fresh browser
profile, and then moves, zooms, hovers, chooses and switches. Printed are the time from the request
of the page to coloured hexagons, and the longest task that kept the page from answering during each
interaction. Times are those of this machine and moment; the ratio to the sample's opening means
something elsewhere.
"""

import argparse
import gzip
import json
import re
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from landscape import NORTH, WEST, tile_classes
from playwright.sync_api import Locator, Page, sync_playwright
from pyproj import Transformer

from hexseal.build import BuildSettings, build_site
from hexseal.pages.serve import make_server
from hexseal.progress import Reporter, no_progress

ROOT = Path(__file__).parents[1]
PIXEL_M = 40.0
# Mean area of a cell of resolution 9 (h3geo.org, table of cell statistics).
CELL_KM2 = 0.1053325
FLAGS = [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WATCH = """
  window.longest = 0;
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) window.longest = Math.max(window.longest, task.duration);
  }).observe({ type: "longtask", buffered: true });
  window.shifts = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.shifts += entry.hadRecentInput ? 0 : entry.value;
  }).observe({ type: "layout-shift", buffered: true });
"""
DESKTOP = {"viewport": {"width": 1440, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
REGION = """
[region]
id = "large"
title = {{ en = "Large region", fr = "Grande région" }}
simulated = true
[product]
name = "custom"
sealed = [1]
water = [10]
valid = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
nodata = [254]
[[epoch]]
year = 2018
landcover = "large_2018.tif"
[[epoch]]
year = 2021
landcover = "large_2021.tif"
[hexagons]
finest = 9
coarsest = 5
[[areas]]
layer = "district"
path = "districts.geojson"
id = "code"
name = "name"
title = {{ en = "Districts", fr = "Districts" }}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "hexseal-wide")
    parser.add_argument("--hexagons", type=int, default=500_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--sample", type=Path, default=ROOT / "site")
    parser.add_argument(
        "--previous", type=Path, help="the sample built by an earlier version, opened in turn"
    )
    parser.add_argument("--only-sample", action="store_true", help="leave the large region out")
    arguments = parser.parse_args()
    if not (arguments.sample / "index.html").is_file():
        parser.error(f"{arguments.sample} holds no site; run just build first")
    weigh(arguments.sample)
    shifts(arguments.sample)
    if arguments.previous is not None:
        against(arguments.sample, arguments.previous, arguments.repeats)
    sites = {"sample": arguments.sample}
    if not arguments.only_sample:
        sites["large"] = large_site(arguments.folder, arguments.hexagons)
    usual: dict[str, float] = {}
    for name, site in sites.items():
        print(f"{name}: {archive_mb(site):.1f} MB of tiles")
        for way, address in ways(site):
            times = sorted(opening(address) for _ in range(arguments.repeats))
            median = statistics.median(times)
            usual.setdefault(way, median)
            print(
                f"  {way:5} opening: median {median:.2f} s, worst {times[-1]:.2f} s, "
                f"{median / usual[way]:.2f} of the sample's"
            )
            for what, longest in interactions(address):
                print(f"  {way:5} {what}: longest task {longest:.0f} ms")


def weigh(site: Path) -> None:
    """Print the compressed scripts that a page loads when it opens, against their limits."""
    sheet = next(iter(sorted((site / "areas").rglob("*.html"))), site / "about.html")
    for what, page, limit in (("map", site / "index.html", 652), ("sheet", sheet, 120)):
        names = re.findall(r'<script defer src="([^"]+)"', page.read_text(encoding="utf-8"))
        contents = [(page.parent / name).read_bytes() for name in names]
        size = sum(len(gzip.compress(content, mtime=0)) for content in contents) / 1000
        print(f"scripts of the {what} page: {size:.0f} kB compressed (limit {limit})")


def shifts(site: Path) -> None:
    """Print how far a phone's page moves by itself while it opens (good: below 0.1)."""
    for path in ("index.html", "areas.html", "about.html"):
        address = f"{site.absolute().as_uri()}/{path}"
        if (site / path).is_file():
            with visit(address, PHONE) as page:
                time.sleep(1.0)
                print(f"layout shift of {path}: {page.evaluate('window.shifts'):.3f} (limit 0.1)")


def against(site: Path, previous: Path, repeats: int) -> None:
    """Print how long a site takes to open against one built by an earlier version, in turn."""
    pairs = zip(ways(site), ways(previous), strict=True)
    for (way, now), (_, before) in pairs:
        times = [(opening(now), opening(before)) for _ in range(repeats)]
        new, old = (statistics.median(each) for each in zip(*times, strict=True))
        ratio = statistics.median(one / other for one, other in times)
        print(
            f"  {way:5} opening: {new:.2f} s, before {old:.2f} s, {ratio:.2f} times (median pair)"
        )


def large_site(folder: Path, hexagons: int) -> Path:
    """Build the large region, or keep it when it was built before with as many hexagons."""
    site, done = folder / "site", folder / f"{hexagons}.done"
    if done.is_file():
        return site
    folder.mkdir(parents=True, exist_ok=True)
    size = round((hexagons * CELL_KM2) ** 0.5 * 1000 / PIXEL_M)
    transform = Affine(PIXEL_M, 0.0, WEST, 0.0, -PIXEL_M, NORTH)
    before, after = classes(size)
    for year, values in ((2018, before), (2021, after)):
        with rasterio.open(
            folder / f"large_{year}.tif", "w", driver="GTiff", width=size, height=size, count=1,
            dtype="uint8", crs="EPSG:3035", transform=transform, compress="lzw", tiled=True,
        ) as file:  # fmt: skip
            file.write(values, 1)
    (folder / "districts.geojson").write_text(json.dumps(districts(size)))
    (folder / "large.toml").write_text(REGION.format())
    build_site(folder / "large.toml", BuildSettings(site), Reporter(print, no_progress))
    done.touch()
    return site


def classes(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return two maps (size, size) of the texture of landscape.py; 0.3 % of pixels differ."""
    one = tile_classes(1)
    repeats = -(-size // len(one))
    before = np.tile(one, (repeats, repeats))[:size, :size]
    after = before.copy()
    changed = np.random.default_rng(2).random(after.shape) < 0.003
    after[changed] = np.where(after[changed] == 1, 6, 1)
    return before, after


def districts(size: int, across: int = 32) -> dict[str, object]:
    """Return a square lattice of areas over the region as GeoJSON."""
    degrees = Transformer.from_crs("EPSG:3035", "EPSG:4326", always_xy=True)
    step = size * PIXEL_M / across
    features = []
    for row in range(across):
        for column in range(across):
            left, top = WEST + column * step, NORTH - row * step
            corners = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]
            ring = [degrees.transform(left + x * step, top - y * step) for x, y in corners]
            code = f"{row:02}{column:02}"
            features.append(
                {
                    "type": "Feature",
                    "properties": {"code": code, "name": f"District {code}"},
                    "geometry": {"type": "Polygon", "coordinates": [ring]},
                }
            )
    return {"type": "FeatureCollection", "features": features}


def archive_mb(site: Path) -> float:
    return sum(path.stat().st_size for path in (site / "tiles").glob("*.pmtiles")) / 1e6


def ways(site: Path) -> Iterator[tuple[str, str]]:
    """Yield the address of the site as a file and on a server, which stops afterwards."""
    yield "file", site.absolute().as_uri() + "/index.html"
    server = make_server(site, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield "http", f"http://127.0.0.1:{server.server_address[1]}/index.html"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def visit(address: str, screen: Mapping[str, object] = DESKTOP) -> Iterator[Page]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(**screen)
        page.add_init_script(WATCH)
        page.goto(address)
        deadline = time.monotonic() + 120
        while page.evaluate("document.documentElement.dataset.hexseal") == "loading":
            assert time.monotonic() < deadline, "the map never came"
            time.sleep(0.02)
        assert page.evaluate("document.documentElement.dataset.hexseal") != "error", address
        yield page
        browser.close()


def opening(address: str) -> float:
    """Return seconds from navigation to the mark that the page sets when its hexagons show."""
    with visit(address) as page:
        return page.evaluate("performance.getEntriesByName('hexseal-ready')[0].startTime") / 1000


def interactions(address: str) -> Iterator[tuple[str, float]]:
    """Yield what was done and the longest task in milliseconds until a second later."""
    with visit(address) as page:
        box = page.locator("#map").bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        moves: dict[str, Callable[[], object]] = {
            "pan": lambda: drag(page, x, y),
            "zoom in": lambda: wheel(page, x, y, -1),
            "zoom further": lambda: wheel(page, x, y, -1),
            "zoom out": lambda: wheel(page, x, y, 1),
            "hover": lambda: hover(page, x, y),
            "choose": lambda: page.mouse.click(x + 20, y + 20),
            "change view": lambda: page.locator("input[name=view][value=change]").check(force=True),
            "share view": lambda: page.locator("input[name=view][value=share]").check(force=True),
            "dark": lambda: page.locator("#theme").click(),
            "highlight a class": lambda: page.locator("#legend button.class").nth(2).hover(),
            "save a picture": lambda: page.locator(".picture-button").click(),
            "whole region": lambda: page.locator(".home-button").click(),
            **further(page),
        }
        for what, act in moves.items():
            page.evaluate("window.longest = 0")
            act()
            time.sleep(1.5)
            yield what, page.evaluate("window.longest")


def further(page: Page) -> dict[str, Callable[[], object]]:
    """Return what only some sites have: two years beside each other, images, pixels, patches."""
    page.evaluate("document.querySelectorAll('#more').forEach((each) => { each.open = true; })")
    known = {
        "compare": "compare", "images": "ground", "pixels": "ground", "patches": "patches",
    }  # fmt: skip
    moves: dict[str, Callable[[], object]] = {}
    for what, name in known.items():
        value = "" if name != "ground" else f"[value={what}]"
        box = page.locator(f"input[name={name}]{value}").nth(1 if name == "compare" else 0)
        if box.count() > 0:
            moves[what] = partial(show, page, what, box)
            if name == "ground":
                moves[f"zoom to {what}"] = partial(come_closer, page)
    return moves


def show(page: Page, what: str, box: Locator) -> None:
    """Turn on what a box stands for, in the view that knows it."""
    view = "change" if what == "patches" else "share"
    page.locator(f"input[name=view][value={view}]").check(force=True)
    # The further choices close when another is clicked.
    page.evaluate("document.querySelectorAll('#more').forEach((each) => { each.open = true; })")
    box.check(force=True)


def come_closer(page: Page) -> None:
    """Follow the legend to where single pixels or an image are shown, if that is not here."""
    for link in page.locator(".legend-further button").all():
        link.click()


def drag(page: Page, x: float, y: float) -> None:
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(12):
        page.mouse.move(x - 20 * step, y - 8 * step)
    page.mouse.up()


def wheel(page: Page, x: float, y: float, sign: int) -> None:
    page.mouse.move(x, y)
    for _ in range(6):
        page.mouse.wheel(0, sign * 120)
        time.sleep(0.05)


def hover(page: Page, x: float, y: float) -> None:
    for step in range(40):
        page.mouse.move(x + 6 * step, y + 3 * step)


if __name__ == "__main__":
    main()
