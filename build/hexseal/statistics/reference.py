"""Figures of a reference sample in the place of those that two maps support.

Units that a sample supports are graded ``reference``: their adjusted net and its interval are the
sample's, whatever the tests of the maps say. Confirmed places stay as the maps have them.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from scipy.stats import norm

from hexseal.storage.files import write_bytes
from hexseal.types import Pair

REGION: tuple[str, str] = ("region", "")
FLOW_COLUMNS = tuple(
    f"reference_{flow}_{end}m2" for flow in ("gain", "loss") for end in ("", "low_", "high_")
)


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
    """A sample's figures for a pair of years: of the region (REGION), of areas by layer and id.

    ``settled`` whether two interpreters saw every block and their differences were settled. Of
    joined regions ``without`` are those that no sample of these years was made for: their areas,
    and the whole, then have no figure.
    """

    pair: Pair
    changes: Mapping[tuple[str, str], ReferenceChange]
    interpreters: int
    settled: bool
    unknown: int
    without: tuple[str, ...] = ()

    def facts(self) -> dict[str, object] | None:
        """Return the sample's figures for the pages; None where it has none of the region."""
        whole = self.changes.get(REGION)
        if whole is None:
            return None
        return {
            **asdict(whole),
            "areas": len(self.changes) - 1,
            "interpreters": self.interpreters,
            "settled": self.settled,
            "unknown": self.unknown,
        }


def write_reference(reference: Reference, path: Path) -> None:
    """Write a sample's figures as JSON, the same for the same sample."""
    changes = [
        {"layer": layer, "id": key, **asdict(change)}
        for (layer, key), change in reference.changes.items()
    ]
    facts = asdict(reference) | {"pair": list(reference.pair), "changes": changes}
    write_bytes(path, f"{json.dumps(facts, indent=1, ensure_ascii=False)}\n".encode())


def read_reference(path: Path) -> Reference:
    """Read what ``write_reference`` wrote."""
    facts = json.loads(path.read_text(encoding="utf-8"))
    changes = {
        (each["layer"], each["id"]): ReferenceChange(
            each["units"], *(Estimate(**each[name]) for name in ("net", "gain", "loss"))
        )
        for each in facts.pop("changes")
    }
    pair, without = Pair(*facts.pop("pair")), tuple(facts.pop("without"))
    return Reference(pair=pair, changes=changes, without=without, **facts)


def with_reference(table: pa.Table, areas: pa.Table, reference: Reference | None) -> pa.Table:
    """Return judged areas with the sample's figures where it has some.

    ``table`` has the columns of ``PairJudge.judge`` and position, ``areas`` position, layer, id.
    Gain and loss are columns of their own (FLOW_COLUMNS), NULL where the sample has no figure.
    """
    keys = {
        row["position"]: REGION if row["layer"] == REGION[0] else (row["layer"], row["id"])
        for row in areas.select(["position", "layer", "id"]).to_pylist()
    }
    rows = table.to_pylist()
    for row in rows:
        found = reference and reference.changes.get(keys[row["position"]])
        if not found or row["grade"] is None:
            row |= dict.fromkeys(FLOW_COLUMNS)
            continue
        net = found.net
        row |= {
            "grade": "reference", "adjusted_m2": net.value, "low_m2": net.low, "high_m2": net.high,
            "q_value": _p_value(net),
            **dict(zip(FLOW_COLUMNS, (*_ends(found.gain), *_ends(found.loss)), strict=True)),
        }  # fmt: skip
    schema = table.schema
    for name in FLOW_COLUMNS:
        schema = schema.append(pa.field(name, pa.float64()))
    return pa.Table.from_pylist(rows, schema=schema)


def _ends(found: Estimate) -> tuple[float, float, float]:
    return found.value, found.low, found.high


def _p_value(net: Estimate) -> float:
    """Return how likely so large a net would be without any change, from its interval."""
    se = (net.high - net.low) / (2 * norm.ppf(0.975))
    return float(2 * norm.sf(abs(net.value) / se)) if se > 0 else float(np.nan)
