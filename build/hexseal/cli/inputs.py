"""The commands before a build: ``init``, ``fetch``, ``simulate``, ``check`` and ``schema``."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click

from hexseal.cli.console import OUT, REGION, Console
from hexseal.errors import InputError
from hexseal.region.load import Region, load_region
from hexseal.types import Box


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
    from hexseal.simulation.writing import NAME, write_region_file

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
@OUT
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_obj
def check(console: Console, region: Path, out: Path | None, as_json: bool) -> None:
    """Check the inputs of a region; exit code 1 when one cannot be used.

    Example: hexseal check regions/sao-tome.toml
    """
    from hexseal.check.report import render
    from hexseal.check.stage import check_region

    report = check_region(load_region(region, site=out))
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


@click.command()
@click.argument("name")
@click.option("--nuts", help="NUTS code of level 0 to 3, such as LU000.")
@click.option("--lau", help="Local administrative unit as GISCO names it, such as LU_0105.")
@click.option("--bbox", type=float, nargs=4, help="West, south, east, north in degrees.")
@click.option(
    "--areas",
    type=click.Path(path_type=Path, exists=True),
    help="Polygon file: the place, and its areas.",
)
@click.option(
    "--raster",
    "rasters",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    help="Raster with a year in its name; once for each year. Nothing is fetched then.",
)
@click.option(
    "--product",
    type=click.Choice(["clcplus", "worldcover", "imperviousness"]),
    help="Product to fetch [default: clcplus in Europe, else worldcover], or of --raster "
    "[default: by its codes and name].",
)
@click.option(
    "--sealed", type=int, multiple=True, help="Codes of --raster that count as sealed, one each."
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False),
    help="Region file to write [default: NAME.toml].",
)  # fmt: skip
@click.pass_obj
def init(
    console: Console,
    name: str,
    nuts: str | None,
    lau: str | None,
    bbox: tuple[float, float, float, float] | None,
    areas: Path | None,
    rasters: tuple[Path, ...],
    product: str | None,
    sealed: tuple[int, ...],
    output: Path | None,
) -> None:
    """Write a commented region file for a place, or for rasters that are there.

    CLC+ Backbone 2023 is among its years where the environment holds a key of the CLMS portal.

    Example: hexseal init Luxembourg --nuts LU000
    """
    from hexseal.fetch.starter import Start, rasters_of, slug_of, write_start
    from hexseal.region.fetch import Secrets, read_secrets

    given = [value for value in (nuts, lau, bbox, areas, rasters or None) if value is not None]
    if len(given) != 1:
        raise InputError("give one of --nuts, --lau, --bbox, --areas, or --raster (once a year)")
    start = Start(
        nuts,
        lau,
        Box(*bbox) if bbox else None,
        areas,
        rasters_of(rasters),
        product,
        sealed,
        portal=read_secrets() != Secrets(),
    )
    path = output or Path(f"{slug_of(name)}.toml")
    write_start(name, start, path)
    console.log(f"wrote {path}; now hexseal {'build' if rasters else 'fetch'} {path}")


@click.command()
@REGION
@click.option("--dry-run", is_flag=True, help="Print the plan; contact no service.")
@click.option("--fresh", is_flag=True, help="Fetch again what is there already.")
@click.option(
    "--workers",
    type=click.IntRange(1, 16),
    help="Requests under way at once [default: 2 to a map service, 6 for scenes].",
)
@click.pass_obj
def fetch(console: Console, region: Path, dry_run: bool, fresh: bool, workers: int | None) -> None:
    """Download the inputs that a region file names: CLC+, Sentinel-2, boundaries.

    Example: hexseal fetch regions/esch.toml --dry-run
    """
    from hexseal.fetch import Means, Web, fetch_region
    from hexseal.region.fetch import read_secrets

    started = time.monotonic()
    loaded = load_region(region)
    for line in plan_lines(loaded):
        console.log(line)
    if dry_run:
        console.log("dry run: nothing was requested or written")
        return
    reporter = console.reporter()
    means = Means(
        Web(log=reporter.log), read_secrets(), reporter.stage, reporter.log, reporter.progress,
        workers,
    )  # fmt: skip
    summary = fetch_region(loaded, means, fresh=fresh)
    console.log(
        f"done in {time.monotonic() - started:.1f} s: {summary.made} files fetched, "
        f"{summary.kept} kept; now hexseal build {region}"
    )


def plan_lines(region: Region) -> Iterator[str]:
    """Yield the plan: the place, each file with its source, and files that nothing names."""
    from hexseal.fetch import fetch_of, jobs_of, known_place, public, unused

    wanted = fetch_of(region)
    place = known_place(wanted)
    if place is None:
        yield f"place: around {public(wanted.boundary or '')}, which is downloaded first"
    else:
        yield f"place: {place.grid}"
    yield f"into {wanted.folder}:"
    jobs = jobs_of(wanted, place)
    for job in jobs:
        yield f"  {job.name:<22} {job.words}, from {public(job.address)}"
    for name in unused(region, jobs, wanted.folder):
        yield f"note: no [[epoch]] or [[areas]] of {region.path} names {wanted.folder / name}"
