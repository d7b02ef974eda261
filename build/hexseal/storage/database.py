"""DuckDB: one connection per stage, SQL from the files in hexseal/sql."""

import importlib.util
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

import duckdb
from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError

from hexseal.errors import InputError, OutputError, ToolError, shortened
from hexseal.storage.workdir import WorkFolder

MEMORY = "512MB"
SqlNames = Mapping[str, object]
SQL = Path(__file__).parents[1] / "sql"
LONGEST_REASON = 200
_TEMPLATES = Environment(
    loader=FileSystemLoader(SQL),
    undefined=StrictUndefined,
    autoescape=False,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a database may use: ``memory`` with its unit, ``threads`` (None: one per core).

    Raises InputError for a memory that is no number with MB, GB, MiB or GiB.

    >>> Limits("4 GB").memory
    '4 GB'
    """

    memory: str = MEMORY
    threads: int | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[1-9]\d*(\.\d+)? ?[MG]i?B", self.memory):
            raise InputError(
                f"--memory {self.memory}: write a number with MB, GB, MiB or GiB, such as 2GB"
            )


_USUAL = Limits()
_limits: ContextVar[Limits] = ContextVar("limits", default=_USUAL)


@contextmanager
def limited(limits: Limits) -> Iterator[None]:
    """Hold every database that is opened in the block to the limits."""
    token = _limits.set(limits)
    try:
        yield
    finally:
        _limits.reset(token)


def remove_spills(work: Path) -> None:
    """Remove what databases of killed builds left in a work folder that no other build uses."""
    for folder in work.glob(WorkFolder(work).spill().name):
        shutil.rmtree(folder, ignore_errors=True)


# An extension out of its PyPI package is code as installed as all other: DuckDB need not check the
# signature of its 81 MB, a third of a second for each database. No other extension is let in.
AS_INSTALLED: dict[str, str | bool | int | float | list[str]] = {
    "allow_unsigned_extensions": "true",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


@contextmanager
def connect(work: Path, *, spatial: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database in memory that spills into ``work`` beyond its memory limit.

    What it spilled is removed with it.
    """
    spill, limits = WorkFolder(work).spill(uuid.uuid4().hex[:8]), _limits.get()
    packaged = _packaged_extension("spatial") if spatial else None
    connection = duckdb.connect(":memory:", config={} if packaged is None else AS_INSTALLED)
    try:
        connection.execute("SET memory_limit = $1", [limits.memory])
        if limits.threads is not None:
            connection.execute("SET threads = $1", [limits.threads])
        connection.execute("SET temp_directory = $1", [str(spill)])
        connection.execute("SET enable_progress_bar = false")
        # What a query no longer uses goes back to the system at once, not when DuckDB ends.
        connection.execute("SET allocator_flush_threshold = '16MB'")
        connection.execute("SET allocator_bulk_deallocation_flush_threshold = '16MB'")
        connection.execute("SET allocator_background_threads = true")
        if spatial:
            _load_spatial(connection, packaged)
        run(connection, "macros")
        yield connection
    finally:
        connection.close()
        shutil.rmtree(spill, ignore_errors=True)


def statement(name: str, names: SqlNames | None = None) -> str:
    """Return the SQL of ``sql/NAME.sql``.

    Only names of columns and tables are filled in (``names``); values are bound.
    """
    try:
        return _TEMPLATES.get_template(f"{name}.sql").render(**(names or {}))
    except (TemplateError, OSError) as err:
        raise ToolError(
            f"{SQL / name}.sql: cannot be used ({type(err).__name__}: {err}); correct this file"
        ) from err


def run(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    *,
    names: SqlNames | None = None,
    values: Mapping[str, object] | None = None,
) -> duckdb.DuckDBPyConnection:
    """Run every statement of ``sql/NAME.sql``; each takes those of ``values`` that it names."""
    for part in duckdb.extract_statements(statement(name, names)):
        bound = {key: (values or {})[key] for key in part.named_parameters}
        try:
            connection.execute(part, bound or None)
        except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException) as err:
            line = " ".join(str(err).split("\n\n")[0].split())
            raise ToolError(
                f"{SQL / name}.sql: {shortened(line, LONGEST_REASON)}; correct this file, or the "
                "column's sql in build/hexseal/codebook"
            ) from err
        except duckdb.IOException as err:
            raise OutputError(
                f"DuckDB cannot read or write a file ({' '.join(str(err).split())}); "
                "check free disk space and permissions"
            ) from err
        except RuntimeError as err:
            # DuckDB wraps Ctrl-C.
            if isinstance(err.__cause__, KeyboardInterrupt):
                raise KeyboardInterrupt from err
            raise
    return connection


def fetch(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    *,
    names: SqlNames | None = None,
    values: Mapping[str, object] | None = None,
) -> list[tuple]:
    """Run ``sql/NAME.sql`` and return the rows of its last statement."""
    return run(connection, name, names=names, values=values).fetchall()


def _load_spatial(connection: duckdb.DuckDBPyConnection, packaged: Path | None) -> None:
    """Load the spatial extension out of its PyPI package, else install it in DuckDB's own way.

    Loading from the package needs no home folder, which containers and services may lack.
    """
    try:
        if packaged is None:
            connection.install_extension("spatial")
        connection.load_extension("spatial" if packaged is None else str(packaged))
    except duckdb.Error as err:
        raise ToolError(
            f"DuckDB {duckdb.__version__}: the spatial extension is missing and cannot be "
            "installed; pip install duckdb-extension-spatial of the same version"
        ) from err


def _packaged_extension(name: str) -> Path | None:
    """Return the extension's file for this DuckDB, None where its package is not installed."""
    found = importlib.util.find_spec(f"duckdb_extension_{name}")
    for folder in (found and found.submodule_search_locations) or []:
        files = Path(folder) / "extensions" / f"v{duckdb.__version__}"
        for file in files.glob(f"{name}.duckdb_extension"):
            return file
    return None


def copy_parquet(connection: duckdb.DuckDBPyConnection, table: str, path: Path) -> None:
    """Write a table as zstd Parquet in the order of its rows."""
    run(connection, "copy_parquet", names={"table": table}, values={"path": str(path)})


def copy_csv(connection: duckdb.DuckDBPyConnection, table: str, path: Path) -> None:
    """Write a table or view as plain CSV in the order of its rows."""
    run(connection, "copy_csv", names={"table": table}, values={"path": str(path)})
