"""Sealed area of every year of a unit: as mapped, and adjusted from the first year on."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

from hexseal.pages.figures import AreaFigures
from hexseal.region.load import Region
from hexseal.types import Pair


@dataclass(frozen=True, slots=True)
class YearPoint:
    """Sealed square metres of one year; None where nothing was counted or judged.

    There is no interval: that of a change holds nothing of the level that the change starts from.
    ``is_doubtful`` means that the step from the year before must not be read as change.
    """

    year: int
    raw_m2: float | None
    adjusted_m2: float | None
    is_doubtful: bool = False


def year_points(
    area: AreaFigures, region: Region, doubtful: Collection[Pair] = ()
) -> tuple[YearPoint, ...]:
    """Return one point per year; adjusted = mapped in the first year + adjusted change since.

    The change since is that of the pair of the first year with the point's year where there is
    one, else consecutive changes added up; it is None where one of them is inconclusive.
    """
    first = region.years[0]
    start = area.m2(f"sealed_m2_{first}")
    return tuple(
        YearPoint(
            year,
            area.m2(f"sealed_m2_{year}"),
            _since(area, region, year, start),
            is_doubtful=before is not None and (before, year) in doubtful,
        )
        for before, year in pairwise((None, *region.years))
        if year is not None
    )


def _since(area: AreaFigures, region: Region, year: int, start: float | None) -> float | None:
    """Return the adjusted area of a year."""
    pair = Pair(region.years[0], year)
    if start is None or year == region.years[0]:
        return start
    if pair in region.pairs:
        return _plus(start, area.m2(pair.column("adjusted_m2")))
    return _plus(start, *_steps(area, region.years, year))


def _steps(area: AreaFigures, years: Sequence[int], year: int) -> list[float | None]:
    upto = [known for known in years if known <= year]
    return [area.m2(Pair(*step).column("adjusted_m2")) for step in pairwise(upto)]


def _plus(start: float, *changes: float | None) -> float | None:
    """Return the sum, never below zero; None where a change is not known."""
    known = [change for change in changes if change is not None]
    return max(0.0, start + sum(known)) if len(known) == len(changes) else None
