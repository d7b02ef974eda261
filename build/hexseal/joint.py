"""The joint class of a pixel: its class in every year, packed into one small code."""

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from hexseal.errors import InputError
from hexseal.products import Product

DOES_NOT_COUNT = 255
# Up to here a code is a place in a table of all combinations; beyond it codes are found by sorting.
TABLE_LIMIT = 1 << 16
# Above this many combinations the table is packed to those that occur.
PACK_ABOVE = 512

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class JointClasses:
    """The codes of one window, shape (rows, columns), and what each code stands for.

    ``classes`` has one row per code and one column per year: the product's class, or
    DOES_NOT_COUNT for a pixel without a valid class in that year.
    """

    codes: NDArray[np.uint16]
    classes: Bytes


class ClassJoiner:
    """Join the class maps of several years of one product."""

    def __init__(self, product: Product) -> None:
        valid = sorted(product.valid)
        # Place 0 holds what does not count, the last place what the product does not know.
        self.classes = np.array([DOES_NOT_COUNT, *valid, 0], dtype=np.uint8)
        self.places = np.full(256, len(valid) + 1, dtype=np.int64)
        self.places[sorted(product.nodata)] = 0
        self.places[valid] = np.arange(1, len(valid) + 1)
        self.title = product.title

    def join(self, bands: tuple[Bytes, ...]) -> JointClasses:
        """Return the joint classes of equally shaped ``bands``, one per year.

        Raises InputError on a code that the product does not have.
        """
        radix = len(self.classes)
        space = radix ** len(bands)
        powers = radix ** np.arange(len(bands) - 1, -1, -1, dtype=np.int64)
        tables = powers[:, None] * self.places[None, :]
        if space > TABLE_LIMIT:
            joint = sum(table[band] for table, band in zip(tables, bands, strict=True))
            present, codes = np.unique(joint, return_inverse=True)
            codes = codes.reshape(bands[0].shape).astype(np.uint16)
        else:
            codes, seen = _join(bands, tables.astype(np.uint16), space)
            present = np.arange(space)
            if space > PACK_ABOVE:
                present = np.flatnonzero(seen)
                codes = (np.cumsum(seen) - 1).astype(np.uint16)[codes]
            self._refuse_unknown(bands, np.flatnonzero(seen)[:, None] // powers % radix)
            return JointClasses(codes, self.classes[present[:, None] // powers % radix])
        places = present[:, None] // powers % radix
        self._refuse_unknown(bands, places)
        return JointClasses(codes, self.classes[places])

    def _refuse_unknown(self, bands: tuple[Bytes, ...], places: Integers) -> None:
        unknown = len(self.classes) - 1
        if not (places == unknown).any():
            return
        codes = np.concatenate([np.unique(band) for band in bands])
        code = int(codes[self.places[codes] == unknown][0])
        pixels = sum(int((band == code).sum()) for band in bands)
        raise InputError(
            f"class code {code} ({pixels} pixels in one window) is not a code of {self.title}; "
            "run hexseal check, then name it in [product] nodata or mend the raster"
        )


@numba.njit(cache=True, nogil=True)
def _join(bands, tables, space):
    """Return the sum of each band's table entries and which sums occur."""
    height, width = bands[0].shape
    codes = np.empty((height, width), np.uint16)
    seen = np.zeros(space, np.bool_)
    for r in range(height):
        for c in range(width):
            code = np.uint16(0)
            for k in range(len(bands)):
                code += tables[k, bands[k][r, c]]
            codes[r, c] = code
            seen[code] = True
    return codes, seen
