"""Rasters of a forward year: the map and the model's maps read together.

Where no map covers a place, the year is the model's map as it is, and how far the model agrees with
maps is measured on a map of a part of the place where the region names one; else it is the
model folder's figure on the labels that it was tested on.
"""

import json
import math
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from hexseal.errors import GridMismatchError, InputError
from hexseal.forward.report import CODES, ForwardReport, Tally
from hexseal.raster.grid import Grid, Window
from hexseal.raster.landcover import OUTSIDE, Landcover, open_landcover
from hexseal.region.load import Epoch
from hexseal.storage.files import describe, whole_file
from hexseal.types import Bytes

# Rows that are read at once: a multiple of the blocks of standard errors and of files.
ROWS = 1024


@dataclass(frozen=True, slots=True)
class Maps:
    """The rasters that a forward year is made from, on the grid of CLC+."""

    grid: Grid
    mapped: Landcover
    before: Landcover
    after: Landcover
    confidence_before: Landcover
    confidence_after: Landcover

    def read(self, window: Window) -> tuple[Bytes, ...]:
        """Return the five rasters in a window of CLC+'s grid, OUTSIDE where one has nothing."""
        others = (self.before, self.after, self.confidence_before, self.confidence_after)
        return self.mapped.read(window), *(other.read_on(self.grid, window) for other in others)

    def strips(self) -> list[Window]:
        """Return the windows to read, from north to south."""
        return self.grid.window.strips(ROWS)


def open_maps(stack: ExitStack, mapped: Epoch, stems: tuple[Path, Path]) -> Maps:
    """Open the map of a year and the predictions ``stems`` on its grid, wholly or in part."""
    opened = stack.enter_context(open_landcover(mapped.landcover, fill=OUTSIDE))
    names = [f"{stem}_{kind}.tif" for kind in ("landcover", "confidence") for stem in stems]
    others = [stack.enter_context(open_landcover(name, fill=OUTSIDE)) for name in names]
    for name, other in zip(names, others, strict=True):
        _check_lattice(opened.grid, other.grid, name, mapped)
    return Maps(opened.grid, opened, *others)


def _check_lattice(grid: Grid, other: Grid, name: str, mapped: Epoch) -> None:
    """Reject images whose pixels are not those of the map; they may cover more or less of it."""
    offsets = grid.offset_of(other)
    cut = max(abs(offset - round(offset)) for offset in offsets)
    if not grid.has_pixels_like(other) or cut > 1e-3:
        raise GridMismatchError(
            f"{name}: its image has other pixels than {mapped.landcover} ({mapped.year}): it is "
            f"{other}, expected {grid}; warp the image onto that grid"
        )


# Where a model does not count its test pixels: so many, in shares that its figures give.
NOMINAL = 1_000_000
COUNTS = ("both", "model_only", "map_only", "neither")


def publish_map(epoch: Epoch, stem: Path) -> None:
    """Copy landcover and confidence of the prediction ``stem`` to the files of the year."""
    for kind, address in (("landcover", epoch.landcover), ("confidence", epoch.confidence)):
        target = Path(str(address))
        try:
            with whole_file(target) as partial:
                shutil.copyfile(f"{stem}_{kind}.tif", partial)
        except OSError as err:
            raise describe(err, target) from err


def compare_part(epoch: Epoch, reference: str, stem: Path) -> Tally:
    """Compare the prediction ``stem`` with a map of a part of the place.

    Raises InputError where the two have no classified pixel in common.
    """
    tally = Tally()
    mapped = Epoch(year=epoch.year, landcover=reference, source="")
    with ExitStack() as stack:
        maps = open_maps(stack, mapped, (stem, stem))
        for window in maps.strips():
            tally.add(*maps.read(window))
    if not tally.classes.any():
        raise InputError(
            f"{reference}: no pixel with a class lies under the image of {epoch.year}; name a map "
            "of the place in [epoch.forward] reference, or leave it out"
        )
    return tally


def tested_accuracy(model: Path) -> dict[str, float]:
    """Return the accuracy that the model's folder states: pixel counts and standard errors.

    Raises InputError where the folder states none.
    """
    try:
        facts = json.loads((model / "config.json").read_text(encoding="utf-8"))
        metrics = cast("Mapping[str, Mapping[str, float]]", facts["hexseal"]["metrics"])
        known = metrics.get("sealed_accuracy") or _from_matched_area(metrics["validation"])
        return {name: float(known[name]) for name in (*COUNTS, "users_se", "producers_se")}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
        raise InputError(
            f"{model}: config.json states no accuracy of Sealed, so shares cannot be corrected; "
            "give a model made by hexseal-ml train, or a map of a part as reference"
        ) from err


def tested_report(
    model: Path, *, year: int, key: str, checksum: str, drift_sd: float, warnings: tuple[str, ...]
) -> ForwardReport:
    """Return a report with the accuracy that the model's folder states (``tested_accuracy``)."""
    known = tested_accuracy(model)
    counts = {name: int(known[name]) for name in COUNTS}
    return ForwardReport(
        year=year, calibrate_on=None, key=key, model=model.name, checksum=checksum,
        both=counts["both"], model_only=counts["model_only"], map_only=counts["map_only"],
        neither=counts["neither"], users_se=known["users_se"],
        producers_se=known["producers_se"], gain=0, loss=0, disagreeing=0, uncovered=0,
        drift_sd=drift_sd, codes=CODES, classes=((0,) * len(CODES),) * len(CODES),
        warnings=warnings, compared="model",
    )  # fmt: skip


def _from_matched_area(figures: Mapping[str, float]) -> dict[str, float]:
    """Return counts from the IoU of a map whose sealed area equals that of its labels.

    Then user's and producer's accuracy are alike, 2 IoU / (1 + IoU). How they vary elsewhere is
    not known: the standard error spans half of what is wrong.

    >>> found = _from_matched_area({"iou_sealed": 0.6, "sealed_share_reference": 10.0})
    >>> found["both"], found["model_only"], round(found["users_se"], 3)
    (75000, 25000, 0.125)
    """
    iou, share = figures["iou_sealed"], figures["sealed_share_reference"] / 100
    agreed = 2 * iou / (1 + iou)
    if not (0 < agreed <= 1 and 0 < share < 1 and math.isfinite(agreed)):
        raise ValueError("no accuracy of Sealed")
    both, wrong = round(NOMINAL * share * agreed), round(NOMINAL * share * (1 - agreed))
    return {
        "both": both, "model_only": wrong, "map_only": wrong,
        "neither": NOMINAL - both - 2 * wrong,
        "users_se": (1 - agreed) / 2, "producers_se": (1 - agreed) / 2,
    }  # fmt: skip
