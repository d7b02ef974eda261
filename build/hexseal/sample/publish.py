"""What a site publishes of a labelled sample: one label per block, and figures for statistics."""

import numpy as np
from numpy.typing import NDArray

from hexseal.raster.stack import region_grid
from hexseal.region.load import Region
from hexseal.sample.assess import Change, SampleReport
from hexseal.sample.blocks import BlockGrid
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
