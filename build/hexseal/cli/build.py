"""The commands of a build and its stages: ``build`` and ``delta``."""

import time
from pathlib import Path
from typing import Literal

import click

from hexseal.cli.console import FRESH, OUT, REGION, WORKERS, Console
from hexseal.region.load import Region, load_region
from hexseal.storage.workdir import default_site


@click.command()
@REGION
@OUT
@WORKERS
@FRESH
@click.option("--from", "start", type=click.Choice(["check", "pages"]), default="check",
              help="First stage to run; pages renders the last build's site again.")  # fmt: skip
@click.option("--until", type=click.Choice(["check", "delta", "change", "statistics"]),
              help="Last stage to run; its files are in work/ID beside the site.")  # fmt: skip
@click.pass_obj
def build(
    console: Console,
    region: Path,
    out: Path | None,
    workers: int | None,
    fresh: bool,
    start: Literal["check", "pages"],
    until: Literal["check", "delta", "change", "statistics"] | None,
) -> None:
    """Build the whole site of a region file.

    Stages: check, delta (counts), change, statistics, tiles, layers, datasets, pages, verify.

    Example: hexseal build regions/sample.toml --out site
    """
    from hexseal.build import BuildSettings, build_site

    started = time.monotonic()
    site = out or default_site(region)
    loaded = load_region(region, site=site)
    _plan(console, loaded, site)
    if start == "pages" and (until or fresh):
        raise click.UsageError("--from pages goes neither with --until nor with --fresh")
    settings = BuildSettings(site, workers, fresh, start, until)
    index = build_site(region, settings, console.reporter())
    seconds = f"{time.monotonic() - started:.1f} s"
    if until:
        console.log(
            f"stopped after {until} in {seconds}; files are in {settings.work(load_region(region))}"
        )
    else:
        console.log(f"done in {seconds}; open {index}")


@click.command()
@REGION
@OUT
@WORKERS
@FRESH
@click.pass_obj
def delta(
    console: Console, region: Path, out: Path | None, workers: int | None, fresh: bool
) -> None:
    """Count hexagons and areas only; the counts lie in work/ID beside the site.

    Example: hexseal delta regions/sao-tome.toml
    """
    from hexseal.build import BuildSettings, count, prepare_inputs

    settings = BuildSettings(out or default_site(region), workers, fresh)
    loaded = load_region(region, site=settings.site)
    work = settings.work(loaded)
    with settings.alone(loaded):
        prepare_inputs(loaded, console.reporter(), fresh=fresh)
        count(loaded, work, settings, console.reporter())
    console.log(f"counts lie in {work}")


def _plan(console: Console, region: Region, out: Path) -> None:
    years = ", ".join(map(str, region.years))
    console.log(f"{next(iter(region.title.values()))}: {region.product.title} {years}")
    console.log(
        f"hexagons of resolution {region.hexagons.coarsest} to {region.hexagons.finest}, "
        f"{len(region.areas)} area layers, pages in {', '.join(region.site.languages)}, into {out}"
    )
