"""A column of a published table: a template, and the columns it stands for in a region."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import pyarrow as pa

from hexseal.types import Pair

Text = Mapping[str, str]
Per = Literal["table", "year", "pair", "layer"]
# Where else than in the datasets a figure of hexagons and areas is used: ``tile``, a property of
# the map's hexagons; ``sum``, hexagons add up to it in areas; ``shape``, a page adds it up for a
# shape that its reader draws.
Use = Literal["tile", "sum", "shape"]
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
    """What the templates of a region are filled with; pairs as (first, second) year.

    ``density`` where the region's maps are densities, of which some columns mean something else.
    """

    years: tuple[int, ...]
    pairs: tuple[Pair, ...]
    layers: tuple[str, ...]
    density: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """One column, or a template of several.

    ``name``, ``formula`` and ``sql`` may hold {year}, {pair} (A_B), {first}, {second}, {span} or
    {layer}; of a year also {base}, the first year, and {since_base}, the adjusted change since.
    ``unit`` is "" where there is none. ``low`` and ``high`` are included; None: no bound.
    ``values`` lists what a closed set may hold. ``null`` explains a missing value, None where none
    may be missing. ``text`` describes the column, by language. ``sql`` computes a column of
    hexagons or areas in statistics (sql/measures.sql: what it may use); "": by its own name.
    ``uses`` are further places of the figure. ``of_densities`` is ``text`` where the maps are
    densities and the words differ; ``sql`` may hold {m2} and {percent}: see spread_out.
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
    sql: str = ""
    uses: tuple[Use, ...] = ()
    template: str = field(default="")
    of_densities: Text | None = None

    def filled(self, **names: object) -> "Column":
        """Return the column that the template stands for."""
        return replace(
            self,
            name=self.name.format(**names),
            formula=self.formula.format(**names),
            sql=self.sql.format(**names),
            text={language: text.format(**names) for language, text in self.text.items()},
            template=self.name,
        )


def spread_out(columns: tuple[Column, ...], per: Per, spread: Spread) -> tuple[Column, ...]:
    """Return a block of templates once for each year, pair or layer of a region.

    {m2} is what counts of sealed area are divided by to be square metres, {percent} the further
    division of their shares: of densities they are area times per cent.

    >>> share = Column("share_{year}", "DOUBLE", {"en": "Share in {year}"})
    >>> [c.name for c in spread_out((share,), "year", Spread((2018, 2021), (), ()))]
    ['share_2018', 'share_2021']
    """
    names: list[dict[str, object]] = [{}]
    if per == "year":
        names = [{"year": year, **_since_first(year, spread)} for year in spread.years]
    elif per == "pair":
        names = [
            {"pair": pair.key, "first": pair.first, "second": pair.second, "span": pair.span}
            for pair in spread.pairs
        ]
    elif per == "layer":
        names = [{"layer": layer} for layer in spread.layers]
    units = {"m2": "1e4", "percent": ""}
    if spread.density:
        units = {"m2": "1e6", "percent": " / 100"}
        columns = tuple(replace(each, text=each.of_densities or each.text) for each in columns)
    return tuple(column.filled(**values, **units) for values in names for column in columns)


def _since_first(year: int, spread: Spread) -> dict[str, object]:
    """Return the first year, and the SQL of the adjusted change since then.

    It is that of the pair itself where the pair was judged, else the sum of all steps.
    """
    first = spread.years[0]
    steps = [
        f"adjusted_m2_{pair.key}"
        for pair in spread.pairs
        if pair.second <= year
        and spread.years.index(pair.second) - spread.years.index(pair.first) == 1
    ]
    whole = Pair(first, year)
    since = (
        f"adjusted_m2_{whole.key}" if whole in spread.pairs else f"({' + '.join(['0', *steps])})"
    )
    return {"base": first, "since_base": since}
