"""Reports, samples and areas of several regions as one.

Each region was judged by its own losses. What each confirmed stays confirmed: when every region
holds the share of false patches, so do all together. An area that a border cuts becomes one, as
does a patch (see ``merge/patches``).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray

from hexseal.change.grading import FalseShare, Grade
from hexseal.change.maptests import Check
from hexseal.change.stage import PairReport, Removed
from hexseal.errors import InputError
from hexseal.exchange.record import FOLDER, BuildRecord
from hexseal.forward.report import ForwardReport
from hexseal.raster.grid import Grid
from hexseal.statistics.reference import REGION, Estimate, Reference, ReferenceChange
from hexseal.storage.workdir import WorkFolder

SUMMED = (
    "raw_gain", "raw_loss", "confirmed", "confirmed_patches", "gain_patches", "loss_patches",
    "confirmed_whole", "candidates", "fields", "variance",
)  # fmt: skip
FORWARD_SUMMED = (
    "both", "model_only", "map_only", "neither", "gain", "loss", "disagreeing", "uncovered",
)  # fmt: skip
AreaKey = tuple[str, str]
# This filter acts on whole patches; the others act on pixels before patches are joined.
PATCH_FILTER = "minimum_patch"


def join_reports(reports: Sequence[PairReport]) -> PairReport:
    """Return the report of all regions together.

    Counts and variances are summed. Ratios are means weighted by losses: so ratio times losses,
    the estimate of false gains, is the sum of the regions' own. ``patch_design`` is exact. One
    inconclusive region makes all inconclusive; of each check the worst stands.
    """
    first = reports[0]
    thresholds = [report.threshold for report in reports if report.threshold is not None]
    losses = [report.loss_patches for report in reports]
    return replace(
        first,
        **{name: sum(getattr(report, name) for report in reports) for name in SUMMED},
        removed={name: _removed(reports, name) for name in first.removed},
        threshold=min(thresholds, default=None),
        decoy_ratio=_mean([report.decoy_ratio for report in reports], losses),
        grade=_worst_grade(reports),
        checks=_worst_checks(reports),
        tail=None,
        false=_worst_false(reports),
        uses_confidence=all(report.uses_confidence for report in reports),
        confirmed_design=_mean(
            [r.confirmed_design for r in reports], [r.confirmed_whole for r in reports]
        ),
        patch_design=_mean([r.patch_design for r in reports], [noise_pixels(r) for r in reports]),
    )


def _worst_grade(reports: Sequence[PairReport]) -> Grade:
    grades: list[Grade] = [report.grade for report in reports]
    return "inconclusive" if "inconclusive" in grades else grades[0]


def _worst_checks(reports: Sequence[PairReport]) -> tuple[Check, ...]:
    """Return each check of any region once, of several the one that stops, else the first."""
    found: dict[tuple[str, str], Check] = {}
    for report in reports:
        for check in report.checks:
            key = (check.test, check.name)
            if key not in found or (check.stops and not found[key].stops):
                found[key] = check
    return tuple(found.values())


def _worst_false(reports: Sequence[PairReport]) -> FalseShare | None:
    shares = [report.false for report in reports if report.false is not None]
    if not shares:
        return None
    keys = ("patches", "patches_high", "area", "area_high")
    return FalseShare(*(max(getattr(share, key) for share in shares) for key in keys))


def _removed(reports: Sequence[PairReport], name: str) -> Removed:
    found = [report.removed[name] for report in reports]
    return Removed(sum(out.gain for out in found), sum(out.loss for out in found))


def noise_pixels(report: PairReport) -> int:
    """Return the pixels of patches that were not confirmed."""
    filtered = sum(
        out.gain + out.loss for name, out in report.removed.items() if name != PATCH_FILTER
    )
    return report.raw_gain + report.raw_loss - filtered - report.confirmed_whole


def _mean(values: Sequence[float], weights: Sequence[int]) -> float:
    """Return the weighted mean; without weights, or of equal values, the largest value.

    >>> _mean([1.0, 2.0], [30, 10]), _mean([1.5, 1.5], [3, 7]), _mean([1.0, 2.0], [0, 0])
    (1.25, 1.5, 2.0)
    """
    if len(set(values)) == 1 or sum(weights) == 0:
        return max(values)
    return float(np.average(values, weights=weights))


def join_references(
    parts: Mapping[str, Reference | None], areas: Mapping[str, Collection[AreaKey]]
) -> Reference | None:
    """Return the joint figures of the samples of several regions; None where there is none.

    ``areas`` are the layers and ids of each region's areas. Figures are sums, which need one of
    every region that holds a part of the area: else the area has none. Samples are independent, so
    half-widths add up in squares; where label errors are not settled they may all go one way, and
    add up as they are.
    """
    pair = next((part.pair for part in parts.values() if part is not None), None)
    known = {name: p for name, p in parts.items() if p is not None and p.pair == pair}
    if pair is None:
        return None
    settled = all(part.settled for part in known.values())
    holders = {
        key: [name for name in parts if key in areas[name]]
        for part in known.values()
        for key in part.changes
        if key != REGION
    }
    changes = {}
    for key, names in {REGION: list(parts), **holders}.items():
        found = [known[name].changes.get(key) for name in names if name in known]
        some = [change for change in found if change is not None]
        if len(some) == len(names):
            changes[key] = _summed(some, settled=settled)
    return Reference(
        pair=pair,
        changes=changes,
        interpreters=min(part.interpreters for part in known.values()),
        settled=settled,
        unknown=sum(part.unknown for part in known.values()),
        without=tuple(name for name in parts if name not in known),
    )


def _summed(changes: Sequence[ReferenceChange], *, settled: bool) -> ReferenceChange:
    """Return the sums of independent estimates of parts."""
    parts = [
        _added([getattr(change, name) for change in changes], settled=settled)
        for name in ("net", "gain", "loss")
    ]
    return ReferenceChange(sum(change.units for change in changes), *parts)


def _added(parts: Sequence[Estimate], *, settled: bool) -> Estimate:
    value = sum(part.value for part in parts)
    below = [part.value - part.low for part in parts]
    above = [part.high - part.value for part in parts]
    add = np.hypot.reduce if settled else np.sum
    return Estimate(value, value - float(add(below)), value + float(add(above)))


def join_forward(reports: Sequence[ForwardReport]) -> ForwardReport:
    """Return how one model compares with the maps of all regions.

    Counts are summed; standard errors are those of a ratio over independent strata, each
    weighted by its share of the denominator (Cochran 1977, section 5.9).
    """
    called = [report.both + report.model_only for report in reports]
    mapped = [report.both + report.map_only for report in reports]
    classes = np.sum([report.classes for report in reports], axis=0)
    return replace(
        reports[0],
        key="",
        **{name: sum(getattr(report, name) for report in reports) for name in FORWARD_SUMMED},
        users_se=_pooled_se([report.users_se for report in reports], called),
        producers_se=_pooled_se([report.producers_se for report in reports], mapped),
        drift_sd=max(report.drift_sd for report in reports),
        classes=tuple(tuple(row) for row in classes.tolist()),
        warnings=_unique(report.warnings for report in reports),
    )


def _pooled_se(errors: Sequence[float], weights: Sequence[int]) -> float:
    """Return the standard error of a weighted mean of independent figures.

    >>> _pooled_se([0.3, 0.4], [1, 1])
    0.25
    """
    whole = sum(weights)
    if not whole:
        return max(errors)
    return float(np.hypot.reduce([e * w / whole for e, w in zip(errors, weights, strict=True)]))


def _unique(groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for group in groups for text in group))


Key = tuple[str, str]


def join_shapes(records: Mapping[Path, BuildRecord]) -> pa.Table:
    """Return zone_shapes of all sites: layers in their order, areas in that of the sites.

    Raises InputError when one id stands for two areas, or when an area reaches into a region
    whose own area file lacks it, so that a part of it would be missing.
    """
    tables = {site: pq.read_table(WorkFolder(site / FOLDER).zone_shapes) for site in records}
    known: dict[Key, tuple[Path, dict]] = {}
    for site, table in tables.items():
        for row in table.to_pylist():
            key = row["layer"], row["id"]
            if key in known:
                known[key] = known[key][0], _united(key, *known[key], row, site)
            else:
                known[key] = site, row
    for site, record in records.items():
        own = set(zip(*(tables[site][name].to_pylist() for name in ("layer", "id")), strict=True))
        _refuse_missing(site, record, {key: known[key] for key in known.keys() - own})
    schema = next(iter(tables.values())).schema
    layers: list = list(dict(next(iter(records.values())).settings)["layers"])  # type: ignore[call-overload]
    rows = sorted((row for _, row in known.values()), key=lambda row: layers.index(row["layer"]))
    return pa.Table.from_pylist(rows, schema=schema)


def _united(key: Key, site: Path, row: dict, other: dict, other_site: Path) -> dict:
    """Return one row for an area that two sites hold; its outline is that of both together."""
    for name in ("name", "population", "populations"):
        mine, its = row.get(name), other.get(name)
        if mine != its:
            raise InputError(
                f"area {'/'.join(key)} has {name} {mine!r} in {site} and {its!r} in {other_site}; "
                "give each area an id of its own, or the same facts in both area files"
            )
    if row["geometry"] == other["geometry"]:
        return row
    united = shapely.union(*shapely.from_wkb([row["geometry"], other["geometry"]]))
    return row | {"geometry": shapely.to_wkb(shapely.normalize(united))}


def _refuse_missing(
    site: Path, record: BuildRecord, missing: Mapping[Key, tuple[Path, dict]]
) -> None:
    for window in record.windows:
        inner = _inner(window.grid)
        for key, (owner, row) in sorted(missing.items()):
            shape = shapely.from_wkb(row["geometry"])
            here = shapely.transform(shape, lambda xy, grid=window.grid: _projected(grid, xy))
            if shapely.is_valid(here) and shapely.intersects(here, inner):
                raise InputError(
                    f"area {'/'.join(key)} of {owner} reaches into the region of {site}, whose "
                    "area file lacks it, so a part of it would not be counted; build both with "
                    "the same area file"
                )


def _inner(grid: Grid) -> shapely.Geometry:
    """Return the window without its outermost pixels: outlines that merely touch do not count."""
    west, south, east, north = grid.bounds
    x, y = grid.pixel_size
    return shapely.box(west + x, south + y, max(west + x, east - x), max(south + y, north - y))


def _projected(grid: Grid, lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack(grid.from_lonlat(lonlat[:, 0], lonlat[:, 1]))
