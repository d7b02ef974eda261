"""Count judged pixels per hexagon and area: states, sealed edges, and origins of what is new."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hexseal.change.grading import DoubtfulPlaces
from hexseal.change.states import EDGE_AFTER, EDGE_BEFORE, NO_DATA, STATE_BITS, State
from hexseal.counting.stage import CountFiles, count_windows
from hexseal.counting.tally import WindowCounter
from hexseal.progress import Progress, no_progress
from hexseal.raster.grid import Grid, Window
from hexseal.raster.joint import JointClasses
from hexseal.raster.stack import YearStack
from hexseal.region.load import Region
from hexseal.types import Bytes
from hexseal.vector.zones import Zones

COLUMNS = ("state", "edge_before", "edge_after", "doubtful", "origin")
# Added where a test of the maps fails locally. NO_DATA has all bits.
DOUBTFUL = 128
# A pixel of change as it lies in a file: its patch is a label until all bands are seen.
RECORD = np.dtype(
    [("row", "<i4"), ("column", "<i4"), ("label", "<i8"), ("partner", "u1"), ("secure", "u1")]
)


class JudgedPixels:
    """The raster of states with the outcome of each patch painted in; safe for many threads.

    ``records`` are the pixels of patches in raster order, ``patches`` the patch of each label,
    ``outcome`` the State that the pixels of each patch end in; of a confirmed patch, only those
    that have the bit ``secure``. ``doubtful`` says where the maps are.
    """

    def __init__(
        self,
        states: YearStack,
        records: NDArray[np.void],
        patches: NDArray[np.int64],
        outcome: Bytes,
        *,
        secure: int,
        doubtful: DoubtfulPlaces,
    ) -> None:
        self.states = states
        self.secure = secure
        self.doubtful = doubtful
        self.records = records
        self.patches = patches
        self.outcome = outcome
        rows = np.arange(states.frame.height + 1)
        self.starts = np.searchsorted(records["row"], rows)

    def windows(self) -> list[Window]:
        """Return the windows that cover all, row by row."""
        return self.states.windows()

    def read(self, window: Window) -> tuple[Bytes, ...]:
        """Return states with edges, and the former class of confirmed pixels (else 0)."""
        codes = self.states.read(window)[0].copy()
        origin = np.zeros_like(codes)
        some = self.records[self.starts[window.row] : self.starts[window.row + window.height]]
        column = some["column"].astype(np.int64) - window.column
        inside = (column >= 0) & (column < window.width)
        some, place = some[inside], (some["row"][inside] - window.row, column[inside])
        ends = self.outcome[self.patches[some["label"]]]
        unsure = (ends == State.CONFIRMED) & (some["secure"] & self.secure == 0)
        ends = np.where(unsure, np.uint8(State.CONFIRMED_EDGE), ends)
        codes[place] = (codes[place] & ~np.uint8(STATE_BITS)) | ends
        origin[place] = np.where(ends == State.CONFIRMED, some["partner"], 0)
        doubtful = self.doubtful.at(
            np.arange(window.row, window.row + window.height),
            np.arange(window.column, window.column + window.width),
        )
        codes[doubtful] |= DOUBTFUL
        return codes, origin


class StateJoiner:
    """Pack states, edges, doubtful places and origins into the codes that occur."""

    def join(self, bands: tuple[Bytes, ...]) -> JointClasses:
        """Return codes whose classes are those of COLUMNS."""
        joint = bands[0].astype(np.uint16) | (bands[1].astype(np.uint16) << 8)
        seen = np.bincount(joint.ravel(), minlength=1 << 16) > 0
        codes = (np.cumsum(seen) - 1).astype(np.uint16)[joint]
        origin, byte = np.divmod(np.flatnonzero(seen), 256)
        state = np.where(byte == NO_DATA, NO_DATA, byte & STATE_BITS)
        flags = [
            np.where(byte == NO_DATA, 0, byte & bit) > 0
            for bit in (EDGE_BEFORE, EDGE_AFTER, DOUBTFUL)
        ]
        return JointClasses(codes, np.column_stack([state, *flags, origin]).astype(np.int16))

    def refuse_unknown(self, bands: tuple[Bytes, ...], classes: NDArray[np.int16]) -> None:
        """Accept everything: the states are ours."""


def count_states(
    region: Region,
    grid: Grid,
    zones: Zones,
    judged: JudgedPixels,
    work: Path,
    *,
    prefix: str,
    resolution: int | None,
    workers: int | None = None,
    progress: Progress = no_progress,
) -> None:
    """Write PREFIXcells.parquet and PREFIXzones.parquet, as cells.parquet and zones.parquet.

    Without a ``resolution`` only areas are counted, and only windows that they reach are read.
    """
    counter = WindowCounter(grid, StateJoiner(), resolution, zones.polygons)
    with CountFiles(work, region.years, zones, columns=COLUMNS, prefix=prefix) as files:
        for counts in count_windows(judged, counter, workers, progress):
            files.add(counts)
        files.finish()
