"""Area files: polygons with an id and a name, in any CRS that GDAL reads."""

import hashlib
import logging
import math
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyogrio
import pyogrio.raw
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError
from pyproj import CRS
from pyproj.exceptions import CRSError

from hexseal.errors import InputError
from hexseal.raster.grid import Bounds, Floats, Grid, to_lonlat
from hexseal.region.load import AreaLayer, is_remote

log = logging.getLogger(__name__)

Shapes = NDArray[np.object_]
UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
# Names that Windows keeps for devices, with or without an extension.
RESERVED = re.compile(r"(?i)(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?")
SLUG_LENGTH = 60
# Longer edges (degrees, about 1 km) get corners before they change CRS, or they would cut the
# curve that they are in the other one: 50 km at 50° N would lie 50 m off.
LONGEST_EDGE = 0.01
FARTHEST_LONLAT = 360.0, 90.0 + 1e-9
OUTLINE_STEPS = 32
# So many repaired areas are named in one line.
NAMED = 5
POLYGONS = ("Polygon", "MultiPolygon")


@dataclass(frozen=True, slots=True, eq=False)
class Areas:
    """Polygons of one layer: ``geometries`` in the grid's CRS, ``lonlat_geometries`` in degrees.

    ``populations`` holds None where unknown, ``dated_populations`` those by year; ``repaired``
    the ids of polygons that were invalid; ``outside`` how many areas were left out because they
    do not reach the grid.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    populations: tuple[float | None, ...]
    geometries: tuple[shapely.Geometry, ...]
    lonlat_geometries: tuple[shapely.Geometry, ...]
    repaired: tuple[str, ...]
    outside: int
    dated_populations: tuple[Mapping[int, float | None], ...] = ()


def safe_slug(text: str) -> str:
    """Return ``text`` as a file name that cannot leave its folder; different texts stay different.

    >>> safe_slug("FR-75"), safe_slug("../../etc/passwd")
    ('FR-75', 'etc-passwd-3754d6cb')
    """
    slug = UNSAFE.sub("-", text).strip(".-")[:SLUG_LENGTH]
    if slug and slug == text and not RESERVED.fullmatch(slug):
        return slug
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{slug}-{digest}" if slug else digest


def read_areas(layer: AreaLayer, grid: Grid, *, keep_outside: bool = False) -> Areas:
    """Read an area layer and bring its polygons into the grid's CRS; drop those that miss it.

    With ``keep_outside`` none is dropped. An empty ``layer.id`` numbers the areas from 1.

    Raises InputError for a missing or unreadable file, one without CRS, missing columns, empty
    or repeated ids, geometries that are not polygons, and when no area reaches the grid.
    """
    crs, columns, geometry = _read(layer)
    numbered = [str(number) for number in range(1, len(geometry) + 1)]
    ids = [_text(value) for value in columns[layer.id]] if layer.id else numbered
    _check_ids(layer, ids)
    shapes, repaired = _polygons(layer, ids, _shapes(layer, ids, geometry))
    lonlat = _degrees(layer, ids, crs, shapes)
    near = np.arange(len(ids)) if keep_outside else _reaching(layer, lonlat, grid)
    told = columns[layer.name] if layer.name else [""] * len(ids)
    names = [_text(value) or key for value, key in zip(told, ids, strict=True)]
    populations = _populations(layer, layer.population, columns, ids)
    dated = {
        year: _populations(layer, column, columns, ids)
        for year, column in layer.populations.items()
    }
    exact = CRS.from_user_input(crs).equals(CRS.from_user_input(grid.crs), ignore_axis_order=True)
    return Areas(
        ids=tuple(ids[place] for place in near),
        names=tuple(names[place] for place in near),
        populations=tuple(populations[place] for place in near),
        dated_populations=tuple(
            {year: counts[place] for year, counts in dated.items()} for place in near
        ),
        geometries=tuple(shapes[near] if exact else _projected(lonlat[near], grid)),
        lonlat_geometries=tuple(lonlat[near]),
        repaired=repaired,
        outside=len(ids) - len(near),
    )


def _read(layer: AreaLayer) -> tuple[str, dict[str, NDArray[np.generic]], NDArray[np.object_]]:
    if not is_remote(layer.path) and not Path(layer.path).exists():
        raise InputError(f"{layer.path}: no such area file; check path of layer {layer.layer!r}")
    columns = (layer.id, layer.name, layer.population, *layer.populations.values())
    wanted = list(dict.fromkeys(filter(None, columns)))
    try:
        name = _layer_name(layer)
        info = pyogrio.read_info(layer.path, layer=name)
        known = list(info["fields"])
        missing = [column for column in wanted if column not in known]
        if missing and info["features"] != 0:
            raise InputError(
                f"{layer.path}: has no column {missing[0]!r}; it has {', '.join(known) or 'none'}"
            )
        if missing:
            raise _holds_nothing(layer)
        with warnings.catch_warnings():
            # What GDAL and GEOS warn of is refused below, by the id of the area.
            warnings.simplefilter("ignore")
            meta, _, geometry, data = pyogrio.raw.read(
                layer.path, layer=name, columns=wanted, force_2d=True
            )
    except (DataSourceError, DataLayerError) as err:
        raise InputError(
            f"{layer.path}: is not an area file that GDAL can read; "
            "expected GeoPackage, GeoJSON or Shapefile"
        ) from err
    if len(geometry) < info["features"]:
        raise InputError(
            f"{layer.path}: is cut short: {info['features']} areas stand in its header, "
            f"{len(geometry)} could be read; fetch it again or write a copy with ogr2ogr"
        )
    if not meta["crs"]:
        raise InputError(
            f"{layer.path}: has no coordinate reference system; "
            "write a copy that has one with ogr2ogr -a_srs EPSG:CODE"
        )
    return meta["crs"], dict(zip(meta["fields"], data, strict=True)), geometry


def _holds_nothing(layer: AreaLayer) -> InputError:
    return InputError(f"{layer.path}: holds no areas; check path of layer {layer.layer!r}")


def _layer_name(layer: AreaLayer) -> str:
    """Return the only layer that has geometry."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tables = pyogrio.list_layers(layer.path)
    names = [str(name) for name, kind in tables if kind is not None]
    if len(names) != 1:
        listed = ", ".join(names) or "none"
        raise InputError(
            f"{layer.path}: holds {len(names)} layers of geometry ({listed}), expected one; "
            "write the one you mean to its own file with ogr2ogr"
        )
    return names[0]


def _text(value: object) -> str:
    """Return a cell as text; whole numbers lose the ``.0`` that missing values give them."""
    if value is None:
        return ""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.0f}" if value.is_integer() else str(value)
    return str(value).strip()


def _check_ids(layer: AreaLayer, ids: list[str]) -> None:
    if not ids:
        raise _holds_nothing(layer)
    if "" in ids:
        raise InputError(f"{layer.path}: row {ids.index('') + 1} has no {layer.id!r}; fill it in")
    seen: set[str] = set()
    for value in ids:
        if value in seen:
            raise InputError(
                f"{layer.path}: {layer.id} = {value!r} stands twice; give each area its own id "
                "(dissolve the parts of one area into a multipolygon)"
            )
        seen.add(value)


def _populations(
    layer: AreaLayer, column: str | None, columns: dict[str, NDArray[np.generic]], ids: list[str]
) -> list[float | None]:
    if column is None:
        return [None] * len(ids)
    try:
        numbers = columns[column].astype(float)
    except (TypeError, ValueError) as err:
        raise InputError(
            f"{layer.path}: column {column!r} does not hold numbers ({err}); "
            "name the column with the inhabitants, or leave population out"
        ) from err
    negative = np.flatnonzero(numbers < 0)
    if negative.size:
        raise InputError(
            f"{layer.path}: area {ids[negative[0]]!r} has {column} = "
            f"{numbers[negative[0]]:g}; leave it empty where it is unknown"
        )
    return [float(number) if np.isfinite(number) else None for number in numbers]


def _shapes(layer: AreaLayer, ids: list[str], geometry: NDArray[np.object_]) -> Shapes:
    """Return WKB as shapes; raise InputError on the first that is none."""
    with np.errstate(invalid="ignore"):
        shapes = shapely.from_wkb(geometry, on_invalid="ignore")
    for key, shape, content in zip(ids, shapes, geometry, strict=True):
        if shape is None and content is not None:
            raise InputError(
                f"{layer.path}: area {key!r} has a ring that is not closed or has fewer than "
                "4 corners; mend or remove it"
            )
        if not np.isfinite(shapely.get_coordinates(shape)).all():
            raise InputError(
                f"{layer.path}: area {key!r} has a corner without coordinates; mend or remove it"
            )
    return shapes


def _polygons(layer: AreaLayer, ids: list[str], shapes: Shapes) -> tuple[Shapes, tuple[str, ...]]:
    """Return polygons only, invalid ones repaired, and the ids of those."""
    kinds = [shape.geom_type if shape is not None else "no geometry" for shape in shapes]
    for key, kind, shape in zip(ids, kinds, shapes, strict=True):
        if kind not in POLYGONS:
            raise InputError(f"{layer.path}: area {key!r} is {kind}, not a polygon; remove it")
        if shape.is_empty:
            raise InputError(f"{layer.path}: area {key!r} encloses nothing; remove it")
    broken = np.flatnonzero(~shapely.is_valid(shapes))
    shapes = shapes.copy()
    for place in broken:
        kept = _polygonal_parts(shapely.make_valid(shapes[place]))
        if not kept:
            raise InputError(f"{layer.path}: area {ids[place]!r} encloses nothing; remove it")
        shapes[place] = shapely.union_all(kept)
    repaired = tuple(ids[place] for place in broken)
    if repaired:
        more = f" and {len(repaired) - NAMED} more" if len(repaired) > NAMED else ""
        named = ", ".join(map(repr, repaired[:NAMED]))
        log.warning("%s: repaired the invalid polygon of area %s%s", layer.path, named, more)
    return shapes, repaired


def _polygonal_parts(shape: shapely.Geometry) -> list[shapely.Geometry]:
    """Return the polygons within a shape, whose parts may be multipolygons."""
    parts = [part for outer in shapely.get_parts(shape) for part in shapely.get_parts(outer)]
    return [part for part in parts if part.geom_type == "Polygon"]


def _degrees(layer: AreaLayer, ids: list[str], text: str, shapes: Shapes) -> Shapes:
    """Return shapes in longitude and latitude (WGS84)."""
    try:
        crs = CRS.from_user_input(text)
    except CRSError as err:
        raise InputError(f"{layer.path}: its CRS {text!r} is not understood") from err
    if crs.geodetic_crs is None:
        raise InputError(f"{layer.path}: its CRS {crs.name!r} is tied to no place on Earth")
    lonlat = shapely.transform(shapes, _pairwise(lambda x, y: to_lonlat(text, x, y)))
    # NaN compares false. Longitudes up to a full turn are written on both sides of 180 degrees.
    farthest = np.abs(shapely.bounds(lonlat)).reshape(-1, 2, 2).max(axis=1)
    lost = np.flatnonzero(~(farthest <= FARTHEST_LONLAT).all(axis=1))
    if lost.size:
        first = lost[0]
        raise InputError(
            f"{layer.path}: area {ids[first]!r}: {shapely.bounds(shapes[first]).tolist()} are no "
            f"coordinates of its CRS {crs.name!r}; assign the right one with "
            "ogr2ogr -a_srs EPSG:CODE"
        )
    return lonlat


def _reaching(layer: AreaLayer, lonlat: Shapes, grid: Grid) -> NDArray[np.int64]:
    """Return the places of shapes whose box in degrees meets the grid's."""
    west, south, east, north = box = _lonlat_box(grid)
    if not np.isfinite(box).all() or east - west > 180.0:
        return np.arange(len(lonlat))
    left, bottom, right, top = shapely.bounds(lonlat).T
    meets = (left <= east) & (right >= west) & (bottom <= north) & (top >= south)
    if not meets.any():
        raise InputError(
            f"{layer.path}: no area reaches the raster: areas lie at longitude {left.min():.6g} to "
            f"{right.max():.6g}, latitude {bottom.min():.6g} to {top.max():.6g}, the raster at "
            f"{west:.6g} to {east:.6g}, {south:.6g} to {north:.6g}; check both CRS"
        )
    return np.flatnonzero(meets)


def _lonlat_box(grid: Grid) -> Bounds:
    """Return west, south, east, north in degrees of a lattice of points over the grid."""
    xmin, ymin, xmax, ymax = grid.bounds
    steps = OUTLINE_STEPS + 1
    x, y = np.meshgrid(np.linspace(xmin, xmax, steps), np.linspace(ymin, ymax, steps))
    lon, lat = grid.to_lonlat(x.ravel(), y.ravel())
    return float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max())


def _projected(lonlat: Shapes, grid: Grid) -> Shapes:
    """Return shapes in the grid's CRS; those that leave the CRS are cut around the grid."""
    if not grid.is_geographic:
        lonlat = shapely.segmentize(lonlat, LONGEST_EDGE)
    project = _pairwise(grid.from_lonlat)
    shapes = shapely.transform(lonlat, project)
    lost = ~np.isfinite(shapely.bounds(shapes)).all(axis=1)
    if lost.any():
        west, south, east, north = _lonlat_box(grid)
        around = (west - 1.0, south - 1.0, east + 1.0, north + 1.0)
        shapes[lost] = shapely.transform(shapely.clip_by_rect(lonlat[lost], *around), project)
    return shapes


def _pairwise(
    function: Callable[[Floats, Floats], tuple[Floats, Floats]],
) -> Callable[[Floats], Floats]:
    """Let shapely call a function of x and y with an array of shape (n, 2)."""
    return lambda xy: np.column_stack(function(xy[:, 0], xy[:, 1]))
