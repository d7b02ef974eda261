"""What people built: batches of polygons that seal or bare the ground for some of the years."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import shapely
from numba import njit
from numpy.typing import NDArray
from rasterio import Affine
from rasterio.features import rasterize

from hexseal.simulation.terrain import PIXEL_M
from hexseal.types import Bytes, Objects

YEARS = (2018, 2021, 2024)
# Covers are burnt on a grid of 2.5 m: 16 sub-pixels make one pixel's fraction.
SUBPIXELS = 4
FOREVER = 9999
NOTHING, HARD, BARE_GROUND, GARDEN = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Batch:
    """Polygons of one kind in local metres that cover the ground from ``since`` to ``until``.

    ``ground`` is HARD (sealed), BARE_GROUND (building site, quarry) or GARDEN (grass again).
    Later batches lie on top of earlier ones; ``under``: the batch lies below all
    that lasts, so that a building site tears up no old street. Half-open in years:
    since <= year < until.
    """

    kind: str
    ground: int
    shapes: Objects
    since: int = 0
    until: int = FOREVER
    under: bool = False

    @property
    def permanent(self) -> bool:
        """Return whether the batch lies there in every year."""
        return self.since == 0 and self.until == FOREVER

    def lasts(self, year: int) -> bool:
        """Return whether the batch lies there in ``year``."""
        return self.since <= year < self.until


@dataclass(slots=True)
class Buildings:
    """All batches of an island, in the order in which they are laid down."""

    batches: list[Batch] = field(default_factory=list)

    def add(self, batch: Batch) -> None:
        """Lay ``batch`` on top of all others, unless it is empty."""
        if len(batch.shapes):
            self.batches.append(batch)

    def fractions(
        self, shape: tuple[int, int], years: tuple[int, ...]
    ) -> Iterator[tuple[Bytes, Bytes, Bytes]]:
        """Yield, for each year, how many of the 16 sub-pixels are sealed, bare and garden."""
        first = next((i for i, b in enumerate(self.batches) if not b.permanent), None)
        lasting = self.batches[:first]
        base = np.zeros((shape[0] * SUBPIXELS, shape[1] * SUBPIXELS), np.uint8)
        _burn(base, lasting)
        ground = np.empty_like(base)
        for year in years:
            ground.fill(NOTHING)
            moving = [b for b in self.batches[len(lasting) :] if b.lasts(year)]
            _burn(ground, [b for b in moving if b.under])
            _lay_over(ground, base)
            _burn(ground, [b for b in moving if not b.under])
            yield _count(ground)


def _burn(ground: Bytes, batches: list[Batch]) -> None:
    side = PIXEL_M / SUBPIXELS
    pairs = [(outline, b.ground) for b in batches for outline in _outlines(b.shapes)]
    if pairs:
        rasterize(pairs, out=ground, transform=Affine(side, 0, 0, 0, side, 0))


def _outlines(shapes: Objects) -> Iterator[dict[str, object]]:
    """Yield GeoJSON polygons: much faster than shape by shape."""
    parts = shapely.get_parts(shapes)
    polygons = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    if not len(polygons):
        return
    _, coordinates, (ring_ends, polygon_ends) = shapely.to_ragged_array(polygons)
    points, rings, ends = coordinates.tolist(), ring_ends.tolist(), polygon_ends.tolist()
    for first, last in pairwise(ends):
        outline = [points[rings[i] : rings[i + 1]] for i in range(first, last)]
        yield {"type": "Polygon", "coordinates": outline}


@njit(cache=True)
def _lay_over(ground: Bytes, base: Bytes) -> None:
    """Copy what ``base`` covers, without a mask as large as the sub-pixels."""
    for y in range(ground.shape[0]):
        for x in range(ground.shape[1]):
            if base[y, x] > 0:
                ground[y, x] = base[y, x]


@njit(cache=True)
def _count(ground: Bytes) -> tuple[Bytes, Bytes, Bytes]:
    height, width = ground.shape[0] // SUBPIXELS, ground.shape[1] // SUBPIXELS
    counts = np.zeros((4, height, width), np.uint8)
    for y in range(ground.shape[0]):
        for x in range(ground.shape[1]):
            if ground[y, x] > 0:
                counts[ground[y, x], y // SUBPIXELS, x // SUBPIXELS] += 1
    return counts[1], counts[2], counts[3]


def rectangles(
    centers_xy: NDArray[np.float64],
    sizes_m: NDArray[np.float64],
    angles: NDArray[np.float64],
) -> Objects:
    """Return one rectangle per row; ``sizes_m`` is (along, across), angles turn from x to y."""
    signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2
    corners = signs[None] * sizes_m[:, None, :]
    cosine, sine = np.cos(angles)[:, None], np.sin(angles)[:, None]
    x = corners[..., 0] * cosine - corners[..., 1] * sine + centers_xy[:, None, 0]
    y = corners[..., 0] * sine + corners[..., 1] * cosine + centers_xy[:, None, 1]
    return np.asarray(shapely.polygons(np.stack([x, y], axis=-1)), dtype=object)
