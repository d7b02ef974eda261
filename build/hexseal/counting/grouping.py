"""Rows of counts by owner and some small numbers, those of one kind brought together."""

import math

import numpy as np
from numpy.typing import NDArray

from hexseal.types import Integers

FITS_KEY = 1 << 62


def grouped(owner: NDArray[np.uint64], columns: Integers) -> tuple[Integers, Integers]:
    """Return the order of rows by owner and columns, and where in it each kind of row begins.

    ``columns`` has shape (rows, columns). Rows of one kind may come in any order.

    >>> order, first = grouped(np.array([7, 3, 7], np.uint64), np.array([[1], [2], [1]]))
    >>> order[first].tolist()[0], len(first)
    (1, 2)
    """
    if not len(owner):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    key = _packed(owner, columns)
    if key is not None:
        order = np.argsort(key)
        key = key[order]
        new = key[1:] != key[:-1]
    else:
        order = np.lexsort((*columns.T[::-1], owner))
        new = owner[order][1:] != owner[order][:-1]
        new |= (columns[order][1:] != columns[order][:-1]).any(axis=1)
    return order, np.flatnonzero(np.append(True, new))


def _packed(owner: NDArray[np.uint64], columns: Integers) -> Integers | None:
    """Return one number for each row in the order of owner and columns, None where none fits.

    Indexes of cells of one window differ in few bits: what all have in common is left out.
    """
    differs = int(np.bitwise_or.reduce(owner ^ owner[0]))
    shift = (differs & -differs).bit_length() - 1 if differs else 0
    key = ((owner - owner.min()) >> np.uint64(shift)).astype(np.int64)
    if not columns.shape[1]:
        return key
    low = columns.min(axis=0)
    spans = (columns.max(axis=0) - low + 1).tolist()
    if (int(key.max()) + 1) * math.prod(spans) >= FITS_KEY:
        return None
    for column, least, span in zip(columns.T, low, spans, strict=True):
        key *= span
        key += column - least
    return key
