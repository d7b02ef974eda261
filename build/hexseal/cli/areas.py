"""The command ``hexseal areas``."""

from pathlib import Path

import click

from hexseal.cli.console import REGION, WORKERS, Console
from hexseal.region.load import load_region


@click.command()
@REGION
@click.argument("polygons", type=click.Path(path_type=Path))
@click.option("--id", "id_field", help="Column with a unique id [default: number the polygons].")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False),
              default=Path("areas.csv"), show_default=True,
              help="File to write: .csv, .parquet, .gpkg or .geojson.")  # fmt: skip
@WORKERS
@click.pass_obj
def areas(
    console: Console,
    region: Path,
    polygons: Path,
    id_field: str | None,
    output: Path,
    workers: int | None,
) -> None:
    """Measure any polygon file against the rasters of a region.

    Counts are exact: a pixel belongs to a polygon that holds its centre. Each polygon gets a stated
    answer (ok, partly outside, outside, no pixel centre inside, no valid pixel), and is marked
    where it had to be repaired.

    Example: hexseal areas regions/sao-tome.toml districts.gpkg --id code -o districts.csv
    """
    from hexseal.areas import measure_areas

    with console.talk().stage("areas") as told:
        summary = measure_areas(
            load_region(region),
            polygons,
            output,
            id_field=id_field,
            workers=workers,
            progress=console.progress,
        )
        answers = ", ".join(f"{count} {answer}" for answer, count in summary.answers.items())
        told.append(f"{output}, {summary.rows} polygons: {answers}")
