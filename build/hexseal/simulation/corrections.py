"""Corrections by hand, which repair one year only and so make changes that never happened."""

import numpy as np

from hexseal.simulation.fields import blur
from hexseal.simulation.observation import LAST_CLASS
from hexseal.simulation.vegetation import BARE, OUTSIDE, SEALED
from hexseal.types import Bytes


def fix_by_hand(
    truth: Bytes, observed: Bytes, rng: np.random.Generator, share: float = 0.001
) -> tuple[Bytes, Bytes]:
    """Re-code small polygons as an operator would; return the map and the layer of where.

    About ``share`` of the mapped pixels are re-coded, mostly to the truth, which makes a
    change against a year that was not corrected. The layer is 1 where re-coded, 0
    elsewhere, 254 outside.
    """
    fixed = observed.copy()
    wrong = (truth != observed) & (truth <= LAST_CLASS)
    wrong &= (truth == SEALED) | (observed == SEALED)
    goal = share * float((truth <= LAST_CLASS).sum())
    rows, columns = np.nonzero(blur(wrong.astype(np.float32), 3) * wrong > 0.10)
    changed = 0.0
    for pick in rng.permutation(len(rows))[:5000]:
        if changed >= goal:
            break
        half = rng.integers(3, 9, 2)
        y, x = max(0, rows[pick] - half[0]), max(0, columns[pick] - half[1])
        window = np.s_[y : rows[pick] + half[0], x : columns[pick] + half[1]]
        before = int((fixed[window] != observed[window]).sum())
        right = rng.random() < 0.85
        target = truth[window] if right else np.where(observed[window] == SEALED, BARE, SEALED)
        apply = wrong[window] & (right | (rng.random(target.shape) < 0.4))
        fixed[window] = np.where(apply, target, fixed[window])
        changed += int((fixed[window] != observed[window]).sum()) - before
    layer = (fixed != observed).astype(np.uint8)
    layer[observed > LAST_CLASS] = OUTSIDE
    return fixed, layer
