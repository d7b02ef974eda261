"""The command ``hexseal merge``."""

import time
from pathlib import Path

import click

from hexseal.cli.console import Console
from hexseal.region.load import LANGUAGES


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
@click.pass_obj
def merge(
    console: Console, sites: tuple[Path, ...], out: Path, key: str | None, titles: tuple[str, ...]
) -> None:
    """Join finished sites of neighbouring regions into one dataset and one site.

    Example: hexseal merge north/site south/site --out both/site --id both --title "Both"
    """
    from hexseal.build import BuildSettings
    from hexseal.merge import MergedName
    from hexseal.merge.stage import merge_sites

    started = time.monotonic()
    console.log(f"joining {', '.join(map(str, sites))} into {out}")
    name = MergedName(key, dict(map(_title, titles)))
    index = merge_sites(sites, name, BuildSettings(out), console.reporter())
    console.log(f"done in {time.monotonic() - started:.1f} s; open {index}")


def _title(text: str) -> tuple[str, str]:
    """Return language ("" for all) and title.

    >>> _title("fr=Deux îles"), _title("a=b")
    (('fr', 'Deux îles'), ('', 'a=b'))
    """
    language, found, title = text.partition("=")
    return (language, title) if found and language in LANGUAGES else ("", text)
