"""Grade pairs of maps whose truth is known: the table of METHODOLOGY.md.

    just bench-statistics

Every row of ``mapnoise.ROWS`` is a way in which two maps may err; every seed is a ground of its
own. A run is silently wrong when it is not graded inconclusive and more than 20 % of the confirmed
area is false, or the region's interval misses the truth by more than its own half-width.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from mapnoise import BY_NAME, EIGHT, POWER, ROWS, SHARED, MapPair, draw_pair
from numpy.typing import NDArray
from scipy import ndimage

from hexseal.change.block import origins_of
from hexseal.change.features import COLUMNS, PairPlanes, measure_patches
from hexseal.change.grading import Grading, PairEvidence, grade_pair
from hexseal.change.joining import Parts, join_parts
from hexseal.change.patches import PatchTable
from hexseal.raster.confidence import contrast_sums, contrasts_of, inverted_of, least_contrast
from hexseal.raster.registration import BlockPlace, edge_sums, solve_displacement
from hexseal.raster.runs import find_runs
from hexseal.statistics.adjusted import Transfer, Units, Whole, adjust, fit_noise

SHORT_ROWS = (
    "control", "no change", "losses below 20 px removed", "level +0.10 in a third",
    "20 fields, 10 lost", "shift 0.5 px",
)  # fmt: skip
FINE, AREA = 30, 200
LARGE = 10
MOST_FALSE = 0.20
LEVEL, FEW_DECOYS = 0.10, 20
HEAD = (
    "row", "runs", "consistent", "silently wrong", "wrong if not graded", "false patches %",
    "false area %", "all pixels %", "found %", "or listed %", "half / net", "region holds %",
    "areas hold %", "failing checks (runs)",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class ChangePixels:
    """Pixels of change: row, column, patch, and the bits CONFIDENT and COMPACT."""

    row: NDArray[np.int64]
    column: NDArray[np.int64]
    patch: NDArray[np.int64]
    secure: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A pair as hexseal judges it: patches, their pixels, the grading and what it rests on."""

    table: PatchTable
    pixels: ChangePixels
    grading: Grading
    evidence: PairEvidence


@dataclass(frozen=True, slots=True)
class Run:
    """What one judged pair came to; shares of one, NaN where there is nothing to divide by.

    Figures that grading withholds are those that an ungraded pair would publish.
    """

    row: str
    seed: int
    consistent: bool
    reasons: tuple[str, ...]
    confirmed: int
    false_patches: float
    false_area: float
    false_pixels: float
    found: float
    listed: float
    half: float
    holds: bool
    misses_far: bool
    areas_hold: float

    @property
    def is_wrong(self) -> bool:
        """Return whether its figures mislead."""
        return self.misses_far or self.false_area > MOST_FALSE

    @property
    def is_silently_wrong(self) -> bool:
        """Return whether they mislead and are published."""
        return self.consistent and self.is_wrong


def judge(pair: MapPair, *, ignore_tests: bool = False) -> Judged:
    """Judge two maps the way the change stage does, in one block held in memory."""
    before, after = pair.before & pair.valid, pair.after & pair.valid
    plane = (before | after.view(np.uint8) << 1).astype(np.uint8)
    height, width = plane.shape
    own = 0, height, 0, width
    runs = find_runs(plane)
    partner = np.where(pair.classes == 1, 2, pair.classes).astype(np.uint8)
    planes = PairPlanes(partner, partner, pair.confidence)
    found = measure_patches(plane, runs, planes, corner=(0, 0), top=0, left=0, width=width)
    columns = dict(zip(COLUMNS, found.table.T, strict=True))
    origins = origins_of(found)
    patch, table = join_parts(Parts(columns, origins, np.empty((0, 4), np.int64)), width)
    gaps = contrasts_of(contrast_sums(plane, runs, pair.confidence, own))
    layers = [layer is not None for layer in pair.confidence]
    evidence = PairEvidence(
        plane.shape,
        solve_displacement(edge_sums(plane, runs, pair.valid, own, BlockPlace.of(plane.shape))),
        least_contrast(gaps),
        any(layers),
        inverted_of(gaps),
        all(layers),
    )
    pixels = ChangePixels(found.row, found.column, patch[found.label], found.secure)
    grading = grade_pair(table, evidence, ignore_tests=ignore_tests)
    return Judged(table, pixels, grading, evidence)


def without_real_losses(
    pair: MapPair, table: PatchTable, pixels: ChangePixels
) -> NDArray[np.bool_]:
    """Return the patches that stay decoys after a look at losses of 0.1 ha and more.

    Whoever looks finds a loss real where most of its pixels truly lost their sealing.
    """
    lost = pair.truths[0] & ~pair.truths[1] & pair.valid
    true = np.bincount(pixels.patch, lost[pixels.row, pixels.column], len(table))
    is_looked_at = (table.direction < 0) & (table.pixels >= LARGE)
    return ~(is_looked_at & (true > table.pixels / 2))


def measure_looked(task: tuple[str, int]) -> dict[str, float]:
    """Grade a pair whose large losses somebody looked at: real ones are no decoys any more."""
    name, seed = task
    pair = draw_pair(BY_NAME[name], seed)
    found = judge(pair)
    table, pixels = found.table, found.pixels
    stays = without_real_losses(pair, table, pixels)
    columns = {field: getattr(table, field)[stays] for field in PatchTable.__slots__}
    again = grade_pair(PatchTable(**columns), found.evidence)
    confirmed = np.zeros(len(table), np.bool_)
    confirmed[stays] = again.confirmed
    gained = pair.truths[1] & ~pair.truths[0] & pair.valid
    true = gained[pixels.row, pixels.column]
    sure = confirmed[pixels.patch] & (pixels.secure & again.secure > 0)
    labels, _ = ndimage.label(gained, EIGHT)
    large = gained & (np.bincount(labels.ravel()) >= LARGE)[labels]
    in_large = large[pixels.row, pixels.column]
    return {
        "looked at": float(((table.direction < 0) & (table.pixels >= LARGE)).sum()),
        "real": float((~stays).sum()),
        "consistent before": float(found.grading.grade == "consistent"),
        "consistent": float(again.grade == "consistent"),
        "false area": _share((sure & ~true).sum(), sure.sum()),
        "found": _share((in_large & confirmed[pixels.patch]).sum(), large.sum()),
    }


def measure(task: tuple[str, int]) -> Run:
    """Draw one pair, judge it, compare with the truth."""
    name, seed = task
    pair = draw_pair(BY_NAME[name], seed)
    graded = judge(pair).grading
    found = judge(pair, ignore_tests=True)
    table, pixels, grading = found.table, found.pixels, found.grading
    gained = pair.truths[1] & ~pair.truths[0] & pair.valid
    true = gained[pixels.row, pixels.column]
    sure = grading.confirmed[pixels.patch]
    trimmed = sure & (pixels.secure & grading.secure > 0)
    true_of = np.bincount(pixels.patch, true, len(table))[grading.confirmed]
    labels, _ = ndimage.label(gained, EIGHT)
    large = gained & (np.bincount(labels.ravel()) >= LARGE)[labels]
    in_large = large[pixels.row, pixels.column]
    looked = sure | (grading.field & (table.direction > 0))[pixels.patch]
    net, low, high, hold = intervals(pair, found)
    half = (high - low) / 2
    return Run(
        row=name,
        seed=seed,
        consistent=graded.grade == "consistent",
        reasons=graded.reasons,
        confirmed=int(graded.confirmed.sum()),
        false_patches=_share((true_of == 0).sum(), len(true_of)),
        false_area=_share((trimmed & ~true).sum(), trimmed.sum()),
        false_pixels=_share((sure & ~true).sum(), sure.sum()),
        found=_share((in_large & sure).sum(), large.sum()),
        listed=_share((in_large & looked).sum(), large.sum()),
        half=_share(half, net),
        holds=bool(low <= net <= high),
        misses_far=bool(net < low - half or net > high + half),
        areas_hold=hold,
    )


def intervals(pair: MapPair, found: Judged) -> tuple[float, float, float, float]:
    """Return true net and interval of the region, and the share of areas that hold theirs."""
    grading, transfer = found.grading, Transfer()
    noise = found.table.pixels[~grading.confirmed].astype(float)
    design = float((noise**2).sum() / noise.sum()) if len(noise) else 1.0
    fine, areas = (count_units(pair, found, size) for size in (FINE, AREA))
    whole = Whole.of(areas, grading.variance, grading.confirmed_design)
    usual = fit_noise(fine, transfer, design, None)
    level = fit_noise(areas, transfer, design, usual)
    region = adjust(areas.total(), level, transfer, whole, is_whole=True)
    each = adjust(areas, level, transfer, whole)
    net = _blocks(
        pair.truths[1].astype(np.int64) - pair.truths[0].astype(np.int64), pair.valid, AREA
    )
    observed = areas.edges > 0
    hold = ((each.low <= net) & (net <= each.high))[observed].mean()
    return float(net.sum()), float(region.low[0]), float(region.high[0]), float(hold)


def count_units(pair: MapPair, found: Judged, size: int) -> Units:
    """Count judged pixels in squares of ``size`` pixels."""
    pixels, grading = found.pixels, found.grading
    images = []
    gain = (found.table.direction > 0)[pixels.patch]
    confirmed, field = (flags[pixels.patch] for flags in (grading.confirmed, grading.field))
    for kind in (gain, ~gain, confirmed, gain & field, ~gain & field):
        image = np.zeros(pair.valid.shape, np.bool_)
        image[pixels.row[kind], pixels.column[kind]] = True
        images.append(image)
    images += [_edges(sealed & pair.valid) for sealed in (pair.before, pair.after)]
    return Units(*(_blocks(image, pair.valid, size) for image in images))


def _edges(sealed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the sealed pixels that have an unsealed 4-neighbour."""
    return sealed & ~ndimage.binary_erosion(sealed, border_value=1)


def _blocks(image: NDArray[np.generic], valid: NDArray[np.bool_], size: int) -> NDArray[np.float64]:
    rows, columns = (np.arange(n) // size for n in image.shape)
    block = rows[:, None] * (columns[-1] + 1) + columns[None]
    return np.bincount(block.ravel(), (image * valid).ravel().astype(float))


def count_decoys(pair: MapPair) -> list[str]:
    """Return what the first design made of a pair: losses counted as decoys, nothing tested.

    FDR(t) = (ratio x losses scoring >= t + 1) / gains scoring >= t, the ratio from patches that
    score no more than the median loss, 1 where fewer than 20 losses are known.
    """
    found = judge(pair, ignore_tests=True)
    table, pixels = found.table, found.pixels
    gain, loss = table.direction > 0, np.sort(table.score[table.direction < 0])
    score = np.sort(table.score[gain])
    ratio = 1.0
    if len(loss) >= FEW_DECOYS:
        median = loss[(len(loss) - 1) // 2]
        faint = (score <= median).sum() / (loss <= median).sum()
        ratio = max(1.0, float(faint))
    passing = len(score) - np.searchsorted(score, score)
    decoys = len(loss) - np.searchsorted(loss, score)
    rate = np.minimum.accumulate(np.minimum((ratio * decoys + 1) / passing, 1.0))
    q_value = np.ones(len(table))
    q_value[gain] = rate[np.searchsorted(score, table.score[gain])]
    confirmed = q_value <= LEVEL
    gained = pair.truths[1] & ~pair.truths[0] & pair.valid
    true = gained[pixels.row, pixels.column]
    sure = confirmed[pixels.patch]
    true_of = np.bincount(pixels.patch, true, len(table))[confirmed]
    raw = np.count_nonzero(pair.after & ~pair.before & pair.valid)
    figures = [
        _share(raw, gained.sum()),
        _share(sure.sum(), gained.sum()),
        100 * _share((true_of == 0).sum(), len(true_of)),
        100 * _share((sure & ~true).sum(), sure.sum()),
    ]
    return [
        "–" if np.isnan(value) else f"{value:.{d}f}"
        for value, d in zip(figures, (1, 2, 0, 0), strict=True)
    ]


def _share(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else float("nan")


def line(name: str, runs: Sequence[Run]) -> list[str]:
    """Return the cells of one row of the table."""
    checks: dict[str, int] = {}
    for run in runs:
        for reason in run.reasons:
            checks[reason] = checks.get(reason, 0) + 1
    half = _mean([run.half for run in runs])
    return [
        name,
        str(len(runs)),
        str(sum(run.consistent for run in runs)),
        str(sum(run.is_silently_wrong for run in runs)),
        str(sum(run.is_wrong for run in runs)),
        *(
            _percent([getattr(run, key) for run in runs])
            for key in ("false_patches", "false_area", "false_pixels", "found", "listed")
        ),
        "–" if np.isnan(half) else f"{half:.2f}",
        _percent([float(run.holds) for run in runs]),
        _percent([run.areas_hold for run in runs]),
        " ".join(f"{key}:{count}" for key, count in sorted(checks.items())),
    ]


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def _percent(values: Sequence[float]) -> str:
    mean = _mean(values)
    return "–" if np.isnan(mean) else f"{100 * mean:.0f}"


def targets(runs: Sequence[Run]) -> list[tuple[str, str, bool]]:
    """Return each figure of "What must be reached": its name, what was found, whether it is met."""
    graded = [run for run in runs if run.consistent]
    wrong = sum(run.is_silently_wrong for run in runs)
    area, region, areas = (
        _mean([float(getattr(run, key)) for run in graded])
        for key in ("false_area", "holds", "areas_hold")
    )
    kept = [run for run in runs if run.row in POWER]
    power = _mean([float(run.consistent) for run in kept])
    found = [
        ("silently wrong runs (0)", f"{wrong} of {len(runs)}", wrong == 0),
        ("false area of consistent runs (15 %)", f"{100 * area:.1f} %", not area > 0.15),
        ("region's interval holds (90 %)", f"{100 * region:.1f} %", not region < 0.90),
        ("areas' intervals hold (90 to 98 %)", f"{100 * areas:.1f} %", not areas < 0.90),
        ("rows that must keep power are consistent (90 %)", f"{100 * power:.1f} %", power >= 0.9),
    ]
    for name, least, listed in (
        ("control", 0.75, 0.85), ("no confidence", 0.75, 0.85), ("real base, plain", 0.75, 0.85),
        ("rare change", 0.65, 0.80), ("roads 1 px wide", 0.50, 0.50),
    ):  # fmt: skip
        some = [run for run in runs if run.row == name]
        if some:
            shares = [_mean([getattr(run, key) for run in some]) for key in ("found", "listed")]
            text = f"{100 * shares[0]:.0f} %, {100 * shares[1]:.0f} %"
            met = shares[0] >= least and shares[1] >= listed
            found.append((f"{name}: found ({100 * least:.0f} %), or listed", text, met))
    none = [run for run in runs if run.row == "no change"]
    if none:
        sure = max(run.confirmed for run in none)
        found.append(("no change: confirmed patches (0)", f"at most {sure}", sure == 0))
    control = [run for run in runs if run.row == "control"]
    if control:
        half = _mean([run.half for run in control])
        found.append(("control: half-width / net (0.40)", f"{half:.2f}", half <= 0.40))
    return found


def report(runs: Sequence[Run]) -> str:
    """Return both tables in Markdown."""
    lines = ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    for name in dict.fromkeys(run.row for run in runs):
        lines.append("| " + " | ".join(line(name, [r for r in runs if r.row == name])) + " |")
    lines += ["", "| to reach | found | met |", "|---|---|---|"]
    for name, text, met in targets(runs):
        lines.append(f"| {name} | {text} | {'yes' if met else '**no**'} |")
    return "\n".join(lines)


def looked_report(tasks: Sequence[tuple[str, int]], found: Sequence[dict[str, float]]) -> str:
    """Return means by row in Markdown."""
    heads = list(found[0])
    lines = ["| row | " + " | ".join(heads) + " |", "|---|" + "---|" * len(heads)]
    for name in dict.fromkeys(name for name, _ in tasks):
        some = [one for (row, _), one in zip(tasks, found, strict=True) if row == name]
        means = [_mean([one[head] for one in some]) for head in heads]
        lines.append(f"| {name} | " + " | ".join(f"{mean:.2f}" for mean in means) + " |")
    return "\n".join(lines)


def read_runs(path: Path | None) -> dict[tuple[str, int], Run]:
    """Return the runs that an earlier call has measured, by row and seed."""
    if path is None or not path.is_file():
        return {}
    facts = [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()]
    runs = [Run(**fact | {"reasons": tuple(fact["reasons"])}) for fact in facts]
    return {(run.row, run.seed): run for run in runs}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--short", action="store_true", help="six rows, one seed: for CI")
    parser.add_argument(
        "--first-design", action="store_true", help="what counted decoys alone confirm, untested"
    )
    parser.add_argument(
        "--looked", action="store_true", help="after a look at losses of 0.1 ha and more"
    )
    parser.add_argument("--runs", type=Path, help="JSON lines: runs in it are kept, new ones added")
    parser.add_argument("--rows", help="names of rows, separated by ;")
    arguments = parser.parse_args()
    names = [row.name for row in ROWS if SHARED.is_dir() or not row.real]
    if arguments.short:
        names, arguments.seeds = list(SHORT_ROWS), 1
    if arguments.rows:
        names = arguments.rows.split(";")
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    if arguments.first_design:
        print("| row | raw / true | confirmed / true | false patches % | false area % |")
        print("|---|---|---|---|---|")
        for name in names:
            cells = count_decoys(draw_pair(BY_NAME[name], arguments.first_seed))
            print(f"| {name} | {' | '.join(cells)} |", flush=True)
        return
    tasks = [(name, seed) for seed in seeds for name in names]
    if arguments.looked:
        with ProcessPoolExecutor(arguments.workers) as pool:
            print(looked_report(tasks, list(pool.map(measure_looked, tasks))))
        return
    known = read_runs(arguments.runs)
    missing = [task for task in tasks if task not in known]
    with ProcessPoolExecutor(arguments.workers) as pool:
        for task, run in zip(missing, pool.map(measure, missing), strict=True):
            known[task] = run
            if arguments.runs:
                with arguments.runs.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(asdict(run)) + "\n")
    runs = [known[task] for task in tasks]
    print(report(runs))
    sys.exit(any(run.is_silently_wrong for run in runs))


if __name__ == "__main__":
    main()
