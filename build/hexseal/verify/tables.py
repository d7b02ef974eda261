"""Everything that is asked of the tables, in one database connection."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from hexseal.storage.database import connect
from hexseal.verify.columns import check_columns
from hexseal.verify.formats import check_formats
from hexseal.verify.outlines import check_outlines
from hexseal.verify.pages import PageSettings


def check_tables(site: Path, settings: PageSettings) -> Iterator[str]:
    """Compare tables with the codebook, with each other in every format, and their outlines."""
    with connect(site, spatial=True) as database:
        for check in (check_columns, check_formats, check_outlines):
            try:
                yield from check(database, site, settings)
            except (duckdb.Error, pa.ArrowException, OSError, ValueError) as err:
                yield f"data: cannot be compared ({' '.join(str(err).split())})"
