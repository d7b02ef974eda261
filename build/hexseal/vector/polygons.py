"""Polygons of many areas as flat arrays of rings, in pixel coordinates."""

from dataclasses import dataclass

import numpy as np

from hexseal.types import Doubles, Integers


@dataclass(frozen=True, slots=True, eq=False)
class Polygons:
    """Rings of many polygons: ring k runs over ``x[starts[k]:starts[k + 1]]``, closed implicitly.

    ``owners[k]`` is the polygon that ring k belongs to; a polygon's rings stand together. Holes
    and parts are plain rings: what an odd number of rings encloses is inside.
    """

    x: Doubles
    y: Doubles
    starts: Integers
    owners: Integers
    count: int

    def boxes(self) -> tuple[Doubles, Doubles, Doubles, Doubles]:
        """Return the least x, least y, greatest x and greatest y of every ring."""
        if self.owners.size == 0:
            return self.x, self.y, self.x, self.y
        at = self.starts[:-1]
        low, high = np.minimum.reduceat, np.maximum.reduceat
        return low(self.x, at), low(self.y, at), high(self.x, at), high(self.y, at)

    def within(self, boxes: tuple[Doubles, ...], frame: tuple[int, int, int, int]) -> "Polygons":
        """Return the rings that reach into a frame of pixels, in that frame's coordinates.

        ``frame`` is (column, row, width, height), ``boxes`` what boxes() gave. Owners and count
        stay as they are.
        """
        column, row, width, height = frame
        left, top, right, bottom = boxes
        touching = (right >= column - 1) & (left <= column + width)
        kept = np.flatnonzero(touching & (bottom >= row - 1) & (top <= row + height))
        lengths = np.diff(self.starts)[kept]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        places = np.arange(starts[-1]) + np.repeat(self.starts[kept] - starts[:-1], lengths)
        x, y = self.x[places] - column, self.y[places] - row
        return Polygons(x, y, starts, self.owners[kept], self.count)
