"""Reference samples of simulated regions whose truth is known: do the intervals hold?

    just bench-sample

Every row is a way in which two maps may err (``mapnoise.ROWS``). On each ground the sample is drawn
many times as ``hexseal sample draw`` does, and labelled from the truth; by two interpreters who err
on 5 % of the blocks, a third settling where they differ; and by one such interpreter alone. An
interpreter who errs overlooks a change, or takes the maps' gain for one. Goal: 92 to 100 % of the
intervals hold, half an interval is at most 15 % of the net change.
"""

import argparse
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from mapnoise import BY_NAME, MapPair, draw_pair
from numpy.typing import NDArray

from hexseal.region.load import load_region
from hexseal.sample.assess import Change, estimate_region
from hexseal.sample.blocks import SIDE, STRATA, Blocks, Census, survey_blocks
from hexseal.sample.design import Drawing, joined, plan_sample
from hexseal.sample.labels import Looks, merge_looks
from hexseal.types import Pair

Doubles = NDArray[np.float64]
PAIR = Pair(2018, 2021)
ERRORS = 0.05
ROWS = (
    "control", "rare change", "losses below 20 px removed", "no losses", "20 fields, 10 lost",
    "level +0.10 in a third", "shift 0.5 px", "roads 1 px wide", "a fifth unsealed",
)  # fmt: skip
SHORT_ROWS = ROWS[:1]
LABELS = ("truth", "two and a third", "one", "one, with label errors")
REGION = """
[region]
id = "bench"
simulated = true
[[epoch]]
year = 2018
landcover = "before.tif"
[[epoch]]
year = 2021
landcover = "after.tif"
"""


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """All blocks of one region, their census, and the true sealed share of both dates."""

    census: Census
    blocks: Blocks
    first: Doubles
    second: Doubles
    net_m2: float


@dataclass(frozen=True, slots=True)
class Draw:
    """What one draw came to, as shares of the true net change."""

    row: str
    labels: str
    units: int
    off: float
    half: float
    holds: bool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=100, help="samples drawn on each ground")
    parser.add_argument("--seeds", type=int, default=2, help="grounds of each row")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rows", nargs="*", default=ROWS, help="rows of mapnoise.ROWS")
    parser.add_argument("--short", action="store_true", help="one row, few draws: for CI")
    parser.add_argument(
        "--allocation", action="store_true", help="half-widths of other shares of the same blocks"
    )
    arguments = parser.parse_args()
    if arguments.allocation:
        print("| maps | blocks | half / net % as planned | best, 1 px | best, 0.5 px |")
        print("|---|---|---|---|---|")
        for row in arguments.rows:
            print(line_of_shares(row), flush=True)
        return
    rows, draws = (SHORT_ROWS, 20) if arguments.short else (arguments.rows, arguments.draws)
    seeds = range(1, 2) if arguments.short else range(1, arguments.seeds + 1)
    tasks = [(row, seed, draws) for row in rows if row in BY_NAME for seed in seeds]
    found: dict[tuple[str, str], list[Draw]] = defaultdict(list)
    with ProcessPoolExecutor(arguments.workers) as pool:
        for results in pool.map(measure, tasks):
            for draw in results:
                found[draw.row, draw.labels].append(draw)
    print("| maps | labels | blocks | bias, SD % | intervals that hold % | half / net % |")
    print("|---|---|---|---|---|---|")
    for (row, labels), draws_of in found.items():
        print(line_of(row, labels, draws_of))
    if arguments.short and not is_good(found["control", "truth"]):
        sys.exit("intervals of labels from the truth hold too seldom, or are too wide")


def is_good(draws: list[Draw]) -> bool:
    return np.mean([d.holds for d in draws]) >= 0.85 and np.median([d.half for d in draws]) <= 0.15


def line_of(row: str, labels: str, draws: list[Draw]) -> str:
    off = np.array([draw.off for draw in draws])
    holds = 100 * np.mean([draw.holds for draw in draws])
    half = 100 * np.median([draw.half for draw in draws])
    units = np.median([draw.units for draw in draws])
    spread = f"{100 * off.mean():+.0f}, {100 * off.std():.0f}"
    return f"| {row} | {labels} | {units:.0f} | {spread} | {holds:.0f} | {half:.0f} |"


def line_of_shares(row: str) -> str:
    """Return how narrow an interval the blocks of a plan allow, the true deviations being known.

    The best allocation takes block after block where it narrows the interval most. A pseudo block
    of 1 pixel (or half of one) stands in the strata that hardly ever show a difference.
    """
    ground = lay_ground(draw_pair(BY_NAME[row], 1))
    blocks, strata = ground.blocks, range(1, len(STRATA) - 1)
    predicted = blocks.gain_patch - blocks.loss_patch
    off = (ground.second - ground.first) * blocks.valid - predicted
    parts = [off[blocks.stratum == stratum] for stratum in strata]
    sizes = np.array([len(part) for part in parts], dtype=np.float64)
    deviation = np.array([part.std() if len(part) else 0.0 for part in parts])
    planned = np.array(plan_sample(ground.census).sizes, dtype=np.float64)[1:-1]
    net = ground.net_m2 / 100
    unseen = np.isin([STRATA[stratum] for stratum in strata], ["single_pixel", "near_sealed"])

    def half(taken: Doubles, pseudo: float) -> float:
        taken = np.maximum(taken, 1)
        seen = sizes**2 * deviation**2 * np.maximum(1 / taken - 1 / np.maximum(sizes, 1), 0)
        added = (unseen * sizes * pseudo / taken) ** 2
        return 196 * float(np.sqrt((seen + added).sum())) / net

    best = [half(best_shares(sizes, planned.sum(), half, pseudo), pseudo) for pseudo in (1.0, 0.5)]
    widths = " | ".join(f"{width:.1f}" for width in (half(planned, 1.0), *best))
    return f"| {row} | {planned.sum():.0f} | {widths} |"


def best_shares(
    sizes: Doubles, total: float, half: Callable[[Doubles, float], float], pseudo: float
) -> Doubles:
    taken = np.minimum(sizes, 10)
    while taken.sum() < total:
        more = [taken + (np.arange(len(sizes)) == place) for place in np.flatnonzero(taken < sizes)]
        taken = min(more, key=lambda shares: half(shares, pseudo))
    return taken


def measure(task: tuple[str, int, int]) -> list[Draw]:
    """Draw and label samples of one ground."""
    row, seed, draws = task
    ground = lay_ground(draw_pair(BY_NAME[row], seed))
    return [draw for number in range(draws) for draw in draw_once(row, ground, number)]


def lay_ground(pair: MapPair) -> Ground:
    parts: list[Blocks] = []
    with tempfile.TemporaryDirectory(prefix="hexseal-bench-") as name:
        folder = Path(name)
        for kind, sealed in (("before", pair.before), ("after", pair.after)):
            write_map(folder / f"{kind}.tif", sealed, pair)
        (folder / "bench.toml").write_text(REGION)
        census = survey_blocks(load_region(folder / "bench.toml"), PAIR, parts.append)
    blocks = parts[0]
    for part in parts[1:]:
        blocks = joined(blocks, part)
    shares = [block_sums(truth & pair.valid)[blocks.index] / blocks.valid for truth in pair.truths]
    net = ((pair.truths[1] & pair.valid).sum() - (pair.truths[0] & pair.valid).sum()) * 100.0
    return Ground(census, blocks, shares[0], shares[1], float(net))


def write_map(path: Path, sealed: NDArray[np.bool_], pair: MapPair) -> None:
    codes = np.where(sealed, 1, np.where(pair.classes == 1, 6, pair.classes)).astype(np.uint8)
    codes[~pair.valid] = 254
    height, width = codes.shape
    with rasterio.open(
        path, "w", driver="GTiff", width=width, height=height, count=1, dtype="uint8",
        crs="EPSG:3035", transform=Affine(10.0, 0.0, 4e6, 0.0, -10.0, 3e6), compress="lzw",
    ) as file:  # fmt: skip
        file.write(codes, 1)


def block_sums(flags: NDArray[np.bool_]) -> Doubles:
    height, width = flags.shape
    padded = np.pad(flags, ((0, -height % SIDE), (0, -width % SIDE)))
    shape = padded.shape[0] // SIDE, SIDE, padded.shape[1] // SIDE, SIDE
    return padded.reshape(shape).sum(axis=(1, 3)).ravel().astype(np.float64)


def draw_once(row: str, ground: Ground, number: int) -> Iterator[Draw]:
    drawing = Drawing(number)
    drawing(ground.blocks)
    chosen = drawing.chosen(plan_sample(ground.census).sizes)
    assert chosen is not None
    order = np.argsort(chosen.index)
    chosen = chosen.take(order)
    place = np.searchsorted(ground.blocks.index, chosen.index)
    truth = ground.first[place], ground.second[place]
    random = np.random.default_rng([number, 5])
    looks = [look_at(name, chosen, truth, random, ERRORS) for name in ("A", "B", "settled")]
    differs = merge_looks(looks[:2], PAIR).differs
    third = looks[2]
    settled = Looks("settled", *(getattr(third, n)[differs] for n in Looks.__slots__[1:]))
    for labels, seen in (
        ("truth", [look_at("A", chosen, truth, random, 0.0)]),
        ("two and a third", [*looks[:2], settled]),
        ("one", looks[:1]),
    ):
        change, published = estimate_region(merge_looks(seen, PAIR), ground.census, chosen)
        yield compare(row, labels, ground, chosen, change)
        if labels == "one":
            yield compare(row, LABELS[3], ground, chosen, published)


def look_at(
    name: str,
    blocks: Blocks,
    truth: tuple[Doubles, Doubles],
    random: np.random.Generator,
    errors: float,
) -> Looks:
    """Return what an interpreter sees who errs on a share of the blocks."""
    first, second = truth
    errs = random.random(len(first)) < errors
    changed = np.abs(second - first) > 1e-9
    mapped = (blocks.gain + blocks.field) / blocks.valid
    seen = np.where(errs & changed, first, second)
    seen = np.where(errs & ~changed, np.minimum(first + mapped, 1.0), seen)
    nothing = np.full(len(first), np.nan)
    return Looks(name, blocks.index, first, seen, nothing, nothing)


def compare(row: str, labels: str, ground: Ground, chosen: Blocks, change: Change) -> Draw:
    net, true = change.net, ground.net_m2
    return Draw(
        row, labels, len(chosen), (net.value - true) / true,
        (net.high - net.low) / 2 / abs(true), net.low <= true <= net.high,
    )  # fmt: skip


if __name__ == "__main__":
    main()
