"""The site opens the same way from a folder and from servers with and without Range."""

import gzip
import http.server
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from journey import Journey, QuietHandler
from made_site import PIXEL_M2, MadeSite

from hexseal.pages.serve import RangeHandler

pytestmark = pytest.mark.browser
WAYS = ("file", "range", "whole")


@pytest.mark.parametrize("way", WAYS)
def test_opens_without_a_complaint_and_shows_the_totals(
    journey: Journey, made: MadeSite, way: str
) -> None:
    journey.open(way)
    ready = journey.page.evaluate("performance.getEntriesByName('hexseal-ready')[0].startTime")
    print(f"\n{way}: {ready:.0f} ms from opening to coloured hexagons")  # noqa: T201
    sealed, land = (made.totals[key] * PIXEL_M2 for key in ("sealed_2023", "land"))
    # Counted by hand in made_site: 368 513 of 4 606 655 pixels of 100 m².
    assert (sealed / 1e4, land / 1e4) == (3685.13, 46066.55)
    assert journey.text(".headline:visible") == (
        "8.0 % of the land is sealed (2023). It grew by 35.8 to 45.6 ha a year since 2018;"
        " 185 ha of new sealing are seen."
    )
    assert journey.text(".grade:visible") == "Likely"
    journey.page.locator("#region .know > summary").click()
    assert journey.text("#region .know > .detail").startswith("3,685 ha of 46,067 ha of land.")
    rows = journey.texts("#region .differences tbody tr")
    assert rows[-1].split("\t") == ["2018–2023", "374.3", "170.7", "+203.6", "Likely"]


@pytest.mark.parametrize("way", WAYS)
def test_draws_hexagons_in_the_colours_of_the_legend(journey: Journey, way: str) -> None:
    journey.open(way)
    shown = journey.colours()
    ramp = journey.page.evaluate(
        "[...document.querySelectorAll('.ramp .swatch')].map(s => s.style.backgroundColor)"
    )
    assert len(ramp) == 6
    # The island has empty land, open land, suburbs and a town.
    assert sum(colour in shown for colour in ramp) >= 5


def test_files_are_read_without_any_request_but_scripts(journey: Journey) -> None:
    journey.open("file")
    names = [Path(address).name for address in journey.requests if address.startswith("file")]
    assert sum(name.startswith("tiles-") for name in names) == 1
    assert not any(name.endswith(".pmtiles") for name in names)


def test_server_without_range_sends_the_archive_once(journey: Journey) -> None:
    journey.open("whole")
    asked = [address for address in journey.requests if "/hexagons-" in address]
    assert len(asked) == 1
    assert not any("tiles-" in address for address in journey.requests)


def test_says_when_the_copy_of_the_tiles_is_missing(browser, site_copy: Path) -> None:
    next((site_copy / "assets").glob("tiles-*.js")).unlink()
    journey = Journey(browser, {"file": site_copy.as_uri() + "/"})
    journey.open("file", wanted="error")
    assert "could not be loaded. Copy the whole folder" in journey.text("#failure")
    assert "in the tables below" in journey.text("#failure")
    journey.close()


def test_says_when_the_server_lacks_the_archive(browser, site_copy: Path) -> None:
    shutil.rmtree(site_copy / "tiles")
    with _running(RangeHandler, site_copy) as address:
        journey = Journey(browser, {"range": address}).open("range", wanted="error")
        assert "(answer 404)" in journey.text("#failure")
        journey.close()


def test_says_when_the_archive_is_another(browser, site_copy: Path) -> None:
    archive = next((site_copy / "tiles").glob("hexagons-*.pmtiles"))
    archive.write_bytes(archive.read_bytes()[:-50])
    with _running(RangeHandler, site_copy) as address:
        journey = Journey(browser, {"range": address}).open("range", wanted="error")
        assert "are not the file that this page was built with" in journey.text("#failure")
        journey.close()


class PackingHandler(http.server.SimpleHTTPRequestHandler):
    """A host that packs the archive, whole or a part of the packed bytes."""

    partial = False

    def do_GET(self) -> None:
        if not self.path.endswith(".pmtiles"):
            super().do_GET()
            return
        packed = gzip.compress(Path(self.translate_path(self.path)).read_bytes(), mtime=0)
        is_part = self.partial and "Range" in self.headers
        body = packed[:1000] if is_part else packed
        self.send_response(206 if is_part else 200)
        self.send_header("Content-Encoding", "gzip")
        if is_part:
            self.send_header("Content-Range", f"bytes 0-{len(body) - 1}/{len(packed)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


class PartPackingHandler(PackingHandler):
    partial = True


@pytest.mark.parametrize("handler", [PackingHandler, PartPackingHandler])
def test_copes_with_a_host_that_packs_the_archive(browser, made: MadeSite, handler: type) -> None:
    with _running(handler, made.folder) as address:
        journey = Journey(browser, {"packed": address}).open("packed")
        assert journey.text("#failure") == ""
        journey.close()


def test_says_when_the_archive_is_too_large_for_such_a_host(browser, site_copy: Path) -> None:
    page = site_copy / "index.html"
    size = next((site_copy / "tiles").glob("hexagons-*.pmtiles")).stat().st_size
    page.write_text(page.read_text().replace(f'"bytes":{size},"bounds"', '"bytes":3e8,"bounds"'))
    with _running(QuietHandler, site_copy) as address:
        journey = Journey(browser, {"whole": address}).open("whole", wanted="error")
        assert "the map data are 300.0 MB" in journey.text("#failure")
        assert "range requests" in journey.text("#failure")
        journey.close()


def test_says_when_there_is_no_webgl(browser, addresses: dict[str, str]) -> None:
    journey = Journey(browser, addresses)
    journey.context.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    journey.open("file", wanted="error")
    assert "WebGL 2" in journey.text("#failure")
    journey.page.locator("table.areas .sort-button").first.click()
    assert journey.page.locator("th[aria-sort]").count() == 1
    journey.close()


@pytest.mark.parametrize("spoilt", ["missing", "not understood"])
def test_says_when_the_script_does_not_run(browser, site_copy: Path, spoilt: str) -> None:
    for kind in ("map", "app"):
        script = next((site_copy / "assets").glob(f"{kind}-*.js"))
        if spoilt == "missing":
            script.unlink()
        else:
            # What an old browser makes of syntax that it does not know: a syntax error.
            script.write_text("let a = 1 ?! 2;")
    journey = Journey(browser, {"file": site_copy.as_uri() + "/"})
    journey.page.goto(site_copy.as_uri() + "/index.html")
    journey.until(journey.page.locator("#unstarted").is_visible, "the message")
    assert "too old" in journey.text("#unstarted")
    assert journey.text(".headline:visible").startswith("8.0 % of the land is sealed (2023).")
    journey.page.goto(site_copy.as_uri() + "/areas.html")
    assert journey.page.locator("#rank-static tbody tr").count() == 4
    journey.close()


def test_reads_without_javascript(browser, addresses: dict[str, str]) -> None:
    journey = Journey(browser, addresses, java_script_enabled=False)
    journey.page.goto(addresses["file"] + "index.html")
    assert "The map needs JavaScript" in journey.page.locator("noscript").inner_text()
    assert journey.text(".headline:visible").startswith("8.0 % of the land is sealed (2023).")
    assert journey.page.locator("table.areas tbody tr").count() == 4
    assert journey.page.locator("#controls").is_hidden()
    assert journey.problems == []
    journey.close()


@contextmanager
def _running(handler: type, folder: Path) -> Iterator[str]:
    served = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(handler, directory=str(folder))
    )
    threading.Thread(target=served.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{served.server_address[1]}/"
    finally:
        served.shutdown()
        served.server_close()
