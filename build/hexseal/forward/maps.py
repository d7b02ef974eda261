"""Rasters of a forward year: the map and the model's maps read together."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from hexseal.errors import GridMismatchError
from hexseal.raster.grid import Grid, Window
from hexseal.raster.landcover import OUTSIDE, Landcover, open_landcover
from hexseal.region.load import Epoch
from hexseal.types import Bytes

# Rows that are read at once: a multiple of the blocks of standard errors and of files.
ROWS = 1024


@dataclass(frozen=True, slots=True)
class Maps:
    """The rasters that a forward year is made from, on the grid of CLC+."""

    grid: Grid
    mapped: Landcover
    before: Landcover
    after: Landcover
    confidence_before: Landcover
    confidence_after: Landcover

    def read(self, window: Window) -> tuple[Bytes, ...]:
        """Return the five rasters in a window of CLC+'s grid, OUTSIDE where one has nothing."""
        others = (self.before, self.after, self.confidence_before, self.confidence_after)
        return self.mapped.read(window), *(other.read_on(self.grid, window) for other in others)

    def strips(self) -> list[Window]:
        """Return the windows to read, from north to south."""
        return self.grid.window.strips(ROWS)


def open_maps(stack: ExitStack, mapped: Epoch, stems: tuple[Path, Path]) -> Maps:
    """Open the map of a year and the predictions ``stems`` on its grid, wholly or in part."""
    opened = stack.enter_context(open_landcover(mapped.landcover, fill=OUTSIDE))
    names = [f"{stem}_{kind}.tif" for kind in ("landcover", "confidence") for stem in stems]
    others = [stack.enter_context(open_landcover(name, fill=OUTSIDE)) for name in names]
    for name, other in zip(names, others, strict=True):
        _check_lattice(opened.grid, other.grid, name, mapped)
    return Maps(opened.grid, opened, *others)


def _check_lattice(grid: Grid, other: Grid, name: str, mapped: Epoch) -> None:
    """Reject images whose pixels are not those of the map; they may cover more or less of it."""
    offsets = grid.offset_of(other)
    cut = max(abs(offset - round(offset)) for offset in offsets)
    if not grid.has_pixels_like(other) or cut > 1e-3:
        raise GridMismatchError(
            f"{name}: its image has other pixels than {mapped.landcover} ({mapped.year}): it is "
            f"{other}, expected {grid}; warp the image onto that grid"
        )
