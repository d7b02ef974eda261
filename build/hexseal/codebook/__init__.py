"""What each column of the published tables is: the one place that writers and documents read.

``columns_of`` names the columns of a table in their order; the writers select and cast by it,
the Data Package, STAC, Croissant, the codebook files and the data page describe by it, and
``hexseal verify`` checks by it.
"""

from hexseal.codebook.column import ARROW_TYPES, Column, ColumnType, Per, Spread
from hexseal.codebook.files import Book, codebook_csv, codebook_json
from hexseal.codebook.measures import GRADES, SIGNALS, Signal
from hexseal.codebook.tables import (
    TABLES,
    TITLES,
    Table,
    columns_by,
    columns_for,
    columns_of,
    counted_columns,
    names_for,
    spread_of,
    tables_of,
)

__all__ = [
    "ARROW_TYPES", "GRADES", "SIGNALS", "TABLES", "TITLES", "Book", "Column", "ColumnType", "Per",
    "Signal", "Spread", "Table", "codebook_csv", "codebook_json", "columns_by", "columns_for",
    "columns_of", "counted_columns", "names_for", "spread_of", "tables_of",
]  # fmt: skip
