"""Tile folders of INSEE's course and hackathon: small images and labels side by side.

    images/{NUTS3}/{year}/{xmin}_{ymin}_{polygon}_{i}.tif or .npy    14 bands, reflectance
    labels/{NUTS3}/{year}/{same name}.npy                            0 no data, 1 to 11 classes

A second downloader leaves out the polygon. Labels find their image by name, never by the order
of a listing. ``filename2bbox.parquet`` holds where a tile lies; without it the name does.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow.parquet as pq
import rasterio
from rasterio.errors import RasterioError

from hexseal.errors import InputError
from hexseal.types import Bytes, Floats, Int16s
from hexseal_ml.data.scenes import Scene, kept_scene, pack, scene_key
from hexseal_ml.imagery.bands import TILE_LAYOUT as LAYOUT
from hexseal_ml.model.classes import CODES

NAME = re.compile(r"(-?\d+)_(-?\d+)(?:_\d+)?_\d+")
PIXEL_M = 10.0
NO_LABEL = 0


def tile_scenes(
    folder: Path, years: Sequence[int], bands: Sequence[str], cache: Path
) -> list[Scene]:
    """Return a scene for each labelled tile of a folder, of ``years`` only when some are given."""
    labels = sorted((folder / "labels").rglob("*.npy"))
    if not labels:
        raise InputError(f"{folder}: no labels/**/*.npy; give the folder that holds images, labels")
    places = _places(folder)
    scenes = []
    for label in labels:
        relative = label.relative_to(folder / "labels")
        year = next((int(part) for part in relative.parts if re.fullmatch(r"\d{4}", part)), None)
        if years and year not in years:
            continue
        image = _image_of(folder, relative)
        left, bottom = _place(image, places)
        shape = _label(label).shape
        facts: dict[str, object] = {
            "name": str(relative.with_suffix("")), "group": "EPSG:3035",
            "origin": [left, bottom + shape[0] * PIXEL_M], "pixel_m": PIXEL_M, "bands": list(bands),
        }  # fmt: skip
        files = [str(image), str(label)]
        key = scene_key("tile", *files, tuple(bands), files=files)
        scenes.append(kept_scene(cache, key, facts, lambda i=image, b=label: _read(i, b, bands)))
    if not scenes:
        raise InputError(f"{folder}: no tile of {', '.join(map(str, years))}; name other years")
    return scenes


def _image_of(folder: Path, relative: Path) -> Path:
    for suffix in (".tif", ".tiff", ".npy"):
        image = (folder / "images" / relative).with_suffix(suffix)
        if image.is_file():
            return image
    raise InputError(
        f"{folder / 'labels' / relative}: no image of this name in {folder / 'images'}; "
        "labels and images must be named alike"
    )


def _places(folder: Path) -> dict[str, tuple[float, float]]:
    """Return the lower left corner of each tile that a sidecar names."""
    found: dict[str, tuple[float, float]] = {}
    for sidecar in sorted(folder.rglob("filename2bbox.parquet")):
        table = pq.read_table(sidecar).to_pydict()
        if not {"filename", "bbox"} <= table.keys():
            raise InputError(f"{sidecar}: needs columns filename and bbox")
        for name, box in zip(table["filename"], table["bbox"], strict=True):
            found[Path(str(name)).stem] = (float(box[0]), float(box[1]))
    return found


def _place(image: Path, places: dict[str, tuple[float, float]]) -> tuple[float, float]:
    if image.stem in places:
        return places[image.stem]
    found = NAME.fullmatch(image.stem)
    if found is None:
        raise InputError(
            f"{image}: neither filename2bbox.parquet nor its name holds where it lies; "
            "expected xmin_ymin_i or xmin_ymin_polygon_i"
        )
    return float(found.group(1)), float(found.group(2))


def _read(image: Path, label: Path, bands: Sequence[str]) -> tuple[Int16s, Bytes]:
    codes = _label(label)
    values = _values(image)
    if values.shape[1:] != codes.shape:
        raise InputError(f"{label}: {codes.shape} pixels, its image {values.shape[1:]}")
    missing = [band for band in bands if band not in LAYOUT]
    if missing:
        raise InputError(f"{image}: tiles have no band {', '.join(missing)}")
    return pack(values[[LAYOUT.index(band) for band in bands]]), codes


def _values(image: Path) -> Floats:
    """Return all bands of a tile (14, rows, cols) whichever way it is stored."""
    try:
        if image.suffix == ".npy":
            values = np.load(image, allow_pickle=False)
            values = values if values.shape[0] == len(LAYOUT) else np.moveaxis(values, -1, 0)
        else:
            with rasterio.open(image) as file:
                values = file.read()
    except (OSError, ValueError, RasterioError) as err:
        raise InputError(f"{image}: cannot be read ({err})") from err
    if values.ndim != 3 or values.shape[0] != len(LAYOUT):
        raise InputError(f"{image}: {values.shape} is not {len(LAYOUT)} bands of rows and columns")
    # A pixel that is 0 in every band was outside the scene.
    values = values.astype(np.float32)
    values[:, (values == 0).all(axis=0)] = np.nan
    return cast(Floats, values)


def _label(label: Path) -> Bytes:
    try:
        codes = np.load(label, allow_pickle=False)
    except (OSError, ValueError) as err:
        raise InputError(f"{label}: cannot be read ({err})") from err
    if codes.ndim != 2 or not np.isin(codes, (NO_LABEL, *CODES)).all():
        raise InputError(f"{label}: is not a map of classes 0 to 11")
    return codes.astype(np.uint8)
