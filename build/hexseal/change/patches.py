"""Patches of gain and of loss over a whole region, from bands of rows, without seams.

A patch is a set of 8-connected pixels that changed alike. Its score adds up evidence:

    score = sum over its pixels of (1 + 5 if core) x weight

``core`` pixels lie at least 2 pixels from the patch's edge (all 8 neighbours changed alike);
``weight`` is the product of the confidences (0 to 1) of the dates that have such a layer, else 1.
Nothing in it depends on the order of the two dates, so gains and losses made by noise alone score
alike: that is why losses serve as decoys for gains (``decoys``).
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hexseal.change.states import WHOLE
from hexseal.types import Bytes, Doubles, Flags, Integers

# What a pixel is between two dates. GAIN and LOSS form patches of their own.
OTHER, GAIN, LOSS, STABLE_SEALED = 0, 1, 2, 3


@njit(cache=True)
def find_root(parents: Integers, label: int) -> int:
    """Return the smallest label that ``label`` was joined with; shorten the way to it."""
    root = label
    while parents[root] != root:
        root = parents[root]
    while parents[label] != root:
        parents[label], label = root, parents[label]
    return root


@njit(cache=True)
def find_roots(parents: Integers, known: int) -> Integers:
    """Return the root of each of the first ``known`` labels."""
    roots = np.empty(known, np.int64)
    for label in range(known):
        roots[label] = find_root(parents, label)
    return roots


@njit(cache=True)
def _join(parents: Integers, one: int, other: int) -> None:
    first, second = find_root(parents, one), find_root(parents, other)
    if first < second:
        parents[second] = first
    else:
        parents[first] = second


@njit(cache=True)
def scan_rows(
    codes: Bytes, above: Integers, parents: Integers, known: int
) -> tuple[Integers, Integers, Integers, Bytes, Flags, Bytes, Bytes, Integers, int]:
    """Label the inner rows of ``codes``, which has a margin of one pixel on every side.

    ``above`` holds the labels of row 0 (-1: none), ``parents`` room for every new label after
    the ``known`` ones. Returns row, column (both without margin), label, how many of the 3 x 3
    pixels around change alike (9: core), whether the pixel is rim (an 8-neighbour is sealed at
    both dates), its sides (of 4) that end the patch, those of them that touch what was sealed
    when the patch was not, the labels of the last inner row, and how many labels are known.
    """
    height, width = codes.shape
    count = 0
    for row in range(1, height - 1):
        for column in range(1, width - 1):
            if codes[row, column] == GAIN or codes[row, column] == LOSS:
                count += 1
    rows, columns = np.empty(count, np.int64), np.empty(count, np.int64)
    labels = np.empty(count, np.int64)
    around, rim = np.empty(count, np.uint8), np.empty(count, np.bool_)
    sides, contact = np.zeros(count, np.uint8), np.zeros(count, np.uint8)
    upper, lower = above.copy(), np.full(width, -1, np.int64)
    place = 0
    for row in range(1, height - 1):
        lower[:] = -1
        for column in range(1, width - 1):
            code = codes[row, column]
            if code != GAIN and code != LOSS:
                continue
            label = -1
            for dy, dx in ((-1, -1), (-1, 0), (-1, 1), (0, -1)):
                if codes[row + dy, column + dx] != code:
                    continue
                near = upper[column + dx] if dy else lower[column + dx]
                if label < 0:
                    label = find_root(parents, near)
                else:
                    _join(parents, label, near)
            if label < 0:
                label = known
                parents[label] = label
                known += 1
            lower[column] = label
            alike, sealed = 0, 0
            for dy in range(-1, 2):
                for dx in range(-1, 2):
                    alike += codes[row + dy, column + dx] == code
                    sealed += codes[row + dy, column + dx] == STABLE_SEALED
            rows[place], columns[place], labels[place] = row - 1, column - 1, label
            around[place], rim[place] = alike, sealed > 0
            for dy, dx in ((-1, 0), (0, -1), (0, 1), (1, 0)):
                beside = codes[row + dy, column + dx]
                if beside != code:
                    sides[place] += 1
                    contact[place] += beside != OTHER
            place += 1
        upper, lower = lower, upper
    return rows, columns, labels, around, rim, sides, contact, upper, known


CORE_BONUS = 5
# A pixel counts as securely new where both maps are so confident, or, where confidence is not
# used, where so many of the 3 x 3 pixels around it changed alike.
SECURE_CONFIDENCE, SECURE_AROUND = 30, 5
CONFIDENT, COMPACT = 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class ChangeBand:
    """Rows ``row`` onwards of a region, over its full width; bands follow each other.

    ``codes`` hold what each pixel is (GAIN, LOSS, STABLE_SEALED, OTHER); ``partner`` is the class
    that is not Sealed: before a gain, after a loss. ``weight`` is 0 to 10 000, ``confidence`` the
    lower of the two dates' (0 to 100); both are None where no date has a confidence layer.
    """

    row: int
    codes: Bytes
    partner: Bytes
    weight: NDArray[np.uint16] | None = None
    confidence: Bytes | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ChangePixels:
    """Pixels of change in raster order and the patch that each belongs to.

    ``partner`` is the class that is not Sealed; ``secure`` holds the bits CONFIDENT and COMPACT
    of pixels that are unlikely to be an error along a true patch's edge. While bands are still
    being added ``patch`` is a provisional label: see PatchBuilder.
    """

    row: Integers
    column: Integers
    patch: Integers
    partner: Bytes
    secure: Bytes


@dataclass(frozen=True, slots=True, eq=False)
class PatchTable:
    """One row per patch, in the raster order of their first pixels; the row number is its id.

    ``direction`` is +1 for gain and -1 for loss, ``rim`` counts pixels that touch what is sealed
    at both dates, ``origin`` is the class that most of the pixels had when not sealed (the
    lowest code of equals). Rows and columns are of pixels: ``row_min <= row < row_end``;
    ``row_mean`` is the centroid, 0 being the centre of pixel 0. ``confidence`` is the mean of
    the lower date, NaN without a layer. ``confident`` and ``compact`` count secure pixels of
    either kind, ``sides`` the pixel sides of the outline, ``contact`` those that touch what was
    sealed when the patch was not, ``origin_pixels`` the pixels of class ``origin``.
    """

    direction: NDArray[np.int8]
    pixels: Integers
    core: Integers
    rim: Integers
    row_min: Integers
    row_end: Integers
    column_min: Integers
    column_end: Integers
    row_mean: Doubles
    column_mean: Doubles
    origin: Bytes
    confidence: Doubles
    score: Doubles
    confident: Integers
    compact: Integers
    sides: Integers
    contact: Integers
    origin_pixels: Integers

    def __len__(self) -> int:
        return len(self.pixels)

    def chosen(self, places: Integers) -> "PatchTable":
        """Return some of the patches, in the order of ``places``."""
        return PatchTable(*(getattr(self, name)[places] for name in PatchTable.__slots__))

    @property
    def plain_score(self) -> Doubles:
        """Return the score without confidence: area and core alone."""
        return (self.pixels + CORE_BONUS * self.core).astype(np.float64)


class Patches(Protocol):
    """What judging asks of patches, whether they are held (PatchTable) or read (StoredPatches)."""

    def __len__(self) -> int: ...

    @property
    def direction(self) -> NDArray[np.int8]:
        """Return +1 for gains and -1 for losses."""
        ...

    @property
    def pixels(self) -> NDArray[np.int32] | Integers:
        """Return the pixels of each."""
        ...

    @property
    def core(self) -> NDArray[np.int32] | Integers:
        """Return the core pixels of each."""
        ...

    @property
    def score(self) -> Doubles:
        """Return the score of each, weighted by confidence."""
        ...

    @property
    def plain_score(self) -> Doubles:
        """Return the score without confidence: area and core alone."""
        ...

    @property
    def row_mean(self) -> Doubles:
        """Return the mean row of each."""
        ...

    @property
    def column_mean(self) -> Doubles:
        """Return the mean column of each."""
        ...

    @property
    def confident(self) -> NDArray[np.int32] | Integers:
        """Return the pixels of each that are secure by confidence."""
        ...

    @property
    def compact(self) -> NDArray[np.int32] | Integers:
        """Return the pixels of each that are secure by their neighbours."""
        ...

    def chosen(self, places: Integers) -> PatchTable:
        """Return some of the patches with all their features, in the order of ``places``."""
        ...


class PatchBuilder:
    """Join the change of one band after the other into patches.

    Memory grows with the number of patches, not with the region: a band's pixels are handed
    out with provisional labels; ``finish`` returns the patch of every label.
    """

    def __init__(self) -> None:
        self._parents = np.empty(1024, np.int64)
        self._known = 0
        self._above: Integers | None = None
        self._held: ChangeBand | None = None
        self._last_codes: Bytes | None = None
        self._sums: list[tuple[Integers, Integers]] = []
        self._spans: list[tuple[Integers, Integers]] = []
        self._classes: list[tuple[Integers, Integers]] = []

    def add(self, band: ChangeBand) -> ChangePixels:
        """Take the next band; return the pixels that it settles (its last row comes later)."""
        if self._held is None:
            self._held = band
            return _no_pixels()
        assert band.row == self._held.row + len(self._held.codes), "bands follow each other"
        ready, self._held = self._held, band
        return self._scan(ready, band.codes[:1])

    def finish(self) -> tuple[ChangePixels, Integers, PatchTable]:
        """Return the last pixels, the patch id of every provisional label, and all patches."""
        pixels = _no_pixels()
        if self._held is not None:
            nothing = np.full((1, self._held.codes.shape[1]), OTHER, np.uint8)
            pixels = self._scan(self._held, nothing)
            self._held = None
        _, patch = np.unique(find_roots(self._parents, self._known), return_inverse=True)
        return pixels, patch, self._table(patch)

    def _scan(self, band: ChangeBand, below: Bytes) -> ChangePixels:
        width = band.codes.shape[1]
        above, labels_above = self._last_codes, self._above
        if above is None or labels_above is None:
            above = np.full((1, width), OTHER, np.uint8)
            labels_above = np.full(width + 2, -1, np.int64)
        codes = np.pad(np.vstack([above, band.codes, below]), ((0, 0), (1, 1)))
        self._make_room(int(((band.codes == GAIN) | (band.codes == LOSS)).sum()))
        scanned = scan_rows(codes, labels_above, self._parents, self._known)
        rows, columns, labels, around, rim, sides, contact, self._above, self._known = scanned
        self._last_codes = band.codes[-1:].copy()
        secure = _secure(band, (rows, columns), around)
        if len(labels):
            near = (around, rim, sides, contact, secure)
            self._collect(band, (rows, columns), labels, near)
        partner = band.partner[rows, columns]
        return ChangePixels(rows + band.row, columns, labels, partner, secure)

    def _make_room(self, more: int) -> None:
        if self._known + more > len(self._parents):
            room = np.empty(2 * (self._known + more), np.int64)
            room[: self._known] = self._parents[: self._known]
            self._parents = room

    def _collect(
        self,
        band: ChangeBand,
        yx: tuple[Integers, Integers],
        labels: Integers,
        near: tuple[Bytes, Flags, Bytes, Bytes, Bytes],
    ) -> None:
        around, rim, sides, contact, secure = near
        core = around == 9
        row, column = yx[0] + band.row, yx[1]
        gain = band.codes[yx] == GAIN
        ones = np.ones(len(labels), np.int64)
        weight = ones * WHOLE if band.weight is None else band.weight[yx].astype(np.int64)
        sure = -ones if band.confidence is None else band.confidence[yx].astype(np.int64)
        score = weight * (1 + CORE_BONUS * core)
        flags = [secure & CONFIDENT > 0, secure & COMPACT > 0]
        each = np.stack(
            [ones, gain, core, rim, row, column, sure, score, *flags, sides, contact]
        ).astype(np.int64)
        self._sums.append(_added(labels, each))
        span = np.stack([-row, row + 1, -column, column + 1])
        self._spans.append(_greatest(labels, span))
        self._classes.append(_added(labels * 256 + band.partner[yx], ones[None]))

    def _table(self, patch: Integers) -> PatchTable:
        if not self._sums:
            return _empty_table()
        label, each = _stacked(self._sums)
        pixels, gain, core, rim, row, column, sure, score, *more = _added(patch[label], each)[1]
        label, spans = _stacked(self._spans)
        top, bottom, left, right = _greatest(patch[label], spans)[1]
        key, counts = _stacked(self._classes)
        origin, origin_pixels = commonest(patch[key // 256] * 256 + key % 256, counts)
        confident, compact, sides, contact = more
        return PatchTable(
            direction=np.where(gain > 0, 1, -1).astype(np.int8),
            pixels=pixels,
            core=core,
            rim=rim,
            row_min=-top,
            row_end=bottom,
            column_min=-left,
            column_end=right,
            row_mean=row / pixels,
            column_mean=column / pixels,
            origin=origin,
            confidence=np.where(sure < 0, np.nan, sure / pixels),
            score=score / WHOLE,
            confident=confident,
            compact=compact,
            sides=sides,
            contact=contact,
            origin_pixels=origin_pixels,
        )


def _secure(band: ChangeBand, yx: tuple[Integers, Integers], around: Bytes) -> Bytes:
    """Return the bits CONFIDENT and COMPACT of the pixels at ``yx``."""
    secure = np.where(around >= SECURE_AROUND, COMPACT, 0).astype(np.uint8)
    if band.confidence is not None:
        secure[band.confidence[yx] >= SECURE_CONFIDENCE] |= CONFIDENT
    return secure


def _added(keys: Integers, values: Integers) -> tuple[Integers, Integers]:
    """Return the distinct keys, ascending, and the sums of each row of ``values`` per key."""
    order = np.argsort(keys, kind="stable")
    unique, first = np.unique(keys[order], return_index=True)
    return unique, np.add.reduceat(values[:, order], first, axis=1)


def _greatest(keys: Integers, values: Integers) -> tuple[Integers, Integers]:
    order = np.argsort(keys, kind="stable")
    unique, first = np.unique(keys[order], return_index=True)
    return unique, np.maximum.reduceat(values[:, order], first, axis=1)


def _stacked(parts: list[tuple[Integers, Integers]]) -> tuple[Integers, Integers]:
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts], axis=1)


def commonest(keys: Integers, counts: Integers) -> tuple[Bytes, Integers]:
    """Return the most frequent low byte of ``keys`` for each high part, and how often it occurs.

    High parts run from 0.
    """
    unique, total = _added(keys, counts)
    owner, code = np.divmod(unique, 256)
    order = np.lexsort((code, -total[0], owner))
    _, first = np.unique(owner[order], return_index=True)
    best = order[first]
    return code[best].astype(np.uint8), total[0][best]


def _no_pixels() -> ChangePixels:
    none = np.empty(0, np.int64)
    return ChangePixels(none, none, none, np.empty(0, np.uint8), np.empty(0, np.uint8))


def _empty_table() -> PatchTable:
    whole, real = np.empty(0, np.int64), np.empty(0)
    return PatchTable(
        direction=np.empty(0, np.int8),
        pixels=whole,
        core=whole,
        rim=whole,
        row_min=whole,
        row_end=whole,
        column_min=whole,
        column_end=whole,
        row_mean=real,
        column_mean=real,
        origin=np.empty(0, np.uint8),
        confidence=real,
        score=real,
        confident=whole,
        compact=whole,
        sides=whole,
        contact=whole,
        origin_pixels=whole,
    )
