"""Confirm gain patches: losses are decoys that show what noise alone produces.

Target-decoy estimate of the false discovery rate (Elias & Gygi 2007), with the +1 that keeps a
few lucky patches from passing for certain (Levitsky et al. 2017; He et al. 2015):

    FDR(t) = (decoy_ratio x (losses with score >= t) + 1) / (gains with score >= t)
    q(patch) = the least FDR(t) over thresholds t that still let the patch pass

It rests on noise gaining and losing alike. Real unsealing makes it conservative; a product
whose calibration lets gains pass more easily makes it optimistic: ``decoy_ratio`` > 1.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hexseal.errors import InputError

Doubles = NDArray[np.float64]

# With fewer losses than this the gauge rests on a handful of patches, and the page says so.
FEW_DECOYS = 20


@dataclass(frozen=True, slots=True, eq=False)
class Confirmation:
    """``q_value`` of every gain patch and what passes at ``level``.

    ``threshold`` is the least score that passes, None when nothing does. ``asymmetry`` is how
    many gains there are for each loss among the faintest patches, where noise rules.
    """

    q_value: Doubles
    level: float
    decoy_ratio: float
    asymmetry: float
    gains: int
    losses: int
    confirmed: int
    threshold: float | None

    @property
    def few_decoys(self) -> bool:
        """Tell whether fewer than 20 losses gauge the noise."""
        return self.losses < FEW_DECOYS


def confirm(
    gain_scores: Doubles,
    loss_scores: Doubles,
    *,
    level: float = 0.10,
    decoy_ratio: float | Literal["auto"] = 1.0,
) -> Confirmation:
    """Give every gain patch its q-value; "auto" takes the asymmetry, at least 1, as ratio.

    >>> found = confirm(np.array([9.0, 8, 8, 7, 3, 1]), np.array([3.0, 1.0]), level=0.3)
    >>> found.q_value.round(3).tolist()
    [0.25, 0.25, 0.25, 0.25, 0.4, 0.5]
    >>> found.confirmed, found.threshold, found.few_decoys
    (4, 7.0, True)
    """
    if not 0 < level < 1:
        raise InputError(f"level = {level}: give a share between 0 and 1, such as 0.10")
    gains, losses = np.sort(gain_scores), np.sort(loss_scores)
    faint = asymmetry(gains, losses)
    ratio = max(1.0, faint) if decoy_ratio == "auto" else decoy_ratio
    if not ratio >= 1:
        raise InputError(f"decoy_ratio = {ratio}: give 1 (noise gains as it loses) or more")
    q_value = _rates(gains, losses, ratio)[np.searchsorted(gains, gain_scores, "left")]
    passing = gain_scores[q_value <= level]
    return Confirmation(
        q_value=q_value,
        level=level,
        decoy_ratio=ratio,
        asymmetry=faint,
        gains=len(gains),
        losses=len(losses),
        confirmed=len(passing),
        threshold=float(passing.min()) if len(passing) else None,
    )


def asymmetry(gains: Doubles, losses: Doubles) -> float:
    """Return gains per loss among the patches that score no more than the median loss.

    Both ascending; 1 where there are too few losses to tell. Real change hardly shows among
    the faintest patches, so noise that gains as it loses gives about 1.

    >>> asymmetry(np.repeat(np.arange(30.0), 2), np.arange(30.0))
    2.0
    """
    if len(losses) < FEW_DECOYS:
        return 1.0
    median = losses[(len(losses) - 1) // 2]
    faint = np.searchsorted(gains, median, "right"), np.searchsorted(losses, median, "right")
    return float(faint[0] / faint[1])


def _rates(gains: Doubles, losses: Doubles, decoy_ratio: float) -> Doubles:
    """Return the monotone rate at the score of each of the ascending ``gains``."""
    passing = len(gains) - np.searchsorted(gains, gains, "left")
    decoys = len(losses) - np.searchsorted(losses, gains, "left")
    rates = np.minimum((decoy_ratio * decoys + 1) / np.maximum(passing, 1), 1.0)
    return np.minimum.accumulate(rates)
