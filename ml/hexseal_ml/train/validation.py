"""How good a model is on blocks it never saw, and the offset that makes its area right."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from hexseal.raster.grid import Window
from hexseal.types import Bytes, Floats, Integers
from hexseal_ml.data.sampling import Plot
from hexseal_ml.data.split import VALIDATION
from hexseal_ml.model.classes import IGNORE, SEALED
from hexseal_ml.model.network import ForwardModel

SIDE = 512
# Counts of cases are given for so many pixels.
PER = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """``confusion`` (true, predicted) and the margin of Sealed over the best other logit."""

    confusion: Integers
    margins: Floats
    sealed: NDArray[np.bool_]
    codes: tuple[int, ...]

    def iou(self) -> NDArray[np.float64]:
        """Return intersection over union of each class, NaN where a class is in neither map."""
        hits = np.diag(self.confusion)
        union = self.confusion.sum(axis=0) + self.confusion.sum(axis=1) - hits
        return np.where(union > 0, hits / np.maximum(union, 1), np.nan)

    def iou_by_class(self) -> dict[str, float | None]:
        """Return the rounded IoU of each code, None where a class is in neither map."""
        return {
            str(code): None if math.isnan(value) else round(value, 4)
            for code, value in zip(self.codes, self.iou().tolist(), strict=True)
        }

    def figures(self, offset: float = 0.0) -> dict[str, float]:
        """Return the figures of a report; shares in percent of labelled pixels."""
        present = self.confusion.sum(axis=1) > 0
        mapped = self.margins + offset > 0
        true = self.sealed.mean() * 100
        hits, union = (mapped & self.sealed).sum(), (mapped | self.sealed).sum()
        return {
            "iou_sealed": float(hits / max(union, 1)),
            "iou_mean": float(np.nanmean(self.iou()[present])),
            "overall_accuracy": float(np.trace(self.confusion) / self.confusion.sum()),
            "sealed_share": float(mapped.mean() * 100),
            "sealed_share_reference": float(true),
            "sealed_share_bias": float(mapped.mean() * 100 - true),
        }

    def matched_offset(self) -> float:
        """Return what to add to the logit of Sealed so that its mapped area equals the reference.

        Sealed is mapped where its margin is positive; so the offset is minus the quantile of the
        margins that leaves the reference's share above it.
        """
        share = self.sealed.mean()
        return float(-np.quantile(self.margins, 1 - share)) if 0 < share < 1 else 0.0


def sealed_accuracy(found: Sequence[Validation], offset: float) -> dict[str, float]:
    """Return how far Sealed can be trusted elsewhere, from tests on different kinds of images.

    User's and producer's accuracy vary from kind to kind more than from pixel to pixel: counts are
    those of all kinds at equal weight, per million pixels, and the standard error is half the
    range over kinds; half of what is wrong where there is only one.
    """
    tables = np.array([_cases(each, offset) for each in found])  # (kinds, 4)
    users, producers = (
        tables[:, 0] / np.maximum(tables[:, 0] + tables[:, other], 1e-12) for other in (1, 2)
    )
    errors = {
        f"{name}_se": float(np.ptp(shares) / 2 if len(found) > 1 else (1 - shares[0]) / 2)
        for name, shares in (("users", users), ("producers", producers))
    }
    pooled = np.round(tables.mean(axis=0) * PER).astype(int).tolist()
    names = ("both", "model_only", "map_only", "neither")
    return dict(zip(names, pooled, strict=True)) | errors


def _cases(found: Validation, offset: float) -> NDArray[np.float64]:
    """Return shares of pixels Sealed in both, the map only, the label only, and neither."""
    mapped, true = found.margins + offset > 0, found.sealed
    cases = (mapped & true, mapped & ~true, ~mapped & true, ~mapped & ~true)
    return np.array([case.mean() for case in cases])


def validate(
    model: ForwardModel,
    crops: Sequence[tuple[Floats, Bytes]],
    device: torch.device,
    precision: AbstractContextManager[object],
) -> Validation:
    """Predict fixed crops (bands, rows, cols) with codes (rows, cols), without the offset."""
    codes = model.class_codes
    place = codes.index(SEALED)
    index = np.full(256, IGNORE, np.int64)
    index[list(codes)] = np.arange(len(codes))
    confusion = np.zeros((len(codes), len(codes)), np.int64)
    margins: list[Floats] = []
    sealed: list[NDArray[np.bool_]] = []
    model.eval()
    with torch.inference_mode(), precision:
        for reflectance, labels in crops:
            values = model.normalise(torch.from_numpy(reflectance[None]).to(device))
            logits = model(values).logits.float()[0].cpu().numpy()  # (K, rows, cols)
            known = labels != IGNORE
            found = logits[:, known]
            true = index[labels[known]]
            pairs = true * len(codes) + found.argmax(axis=0)
            confusion += np.bincount(pairs, minlength=len(codes) ** 2).reshape(confusion.shape)
            others = np.delete(found, place, axis=0).max(axis=0)
            margins.append(found[place] - others)
            sealed.append(true == place)
    return Validation(confusion, np.concatenate(margins), np.concatenate(sealed), codes)


def widened(known: Mapping[str, float], spread: Mapping[str, float]) -> dict[str, float]:
    """Return an accuracy of Sealed (``sealed_accuracy``) that also spans how places differ.

    Sealed area is mapped x U / P. Both standard errors grow by one factor until, taken as
    independent, they give at least ``spread["sd"]``, that of ln(true / mapped) over places: places
    where a model maps too much have a low U and a high P, which two errors of their own miss.
    """
    hits = known["both"]
    users = hits / (hits + known["model_only"])
    producers = hits / (hits + known["map_only"])
    relative = math.hypot(known["users_se"] / users, known["producers_se"] / producers)
    factor = max(spread["sd"] / relative, 1.0) if relative else 1.0
    errors = {name: round(known[name] * factor, 4) for name in ("users_se", "producers_se")}
    return {**known, **errors}


def spread(
    model: ForwardModel,
    plots: Sequence[Plot],
    known: Mapping[str, float],
    offset: float,
    device: torch.device,
    precision: AbstractContextManager[object],
) -> dict[str, float] | None:
    """Return how much true over mapped sealed area varies from place to place.

    ``sd`` is the root mean square of ln(true / mapped) - ln(U / P) over ``places`` of 5 x 5 km,
    each weighing as much as it is truly sealed; None where nothing is sealed in any. ``known``
    is the accuracy that U and P come from, ``offset`` is added to the logit of Sealed.
    """
    expected = (known["both"] + known["map_only"]) / (known["both"] + known["model_only"])
    found = [
        (mapped, true)
        for plot in plots
        for mapped, true in _sealed_areas(model, plot, offset, device, precision)
        if mapped and true
    ]
    if not found:
        return None
    mapped, true = np.array(found, np.float64).T
    apart = np.log(true / mapped / expected)
    sd = float(np.sqrt((true * apart**2).sum() / true.sum()))
    return {"sd": round(sd, 4), "places": len(found)}


def drift(
    model: ForwardModel,
    plots: Sequence[Plot],
    offset: float,
    device: torch.device,
    precision: AbstractContextManager[object],
) -> dict[str, float] | None:
    """Return how much mapped over true sealed area varies between two images of one ground.

    ``sd`` is the root mean square of ln(mapped / true) of one image less that of the next, over
    ``pairs`` of scenes of one place; None where no place was seen twice. ``offset`` is added to
    the logit of Sealed.
    """
    places: dict[tuple[object, ...], list[float]] = defaultdict(list)
    for plot in plots:
        found = list(_sealed_areas(model, plot, offset, device, precision))
        mapped, true = (sum(areas) for areas in zip(*found, strict=True)) if found else (0, 0)
        if mapped and true:
            key = (plot.scene.group, plot.scene.origin, plot.scene.shape)
            places[key].append(math.log(mapped / true))
    moves = [second - first for ratios in places.values() for first, second in pairwise(ratios)]
    if not moves:
        return None
    return {"sd": round(float(np.sqrt(np.mean(np.square(moves)))), 4), "pairs": len(moves)}


def _sealed_areas(
    model: ForwardModel,
    plot: Plot,
    offset: float,
    device: torch.device,
    precision: AbstractContextManager[object],
) -> Iterator[tuple[int, int]]:
    """Yield the pixels mapped as Sealed and those truly so of each window of a scene."""
    for window in Window(0, 0, *plot.scene.shape).cut((SIDE, SIDE), pixels=SIDE**2):
        reflectance, labels = plot.crop(window, VALIDATION)
        if (labels == IGNORE).all():
            continue
        order = [plot.scene.bands.index(band) for band in model.bands]
        found = validate(model, [(reflectance[order], labels)], device, precision)
        yield int((found.margins + offset > 0).sum()), int(found.sealed.sum())
