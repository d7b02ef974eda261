"""Figures of a reference sample in the place of those that two maps support.

Units that a sample speaks for are graded ``reference``: their adjusted net and its interval are the
sample's, whatever the tests of the maps say. Confirmed places stay as the maps have them.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import pyarrow as pa
from scipy.stats import norm

from hexseal.types import Pair

REGION: tuple[str, str] = ("region", "")


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure in m² with the ends of its 95 % confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ReferenceChange:
    """Net, gain and loss of one unit and the labelled blocks that they rest on."""

    units: int
    net: Estimate
    gain: Estimate
    loss: Estimate


@dataclass(frozen=True, slots=True)
class Reference:
    """What a sample says of a pair of years: of the region (REGION), of areas by layer and id.

    ``settled`` whether two interpreters saw every block and their differences were settled.
    """

    pair: Pair
    changes: Mapping[tuple[str, str], ReferenceChange]
    interpreters: int
    settled: bool
    unknown: int

    def facts(self) -> dict[str, object]:
        """Return what the pages say of the sample, as plain values."""
        whole = self.changes[REGION]
        return {
            **asdict(whole),
            "areas": len(self.changes) - 1,
            "interpreters": self.interpreters,
            "settled": self.settled,
            "unknown": self.unknown,
        }


def with_reference(table: pa.Table, areas: pa.Table, reference: Reference) -> pa.Table:
    """Return judged areas with the sample's figures where it has some.

    ``table`` has the columns of ``PairJudge.judge`` and position, ``areas`` position, layer, id.
    """
    keys = {
        row["position"]: REGION if row["layer"] == REGION[0] else (row["layer"], row["id"])
        for row in areas.select(["position", "layer", "id"]).to_pylist()
    }
    rows = table.to_pylist()
    for row in rows:
        found = reference.changes.get(keys[row["position"]])
        if found is None or row["grade"] is None:
            continue
        net = found.net
        row |= {
            "grade": "reference", "adjusted_m2": net.value, "low_m2": net.low, "high_m2": net.high,
            "q_value": _p_value(net),
        }  # fmt: skip
    return pa.Table.from_pylist(rows, schema=table.schema)


def _p_value(net: Estimate) -> float:
    """Return how likely so large a net would be without any change, from its interval."""
    se = (net.high - net.low) / (2 * norm.ppf(0.975))
    return float(2 * norm.sf(abs(net.value) / se)) if se > 0 else float(np.nan)
