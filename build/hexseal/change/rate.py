"""Rate of false patches among gains: losses are decoys whose tail is fitted, not only counted.

Soil is hardly ever unsealed, so losses show what noise alone makes (target-decoy estimate: Elias
& Gygi 2007). Above their 80 % quantile u the scores of losses follow a generalised Pareto law
(Pickands 1975), fitted by maximum likelihood to the m exceedances:

    E(t) = r max(m (1 + xi (t - u) / sigma)^(-1 / xi), losses scoring >= t)
    q(patch) = the least E(t) / (gains scoring >= t) over thresholds t that let the patch pass

``xi`` is floored at 0 and raised by 0.1, because a fit to few losses misses the tail's end; r is
the number of false gains for each false loss, at least 1.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import nbinom, poisson

from hexseal.types import Doubles, Flags

# Fewer losses than this fit no tail.
FEWEST_DECOYS = 60
TAIL_QUANTILE = 0.8
SHAPE_FLOOR, SHAPE_MARGIN, SHAPE_CAP = 0.0, 0.1, 0.6
# Gains are censored here when their own tail has to stand for that of noise.
GAINS_CENSORED = 0.97
STARTS = (0.05, 0.3)
BOUND = 0.95
# More than this share of false gains among the confirmed has to be rarer than 1 in 40.
FALSE_AT_MOST, MOST_REALISED = 0.20, 0.975
# As many gains as pass must be rarer than this where noise alone makes the expected number.
MOST_CHANCE = 0.001


@dataclass(frozen=True, slots=True)
class Tail:
    """Generalised Pareto law of the ``count`` scores above ``start``; ``shape`` as fitted."""

    start: float
    scale: float
    shape: float
    count: int

    def expected(self, scores: Doubles) -> Doubles:
        """Return how many scores of noise are expected at or above each of ``scores``."""
        shape = max(self.shape, SHAPE_FLOOR) + SHAPE_MARGIN
        over = np.maximum(scores - self.start, 0.0)
        return self.count * (1 + shape * over / self.scale) ** (-1 / shape)


def fit_tail(scores: Doubles, censored_at: float = 1.0) -> Tail | None:
    """Fit the law to the upper fifth of ``scores``; None where there are fewer than 60.

    Scores beyond the quantile ``censored_at`` count as "at least that quantile". Whole numbers are
    spread over their unit first (seeded), because the law is continuous.
    """
    if len(scores) < FEWEST_DECOYS:
        return None
    spread = scores.astype(np.float64)
    if np.all(spread == np.round(spread)):
        spread = spread + np.random.default_rng(0).uniform(-0.5, 0.5, len(spread))
    start = float(np.quantile(spread, TAIL_QUANTILE))
    limit = float(np.quantile(spread, censored_at)) if censored_at < 1 else np.inf
    over = np.minimum(spread[spread > start], limit) - start
    cut = spread[spread > start] >= limit
    if not len(over) or over.max() <= 0:
        return None
    fits = [
        minimize(
            _unlikelihood, [np.log(over.mean() + 0.1), shape], (over, cut), method="Nelder-Mead"
        )
        for shape in STARTS
    ]
    best = min(fits, key=lambda fit: fit.fun)
    return Tail(start, float(np.exp(best.x[0])), float(best.x[1]), len(over))


def _unlikelihood(parameters: Doubles, over: Doubles, cut: NDArray[np.bool_]) -> float:
    """Return the negative log likelihood of log scale and shape."""
    scale, shape = np.exp(parameters[0]), parameters[1]
    inside = 1 + shape * over / scale
    if shape > SHAPE_CAP or np.any(inside <= 0):
        return 1e12
    hazard = np.log(inside) / shape if abs(shape) > 1e-4 else over / scale
    seen = ~cut
    return float(hazard.sum() + seen.sum() * np.log(scale) + shape * hazard[seen].sum())


def rates(gains: Doubles, losses: Doubles, tail: Tail, ratio: float) -> Doubles:
    """Return the q-value of every gain: the least rate of false patches that lets it pass.

    >>> tail = Tail(start=1.0, scale=1.0, shape=0.0, count=10)
    >>> found = rates(np.array([0.5, 3.0, 5.0, 60.0]), np.array([1.0, 2.0]), tail, 1.0)
    >>> found.round(3).tolist()
    [1.0, 0.538, 0.173, 0.0]
    """
    # Gains that score alike have one rate.
    scores, first = _distinct(np.sort(gains))
    passing = len(gains) - first
    decoys = len(losses) - np.searchsorted(np.sort(losses), scores, "left")
    expected = ratio * np.maximum(tail.expected(scores), decoys)
    found = np.where(scores > tail.start, expected / np.maximum(passing, 1), 1.0)
    least = np.minimum.accumulate(np.minimum(found, 1.0))
    return least[np.searchsorted(scores, gains, "left")]


def _distinct(ordered: Doubles) -> tuple[Doubles, NDArray[np.int64]]:
    """Return the distinct values of an ascending array, and where each begins."""
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(ordered)])
    return ordered[first], first


def is_lucky(passing: Doubles, losses: Doubles, tail: Tail, ratio: float) -> bool:
    """Return whether so few gains pass that noise alone makes as many now and then.

    The rate is a mean: where 0.2 false gains are expected, two pass in one of 57 regions without
    change. Fewer than four gains need a smaller rate than 10 %.

    >>> tail = Tail(start=1.0, scale=1.0, shape=0.0, count=10)
    >>> is_lucky(np.array([6.0, 7.0]), np.array([1.0]), tail, 1.0)
    True
    >>> is_lucky(np.array([6.0] * 5), np.array([1.0]), tail, 1.0)
    False
    """
    if not len(passing):
        return False
    least = passing.min()
    decoys = int((losses >= least).sum())
    expected = ratio * max(float(tail.expected(np.array([least]))[0]), decoys)
    return float(poisson.sf(len(passing) - 1, expected)) > MOST_CHANCE


def sure_enough(q_value: Doubles, level: float) -> Flags:
    """Return the gains to confirm: rate at most ``level``, and few false among them by chance too.

    The rate is a mean. Of n gains E = n q are expected to be false, but of few gains a fifth is
    false now and then: the largest set is taken in which more than a fifth is rarer than 1 in 40,
    going by a Poisson law of mean E.

    >>> int(sure_enough(np.array([0.1] * 100 + [0.2]), 0.1).sum())
    100
    >>> int(sure_enough(np.array([0.01] * 8 + [0.1] * 4), 0.1).sum())
    8
    """
    rate, first = _distinct(np.sort(q_value))
    passing = np.append(first, len(q_value))[1:]
    able = rate <= level
    false = poisson.ppf(MOST_REALISED, (rate * passing)[able])
    found = np.flatnonzero(able)[false <= FALSE_AT_MOST * passing[able]]
    least = rate[found[-1]] if len(found) else -1.0
    return q_value <= least


def counted_bound(decoys: int, ratio: float) -> int:
    """Return the 95 % upper bound of false gains where ``decoys`` losses score as well.

    Negative binomial bound on the realised number, not its mean (TDC-UB, arXiv 2011.11939).

    >>> counted_bound(0, 1.0), counted_bound(10, 1.0)
    (4, 19)
    """
    return int(nbinom.ppf(BOUND, decoys + 1, 1 / (1 + ratio)))
