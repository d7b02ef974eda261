"""The commands of sites: ``build``, ``status``, ``delta``, ``merge``, ``verify``, ``serve``."""

import sys
import time
from pathlib import Path
from typing import Literal

import click

from hexseal.cli.console import CLUSTER, FRESH, MEMORY, OUT, REGION, WORKERS, Console
from hexseal.errors import InputError
from hexseal.region.load import LANGUAGES, Region, load_region
from hexseal.storage.workdir import default_site


@click.command()
@REGION
@OUT
@WORKERS
@CLUSTER
@MEMORY
@FRESH
@click.option("--from", "start", type=click.Choice(["check", "pages"]), default="check",
              help="First stage to run; pages renders the last build's site again.")  # fmt: skip
@click.option("--until", type=click.Choice(["check", "delta", "change", "statistics"]),
              help="Last stage to run; its files are in work/ID beside the site.")  # fmt: skip
@click.option("--allow-missing", is_flag=True,
              help="Publish without units that cannot be read; the title says so.")  # fmt: skip
@click.pass_obj
def build(
    console: Console,
    region: Path,
    out: Path | None,
    workers: int | None,
    cluster: str | None,
    memory: str | None,
    fresh: bool,
    start: Literal["check", "pages"],
    until: Literal["check", "delta", "change", "statistics"] | None,
    allow_missing: bool,
) -> None:
    """Build the whole site of a region file.

    Stages: check, delta (counts), change, statistics, tiles, layers, datasets, pages, verify.

    Example: hexseal build regions/sample.toml --out site
    """
    from hexseal.build import BuildSettings, build_site
    from hexseal.storage.database import MEMORY as USUAL

    started = time.monotonic()
    site = out or default_site(region)
    loaded = load_region(region, site=site)
    _plan(console, loaded, site)
    if start == "pages" and (until or fresh):
        raise click.UsageError("--from pages goes neither with --until nor with --fresh")
    settings = BuildSettings(
        site, workers, fresh, start, until, cluster=cluster, memory=memory or USUAL,
        allow_missing=allow_missing,
    )  # fmt: skip
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
@CLUSTER
@MEMORY
@FRESH
@click.pass_obj
def delta(
    console: Console,
    region: Path,
    out: Path | None,
    workers: int | None,
    cluster: str | None,
    memory: str | None,
    fresh: bool,
) -> None:
    """Only count pixels per hexagon and area; writes work/ID beside the site.

    Example: hexseal delta regions/sao-tome.toml
    """
    from hexseal.build import BuildSettings, count, prepare_inputs, running
    from hexseal.storage.database import MEMORY as USUAL

    settings = BuildSettings(
        out or default_site(region),
        workers,
        fresh,
        until="delta",
        cluster=cluster,
        memory=memory or USUAL,
    )
    loaded = load_region(region, site=settings.site)
    work = settings.work(loaded)
    with running(loaded, settings, console.reporter()) as reporter:
        prepare_inputs(loaded, settings, reporter)
        count(loaded, work, settings, reporter)
    console.log(f"counts are in {work}")


def _plan(console: Console, region: Region, out: Path) -> None:
    years = ", ".join(map(str, region.years))
    console.log(f"{next(iter(region.title.values()))}: {region.product.title} {years}")
    console.log(
        f"hexagons of resolution {region.hexagons.coarsest} to {region.hexagons.finest}, "
        f"{len(region.areas)} area layers, pages in {', '.join(region.site.languages)}, into {out}"
    )


@click.command()
@click.argument(
    "sites",
    metavar="SITE...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder of the new site.",
)
@click.option("--id", "key", help="Id of the new region [default: the ids of its parts].")
@click.option(
    "--title",
    "titles",
    multiple=True,
    metavar="[LANGUAGE=]TEXT",
    help="Title, for all languages or for one (fr=Deux îles) [default: the titles of its parts].",
)
@WORKERS
@MEMORY
@click.pass_obj
def merge(
    console: Console,
    sites: tuple[Path, ...],
    out: Path,
    key: str | None,
    titles: tuple[str, ...],
    workers: int | None,
    memory: str | None,
) -> None:
    """Join finished sites of neighbouring regions into one dataset and one site.

    Example: hexseal merge north/site south/site --out both/site --id both --title "Both"
    """
    from hexseal.build import BuildSettings
    from hexseal.merge import MergedName
    from hexseal.merge.stage import merge_sites
    from hexseal.storage.database import MEMORY as USUAL

    started = time.monotonic()
    console.log(f"joining {', '.join(map(str, sites))} into {out}")
    name = MergedName(key, dict(map(_title, titles)))
    settings = BuildSettings(out, workers, memory=memory or USUAL)
    index = merge_sites(sites, name, settings, console.reporter())
    console.log(f"done in {time.monotonic() - started:.1f} s; open {index}")


def _title(text: str) -> tuple[str, str]:
    """Return language ("" for all) and title.

    >>> _title("fr=Deux îles"), _title("a=b")
    (('fr', 'Deux îles'), ('', 'a=b'))
    """
    language, found, title = text.partition("=")
    return (language, title) if found and language in LANGUAGES else ("", text)


@click.command()
@click.argument("site", type=click.Path(path_type=Path, file_okay=False), default=Path("site"))
@click.pass_obj
def verify(console: Console, site: Path) -> None:
    """Check a finished site; exit code 1 when something is wrong.

    Example: hexseal verify site
    """
    from hexseal.verify import verify_site

    report = verify_site(site)
    for problem in report.problems:
        console.log(problem)
    console.log(report.headline)
    if report.problems:
        sys.exit(1)


@click.command()
@click.argument("site", type=click.Path(path_type=Path, file_okay=False), default=Path("site"))
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.pass_obj
def serve(console: Console, site: Path, port: int) -> None:
    """Serve a finished site on this machine; stop it with Ctrl-C.

    Example: hexseal serve site --port 8080
    """
    from hexseal.pages.serve import make_server, site_address

    server = make_server(site, port)
    console.log(f"serving {site} at {site_address(server)} (Ctrl-C stops)")
    with server:
        server.serve_forever()


@click.command()
@REGION
@OUT
@click.option("--json", "as_json", is_flag=True, help="Print run.json itself.")
@click.pass_obj
def status(console: Console, region: Path, out: Path | None, as_json: bool) -> None:
    """Print what the last build of a region did, or does now: stages, rates, time left.

    Exit code 1 where it failed, was stopped or killed, or none has run.

    Example: hexseal status regions/sample.toml
    """
    from hexseal.execution.report import headline, read_run, table
    from hexseal.storage.files import is_held
    from hexseal.storage.workdir import WorkFolder

    site = out or default_site(region)
    work = WorkFolder.beside(site, load_region(region, site=site).id)
    report = read_run(work.run)
    if report is None:
        raise InputError(f"{work.run}: no build has run here; hexseal build {region}")
    if as_json:
        click.echo(work.run.read_text(encoding="utf-8"))
    else:
        is_running = is_held(work.lock)
        console.log(headline(report, is_running=is_running))
        for line in table(report):
            console.log(line)
    if report.state != "done" and not is_held(work.lock):
        sys.exit(1)
