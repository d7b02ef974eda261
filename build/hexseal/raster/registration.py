"""How far one map of sealed land is shifted against the other, and whether it is less sharp.

With a, b the two masks blurred by a Gaussian of one pixel and M their mean, least squares over
the pixels near sealed edges fits

    b - a = -dy M_y - dx M_x + beta laplace(M) + e |grad M|

``dy``, ``dx`` are the shift of the second map in pixels (down, right), ``beta`` is positive where
the second map is more blurred, ``e`` takes what sealed land grew along its edges. Pixels near large
patches of change stay out. The sums of the normal equations add up over bands and blocks.
"""

from dataclasses import dataclass

import numba
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
        _gather(
            before & counts, after & counts, used, KERNEL, row, self.block, self.left, self.right
        )

    def solve(self) -> Displacement:
        """Return the shift of the second map."""
        whole = self._fit(self.left.sum(2), self.right.sum(1))
        information = self.left[0, 0] + self.left[1, 1]
        informative = information > LEAST_INFORMATION * information.mean()
        local = np.full((2, BLOCKS * BLOCKS), np.nan)
        for place in np.flatnonzero(informative):
            left = self.left[:, :, place] + 1e-3 * np.eye(TERMS)
            local[:, place] = self._fit(left, self.right[:, place])[:2]
        grid = local.reshape(2, BLOCKS, BLOCKS)
        return Displacement(
            shift=float(np.hypot(whole[0], whole[1])),
            shift_error=self._error(informative),
            drift=_shared(grid),
            sharpness=float(whole[2]),
            blocks=np.hypot(grid[0], grid[1]),
        )

    def _fit(self, left: Doubles, right: Doubles) -> Doubles:
        try:
            return np.asarray(np.linalg.solve(left, right), np.float64)
        except np.linalg.LinAlgError:
            return np.full(TERMS, np.nan)

    def _error(self, informative: Flags) -> float:
        """Return the standard error of the shift by leaving out one block after the other."""
        left, right = self.left.sum(2), self.right.sum(1)
        places = np.flatnonzero(informative)
        if len(places) < 2:
            return float("nan")
        fits = [self._fit(left - self.left[:, :, p], right - self.right[:, p])[:2] for p in places]
        found = np.array(fits)
        count = len(found)
        variance = (count - 1) / count * ((found - found.mean(0)) ** 2).sum(0)
        return float(np.sqrt(variance.sum()))


def _usable(before: Flags, after: Flags, counts: Flags) -> Flags:
    """Return the pixels that may speak: valid around, and away from large patches of change."""
    used = counts.copy()
    for change in (after & ~before & counts, before & ~after & counts):
        _clear_around(used, _large(change), AWAY)
    _clear_around(used, ~counts, REACH)
    used[:1], used[-1:], used[:, :1], used[:, -1:] = False, False, False, False
    return used


def _large(change: Flags) -> Flags:
    """Return the pixels of change in patches of at least LARGE_PATCH pixels."""
    labels = np.empty(change.shape, np.int32)
    if not ndimage.label(change, EIGHT, output=labels):
        return change
    return (np.bincount(labels.ravel())[labels] >= LARGE_PATCH) & change


@numba.njit(cache=True, nogil=True)
def _clear_around(used: Flags, mask: Flags, distance: int) -> None:
    """Clear ``used`` within ``distance`` 8-neighbour steps of the pixels of ``mask``."""
    height, width = mask.shape
    for row in range(height):
        for column in range(width):
            if not mask[row, column]:
                continue
            used[row, column] = False
            top, bottom = max(0, row - 1), min(height, row + 2)
            left, right = max(0, column - 1), min(width, column + 2)
            # What lies around the inside of a mask lies around its border too.
            if mask[top:bottom, left:right].all():
                continue
            top, bottom = max(0, row - distance), min(height, row + distance + 1)
            left, right = max(0, column - distance), min(width, column + distance + 1)
            used[top:bottom, left:right] = False


@numba.njit(cache=True, nogil=True)
def _blurred(mask: Flags, kernel: Doubles) -> NDArray[np.float32]:
    """Convolve with ``kernel`` along both axes; beyond the array the mask is mirrored."""
    height, width = mask.shape
    radius = kernel.size // 2
    across = np.zeros((height, width), np.float32)
    for row in range(height):
        for column in range(width):
            if not mask[row, column]:
                continue
            # A sealed pixel gives to those around it; most rows hold few of them.
            for k in range(-radius, radius + 1):
                at = column + k
                weight = np.float32(kernel[k + radius])
                if 0 <= at < width:
                    across[row, at] += weight
                # The mirror image of a pixel beyond either end gives too.
                low, high = -1 - column + k, 2 * width - 1 - column + k
                if 0 <= low < width:
                    across[row, low] += weight
                if 0 <= high < width:
                    across[row, high] += weight
    blurred = np.zeros((height, width), np.float32)
    for row in range(height):
        for k in range(-radius, radius + 1):
            other = row + k
            if other < 0:
                other = -1 - other
            if other >= height:
                other = 2 * height - 1 - other
            if 0 <= other < height:
                weight = np.float32(kernel[k + radius])
                for column in range(width):
                    blurred[row, column] += weight * across[other, column]
    return blurred


@numba.njit(cache=True, nogil=True)
def _gather(
    before: Flags,
    after: Flags,
    used: Flags,
    kernel: Doubles,
    top: int,
    block: tuple[int, int],
    left: Doubles,
    right: Doubles,
) -> None:
    """Add the normal equations of the ``used`` pixels near sealed edges to their blocks.

    The terms are -M_y, -M_x, the Laplacian of M and the length of its gradient.
    """
    first, second = _blurred(before, kernel), _blurred(after, kernel)
    mean = (first + second) / np.float32(2.0)
    height, width = used.shape
    terms = np.empty(TERMS)
    for row in range(1, height - 1):
        for column in range(1, width - 1):
            here = mean[row, column]
            if not used[row, column] or not here > LEAST_SEALED:
                continue
            up, down = float(mean[row - 1, column]), float(mean[row + 1, column])
            before_it, after_it = float(mean[row, column - 1]), float(mean[row, column + 1])
            down_slope, right_slope = (down - up) / 2.0, (after_it - before_it) / 2.0
            terms[0], terms[1] = -down_slope, -right_slope
            terms[2] = up + down + before_it + after_it - 4.0 * float(here)
            terms[3] = np.hypot(down_slope, right_slope)
            difference = float(second[row, column]) - float(first[row, column])
            place = (row + top) // block[0] * BLOCKS + column // block[1]
            for i in range(TERMS):
                right[i, place] += terms[i] * difference
                for j in range(TERMS):
                    left[i, j, place] += terms[i] * terms[j]


def _gaussian(sigma: float, radius: int) -> Doubles:
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    return weights / weights.sum()


KERNEL = _gaussian(1.0, REACH)


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
