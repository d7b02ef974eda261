"""Tables and cards of the pages as text, so that they read without JavaScript."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from hexseal.codebook.indicators import INDICATORS_OF_PAIR, INDICATORS_OF_YEAR, Indicator
from hexseal.pages.figures import NO_SIGNAL, AreaFigures
from hexseal.pages.locales import M2_PER_HECTARE, Locale, hectare_digits, number
from hexseal.region.load import Region
from hexseal.types import Pair

# A signal is sorted by this.
SIGNAL_ORDER = {"gain": 1.0, "within_noise": 0.0, "loss": -1.0}
# The dashboard has room for so many areas of a layer; the page of areas lists the longer ones.
AREA_ROWS = 200


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

    def interval(self, low: float | None, high: float | None, *, digits: int | None = None) -> Cell:
        """Write an interval of square metres in hectares, both ends with the same decimals."""
        if low is None or high is None:
            return self._cell(None, 0)
        if digits is None:
            digits = hectare_digits(max(abs(low), abs(high)) / M2_PER_HECTARE)
        ends = [self.hectares(end, digits=digits, signed=low < 0).text for end in (low, high)]
        text = self.locale.text("app.interval", low=ends[0], high=ends[1])
        return Cell(text, low / M2_PER_HECTARE)

    def signal(self, signal: str) -> Cell:
        """Write in words whether a change stands out from the noise."""
        key = "figures.none" if signal == NO_SIGNAL else f"app.signal.{signal}"
        return Cell(self.locale.text(key), SIGNAL_ORDER.get(signal))

    def indicator(self, indicator: Indicator, values: list[float | None]) -> Cell:
        """Write an indicator from the values of its columns."""
        value = values[0]
        if len(values) > 1:
            return self.interval(values[0], values[1])
        if indicator.digits is None:
            return self.hectares(value, signed=indicator.signed)
        scaled = None if value is None else value * indicator.scale
        return self._cell(scaled, indicator.digits, indicator.signed)

    def _cell(self, value: float | None, digits: int, signed: bool = False) -> Cell:
        if value is None:
            return Cell(self.locale.text("figures.none"), None)
        return Cell(number(value, digits, self.locale.language, signed=signed), value)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table of figures: its label and a cell per year or pair.

    ``is_raw`` marks what only compares the maps, noise included.
    """

    label: str
    cells: tuple[Cell, ...]
    is_raw: bool = False


@dataclass(frozen=True, slots=True)
class AreaRow:
    """One area in the table of its layer; ``shares`` by year, ``changes`` cells by pair."""

    area: AreaFigures
    land: Cell
    shares: tuple[Cell, ...]
    changes: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class AreaTable:
    """The areas of one layer; ``left_out`` counts them where they are too many for the page."""

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
        *_indicator_rows(area, INDICATORS_OF_YEAR, [str(year) for year in years], write),
    ]


def change_rows(area: AreaFigures, region: Region, write: Writer) -> list[Row]:
    """Return what changed, a column per pair: what was judged, then the raw maps."""
    judged = ("confirmed", "adjusted", "interval", "signal", "adjusted_pp")
    raw = ("new", "unsealed", "net", "net_pp")
    columns = [_change_cells(area, pair, write) for pair in region.pairs]
    return [
        Row(
            write.locale.text(f"app.figure.{label}"),
            tuple(cells[label] for cells in columns),
            label in raw,
        )
        for label in judged + raw
    ]


def indicator_rows(area: AreaFigures, region: Region, write: Writer) -> list[Row]:
    """Return what else is known of each pair; nothing where no figure is known."""
    return _indicator_rows(area, INDICATORS_OF_PAIR, [pair.key for pair in region.pairs], write)


def _indicator_rows(
    area: AreaFigures, indicators: tuple[Indicator, ...], names: list[str], write: Writer
) -> list[Row]:
    rows = []
    for indicator in indicators:
        values = [[area.m2(c.format(key)) for c in indicator.columns] for key in names]
        if any(value is not None for found in values for value in found):
            label = write.locale.text(f"app.figure.{indicator.label}")
            rows.append(Row(label, tuple(write.indicator(indicator, found) for found in values)))
    return rows


def _change_cells(area: AreaFigures, pair: Pair, write: Writer) -> dict[str, Cell]:
    key = pair.key
    return {
        "confirmed": write.hectares(area.m2(f"confirmed_m2_{key}")),
        "adjusted": write.hectares(area.m2(f"adjusted_m2_{key}"), signed=True),
        "interval": interval(area, pair, write),
        "signal": write.signal(area.signal(pair)),
        "adjusted_pp": write.points(area.adjusted_pp(pair)),
        "new": write.hectares(area.m2(f"new_sealed_m2_{key}")),
        "unsealed": write.hectares(area.m2(f"unsealed_m2_{key}")),
        "net": write.hectares(area.net_m2(pair), signed=True),
        "net_pp": write.points(area.net_pp(pair)),
    }


def interval(area: AreaFigures, pair: Pair, write: Writer, *, digits: int | None = None) -> Cell:
    """Return the interval of the adjusted net change."""
    ends = (area.m2(pair.column(f"adjusted_{end}_m2")) for end in ("low", "high"))
    return write.interval(*ends, digits=digits)


def area_cells(area: AreaFigures, pair: Pair, write: Writer) -> tuple[Cell, ...]:
    """Return a pair's cells of the table of areas: judged, then raw; the same digits in all."""
    key = pair.key
    return (
        write.hectares(area.m2(f"confirmed_m2_{key}"), digits=1),
        write.hectares(area.m2(f"adjusted_m2_{key}"), digits=1, signed=True),
        interval(area, pair, write, digits=1),
        write.signal(area.signal(pair)),
        write.hectares(area.m2(f"new_sealed_m2_{key}"), digits=1),
        write.hectares(area.m2(f"unsealed_m2_{key}"), digits=1),
    )


def area_tables(areas: tuple[AreaFigures, ...], region: Region, write: Writer) -> list[AreaTable]:
    """Return one table per layer, its areas in the reader's alphabet; without rows if too many."""
    return [
        _area_table(layer.layer, layer.title[write.locale.language], areas, region, write)
        for layer in region.areas
    ]


def _area_table(
    layer: str, title: str, areas: tuple[AreaFigures, ...], region: Region, write: Writer
) -> AreaTable:
    found = [area for area in areas if area.layer == layer]
    listed = found if len(found) <= AREA_ROWS else []
    rows = sorted(listed, key=lambda area: (sort_name(area.name), area.id))
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
            changes=tuple(area_cells(area, pair, write) for pair in region.pairs),
        )
