"""Labelled samples: files as people send them, checked against the blocks of a region.

One row is one block as one interpreter saw it. A file may hold several interpreters (column
``interpreter``), or each has a file of its own; what ``settled`` says, or a third interpreter who
labelled only where two differ, holds for its blocks.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hexseal.accuracy.table import column_names, read_table
from hexseal.errors import InputError
from hexseal.raster.stack import region_grid
from hexseal.region.load import Region
from hexseal.sample.blocks import STRATA, BlockGrid
from hexseal.sample.stage import EDGES, share_column, years_of
from hexseal.types import Doubles, Flags, Integers, Pair

SHARE = re.compile(r"sealed_share_(\d{4})")
MARK = re.compile(
    r"(?P<region>.+)/(?P<first>\d{4})-(?P<second>\d{4})/seed (?P<seed>\d+)/(?P<maps>\w+)"
)
SETTLED = "settled"
# Interpreters differ where a share differs by more than five cells of a hundred, or where only one
# of them saw change: a few false pixels in each of many blocks would outweigh what is true.
DIFFERENT, NO_CHANGE = 0.05, 0.004
# A corner may lie so far from a block's, in pixels: what rounding of coordinates does.
CORNER = 0.05
# From so many blocks labelled by two on, their differences show how often one errs.
ENOUGH_TWICE = 100
USUAL_ERROR = 0.05


@dataclass(frozen=True, slots=True)
class Mark:
    """What a sample was drawn from: its column ``design``."""

    region: str
    pair: Pair
    seed: int
    fingerprint: str


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """What one interpreter saw: one element of every array per block, shares NaN where unknown.

    ``gain`` and ``loss`` are shares of the block too, NaN where only the shares of both dates are
    known.
    """

    name: str
    index: Integers
    first: Doubles
    second: Doubles
    gain: Doubles
    loss: Doubles


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """One label per block, and what is known of how it came about.

    ``error_rate`` is how often one interpreter errs, found where enough blocks were labelled twice
    (``is_rate_seen``), else USUAL_ERROR; ``differs`` where two
    interpreters saw a block unlike, ``unsettled`` of which are not settled.
    """

    pair: Pair
    index: Integers
    first: Doubles
    second: Doubles
    gain: Doubles
    loss: Doubles
    interpreters: tuple[str, ...]
    labelled_twice: int
    differs: NDArray[np.bool_]
    unsettled: int
    error_rate: float
    is_rate_seen: bool
    path: Path = Path("labels.csv")
    mark: Mark | None = None
    stratum: tuple[str, ...] | None = None
    stratum_blocks: Doubles | None = None
    weight: Doubles | None = None

    def __len__(self) -> int:
        return len(self.index)

    @property
    def is_known(self) -> NDArray[np.bool_]:
        """Return which blocks have labels of both dates."""
        return ~(np.isnan(self.first) | np.isnan(self.second))

    @property
    def is_settled(self) -> bool:
        """Return whether all known blocks were seen by two, and differences settled."""
        known = int(self.is_known.sum())
        return self.labelled_twice >= known > 0 and not self.unsettled


def is_block_sample(path: Path) -> bool:
    """Return whether a table holds labelled blocks, by its columns."""
    names = column_names(path)
    return set(EDGES) <= set(names) and any(SHARE.fullmatch(name) for name in names)


def read_labels(paths: Sequence[Path], region: Region) -> Labels:
    """Read one label per block from one file or several; raises InputError."""
    sheets = [_Sheet(path, region) for path in paths]
    marks = {sheet.mark for sheet in sheets}
    if len(marks) > 1:
        raise InputError(
            f"{paths[1]}: was drawn as another sample ({sheets[1].mark_text or 'no design'}) than "
            f"{paths[0]} ({sheets[0].mark_text or 'no design'}); give files of one sample"
        )
    pair = sheets[0].pair
    looks = [look for sheet in sheets for look in sheet.looks(pair, len(paths) > 1)]
    return _merged(sheets[0], pair, looks)


class _Sheet:
    """One file of labels."""

    def __init__(self, path: Path, region: Region) -> None:
        self.path, self.region = path, region
        wanted = {*EDGES, "unit", "stratum", "stratum_blocks", "weight", "design", "interpreter",
                  "gain_share", "loss_share"}  # fmt: skip
        names = [n for n in column_names(path) if n in wanted or SHARE.fullmatch(n)]
        missing = [edge for edge in EDGES if edge not in names]
        if missing:
            raise InputError(f"{path}: has no column {missing[0]}; keep all columns of the sample")
        self.table = read_table(path, names)
        self.mark_text = self._only("design")
        self.mark = self._mark()
        self.pair = self._pair()
        self.index = self._index()
        self.units = self.table.texts("unit") if "unit" in self.table else None

    def _only(self, column: str) -> str:
        """Return the one value that a column has in all rows; InputError for several."""
        if column not in self.table:
            return ""
        cells = self.table.texts(column)
        for row, cell in enumerate(cells):
            if cell != cells[0]:
                self.table.refuse(
                    row, f"{column} = {cell!r}, but {cells[0]!r} above; give one sample"
                )
        return cells[0]

    def _mark(self) -> Mark | None:
        if not self.mark_text:
            return None
        found = MARK.fullmatch(self.mark_text)
        if not found:
            raise InputError(
                f"{self.path}: design = {self.mark_text[:80]!r} was not written by hexseal sample "
                "draw; restore the column or leave it out"
            )
        pair = Pair(int(found["first"]), int(found["second"]))
        return Mark(found["region"], pair, int(found["seed"]), found["maps"])

    def _pair(self) -> Pair:
        years = sorted(int(n[-4:]) for n in self.table.columns if SHARE.fullmatch(n))
        if self.mark is not None:
            pair = self.mark.pair
        else:
            dated = [year for year in years if year in self.region.years]
            pair = Pair(dated[0], dated[-1]) if len(dated) > 1 else years_of(self.region, None)
        missing = [year for year in pair if year not in years]
        if missing:
            raise InputError(
                f"{self.path}: has no column {share_column(missing[0])}; change from {pair[0]} to "
                f"{pair[1]} needs labels of both years"
            )
        unknown = [year for year in pair if year not in self.region.years]
        if unknown:
            raise InputError(
                f"{self.path}: was drawn for {pair[0]} and {pair[1]}, but the region has "
                f"{', '.join(map(str, self.region.years))}; use the sample of this region"
            )
        return pair

    def _index(self) -> Integers:
        """Return the block of each row; InputError where a row's edges are not those of one."""
        blocks = BlockGrid(region_grid(self.region)[0])
        edges = np.stack([self.table.numbers(name) for name in EDGES], axis=1)
        middle = np.nan_to_num((edges[:, :2] + edges[:, 2:]) / 2, nan=np.inf)
        index = blocks.index_at(middle[:, 0], middle[:, 1])
        size = np.array(blocks.grid.pixel_size * 2)
        away = np.abs(edges - blocks.bounds(np.maximum(index, 0))) / size
        for row in np.flatnonzero((index < 0) | ~(away.max(axis=1) <= CORNER)):
            seen = ", ".join(self.table.texts(name)[row] or "empty" for name in EDGES)
            self.table.refuse(
                int(row),
                f"{seen} is not a block of {self.region.id}'s grid ({blocks.grid.crs_label}); the "
                "sample belongs to another region or its coordinates were changed",
            )
        return index

    def shares(self, column: str) -> Doubles:
        """Return a column of shares, NaN where a cell is empty."""
        if column not in self.table:
            return np.full(len(self.table), np.nan)
        values = self.table.numbers(column)
        for row in np.flatnonzero((values < 0) | (values > 1)):
            cell = self.table.texts(column)[row]
            self.table.refuse(
                int(row), f"{column} = {cell!r}; give a share from 0 to 1, or nothing if unclear"
            )
        return values

    def looks(self, pair: Pair, by_file: bool) -> list[Looks]:
        """Return what each interpreter of the file saw, in the order of their rows."""
        names = self._names(by_file)
        first, second = (self.shares(share_column(year)) for year in pair)
        gain, loss = self.shares("gain_share"), self.shares("loss_share")
        self._check_parts(first, second, gain, loss)
        found = []
        for name in dict.fromkeys(names):
            rows = np.array([row for row, cell in enumerate(names) if cell == name])
            self._refuse_twice(rows, name)
            parts = (values[rows] for values in (first, second, gain, loss))
            found.append(Looks(name, self.index[rows], *parts))
        return found

    def _names(self, by_file: bool) -> list[str]:
        if "interpreter" in self.table:
            return [cell or "1" for cell in self.table.texts("interpreter")]
        return [self.path.stem if by_file else "1"] * len(self.table)

    def _check_parts(self, first: Doubles, second: Doubles, gain: Doubles, loss: Doubles) -> None:
        for row in np.flatnonzero(np.abs(second - first - (gain - loss)) > 0.011):
            self.table.refuse(
                int(row), "gain_share - loss_share is not the difference of both sealed shares"
            )

    def _refuse_twice(self, rows: Integers, name: str) -> None:
        who = f" by interpreter {name}" if "interpreter" in self.table else ""
        keys = {"block": self.index[rows].tolist()}
        if self.units is not None:
            keys["unit"] = [self.units[row] for row in rows]
        for kind, values in keys.items():
            seen: dict[object, int] = {}
            for row, value in zip(rows.tolist(), values, strict=True):
                if value in seen and value != "":
                    unit = self.units[row] if self.units else row + 1
                    what = f"unit {unit}" if kind == "unit" else f"the block of unit {unit}"
                    where = f"{self.table.counted} {self.table.lines[seen[value]]}"
                    self.table.refuse(row, f"{what} is labelled twice{who} (also on {where})")
                seen[value] = row


def _merged(sheet: _Sheet, pair: Pair, looks: list[Looks]) -> Labels:
    labels = merge_looks(looks, pair)
    return replace(
        labels,
        path=sheet.path,
        mark=sheet.mark,
        stratum=_of_index(sheet, labels.index, "stratum"),
        stratum_blocks=_numbers_of(sheet, labels.index, "stratum_blocks"),
        weight=_numbers_of(sheet, labels.index, "weight"),
    )


def merge_looks(looks: Sequence[Looks], pair: Pair) -> Labels:
    """Return one label per block: settled ones as settled, else the mean of what was seen."""
    index = np.unique(np.concatenate([look.index for look in looks]))
    table = np.full((len(looks), 4, len(index)), np.nan)
    for place, look in enumerate(looks):
        columns = np.searchsorted(index, look.index)
        table[place][:, columns] = look.first, look.second, look.gain, look.loss
    judge = _judge_of(looks)
    seen = [place for place in range(len(looks)) if place != judge]
    both: Flags = np.asarray(~np.isnan(table[:, :2]).any(axis=1), np.bool_)
    twice = np.asarray(both[seen].sum(axis=0) >= 2, np.bool_)
    differs = twice & _differs(table[seen, :2], both[seen])
    label = _mean(table[seen])
    settled: Flags = np.zeros(len(index), np.bool_)
    if judge is not None:
        settled[np.searchsorted(index, looks[judge].index)] = True
        if looks[judge].name.lower() != SETTLED:
            settled &= differs | np.isnan(label[:2]).any(axis=0)
        label[:, settled] = table[judge][:, settled]
    rate = _error_rate(label, twice, differs)
    return Labels(
        pair=pair, index=index, first=label[0], second=label[1], gain=label[2], loss=label[3],
        interpreters=tuple(look.name for look in looks),
        labelled_twice=int((twice | settled).sum()),
        differs=differs, unsettled=int((differs & ~settled).sum()),
        error_rate=USUAL_ERROR if rate is None else rate, is_rate_seen=rate is not None,
    )  # fmt: skip


def _error_rate(
    label: NDArray[np.float64], twice: NDArray[np.bool_], differs: NDArray[np.bool_]
) -> float | None:
    """Return how often one interpreter errs on changed blocks; None where too few were seen."""
    if int(twice.sum()) < ENOUGH_TWICE:
        return None
    changed = twice & (np.nan_to_num(np.abs(label[1] - label[0])) > 0)
    rate = float((differs & twice).sum()) / 2 / max(int(changed.sum()), 1)
    return min(max(rate, 0.01), 0.5)


def _judge_of(looks: Sequence[Looks]) -> int | None:
    """Return who settles: the one called settled, else a third."""
    for place, look in enumerate(looks):
        if look.name.lower() == SETTLED:
            return place
    return 2 if len(looks) == 3 else None


def _differs(shares: NDArray[np.float64], both: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return on which blocks interpreters differ; ``shares`` has shape (who, date, block)."""
    changed = np.abs(shares[:, 1] - shares[:, 0]) > NO_CHANGE
    one_only = (both & changed).any(axis=0) & (both & ~changed).any(axis=0)
    low = np.where(both[:, None], shares, np.inf).min(axis=0)
    high = np.where(both[:, None], shares, -np.inf).max(axis=0)
    return one_only | ((high - low).max(axis=0) > DIFFERENT)


def _mean(table: NDArray[np.float64]) -> NDArray[np.float64]:
    known = ~np.isnan(table)
    count = known.sum(axis=0)
    total = np.where(known, table, 0.0).sum(axis=0)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def _of_index(sheet: _Sheet, index: Integers, column: str) -> tuple[str, ...] | None:
    if column not in sheet.table:
        return None
    cells = dict(zip(sheet.index.tolist(), sheet.table.texts(column), strict=True))
    for row, cell in enumerate(sheet.table.texts(column)):
        if cell and cell not in STRATA:
            sheet.table.refuse(row, f"stratum = {cell!r} is not one of {', '.join(STRATA)}")
    return tuple(cells.get(place, "") for place in index.tolist())


def _numbers_of(sheet: _Sheet, index: Integers, column: str) -> Doubles | None:
    if column not in sheet.table:
        return None
    values = dict(zip(sheet.index.tolist(), sheet.table.numbers(column).tolist(), strict=True))
    return np.array([values.get(place, np.nan) for place in index.tolist()])
