"""Patches of change: the same whatever the bands, the same as labelling the whole at once."""

import numpy as np
import pytest
from oracles import label_patches
from scipy import ndimage

from hexseal.change.block import border_of, origins_of
from hexseal.change.features import COLUMNS, PairPlanes, measure_patches
from hexseal.change.joining import Parts, join_parts
from hexseal.change.patches import PatchTable
from hexseal.raster.grid import Window
from hexseal.raster.runs import GAIN, LOSS, OTHER, STABLE_SEALED, find_runs

EIGHT = np.ones((3, 3))
Made = tuple[np.ndarray, np.ndarray, np.ndarray | None]


def noisy(seed: int, shape: tuple[int, int] = (37, 41)) -> Made:
    """Codes, partner classes and confidence at random, with blobs that reach across bands."""
    rng = np.random.default_rng(seed)
    blobs = ndimage.gaussian_filter(rng.standard_normal(shape), 1.2)
    codes = np.full(shape, OTHER, np.uint8)
    codes[blobs > 0.15] = GAIN
    codes[blobs < -0.15] = LOSS
    codes[rng.random(shape) < 0.05] = STABLE_SEALED
    confidence = rng.integers(0, 101, shape).astype(np.uint8)
    return codes, rng.integers(2, 8, shape).astype(np.uint8), confidence


def label(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """Number the 8-connected patches of a mask from 1."""
    labels = np.zeros(mask.shape, np.int32)
    ndimage.label(mask, EIGHT, output=labels)
    return labels, int(labels.max())


def banded(made: Made, step: int) -> tuple[PatchTable, np.ndarray]:
    """Return the patches found band by band and joined, and the patch of each pixel (-1: none)."""
    codes, partner, confidence = made
    height, width = codes.shape
    parts = []
    pixels = np.full(codes.shape, -1)
    labels = 0
    for top in range(0, height, step):
        end = min(top + step, height)
        above = min(top, 1)
        plane, runs = codes[top - above : end + 1], find_runs(codes[top:end])
        sure = None if confidence is None else confidence[top:end]
        planes = PairPlanes(partner[top:end], partner[top:end], (sure, None))
        found = measure_patches(
            plane, runs, planes, corner=(above, 0), top=top, left=0, width=width
        )
        columns = dict(zip(COLUMNS, found.table.T, strict=True))
        border = border_of(found, runs, Window(top, 0, end - top, width))
        parts.append(Parts(columns, origins_of(found), border))
        pixels[found.row + top, found.column] = found.label + labels
        labels += len(found.table)
    patch, table = join_parts(Parts.joined(parts), width)
    pixels[pixels >= 0] = patch[pixels[pixels >= 0]]
    return table, pixels


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("step", [1, 2, 5, 36, 37, 100])
@pytest.mark.parametrize("weighs", [True, False])
def test_patches_of_bands_are_those_of_a_slow_labelling(seed: int, step: int, weighs: bool) -> None:
    codes, partner, confidence = noisy(seed)
    sure = confidence if weighs else None
    weight = None if sure is None else sure.astype(int) * 100
    expected, where = label_patches(codes, partner, weight, sure)
    table, pixels = banded((codes, partner, sure), step)
    np.testing.assert_array_equal(pixels, where)
    for name in PatchTable.__slots__:
        np.testing.assert_array_equal(getattr(table, name), getattr(expected, name), err_msg=name)


def test_corners_join_and_gain_does_not_join_loss() -> None:
    codes = np.array([[GAIN, OTHER, LOSS], [OTHER, GAIN, LOSS]], np.uint8)
    table, pixels = banded((codes, np.full((2, 3), 6, np.uint8), None), 2)
    assert table.direction.tolist() == [1, -1]
    assert table.pixels.tolist() == [2, 2]
    assert table.score.tolist() == [2.0, 2.0]
    assert pixels.tolist() == [[0, -1, 1], [-1, 0, 1]]
    assert np.isnan(table.confidence).all()


def test_a_spiral_that_closes_late_is_one_patch() -> None:
    art = (
        "#########",
        "#.......#",
        "#.#####.#",
        "#.#...#.#",
        "#.#.#.#.#",
        "#.#.###.#",
        "#.#.....#",
        "#.#######",
        ".........",
    )
    codes = np.where([[letter == "#" for letter in row] for row in art], GAIN, OTHER)
    codes = codes.astype(np.uint8)
    for step in (1, 3, 9):
        assert len(banded((codes, codes, None), step)[0]) == 1


def test_nothing_changed() -> None:
    nothing = np.zeros((3, 3), np.uint8)
    table, pixels = banded((nothing, nothing, None), 2)
    assert len(table) == 0
    assert (pixels == -1).all()
