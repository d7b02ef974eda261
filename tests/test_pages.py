"""The pages: texts, numbers, class breaks, settings, and what stands in the HTML itself."""

import dataclasses
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from browser.made_site import NAMES, MadeSite, make_site

from hexseal.config import Site
from hexseal.errors import ToolError
from hexseal.frontend import TEMPLATE, bundle
from hexseal.pages import write_pages
from hexseal.pages.classes import CHANGE_LADDERS, SHARE_BREAKS, change_breaks
from hexseal.pages.figures import read_areas
from hexseal.pages.locales import load_locale
from hexseal.pages.numbers import hectares, number
from hexseal.pages.settings import embed
from hexseal.pages.tables import Writer, change_rows, state_rows
from hexseal.summaries import TileSummary
from hexseal.verify import verify_site

LOCALES = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in (TEMPLATE / "locales").glob("*.json")
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> MadeSite:
    return make_site(tmp_path_factory.mktemp("made"), radius=1)


class Outline(HTMLParser):
    """Headings, identifiers and forbidden attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.forbidden: list[str] = []
        self.inline_scripts = 0
        self.tables: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if values.get("id"):
            self.ids.append(str(values["id"]))
        if tag in ("table", "caption"):
            self.tables.append(tag)
        if tag == "script" and not values.get("src") and values.get("type") != "application/json":
            self.inline_scripts += 1
        self.forbidden += [n for n in values if n == "style" or n.startswith("on")]


def page(made: MadeSite, name: str = "index.html") -> str:
    return (made.folder / name).read_text(encoding="utf-8")


def settings(made: MadeSite, name: str = "index.html") -> dict:
    found = re.search(r'id="hexseal-config">(.*?)</script>', page(made, name), re.DOTALL)
    assert found
    return json.loads(found[1])


def test_languages_have_the_same_keys_and_fill_in_the_same_names() -> None:
    english = LOCALES["en"]
    for language, texts in LOCALES.items():
        assert texts.keys() == english.keys(), language
        for key, text in texts.items():
            names = set(re.findall(r"\{(\w+)\}", text))
            assert names == set(re.findall(r"\{(\w+)\}", english[key])), f"{language} {key}"
            assert text.strip() == text != "", f"{language} {key}"


def test_every_text_is_used_somewhere() -> None:
    folders = (TEMPLATE / "src", TEMPLATE / "templates", TEMPLATE.parent / "build/hexseal/pages")
    files = [path for folder in folders for path in folder.glob("*.*")]
    sources = "\n".join(path.read_text(encoding="utf-8") for path in files)
    # Keys whose last part is filled in: page.areas.{column}, app.figure.{label}, app.legend.{view}.
    built = re.compile(
        r"(page\.(areas|note|step|verdict|downloads)|app\.(figure|signal))\.\w+"
        r"|page\.fact\.(accuracy|confidence)\.\w+|app\.legend\.(share|change)(\.\w+)?"
        r"|method\.(\w+\.title|filter\.\w+)"
    )
    unused = [key for key in LOCALES["en"] if key not in sources and not built.fullmatch(key)]
    assert unused == []


def test_french_is_not_english() -> None:
    same = [k for k, text in LOCALES["fr"].items() if text == LOCALES["en"][k] and len(text) > 30]
    assert same == []


def test_a_broken_locale_names_its_file(tmp_path: Path) -> None:
    (tmp_path / "en.json").write_text("{")
    with pytest.raises(ToolError, match=r"en\.json: cannot be read"):
        load_locale(tmp_path, "en")


@pytest.mark.parametrize(
    ("value", "digits", "language", "text"),
    [
        (0.0, 2, "en", "0.00"),
        (-0.004, 2, "en", "0.00"),
        (0.125, 2, "en", "0.13"),
        (-1234567.5, 0, "en", "−1,234,568"),
        (1234567.891, 1, "fr", "1\u202f234\u202f567,9"),
    ],
)
def test_numbers(value: float, digits: int, language: str, text: str) -> None:
    assert number(value, digits, language) == text


def test_hectares_get_fewer_digits_as_they_grow() -> None:
    assert [hectares(m2, "en") for m2 in (100, 99_999, 1e6, 1e8)] == [
        "0.01", "10.00", "100.0", "10,000",
    ]  # fmt: skip


def test_breaks_are_ordered_and_symmetric() -> None:
    assert list(SHARE_BREAKS) == sorted(SHARE_BREAKS)
    for extreme in (0.0, 0.02, 0.2, 2.0, 20.0, 200.0):
        breaks = change_breaks([extreme])
        assert list(breaks) == sorted(breaks)
        assert [-b for b in reversed(breaks)] == list(breaks)
        assert breaks[4:] in CHANGE_LADDERS
    assert change_breaks([]) == change_breaks([0.0])


def test_settings_cannot_end_their_element() -> None:
    text = embed({"name": "</script><!-- & \u2028"})
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"name": "</script><!-- & \u2028"}


def test_site_passes_verification(made: MadeSite) -> None:
    assert verify_site(made.folder).problems == ()


@pytest.mark.parametrize("name", ["index.html", "fr/index.html"])
def test_pages_are_in_order(made: MadeSite, name: str) -> None:
    outline = Outline(page(made, name))
    assert outline.headings.count(1) == 1
    steps = zip(outline.headings, outline.headings[1:], strict=False)
    assert all(after - before <= 1 for before, after in steps)
    assert len(outline.ids) == len(set(outline.ids))
    assert outline.forbidden == []
    assert outline.inline_scripts == 0
    assert outline.tables == ["table", "caption"] * (len(outline.tables) // 2)


def test_names_are_escaped_everywhere(made: MadeSite) -> None:
    text = page(made)
    assert NAMES[0] not in text
    assert "<b>" not in text
    assert "&lt;b&gt;Port &amp; &#34;Cove&#34;&lt;/b&gt;" in text
    assert NAMES[0] in [row["name"] for row in settings(made)["layers"][0]["rows"]]


def test_languages_link_to_each_other(made: MadeSite) -> None:
    assert 'href="fr/index.html"' in page(made)
    assert 'href="../index.html"' in page(made, "fr/index.html")
    assert settings(made)["root"] == ""
    assert settings(made, "fr/index.html")["root"] == "../"
    assert "Île inventée" in page(made, "fr/index.html")


def test_simulated_regions_say_so(made: MadeSite) -> None:
    assert "Simulated data" in page(made)
    assert "Données simulées" in page(made, "fr/index.html")


def test_summary_holds_the_totals_that_the_page_prints(made: MadeSite) -> None:
    summary = json.loads((made.folder / "data" / "summary.json").read_text())
    assert summary["totals"]["land_m2"] == made.totals["land"] * 100
    assert summary["totals"]["sealed_m2_2021"] == made.totals["sealed_2021"] * 100
    share = 100 * made.totals["sealed_2023"] / made.totals["land"]
    assert summary["years"]["2023"]["sealed_percent"] == pytest.approx(share)
    pair = summary["pairs"]["2018_2021"]
    gain, loss = made.totals["new_sealed_2018_2021"], made.totals["unsealed_2018_2021"]
    assert pair["net_m2"] == (gain - loss) * 100
    assert pair["net_pp_per_year"] == pytest.approx(100 * (gain - loss) / made.totals["land"] / 3)
    assert f'<td class="number">{number(gain / 100, 1, "en")}</td>' in page(made)
    assert pair["confirmed_m2"] == summary["totals"]["confirmed_m2_2018_2021"]
    assert pair["adjusted_low_m2"] < pair["adjusted_m2"] < pair["adjusted_high_m2"]
    assert pair["signal"] == "gain"
    assert [note["kind"] for note in pair["notes"]] == ["makers", "asymmetry"]
    assert summary["pairs"]["2018_2023"]["notes"] == []


def test_one_year_and_no_areas_make_a_page_without_changes(made: MadeSite, tmp_path: Path) -> None:
    only = made.region.epochs[-1:]
    region = dataclasses.replace(made.region, epochs=only, areas=(), site=Site(("fr",)))
    summary = write_pages(
        tmp_path,
        region=region,
        hexagons=made.work / "hexagons.parquet",
        areas=made.work / "areas.parquet",
        judgement=made.work / "judgement.json",
        tiles=TileSummary("tiles/x.pmtiles", None, 1, (0, 0, 1, 1), (0.5, 0.5), 0, 0, ()),
        bundle=bundle(tmp_path / "assets"),
        downloads=(),
    )
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert summary.pages == 2
    assert 'lang="fr"' in text
    assert 'name="year" value="2023"' in text
    assert 'name="pair"' not in text
    assert 'name="view"' not in text
    assert "table-scroll" in text
    assert '<table class="areas' not in text


def test_an_area_without_data_says_so_instead_of_zero(made: MadeSite, tmp_path: Path) -> None:
    rows = pq.read_table(made.work / "areas.parquet").to_pylist()
    kept = ("layer", "id", "name", "population")
    rows[1] = {key: value if key in kept else None for key, value in rows[1].items()}
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "areas.parquet")
    empty, full = read_areas(tmp_path / "areas.parquet", made.region, None)[1:3]
    write = Writer(load_locale(TEMPLATE / "locales", "en"))
    for row in (*state_rows(empty, made.region, write), *change_rows(empty, made.region, write)):
        assert {cell.text for cell in row.cells} == {"no data"}
        assert {cell.value for cell in row.cells} == {None}
    assert "no data" not in {c.text for r in state_rows(full, made.region, write) for c in r.cells}


def test_same_inputs_same_bytes(made: MadeSite, tmp_path: Path) -> None:
    again = make_site(tmp_path, radius=1)
    for name in ("index.html", "fr/index.html", "data/summary.json"):
        digests = [hashlib.sha256((s.folder / name).read_bytes()).digest() for s in (made, again)]
        assert digests[0] == digests[1], name
