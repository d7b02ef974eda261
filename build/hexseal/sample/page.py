"""The labelling page: one HTML file with the blocks of a sample, their pictures, and a script.

It holds nothing of what the maps say of change, works without a network, and saves the table that
``hexseal accuracy`` reads.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from hexseal.errors import InputError
from hexseal.progress import Progress, no_progress
from hexseal.raster.grid import Grid, Window
from hexseal.raster.stack import YearStack, region_grid
from hexseal.region.load import Region
from hexseal.sample.blocks import SIDE, BlockGrid
from hexseal.sample.imagery import METRES_PER_DEGREE, Images, images_of, surroundings
from hexseal.sample.stage import Sample, cell_text
from hexseal.storage.files import write_bytes
from hexseal.types import Doubles

ASSETS = Path(__file__).parent / "page"
# The block and its surroundings, in cells; and the wider look.
CELLS, CONTEXT_CELLS = 24, 100
MOST_CHIP_PIXELS, CONTEXT_PIXELS = 480, 200
MAXZOOM = 19


@dataclass(frozen=True, slots=True)
class PageSources:
    """Where pictures come from: images by year, tile services by year, both beyond the region's."""

    images: Mapping[int, str] = field(default_factory=dict)
    tiles: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PageSummary:
    """The size of the page and how many blocks each year has a picture of."""

    bytes: int
    pictures: Mapping[int, int]


def write_page(
    sample: Sample,
    region: Region,
    path: Path,
    *,
    sources: PageSources,
    progress: Progress = no_progress,
) -> PageSummary:
    """Write the labelling page of a sample; raise InputError for images that cannot be read."""
    for year in sorted({*sources.images, *sources.tiles} - set(sample.design.pair)):
        raise InputError(
            f"{year} is not a year of this sample ({sample.design.pair[0]} and "
            f"{sample.design.pair[1]}); name an image of one of them"
        )
    grid = region_grid(region)[0]
    pictures = _Pictures(sample, grid)
    images = images_of(region, sources.images, sample.design.pair)
    for year, address in images.items():
        pictures.cut(year, address, is_last=year == max(images), progress=progress)
    data = _data(sample, region, grid, path, sources) | pictures.facts
    page = _filled(
        style=_asset("label.css"),
        script=_asset("label.js"),
        tile_hosts="".join(f" {host}" for host in sorted(_hosts(sources.tiles))),
        data=_json(data),
        texts=_json(json.loads(_asset("texts.json"))),
        pictures=_json(pictures.encoded),
    )
    size = write_bytes(path, page.encode())
    found = {
        year: sum(chip is not None for chip in chips) for year, chips in pictures.chips.items()
    }
    return PageSummary(size, found)


class _Pictures:
    """Chips of both years and the wider look of the later one, base64 in the order of units."""

    def __init__(self, sample: Sample, grid: Grid) -> None:
        self.sample, self.grid = sample, grid
        self.chips: dict[int, list[str | None]] = {}
        self.context: list[str | None] = []
        self.facts: dict[str, object] = {"sources": {}, "contextYear": None}

    @property
    def encoded(self) -> dict[str, list[str | None]]:
        """Return all pictures as the page wants them."""
        return {str(year): chips for year, chips in self.chips.items()} | {"context": self.context}

    def cut(self, year: int, address: str, *, is_last: bool, progress: Progress) -> None:
        """Cut the chips of a year, and the wider look of the last one."""
        metres = CELLS * cell_metres(self.grid)
        with Images(address, year=year) as images:
            pixels = images.pixels_of(metres, MOST_CHIP_PIXELS)
            picture = images.picture
            self.chips[year] = []
            for done, bounds in enumerate(self.sample.bounds, 1):
                near = surroundings(bounds, self.grid, cells=CELLS, before=(CELLS - SIDE) // 2)
                self.chips[year].append(_text(images.chip(self.grid, near, pixels)))
                if is_last:
                    wide = surroundings(
                        bounds, self.grid, cells=CONTEXT_CELLS, before=(CONTEXT_CELLS - SIDE) // 2
                    )
                    self.context.append(_text(images.chip(self.grid, wide, CONTEXT_PIXELS)))
                progress(f"images {year}", done, len(self.sample.bounds))
        sources = self.facts["sources"]
        assert isinstance(sources, dict)
        sources[str(year)] = {"name": picture.name, "pixel": picture.pixel}
        if is_last:
            self.facts["contextYear"] = year


def cell_metres(grid: Grid) -> float:
    """Return the height of a cell in metres."""
    if grid.is_geographic:
        return grid.pixel_size[1] * METRES_PER_DEGREE
    return float(np.sqrt(grid.nominal_pixel_area_m2))


def _data(
    sample: Sample, region: Region, grid: Grid, path: Path, sources: PageSources
) -> dict[str, object]:
    columns = sample.columns()
    metres = cell_metres(grid)
    return {
        "region": region.id,
        "title": dict(region.title),
        "years": list(sample.design.pair),
        "design": sample.design.mark,
        "file": f"{path.stem}-labels.csv",
        "columns": list(columns),
        "shareColumns": [list(columns).index(name) for name in sample.shares],
        "cells": CELLS,
        "cellMetres": metres,
        "metres": f"{SIDE * metres:.0f}",
        "contextSize": _length(CONTEXT_CELLS * metres),
        "tiles": {
            str(year): {"url": address, "maxzoom": MAXZOOM}
            for year, address in sources.tiles.items()
        },
        "units": _units(sample, region, grid, columns, with_corners=bool(sources.tiles)),
    }


def _units(
    sample: Sample, region: Region, grid: Grid, columns: dict[str, list], *, with_corners: bool
) -> list[dict[str, object]]:
    blocks = BlockGrid(grid)
    rows = list(zip(*columns.values(), strict=True))
    masks = _masks(sample, region, blocks)
    middle = (sample.bounds[:, :2] + sample.bounds[:, 2:]) / 2
    lon, lat = grid.to_lonlat(middle[:, 0], middle[:, 1])
    units = []
    for place, row in enumerate(rows):
        block_row, block_column = divmod(int(sample.blocks.index[place]), blocks.columns)
        unit: dict[str, object] = {
            "unit": place + 1,
            "row": [cell_text(cell) for cell in row],
            "columns": min(SIDE, grid.width - block_column * SIDE),
            "rows": min(SIDE, grid.height - block_row * SIDE),
            "lonlat": [round(float(lon[place]), 6), round(float(lat[place]), 6)],
        }
        if masks[place]:
            unit["mask"] = masks[place]
        if with_corners:
            unit["corners"] = _corners(sample.bounds[place], grid)
        units.append(unit)
    return units


def _masks(sample: Sample, region: Region, blocks: BlockGrid) -> list[str]:
    """Return which cells of a block count at both dates, "" where all do."""
    grid, frame = region_grid(region)
    is_valid = np.isin(np.arange(256), sorted(region.product.valid))
    addresses = [e.landcover for e in region.epochs if e.year in sample.design.pair]
    masks = []
    with YearStack(region, frame, addresses=addresses) as reader:
        for index, valid in zip(sample.blocks.index, sample.blocks.valid, strict=True):
            row, column = (place * SIDE for place in divmod(int(index), blocks.columns))
            height, width = min(SIDE, grid.height - row), min(SIDE, grid.width - column)
            if valid == height * width:
                masks.append("")
                continue
            flags = np.zeros((SIDE, SIDE), np.bool_)
            bands = reader.read(Window(row, column, height, width))
            flags[:height, :width] = is_valid[np.stack(bands)].all(axis=0)
            masks.append("".join("1" if flag else "0" for flag in flags.ravel()))
    return masks


def _corners(bounds: Doubles, grid: Grid) -> list[list[float]]:
    """Return upper left, upper right and lower left of the surroundings in degrees."""
    left, bottom, right, top = surroundings(bounds, grid, cells=CELLS, before=(CELLS - SIDE) // 2)
    lon, lat = grid.to_lonlat(np.array([left, right, left]), np.array([top, top, bottom]))
    return [[round(float(x), 7), round(float(y), 7)] for x, y in zip(lon, lat, strict=True)]


def _length(metres: float) -> str:
    return f"{metres / 1000:.3g} km" if metres >= 1000 else f"{metres:.0f} m"


def _hosts(tiles: Mapping[int, str]) -> set[str]:
    hosts = set()
    for address in tiles.values():
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(
                f"--tiles {address!r}: give an http(s) address with {{z}}, {{x}}, {{y}}"
            )
        missing = [name for name in ("{z}", "{x}", "{y}") if name not in address]
        if missing or any(sign in parts.netloc for sign in " ;,'\"<>"):
            raise InputError(f"--tiles {address!r}: has no {missing[0] if missing else 'host'}")
        hosts.add(f"{parts.scheme}://{parts.netloc}")
    return hosts


def _text(picture: bytes | None) -> str | None:
    return None if picture is None else base64.b64encode(picture).decode()


def _json(value: object) -> str:
    """Return JSON that cannot end the element that holds it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _filled(**parts: str) -> str:
    page = _asset("page.html")
    head, *pieces = page.split("@")
    # Names stand between two signs; nothing that is filled in is looked at again.
    for place, piece in enumerate(pieces):
        pieces[place] = parts.get(piece, piece) if place % 2 == 0 else piece
    return head + "".join(pieces)
