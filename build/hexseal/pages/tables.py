"""Tables and cards of the pages as text, so that they read without JavaScript."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from hexseal.config import Region
from hexseal.pages.figures import AreaFigures, Pair, name
from hexseal.pages.locales import Locale
from hexseal.pages.numbers import M2_PER_HECTARE, hectare_digits, number

# More rows than this make a page slow; the rest is in the download that the page names.
AREA_ROWS = 2000


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure as text, and as the number that a table is sorted by (None: no data)."""

    text: str
    value: float | None


@dataclass(frozen=True, slots=True)
class Writer:
    """Write figures in one language with the digits that the whole page uses."""

    locale: Locale

    def hectares(
        self, m2: float | None, *, digits: int | None = None, signed: bool = False
    ) -> Cell:
        """Write square metres as hectares; without ``digits`` the size decides."""
        if m2 is None:
            return self._cell(None, 0)
        value = m2 / M2_PER_HECTARE
        return self._cell(value, hectare_digits(value) if digits is None else digits, signed)

    def share(self, percent: float | None) -> Cell:
        """Write a share of land in percent."""
        return self._cell(percent, 2)

    def points(self, pp: float | None) -> Cell:
        """Write a change in percentage points."""
        return self._cell(pp, 2, signed=True)

    def points_per_year(self, pp: float | None) -> Cell:
        """Write a rate in percentage points per year."""
        return self._cell(pp, 3, signed=True)

    def _cell(self, value: float | None, digits: int, signed: bool = False) -> Cell:
        if value is None:
            return Cell(self.locale.text("figures.none"), None)
        return Cell(number(value, digits, self.locale.language, signed=signed), value)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table of figures: its label and a cell per year or pair."""

    label: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class AreaRow:
    """One area in the table of its layer; ``shares`` by year, ``changes`` five cells by pair."""

    area: AreaFigures
    land: Cell
    shares: tuple[Cell, ...]
    changes: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class AreaTable:
    """The areas of one layer; ``left_out`` counts those beyond the rows that a page shows."""

    layer: str
    title: str
    rows: tuple[AreaRow, ...]
    left_out: int


def state_rows(area: AreaFigures, region: Region, write: Writer) -> list[Row]:
    """Return what was sealed, a column per year."""
    years = region.years
    text = write.locale.text
    return [
        Row(text("app.figure.share"), tuple(write.share(area.share(y)) for y in years)),
        Row(
            text("app.figure.sealed"),
            tuple(write.hectares(area.m2(f"sealed_m2_{y}")) for y in years),
        ),
    ]


def change_rows(area: AreaFigures, region: Region, write: Writer) -> list[Row]:
    """Return what changed, a column per pair."""
    labels = ("new", "unsealed", "net", "net_pp", "net_pp_year")
    columns = [change_cells(area, pair, write) for pair in region.pairs]
    return [
        Row(write.locale.text(f"app.figure.{label}"), tuple(cells[place] for cells in columns))
        for place, label in enumerate(labels)
    ]


def change_cells(
    area: AreaFigures, pair: Pair, write: Writer, *, digits: int | None = None
) -> tuple[Cell, ...]:
    """Return new sealed, unsealed, net (ha), net (pp of land), net per year (pp)."""
    return (
        write.hectares(area.m2(f"new_sealed_m2_{name(pair)}"), digits=digits),
        write.hectares(area.m2(f"unsealed_m2_{name(pair)}"), digits=digits),
        write.hectares(area.net_m2(pair), digits=digits, signed=True),
        write.points(area.net_pp(pair)),
        write.points_per_year(area.net_pp_per_year(pair)),
    )


def area_tables(areas: tuple[AreaFigures, ...], region: Region, write: Writer) -> list[AreaTable]:
    """Return one table per layer, its areas in the reader's alphabet, the largest if too many."""
    return [
        _area_table(layer.layer, layer.title[write.locale.language], areas, region, write)
        for layer in region.areas
    ]


def _area_table(
    layer: str, title: str, areas: tuple[AreaFigures, ...], region: Region, write: Writer
) -> AreaTable:
    found = [area for area in areas if area.layer == layer]
    largest = sorted(found, key=lambda area: (-(area.m2("land_m2") or 0), area.id))[:AREA_ROWS]
    rows = sorted(largest, key=lambda area: (sort_name(area.name), area.id))
    return AreaTable(
        layer=layer,
        title=title,
        rows=tuple(_area_rows(rows, region, write)),
        left_out=len(found) - len(rows),
    )


def sort_name(name: str) -> str:
    """Return what a name is sorted by: neither case nor accents count.

    >>> sorted(["Zell", "Évora", "anse", "Çayac"], key=sort_name)
    ['anse', 'Çayac', 'Évora', 'Zell']
    """
    letters = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _area_rows(areas: list[AreaFigures], region: Region, write: Writer) -> Iterator[AreaRow]:
    for area in areas:
        yield AreaRow(
            area=area,
            land=write.hectares(area.m2("land_m2"), digits=0),
            shares=tuple(write.share(area.share(year)) for year in region.years),
            changes=tuple(change_cells(area, pair, write, digits=1) for pair in region.pairs),
        )
