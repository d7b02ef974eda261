"""Which indicators of an area the pages show, and how each is written."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Indicator:
    """A row of a table: its text key app.figure.LABEL and its columns, ``{}`` the year or pair.

    Two columns are the ends of an interval. ``digits`` None means square metres, written as
    hectares; otherwise values are multiplied by ``scale``.
    """

    label: str
    columns: tuple[str, ...]
    digits: int | None = None
    scale: float = 1.0
    signed: bool = False


OF_YEAR = (
    Indicator("corrected", ("sealed_adjusted_m2_{}",)),
    Indicator("corrected_interval", ("sealed_low_m2_{}", "sealed_high_m2_{}")),
    Indicator("per_inhabitant", ("sealed_m2_per_inhabitant_{}",), 0),
    Indicator("index", ("index_{}",), 1),
)
OF_PAIR = (
    Indicator("relative", ("relative_percent_{}",), 2, signed=True),
    Indicator("per_year", ("adjusted_m2_per_year_{}",), signed=True),
    Indicator("detection_limit", ("detection_limit_m2_{}",)),
    Indicator("loss_gain", ("loss_gain_ratio_{}",), 2),
    Indicator("land_rate", ("land_consumption_rate_{}",), 2, 100.0, signed=True),
    Indicator("population_rate", ("population_growth_rate_{}",), 2, 100.0, signed=True),
    Indicator("land_per_population", ("lcrpgr_{}",), 2, signed=True),
)


def indicator_columns(years: Iterable[int], pairs: Iterable[str]) -> tuple[str, ...]:
    """Return the columns of areas.parquet that the indicators need.

    >>> indicator_columns([2018], [])[-2:]
    ('sealed_m2_per_inhabitant_2018', 'index_2018')
    """
    of_years = (c.format(year) for year in years for i in OF_YEAR for c in i.columns)
    of_pairs = (c.format(pair) for pair in pairs for i in OF_PAIR for c in i.columns)
    return (*of_years, *of_pairs)
