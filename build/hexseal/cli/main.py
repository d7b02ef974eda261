"""The command line: plan, stages, summary; one line for every failure that a user can mend."""

import json
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click
from tqdm import tqdm

from hexseal import __version__
from hexseal.areas import measure_areas
from hexseal.build import BuildSettings, Talk, build_site, count, prepare_inputs
from hexseal.check.report import render
from hexseal.check.stage import check_region
from hexseal.cli.accuracy import accuracy
from hexseal.cli.fetch import fetch
from hexseal.cli.merge import merge
from hexseal.errors import HexsealError
from hexseal.pages.serve import make_server, site_address
from hexseal.region.load import Region, load_region
from hexseal.simulate import simulate as simulate_island
from hexseal.verify import verify_site

REGION = click.argument("region", type=click.Path(path_type=Path, dir_okay=False))
OUT = click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("site"),
    show_default=True,
    help="Folder of the site.",
)
WORKERS = click.option(
    "--workers", type=click.IntRange(1, 256), help="Threads for counting [default: one per core]."
)
FRESH = click.option("--fresh", is_flag=True, help="Count again even if no input changed.")


_stopped = False


class Console:
    """Where lines and progress go: a bar on a terminal, plain lines in a log, or nothing."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet
        self.bar: tqdm | None = None

    def say(self, line: str) -> None:
        """Print one line, past the progress bar."""
        self.close()
        if not self.quiet:
            click.echo(line)

    def progress(self, what: str, done: int, total: int) -> None:
        """Draw the progress of a stage on a terminal."""
        if self.quiet or not sys.stderr.isatty():
            return
        if self.bar is None or self.bar.desc != f"{what}: ":
            self.close()
            self.bar = tqdm(total=total, desc=what, leave=False, file=sys.stderr)
        self.bar.update(done - self.bar.n)

    def close(self) -> None:
        """Remove the progress bar."""
        if self.bar is not None:
            self.bar.close()
            self.bar = None

    def talk(self) -> Talk:
        """Return how stages talk to this console."""
        return Talk(self.say, self.progress, lambda: _stopped)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hexseal")
@click.option("--quiet", is_flag=True, help="Print errors only.")
@click.option("--verbose", is_flag=True, help="Keep the traceback of every failure.")
@click.pass_context
def cli(context: click.Context, quiet: bool, verbose: bool) -> None:
    """Turn land-cover rasters of several years into hexagon datasets and an offline dashboard.

    Example: hexseal build regions/sample.toml
    """
    context.obj = Console(quiet=quiet)
    context.meta["verbose"] = verbose


@cli.command()
@REGION
@OUT
@WORKERS
@FRESH
@click.pass_obj
def build(console: Console, region: Path, out: Path, workers: int | None, fresh: bool) -> None:
    """Build the whole site of a region file.

    Example: hexseal build regions/sample.toml --out site
    """
    started = time.monotonic()
    _plan(console, load_region(region), out)
    index = build_site(region, BuildSettings(out, workers, fresh), console.talk())
    console.say(f"done in {time.monotonic() - started:.1f} s; open {index}")


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--size-km", type=float, nargs=2, default=(24.0, 18.0), show_default=True,
              help="Width and height of the map.")  # fmt: skip
@click.option(
    "--seed", type=int, default=1, show_default=True, help="Each seed gives its own island."
)
@click.pass_obj
def simulate(console: Console, folder: Path, size_km: tuple[float, float], seed: int) -> None:
    """Make a fictional island: its CLC+ maps, areas and the truth behind them.

    Example: hexseal simulate work/island --size-km 12 9 --seed 7
    """
    with console.talk().stage("simulate") as told:
        simulate_island(folder, size_km=size_km, seed=seed, progress=console.progress)
        told.append(str(folder))


@cli.command()
@REGION
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_obj
def check(console: Console, region: Path, as_json: bool) -> None:
    """Check the inputs of a region; exit code 1 when one cannot be used.

    Example: hexseal check regions/sao-tome.toml
    """
    report = check_region(load_region(region))
    if as_json:
        click.echo(json.dumps(report.to_json(), indent=2))
    else:
        for line in render(report):
            console.say(line)
        console.say(report.headline)
    if report.errors:
        sys.exit(1)


@cli.command()
@REGION
@OUT
@WORKERS
@FRESH
@click.pass_obj
def delta(console: Console, region: Path, out: Path, workers: int | None, fresh: bool) -> None:
    """Count hexagons and areas only; the counts lie in work/ID beside the site.

    Example: hexseal delta regions/sao-tome.toml
    """
    settings = BuildSettings(out, workers, fresh)
    loaded = load_region(region)
    work = settings.work(loaded)
    with settings.alone(loaded):
        prepare_inputs(loaded, console.talk(), fresh=fresh)
        count(loaded, work, settings, console.talk())
    console.say(f"counts lie in {work}")


@cli.command()
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

    Example: hexseal areas regions/sao-tome.toml districts.gpkg --id code -o districts.csv
    """
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


@cli.command()
@click.argument("site", type=click.Path(path_type=Path, file_okay=False), default=Path("site"))
@click.pass_obj
def verify(console: Console, site: Path) -> None:
    """Check a finished site; exit code 1 when something is wrong.

    Example: hexseal verify site
    """
    report = verify_site(site)
    for problem in report.problems:
        console.say(problem)
    console.say(report.headline)
    if report.problems:
        sys.exit(1)


@cli.command()
@click.argument("site", type=click.Path(path_type=Path, file_okay=False), default=Path("site"))
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.pass_obj
def serve(console: Console, site: Path, port: int) -> None:
    """Serve a finished site on this machine; stop it with Ctrl-C.

    Example: hexseal serve site --port 8080
    """
    server = make_server(site, port)
    console.say(f"serving {site} at {site_address(server)} (Ctrl-C stops)")
    with server:
        server.serve_forever()


cli.add_command(accuracy)
cli.add_command(fetch)
cli.add_command(merge)


def main() -> NoReturn:
    """Run the command line and exit: 0 done, 1 failed, 2 wrong usage, 130 stopped."""
    for wish in (signal.SIGINT, signal.SIGTERM):
        signal.signal(wish, _stop)
    try:
        cli.main(standalone_mode=False)
    except HexsealError as err:
        if "--verbose" in sys.argv:
            raise
        _fail(str(err), 1)
    except click.ClickException as err:
        err.show()
        sys.exit(err.exit_code)
    except (KeyboardInterrupt, click.Abort):
        _fail("stopped; what was published before is unchanged", 130)
    sys.exit(0)


def _plan(console: Console, region: Region, out: Path) -> None:
    years = ", ".join(map(str, region.years))
    console.say(f"{next(iter(region.title.values()))}: {region.product.title} {years}")
    console.say(
        f"hexagons of resolution {region.hexagons.coarsest} to {region.hexagons.finest}, "
        f"{len(region.areas)} area layers, pages in {', '.join(region.site.languages)}, into {out}"
    )


def _stop(signum: int, frame: FrameType | None) -> NoReturn:
    global _stopped
    _stopped = True
    raise KeyboardInterrupt


def _fail(line: str, code: int) -> NoReturn:
    click.echo(f"error: {' '.join(line.split())}", err=True)
    sys.exit(code)
