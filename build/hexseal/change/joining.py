"""Join the parts of patches that blocks and units have cut: whole numbers, in any order."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from hexseal.change.features import COLUMNS, GREATEST, LEAST, SUMS
from hexseal.change.patches import PatchTable, commonest
from hexseal.change.states import WHOLE
from hexseal.types import Integers

# Steps (rows, columns) to the 8-connected neighbours that come later in raster order.
LATER = ((0, 1), (1, -1), (1, 0), (1, 1))


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Parts of patches: a column of each of ``features.COLUMNS``, their classes and borders.

    ``origins`` has rows (part, class that is not Sealed, pixels), ``border`` rows (row, column,
    direction, part) of the pixels along the sides of blocks.
    """

    columns: dict[str, Integers]
    origins: Integers
    border: Integers

    @staticmethod
    def joined(units: "Sequence[Parts]") -> "Parts":
        """Return the parts of several units as one list, numbered on from unit to unit."""
        starts = np.cumsum([0, *(len(unit) for unit in units)]).tolist()
        origins, border = [np.empty((0, 3), np.int64)], [np.empty((0, 4), np.int64)]
        for unit, start in zip(units, starts, strict=False):
            origins.append(unit.origins + np.array([start, 0, 0]))
            border.append(unit.border + np.array([0, 0, 0, start]))
        none = np.empty(0, np.int64)
        columns = {
            name: np.concatenate([none, *(unit.columns[name] for unit in units)])
            for name in COLUMNS
        }
        return Parts(columns, np.concatenate(origins), np.concatenate(border))

    def __len__(self) -> int:
        return len(self.columns["pixels"])


def join_parts(parts: Parts, width: int) -> tuple[Integers, PatchTable]:
    """Return the patch of each part and all patches, in the raster order of their first pixels.

    ``width`` is the region's number of columns.
    """
    joined = _components(_touching(parts.border, width), len(parts))
    patches = int(joined.max(initial=-1)) + 1
    first = np.full(patches, np.iinfo(np.int64).max)
    np.minimum.at(first, joined, parts.columns["first"])
    rank = np.empty(patches, np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(patches)
    patch = rank[joined]
    return patch, patch_table(parts, patch, patches)


def _touching(border: Integers, width: int) -> Integers:
    """Return pairs of parts, shape (n, 2), of which pixels of one direction touch."""
    row, column, direction, part = border.T
    key = row * (width + 2) + column + 1
    order = np.argsort(key, kind="stable")
    key, direction, part = key[order], direction[order], part[order]
    pairs = [np.empty((0, 2), np.int64)]
    for down, across in LATER:
        wanted = key + down * (width + 2) + across
        at = np.searchsorted(key, wanted)
        found = at < len(key)
        found[found] = key[at[found]] == wanted[found]
        one, other = np.flatnonzero(found), at[found]
        alike = (direction[one] == direction[other]) & (part[one] != part[other])
        pairs.append(np.column_stack([part[one[alike]], part[other[alike]]]))
    return np.concatenate(pairs)


def _components(pairs: Integers, count: int) -> Integers:
    """Return the number of the connected group that each of ``count`` parts is in."""
    ones = np.ones(len(pairs), np.int8)
    graph = coo_matrix((ones, (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def patch_table(parts: Parts, patch: Integers, patches: int) -> PatchTable:
    """Return ``patches`` patches with the features of their parts added up.

    ``patch`` is that of each part; every patch has one part at least.
    """
    order = np.argsort(patch, kind="stable")
    starts = np.searchsorted(patch[order], np.arange(patches))
    found: dict[str, Integers] = {}
    for names, joiner in ((SUMS, np.add), (LEAST, np.minimum), (GREATEST, np.maximum)):
        for name in names:
            column = parts.columns[name][order]
            found[name] = joiner.reduceat(column, starts) if patches else column
    part, code, pixels = parts.origins.T
    origin, origin_pixels = commonest(patch[part] * 256 + code, pixels[None])
    sure, count = found["confidence"], found["pixels"]
    return PatchTable(
        direction=np.where(found["gain"] > 0, 1, -1).astype(np.int8),
        pixels=count,
        core=found["core"],
        rim=found["rim"],
        row_min=found["row_min"],
        row_end=found["row_end"],
        column_min=found["column_min"],
        column_end=found["column_end"],
        row_mean=found["row"] / count,
        column_mean=found["column"] / count,
        origin=origin,
        confidence=np.where(sure < 0, np.nan, sure / count),
        score=found["score"] / WHOLE,
        confident=found["confident"],
        compact=found["compact"],
        sides=found["sides"],
        contact=found["contact"],
        origin_pixels=origin_pixels,
    )
