"""Real images without labels, taught by another model's probabilities and by their spectrum.

A folder of images and one NPZ of probabilities by image name, as Google's Dynamic World gives
them: nine classes, uint8 with 255 for 1. Its class *built* is a neighbourhood, gardens included;
Sealed is a surface. So the teacher decides where, and vegetation in the spectrum decides inside:

    Sealed     the teacher's likeliest class is built and NDVI at the ground is below 0.55;
               or the model that training starts from sees Sealed there, with the same NDVI, and
               the teacher gives built at least 0.15 (narrow roads)
    unknown    built with NDVI 0.55 to 0.68 (both limits are ``green`` of the source), or no class
               of the teacher likelier than 0.4, or the model that training starts from sees
               Sealed and the teacher gives built 0.05 to 0.15
    other      the likeliest class but Sealed of the model that training starts from

Images are brought to reflectance at the ground with a fixed, typical atmosphere, so that
augmentation can put any atmosphere on them, their own included (augment.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from scipy import ndimage

from hexseal.errors import InputError
from hexseal.types import Bytes, Floats, Int16s
from hexseal_ml.data.augment import to_ground
from hexseal_ml.data.scenes import Scene, kept_scene, pack, scene_key
from hexseal_ml.data.split import TRAIN, VALIDATION
from hexseal_ml.imagery.bands import band_name
from hexseal_ml.model.classes import CODES, IGNORE, SEALED

# What derives labels, beside the model that training starts from.
CODE = ("hexseal_ml.data.taught",)
WATER, BUILT = 0, 6
TEACHER_CLASSES = 9
LEAST_CERTAIN = 0.4
GREEN = (0.55, 0.68)
# What the student calls Sealed where another class of the teacher is likelier than built: not
# Sealed below the first chance of built, Sealed from the second on (narrow roads).
HARDLY_BUILT, PARTLY_BUILT = 0.05, 0.15
CERTAIN_WATER, WATER_CODE = 0.6, 10
DN_SCALE = 1e-4
PIXEL_M = 10.0
# One of so many images, in the order of their names, is held aside.
HELD_ASIDE = 5

# Reflectance (bands, rows, cols) in, the likeliest code but Sealed and where Sealed is, out.
Student = Callable[[Floats], tuple[Bytes, NDArray[np.bool_]]]


@dataclass(frozen=True, slots=True)
class Taught:
    """A folder of images with a teacher's probabilities.

    ``images`` maps names of the NPZ to file names, ``<name>.tif`` by default. ``natural`` are
    beginnings of names of images without anything sealed. ``level`` is "L1C" or "L2A";
    ``pixel_m`` is the side of the images' pixels where it is not 10 m. ``names`` restricts to
    some of the NPZ. Every fifth image is held aside where ``folds`` is true. ``green`` are the
    limits of NDVI below which built is Sealed, and above which it is not.
    """

    folder: Path
    teacher: str
    images: tuple[tuple[str, str], ...] = ()
    names: tuple[str, ...] = ()
    natural: tuple[str, ...] = ()
    level: str = "L1C"
    pixel_m: float = PIXEL_M
    folds: bool = False
    green: tuple[float, float] = GREEN


def taught_scenes(
    source: Taught, bands: Sequence[str], cache: Path, student: Student, student_key: str
) -> list[tuple[Scene, int]]:
    """Return a scene of each image with its role: training, or validation where held aside."""
    teacher = _teacher(source)
    scenes: list[tuple[Scene, int]] = []
    files = dict(source.images)
    for number, name in enumerate(sorted(teacher)):
        path = source.folder / files.get(name, f"{name}.tif")
        facts: dict[str, object] = {
            "name": name, "group": f"{source.folder.name} {name}", "origin": [0.0, 0.0],
            "pixel_m": PIXEL_M, "bands": list(bands), "taught": True,
        }  # fmt: skip
        made_from = (name, source.natural, source.level, source.pixel_m, source.green)
        key = scene_key(
            "taught", str(path), *made_from, student_key, tuple(bands),
            files=[str(path), str(source.folder / source.teacher)], code=CODE,
        )  # fmt: skip

        def make(path: Path = path, name: str = name) -> tuple[Int16s, Bytes]:
            return _made(source, path, name, teacher[name], bands, student)

        aside = source.folds and number % HELD_ASIDE == HELD_ASIDE - 1
        scenes.append((kept_scene(cache, key, facts, make), VALIDATION if aside else TRAIN))
    return scenes


def taught_label(
    ground: Floats, probabilities: Floats, others: Bytes, sealed: NDArray[np.bool_], *,
    natural: bool, red: int, near: int, green: tuple[float, float] = GREEN,
) -> Bytes:  # fmt: skip
    """Return codes (rows, cols), IGNORE where neither is certain.

    ``ground`` (bands, rows, cols) is reflectance at the ground, ``probabilities`` (9, rows, cols)
    the teacher's, ``others`` and ``sealed`` the student's.
    """
    best, certain = probabilities.argmax(axis=0), probabilities.max(axis=0)
    bright = np.maximum(ground[near], 0.0) + np.maximum(ground[red], 0.0)
    ndvi = (np.maximum(ground[near], 0.0) - np.maximum(ground[red], 0.0)) / np.maximum(bright, 1e-3)
    codes = others.copy()
    codes[(best == WATER) & (certain > CERTAIN_WATER)] = WATER_CODE
    if not natural:
        built = best == BUILT
        chance = probabilities[BUILT]
        doubtful = sealed & ~built & (chance >= HARDLY_BUILT)
        codes[doubtful] = IGNORE
        codes[doubtful & (chance >= PARTLY_BUILT) & (ndvi < green[0])] = SEALED
        codes[built & (ndvi < green[1])] = IGNORE
        codes[built & (ndvi < green[0])] = SEALED
    codes[(certain < LEAST_CERTAIN) & (not natural)] = IGNORE
    return codes


def _teacher(source: Taught) -> dict[str, NDArray[np.uint8]]:
    path = source.folder / source.teacher
    try:
        with np.load(path, allow_pickle=False) as arrays:
            names = source.names or tuple(arrays.files)
            missing = [name for name in names if name not in arrays.files]
            if missing:
                raise InputError(f"{path}: has no array {missing[0]}; name others in [[data]]")
            return {name: arrays[name] for name in names}
    except (OSError, ValueError) as err:
        raise InputError(f"{path}: no readable teacher's probabilities ({err})") from err


def _made(
    source: Taught, path: Path, name: str, probabilities: NDArray[np.uint8],
    bands: Sequence[str], student: Student,
) -> tuple[Int16s, Bytes]:  # fmt: skip
    values = _reflectance(path, bands)
    if probabilities.ndim != 3 or len(probabilities) != TEACHER_CLASSES:
        raise InputError(f"{path}: the teacher's {name} is {probabilities.shape}, not (9, y, x)")
    rows, columns = (
        min(a, b) for a, b in zip(values.shape[1:], probabilities.shape[1:], strict=True)
    )
    values, probabilities = values[:, :rows, :columns], probabilities[:, :rows, :columns]
    factor = source.pixel_m / PIXEL_M
    if factor != 1:
        size = (1, factor, factor)
        values = np.asarray(ndimage.zoom(values, size, order=1), np.float32)
        probabilities = np.asarray(ndimage.zoom(probabilities, size, order=0), np.uint8)
    unknown = (values == 0).any(axis=0)
    ground = to_ground(values, bands) if source.level == "L1C" else values
    others, sealed = student(ground)
    codes = taught_label(
        ground, (probabilities / np.float32(255)).astype(np.float32), others, sealed,
        natural=name.startswith(source.natural) if source.natural else False,
        red=list(bands).index("B04"), near=list(bands).index("B08"), green=source.green,
    )  # fmt: skip
    codes[unknown] = IGNORE
    ground[:, unknown] = np.nan
    assert np.isin(codes, (*CODES, IGNORE)).all()
    return pack(ground), codes


def _reflectance(path: Path, bands: Sequence[str]) -> Floats:
    """Return numbers x 0.0001 of the named bands; plain numbers without a coordinate system."""
    try:
        with rasterio.open(path) as file:
            names = [band_name(text or "") for text in file.descriptions]
            missing = [band for band in bands if band not in names]
            if missing:
                raise InputError(f"{path}: has no band {', '.join(missing)}")
            numbers = file.read([names.index(band) + 1 for band in bands])
    except RasterioError as err:
        raise InputError(f"{path}: cannot be read ({err})") from err
    return (numbers * np.float32(DN_SCALE)).astype(np.float32)
