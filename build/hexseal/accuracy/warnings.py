"""Warnings attached to an accuracy report."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hexseal.accuracy.points import ReferenceSample
from hexseal.accuracy.report import ClassTable

FEW_POINTS = 20
POINT_AND_PIXEL = (
    "a reference point observes a few metres, a pixel of 10 m observes 100 m²: along edges they "
    "differ although neither is wrong, so the accuracies are rather too low than too high"
)
LUCAS_POSITION = (
    "LUCAS points are read at their theoretical position; surveyors describe that place from "
    "where they stand, often without reaching it, and their GPS position is not used"
)
LUCAS_DESIGN = (
    "the file has no weights (column weight or wgt_lucas): LUCAS points are taken as drawn at "
    "random within the map's sealed and unsealed land, although the survey draws some kinds of "
    "land more often than others"
)


def counted(sample: ReferenceSample) -> str:
    """Return how many lines were left out while reading, by reason."""
    reasons_given = ", ".join(f"{count} {reason}" for reason, count in sample.skipped.items())
    return f"left out: {reasons_given}" if reasons_given else "check the column of the reference"


def listed(reasons: NDArray[np.str_]) -> str:
    """Return how many points each reason left out."""
    reasons_given = Counter(reasons[reasons != ""].tolist())
    return ", ".join(f"{count} {reason}" for reason, count in sorted(reasons_given.items()))


def design_in_words(sample: ReferenceSample) -> str:
    """Describe what the weights of the points come from."""
    if sample.weight is not None:
        where = "within the strata of the file" if sample.stratum else "over all points"
        return f"weights of the file, {where}"
    if sample.stratum_size is not None:
        return "strata of the file with their sizes"
    if sample.stratum is not None:
        return "strata of the file, their sizes counted on the map"
    return "stratified by the classes of the map (post-stratified)"


def general_warnings(sample: ReferenceSample) -> Iterator[str]:
    """Yield what holds for every sample of this form."""
    yield POINT_AND_PIXEL
    if sample.form == "LUCAS":
        yield LUCAS_POSITION
        if sample.weight is None:
            yield LUCAS_DESIGN


def year_warnings(sample: ReferenceSample, year: int) -> Iterator[str]:
    """Warn when reference and map are of different years."""
    if sample.survey_year not in (None, year):
        yield (
            f"the reference is of {sample.survey_year}, the map of {year}: what changed between "
            "counts as an error of the map"
        )


def table_warnings(table: ClassTable) -> tuple[str, ...]:
    """Name the map classes with area that few points cover."""
    points = table.counts.sum(axis=1).tolist()
    few = [
        f"{label} ({count})"
        for label, count, m2 in zip(table.labels, points, table.mapped_m2.tolist(), strict=True)
        if m2 > 0 and count < FEW_POINTS
    ]
    if not few:
        return ()
    return (f"fewer than {FEW_POINTS} points: {', '.join(few)}; their figures are rough",)
