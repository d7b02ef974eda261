"""The command line: each command lives in a module of its own, which imports its stage late."""

from typing import NoReturn

import click

from hexseal import __version__
from hexseal.cli.accuracy import accuracy
from hexseal.cli.areas import areas
from hexseal.cli.build import build, delta, merge, serve, status, verify
from hexseal.cli.console import Console, run
from hexseal.cli.inputs import check, fetch, init, schema, simulate
from hexseal.cli.sample import sample


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


COMMANDS = (
    init, fetch, build, status, simulate, check, schema, delta, areas, verify, serve, accuracy,
    sample, merge,
)  # fmt: skip
for command in COMMANDS:
    cli.add_command(command)


def main() -> NoReturn:
    """Run hexseal and exit: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    run(cli, interrupted="interrupted; the published site is unchanged")
