"""What a reference sample found: matrices, accuracies, areas, change, and how it is written."""

import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hexseal.accuracy.estimators import ChangeEstimate, StratifiedEstimate, interval
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
