"""Why two years may not be comparable, found in the inputs and in the counts.

Each note belongs to a pair of years and is shown beside its figures.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from hexseal.change.maptests import FASTEST_YEARLY_CHANGE, Check
from hexseal.forward.report import ForwardReport
from hexseal.forward.stage import maker
from hexseal.products import DENSITY_BREAK, IMPERVIOUSNESS
from hexseal.statistics.reference import Reference
from hexseal.types import Pair

Kind = Literal[
    "few_losses", "unbalanced", "cut_tail", "local_level", "shifted", "shift_unknown", "sharpness",
    "fields", "inverted", "unsealing", "makers", "forward", "no_map", "calibration", "rate",
    "coverage", "weak_confidence", "errors_assumed", "shrinks", "untested", "series_break",
    "partial_sample",
]  # fmt: skip
# Reasons that a test of the maps gives: the pair is inconclusive.
FAILED: Mapping[str, Kind] = {
    "decoys.losses": "few_losses",
    "decoys.faint_ratio": "unbalanced",
    "decoys.balance": "unbalanced",
    "tail.slope": "cut_tail",
    "tail.middle": "cut_tail",
    "tail.extrapolated": "cut_tail",
    "level.spread": "local_level",
    "level.block": "local_level",
    "registration.shift": "shifted",
    "registration.drift": "shifted",
    "registration.sharpness": "sharpness",
    "fields.share": "fields",
    "confidence.contrast": "inverted",
    "unsealing.tail_shape": "unsealing",
}
# The same where the statistic cannot be computed.
UNKNOWN: Mapping[str, Kind] = {
    "registration.shift": "shift_unknown",
    "level.spread": "few_losses",
    "unsealing.tail_shape": "few_losses",
    "densities.measured": "untested",
}
# Years whose method differs make "change" of their own; such notes come first and weigh most.
SEVERE: frozenset[Kind] = frozenset(
    {*FAILED.values(), *UNKNOWN.values(), "makers", "rate", "series_break"}
)

LARGEST_LOSS = 0.05
# CLC+ Backbone years that were calibrated on the year before (DOMAIN: product user manual).
CALIBRATED_YEARS = (2021, 2023)


@dataclass(frozen=True, slots=True)
class Note:
    """A reason for care; ``values`` fill the text that a page shows for its kind."""

    kind: Kind
    pair: Pair
    values: Mapping[str, str | float] = field(default_factory=dict)

    @property
    def is_severe(self) -> bool:
        """Return whether change must not be shown without it."""
        return self.kind in SEVERE


@dataclass(frozen=True, slots=True)
class PairFacts:
    """What is known of two years; areas are pixels of the common valid mask.

    ``checks`` are those of the pair's tests. ``lost_share`` is the part of the land of a year
    that the common mask drops. ``forward`` is how the model compares with CLC+, where one of the
    years was made by a model. ``errors_assumed`` are years whose accuracy came without errors,
    ``confirmed`` confirmed pixels, None where the pair is inconclusive, ``reference`` a sample's
    figures.
    """

    pair: Pair
    sources: tuple[str, str]
    product: str
    simulated: bool
    sealed: tuple[float, float]
    checks: tuple[Check, ...]
    lost_share: tuple[float, float]
    forward: ForwardReport | None = None
    errors_assumed: tuple[int, ...] = ()
    confirmed: float | None = None
    reference: Reference | None = None


def notes_of(facts: PairFacts) -> tuple[Note, ...]:
    """Return the notes of a pair, the weightiest first."""
    return tuple(
        note
        for check in (
            _tests,
            _series_break,
            _makers,
            _forward,
            _rate,
            _calibration,
            _coverage,
            _confidence,
            _errors,
            _partial_sample,
        )
        for note in check(facts)
    )


def _makers(facts: PairFacts) -> Iterator[Note]:
    if facts.forward is not None:
        return
    first, second = map(maker, facts.sources, facts.pair)
    if first != second:
        yield Note("makers", facts.pair, {"first": first, "second": second})


def _series_break(facts: PairFacts) -> Iterator[Note]:
    """Yield a note where the densities of a pair come from before and after the series' break."""
    first, second = facts.pair
    if facts.product == IMPERVIOUSNESS.name and first < DENSITY_BREAK <= second:
        yield Note("series_break", facts.pair, {"year": float(DENSITY_BREAK)})


def _forward(facts: PairFacts) -> Iterator[Note]:
    report = facts.forward
    if report is None:
        return
    values: dict[str, str | float] = {
        "year": float(report.year),
        "base": float(report.calibrate_on or 0),
        "model": report.model,
        "users": 100 * report.users,
        "producers": 100 * report.producers,
        "iou": report.iou,
    }
    yield Note("forward" if report.calibrate_on is not None else "no_map", facts.pair, values)


def _rate(facts: PairFacts) -> Iterator[Note]:
    first, second = facts.sealed
    if not first:
        return
    yearly = (second / first - 1) / (facts.pair.second - facts.pair.first)
    if abs(yearly) > FASTEST_YEARLY_CHANGE:
        yield Note("rate", facts.pair, {"percent": 100 * yearly})


def _calibration(facts: PairFacts) -> Iterator[Note]:
    if facts.product == "clcplus" and not facts.simulated and facts.pair.second in CALIBRATED_YEARS:
        yield Note("calibration", facts.pair, {"year": float(facts.pair.second)})


def _coverage(facts: PairFacts) -> Iterator[Note]:
    for year, lost in zip(facts.pair, facts.lost_share, strict=True):
        if lost > LARGEST_LOSS:
            yield Note("coverage", facts.pair, {"year": float(year), "percent": 100 * lost})


def _tests(facts: PairFacts) -> Iterator[Note]:
    """Yield each reason once, with the statistic of the first check that gives it."""
    seen: set[Kind] = set()
    for check in facts.checks:
        key = f"{check.test}.{check.name}"
        kind = (UNKNOWN if check.verdict == "unknown" else FAILED).get(key)
        if not check.stops or kind is None or kind in seen:
            continue
        seen.add(kind)
        value = {} if check.statistic is None else {"value": check.statistic}
        yield Note(kind, facts.pair, value | {"threshold": check.threshold})


def _confidence(facts: PairFacts) -> Iterator[Note]:
    for check in facts.checks:
        if check.test == "confidence" and check.verdict == "unknown":
            yield Note("weak_confidence", facts.pair)


def _errors(facts: PairFacts) -> Iterator[Note]:
    for year in facts.errors_assumed:
        yield Note("errors_assumed", facts.pair, {"year": float(year)})


def _partial_sample(facts: PairFacts) -> Iterator[Note]:
    """Yield which joined regions lack a sample, so that the whole has no figure from one."""
    found = facts.reference
    if found is not None and found.without:
        values = {"regions": ", ".join(found.without), "areas": float(len(found.changes))}
        yield Note("partial_sample", facts.pair, values)


def shrinking(facts: PairFacts, others: Sequence[PairFacts]) -> Iterator[Note]:
    """Yield a note where a longer period confirms less than a shorter one within it."""
    if facts.confirmed is None:
        return
    for other in others:
        inside = facts.pair[0] <= other.pair[0] and other.pair[1] <= facts.pair[1]
        if inside and other.confirmed is not None and other.confirmed > facts.confirmed:
            years = {"first": float(other.pair[0]), "year": float(other.pair[1])}
            yield Note("shrinks", facts.pair, years)
            return
