"""Pictures of blocks for the labelling page: chips cut out of any image that GDAL reads.

An image may have any CRS and pixel size: every chip is warped to the region's own grid. Images of
forward years are there without being named; orthophotos are named by year.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader, MemoryFile
from rasterio.vrt import WarpedVRT

from hexseal.errors import InputError
from hexseal.raster.grid import Grid
from hexseal.raster.landcover import addresses_of, open_raster
from hexseal.region.load import Region
from hexseal.tiles.images import BANDS, find_bands, image_years
from hexseal.types import Box, Bytes, Doubles, Pair

QUALITY = 82
# The darkest and brightest hundredths of a coarse look at the image become black and white.
TAILS = (1.0, 99.0)
LOOK_PIXELS = 512
GAMMA = 1.2
# A coarse image is drawn at least so large, so that its upscaling is smooth.
FEWEST_PIXELS = 120
METRES_PER_DEGREE = 111_320.0


@dataclass(frozen=True, slots=True)
class Picture:
    """The page's description of the image of a year; ``pixel`` is its size in metres."""

    name: str
    pixel: float


@dataclass(frozen=True, slots=True, eq=False)
class _Band:
    """A band of an open file and the values that become black and white."""

    file: DatasetReader
    index: int
    low: float
    high: float


class Images:
    """The image of one year: files painted over each other, each as red, green and blue."""

    def __init__(self, address: str, *, year: int) -> None:
        self.address, self.year = address, year
        self.stack = ExitStack()
        self.layers: list[tuple[_Band, _Band, _Band]] = []

    def __enter__(self) -> Self:
        try:
            self.layers = self._layers()
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    @property
    def picture(self) -> Picture:
        """Return how the page names the image."""
        file = self.layers[0][0].file
        size = abs(file.transform.a) * (METRES_PER_DEGREE if file.crs.is_geographic else 1.0)
        first = self.address.split(",")[0].strip()
        is_scene = {(text or "").upper() for text in file.descriptions} >= set(BANDS)
        name = "Sentinel-2" if is_scene else Path(first).stem.replace("_", " ")[:40]
        return Picture(name, round(size, 2))

    def chip(self, grid: Grid, bounds: Box, pixels: int) -> bytes | None:
        """Return a square picture of ``bounds`` in the CRS of ``grid`` as JPEG.

        None where the image shows nothing there.
        """
        xmin, ymin, xmax, ymax = bounds
        step = Affine((xmax - xmin) / pixels, 0, xmin, 0, (ymin - ymax) / pixels, ymax)
        shown = np.zeros((pixels, pixels), np.bool_)
        picture = np.zeros((3, pixels, pixels), np.uint8)
        for layer in self.layers:
            bands, seen = _warped(layer, grid.crs, step, pixels)
            picture[:, seen] = bands[:, seen]
            shown |= seen
        return encode_jpeg(picture) if shown.mean() > 0.02 else None

    def pixels_of(self, metres: float, most: int) -> int:
        """Return how many pixels a picture of so many metres needs."""
        return int(np.clip(round(metres / self.picture.pixel), FEWEST_PIXELS, most))

    def _layers(self) -> list[tuple[_Band, _Band, _Band]]:
        parts = [part.strip() for part in self.address.split(",")]
        paths = [path for part in parts for path in addresses_of(part)]
        files = [self.stack.enter_context(_opened(path)) for path in paths]
        try:
            scene = find_bands(self.address)
        except InputError:
            return [self._stretched(file, _rgb(file)) for file in files]
        opened = dict(zip(paths, files, strict=True))
        if len({band.address for band in scene}) == 1 and len(files) > 1:
            return [self._stretched(file, _named(file, scene)) for file in files]
        red, green, blue = (_band(opened[band.address], band.index) for band in scene)
        return [(red, green, blue)]

    def _stretched(
        self, file: DatasetReader, places: tuple[int, int, int]
    ) -> tuple[_Band, _Band, _Band]:
        red, green, blue = (_band(file, place) for place in places)
        return red, green, blue


def images_of(region: Region, named: Mapping[int, str], pair: Pair) -> dict[int, str]:
    """Return the image of each year of a pair: as named, or that of a forward year."""
    known = {**image_years(region), **named}
    return {year: known[year] for year in pair if year in known}


def encode_jpeg(picture: Bytes) -> bytes:
    """Return bands, shape (3, rows, columns), as a JPEG file."""
    _, height, width = picture.shape
    with MemoryFile() as memory, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with memory.open(
            driver="JPEG", width=width, height=height, count=3, dtype="uint8", quality=QUALITY,
        ) as file:  # fmt: skip
            file.write(picture)
        return memory.read()


def surroundings(bounds: Doubles, grid: Grid, *, cells: int, before: int) -> Box:
    """Return the square of ``cells`` pixels that begins ``before`` pixels left of and above."""
    x, y = grid.pixel_size
    left, top = float(bounds[0]) - before * x, float(bounds[3]) + before * y
    return Box(left, top - cells * y, left + cells * x, top)


def _opened(path: str) -> DatasetReader:
    file = open_raster(path)
    if file.crs is None:
        file.close()
        raise InputError(
            f"{path}: has no coordinate reference system; assign one with gdal_edit.py -a_srs"
        )
    return file


def _rgb(file: DatasetReader) -> tuple[int, int, int]:
    """Return the bands to show: as they are coloured, else the usual order."""
    colours = list(file.colorinterp)
    wanted = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
    if all(colour in colours for colour in wanted):
        red, green, blue = (colours.index(colour) + 1 for colour in wanted)
        return red, green, blue
    if file.count >= 4 and file.dtypes[0] != "uint8":
        return 3, 2, 1  # blue, green, red, infrared
    return (1, 2, 3) if file.count >= 3 else (1, 1, 1)


def _named(file: DatasetReader, scene: Sequence[object]) -> tuple[int, int, int]:
    names = [(text or "").upper() for text in file.descriptions]
    if not set(BANDS) <= set(names):
        return _rgb(file)
    red, green, blue = (names.index(band) + 1 for band in BANDS)
    return red, green, blue


def _band(file: DatasetReader, index: int) -> _Band:
    if file.dtypes[index - 1] == "uint8":
        return _Band(file, index, 0.0, 255.0)
    shape = min(file.height, LOOK_PIXELS), min(file.width, LOOK_PIXELS)
    try:
        look = file.read(index, out_shape=shape, masked=True)
    except RasterioError as err:
        raise InputError(f"{file.name}: cannot be read; fetch it again") from err
    seen = look.compressed()
    seen = seen[np.isfinite(seen) & (seen != 0)] if seen.size else seen
    low, high = (float(edge) for edge in np.percentile(seen, TAILS)) if seen.size else (0.0, 1.0)
    return _Band(file, index, low, max(high, low + 1e-9))


def _warped(
    layer: tuple[_Band, _Band, _Band], crs: str, step: Affine, pixels: int
) -> tuple[Bytes, NDArray[np.bool_]]:
    """Return three bands of a chip and where they show something."""
    planes, seen = [], np.ones((pixels, pixels), np.bool_)
    for file, bands in _by_file(layer):
        with WarpedVRT(
            file, crs=crs, transform=step, width=pixels, height=pixels,
            resampling=Resampling.nearest if _is_palette(file) else Resampling.cubic,
            add_alpha=not _has_mask(file),
        ) as view:  # fmt: skip
            try:
                values = view.read([band.index for band in bands]).astype(np.float64)
                seen &= view.dataset_mask() > 0
            except RasterioError as err:
                raise InputError(f"{file.name}: cannot be read; fetch it again") from err
        planes += [_stretch(value, band) for value, band in zip(values, bands, strict=True)]
    if _is_palette(layer[0].file):
        planes = list(_coloured(layer[0].file, planes[0]))
    return np.stack(planes), seen


def _by_file(layer: tuple[_Band, _Band, _Band]) -> Iterator[tuple[DatasetReader, list[_Band]]]:
    if len({id(band.file) for band in layer}) == 1:
        yield layer[0].file, list(layer)
    else:
        yield from ((band.file, [band]) for band in layer)


def _has_mask(file: DatasetReader) -> bool:
    return file.nodata is not None or ColorInterp.alpha in file.colorinterp


def _stretch(values: Doubles, band: _Band) -> Bytes:
    share = np.clip((values - band.low) / (band.high - band.low), 0, 1)
    if (band.low, band.high) != (0.0, 255.0):
        share = share ** (1 / GAMMA)
    return np.round(np.nan_to_num(share) * 255).astype(np.uint8)


def _is_palette(file: DatasetReader) -> bool:
    return file.colorinterp[0] == ColorInterp.palette


def _coloured(file: DatasetReader, codes: Bytes) -> Bytes:
    table = np.zeros((256, 3), np.uint8)
    for code, colour in file.colormap(1).items():
        table[code] = colour[:3]
    return np.moveaxis(table[codes], -1, 0)
