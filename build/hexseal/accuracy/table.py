"""CSV tables as people send them: any case of column names, comma, semicolon or tab, any Unicode.

Where semicolons or tabs separate the cells, numbers may have decimal commas. Cells stay text until
they are asked for; every complaint names the file and the line.
"""

import codecs
import csv
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TextIO

import numpy as np

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


@dataclass(frozen=True, slots=True)
class Table:
    """Chosen columns of a CSV file by lower-case name; ``lines[i]`` is the line row i ends on.

    ``has_commas`` where another sign separates the cells: 6,125 is then a number.
    """

    path: Path
    columns: dict[str, list[str]]
    lines: list[int]
    has_commas: bool = False

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
        raise InputError(f"{self.path}, line {self.lines[row]}: {problem}")


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
    for encoding in _encodings(path):
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


def _encodings(path: Path) -> tuple[str, ...]:
    """Return the encodings to try: Excel's "Unicode text" is UTF-16 and begins with its mark."""
    try:
        with path.open("rb") as stream:
            start = stream.read(2)
    except OSError:
        return ENCODINGS
    return ("utf-16",) if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else ENCODINGS


def _rows(path: Path, stream: TextIO, wanted: Collection[str] | None) -> Table:
    header = stream.readline()
    if not header.strip():
        raise InputError(f"{path}: is empty; the first line must name the columns")
    if "\0" in header:
        raise InputError(f"{path}: is not a text table; save it as UTF-8 CSV")
    delimiter = max(DELIMITERS, key=header.count)
    names = [name.strip().lower() for name in next(csv.reader([header], delimiter=delimiter))]
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice:
        raise InputError(f"{path}: column {twice!r} stands twice in the header; rename one of them")
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
