"""The commands for a finished site: ``verify`` and ``serve``."""

import sys
from pathlib import Path

import click

from hexseal.cli.console import Console


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
