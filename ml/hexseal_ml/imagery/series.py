"""Images of several dates of one place, read as one: all bands of the first date, then the next."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Self

import numpy as np

from hexseal.errors import GridMismatchError, InputError
from hexseal.raster.grid import Window
from hexseal.types import Flags, Floats
from hexseal_ml.imagery.bands import band_of, days_of
from hexseal_ml.imagery.image import Image
from hexseal_ml.imagery.masks import open_masked

# A pixel is mapped where at least this share of the dates has data.
LEAST_DATES = 0.5


class Series:
    """Open images of one grid, one for each date; use one object per thread.

    It reads as an Image does: ``bands`` are the requested channels, dates one after the other.
    """

    def __init__(self, images: Sequence[Image], channels: Sequence[str]) -> None:
        self.images, self.bands = tuple(images), tuple(channels)
        self.grid = images[0].grid
        self.address = "; ".join(image.address for image in images)
        self.missing = tuple(dict.fromkeys(band for image in images for band in image.missing))
        self.warnings = tuple(text for image in images for text in image.warnings)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for image in self.images:
            image.__exit__(*error)

    def read(self, window: Window) -> tuple[Floats, Flags]:
        """Return reflectance (channels, rows, cols), NaN where missing, and where it is known.

        A pixel (rows, cols) is known where at least half of the dates have data.
        """
        dates = [image.read(window) for image in self.images]
        for values, known in dates:
            values[:, ~known] = np.nan
        share = np.mean([known for _, known in dates], axis=0)
        return np.concatenate([values for values, _ in dates]), share >= LEAST_DATES

    def identity(self) -> list[object]:
        """Return what identifies these images."""
        return [image.identity() for image in self.images]


def open_dates(
    addresses: Sequence[str], channels: Sequence[str], *, allow_missing: bool = False,
    mask: str | None = None, clouds: str = "keep",
) -> Image | Series:  # fmt: skip
    """Open one image, or one for each date of ``channels`` in their order.

    Raises InputError where there are more or fewer images than dates, GridMismatchError where
    their grids differ, and what open_masked raises. ``mask`` goes with one image only.
    """
    days = days_of(channels)
    if len(addresses) != max(len(days), 1):
        wanted = f"{len(days)}, of the days {', '.join(map(str, days))}" if days else "1"
        raise InputError(f"{len(addresses)} images given; this model takes {wanted}")
    if not days:
        return open_masked(
            addresses[0], bands=tuple(channels), allow_missing=allow_missing, mask=mask,
            clouds=clouds,
        )  # fmt: skip
    if mask is not None and len(days) > 1:
        raise InputError(
            f"{mask}: one scene classification cannot be that of {len(days)} images; put a band "
            "SCL into each"
        )
    bands = tuple(band_of(channel) for channel in channels[: len(channels) // len(days)])
    with ExitStack() as stack:
        images = [
            stack.enter_context(
                open_masked(
                    address, bands=bands, allow_missing=allow_missing, mask=mask, clouds=clouds
                )
            )
            for address in addresses
        ]
        for image in images[1:]:
            difference = images[0].grid.difference(image.grid)
            if difference is not None:
                raise GridMismatchError(
                    f"{image.address}: {difference} than {images[0].address}; warp all dates "
                    "onto one grid"
                )
        stack.pop_all()
    return Series(images, channels)
