"""Why two years may not be comparable, told from the inputs and from what was counted.

Each note belongs to a pair of years and is shown beside its figures.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from hexseal.forward.report import ForwardReport

Kind = Literal[
    "makers", "forward", "calibration", "asymmetry", "level_shift", "rate", "coverage", "few_decoys"
]
# Years whose method differs make "change" of their own; such notes come first and weigh most.
SEVERE: tuple[Kind, ...] = ("makers", "asymmetry", "level_shift", "rate")

# Among the faintest patches noise alone gains as often as it loses: 20 simulated regions gave
# 0.94 to 1.08 gains per loss, a drift of both accuracies by 2 points in opposite ways 1.5 to 1.7.
HIGHEST_ASYMMETRY = 1.25
# Unconfirmed gain and loss differ by noise only: so many standard deviations, and so much of it.
FARTHEST_SHIFT_SD = 4.0
LARGEST_SHIFT = 0.15
# Sealed area in Europe grows by about 0.25 % a year (EEA 2020); above this method is likelier.
FASTEST_YEARLY_CHANGE = 0.05
LARGEST_LOSS = 0.05
# CLC+ Backbone years that were calibrated on the year before (DOMAIN: product user manual).
CALIBRATED_YEARS = (2021, 2023)


@dataclass(frozen=True, slots=True)
class Note:
    """A reason for care; ``values`` fill the text that a page shows for its kind."""

    kind: Kind
    pair: tuple[int, int]
    values: Mapping[str, str | float] = field(default_factory=dict)

    @property
    def is_severe(self) -> bool:
        """Tell whether change must not be shown without it."""
        return self.kind in SEVERE


@dataclass(frozen=True, slots=True)
class PairFacts:
    """What is known of two years; areas are pixels of the common valid mask.

    ``gain`` and ``loss`` are judged change, of which ``confirmed`` is confirmed gain;
    ``noise_sd`` is the standard deviation of gain - confirmed - loss under noise alone.
    ``lost_share`` is the part of the land of a year that the common mask drops. ``forward`` is
    how the model compares with CLC+, where one of the years was made by a model.
    """

    pair: tuple[int, int]
    sources: tuple[str, str]
    product: str
    simulated: bool
    sealed: tuple[float, float]
    gain: float
    loss: float
    confirmed: float
    asymmetry: float
    noise_sd: float
    few_decoys: bool
    lost_share: tuple[float, float]
    forward: ForwardReport | None = None


def notes_of(facts: PairFacts) -> tuple[Note, ...]:
    """Return the notes of a pair, the weightiest first."""
    return tuple(
        note
        for check in (
            _makers,
            _forward,
            _asymmetry,
            _level_shift,
            _rate,
            _calibration,
            _coverage,
            _decoys,
        )
        for note in check(facts)
    )


def maker(source: str, year: int) -> str:
    """Return what a source's title says besides its year: product and version.

    >>> maker("ESA WorldCover 2020 v100", 2020), maker("CLC+ Backbone 2018", 2018)
    ('ESA WorldCover v100', 'CLC+ Backbone')
    """
    return " ".join(re.sub(rf"\b{year}\b", " ", source).split())


def _makers(facts: PairFacts) -> Iterator[Note]:
    if facts.forward is not None:
        return
    first, second = map(maker, facts.sources, facts.pair)
    if first != second:
        yield Note("makers", facts.pair, {"first": first, "second": second})


def _forward(facts: PairFacts) -> Iterator[Note]:
    report = facts.forward
    if report is None:
        return
    values: dict[str, str | float] = {
        "year": float(report.year),
        "base": float(report.calibrate_on),
        "model": report.model,
        "users": 100 * report.users,
        "producers": 100 * report.producers,
        "iou": report.iou,
    }
    yield Note("forward", facts.pair, values)


def _asymmetry(facts: PairFacts) -> Iterator[Note]:
    ratio = facts.asymmetry
    if not 1 / HIGHEST_ASYMMETRY <= ratio <= HIGHEST_ASYMMETRY:
        yield Note("asymmetry", facts.pair, {"ratio": ratio})


def _level_shift(facts: PairFacts) -> Iterator[Note]:
    """Compare the unconfirmed net with its noise: real change leaves little of it."""
    excess = facts.gain - facts.confirmed - facts.loss
    noise = facts.gain - facts.confirmed + facts.loss
    if abs(excess) > max(FARTHEST_SHIFT_SD * facts.noise_sd, LARGEST_SHIFT * noise):
        yield Note("level_shift", facts.pair, {"percent": 100 * excess / noise})


def _rate(facts: PairFacts) -> Iterator[Note]:
    first, second = facts.sealed
    if not first:
        return
    yearly = (second / first - 1) / (facts.pair[1] - facts.pair[0])
    if abs(yearly) > FASTEST_YEARLY_CHANGE:
        yield Note("rate", facts.pair, {"percent": 100 * yearly})


def _calibration(facts: PairFacts) -> Iterator[Note]:
    if facts.product == "clcplus" and not facts.simulated and facts.pair[1] in CALIBRATED_YEARS:
        yield Note("calibration", facts.pair, {"year": float(facts.pair[1])})


def _coverage(facts: PairFacts) -> Iterator[Note]:
    for year, lost in zip(facts.pair, facts.lost_share, strict=True):
        if lost > LARGEST_LOSS:
            yield Note("coverage", facts.pair, {"year": float(year), "percent": 100 * lost})


def _decoys(facts: PairFacts) -> Iterator[Note]:
    if facts.few_decoys:
        yield Note("few_decoys", facts.pair)
