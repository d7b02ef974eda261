"""Results of units as Parquet, each under a key of what it was made from: a rerun keeps them."""

import json
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hexseal.storage.files import PARTIAL, describe, sha256

FACTS = "unit.json"
# Results are read once, soon and whole: quick to write matters more than small.
PARQUET: dict[str, Any] = {"compression": "lz4", "use_dictionary": False, "write_statistics": False}
KEY_LETTERS = 16
HELD_ROWS = 1 << 16


@dataclass(frozen=True, slots=True)
class UnitStore:
    """The finished units of one stage: a folder for each, named by the unit and its key.

    Can be pickled: workers write, the parent checks what is finished. A folder appears whole or not
    at all, and one whose files are damaged counts as missing.
    """

    folder: Path
    key: str

    def place(self, name: str) -> Path:
        """Return the folder of a unit."""
        return self.folder / f"{name}-{self.key[:KEY_LETTERS]}"

    def write(
        self, name: str, tables: Mapping[str, pa.Table], facts: Mapping[str, object] | None = None
    ) -> None:
        """Write a unit's tables as NAME.parquet each, and small facts that JSON holds."""
        with self.writing(name) as unit:
            for table, rows in tables.items():
                unit.add(table, rows)
            unit.facts.update(facts or {})

    @contextmanager
    def writing(self, name: str) -> Iterator["UnitWriter"]:
        """Yield what takes a unit's tables piece by piece; the unit is finished after the block.

        Nothing is left of one whose block fails.
        """
        place = self.place(name)
        partial = self.folder / f"{PARTIAL}-{name}-{uuid.uuid4().hex}"
        try:
            partial.mkdir(parents=True)
            with UnitWriter(partial) as unit:
                yield unit
            files = {path.name: sha256(path) for path in sorted(partial.iterdir())}
            known = {"files": files, "facts": unit.facts}
            (partial / FACTS).write_text(json.dumps(known, sort_keys=True), encoding="utf-8")
            shutil.rmtree(place, ignore_errors=True)
            # Another worker that had taken the same unit over may be first: it wrote the same.
            with suppress(FileExistsError):
                partial.replace(place)
        except OSError as err:
            if not place.is_dir():
                raise describe(err, place) from err
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def is_finished(self, name: str) -> bool:
        """Return whether a unit's files are there, each with the bytes that were written."""
        place = self.place(name)
        try:
            files = _known(place)["files"]
            return all(sha256(place / file) == digest for file, digest in files.items())
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return False

    def table(self, name: str, table: str) -> Path:
        """Return the file of one of a unit's tables."""
        return self.place(name) / f"{table}.parquet"

    def facts(self, name: str) -> dict[str, Any]:
        """Return the small facts of a finished unit."""
        return _known(self.place(name))["facts"]

    def missing(self, names: Iterable[str]) -> Iterator[str]:
        """Yield the units that are not finished."""
        return (name for name in names if not self.is_finished(name))

    def prune(self, names: Iterable[str]) -> None:
        """Remove what other keys, other units and killed workers left."""
        kept = {self.place(name) for name in names}
        for path in self.folder.iterdir() if self.folder.is_dir() else ():
            if path not in kept:
                shutil.rmtree(path, ignore_errors=True)


class UnitWriter:
    """Takes the tables of one unit piece by piece, so that little is held; use it as a context.

    Pieces of less than HELD_ROWS rows wait for each other: to write one costs more than its rows.
    """

    def __init__(self, folder: Path) -> None:
        self.facts: dict[str, object] = {}
        self._folder = folder
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._held: dict[str, list[pa.Table]] = {}
        self._stack = ExitStack()

    def __enter__(self) -> "UnitWriter":
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        with self._stack:
            if failure is None:
                for table in self._held:
                    self._write(table)

    def add(self, table: str, rows: pa.Table) -> None:
        """Add rows to a table; the first ones, even none, say which columns it has."""
        if table not in self._writers:
            path = self._folder / f"{table}.parquet"
            writer = pq.ParquetWriter(path, rows.schema, **PARQUET)
            self._writers[table] = self._stack.enter_context(writer)
            self._held[table] = []
        held = self._held[table]
        held.append(rows)
        if sum(each.num_rows for each in held) >= HELD_ROWS:
            self._write(table)

    def _write(self, table: str) -> None:
        rows = pa.concat_tables(self._held[table]) if self._held[table] else None
        self._held[table].clear()
        if rows is not None and rows.num_rows:
            self._writers[table].write_table(rows)


def _known(place: Path) -> dict[str, Any]:
    return json.loads((place / FACTS).read_text(encoding="utf-8"))
