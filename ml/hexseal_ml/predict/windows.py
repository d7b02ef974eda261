"""Overlapping windows that cover an image of any size, all equal and evenly spread.

Equal windows overlap their neighbours by the same number of pixels, so that blending needs one
ramp only. They reach a little over the image's edge, where the image is continued as in a mirror:
a border pixel so has surroundings on every side.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hexseal.raster.grid import Window
from hexseal.types import Flags, Floats
from hexseal_ml.imagery.image import Image
from hexseal_ml.imagery.series import Series
from hexseal_ml.model.network import SMALLEST_SIDE


@dataclass(frozen=True, slots=True)
class Lattice:
    """Windows along one side of an image, in pixels; the first starts ``margin`` before it."""

    length: int
    size: int
    count: int
    overlap: int

    @property
    def step(self) -> int:
        """Return the distance between the starts of neighbouring windows."""
        return self.size - self.overlap

    @property
    def margin(self) -> int:
        """Return how far the first window reaches over the edge."""
        return self.overlap // 2

    def start(self, place: int) -> int:
        """Return where a window starts; the first one's start is negative."""
        return place * self.step - self.margin

    def settled(self, place: int) -> tuple[int, int]:
        """Return the pixels [from, to) of the image that no later window touches any more."""
        begin = max(self.start(place), 0)
        last = place == self.count - 1
        return begin, self.length if last else min(self.start(place + 1), self.length)


def lattice(length: int, window: int, overlap: int) -> Lattice:
    """Return the fewest windows of at most ``window`` pixels that cover ``length`` pixels.

    Sides are multiples of 32, which the network needs, and no larger than they must be.

    >>> lattice(2400, 384, 32), lattice(50, 384, 32)
    (Lattice(length=2400, size=384, count=7, overlap=32), Lattice(length=50, size=96, count=1, \
overlap=32))
    """
    span = length  # the margins on both sides are one overlap together
    count = max(math.ceil(span / (window - overlap)), 1)
    size = math.ceil((span / count + overlap) / SMALLEST_SIDE) * SMALLEST_SIDE
    # Rounding up may have made the last windows superfluous.
    count = max(math.ceil(span / (size - overlap)), 1)
    return Lattice(length, size, count, overlap)


def mirrored(start: int, size: int, length: int) -> NDArray[np.intp]:
    """Return which pixels a window shows: beyond the edges the image continues as its reflection.

    >>> mirrored(-2, 6, 3).tolist()
    [1, 0, 0, 1, 2, 2]
    """
    place = np.arange(start, start + size) % (2 * length)
    return np.where(place < length, place, 2 * length - 1 - place)


def read_mirrored(
    image: Image | Series, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> Floats:
    """Return reflectance (bands, rows, cols) of the pixels at these rows and columns."""
    top, left = int(rows.min()), int(columns.min())
    window = Window(top, left, int(rows.max()) + 1 - top, int(columns.max()) + 1 - left)
    values, known = image.read(window)
    values[:, ~known] = np.nan
    return values[:, (rows - top)[:, None], (columns - left)[None, :]]


def known_of(reflectance: Floats) -> Flags:
    """Return the pixels (rows, cols) of which any band (bands, rows, cols) is known."""
    return np.asarray(np.isfinite(reflectance).any(axis=0), dtype=np.bool_)


def held_part(known: Flags, unit: int, margin: int) -> slice:
    """Return the part of a side that holds every true flag, ``margin`` around them where it fits.

    Its length is a multiple of ``unit`` where the side's is.

    >>> held_part(np.arange(96) > 70, 32, 4), held_part(np.arange(96) % 90 == 5, 32, 4)
    (slice(64, 96, None), slice(0, 96, None))
    """
    places = np.flatnonzero(known)
    begin, end = max(int(places[0]) - margin, 0), min(int(places[-1]) + 1 + margin, len(known))
    length = min(math.ceil((end - begin) / unit) * unit, len(known))
    begin = max(min(begin, len(known) - length), 0)
    return slice(begin, begin + length)
