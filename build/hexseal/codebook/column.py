"""A column of a published table: a template, and the columns it stands for in a region."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import pyarrow as pa

from hexseal.types import Pair

Text = Mapping[str, str]
Per = Literal["table", "year", "pair", "layer"]
# Names of DuckDB; the Parquet types follow.
ColumnType = Literal[
    "UBIGINT", "BIGINT", "INTEGER", "SMALLINT", "UTINYINT", "DOUBLE", "BOOLEAN", "VARCHAR"
]
ARROW_TYPES: Mapping[ColumnType, pa.DataType] = {
    "UBIGINT": pa.uint64(),
    "BIGINT": pa.int64(),
    "INTEGER": pa.int32(),
    "SMALLINT": pa.int16(),
    "UTINYINT": pa.uint8(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "VARCHAR": pa.string(),
}


@dataclass(frozen=True, slots=True)
class Spread:
    """What the templates of a region are filled with; pairs as (first, second) year."""

    years: tuple[int, ...]
    pairs: tuple[Pair, ...]
    layers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """One column, or a template of several.

    ``name`` and ``formula`` may hold {year}, {pair} (A_B), {first}, {second} or {layer}.
    ``unit`` is "" where there is none. ``low`` and ``high`` are included; None: no bound.
    ``values`` lists what a closed set may hold. ``null`` says what a missing value means, None
    where none may be missing. ``text`` tells what the column is, by language.
    """

    name: str
    type: ColumnType
    text: Text
    unit: str = ""
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] = ()
    null: Text | None = None
    formula: str = ""
    template: str = field(default="")

    def filled(self, **names: object) -> "Column":
        """Return the column that the template stands for."""
        return replace(
            self,
            name=self.name.format(**names),
            formula=self.formula.format(**names),
            text={language: text.format(**names) for language, text in self.text.items()},
            template=self.name,
        )


def spread_out(columns: tuple[Column, ...], per: Per, spread: Spread) -> tuple[Column, ...]:
    """Return a block of templates once for each year, pair or layer of a region.

    >>> share = Column("share_{year}", "DOUBLE", {"en": "Share in {year}"})
    >>> [c.name for c in spread_out((share,), "year", Spread((2018, 2021), (), ()))]
    ['share_2018', 'share_2021']
    """
    names: list[dict[str, object]] = [{}]
    if per == "year":
        names = [{"year": year} for year in spread.years]
    elif per == "pair":
        names = [
            {"pair": pair.key, "first": pair.first, "second": pair.second, "span": pair.span}
            for pair in spread.pairs
        ]
    elif per == "layer":
        names = [{"layer": layer} for layer in spread.layers]
    return tuple(column.filled(**values) for values in names for column in columns)
