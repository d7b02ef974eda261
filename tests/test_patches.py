"""Patches of change: the same whatever the bands, the same as labelling the whole at once."""

import numpy as np
import pytest
from oracles import label_patches
from scipy import ndimage

from hexseal.change.patches import (
    GAIN,
    LOSS,
    OTHER,
    STABLE_SEALED,
    ChangeBand,
    ChangePixels,
    PatchTable,
)

EIGHT = np.ones((3, 3))
Made = tuple[np.ndarray, np.ndarray, np.ndarray]


def noisy(seed: int, shape: tuple[int, int] = (37, 41)) -> Made:
    """Codes, partner classes and weights at random, with blobs that reach across bands."""
    rng = np.random.default_rng(seed)
    blobs = ndimage.gaussian_filter(rng.standard_normal(shape), 1.2)
    codes = np.full(shape, OTHER, np.uint8)
    codes[blobs > 0.15] = GAIN
    codes[blobs < -0.15] = LOSS
    codes[rng.random(shape) < 0.05] = STABLE_SEALED
    weights = rng.integers(0, 10_001, shape).astype(np.uint16)
    return codes, rng.integers(2, 8, shape).astype(np.uint8), weights


def labelled(made: Made, step: int) -> tuple[PatchTable, ChangePixels]:
    codes, partner, weights = made
    return label_patches(
        ChangeBand(
            row,
            codes[row : row + step],
            partner[row : row + step],
            weights[row : row + step],
            (weights[row : row + step] // 100).astype(np.uint8),
        )
        for row in range(0, len(codes), step)
    )


def label(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """Number the 8-connected patches of a mask from 1."""
    labels = np.zeros(mask.shape, np.int32)
    ndimage.label(mask, EIGHT, output=labels)
    return labels, int(labels.max())


def slow_patches(made: Made) -> list[tuple]:
    """Label gains and losses of the whole array; sum each patch's evidence pixel by pixel."""
    codes, partner, weights = made
    found = []
    for code, direction in zip((GAIN, LOSS), (1, -1), strict=True):
        labels, count = label(codes == code)
        core = ndimage.binary_erosion(codes == code, EIGHT)
        rim = ndimage.binary_dilation(codes == STABLE_SEALED, EIGHT)
        for number in range(1, count + 1):
            pixels = [tuple(map(int, place)) for place in np.argwhere(labels == number)]
            classes = [int(partner[place]) for place in pixels]
            score = sum(int(weights[place]) * (6 if core[place] else 1) for place in pixels)
            found.append(
                (
                    pixels[0],
                    direction,
                    len(pixels),
                    sum(bool(core[place]) for place in pixels),
                    sum(bool(rim[place]) for place in pixels),
                    min(sorted(set(classes)), key=lambda c: -classes.count(c)),
                    round(score / 10_000, 6),
                    round(sum(row for row, _ in pixels) / len(pixels), 9),
                )
            )
    return sorted(found)


@pytest.mark.parametrize("seed", range(6))
def test_patches_are_those_of_a_slow_labelling(seed: int) -> None:
    made = noisy(seed)
    table, pixels = labelled(made, 8)
    first: dict[int, tuple[int, int]] = {}
    for row, column, patch in zip(pixels.row, pixels.column, pixels.patch, strict=True):
        first.setdefault(int(patch), (int(row), int(column)))
    found = [
        (
            first[number],
            int(table.direction[number]),
            int(table.pixels[number]),
            int(table.core[number]),
            int(table.rim[number]),
            int(table.origin[number]),
            round(float(table.score[number]), 6),
            round(float(table.row_mean[number]), 9),
        )
        for number in range(len(table))
    ]
    assert found == slow_patches(made)
    assert [first[n] for n in range(len(table))] == sorted(first.values())


@pytest.mark.parametrize("step", [1, 2, 5, 36, 37, 100])
def test_bands_leave_no_seam(step: int) -> None:
    made = noisy(7)
    whole, pixels = labelled(made, 37)
    table, others = labelled(made, step)
    for name in PatchTable.__slots__:
        np.testing.assert_array_equal(getattr(table, name), getattr(whole, name), err_msg=name)
    for name in ChangePixels.__slots__:
        np.testing.assert_array_equal(getattr(others, name), getattr(pixels, name), err_msg=name)


def test_corners_join_and_gain_does_not_join_loss() -> None:
    codes = np.array([[GAIN, OTHER, LOSS], [OTHER, GAIN, LOSS]], np.uint8)
    table, pixels = label_patches([ChangeBand(0, codes, np.full((2, 3), 6, np.uint8))])
    assert table.direction.tolist() == [1, -1]
    assert table.pixels.tolist() == [2, 2]
    assert table.score.tolist() == [2.0, 2.0]
    assert pixels.patch.tolist() == [0, 1, 0, 1]
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
        bands = [
            ChangeBand(row, codes[row : row + step], codes[row : row + step])
            for row in range(0, 9, step)
        ]
        assert len(label_patches(bands)[0]) == 1


def test_nothing_changed() -> None:
    nothing = np.zeros((3, 3), np.uint8)
    table, pixels = label_patches([ChangeBand(0, nothing, nothing)])
    assert len(table) == 0
    assert len(pixels.row) == 0
