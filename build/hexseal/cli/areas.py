"""The command ``hexseal areas``."""

from pathlib import Path

import click

from hexseal.cli.console import REGION, WORKERS, Console
from hexseal.region.load import load_region


@click.command()
@REGION
@click.argument("polygons", type=click.Path(path_type=Path))
@click.option("--id", "id_field", help="Column with a unique id [default: number the polygons].")
@click.option("--name", "name_field", help="Column with the names [default: that of --id].")
@click.option("--layer", "layer_name", help="Layer of the file, where it has several.")
@click.option(
    "--keep",
    multiple=True,
    metavar="COLUMN",
    help="Column to copy to the output, again for more; '*' copies all.",
)
@click.option("--raw", is_flag=True, help="Counts only, without adjusted change: much faster.")
@click.option("--out", "site", type=click.Path(path_type=Path, file_okay=False),
              help="Folder of the region's site, whose build is used where inputs are unchanged "
              "[default: as hexseal build].")  # fmt: skip
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
    name_field: str | None,
    layer_name: str | None,
    keep: tuple[str, ...],
    raw: bool,
    site: Path | None,
    output: Path,
    workers: int | None,
) -> None:
    """Measure any polygon file against the rasters of a region.

    Counts are exact: a pixel belongs to a polygon that holds its centre. Each polygon gets a stated
    answer (ok, partly outside, outside, no pixel centre inside, no valid pixel), and is marked
    where it had to be repaired. Change is judged over the whole region, which takes as long as a
    build; where the region was built from the same inputs, its judgement is used instead.

    Example: hexseal areas regions/sao-tome.toml districts.gpkg --id code -o districts.csv
    """
    from hexseal.areas import AreasOptions, measure_areas

    options = AreasOptions(
        id_field or "", name_field or "", layer_name, keep, judged=not raw, site=site
    )
    with console.reporter().stage("areas") as lines:
        summary = measure_areas(
            load_region(region, site=site),
            polygons,
            output,
            options=options,
            workers=workers,
            progress=console.progress,
        )
        answers = ", ".join(f"{count} {answer}" for answer, count in summary.answers.items())
        lines.append(f"{output}, {summary.rows} polygons: {answers}")
        if summary.reused:
            lines.append("change as the region's last build judged it")
