"""The rasters of several years on one grid, read window by window from any thread."""

import threading
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Self

from hexseal.raster.grid import Grid, Window
from hexseal.raster.landcover import Landcover, common_grid, open_landcover
from hexseal.region.load import Region
from hexseal.types import Bytes


def region_grid(region: Region) -> tuple[Grid, Window]:
    """Return the grid that is counted and its place on the rasters' common grid."""
    full = common_grid(region.epochs, density=region.product.is_density)
    frame = full.window if region.window is None else full.window_of(region.window)
    return full.subgrid(frame), frame


class YearStack:
    """Read windows of every year's raster; each thread opens the files for itself.

    Windows are relative to ``frame``, a window of the rasters' common grid. ``addresses`` are
    other rasters on the same grid, and ``fill`` their value where no tile lies.
    """

    def __init__(
        self,
        region: Region,
        frame: Window,
        *,
        addresses: Sequence[str] | None = None,
        fill: int | None = None,
    ) -> None:
        self.addresses = addresses or [epoch.landcover for epoch in region.epochs]
        self.fill = region.product.fill if fill is None else fill
        self.frame = frame
        self.open = threading.local()
        self.stack = ExitStack()
        self.lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def rasters(self) -> list[Landcover]:
        """Return this thread's open rasters."""
        if not hasattr(self.open, "rasters"):
            with self.lock:
                self.open.rasters = [
                    self.stack.enter_context(open_landcover(address, fill=self.fill))
                    for address in self.addresses
                ]
        return self.open.rasters

    def read(self, window: Window) -> tuple[Bytes, ...]:
        """Return every year's classes in a window of the frame."""
        shifted = window.moved(self.frame.row, self.frame.column)
        return tuple(raster.read(shifted) for raster in self.rasters())

    def windows(self) -> list[Window]:
        """Cut the frame into windows along the blocks of the first raster, row by row."""
        cut = self.frame.cut(self.rasters()[0].block_shape)
        return [window.moved(-self.frame.row, -self.frame.column) for window in cut]
