"""How far one map of sealed land is shifted against the other, and whether it is less sharp.

With a, b the two masks blurred by a Gaussian of one pixel and M their mean, least squares over
the pixels near sealed edges fits

    b - a = -dy M_y - dx M_x + beta laplace(M) + e |grad M|

``dy``, ``dx`` are the shift of the second map in pixels (down, right), ``beta`` is positive where
the second map is more blurred, ``e`` takes what sealed land grew along its edges. Pixels near large
patches of change stay out. The sums of the normal equations add up over bands and blocks.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hexseal.types import Doubles, Flags

BLOCKS = 8
LARGE_PATCH, AWAY = 6, 3
LEAST_SEALED = 0.02
# Blocks with less than this part of the mean information have no estimate of their own.
LEAST_INFORMATION = 0.15
TERMS = 4
# Maps that are shifted by more pixels, or more blurred, cannot show change by their difference;
# with a larger standard error the shift is not known.
MOST_SHIFT, MOST_DRIFT, MOST_SHARPNESS, MOST_SHIFT_ERROR = 0.15, 0.25, 0.012, 0.10
EIGHT = np.ones((3, 3), np.bool_)
# The blur reaches so far: pixels this near to no data are left out.
REACH = 4


@dataclass(frozen=True, slots=True, eq=False)
class Displacement:
    """Shift of the second map against the first in pixels.

    ``shift`` is its length over the region, ``shift_error`` its standard error by leaving out
    blocks, ``drift`` the shift that neighbouring blocks share, ``sharpness`` beta. ``blocks`` is
    the length of the shift in each of the 8 x 8 blocks, NaN where too few edges lie. All are NaN
    where the maps have too few edges.
    """

    shift: float
    shift_error: float
    drift: float
    sharpness: float
    blocks: Doubles


class Registration:
    """Gather the normal equations band by band; ``shape`` is rows, columns of the region."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.block = (max(1, -(-shape[0] // BLOCKS)), max(1, -(-shape[1] // BLOCKS)))
        self.left = np.zeros((TERMS, TERMS, BLOCKS * BLOCKS))
        self.right = np.zeros((TERMS, BLOCKS * BLOCKS))

    def add(
        self, row: int, before: Flags, after: Flags, counts: Flags, own: slice | None = None
    ) -> None:
        """Add rows, the first of which is ``row``: sealed at either date, common valid mask.

        Only the rows ``own`` (None: all) are counted, the others are their neighbours.
        """
        used = _usable(before, after, counts)
        if own is not None:
            used[: own.start], used[own.stop :] = False, False
        if not used.any():
            return
        first, second = (_blurred(mask & counts) for mask in (before, after))
        mean = (first + second) / 2
        y, x = np.nonzero(used & (mean > LEAST_SEALED))
        if not len(y):
            return
        terms = _terms(mean, y, x)
        difference = (second[y, x] - first[y, x]).astype(np.float64)
        block = (y + row) // self.block[0] * BLOCKS + x // self.block[1]
        for i in range(TERMS):
            self.right[i] += np.bincount(block, terms[i] * difference, BLOCKS * BLOCKS)
            for j in range(i, TERMS):
                sums = np.bincount(block, terms[i] * terms[j], BLOCKS * BLOCKS)
                self.left[i, j] += sums
                if i != j:
                    self.left[j, i] += sums

    def solve(self) -> Displacement:
        """Return the shift of the second map."""
        whole = self._fit(self.left.sum(2), self.right.sum(1))
        information = self.left[0, 0] + self.left[1, 1]
        told = information > LEAST_INFORMATION * information.mean()
        local = np.full((2, BLOCKS * BLOCKS), np.nan)
        for place in np.flatnonzero(told):
            left = self.left[:, :, place] + 1e-3 * np.eye(TERMS)
            local[:, place] = self._fit(left, self.right[:, place])[:2]
        grid = local.reshape(2, BLOCKS, BLOCKS)
        return Displacement(
            shift=float(np.hypot(whole[0], whole[1])),
            shift_error=self._error(told),
            drift=_shared(grid),
            sharpness=float(whole[2]),
            blocks=np.hypot(grid[0], grid[1]),
        )

    def _fit(self, left: Doubles, right: Doubles) -> Doubles:
        try:
            return np.linalg.solve(left, right)
        except np.linalg.LinAlgError:
            return np.full(TERMS, np.nan)

    def _error(self, told: Flags) -> float:
        """Return the standard error of the shift by leaving out one block after the other."""
        left, right = self.left.sum(2), self.right.sum(1)
        places = np.flatnonzero(told)
        if len(places) < 2:
            return float("nan")
        fits = [self._fit(left - self.left[:, :, p], right - self.right[:, p])[:2] for p in places]
        found = np.array(fits)
        count = len(found)
        variance = (count - 1) / count * ((found - found.mean(0)) ** 2).sum(0)
        return float(np.sqrt(variance.sum()))


def _usable(before: Flags, after: Flags, counts: Flags) -> Flags:
    """Return the pixels that may speak: valid around, and away from large patches of change."""
    used = counts & ~_near_large(after & ~before & counts) & ~_near_large(before & ~after & counts)
    if not counts.all():
        used &= ~ndimage.binary_dilation(~counts, EIGHT, iterations=REACH)
    used[:1], used[-1:], used[:, :1], used[:, -1:] = False, False, False, False
    return used


def _near_large(change: Flags) -> Flags:
    labels, count = ndimage.label(change, EIGHT)
    if not count:
        return change
    large = np.bincount(labels.ravel())[labels] >= LARGE_PATCH
    return ndimage.binary_dilation(large & change, EIGHT, iterations=AWAY)


def _blurred(mask: Flags) -> NDArray[np.float32]:
    return ndimage.gaussian_filter(mask.astype(np.float32), 1.0)


def _terms(mean: NDArray[np.float32], y: NDArray[np.int64], x: NDArray[np.int64]) -> Doubles:
    """Return -M_y, -M_x, the Laplacian and the length of the gradient; shape (4, pixels)."""
    here = mean[y, x].astype(np.float64)
    up, down, left, right = (
        mean[y + dy, x + dx].astype(np.float64) for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1))
    )
    down_slope, right_slope = (down - up) / 2, (right - left) / 2
    laplacian = up + down + left + right - 4 * here
    return np.stack([-down_slope, -right_slope, laplacian, np.hypot(down_slope, right_slope)])


def _shared(grid: Doubles) -> float:
    """Return the root of the mean scalar product of neighbouring blocks' shifts.

    Noise of single blocks averages out, what neighbours share stays. NaN without neighbours.

    >>> float(_shared(np.stack([np.full((8, 8), 0.3), np.full((8, 8), 0.4)])).__round__(3))
    0.5
    """
    across = (grid[:, :, 1:] * grid[:, :, :-1]).sum(0)
    along = (grid[:, 1:] * grid[:, :-1]).sum(0)
    products = np.concatenate([across.ravel(), along.ravel()])
    known = products[~np.isnan(products)]
    return float(np.sqrt(max(known.mean(), 0.0))) if len(known) else float("nan")
