"""The command ``hexseal init``: a region file to start from."""

from pathlib import Path

import click

from hexseal.cli.console import Console
from hexseal.errors import InputError
from hexseal.types import Box


@click.command()
@click.argument("name")
@click.option("--nuts", help="NUTS code of level 0 to 3, such as LU000.")
@click.option("--lau", help="Local administrative unit as GISCO names it, such as LU_0105.")
@click.option("--bbox", type=float, nargs=4, help="West, south, east, north in degrees.")
@click.option(
    "--areas",
    type=click.Path(path_type=Path, exists=True),
    help="Polygon file: the place, and its areas.",
)
@click.option(
    "--raster",
    "rasters",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    help="Raster with a year in its name; once for each year. Nothing is fetched then.",
)
@click.option(
    "--product",
    type=click.Choice(["clcplus", "worldcover", "imperviousness"]),
    help="Product to fetch [default: clcplus in Europe, else worldcover], or of --raster "
    "[default: by its codes and name].",
)
@click.option(
    "--sealed", type=int, multiple=True, help="Codes of --raster that count as sealed, one each."
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False),
    help="Region file to write [default: NAME.toml].",
)  # fmt: skip
@click.pass_obj
def init(
    console: Console,
    name: str,
    nuts: str | None,
    lau: str | None,
    bbox: tuple[float, float, float, float] | None,
    areas: Path | None,
    rasters: tuple[Path, ...],
    product: str | None,
    sealed: tuple[int, ...],
    output: Path | None,
) -> None:
    """Write a commented region file for a place, or for rasters that are there.

    Example: hexseal init Luxembourg --nuts LU000
    """
    from hexseal.fetch.starter import Start, rasters_of, slug_of, write_start

    given = [value for value in (nuts, lau, bbox, areas, rasters or None) if value is not None]
    if len(given) != 1:
        raise InputError("give one of --nuts, --lau, --bbox, --areas, or --raster (once a year)")
    start = Start(
        nuts, lau, Box(*bbox) if bbox else None, areas, rasters_of(rasters), product, sealed
    )
    path = output or Path(f"{slug_of(name)}.toml")
    write_start(name, start, path)
    console.log(f"wrote {path}; now hexseal {'build' if rasters else 'fetch'} {path}")
