"""What a reference sample found: matrices, accuracies, areas, change, and how it is written.

As JSON, CSV and lines for a terminal, with the warnings that belong to it.
"""

import csv
import io
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hexseal.accuracy.estimators import Z_95, ChangeEstimate, StratifiedEstimate, interval
from hexseal.accuracy.points import ReferenceSample
from hexseal.storage.files import write_bytes
from hexseal.types import Doubles, Integers

Json = dict[str, object]

SEALED = 1
SHARE_DIGITS, AREA_DIGITS = 6, 1


@dataclass(frozen=True, slots=True, eq=False)
class ClassTable:
    """A confusion matrix, map classes as rows, with what it estimates and the mapped areas."""

    labels: tuple[str, ...]
    counts: Integers
    mapped_m2: Doubles
    estimate: StratifiedEstimate

    def to_json(self) -> Json:
        """Return plain values; shares lie in 0 to 1 and so do the ends of their intervals."""
        estimate = self.estimate
        rows = []
        for place, label in enumerate(self.labels):
            row: Json = {
                "class": label,
                "points": int(self.counts[place].sum()),
                "mapped_m2": _rounded(self.mapped_m2[place], AREA_DIGITS),
                "area_m2": area_json(estimate.area[place], estimate.area_se[place]),
                "users_accuracy": share_json(
                    estimate.users_accuracy[place], estimate.users_se[place]
                ),
                "producers_accuracy": share_json(
                    estimate.producers_accuracy[place], estimate.producers_se[place]
                ),
            }
            rows.append(row)
        return {
            "matrix": self.counts.tolist(),
            "proportions": [
                [_rounded(p, SHARE_DIGITS) for p in row] for row in estimate.proportions
            ],
            "classes": rows,
            "overall_accuracy": share_json(estimate.overall_accuracy, estimate.overall_se),
        }


@dataclass(frozen=True, slots=True)
class Greenhouses:
    """Points on greenhouses, of them how many the map calls sealed, and what they count as."""

    points: int
    mapped_sealed: int
    count_as_sealed: bool


@dataclass(frozen=True, slots=True)
class YearAccuracy:
    """One map year: all classes of the sample, and sealed against unsealed land.

    ``survey_year`` is the year of the reference. ``sealed`` has the classes unsealed and sealed.
    ``density_m2`` is the sealed area of a map of densities, whose ``sealed`` pixels are half so.
    """

    year: int
    survey_year: int
    points: int
    skipped: Mapping[str, int]
    table: ClassTable
    sealed: ClassTable
    greenhouses: Greenhouses | None
    warnings: tuple[str, ...]
    density_m2: float | None = None

    @property
    def mapped_m2(self) -> float:
        """Return the sealed area of the map."""
        counted = float(self.sealed.mapped_m2[SEALED])
        return counted if self.density_m2 is None else self.density_m2

    def to_json(self) -> Json:
        """Return plain values."""
        estimate, mapped = self.sealed.estimate, self.mapped_m2
        houses = self.greenhouses
        return {
            "year": self.year,
            "survey_year": self.survey_year,
            "points": self.points,
            "skipped": dict(self.skipped),
            "sealed": {
                "mapped_m2": _rounded(mapped, AREA_DIGITS),
                "area_m2": area_json(estimate.area[SEALED], estimate.area_se[SEALED]),
                "users_accuracy": share_json(
                    estimate.users_accuracy[SEALED], estimate.users_se[SEALED]
                ),
                "producers_accuracy": share_json(
                    estimate.producers_accuracy[SEALED], estimate.producers_se[SEALED]
                ),
            },
            **self.table.to_json(),
            "greenhouses": houses
            and {
                "points": houses.points,
                "mapped_sealed": houses.mapped_sealed,
                "count_as_sealed": houses.count_as_sealed,
            },
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, slots=True)
class ChangeAccuracy:
    """Two map years: the strata stable unsealed, stable sealed, gain and loss."""

    years: tuple[int, int]
    points: int
    table: ClassTable
    change: ChangeEstimate
    warnings: tuple[str, ...]

    def to_json(self) -> Json:
        """Return plain values; the net is gain minus loss."""
        estimate = self.change
        gain, loss = (_rounded(m2, AREA_DIGITS) for m2 in self.table.mapped_m2[2:])
        return {
            "years": list(self.years),
            "points": self.points,
            "mapped_gain_m2": gain,
            "mapped_loss_m2": loss,
            "gain_m2": area_json(estimate.gain, estimate.gain_se),
            "loss_m2": area_json(estimate.loss, estimate.loss_se),
            "net_m2": area_json(estimate.net, estimate.net_se, signed=True),
            **self.table.to_json(),
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, slots=True)
class AccuracyReport:
    """The whole answer; ``design`` is what the points' weights come from."""

    region: str
    points_file: str
    form: str
    design: str
    points: int
    skipped: Mapping[str, int]
    years: tuple[YearAccuracy, ...]
    changes: tuple[ChangeAccuracy, ...]
    warnings: tuple[str, ...]

    def to_json(self) -> Json:
        """Return plain values, the same for the same inputs."""
        return {
            "region": self.region,
            "points_file": self.points_file,
            "form": self.form,
            "design": self.design,
            "points": self.points,
            "skipped": dict(self.skipped),
            "years": [year.to_json() for year in self.years],
            "changes": [change.to_json() for change in self.changes],
            "warnings": list(self.warnings),
        }


def write_report(report: AccuracyReport, path: Path) -> Path:
    """Write the report as JSON and its matrices as CSV beside it; return the latter's path."""
    text = json.dumps(report.to_json(), indent=2, ensure_ascii=False, allow_nan=False)
    matrix = path.with_name(f"{path.stem}_matrix.csv")
    write_bytes(matrix, _matrix_csv(report).encode())
    write_bytes(path, f"{text}\n".encode())
    return matrix


def share_json(value: float, se: float) -> Json:
    """Return a share with its standard error and 95 % interval; null where it is undefined.

    >>> share_json(0.9, 0.1)
    {'value': 0.9, 'se': 0.1, 'low': 0.704, 'high': 1.0}
    """
    low, high = interval(value, se)
    ends = max(low, 0.0), min(high, 1.0)
    return _told(value, se, *ends, digits=SHARE_DIGITS)


def area_json(value: float, se: float, *, signed: bool = False) -> Json:
    """Return an area in m² with its standard error and 95 % interval."""
    low, high = interval(value, se)
    return _told(value, se, low if signed else max(low, 0.0), high, digits=AREA_DIGITS)


def _told(value: float, se: float, low: float, high: float, *, digits: int) -> Json:
    if math.isnan(value) or math.isnan(se):
        return {"value": _rounded(value, digits), "se": None, "low": None, "high": None}
    named = {"value": value, "se": se, "low": low, "high": high}
    return {name: _rounded(number, digits) for name, number in named.items()}


def _rounded(value: float, digits: int) -> float | None:
    # Adding 0.0 takes the sign off a zero.
    return None if math.isnan(value) else round(float(value), digits) + 0.0


def _matrix_csv(report: AccuracyReport) -> str:
    """Return one row per cell of every matrix."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["years", "map", "reference", "points", "proportion"])
    tables = [(str(year.year), year.table) for year in report.years]
    tables += [("-".join(map(str, change.years)), change.table) for change in report.changes]
    for years, table in tables:
        for i, mapped in enumerate(table.labels):
            for j, reference in enumerate(table.labels):
                share = _rounded(table.estimate.proportions[i, j], SHARE_DIGITS)
                writer.writerow([years, mapped, reference, int(table.counts[i, j]), share])
    return stream.getvalue()


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


HECTARE = 10_000.0


def lines_of(report: AccuracyReport) -> Iterator[str]:
    """Yield the report as lines for a terminal; intervals are 95 %."""
    yield f"{report.points_file}: {report.form}, {report.points} points; {report.design}"
    yield from _skipped(report.skipped)
    for year in report.years:
        yield from _year_lines(year)
    for change in report.changes:
        yield from _change_lines(change)
    for warning in report.warnings:
        yield f"warning: {warning}"


def _year_lines(year: YearAccuracy) -> Iterator[str]:
    estimate = year.sealed.estimate
    yield f"{year.year}: {year.points} points compared with the map"
    yield from _skipped(year.skipped)
    yield from _matrix(year.table)
    overall = _share(estimate.overall_accuracy, estimate.overall_se)
    yield f"  overall accuracy {overall} (sealed or not)"
    users = _share(estimate.users_accuracy[SEALED], estimate.users_se[SEALED])
    yield f"  sealed: user's accuracy {users}"
    producers = _share(estimate.producers_accuracy[SEALED], estimate.producers_se[SEALED])
    yield f"  sealed: producer's accuracy {producers}"
    how = "the map counts" if year.density_m2 is None else "its densities add up to"
    yield (
        f"  sealed area {_area(estimate.area[SEALED], estimate.area_se[SEALED])}; {how} "
        f"{year.mapped_m2 / HECTARE:,.1f} ha"
    )
    if year.greenhouses is not None and year.greenhouses.points:
        houses = year.greenhouses
        counted_as = "sealed" if houses.count_as_sealed else "not sealed"
        yield (
            f"  greenhouses (A13): {houses.points} points, {houses.mapped_sealed} of them sealed "
            f"on the map; counted as {counted_as}"
        )
    for warning in year.warnings:
        yield f"  warning: {warning}"


def _change_lines(change: ChangeAccuracy) -> Iterator[str]:
    estimate = change.change
    yield f"{change.years[0]} to {change.years[1]}: {change.points} points of both years"
    yield from _matrix(change.table)
    for name, area, error in (
        ("gain", estimate.gain, estimate.gain_se),
        ("loss", estimate.loss, estimate.loss_se),
        ("net", estimate.net, estimate.net_se),
    ):
        yield f"  {name} {_area(area, error)}"
    for warning in change.warnings:
        yield f"  warning: {warning}"


def _matrix(table: ClassTable) -> Iterator[str]:
    """Yield the confusion matrix: the map's classes down, the reference's across."""
    width = max(15, *(len(label) for label in table.labels))
    heads = [label.split(" ")[0] if label[0].isdigit() else label for label in table.labels]
    wide = max(7, *(len(head) + 1 for head in heads))
    yield f"  {'map / reference':<{width}}" + "".join(f"{head:>{wide}}" for head in heads)
    for label, row in zip(table.labels, table.counts.tolist(), strict=True):
        yield f"  {label:<{width}}" + "".join(f"{count:>{wide}}" for count in row)


def _skipped(skipped: Mapping[str, int]) -> Iterator[str]:
    if skipped:
        yield "  left out: " + ", ".join(f"{count} {why}" for why, count in skipped.items())


def _share(value: float, error: float) -> str:
    return f"{value:.4f} +/- {Z_95 * error:.4f}"


def _area(m2: float, error: float) -> str:
    return f"{m2 / HECTARE:,.1f} +/- {Z_95 * error / HECTARE:,.1f} ha"
