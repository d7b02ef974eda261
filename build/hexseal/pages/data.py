"""What the data page shows: files by kind, the first rows of each table, the codebook."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from markupsafe import Markup

from hexseal.codebook import TITLES, Column, columns_of, spread_of, tables_of
from hexseal.datasets.documents import NAME as CHECKSUMS
from hexseal.datasets.provenance import attribution_of, licence_of
from hexseal.exchange.record import FOLDER, RECORD, has_record
from hexseal.manifest import Datasets, Download
from hexseal.pages.about import plain_values
from hexseal.pages.locales import Locale, file_size, number
from hexseal.pages.settings import Contents, embed
from hexseal.pages.snippets import (
    AGGREGATE,
    ANYWHERE,
    JOIN,
    USES,
    file_name,
    hexagon_file,
    snippets,
)
from hexseal.region.load import Region

PREVIEW_ROWS = 5
# Figures of a preview are cut to this; the file holds all digits.
PREVIEW_DIGITS = 10
# Outlines as bytes are of no use to a reader.
NOT_SHOWN = ("geometry", "bbox")
NULL = "NULL"
# What most readers look for, in the order of the dashboard's short list.
MAIN_FORMATS = ("GeoParquet", "GeoPackage", "CSV", "ZIP")


@dataclass(frozen=True, slots=True)
class Preview:
    """The first rows of a file as text; a figure is marked, to align it."""

    file: str
    columns: tuple[str, ...]
    is_number: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class CodebookRow:
    """One column as the page describes it in its language."""

    name: str
    type: str
    unit: str
    allowed: str
    text: str
    null: str
    formula: str


@dataclass(frozen=True, slots=True)
class TableBook:
    """A table of the codebook: its columns, and the first rows of one of its files."""

    key: str
    title: str
    columns: tuple[CodebookRow, ...]
    preview: Preview | None


@dataclass(frozen=True, slots=True)
class CountFile:
    """A file that hexseal merge reads, or the record that names them."""

    path: str
    bytes: int


def file_groups(datasets: Datasets) -> list[tuple[str, list[Download]]]:
    """Return the downloads by what they hold, in the order of the build."""
    order = list(dict.fromkeys(file.title for file in datasets.downloads))
    files = sorted(datasets.downloads, key=lambda file: order.index(file.title))
    return [(title, list(group)) for title, group in groupby(files, lambda file: file.title)]


def main_files(region: Region, datasets: Datasets) -> list[Download]:
    """Return the few files that the dashboard names: finest hexagons, areas, all in one."""
    return [
        file
        for file in datasets.downloads
        if file.format in MAIN_FORMATS
        and (file.resolution in (None, region.hexagons.finest))
        and file.title not in ("patches", "transitions")
    ]


def merge_files(site: Path) -> list[CountFile]:
    """Return the files for joining regions, the build record first."""
    if not has_record(site):
        return []
    found = sorted(path.name for path in (site / FOLDER).iterdir() if path.name not in RECORD)
    names = [RECORD, *(f"{FOLDER}/{name}" for name in found)]
    return [CountFile(name, (site / name).stat().st_size) for name in names]


def table_books(region: Region, datasets: Datasets, site: Path, language: str) -> list[TableBook]:
    """Return every table of the codebook with its first rows."""
    spread = spread_of(region)
    return [
        TableBook(
            key=table,
            title=TITLES[table][language],
            columns=tuple(_row(column, language) for column in columns_of(table, spread)),
            preview=_preview(datasets, site, table),
        )
        for table in tables_of(spread)
    ]


def _row(column: Column, language: str) -> CodebookRow:
    return CodebookRow(
        name=column.name,
        type=column.type,
        unit=column.unit,
        allowed=", ".join(column.values) or _range(column, language),
        text=column.text[language],
        null=column.null[language] if column.null else "",
        formula=column.formula,
    )


def _range(column: Column, language: str) -> str:
    """Write a range of values.

    >>> _range(Column("a", "DOUBLE", {}, low=0), "en"), _range(Column("a", "DOUBLE", {}), "en")
    ('≥ 0', '')
    """
    low, high = (
        None if end is None else number(end, 0, language) for end in (column.low, column.high)
    )
    if low is not None and high is not None:
        return f"{low} – {high}"
    return f"≥ {low}" if low is not None else f"≤ {high}" if high is not None else ""


def _preview(datasets: Datasets, site: Path, table: str) -> Preview | None:
    for file in datasets.downloads:
        if file.table == table and file.path.endswith(".parquet"):
            return preview(site / file.path)
    return None


def preview(path: Path) -> Preview:
    """Read the first rows of a Parquet file; only the first row group is opened."""
    source = pq.ParquetFile(path)
    fields = [field for field in source.schema_arrow if field.name not in NOT_SHOWN]
    names = [field.name for field in fields]
    rows = next(_first_rows(source, names), [])
    return Preview(
        file=path.name,
        columns=tuple(names),
        is_number=tuple(
            pa.types.is_integer(field.type) or pa.types.is_floating(field.type) for field in fields
        ),
        rows=tuple(tuple(shown(row[name]) for name in names) for row in rows),
    )


def _first_rows(source: pq.ParquetFile, names: list[str]) -> Iterator[list[dict]]:
    for batch in source.iter_batches(batch_size=PREVIEW_ROWS, columns=names):
        yield batch.to_pylist()


def shown(value: object) -> str:
    """Write a value as a file holds it, without digits that nobody reads.

    >>> shown(None), shown(0.1234567890123), shown(-0.0), shown(True), shown(617)
    ('NULL', '0.123456789', '0', 'true', '617')
    """
    if value is None:
        return NULL
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value + 0.0:.{PREVIEW_DIGITS}g}"
    return str(value)


DATA = "data.html"


def data_values(contents: Contents, site: Path, locale: Locale) -> dict[str, object]:
    """Return what the data page shows; ``site`` already holds the files that it lists."""
    region, datasets, language = contents.region, contents.datasets, locale.language
    written = partial(snippets, region=region, datasets=datasets, tiles=contents.tiles)
    return {
        **plain_values("data", region, locale),
        "anywhere": region.dataset.address or ANYWHERE,
        "groups": file_groups(datasets),
        "tree": datasets.tree,
        "splits": datasets.splits,
        # The collection links to its items.
        "documents": [
            document
            for document in datasets.documents
            if document.kind != "stac" or document.path.endswith("/collection.json")
        ],
        "reports": datasets.reports,
        "checksums": CHECKSUMS,
        "merge_files": merge_files(site),
        "aggregate": written(AGGREGATE),
        "uses": written(USES),
        "joins": written(JOIN),
        "geopackage": file_name(datasets, "geopackage", "GeoPackage"),
        "geoparquet": hexagon_file(datasets, region.hexagons.finest),
        "books": table_books(region, datasets, site, language),
        "licence": licence_of(region),
        "attribution": attribution_of(region),
        "schema_org": Markup(embed(datasets.schema_org[language]))
        if language in datasets.schema_org
        else "",
        "file_size": partial(file_size, language=language),
        "whole_number": lambda value: number(value, 0, language),
    }
