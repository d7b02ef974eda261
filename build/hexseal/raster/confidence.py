"""Whether confidence layers know anything: they have to be higher where nothing is in doubt."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from hexseal.types import Bytes, Flags

FAINT_PIXELS = 12
# Points of confidence: lower, and it is inverted; not higher, and it says too little to be used.
INVERTED_CONTRAST, LEAST_CONTRAST = -5.0, 10.0
MOST = 100
# Means of fewer pixels say nothing.
FEWEST_COMPARED = 30
EIGHT = np.ones((3, 3), np.bool_)


@dataclass(slots=True)
class _Mean:
    total: int = 0
    count: int = 0

    def add(self, layer: Bytes, where: Flags) -> None:
        known = layer[where & (layer <= MOST)]
        self.total += int(known.sum(dtype=np.int64))
        self.count += len(known)

    @property
    def value(self) -> float:
        return self.total / self.count if self.count else float("nan")


class ConfidenceContrast:
    """Gather, per date, the mean confidence of stable sealed interiors and of faint changes.

    Faint are pixels in patches of fewer than 12; a date without a layer gathers nothing.
    """

    def __init__(self) -> None:
        self.inside = (_Mean(), _Mean())
        self.faint = (_Mean(), _Mean())

    def add(
        self,
        before: Flags,
        after: Flags,
        counts: Flags,
        layers: tuple[Bytes | None, Bytes | None],
        own: slice | None = None,
    ) -> None:
        """Add the pixels of the rows ``own`` (None: all); the others are their neighbours."""
        if all(layer is None for layer in layers):
            return
        inside = np.asarray(ndimage.binary_erosion(before & after & counts, EIGHT), np.bool_)
        gain, loss = _faint(after & ~before & counts), _faint(before & ~after & counts)
        # A date's own map is asked where it calls sealed what the other does not.
        for place, faint in enumerate((loss, gain)):
            layer = layers[place]
            if layer is not None:
                rows = slice(None) if own is None else own
                self.inside[place].add(layer[rows], inside[rows])
                self.faint[place].add(layer[rows], faint[rows])

    def values(self) -> tuple[float | None, float | None]:
        """Return the contrast of each date in points of confidence.

        None without a layer, or with fewer than 30 pixels on either side of the comparison.
        """
        first, second = (
            inside.value - faint.value
            if min(inside.count, faint.count) >= FEWEST_COMPARED
            else None
            for inside, faint in zip(self.inside, self.faint, strict=True)
        )
        return first, second

    def value(self) -> float | None:
        """Return the lesser of both dates' contrasts, None where neither is known."""
        return min((gap for gap in self.values() if gap is not None), default=None)

    def inverted(self) -> tuple[bool, bool]:
        """Return which date's confidence is lower where nothing is in doubt."""
        first, second = (gap is not None and gap < INVERTED_CONTRAST for gap in self.values())
        return first, second


def _faint(change: Flags) -> Flags:
    labels = np.empty(change.shape, np.int32)
    if not ndimage.label(change, EIGHT, output=labels):
        return change
    return change & (np.bincount(labels.ravel())[labels] < FAINT_PIXELS)
