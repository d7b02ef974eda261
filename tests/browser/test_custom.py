"""Areas that a reader draws, opens or picks: answered from hexagons, compared, saved, linked."""

import csv
import io
import json
import shutil
import zipfile
from pathlib import Path

import h3
import numpy as np
import pyarrow.parquet as pq
import pyogrio.raw
import pytest
import shapely
from journey import Journey
from made_site import CENTER, FINEST, PIXEL_M2, MadeSite
from playwright.sync_api import FilePayload
from scipy.stats import norm
from scipy.stats import t as student

from hexseal.areas import answer_columns

pytestmark = pytest.mark.browser
LAT, LON = CENTER
SQUARE = [[LON - 0.1, LAT - 0.06], [LON + 0.1, LAT - 0.06], [LON + 0.1, LAT + 0.06],
          [LON - 0.1, LAT + 0.06], [LON - 0.1, LAT - 0.06]]  # fmt: skip
HOLE = [[LON - 0.03, LAT - 0.02], [LON + 0.04, LAT - 0.01], [LON, LAT + 0.03],
        [LON - 0.03, LAT - 0.02]]  # fmt: skip
APART = [[LON + 0.12, LAT], [LON + 0.17, LAT + 0.01], [LON + 0.14, LAT + 0.05],
         [LON + 0.12, LAT]]  # fmt: skip
SHAPES = {
    "square": {"type": "Polygon", "coordinates": [SQUARE]},
    "with a hole": {"type": "Polygon", "coordinates": [SQUARE, HOLE]},
    "two parts, one with a hole": {
        "type": "MultiPolygon", "coordinates": [[SQUARE, HOLE], [APART]]
    },
}  # fmt: skip
SUMMED = ("valid_m2", "land_m2", "sealed_m2_2018", "sealed_m2_2023", "new_sealed_m2_2018_2023",
          "unsealed_m2_2018_2023", "confirmed_m2_2018_2023", "adjusted_m2_2018_2023")  # fmt: skip


def feature(name: str, geometry: dict) -> dict:
    return {"type": "Feature", "properties": {"name": name}, "geometry": geometry}


def collection(features: list[dict], **more: object) -> str:
    return json.dumps({"type": "FeatureCollection", "features": features} | more)


def expected(made: MadeSite, geometry: dict) -> dict[str, float]:
    """Return the sums of all hexagons by the share of their area inside: slow but obvious."""
    table = pq.read_table(
        made.work / "hexagons.parquet", filters=[("resolution", "=", FINEST)]
    ).to_pylist()
    shape = shapely.from_geojson(json.dumps(geometry))
    sums = dict.fromkeys(SUMMED, 0.0)
    for row in table:
        hexagon = shapely.Polygon([(x, y) for y, x in h3.cell_to_boundary(row["h3_hex"])])
        share = hexagon.intersection(shape).area / hexagon.area
        for column in SUMMED:
            sums[column] += share * row[column]
    return sums


def interval(journey: Journey, sums: dict[str, float]) -> list[float]:
    """Return the noise interval by the formula of METHODOLOGY.md, with SciPy's distributions."""
    settings = json.loads(journey.page.locator("#hexseal-config").text_content() or "")
    noise = settings["noise"]["2018_2023"]
    new, lost, confirmed, before, after = (
        sums[f"{column}"] / PIXEL_M2
        for column in ("new_sealed_m2_2018_2023", "unsealed_m2_2018_2023",
                       "confirmed_m2_2018_2023", "sealed_m2_2018", "sealed_m2_2023")
    )  # fmt: skip
    pixels = sums["valid_m2"] / PIXEL_M2
    level = min(noise["levels"], key=lambda each: abs(np.log(pixels / each["pixels"])))
    fields = new * noise["gain_kept"] * noise["field_gain"]
    noisy = new * noise["gain_kept"] - confirmed - fields + lost * noise["loss_kept"]
    edges = noise["edges_before"] * before + noise["edges_after"] * after
    mean = level["rate"] * edges
    drawn = (level["shape"] + noisy) / (level["shape"] / mean + 1)
    variance = level["design"] * drawn + noise["confirmed_design"] * confirmed
    known = (noise["slope_sd"] / noise["slope"] * confirmed) ** 2
    spread = student.ppf(0.975, 2 * (level["shape"] + noisy)) ** 2 * variance
    half = np.sqrt(spread + norm.ppf(0.975) ** 2 * known) + 0.5
    net = sums["adjusted_m2_2018_2023"]
    half += abs(noise["excess"] * edges / noise["edges"]) / 2
    ends = (-half, half + fields)
    return [net + end / noise["slope"] * PIXEL_M2 for end in ends]


def open_own(journey: Journey, way: str = "file", path: str = "index.html") -> None:
    journey.open(way, path)
    journey.page.locator("#own summary").click()


def paste(journey: Journey, text: str) -> None:
    journey.page.get_by_role("button", name="Paste…").click()
    journey.page.locator("#own-paste").fill(text)
    journey.page.get_by_role("button", name="Read", exact=True).click()


def wait_answer(journey: Journey, name: str) -> None:
    title = journey.page.locator(".own-title")
    headline = journey.page.locator(".own-answer .headline:visible").first
    journey.until(lambda: title.count() > 0 and title.inner_text() == name, f"answer of {name}")
    journey.until(headline.is_visible, "its figures")


def saved(journey: Journey, label: str) -> str:
    with journey.page.expect_download() as waiting:
        journey.page.get_by_role("button", name=label).click()
    return Path(waiting.value.path()).read_text(encoding="utf-8")


def saved_rows(journey: Journey) -> dict[str, dict[str, str]]:
    rows = csv.DictReader(io.StringIO(saved(journey, "Save CSV")))
    return {row["name"]: row for row in rows}


def message(journey: Journey) -> str:
    return journey.text(".own-message >> nth=0")


@pytest.fixture(scope="module")
def plain(browser, made: MadeSite, tmp_path_factory: pytest.TempPathFactory):
    """Return a page of a site without tiles of pixels: borders are weighted by area."""
    folder = Path(shutil.copytree(made.folder, tmp_path_factory.mktemp("plain") / "site"))
    page = folder / "index.html"
    text = page.read_text(encoding="utf-8")
    assert text.count('"name":"pixels"') == 1
    page.write_text(text.replace('"name":"pixels"', '"name":"none"'), encoding="utf-8")
    opened = Journey(browser, {"file": folder.as_uri() + "/"})
    yield opened
    assert opened.problems == []
    opened.close()


def test_sums_hexagons_by_the_area_inside(plain: Journey, made: MadeSite) -> None:
    open_own(plain)
    for name, geometry in SHAPES.items():
        paste(plain, collection([feature(name, geometry)]))
        wait_answer(plain, name)
    assert "on the border are weighted by area" in plain.text(".own-answer > .detail")
    rows = saved_rows(plain)
    for name, geometry in SHAPES.items():
        wanted = expected(made, geometry)
        found = {column: float(rows[name][column]) for column in SUMMED}
        assert found == pytest.approx(wanted, rel=1e-6), name
        assert rows[name]["method"] == "hexagons"
        ends = [float(rows[name][f"adjusted_{end}_m2_2018_2023"]) for end in ("low", "high")]
        assert ends == pytest.approx(interval(plain, wanted), rel=1e-6)


@pytest.mark.parametrize("way", ["file", "whole"])
def test_reads_only_the_hexagons_of_the_parents_it_meets(journey: Journey, way: str) -> None:
    open_own(journey, way)
    for name, geometry in SHAPES.items():
        paste(journey, collection([feature(name, geometry)]))
        wait_answer(journey, name)
    files = [address for address in journey.requests if "parent=" in address]
    scripts = [address for address in journey.requests if "/partitions/" in address]
    asked, other = (files, scripts) if way == "whole" else (scripts, files)
    # Some of the nineteen parents, each once; a page that is a file asks for scripts instead.
    assert 0 < len(asked) < 19
    assert len(asked) == len(set(asked))
    assert other == []


def test_geojson_that_is_saved_can_be_opened_again(journey: Journey) -> None:
    open_own(journey)
    paste(journey, collection([feature("two", SHAPES["two parts, one with a hole"])]))
    wait_answer(journey, "two")
    text = saved(journey, "Save GeoJSON")
    shape = shapely.from_geojson(json.dumps(json.loads(text)["features"][0]["geometry"]))
    asked = shapely.from_geojson(json.dumps(SHAPES["two parts, one with a hole"]))
    assert shape.symmetric_difference(asked).area < 1e-5 * asked.area
    before = journey.text(".own-answer")
    journey.page.get_by_role("button", name="Remove two").click()
    paste(journey, text)
    wait_answer(journey, "two")
    assert journey.text(".own-answer") == before


def test_draws_a_polygon_with_the_pointer_and_links_to_it(journey: Journey) -> None:
    open_own(journey)
    journey.page.get_by_role("button", name="Draw polygon").click()
    for across, down in ((0.4, 0.35), (0.7, 0.35), (0.7, 0.6), (0.9, 0.9), (0.45, 0.65)):
        journey.page.mouse.click(*journey.map_point(across, down))
        if (across, down) == (0.9, 0.9):
            journey.page.keyboard.press("Control+z")
    journey.page.mouse.dblclick(*journey.map_point(0.42, 0.5))
    wait_answer(journey, "Area 1")
    assert journey.page.locator("#selection").is_hidden()
    before = journey.text(".own-answer"), journey.hash()["own"]
    assert before[1].startswith("p")
    fragment = journey.page.evaluate("location.hash")
    journey.page.goto("about:blank")
    journey.open("file", "index.html" + fragment)
    wait_answer(journey, "Area 1")
    assert (journey.text(".own-answer"), journey.hash()["own"]) == before


def test_draws_by_keyboard_cancels_renames_removes_and_goes_back(journey: Journey) -> None:
    open_own(journey)
    keys = journey.page.keyboard
    journey.page.get_by_role("button", name="Draw circle").focus()
    keys.press("Enter")
    assert "Arrow keys move the cursor" in journey.page.locator(".draw-sheet").get_attribute(
        "aria-label"
    )
    keys.press("Escape")
    assert journey.page.locator(".draw-sheet").count() == 0
    assert message(journey) == "Drawing cancelled."
    journey.page.get_by_role("button", name="Draw circle").focus()
    for key in ("Enter", "Enter", "Backspace", "Enter", *["ArrowRight"] * 4, "Enter"):
        keys.press(key)
    wait_answer(journey, "Area 1")
    journey.page.get_by_role("button", name="Draw polygon").focus()
    for key in ("Enter", "Enter", "ArrowRight", "ArrowRight", "Enter", "ArrowDown", "ArrowDown",
                "Enter", "Enter"):  # fmt: skip
        keys.press(key)
    wait_answer(journey, "Area 2")
    assert len(journey.texts(".own-list li")) == 2
    journey.page.get_by_role("button", name="Rename Area 2").click()
    journey.page.locator(".own-list input").fill("<i>Mine</i> & co")
    keys.press("Enter")
    assert journey.text(".own-title") == "<i>Mine</i> & co"
    journey.page.get_by_role("button", name="Remove Area 1").click()
    assert len(journey.texts(".own-list li")) == 1
    journey.page.go_back()
    journey.until(lambda: len(journey.texts(".own-list li")) == 2, "the removed area again")
    journey.page.go_forward()
    journey.until(lambda: len(journey.texts(".own-list li")) == 1, "its removal again")


def test_compares_up_to_four_and_warns_of_doubtful_years(journey: Journey) -> None:
    open_own(journey)
    picker = journey.page.get_by_label("Add an area of the site for comparison")
    for name in ("Évora-sur-Mer", "Zuidhaven", "anse noire"):
        picker.select_option(label=name)
    paste(journey, collection([feature("=square", SHAPES["square"])]))
    wait_answer(journey, "=square")
    heads = journey.texts(".own-compare thead th")
    assert heads == ["Figure", "Évora-sur-Mer", "Zuidhaven", "anse noire", "=square"]
    assert picker.is_disabled()
    assert journey.page.locator(".own-warning").count() == 0
    journey.page.get_by_role("radio", name="Change").check()
    journey.page.get_by_role("radio", name="2018–2021").check()
    journey.until(lambda: "2018–2021" in journey.text(".own-compare"), "the other pair")
    assert "Do not read 2018–2021" in journey.text(".own-warning")
    rows = saved_rows(journey)
    assert [row["method"] for row in rows.values()] == ["pixels"] * 3 + ["hexagons"]
    assert "'=square" in rows


def test_reads_kml_and_zipped_shapefiles_of_other_systems(journey: Journey, tmp_path: Path) -> None:
    open_own(journey)
    paste(journey, collection([feature("From GeoJSON", SHAPES["with a hole"])]))
    wait_answer(journey, "From GeoJSON")
    line = " ".join(f"{x},{y},0" for x, y in SQUARE)
    hole = " ".join(f"{x},{y}" for x, y in HOLE)
    kml = (
        '<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Placemark><name>From '
        f"KML</name><Polygon><outerBoundaryIs><LinearRing><coordinates>{line}</coordinates>"
        f"</LinearRing></outerBoundaryIs><innerBoundaryIs><LinearRing><coordinates>{hole}"
        "</coordinates></LinearRing></innerBoundaryIs></Polygon></Placemark></kml>"
    )
    chooser = journey.page.locator("#own input[type=file]")
    chooser.set_input_files(_payload("place.kml", kml.encode()))
    wait_answer(journey, "From KML")
    chooser.set_input_files(_payload("place.zip", _shapefile(tmp_path)))
    wait_answer(journey, "From a shapefile")
    rows = saved_rows(journey)
    wanted = float(rows["From GeoJSON"]["land_m2"])
    assert float(rows["From KML"]["land_m2"]) == pytest.approx(wanted, rel=1e-5)
    # UTM and back, sides straight in the plane instead of in degrees.
    assert float(rows["From a shapefile"]["land_m2"]) == pytest.approx(wanted, rel=2e-4)


def _payload(name: str, content: bytes) -> FilePayload:
    return FilePayload(name=name, mimeType="application/octet-stream", buffer=content)


def _shapefile(folder: Path) -> bytes:
    """Return a zipped shapefile of the square with a hole, in UTM zone 25 north."""
    pyproj = pytest.importorskip("pyproj")
    move = pyproj.Transformer.from_crs(4326, 32625, always_xy=True)
    shape = shapely.from_geojson(json.dumps(SHAPES["with a hole"]))
    moved = shapely.transform(shape, lambda x, y: move.transform(x, y), interleaved=False)
    pyogrio.raw.write(
        folder / "place.shp", geometry=np.array([shapely.to_wkb(moved)], object),
        field_data=[np.array(["From a shapefile"], object)], fields=["name"],
        driver="ESRI Shapefile", geometry_type="Polygon", crs="EPSG:32625",
    )  # fmt: skip
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.glob("place.*")):
            archive.write(path, path.name)
    return packed.getvalue()


# Cuts into the square, so that nobody can know what is meant.
BESIDE = [[lon + 0.002, lat + 0.002] for lon, lat in SQUARE]
BOW = [[LON, LAT], [LON + 0.1, LAT + 0.1], [LON + 0.1, LAT], [LON, LAT + 0.1], [LON, LAT]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense", "neither GeoJSON nor KML"),
        ("{]", "no whole GeoJSON"),
        ("<kml><Placemark>", "no whole KML"),
        (collection([]), "holds no area"),
        (collection([feature("x", {"type": "Point", "coordinates": [1, 2]})]), "no polygon"),
        (collection([feature("x", {"type": "Polygon", "coordinates": [BOW]})]), "crosses itself"),
        (collection([feature("x", {"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]})]),
         "has no area"),
        (collection([feature("x", {"type": "Polygon", "coordinates": [[["a", 0]]]})]),
         "no numbers"),
        (collection([feature("x", {"type": "Polygon", "coordinates": [
            [[4e6, 3e6], [4.1e6, 3e6], [4e6, 3.1e6], [4e6, 3e6]]]})]), "-t_srs EPSG:4326"),
        (collection([feature("x", SHAPES["square"])],
                    crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3035"}}),
         "coordinate system urn:ogc:def:crs:EPSG::3035"),
        (collection([feature(str(n), SHAPES["square"]) for n in range(2001)]), "2,001 areas"),
        (collection([feature("x", {"type": "Polygon", "coordinates": [
            [[x / 1e4, (x % 2) / 1e5] for x in range(20_001)] + [[1, 1], [0, 0]]]})]),
         "at most 20,000"),
        (collection([feature("x", {"type": "Polygon", "coordinates": [
            [[0, 0], [1, 0], [1, 1], [0, 0]]]})]), "outside the region"),
        (collection([feature("x", {"type": "MultiPolygon",
                                   "coordinates": [[SQUARE], [BESIDE]]})]), "overlap"),
    ],
)  # fmt: skip
def test_says_what_is_wrong(wrong: Journey, text: str, words: str) -> None:
    paste(wrong, text)
    result = wrong.page.locator(".own-message.error")
    wrong.until(lambda: words in " ".join(result.all_inner_texts()), words)


@pytest.fixture(scope="module")
def wrong(browser, addresses: dict[str, str]):
    """Return one page for all wrong inputs; it resumes working after each."""
    opened = Journey(browser, addresses)
    open_own(opened)
    yield opened
    while opened.page.locator(".own-list li").count():
        opened.page.get_by_role("button", name="Remove", exact=False).first.click()
    paste(opened, collection([feature("right", SHAPES["square"])]))
    wait_answer(opened, "right")
    assert opened.problems == []
    opened.close()


def test_refuses_a_huge_file_before_reading_it(journey: Journey, tmp_path: Path) -> None:
    huge = tmp_path / "huge.geojson"
    with huge.open("wb") as stream:
        stream.truncate(200_000_001)
    open_own(journey)
    journey.page.locator("#own input[type=file]").set_input_files(huge)
    journey.until(lambda: "200.0" in message(journey), "the refusal")
    assert "at most 20.0" in message(journey)
    dropped = """(words) => {
        const data = new DataTransfer();
        data.items.add(new File([words], "note.txt"));
        const frame = document.querySelector(".map-frame");
        frame.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
    }"""
    journey.page.evaluate(dropped, "some words")
    journey.until(lambda: "neither GeoJSON" in message(journey), "the other refusal")


def test_chooses_from_a_file_of_many(journey: Journey) -> None:
    open_own(journey)
    parts = [feature(f"<b>{n}</b>", {"type": "Polygon", "coordinates": [
        [[x + n * 0.02, y] for x, y in APART]]}) for n in range(-8, 0)]  # fmt: skip
    paste(journey, collection(parts))
    journey.page.locator("#own-feature").select_option(label="<b>-3</b>")
    journey.page.get_by_role("button", name="Add", exact=True).click()
    wait_answer(journey, "<b>-3</b>")


def test_long_outlines_stay_out_of_the_address(journey: Journey) -> None:
    ring = shapely.Point(LON, LAT).buffer(0.08, quad_segs=1200)
    open_own(journey)
    paste(journey, collection([feature("round", json.loads(shapely.to_geojson(ring)))]))
    wait_answer(journey, "round")
    assert "own" not in journey.hash()
    steps = journey.page.evaluate("history.length")
    journey.page.locator(".home-button").click()
    journey.page.get_by_role("radio", name="Change").check()
    journey.until(lambda: journey.hash()["view"] == "change", "another view")
    # The chosen view is a step, the outline and the moved map are none.
    assert journey.page.evaluate("history.length") == steps + 1
    assert len(journey.texts(".own-list li")) == 1
    journey.page.get_by_role("button", name="Rename round").click()


def test_touch_sets_corners(browser, addresses: dict[str, str]) -> None:
    journey = Journey(browser, addresses, has_touch=True, viewport={"width": 390, "height": 844})
    open_own(journey)
    journey.page.get_by_role("button", name="Draw polygon").tap()
    journey.page.locator("#map").scroll_into_view_if_needed()
    # The region lies above the sheet.
    for across, down in ((0.42, 0.26), (0.6, 0.26), (0.55, 0.36)):
        journey.page.touchscreen.tap(*journey.map_point(across, down))
    journey.page.get_by_role("button", name="Finish").tap()
    wait_answer(journey, "Area 1")
    assert journey.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert journey.problems == []
    journey.close()


def _grid(count: int, step: float = 0.004) -> list[dict]:
    """Return squares of 0.003 degrees in rows of 25, north-east of the middle of the island."""
    squares = []
    for place in range(count):
        west, south = LON + step * (place % 25), LAT + step * (place // 25)
        ring = [[west, south], [west + 0.003, south], [west + 0.003, south + 0.003],
                [west, south + 0.003], [west, south]]  # fmt: skip
        squares.append({
            "type": "Feature", "properties": {"code": f"X{place:03}", "name": f"Square {place}"},
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        })  # fmt: skip
    return squares


def _wait_table(journey: Journey) -> None:
    status = journey.page.locator(".own-many [role=status]")
    journey.until(lambda: "measured" in (status.text_content() or ""), "the table")


def test_a_file_of_500_areas_gives_a_table_of_all(journey: Journey, made: MadeSite) -> None:
    outside = feature("Far away", {"type": "Polygon", "coordinates": [
        [[LON + 5, LAT], [LON + 5.1, LAT], [LON + 5.1, LAT + 0.1], [LON + 5, LAT]]]})  # fmt: skip
    bow = feature("=bow", {"type": "Polygon", "coordinates": [
        [[LON, LAT], [LON + 0.01, LAT + 0.01], [LON + 0.01, LAT], [LON, LAT + 0.01],
         [LON, LAT]]]})  # fmt: skip
    squares = [*_grid(498), outside, bow]
    open_own(journey)
    chooser = journey.page.locator("#own input[type=file]")
    chooser.set_input_files(_payload("many.geojson", collection(squares).encode()))
    journey.until(lambda: journey.page.locator(".own-many tbody tr").count() == 500, "all rows")
    _wait_table(journey)
    status = journey.text(".own-many [role=status]")
    assert "1 outside the region" in status
    assert "1 not measured" in status
    rows = list(csv.DictReader(io.StringIO(saved(journey, "Save table (CSV)").lstrip("\ufeff"))))
    assert [row["id"] for row in rows[:498]] == [f"X{place:03}" for place in range(498)]
    assert rows[498]["answer"] == "outside"
    assert rows[498]["valid_m2"] == ""
    assert rows[499]["answer"].startswith("not measured: The outline crosses itself")
    assert rows[499]["name"] == "'=bow"
    assert tuple(rows[0]) == answer_columns(made.region)
    for place in (0, 130, 497):
        wanted = expected(made, squares[place]["geometry"])
        assert float(rows[place]["valid_m2"]) == pytest.approx(wanted["valid_m2"], rel=0.02)
        # Hexagons of the made site hold 7 300 pixels, whatever their size.
        covered = wanted["valid_m2"] / float(rows[place]["polygon_m2"])
        assert float(rows[place]["covered_share"]) == pytest.approx(min(1.0, covered), rel=0.02)
        assert rows[place]["answer"] == ("ok" if covered > 0.99 else "partly")
        pixels = wanted["valid_m2"] / PIXEL_M2
        assert float(rows[place]["valid_pixels"]) == pytest.approx(pixels, rel=0.02)
        sealed = float(rows[place]["sealed_m2_2023"])
        assert float(rows[place]["sealed_pixels_2023"]) == pytest.approx(sealed / 100, abs=1)
        assert 100 < float(rows[place]["edge_sd_m2"]) < 2_000
    # Sorted by share, the largest first; a row shows its area and answer.
    journey.page.get_by_role("button", name="Sealed 2023").click()
    keys = journey.page.locator(".own-many tbody tr td:nth-child(3)").evaluate_all(
        "(cells) => cells.map((cell) => cell.dataset.value).filter((key) => key !== '')"
    )
    assert [float(key) for key in keys] == sorted(map(float, keys), reverse=True)
    journey.page.get_by_role("button", name="Square 0", exact=True).click()
    journey.until(lambda: journey.text(".own-many .own-title") == "Square 0", "its answer")
    assert journey.page.locator(".own-many tr.chosen").count() == 1
    assert "own" not in journey.hash()


def test_measuring_many_areas_can_be_stopped(journey: Journey) -> None:
    open_own(journey)
    chooser = journey.page.locator("#own input[type=file]")
    chooser.set_input_files(_payload("many.geojson", collection(_grid(2000, 0.0008)).encode()))
    stop = journey.page.get_by_role("button", name="Stop", exact=True)
    stop.click()
    _wait_table(journey)
    assert "Stopped;" in journey.text(".own-many [role=status]")
    assert stop.is_hidden()


@pytest.mark.parametrize("way", ["file", "whole"])
def test_reads_a_geopackage_with_its_ids(journey: Journey, tmp_path: Path, way: str) -> None:
    pyproj = pytest.importorskip("pyproj")
    move = pyproj.Transformer.from_crs(4326, 32625, always_xy=True)
    shapes = [shapely.from_geojson(json.dumps(each["geometry"])) for each in _grid(6, 0.02)]
    moved = shapely.transform(shapes, lambda x, y: move.transform(x, y), interleaved=False)
    names = np.array([f"Étang {place}" for place in range(6)], object)
    pyogrio.raw.write(
        tmp_path / "own.gpkg", geometry=shapely.to_wkb(moved),
        field_data=[names, np.array([f"c{place}" for place in range(6)], object)],
        fields=["name", "code"], driver="GPKG", geometry_type="Polygon", crs="EPSG:32625",
        layer="own",
    )  # fmt: skip
    open_own(journey, way)
    journey.page.locator("#own input[type=file]").set_input_files(tmp_path / "own.gpkg")
    _wait_table(journey)
    rows = list(csv.DictReader(io.StringIO(saved(journey, "Save table (CSV)").lstrip("\ufeff"))))
    assert [row["id"] for row in rows] == [f"c{place}" for place in range(6)]
    assert [row["name"] for row in rows] == list(names)
    assert float(rows[0]["polygon_m2"]) == pytest.approx(
        abs(pyproj.Geod(ellps="WGS84").geometry_area_perimeter(shapes[0])[0]), rel=1e-3
    )
