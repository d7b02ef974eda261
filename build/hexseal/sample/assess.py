"""Net change, gain and loss of a region and its areas from labelled blocks and both maps."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from hexseal.errors import InputError
from hexseal.progress import Progress, no_progress
from hexseal.raster.stack import region_grid
from hexseal.region.load import Region
from hexseal.sample.blocks import STRATA, BlockGrid, Blocks, Census, survey_blocks
from hexseal.sample.design import joined
from hexseal.sample.estimators import (
    LARGE,
    SMALL,
    Interval,
    LabelledStratum,
    difference_estimate,
    label_widening,
)
from hexseal.sample.labels import Labels, read_labels
from hexseal.storage.files import write_bytes
from hexseal.types import Doubles, Integers, Pair
from hexseal.vector.areas import read_areas

Json = dict[str, object]

FEWEST_UNITS = 10
# A stratum matters when it holds this share of the blocks, or of what the maps call change.
MATTERS = 0.01
# Of a stratum of few blocks, all drawn, so many must be known.
MOST_OF = 0.7
MANY_UNKNOWN = 0.10
PAGE = "open sample.html to label them"


@dataclass(frozen=True, slots=True)
class Change:
    """Net, gain and loss in m² with 95 % intervals."""

    net: Interval
    gain: Interval
    loss: Interval

    def to_json(self) -> Json:
        """Return plain values under the names that readers rely on."""
        parts = {"net_m2": self.net, "gain_m2": self.gain, "loss_m2": self.loss}
        return {name: part.to_json() for name, part in parts.items()}

    def with_label_errors(self, gain_m2: float, loss_m2: float, rate: float) -> "Change":
        """Return the same figures, wide enough for one interpreter's errors."""
        net = self.net.widened(*label_widening(self.net.value, gain_m2, rate))
        gain = self.gain.widened(*label_widening(self.gain.value, gain_m2, rate))
        loss = self.loss.widened(*label_widening(self.loss.value, loss_m2, rate))
        return Change(net, gain.within(0, np.inf), loss.within(0, np.inf))


@dataclass(frozen=True, slots=True)
class AreaChange:
    """The change of one area, and how many labelled blocks it rests on."""

    layer: str
    id: str
    name: str
    units: int
    change: Change
    published: Change


@dataclass(frozen=True, slots=True, eq=False)
class StratumReport:
    """One stratum: all its blocks, how many are labelled, and what their labels add to the maps."""

    name: str
    blocks: int
    labelled: int
    unknown: int
    nonzero: int
    mean_difference_m2: float


@dataclass(frozen=True, slots=True, eq=False)
class SampleReport:
    """The result of a labelled sample for a pair of years.

    ``change`` is the sampling interval alone; ``published`` adds what one interpreter's errors may
    do unless all blocks were seen by two and settled. ``levels`` is the sealed area of each year.
    """

    region: str
    years: Pair
    change: Change
    published: Change
    levels: dict[int, Interval]
    strata: tuple[StratumReport, ...]
    labels: Labels
    fingerprint: str
    mapped_gain_m2: float
    mapped_loss_m2: float
    unit_strata: tuple[str, ...] = ()
    areas: tuple[AreaChange, ...] = ()
    warnings: tuple[str, ...] = field(default=())

    @property
    def labelled(self) -> int:
        """Return how many blocks have labels of both years."""
        return int(self.labels.is_known.sum())

    def to_json(self) -> Json:
        """Return plain values, the same for the same inputs."""
        labels = self.labels
        return {
            "region": self.region,
            "form": "blocks",
            "labels_file": labels.path.name,
            "years": list(self.years),
            **self.change.to_json(),
            "with_label_errors": {
                "applied": not labels.is_settled,
                "rate": round(labels.error_rate, 4),
                "rate_from": "blocks labelled twice" if labels.is_rate_seen else "assumed",
                **self.published.to_json(),
            },
            "sealed_m2": {str(year): level.to_json() for year, level in self.levels.items()},
            "raw_m2": {
                "gain": round(self.mapped_gain_m2, 1), "loss": round(self.mapped_loss_m2, 1),
            },
            "labels": {
                "interpreters": list(labels.interpreters),
                "units": len(labels),
                "cannot_tell": int((~labels.is_known).sum()),
                "labelled_twice": labels.labelled_twice,
                "unsettled": labels.unsettled,
            },
            "design": {
                "method": "stratified random sample of blocks of 10 x 10 pixels, difference "
                "estimator with the maps as prediction",
                "maps": self.fingerprint,
                "seed": labels.mark.seed if labels.mark else None,
                "strata": [_stratum_json(stratum) for stratum in self.strata],
            },
            "areas": [_area_json(area) for area in self.areas],
            "warnings": list(self.warnings),
        }  # fmt: skip


def _stratum_json(stratum: StratumReport) -> Json:
    return {
        "stratum": stratum.name,
        "blocks": stratum.blocks,
        "labelled": stratum.labelled,
        "cannot_tell": stratum.unknown,
        "nonzero": stratum.nonzero,
        "mean_difference_m2": round(stratum.mean_difference_m2, 2) + 0.0,
    }


def _area_json(area: AreaChange) -> Json:
    return {
        "layer": area.layer,
        "id": area.id,
        "name": area.name,
        "units": area.units,
        **area.change.to_json(),
        "with_label_errors": area.published.to_json(),
    }


class _Lookup:
    """Keep the blocks that are labelled, and all that the maps predict change in."""

    def __init__(self, index: Integers) -> None:
        self.index = index
        self.labelled: list[Blocks] = []
        self.predicted: list[Blocks] = []

    def __call__(self, blocks: Blocks) -> None:
        self.labelled.append(blocks.take(np.isin(blocks.index, self.index)))
        self.predicted.append(blocks.take(blocks.gain_patch + blocks.loss_patch > 0))


def assess_sample(
    region: Region, paths: Sequence[Path], *, progress: Progress = no_progress
) -> SampleReport:
    """Estimate the change of a region from labelled blocks.

    Raises InputError for labels that cannot be used: of another region or other maps, of one date,
    too few in a stratum that matters.
    """
    labels = read_labels(paths, region)
    lookup = _Lookup(labels.index)
    census = survey_blocks(region, labels.pair, lookup, progress=progress)
    labelled = _all(lookup.labelled)
    _check_design(labels, census, labelled)
    estimator = _Estimator(labels, census, labelled)
    _check_units(labels, census, estimator.strata)
    change = estimator.change()
    predicted = float(census.gain_patch_m2.sum()), float(census.loss_patch_m2.sum())
    return SampleReport(
        region=region.id,
        years=labels.pair,
        change=change,
        published=estimator.published(change, labels, *predicted),
        levels=estimator.levels(),
        strata=estimator.strata,
        labels=labels,
        fingerprint=census.fingerprint,
        mapped_gain_m2=float(census.gain_m2.sum()),
        mapped_loss_m2=float(census.loss_m2.sum()),
        unit_strata=tuple(STRATA[number] for number in labelled.stratum.tolist()),
        areas=_areas(region, estimator, labels, _all(lookup.predicted)),
        warnings=tuple(_warnings(labels, census, estimator.strata)),
    )


def estimate_region(labels: Labels, census: Census, labelled: Blocks) -> tuple[Change, Change]:
    """Return the change of a region, and with room for errors of labels that are not settled.

    ``labelled`` are the blocks of ``labels``, in the same order.
    """
    estimator = _Estimator(labels, census, labelled)
    change = estimator.change()
    predicted = float(census.gain_patch_m2.sum()), float(census.loss_patch_m2.sum())
    return change, estimator.published(change, labels, *predicted)


def write_sample_report(report: SampleReport, path: Path) -> None:
    """Write the report as JSON."""
    text = json.dumps(report.to_json(), indent=2, ensure_ascii=False, allow_nan=False)
    write_bytes(path, f"{text}\n".encode())


def _all(parts: list[Blocks]) -> Blocks:
    whole = parts[0]
    for part in parts[1:]:
        whole = joined(whole, part)
    return whole


class _Estimator:
    """Labels of known blocks beside the maps' prediction, in m² per block."""

    def __init__(self, labels: Labels, census: Census, labelled: Blocks) -> None:
        self.census = census
        place = np.searchsorted(labels.index, labelled.index)
        known = labels.is_known[place]
        self.blocks, rows = labelled.take(known), place[known]
        m2 = self.blocks.valid * self.blocks.pixel_m2
        self.first, self.second = labels.first[rows] * m2, labels.second[rows] * m2
        net = self.second - self.first
        gain, loss = labels.gain[rows] * m2, labels.loss[rows] * m2
        self.gain = np.where(np.isnan(gain), np.maximum(net, 0), gain)
        self.loss = np.where(np.isnan(loss), np.maximum(-net, 0), loss)
        unknown = np.bincount(labelled.stratum[~known], minlength=len(STRATA))
        self.strata = tuple(
            self._report(number, int(unknown[number])) for number in range(len(STRATA))
        )

    def _report(self, number: int, unknown: int) -> StratumReport:
        here = self.blocks.stratum == number
        predicted = self._predicted("gain_patch") - self._predicted("loss_patch")
        off = (self.gain - self.loss - predicted)[here]
        return StratumReport(
            name=STRATA[number],
            blocks=int(self.census.blocks[number]),
            labelled=int(here.sum()),
            unknown=unknown,
            nonzero=int(np.count_nonzero(off)),
            mean_difference_m2=float(off.mean()) if len(off) else 0.0,
        )

    def _predicted(self, name: str) -> Doubles:
        return getattr(self.blocks, name) * self.blocks.pixel_m2

    def change(self) -> Change:
        """Return the change of the region."""
        gain, loss = float(self.census.gain_patch_m2.sum()), float(self.census.loss_patch_m2.sum())
        return self.change_in(np.ones(len(self.blocks)), gain, loss)

    def change_in(self, share: Doubles, gain_m2: float, loss_m2: float) -> Change:
        """Return the change of a part of the region.

        ``share`` of each labelled block lies in it, where the maps predict ``gain_m2`` and
        ``loss_m2``.
        """
        gain = (self.gain - self._predicted("gain_patch")) * share
        loss = (self.loss - self._predicted("loss_patch")) * share
        parts = [
            self._estimate(predicted, differences)
            for predicted, differences in (
                (gain_m2 - loss_m2, gain - loss), (gain_m2, gain), (loss_m2, loss),
            )
        ]  # fmt: skip
        net, up, down = parts
        return Change(net, up.within(0, np.inf), down.within(0, np.inf))

    def published(self, change: Change, labels: Labels, gain_m2: float, loss_m2: float) -> Change:
        """Return a change with room for label errors, unless two interpreters agreed on all.

        All mapped gain and loss of the part follow from what lies in patches there.
        """
        if labels.is_settled:
            return change
        census = self.census
        gain = gain_m2 * float(census.gain_m2.sum()) / max(float(census.gain_patch_m2.sum()), 1e-9)
        loss = loss_m2 * float(census.loss_m2.sum()) / max(float(census.loss_patch_m2.sum()), 1e-9)
        return change.with_label_errors(gain, loss, labels.error_rate)

    def levels(self) -> dict[int, Interval]:
        """Return the sealed area of both years."""
        census, land = self.census, float(self.census.land_m2.sum())
        parts = (
            (census.pair[0], self.first, "before", census.before_m2),
            (census.pair[1], self.second, "after", census.after_m2),
        )
        return {
            year: self._estimate(float(mapped.sum()), seen - self._predicted(name)).within(0, land)
            for year, seen, name, mapped in parts
        }

    def _estimate(self, predicted: float, differences: Doubles) -> Interval:
        strata = [
            LabelledStratum(name, int(blocks), differences[self.blocks.stratum == number])
            for number, (name, blocks) in enumerate(zip(STRATA, self.census.blocks, strict=True))
            if blocks
        ]
        return difference_estimate(predicted, strata, self.census.mean_pixel_m2)


def _check_design(labels: Labels, census: Census, labelled: Blocks) -> None:
    """Reject labels that were not drawn from these maps."""
    again = "draw a sample from them with hexseal sample draw, or use the maps it was drawn from"
    mark = labels.mark
    if mark is not None and mark.fingerprint != census.fingerprint:
        raise InputError(
            f"{labels.path}: was drawn from other maps ({mark.region}, {mark.fingerprint}) than "
            f"those of this region ({census.fingerprint}); {again}"
        )
    place = np.searchsorted(labelled.index, labels.index)
    missing = place >= len(labelled)
    missing |= labelled.index[np.minimum(place, len(labelled) - 1)] != labels.index
    if not len(labelled) or missing.any():
        raise InputError(f"{labels.path}: holds blocks without a valid pixel on the maps; {again}")
    if labels.stratum is not None:
        for written, number in zip(labels.stratum, labelled.stratum[place].tolist(), strict=True):
            if written and written != STRATA[number]:
                raise InputError(
                    f"{labels.path}: a block of stratum {written!r} is {STRATA[number]!r} on the "
                    f"maps of this region; {again}"
                )
    _check_weights(labels, census, labelled.stratum[place])


def _check_weights(labels: Labels, census: Census, stratum: Integers) -> None:
    for number, (name, blocks) in enumerate(zip(STRATA, census.blocks.tolist(), strict=True)):
        here = stratum == number
        if labels.stratum_blocks is not None:
            written = labels.stratum_blocks[here]
            wrong = written[np.isfinite(written) & (np.abs(written - blocks) > 0.5)]
            if len(wrong):
                raise InputError(
                    f"{labels.path}: stratum_blocks of {name!r} is {wrong[0]:g}, the maps have "
                    f"{blocks}; restore the column as hexseal sample draw wrote it"
                )
        if labels.weight is not None and here.any():
            total = float(labels.weight[here].sum())
            if not abs(total - blocks) <= 0.01 * blocks + 0.5:
                raise InputError(
                    f"{labels.path}: weights of stratum {name!r} add up to {total:g}, but it has "
                    f"{blocks} blocks; keep every row of the sample, or leave the column out"
                )


def _check_units(labels: Labels, census: Census, strata: Sequence[StratumReport]) -> None:
    """Reject labels of one date, none at all, or too few in a stratum that matters."""
    if not labels.is_known.any():
        _refuse_unlabelled(labels)
    predicted = census.gain_patch_m2 + census.loss_patch_m2 + census.field_m2
    share = np.maximum(census.blocks / census.total, predicted / max(predicted.sum(), 1e-9) / 5)
    for stratum, part in zip(strata, share.tolist(), strict=True):
        wanted = min(FEWEST_UNITS, math.ceil(MOST_OF * stratum.blocks)) if part > MATTERS else 1
        if stratum.labelled < min(wanted, stratum.blocks):
            raise InputError(
                f"{labels.path}: stratum {stratum.name!r} has {stratum.labelled} labelled blocks "
                f"of {stratum.blocks:,}, at least {wanted} are needed; label more of them, or draw "
                "a new sample"
            )


def _refuse_unlabelled(labels: Labels) -> None:
    """Raise InputError that names what is missing."""
    first, second = labels.pair
    for year, shares, other in (
        (first, labels.first, labels.second),
        (second, labels.second, labels.first),
    ):
        if np.isnan(shares).all() and not np.isnan(other).all():
            raise InputError(
                f"{labels.path}: has no label of {year}; change from {first} to {second} needs "
                f"labels of both years; {PAGE}"
            )
    raise InputError(
        f"{labels.path}: none of its {len(labels)} blocks has labels of both years, empty cells "
        f"mean cannot tell; {PAGE}"
    )


def _warnings(labels: Labels, census: Census, strata: Sequence[StratumReport]) -> list[str]:
    found = []
    if not labels.is_settled:
        how = "seen on blocks labelled twice" if labels.is_rate_seen else "assumed"
        found.append(
            f"not every block was labelled by two interpreters and settled: errors of "
            f"{100 * labels.error_rate:.0f} % ({how}) may shift the figures as far as "
            "with_label_errors says"
        )
    if labels.unsettled:
        found.append(f"{labels.unsettled} blocks on which interpreters differ are not settled")
    for stratum in strata:
        seen = stratum.labelled + stratum.unknown
        if stratum.unknown > MANY_UNKNOWN * seen:
            found.append(
                f"{stratum.unknown} of {seen} blocks of {stratum.name} could not be read: they "
                "count as if they were like the others of their stratum"
            )
    rest = strata[-1]
    if rest.blocks > rest.labelled:
        found.append(
            f"rests on no change where neither map shows sealed land near: {rest.labelled} of "
            f"{rest.blocks:,} such blocks were looked at, {rest.nonzero} with change"
        )
    return found


def _areas(
    region: Region, estimator: _Estimator, labels: Labels, predicted: Blocks
) -> tuple[AreaChange, ...]:
    """Estimate every area that enough labelled blocks lie in.

    A block at an area's edge counts by the share of it that lies inside.
    """
    grid = region_grid(region)[0]
    blocks, found = BlockGrid(grid), []
    boxes = [shapely.box(*blocks.bounds(part.index).T) for part in (estimator.blocks, predicted)]
    trees = [shapely.STRtree(part) for part in boxes]
    for layer in region.areas:
        areas = read_areas(layer, grid)
        for key, name, shape in zip(areas.ids, areas.names, areas.geometries, strict=True):
            of_units, of_all = (_share(t, b, shape) for t, b in zip(trees, boxes, strict=True))
            if _is_enough(estimator, of_units > 0.5):
                m2 = of_all * predicted.pixel_m2
                gain = float((predicted.gain_patch * m2).sum())
                loss = float((predicted.loss_patch * m2).sum())
                change = estimator.change_in(of_units, gain, loss)
                published = estimator.published(change, labels, gain, loss)
                units = int((of_units > 0.5).sum())
                found.append(AreaChange(layer.layer, str(key), str(name), units, change, published))
    return tuple(found)


def _share(tree: shapely.STRtree, boxes: NDArray[np.object_], shape: shapely.Geometry) -> Doubles:
    """Return the share of each block that lies in an area."""
    share = np.zeros(len(boxes))
    touched = tree.query(shape, predicate="intersects")
    inside = shapely.area(shapely.intersection(boxes[touched], shape))
    share[touched] = inside / shapely.area(boxes[touched])
    return share


def _is_enough(estimator: _Estimator, here: NDArray[np.bool_]) -> bool:
    """Return whether an area has ten blocks each of large, of small and of no mapped change."""
    groups = (("whole_field", *LARGE), SMALL[:2], ("near_sealed", "rest"))
    places = [np.isin(estimator.blocks.stratum, [STRATA.index(n) for n in g]) for g in groups]
    return all((here & place).sum() >= FEWEST_UNITS for place in places)
