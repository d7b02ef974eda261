"""Sealed area of every year of a unit: as mapped, and adjusted from the first year on."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

from hexseal.pages.figures import AreaFigures, Pair, name
from hexseal.region.load import Region


@dataclass(frozen=True, slots=True)
class YearPoint:
    """Sealed square metres of one year; None where nothing was counted or judged.

    ``is_doubtful`` says that the step from the year before must not be read as change.
    """

    year: int
    raw_m2: float | None
    adjusted_m2: float | None
    low_m2: float | None
    high_m2: float | None
    is_doubtful: bool = False


def year_points(
    area: AreaFigures, region: Region, doubtful: Collection[Pair] = ()
) -> tuple[YearPoint, ...]:
    """Return one point per year; adjusted = mapped in the first year + adjusted change since.

    The interval is that of the pair of the first year with the point's year, where it was judged
    as a pair. Between, consecutive changes are added and no interval is told: the errors of
    consecutive changes share a map, so that their intervals do not add up.
    """
    first = region.years[0]
    start = area.m2(f"sealed_m2_{first}")
    return tuple(
        YearPoint(
            year,
            area.m2(f"sealed_m2_{year}"),
            *_since(area, region, year, start),
            is_doubtful=before is not None and (before, year) in doubtful,
        )
        for before, year in pairwise((None, *region.years))
        if year is not None
    )


def _since(
    area: AreaFigures, region: Region, year: int, start: float | None
) -> tuple[float | None, float | None, float | None]:
    """Return the adjusted area of a year and the ends of its interval."""
    pair = (region.years[0], year)
    if start is None or year == region.years[0]:
        return start, None, None
    if pair in region.pairs:
        columns = ("adjusted_m2", "adjusted_low_m2", "adjusted_high_m2")
        net, low, high = (area.m2(f"{column}_{name(pair)}") for column in columns)
        return _plus(start, net), _plus(start, low), _plus(start, high)
    return _plus(start, *_steps(area, region.years, year)), None, None


def _steps(area: AreaFigures, years: Sequence[int], year: int) -> list[float | None]:
    upto = [known for known in years if known <= year]
    return [area.m2(f"adjusted_m2_{name(step)}") for step in pairwise(upto)]


def _plus(start: float, *changes: float | None) -> float | None:
    """Return the sum, never below zero; None where a change is not known."""
    known = [change for change in changes if change is not None]
    return max(0.0, start + sum(known)) if len(known) == len(changes) else None
