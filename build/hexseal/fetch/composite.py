"""Median composites: of each pixel and band the median of what was seen clear in a season.

Memory holds one band of one block of all scenes near it, whatever the size of the place.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hexseal.errors import FetchError
from hexseal.fetch.image_server import tiles
from hexseal.fetch.items import OFFSET, SCALE, Scene
from hexseal.fetch.place import EPSG, Place, to_box
from hexseal.fetch.scenes import SceneReader, configure, near
from hexseal.progress import Progress, no_progress
from hexseal.raster.cog import BLOCK, CogWriter, Layout
from hexseal.raster.grid import Grid
from hexseal.types import Bytes, Int16s

# As Collection 1 and the simulated sample store it: reflectance = number x SCALE + OFFSET.
NODATA, LARGEST, MISSING = 0, 32766, 32767
REFLECTANCE = Layout(
    "int16", nodata=NODATA, scale=SCALE, offset=OFFSET,
    compression={"compress": "ZSTD", "level": "3", "predictor": "YES"},
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CompositeSummary:
    """The scenes that went in, and how many of the place's pixels hold nothing."""

    scenes: tuple[str, ...]
    empty: int
    pixels: int


def stored(numbers: NDArray[np.uint16], scale: float, offset: float) -> Int16s:
    """Return a scene's numbers as the composite stores them; MISSING where they are 0.

    >>> stored(np.array([0, 1500, 500], np.uint16), 1e-4, -0.1).tolist()
    [32767, 1500, 500]
    >>> stored(np.array([500], np.uint16), 1e-4, 0.0).tolist()
    [1500]
    """
    values = np.rint((numbers * scale + (offset - OFFSET)) / SCALE)
    values = np.clip(values, 1, LARGEST).astype(np.int16)
    return np.where(numbers == 0, np.int16(MISSING), values)


def median(stack: Int16s) -> tuple[Int16s, NDArray[np.int64]]:
    """Return median and count over the first axis of what is not MISSING; halves round up.

    The median of nothing is NODATA.

    >>> values, counts = median(np.array([[[5]], [[8]], [[MISSING]]], np.int16))
    >>> values.tolist(), counts.tolist()
    ([[7]], [[2]])
    """
    counts = np.count_nonzero(stack != MISSING, axis=0)
    if not len(stack):
        return np.zeros(stack.shape[1:], np.int16), counts
    ordered = np.sort(stack, axis=0)
    places = [np.maximum(counts - 1, 0) // 2, np.minimum(counts // 2, len(stack) - 1)]
    low, high = (np.take_along_axis(ordered, place[None], 0)[0].astype(int) for place in places)
    middle = (low + high + 1) // 2
    return np.where(counts == 0, NODATA, middle).astype(np.int16), counts


def write_composite(
    path: Path,
    place: Place,
    scenes: Sequence[Scene],
    reader: SceneReader,
    *,
    progress: Progress = no_progress,
) -> CompositeSummary:
    """Write the composite of scenes, and beside it how often each pixel was seen clear.

    ``path`` gets one int16 band for each band asked for, with its name, scale and offset, NODATA
    where a pixel was seen too seldom; ``…_observations.tif`` counts up to 255.
    """
    configure()
    settings, grid = reader.settings, place.grid
    boxes = [to_box(scene.box, "EPSG:4326", EPSG) for scene in scenes]
    blocks = list(tiles(grid, BLOCK))
    empty = 0
    beside = path.with_name(f"{path.stem}_observations.tif")
    with (
        CogWriter(path, grid, replace(REFLECTANCE, bands=settings.bands)) as bands,
        CogWriter(beside, grid, Layout(bands=("clear observations",))) as observations,
    ):
        for done, window in enumerate(blocks, 1):
            here = [s for s, box in zip(scenes, boxes, strict=True) if near(box, grid, window)]
            values, counts = _block(reader, here, grid.subgrid(window))
            empty += int(np.count_nonzero(values[0] == NODATA))
            bands.write(values, window)
            observations.write(counts, window)
            progress(path.name, done, len(blocks))
        if empty == grid.width * grid.height:
            raise FetchError(
                f"{path.name}: no pixel was seen clear in {settings.observations} images; allow "
                "more clouds, more months or fewer observations in [fetch.sentinel2]"
            )
    return CompositeSummary(tuple(s.id for s in scenes), empty, grid.width * grid.height)


def _block(reader: SceneReader, scenes: Sequence[Scene], grid: Grid) -> tuple[Int16s, Bytes]:
    """Return the composite (bands, rows, columns) of a block and its clear observations."""
    settings = reader.settings
    hidden = reader.hidden(scenes, grid)
    seen = [(s, h) for s, h in zip(scenes, hidden, strict=True) if not h.all()]
    values = np.zeros((len(settings.bands), grid.height, grid.width), np.int16)
    fewest = np.full((grid.height, grid.width), 255, np.int64)
    for place, band in enumerate(settings.bands):
        values[place], counts = median(_stack(reader, seen, band, grid))
        fewest = np.minimum(fewest, counts)
    values[:, fewest < settings.observations] = NODATA
    return values, fewest.astype(np.uint8)


def _stack(
    reader: SceneReader, seen: list[tuple[Scene, NDArray[np.bool_]]], band: str, grid: Grid
) -> Int16s:
    """Return the numbers (scenes, rows, columns) of a band, MISSING where they are hidden."""
    assets = [scene.bands[band] for scene, _ in seen]
    stack = np.full((len(seen), grid.height, grid.width), MISSING, np.int16)
    for place, numbers in enumerate(reader.numbers(assets, grid)):
        values = stored(numbers, assets[place].scale, assets[place].offset)
        np.copyto(stack[place], values, where=~seen[place][1])
    return stack
