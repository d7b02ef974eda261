"""The pages: texts, numbers, class breaks, settings, and what stands in the HTML itself."""

import dataclasses
import hashlib
import html
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from browser.made_site import NAMES, MadeSite, make_site

from hexseal.datasets import write_checksums
from hexseal.datasets.provenance import InputFile
from hexseal.errors import InputError, ToolError
from hexseal.frontend import TEMPLATE
from hexseal.manifest import Datasets, MapLayers, PartitionTree, TileSummary, write_manifest
from hexseal.pages import write_pages
from hexseal.pages.about import about_values
from hexseal.pages.addresses import sheet_paths
from hexseal.pages.figures import read_areas
from hexseal.pages.judgement import read_judgement
from hexseal.pages.locales import hectares, load_locale, number, unbroken
from hexseal.pages.methodology import size_shares
from hexseal.pages.settings import CHANGE_LADDERS, SHARE_BREAKS, change_breaks, embed
from hexseal.pages.stories import pair_stories
from hexseal.pages.tables import Writer, change_rows, state_rows
from hexseal.region.load import Site
from hexseal.types import Box
from hexseal.verify import verify_site
from hexseal.verify.links import check_links

LOCALES = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in (TEMPLATE / "locales").glob("*.json")
}
PAGES = (
    "index.html", "fr/index.html", "methodology.html", "fr/methodology.html",
    "about.html", "fr/about.html", "accessibility.html", "fr/accessibility.html",
    "areas.html", "fr/areas.html",
)  # fmt: skip


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
    files = [path for folder in folders for path in folder.rglob("*.*") if path.suffix != ".pyc"]
    sources = "\n".join(path.read_text(encoding="utf-8") for path in files)
    # Keys whose last part is filled in: page.areas.{column}, app.figure.{label}, app.legend.{view}.
    built = re.compile(
        r"(page\.(areas|basis|note|step|verdict|downloads)|app\.(figure|signal|hover))\.\w+"
        r"|page\.fact\.(accuracy|confidence|grade|reference)\.\w+|app\.legend\.(share|change|adjusted|confirmed|raw)(\.\w+)?"
        r"|app\.class\.\w+\.\d+|app\.(chart|brief|verdict|why|know)\.\w+"
        r"|app\.(head|grade|assume)\.\w+(\.\w+)?|method\.check\.\w+(\.\w+)?|method\.verdict\.\w+|page\.view\.\w+(\.short)?"
        r"|app\.(places|target)\.[\w.]+|.*\.one_year|app\.custom\.(kind|method)\.\w+|app\.custom\.draw\.\w+\.\w+"
        r"|app\.custom\.\w+\.label|app\.legend\.(pixels|further)\.\w+|app\.pixel\.\w+"
        r"|method\.(\w+\.title|filter\.\w+)"
        r"|page\.nav\.\w+|app\.rank\.\w+|about\.input\.\w+|(about|access|data|method|rank)\.(page_title|description)"
        r"|data\.(\w+\.title|snippet\.[\w-]+)|app\.action\.\w+(\.\w+)?"
        r"|page\.attribution\.\w+|app\.custom\.many\.(count|answer)\.\w+"
    )
    # Texts of densities stand in the place of the key without this ending.
    keys = {key.removesuffix(".density") for key in LOCALES["en"]}
    unused = sorted(key for key in keys if key not in sources and not built.fullmatch(key))
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
        assert breaks[2] == 0
        assert breaks[3:] in CHANGE_LADDERS
    assert change_breaks([]) == change_breaks([0.0])


def test_settings_cannot_end_their_element() -> None:
    text = embed({"name": "</script><!-- & \u2028"})
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"name": "</script><!-- & \u2028"}


def test_site_passes_verification(made: MadeSite) -> None:
    assert verify_site(made.folder).problems == ()


def test_a_page_without_its_warning_does_not_pass(made: MadeSite, tmp_path: Path) -> None:
    site = Path(shutil.copytree(made.folder, tmp_path / "site"))
    french = site / "fr/index.html"
    text = french.read_text(encoding="utf-8").replace('class="warning"', 'class="detail"')
    french.write_text(text, encoding="utf-8")
    write_checksums(site)
    assert verify_site(site).problems == (
        "fr/index.html: shows the change 2018-2021 without its warning",
    )


@pytest.mark.parametrize("name", PAGES)
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


@pytest.mark.parametrize("name", PAGES)
def test_navigation_names_this_page_and_leads_to_all_others(made: MadeSite, name: str) -> None:
    (nav,) = re.findall(r'<nav class="sections".*?</nav>', page(made, name), re.DOTALL)
    links = re.findall(r'<a href="([^"]*)"( aria-current="page")?>', nav)
    current = [href for href, mark in links if mark]
    own = name.rpartition("/")[2]
    assert current == ["#figures" if own == "index.html" else own]
    here = {href.partition("#")[0] for href, _ in links} - {""}
    assert here | {own} >= {"methodology.html", "about.html", "accessibility.html"}


def test_about_carries_the_wording_that_the_producer_asks_for(made: MadeSite) -> None:
    words = "Generated using European Union&#39;s Copernicus Land Monitoring Service information; "
    dois = (
        "https://doi.org/10.2909/cd534ebf-f553-42f0-9ac1-62c1dc36d32c",
        "https://doi.org/10.2909/71fc9d1b-479f-4da1-aa66-662a2fff2cf7",
        "https://doi.org/10.2909/b0bd43c6-1fa1-4d88-9c45-98b13a95d0b2",
    )
    for name in ("about.html", "fr/about.html"):
        assert words + ", ".join(dois) in page(made, name)
        assert all(f'href="{doi}"' in page(made, name) for doi in dois)
    assert "no data of CLC+ Backbone went into them" in page(made, "about.html")
    assert "Neither the European Union" in page(made, "about.html")


SHEET = "areas/municipality/00.html"


def test_each_area_has_a_sheet_with_its_figures(made: MadeSite) -> None:
    names = sorted(path.name for path in (made.folder / "areas/municipality").iterdir())
    assert names == ["00.html", "01.html", "02.html", "03.html"]
    area = next(
        a for a in read_areas(made.work / "areas.parquet", made.region, None) if a.id == "00"
    )
    text = page(made, SHEET)
    assert "<h1>&lt;b&gt;Port &amp; &#34;Cove&#34;&lt;/b&gt;</h1>" in text
    share = number(area.share(2023) or 0.0, 1, "en")
    assert f"<strong>{share}\u202f%</strong> of the land is sealed (2023)." in text
    assert 'href="../../index.html#area=municipality/00&amp;outlines=municipality"' in text
    assert 'class="locator-area" d="M' in text
    assert 'class="warning" role="note" id="notes-2018-2021"' in text
    assert 'class="chart-drawing"' in text
    french = page(made, "fr/" + SHEET)
    assert 'href="../../../areas/municipality/00.html"' in french
    assert (
        number(100 * (area.m2("sealed_m2_2023") or 0) / (area.m2("land_m2") or 1), 2, "fr")
        in french
    )


def test_names_of_sheets_differ_on_disks_that_ignore_case(made: MadeSite) -> None:
    whole = read_areas(made.work / "areas.parquet", made.region, None)[0]
    ids = ("ab", "AB", "x/y", "plain")
    areas = [dataclasses.replace(whole, layer="half", id=key) for key in ids]
    paths = sheet_paths(areas)
    # SHA-256 of "ab" and "AB" begin so.
    assert paths["half", "ab"] == "areas/half/ab-fb8e20fc.html"
    assert paths["half", "AB"] == "areas/half/AB-38164fbd.html"
    assert paths["half", "plain"] == "areas/half/plain.html"
    assert len({path.casefold() for path in paths.values()}) == len(ids)


def test_the_rank_page_tells_its_script_what_the_tables_hold(made: MadeSite) -> None:
    for name in ("areas.html", "fr/areas.html"):
        found = re.search(r'id="hexseal-rank">(.*?)</script>', page(made, name), re.DOTALL)
        assert found
        result = json.loads(found[1])
        (layer,) = result["layers"]
        rows = {row[1]: row for row in layer["rows"]}
        assert [row[1] for row in layer["rows"]] == [
            '<b>Port & "Cove"</b>', "anse noire", "Évora-sur-Mer", "Zuidhaven",
        ]  # fmt: skip
        assert rows["Zuidhaven"][2] == f"areas/municipality/{rows['Zuidhaven'][0]}.html"
        place = result["columns"].index("land_m2")
        land = sum(row[4][place] for row in layer["rows"])
        assert land == made.totals["land"] * 100
        assert "<b>" not in page(made, name)


def test_about_lists_inputs_with_their_checksums(made: MadeSite) -> None:
    locale = load_locale(TEMPLATE / "locales", "fr")
    files = (
        InputFile("landcover", 2018, "a.tif", 3, "ab" * 32),
        InputFile("areas municipality", None, "made.gpkg", 5, "cd" * 32, "https://example.org/m"),
        InputFile("landcover", 2021, "https://example.org/b.tif", None, None),
    )
    shown = about_values(made.region, files, locale)["inputs"]
    assert shown == [(files[0], "Carte d’occupation du sol"), (files[1], "Communes")]


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
    assert [note["kind"] for note in pair["notes"]] == ["makers", "rate"]
    assert summary["pairs"]["2018_2023"]["notes"] == []


def story(made: MadeSite, name: str, pair: str) -> str:
    """Return the part of a page that tells of one pair."""
    parts = page(made, name).split('<article class="pair"')[1:]
    (found,) = [part for part in parts if f'id="change-{pair}"' in part]
    return found.split("</article>")[0]


WARNINGS = [
    ("index.html", "different makers or versions", "change by +6.1% a year"),
    ("fr/index.html", "producteurs ou de versions", "changerait de +6,1"),
]


@pytest.mark.parametrize(("name", "makers", "ratio"), WARNINGS)
def test_no_confirmed_figure_stands_without_its_warning(
    made: MadeSite, name: str, makers: str, ratio: str
) -> None:
    result = story(made, name, "2018-2021")
    assert 'class="warning" role="note" id="notes-2018-2021"' in result
    warning, _, figures = result.partition('<p class="story">')
    assert makers in warning
    assert ratio in warning
    assert not re.search("confirmed newly|confirmé", warning, re.IGNORECASE)
    assert re.search("not established|pas établie", figures)
    # Every other place that shows the pair's figures links to the warning.
    heads = re.findall(r"<th[^>]*>[^<]*2018–2021.*?</th>", page(made, name), re.DOTALL)
    judged = [head for head in heads if "number" in head or "data-pair" in head]
    assert len(judged) == 3
    assert all('href="#notes-2018-2021"' in head for head in judged)
    notes = settings(made, name)["notes"]
    assert [(note["pair"], note["severe"]) for note in notes] == [
        ([2018, 2021], True), ([2018, 2021], True), ([2021, 2023], False),
    ]  # fmt: skip
    assert makers in notes[0]["text"]


def test_what_a_note_names_is_escaped(made: MadeSite) -> None:
    for name in PAGES[:2]:
        assert "<i>Old" not in page(made, name)
        assert "&lt;i&gt;Old &amp; first&lt;/i&gt; v1" in story(made, name, "2018-2021")


@pytest.mark.parametrize("name", PAGES[:2])
def test_no_note_where_there_is_none(made: MadeSite, name: str) -> None:
    assert 'role="note"' not in story(made, name, "2018-2023")
    plain = story(made, name, "2021-2023")
    assert 'class="note" role="note"' in plain
    assert 'class="warning"' not in plain
    assert 'href="#notes-2021-2023"' not in page(made, name)
    assert 'href="#notes-2018-2023"' not in page(made, name)


def test_the_headline_says_what_is_certain_and_the_fold_what_is_raw(made: MadeSite) -> None:
    total = made.totals
    net = (total["new_sealed_2018_2023"] - total["unsealed_2018_2023"]) / 100
    # The net is certain to 4 ha and a tenth of itself; five years.
    low, high = (net - 4 - net / 10) / 5, (net + 4 + net / 10) / 5
    assert (f"{low:.1f}", f"{high:.1f}") == ("35.8", "45.6")
    confirmed = round(total["confirmed_2018_2023"] / 100)
    english = page(made)
    share = f"{100 * total['sealed_2023'] / total['land']:.1f}"
    assert f"<strong>{share}\u202f%</strong> of the land is sealed (2023)." in english
    grew = (
        f"It grew by <strong>{low:.1f} to {high:.1f}\u00a0ha a year</strong> since 2018; "
        f"{confirmed}\u00a0ha"
    )
    assert grew in english
    assert '<span class="grade consistent">Likely</span>' in english
    assert (
        f"<strong>{share.replace(chr(46), chr(44))}\u00a0%</strong> du sol est imperméabilisé"
        in page(made, "fr/index.html")
    )
    # Nothing raw stands before the fold; in it, each pair with its grade.
    first, _, fold = english.partition('<details class="know">')
    raw = f"{total['new_sealed_2018_2023'] / 100:.1f}"
    assert raw not in first
    assert raw in fold
    grades = re.findall(r'<th scope="row">(20[^<]*)</th>.*?<span class="grade (\w+)">', fold)
    assert dict(grades) == {
        "2018–2021": "incomparable", "2021–2023": "consistent", "2018–2023": "consistent",
    }  # fmt: skip


def test_stories_begin_with_the_longest_pair(made: MadeSite) -> None:
    whole = read_areas(made.work / "areas.parquet", made.region, None)[0]
    judged = read_judgement(made.work / "judgement.json")
    write = Writer(load_locale(TEMPLATE / "locales", "en"))
    first, second, third = pair_stories(whole, made.region, judged, write)
    assert (first.key, first.warnings) == ("2018-2023", ())
    assert second.brief == "do not compare"
    assert third.brief.startswith("grew, +")
    assert first.difference.startswith("The maps differ by +374 and −171\u00a0ha")


def test_how_a_pair_was_judged_stands_on_the_page(made: MadeSite) -> None:
    result = story(made, "index.html", "2018-2023")
    assert "<details" in result
    for words in (
        "1,234 gained, 345 lost; 67 of the gains",
        "consistent: the maps pass every test",
        "about 8% of the patches (at most 15%) and 5% of the area (at most 11%)",
        "The interval holds if both maps err alike.",
        "no later year has confirmed",
        "unknown: the net change is not corrected for it",
        "− low confidence (off)",
    ):
        assert words in result
    cells = re.findall(r'<th scope="row">Raw difference</th>(.*?)</tr>', result)[0]
    assert re.findall(r">([^<]+)</td>", cells) == ["12,000", "120.0", "3,000", "30.0"]


def test_unknown_indicators_are_left_out(made: MadeSite) -> None:
    body = page(made).split("</head>")[1]
    assert "Detection limit (ha)" in body
    for hidden in ("SDG 11.3.1", "Sealed per inhabitant", "Population growth"):
        assert hidden not in body
    column = settings(made)["columns"].index("lcrpgr_2018_2021")
    assert settings(made)["layers"][0]["rows"][0]["values"][column] is None


def test_methodology_counts_the_hexagons_of_every_size(made: MadeSite) -> None:
    rows = pq.read_table(made.work / "hexagons.parquet").to_pylist()
    shares = size_shares(made.work / "hexagons.parquet", made.region)
    assert [(each.pair, each.resolution) for each in shares[:3]] == [
        ((2018, 2021), 8), ((2018, 2021), 7), ((2018, 2021), 6),
    ]  # fmt: skip
    for each in shares:
        key = f"{each.pair[0]}_{each.pair[1]}"
        here = [r for r in rows if r["resolution"] == each.resolution and r["land_m2"] > 0]
        flows = [r[f"new_sealed_m2_{key}"] + r[f"unsealed_m2_{key}"] for r in here]
        called = [r for r in here if r[f"signal_{key}"] in ("gain", "loss")]
        assert each.hexagons == len(here)
        assert each.changed == pytest.approx(sum(flow > 0 for flow in flows) / len(here))
        assert each.called == pytest.approx(len(called) / len(here))
    line = f'<td class="number">{number(100 * (shares[0].changed or 0), 1, "fr")}</td>'
    assert line in page(made, "fr/methodology.html")


@pytest.mark.parametrize("language", LOCALES)
def test_methodology_says_all_that_it_has_to_say(made: MadeSite, language: str) -> None:
    name = "methodology.html" if language == "en" else f"{language}/methodology.html"
    text = html.unescape(page(made, name))
    for key, words in LOCALES[language].items():
        if re.fullmatch(r"method\.\w+\.(title|\d)|method\.lead", key):
            parts = re.split(r"\{\w+\}", unbroken(words, language))
            assert all(part in text for part in parts), key
    for author in ("Maucha", "Sannier", "Olofsson", "Pelletier", "Elias", "Benjamini"):
        assert author in text
    assert 'name="year"' not in text
    assert 'href="areas.html"' in text
    assert "hexseal-config" not in text
    assert text.count('href="index.html#notes-2018-2021"') == 1
    assert 'href="index.html#notes-2021-2023"' not in text


@pytest.mark.parametrize("language", LOCALES)
def test_the_method_is_stated_in_five_sentences(language: str) -> None:
    lead = LOCALES[language]["method.lead"]
    assert lead.endswith(".")
    assert len(re.split(r"(?<=[.!?])\s", lead)) == 5


def bare_work(made: MadeSite, folder: Path) -> Path:
    """Return a work folder with the made site's statistics, but without files to link to."""
    work = folder / "work"
    shutil.copytree(made.work, work)
    tiles = TileSummary("tiles/x.pmtiles", None, 1, Box(0, 0, 1, 1), (0.5, 0.5), 0, 0, ())
    write_manifest(work, "tiles", tiles)
    write_manifest(work, "layers", MapLayers())
    tree = PartitionTree("data/x", "part-0.parquet", 6, ())
    write_manifest(work, "datasets", Datasets((), tree))
    return work


def test_a_long_layer_is_listed_on_the_page_of_areas_only(made: MadeSite, tmp_path: Path) -> None:
    rows = pq.read_table(made.work / "areas.parquet").to_pylist()
    more = [rows[-1] | {"id": f"x{n}"} for n in range(200)]
    region = dataclasses.replace(made.region, site=Site(("en",)))
    work = bare_work(made, tmp_path)
    pq.write_table(pa.Table.from_pylist(rows + more), work / "areas.parquet")
    summary = write_pages(region, work, tmp_path)
    assert summary.pages > 200
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    layers = re.findall('<table class="areas sortable" data-layer="([^"]+)"', text)
    assert rows[-1]["layer"] not in layers
    listed = sum(row["layer"] == rows[-1]["layer"] for row in rows) + 200
    assert f"table of all {listed} areas</a>" in text
    # Search still knows them all.
    assert '"id":"x199"' in text


def test_a_broken_judgement_names_its_file(tmp_path: Path) -> None:
    (tmp_path / "judgement.json").write_text('{"pairs": {"2018_2021": {}}, "notes": []}')
    with pytest.raises(InputError, match=r"judgement\.json: is missing or broken"):
        read_judgement(tmp_path / "judgement.json")
    with pytest.raises(InputError, match="is missing or broken"):
        read_judgement(tmp_path / "nothing.json")


def test_one_year_and_no_areas_make_a_page_without_changes(made: MadeSite, tmp_path: Path) -> None:
    only = made.region.epochs[-1:]
    region = dataclasses.replace(made.region, epochs=only, areas=(), site=Site(("fr",)))
    summary = write_pages(region, bare_work(made, tmp_path), tmp_path)
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert summary.pages == 6
    assert 'lang="fr"' in text
    assert 'name="year" value="2023"' in text
    assert 'name="pair"' not in text
    assert 'name="view"' not in text
    assert "main-files" in text
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


@pytest.mark.slow  # The quick tier builds a whole site twice in test_build.py.
def test_same_inputs_same_bytes(made: MadeSite, tmp_path: Path) -> None:
    again = make_site(tmp_path)
    for name in (*PAGES, "data/summary.json"):
        digests = [hashlib.sha256((s.folder / name).read_bytes()).digest() for s in (made, again)]
        assert digests[0] == digests[1], name


def test_heads_name_whole_addresses_where_the_site_has_one(made: MadeSite, tmp_path: Path) -> None:
    dataset = dataclasses.replace(made.region.dataset, address="https://example.org/soil/")
    region = dataclasses.replace(made.region, dataset=dataset)
    write_pages(region, bare_work(made, tmp_path), tmp_path)
    text = (tmp_path / "fr/methodology.html").read_text(encoding="utf-8")
    assert '<link rel="canonical" href="https://example.org/soil/fr/methodology.html">' in text
    for code, path in (("en", "methodology.html"), ("fr", "fr/methodology.html")):
        address = f"https://example.org/soil/{path}"
        assert f'<link rel="alternate" hreflang="{code}" href="{address}">' in text
    assert 'property="og:url" content="https://example.org/soil/fr/methodology.html"' in text
    assert 'property="og:locale" content="fr_FR"' in text
    foreign = [line for line in check_links(tmp_path) if "another origin" in line]
    assert foreign == []
    root = ElementTree.parse(tmp_path / "sitemap.xml").getroot()
    name = "{http://www.sitemaps.org/schemas/sitemap/0.9}loc"
    found = [each.text or "" for each in root.iter(name)]
    paths = [unquote(each.removeprefix("https://example.org/soil/")) for each in found]
    assert len(set(paths)) == len(paths) > 12
    assert all((tmp_path / path).is_file() for path in paths)
    assert not any("embed.html" in path for path in paths)


def test_a_site_of_unknown_address_has_no_sitemap(made: MadeSite) -> None:
    assert not (made.folder / "sitemap.xml").exists()
    text = page(made, "index.html")
    assert 'rel="canonical"' not in text
    assert '<link rel="alternate" hreflang="fr" href="fr/index.html">' in text
    assert 'property="og:title"' in text


def test_a_sheet_holds_the_map_of_its_change_and_its_places(made: MadeSite) -> None:
    text = (made.folder / "areas/municipality/02.html").read_text(encoding="utf-8")
    assert text.count('class="area-map"') == 1
    assert text.count('class="map-place"') == 1
    assert text.count('class="place-twins"') == 1
    assert "<strong>0.09\u00a0ha</strong> from Permanent herbaceous" in text
    assert "Method in five sentences" in text
    assert "data version 1.0.0" in text
    # A sheet that is sent on carries its pictures: nothing of the map is fetched.
    assert set(re.findall(r'<image[^>]* href="(.{10})', text)) == {"data:image"}


def test_sheets_of_a_site_of_many_areas_keep_their_map(
    made: MadeSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Path(shutil.copytree(made.folder, tmp_path / "site"))
    before = (site / "areas/municipality/02.html").read_text(encoding="utf-8")
    monkeypatch.setattr("hexseal.pages.site.MOST_PICTURES", 1)
    write_pages(made.region, made.work, site)
    text = (site / "areas/municipality/02.html").read_text(encoding="utf-8")
    assert text.count('class="map-ground"') == 1
    assert text.count('class="map-place"') == 1
    assert "<strong>0.09\u00a0ha</strong>" in text
    assert 'class="place-twins"' not in text
    assert len(text) < len(before)


def test_pages_open_with_the_pair_of_the_headline(made: MadeSite, tmp_path: Path) -> None:
    """The longest pair supports no figure here: what a reader asks for first would be empty."""
    work = bare_work(made, tmp_path)
    judgement = json.loads((work / "judgement.json").read_text(encoding="utf-8"))
    longest = {"kind": "rate", "pair": [2018, 2023], "severe": True, "values": {"percent": 6.1}}
    judgement["notes"].append(longest)
    (work / "judgement.json").write_text(json.dumps(judgement), encoding="utf-8")
    write_pages(made.region, work, tmp_path)
    texts = {
        name: (tmp_path / name).read_text(encoding="utf-8")
        for name in ("index.html", "areas.html", "areas/municipality/02.html")
    }
    assert '"shownPair":"2021-2023"' in texts["index.html"]
    assert '"shownPair":"2021-2023"' in texts["areas.html"]
    assert "Confirmed new (ha), 2021–2023</th>" in texts["areas.html"]
    pair = re.search('name="pair" value="([^"]+)" checked', texts["index.html"])
    assert pair
    assert pair[1] == "2021-2023"
    first = re.search('data-pair="([^"]+)"', texts["index.html"])
    assert first
    assert first[1] == "2021-2023"
    assert '"shownPair":"2018-2023"' in page(made, "areas.html")
