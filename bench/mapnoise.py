"""Pairs of maps of one truth, with every kind of error that STATISTICS.md's table names.

Villages of houses, streets, roads and parcels on square pixels of 10 m; a map is a score cut at
one half: the truth blurred, plus errors that all dates share and errors of each date. Rows of the
table change the truth, the score or the finished maps.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from scipy import ndimage

SIZE = 1200
EIGHT = np.ones((3, 3), np.bool_)
SHARED = Path(__file__).parents[2] / "shared" / "data" / "clcplus-2023-poland"
REAL_CROPS = ("Ojcowski", "Pieninski")
Flags = NDArray[np.bool_]
Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Confidence = tuple[Bytes | None, Bytes | None]


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """The ground at the first date: sealed land, former classes (2 to 7), parcels, valid pixels."""

    sealed: Flags
    classes: Bytes
    parcels: NDArray[np.int32]
    valid: Flags


@dataclass(frozen=True, slots=True, eq=False)
class MapPair:
    """Two maps, the truths they show, confidence of both (0 to 100), former class, valid mask."""

    before: Flags
    after: Flags
    truths: tuple[Flags, Flags]
    confidence: Confidence
    classes: Bytes
    valid: Flags


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of truth and of maps.

    ``growth`` scales what is built; ``roads``, ``unsealed`` (shares of it) say how. ``score`` adds
    to the second date's score, ``alter`` changes finished maps, ``dates`` is 3 where the first
    pair makes the second map that the judged pair starts from.
    """

    name: str
    growth: float = 1.0
    roads: bool = False
    unsealed: float = 0.0
    score: Callable[["Draft"], None] | None = None
    alter: Callable[["Draft"], None] | None = None
    confidence: str = "given"
    noise: str = "plain"
    real: bool = False
    three: bool = False


@dataclass(slots=True, eq=False)
class Draft:
    """Scores, maps and truths while they are being made; dates in order."""

    world: World
    truths: list[Flags]
    scores: list[Floats]
    random: np.random.Generator
    maps: list[Flags] = field(default_factory=list)


def draw_pair(row: Row, seed: int, size: int = SIZE) -> MapPair:
    """Return the maps of a row; the same seed gives the same ground to all rows."""
    world = real_world(seed) if row.real else draw_world(np.random.default_rng(seed), size)
    random = np.random.default_rng([seed, 77])
    truths = [world.sealed]
    for _ in range(2 if row.three else 1):
        truths.append(grow(world, truths[-1], row, random))
    shared = noise_of(world, random, row.noise, shared=True)
    scores = [score_of(world, t, shared, random, row) for t in truths]
    draft = Draft(world, truths, scores, random)
    if row.score:
        row.score(draft)
    draft.maps = [(score > 0.5) & world.valid for score in draft.scores]
    if row.alter:
        row.alter(draft)
    first, second = (1, 2) if row.three else (0, 1)
    return MapPair(
        before=draft.maps[first],
        after=draft.maps[second],
        truths=(draft.truths[first], draft.truths[second]),
        confidence=confidences(draft, row.confidence, (first, second)),
        classes=world.classes,
        valid=world.valid,
    )


def draw_world(random: np.random.Generator, size: int) -> World:
    """Draw villages, roads between them, scattered farms and parcels of a class each."""
    sealed = np.zeros((size, size), np.bool_)
    count = max(4, round(38 * (size / SIZE) ** 2))
    centres = random.uniform(40, size - 40, (count, 2))
    for place, centre in enumerate(centres):
        others = np.hypot(*(centres - centre).T)
        others[place] = np.inf
        for other in np.argsort(others)[:2]:
            draw_line(sealed, centre, centres[other], 2 if random.random() < 0.5 else 1)
        draw_village(sealed, centre, random)
    for centre in random.uniform(20, size - 20, (round(90 * (size / SIZE) ** 2), 2)):
        draw_box(sealed, centre, random.integers(2, 7, 2))
    return World(sealed, *draw_parcels(sealed.shape, random), np.ones_like(sealed))


def draw_village(sealed: Flags, centre: NDArray[np.float64], random: np.random.Generator) -> None:
    spread = random.uniform(12, 34)
    for _ in range(int(random.uniform(2.0, 3.4) * spread)):
        draw_box(sealed, centre + random.normal(0, spread, 2), random.integers(2, 8, 2))
    for angle in random.uniform(0, 2 * np.pi, int(random.integers(3, 7))):
        end = centre + 1.6 * spread * np.array([np.sin(angle), np.cos(angle)])
        draw_line(sealed, centre, end, 1)


def draw_box(mask: Flags, centre: NDArray[np.float64], sides: NDArray[np.int64]) -> None:
    row, column = (round(v) for v in centre)
    height, width = (int(v) for v in sides)
    if row >= 0 and column >= 0:
        mask[row : row + height, column : column + width] = True


def draw_line(
    mask: Flags, start: NDArray[np.float64], end: NDArray[np.float64], width: int
) -> None:
    steps = int(2 * np.abs(end - start).max()) + 2
    points = np.linspace(start, end, steps)
    row, column = np.round(points).astype(int).T
    for offset in range(width):
        inside = (row >= 0) & (column + offset >= 0)
        inside &= (row < mask.shape[0]) & (column + offset < mask.shape[1])
        mask[row[inside], column[inside] + offset] = True


def draw_parcels(
    shape: tuple[int, int], random: np.random.Generator
) -> tuple[Bytes, NDArray[np.int32]]:
    """Return former class and number of the parcel of each pixel: Voronoi cells of about 1.2 ha."""
    step = 11
    seeds = np.zeros(shape, np.int32)
    grid = np.stack(np.meshgrid(*(np.arange(0, n, step) for n in shape), indexing="ij"), -1)
    points = grid.reshape(-1, 2) + random.integers(0, step, (grid.size // 2, 2))
    points = points[(points < shape).all(1)]
    seeds[tuple(points.T)] = np.arange(1, len(points) + 1)
    nearest = ndimage.distance_transform_edt(
        seeds == 0, return_distances=False, return_indices=True
    )
    parcels = seeds[tuple(nearest)]
    classes = random.integers(2, 8, len(points) + 1).astype(np.uint8)
    return classes[parcels], parcels


def real_world(seed: int) -> World:
    """Return real CLC+ 2023 land around two Polish parks, turned by the seed."""
    crops = []
    for name in REAL_CROPS:
        path = SHARED / f"CLCplusBB_{name}_National_Park_3035_BUFFERED_1km.tif"
        with rasterio.open(path) as image:
            crops.append(np.rot90(image.read(1), seed % 4))
    rows = max(crop.shape[0] for crop in crops)
    columns = max(crop.shape[1] for crop in crops)
    padded = [
        np.pad(c, ((0, rows - c.shape[0]), (0, columns - c.shape[1])), constant_values=0)
        for c in crops
    ]
    classes = np.hstack(padded)
    valid = (classes > 0) & (classes <= 11)
    _, parcels = draw_parcels(classes.shape, np.random.default_rng(seed))
    return World((classes == 1) & valid, classes, parcels, valid)


def grow(world: World, sealed: Flags, row: Row, random: np.random.Generator) -> Flags:
    """Return the truth of the next date."""
    grown = sealed.copy()
    near = np.argwhere(ndimage.binary_dilation(sealed, EIGHT, iterations=6) & ~sealed & world.valid)
    amount = row.growth * sealed.sum() / 45_000
    if row.roads:
        for place in near[random.integers(0, len(near), round(26 * amount))]:
            angle = random.uniform(0, 2 * np.pi)
            reach = random.uniform(25, 110)
            end = place + reach * np.array([np.sin(angle), np.cos(angle)])
            draw_line(grown, place.astype(float), end, 1)
    else:
        for place in near[random.integers(0, len(near), round(170 * amount))]:
            draw_box(grown, place.astype(float), random.integers(2, 6, 2))
        for place in near[random.integers(0, len(near), round(9 * amount))]:
            draw_box(grown, place.astype(float), random.integers(6, 12, 2))
    grown &= world.valid
    if row.unsealed:
        target = row.unsealed * (grown & ~sealed).sum()
        lost = np.zeros_like(grown)
        places = np.argwhere(sealed)
        while lost.sum() < target:
            spot = places[random.integers(0, len(places))].astype(float)
            draw_box(lost, spot, random.integers(3, 9, 2))
            lost &= sealed
        grown &= ~lost
    return grown


def smooth(shape: tuple[int, int], sigma: float, random: np.random.Generator) -> Floats:
    """Return Gaussian noise of unit deviation, correlated over ``sigma`` pixels."""
    found = ndimage.gaussian_filter(random.standard_normal(shape, np.float32), sigma)
    return found / found.std()


def noise_of(world: World, random: np.random.Generator, kind: str, *, shared: bool) -> Floats:
    """Return errors of the score: those that all dates share, or those of one date."""
    shape = world.sealed.shape
    if shared:
        base = random.uniform(-0.05, 0.18, world.parcels.max() + 1).astype(np.float32)
        return 0.12 * smooth(shape, 1.3, random) + base[world.parcels]
    noise = 0.06 * smooth(shape, 0.7, random) + 0.065 * smooth(shape, 2.1, random)
    if kind == "heavy":
        strong = random.random((shape[0] // 60 + 1, shape[1] // 60 + 1)) < 0.1
        where = np.kron(strong, np.ones((60, 60)))[: shape[0], : shape[1]]
        noise += where * (0.22 * smooth(shape, 4.0, random))
    if kind == "clustered":
        # Both dates are noisier in the same places.
        level = np.exp(
            0.5 * smooth(shape, 60.0, np.random.default_rng(world.parcels[::97, ::97].sum()))
        )
        noise *= level / level.mean()
    return noise.astype(np.float32)


def score_of(
    world: World, truth: Flags, shared: Floats, random: np.random.Generator, row: Row
) -> Floats:
    blurred = ndimage.gaussian_filter(truth.astype(np.float32), 0.55)
    return blurred + shared + noise_of(world, random, row.noise, shared=False)


def confidences(draft: Draft, kind: str, dates: tuple[int, int]) -> Confidence:
    """Return confidence by the distance of the score from one half, blurred by its own error."""
    if kind == "none":
        return None, None
    layers = []
    for date in dates:
        away = np.abs(draft.scores[date] - 0.5) + 0.10 * draft.random.standard_normal(
            draft.scores[date].shape, np.float32
        )
        layer = np.clip(100 * (1 - np.exp(-np.abs(away) / 0.16)), 0, 100).astype(np.uint8)
        if kind == "random":
            layer = draft.random.integers(0, 101, layer.shape).astype(np.uint8)
        layers.append(100 - layer if kind == "inverted" else layer)
    return layers[0], layers[1]


# --- what producers and sensors do to the second map -----------------------------------------


def restore_losses(least: int, below: int, share: float = 1.0) -> Callable[[Draft], None]:
    """Return a producer that undoes losses of ``least`` to ``below`` - 1 pixels (a share of)."""

    def alter(draft: Draft) -> None:
        lost = draft.maps[-2] & ~draft.maps[-1]
        labels, count = ndimage.label(lost, EIGHT)
        sizes = np.bincount(labels.ravel())
        undone = (sizes >= least) & (sizes < below) & (draft.random.random(count + 1) < share)
        undone[0] = False
        draft.maps[-1] = draft.maps[-1] | undone[labels]

    return alter


def restore_smoothly(draft: Draft) -> None:
    """Undo losses the likelier the larger they are."""
    lost = draft.maps[-2] & ~draft.maps[-1]
    labels, count = ndimage.label(lost, EIGHT)
    sizes = np.bincount(labels.ravel())
    undone = draft.random.random(count + 1) > np.exp(-(sizes - 1) / 5.0)
    undone[0] = False
    draft.maps[-1] = draft.maps[-1] | undone[labels]


def keep_sealed(margin: float) -> Callable[[Draft], None]:
    """Return hysteresis: what was sealed stays until its score falls ``margin`` below one half."""

    def alter(draft: Draft) -> None:
        for date in range(1, len(draft.maps)):
            stays = draft.maps[date - 1] & (draft.scores[date] > 0.5 - margin)
            draft.maps[date] = draft.maps[date] | stays

    return alter


def lift_third(step: float) -> Callable[[Draft], None]:
    """Return a level that rises by ``step`` in the western third."""

    def score(draft: Draft) -> None:
        draft.scores[-1][:, : draft.scores[-1].shape[1] // 3] += step

    return score


def lift_all(step: float) -> Callable[[Draft], None]:
    """Return a level that rises everywhere."""

    def score(draft: Draft) -> None:
        draft.scores[-1] += step

    return score


def lift_ends(step: float) -> Callable[[Draft], None]:
    """Return a level that rises in the west and falls in the east."""

    def score(draft: Draft) -> None:
        columns = draft.scores[-1].shape[1]
        draft.scores[-1] += np.linspace(step, -step, columns, dtype=np.float32)

    return score


def add_fields(count: int, lost: int = 0) -> Callable[[Draft], None]:
    """Return errors that turn whole parcels sealed (and ``lost`` of them unsealed)."""

    def alter(draft: Draft) -> None:
        parcels, world = draft.world.parcels, draft.world
        near = ndimage.binary_dilation(world.sealed, EIGHT, iterations=3) | ~world.valid
        taken = np.bincount(parcels.ravel(), near.ravel())
        size = np.bincount(parcels.ravel())
        kinds = np.zeros((12, len(size)))
        np.add.at(kinds, (world.classes.clip(0, 11), parcels), 1)
        free = np.flatnonzero((taken == 0) & (size >= 60) & (kinds.max(0) >= 0.92 * size))
        chosen = draft.random.choice(free, count + lost, replace=False)
        draft.maps[-1] = draft.maps[-1] | np.isin(parcels, chosen[:count])
        gone = np.isin(parcels, chosen[count:])
        draft.maps[-2] = draft.maps[-2] | gone

    return alter


def shift_by(dy: float, dx: float) -> Callable[[Draft], None]:
    """Return a second map whose score lies elsewhere by a part of a pixel."""

    def score(draft: Draft) -> None:
        draft.scores[-1] = ndimage.shift(draft.scores[-1], (dy, dx), order=1, mode="nearest")

    return score


def drift_by(reach: float) -> Callable[[Draft], None]:
    """Return a second map that is shifted by -reach in the west to +reach in the east."""

    def score(draft: Draft) -> None:
        rows, columns = draft.scores[-1].shape
        y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
        away = reach * (2 * x / columns - 1)
        draft.scores[-1] = ndimage.map_coordinates(
            draft.scores[-1], (y, x - away), order=1, mode="nearest"
        )

    return score


def blur_by(sigma: float) -> Callable[[Draft], None]:
    """Return a second map that is less sharp."""

    def score(draft: Draft) -> None:
        draft.scores[-1] = ndimage.gaussian_filter(draft.scores[-1], sigma)

    return score


def both(*changes: Callable[[Draft], None]) -> Callable[[Draft], None]:
    """Return several changes after each other."""

    def change(draft: Draft) -> None:
        for one in changes:
            one(draft)

    return change


ROWS: tuple[Row, ...] = (
    Row("control"),
    Row("rare change", growth=0.25),
    Row("no change", growth=0.0),
    Row("no confidence", confidence="none"),
    Row("random confidence", confidence="random"),
    Row("roads 1 px wide", roads=True),
    Row("clustered noise", noise="clustered"),
    Row("real base, plain", real=True),
    Row("inverted confidence", confidence="inverted"),
    Row("losses below 20 px removed", alter=restore_losses(1, 20)),
    Row("no losses", alter=restore_losses(1, 10**9)),
    Row("losses from 4 px restored", alter=restore_losses(4, 10**9)),
    Row("losses from 6 px restored", alter=restore_losses(6, 10**9)),
    Row("large losses restored", alter=restore_smoothly),
    Row("half of losses removed", alter=restore_losses(1, 10**9, 0.5)),
    Row("a third of losses removed", alter=restore_losses(1, 10**9, 0.33)),
    Row("hysteresis 0.05", alter=keep_sealed(0.05)),
    Row("hysteresis 0.15", alter=keep_sealed(0.15)),
    Row("three years, hysteresis", three=True, alter=keep_sealed(0.10)),
    Row("level +0.03 in a third", score=lift_third(0.03)),
    Row("level +0.05 in a third", score=lift_third(0.05)),
    Row("level +0.10 in a third", score=lift_third(0.10)),
    Row("level +0.05 everywhere", score=lift_all(0.05)),
    Row("level opposite at the ends", score=lift_ends(0.10)),
    Row("no change, level +0.05 in a third", growth=0.0, score=lift_third(0.05)),
    Row("3 fields", alter=add_fields(3)),
    Row("10 fields", alter=add_fields(10)),
    Row("20 fields, 10 lost", alter=add_fields(20, 10)),
    Row("shift 0.3 px", score=shift_by(0.2, 0.22)),
    Row("shift 0.5 px", score=shift_by(0.5, 0.0)),
    Row("shift 1 px", score=shift_by(0.0, 1.0)),
    Row("drifting shift 0.6 px", score=drift_by(0.6)),
    Row("less sharp", score=blur_by(0.6)),
    Row("a fifth unsealed", unsealed=0.2),
    Row("half unsealed", unsealed=0.5),
    Row("heavy-tailed noise", noise="heavy"),
    Row("real base, hysteresis", real=True, alter=keep_sealed(0.12)),
    Row("real base, fields", real=True, alter=add_fields(12)),
    Row("real base, level in a third", real=True, score=lift_third(0.06)),
    Row("real base, shift 0.5 px", real=True, score=shift_by(0.4, 0.3)),
    Row("mix: losses from 4 px, fields", alter=both(restore_losses(4, 10**9), add_fields(8))),
    Row("mix: level and shift", score=both(lift_third(0.04), shift_by(0.2, 0.1))),
    Row("mix: hysteresis and fields", alter=both(keep_sealed(0.06), add_fields(5))),
)
POWER = frozenset(row.name for row in ROWS[:8]) - {"clustered noise"}
BY_NAME: Mapping[str, Row] = {row.name: row for row in ROWS}


def without_growth(row: Row) -> Row:
    """Return the row on a truth that stays."""
    return replace(row, growth=0.0)
