"""Grade a pair of maps from its patches, and confirm gains where the tests allow it.

``consistent``: every test passes; gains whose rate of false patches is at most the level are
confirmed, of their pixels those that are secure. ``inconclusive``: a test fails; nothing is
confirmed, gains that stand out of the gains' own tail are listed as candidates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hexseal.change.maptests import (
    HARMLESS_FIELD_SHARE,
    Check,
    Sizes,
    blocks_of,
    check_confidence,
    check_decoys,
    check_densities,
    check_fields,
    check_level,
    check_registration,
    check_tail,
    check_unsealing,
    count_blocks,
    faint_ratio,
    is_faint,
    is_field,
)
from hexseal.change.patches import COMPACT, CONFIDENT, Patches
from hexseal.change.rate import (
    GAINS_CENSORED,
    Tail,
    counted_bound,
    fit_tail,
    is_lucky,
    rates,
    sure_enough,
)
from hexseal.raster.confidence import LEAST_CONTRAST
from hexseal.raster.grid import Window
from hexseal.raster.registration import BLOCKS, Displacement
from hexseal.types import Doubles, Flags

Grade = Literal["reference", "consistent", "inconclusive"]
GRADES: tuple[Grade, ...] = ("reference", "consistent", "inconclusive")
# A pixel on the outline of a confirmed patch may be in or out: the variance of a fair coin.
EDGE_VARIANCE = 0.25
LOCAL_SHIFT, LOCAL_NOISE = 0.5, 4.0
Pixels = NDArray[np.int32] | NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class PairEvidence:
    """What was gathered of a pair besides its patches; ``shape`` is rows, columns of the region.

    ``inverted`` which of both dates' confidence layers is lower where nothing is in doubt,
    ``has_both`` whether both have one: with one alone gains and losses do not score alike.
    """

    shape: tuple[int, int]
    displacement: Displacement
    contrast: float | None
    has_confidence: bool
    inverted: tuple[bool, bool] = (False, False)
    has_both: bool = True

    @property
    def uses_confidence(self) -> bool:
        """Return whether confidence may weigh the evidence."""
        return self.has_both and self.contrast is not None and self.contrast > LEAST_CONTRAST


@dataclass(frozen=True, slots=True)
class FalseShare:
    """Rate of false patches and false area among what is confirmed, shares with upper bounds."""

    patches: float
    patches_high: float
    area: float
    area_high: float


@dataclass(frozen=True, slots=True, eq=False)
class DoubtfulPlaces:
    """Where a test fails locally; ``level`` and ``shift`` are flags of square blocks of a region.

    A region of ``shape`` (rows, columns) is cut into as many equal rows and columns of blocks as
    each of the two arrays has.
    """

    shape: tuple[int, int]
    level: Flags
    shift: Flags

    def nowhere(self) -> "DoubtfulPlaces":
        """Return the same blocks, none of them doubtful."""
        return DoubtfulPlaces(self.shape, np.zeros_like(self.level), np.zeros_like(self.shift))

    def meets(self, window: Window) -> bool:
        """Return whether a window holds a pixel of such a block."""
        rows = np.arange(window.row, window.row + window.height)
        columns = np.arange(window.column, window.column + window.width)
        for flags in (self.level, self.shift):
            parts = len(flags)
            down = np.unique((rows * parts // max(self.shape[0], 1)).clip(0, parts - 1))
            across = np.unique((columns * parts // max(self.shape[1], 1)).clip(0, parts - 1))
            if flags[np.ix_(down, across)].any():
                return True
        return False

    def at(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Flags:
        """Return for each of ``rows`` x ``columns`` pixels whether it lies in such a block."""
        found = np.zeros((len(rows), len(columns)), np.bool_)
        for flags in (self.level, self.shift):
            if flags.any():
                parts = len(flags)
                row = (rows * parts // max(self.shape[0], 1)).clip(0, parts - 1)
                column = (columns * parts // max(self.shape[1], 1)).clip(0, parts - 1)
                found |= flags[row[:, None], column[None]]
        return found


def _misplaced(evidence: PairEvidence) -> Flags:
    """Return the 8 x 8 blocks whose own shift is half a pixel or more, and no mere noise.

    Most blocks of maps that lie on each other show how far noise moves a block.
    """
    blocks = evidence.displacement.blocks
    usual = float(np.nanmedian(blocks)) if np.isfinite(blocks).any() else 0.0
    return np.nan_to_num(blocks, nan=0.0) >= max(LOCAL_SHIFT, LOCAL_NOISE * usual)


@dataclass(frozen=True, slots=True, eq=False)
class Grading:
    """Grade of a pair and the fate of each of its patches.

    ``q_value`` is NaN for losses, whole fields and where no rate can be given. ``secure`` is the
    bit of pixels that count as confirmed area. ``variance`` is that of the region's net in
    square pixels, ``confirmed_design`` the part of it that confirmed patches bring, per pixel.
    """

    grade: Grade
    checks: tuple[Check, ...]
    q_value: Doubles
    confirmed: Flags
    candidate: Flags
    field: Flags
    score: Doubles
    secure: int
    ratio: float
    tail: Tail | None
    false: FalseShare | None
    doubtful: "DoubtfulPlaces"
    variance: float
    confirmed_design: float

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return test and name of each check that stops the pair."""
        return reasons_of(self.checks)

    @property
    def uses_confidence(self) -> bool:
        """Return whether confidence layers weigh the evidence."""
        return self.secure == CONFIDENT

    def secure_pixels(self, table: Patches) -> Pixels:
        """Return how many pixels of each patch count as confirmed area if the patch is."""
        return table.confident if self.uses_confidence else table.compact


def reasons_of(checks: Sequence[Check]) -> tuple[str, ...]:
    """Return test and name of each check that makes a pair inconclusive, once each."""
    return tuple(f"{check.test}.{check.name}" for check in checks if check.stops)


def grade_pair(
    table: Patches,
    evidence: PairEvidence,
    *,
    kept: Flags | None = None,
    level: float = 0.10,
    decoy_ratio: float | None = None,
    ignore_tests: bool = False,
    density: bool = False,
    series: Sequence[Check] = (),
) -> Grading:
    """Test a pair and give every patch its rate.

    ``kept`` are the patches that may count (None: all); ``decoy_ratio`` replaces the number of
    false gains per loss that the faint patches show. ``ignore_tests`` shows what the figures of
    an inconclusive pair would be: for measuring what the tests are worth, never for publishing.
    Maps of a ``density`` are inconclusive whatever they show; only their shift is tested.
    ``series`` are checks made of the years besides their patches.
    """
    kept = np.ones(len(table), np.bool_) if kept is None else kept
    gains, field = table.direction > 0, is_field(table)
    is_used = evidence.uses_confidence
    confidence = check_confidence(
        evidence.contrast, has_layer=evidence.has_confidence, has_both=evidence.has_both
    )
    score = table.score if is_used else table.plain_score
    loss = score[~gains & ~field]
    ratio = decoy_ratio
    if ratio is None:
        ratio = max(1.0, faint_ratio(score[gains & ~field], loss))
    tail = fit_tail(loss)
    faint = is_faint(table, uses_confidence=is_used)
    small, blocks = Sizes.of(table, faint), count_blocks(table, evidence.shape, faint)
    checks = (
        *check_decoys(score[gains], score[~gains], small),
        *check_tail(small, Sizes.of(table)),
        *check_level(blocks),
        *check_registration(evidence.displacement),
        *check_fields(table, field),
        *confidence,
        *check_unsealing(tail),
    )
    if density:
        checks = (*check_densities(), *check_registration(evidence.displacement))
    checks = (*checks, *series)
    q_value, confirmed = _confirm(table, score, field, kept, tail, ratio, level)
    is_trusted = ignore_tests or not reasons_of(checks)
    grade: Grade = "consistent" if is_trusted else "inconclusive"
    candidate = np.zeros(len(table), np.bool_)
    if grade == "inconclusive":
        q_value, confirmed = np.full(len(table), np.nan), candidate
        candidate = _candidates(score, gains & kept, level) | (gains & kept & field)
    secure = CONFIDENT if is_used else COMPACT
    counted = table.confident if is_used else table.compact
    variance, design = _variance(table, q_value, confirmed, field, evidence.shape)
    return Grading(
        grade=grade,
        checks=checks,
        q_value=q_value,
        confirmed=confirmed,
        candidate=candidate,
        field=field & ~confirmed,
        score=score,
        secure=secure,
        ratio=ratio,
        tail=tail,
        false=_false_share(score, loss, q_value, confirmed, counted, ratio),
        doubtful=DoubtfulPlaces(evidence.shape, blocks.fails, _misplaced(evidence)),
        variance=variance,
        confirmed_design=design,
    )


def _confirm(
    table: Patches,
    score: Doubles,
    field: Flags,
    kept: Flags,
    tail: Tail | None,
    ratio: float,
    level: float,
) -> tuple[Doubles, Flags]:
    """Return q-values, and which gains pass; a few whole fields may, since they can do no harm."""
    q_value = np.full(len(table), np.nan)
    gains = (table.direction > 0) & kept
    if tail is None:
        return q_value, np.zeros(len(table), np.bool_)
    losses = score[(table.direction < 0) & kept & ~field]
    usual = gains & ~field
    q_value[usual] = rates(score[usual], losses, tail, ratio)
    confirmed = sure_enough(np.nan_to_num(q_value, nan=1.0), level)
    if is_lucky(score[confirmed], losses, tail, ratio):
        confirmed[:] = False
    some = gains & field
    in_fields, sure = table.pixels[some].sum(), table.pixels[confirmed].sum()
    if in_fields and in_fields <= HARMLESS_FIELD_SHARE * (sure + in_fields):
        everything = rates(score[gains], losses, tail, ratio)
        q_value[some] = everything[field[gains]]
        confirmed |= some & (np.nan_to_num(q_value, nan=1.0) <= level)
    return q_value, confirmed


def _candidates(score: Doubles, gains: Flags, level: float) -> Flags:
    """Return the gains that stand out of the gains' own tail, taken as if it were noise."""
    found = np.zeros(len(score), np.bool_)
    tail = fit_tail(score[gains], censored_at=GAINS_CENSORED)
    if tail is not None:
        found[gains] = rates(score[gains], np.empty(0), tail, 1.0) <= level
    return found


def _false_share(
    score: Doubles,
    losses: Doubles,
    q_value: Doubles,
    confirmed: Flags,
    pixels: Pixels,
    ratio: float,
) -> FalseShare | None:
    """Return what is false of what is confirmed; the faintest patches are taken to be the false."""
    if not confirmed.any():
        return None
    order = np.argsort(score[confirmed], kind="stable")
    area = np.cumsum(pixels[confirmed][order])
    count, whole = len(order), max(int(area[-1]), 1)
    decoys = int((losses >= score[confirmed].min()).sum())
    expected = float(q_value[confirmed].max()) * count
    bound = min(max(counted_bound(decoys, ratio), int(np.ceil(expected))), count)
    usual = int(np.clip(np.ceil(expected), 0, count))
    return FalseShare(
        patches=expected / count,
        patches_high=bound / count,
        area=float(area[usual - 1] / whole) if usual else 0.0,
        area_high=float(area[bound - 1] / whole) if bound else 0.0,
    )


def _variance(
    table: Patches,
    q_value: Doubles,
    confirmed: Flags,
    field: Flags,
    shape: tuple[int, int],
) -> tuple[float, float]:
    """Return the variance of the region's net in square pixels, and its part per confirmed pixel.

    Noise: the larger of a jackknife over 8 x 8 blocks and of independent patches. Confirmed
    patches: each may be false, and pixels of their outline may be in or out.
    """
    noise = ~confirmed & ~field
    signed = (table.direction * table.pixels).astype(np.float64)
    signed[~noise] = 0.0
    sums = np.bincount(blocks_of(table, shape, BLOCKS), signed, BLOCKS * BLOCKS)
    by_block = BLOCKS * BLOCKS * float(sums.var(ddof=1))
    signed *= signed
    by_patch = float(signed.sum())
    pixels, q = table.pixels[confirmed].astype(np.float64), q_value[confirmed]
    rim = pixels - table.core[confirmed]
    sure = float((q * (1 - q) * pixels**2).sum() + EDGE_VARIANCE * rim.sum())
    return max(by_block, by_patch) + sure, sure / max(float(pixels.sum()), 1.0)
