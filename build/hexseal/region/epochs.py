"""The [[epoch]] tables of a region file: the rasters of a year, or the images it is made from."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from hexseal.errors import RegionError, shortened
from hexseal.products import Product
from hexseal.region.toml import TableReader, usual
from hexseal.storage.workdir import ForwardFolder

REMOTE = re.compile(r"(?:https?|s3)://")
MODEL_NAME = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")

# What file systems take: bytes of a whole path and of one name in it.
LONGEST_PATH, LONGEST_NAME = 4000, 255


@dataclass(frozen=True, slots=True)
class Forward:
    """How a year without a land-cover map is made from images by a model.

    ``model`` is the path of a folder or the name of an installed model.
    ``imagery`` shows the year itself, ``calibration_imagery`` the year ``calibrate_on``, the last
    one before it that has a map. Only the model's own change between the two images is carried
    onto that map. Without it the year is the model's map as it is; ``reference`` is then a map of
    the same year of a part of the place, which the model is compared with.
    """

    imagery: str
    model: str
    calibrate_on: int | None
    calibration_imagery: str | None
    folder: Path
    missing_bands: str = "refuse"
    clouds: str = "keep"
    reference: str | None = None

    @property
    def images(self) -> tuple[str, ...]:
        """Return the image of the year, and before it that of the year it starts from."""
        before = () if self.calibration_imagery is None else (self.calibration_imagery,)
        return (*before, self.imagery)

    @property
    def is_on_grid_of_images(self) -> bool:
        """Return whether the year's map is the model's alone, in the CRS of its image."""
        return self.calibrate_on is None and self.calibration_imagery is None


@dataclass(frozen=True, slots=True)
class Epoch:
    """One reference year and its rasters; relative paths are resolved against the region file.

    ``landcover`` is a path, a glob of tiles, or an http(s)/s3 address, as are the two masks.
    Where ``forward`` is given, landcover and confidence are files that the build makes.
    """

    year: int
    landcover: str
    source: str
    reference_period: tuple[date, date] | None = None
    confidence: str | None = None
    post_processing: str | None = None
    forward: Forward | None = None


def is_remote(address: str) -> bool:
    """Return whether ``address`` is read over the network.

    >>> is_remote("https://example.org/a.tif"), is_remote("inputs/a.tif")
    (True, False)
    """
    return bool(REMOTE.match(address))


def resolve(address: str, path: Path) -> str:
    """Return an address, a relative path resolved against the folder of the file ``path``."""
    if is_remote(address):
        try:
            _ = urlsplit(address).port
        except ValueError as err:
            raise RegionError(f"{shortened(address, 80)!r} is not an address: {err}") from err
        return address
    names = address.replace("\\", "/").split("/")
    if len(address.encode()) > LONGEST_PATH or max(len(n.encode()) for n in names) > LONGEST_NAME:
        raise RegionError(f"{shortened(address, 80)!r} is longer than a path may be")
    return str((path.parent / address).resolve())


def is_model_name(model: str) -> bool:
    """Return whether ``model`` is the name of an installed model rather than a path.

    >>> is_model_name("clcplus-forward-b2"), is_model_name("models/mine"), is_model_name("..")
    (True, False, False)
    """
    return bool(MODEL_NAME.fullmatch(model))


def _model(model: str, path: Path) -> str:
    """Return a model's name as it is, or the path of a folder of the file's own folder."""
    if is_model_name(model) and not (path.parent / model).is_dir():
        return model
    return resolve(model, path)


def resolve_list(addresses: str, path: Path) -> str:
    """Return a comma list of addresses, each resolved as ``resolve`` does."""
    return ",".join(resolve(address.strip(), path) for address in addresses.split(","))


def read_epochs(
    readers: Sequence[TableReader], path: Path, work: Path, product: Product
) -> tuple[Epoch, ...]:
    """Take every [[epoch]], sorted by year; files of forward years lie in ``work``."""
    epochs = [_epoch(reader, path, work) for reader in readers]
    if not epochs:
        raise RegionError("[[epoch]] is missing: name at least one year and its raster")
    years = [epoch.year for epoch in epochs]
    twice = sorted({year for year in years if years.count(year) > 1})
    if twice:
        raise RegionError(f"[[epoch]] year = {twice[0]} is given twice: each year once")
    mapped = [epoch.year for epoch in epochs if epoch.forward is None]
    started = (_started(epoch, mapped, product) for epoch in epochs)
    return tuple(sorted(started, key=lambda epoch: epoch.year))


def _epoch(reader: TableReader, path: Path, work: Path) -> Epoch:
    year = reader.take("year", int)
    if not 1900 <= year <= 2200:
        raise RegionError(f"{reader.name('year')} = {year} is not a year")
    if "forward" in reader.table:
        return _forward_epoch(reader, path, work, year)
    masks = {key: reader.take(key, str, None) for key in ("confidence", "post_processing")}
    epoch = Epoch(
        year=year,
        landcover=resolve(reader.text("landcover"), path),
        source=reader.take("source", str, ""),
        reference_period=_period(reader),
        confidence=resolve(masks["confidence"], path) if masks["confidence"] else None,
        post_processing=resolve(masks["post_processing"], path)
        if masks["post_processing"]
        else None,
    )
    reader.done()
    return epoch


def _forward_epoch(reader: TableReader, path: Path, work: Path, year: int) -> Epoch:
    if "landcover" in reader.table:
        raise RegionError(
            f"{reader.name('landcover')} and forward are both given: a year is read or made"
        )
    table = TableReader(reader.take("forward", dict), f"{reader.where}.forward")
    before, reference = (table.take(key, str, None) for key in ("calibration_imagery", "reference"))
    forward = Forward(
        imagery=resolve_list(table.text("imagery"), path),
        model=_model(table.text("model"), path),
        calibrate_on=_old_key(table, "calibrate_on"),
        calibration_imagery=None if before is None else resolve_list(before, path),
        folder=work,
        missing_bands=table.text("missing_bands", usual(Forward, "missing_bands")),
        clouds=table.text("clouds", usual(Forward, "clouds")),
        reference=None if reference is None else resolve(reference, path),
    )
    if forward.reference is not None and before is not None:
        raise RegionError(
            f"{table.name('reference')}: a year that starts from a map is compared with that map; "
            "leave it out"
        )
    if forward.missing_bands not in ("refuse", "mean"):
        raise RegionError(
            f"{table.name('missing_bands')} = {forward.missing_bands!r} is not refuse or mean"
        )
    if forward.clouds not in ("keep", "mask"):
        raise RegionError(f"{table.name('clouds')} = {forward.clouds!r} is not keep or mask")
    table.done()
    title = f"CLC+ Forward {year} ({Path(forward.model).name})"
    epoch = Epoch(
        year=year,
        landcover=str(ForwardFolder(work).landcover(year)),
        source=reader.take("source", str, title),
        reference_period=_period(reader),
        confidence=str(ForwardFolder(work).confidence(year)),
        forward=forward,
    )
    reader.done()
    return epoch


def _old_key(table: TableReader, key: str) -> int | None:
    """Take a key of earlier region files, which is no longer documented."""
    value = table.table.pop(key, None)
    return value if isinstance(value, int) else None


def _started(epoch: Epoch, mapped: Sequence[int], product: Product) -> Epoch:
    """Return a forward year with the year of the map that it starts from: the last one before it.

    Without any ``mapped`` year it starts from none.
    """
    forward = epoch.forward
    if forward is None:
        return epoch
    where = f"[epoch {epoch.year}.forward]"
    if product.name != "clcplus":
        raise RegionError(
            f"{where} replicates CLC+ Backbone; [product] name = {product.name!r} has other classes"
        )
    last = max((year for year in mapped if year < epoch.year), default=None)
    if mapped and last is None:
        raise RegionError(f"{where} no year with a map lies before {epoch.year}; leave it out")
    if forward.calibration_imagery is None and last is not None:
        raise RegionError(
            f"{where} calibration_imagery is missing: name the image of {last}, the year of the "
            "map that this year starts from"
        )
    if forward.calibration_imagery is not None and last is None:
        raise RegionError(
            f"{where} calibration_imagery: no year of this region has a map to start from; leave "
            "it out"
        )
    if forward.calibrate_on not in (None, last):
        raise RegionError(
            f"{where} calibrate_on = {forward.calibrate_on}: the year starts from the last map "
            f"before it ({last or 'there is none'}); remove this line, the key is no longer needed"
        )
    return replace(epoch, forward=replace(forward, calibrate_on=last))


def _period(reader: TableReader) -> tuple[date, date] | None:
    values = reader.take("reference_period", list, None)
    if values is None:
        return None
    try:
        start, end = (v if isinstance(v, date) else date.fromisoformat(v) for v in values)
    except (TypeError, ValueError) as err:
        raise RegionError(
            f"{reader.name('reference_period')} = {values!r}: give two dates as YYYY-MM-DD"
        ) from err
    if start >= end:
        raise RegionError(f"{reader.name('reference_period')} = {values!r} ends before it starts")
    return start, end
