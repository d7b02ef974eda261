"""From counted evidence to what is published of each hexagon and area: adjusted net and signal."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.stats import norm

from hexseal.change.stage import PairReport, pair_name
from hexseal.forward.report import ForwardReport, report_facts
from hexseal.region.load import SealedAccuracy
from hexseal.statistics.adjusted import (
    CONFIDENCE,
    ENOUGH_UNITS,
    NoiseLevel,
    Transfer,
    Units,
    adjust,
    false_discovery,
    fit_noise,
)
from hexseal.statistics.notes import Note
from hexseal.storage.files import write_bytes

EVIDENCE = (
    "gain", "loss", "confirmed", "confirmed_cm2", "edges_before", "edges_after", "confirmed_edges",
)  # fmt: skip
CM2 = 10_000.0
Doubles = NDArray[np.float64]
# Whether accuracies of Sealed were given for the region, are the producer's promise, or neither.
AccuracyKnown = Literal["given", "promised", "unknown"]


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the common valid mask takes of a year: land before and after, and all that it drops."""

    land_cm2: int
    kept_land_cm2: int
    dropped_pixels: int
    dropped_cm2: int

    @property
    def lost_share(self) -> float:
        """Return the part of the year's land that the mask drops."""
        return 1 - self.kept_land_cm2 / self.land_cm2 if self.land_cm2 else 0.0


@dataclass(slots=True)
class PairJudge:
    """Judge the units of one pair of years, finest hexagons first, then areas.

    ``levels`` keeps the noise of each size; sizes with few units lean on the last that had
    enough. ``sizes`` are their mean counted pixels. ``level`` is the false discovery rate below
    which a signal is called.
    """

    report: PairReport
    transfer: Transfer
    accuracy_known: AccuracyKnown
    level: float
    levels: dict[str, NoiseLevel] = field(default_factory=dict)
    sizes: dict[str, float] = field(default_factory=dict)
    usual: NoiseLevel | None = None
    whole: Units | None = None

    @property
    def name(self) -> str:
        """Return the part of column names that says the pair."""
        return pair_name((self.report.first, self.report.second))

    @property
    def noise_sd(self) -> float:
        """Return the deviation that noise alone gives the region's unconfirmed net, in pixels."""
        noise = 0.0 if self.whole is None else float(self.whole.unconfirmed[0])
        return float(np.sqrt(noise * (self.usual.design if self.usual else 1.0)))

    def judge(self, table: pa.Table, size: str) -> pa.Table:
        """Return key columns of ``table`` and, per row, what the published columns need.

        ``table`` has the columns of EVIDENCE, valid_pixels and valid_cm2; rows are units of one
        size.
        """
        counts = {name: _floats(table[name]) for name in (*EVIDENCE, "valid_pixels", "valid_cm2")}
        units = Units(
            gain=counts["gain"],
            loss=counts["loss"],
            confirmed=counts["confirmed"],
            edges_before=counts["edges_before"],
            edges_after=counts["edges_after"],
            confirmed_edges=counts["confirmed_edges"],
        )
        if self.whole is None:
            self.whole = units.total()
        noise = fit_noise(units, self.transfer, self.report.patch_design, self.usual)
        if np.count_nonzero(units.edges) >= ENOUGH_UNITS:
            self.usual = noise
        self.levels[size] = noise
        found = adjust(units, noise, self.transfer, float(self.whole.edges_before[0]))
        told = (units.edges > 0) | (units.unconfirmed > 0) | (units.confirmed > 0)
        q_value = false_discovery(np.where(told, found.p_value, np.nan))
        valid = counts["valid_pixels"]
        self.sizes[size] = float(valid[valid > 0].mean()) if np.any(valid > 0) else 0.0
        pixel_m2 = np.divide(counts["valid_cm2"] / CM2, valid, where=valid > 0, out=0 * valid)
        q_value = np.where(told, q_value, 1.0)
        columns = {
            "confirmed_cm2": pa.array(counts["confirmed_cm2"].astype(np.int64), mask=valid == 0),
            "adjusted_m2": _masked(found.net * pixel_m2, valid),
            "low_m2": _masked(found.low * pixel_m2, valid),
            "high_m2": _masked(found.high * pixel_m2, valid),
            "q_value": _masked(q_value, valid),
            "signal": pa.array(_signals(found.net, q_value, valid, self.level)),
        }
        keys = [name for name in ("h3", "position") if name in table.column_names]
        return _joined(table.select(keys), columns)


def _joined(table: pa.Table, columns: Mapping[str, pa.Array]) -> pa.Table:
    for name, column in columns.items():
        table = table.append_column(name, column)
    return table


def stock_table(
    areas: pa.Table, accuracies: Mapping[int, SealedAccuracy], years: tuple[int, ...], design: float
) -> pa.Table:
    """Return each area's sealed area corrected for map errors, with its 95 % interval.

    ``areas`` has position and sealed_m2_YEAR. Corrected area = mapped x U / P (DOMAIN E3); its
    variance adds the accuracies' own, alike in all areas, and that of the errors that fall into
    the area by chance, m (1 - U) + m U / P (1 - P) pixels times the design effect. Without
    accuracies all is NULL.
    """
    table = areas.select(["position"])
    for year in years:
        mapped = _floats(areas[f"sealed_pixels_{year}"])
        pixel = _floats(areas["valid_cm2"]) / CM2 / np.maximum(_floats(areas["valid_pixels"]), 1)
        known = accuracies.get(year)
        bounds = _stock(mapped, known, design) if known else (np.full(len(mapped), np.nan),) * 3
        for name, pixels in zip(("adjusted", "low", "high"), bounds, strict=True):
            column = pa.array(pixels * pixel, from_pandas=True)
            table = table.append_column(f"sealed_{name}_m2_{year}", column)
    return table


def _stock(
    mapped: Doubles, accuracy: SealedAccuracy, design: float
) -> tuple[Doubles, Doubles, Doubles]:
    users, producers = accuracy.users, accuracy.producers
    area = mapped * users / producers
    relative = (accuracy.users_se / users) ** 2 + (accuracy.producers_se / producers) ** 2
    chance = mapped * (1 - users) + area * (1 - producers)
    half = norm.ppf((1 + CONFIDENCE) / 2) * np.sqrt(area**2 * relative + design * chance)
    return area, np.maximum(area - half, 0.0), area + half


def write_judgement(
    judges: list[PairJudge],
    notes: Sequence[Note],
    coverage: Mapping[int, Coverage],
    forward: Mapping[int, ForwardReport],
    path: Path,
) -> None:
    """Write how each pair was judged, what speaks against comparing its years, which are made."""
    facts = {
        judge.name: {
            "report": asdict(judge.report),
            "transfer": asdict(judge.transfer),
            "accuracy": judge.accuracy_known,
            "levels": {
                size: asdict(level) | {"pixels": judge.sizes[size]}
                for size, level in judge.levels.items()
            },
            "whole": _totals(judge.whole),
        }
        for judge in judges
    }
    told = [asdict(note) | {"severe": note.is_severe} for note in notes]
    masked = {
        str(year): {"pixels": covered.dropped_pixels, "m2": covered.dropped_cm2 / CM2}
        for year, covered in coverage.items()
    }
    made = {str(year): report_facts(report) for year, report in forward.items()}
    whole = {"pairs": facts, "notes": told, "common_mask": masked, "forward": made}
    write_bytes(path, json.dumps(whole, indent=1).encode())


def _totals(whole: Units | None) -> dict[str, float]:
    """Return the counts of the whole region by name, in pixels."""
    return {name: float(getattr(whole, name)[0]) for name in Units.__slots__} if whole else {}


def _signals(net: Doubles, q_value: Doubles, valid: Doubles, level: float) -> list[str]:
    called = np.where(net > 0, "gain", "loss")
    called = np.where(q_value <= level, called, "within_noise")
    return np.where(valid > 0, called, "no_data").tolist()


def _masked(values: Doubles, valid: Doubles) -> pa.Array:
    return pa.array(values, mask=valid == 0)


def _floats(column: pa.ChunkedArray) -> Doubles:
    return column.cast(pa.float64()).fill_null(0.0).to_numpy()
