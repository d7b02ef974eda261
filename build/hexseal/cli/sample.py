"""The commands ``hexseal sample plan`` and ``hexseal sample draw``."""

import re
from pathlib import Path

import click

from hexseal.cli.console import OUT, REGION, Console
from hexseal.region.load import load_region


class Percent(click.ParamType):
    """A share above 0 and up to 1, written 0.1 or 10%."""

    name = "share"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the share; fail with one line for anything else."""
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*(%?)", str(value).strip(), re.ASCII)
        share = float(found[1]) / (100 if found[2] else 1) if found else 0.0
        if not 0 < share <= 1:
            self.fail(f"{value!r}: give a share such as 10% or 0.1", param, ctx)
        return share


TARGET = click.option(
    "--target-se", type=Percent(), help="Wanted standard error of the net change, such as 10%."
)
YEARS = click.option(
    "--years", type=int, nargs=2, help="The two years to compare [default: first and last]."
)


@click.group()
def sample() -> None:
    """Plan and draw a reference sample of blocks to label by eye.

    Example: hexseal sample draw regions/sample.toml -o work/labels/sample.csv
    """


@sample.command()
@REGION
@OUT
@TARGET
@YEARS
@click.pass_obj
def plan(
    console: Console,
    region: Path,
    out: Path | None,
    target_se: float | None,
    years: tuple[int, int] | None,
) -> None:
    """List the strata of a region, how many blocks to label in each, and the hours it takes.

    Example: hexseal sample plan regions/sample.toml --target-se 10%
    """
    from hexseal.sample.report import plan_lines
    from hexseal.sample.stage import plan_region

    census, found = plan_region(
        load_region(region, site=out), years=years, target=target_se, progress=console.progress
    )
    for line in plan_lines(census, found):
        console.log(line)


@sample.command()
@REGION
@OUT
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("sample.csv"),
    show_default=True,
    help="Table of blocks; the design goes beside it.",
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True,
              help="Each seed draws other blocks.")  # fmt: skip
@TARGET
@YEARS
@click.option(
    "--format",
    "formats",
    type=click.Choice(["gpkg", "parquet"]),
    multiple=True,
    help="Write the table in this format too; may be repeated.",
)
@click.option(
    "--imagery",
    "images",
    multiple=True,
    metavar="YEAR=FILE",
    help="Image of a year that GDAL reads (a file, a glob, a comma list); may be repeated.",
)
@click.option(
    "--tiles",
    multiple=True,
    metavar="YEAR=ADDRESS",
    help="Tile service of a year, its address with {z}, {x} and {y}; may be repeated.",
)
@click.pass_obj
def draw(
    console: Console,
    region: Path,
    out: Path | None,
    output: Path,
    seed: int,
    target_se: float | None,
    years: tuple[int, int] | None,
    formats: tuple[str, ...],
    images: tuple[str, ...],
    tiles: tuple[str, ...],
) -> None:
    """Draw the blocks to label, and write the page to label them on beside the table.

    Example: hexseal sample draw regions/sample.toml -o work/labels/sample.csv --seed 7
    """
    from hexseal.sample.blocks import STRATA
    from hexseal.sample.page import PageSources, write_page
    from hexseal.sample.stage import draw_sample, write_sample

    sources = PageSources(_by_year("--imagery", images), _by_year("--tiles", tiles))
    loaded = load_region(region, site=out)
    drawn = draw_sample(loaded, seed=seed, years=years, target=target_se, progress=console.progress)
    written = write_sample(drawn, output, formats)  # pyright: ignore[reportArgumentType]
    for name, blocks, units in zip(STRATA, drawn.design.blocks, drawn.design.units, strict=True):
        if blocks:
            console.log(f"  {name:<14} {units:>5} of {blocks:>9,} blocks")
    page = output.with_suffix(".html")
    made = write_page(drawn, loaded, page, sources=sources, progress=console.progress)
    console.log(f"{drawn.design.total} blocks drawn; written: {', '.join(map(str, written))}")
    for year in drawn.design.pair:
        seen = made.pictures.get(year, 0)
        if seen < drawn.design.total and year not in sources.tiles:
            console.log(
                f"warning: {drawn.design.total - seen} blocks have no image of {year}; name one "
                f"with --imagery {year}=FILE, or look them up elsewhere"
            )
    console.log(f"open {page} in a browser to label them ({made.bytes:,} bytes, no network)")


def _by_year(option: str, values: tuple[str, ...]) -> dict[int, str]:
    """Return the addresses of YEAR=ADDRESS options by year; fail with one line for others."""
    found: dict[int, str] = {}
    for value in values:
        year, sign, address = value.partition("=")
        if not (sign and address and re.fullmatch("[0-9]{4}", year)):
            raise click.BadParameter(
                f"{value!r}: give YEAR=ADDRESS, such as 2018=ortho.tif", param_hint=option
            )
        if int(year) in found:
            raise click.BadParameter(f"{value!r}: {year} is named twice", param_hint=option)
        found[int(year)] = address
    return found
