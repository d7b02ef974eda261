"""Make net changes of one place add up over time: A to B plus B to C equals A to C.

Every pair of years is estimated from its own two maps, so the three disagree by noise. Least
squares finds the figures nearest to all of them that add up, the less sure ones moving more:

    y' = y - V R' (R V R')^-1 R y        R: one row per triple of years, V: variances of the region

V is the same for all units, so sums over units still add up, over space as over time.
"""

from collections.abc import Collection, Mapping
from itertools import combinations

import numpy as np

from hexseal.types import Doubles, Pair


def reconcile(nets: Mapping[Pair, Doubles], variances: Mapping[Pair, float]) -> dict[Pair, Doubles]:
    """Return by how much each figure moves; NaN stays out, and what it would tie stays apart.

    >>> nets = {(1, 2): np.array([4.0]), (2, 3): np.array([5.0]), (1, 3): np.array([12.0])}
    >>> moved = reconcile(nets, {(1, 2): 1.0, (2, 3): 1.0, (1, 3): 1.0})
    >>> [float(moved[pair][0]) for pair in nets]
    [1.0, 1.0, -1.0]
    """
    pairs = list(nets)
    if not pairs:
        return {}
    values = np.stack([nets[pair] for pair in pairs])
    moves = np.zeros_like(values)
    known = ~np.isnan(values)
    for pattern in np.unique(known, axis=1).T:
        here = (known == pattern[:, None]).all(0)
        some = [place for place in range(len(pairs)) if pattern[place]]
        chosen = np.array(some, np.intp)[:, None], np.flatnonzero(here)[None, :]
        moves[chosen] = _moves(
            [pairs[place] for place in some],
            values[chosen],
            np.array([variances[pairs[place]] for place in some]),
        )
    return dict(zip(pairs, moves, strict=True))


def _moves(pairs: list[Pair], values: Doubles, variance: Doubles) -> Doubles:
    """Return the moves of values of shape (pairs, units) that hold no NaN."""
    rules = _rules(pairs)
    if not len(rules):
        return np.zeros_like(values)
    weighted = np.maximum(variance, 1e-9)[:, None] * rules.T
    return -weighted @ np.linalg.pinv(rules @ weighted) @ (rules @ values)


def _rules(pairs: Collection[Pair]) -> Doubles:
    """Return one row per triple of years whose three pairs are all known."""
    place = {pair: number for number, pair in enumerate(pairs)}
    years = sorted({year for pair in pairs for year in pair})
    rows = []
    for first, middle, last in combinations(years, 3):
        parts, whole = (Pair(first, middle), Pair(middle, last)), Pair(first, last)
        if {*parts, whole} <= place.keys():
            row = np.zeros(len(place))
            row[[place[part] for part in parts]] = 1.0
            row[place[whole]] = -1.0
            rows.append(row)
    return np.array(rows)
