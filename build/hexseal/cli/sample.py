"""The commands ``hexseal sample plan`` and ``hexseal sample draw``."""

import re
from pathlib import Path

import click

from hexseal.cli.console import REGION, Console
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
@TARGET
@YEARS
@click.pass_obj
def plan(
    console: Console, region: Path, target_se: float | None, years: tuple[int, int] | None
) -> None:
    """List the strata of a region, how many blocks to label in each, and the hours it takes.

    Example: hexseal sample plan regions/sample.toml --target-se 10%
    """
    from hexseal.sample.stage import plan_region
    from hexseal.sample.text import plan_lines

    census, found = plan_region(
        load_region(region), years=years, target=target_se, progress=console.progress
    )
    for line in plan_lines(census, found):
        console.say(line)


@sample.command()
@REGION
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
@click.pass_obj
def draw(
    console: Console,
    region: Path,
    output: Path,
    seed: int,
    target_se: float | None,
    years: tuple[int, int] | None,
    formats: tuple[str, ...],
) -> None:
    """Draw the blocks to label.

    Example: hexseal sample draw regions/sample.toml -o work/labels/sample.csv --seed 7
    """
    from hexseal.sample.blocks import STRATA
    from hexseal.sample.stage import draw_sample, write_sample

    loaded = load_region(region)
    drawn = draw_sample(loaded, seed=seed, years=years, target=target_se, progress=console.progress)
    written = write_sample(drawn, output, formats)  # pyright: ignore[reportArgumentType]
    for name, blocks, units in zip(STRATA, drawn.design.blocks, drawn.design.units, strict=True):
        if blocks:
            console.say(f"  {name:<13} {units:>5} of {blocks:>9,} blocks")
    console.say(f"{drawn.design.total} blocks drawn; written: {', '.join(map(str, written))}")
