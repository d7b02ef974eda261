"""GeoParquet by a reader that did not write it: DuckDB, and the schema of its metadata."""

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from hexseal.metadata import schema_problems
from hexseal.storage.database import fetch
from hexseal.verify.pages import ListedFile, PageSettings


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
            yield f"{item.path}: does not tell what it was made from"
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
