"""The labelling page from file://, by keyboard alone: two interpreters, a reload, 400 blocks."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from rasterfiles import north_up, write_tif

from hexseal.region.load import Region, load_region
from hexseal.sample.assess import assess_sample
from hexseal.sample.blocks import STRATA
from hexseal.sample.page import PageSources, write_page
from hexseal.sample.stage import draw_sample, write_sample

pytestmark = pytest.mark.browser

TEXT = """
[region]
id = "labels"
title = { en = "Label Island", fr = "Île lue" }
[[epoch]]
year = 2018
landcover = "a.tif"
[[epoch]]
year = 2021
landcover = "b.tif"
"""
FIELDS = 'document.querySelector("#count").textContent'


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Region:
    folder = tmp_path_factory.mktemp("label")
    rng = np.random.default_rng(5)
    before = np.full((600, 600), 6, np.uint8)
    for row, column in rng.integers(0, 560, (40, 2)):
        before[row : row + 25, column : column + 25] = 1
    after = before.copy()
    for row, column in rng.integers(0, 590, (300, 2)):
        after[row : row + 4, column : column + rng.integers(2, 7)] = 1
    noisy = [
        np.where(rng.random(b.shape) < 0.003, 7 - b, b).astype(np.uint8) for b in (before, after)
    ]
    for name, band in zip("ab", noisy, strict=True):
        band[:13, :40] = 254
        write_tif(folder / f"{name}.tif", band)
    # An orthophoto of the later year, twice as fine, over the western half.
    photo = np.repeat(np.repeat(np.stack([after * 40] * 3), 2, axis=1), 2, axis=2)[:, :, :600]
    write_tif(folder / "photo.tif", photo.astype(np.uint8), transform=north_up(size=5.0))
    (folder / "labels.toml").write_text(TEXT)
    return load_region(folder / "labels.toml")


@pytest.fixture(scope="module")
def page_file(region: Region) -> Path:
    sample = draw_sample(region)
    path = region.path.with_name("sample.csv")
    write_sample(sample, path)
    photo = str(region.path.with_name("photo.tif"))
    page = path.with_suffix(".html")
    made = write_page(sample, region, page, sources=PageSources({2021: photo}))
    assert 0 < made.pictures[2021] < len(sample.blocks)
    return page


@pytest.fixture
def page(browser, page_file: Path) -> Iterator:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en")
    opened = context.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on(
        "console", lambda result: problems.append(result.text) if result.type == "error" else None
    )
    requests: list[str] = []
    opened.on("request", lambda request: requests.append(request.url))
    opened.goto(page_file.as_uri())
    yield opened
    assert not problems
    assert not [url for url in requests if url.startswith("http")]
    context.close()


def press(page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def saved(page) -> list[dict[str, str]]:
    with page.expect_download() as found:
        page.keyboard.press("s")
    text = Path(found.value.path()).read_text()
    return list(csv.DictReader(io.StringIO(text)))


def label_rest(page) -> None:
    """Press Enter until all blocks are done, most of them inside the page, which is quicker."""
    press(page, *["Enter"] * 10)
    page.evaluate("""() => {
        const units = JSON.parse(document.querySelector("#data").textContent).units;
        for (const _ of units) {
            const enter = new KeyboardEvent("keydown", { key: "Enter", bubbles: true });
            document.activeElement.dispatchEvent(enter);
        }
    }""")


def test_keys_paint_copy_type_and_undo(page) -> None:
    press(page, " ", "Shift+ArrowRight", "Shift+ArrowDown")
    press(page, "c", "ArrowDown", " ")
    press(page, "Enter", "n", "2", "#")
    page.keyboard.type("45")
    press(page, "Enter", "Enter")
    press(page, "a", "z", " ", "Enter")
    rows = saved(page)
    first, second, third = rows[:3]
    total = float(first["sealed_share_2018"]) and 3 / float(first["sealed_share_2018"])
    assert float(first["sealed_share_2021"]) == pytest.approx(4 / total, abs=1e-5)
    assert float(first["gain_share"]) == pytest.approx(1 / total, abs=1e-5)
    assert first["loss_share"] == "0"
    assert (second["sealed_share_2018"], second["cells_2018"]) == ("", "?")
    assert (second["sealed_share_2021"], second["cells_2021"]) == ("0.45", "=0.45")
    assert float(third["sealed_share_2018"]) == pytest.approx(0.01, abs=0.02)
    assert third["sealed_share_2021"] == "0"
    assert rows[3]["sealed_share_2018"] == ""
    assert {row["interpreter"] for row in rows} == {"A"}


def test_page_hides_what_the_maps_say(page) -> None:
    seen = page.evaluate("document.body.innerText")
    assert not [name for name in STRATA if name in seen or name.replace("_", " ") in seen]
    assert "No image of 2018 is in this page" in seen
    assert "n of" not in seen
    assert page.evaluate(FIELDS).startswith("0 of")


def test_two_interpreters_reload_and_settle(page, region: Region, tmp_path: Path) -> None:
    press(page, " ", "Enter", "Enter")
    page.reload()
    assert page.evaluate(FIELDS).startswith("2 of")
    assert "Block 3" in page.inner_text("#unit")
    label_rest(page)
    assert "blocks are done" in page.inner_text("#banner")
    page.locator("#who").focus()
    page.locator("#who").select_option("B")
    assert page.evaluate(FIELDS).startswith("0 of")
    press(page, "a", "Enter")
    page.reload()
    assert page.evaluate(FIELDS).startswith("1 of")
    label_rest(page)
    assert "differ on 1" in page.inner_text("#banner")
    page.locator("#who").select_option("settled")
    assert page.evaluate(FIELDS) == "0 of 1"
    assert "A saw" in page.inner_text(".pane")
    press(page, " ", "Enter")
    assert "All differences are settled" in page.inner_text("#banner")
    rows = saved(page)
    units = json.loads(
        page.inner_text("#data") or page.evaluate('document.querySelector("#data").textContent')
    )["units"]
    assert [row["interpreter"] for row in rows].count("A") == len(units)
    assert [row["interpreter"] for row in rows].count("settled") == 1
    assert len(units) >= 400
    path = tmp_path / "labels.csv"
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    report = assess_sample(region, [path])
    assert report.labels.is_settled
    assert report.labels.interpreters == ("A", "B", "settled")


def test_a_saved_file_is_resumed_elsewhere(page, browser, page_file: Path, tmp_path: Path) -> None:
    press(page, " ", "Enter", "n", "2", "n", "Enter")
    with page.expect_download() as found:
        page.keyboard.press("s")
    copy = tmp_path / "sample-labels.csv"
    found.value.save_as(copy)
    before = saved(page)
    context = browser.new_context()
    other = context.new_page()
    other.goto(page_file.as_uri())
    other.set_input_files("#file", str(copy))
    other.wait_for_function(f"{FIELDS}.startsWith('2 of')")
    assert saved(other) == before
    foreign = tmp_path / "foreign.csv"
    foreign.write_text(copy.read_text().replace("/seed 1/", "/seed 2/"))
    other.set_input_files("#file", str(foreign))
    other.wait_for_selector("text=belongs to another sample")
    context.close()


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1280, 720), (900, 1000), (390, 844)])
def test_nothing_sticks_out(browser, page_file: Path, width: int, height: int) -> None:
    for language in ("en", "fr"):
        context = browser.new_context(
            viewport={"width": width, "height": height}, locale=language, color_scheme="dark"
        )
        page = context.new_page()
        page.goto(page_file.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("document.documentElement.lang") == language
        for name in ("#forth", "#save", "#who", ".pane .image"):
            box = page.locator(name).first.bounding_box()
            assert box["width"] >= 34
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
        context.close()
