"""Whether confidence layers are informative: they have to be higher where nothing is in doubt."""

import numba
import numpy as np

from hexseal.raster.runs import GAIN, STABLE_SEALED, Runs, find_runs
from hexseal.types import Bytes, Flags, Integers

FAINT_PIXELS = 12
# Points of confidence: lower, it is inverted; not higher, it separates too little to be used.
INVERTED_CONTRAST, LEAST_CONTRAST = -5.0, 10.0
MOST = 100
# Means of fewer pixels are too uncertain.
FEWEST_COMPARED = 30
# Sums of a date: confidence and pixels of stable sealed interiors, the same of faint changes.
INSIDE, FAINT = 0, 2
Layers = tuple[Bytes | None, Bytes | None]


class ConfidenceContrast:
    """Gather, per date, the mean confidence of stable sealed interiors and of faint changes.

    Faint are pixels in patches of fewer than 12; a date without a layer gathers nothing.
    """

    def __init__(self) -> None:
        self.sums = np.zeros((2, 4), np.int64)

    def add(
        self, before: Flags, after: Flags, counts: Flags, layers: Layers, own: slice | None = None
    ) -> None:
        """Add the pixels of the rows ``own`` (None: all); the others are their neighbours."""
        if all(layer is None for layer in layers):
            return
        plane = ((before & counts) | ((after & counts).view(np.uint8) << 1)).astype(np.uint8)
        rows = range(*(own or slice(None)).indices(len(counts)))
        inside = rows.start, rows.stop, 0, counts.shape[1]
        self.sums += contrast_sums(plane, find_runs(plane), layers, inside)

    def values(self) -> tuple[float | None, float | None]:
        """Return the contrast of each date in points of confidence (see ``contrasts_of``)."""
        return contrasts_of(self.sums)

    def value(self) -> float | None:
        """Return the lesser of both dates' contrasts, None where neither is known."""
        return least_contrast(self.values())

    def inverted(self) -> tuple[bool, bool]:
        """Return which date's confidence is lower where nothing is in doubt."""
        return inverted_of(self.values())


def contrasts_of(sums: Integers) -> tuple[float | None, float | None]:
    """Return the contrast of each date, in points of confidence, from the sums of all pixels.

    None without a layer, or with fewer than 30 pixels on either side of the comparison.
    """
    first, second = (
        float(of[INSIDE] / of[INSIDE + 1] - of[FAINT] / of[FAINT + 1])
        if min(of[INSIDE + 1], of[FAINT + 1]) >= FEWEST_COMPARED
        else None
        for of in sums
    )
    return first, second


def least_contrast(gaps: tuple[float | None, float | None]) -> float | None:
    """Return the lesser of both dates' contrasts, None where neither is known."""
    return min((gap for gap in gaps if gap is not None), default=None)


def inverted_of(gaps: tuple[float | None, float | None]) -> tuple[bool, bool]:
    """Return which date's confidence is lower where nothing is in doubt."""
    first, second = (gap is not None and gap < INVERTED_CONTRAST for gap in gaps)
    return first, second


def contrast_sums(
    plane: Bytes, runs: Runs, layers: Layers, own: tuple[int, int, int, int]
) -> Integers:
    """Return the sums of the pixels ``own`` (first and end row, first and end column) by date.

    ``plane`` is a plane of change, ``runs`` all of its runs and ``layers`` the confidence of both
    dates; 16 pixels around ``own`` are enough for the same sums as from the whole region. The
    result has shape (2, 4); whole numbers add up to the same in any order.
    """
    faint = runs.sizes()[runs.label] < FAINT_PIXELS
    sums = np.zeros((2, 4), np.int64)
    for place, layer in enumerate(layers):
        if layer is not None:
            _add_inside(plane, layer, own, sums[place])
            # A date's own map decides where it calls sealed what the other does not.
            side = faint & ((runs.direction == GAIN) == bool(place))
            _add_runs(layer, runs.row, runs.start, runs.stop, side, own, sums[place])
    return sums


@numba.njit(cache=True, nogil=True)
def _add_inside(plane: Bytes, layer: Bytes, own: tuple[int, int, int, int], sums: Integers) -> None:
    """Add the known confidence of pixels that are sealed at both dates with all 8 neighbours."""
    height, width = plane.shape
    for row in range(max(own[0], 1), min(own[1], height - 1)):
        for column in range(max(own[2], 1), min(own[3], width - 1)):
            if plane[row, column] != STABLE_SEALED or layer[row, column] > MOST:
                continue
            alike = np.uint8(STABLE_SEALED)
            for dy in range(-1, 2):
                for dx in range(-1, 2):
                    alike &= plane[row + dy, column + dx]
            if alike == STABLE_SEALED:
                sums[INSIDE] += layer[row, column]
                sums[INSIDE + 1] += 1


@numba.njit(cache=True, nogil=True)
def _add_runs(
    layer: Bytes,
    row: Integers,
    start: Integers,
    stop: Integers,
    chosen: Flags,
    own: tuple[int, int, int, int],
    sums: Integers,
) -> None:
    """Add the known confidence of the chosen runs' pixels."""
    for run in range(row.size):
        if not chosen[run] or row[run] < own[0] or row[run] >= own[1]:
            continue
        for column in range(max(start[run], own[2]), min(stop[run], own[3])):
            if layer[row[run], column] <= MOST:
                sums[FAINT] += layer[row[run], column]
                sums[FAINT + 1] += 1
