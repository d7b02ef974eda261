"""How far a model's map can be trusted as CLC+: compared with CLC+ in the year that has both."""

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hexseal.errors import InputError
from hexseal.products import CLCPLUS
from hexseal.raster.landcover import OUTSIDE
from hexseal.storage.files import write_bytes
from hexseal.types import Bytes, Integers

# Side of the blocks whose differences give standard errors; errors of maps gather within 1 km.
BLOCK_PX = 128
# Deviation of the mapped sealed area, as a share of it, between two images of one place, where
# the model's own folder does not hold it (measured for the shipped model: see METHODOLOGY.md).
USUAL_DRIFT = 0.05
BOTH, MODEL_ONLY, MAP_ONLY, NEITHER = range(4)
SEALED = 1
CODES = tuple(sorted(CLCPLUS.valid))


@dataclass(frozen=True, slots=True)
class ForwardReport:
    """A forward year: the model against CLC+ of the year ``calibrate_on``, and what it changed.

    ``calibrate_on`` is None where no year has a map and the year is the model's map as it is. The
    comparison is then with a map of a part of the place (``compared`` "reference"), or with the
    labels that the model was tested on elsewhere ("model"), and only Sealed is compared.

    Pixel counts ``both``, ``model_only``, ``map_only``, ``neither`` count which of the two maps of
    that year calls a pixel Sealed; accuracies are shares, with standard errors over blocks.
    ``classes`` is the whole confusion matrix, rows CLC+ codes, columns model codes, in the order
    of ``codes``. ``gain`` and ``loss`` are pixels carried onto the map; ``disagreeing`` the
    model's changes that were not, since both maps differ there to begin with.
    """

    year: int
    calibrate_on: int | None
    key: str
    model: str
    checksum: str
    both: int
    model_only: int
    map_only: int
    neither: int
    users_se: float
    producers_se: float
    gain: int
    loss: int
    disagreeing: int
    uncovered: int
    drift_sd: float
    codes: tuple[int, ...]
    classes: tuple[tuple[int, ...], ...]
    warnings: tuple[str, ...] = field(default=())
    compared: str = "map"

    @property
    def summary(self) -> str:
        """Return one line for the console."""
        known = f"IoU(Sealed) {self.iou:.2f}"
        if self.calibrate_on is None:
            what = "a map of a part" if self.compared == "reference" else "its test labels"
            return f"{self.year} by {self.model}, no map behind it: {known} with {what}"
        return (
            f"{self.year} by {self.model} from {self.calibrate_on}: {known} with CLC+, "
            f"+{self.gain:,} -{self.loss:,} pixels"
        )

    @property
    def users(self) -> float:
        """Return the user's accuracy of Sealed against CLC+."""
        return _share(self.both, self.both + self.model_only)

    @property
    def producers(self) -> float:
        """Return the producer's accuracy of Sealed against CLC+."""
        return _share(self.both, self.both + self.map_only)

    @property
    def false_rate(self) -> float:
        """Return the share of CLC+'s unsealed pixels that the model calls Sealed."""
        return _share(self.model_only, self.model_only + self.neither)

    @property
    def iou(self) -> float:
        """Return intersection over union of Sealed with CLC+."""
        return _share(self.both, self.both + self.model_only + self.map_only)

    @property
    def area_ratio(self) -> float:
        """Return the model's sealed area over that of CLC+."""
        return _share(self.both + self.model_only, self.both + self.map_only)


def report_facts(report: ForwardReport) -> dict[str, object]:
    """Return a report with the figures that follow from its counts, for people and programs."""
    derived = {
        name: getattr(report, name)
        for name in ("users", "producers", "false_rate", "iou", "area_ratio")
    }
    return {**asdict(report), "derived": derived}


def write_report(report: ForwardReport, path: Path) -> None:
    """Write the facts of a report."""
    write_bytes(path, json.dumps(report_facts(report), indent=1).encode())


def read_report(path: Path) -> ForwardReport:
    """Read what write_report wrote; raise InputError where it is not there or not whole."""
    if not path.is_file():
        raise InputError(
            f"{path}: is not there: a year of this region is made from images by hexseal build; "
            "run that first"
        )
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        facts.pop("derived")
        lists = {
            "codes": tuple(facts["codes"]),
            "classes": tuple(tuple(row) for row in facts["classes"]),
            "warnings": tuple(facts["warnings"]),
        }
        return ForwardReport(**(facts | lists))
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise InputError(
            f"{path}: the comparison of model and CLC+ cannot be read; build again with --fresh"
        ) from err


def block_counts(model: NDArray[np.bool_], mapped: NDArray[np.bool_], known: NDArray[np.bool_],
                 side: int = BLOCK_PX) -> Integers:  # fmt: skip
    """Count the four cases in each block of ``side`` pixels: shape (blocks, 4).

    >>> one = np.ones((1, 2), bool)
    >>> block_counts(one, np.array([[True, False]]), one).tolist()
    [[1, 1, 0, 0]]
    """
    case = np.where(model, np.where(mapped, BOTH, MODEL_ONLY), np.where(mapped, MAP_ONLY, NEITHER))
    rows, columns = (np.arange(length) // side for length in known.shape)
    across = int(columns[-1]) + 1
    block = rows[:, None] * across + columns[None, :]
    blocks = (int(rows[-1]) + 1) * across
    counts = np.bincount((block * 4 + case)[known], minlength=blocks * 4)
    return counts.reshape(blocks, 4).astype(np.int64)


def ratio_se(part: Integers, whole: Integers) -> float:
    """Return the standard error of sum(part) / sum(whole) over blocks (Cochran 1977, eq. 6.13).

    >>> ratio_se(np.array([1, 1]), np.array([2, 2]))
    0.0
    """
    used = whole > 0
    count, total = int(used.sum()), int(whole.sum())
    if count < 2:
        return 0.5 if total else 0.0
    residual = part[used] - part.sum() / total * whole[used]
    return math.sqrt(count / (count - 1) * float((residual**2).sum())) / total


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


class Tally:
    """Windows carried forward, and counts of how the model compares with the map."""

    def __init__(self) -> None:
        self.blocks: list[Integers] = []
        self.classes = np.zeros((256, 256), np.int64)
        self.gain = self.loss = self.disagreeing = self.uncovered = 0

    def add(
        self, mapped: Bytes, before: Bytes, after: Bytes, sure_before: Bytes, sure_after: Bytes
    ) -> tuple[Bytes, Bytes]:
        """Return classes and confidence of a window, all shapes (rows, cols)."""
        land = np.isin(mapped, CODES)
        seen = np.isin(before, CODES) & np.isin(after, CODES)
        was, is_now, on_map = before == SEALED, after == SEALED, mapped == SEALED
        known = land & seen
        gain, loss = known & ~was & is_now, known & was & ~is_now
        carried_gain, carried_loss = gain & ~on_map, loss & on_map
        classes = np.where(carried_gain, SEALED, np.where(carried_loss, after, mapped))
        classes[land & ~seen] = OUTSIDE
        certain = np.where(known, np.minimum(sure_before, sure_after), OUTSIDE)
        self.blocks.append(block_counts(was, on_map, known))
        pairs = mapped[known].astype(np.int64) * 256 + before[known]
        self.classes += np.bincount(pairs, minlength=65536).reshape(256, 256)
        self.gain += int(carried_gain.sum())
        self.loss += int(carried_loss.sum())
        self.disagreeing += int(gain.sum() + loss.sum()) - int(
            carried_gain.sum() + carried_loss.sum()
        )
        self.uncovered += int((land & ~seen).sum())
        return classes.astype(np.uint8), certain.astype(np.uint8)

    def report(self, *, year: int, calibrate_on: int | None, key: str, model: str, checksum: str,
               drift_sd: float, warnings: tuple[str, ...],
               compared: str = "map") -> ForwardReport:  # fmt: skip
        """Return the report of all windows."""
        blocks = np.concatenate(self.blocks)
        total = blocks.sum(axis=0)
        model_sealed = blocks[:, BOTH] + blocks[:, MODEL_ONLY]
        map_sealed = blocks[:, BOTH] + blocks[:, MAP_ONLY]
        return ForwardReport(
            year=year,
            calibrate_on=calibrate_on,
            key=key,
            model=model,
            checksum=checksum,
            both=int(total[BOTH]),
            model_only=int(total[MODEL_ONLY]),
            map_only=int(total[MAP_ONLY]),
            neither=int(total[NEITHER]),
            users_se=ratio_se(blocks[:, BOTH], model_sealed),
            producers_se=ratio_se(blocks[:, BOTH], map_sealed),
            gain=self.gain,
            loss=self.loss,
            disagreeing=self.disagreeing,
            uncovered=self.uncovered,
            drift_sd=drift_sd,
            codes=CODES,
            classes=tuple(tuple(row) for row in self.classes[np.ix_(CODES, CODES)].tolist()),
            warnings=warnings,
            compared=compared,
        )
