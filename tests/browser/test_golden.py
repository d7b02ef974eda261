"""Every kind of page looks as it did when somebody last looked at it.

After a wanted change: pytest tests/browser/test_golden.py --keep-golden FOLDER writes the full
screenshots into FOLDER to be looked at, and makes them the golden ones.
"""

import io
from collections.abc import Iterator
from pathlib import Path

import golden
import numpy as np
import pytest
from journey import Journey
from PIL import Image

pytestmark = pytest.mark.browser
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
# Name: viewport, colour scheme, page.
VIEWS = {
    "map-share": (WIDE, "light", "index.html"),
    "map-change-dark": (WIDE, "dark", "index.html#view=change"),
    "map-french-narrow": (NARROW, "light", "fr/index.html#view=change"),
    "map-compared": ({"width": 1024, "height": 768}, "light", "index.html#compare=2018"),
    "rank": (WIDE, "light", "areas.html"),
    "rank-narrow-dark": (NARROW, "dark", "areas.html"),
    "data": (WIDE, "light", "data.html"),
    "about": ({"width": 768, "height": 1024}, "light", "about.html"),
}


@pytest.fixture
def visitor(browser, addresses: dict[str, str]) -> Iterator[Journey]:
    opened = Journey(browser, addresses, reduced_motion="reduce")
    yield opened
    opened.close()
    assert opened.problems == []


@pytest.mark.parametrize("name", VIEWS)
def test_looks_as_it_did(visitor: Journey, name: str, request: pytest.FixtureRequest) -> None:
    viewport, scheme, page = VIEWS[name]
    visitor.page.set_viewport_size(viewport)
    visitor.page.emulate_media(color_scheme=scheme)
    visitor.page.goto(visitor.addresses["file"] + page)
    visitor.until(lambda: visitor.mark() in (None, "ready"), f"{page} to be ready")
    if "compare" in page:
        compared = "document.querySelector('#map').dataset.compared"
        visitor.until(lambda: visitor.page.evaluate(compared) == "ready", "the second map")
    kept = request.config.getoption("--keep-golden")
    picture = visitor.page.screenshot()
    if kept is not None:
        (Path(kept) / f"{name}.png").write_bytes(picture)
        golden.keep(picture, name)
    found = golden.difference(picture, name)
    assert found <= golden.TOLERATED, f"{found:.0f} of 1000 squares of {name} look different"


def test_sees_a_changed_colour_and_another_size(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(golden, "FOLDER", tmp_path)
    plain = _png(np.full((80, 80, 3), 200, np.uint8))
    golden.keep(plain, "plain")
    assert golden.difference(plain, "plain") == 0
    spotted = np.full((80, 80, 3), 200, np.uint8)
    spotted[:16, :16] = (20, 200, 200)
    # 4 of 100 squares.
    assert golden.difference(_png(spotted), "plain") == 40
    assert golden.difference(_png(np.full((88, 80, 3), 200, np.uint8)), "plain") == 1000


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()
