"""All checks of a finished site in one report."""

import sqlite3
import struct
import zlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
from google.protobuf.message import DecodeError

from hexseal.errors import HexsealError, VerifyError, shortened
from hexseal.verify.documents import (
    check_checksums,
    check_documents,
    check_hashed_names,
    check_merging,
    digests_of,
)
from hexseal.verify.figures import check_downloads, check_figures, check_warnings
from hexseal.verify.links import check_links, check_scripts
from hexseal.verify.pages import ListedFile, read_settings
from hexseal.verify.tables import check_tables
from hexseal.verify.tiles import check_layers, check_tiles

# What readers raise on damaged bytes: JSON, text, gzip, PNG, PMTiles, Parquet, GeoPackage.
DAMAGE = (
    HexsealError, OSError, EOFError, ValueError, LookupError, TypeError, AttributeError,
    ArithmeticError, AssertionError, RuntimeError, MemoryError, struct.error, zlib.error,
    sqlite3.Error, duckdb.Error, pa.ArrowException, DecodeError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What was looked at and what was wrong, one line each."""

    files: int
    cells: int
    problems: tuple[str, ...]

    @property
    def headline(self) -> str:
        """Return one line that sums the report up."""
        found = f"{len(self.problems)} problems" if self.problems else "no problems"
        return f"{self.files} files, {self.cells:,} hexagons: {found}"


def verify_site(site: Path) -> VerifyReport:
    """Check links and assets, downloads, tiles, and that all figures agree.

    Raises VerifyError only when the folder holds no site at all; what is wrong inside a site is
    a problem of the report.
    """
    index = site / "index.html"
    if not index.is_file():
        raise VerifyError(f"{site}: holds no index.html; name the folder that hexseal build wrote")
    digests = digests_of(site)
    bytes_problems = check_checksums(site, digests)
    # Changed files are named by their checksums, whatever reading them may do.
    problems = [*bytes_problems, *_found(check_hashed_names, site, digests)]
    # The pages keep Python busy, tables DuckDB: they are checked beside each other.
    with ThreadPoolExecutor(1) as pool:
        linked = pool.submit(_found, check_links, site)
        warnings = _found(check_warnings, site)
        cells = 0
        try:
            settings = read_settings(index)
        except DAMAGE as err:
            problems += [*linked.result(), *warnings, f"index.html: {_line(err)}"]
            return VerifyReport(len(digests) + 1, cells, tuple(problems))
        listed = _found(check_scripts, site, settings)
        listed += _found(check_downloads, site, settings, digests)
        listed += _found(check_documents, site, digests)
        contents: list[str] = []
        if not (problems or warnings or listed):
            cells = sum(item.rows or 0 for item in settings.downloads if _is_hexagons(item))
            tiles = [
                pool.submit(_found, each, site, settings) for each in (check_tiles, check_layers)
            ]
            tables = [_found(each, site, settings) for each in (check_figures, check_tables)]
            tables += [each.result() for each in tiles]
            contents = [line for each in tables for line in each]
            contents += _found(check_merging, site, settings)
        # Damaged links speak for themselves: what else such a site holds is not named.
        broken = linked.result()
        problems += [*broken, *warnings, *listed, *([] if broken else contents)]
    return VerifyReport(len(digests) + 1, 0 if broken else cells, tuple(problems))


def _found(check: Callable[..., Iterable[str]], *arguments: object) -> list[str]:
    """Return what a check finds; damage that it cannot read is a finding too."""
    problems: list[str] = []
    try:
        for problem in check(*arguments):
            problems.append(shortened(" ".join(problem.split())))
    except DAMAGE as err:
        name = getattr(check, "__name__", "check").removeprefix("check_")
        problems.append(f"{name}: cannot be checked, a file is damaged ({_line(err)})")
    return problems


def _is_hexagons(item: ListedFile) -> bool:
    return item.resolution is not None and item.path.endswith(".parquet")


def _line(err: BaseException) -> str:
    return shortened(" ".join(str(err).split()) or type(err).__name__, 200)
