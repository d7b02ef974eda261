"""Codes of several years together: the joint class of a pixel, and what counts as change.

The joint class is the class in every year, packed into one small code.
"""

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from hexseal.errors import InputError
from hexseal.products import FULL, Product
from hexseal.types import Bytes, Doubles, Flags, Int16s, Integers

DOES_NOT_COUNT = 255
UNKNOWN_REMEDY = "run hexseal check, then name it in [product] nodata or fix the raster"
# Stands for every code that the product does not have; check reports which.
UNKNOWN = -1
# Up to here a code is a place in a table of all combinations; beyond it codes are found by sorting.
TABLE_LIMIT = 1 << 16
# Above this many combinations the table is packed to those that occur.
PACK_ABOVE = 512
# Codes are two bytes.
MOST_CODES = 1 << 16


class TooManyCodesError(Exception):
    """A window holds more joint classes than codes can number: cut it."""


@dataclass(frozen=True, slots=True, eq=False)
class JointClasses:
    """The codes of one window, shape (rows, columns), and what each code stands for.

    ``classes`` has one row per code and one column per year: the product's class, or
    DOES_NOT_COUNT for a pixel without a valid class in that year.
    """

    codes: NDArray[np.uint16]
    classes: NDArray[np.int16]


class ClassJoiner:
    """Join the class maps of several years of one product."""

    def __init__(self, product: Product) -> None:
        valid = sorted(product.valid)
        # Place 0 holds what does not count, the last place codes that the product lacks.
        self.classes = np.array([DOES_NOT_COUNT, *valid, UNKNOWN], dtype=np.int16)
        self.places = np.full(256, len(valid) + 1, dtype=np.int64)
        self.places[sorted(product.nodata)] = 0
        self.places[valid] = np.arange(1, len(valid) + 1)
        self.title = product.title

    def join(self, bands: tuple[Bytes, ...]) -> JointClasses:
        """Return the joint classes of equally shaped ``bands``, one per year.

        Raises TooManyCodesError where more combinations occur than codes can number.
        """
        radix = len(self.classes)
        space = radix ** len(bands)
        powers = radix ** np.arange(len(bands) - 1, -1, -1, dtype=np.int64)
        tables = powers[:, None] * self.places[None, :]
        if space <= TABLE_LIMIT:
            codes = _join(bands, tables.astype(np.uint16))
            if space <= PACK_ABOVE:
                present = np.arange(space)
            else:
                seen = _seen(codes, space)
                present = np.flatnonzero(seen)
                codes = (np.cumsum(seen) - 1).astype(np.uint16)[codes]
        else:
            joint = sum(table[band] for table, band in zip(tables, bands, strict=True))
            present, codes = np.unique(joint, return_inverse=True)
            if present.size > MOST_CODES:
                raise TooManyCodesError
            codes = codes.reshape(bands[0].shape).astype(np.uint16)
        return JointClasses(codes, self.classes[present[:, None] // powers % radix])

    def pairs(self) -> tuple[Integers, Int16s] | None:
        """Return the joint classes of two years as a table, None where they are too many for it.

        The first array holds the number of the joint class of each two codes, at the former times
        256 plus the later; the second is ``JointClasses.classes``.
        """
        radix = len(self.classes)
        if radix**2 > PACK_ABOVE:
            return None
        numbers = radix * self.places[:, None] + self.places
        first, second = np.divmod(np.arange(radix**2), radix)
        return numbers.ravel(), self.classes[np.column_stack([first, second])]

    def refuse_unknown(self, bands: tuple[Bytes, ...], classes: NDArray[np.int16]) -> None:
        """Raise InputError when one of the joint classes that occur is not of the product.

        ``classes`` are the rows of JointClasses.classes that occur in ``bands``.
        """
        if (classes != UNKNOWN).all():
            return
        codes = np.concatenate([np.unique(band) for band in bands])
        code = int(codes[self.places[codes] == len(self.classes) - 1][0])
        pixels = sum(int((band == code).sum()) for band in bands)
        raise InputError(
            f"class code {code} ({pixels} pixels in one window) is not a code of {self.title}; "
            f"{UNKNOWN_REMEDY}"
        )


@numba.njit(cache=True, nogil=True)
def _join(bands, tables):
    """Return the sum of each band's table entries."""
    height, width = bands[0].shape
    codes = np.empty((height, width), np.uint16)
    for r in range(height):
        for c in range(width):
            codes[r, c] = tables[0, bands[0][r, c]]
        for k in range(1, len(bands)):
            band, table = bands[k], tables[k]
            for c in range(width):
                codes[r, c] += table[band[r, c]]
    return codes


@numba.njit(cache=True, nogil=True)
def _seen(codes, space):
    """Return which codes occur."""
    seen = np.zeros(space, np.bool_)
    for code in codes.flat:
        seen[code] = True
    return seen


def class_table(product: Product) -> Bytes:
    """Return the class of each code, shape (256,): itself, or the range of a density."""
    return np.array([product.class_of(code) for code in range(256)], dtype=np.uint8)


def sealed_masks(product: Product, former: Bytes, later: Bytes) -> tuple[Flags, Flags]:
    """Return what of two maps is sealed, as patches of change are made of it.

    Of densities, gain is what rises by at least the product's step, loss what falls by it, and
    sealed in both years what has some density in both and does neither. Codes without a class
    may be anything: the caller masks them.

    >>> from hexseal.products import IMPERVIOUSNESS
    >>> former, later = np.array([[0, 0, 40, 60, 60], [0, 9, 60, 55, 0]], np.uint8)
    >>> [mask.astype(int).tolist() for mask in sealed_masks(IMPERVIOUSNESS, former, later)]
    [[0, 0, 0, 1, 1], [0, 0, 1, 1, 0]]
    """
    if not product.is_density:
        sealed = np.isin(np.arange(256), sorted(product.sealed))
        return sealed[former], sealed[later]
    rise = later.astype(np.int16) - former
    gain, loss = rise >= product.step, rise <= -product.step
    both = (former > 0) & (later > 0) & ~gain & ~loss
    return both | loss, both | gain


def changed_shares(product: Product, former: Bytes, later: Bytes) -> Doubles:
    """Return the part of each pixel that differs between two maps, 0 to 1; whole pixels of classes.

    >>> from hexseal.products import IMPERVIOUSNESS
    >>> changed_shares(IMPERVIOUSNESS, np.array([10], np.uint8), np.array([60], np.uint8)).tolist()
    [0.5]
    """
    if not product.is_density:
        return np.ones(former.shape)
    return np.abs(later.astype(np.float64) - former) / FULL
