"""Reading the tables of a TOML file: every failure is a RegionError that names the key."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, TypeVar

from hexseal.errors import InputError, RegionError

Table = Mapping[str, object]
T = TypeVar("T")


def usual(kind: type, key: str) -> Any:
    """Return the default of a dataclass's field: there, and only there, a key's default stands."""
    (found,) = (field for field in fields(kind) if field.name == key)
    assert found.default is not MISSING
    return found.default


def read_toml(path: Path) -> "TableReader":
    """Return the top table of a TOML file; raise InputError where it cannot be read."""
    try:
        return TableReader(tomllib.loads(path.read_text(encoding="utf-8")), "")
    except OSError as err:
        raise InputError(f"{path}: cannot be read ({err.strerror})") from err
    except (ValueError, RecursionError) as err:
        raise InputError(f"{path}: is not TOML, or nested too deeply ({err})") from err


class TableReader:
    """Take keys out of one TOML table and complain of those left over."""

    def __init__(self, table: Table, where: str) -> None:
        self.table = dict(table)
        self.where = where

    def name(self, key: str) -> str:
        """Return how a message calls a key."""
        return f"[{self.where}] {key}" if self.where else f"[{key}]"

    def take(self, key: str, kind: type[T], default: object = ...) -> T:
        """Take a key of one type; without a default it must be there."""
        if key not in self.table:
            if default is ...:
                raise RegionError(f"{self.name(key)} is missing")
            return default  # type: ignore[return-value]
        value = self.table.pop(key)
        # To Python true and false are whole numbers; to a region file they are not.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind not in (bool, object)):
            raise RegionError(
                f"{self.name(key)} = {value!r} is a {_toml_type(value)}, not a {_KINDS[kind]}"
            )
        if kind is str and (not value.strip() or not value.isprintable()):  # type: ignore[attr-defined]
            fault = "holds a control character" if value.strip() else "is empty"  # type: ignore[attr-defined]
            raise RegionError(f"{self.name(key)} {fault}")
        return value

    def text(self, key: str, default: object = ...) -> str:
        """Take a text that is not empty."""
        return self.take(key, str, default)

    def number(self, key: str, default: object = ...) -> float:
        """Take a number, whole or not."""
        value = self.table.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            self.table[key] = float(value)
        return self.take(key, float, default)

    def child(self, key: str) -> "TableReader":
        """Take a table; none reads as empty."""
        return TableReader(self.take(key, dict, {}), f"{self.where}.{key}" if self.where else key)

    def children(self, key: str) -> "list[TableReader]":
        """Take an array of tables."""
        tables = self.take(key, list, [])
        if not all(isinstance(table, dict) for table in tables):
            raise RegionError(f"[[{key}]] must be written as tables: [[{key}]]")
        return [TableReader(table, f"{key} {n}") for n, table in enumerate(tables, 1)]

    def numbers(self, key: str, count: int) -> tuple[float, ...] | None:
        """Take a list of so many finite numbers, None where the key is absent."""
        if key not in self.table:
            return None
        values = self.take(key, list)
        right = [isinstance(v, (int, float)) and not isinstance(v, bool) for v in values]
        if len(values) != count or not all(right) or not all(map(math.isfinite, values)):
            raise RegionError(f"{self.name(key)} = {values!r} is not a list of {count} numbers")
        return tuple(float(v) for v in values)

    def titles(self, key: str, languages: tuple[str, ...], default: str) -> dict[str, str]:
        """Take a text, or one for each language."""
        value = self.table.pop(key, default)
        if isinstance(value, str):
            return dict.fromkeys(languages, value)
        if not isinstance(value, dict) or not value:
            raise RegionError(f"{self.name(key)} = {value!r} is neither a text nor a table of them")
        for language, title in value.items():
            if not isinstance(title, str) or not title.strip():
                raise RegionError(f"{self.name(key)}.{language} = {title!r} is not a text")
        first = next(iter(value.values()))
        return {language: value.get(language, first) for language in languages}

    def done(self) -> None:
        """Reject keys that nobody took."""
        if self.table:
            key = next(iter(self.table))
            raise RegionError(
                f"{self.name(key)} is not a key that hexseal knows; see hexseal schema or "
                "docs/reference/region.md"
            )


_KINDS: dict[type, str] = {
    str: "text", int: "whole number", float: "number", bool: "true or false", list: "list",
    dict: "table",
}  # fmt: skip


def _toml_type(value: object) -> str:
    return _KINDS.get(type(value), type(value).__name__)
