"""Areas and accuracies from a reference sample, with the standard errors of its design.

With strata h of N_h pixels or m², n_h sample units in each, w = N_h / n_h, and for each unit the
values y and x (1 or 0), every figure is a ratio R = sum(w y) / sum(w x), and

    V(R) = sum_h  N_h^2 s_h^2(y - R x) / n_h  /  sum(w x)^2              (Stehman 2014, eq. 28)

without the finite-population correction. With map classes as strata this is Olofsson et al. 2014
to the last digit: p_ij = W_i n_ij / n_i, V(p_.j) = sum_i W_i^2 q_ij (1 - q_ij) / (n_i - 1), where
q_ij = n_ij / n_i. The estimated areas of two classes hang together,

    Cov(p_.j, p_.k) = -sum_i W_i^2 q_ij q_ik / (n_i - 1)                 (multinomial in strata),

so that the net change G - L of gain and loss has V(G) + V(L) - 2 Cov(G, L). Units of unequal weight
within a stratum count as drawn with replacement.

Olofsson et al. 2014, Remote Sensing of Environment 148:42-57; Stehman 2014, International Journal
of Remote Sensing 35:4923-4939.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hexseal.errors import InputError
from hexseal.types import Doubles, Flags, Integers

# Half a 95 % interval in standard errors, as in the sources.
Z_95 = 1.96
CHANGE_CLASSES = ("stable unsealed", "stable sealed", "gain", "loss")
STABLE_UNSEALED, STABLE_SEALED, GAIN, LOSS = range(4)
FEWEST_UNITS = 2


@dataclass(frozen=True, slots=True, eq=False)
class SampleUnits:
    """Sample units: row i stands for ``count[i]`` units that are alike.

    ``mapped`` and ``reference`` are class places from 0 on, ``stratum`` is a place from 0 on;
    ``weight`` is what one unit stands for, its stratum's size over its units or the inverse of
    its chance of being drawn.
    """

    mapped: Integers
    reference: Integers
    stratum: Integers
    weight: Doubles
    count: Integers


@dataclass(frozen=True, slots=True, eq=False)
class StratifiedEstimate:
    """Figures of a reference sample; areas are in the unit of the total, the rest are shares.

    ``proportions`` has map classes as rows and reference classes as columns. Undefined figures
    are NaN: the user's accuracy of a class that is not on the map, the producer's accuracy of
    one that the reference never saw.
    """

    proportions: Doubles
    area: Doubles
    area_covariance: Doubles
    users_accuracy: Doubles
    users_se: Doubles
    producers_accuracy: Doubles
    producers_se: Doubles
    overall_accuracy: float
    overall_se: float

    @property
    def area_se(self) -> Doubles:
        """Return the standard errors of the areas."""
        return np.sqrt(np.diag(self.area_covariance))


@dataclass(frozen=True, slots=True)
class ChangeEstimate:
    """Estimated gain, loss and their difference, with standard errors, in the unit of the area."""

    gain: float
    gain_se: float
    loss: float
    loss_se: float
    net: float
    net_se: float


def interval(value: float, se: float) -> tuple[float, float]:
    """Return the ends of the 95 % interval.

    >>> interval(10.0, 1.0)
    (8.04, 11.96)
    """
    return value - Z_95 * se, value + Z_95 * se


def unit_weights(units: Integers, sizes: Doubles, *, names: Sequence[str] | None = None) -> Doubles:
    """Return what one unit of each stratum stands for; 0 for strata without units and size.

    Raises InputError for a stratum with a size and fewer than two units, or units and no size.
    """
    for place in np.flatnonzero((sizes > 0) & (units < FEWEST_UNITS)):
        raise InputError(
            f"{_name(place, names)} has {units[place]} reference points but covers "
            f"{sizes[place] / sizes.sum():.3g} of the map; at least 2 are needed to estimate it"
        )
    for place in np.flatnonzero((sizes <= 0) & (units > 0)):
        raise InputError(
            f"{_name(place, names)} has {units[place]} reference points but no mapped area; "
            "use the map that the points were read from"
        )
    return sizes / np.maximum(units, 1)


def weighted_estimate(
    units: SampleUnits, classes: int, *, total: float = 1.0, names: Sequence[str] | None = None
) -> StratifiedEstimate:
    """Estimate when strata are not the map classes, or units have weights of their own.

    ``total`` is the area that the whole sample stands for; ``names`` those of the strata.
    """
    in_stratum = np.bincount(units.stratum, units.count)
    for place in np.flatnonzero((in_stratum > 0) & (in_stratum < FEWEST_UNITS)):
        raise InputError(
            f"{_name(place, names)} has 1 reference point; at least 2 are needed in each stratum"
        )
    weight = units.weight * units.count
    cells = np.bincount(units.mapped * classes + units.reference, weight, classes**2)
    every = np.arange(classes)[:, None]
    on_map, on_ground = units.mapped == every, units.reference == every
    agrees, whole = on_map & on_ground, np.ones_like(on_map)
    share, covariance = _ratios(units, on_ground, whole)
    users, of_users = _ratios(units, agrees, on_map)
    producers, of_producers = _ratios(units, agrees, on_ground)
    overall, of_overall = _ratios(units, agrees.any(axis=0)[None], whole[:1])
    return StratifiedEstimate(
        proportions=cells.reshape(classes, classes) / weight.sum(),
        area=share * total,
        area_covariance=covariance * total**2,
        users_accuracy=users,
        users_se=np.sqrt(np.diag(of_users)),
        producers_accuracy=producers,
        producers_se=np.sqrt(np.diag(of_producers)),
        overall_accuracy=float(overall[0]),
        overall_se=float(np.sqrt(of_overall[0, 0])),
    )


def change_labels(before: ArrayLike, after: ArrayLike, sealed: Collection[int]) -> Integers:
    """Return the place in CHANGE_CLASSES of each pair of class codes of two dates.

    >>> change_labels([6, 1, 6, 1], [7, 1, 1, 6], {1}).tolist()
    [0, 1, 2, 3]
    """
    first, second = (np.isin(np.asarray(codes), list(sealed)) for codes in (before, after))
    return np.select(
        [first & second, second, first], [STABLE_SEALED, GAIN, LOSS], STABLE_UNSEALED
    ).astype(np.int64)


def change_estimate(estimate: StratifiedEstimate) -> ChangeEstimate:
    """Return gain, loss and net of an estimate whose classes are CHANGE_CLASSES."""
    covariance = estimate.area_covariance
    gain, loss = float(estimate.area[GAIN]), float(estimate.area[LOSS])
    spread = covariance[GAIN, GAIN] + covariance[LOSS, LOSS] - 2 * covariance[GAIN, LOSS]
    return ChangeEstimate(
        gain=gain,
        gain_se=float(estimate.area_se[GAIN]),
        loss=loss,
        loss_se=float(estimate.area_se[LOSS]),
        net=gain - loss,
        net_se=float(np.sqrt(max(spread, 0.0))),
    )


def strata_places(
    labels: Sequence[str], sizes: Mapping[str, float]
) -> tuple[Integers, Doubles, tuple[str, ...]]:
    """Return each unit's place among the sorted strata, the strata's sizes and their names."""
    names = tuple(sorted(set(labels) | set(sizes)))
    place = {name: number for number, name in enumerate(names)}
    held = np.array([sizes.get(name, 0.0) for name in names])
    return np.array([place[label] for label in labels], dtype=np.int64), held, names


def _ratios(units: SampleUnits, part: Flags, whole: Flags) -> tuple[Doubles, Doubles]:
    """Return sum(w part) / sum(w whole) of each row of flags, and their covariance matrix."""
    weight = units.weight * units.count
    base = whole @ weight
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = (part @ weight) / base
        residual = units.weight * (part - ratio[:, None] * whole) / base[:, None]
    taken = np.bincount(units.stratum, units.count)
    for row in residual:
        sums = np.bincount(units.stratum, units.count * row)
        row -= (sums / np.maximum(taken, 1))[units.stratum]
    spread = units.count * (taken / np.maximum(taken - 1, 1))[units.stratum]
    covariance = (residual * spread) @ residual.T
    return ratio, covariance + np.diag(_floor(units, ratio, whole, np.diag(covariance)))


def _floor(units: SampleUnits, ratio: Doubles, whole: Flags, variance: Doubles) -> Doubles:
    """Return the variance of shares that all units agree on, 0 for others: none is certain.

    Of n units without an exception half a one is assumed (Jeffreys' prior), n being the units that
    carry the weight: (sum w)^2 / sum w^2.
    """
    n = (whole * units.weight * units.count).sum(axis=1) ** 2 / np.maximum(
        (whole * units.weight**2 * units.count).sum(1), 1e-300
    )
    part = 0.5 / (n + 1)
    is_certain = (variance <= 0) & np.isfinite(ratio) & (n > 0)
    return np.where(is_certain, part * (1 - part) / np.maximum(n, 1), 0.0)


def _name(place: np.integer, names: Sequence[str] | None) -> str:
    return f"class {names[int(place)]!r}" if names else f"class {place}"
