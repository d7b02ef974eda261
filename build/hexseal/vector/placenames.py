"""Names of towns and other places that a region file brings, for the map."""

from dataclasses import dataclass

import numpy as np
import shapely

from hexseal.errors import InputError
from hexseal.raster.grid import to_lonlat
from hexseal.region.load import AreaLayer, NamedPlaces
from hexseal.types import Box
from hexseal.vector.source import read_content

# So many names go into every page: more would never be seen at once, and would slow its opening.
MOST_NAMES = 2_000
# Names longer than this would not fit beside each other.
LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class PlaceName:
    """A name and the place in degrees where it stands."""

    lon: float
    lat: float
    name: str


def read_place_names(places: NamedPlaces, bounds: Box | None = None) -> tuple[PlaceName, ...]:
    """Return named points in the order of their file, at most MOST_NAMES.

    ``places`` is a file of points or other shapes, which are named at a point inside them;
    ``bounds`` (west, south, east, north, in degrees) leaves out what lies elsewhere. Rows without
    a name or a place are left out. Raises InputError where the file cannot be read or lacks the
    column.
    """
    content = read_content(_layer(places), [places.name])
    shapes = shapely.from_wkb(content.geometry)
    names = [_written(value) for value in content.columns[places.name]]
    kept = [at for at, name in enumerate(names) if name and not _is_empty(shapes[at])]
    if not kept:
        raise InputError(f"{places.path}: holds no named place; check path and name in [places]")
    points = shapely.get_coordinates(shapely.point_on_surface(shapes[kept]))
    lon, lat = to_lonlat(content.crs, points[:, 0], points[:, 1])
    here = np.isfinite(lon) & np.isfinite(lat)
    if bounds is not None:
        west, south, east, north = bounds
        # Across 180 degrees the west is greater than the east.
        across = (lon >= west) & (lon <= east) if west <= east else (lon >= west) | (lon <= east)
        here &= across & (lat >= south) & (lat <= north)
    found = (
        PlaceName(float(lon[at]), float(lat[at]), names[kept[at]]) for at in np.flatnonzero(here)
    )
    return tuple(found)[:MOST_NAMES]


def _layer(places: NamedPlaces) -> AreaLayer:
    """Return the file as the reader of area files knows it."""
    return AreaLayer("places", places.path, places.name, places.name, None, {})


def _written(value: object) -> str:
    text = "" if value is None else str(value).strip()
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"


def _is_empty(shape: shapely.Geometry | None) -> bool:
    return shape is None or bool(shapely.is_empty(shape))
