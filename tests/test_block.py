"""A block read once, against judging the whole array pixel by pixel, however it is cut."""

from dataclasses import fields, replace
from itertools import product as combinations

import numpy as np
import pytest
from affine import Affine
from oracles import label_patches
from scipy import ndimage
from slowstates import (
    EDGE_AFTER,
    EDGE_BEFORE,
    STATE_BITS,
    Around,
    PairPixels,
    evidence_weights,
    pair_states,
)

from hexseal.change.block import (
    CHANGE,
    CONDITION,
    HALO,
    BlockFindings,
    BlockJudge,
    Layers,
    PairPlan,
    Rows,
)
from hexseal.change.features import COLUMNS
from hexseal.change.grading import DoubtfulPlaces
from hexseal.change.joining import Parts, join_parts
from hexseal.change.patches import PatchTable
from hexseal.change.states import NO_DATA, State
from hexseal.counting.tally import WindowCounter, pixel_areas
from hexseal.products import CLCPLUS
from hexseal.raster import registration
from hexseal.raster.grid import Grid, Window
from hexseal.raster.joint import ClassJoiner
from hexseal.raster.registration import BlockPlace, EdgeSums
from hexseal.raster.runs import GAIN, LOSS, OTHER, STABLE_SEALED
from hexseal.region.noise import Noise
from hexseal.vector.polygons import Polygons

SHAPE = 131, 157
GRID = Grid("EPSG:3035", Affine(10.0, 0, 4_400_000.0, 0, -10.0, 3_700_000.0), SHAPE[1], SHAPE[0])
PLANS = (PairPlan(0, 1, None, 2), PairPlan(1, 2, 0, None), PairPlan(0, 2))
FILTERS = (
    Noise(),
    Noise(post_processing=False, three_dates=False),
    Noise(confidence=40, edge_tolerance=1),
    Noise(edge_tolerance=3),
)
CUTS = ((131, 157), (64, 80), (33, 157), (50, 17))
HALVES = Polygons(
    np.array([-0.5, 80.2, 80.2, -0.5, 60.1, 156.5, 156.5, 60.1]),
    np.array([-0.5, -0.5, 130.5, 130.5, 20.3, 20.3, 99.7, 99.7]),
    np.array([0, 4, 8]),
    np.array([0, 1]),
    2,
)


def layers(seed: int = 5) -> Layers:
    """Three years of clustered classes with change of all sizes, no data, and masks."""
    rng = np.random.default_rng(seed)
    towns = ndimage.gaussian_filter(rng.standard_normal(SHAPE), 2.0)
    other = rng.integers(2, 8, SHAPE).astype(np.uint8)
    years = []
    for shift in (0.0, 0.02, 0.03):
        moved = towns + ndimage.gaussian_filter(rng.standard_normal(SHAPE), 1.0) * (0.02 + shift)
        classes = np.where(moved > 0.12, 1, other).astype(np.uint8)
        classes[ndimage.binary_dilation(rng.random(SHAPE) < 0.003, iterations=2)] = 1
        classes[rng.random(SHAPE) < 0.004] = 254
        years.append(classes)
    years[1][100:, :20] = 254
    confidence = [rng.integers(0, 106, SHAPE).astype(np.uint8) for _ in range(2)]
    repaired = (rng.random(SHAPE) < 0.02).astype(np.uint8)
    return Layers(tuple(years), (confidence[0], None, confidence[1]), (None, repaired, None))


def judge(noise: Noise, doubtful: tuple[DoubtfulPlaces, ...] = ()) -> BlockJudge:
    joiner = ClassJoiner(CLCPLUS)
    counter = WindowCounter(GRID, joiner, 9, HALVES)
    return BlockJudge(counter, joiner, CLCPLUS, noise, PLANS, doubtful)


def blocks(
    whole: Layers, judged: BlockJudge, size: tuple[int, int]
) -> list[tuple[Window, BlockFindings]]:
    """Judge every block of a size with its neighbours."""
    found = []
    for row, column in combinations(range(0, SHAPE[0], size[0]), range(0, SHAPE[1], size[1])):
        end, right = min(SHAPE[0], row + size[0]), min(SHAPE[1], column + size[1])
        top, left = max(0, row - HALO), max(0, column - HALO)
        part = np.s_[top : end + HALO, left : right + HALO]
        confidence, repaired = (
            tuple(None if band is None else np.ascontiguousarray(band[part]) for band in some)
            for some in (whole.confidence, whole.repaired)
        )
        classes = tuple(np.ascontiguousarray(band[part]) for band in whole.classes)
        cut = Layers(classes, confidence, repaired)
        own = row - top, end - top, column - left, right - left
        window = Window(row, column, end - row, right - column)
        found.append((window, judged.judge(cut, own, window)))
    return found


def slow_states(whole: Layers, noise: Noise, plan: PairPlan) -> np.ndarray:
    """Bytes of state and edges of the whole array (``pair_states``)."""
    valid = np.isin(np.arange(256), sorted(CLCPLUS.valid))
    counts = np.logical_and.reduce([valid[band] for band in whole.classes])
    sealed = [band == 1 for band in whole.classes]
    near = [
        sealed[place] if place is not None and noise.three_dates else None
        for place in (plan.earlier, plan.later)
    ]
    masks = [whole.repaired[place] for place in (plan.first, plan.second)]
    corrected = [mask == 1 for mask in masks if mask is not None and noise.post_processing]
    return pair_states(
        PairPixels(
            counts, sealed[plan.first], sealed[plan.second], Around(near[0], near[1]),
            (whole.confidence[plan.first], whole.confidence[plan.second]),
            np.logical_or.reduce(corrected) if corrected else None,
        ),
        confidence=noise.confidence, edge_tolerance=noise.edge_tolerance,
    )  # fmt: skip


def slow_patches(whole: Layers, states: np.ndarray, plan: PairPlan) -> PatchTable:
    """Label the whole array at once."""
    table = np.full(256, OTHER, np.uint8)
    edges = (0, EDGE_BEFORE, EDGE_AFTER, EDGE_BEFORE + EDGE_AFTER)
    for state, code in ((State.GAIN, GAIN), (State.LOSS, LOSS), (State.SEALED, STABLE_SEALED)):
        table[[state + edge for edge in edges]] = code
    codes = table[states]
    partner = np.where(codes == LOSS, whole.classes[plan.second], whole.classes[plan.first])
    both = whole.confidence[plan.first], whole.confidence[plan.second]
    return label_patches(codes, partner, *(evidence_weights(both) or (None, None)))[0]


def plans(noise: Noise) -> list[PairPlan]:
    return [p if noise.three_dates else replace(p, earlier=None, later=None) for p in PLANS]


@pytest.mark.parametrize("noise", FILTERS)
@pytest.mark.parametrize("cut", CUTS)
def test_patches_of_any_cut_are_those_of_the_whole(noise: Noise, cut: tuple[int, int]) -> None:
    whole = layers()
    judged = judge(noise)
    judged.pairs = plans(noise)
    found = blocks(whole, judged, cut)
    for place, plan in enumerate(judged.pairs):
        states = slow_states(whole, noise, plan)
        expected = slow_patches(whole, states, plan)
        pairs = [block.pairs[place] for _, block in found]
        parts = Parts.joined([
            Parts(dict(zip(COLUMNS, pair.parts.T, strict=True)), pair.origins, pair.border)
            for pair in pairs
        ])  # fmt: skip
        _, table = join_parts(parts, SHAPE[1])
        assert len(table) > 5
        for field in fields(PatchTable):
            one, other = getattr(table, field.name), getattr(expected, field.name)
            assert np.array_equal(one, other, equal_nan=field.name == "confidence"), field.name
        removed = np.bincount((states[states < NO_DATA] & STATE_BITS), minlength=32)
        counted = np.sum([pair.states for pair in pairs], axis=0)
        assert counted[2:].tolist() == removed[2:].tolist()


def summed(rows: list[Rows], names: tuple[str, ...], *left_out: str) -> dict[tuple[int, ...], int]:
    """Pixels by owner and columns; corrections cancel."""
    found: dict[tuple[int, ...], int] = {}
    chosen = [place for place, name in enumerate(names) if name not in left_out]
    for some in rows:
        keys = zip(some.owner.tolist(), some.columns[:, chosen].tolist(), strict=True)
        for (owner, columns), pixels in zip(keys, some.pixels.tolist(), strict=True):
            key = (owner, *columns)
            found[key] = found.get(key, 0) + pixels
    return {key: pixels for key, pixels in found.items() if pixels}


@pytest.mark.parametrize(("owner", "sampled"), [(0, False), (1, False), (1, True)])
def test_counts_and_evidence_do_not_depend_on_the_cut(
    owner: int, sampled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sampled:
        monkeypatch.setattr(registration, "SAMPLED_PIXELS", 1)
    whole, noise = layers(), FILTERS[2]
    rng = np.random.default_rng(2)
    doubtful = tuple(
        DoubtfulPlaces(SHAPE, rng.random((4, 4)) < 0.3, rng.random((8, 8)) < 0.1) for _ in PLANS
    )
    known: list[object] = []
    for cut in CUTS:
        found = [block for _, block in blocks(whole, judge(noise, doubtful), cut)]
        rows: list[object] = []
        for place in range(len(PLANS)):
            pairs = [block.pairs[place] for block in found]
            edges = EdgeSums.none()
            for pair in pairs:
                edges += pair.edges
            rows += [
                summed([pair.still[owner] for pair in pairs], CONDITION),
                summed([pair.changed[owner] for pair in pairs], CHANGE, "label"),
                edges.left.tolist(),
                edges.right.tolist(),
                np.sum([pair.contrast for pair in pairs], axis=0).tolist(),
            ]
        known.append(rows)
    assert all(rows == known[0] for rows in known[1:])


def test_a_sample_of_rows_measures_what_all_rows_do_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sums of the sample are those of its rows alone: bands of 16 in every 64."""
    bands = [block.pairs[2].edges for _, block in blocks(layers(), judge(Noise()), SHAPE)]
    monkeypatch.setattr(registration, "SAMPLED_PIXELS", 1)
    (sample,) = (block.pairs[2].edges for _, block in blocks(layers(), judge(Noise()), SHAPE))
    place = BlockPlace.of(SHAPE)
    assert place.bands(0, SHAPE[0]).tolist() == [[24, 40], [88, 104]]
    # Rows of the region's blocks, 17 each, that a band meets.
    met = {row // 17 for first, end in place.bands(0, SHAPE[0]) for row in range(first, end)}
    pixels = sample.left.reshape(-1, 8, 8).any(axis=(0, 2))
    assert set(np.flatnonzero(pixels).tolist()) == met
    diagonal = [0, 4, 7, 9]
    assert (sample.left[diagonal] <= bands[0].left[diagonal]).all()
    assert 0.1 < sample.left[0].sum() / bands[0].left[0].sum() < 0.4


def test_rows_of_an_area_are_those_of_its_pixels() -> None:
    whole, noise = layers(), FILTERS[2]
    _, found = blocks(whole, judge(noise), SHAPE)[0]
    states = slow_states(whole, noise, PLANS[1])[:, :81]
    pair = found.pairs[1]
    counted = summed([pair.still[1]], CONDITION) | summed(
        [pair.changed[1]], CHANGE, "label", "secure", "partner"
    )
    expected: dict[tuple[int, ...], int] = {}
    for byte, pixels in zip(*np.unique(states, return_counts=True), strict=True):
        state = NO_DATA if byte == NO_DATA else int(byte) & STATE_BITS
        edges = (
            [0, 0]
            if byte == NO_DATA
            else [int(byte & bit > 0) for bit in (EDGE_BEFORE, EDGE_AFTER)]
        )
        expected[0, state, *edges, 0] = int(pixels)
    assert {key: n for key, n in counted.items() if key[0] == 0} == expected


@pytest.mark.parametrize(
    "grid",
    [
        Grid("EPSG:32620", Affine(10.0, 0, 650_000.0, 0, -10.0, 1_800_000.0), 900, 700),
        Grid("EPSG:4326", Affine(1e-4, 0, 25.0, 0, -1e-4, 66.0), 900, 700),
    ],
)
def test_the_area_of_a_pixel_is_the_same_in_every_window(grid: Grid) -> None:
    whole = pixel_areas(grid, Window(0, 0, 700, 900))
    part = pixel_areas(grid, Window(130, 511, 400, 257))
    assert whole is not None
    assert part is not None
    assert (whole[130:530, 511:768] == part).all()
    true = grid.pixel_areas_m2(np.array([0, 350, 699]), np.array([899, 450, 3]))
    assert np.allclose(whole[[0, 350, 699], [899, 450, 3]] / 1e6, true, rtol=1e-7)
