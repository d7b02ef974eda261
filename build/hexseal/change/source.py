"""The pixels of two years and all that speaks for or against their change, band by band."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from hexseal.change.patches import ChangeBand
from hexseal.change.scan import GAIN, LOSS, OTHER, STABLE_SEALED
from hexseal.change.states import (
    STATE_BITS,
    Around,
    PairPixels,
    State,
    evidence_weights,
    pair_states,
)
from hexseal.raster.density import class_table, sealed_masks
from hexseal.raster.grid import Window
from hexseal.raster.stack import YearStack
from hexseal.region.load import Region
from hexseal.region.noise import WIDEST_RIM
from hexseal.types import Bytes, Pair

BAND_PIXELS = 4_200_000
# Rows of a band are a multiple of this: blocks of cloud-optimised rasters are 512 or 1024.
BLOCK_ROWS = 512
# Confidence and post-processing layers hold nothing where no tile lies.
OUTSIDE = 254
CORRECTED = 1
COUNTS, BEFORE, AFTER, EARLIER, LATER, REPAIRED = (1 << bit for bit in range(6))


@dataclass(frozen=True, slots=True, eq=False)
class JudgedBand:
    """Full-width rows from ``row`` on: states and edges, and the change that may form patches.

    ``states`` is as ``pair_states`` gives it, ``layers`` the confidence of both dates, None for
    a date without such a layer.
    """

    row: int
    states: Bytes
    change: ChangeBand
    layers: tuple[Bytes | None, Bytes | None]


class PairSource:
    """Read one pair of years of a region as judged bands; use it as a context."""

    def __init__(self, region: Region, pair: Pair, frame: Window) -> None:
        self.region, self.pair, self.frame = region, pair, frame
        self.first, self.second = (region.years.index(year) for year in pair)
        self.halo = max(1, region.noise.edge_tolerance)
        self.landcover = YearStack(region, frame)
        self.classes = class_table(region.product)
        both = [region.epochs[place] for place in (self.first, self.second)]
        self.confidence = [_layer(region, frame, epoch.confidence) for epoch in both]
        use = region.noise.post_processing
        self.repaired = [
            _layer(region, frame, epoch.post_processing if use else None) for epoch in both
        ]
        self.stack = ExitStack()

    def __enter__(self) -> Self:
        for reader in (self.landcover, *self.confidence, *self.repaired):
            if reader is not None:
                self.stack.enter_context(reader)
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    @property
    def has_later_year(self) -> bool:
        """Return whether a later map exists that could contradict the second year."""
        return any(
            epoch.year > self.pair[1] and epoch.forward is None for epoch in self.region.epochs
        )

    @property
    def has_confidence(self) -> bool:
        """Return whether a year of the pair has a confidence layer."""
        return any(reader is not None for reader in self.confidence)

    def bands(self) -> Iterator[JudgedBand]:
        """Yield the judged rows of the whole region from north to south."""
        for row, planes, margin in _haloed(self._planes(), self.halo):
            yield self._judge(row, planes, margin)

    def rows(self) -> list[tuple[int, int]]:
        """Return the half-open rows of each band."""
        step = max(BLOCK_ROWS, BAND_PIXELS // self.frame.width // BLOCK_ROWS * BLOCK_ROWS)
        whole = Window(0, 0, self.frame.height, self.frame.width)
        strips = whole.strips(step, least=WIDEST_RIM + 1)
        return [(strip.row, strip.row + strip.height) for strip in strips]

    def _neighbours(self) -> tuple[int | None, int | None]:
        """Return the places of the years before and after a pair of consecutive years."""
        region = self.region
        if not region.noise.three_dates or region.product.is_density:
            # Of densities, no third year is sealed or not: it takes nothing back.
            return None, None
        if self.second != self.first + 1:
            return None, None
        epochs = self.region.epochs
        later = self.second + 1
        # A forward year repeats the map before it wherever the model saw no change: no witness.
        has_later = later < len(epochs) and epochs[later].forward is None
        return (self.first - 1 if self.first else None), later if has_later else None

    def _planes(self) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Read the bands, one ahead on a thread of its own."""
        rows = self.rows()
        with ThreadPoolExecutor(1) as pool:
            coming = pool.submit(self._read, *rows[0])
            for place, (start, _) in enumerate(rows):
                planes = coming.result()
                if place + 1 < len(rows):
                    coming = pool.submit(self._read, *rows[place + 1])
                yield start, planes

    def _read(self, start: int, end: int) -> NDArray[np.uint8]:
        """Return flags, both confidences, class before and after; shape (5, rows, width)."""
        window = Window(start, 0, end - start, self.frame.width)
        classes = self.landcover.read(window)
        planes = np.full((5, *classes[0].shape), OUTSIDE, np.uint8)
        planes[0] = self._flags(classes, window)
        for place, reader in enumerate(self.confidence, 1):
            if reader is not None:
                planes[place] = reader.read(window)[0]
        planes[3], planes[4] = (self.classes[classes[place]] for place in (self.first, self.second))
        return planes

    def _flags(self, classes: tuple[Bytes, ...], window: Window) -> Bytes:
        product = self.region.product
        valid = np.isin(np.arange(256), sorted(product.valid))
        sealed = np.isin(np.arange(256), sorted(product.sealed))
        flags = np.full(classes[0].shape, COUNTS, np.uint8)
        for band in classes:
            flags[~valid[band]] = 0
        earlier, later = self._neighbours()
        before, after = sealed_masks(product, classes[self.first], classes[self.second])
        flags[before] |= BEFORE
        flags[after] |= AFTER
        for place, bit in ((earlier, EARLIER), (later, LATER)):
            if place is not None:
                flags[sealed[classes[place]]] |= bit
        for reader in self.repaired:
            if reader is not None:
                flags[reader.read(window)[0] == CORRECTED] |= REPAIRED
        return flags

    def _judge(self, row: int, planes: NDArray[np.uint8], margin: slice) -> JudgedBand:
        flags = planes[0]
        earlier, later = self._neighbours()
        confidences = tuple(
            planes[place] if reader is not None else None
            for place, reader in enumerate(self.confidence, 1)
        )
        states = pair_states(
            PairPixels(
                counts=_has(flags, COUNTS),
                before=_has(flags, BEFORE),
                after=_has(flags, AFTER),
                around=Around(
                    None if earlier is None else _has(flags, EARLIER),
                    None if later is None else _has(flags, LATER),
                ),
                confidences=(confidences[0], confidences[1]),
                corrected=_has(flags, REPAIRED) if any(self.repaired) else None,
            ),
            confidence=self.region.noise.confidence,
            edge_tolerance=self.region.noise.edge_tolerance,
        )[margin]
        own = planes[:, margin]
        layers = tuple(
            own[place] if reader is not None else None
            for place, reader in enumerate(self.confidence, 1)
        )
        both = (layers[0], layers[1])
        return JudgedBand(row, states, self._change(row, states, own, both), both)

    def _change(
        self,
        row: int,
        states: Bytes,
        planes: NDArray[np.uint8],
        layers: tuple[Bytes | None, Bytes | None],
    ) -> ChangeBand:
        codes = PATCH_CODES[states]
        partner = np.where(codes == LOSS, planes[4], planes[3])
        weights = evidence_weights(layers)
        if weights is None:
            return ChangeBand(row, codes, partner)
        return ChangeBand(row, codes, partner, *weights)


def _patch_codes() -> Bytes:
    """Return what the patch scanner calls each byte of states and edges."""
    known = {State.GAIN: GAIN, State.LOSS: LOSS, State.SEALED: STABLE_SEALED}
    codes = [known.get(State(s), OTHER) if s in set(State) else OTHER for s in range(32)]
    table = np.array(codes, np.uint8)[np.arange(256) & STATE_BITS]
    table[128:] = OTHER
    return table


PATCH_CODES = _patch_codes()


def _layer(region: Region, frame: Window, address: str | None) -> YearStack | None:
    return None if address is None else YearStack(region, frame, addresses=[address], fill=OUTSIDE)


def _has(flags: Bytes, bit: int) -> NDArray[np.bool_]:
    return (flags & bit) != 0


def _haloed(
    bands: Iterator[tuple[int, NDArray[np.uint8]]], halo: int
) -> Iterator[tuple[int, NDArray[np.uint8], slice]]:
    """Yield each band with up to ``halo`` rows of its neighbours, and the slice that is its own."""
    above: NDArray[np.uint8] | None = None
    held: tuple[int, NDArray[np.uint8]] | None = None
    for band in _ended(bands):
        if held is not None:
            row, planes = held
            parts = [planes]
            if above is not None:
                parts.insert(0, above)
            if band is not None:
                parts.append(band[1][:, :halo])
            start = 0 if above is None else above.shape[1]
            yield row, np.concatenate(parts, axis=1), slice(start, start + planes.shape[1])
            above = planes[:, -halo:].copy()
        held = band


def _ended(
    bands: Iterator[tuple[int, NDArray[np.uint8]]],
) -> Iterator[tuple[int, NDArray[np.uint8]] | None]:
    """Yield all bands, then None."""
    yield from bands
    yield None
