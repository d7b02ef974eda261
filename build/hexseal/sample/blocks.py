"""Blocks of 10 x 10 pixels: what two maps hold in each, and the stratum that it belongs to.

One pass reads the maps in full-width bands and keeps a few counts of every block in a scratch
file; the patches of the bands are found and joined as those of a build's blocks are. A second
pass over the scratch file gives every block its stratum. Memory follows the width of a band and
the number of patches, not the size of the region.

Strata are tried in the order of STRATA; those of gain are cut by how many pixels lie in patches,
because the larger the part of a patch, the more often it is real. A *whole field* is a patch that
looks like a field which turned at once: large, compact, of one class, away from what stays sealed.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hexseal.change.block import border_of, origins_of
from hexseal.change.features import COLUMNS, PairPlanes, PatchParts, measure_patches
from hexseal.change.joining import Parts, join_parts
from hexseal.change.patches import PatchTable
from hexseal.progress import Progress, no_progress
from hexseal.raster.grid import Grid, Window
from hexseal.raster.joint import class_table, sealed_masks
from hexseal.raster.runs import Runs, find_runs
from hexseal.raster.stack import YearStack, region_grid
from hexseal.region.load import Region
from hexseal.types import Bytes, Doubles, Flags, Integers, Pair

SIDE = 10
STRATA = (
    "whole_field", "large_gain", "medium_gain", "patch_edge", "scattered_gain", "large_loss",
    "small_gain", "single_pixel", "near_sealed", "rest",
)  # fmt: skip
BAND_PIXELS = 4_000_000
FEWEST_ROWS = 500
# Half the window that makes a block "near" what is sealed, in pixels.
NEAR = 2
CHUNK_BLOCKS = 1_000_000
# A patch counts as one, not as scattered pixels, from this size on.
PATCH_PIXELS = 8
LARGE_PIXELS, SEVERAL_PIXELS, FEW_PIXELS = 15, 5, 2
FIELD_PIXELS, FIELD_RIM, FIELD_CORE, FIELD_PURITY = 40, 0.15, 0.33, 0.90

COUNTS = np.dtype([("valid", "u1"), ("before", "u1"), ("after", "u1"), ("near", "u1")])
CHANGE = np.dtype([("row", "<i4"), ("column", "<i4"), ("label", "<i8"), ("partner", "u1")])


@dataclass(frozen=True, slots=True)
class BlockGrid:
    """The blocks of a region, counted from its upper left corner; those at its edges are cut."""

    grid: Grid

    @property
    def rows(self) -> int:
        """Return how many rows of blocks there are."""
        return -(-self.grid.height // SIDE)

    @property
    def columns(self) -> int:
        """Return how many blocks lie side by side."""
        return -(-self.grid.width // SIDE)

    def bounds(self, index: Integers) -> Doubles:
        """Return xmin, ymin, xmax, ymax of blocks in CRS units, shape (blocks, 4)."""
        row, column = np.divmod(index, self.columns)
        left, top = column * SIDE, row * SIDE
        right = np.minimum(left + SIDE, self.grid.width)
        bottom = np.minimum(top + SIDE, self.grid.height)
        corner = self.grid.transform
        return np.stack(
            [
                corner.c + left * corner.a,
                corner.f + bottom * corner.e,
                corner.c + right * corner.a,
                corner.f + top * corner.e,
            ],
            axis=1,
        )

    def index_at(self, x: Doubles, y: Doubles) -> Integers:
        """Return the block that holds each point, -1 outside the region."""
        columns, rows = self.grid.places(x, y)
        inside = (columns >= -0.5) & (columns < self.grid.width - 0.5)
        inside &= (rows >= -0.5) & (rows < self.grid.height - 0.5)
        column, row = (
            np.floor((np.where(inside, places, 0) + 0.5) / SIDE).astype(np.int64)
            for places in (columns, rows)
        )
        return np.where(inside, row * self.columns + column, -1)

    def pixel_m2(self, index: Integers) -> Doubles:
        """Return the true area of one pixel of each block, taken in the middle of its row."""
        row = np.minimum(index // self.columns * SIDE + SIDE // 2, self.grid.height - 1)
        return self.grid.pixel_areas_m2(row, np.full(row.shape, self.grid.width // 2))


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """Chosen blocks; counts are pixels that have a class at both dates.

    ``before`` and ``after`` are sealed pixels of the maps, ``gain`` and ``loss`` those that differ;
    ``gain_patch`` and ``loss_patch`` lie in patches of PATCH_PIXELS and more. Whole fields count in
    ``field`` only.
    """

    index: Integers
    stratum: Integers
    valid: Integers
    before: Integers
    after: Integers
    gain: Integers
    loss: Integers
    gain_patch: Integers
    loss_patch: Integers
    field: Integers
    pixel_m2: Doubles

    def __len__(self) -> int:
        return len(self.index)

    def take(self, rows: Integers | Flags) -> "Blocks":
        """Return some of the blocks."""
        return Blocks(*(getattr(self, field.name)[rows] for field in fields(self)))


@dataclass(frozen=True, slots=True, eq=False)
class Census:
    """All blocks of a region by stratum; areas in m² of the maps. ``fingerprint`` names the maps.

    ``land_m2`` is what has a class at both dates, ``squares`` the sum of squared predicted pixels.
    """

    pair: Pair
    fingerprint: str
    blocks: Integers
    land_m2: Doubles
    before_m2: Doubles
    after_m2: Doubles
    gain_m2: Doubles
    loss_m2: Doubles
    gain_patch_m2: Doubles
    loss_patch_m2: Doubles
    field_m2: Doubles
    squares: Doubles

    @property
    def total(self) -> int:
        """Return how many blocks the region has."""
        return int(self.blocks.sum())

    @property
    def mean_pixel_m2(self) -> float:
        """Return the area of a pixel, by blocks."""
        return float(self.land_m2.sum() / max(self.total, 1) / SIDE**2)


Choose = Callable[[Blocks], None]


def survey_blocks(
    region: Region, pair: Pair, choose: Choose, *, progress: Progress = no_progress
) -> Census:
    """Hand all blocks of a region to ``choose``, chunk by chunk, and return their census.

    Raises InputError for rasters that cannot be used.
    """
    grid, frame = region_grid(region)
    with tempfile.TemporaryDirectory(prefix="hexseal-sample-") as name:
        scratch = _Scratch(Path(name), BlockGrid(grid))
        scratch.count(region, pair, frame, progress)
        sums = np.zeros((len(STRATA), len(_SUMMED)))
        for blocks in scratch.blocks():
            choose(blocks)
            sums += _sums(blocks)
        mark = scratch.fingerprint(region, pair)
    return Census(pair, mark, sums[:, 0].astype(np.int64), *sums[:, 1:].T)


_SUMMED = (
    "blocks", "valid", "before", "after", "gain", "loss", "gain_patch", "loss_patch", "field",
    "squares",
)  # fmt: skip


def _sums(blocks: Blocks) -> Doubles:
    predicted = blocks.gain_patch + blocks.loss_patch + blocks.field
    columns = [np.ones(len(blocks))]
    columns += [getattr(blocks, name) * blocks.pixel_m2 for name in _SUMMED[1:-1]]
    columns.append(predicted.astype(np.float64) ** 2)
    weighed = [np.bincount(blocks.stratum, column, len(STRATA)) for column in columns]
    return np.stack(weighed, axis=1).astype(np.float64)


class _Scratch:
    """Counts of every block and all changed pixels, on disk while the strata are found."""

    def __init__(self, folder: Path, grid: BlockGrid) -> None:
        self.grid = grid
        self.counts, self.change = folder / "counts.bin", folder / "change.bin"
        self.in_row = np.zeros(grid.grid.height, np.int64)

    def count(self, region: Region, pair: Pair, frame: Window, progress: Progress) -> None:
        """Read both maps once."""
        parts: list[Parts] = []
        labels = 0
        bands = _bands(self.grid.grid)
        places = [region.years.index(year) for year in pair]
        addresses = [region.epochs[place].landcover for place in places]
        with (
            YearStack(region, frame, addresses=addresses) as reader,
            self.counts.open("wb") as counts,
            self.change.open("wb") as change,
        ):
            for done, (start, end) in enumerate(bands, 1):
                band = _read_band(reader, region, self.grid.grid, (start, end))
                counts.write(band.block_counts().tobytes())
                found, runs = band.patches(start)
                change.write(self._records(found, start, labels))
                labels += len(found.table)
                parts.append(_parts(found, runs, Window(start, 0, *band.valid.shape)))
                progress("blocks", done, len(bands))
        self.patch_of, self.table = join_parts(Parts.joined(parts), self.grid.grid.width)
        self.is_field = _fields(self.table)

    def _records(self, found: PatchParts, start: int, labels: int) -> bytes:
        records = np.empty(len(found.row), CHANGE)
        records["row"], records["column"] = found.row + start, found.column
        records["label"], records["partner"] = found.label + labels, found.partner
        self.in_row += np.bincount(records["row"], minlength=len(self.in_row))
        return records.tobytes()

    def _stored(self) -> NDArray[np.void]:
        is_empty = not self.change.stat().st_size
        return np.empty(0, CHANGE) if is_empty else np.memmap(self.change, CHANGE, "r")

    def blocks(self) -> Iterator[Blocks]:
        """Yield all blocks that hold a valid pixel, some rows of blocks at a time."""
        held = np.memmap(self.counts, COUNTS, "r").reshape(self.grid.rows, self.grid.columns)
        stored, offsets = self._stored(), np.concatenate([[0], np.cumsum(self.in_row)])
        step = max(1, CHUNK_BLOCKS // self.grid.columns)
        for first in range(0, self.grid.rows, step):
            last = min(first + step, self.grid.rows)
            end = min(last * SIDE, self.grid.grid.height)
            part = stored[offsets[first * SIDE] : offsets[end]]
            yield self._blocks(first, np.array(held[first:last]).ravel(), part)

    def _blocks(self, first: int, counts: NDArray[np.void], change: NDArray[np.void]) -> Blocks:
        start = first * self.grid.columns
        place = change["row"].astype(np.int64) // SIDE * self.grid.columns - start
        place += change["column"] // SIDE
        patch = self.patch_of[change["label"]]
        gain, field = self.table.direction[patch] > 0, self.is_field[patch]
        large = self.table.pixels[patch] >= PATCH_PIXELS

        def counted(flags: Flags) -> Integers:
            return np.bincount(place[flags], minlength=len(counts))

        index = np.arange(start, start + len(counts))
        found = {
            "gain": counted(gain & ~field), "loss": counted(~gain & ~field),
            "gain_patch": counted(gain & ~field & large),
            "loss_patch": counted(~gain & ~field & large), "field": counted(field),
        }  # fmt: skip
        seen = {name: counts[name].astype(np.int64) for name in ("valid", "before", "after")}
        stratum = _stratum(found, counts["near"] > 0)
        blocks = Blocks(index, stratum, **seen, **found, pixel_m2=self.grid.pixel_m2(index))
        return blocks.take(blocks.valid > 0)

    def fingerprint(self, region: Region, pair: Pair) -> str:
        """Return twelve digits that another grid, other classes or other maps would change."""
        grid, product = self.grid.grid, region.product
        edges = [round(edge, 6) for edge in grid.bounds]
        codes = [sorted(part) for part in (product.valid, product.sealed, product.nodata)]
        codes += [[product.step]] if product.is_density else []
        facts = (grid.crs_label, edges, grid.width, grid.height, codes, tuple(pair))
        digest = hashlib.sha256(repr(facts).encode())
        with self.counts.open("rb") as stream:
            while part := stream.read(1 << 20):
                digest.update(part)
        stored = self._stored()
        for start in range(0, len(stored), CHUNK_BLOCKS):
            part = stored[start : start + CHUNK_BLOCKS]
            for name in ("row", "column", "partner"):
                digest.update(np.ascontiguousarray(part[name]).tobytes())
        return digest.hexdigest()[:12]


def _bands(grid: Grid) -> list[tuple[int, int]]:
    """Return half-open rows that hold whole blocks."""
    step = max(FEWEST_ROWS, BAND_PIXELS // grid.width // SIDE * SIDE)
    return [(strip.row, strip.row + strip.height) for strip in grid.window.strips(step)]


@dataclass(frozen=True, slots=True, eq=False)
class _Band:
    """Full-width rows of two maps: what counts, what is sealed before and after, and near it.

    ``plane`` is what the pixels are between both (``raster/runs``), with further rows around them,
    ``above`` of them before the first.
    """

    valid: Flags
    before: Flags
    after: Flags
    near: Flags
    former: Bytes
    later: Bytes
    plane: Bytes
    above: int

    def patches(self, row: int) -> tuple[PatchParts, Runs]:
        """Return the patches of the band, whose first row is ``row`` of the region."""
        height, width = self.valid.shape
        runs = find_runs(self.plane[self.above : self.above + height])
        found = measure_patches(
            self.plane, runs, PairPlanes(self.former, self.later, (None, None)),
            corner=(self.above, 0), top=row, left=0, width=width,
        )  # fmt: skip
        return found, runs

    def block_counts(self) -> NDArray[np.void]:
        """Return the counts of each block, shape (rows of blocks, columns of blocks)."""
        parts = {name: _per_block(getattr(self, name)) for name in ("valid", "before", "after")}
        counts = np.empty(parts["valid"].shape, COUNTS)
        for name, values in parts.items():
            counts[name] = values
        counts["near"] = _per_block(self.near) > 0
        return counts


def _read_band(reader: YearStack, region: Region, grid: Grid, rows: tuple[int, int]) -> _Band:
    """Read the rows with NEAR more above and below, which only serve to find what is near."""
    top, bottom = max(0, rows[0] - NEAR), min(grid.height, rows[1] + NEAR)
    former, later = reader.read(Window(top, 0, bottom - top, grid.width))
    is_valid = np.isin(np.arange(256), sorted(region.product.valid))
    sealed = sealed_masks(region.product, former, later)
    classes = class_table(region.product)
    valid = is_valid[former] & is_valid[later]
    before, after = valid & sealed[0], valid & sealed[1]
    near = ndimage.binary_dilation(before | after, np.ones((3, 3), bool), iterations=NEAR)
    own = slice(rows[0] - top, rows[1] - top)
    return _Band(
        valid[own],
        before[own],
        after[own],
        np.asarray(near, np.bool_)[own],
        classes[former[own]],
        classes[later[own]],
        (before | after.view(np.uint8) << 1).astype(np.uint8),
        own.start,
    )


def _parts(found: PatchParts, runs: Runs, window: Window) -> Parts:
    columns = dict(zip(COLUMNS, found.table.T, strict=True))
    return Parts(columns, origins_of(found), border_of(found, runs, window))


def _per_block(flags: Flags) -> Integers:
    height, width = flags.shape
    padded = np.pad(flags, ((0, -height % SIDE), (0, -width % SIDE)))
    shape = padded.shape[0] // SIDE, SIDE, padded.shape[1] // SIDE, SIDE
    return padded.reshape(shape).sum(axis=(1, 3), dtype=np.int64)


def _fields(table: PatchTable) -> Flags:
    edge = np.maximum(table.pixels - table.core, 1)
    return (
        (table.pixels >= FIELD_PIXELS)
        & (table.rim <= FIELD_RIM * edge)
        & (table.core >= FIELD_CORE * table.pixels)
        & (table.origin_pixels >= FIELD_PURITY * table.pixels)
    )


def _stratum(found: dict[str, Integers], near: Flags) -> Integers:
    """Return the place in STRATA of each block."""
    patch, gain = found["gain_patch"], found["gain"]
    conditions = [
        found["field"] > 0,
        patch >= LARGE_PIXELS,
        patch >= PATCH_PIXELS,
        patch > 0,
        gain >= SEVERAL_PIXELS,
        found["loss_patch"] > 0,
        gain >= FEW_PIXELS,
        (gain > 0) | (found["loss"] > 0),
        near,
    ]
    return np.select(conditions, np.arange(len(conditions)), len(conditions)).astype(np.int64)
