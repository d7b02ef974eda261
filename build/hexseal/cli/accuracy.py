"""The command ``hexseal accuracy`` and what it prints."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import click

from hexseal.accuracy.estimators import Z_95
from hexseal.accuracy.report import (
    SEALED,
    AccuracyReport,
    ChangeAccuracy,
    ClassTable,
    YearAccuracy,
    write_report,
)
from hexseal.accuracy.stage import assess_accuracy
from hexseal.progress import Progress
from hexseal.region.load import load_region

HECTARE = 10_000.0


class Teller(Protocol):
    """The part of the console that this command needs."""

    def say(self, line: str) -> None:
        """Print one line."""
        ...

    @property
    def progress(self) -> Progress:
        """Return where progress goes."""
        ...


@click.command()
@click.argument("region", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("points", type=click.Path(path_type=Path))
@click.option("--crs", default="EPSG:4326", show_default=True, help="CRS of columns x and y.")
@click.option("--year", type=int, help="Map year, where the sample does not say it.")
@click.option(
    "--greenhouses/--no-greenhouses",
    default=False,
    show_default=True,
    help="Count LUCAS greenhouses (A13) as sealed.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("accuracy.json"),
    show_default=True,
    help="Report; its matrices go beside it as CSV.",
)
@click.pass_obj
def accuracy(
    console: Teller,
    region: Path,
    points: Path,
    crs: str,
    year: int | None,
    greenhouses: bool,
    output: Path,
) -> None:
    """Compare the maps of a region with a reference sample or the LUCAS survey.

    Example: hexseal accuracy regions/sample.toml points.csv --crs EPSG:3035 -o accuracy.json
    """
    report = assess_accuracy(
        load_region(region),
        points,
        crs=crs,
        year=year,
        greenhouses=greenhouses,
        progress=console.progress,
    )
    matrix = write_report(report, output)
    for line in lines_of(report):
        console.say(line)
    console.say(f"written: {output} and {matrix}")


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
