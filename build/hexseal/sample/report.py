"""What a labelled sample says: lines for a terminal, published labels, figures for statistics."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hexseal.raster.stack import region_grid
from hexseal.region.load import Region
from hexseal.sample.assess import Change, SampleReport
from hexseal.sample.blocks import STRATA, BlockGrid, Census
from hexseal.sample.design import Plan
from hexseal.sample.estimators import Interval
from hexseal.sample.stage import EDGES, share_column, table_csv
from hexseal.statistics.reference import REGION, Estimate, Reference, ReferenceChange


def reference_of(report: SampleReport) -> Reference:
    """Return the figures that a site publishes: with room for label errors that are not settled."""
    changes = {REGION: _change(report.labelled, report.published)}
    for area in report.areas:
        changes[area.layer, area.id] = _change(area.units, area.published)
    return Reference(
        pair=report.years,
        changes=changes,
        interpreters=len(report.labels.interpreters),
        settled=report.labels.is_settled,
        unknown=len(report.labels) - report.labelled,
    )


def published_labels(report: SampleReport, region: Region) -> str:
    """Return the labels as CSV, one row per block, with the design that makes them a sample."""
    labels, names = report.labels, report.unit_strata
    bounds = BlockGrid(region_grid(region)[0]).bounds(labels.index)
    edges = {name: edge.tolist() for name, edge in zip(EDGES, bounds.T, strict=True)}
    drawn = {stratum.name: stratum.labelled + stratum.unknown for stratum in report.strata}
    blocks = {stratum.name: stratum.blocks for stratum in report.strata}
    shares = zip(report.years, (labels.first, labels.second), strict=True)
    return table_csv(
        {
            "unit": list(range(1, len(labels) + 1)),
            "stratum": list(names),
            **edges,
            **{share_column(year): _cells(share) for year, share in shares},
            "stratum_blocks": [blocks[name] for name in names],
            "weight": [blocks[name] / drawn[name] for name in names],
            "gain_share": _cells(labels.gain),
            "loss_share": _cells(labels.loss),
        }
    )


def _cells(values: NDArray[np.float64]) -> list[float | None]:
    return [None if np.isnan(value) else round(float(value), 6) for value in values]


def _change(units: int, change: Change) -> ReferenceChange:
    return ReferenceChange(units, *map(_estimate, (change.net, change.gain, change.loss)))


def _estimate(interval: Interval) -> Estimate:
    return Estimate(interval.value, interval.low, interval.high)


HECTARE = 10_000.0
IN_WORDS = {
    "whole_field": "changes that look like whole fields",
    "large_gain": "15 pixels and more in patches of gain",
    "medium_gain": "8 to 14 pixels in patches of gain",
    "patch_edge": "1 to 7 pixels of a patch of gain",
    "scattered_gain": "5 pixels of gain and more, no patch",
    "large_loss": "patches of loss",
    "small_gain": "2 to 4 pixels of gain",
    "single_pixel": "one pixel of gain, or scattered losses",
    "near_sealed": "no change mapped, sealed land within 2 pixels",
    "rest": "no change mapped, no sealed land near",
}


def plan_lines(census: Census, found: Plan) -> Iterator[str]:
    """Yield the plan as lines for a terminal."""
    first, second = census.pair
    yield f"{first} to {second}, blocks of 10 x 10 pixels: {census.total:,}"
    yield f"  {'stratum':<14} {'blocks':>10} {'to label':>9}"
    for name, blocks, size in zip(STRATA, census.blocks.tolist(), found.sizes, strict=True):
        yield f"  {name:<14} {blocks:>10,} {size:>9,}  {IN_WORDS[name]}"
    yield f"  {'all':<14} {census.total:>10,} {sum(found.sizes):>9,}"
    if found.relative_se is None:
        yield "expected standard error: unknown, the maps show no patch of gain to start from"
    else:
        yield (
            f"expected standard error: about {100 * found.relative_se:.0f} % of a net change of "
            f"about {found.expected_m2 / HECTARE:,.0f} ha (a guess before anyone has looked)"
        )
    if found.target is not None and (found.relative_se or 0) > found.target:
        yield (
            f"warning: {100 * found.target:g} % cannot be reached with the blocks there are; "
            "label them all, or accept a wider interval"
        )
    yield (
        f"labelling: about {found.hours:.1f} hours for one interpreter at a minute a block, "
        f"{found.hours_of_all:.1f} for two and for settling where they differ"
    )
    if census.blocks[-1]:
        yield (
            f"not covered by any interval: change where neither map shows sealed land near; "
            f"{found.sizes[-1]} of {census.blocks[-1]:,} such blocks are looked at"
        )


def sample_lines(report: SampleReport) -> Iterator[str]:
    """Yield the report of labelled blocks as lines for a terminal; intervals are 95 %."""
    labels = report.labels
    known, first, second = int(labels.is_known.sum()), *report.years
    yield (
        f"{labels.path.name}: {known} of {len(labels)} blocks labelled in {first} and {second}, "
        f"interpreters: {', '.join(labels.interpreters)}"
    )
    yield f"  {'stratum':<14} {'blocks':>10} {'labelled':>9} {'unlike the maps':>16}"
    for stratum in report.strata:
        if stratum.blocks:
            yield (
                f"  {stratum.name:<14} {stratum.blocks:>10,} {stratum.labelled:>9,} "
                f"{stratum.nonzero:>16,}"
            )
    yield from _sample_change(report.change)
    if not labels.is_settled:
        yield f"  net with label errors {_ends(report.published.net)}"
    for year, level in report.levels.items():
        yield f"  sealed in {year} {_ends(level)}"
    for area in report.areas:
        yield f"  {area.name or area.id} ({area.units} blocks): net {_ends(area.published.net)}"
    for warning in report.warnings:
        yield f"warning: {warning}"


def _sample_change(change: Change) -> Iterator[str]:
    for name, interval in (("gain", change.gain), ("loss", change.loss), ("net", change.net)):
        yield f"  {name} {_ends(interval)}"


def _ends(interval: Interval) -> str:
    value, low, high = (end / HECTARE for end in (interval.value, interval.low, interval.high))
    return f"{value:,.1f} ha ({low:,.1f} to {high:,.1f})"
