"""What the patches of one block look like, as whole numbers that add up when parts are joined."""

from dataclasses import dataclass

import numba
import numpy as np

from hexseal.change.patches import (
    COMPACT,
    CONFIDENT,
    CORE_BONUS,
    SECURE_AROUND,
    SECURE_CONFIDENCE,
)
from hexseal.change.states import MOST, WHOLE
from hexseal.raster.runs import GAIN, OTHER, STABLE_SEALED, Runs
from hexseal.types import Bytes, Integers

# Columns of a table of patches that are summed when parts join, then those of which the least
# and those of which the greatest stands.
SUMS = (
    "pixels", "gain", "core", "rim", "row", "column", "confidence", "score", "confident",
    "compact", "sides", "contact",
)  # fmt: skip
LEAST, GREATEST = ("row_min", "column_min", "first"), ("row_end", "column_end")
COLUMNS = (*SUMS, *LEAST, *GREATEST)
FAR = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, eq=False)
class PatchParts:
    """The patches of one block and their pixels, the latter in raster order.

    ``table`` has one row per label and the columns COLUMNS; rows and columns of pixels are those
    of the region. ``row``, ``column`` are of the block. ``partner`` is the class that is not
    Sealed, ``secure`` holds the bits CONFIDENT and COMPACT.
    """

    table: Integers
    row: Integers
    column: Integers
    label: Integers
    partner: Bytes
    secure: Bytes


@dataclass(frozen=True, slots=True, eq=False)
class PairPlanes:
    """Equally shaped planes of two years: class of either, and confidence where a year has it."""

    before: Bytes
    after: Bytes
    confidence: tuple[Bytes | None, Bytes | None]


def measure_patches(
    codes: Bytes,
    runs: Runs,
    planes: PairPlanes,
    *,
    corner: tuple[int, int],
    top: int,
    left: int,
    width: int,
) -> PatchParts:
    """Return the patches of ``runs``, which lie in the plane of change ``codes``.

    Rows and columns of ``runs`` and ``planes`` are counted from the ``corner`` (row, column) of
    ``codes``; what lies around them there are their neighbours, beyond it nothing changes. ``top``
    and ``left`` are the region's row and column of the corner, ``width`` the region's columns.
    The columns "confidence" and "score" weigh by the planes' confidence; without one they are
    -pixels and that of whole confidence.
    """
    known = [layer for layer in planes.confidence if layer is not None]
    nothing = np.zeros((1, 1), np.uint8)
    first = known[0] if known else nothing
    second = known[1] if len(known) > 1 else nothing
    found = _measure(
        codes, *corner, runs.row, runs.start, runs.stop, runs.direction, runs.label, runs.labels,
        planes.before, planes.after, first, second, len(known), top, left, width,
    )  # fmt: skip
    return PatchParts(*found)


@numba.njit(cache=True, nogil=True)
def _measure(
    codes, down, across, row, start, stop, direction, label, labels, before, after, first, second,
    layers, top, left, width,
):  # fmt: skip
    height, breadth = codes.shape
    total = 0
    for run in range(row.size):
        total += stop[run] - start[run]
    table = np.zeros((labels, 17), np.int64)
    table[:, 12:15] = FAR
    table[:, 15:17] = -1
    rows, columns = np.empty(total, np.int64), np.empty(total, np.int64)
    owner = np.empty(total, np.int64)
    partner, secure = np.empty(total, np.uint8), np.empty(total, np.uint8)
    place = 0
    for run in range(row.size):
        r, code = row[run], direction[run]
        sums = table[label[run]]
        for c in range(start[run], stop[run]):
            alike, sealed = 0, 0
            for y in range(r + down - 1, r + down + 2):
                for x in range(c + across - 1, c + across + 2):
                    near = codes[y, x] if 0 <= y < height and 0 <= x < breadth else OTHER
                    alike += near == code
                    sealed += near == STABLE_SEALED
            sides, contact = 0, 0
            for dy, dx in ((-1, 0), (0, -1), (0, 1), (1, 0)):
                y, x = r + down + dy, c + across + dx
                near = codes[y, x] if 0 <= y < height and 0 <= x < breadth else OTHER
                sides += near != code
                contact += near != code and near != OTHER
            core = alike == 9
            bits = COMPACT if alike >= SECURE_AROUND else 0
            weight, least = WHOLE, -1
            if layers > 0:
                one = first[r, c] if first[r, c] <= MOST else 0
                least, weight = one, one * MOST
                if layers > 1:
                    other = second[r, c] if second[r, c] <= MOST else 0
                    least, weight = min(one, other), one * other
                if least >= SECURE_CONFIDENCE:
                    bits |= CONFIDENT
            sums[0] += 1
            sums[1] += code == GAIN
            sums[2] += core
            sums[3] += sealed > 0
            sums[4] += r + top
            sums[5] += c + left
            sums[6] += least
            sums[7] += weight * (1 + CORE_BONUS * core)
            sums[8] += (bits & CONFIDENT) > 0
            sums[9] += (bits & COMPACT) > 0
            sums[10] += sides
            sums[11] += contact
            sums[12] = min(sums[12], r + top)
            sums[13] = min(sums[13], c + left)
            sums[14] = min(sums[14], (r + top) * width + c + left)
            sums[15] = max(sums[15], r + top + 1)
            sums[16] = max(sums[16], c + left + 1)
            rows[place], columns[place], owner[place] = r, c, label[run]
            partner[place] = before[r, c] if code == GAIN else after[r, c]
            secure[place] = bits
            place += 1
    return table, rows, columns, owner, partner, secure
