"""Code to copy from the data page: templates in site_template/snippets, filled with real names.

Each is stored once, and the test of the made site runs every one that the page shows.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hexseal.frontend import TEMPLATE
from hexseal.manifest import Datasets, TileSummary
from hexseal.region.load import Region

FOLDER = TEMPLATE / "snippets"
# Stands for the address of the site until the page's script, or the reader, puts in the real one.
ANYWHERE = "https://example.org/site/"
COORDINATE_DIGITS = 4
# The box of the spatial query covers this share of the region's width and height around its middle.
BOX_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of code; ``key`` names its texts, ``tool`` heads it, ``needs`` must be installed."""

    key: str
    tool: str
    language: str
    needs: str
    code: str


@dataclass(frozen=True, slots=True)
class _Template:
    file: str
    tool: str
    needs: str = ""


USES = (
    _Template("duckdb-local.sql", "DuckDB"),
    _Template("duckdb-top.sql", "DuckDB"),
    _Template("duckdb-http.sql", "DuckDB"),
    _Template("python-bbox.py", "Python", "geopandas"),
    _Template("python-geopandas.py", "Python", "geopandas"),
    _Template("python-polars.py", "Python", "polars, h3"),
    _Template("r-arrow.R", "R", "arrow, dplyr"),
    _Template("r-sf.R", "R", "sf"),
)
AGGREGATE = (_Template("duckdb-aggregate.sql", "DuckDB"),)
JOIN = (_Template("duckdb-join.sql", "DuckDB"), _Template("python-h3.py", "Python", "pandas, h3"))
# These need areas.
WITH_AREAS = ("duckdb-top.sql", "python-geopandas.py", "r-sf.R")
LANGUAGES = {"sql": "SQL", "py": "Python", "R": "R"}


def snippets(
    templates: tuple[_Template, ...], region: Region, datasets: Datasets, tiles: TileSummary
) -> list[Snippet]:
    """Return the snippets of some templates with the names of a region's own files.

    A site without a file of the finest hexagons has none.
    """
    if not hexagon_file(datasets, region.hexagons.finest):
        return []
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    names = _names(region, datasets, tiles)
    found = []
    for template in templates:
        if template.file in WITH_AREAS and not region.areas:
            continue
        stem, suffix = template.file.split(".")
        code = environment.get_template(f"{template.file}.jinja").render(names).rstrip() + "\n"
        found.append(Snippet(stem, template.tool, LANGUAGES[suffix], template.needs, code))
    return found


def _names(region: Region, datasets: Datasets, tiles: TileSummary) -> Mapping[str, object]:
    """Return what templates are filled with: file names, years, and a box around the middle."""
    finest, coarsest = region.hexagons.finest, region.hexagons.coarsest
    west, south, east, north = tiles.bounds
    lon, lat = tiles.center
    half_width, half_height = (BOX_SHARE * side / 2 for side in (east - west, north - south))
    return {
        "hexagons": hexagon_file(datasets, finest),
        "areas": file_name(datasets, "areas"),
        "geopackage": file_name(datasets, "geopackage", "GeoPackage"),
        "address": region.dataset.address or ANYWHERE,
        "layer": region.areas[0].layer if region.areas else "",
        "finest": finest,
        "coarsest": coarsest,
        "last": region.years[-1],
        "pair": "{}_{}".format(*region.pairs[-1]) if region.pairs else "",
        "lon": round(lon, COORDINATE_DIGITS),
        "lat": round(lat, COORDINATE_DIGITS),
        "west": round(lon - half_width, COORDINATE_DIGITS),
        "east": round(lon + half_width, COORDINATE_DIGITS),
        "south": round(lat - half_height, COORDINATE_DIGITS),
        "north": round(lat + half_height, COORDINATE_DIGITS),
    }


def hexagon_file(datasets: Datasets, resolution: int) -> str:
    """Return the name of the GeoParquet file of a resolution, "" where there is none."""
    names = [f.path.rpartition("/")[2] for f in datasets.downloads
             if f.resolution == resolution and f.format == "GeoParquet"]  # fmt: skip
    return names[0] if names else ""


def file_name(datasets: Datasets, title: str, kind: str = "GeoParquet") -> str:
    """Return the name of a file by what it holds and its format, "" where there is none."""
    names = [f.path.rpartition("/")[2] for f in datasets.downloads
             if f.title == title and f.format == kind]  # fmt: skip
    return names[0] if names else ""
