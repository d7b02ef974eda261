"""The commands about inputs: ``simulate`` makes them, ``check`` reads them, ``schema``."""

import json
import sys
from pathlib import Path

import click

from hexseal.cli.console import REGION, Console
from hexseal.region.load import load_region


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--size-km", type=float, nargs=2, default=(24.0, 18.0), show_default=True,
              help="Width and height of the map.")  # fmt: skip
@click.option(
    "--seed", type=int, default=1, show_default=True, help="Each seed gives its own island."
)
@click.option(
    "--product",
    type=click.Choice(["clcplus", "imperviousness"]),
    default="clcplus",
    show_default=True,
    help="What the maps hold: classes, or the sealed per cent of each pixel.",
)
@click.pass_obj
def simulate(
    console: Console, folder: Path, size_km: tuple[float, float], seed: int, product: str
) -> None:
    """Make a fictional island: its maps, areas, the truth behind them, and a region file.

    Example: hexseal simulate demo --size-km 12 9 --seed 7
    """
    from hexseal.forward.models import SHIPPED, can_predict
    from hexseal.simulation import simulate as simulate_island
    from hexseal.simulation.region_file import NAME, write_region_file

    densities = product == "imperviousness"
    with console.reporter().stage("simulate") as lines:
        simulate_island(
            folder, size_km=size_km, seed=seed, densities=densities, progress=console.progress
        )
        lines.append(str(folder))
    model = SHIPPED if can_predict() else None
    written = write_region_file(folder, model=model, densities=densities)
    if written is None:
        console.log(f"{folder / NAME}: kept as it was")
    elif model is None and not densities:
        console.log(
            "years: 2018 and 2021; pip install 'hexseal[ml]' hexseal-model-clcplus-b2 before "
            "simulating adds 2024, made from images"
        )
    console.log(f"now: hexseal build {folder / NAME}")


@click.command()
@REGION
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_obj
def check(console: Console, region: Path, as_json: bool) -> None:
    """Check the inputs of a region; exit code 1 when one cannot be used.

    Example: hexseal check regions/sao-tome.toml
    """
    from hexseal.check.report import render
    from hexseal.check.stage import check_region

    report = check_region(load_region(region))
    if as_json:
        click.echo(json.dumps(report.to_json(), indent=2))
    else:
        for line in render(report):
            console.log(line)
        console.log(report.headline)
    if report.errors:
        sys.exit(1)


@click.command()
def schema() -> None:
    """Print the JSON Schema of region files, which editors use to complete and check them.

    Example: hexseal schema > region.schema.json
    """
    from hexseal.region.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
