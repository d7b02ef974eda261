"""Area files: polygons with an id and a name, in any CRS that GDAL reads."""

import logging
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyogrio
import shapely
from pyogrio.errors import DataSourceError
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from hexseal.config import AreaLayer, is_remote
from hexseal.errors import InputError
from hexseal.grid import Grid

log = logging.getLogger(__name__)

SLUG = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True, eq=False)
class Areas:
    """Polygons of one layer: ``geometries`` in the grid's CRS, ``lonlat_geometries`` in degrees.

    ``populations`` holds None where unknown; ``repaired`` the ids of polygons that were invalid.
    """

    ids: list[str]
    names: list[str]
    populations: list[float | None]
    geometries: list[shapely.Geometry]
    lonlat_geometries: list[shapely.Geometry]
    repaired: tuple[str, ...]


def safe_slug(text: str) -> str:
    """Return ``text`` as a file name that cannot leave its folder.

    >>> safe_slug("../../x"), safe_slug("FR-75")
    ('x', 'FR-75')
    """
    return SLUG.sub("-", text).strip(".-") or "area"


def read_areas(layer: AreaLayer, grid: Grid) -> Areas:
    """Read an area layer and bring its polygons into the grid's CRS.

    Raises InputError for a missing or unreadable file, one without CRS, missing columns, empty
    or repeated ids, and geometries that are not polygons.
    """
    wanted = [layer.id, layer.name] + ([layer.population] if layer.population else [])
    crs, columns, shapes = _read(layer, list(dict.fromkeys(wanted)))
    ids = [_text(value) for value in columns[layer.id]]
    _check_ids(layer, ids)
    shapes, repaired = _polygons(layer, ids, shapes)
    populations = columns.get(layer.population or "", np.full(len(ids), np.nan))
    lonlat = _to_lonlat(layer, crs, shapes)
    return Areas(
        ids=ids,
        names=[_text(value) or key for value, key in zip(columns[layer.name], ids, strict=True)],
        populations=[None if np.isnan(p) else float(p) for p in populations.astype(float)],
        geometries=list(shapely.transform(lonlat, _pair(grid.from_lonlat))),
        lonlat_geometries=list(lonlat),
        repaired=repaired,
    )


def _read(layer: AreaLayer, wanted: list[str]) -> tuple[str, dict[str, np.ndarray], np.ndarray]:
    if not is_remote(layer.path) and not Path(layer.path).exists():
        raise InputError(f"{layer.path}: no such area file; check path of layer {layer.layer!r}")
    try:
        known = list(pyogrio.read_info(layer.path)["fields"])
        missing = [name for name in wanted if name not in known]
        if missing:
            raise InputError(
                f"{layer.path}: has no column {missing[0]!r}; it has {', '.join(known) or 'none'}"
            )
        meta, _, geometry, data = pyogrio.raw.read(layer.path, columns=wanted)
    except DataSourceError as err:
        raise InputError(f"{layer.path}: is not an area file that GDAL can read") from err
    if not meta["crs"]:
        raise InputError(
            f"{layer.path}: has no coordinate reference system; assign one with ogr2ogr -a_srs"
        )
    columns = dict(zip(meta["fields"], data, strict=True))
    return meta["crs"], columns, shapely.from_wkb(geometry)


def _text(value: object) -> str:
    return "" if value is None or value != value else str(value).strip()


def _check_ids(layer: AreaLayer, ids: list[str]) -> None:
    if not ids:
        raise InputError(f"{layer.path}: holds no areas")
    if "" in ids:
        raise InputError(f"{layer.path}: row {ids.index('') + 1} has no {layer.id!r}; fill it in")
    seen: set[str] = set()
    for value in ids:
        if value in seen:
            raise InputError(
                f"{layer.path}: {layer.id} = {value!r} stands twice; ids must be unique "
                "(dissolve the parts into one multipolygon)"
            )
        seen.add(value)


def _polygons(
    layer: AreaLayer, ids: list[str], shapes: np.ndarray
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return polygons only, invalid ones repaired, and the ids of those."""
    kinds = shapely.get_type_id(shapes)
    wrong = np.flatnonzero(~np.isin(kinds, [3, 6]))
    if wrong.size:
        raise InputError(
            f"{layer.path}: area {ids[wrong[0]]!r} is not a polygon "
            f"({shapes[wrong[0]].geom_type if shapes[wrong[0]] else 'empty'})"
        )
    broken = np.flatnonzero(~shapely.is_valid(shapes))
    shapes = shapes.copy()
    for place in broken:
        parts = shapely.get_parts(shapely.make_valid(shapes[place]))
        parts = [p for part in parts for p in shapely.get_parts(part)]
        kept = [part for part in parts if part.geom_type == "Polygon"]
        if not kept:
            raise InputError(f"{layer.path}: area {ids[place]!r} encloses nothing; remove it")
        shapes[place] = shapely.unary_union(kept)
    repaired = tuple(ids[place] for place in broken)
    if repaired:
        log.warning("%s: repaired invalid polygons of %s", layer.path, ", ".join(repaired[:5]))
    return shapes, repaired


def _to_lonlat(layer: AreaLayer, text: str, shapes: np.ndarray) -> np.ndarray:
    try:
        crs = CRS.from_user_input(text)
    except CRSError as err:
        raise InputError(f"{layer.path}: its CRS {text!r} is not understood") from err
    geodetic = crs.geodetic_crs
    if crs.is_geographic or geodetic is None:
        return shapes
    transformer = Transformer.from_crs(crs, geodetic, always_xy=True)
    return shapely.transform(shapes, _pair(transformer.transform))


def _pair(function):
    """Let shapely call a function of x and y."""
    return lambda xy: np.column_stack(function(xy[:, 0], xy[:, 1]))
