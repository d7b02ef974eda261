"""A small drawing that shows where in the region an area lies."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import cos, radians

import numpy as np
import shapely
from markupsafe import Markup

from hexseal.pages.addresses import Key
from hexseal.pages.figures import AreaFigures

# The longer side of the drawing, in its own units; shapes are drawn to half a unit.
SIDE = 200.0
MARGIN = 6.0
DETAIL = 0.5
# So many areas of the coarsest layer are drawn one by one, more as one outline.
MOST_OUTLINES = 60
# An area smaller than this gets a ring around it, or it would not be seen.
SMALL = 8.0


@dataclass(frozen=True, slots=True)
class Locator:
    """Outlines of areas in the drawing's units (x to the right, y down), and what lies behind.

    ``backdrop`` is the path of the coarsest layer.
    """

    width: float
    height: float
    outlines: Mapping[Key, shapely.Geometry]
    backdrop: str

    def drawing(self, key: Key, label: str) -> Markup | None:
        """Return an area within the region as SVG; None for one without an outline."""
        outline = self.outlines.get(key)
        if outline is None or shapely.is_empty(outline):
            return None
        left, top, right, bottom = shapely.bounds(outline).tolist()
        is_small = max(right - left, bottom - top) < SMALL
        ring = Markup('<circle class="locator-ring" cx="{}" cy="{}" r="9"></circle>')
        return Markup(
            '<svg class="locator" viewBox="0 0 {} {}" role="img" aria-label="{}">'
            '<path class="locator-region" d="{}"></path><path class="locator-area" d="{}"></path>'
            "{}</svg>"
        ).format(
            _short(self.width),
            _short(self.height),
            label,
            self.backdrop,
            _path(outline),
            ring.format(_short((left + right) / 2), _short((top + bottom) / 2)) if is_small else "",
        )


def make_locator(
    areas: Sequence[AreaFigures], shapes: Mapping[Key, bytes], coarsest: str
) -> Locator | None:
    """Draw all areas once; ``shapes`` are WKB in degrees. None where there are none."""
    keys = [(area.layer, area.id) for area in areas if (area.layer, area.id) in shapes]
    if not keys:
        return None
    degrees = shapely.from_wkb(np.array([shapes[key] for key in keys], object))
    west, south, east, north = shapely.total_bounds(degrees)
    stretch = cos(radians((south + north) / 2))
    scale = (SIDE - 2 * MARGIN) / max((east - west) * stretch, north - south, 1e-9)

    def project(lonlat: np.ndarray) -> np.ndarray:
        x = MARGIN + (lonlat[:, 0] - west) * stretch * scale
        return np.column_stack((x, MARGIN + (north - lonlat[:, 1]) * scale))

    drawn = shapely.simplify(shapely.transform(degrees, project), DETAIL)
    outlines = dict(zip(keys, drawn, strict=True))
    behind = [outline for key, outline in outlines.items() if key[0] == coarsest]
    if len(behind) > MOST_OUTLINES:
        behind = [shapely.simplify(shapely.union_all(behind, grid_size=DETAIL / 2), DETAIL)]
    return Locator(
        width=2 * MARGIN + (east - west) * stretch * scale,
        height=2 * MARGIN + (north - south) * scale,
        outlines=outlines,
        backdrop="".join(map(_path, behind)),
    )


def _path(shape: shapely.Geometry) -> str:
    """Return polygons as the path of an SVG, coordinates to a tenth.

    >>> _path(shapely.box(0, 0, 1, 2))
    'M1 0L1 2 0 2 0 0Z'
    """
    return "".join(_ring(ring) for ring in _rings(shape))


def _rings(shape: shapely.Geometry) -> Iterable[shapely.LinearRing]:
    for part in shapely.get_parts(shape):
        if part.geom_type == "Polygon":
            yield from (part.exterior, *part.interiors)


def _ring(ring: shapely.LinearRing) -> str:
    first, *others = [f"{_short(x)} {_short(y)}" for x, y in shapely.get_coordinates(ring)[:-1]]
    return f"M{first}L{' '.join(others)}Z"


def _short(value: float) -> str:
    return f"{value + 0.0:.1f}".removesuffix(".0")
