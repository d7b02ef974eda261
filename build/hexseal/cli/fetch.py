"""The command ``hexseal fetch``: its plan, its files, its summary."""

import time
from collections.abc import Iterator
from pathlib import Path

import click

from hexseal.cli.console import REGION, Console
from hexseal.region.load import Region, load_region


@click.command()
@REGION
@click.option("--dry-run", is_flag=True, help="Print the plan; ask no service.")
@click.option("--fresh", is_flag=True, help="Fetch again what is there already.")
@click.pass_obj
def fetch(console: Console, region: Path, dry_run: bool, fresh: bool) -> None:
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
        console.log("dry run: nothing was asked for or written")
        return
    reporter = console.reporter()
    means = Means(
        Web(log=reporter.log), read_secrets(), reporter.stage, reporter.log, reporter.progress
    )
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
