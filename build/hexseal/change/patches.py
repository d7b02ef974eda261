"""Patches of gain and of loss over a whole region: what is known of each.

A patch is a set of 8-connected pixels that changed alike. Its score adds up evidence:

    score = sum over its pixels of (1 + 5 if core) x weight

``core`` pixels lie at least 2 pixels from the patch's edge (all 8 neighbours changed alike);
``weight`` is the product of the confidences (0 to 1) of the dates that have such a layer, else 1.
Nothing in it depends on the order of the two dates, so gains and losses made by noise alone score
alike: that is why losses serve as decoys for gains (``rate``).
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hexseal.types import Bytes, Doubles, Integers

CORE_BONUS = 5
# A pixel counts as securely new where both maps are so confident, or, where confidence is not
# used, where so many of the 3 x 3 pixels around it changed alike.
SECURE_CONFIDENCE, SECURE_AROUND = 30, 5
CONFIDENT, COMPACT = 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class PatchTable:
    """One row per patch, in the raster order of their first pixels; the row number is its id.

    ``direction`` is +1 for gain and -1 for loss, ``rim`` counts pixels that touch what is sealed
    at both dates, ``origin`` is the class that most of the pixels had when not sealed (the
    lowest code of equals). Rows and columns are of pixels: ``row_min <= row < row_end``;
    ``row_mean`` is the centroid, 0 being the centre of pixel 0. ``confidence`` is the mean of
    the lower date, NaN without a layer. ``confident`` and ``compact`` count secure pixels of
    either kind, ``sides`` the pixel sides of the outline, ``contact`` those that touch what was
    sealed when the patch was not, ``origin_pixels`` the pixels of class ``origin``.
    """

    direction: NDArray[np.int8]
    pixels: Integers
    core: Integers
    rim: Integers
    row_min: Integers
    row_end: Integers
    column_min: Integers
    column_end: Integers
    row_mean: Doubles
    column_mean: Doubles
    origin: Bytes
    confidence: Doubles
    score: Doubles
    confident: Integers
    compact: Integers
    sides: Integers
    contact: Integers
    origin_pixels: Integers

    def __len__(self) -> int:
        return len(self.pixels)

    def chosen(self, places: Integers) -> "PatchTable":
        """Return some of the patches, in the order of ``places``."""
        return PatchTable(*(getattr(self, name)[places] for name in PatchTable.__slots__))

    @property
    def plain_score(self) -> Doubles:
        """Return the score without confidence: area and core alone."""
        return (self.pixels + CORE_BONUS * self.core).astype(np.float64)


class Patches(Protocol):
    """What judging asks of patches, whether they are held (PatchTable) or read (StoredPatches)."""

    def __len__(self) -> int: ...

    @property
    def direction(self) -> NDArray[np.int8]:
        """Return +1 for gains and -1 for losses."""
        ...

    @property
    def pixels(self) -> NDArray[np.int32] | Integers:
        """Return the pixels of each."""
        ...

    @property
    def core(self) -> NDArray[np.int32] | Integers:
        """Return the core pixels of each."""
        ...

    @property
    def score(self) -> Doubles:
        """Return the score of each, weighted by confidence."""
        ...

    @property
    def plain_score(self) -> Doubles:
        """Return the score without confidence: area and core alone."""
        ...

    @property
    def row_mean(self) -> Doubles:
        """Return the mean row of each."""
        ...

    @property
    def column_mean(self) -> Doubles:
        """Return the mean column of each."""
        ...

    @property
    def confident(self) -> NDArray[np.int32] | Integers:
        """Return the pixels of each that are secure by confidence."""
        ...

    @property
    def compact(self) -> NDArray[np.int32] | Integers:
        """Return the pixels of each that are secure by their neighbours."""
        ...

    def chosen(self, places: Integers) -> PatchTable:
        """Return some of the patches with all their features, in the order of ``places``."""
        ...


def commonest(keys: Integers, counts: Integers) -> tuple[Bytes, Integers]:
    """Return the most frequent low byte of ``keys`` for each high part, and how often it occurs.

    High parts run from 0.
    """
    ordered = np.argsort(keys, kind="stable")
    unique, begin = np.unique(keys[ordered], return_index=True)
    total = np.add.reduceat(counts[ordered], begin)
    owner, code = np.divmod(unique, 256)
    order = np.lexsort((code, -total, owner))
    _, first = np.unique(owner[order], return_index=True)
    best = order[first]
    return code[best].astype(np.uint8), total[best]
