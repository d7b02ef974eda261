"""Area files: polygons with an id and a name, in any CRS that GDAL reads."""

import hashlib
import logging
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import quote

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError

from hexseal.errors import InputError, shortened
from hexseal.raster.grid import Grid, has_known_datum, to_lonlat
from hexseal.region.load import AreaLayer
from hexseal.types import Box, Doubles, Objects
from hexseal.vector.source import nothing, read_content

log = logging.getLogger(__name__)

UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
# Names that Windows keeps for devices, with or without an extension.
RESERVED = re.compile(r"(?i)(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?")
# Percent-encoded, with the layer's name before it in the name of a folder.
LONGEST_ID = 180
SLUG_LENGTH = 60
# Longer edges (degrees, about 1 km) get corners before they change CRS, or they would cut the
# curve that they are in the other one: 50 km at 50° N would lie 50 m off.
LONGEST_EDGE = 0.01
LONGEST_EDGE_M = 1_000.0
# An edge between places this far east and west crosses 180 degrees, not the rest of the Earth.
NEAR_180 = 150.0
# What lies this many degrees outside the grid's box is cut off before it changes CRS: a projection
# that is good around the grid may fold what lies on the other side of the Earth.
FAR = 20.0
# So many pairs of neighbours are compared for overlap.
COMPARED = 20_000
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
    do not reach the grid; ``notes`` what a reader should know of the file; ``kept`` further
    columns, in the order of the areas.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    populations: tuple[float | None, ...]
    geometries: tuple[shapely.Geometry, ...]
    lonlat_geometries: tuple[shapely.Geometry, ...]
    repaired: tuple[str, ...]
    outside: int
    dated_populations: tuple[Mapping[int, float | None], ...] = ()
    notes: tuple[str, ...] = ()
    kept: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)


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


def read_areas(
    layer: AreaLayer, grid: Grid, *, keep_outside: bool = False, keep: Sequence[str] = ()
) -> Areas:
    """Read an area layer and bring its polygons into the grid's CRS; drop those that miss it.

    With ``keep_outside`` none is dropped. An empty ``layer.id`` numbers the areas from 1. ``keep``
    names further columns to return, ``*`` all of them.

    Raises InputError for a missing or unreadable file, one without CRS, missing columns, empty
    or repeated ids, geometries that are not polygons, and when no area reaches the grid.
    """
    asked = (layer.id, layer.name, layer.population, *layer.populations.values())
    content = read_content(layer, list(dict.fromkeys(filter(None, asked))), keep=keep)
    columns, count = content.columns, len(content.geometry)
    ids = [_text(v) for v in columns[layer.id]] if layer.id else [str(n + 1) for n in range(count)]
    _check_ids(layer, ids)
    shapes, repaired = _polygons(layer, ids, _shapes(layer, ids, content.geometry))
    lonlat = _degrees(layer, ids, content.crs, shapes)
    box = lonlat_box(grid)
    notes = [*content.warnings, *_datum_note(content.crs, grid), *_repair_note(repaired)]
    meets = _meeting(lonlat, box)
    if not meets.any():
        notes += _miss(layer, lonlat, box, allowed=keep_outside)
    near = np.arange(count) if keep_outside else np.flatnonzero(meets)
    for note in notes:
        _warn_once(layer.path, note)
    texts = columns[layer.name] if layer.name else [""] * count
    names = [_text(value) or key for value, key in zip(texts, ids, strict=True)]
    populations = _populations(layer, layer.population, columns, ids)
    dated = {
        year: _populations(layer, column, columns, ids)
        for year, column in layer.populations.items()
    }
    kept = [name for name in columns if "*" in keep or name in keep]
    return Areas(
        ids=tuple(ids[place] for place in near),
        names=tuple(names[place] for place in near),
        populations=tuple(populations[place] for place in near),
        dated_populations=tuple(
            {year: counts[place] for year, counts in dated.items()} for place in near
        ),
        geometries=tuple(_on_grid(content.crs, shapes[near], lonlat[near], grid)),
        lonlat_geometries=tuple(split_at_180(lonlat[near])),
        repaired=repaired,
        outside=count - len(near),
        notes=tuple(notes),
        kept={name: columns[name][near] for name in kept},
    )


def _text(value: object) -> str:
    """Return a cell as text; whole numbers lose the ``.0`` that missing values give them."""
    if value is None:
        return ""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.0f}" if value.is_integer() else str(value)
    return str(value).strip()


def _check_ids(layer: AreaLayer, ids: list[str]) -> None:
    if not ids:
        raise nothing(layer)
    if "" in ids:
        raise InputError(f"{layer.path}: row {ids.index('') + 1} has no {layer.id!r}; fill it in")
    seen: set[str] = set()
    for value in ids:
        if value in seen:
            raise InputError(
                f"{layer.path}: {layer.id} = {value!r} stands twice; give each area its own id "
                "(dissolve the parts of one area into a multipolygon)"
            )
        if len(quote(value, safe="")) > LONGEST_ID:
            raise InputError(
                f"{layer.path}: {layer.id} = {shortened(value, 40)!r} has {len(value)} characters; "
                f"ids become names of files, which hold at most {LONGEST_ID} (letters beyond "
                "ASCII count as 6 or 9)"
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


def _shapes(layer: AreaLayer, ids: list[str], geometry: NDArray[np.object_]) -> Objects:
    """Return WKB as shapes; raise InputError on the first that is none."""
    with np.errstate(invalid="ignore"):
        shapes = shapely.from_wkb(geometry, on_invalid="ignore")
    for key, shape, content in zip(ids, shapes, geometry, strict=True):
        if shape is None and content is not None:
            raise InputError(
                f"{layer.path}: area {key!r} has a ring that is not closed or has fewer than "
                "4 corners; fix or remove it"
            )
        if not np.isfinite(shapely.get_coordinates(shape)).all():
            raise InputError(
                f"{layer.path}: area {key!r} has a corner without coordinates; fix or remove it"
            )
    return shapes


def _polygons(layer: AreaLayer, ids: list[str], shapes: Objects) -> tuple[Objects, tuple[str, ...]]:
    """Return polygons only, invalid ones repaired, and the ids of those.

    A geometry collection, as clips write it, counts by its polygons.
    """
    shapes, repaired = shapes.copy(), []
    valid = shapely.is_valid(shapes)
    for place, shape in enumerate(shapes):
        if shape is None:
            raise InputError(f"{layer.path}: area {ids[place]!r} has no geometry; remove it")
        kind = shape.geom_type
        if valid[place] and kind in POLYGONS and not shapely.is_empty(shape):
            continue
        parts = _polygonal_parts(shape)
        if kind not in POLYGONS and not parts:
            raise InputError(
                f"{layer.path}: area {ids[place]!r} is {kind}, not a polygon; remove it"
            )
        # Part by part: made valid as a whole, a part inside another would become a hole.
        sound = [piece for part in parts for piece in _polygonal_parts(shapely.make_valid(part))]
        if not sound:
            raise InputError(f"{layer.path}: area {ids[place]!r} encloses nothing; remove it")
        shapes[place] = shapely.union_all(sound)
        repaired.append(ids[place])
    return shapes, tuple(repaired)


@cache
def _warn_once(path: str, note: str) -> None:
    """Log a warning about a file once, however many stages read it."""
    log.warning("%s: %s", path, note)


def _datum_note(text: str, grid: Grid) -> list[str]:
    crs = CRS.from_user_input(text)
    if has_known_datum(text) or crs.equals(CRS.from_user_input(grid.crs), ignore_axis_order=True):
        return []
    datum = crs.datum.name if crs.datum is not None else crs.name
    return [f"how its datum {datum!r} lies to WGS84 is not known, so areas may be hundreds of "
            "metres off; write a copy with ogr2ogr -t_srs EPSG:4326"]  # fmt: skip


def _repair_note(repaired: tuple[str, ...]) -> list[str]:
    if not repaired:
        return []
    more = f" and {len(repaired) - NAMED} more" if len(repaired) > NAMED else ""
    named = ", ".join(map(repr, repaired[:NAMED]))
    return [f"repaired the invalid polygon of area {named}{more}"]


def _polygonal_parts(shape: shapely.Geometry) -> list[shapely.Geometry]:
    """Return the polygons within a shape, however deep its collections are nested."""
    if shapely.get_type_id(shape) == shapely.GeometryType.POLYGON:
        return [] if shapely.is_empty(shape) else [shape]
    if not hasattr(shape, "geoms"):
        return []
    return [part for inner in shapely.get_parts(shape) for part in _polygonal_parts(inner)]


def _degrees(layer: AreaLayer, ids: list[str], text: str, shapes: Objects) -> Objects:
    """Return shapes in longitude and latitude (WGS84), in one piece where they cross 180 degrees.

    So longitudes run from -180 to 180, or past it.
    """
    try:
        crs = CRS.from_user_input(text)
    except CRSError as err:
        raise InputError(f"{layer.path}: its CRS {text[:60]!r} is not understood") from err
    if crs.geodetic_crs is None:
        raise InputError(f"{layer.path}: its CRS {crs.name!r} is tied to no place on Earth")
    lonlat = shapely.transform(shapes, _pairwise(lambda x, y: to_lonlat(text, x, y)))
    # NaN compares false. Longitudes up to a full turn are written on both sides of 180 degrees.
    farthest = np.abs(shapely.bounds(lonlat)).reshape(-1, 2, 2).max(axis=1)
    lost = np.flatnonzero(~(farthest <= FARTHEST_LONLAT).all(axis=1))
    if lost.size:
        first = lost[0]
        box = [round(float(edge), 6) for edge in shapely.bounds(shapes[first])]
        raise InputError(
            f"{layer.path}: area {ids[first]!r}: {box} are no "
            f"coordinates of its CRS {crs.name!r}; {_remedy(crs, box)}"
        )
    return _unwrapped(lonlat)


def _remedy(crs: CRS, box: list[float]) -> str:
    swapped = crs.is_geographic and max(map(abs, box[::2])) <= 90 < max(map(abs, box[1::2])) <= 180
    if swapped:
        return "latitude and longitude look swapped; swap them (in QGIS: Swap X and Y coordinates)"
    return "assign the right one with ogr2ogr -a_srs EPSG:CODE"


def _unwrapped(lonlat: Objects) -> Objects:
    """Return shapes whose edges from 179 to -179 and the like run the short way, past 180.

    Edges between other places run as they are drawn, however long (RFC 7946, section 3.1.9).
    """
    lonlat = lonlat.copy()
    west, _, east, _ = shapely.bounds(lonlat).T
    for place in np.flatnonzero(east - west > 180.0):
        parts = [_unwrapped_part(part) for part in shapely.get_parts(lonlat[place])]
        joined = parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)
        lonlat[place] = joined
    return lonlat


def _unwrapped_part(part: shapely.Polygon) -> shapely.Polygon:
    """Return one polygon with the longitudes of every ring in one piece."""
    rings = []
    for ring in shapely.get_rings(part):
        xy = shapely.get_coordinates(ring)
        step = np.diff(xy[:, 0])
        ends = np.minimum(np.abs(xy[:-1, 0]), np.abs(xy[1:, 0]))
        crossing = (np.abs(step) > 180.0) & (np.abs(step) < 360.0) & (ends >= NEAR_180)
        turns = np.concatenate([[0], np.cumsum(-np.sign(step) * crossing)])
        # A ring around a pole does not close this way and stays as it is.
        if turns[-1] == 0:
            xy[:, 0] += 360.0 * (turns - turns.min())
        rings.append(xy)
    return shapely.Polygon(rings[0], rings[1:])


def split_at_180(lonlat: Objects) -> Objects:
    """Return shapes cut at 180 degrees, so that no longitude lies beyond (RFC 7946, 3.1.9)."""
    lonlat = lonlat.copy()
    west, _, east, _ = shapely.bounds(lonlat).T
    for place in np.flatnonzero((west < -180.0) | (east > 180.0)):
        lonlat[place] = _turned(lonlat[place], Box(-180.0, -90.0, 180.0, 90.0))
    return lonlat


def _turned(shape: shapely.Geometry, box: Box) -> shapely.Geometry:
    """Return what lies in ``box`` of a shape and of its copies a whole turn east and west."""
    frame = shapely.box(*box)
    copies = [
        shapely.transform(shape, lambda xy, turn=turn: xy + np.array([360.0 * turn, 0.0]))
        for turn in (-1, 0, 1)
    ]
    return shapely.union_all(
        [
            part
            for copy in copies
            for part in _polygonal_parts(shapely.intersection(shapely.make_valid(copy), frame))
        ]
    )


def _meeting(lonlat: Objects, box: Box) -> NDArray[np.bool_]:
    """Return which shapes' boxes in degrees meet the grid's, a whole turn apart or not."""
    west, south, east, north = box
    if not np.isfinite(box).all() or east - west > 180.0:
        return np.ones(len(lonlat), dtype=bool)
    left, bottom, right, top = shapely.bounds(lonlat).T
    abreast = [(left + turn <= east) & (right + turn >= west) for turn in (-360.0, 0.0, 360.0)]
    return np.logical_or.reduce(abreast) & (bottom <= north) & (top >= south)


def _miss(layer: AreaLayer, lonlat: Objects, box: Box, *, allowed: bool) -> list[str]:
    """Return what to note where no area reaches the grid; raise InputError where that is wrong."""
    left, bottom, right, top = shapely.bounds(lonlat).T
    flipped = shapely.transform(lonlat, lambda xy: xy[:, ::-1])
    hint = ""
    if _meeting(flipped, box).any():
        hint = "with latitude and longitude swapped they would; in QGIS: Swap X and Y coordinates"
    if allowed:
        return [f"no area reaches the raster; {hint or 'check both CRS'}"]
    west, south, east, north = box
    raise InputError(
        f"{layer.path}: no area reaches the raster: areas lie at longitude {left.min():.6g} to "
        f"{right.max():.6g}, latitude {bottom.min():.6g} to {top.max():.6g}, the raster at "
        f"{west:.6g} to {east:.6g}, {south:.6g} to {north:.6g}; {hint or 'check both CRS'}"
    )


def lonlat_box(grid: Grid) -> Box:
    """Return west, south, east, north in degrees of a lattice of points over the grid.

    East lies past 180 degrees where the grid crosses them.
    """
    xmin, ymin, xmax, ymax = grid.bounds
    steps = OUTLINE_STEPS + 1
    x, y = np.meshgrid(np.linspace(xmin, xmax, steps), np.linspace(ymin, ymax, steps))
    lon, lat = grid.to_lonlat(x.ravel(), y.ravel())
    if not grid.is_geographic:
        middle = grid.to_lonlat(np.array([(xmin + xmax) / 2]), np.array([(ymin + ymax) / 2]))[0][0]
        lon = np.where(lon - middle > 180.0, lon - 360.0, lon)
        lon = np.where(lon - middle < -180.0, lon + 360.0, lon)
    return Box(float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max()))


def _on_grid(text: str, shapes: Objects, lonlat: Objects, grid: Grid) -> Objects:
    """Return shapes, given in a CRS and in degrees, in the grid's CRS."""
    west, _, east, _ = grid.bounds
    same = CRS.from_user_input(text).equals(CRS.from_user_input(grid.crs), ignore_axis_order=True)
    if same and not (grid.is_geographic and (west < -180.0 or east > 180.0)):
        return shapes
    return _projected(_with_corners(text, shapes, lonlat), grid)


def _with_corners(text: str, shapes: Objects, lonlat: Objects) -> Objects:
    """Return shapes in degrees whose long edges follow the straight lines of their own CRS."""
    crs = CRS.from_user_input(text)
    if crs.is_geographic:
        return lonlat
    longest = LONGEST_EDGE_M / crs.axis_info[0].unit_conversion_factor
    dense = shapely.segmentize(shapes, longest)
    gained = np.flatnonzero(
        shapely.get_num_coordinates(dense) > shapely.get_num_coordinates(shapes)
    )
    if gained.size:
        lonlat = lonlat.copy()
        lonlat[gained] = _unwrapped(
            shapely.transform(dense[gained], _pairwise(lambda x, y: to_lonlat(text, x, y)))
        )
    return lonlat


def _projected(lonlat: Objects, grid: Grid) -> Objects:
    """Return shapes in the grid's CRS; those that leave the CRS are cut around the grid."""
    west, south, east, north = lonlat_box(grid)
    around = Box(west - 1.0, south - 1.0, east + 1.0, north + 1.0)
    far = far_reaching(lonlat, grid)
    if far.any():
        lonlat = lonlat.copy()
        frame = Box(west - FAR, south - FAR, east + FAR, north + FAR)
        lonlat[far] = [_turned(shape, frame) for shape in lonlat[far]]
    if grid.is_geographic:
        # Which turn of the Earth an area is written in must not matter.
        left, _, right, _ = shapely.bounds(lonlat).T
        apart = np.flatnonzero((left < west - 1.0) | (right > east + 1.0))
        lonlat = lonlat.copy()
        lonlat[apart] = [_turned(shape, around) for shape in lonlat[apart]]
    else:
        lonlat = shapely.segmentize(lonlat, LONGEST_EDGE)
    project = _pairwise(grid.from_lonlat)
    shapes = shapely.transform(lonlat, project)
    lost = ~np.isfinite(shapely.bounds(shapes)).all(axis=1) & ~shapely.is_empty(shapes)
    if lost.any():
        shapes[lost] = shapely.transform(shapely.clip_by_rect(lonlat[lost], *around), project)
    return shapes


def far_reaching(lonlat: Objects, grid: Grid) -> NDArray[np.bool_]:
    """Return which shapes in degrees reach so far beyond the grid that they are cut around it."""
    west, south, east, north = lonlat_box(grid)
    if not east - west + 2 * FAR < 360.0:
        return np.zeros(len(lonlat), dtype=bool)
    left, bottom, right, top = shapely.bounds(lonlat).T
    wide = (right - left > east - west + 2 * FAR) | (top - bottom > north - south + 2 * FAR)
    return wide & _meeting(lonlat, lonlat_box(grid))


def _pairwise(
    function: Callable[[Doubles, Doubles], tuple[Doubles, Doubles]],
) -> Callable[[Doubles], Doubles]:
    """Make shapely call a function of x and y with an array of shape (n, 2)."""
    return lambda xy: np.column_stack(function(xy[:, 0], xy[:, 1]))


def overlapping(areas: Areas) -> tuple[str, str] | None:
    """Return the ids of two areas that share more than a hundredth of the smaller, if any do.

    Of a layer with many neighbours that do not share their corners the first pairs are compared.
    """
    shapes = np.array(areas.geometries, dtype=object)
    if shapely.coverage_is_valid(shapes):
        return None
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    pairs = [(a, b) for a, b in zip(one.tolist(), other.tolist(), strict=True) if a < b]
    for a, b in pairs[:COMPARED]:
        common = shapely.area(shapely.intersection(shapes[a], shapes[b]))
        if common > 0.01 * min(shapely.area(shapes[a]), shapely.area(shapes[b])):
            return areas.ids[a], areas.ids[b]
    return None
