"""The codebook as files: CSV with one line per column and language side by side, and JSON."""

import csv
import io
import json
from collections.abc import Mapping

from hexseal.codebook.column import Column
from hexseal.codebook.tables import TITLES, Table

HEADER = (
    "table", "column", "type", "unit", "minimum", "maximum", "values", "formula", "description_en",
    "description_fr", "null_en", "null_fr",
)  # fmt: skip
Book = Mapping[Table, tuple[Column, ...]]


def codebook_csv(book: Book) -> str:
    """Return one line per column of every table; an empty null_en: no value is ever missing."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(HEADER)
    for table, columns in book.items():
        for column in columns:
            writer.writerow(_line(table, column))
    return stream.getvalue()


def codebook_json(book: Book) -> str:
    """Return the tables with their titles and columns; texts by language."""
    tables = [
        {
            "name": table,
            "title": dict(TITLES[table]),
            "columns": [_entry(column) for column in columns],
        }
        for table, columns in book.items()
    ]
    return json.dumps({"tables": tables}, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _line(table: Table, column: Column) -> list[str]:
    null = column.null or {}
    bounds = ["" if bound is None else f"{bound:g}" for bound in (column.low, column.high)]
    texts = [*(column.text[x] for x in ("en", "fr")), *(null.get(x, "") for x in ("en", "fr"))]
    first = [table, column.name, column.type, column.unit, *bounds]
    return [*first, "|".join(column.values), column.formula, *texts]


def _entry(column: Column) -> dict[str, object]:
    return {
        "name": column.name,
        "template": column.template,
        "type": column.type,
        "unit": column.unit,
        "minimum": column.low,
        "maximum": column.high,
        "values": list(column.values),
        "formula": column.formula,
        "description": dict(column.text),
        "null": None if column.null is None else dict(column.null),
    }
