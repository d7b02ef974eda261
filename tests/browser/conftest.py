"""Chromium and three ways to open a site: as a file, from a Range server, from http.server."""

import http.server
import os
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from journey import Journey, QuietHandler
from made_site import MadeSite

from hexseal.pages.serve import make_server

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

# Pictures and widths of words were looked at in one font, whatever else is installed.
FONTS, DEJAVU = Path(__file__).with_name("fonts.conf"), Path("/usr/share/fonts/truetype/dejavu")
ARGUMENTS = [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser():
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("Chromium is not installed")
    with playwright.sync_playwright() as driver:
        fonts = {"FONTCONFIG_FILE": str(FONTS)} if DEJAVU.is_dir() else {}
        opened = driver.chromium.launch(
            executable_path=chromium, args=ARGUMENTS, env={**os.environ, **fonts}
        )
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def addresses(made: MadeSite) -> Iterator[dict[str, str]]:
    """Return the address of the site's folder for each way to open it."""
    ranged = make_server(made.folder, 0)
    handler = partial(QuietHandler, directory=str(made.folder))
    whole = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    for server in (ranged, whole):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield {
        "file": made.folder.as_uri() + "/",
        "range": _address(ranged),
        "whole": _address(whole),
    }
    for server in (ranged, whole):
        server.shutdown()
        server.server_close()


def _address(server: http.server.ThreadingHTTPServer) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}/"


@pytest.fixture
def journey(browser, addresses: dict[str, str]) -> Iterator[Journey]:
    """Return a page that notes every error; a test that leaves one behind fails."""
    opened = Journey(browser, addresses)
    yield opened
    opened.close()
    assert opened.problems == []


@pytest.fixture
def site_copy(made: MadeSite, tmp_path: Path) -> Path:
    """Return a copy of the site that a test may damage."""
    return Path(shutil.copytree(made.folder, tmp_path / "site"))
