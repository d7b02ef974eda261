"""Join the parts of patches that blocks and units have cut: whole numbers, in any order.

Only parts with a pixel along the side of a block can go on in another one; nearly all patches are
one part. So patches are numbered first, and what is known of them is read when it is asked for:
memory holds a few numbers of each patch, never all of its features.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from hexseal.change.features import COLUMNS, GREATEST, LEAST, SUMS
from hexseal.change.patches import CORE_BONUS, PatchTable, commonest
from hexseal.change.states import WHOLE
from hexseal.types import Doubles, Flags, Integers

# Steps (rows, columns) to the 8-connected neighbours that come later in raster order.
LATER = ((0, 1), (1, -1), (1, 0), (1, 1))
# Rows that are held at a time of a table of which few are wanted.
BATCH = 250_000
Numbers = NDArray[np.int32] | Integers


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
    found = number_patches(parts.columns["first"], parts.border, width)
    patch = found.patch.astype(np.int64)
    return patch, patch_table(parts, patch, found.patches)


@dataclass(frozen=True, slots=True, eq=False)
class Numbering:
    """The patch of each part, in the raster order of the patches' first pixels, and how many.

    ``shared`` are the parts, ascending, of patches that have several.
    """

    patch: NDArray[np.int32]
    patches: int
    shared: Integers


def number_patches(first: Integers, border: Integers, width: int) -> Numbering:
    """Number the patches of parts; ``first`` are the parts' first pixels in raster order.

    ``border`` has rows (row, column, direction, part), ``width`` is the region's number of columns.
    """
    pairs = _touching(border, width)
    shared, ends = np.unique(pairs, return_inverse=True)
    group = _components(ends.reshape(-1, 2), len(shared))
    # Of each patch the part that comes first stands for it.
    order = np.lexsort((first[shared], group))
    _, leads = np.unique(group[order], return_index=True)
    leader = shared[order][leads]
    leads_itself = np.ones(len(first), np.bool_)
    leads_itself[shared] = False
    leads_itself[leader] = True
    leaders = np.flatnonzero(leads_itself)
    patch = np.empty(len(first), np.int32)
    patch[leaders[np.argsort(first[leaders], kind="stable")]] = np.arange(
        len(leaders), dtype=np.int32
    )
    patch[shared] = patch[leader][group]
    return Numbering(patch, len(leaders), shared)


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
    origin, origin_pixels = commonest(patch[part] * 256 + code, pixels)
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


@dataclass(frozen=True, slots=True)
class PartFiles:
    """The Parquet files of one unit that hold what Parts holds, for one pair of years."""

    patches: Path
    origins: Path
    border: Path


class StoredPatches:
    """All patches of a pair, read from the units' files when something is asked of them.

    What judging needs again and again is kept. See PatchTable
    for what each attribute means; ``patch`` is the patch of each part, ``starts`` the number of
    the first part of each unit.
    """

    def __init__(self, units: Sequence[PartFiles], width: int) -> None:
        self._units = tuple(units)
        counts = [pq.read_metadata(unit.patches).num_rows for unit in units]
        self.starts: Integers = np.cumsum([0, *counts])
        borders = [np.empty((0, 4), np.int64)]
        for unit, start in zip(self._units, self.starts.tolist(), strict=False):
            columns = [column.to_numpy() for column in pq.read_table(unit.border).columns]
            borders.append(np.column_stack(columns) + np.array([0, 0, 0, start]))
        first = np.empty(int(self.starts[-1]), np.int64)
        for place, values in self._parts("first"):
            first[place] = values
        found = number_patches(first, np.concatenate(borders), width)
        self.patch, self._count, self._shared = found.patch, found.patches, found.shared
        self._kept: dict[str, Numbers] = {}
        self._direction: NDArray[np.int8] | None = None

    def __len__(self) -> int:
        return self._count

    @property
    def direction(self) -> NDArray[np.int8]:
        """Return +1 for gains and -1 for losses."""
        # Of a gain every pixel is gained, of a loss none.
        if self._direction is None:
            self._direction = np.full(len(self), -1, np.int8)
            for place, values in self._parts("gain"):
                self._direction[self.patch[place][values > 0]] = 1
        return self._direction

    @property
    def pixels(self) -> Numbers:
        """Return the pixels of each patch."""
        return self._held("pixels")

    @property
    def core(self) -> Numbers:
        """Return the core pixels of each patch."""
        return self._held("core")

    @property
    def score(self) -> Doubles:
        """Return the score of each patch, weighted by confidence."""
        return self._held("score") / WHOLE

    @property
    def plain_score(self) -> Doubles:
        """Return the score without confidence: area and core alone."""
        found = self.core * np.float64(CORE_BONUS)
        found += self.pixels
        return found

    @property
    def row_mean(self) -> Doubles:
        """Return the mean row of each patch."""
        return self._summed("row") / self.pixels

    @property
    def column_mean(self) -> Doubles:
        """Return the mean column of each patch."""
        return self._summed("column") / self.pixels

    @property
    def confident(self) -> Numbers:
        """Return the pixels of each patch that are secure by confidence."""
        return self._summed("confident")

    @property
    def compact(self) -> Numbers:
        """Return the pixels of each patch that are secure by their neighbours."""
        return self._summed("compact")

    def outermost(self, height: int, width: int) -> Integers:
        """Return the patches with a pixel in an outermost row or column of the region."""
        found = np.zeros(len(self), np.bool_)
        for name, limit in (
            ("row_min", 0), ("row_end", height), ("column_min", 0), ("column_end", width),
        ):  # fmt: skip
            for place, values in self._parts(name):
                found[self.patch[place][values == limit]] = True
        return np.flatnonzero(found)

    def chosen(self, places: Integers) -> PatchTable:
        """Return some of the patches with all their features, in the order of ``places``."""
        wanted = np.full(len(self), -1, np.int32)
        wanted[places] = np.arange(len(places), dtype=np.int32)
        parts = np.flatnonzero(wanted[self.patch] >= 0)
        columns = {name: np.empty(len(parts), np.int64) for name in COLUMNS}
        for name, column in columns.items():
            for place, values in self._parts(name):
                low, high = np.searchsorted(parts, (place.start, place.stop))
                column[low:high] = values[parts[low:high] - place.start]
        origins = [np.empty((0, 3), np.int64)]
        for unit, start in zip(self._units, self.starts.tolist(), strict=False):
            for batch in batches(unit.origins):
                rows = np.column_stack([column.to_numpy() for column in batch.columns])
                part = rows[:, 0] + start
                mine = wanted[self.patch[part]] >= 0
                rows = rows[mine]
                rows[:, 0] = np.searchsorted(parts, part[mine])
                origins.append(rows)
        pa.default_memory_pool().release_unused()
        owner = wanted[self.patch[parts]].astype(np.int64)
        found = Parts(columns, np.concatenate(origins), np.empty((0, 4), np.int64))
        return patch_table(found, owner, len(places))

    def forget(self) -> None:
        """Let go of what is kept; it is read again where it is asked for."""
        self._kept.clear()
        self._direction = None
        pa.default_memory_pool().release_unused()

    def _parts(self, name: str) -> Iterator[tuple[slice, Integers]]:
        """Yield a column of the parts piece by piece, with the places of these parts."""
        for unit, start in zip(self._units, self.starts.tolist(), strict=False):
            for batch in batches(unit.patches, name):
                yield slice(start, start + batch.num_rows), batch.columns[0].to_numpy()
                start += batch.num_rows

    def _held(self, name: str) -> Numbers:
        if name not in self._kept:
            self._kept[name] = self._summed(name)
        return self._kept[name]

    def _summed(self, name: str) -> Numbers:
        """Return a column of all patches that adds up; four bytes for each where they suffice."""
        found = np.zeros(len(self), np.int64)
        for place, values in self._parts(name):
            alone = self._alone(place)
            found[self.patch[place][alone]] = values[alone]
            shared = ~alone
            np.add.at(found, self.patch[place][shared], values[shared])
        return narrow(found)

    def _alone(self, place: slice) -> Flags:
        """Return which of some parts are whole patches."""
        alone = np.ones(place.stop - place.start, np.bool_)
        low, high = np.searchsorted(self._shared, (place.start, place.stop))
        alone[self._shared[low:high] - place.start] = False
        return alone


def batches(path: Path, *columns: str) -> Iterator[pa.Table]:
    """Yield the rows of a unit's file piece by piece; without names, all of its columns."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(BATCH, columns=list(columns) or None):
            yield pa.Table.from_batches([batch])


def narrow(values: Integers) -> Numbers:
    """Return whole numbers of 0 and more in four bytes each where they fit."""
    return values.astype(np.int32) if values.max(initial=0) <= np.iinfo(np.int32).max else values
