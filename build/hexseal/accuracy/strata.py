"""Strata of a reference sample that are classes of the map under another name."""

import re
from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np

from hexseal.accuracy.estimators import CHANGE_CLASSES, change_labels
from hexseal.accuracy.points import ReferenceSample
from hexseal.accuracy.survey import MapSurvey
from hexseal.products import Product
from hexseal.types import Integers, Strings


def plain(name: str) -> str:
    """Return a stratum's name as the map would write it.

    >>> plain(" 1.0 "), plain("Gain")
    ('1', 'gain')
    """
    return re.sub(r"^(\d+)\.0*$", r"\1", name.strip().lower())


def possible_strata(
    sample: ReferenceSample, survey: MapSurvey, product: Product
) -> Iterator[tuple[Strings, Strings]]:
    """Yield namings of the maps' combinations and of the points: classes, sealed or not, change."""
    for year in survey.years:
        columns = survey.column(year)
        yield _named(columns, str)
        if not (sample.is_binary and sample.form == "pairs"):
            yield _named(columns, lambda code: "sealed" if code in product.sealed else "unsealed")
    for pair in combinations(survey.years, 2):
        before, after = (survey.column(year) for year in pair)
        maps, points = (
            np.array(CHANGE_CLASSES)[change_labels(old, new, product.sealed)]
            for old, new in zip(before, after, strict=True)
        )
        yield maps, points


def first_of_each(strata: list[str], used: Integers) -> list[int]:
    """Return the first used row of every stratum.

    >>> first_of_each(["a", "b", "a"], np.array([1, 2, 0]))
    [1, 2]
    """
    first: dict[str, int] = {}
    for row in used.tolist():
        first.setdefault(strata[row], row)
    return list(first.values())


def _named(
    columns: tuple[Integers, Integers], name: Callable[[int], str]
) -> tuple[Strings, Strings]:
    maps, points = (np.array([name(code) for code in part.tolist()]) for part in columns)
    return maps, points
