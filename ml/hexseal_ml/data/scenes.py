"""Scenes: images with labels, kept on disk as plain arrays that crops are cut from."""

import json
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import cast

import numpy as np

from hexseal.raster.grid import Window
from hexseal.storage.cache import key_of
from hexseal.storage.files import describe
from hexseal.types import Bytes, Floats, Int16s
from hexseal_ml.model.classes import CODES, IGNORE

# As Sentinel-2 products store reflectance: number x SCALE + OFFSET, 0 where nothing is known.
SCALE, OFFSET, MISSING = 1e-4, -0.1, 0
KEY_LETTERS = 16
KNOWN = np.isin(np.arange(256), CODES)


class Scene:
    """One image with the label of each pixel.

    ``group`` names the coordinate system that scenes share: equal places in one group are the
    same ground. ``origin`` is the upper left corner (x, y) in metres.
    """

    def __init__(self, folder: Path) -> None:
        facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
        self.name: str = facts["name"]
        self.group: str = facts["group"]
        self.origin: tuple[float, float] = tuple(facts["origin"])
        self.pixel_m: float = facts["pixel_m"]
        self.bands: tuple[str, ...] = tuple(facts["bands"])
        self.is_taught: bool = bool(facts.get("taught", False))
        self._image = cast(Int16s, np.load(folder / "image.npy", mmap_mode="r"))
        self._label = cast(Bytes, np.load(folder / "label.npy", mmap_mode="r"))

    @property
    def shape(self) -> tuple[int, int]:
        """Return rows and columns."""
        return cast("tuple[int, int]", self._label.shape)

    @property
    def area(self) -> int:
        """Return the number of pixels."""
        return self._label.size

    def read(self, window: Window) -> tuple[Floats, Bytes]:
        """Return reflectance (bands, rows, cols), NaN where missing, and CLC+ codes (rows, cols).

        Codes are IGNORE where the label is no class or the whole pixel of the image is missing.
        """
        rows = slice(window.row, window.row + window.height)
        columns = slice(window.column, window.column + window.width)
        numbers = np.asarray(self._image[:, rows, columns])
        codes = np.array(self._label[rows, columns])
        missing = numbers == MISSING
        codes[~KNOWN[codes] | missing.all(axis=0)] = IGNORE
        reflectance = numbers * np.float32(SCALE) + np.float32(OFFSET)
        reflectance[missing] = np.nan
        return reflectance, codes

    def label(self) -> Bytes:
        """Return the raw labels (rows, cols), mapped from disk."""
        return self._label


def pack(reflectance: Floats) -> Int16s:
    """Return reflectance as stored numbers; NaN becomes MISSING, values below -0.0999 that one up.

    >>> pack(np.array([0.0, np.nan, -0.2], np.float32)).tolist()
    [1000, 0, 1]
    """
    numbers = np.clip(np.round((reflectance - OFFSET) / SCALE), 1, 32767)
    return np.where(np.isfinite(reflectance), numbers, MISSING).astype(np.int16)


def scene_key(
    kind: str, *values: object, files: Iterable[str] = (), code: Iterable[str] = ()
) -> str:
    """Return the name of a scene in the cache, by what it is made from (see ``storage.cache``).

    Of ``files`` those count that are on this disk.
    """
    local = [file for file in files if Path(file).is_file()]
    return f"{kind}-{key_of(*values, files=local, code=code)[:KEY_LETTERS]}"


def kept_scene(
    cache: Path,
    key: str,
    facts: dict[str, object],
    make: Callable[[], tuple[Int16s, Bytes]],
) -> Scene:
    """Return the scene ``key`` of the cache, made first where it is not there yet."""
    folder = cache / key
    if not (folder / "facts.json").is_file():
        staging = cache / f".partial-{key}-{os.getpid()}"
        try:
            staging.mkdir(parents=True, exist_ok=True)
            image, label = make()
            np.save(staging / "image.npy", image)
            np.save(staging / "label.npy", label)
            (staging / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
            shutil.rmtree(folder, ignore_errors=True)
            staging.rename(folder)
        except OSError as err:
            raise describe(err, folder) from err
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return Scene(folder)
