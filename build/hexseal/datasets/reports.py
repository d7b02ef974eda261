"""Tables that officials report with, and the areas as a workbook: from the published figures.

Every report is a selection of areas.parquet and transition_areas.parquet in the units that its
norm requires; nothing is estimated here. Plain CSV files begin with a byte order mark, so that
spreadsheets read accents right; the workbooks hold notes and a description of each column.
"""

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv
import xlsxwriter

from hexseal.codebook import Column, columns_of, spread_of
from hexseal.codebook.column import Per, Text, spread_out
from hexseal.codebook.reports import REPORTS, Report
from hexseal.manifest import Document
from hexseal.region.load import Region
from hexseal.storage.database import connect, run
from hexseal.storage.files import sha256, whole_file
from hexseal.storage.workdir import WorkFolder
from hexseal.types import Pair

# Workbooks of the same figures are the same bytes: no clock, and no name of a person.
EPOCH = datetime.datetime(1980, 1, 1)
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# A cell of a spreadsheet column wider than this is wrapped, narrower ones are as wide as a figure.
NOTE_WIDTH, TEXT_WIDTH, FIGURE_WIDTH = 100, 24, 16
SHEET_NAME_LIMIT = 31
WORDS = {
    "en": {
        "columns": "Columns",
        "notes": "Notes",
        "heads": ("sheet", "column", "unit", "meaning", "an empty cell means"),
    },
    "fr": {
        "columns": "Colonnes",
        "notes": "Notes",
        "heads": ("feuille", "colonne", "unité", "signification", "une cellule vide signifie"),
    },
}
GRADES: Text = {
    "en": "Grades: reference, a sample of labelled places supports net change; consistent, the "
    "maps pass all tests, the interval is a noise interval; inconclusive, the maps support no "
    "figure of change, so none is given. Columns that begin with map_ are the raw difference of "
    "two maps, whatever the grade: they hold the errors of both maps and are no measure of change.",
    "fr": "Niveaux : reference, un échantillon de lieux interprétés appuie l’évolution nette ; "
    "consistent, les cartes réussissent tous les tests, l’intervalle est un intervalle de bruit ; "
    "inconclusive, les cartes n’appuient aucun chiffre d’évolution, il n’y en a donc pas. Les "
    "colonnes qui commencent par map_ sont la différence brute de deux cartes, quel que soit le "
    "niveau : elles contiennent les erreurs des deux cartes et ne mesurent pas l’évolution.",
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table with the columns that describe it; ``title`` names the sheet."""

    title: str
    rows: pa.Table
    columns: tuple[Column, ...]


def write_reports(region: Region, work: Path, site: Path) -> tuple[Document, ...]:
    """Write reports and areas as CSV and XLSX into site/data; return the files."""
    language = region.site.languages[0]
    folder = site / "data"
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Document] = []
    with connect(work) as database:
        columns = columns_of("areas", spread_of(region))
        areas = Sheet("areas", _areas(database, work, columns), columns)
        written += _plain(region, folder, "areas", areas)
        path = folder / f"{region.id}_areas.xlsx"
        write_workbook(path, [areas], notes=_notes(region, (), language), language=language)
        written.append(_document(path, "workbook"))
        reports = [report for report in REPORTS if region.pairs or not report.needs_pairs]
        sheets = [_sheet(database, region, work, report, language) for report in reports]
        for report, sheet in zip(reports, sheets, strict=True):
            written += _plain(region, folder, f"report_{report.name}", sheet)
        path = folder / f"{region.id}_reports.xlsx"
        notes = _notes(region, reports, language)
        write_workbook(path, sheets, notes=notes, language=language)
        written.append(_document(path, "reports"))
    return tuple(written)


def report_columns(report: Report, region: Region) -> tuple[Column, ...]:
    """Return the columns of a report in a region."""
    spread = spread_of(region)
    blocks: Sequence[tuple[Per, tuple[Column, ...]]] = report.blocks
    return tuple(c for per, block in blocks for c in spread_out(block, per, spread))


def _areas(
    database: duckdb.DuckDBPyConnection, work: Path, columns: tuple[Column, ...]
) -> pa.Table:
    run(
        database,
        "dataset_areas",
        names={"columns": columns},
        values={
            "areas": str(WorkFolder(work).areas), "shapes": str(WorkFolder(work).zone_shapes),
        },
    )  # fmt: skip
    return database.table("dataset_csv").to_arrow_table()


def _sheet(
    database: duckdb.DuckDBPyConnection,
    region: Region,
    work: Path,
    report: Report,
    language: str,
) -> Sheet:
    run(
        database,
        f"report_{report.name}",
        names={"years": region.years, "pairs": _pairs(region, report)},
        values={
            "areas": str(WorkFolder(work).areas),
            "transitions": str(WorkFolder(work).transitions("areas")),
        },
    )
    columns = report_columns(report, region)
    rows = database.table("report").to_arrow_table().select([column.name for column in columns])
    return Sheet(report.short[language], rows, columns)


def _pairs(region: Region, report: Report) -> list[Pair]:
    """Return the pairs of a report: consecutive years only where rows of all pairs are listed."""
    if not report.consecutive:
        return list(region.pairs)
    consecutive = set(pairwise(region.years))
    return [pair for pair in region.pairs if pair in consecutive]


def _plain(region: Region, folder: Path, stem: str, sheet: Sheet) -> Iterator[Document]:
    path = folder / f"{region.id}_{stem}.csv"
    with whole_file(path) as partial, partial.open("wb") as stream:
        stream.write(BYTE_ORDER_MARK)
        pyarrow.csv.write_csv(sheet.rows, stream)
    yield _document(path, "plain_csv")


def write_workbook(
    path: Path, sheets: Sequence[Sheet], *, notes: Sequence[str], language: str
) -> None:
    """Write tables as sheets of an XLSX file, then what their columns mean, then notes.

    The same tables give the same bytes. Missing values are empty cells.
    """
    words = WORDS[language]
    with whole_file(path) as partial:
        book = xlsxwriter.Workbook(str(partial), {"in_memory": True, "nan_inf_to_errors": True})
        book.set_properties({"created": EPOCH, "title": path.stem})
        head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        wrap = book.add_format({"text_wrap": True, "valign": "top"})
        for sheet in sheets:
            page = book.add_worksheet(sheet.title[:SHEET_NAME_LIMIT])
            page.freeze_panes(1, min(3, sheet.rows.num_columns))
            for place, column in enumerate(sheet.columns):
                is_text = column.type == "VARCHAR"
                page.set_column(place, place, TEXT_WIDTH if is_text else FIGURE_WIDTH)
                page.write_string(0, place, column.name, head)
                values = sheet.rows.column(place).to_pylist()
                for row, value in enumerate(values, 1):
                    if isinstance(value, str):
                        # Text from the area file stays text, also where it begins like a formula.
                        page.write_string(row, place, value)
                    elif value is not None:
                        page.write_number(row, place, value)
            page.autofilter(0, 0, max(1, sheet.rows.num_rows), len(sheet.columns) - 1)
        page = book.add_worksheet(words["columns"])
        page.set_column(0, 2, TEXT_WIDTH)
        page.set_column(3, 4, NOTE_WIDTH / 2)
        page.write_row(0, 0, words["heads"], head)
        described = [(sheet.title, c) for sheet in sheets for c in sheet.columns]
        for row, (title, column) in enumerate(described, 1):
            null = column.null[language] if column.null else ""
            cells = (title, column.name, column.unit, column.text[language], null)
            for place, text in enumerate(cells):
                page.write_string(row, place, text, wrap)
        page = book.add_worksheet(words["notes"])
        page.set_column(0, 0, NOTE_WIDTH)
        for row, note in enumerate(notes):
            page.write_string(row, 0, note, wrap)
        book.close()


def _notes(region: Region, reports: Sequence[Report], language: str) -> list[str]:
    title = region.title.get(language, next(iter(region.title.values())))
    years = ", ".join(map(str, region.years))
    notes = [f"{title}: {region.product.title}, {years}", region.product.attribution]
    notes.append(GRADES[language])
    for report in reports:
        notes += [f"{report.short[language]}: {report.title[language]}", *report.notes[language]]
    return notes


def _document(path: Path, kind: str) -> Document:
    return Document(kind, f"data/{path.name}", path.stat().st_size, sha256(path))
