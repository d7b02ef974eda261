"""Change from labelled blocks: the stratified difference estimator and an interval that holds.

With strata h of N_h blocks, n_h of them labelled, and in each block a prediction p by the maps and
the labelled value y,

    total = sum over all blocks of p  +  sum_h N_h mean_h(y - p)        (Stehman 2014; PPI for maps)
    variance = sum_h N_h^2 (1 - n_h / N_h) s_h^2(y - p) / n_h

Most differences are 0, so that a stratum's sample may show none where there are some, and a plain
interval is then too short. One *pseudo block* is therefore added to the sample of a stratum that
showed few: its difference is a part of the median size of those seen, so that no stratum that
may hold change ever counts as certain ("rule of three" in the size that matters).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hexseal.types import Doubles

Z_95 = 1.96
PSEUDO_LARGE, PSEUDO_SMALL = 0.35, 0.35
# Fewer non-zero differences than these call for a pseudo block.
FEW_LARGE, FEW_SMALL = 3, 5
# The stable rest of a region is too many blocks for any sample to bound: one pseudo block would
# outweigh all that was seen. The share of the total that its standard error may add instead.
REST_SHARE = 0.025
# The median is taken over strata of small changes when it rests on so many differences at least.
ENOUGH_SIZES = 3
USUAL_PIXELS = 4.0
LARGE = ("large_gain", "medium_gain", "patch_edge", "scattered_gain", "large_loss")
SMALL = ("small_gain", "single_pixel", "near_sealed")


@dataclass(frozen=True, slots=True, eq=False)
class LabelledStratum:
    """A stratum of ``blocks`` blocks and the differences y - p of its labelled ones, in m²."""

    name: str
    blocks: int
    differences: Doubles


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95 % interval; ``se`` is the standard error behind it."""

    value: float
    low: float
    high: float
    se: float

    def to_json(self) -> dict[str, float]:
        """Return rounded plain values; adding 0.0 takes the sign off a zero."""
        named = {"value": self.value, "low": self.low, "high": self.high}
        return {name: round(number, 1) + 0.0 for name, number in named.items()}

    def within(self, low: float, high: float) -> "Interval":
        """Return the interval cut to what is possible."""

        def cut(end: float) -> float:
            return min(max(end, low), high)

        return Interval(cut(self.value), cut(self.low), cut(self.high), self.se)

    def widened(self, below: float, above: float) -> "Interval":
        """Return the interval with more room on both sides."""
        return Interval(self.value, self.low - below, self.high + above, self.se)


def difference_estimate(
    predicted: float, strata: Sequence[LabelledStratum], pixel_m2: float
) -> Interval:
    """Estimate a total from its prediction over all blocks and the labelled differences.

    >>> rest = LabelledStratum("rest", 100, np.zeros(10))
    >>> large = LabelledStratum("large_gain", 40, np.array([0.0, -200.0, 100.0, 0.0]))
    >>> estimate = difference_estimate(10_000.0, [large, rest], 100.0)
    >>> round(estimate.value), round(estimate.se)
    (9000, 2181)
    """
    value, variance = predicted, 0.0
    sizes = _PseudoSizes(strata, pixel_m2)
    for stratum in strata:
        n = len(stratum.differences)
        if not n:
            continue
        value += stratum.blocks * float(stratum.differences.mean())
        seen = np.append(stratum.differences, sizes.of(stratum))
        if len(seen) > 1:
            left = max(0.0, 1 - n / stratum.blocks)
            variance += stratum.blocks**2 * left * float(seen.var(ddof=1)) / n
    variance += min(sizes.unseen(strata), REST_SHARE * abs(value)) ** 2
    # Every block labelled and all alike: what is left is that a label is a whole number of cells.
    se = max(float(np.sqrt(variance)), pixel_m2 / 2)
    return Interval(value, value - Z_95 * se, value + Z_95 * se, se)


class _PseudoSizes:
    """The size of the pseudo block of each stratum, from the sizes of differences seen."""

    def __init__(self, strata: Sequence[LabelledStratum], pixel_m2: float) -> None:
        usual = USUAL_PIXELS * pixel_m2
        small = _sizes([s for s in strata if s.name not in (*LARGE, "whole_field")])
        every = _sizes(strata)
        self.small = float(np.median(small)) if len(small) >= ENOUGH_SIZES else usual
        self.large = float(np.median(every)) if len(every) else usual
        names = {stratum.name for stratum in strata}
        # Nothing else is there to hold the error: even the stable rest counts then.
        self.only_rest = not names & {*SMALL, *LARGE}

    def unseen(self, strata: Sequence[LabelledStratum]) -> float:
        """Return the standard error that a pseudo block adds in a rest without differences."""
        for stratum in strata:
            n = len(stratum.differences)
            if stratum.name == "rest" and 0 < n < stratum.blocks and not stratum.differences.any():
                return stratum.blocks * PSEUDO_SMALL * self.small / n
        return 0.0

    def of(self, stratum: LabelledStratum) -> Doubles:
        """Return the pseudo block's difference, or nothing."""
        seen = np.count_nonzero(stratum.differences)
        if stratum.name in LARGE and seen < FEW_LARGE:
            return np.array([PSEUDO_LARGE * self.large])
        is_small = stratum.name in SMALL or (stratum.name == "rest" and self.only_rest)
        if is_small and seen < FEW_SMALL:
            return np.array([PSEUDO_SMALL * self.small])
        return np.empty(0)


def _sizes(strata: Sequence[LabelledStratum]) -> Doubles:
    parts = [np.abs(s.differences[s.differences != 0]) for s in strata]
    return np.concatenate([np.empty(0), *parts])


def label_widening(value: float, mapped: float, rate: float) -> tuple[float, float]:
    """Return how far the errors of one interpreter may move an estimate down and up.

    A share ``rate`` of true changes may have been overlooked, and of the mapped pixels that are
    no change as many taken over from the map; ``mapped`` is the mapped gain.

    >>> label_widening(80.0, 200.0, 0.05)
    (6.0, 4.0)
    """
    return rate * max(mapped - value, 0.0), rate * max(value, 0.0)
