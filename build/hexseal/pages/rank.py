"""The page that ranks and compares areas: the script's settings and the table without script."""

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from hexseal.codebook.measures import SIGNALS
from hexseal.pages.about import plain_values
from hexseal.pages.addresses import Key
from hexseal.pages.figures import GRADES, AreaFigures
from hexseal.pages.headline import grade_of
from hexseal.pages.locales import Locale, number
from hexseal.pages.settings import Contents, embed
from hexseal.pages.tables import Cell, Writer, interval, sort_name
from hexseal.region.load import Region
from hexseal.types import Pair

# Rows of a layer that the page shows without its script; the script has all.
STATIC_ROWS = 1000
OF_YEAR = ("sealed_m2_{}", "sealed_m2_per_inhabitant_{}")
OF_PAIR = (
    "confirmed_m2_{}", "adjusted_m2_{}", "adjusted_low_m2_{}", "adjusted_high_m2_{}",
    "new_sealed_m2_{}", "unsealed_m2_{}",
)  # fmt: skip
SCRIPT_TEXTS = ("app.rank.", "app.signal.", "app.grade.", "app.interval", "app.none", "app.table.")
# Square metres are whole on this page; figures per inhabitant keep their decimals.
WHOLE_FROM = 1000.0


@dataclass(frozen=True, slots=True)
class RankRow:
    """One area as the page shows it without a script; ``sheet`` leads to its own page."""

    area: AreaFigures
    sheet: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class RankTable:
    """The areas of one layer by name; ``left_out`` counts those that only the script shows."""

    layer: str
    title: str
    rows: tuple[RankRow, ...]
    left_out: int


def rank_columns(region: Region) -> tuple[str, ...]:
    """Return the columns that the page compares, in the order of its rows' values."""
    of_years = (column.format(year) for year in region.years for column in OF_YEAR)
    of_pairs = (column.format(pair.key) for pair in region.pairs for column in OF_PAIR)
    return ("land_m2", *of_years, *of_pairs)


def rank_settings(
    contents: Contents, paths: Mapping[Key, str], locale: Locale, root: str
) -> dict[str, object]:
    """Return what the page's script needs: every area of every layer, and the texts.

    ``paths`` are those of the sheets.
    """
    region = contents.region
    columns = rank_columns(region)
    pairs = [pair.key for pair in region.pairs]
    return {
        "language": locale.language,
        "root": root,
        "id": region.id,
        "years": region.years,
        "pairs": region.pairs,
        "shownPair": contents.shown_pair.name if contents.shown_pair else "",
        "columns": [
            *columns,
            *(f"grade_{pair}" for pair in pairs),
            *(f"signal_{pair}" for pair in pairs),
        ],
        "signals": SIGNALS,
        "grades": GRADES,
        "doubtful": [p for p in region.pairs if contents.judged[p.key].warnings],
        "layers": [
            {
                "layer": layer.layer,
                "title": layer.title[locale.language],
                "rows": [
                    _written(area, contents, columns, paths)
                    for area in _by_name(contents.layer(layer.layer))
                ],
            }
            for layer in region.areas
        ],
        "texts": _texts(locale),
    }


def _texts(locale: Locale) -> dict[str, str]:
    return {key: text for key, text in locale.script_texts.items() if key.startswith(SCRIPT_TEXTS)}


def _written(
    area: AreaFigures, contents: Contents, columns: tuple[str, ...], paths: Mapping[Key, str]
) -> list[object]:
    """Return id, name, path of the sheet, parent, and values in the order of the columns."""
    key = (area.layer, area.id)
    values = [_short(area.m2(column)) for column in columns]
    pairs = contents.region.pairs
    grades = [GRADES.index(grade_of(area, pair, contents.judged[pair.key])) for pair in pairs]
    signals = [SIGNALS.index(area.signals[pair.key]) for pair in pairs]
    return [area.id, area.name, paths[key], contents.parents.get(key), [*values, *grades, *signals]]


def _short(value: float | None) -> float | int | None:
    if value is None or abs(value) < WHOLE_FROM:
        return None if value is None else round(value, 2)
    return round(value)


def rank_tables(contents: Contents, paths: Mapping[Key, str], locale: Locale) -> list[RankTable]:
    """Return the tables that read without the script, one per layer."""
    write, year, pair = Writer(locale), contents.region.years[-1], contents.shown_pair
    tables = []
    for layer in contents.region.areas:
        areas = contents.layer(layer.layer)
        largest = sorted(areas, key=lambda area: (-(area.m2("land_m2") or 0.0), area.id))
        shown = _by_name(largest[:STATIC_ROWS])
        rows = tuple(
            RankRow(area, paths[area.layer, area.id], compare_cells(area, year, pair, write))
            for area in shown
        )
        title = layer.title[locale.language]
        tables.append(RankTable(layer.layer, title, rows, len(areas) - len(rows)))
    return tables


def _by_name(areas: list[AreaFigures] | tuple[AreaFigures, ...]) -> list[AreaFigures]:
    return sorted(areas, key=lambda area: (sort_name(area.name), area.id))


def compare_cells(
    area: AreaFigures, year: int, pair: Pair | None, write: Writer
) -> tuple[Cell, ...]:
    """Return share and area of a year, then what was judged of a pair."""
    stock = (write.share(area.share(year)), write.hectares(area.m2(f"sealed_m2_{year}"), digits=1))
    if pair is None:
        return stock
    return (
        *stock,
        write.hectares(area.m2(pair.column("confirmed_m2")), digits=1),
        write.hectares(area.m2(pair.column("adjusted_m2")), digits=1, signed=True),
        interval(area, pair, write, digits=1),
        write.signal(area.signal(pair)),
    )


def rank_values(
    contents: Contents, paths: Mapping[Key, str], locale: Locale, root: str
) -> dict[str, object]:
    """Return all that the page's template shows."""
    region = contents.region
    pairs = region.pairs
    return plain_values("rank", region, locale) | {
        "last_year": region.years[-1],
        "shown_pair": contents.shown_pair,
        "warned": frozenset(
            p
            for p in pairs
            if contents.judged[p.key].warnings and contents.judged[p.key].reference is None
        ),
        "rank_tables": rank_tables(contents, paths, locale),
        "whole_number": lambda value: number(value, 0, locale.language),
        "rank_settings": Markup(embed(rank_settings(contents, paths, locale, root))),
    }
