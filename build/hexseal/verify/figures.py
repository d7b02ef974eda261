"""Parquet, CSV and page: the same rows, totals and warnings."""

import json
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from hexseal.errors import HexsealError
from hexseal.storage.database import connect, fetch
from hexseal.verify.pages import ListedFile, PageSettings
from hexseal.verify.tiles import summed_columns

SUMMARY = "data/summary.json"
# What a CSV leaves out of its Parquet file: indexes that spreadsheets would round, outlines.
NOT_IN_CSV = ("h3", "bbox", "geometry")


def check_downloads(site: Path, settings: PageSettings, digests: Mapping[str, str]) -> list[str]:
    """Return the downloads that are missing or not the bytes that the page lists.

    ``digests`` are the checksums of the files that are there, by path.
    """
    problems = []
    for item in settings.downloads:
        path = site / item.path
        digest = digests.get(item.path)
        if digest is None:
            problems.append(f"{item.path}: is missing")
        elif path.stat().st_size != item.bytes or digest != item.sha256:
            problems.append(f"{item.path}: is not the file that the page lists (SHA-256 differs)")
    return problems


def check_figures(site: Path, settings: PageSettings) -> list[str]:
    """Compare every CSV with its Parquet file and all totals with those that the page prints."""
    problems: list[str] = []
    with connect(site) as database:
        for item in settings.downloads:
            if not item.path.endswith(".parquet"):
                continue
            try:
                if item.resolution is not None:
                    problems += _check_totals(database, site, settings, item)
                problems += _check_csv(database, site, item, settings)
            except (HexsealError, duckdb.Error, pa.ArrowException) as err:
                line = " ".join(str(err).split())
                problems.append(f"{item.path}: cannot be compared ({line})")
    return problems


def _check_csv(
    database: duckdb.DuckDBPyConnection, site: Path, item: ListedFile, settings: PageSettings
) -> list[str]:
    name = item.path.removesuffix(".parquet") + ".csv.gz"
    if name not in [other.path for other in settings.downloads]:
        return []
    values = {"parquet": str(site / item.path), "csv": str(site / name)}
    columns = pq.read_schema(site / item.path).names
    left_out = ", ".join(column for column in NOT_IN_CSV if column in columns)
    ((different,),) = fetch(database, "verify_csv", names={"index": left_out}, values=values)
    return [f"{name}: {different} rows differ from {item.path}"] if different else []


def _check_totals(
    database: duckdb.DuckDBPyConnection, site: Path, settings: PageSettings, item: ListedFile
) -> list[str]:
    printed = _printed(site)
    columns = summed_columns(settings)
    names, values = {"columns": columns}, {"parquet": str(site / item.path)}
    (found,) = fetch(database, "verify_totals", names=names, values=values)
    (lacking,) = fetch(database, "verify_lacking", names=names, values=values)
    return [
        f"{item.path}: {column} sums to {total}, the page prints {printed.get(column)}"
        for column, total, none in zip(columns, found, lacking, strict=True)
        if not _agree(total, printed.get(column), is_partial=none > 0)
    ]


def _agree(total: float | None, printed: float | None, *, is_partial: bool) -> bool:
    """Return whether a total is what the page prints; no total is printed as none.

    Where some hexagons lack the figure the page may print more than they add up to.
    """
    if total is None or printed is None:
        return total is None and printed is None
    # Sums of up to millions of doubles, each exact to 1e-4 m2.
    return abs(float(total) - printed) <= 0.01 or (is_partial and float(total) < printed)


def _printed(site: Path) -> dict[str, float | None]:
    """Return the region's totals by column name, as summary.json holds them."""
    totals = json.loads((site / SUMMARY).read_text(encoding="utf-8"))["totals"]
    return {column: None if value is None else float(value) for column, value in totals.items()}


def check_warnings(site: Path) -> list[str]:
    """Return the dashboards that lack the warning of a pair that is doubtful in summary.json.

    Where a labelled sample supports the region's figures, its reasons are remarks.
    """
    path = site / SUMMARY
    if not path.is_file():
        return [f"{SUMMARY}: is missing"]
    pairs = json.loads(path.read_text(encoding="utf-8")).get("pairs", {})
    doubtful = [
        name.replace("_", "-")
        for name, facts in pairs.items()
        if any(note["severe"] for note in facts["notes"]) and facts.get("grade") != "reference"
    ]
    return [
        f"{page.relative_to(site)}: shows the change {pair} without its warning"
        for page in sorted([*site.glob("index.html"), *site.glob("*/index.html")])
        for pair in doubtful
        if f'class="warning" role="note" id="notes-{pair}"' not in page.read_text(encoding="utf-8")
    ]
