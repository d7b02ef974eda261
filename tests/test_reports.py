"""Reporting tables and workbooks: the published figures in a norm's units, and nothing else."""

import csv
import zipfile
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from browser.made_site import MadeSite, make_site

from hexseal.codebook import Column
from hexseal.codebook.reports import REPORTS
from hexseal.datasets.reports import Sheet, report_columns, write_reports, write_workbook
from hexseal.storage.files import sha256

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> MadeSite:
    return make_site(tmp_path_factory.mktemp("made"), standalone="never", radius=1)


def rows_of(path: Path) -> list[dict[str, str]]:
    """Return the rows of a plain CSV file, which begins with a byte order mark."""
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def cells_of(path: Path, sheet: int) -> list[dict[str, str]]:
    """Return the filled cells of each row by their column's letters, as text."""
    with zipfile.ZipFile(path) as book:
        shared = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
        texts = ["".join(part.itertext()) for part in shared]
        page = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{sheet}.xml"))
    rows = []
    for row in page.iter(f"{MAIN}row"):
        cells = {}
        for cell in row:
            assert cell.find(f"{MAIN}f") is None, "no cell may hold a formula"
            value = cell.findtext(f"{MAIN}v", "")
            letters = cell.attrib["r"].rstrip("0123456789")
            cells[letters] = texts[int(value)] if cell.get("t") == "s" else value
        rows.append(cells)
    return rows


def test_the_soil_report_holds_the_areas_in_square_kilometres(made: MadeSite) -> None:
    areas = pq.read_table(made.work / "areas.parquet").to_pylist()
    report = rows_of(made.folder / "data/made-up_report_soil_directive.csv")
    assert [row["id"] for row in report] == [area["id"] for area in areas]
    year, pair = made.region.years[-1], made.region.pairs[0]
    for row, area in zip(report, areas, strict=True):
        assert float(row["surface_km2"]) == area["valid_m2"] / 1e6
        assert float(row[f"sealed_km2_{year}"]) == area[f"sealed_m2_{year}"] / 1e6
        share = 100 * area[f"sealed_m2_{year}"] / area["valid_m2"]
        assert float(row[f"sealed_percent_{year}"]) == pytest.approx(share, rel=1e-12)
        assert row[f"grade_{pair.key}"] == area[pair.column("grade")]
        net = area[pair.column("adjusted_m2")]
        assert row[f"net_km2_{pair.key}"] == ("" if net is None else f"{net / 1e6!r}")


def test_inconclusive_pairs_have_no_net_change_but_their_difference(made: MadeSite) -> None:
    inconclusive = [
        (row, pair)
        for row in rows_of(made.folder / "data/made-up_report_soil_directive.csv")
        for pair in made.region.pairs
        if row[f"grade_{pair.key}"] == "inconclusive"
    ]
    for row, pair in inconclusive:
        assert row[f"net_km2_{pair.key}"] == row[f"net_low_km2_{pair.key}"] == ""
        assert row[f"map_gain_km2_{pair.key}"] != ""


def test_former_classes_add_up_to_the_difference_of_the_maps(made: MadeSite) -> None:
    rows = rows_of(made.folder / "data/made-up_report_former_cover.csv")
    totals = [row for row in rows if row["origin_class"] == ""]
    consecutive = set(pairwise(made.region.years))
    assert {(int(r["first_year"]), int(r["second_year"])) for r in totals} == consecutive
    for total in totals:
        key = ("layer", "id", "first_year", "second_year")
        parts = [r for r in rows if all(r[k] == total[k] for k in key) and r is not total]
        summed = sum(float(part["map_gain_ha"]) for part in parts)
        assert summed == pytest.approx(float(total["map_gain_ha"]), rel=1e-9, abs=1e-9)
        assert all(part["net_ha"] == "" for part in parts)


def test_the_workbooks_hold_the_same_figures_their_columns_and_notes(made: MadeSite) -> None:
    book = made.folder / "data/made-up_areas.xlsx"
    plain = rows_of(made.folder / "data/made-up_areas.csv")
    head, *rows = cells_of(book, 1)
    assert list(head.values()) == list(plain[0])
    assert len(rows) == len(plain)
    for found, wanted in zip(rows, plain, strict=True):
        named = {head[letters]: value for letters, value in found.items()}
        assert named.keys() == {name for name, value in wanted.items() if value}
        assert named["name"] == wanted["name"]
        # A workbook keeps 16 digits.
        for name in ("valid_m2", "sealed_share_2018"):
            assert float(named[name]) == pytest.approx(float(wanted[name]), rel=1e-15)
    described = cells_of(book, 2)
    assert [row["B"] for row in described[1:]] == list(head.values())
    notes = " ".join(row["A"] for row in cells_of(made.folder / "data/made-up_reports.xlsx", 5))
    assert "Directive (EU) 2025/2360" in notes
    assert "R. 2231-1" in notes
    assert "claim of legal conformity" in notes


def test_reports_are_the_same_bytes_at_every_build(made: MadeSite, tmp_path: Path) -> None:
    again = write_reports(made.region, made.work, tmp_path)
    assert {file.path: file.sha256 for file in again} == {
        file.path: sha256(made.folder / file.path) for file in again
    }
    # Areas as CSV and workbook, a CSV file for each report, and their workbook.
    assert len(again) == 2 + len(REPORTS) + 1


def test_columns_of_reports_are_described_in_both_languages(made: MadeSite) -> None:
    for report in REPORTS:
        columns = report_columns(report, made.region)
        assert len({column.name for column in columns}) == len(columns)
        for column in columns:
            assert set(column.text) == {"en", "fr"}
        assert set(report.notes) == set(report.title) == {"en", "fr"}
        assert len(report.notes["en"]) == len(report.notes["fr"])


def test_text_that_looks_like_a_formula_stays_text(tmp_path: Path) -> None:
    text = Column("name", "VARCHAR", {"en": "Name", "fr": "Nom"})
    number = Column("n", "DOUBLE", {"en": "Number", "fr": "Nombre"}, "1")
    table = pa.table({"name": ['=HYPERLINK("http://x")', None], "n": [None, 0.5]})
    path = tmp_path / "a.xlsx"
    write_workbook(path, [Sheet("t", table, (text, number))], notes=["=1+1"], language="fr")
    assert cells_of(path, 1) == [
        {"A": "name", "B": "n"}, {"A": '=HYPERLINK("http://x")'}, {"B": "0.5"}
    ]  # fmt: skip
    assert cells_of(path, 3) == [{"A": "=1+1"}]
