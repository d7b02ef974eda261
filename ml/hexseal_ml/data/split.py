"""Splits by spatial blocks: a random tile beside its neighbour is no independent test.

Every place belongs to one square block; a hash of seed, group and block decides the block's role,
so that the same ground has one role in every year and on every run. Training keeps a buffer from
blocks of other roles, since neighbouring pixels are alike (Roberts et al. 2017).
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from hexseal.types import Bytes

TRAIN, VALIDATION, TEST, BUFFER = 0, 1, 2, 3
ROLES = {"train": TRAIN, "validation": VALIDATION, "test": TEST}


@dataclass(frozen=True, slots=True)
class SplitOptions:
    """Sides of blocks and width of the buffer in metres; shares of blocks to hold out."""

    block_m: float = 2000.0
    buffer_m: float = 200.0
    validation: float = 0.15
    test: float = 0.0
    seed: int = 0


def block_role(options: SplitOptions, group: str, column: int, row: int) -> int:
    """Return the role of one block of a group of images that share a coordinate system.

    >>> block_role(SplitOptions(validation=1.0), "a", 3, 4) == VALIDATION
    True
    """
    key = f"{options.seed}|{group}|{column}|{row}".encode()
    draw = int.from_bytes(hashlib.sha256(key).digest()[:8], "big") / 2**64
    if draw < options.validation:
        return VALIDATION
    return TEST if draw < options.validation + options.test else TRAIN


def role_map(
    options: SplitOptions,
    group: str,
    origin: tuple[float, float],
    shape: tuple[int, int],
    pixel_m: float,
) -> Bytes:
    """Return the role of each pixel (rows, cols); ``origin`` is the upper left corner (x, y)."""
    margin = int(np.ceil(options.buffer_m / pixel_m))
    rows = np.arange(-margin, shape[0] + margin)
    columns = np.arange(-margin, shape[1] + margin)
    down = np.floor((origin[1] - (rows + 0.5) * pixel_m) / options.block_m).astype(int)
    across = np.floor((origin[0] + (columns + 0.5) * pixel_m) / options.block_m).astype(int)
    first_row, first_column = down.min(), across.min()
    table = np.array(
        [
            [
                block_role(options, group, column, row)
                for column in range(first_column, across.max() + 1)
            ]
            for row in range(first_row, down.max() + 1)
        ],
        np.uint8,
    )
    roles = table[np.ix_(down - first_row, across - first_column)]
    near = ndimage.maximum_filter((roles != TRAIN).astype(np.uint8), size=2 * margin + 1)
    roles[(near == 1) & (roles == TRAIN)] = BUFFER
    return roles[margin : margin + shape[0], margin : margin + shape[1]]
