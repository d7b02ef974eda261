"""The file of an evaluation: a model, test images with labels, data for the baselines."""

import re
from dataclasses import dataclass
from pathlib import Path

from hexseal.errors import InputError
from hexseal.region.epochs import resolve, resolve_list
from hexseal.region.toml import TableReader, read_toml
from hexseal_ml.data.sources import Source, read_source
from hexseal_ml.imagery.masks import CLOUDS
from hexseal_ml.model.classes import CODES, SEALED

MISSING = ("refuse", "mean")
# Codes of a label of two classes: Sealed, and all that is not.
OTHER = next(code for code in CODES if code != SEALED)
TWO_CODES = (SEALED, OTHER)


@dataclass(frozen=True, slots=True)
class Test:
    """An image to map and the label to compare with; without a label there are pictures only.

    ``sealed`` and ``ignore`` are codes of a label that has other classes than CLC+: it is then
    compared as Sealed or not. ``mask`` and ``clouds`` mark what of the image is unknown.
    """

    name: str
    image: str
    label: str | None
    sealed: frozenset[int]
    ignore: frozenset[int]
    missing_bands: str
    note: str
    mask: str | None = None
    clouds: str = "keep"

    @property
    def slug(self) -> str:
        """Return the name as part of file names.

        >>> Test("Île 2024", "a", None, frozenset(), frozenset(), "refuse", "").slug
        'le-2024'
        """
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-") or "test"

    @property
    def codes(self) -> tuple[int, ...]:
        """Return the classes that are compared."""
        return TWO_CODES if self.sealed else CODES


@dataclass(frozen=True, slots=True)
class TileSet:
    """A folder of images of one scene class each, which their names begin with.

    Of the files in the order of their names only every ``every``-th is used: training on the same
    folder holds every fifth aside.
    """

    name: str
    folder: Path
    every: int
    note: str


@dataclass(frozen=True, slots=True)
class EvaluateConfig:
    """Everything that an evaluation needs to know."""

    path: Path
    model: Path
    out: Path
    cache: Path
    block_km: float
    resolution: int
    tests: tuple[Test, ...]
    sources: tuple[Source, ...]
    tiles: tuple[TileSet, ...] = ()


def load_evaluate_config(path: Path) -> EvaluateConfig:
    """Read the file; raise InputError or RegionError with the key and value that is wrong."""
    home = path.absolute().parent
    top = read_toml(path)
    config = EvaluateConfig(
        path=path,
        model=(home / top.text("model")).resolve(),
        out=(home / top.text("out")).resolve(),
        cache=home / top.text("cache", "../../work/ml"),
        block_km=top.number("block_km", 2.0),
        resolution=top.take("resolution", int, 8),
        tests=tuple(_test(table, path) for table in top.children("test")),
        sources=tuple(read_source(table, home) for table in top.children("data")),
        tiles=tuple(_tiles(table, home) for table in top.children("tiles")),
    )
    top.done()
    if not config.tests and not config.tiles:
        raise InputError(f"{path}: [[test]] is missing; name at least one image")
    slugs = [test.slug for test in config.tests]
    if len(set(slugs)) < len(slugs):
        raise InputError(f"{path}: two [[test]] have the same name; each needs its own")
    if config.block_km <= 0 or not 0 <= config.resolution <= 15:
        raise InputError(f"{path}: needs block_km above 0 and resolution from 0 to 15")
    return config


def _test(table: TableReader, path: Path) -> Test:
    image = table.text("image")
    label, mask = (table.take(key, str, None) for key in ("label", "mask"))
    test = Test(
        name=table.text("name"),
        image=resolve_list(image, path),
        label=None if label is None else resolve(label, path),
        sealed=_codes(table, "sealed"),
        ignore=_codes(table, "ignore"),
        missing_bands=table.text("missing_bands", "refuse"),
        note=table.take("note", str, ""),
        mask=None if mask is None else resolve(mask, path),
        clouds=table.text("clouds", "keep"),
    )
    if test.missing_bands not in MISSING:
        raise InputError(
            f"{table.name('missing_bands')} = {test.missing_bands!r} is not refuse or mean"
        )
    if test.clouds not in CLOUDS:
        raise InputError(f"{table.name('clouds')} = {test.clouds!r} is not keep or mask")
    table.done()
    return test


def _tiles(table: TableReader, home: Path) -> TileSet:
    tiles = TileSet(
        name=table.text("name"),
        folder=(home / table.text("folder")).resolve(),
        every=table.take("every", int, 1),
        note=table.take("note", str, ""),
    )
    if tiles.every < 1:
        raise InputError(f"{table.name('every')} = {tiles.every}: give 1 or more")
    table.done()
    return tiles


def _codes(table: TableReader, key: str) -> frozenset[int]:
    values = table.take(key, list, [])
    if not all(type(value) is int and 0 <= value <= 255 for value in values):
        raise InputError(f"{table.name(key)} = {values!r} is not a list of codes from 0 to 255")
    return frozenset(values)
