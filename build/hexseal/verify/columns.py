"""Tables against the codebook: columns, types, ranges, closed sets, and what may be missing."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hexseal.codebook import ARROW_TYPES, Book, Column, Table, codebook_csv, columns_of, tables_of
from hexseal.storage.database import fetch
from hexseal.verify.pages import ListedFile, PageSettings

OUTLINES = ("bbox", "geometry")
# What tells the rows of a table apart; joins by it would repeat rows that stand twice.
KEYS: dict[str, tuple[str, ...]] = {"areas": ("layer", "id")}


def book_of(settings: PageSettings) -> Book:
    """Return the codebook of a site."""
    return {table: columns_of(table, settings.spread) for table in tables_of(settings.spread)}


def check_columns(
    database: duckdb.DuckDBPyConnection, site: Path, settings: PageSettings
) -> Iterator[str]:
    """Return where a Parquet file breaks the codebook, and whether codebook.csv is the one."""
    book = book_of(settings)
    path = site / "data/codebook.csv"
    if not path.is_file() or path.read_text(encoding="utf-8") != codebook_csv(book):
        yield "data/codebook.csv: is not the codebook of these columns"
    for item in settings.downloads:
        table = table_of(item, book)
        if table is not None and item.path.endswith(".parquet"):
            yield from _check_file(database, site, item, book[table])
            yield from _check_keys(site, item, KEYS.get(table, ()))


def table_of(item: ListedFile, book: Book) -> Table | None:
    """Return the table whose columns a file has."""
    return next((table for table in book if table == item.table), None)


def _check_file(
    database: duckdb.DuckDBPyConnection, site: Path, item: ListedFile, columns: tuple[Column, ...]
) -> Iterator[str]:
    schema = pq.read_schema(site / item.path)
    outlines = OUTLINES if item.format == "GeoParquet" else ()
    wanted = [*(column.name for column in columns), *outlines]
    if schema.names != wanted:
        odd = sorted(set(schema.names) ^ set(wanted)) or "their order"
        yield f"{item.path}: its columns are not those of the codebook ({odd})"
        return
    metadata = pq.read_metadata(site / item.path)
    if metadata.num_rows != item.rows:
        yield f"{item.path}: holds {metadata.num_rows} rows, the page says {item.rows}"
    for place, column in enumerate(columns):
        found = schema.field(column.name).type
        if found != ARROW_TYPES[column.type]:
            yield f"{item.path}: {column.name} is {found}, the codebook says {column.type}"
        yield from (f"{item.path}: {line}" for line in _check_values(metadata, place, column))
    closed = [column for column in columns if column.values]
    for column in closed:
        names = {"column": column.name}
        rows = fetch(
            database, "verify_values", names=names, values={"parquet": str(site / item.path)}
        )
        odd = sorted({value for (value,) in rows} - set(column.values))
        if odd:
            yield f"{item.path}: {column.name} holds {odd[0]!r}, which the codebook does not know"


def _check_keys(site: Path, item: ListedFile, keys: tuple[str, ...]) -> Iterator[str]:
    """Return a line when two rows of a file have the same key."""
    if not keys or not set(keys) <= set(pq.read_schema(site / item.path).names):
        return
    table = pq.read_table(site / item.path, columns=list(keys))
    counted = table.group_by(list(keys)).aggregate([([], "count_all")])
    again = counted.filter(pc.field("count_all") > 1)
    if again.num_rows:
        first = " ".join(str(again[key][0]) for key in keys)
        yield f"{item.path}: {again.num_rows} keys stand more than once, {first} among them"


def _check_values(metadata: pq.FileMetaData, place: int, column: Column) -> Iterator[str]:
    """Compare the statistics of the row groups with what a column may hold."""
    groups = range(metadata.num_row_groups)
    known = [metadata.row_group(group).column(place).statistics for group in groups]
    known = [found for found in known if found is not None]
    if column.null is None and any(found.null_count for found in known):
        yield f"{column.name} has missing values, the codebook allows none"
    lows = [found.min for found in known if found.has_min_max]
    highs = [found.max for found in known if found.has_min_max]
    if column.low is not None and lows and min(lows) < column.low:
        yield f"{column.name} falls to {min(lows)}, the codebook says at least {column.low}"
    if column.high is not None and highs and max(highs) > column.high:
        yield f"{column.name} rises to {max(highs)}, the codebook says at most {column.high}"
