"""One block of a region, read once: counts by joint class, change of every pair, evidence.

All that a block yields adds up: whole numbers, patches with what lies along the block's border,
and rows of changed pixels by owner and patch. So a region may be cut into blocks in any way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numba
import numpy as np

from hexseal.change.codes import (
    UNCOUNTED,
    CodeTable,
    EdgeCodes,
    Own,
    Sealed,
    code_pixels,
    sealed_bits,
)
from hexseal.change.features import PairPlanes, PatchParts, measure_patches
from hexseal.change.grading import DoubtfulPlaces
from hexseal.change.states import GAIN_REASONS, LOSS_REASONS, MOST, NO_DATA, State
from hexseal.check.census import Census, census_of, histogram
from hexseal.counting.grouping import grouped
from hexseal.counting.scanline import Marked
from hexseal.counting.tally import (
    CodeCounts,
    Holders,
    Tally,
    WindowCounter,
    nominal_mm2,
    pixel_areas,
)
from hexseal.products import Product
from hexseal.raster.confidence import contrast_sums
from hexseal.raster.grid import Grid, Window
from hexseal.raster.joint import (
    MOST_CODES,
    ClassJoiner,
    TooManyCodesError,
    class_table,
    sealed_masks,
)
from hexseal.raster.registration import BlockPlace, EdgeSums, edge_sums
from hexseal.raster.runs import GAIN, OTHER, STABLE_SEALED, Runs, find_runs, pixels_of
from hexseal.region.noise import Noise
from hexseal.types import Bytes, Flags, Int16s, Integers, UInt16s

CORRECTED = 1
# Pixels around a block that are read with it: the tests of the maps look so far.
HALO = 16
STATE_COUNT = 32


@dataclass(frozen=True, slots=True)
class PairPlan:
    """Places of a pair's years among those of the region, and of the years around them.

    ``earlier`` and ``later`` are None where no such year can contradict the pair.
    """

    first: int
    second: int
    earlier: int | None = None
    later: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """Equally shaped layers of a block with its neighbours, one entry for each year.

    ``confidence`` and ``repaired`` (post-processing) are None for years without such a layer.
    """

    classes: tuple[Bytes, ...]
    confidence: tuple[Bytes | None, ...]
    repaired: tuple[Bytes | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Counts by owner and some columns of small numbers: row i adds ``pixels[i]`` to its owner.

    Nothing adds to a row that is ``whole``.
    """

    owner: np.ndarray
    columns: Integers
    pixels: Integers
    area_mm2: Integers
    whole: Flags

    def chosen(self, places: Integers) -> "Rows":
        """Return some of the rows."""
        return Rows(*(getattr(self, name)[places] for name in Rows.__slots__))


@dataclass(frozen=True, slots=True, eq=False)
class PairFindings:
    """What one block shows of a pair of years.

    ``parts`` is its table of patches (``features.COLUMNS``). ``origins`` has rows (label, class,
    pixels), ``runs`` rows (row, start, stop, label), ``border`` rows (row, column, direction,
    label) of the pixels along the block's sides; rows and columns are of the region. ``states``
    counts changed pixels by what a filter made of them. ``still`` are counts by CONDITION of
    pixels that did not change, ``changed`` by CHANGE of those that did; each for cells and areas.
    """

    parts: Integers
    origins: Integers
    runs: Integers
    border: Integers
    states: Integers
    edges: EdgeSums
    contrast: Integers
    still: tuple[Rows, ...]
    changed: tuple[Rows, ...]


CONDITION = ("state", "edge_before", "edge_after", "doubtful")
CHANGE = ("label", "state", "edge_before", "edge_after", "doubtful", "secure", "partner")


@dataclass(frozen=True, slots=True, eq=False)
class BlockFindings:
    """Counts of a block by joint class, for cells and areas, and what its pairs of years show.

    The one column of ``counts`` is a row of ``classes``, which are those of the years.
    """

    classes: Bytes
    counts: tuple[Rows, ...]
    pairs: tuple[PairFindings, ...]
    census: "BlockCensus | None" = None


@dataclass(frozen=True, slots=True, eq=False)
class BlockCensus:
    """What the checks of the inputs look at; rows and columns are of the region.

    ``confidence`` and ``repaired`` count the values of each year's layer, None without one.
    """

    codes: Census
    confidence: tuple[Integers | None, ...]
    repaired: tuple[Integers | None, ...]


class BlockJudge:
    """Read blocks of one region; safe to share between threads.

    With ``takes_census`` unknown codes are counted, otherwise they are an error.

    ``doubtful`` holds for each pair where a test fails locally, which is known only when all has
    been read once.
    """

    def __init__(
        self,
        counter: WindowCounter,
        joiner: ClassJoiner,
        product: Product,
        noise: Noise,
        pairs: Sequence[PairPlan],
        doubtful: Sequence[DoubtfulPlaces] = (),
        *,
        takes_census: bool = False,
    ) -> None:
        self.counter, self.joiner, self.product = counter, joiner, product
        self.noise, self.pairs, self.doubtful = noise, pairs, doubtful
        self.classes = class_table(product)
        self.takes_census = takes_census

    @property
    def grid(self) -> Grid:
        """Return the pixel grid of the region."""
        return self.counter.grid

    def judge_parts(self, layers: Layers, own: Own, window: Window) -> list[BlockFindings]:
        """Return what a block shows, in parts where it has too many joint classes to number."""
        try:
            return [self.judge(layers, own, window)]
        except TooManyCodesError:
            parts = [
                self.judge_parts(*_around(layers, part), place)
                for part, place in _halves(own, window)
            ]
            return [block for some in parts for block in some]

    def judge(self, layers: Layers, own: Own, window: Window) -> BlockFindings:
        """Return what the pixels ``own`` of the layers show; they lie at ``window``.

        ``own`` are first and end row, first and end column; what lies around them, 16 pixels where
        the region continues, is read as their neighbours.
        """
        bands, classes, table = self._coding(layers.classes)
        coded, sealed = code_pixels(bands, table, own, MOST_CODES >> len(self.doubtful))
        block = _Block(self, layers, own, window, sealed)
        changes = [_PairChange(block, place, plan) for place, plan in enumerate(self.pairs)]
        marked, numbers = _union([change.pixels for change in changes], window)
        doubts = block.doubts()
        codes = _with_doubts(coded, doubts)
        found = self.counter.count_codes(window, codes, len(coded.joint) << len(doubts), marked)
        census = None
        if self.takes_census:
            census = self._census(layers, own, window, classes, coded, found.cells)
        else:
            self._refuse_unknown(layers, own, classes, coded, found, len(doubts))
        area = pixel_areas(self.grid, window)
        return BlockFindings(
            classes.astype(np.uint8),
            tuple(_by_class(tally, coded, len(doubts)) for tally in (found.cells, found.zones)),
            tuple(
                change.findings(found, coded, doubts, number, area)
                for change, number in zip(changes, numbers, strict=True)
            ),
            census,
        )

    def _coding(
        self, bands: tuple[Bytes, ...]
    ) -> tuple[tuple[Bytes, ...] | tuple[UInt16s], Int16s, CodeTable]:
        """Return bands to code, the joint classes, and the codes of the bands' entries."""
        if len(bands) == 2 and self._two_years is not None:
            return bands, *self._two_years
        joint = self.joiner.join(bands)
        bits = sealed_bits(joint.classes, self._masks(joint.classes))
        return (joint.codes,), joint.classes, CodeTable.of(bits)

    @cached_property
    def _two_years(self) -> tuple[Int16s, CodeTable] | None:
        """Return joint classes and codes of any two codes, None where a table cannot hold them."""
        pairs = self.joiner.pairs()
        if pairs is None:
            return None
        numbers, classes = pairs
        return classes, CodeTable.of(sealed_bits(classes, self._masks(classes))).at(numbers)

    def _census(
        self,
        layers: Layers,
        own: Own,
        window: Window,
        classes: Int16s,
        coded: EdgeCodes,
        cells: Tally,
    ) -> BlockCensus:
        """Return the census of a block; every pixel lies in one cell."""
        top, bottom, left, right = own
        inside = np.s_[top:bottom, left:right]
        pixels = np.zeros(len(classes), np.int64)
        np.add.at(pixels, coded.joint[cells.code], cells.pixels)
        bands = tuple(band[inside] for band in layers.classes)
        pairs = [(plan.first, plan.second) for plan in self.pairs]
        codes = census_of(self.product, pairs, bands, (classes, pixels), window)
        confidence, repaired = (
            tuple(None if band is None else histogram(band[inside], 256) for band in some)
            for some in (layers.confidence, layers.repaired)
        )
        return BlockCensus(codes, confidence, repaired)

    def _masks(self, classes: Int16s) -> list[Flags]:
        """Return what of each joint class is sealed: by year; of densities two masks a pair."""
        if not self.pairs:
            return []
        by_year = classes.T.clip(0).astype(np.uint8)
        if not self.product.is_density:
            return [sealed_masks(self.product, year, year)[0] for year in by_year]
        pairs = [
            sealed_masks(self.product, by_year[plan.first], by_year[plan.second])
            for plan in self.pairs
        ]
        return [mask for pair in pairs for mask in pair]

    def masks_of(self, place: int) -> tuple[int, int]:
        """Return which masks a pair compares."""
        if self.product.is_density:
            return 2 * place, 2 * place + 1
        return self.pairs[place].first, self.pairs[place].second

    def _refuse_unknown(
        self,
        layers: Layers,
        own: Own,
        classes: Int16s,
        coded: EdgeCodes,
        found: CodeCounts,
        doubts: int,
    ) -> None:
        """Raise InputError where a pixel has a class code that the product does not have."""
        seen = np.unique(np.concatenate([found.cells.code, found.zones.code])) >> doubts
        top, bottom, left, right = own
        bands = tuple(band[top:bottom, left:right] for band in layers.classes)
        self.joiner.refuse_unknown(bands, classes[coded.joint[seen]])


def _halves(own: Own, window: Window) -> list[tuple[Own, Window]]:
    """Cut a block in two across its longer side."""
    top, bottom, left, right = own
    row, column, height, width = window.row, window.column, window.height, window.width
    if height >= width:
        half = height // 2
        return [
            ((top, top + half, left, right), Window(row, column, half, width)),
            ((top + half, bottom, left, right), Window(row + half, column, height - half, width)),
        ]
    half = width // 2
    return [
        ((top, bottom, left, left + half), Window(row, column, height, half)),
        ((top, bottom, left + half, right), Window(row, column + half, height, width - half)),
    ]


def _around(layers: Layers, own: Own) -> tuple[Layers, Own]:
    """Return a part of the layers with its neighbours, and where it lies in them."""
    height, width = layers.classes[0].shape
    top, bottom, left, right = own
    low, high = max(0, top - HALO), max(0, left - HALO)
    part = np.s_[low : min(height, bottom + HALO), high : min(width, right + HALO)]
    confidence, repaired = (
        tuple(None if layer is None else np.ascontiguousarray(layer[part]) for layer in some)
        for some in (layers.confidence, layers.repaired)
    )
    classes = tuple(np.ascontiguousarray(layer[part]) for layer in layers.classes)
    return Layers(classes, confidence, repaired), (
        top - low,
        bottom - low,
        left - high,
        right - high,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """A block with what all of its pairs need."""

    judge: BlockJudge
    layers: Layers
    own: Own
    window: Window
    sealed: Sealed

    def plane(self, before: int, after: int) -> Bytes:
        """Return the plane of change between two masks, with neighbours; it may be shared."""
        masks = self.sealed.masks
        if self.sealed.is_plane and (before, after) == (0, 1):
            return masks.astype(np.uint8, copy=False)
        return _plane(masks, before, after, np.empty(masks.shape, np.uint8))

    def doubts(self) -> list[Flags]:
        """Return for each pair the pixels where a test fails locally; none where all pass."""
        window = self.window
        rows = np.arange(window.row, window.row + window.height)
        columns = np.arange(window.column, window.column + window.width)
        return [places.at(rows, columns) for places in self.judge.doubtful]

    @property
    def region(self) -> tuple[int, int]:
        """Return rows and columns of the region."""
        return self.judge.grid.height, self.judge.grid.width


class _PairChange:
    """The changed pixels of one pair in a block, in raster order, and its patches."""

    def __init__(self, block: _Block, place: int, plan: PairPlan) -> None:
        self.block, self.place, self.plan = block, place, plan
        self.before, self.after = block.judge.masks_of(place)
        self.plane = block.plane(self.before, self.after)
        self.raw = find_runs(self.plane)
        confidence = block.layers.confidence
        self.confidence = (confidence[plan.first], confidence[plan.second])
        self.row, self.column, self.state = self._filtered()
        self.runs, self.parts = self._patches()
        self.label = np.full(len(self.row), -1, np.int64)
        self.secure = np.zeros(len(self.row), np.int64)
        self.partner = np.zeros(len(self.row), np.int64)
        kept = (self.state == State.GAIN) | (self.state == State.LOSS)
        self.label[kept] = self.parts.label
        self.secure[kept], self.partner[kept] = self.parts.secure, self.parts.partner

    @property
    def pixels(self) -> Integers:
        """Return the number of each changed pixel in the block, ascending."""
        return self.row * self.block.window.width + self.column

    def _filtered(self) -> tuple[Integers, Integers, Integers]:
        """Return row, column and state of the block's changed pixels; filter the plane.

        Pixels next to the block are filtered too: patches end where their pixels were removed.
        """
        top, bottom, left, right = self.block.own
        row, column, direction = _expanded(self.raw, (top - 1, bottom + 1, left - 1, right + 1))
        state = self._states(row, column, direction == GAIN)
        removed = (state != State.GAIN) & (state != State.LOSS)
        # The tests of the maps look at all differences.
        self.filtered = self.plane
        if removed.any():
            self.filtered = self.plane.copy()
            self.filtered[row[removed], column[removed]] = OTHER
        inside = (row >= top) & (row < bottom) & (column >= left) & (column < right)
        return row[inside] - top, column[inside] - left, state[inside]

    def _states(self, row: Integers, column: Integers, gain: Flags) -> Integers:
        """Return what the filters, one after the other, make of changed pixels."""
        state = np.where(gain, int(State.GAIN), int(State.LOSS))
        for place, found in enumerate(self._filters(row, column, gain)):
            if found is not None:
                kept = (state == State.GAIN) | (state == State.LOSS)
                reason = np.where(gain, GAIN_REASONS[place], LOSS_REASONS[place])
                state = np.where(kept & found, reason, state)
        return state

    def _filters(self, row: Integers, column: Integers, gain: Flags) -> list[Flags | None]:
        noise, plan = self.block.judge.noise, self.plan
        layers, flags = self.block.layers, self.block.sealed.masks
        repaired = [
            layer[row, column] == CORRECTED
            for layer in (layers.repaired[plan.first], layers.repaired[plan.second])
            if layer is not None and noise.post_processing
        ]
        against = []
        if plan.earlier is not None:
            against.append((flags[row, column] >> plan.earlier & 1 > 0) == gain)
        if plan.later is not None:
            against.append((flags[row, column] >> plan.later & 1 > 0) != gain)
        doubtful = [
            (layer[row, column] < noise.confidence) | (layer[row, column] > MOST)
            for layer in self.confidence
            if layer is not None and noise.confidence
        ]
        width = noise.edge_tolerance
        rim = _near_sealed(self.plane, row, column, width) if width else None
        return [_any(repaired), _any(against), _any(doubtful), rim]

    def _patches(self) -> tuple[Runs, PatchParts]:
        top, bottom, left, right = self.block.own
        runs = self.raw if self.filtered is self.plane else find_runs(self.filtered)
        runs = runs.within(*self.block.own)
        layers, window = self.block.layers, self.block.window
        inside = np.s_[top:bottom, left:right]
        confidence = [None if c is None else c[inside] for c in self.confidence]
        classes = [layers.classes[year][inside] for year in (self.plan.first, self.plan.second)]
        if self.block.judge.product.is_density:
            classes = [self.block.judge.classes[codes] for codes in classes]
        planes = PairPlanes(classes[0], classes[1], (confidence[0], confidence[1]))
        parts = measure_patches(
            self.filtered, runs, planes, corner=(top, left),
            top=window.row, left=window.column, width=self.block.region[1],
        )  # fmt: skip
        return runs, parts

    def findings(
        self,
        found: CodeCounts,
        coded: EdgeCodes,
        doubts: list[Flags],
        numbers: Integers,
        area: Integers | None,
    ) -> PairFindings:
        """Return all that the block shows of the pair.

        ``numbers`` are the places of the pair's changed pixels among all marked ones.
        """
        window = self.block.window
        place = BlockPlace.of(
            self.block.region, window.row - self.block.own[0], window.column - self.block.own[2]
        )
        counts = self.block.sealed.counts
        edges = edge_sums(self.plane, self.raw, counts, self.block.own, place)
        contrast = contrast_sums(self.plane, self.raw, self.confidence, self.block.own)
        attributes = self._attributes(doubts)
        pixel_mm2 = self._areas(area)
        return PairFindings(
            parts=self.parts.table,
            origins=origins_of(self.parts),
            runs=_placed(self.runs, window),
            border=border_of(self.parts, self.runs, window),
            states=np.bincount(self.state, minlength=STATE_COUNT),
            edges=edges,
            contrast=contrast,
            still=tuple(
                self._still(tally, coded, len(doubts)) for tally in (found.cells, found.zones)
            ),
            changed=tuple(
                _changed(holders, numbers, attributes, pixel_mm2)
                for holders in (found.cell_holders, found.zone_holders)
            ),
        )

    def _areas(self, area: Integers | None) -> Integers:
        """Return the area of each changed pixel in mm²."""
        if area is None:
            return np.full(len(self.row), nominal_mm2(self.block.judge.grid))
        return area[self.row, self.column]

    def _attributes(self, doubts: list[Flags]) -> Integers:
        """Return the columns CHANGE of each changed pixel, shape (pixels, columns)."""
        edge = self.block.sealed.edges[self.row, self.column]
        doubtful = np.zeros(len(self.row), np.int64)
        if doubts:
            doubtful = doubts[self.place][self.row, self.column]
        return np.column_stack([
            self.label, self.state, edge >> self.before & 1, edge >> self.after & 1,
            doubtful, self.secure, self.partner,
        ]).astype(np.int64)  # fmt: skip

    def _still(self, tally: Tally, coded: EdgeCodes, doubts: int) -> Rows:
        """Return the counts of pixels that did not change, by CONDITION."""
        code, combination = tally.code >> doubts, tally.code & ((1 << doubts) - 1)
        bits, edges = coded.sealed[code], coded.edges[code]
        counts = bits < UNCOUNTED
        before, after = bits >> self.before & 1 > 0, bits >> self.after & 1 > 0
        state = np.where(counts, np.where(before, State.SEALED, State.UNSEALED), NO_DATA)
        columns = np.column_stack([
            state, edges >> self.before & 1, edges >> self.after & 1, combination >> self.place & 1,
        ])  # fmt: skip
        # As in other rows of evidence, what does not count lies in no doubtful place.
        columns[~counts, 3] = 0
        kept = np.flatnonzero(~counts | (before == after))
        return summed(_rows(tally, columns).chosen(kept))


def _changed(
    holders: Holders, numbers: Integers, attributes: Integers, pixel_mm2: Integers
) -> Rows:
    """Return the counts of changed pixels, by CHANGE."""
    place = numbers[holders.pixel]
    mine = np.flatnonzero(place >= 0)
    place, sign = place[mine], holders.pixels[mine]
    return summed(Rows(
        holders.owner[mine], attributes[place], sign, sign * pixel_mm2[place],
        np.zeros(len(mine), np.bool_),
    ))  # fmt: skip


def summed(rows: Rows) -> Rows:
    """Return the rows with those of one owner and equal columns added up, in ascending order."""
    if not len(rows.owner):
        return rows
    order, first = grouped(rows.owner, rows.columns)
    kinds = order[first]
    return Rows(
        rows.owner[kinds],
        rows.columns[kinds],
        np.add.reduceat(rows.pixels[order], first),
        np.add.reduceat(rows.area_mm2[order], first),
        np.logical_and.reduceat(rows.whole[order], first),
    )


def _rows(tally: Tally, columns: np.ndarray) -> Rows:
    return Rows(tally.owner, columns.astype(np.int64), tally.pixels, tally.area_mm2, tally.whole)


def _by_class(tally: Tally, coded: EdgeCodes, doubts: int) -> Rows:
    """Return the counts by the classes of the years."""
    return summed(_rows(tally, coded.joint[tally.code >> doubts][:, None]))


def _with_doubts(coded: EdgeCodes, doubts: list[Flags]) -> UInt16s:
    """Return codes with a low bit for each pair: whether the pixel is doubtful there."""
    if not doubts:
        return coded.codes
    codes = coded.codes << np.uint16(len(doubts))
    for place, doubtful in enumerate(doubts):
        codes |= doubtful.astype(np.uint16) << np.uint16(place)
    return codes


def _any(found: list[Flags]) -> Flags | None:
    return np.logical_or.reduce(found) if found else None


def _expanded(runs: Runs, box: Own) -> tuple[Integers, Integers, Bytes]:
    """Return row, column and direction of the runs' pixels in a box, in raster order."""
    top, bottom, left, right = box
    start, stop = np.maximum(runs.start, left), np.minimum(runs.stop, right)
    kept = np.flatnonzero((runs.row >= top) & (runs.row < bottom) & (start < stop))
    return pixels_of(runs.row[kept], start[kept], stop[kept], runs.direction[kept])


def _union(pixels: list[Integers], window: Window) -> tuple[Marked, list[Integers]]:
    """Return all pixels of several lists once, and for each list the place of each in it.

    -1 stands for a pixel that is not in the list.
    """
    whole = (
        pixels[0]
        if len(pixels) == 1
        else np.unique(np.concatenate([*pixels, np.empty(0, np.int64)]))
    )
    row, column = np.divmod(whole, window.width)
    numbers = []
    for some in pixels:
        places = np.full(len(whole), -1, np.int64)
        places[np.searchsorted(whole, some)] = np.arange(len(some))
        numbers.append(places)
    return Marked.of(row, column, window.height), numbers


def origins_of(parts: PatchParts) -> Integers:
    """Return rows (label, class that is not Sealed, pixels)."""
    key, pixels = np.unique(parts.label * 256 + parts.partner, return_counts=True)
    return np.column_stack([key // 256, key % 256, pixels]).astype(np.int64)


def _placed(runs: Runs, window: Window) -> Integers:
    """Return rows (row, start, stop, label) in the region's rows and columns."""
    return np.column_stack([
        runs.row + window.row, runs.start + window.column, runs.stop + window.column, runs.label,
    ])  # fmt: skip


def border_of(parts: PatchParts, runs: Runs, window: Window) -> Integers:
    """Return rows (row, column, direction, label) of the patches' pixels along the sides."""
    row, column = parts.row, parts.column
    at = np.flatnonzero(
        (row == 0) | (row == window.height - 1) | (column == 0) | (column == window.width - 1)
    )
    direction = np.repeat(runs.direction, runs.pixels)[at]
    return np.column_stack([
        row[at] + window.row, column[at] + window.column, direction, parts.label[at]
    ]).astype(np.int64)  # fmt: skip


@numba.njit(cache=True, nogil=True)
def _plane(masks, first, second, plane):
    """Write and return the plane of change between two masks."""
    before, after = masks.dtype.type(first), masks.dtype.type(second)
    one = masks.dtype.type(1)
    for row in range(masks.shape[0]):
        for column in range(masks.shape[1]):
            bits = masks[row, column]
            plane[row, column] = (bits >> before & one) | ((bits >> after & one) << one)
    return plane


@numba.njit(cache=True, nogil=True)
def _near_sealed(plane: Bytes, row: Integers, column: Integers, width: int) -> Flags:
    """Return which pixels lie within ``width`` 8-neighbour steps of what stays sealed."""
    near = np.zeros(row.size, np.bool_)
    for pixel in range(row.size):
        for r in range(max(row[pixel] - width, 0), min(row[pixel] + width + 1, plane.shape[0])):
            for c in range(
                max(column[pixel] - width, 0), min(column[pixel] + width + 1, plane.shape[1])
            ):
                if plane[r, c] == STABLE_SEALED:
                    near[pixel] = True
    return near
