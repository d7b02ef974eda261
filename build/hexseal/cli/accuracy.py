"""The command ``hexseal accuracy``."""

from pathlib import Path

import click

from hexseal.cli.console import OUT, REGION, Console
from hexseal.errors import InputError
from hexseal.region.load import load_region


@click.command()
@REGION
@click.argument("points", type=click.Path(path_type=Path), nargs=-1, required=True)
@OUT
@click.option("--crs", default="EPSG:4326", show_default=True, help="CRS of columns x and y.")
@click.option("--year", type=int, help="Map year, where the sample has no such column.")
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
    console: Console,
    region: Path,
    points: tuple[Path, ...],
    out: Path | None,
    crs: str,
    year: int | None,
    greenhouses: bool,
    output: Path,
) -> None:
    """Compare the maps of a region with a reference sample or the LUCAS survey.

    The sample is CSV, GeoPackage or GeoParquet. Labelled blocks of hexseal sample draw may come as
    several files, one per interpreter.

    Example: hexseal accuracy regions/sample.toml points.csv --crs EPSG:3035 -o accuracy.json
    """
    from hexseal.accuracy.report import lines_of, write_report
    from hexseal.accuracy.stage import assess_accuracy
    from hexseal.sample.assess import assess_sample, write_sample_report
    from hexseal.sample.labels import is_block_sample
    from hexseal.sample.report import sample_lines

    loaded = load_region(region, site=out)
    if is_block_sample(points[0]):
        blocks = assess_sample(loaded, points, progress=console.progress)
        write_sample_report(blocks, output)
        for line in sample_lines(blocks):
            console.log(line)
        console.log(f"written: {output}")
        return
    table, *more = points
    if more:
        raise InputError(f"{more[0]}: only labelled blocks come as several files; give one")
    report = assess_accuracy(
        loaded,
        table,
        crs=crs,
        year=year,
        greenhouses=greenhouses,
        progress=console.progress,
    )
    matrix = write_report(report, output)
    for line in lines_of(report):
        console.log(line)
    console.log(f"written: {output} and {matrix}")
