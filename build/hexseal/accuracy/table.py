"""Tables as people send them: CSV in any dialect, GeoPackage, GeoParquet; any case of columns.

Where semicolons or tabs separate the cells of CSV, numbers may have decimal commas. Cells stay text
until they are parsed, whatever the format: the same cell is refused alike everywhere, and every
message names the file and the line or row.
"""

import codecs
import csv
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TextIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pyogrio.errors
import pyogrio.raw

from hexseal.errors import InputError
from hexseal.types import Doubles

# Eurostat's files are UTF-8 or, some of them, Latin-1, which any bytes are.
ENCODINGS = ("utf-8-sig", "latin-1")
DELIMITERS = ",;\t"
# Plain digits only: float() also takes underscores, other scripts' digits, inf.
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+(?:[eE][+-]?[0-9]+)?")
# What R, pandas and databases write for an empty cell.
NOTHING = frozenset({"", "NA", "NAN", "NULL"})
# The first bytes of a GeoPackage, which is an SQLite file, and of Parquet.
SQLITE, PARQUET = b"SQLite format 3", b"PAR1"


@dataclass(frozen=True, slots=True)
class Table:
    """Chosen columns of a file by lower-case name; ``lines[i]`` is the line row i ends on.

    ``has_commas`` where another sign separates the cells: 6,125 is then a number. ``counted`` is
    "row" where a file has rows and no lines.
    """

    path: Path
    columns: dict[str, list[str]]
    lines: list[int]
    has_commas: bool = False
    counted: str = "line"

    def __contains__(self, column: str) -> bool:
        return column in self.columns

    def __len__(self) -> int:
        return len(self.lines)

    def texts(self, column: str) -> list[str]:
        """Return the cells of a column without blanks around them."""
        return self.columns[column]

    def numbers(self, column: str) -> Doubles:
        """Return a column as numbers, NaN where a cell is empty; InputError where it is text."""
        values = np.full(len(self), np.nan)
        for row, cell in enumerate(self.columns[column]):
            if cell.upper() in NOTHING:
                continue
            if self.has_commas and DECIMAL_COMMA.fullmatch(cell):
                cell = cell.replace(",", ".")
            if not NUMBER.fullmatch(cell) or not np.isfinite(value := float(cell)):
                self.refuse(
                    row, f"{column} = {cell!r} is not a number; write numbers such as 6.125 there"
                )
            values[row] = value
        return values

    def refuse(self, row: int, problem: str) -> NoReturn:
        """Raise InputError that names the file and the line of a row."""
        raise InputError(f"{self.path}, {self.counted} {self.lines[row]}: {problem}")


def column_names(path: Path) -> tuple[str, ...]:
    """Return the lower-case column names of a table; InputError when it cannot be read."""
    return tuple(_read(path, None).columns)


def read_table(path: Path, columns: Collection[str]) -> Table:
    """Read those of the named columns that a table has; InputError when it has no row."""
    table = _read(path, columns)
    if not len(table):
        raise InputError(f"{path}: holds no row below its header; give at least one point")
    return table


def _read(path: Path, wanted: Collection[str] | None) -> Table:
    """Read a table, or only its header when no column is ``wanted``."""
    start = _start(path)
    if start.startswith(SQLITE):
        return _geopackage(path, wanted)
    if start.startswith(PARQUET):
        return _parquet(path, wanted)
    for encoding in _encodings(start):
        try:
            with path.open(encoding=encoding, newline="") as stream:
                return _rows(path, stream, wanted)
        except UnicodeError:
            continue
        except csv.Error as err:
            raise InputError(f"{path}: is not a CSV table ({err}); save it as UTF-8 CSV") from err
        except FileNotFoundError as err:
            raise InputError(f"{path}: no such file; check the path of the points") from err
        except OSError as err:
            raise InputError(f"{path}: cannot be read ({err.strerror or err})") from err
    raise InputError(f"{path}: is not a text table; save it as UTF-8 CSV")


def _start(path: Path) -> bytes:
    """Return the first bytes of a file, none where it cannot be read."""
    try:
        with path.open("rb") as stream:
            return stream.read(len(SQLITE))
    except OSError:
        return b""


def _encodings(start: bytes) -> tuple[str, ...]:
    """Return the encodings to try: Excel's "Unicode text" is UTF-16 and begins with its mark."""
    is_wide = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return ("utf-16",) if is_wide else ENCODINGS


def _geopackage(path: Path, wanted: Collection[str] | None) -> Table:
    """Read the one layer with shapes, or the one layer; without the shapes."""
    try:
        layers = pyogrio.list_layers(path)
        shaped = [name for name, geometry in layers if geometry] or [name for name, _ in layers]
        if len(shaped) != 1:
            raise InputError(
                f"{path}: holds {len(shaped)} layers ({', '.join(shaped)}); keep one of them"
            )
        layer = shaped[0]
        chosen = _chosen(path, pyogrio.read_info(path, layer=layer)["fields"].tolist(), wanted)
        if wanted is None:
            return _table(path, {name: [] for name in chosen})
        facts, _, _, columns = pyogrio.raw.read(
            path, layer=layer, columns=list(chosen.values()), read_geometry=False
        )
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as err:
        raise InputError(f"{path}: cannot be read as GeoPackage; save it again or as CSV") from err
    found = dict(zip(facts["fields"].tolist(), columns, strict=True))
    return _table(path, {name: found[field].tolist() for name, field in chosen.items()})


def _parquet(path: Path, wanted: Collection[str] | None) -> Table:
    try:
        with pq.ParquetFile(path) as file:
            chosen = _chosen(path, file.schema_arrow.names, wanted)
            if wanted is None:
                return _table(path, {name: [] for name in chosen})
            table = file.read(columns=list(chosen.values()))
    except (pa.ArrowException, OSError) as err:
        raise InputError(f"{path}: cannot be read as Parquet; save it again or as CSV") from err
    return _table(path, {name: table[field].to_pylist() for name, field in chosen.items()})


def _chosen(path: Path, fields: Sequence[str], wanted: Collection[str] | None) -> dict[str, str]:
    """Return the field of each lower-case name that is wanted; all where ``wanted`` is None."""
    names = [field.strip().lower() for field in fields]
    _refuse_twice(path, names)
    pairs = zip(names, fields, strict=True)
    return {name: field for name, field in pairs if wanted is None or name in wanted}


def _table(path: Path, cells: dict[str, list]) -> Table:
    """Return typed columns as text; rows count from 1."""
    columns = {name: [_text(cell) for cell in column] for name, column in cells.items()}
    rows = max((len(column) for column in columns.values()), default=0)
    return Table(path, columns, list(range(1, rows + 1)), counted="row")


def _text(cell: object) -> str:
    """Return a typed cell as CSV would hold it; no value and NaN are empty.

    >>> _text(3.0), _text(0.25), _text(None), _text(float("nan")), _text(" a ")
    ('3', '0.25', '', '', 'a')
    """
    if cell is None or cell != cell:
        return ""
    if isinstance(cell, float):
        return repr(cell).removesuffix(".0")
    return str(cell).strip()


def _refuse_twice(path: Path, names: Sequence[str]) -> None:
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice:
        raise InputError(f"{path}: column {twice!r} stands twice in the header; rename one of them")


def _rows(path: Path, stream: TextIO, wanted: Collection[str] | None) -> Table:
    header = stream.readline()
    if not header.strip():
        raise InputError(f"{path}: is empty; the first line must name the columns")
    if "\0" in header:
        raise InputError(f"{path}: is not a text table; save it as UTF-8 CSV")
    delimiter = max(DELIMITERS, key=header.count)
    names = [name.strip().lower() for name in next(csv.reader([header], delimiter=delimiter))]
    _refuse_twice(path, names)
    if wanted is None:
        return Table(path, {name: [] for name in names}, [])
    places = {name: names.index(name) for name in names if name in wanted}
    table = Table(path, {name: [] for name in places}, [], has_commas=delimiter != ",")
    rows = csv.reader(stream, delimiter=delimiter)
    for cells in rows:
        if any(map(str.strip, cells)):
            _take(table, cells, places, rows.line_num + 1, len(names))
    return table


def _take(
    table: Table, cells: Sequence[str], places: dict[str, int], line: int, width: int
) -> None:
    if len(cells) != width:
        raise InputError(
            f"{table.path}, line {line}: has {len(cells)} cells where the header names {width} "
            "columns; fix the line"
        )
    for name, place in places.items():
        table.columns[name].append(cells[place].strip())
    table.lines.append(line)
