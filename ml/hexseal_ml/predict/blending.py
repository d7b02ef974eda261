"""Blending: probabilities of overlapping windows joined so that no seam shows.

Across an overlap the weight of one window falls linearly from 1 to 0 while that of its neighbour
rises, so the weights of all windows sum to 1 at every pixel. Windows come row by row; of a row of
windows only the strips that the next window or the next row overlaps are kept.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hexseal.types import Bytes
from hexseal_ml.model.classes import OUTSIDE, SEALED
from hexseal_ml.predict.windows import Lattice

NO_PROBABILITY = 255


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """Finished rows of the three outputs, each of shape (rows, cols)."""

    landcover: Bytes
    probability: Bytes
    confidence: Bytes


def ramp(overlap: int, device: torch.device | None = None) -> Tensor:
    """Return the rising weight of each pixel of an overlap; that of the other window is 1 - this.

    >>> ramp(4).tolist()
    [0.125, 0.375, 0.625, 0.875]
    """
    return (torch.arange(overlap, dtype=torch.float32, device=device) + 0.5) / overlap


class RowBlender:
    """One row of windows: give its windows from west to east, then take the finished strip.

    ``above`` is what the row before left over: its weighted probabilities in the common rows,
    shape (classes, overlap, cols), None for the first row.
    """

    def __init__(
        self,
        rows: Lattice,
        columns: Lattice,
        row: int,
        codes: tuple[int, ...],
        above: Tensor | None,
    ) -> None:
        self.rows, self.columns, self.row = rows, columns, row
        self.codes = torch.tensor(codes, dtype=torch.uint8)
        self.sealed = codes.index(SEALED)
        self.above = above
        self.is_last = row == rows.count - 1
        overlap = rows.overlap
        self.below = torch.zeros(0 if self.is_last else len(codes), overlap, columns.length)
        top, bottom = rows.settled(row)
        shape = (max(bottom - top, 0), columns.length)
        self.strip = Strip(
            np.full(shape, OUTSIDE, np.uint8),
            np.full(shape, NO_PROBABILITY, np.uint8),
            np.full(shape, OUTSIDE, np.uint8),
        )
        self._left: Tensor | None = None

    def add(self, place: int, probabilities: Tensor | None, known: Tensor) -> None:
        """Blend in the next window.

        ``probabilities`` (classes, size, size) on any device, changed in place, None where no
        pixel is known; ``known`` (size, size) marks the pixels that get a class.
        """
        columns, overlap = self.columns, self.columns.overlap
        if probabilities is None:
            self._left = None
            return
        rising = ramp(overlap, probabilities.device)
        if place > 0:
            west = probabilities[:, :, :overlap]
            west *= rising
            if self._left is not None:
                west += self._left
        self._left = None
        if place < columns.count - 1:
            east = probabilities[:, :, -overlap:]
            self._left = east * (1 - rising)
        begin, end = columns.settled(place)
        if begin >= end:
            return
        first = begin - columns.start(place)
        span = slice(first, first + end - begin)
        self._finish(probabilities[:, :, span], known[:, span], slice(begin, end))

    def _finish(self, sums: Tensor, known: Tensor, where: slice) -> None:
        """Blend columns with the row above, and keep or finish their rows."""
        overlap, size = self.rows.overlap, self.rows.size
        rising = ramp(overlap, sums.device)[:, None]
        if self.row > 0:
            north = sums[:, :overlap]
            north *= rising
            if self.above is not None:
                north += self.above[:, :, where].to(sums.device)
        if not self.is_last:
            self.below[:, :, where] = (sums[:, size - overlap :] * (1 - rising)).cpu()
        top, bottom = self.rows.settled(self.row)
        first = top - self.rows.start(self.row)
        rows = slice(first, first + bottom - top)
        if bottom > top:
            self._classify(sums[:, rows], known[rows], where)

    def _classify(self, sums: Tensor, known: Tensor, where: slice) -> None:
        best, place = sums.max(dim=0)
        sealed = sums[self.sealed].mul(100).round_().byte()
        second = sums.scatter(0, place[None], -1.0).amax(dim=0)
        certain = best.sub(second).mul_(100).round_().clamp_(0, 100).byte()
        classes = self.codes.to(sums.device)[place]
        for target, values, missing in (
            (self.strip.landcover, classes, OUTSIDE),
            (self.strip.probability, sealed, NO_PROBABILITY),
            (self.strip.confidence, certain, OUTSIDE),
        ):
            values[~known] = missing
            target[:, where] = values.cpu().numpy()
