"""The commands of a build and its stages: ``build`` and ``delta``."""

import time
from pathlib import Path

import click

from hexseal.cli.console import FRESH, OUT, REGION, WORKERS, Console
from hexseal.region.load import Region, load_region


@click.command()
@REGION
@OUT
@WORKERS
@FRESH
@click.pass_obj
def build(
    console: Console, region: Path, out: Path | None, workers: int | None, fresh: bool
) -> None:
    """Build the whole site of a region file.

    Example: hexseal build regions/sample.toml --out site
    """
    from hexseal.build import BuildSettings, build_site, default_site

    started = time.monotonic()
    site = out or default_site(region)
    _plan(console, load_region(region), site)
    index = build_site(region, BuildSettings(site, workers, fresh), console.talk())
    console.say(f"done in {time.monotonic() - started:.1f} s; open {index}")


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
    from hexseal.build import BuildSettings, count, default_site, prepare_inputs

    settings = BuildSettings(out or default_site(region), workers, fresh)
    loaded = load_region(region)
    work = settings.work(loaded)
    with settings.alone(loaded):
        prepare_inputs(loaded, console.talk(), fresh=fresh)
        count(loaded, work, settings, console.talk())
    console.say(f"counts lie in {work}")


def _plan(console: Console, region: Region, out: Path) -> None:
    years = ", ".join(map(str, region.years))
    console.say(f"{next(iter(region.title.values()))}: {region.product.title} {years}")
    console.say(
        f"hexagons of resolution {region.hexagons.coarsest} to {region.hexagons.finest}, "
        f"{len(region.areas)} area layers, pages in {', '.join(region.site.languages)}, into {out}"
    )
