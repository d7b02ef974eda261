"""An accuracy report as lines for a terminal."""

from collections.abc import Iterator, Mapping

from hexseal.accuracy.estimators import Z_95
from hexseal.accuracy.report import (
    SEALED,
    AccuracyReport,
    ChangeAccuracy,
    ClassTable,
    YearAccuracy,
)

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
    told = year.sealed.estimate
    yield f"{year.year}: {year.points} points compared with the map"
    yield from _skipped(year.skipped)
    yield from _matrix(year.table)
    yield f"  overall accuracy {_share(told.overall_accuracy, told.overall_se)} (sealed or not)"
    yield f"  sealed: user's accuracy {_share(told.users_accuracy[SEALED], told.users_se[SEALED])}"
    producers = _share(told.producers_accuracy[SEALED], told.producers_se[SEALED])
    yield f"  sealed: producer's accuracy {producers}"
    yield (
        f"  sealed area {_area(told.area[SEALED], told.area_se[SEALED])}; the map counts "
        f"{year.sealed.mapped_m2[SEALED] / HECTARE:,.1f} ha"
    )
    if year.greenhouses is not None and year.greenhouses.points:
        houses = year.greenhouses
        said = "sealed" if houses.count_as_sealed else "not sealed"
        yield (
            f"  greenhouses (A13): {houses.points} points, {houses.mapped_sealed} of them sealed "
            f"on the map; counted as {said}"
        )
    for warning in year.warnings:
        yield f"  warning: {warning}"


def _change_lines(change: ChangeAccuracy) -> Iterator[str]:
    told = change.change
    yield f"{change.years[0]} to {change.years[1]}: {change.points} points of both years"
    yield from _matrix(change.table)
    for name, area, error in (
        ("gain", told.gain, told.gain_se),
        ("loss", told.loss, told.loss_se),
        ("net", told.net, told.net_se),
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
