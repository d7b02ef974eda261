"""Which area of a coarser layer holds an area: the breadcrumb of the page."""

from collections.abc import Mapping, Sequence
from statistics import median

import numpy as np
import shapely
from numpy.typing import NDArray

from hexseal.pages.figures import AreaFigures

Key = tuple[str, str]


def coarse_to_fine(areas: Sequence[AreaFigures]) -> list[str]:
    """Return the layers by the size of their areas, the largest first."""
    sizes: dict[str, list[float]] = {}
    for area in areas:
        sizes.setdefault(area.layer, []).append(area.m2("valid_m2") or 0.0)
    return sorted(sizes, key=lambda layer: (-median(sizes[layer]), layer))


def area_parents(areas: Sequence[AreaFigures], shapes: Mapping[Key, bytes]) -> dict[Key, Key]:
    """Return the area of the next coarser layer that holds a point inside each area.

    ``areas`` leave out the whole region; ``shapes`` are outlines as WKB in degrees. An area lies
    in the smallest outline that holds its inner point, of the finest layer that has one.
    """
    layers = coarse_to_fine(areas)
    placed = [a for a in areas if a.place is not None and (a.layer, a.id) in shapes]
    parents: dict[Key, Key] = {}
    for position, layer in enumerate(layers):
        for coarser in layers[:position]:
            holders = [a for a in placed if a.layer == coarser]
            held = [a for a in placed if a.layer == layer]
            parents |= _held(held, holders, shapes)
    return parents


def _held(
    held: Sequence[AreaFigures], holders: Sequence[AreaFigures], shapes: Mapping[Key, bytes]
) -> dict[Key, Key]:
    outlines = shapely.from_wkb([shapes[a.layer, a.id] for a in holders])
    points = shapely.points([a.place.label for a in held if a.place is not None])
    inside: NDArray[np.int64] = shapely.STRtree(outlines).query(points, predicate="within")
    sizes = shapely.area(outlines)
    order = sorted(zip(*inside.tolist(), strict=True), key=lambda pair: -sizes[pair[1]])
    return {
        (held[child].layer, held[child].id): (holders[parent].layer, holders[parent].id)
        for child, parent in order
    }
