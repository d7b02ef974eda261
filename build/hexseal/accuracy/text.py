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
        counted = "sealed" if houses.count_as_sealed else "not sealed"
        yield (
            f"  greenhouses (A13): {houses.points} points, {houses.mapped_sealed} of them sealed "
            f"on the map; counted as {counted}"
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
