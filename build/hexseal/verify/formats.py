"""One table in every format: pieces, GeoPackage and coarser hexagons hold the same figures."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import duckdb

from hexseal.storage.database import fetch, statement
from hexseal.verify.pages import ListedFile, PageSettings
from hexseal.verify.tiles import summed_columns

LAYER_LIMIT = 1_000_000


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
