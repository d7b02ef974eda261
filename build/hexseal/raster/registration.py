"""How far one map of sealed land is shifted against the other, and whether it is less sharp.

With a, b the two masks blurred by a Gaussian of one pixel and M their mean, least squares over
the pixels near sealed edges fits

    b - a = -dy M_y - dx M_x + beta laplace(M) + e |grad M|

``dy``, ``dx`` are the shift of the second map in pixels (down, right), ``beta`` is positive where
the second map is more blurred, ``e`` takes what sealed land grew along its edges. Pixels near large
patches of change stay out. The sums of the normal equations add up over bands and blocks.

Four numbers need no census of pixels: where the 8 x 8 blocks of a region have SAMPLED_PIXELS or
more, a systematic sample of rows is measured, BAND rows in every PERIOD. Which rows these are
follows from their number in the region alone, so that sums still add up however it is cut.
"""

import math
from dataclasses import dataclass

import numba
import numpy as np

from hexseal.raster.runs import GAIN, Runs, find_runs
from hexseal.types import Bytes, Doubles, Flags, Integers

BLOCKS = 8
LARGE_PATCH, AWAY = 6, 3
LEAST_SEALED = 0.02
# Blocks with less than this part of the mean information have no estimate of their own.
LEAST_INFORMATION = 0.15
TERMS = 4
# Products of two terms, i <= j, and the steps in which terms are whole numbers: no order of
# summation changes a digit, and a block of 10^9 pixels does not overflow.
_PAIRS = [(i, j) for i in range(TERMS) for j in range(i, TERMS)]
PRODUCTS, STEPS = len(_PAIRS), 1 << 16
# Maps that are shifted by more pixels, or more blurred, cannot show change by their difference;
# with a larger standard error the shift is not known.
MOST_SHIFT, MOST_DRIFT, MOST_SHARPNESS, MOST_SHIFT_ERROR = 0.15, 0.25, 0.012, 0.10
# Terms are multiplied as floating-point numbers, exact below 2^53: sums of so many columns are.
EXACT_COLUMNS = 4096
# Columns that are passed over together where nothing is sealed nearby.
STEP = 32
# 1.5 x 2^52: what is added to it loses its fraction.
ROUNDER = 6755399441055744.0
# Blocks of so many pixels are measured by sample: in every PERIOD rows of the region the BAND rows
# in the middle. A standard error at most doubles by that, and blocks of 1 024 x 1 024 pixels know
# their shift to a few thousandths of a pixel.
SAMPLED_PIXELS, BAND, PERIOD = 1 << 20, 16, 64
# The blur reaches so far: pixels this near to no data are left out.
REACH = 4
RING = 2 * REACH + 1


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


@dataclass(frozen=True, slots=True)
class BlockPlace:
    """Where a window's first pixel lies in the region, and the rows and columns of its blocks."""

    row: int
    column: int
    block: tuple[int, int]

    @classmethod
    def of(cls, shape: tuple[int, int], row: int = 0, column: int = 0) -> "BlockPlace":
        """Return the place of a window in a region of ``shape`` (rows, columns)."""
        return cls(row, column, (max(1, -(-shape[0] // BLOCKS)), max(1, -(-shape[1] // BLOCKS))))

    def bands(self, first: int, end: int) -> Integers:
        """Return which of the window's rows from ``first`` to ``end`` are measured.

        Shape (bands, 2): first and end row of each band.

        >>> BlockPlace(30, 0, (512, 512)).bands(0, 100).tolist()
        [[0, 100]]
        >>> BlockPlace(30, 0, (1024, 1024)).bands(0, 100).tolist()
        [[0, 10], [58, 74]]
        """
        if self.block[0] * self.block[1] < SAMPLED_PIXELS:
            return np.array([[first, end]])
        middle = (PERIOD - BAND) // 2
        start = (self.row + first) // PERIOD * PERIOD + middle - self.row
        starts = np.arange(start, end, PERIOD)
        bands = np.column_stack([starts, starts + BAND]).clip(first, end)
        return bands[bands[:, 0] < bands[:, 1]]


@dataclass(frozen=True, slots=True, eq=False)
class EdgeSums:
    """The normal equations of the 8 x 8 blocks of a region, as whole numbers.

    ``left`` holds the products of each two of the terms, shape (PRODUCTS, 64), ``right`` those
    with the difference, shape (TERMS, 64), both in units of 1 / STEPS². Being whole, they add up
    to the same in any order.
    """

    left: Integers
    right: Integers

    @classmethod
    def none(cls) -> "EdgeSums":
        """Return the sums of no pixels."""
        cells = BLOCKS * BLOCKS
        return cls(np.zeros((PRODUCTS, cells), np.int64), np.zeros((TERMS, cells), np.int64))

    def __add__(self, other: "EdgeSums") -> "EdgeSums":
        return EdgeSums(self.left + other.left, self.right + other.right)


class Registration:
    """Gather the normal equations band by band; ``shape`` is rows, columns of the region."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape
        self.sums = EdgeSums.none()

    def add(
        self, row: int, before: Flags, after: Flags, counts: Flags, own: slice | None = None
    ) -> None:
        """Add rows, the first of which is ``row``: sealed at either date, common valid mask.

        Only the rows ``own`` (None: all) are counted, the others are their neighbours.
        """
        plane = ((before & counts) | ((after & counts).view(np.uint8) << 1)).astype(np.uint8)
        rows = range(*(own or slice(None)).indices(len(counts)))
        inside = rows.start, rows.stop, 0, counts.shape[1]
        self.sums += edge_sums(
            plane, find_runs(plane), counts, inside, BlockPlace.of(self.shape, row)
        )

    def solve(self) -> Displacement:
        """Return the shift of the second map."""
        return solve_displacement(self.sums)


def solve_displacement(sums: EdgeSums) -> Displacement:
    """Return the shift of the second map by least squares over the region and its blocks."""
    return _Equations(sums).solve()


class _Equations:
    """The normal equations of each block, ``left`` (4, 4, 64) and ``right`` (4, 64)."""

    def __init__(self, sums: EdgeSums) -> None:
        self.left = np.zeros((TERMS, TERMS, BLOCKS * BLOCKS))
        for product, (i, j) in zip(sums.left, _PAIRS, strict=True):
            self.left[i, j] = self.left[j, i] = product / STEPS**2
        self.right = sums.right / STEPS**2

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


def edge_sums(
    plane: Bytes,
    runs: Runs,
    counts: Flags | None,
    own: tuple[int, int, int, int],
    place: BlockPlace,
) -> EdgeSums:
    """Return the normal equations of the pixels ``own`` (first and end row, first and end column).

    ``plane`` is a plane of change and ``runs`` all of its runs; ``counts`` is the common valid
    mask (None: all count). What lies around ``own`` in them is read as its neighbours: 16 pixels
    are enough for the same sums as from the whole region.
    """
    top, bottom, left, right = own
    height, width = plane.shape
    bands, kernel = place.bands(top, bottom), KERNEL.astype(np.float32)
    slots = _slots(bands, height)
    used = np.zeros((int((slots >= 0).sum()), width), np.bool_)
    used[:, max(left, 1) : min(right, width - 1)] = True
    used[slots[[0, -1]][slots[[0, -1]] >= 0]] = False
    large = runs.sizes()[runs.label] >= LARGE_PATCH
    _clear_runs(used, slots, runs.row, runs.start, runs.stop, large)
    if counts is not None and not counts.all():
        _clear_around(used, slots, ~counts)
    change = _blurred_change(slots, width, runs.row, runs.start, runs.stop, runs.direction, kernel)
    sums = EdgeSums.none()
    _gather(
        plane, change, slots, bands, used, kernel, (place.row, place.column), place.block,
        sums.left, sums.right,
    )  # fmt: skip
    return sums


def _slots(bands: Integers, height: int) -> Integers:
    """Return where the rows of ``bands`` lie in an array of these alone, -1 for all other rows."""
    wanted = np.zeros(height, np.bool_)
    for first, end in bands:
        wanted[first:end] = True
    return np.where(wanted, np.cumsum(wanted) - 1, -1)


@numba.njit(cache=True, nogil=True)
def _clear_runs(
    used: Flags, slots: Integers, row: Integers, start: Integers, stop: Integers, chosen: Flags
) -> None:
    """Clear ``used`` within AWAY 8-neighbour steps of the chosen runs, in rows that have a slot."""
    height, width = slots.size, used.shape[1]
    for run in range(row.size):
        if chosen[run]:
            left, right = max(0, start[run] - AWAY), min(width, stop[run] + AWAY)
            for y in range(max(0, row[run] - AWAY), min(height, row[run] + AWAY + 1)):
                if slots[y] >= 0:
                    used[slots[y], left:right] = False


@numba.njit(cache=True, nogil=True)
def _clear_around(used: Flags, slots: Integers, mask: Flags) -> None:
    """Clear ``used`` within REACH 8-neighbour steps of the pixels of ``mask``; rows have slots."""
    height, width = mask.shape
    for row in range(height):
        if slots[row] < 0:
            continue
        cleared = used[slots[row]]
        for y in range(max(0, row - REACH), min(height, row + REACH + 1)):
            line, column = mask[y], 0
            while column < width:
                if not line[column]:
                    column += 1
                    continue
                first = column
                while column < width and line[column]:
                    column += 1
                cleared[max(0, first - REACH) : min(width, column + REACH)] = False


@numba.njit(cache=True, nogil=True)
def _images(place: int, length: int) -> tuple[int, int, int]:
    """Return where a pixel and its mirror images beyond both ends of an axis lie."""
    return place, -1 - place, 2 * length - 1 - place


@numba.njit(cache=True, nogil=True)
def _spread(blurred, slots, y, x, sign, kernel):
    """Add the blur of one pixel, which may lie beyond the array, to the rows that have a slot."""
    height, width = slots.size, blurred.shape[1]
    for r in range(max(0, y - REACH), min(height, y + REACH + 1)):
        if slots[r] < 0:
            continue
        weight, target = sign * kernel[r - y + REACH], blurred[slots[r]]
        for c in range(max(0, x - REACH), min(width, x + REACH + 1)):
            target[c] += weight * kernel[c - x + REACH]


@numba.njit(cache=True, nogil=True)
def _blurred_change(slots, width, row, start, stop, direction, kernel):
    """Return the blurred difference of the masks: gains count 1, losses -1; mirrored beyond.

    Of the rows that have a slot, shape (slots, width).
    """
    height = slots.size
    blurred = np.zeros((slots.max() + 1, width), np.float32)
    near = np.zeros(height, np.bool_)
    for y in range(height):
        if slots[y] >= 0:
            near[max(0, y - REACH) : y + REACH + 1] = True
    for run in range(row.size):
        if not near[row[run]]:
            continue
        sign = np.float32(1.0) if direction[run] == GAIN else np.float32(-1.0)
        for column in range(start[run], stop[run]):
            if REACH <= row[run] < height - REACH and REACH <= column < width - REACH:
                _spread(blurred, slots, row[run], column, sign, kernel)
                continue
            for y in _images(row[run], height):
                for x in _images(column, width):
                    _spread(blurred, slots, y, x, sign, kernel)
    return blurred


@numba.njit(cache=True, nogil=True)
def _blur_row(codes, kernel, padded, blurred):
    """Convolve the mean of both masks along a row; return whether it holds anything sealed."""
    width = codes.size
    sealed = np.uint8(0)
    for column in range(width):
        code = codes[column]
        sealed |= code
        mean = np.float32((code & np.uint8(1)) + (code >> np.uint8(1)))
        padded[column + REACH] = mean * np.float32(0.5)
    if sealed == 0:
        blurred[:] = np.float32(0.0)
        return False
    for k in range(REACH):
        padded[REACH - 1 - k] = padded[REACH + k] if k < width else np.float32(0.0)
        padded[REACH + width + k] = padded[REACH + width - 1 - k] if k < width else np.float32(0.0)
    for column in range(width):
        blurred[column] = (
            kernel[4] * padded[column + 4]
            + kernel[3] * (padded[column + 3] + padded[column + 5])
            + kernel[2] * (padded[column + 2] + padded[column + 6])
            + kernel[1] * (padded[column + 1] + padded[column + 7])
            + kernel[0] * (padded[column] + padded[column + 8])
        )
    return True


@numba.njit(cache=True, nogil=True)
def _mirrored(place, length):
    """Return the pixel whose mirror image lies at ``place``, which may be beyond an axis."""
    if place < 0:
        place = -1 - place
    if place >= length:
        place = 2 * length - 1 - place
    return min(max(place, 0), length - 1)


@numba.njit(cache=True, nogil=True)
def _blur_down(row, height, kernel, across, ring, mean):
    """Convolve the rows around ``row``, held in a ring of 9 rows, down the columns."""
    places = np.empty(RING, np.int64)
    sealed = False
    for k in range(RING):
        other = _mirrored(row + k - REACH, height)
        places[k] = other % RING
        sealed |= across[other]
    if not sealed:
        mean[:] = np.float32(0.0)
        return
    # Two rows at a time: a loop over all nine is not vectorised.
    middle = ring[places[REACH]]
    for column in range(mean.size):
        mean[column] = kernel[REACH] * middle[column]
    for k in range(REACH):
        _add_both(mean, ring[places[k]], ring[places[RING - 1 - k]], kernel[k])


@numba.njit(cache=True, nogil=True)
def _add_both(mean, one, other, weight):
    for column in range(mean.size):
        mean[column] += weight * (one[column] + other[column])


@numba.njit(cache=True, nogil=True)
def _gather(plane, change, slots, bands, used, kernel, corner, block, left, right):
    """Add the normal equations of the ``used`` pixels near sealed edges to their blocks.

    ``change`` and ``used`` hold the rows of the ``bands`` at their ``slots``. The terms are -M_y,
    -M_x, the Laplacian of M and the length of its gradient.
    """
    height, width = plane.shape
    padded = np.zeros(width + 2 * REACH, np.float32)
    ring = np.zeros((RING, width), np.float32)
    means = np.zeros((3, width), np.float32)
    terms = np.zeros((TERMS + 2, width))
    across = np.zeros(height, np.bool_)
    for band in range(bands.shape[0]):
        top, bottom = max(bands[band, 0], 1), min(bands[band, 1], height - 1)
        ready = max(0, top - 1 - REACH)
        for row in range(top - 1, bottom + 1):
            while ready < min(height, row + REACH + 1):
                across[ready] = _blur_row(plane[ready], kernel, padded, ring[ready % RING])
                ready += 1
            _blur_down(row, height, kernel, across, ring, means[row % 3])
            if row <= top:
                continue
            above, here, below = means[(row - 2) % 3], means[(row - 1) % 3], means[row % 3]
            differences, counted = change[slots[row - 1]], used[slots[row - 1]]
            first = _next_busy(here, 1)
            while first < width - 1:
                part = (first + corner[1]) // block[1]
                end = min(width - 1, first + EXACT_COLUMNS, (part + 1) * block[1] - corner[1])
                last = _next_idle(here, first, end)
                place = (row - 1 + corner[0]) // block[0] * BLOCKS + part
                near = first - 1, last + 1
                _find_terms(
                    above[near[0] : near[1]], here[near[0] : near[1]], below[near[0] : near[1]],
                    differences[near[0] : near[1]], counted[near[0] : near[1]], terms,
                )  # fmt: skip
                _add_left(terms, last - first, left[:, place])
                _add_right(terms, last - first, right[:, place])
                first = _next_busy(here, last)


@numba.njit(cache=True, nogil=True)
def _is_busy(means, first, end):
    """Return whether a pixel of some columns lies near a sealed edge or in sealed land."""
    found = 0
    for column in range(first, end):
        found += np.float64(means[column]) > LEAST_SEALED
    return found > 0


@numba.njit(cache=True, nogil=True)
def _next_busy(means, first):
    """Return from which column on something is sealed, in steps."""
    while first < means.size and not _is_busy(means, first, min(first + STEP, means.size)):
        first += STEP
    return first


@numba.njit(cache=True, nogil=True)
def _next_idle(means, first, end):
    """Return up to which column, at most ``end``, something is sealed; at least one step on."""
    first = min(first + STEP, end)
    while first < end and _is_busy(means, first, min(first + STEP, end)):
        first = min(first + STEP, end)
    return first


@numba.njit(cache=True, nogil=True)
def _rounded(value):
    """Return a number below 2^51 rounded, halves to even; unlike rint this is vectorised."""
    return (value + ROUNDER) - ROUNDER


@numba.njit(cache=True, nogil=True)
def _find_terms(above, here, below, change, used, terms):
    """Write the terms and the difference of a row's inner pixels in whole steps, 0 where unused.

    A loop for each and no branches, so that all are vectorised.
    """
    size = here.size - 2
    y, x, bend, slope, difference, kept = terms[0], terms[1], terms[2], terms[3], terms[4], terms[5]
    west, middle, east, above, below = here[:-2], here[1:-1], here[2:], above[1:-1], below[1:-1]
    used, change = used[1:-1], change[1:-1]
    for column in range(size):
        kept[column] = np.float64(used[column] & (np.float64(middle[column]) > LEAST_SEALED))
    for column in range(size):
        y[column] = (np.float64(below[column]) - np.float64(above[column])) / 2.0
    for column in range(size):
        x[column] = (np.float64(east[column]) - np.float64(west[column])) / 2.0
    for column in range(size):
        length = math.sqrt(y[column] * y[column] + x[column] * x[column])
        slope[column] = _rounded(length * STEPS) * kept[column]
    for column in range(size):
        y[column] = -_rounded(y[column] * STEPS) * kept[column]
    for column in range(size):
        x[column] = -_rounded(x[column] * STEPS) * kept[column]
    for column in range(size):
        bend[column] = np.float64(above[column]) + np.float64(below[column])
    for column in range(size):
        around = bend[column] + np.float64(west[column]) + np.float64(east[column])
        around -= 4.0 * np.float64(middle[column])
        bend[column] = _rounded(around * STEPS) * kept[column]
    for column in range(size):
        difference[column] = _rounded(np.float64(change[column]) * STEPS) * kept[column]


# Whole numbers add up to the same in any order: these two may be vectorised.
@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _add_left(terms, size, left):
    """Add the products of each two terms of the first ``size`` columns."""
    y, x, bend, slope = terms[0], terms[1], terms[2], terms[3]
    yy, yx, yl, yg, xx, xl, xg, ll, lg, gg = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for column in range(size):
        yy += y[column] * y[column]
        yx += y[column] * x[column]
        yl += y[column] * bend[column]
        yg += y[column] * slope[column]
        xx += x[column] * x[column]
        xl += x[column] * bend[column]
        xg += x[column] * slope[column]
        ll += bend[column] * bend[column]
        lg += bend[column] * slope[column]
        gg += slope[column] * slope[column]
    for place, total in enumerate((yy, yx, yl, yg, xx, xl, xg, ll, lg, gg)):
        left[place] += np.int64(total)


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _add_right(terms, size, right):
    """Add the products of the terms of the first ``size`` columns with the difference."""
    y, x, bend, slope = terms[0], terms[1], terms[2], terms[3]
    difference = terms[4]
    down, across, blur, growth = 0.0, 0.0, 0.0, 0.0
    for column in range(size):
        down += y[column] * difference[column]
        across += x[column] * difference[column]
        blur += bend[column] * difference[column]
        growth += slope[column] * difference[column]
    for place, total in enumerate((down, across, blur, growth)):
        right[place] += np.int64(total)


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
