"""How map change follows true change, from the accuracy of Sealed in both years.

With user's accuracy U and producer's accuracy P, sealed share s, and false-positive rate
f = P s (1 - U) / (U (1 - s)):

    net of the maps = J x true net + bias
    J between P - f (false positives stay where they are: Rogan & Gladen 1978)
          and P / U (false positives follow what is sealed)
    bias = mapped pixels of the first year x ((P2 / U2) / (P1 / U1) - 1)

The errors of a map gather along what is sealed, so the truth lies between the two slopes; the
middle is taken, with the deviation of a uniform distribution. Without any figure J is 1.

Where a year was made by a model, the change is the model's own, and J follows from how its map
compares with CLC+ of the year it starts from. Taking each difference of the two for an error of
the model gives the least slope, Youden's P - f; taking the model's errors for independent of those
of CLC+, or its false positives for companions of what is sealed, gives the largest, the ratio of
both maps' sealed areas. One model made both maps, so bias is 0, give or take how much its sealed
area differs from one image to the next.
"""

import math

from hexseal.forward.report import ForwardReport
from hexseal.region.load import SealedAccuracy
from hexseal.statistics.adjusted import Transfer

UNKNOWN = Transfer()
# A model that finds less of the change than this is not evidence of it.
LOWEST_SLOPE = 0.05


def forward_transfer(report: ForwardReport, *, sealed: float) -> Transfer:
    """Return slope and bias of a model's own change; ``sealed`` is pixels of the first map.

    The two slopes are P - f and the ratio of sealed areas, model over CLC+ (see above), both
    measured on the year that has both maps.
    """
    low, high = sorted((report.producers - report.false_rate, report.area_ratio))
    low, high = max(low, LOWEST_SLOPE), max(high, LOWEST_SLOPE)
    return Transfer(
        slope=(low + high) / 2,
        slope_sd=(high - low) / math.sqrt(12),
        bias=0.0,
        bias_sd=sealed * report.area_ratio * report.drift_sd,
    )


def chained_transfer(first: Transfer, second: Transfer) -> Transfer:
    """Return slope and bias over two steps whose changes were seen in different ways.

    How much of the change fell into which step is unknown, so the slope may be that of either.
    """
    low = min(t.slope - math.sqrt(3) * t.slope_sd for t in (first, second))
    high = max(t.slope + math.sqrt(3) * t.slope_sd for t in (first, second))
    return Transfer(
        slope=(low + high) / 2,
        slope_sd=(high - low) / math.sqrt(12),
        bias=first.bias + second.bias,
        bias_sd=math.hypot(first.bias_sd, second.bias_sd),
    )


def transfer_between(
    first: SealedAccuracy,
    second: SealedAccuracy,
    *,
    sealed: float,
    land: float,
    paired_error: float | None = None,
) -> Transfer:
    """Return slope and bias; ``sealed`` and ``land`` are pixels of the first map.

    ``paired_error`` is the relative standard error of the ratio of both years' sealed areas, where
    one sample labels both; else the accuracies of both years count as independent.

    >>> equal = SealedAccuracy(0.85, 0.85)
    >>> found = transfer_between(equal, equal, sealed=5_000, land=100_000)
    >>> round(found.slope, 3), round(found.slope_sd, 3), found.bias
    (0.921, 0.046, 0.0)
    """
    users, producers = (first.users + second.users) / 2, (first.producers + second.producers) / 2
    share = min(sealed * first.users / first.producers / land, 0.95) if land else 0.0
    false_rate = producers * share * (1 - users) / (users * (1 - share))
    low, high = sorted((producers - false_rate, producers / users))
    drift = (second.producers / second.users) / (first.producers / first.users)
    independent = sum(
        (error / value) ** 2
        for accuracy in (first, second)
        for error, value in (
            (accuracy.users_se, accuracy.users),
            (accuracy.producers_se, accuracy.producers),
        )
    )
    error = math.sqrt(independent) if paired_error is None else paired_error
    return Transfer(
        slope=(low + high) / 2,
        slope_sd=(high - low) / math.sqrt(12),
        bias=sealed * (drift - 1),
        bias_sd=sealed * drift * error,
    )
