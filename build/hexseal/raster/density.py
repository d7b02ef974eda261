"""Maps of the sealed per cent of each pixel: what counts as change, by one rule for all stages."""

import numpy as np

from hexseal.products import FULL, Product
from hexseal.types import Bytes, Doubles, Flags


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
