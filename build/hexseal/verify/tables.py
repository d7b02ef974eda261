"""Tables by the codebook and against each other: columns, values, formats, outlines, pieces."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hexseal.codebook import ARROW_TYPES, Book, Column, Table, codebook_csv, columns_of, tables_of
from hexseal.errors import HexsealError
from hexseal.metadata import schema_problems
from hexseal.storage.database import connect, fetch, statement
from hexseal.verify.pages import ListedFile, PageSettings
from hexseal.verify.tiles import summed_columns

OUTLINES = ("bbox", "geometry")
# What identifies the rows of a table; joins by it would repeat rows that stand twice.
KEYS: dict[str, tuple[str, ...]] = {"areas": ("layer", "id")}
LAYER_LIMIT = 1_000_000


def check_tables(site: Path, settings: PageSettings) -> Iterator[str]:
    """Compare tables with the codebook, with each other in every format, and their outlines."""
    with connect(site, spatial=True) as database:
        for check in (check_columns, check_formats, check_outlines):
            try:
                yield from check(database, site, settings)
            except (HexsealError, duckdb.Error, pa.ArrowException, OSError, ValueError) as err:
                yield f"data: cannot be compared ({' '.join(str(err).split())})"


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
        yield f"{item.path}: holds {metadata.num_rows} rows, the page states {item.rows}"
    for place, column in enumerate(columns):
        found = schema.field(column.name).type
        if found != ARROW_TYPES[column.type]:
            yield f"{item.path}: {column.name} is {found}, the codebook has {column.type}"
        yield from (f"{item.path}: {line}" for line in _check_values(metadata, place, column))
    closed = [column for column in columns if column.values]
    for column in closed:
        names = {"column": column.name}
        rows = fetch(
            database, "verify_values", names=names, values={"parquet": str(site / item.path)}
        )
        odd = sorted({value for (value,) in rows} - set(column.values))
        if odd:
            yield f"{item.path}: {column.name} holds {odd[0]!r}, which the codebook lacks"


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
        yield f"{column.name} falls to {min(lows)}, the codebook has at least {column.low}"
    if column.high is not None and highs and max(highs) > column.high:
        yield f"{column.name} rises to {max(highs)}, the codebook has at most {column.high}"


def check_formats(
    database: duckdb.DuckDBPyConnection, site: Path, settings: PageSettings
) -> Iterator[str]:
    """Return where a format, a piece or a parent differs from the GeoParquet file."""
    hexagons = {
        item.resolution: item
        for item in settings.downloads
        if item.resolution is not None and item.path.endswith(".parquet")
    }
    if not hexagons:
        yield "data: holds no hexagons"
        return
    resolutions = sorted(hexagons)
    for coarser, finer in pairwise(resolutions):
        yield from _check_parents(database, site, settings, hexagons[coarser], hexagons[finer])
    yield from _check_pieces(database, site, settings, hexagons[resolutions[-1]])
    for item in settings.downloads:
        if item.path.endswith(".gpkg"):
            yield from _check_geopackage(database, site, settings, item)


def _check_parents(
    database: duckdb.DuckDBPyConnection,
    site: Path,
    settings: PageSettings,
    coarser: ListedFile,
    finer: ListedFile,
) -> Iterator[str]:
    pixels = ["valid_pixels", *(f"sealed_pixels_{year}" for year in settings.years)]
    for pair in settings.pairs:
        pixels += [pair.column(name) for name in ("new_sealed_pixels", "unsealed_pixels")]
    ((different,),) = fetch(
        database,
        "verify_parents",
        names={"pixels": pixels, "metres": summed_columns(settings)},
        values={
            "resolution": coarser.resolution,
            "coarser": str(site / coarser.path),
            "finer": str(site / finer.path),
        },
    )
    if different:
        yield f"{coarser.path}: {different} cells are not the sum of those in {finer.path}"


def _check_pieces(
    database: duckdb.DuckDBPyConnection, site: Path, settings: PageSettings, finest: ListedFile
) -> Iterator[str]:
    stem = finest.path.removesuffix(".parquet") + "_by_"
    for folder in sorted((site / "data").glob(f"{Path(stem).name}*")):
        key = folder.name.removeprefix(Path(stem).name)
        if not list(folder.glob("*/*.parquet")):
            continue
        ((different, misplaced),) = fetch(
            database,
            "verify_pieces",
            names={"key": key, "outlines": key != "parent"},
            values={"pieces": f"{folder}/*/*.parquet", "whole": str(site / finest.path)},
        )
        if different:
            yield f"data/{folder.name}: {different} rows differ from {finest.path}"
        if misplaced:
            yield f"data/{folder.name}: {misplaced} rows lie below another parent"
    if not (site / settings.partitions.folder).is_dir():
        yield f"{settings.partitions.folder}: is missing"


def _check_geopackage(
    database: duckdb.DuckDBPyConnection, site: Path, settings: PageSettings, item: ListedFile
) -> Iterator[str]:
    with closing(sqlite3.connect(f"file:{site / item.path}?mode=ro", uri=True)) as package:
        for other in settings.downloads:
            if other.format != "GeoParquet" or (other.rows or 0) > LAYER_LIMIT:
                continue
            layer = other.title if other.resolution is None else f"hexagons_r{other.resolution}"
            columns = ["area_m2"] if other.table == "patches" else summed_columns(settings)
            names = {"columns": columns, "layer": layer}
            rows, *sums = package.execute(statement("verify_geopackage", names)).fetchone()
            (wanted,) = fetch(
                database,
                "verify_totals",
                names={"columns": columns},
                values={"parquet": str(site / other.path)},
            )
            if rows != other.rows:
                yield f"{item.path}: {layer} holds {rows} rows, {other.path} {other.rows}"
            for column, found, total in zip(columns, sums, wanted, strict=True):
                # Sums of up to a million doubles, each exact to 1e-4 m2.
                if abs(found - float(total or 0)) > 0.01:
                    yield f"{item.path}: {column} of {layer} sums to {found}, not {total}"


def check_outlines(
    database: duckdb.DuckDBPyConnection, site: Path, settings: PageSettings
) -> Iterator[str]:
    """Return what is wrong with the geometry of each GeoParquet file.

    ``database`` has the spatial extension. Outlines of areas are the user's own: only what we
    draw must be valid.
    """
    for item in settings.downloads:
        if item.format != "GeoParquet":
            continue
        metadata = pq.read_metadata(site / item.path).metadata or {}
        lines = list(schema_problems(json.loads(metadata.get(b"geo", b"null")), "geoparquet"))
        yield from (f"{item.path}: its metadata 'geo' is wrong at {line}" for line in lines)
        if b"hexseal.inputs" not in metadata:
            yield f"{item.path}: does not state what it was made from"
        if not lines:
            yield from _check_shapes(database, site, item)


def _check_shapes(
    database: duckdb.DuckDBPyConnection, site: Path, item: ListedFile
) -> Iterator[str]:
    values = {"parquet": str(site / item.path)}
    names = {"cells": item.table == "hexagons"}
    ((invalid, boxless, elsewhere),) = fetch(
        database, "verify_outlines", names=names, values=values
    )
    if invalid and item.table != "areas":
        yield f"{item.path}: {invalid} outlines are not valid"
    if boxless:
        yield f"{item.path}: {boxless} outlines reach out of their bbox"
    if elsewhere:
        yield f"{item.path}: {elsewhere} cells do not hold their own centre"
