"""Years of a place that no map covers: the model's map as it is, and what is known of its errors.

How far the model agrees with maps is measured on a map of a part of the place where the region
names one; else it is the model folder's figure on the labels that it was tested on.
"""

import json
import math
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import cast

from hexseal.errors import InputError
from hexseal.forward.maps import open_maps
from hexseal.forward.report import CODES, ForwardReport, Tally
from hexseal.region.load import Epoch
from hexseal.storage.files import describe, whole_file

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
