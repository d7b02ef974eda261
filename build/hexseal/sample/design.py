"""How many blocks of each stratum a sample needs, and which ones: seeded, without replacement.

All whole fields, and about 460 blocks where the maps differ or may have missed something: shared
out by how many blocks a stratum has and how far a block's error is expected to spread (Neyman), 30
of each at least, so many that intervals can be trusted (``just bench-sample``). A stricter target
takes more; a looser one does not thin them: what both maps miss is found by few blocks.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hexseal.sample.blocks import STRATA, Blocks, Census
from hexseal.types import Doubles, Integers, Pair

MOST_FIELDS = 300
USUAL_BLOCKS, FEWEST_BLOCKS = 460, 30
# Blocks of each stratum that a plan may choose from: the most it can list.
MOST_BLOCKS = 4_000
# Share of what the maps call change that is expected to be true; only a plan uses it.
EXPECTED_TRUE = {
    "whole_field": 0.0, "large_gain": 0.85, "medium_gain": 0.6, "patch_edge": 0.6,
    "large_loss": 0.3,
}  # fmt: skip
# Expected deviation of a block's error: a share of its predicted pixels, else pixels. Those of
# strata where the maps see nothing stand for what a pseudo block adds (``estimators``).
ERROR_SHARE = {"large_gain": 0.25, "medium_gain": 0.45, "large_loss": 0.55}
ERROR_PIXELS = {
    "patch_edge": 2.5, "scattered_gain": 1.6, "small_gain": 0.6, "single_pixel": 0.25,
    "near_sealed": 0.25,
}  # fmt: skip
SECONDS_PER_BLOCK = 60
# Share of the blocks on which two interpreters usually differ, to be settled by a third look.
SETTLED = 0.15
PURPOSE = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Design:
    """A stratified random sample of blocks; sizes in the order of STRATA."""

    region: str
    pair: Pair
    seed: int
    fingerprint: str
    blocks: tuple[int, ...]
    units: tuple[int, ...]

    @property
    def total(self) -> int:
        """Return how many blocks are drawn."""
        return sum(self.units)

    @property
    def mark(self) -> str:
        """Return the text that every row of the sample carries: what it was drawn from."""
        return f"{self.region}/{self.pair[0]}-{self.pair[1]}/seed {self.seed}/{self.fingerprint}"

    def to_json(self) -> dict[str, object]:
        """Return plain values."""
        strata = {
            name: {"blocks": blocks, "units": units, "weight": blocks / units if units else None}
            for name, blocks, units in zip(STRATA, self.blocks, self.units, strict=True)
        }
        return {
            "region": self.region,
            "years": list(self.pair),
            "seed": self.seed,
            "maps": self.fingerprint,
            "units": self.total,
            "strata": strata,
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """Wanted sizes in the order of STRATA and what they are expected to reach.

    ``expected_m2`` is a guess of the net change; ``relative_se`` is None where it is 0.
    """

    sizes: tuple[int, ...]
    expected_m2: float
    relative_se: float | None
    target: float | None

    @property
    def hours(self) -> float:
        """Return the hours that one interpreter needs for one look at every block."""
        return sum(self.sizes) * SECONDS_PER_BLOCK / 3600

    @property
    def hours_of_all(self) -> float:
        """Return the hours of two interpreters and of settling where they differ."""
        return self.hours * (2 + SETTLED)


def plan_sample(census: Census, target: float | None = None) -> Plan:
    """Choose how many blocks of each stratum to label.

    ``target`` is the wanted standard error as a share of the expected net change.
    """
    deviation, expected = _expected(census)
    sizes, reached = np.zeros(len(STRATA), np.int64), None
    for total in np.geomspace(USUAL_BLOCKS, 10 * MOST_BLOCKS, 60):
        sizes = _shared_out(census, deviation, total)
        reached = _relative_se(census.blocks, sizes, deviation, expected)
        if target is None or reached is None or reached <= target:
            break
    return Plan(
        tuple(sizes.tolist()), expected * census.mean_pixel_m2,
        reached, target,
    )  # fmt: skip


def _shared_out(census: Census, deviation: Doubles, total: float) -> Integers:
    """Share blocks out by size and deviation, FEWEST_BLOCKS each; whole fields come on top.

    What small strata cannot take goes to those where both maps may have missed something.
    """
    weight = census.blocks * deviation
    sizes = np.ceil(total * weight / max(float(weight.sum()), 1e-9)).astype(np.int64)
    sizes = np.clip(sizes, FEWEST_BLOCKS, MOST_BLOCKS)
    sizes = np.minimum(sizes, census.blocks)
    unseen = np.array([name in ("near_sealed", "rest") for name in STRATA])
    left = max(0, math.floor(total) - int(sizes.sum()))
    room = np.where(unseen, census.blocks - sizes, 0)
    sizes += np.minimum(room, np.ceil(left * room / max(int(room.sum()), 1)).astype(np.int64))
    sizes[STRATA.index("whole_field")] = MOST_FIELDS
    return np.minimum(np.minimum(sizes, MOST_BLOCKS), census.blocks)


def _expected(census: Census) -> tuple[Doubles, float]:
    """Return the expected deviation of a block's error by stratum, and the net change: pixels."""
    blocks = np.maximum(census.blocks, 1)
    rms = np.sqrt(census.squares / blocks)
    deviation = np.array(
        [
            ERROR_SHARE.get(n, 0.0) * r + ERROR_PIXELS.get(n, 0.0)
            for n, r in zip(STRATA, rms, strict=True)
        ]
    )
    net = census.gain_patch_m2 - census.loss_patch_m2
    true = np.array([EXPECTED_TRUE.get(name, 0.0) for name in STRATA])
    return deviation, float((net * true).sum() / max(census.mean_pixel_m2, 1e-9))


def _relative_se(
    blocks: Integers, sizes: Integers, deviation: Doubles, expected: float
) -> float | None:
    if expected <= 0:
        return None
    taken = np.maximum(sizes, 1)
    spread = blocks**2 * deviation**2 / taken * (1 - taken / np.maximum(blocks, 1))
    return math.sqrt(float(np.maximum(spread, 0).sum())) / expected


class Drawing:
    """Keep the blocks of each stratum with the smallest of seeded random numbers.

    Each block's number depends on the seed and its place alone: the same blocks are drawn however
    the region is read, and a larger sample holds the smaller one.
    """

    def __init__(self, seed: int, most: int = MOST_BLOCKS) -> None:
        self.seed, self.most = seed, most
        self.held: dict[int, tuple[NDArray[np.uint64], Blocks]] = {}

    def __call__(self, blocks: Blocks) -> None:
        """Take more blocks of the region into account."""
        keys = random_keys(blocks.index, self.seed)
        for place in np.unique(blocks.stratum).tolist():
            rows = np.flatnonzero(blocks.stratum == place)
            if len(rows) > self.most:
                rows = rows[np.argpartition(keys[rows], self.most)[: self.most]]
            self._keep(place, keys[rows], blocks.take(rows))

    def _keep(self, place: int, keys: NDArray[np.uint64], blocks: Blocks) -> None:
        if place in self.held:
            before, known = self.held[place]
            keys, blocks = np.concatenate([before, keys]), joined(known, blocks)
        order = np.argsort(keys)[: self.most]
        self.held[place] = keys[order], blocks.take(order)

    def chosen(self, sizes: tuple[int, ...]) -> Blocks | None:
        """Return ``sizes`` blocks of the strata in random order; None where there is no block."""
        parts = [
            (keys[:size], blocks.take(np.arange(min(size, len(keys)))))
            for place, size in enumerate(sizes)
            if place in self.held and size
            for keys, blocks in [self.held[place]]
        ]
        if not parts:
            return None
        drawn = parts[0][1]
        for _, blocks in parts[1:]:
            drawn = joined(drawn, blocks)
        # Another random order than the one within strata: nothing in it hints at a stratum.
        return drawn.take(np.argsort(random_keys(drawn.index, self.seed + 1)))


def random_keys(index: Integers, seed: int) -> NDArray[np.uint64]:
    """Return one pseudo-random number per block (SplitMix64, Steele et al. 2014).

    >>> random_keys(np.array([0, 1]), 1).tolist()
    [10451216379200822465, 13757245211066428519]
    """
    with np.errstate(over="ignore"):
        mixed = index.astype(np.uint64) * np.uint64(0xD1342543DE82EF95)
        mixed = mixed + np.uint64(seed % 2**64) * PURPOSE
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def joined(one: Blocks, other: Blocks) -> Blocks:
    """Return the blocks of both."""
    names = Blocks.__slots__
    return Blocks(*(np.concatenate([getattr(one, n), getattr(other, n)]) for n in names))


def design_of(region: str, census: Census, seed: int, sizes: tuple[int, ...]) -> Design:
    """Return the design of a drawn sample."""
    blocks = tuple(census.blocks.tolist())
    return Design(region, census.pair, seed, census.fingerprint, blocks, sizes)
