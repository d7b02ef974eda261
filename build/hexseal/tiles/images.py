"""Sentinel-2 images in true colour as WebP tiles: the pictures behind forward years."""

import threading
import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pmtiles.tile import TileType
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader, MemoryFile
from rasterio.windows import Window as RasterioWindow

from hexseal.errors import InputError
from hexseal.progress import Progress, no_progress
from hexseal.raster.grid import Grid, Window
from hexseal.raster.landcover import addresses_of, grid_of, open_raster
from hexseal.region.load import Region
from hexseal.tiles.archives import write_archive
from hexseal.tiles.mercator import MercatorTile, bounds_of, view_of
from hexseal.tiles.pixels import draw_tiles, pixel_zooms
from hexseal.types import Bytes

# Red, green, blue.
BANDS = ("B04", "B03", "B02")
# Twice a raster's pixel is still sharp in a picture, and a quarter of the tiles.
DETAIL = 0.8
QUALITY = 72
# The darkest and brightest hundredths of a coarse look at the image become black and white.
TAILS = (1.0, 99.0)
LOOK_PIXELS = 512
GAMMA = 1.25
# A tile's place is in its name; rasterio warns of the identity.
NO_PLACE = Affine.scale(2.0, -2.0)
ATTRIBUTION = "Contains modified Copernicus Sentinel data"


@dataclass(frozen=True, slots=True)
class BandFile:
    """One band of an image: its file and its number there."""

    address: str
    index: int


def image_years(region: Region) -> dict[int, str]:
    """Return the image of each year that a forward epoch names, by year."""
    found: dict[int, str] = {}
    for epoch in region.epochs:
        if epoch.forward is not None:
            base, before = epoch.forward.calibrate_on, epoch.forward.calibration_imagery
            if base is not None and before is not None:
                found.setdefault(base, before)
            found[epoch.year] = epoch.forward.imagery
    return dict(sorted(found.items()))


def write_image(
    region: Region,
    year: int,
    archive: Path,
    *,
    workers: int | None = None,
    progress: Progress = no_progress,
) -> int:
    """Write the true-colour image of a year; return the number of tiles.

    Raises InputError where the image lacks one of the three bands or they lie on several grids.
    """
    with TrueColor(image_years(region)[year]) as image:

        def draw(tile: MercatorTile) -> bytes | None:
            view = view_of(image.grid, tile)
            if view is None:
                return None
            bands = [view.paint(band) for band in image.read(view.window)]
            return encode_webp(np.stack(bands)) if bands[3].any() else None

        bounds = bounds_of(image.grid)
        zooms = pixel_zooms(image.grid, DETAIL)
        return write_archive(
            archive,
            draw_tiles(draw, bounds, zooms, workers, progress),
            kind=TileType.WEBP,
            bounds=bounds,
            metadata={
                "name": f"{region.id} image {year}",
                "attribution": region.attribution if region.simulated else ATTRIBUTION,
            },
        )


def find_bands(address: str) -> list[BandFile]:
    """Return red, green and blue of an image: a file with named bands, or one file per band."""
    named: dict[str, BandFile] = {}
    for part in address.split(","):
        for path in addresses_of(part.strip()):
            with open_raster(path) as file:
                names = [(text or "").upper() for text in file.descriptions]
            if len(names) == 1 and names[0] not in BANDS:
                names = [Path(path).stem.upper()[-3:]]
            for place, name in enumerate(names, 1):
                named.setdefault(name, BandFile(path, place))
    missing = [band for band in BANDS if band not in named]
    if missing:
        raise InputError(
            f"{address}: has no band {', '.join(missing)} for a picture in true colour; "
            "name the bands in their descriptions (B02, B03, B04)"
        )
    return [named[band] for band in BANDS]


class TrueColor:
    """Windows of an image as red, green, blue and alpha bytes; safe for many threads."""

    def __init__(self, address: str) -> None:
        self.bands = find_bands(address)
        self.stack = ExitStack()
        self.lock = threading.Lock()
        self.open = threading.local()
        files = self._files()
        self.grid: Grid = grid_of(files[0])
        for band, file in zip(self.bands, files, strict=True):
            difference = self.grid.difference(grid_of(file))
            if difference is not None:
                raise InputError(f"{band.address}: bands lie on several grids: {difference}")
        self.low, self.high = self._range()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def read(self, window: Window) -> list[Bytes]:
        """Return four arrays (height, width); alpha is 0 where the image has no data."""
        place = RasterioWindow(window.column, window.row, window.width, window.height)  # type: ignore[call-arg]
        values = self._numbers(place, (window.height, window.width))
        known = np.isfinite(values).all(axis=0)
        bright = np.clip((values - self.low) / (self.high - self.low), 0.0, 1.0)
        colors = np.where(known, 255.0 * bright ** (1.0 / GAMMA) + 0.5, 0.0).astype(np.uint8)
        return [*colors, np.where(known, 255, 0).astype(np.uint8)]

    def _range(self) -> tuple[float, float]:
        shrink = max(1, self.grid.height // LOOK_PIXELS, self.grid.width // LOOK_PIXELS)
        shape = max(1, self.grid.height // shrink), max(1, self.grid.width // shrink)
        values = self._numbers(None, shape)
        seen = values[np.isfinite(values)]
        if not seen.size:
            return 0.0, 1.0
        low, high = (float(edge) for edge in np.percentile(seen, TAILS))
        return low, max(high, low + 1e-6)

    def _numbers(self, place: RasterioWindow | None, shape: tuple[int, int]) -> NDArray[np.float32]:
        """Return the three bands as stored, NaN where there is no data."""
        planes = []
        for band, file in zip(self.bands, self._files(), strict=True):
            try:
                numbers = file.read(band.index, window=place, out_shape=shape)
            except RasterioError as err:
                raise InputError(f"{band.address}: cannot be read; fetch it again") from err
            nodata = file.nodatavals[band.index - 1]
            values = numbers.astype(np.float32)
            values[numbers == (0 if nodata is None else nodata)] = np.nan
            planes.append(values)
        return np.stack(planes)

    def _files(self) -> Sequence[DatasetReader]:
        if not hasattr(self.open, "files"):
            with self.lock:
                self.open.files = [open_raster(band.address) for band in self.bands]
                for file in self.open.files:
                    # Entered as a context, a file would be bound to its own thread.
                    self.stack.callback(file.close)
        return self.open.files


def encode_webp(bands: Bytes) -> bytes:
    """Return red, green, blue and alpha, shape (4, height, width), as WebP."""
    _, height, width = bands.shape
    with MemoryFile() as memory:
        with memory.open(
            driver="WEBP", width=width, height=height, count=4, dtype="uint8",
            QUALITY=QUALITY, transform=NO_PLACE,
        ) as file:  # fmt: skip
            file.write(bands)
        return memory.read()


def decode_webp(content: bytes) -> Bytes:
    """Return red, green, blue and alpha of a WebP picture, shape (height, width, 4)."""
    with warnings.catch_warnings():
        # A picture has no place on the Earth.
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with MemoryFile(content) as memory, memory.open() as file:
            bands = file.read()
    if len(bands) < 4:
        bands = np.concatenate([bands[:3], np.full_like(bands[:1], 255)])
    return np.ascontiguousarray(np.moveaxis(bands, 0, -1))
