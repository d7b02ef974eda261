"""Label the pixels of change of one band: 8-connected, in raster order, seamless between bands."""

import numpy as np
from numba import njit

from hexseal.types import Bytes, Flags, Integers

# What a pixel is between two dates. GAIN and LOSS form patches of their own.
OTHER, GAIN, LOSS, STABLE_SEALED = 0, 1, 2, 3


@njit(cache=True)
def find_root(parents: Integers, label: int) -> int:
    """Return the smallest label that ``label`` was joined with; shorten the way to it."""
    root = label
    while parents[root] != root:
        root = parents[root]
    while parents[label] != root:
        parents[label], label = root, parents[label]
    return root


@njit(cache=True)
def find_roots(parents: Integers, known: int) -> Integers:
    """Return the root of each of the first ``known`` labels."""
    roots = np.empty(known, np.int64)
    for label in range(known):
        roots[label] = find_root(parents, label)
    return roots


@njit(cache=True)
def _join(parents: Integers, one: int, other: int) -> None:
    first, second = find_root(parents, one), find_root(parents, other)
    if first < second:
        parents[second] = first
    else:
        parents[first] = second


@njit(cache=True)
def scan_rows(
    codes: Bytes, above: Integers, parents: Integers, known: int
) -> tuple[Integers, Integers, Integers, Bytes, Flags, Bytes, Bytes, Integers, int]:
    """Label the inner rows of ``codes``, which has a margin of one pixel on every side.

    ``above`` holds the labels of row 0 (-1: none), ``parents`` room for every new label after
    the ``known`` ones. Returns row, column (both without margin), label, how many of the 3 x 3
    pixels around change alike (9: core), whether the pixel is rim (an 8-neighbour is sealed at
    both dates), its sides (of 4) that end the patch, those of them that touch what was sealed
    when the patch was not, the labels of the last inner row, and how many labels are known.
    """
    height, width = codes.shape
    count = 0
    for row in range(1, height - 1):
        for column in range(1, width - 1):
            if codes[row, column] == GAIN or codes[row, column] == LOSS:
                count += 1
    rows, columns = np.empty(count, np.int64), np.empty(count, np.int64)
    labels = np.empty(count, np.int64)
    around, rim = np.empty(count, np.uint8), np.empty(count, np.bool_)
    sides, contact = np.zeros(count, np.uint8), np.zeros(count, np.uint8)
    upper, lower = above.copy(), np.full(width, -1, np.int64)
    place = 0
    for row in range(1, height - 1):
        lower[:] = -1
        for column in range(1, width - 1):
            code = codes[row, column]
            if code != GAIN and code != LOSS:
                continue
            label = -1
            for dy, dx in ((-1, -1), (-1, 0), (-1, 1), (0, -1)):
                if codes[row + dy, column + dx] != code:
                    continue
                near = upper[column + dx] if dy else lower[column + dx]
                if label < 0:
                    label = find_root(parents, near)
                else:
                    _join(parents, label, near)
            if label < 0:
                label = known
                parents[label] = label
                known += 1
            lower[column] = label
            alike, sealed = 0, 0
            for dy in range(-1, 2):
                for dx in range(-1, 2):
                    alike += codes[row + dy, column + dx] == code
                    sealed += codes[row + dy, column + dx] == STABLE_SEALED
            rows[place], columns[place], labels[place] = row - 1, column - 1, label
            around[place], rim[place] = alike, sealed > 0
            for dy, dx in ((-1, 0), (0, -1), (0, 1), (1, 0)):
                beside = codes[row + dy, column + dx]
                if beside != code:
                    sides[place] += 1
                    contact[place] += beside != OTHER
            place += 1
        upper, lower = lower, upper
    return rows, columns, labels, around, rim, sides, contact, upper, known
