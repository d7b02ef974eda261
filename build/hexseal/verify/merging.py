"""The counts that joining needs: the bytes that the record names, and the region's own total."""

import json
from pathlib import Path

import duckdb

from hexseal.errors import InputError
from hexseal.exchange.record import FOLDER, RECORD, damaged_files, has_record, read_record
from hexseal.storage.database import connect, fetch
from hexseal.verify.figures import SUMMARY
from hexseal.verify.pages import PageSettings


def check_merging(site: Path, settings: PageSettings) -> list[str]:
    """Return what is wrong with the counts for merging; a site without them has none."""
    if not has_record(site):
        return []
    try:
        record = read_record(site)
    except InputError as err:
        return [str(err)]
    problems = damaged_files(site, record)
    return problems or _check_total(site, settings)


def _check_total(site: Path, settings: PageSettings) -> list[str]:
    """Compare the valid area of the counted cells with the one that the page prints."""
    totals = json.loads((site / SUMMARY).read_text(encoding="utf-8"))["totals"]
    name = f"{FOLDER}/cells.parquet"
    try:
        with connect(site) as database:
            ((valid_m2,),) = fetch(
                database,
                "verify_counts",
                names={"years": settings.years},
                values={"cells": str(site / name)},
            )
    except duckdb.Error as err:
        return [f"{name}: cannot be read ({' '.join(str(err).split())}); {RECORD} names it"]
    printed = totals["valid_m2"]
    if abs(valid_m2 - printed) > 0.01:
        return [f"{name}: valid area sums to {valid_m2} m2, the page prints {printed}"]
    return []
