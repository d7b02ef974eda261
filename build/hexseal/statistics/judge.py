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

from hexseal.change.grading import Grade
from hexseal.change.maptests import FIELD_PIXELS, MOST_FIELD_SHARE
from hexseal.change.stage import PairReport
from hexseal.forward.report import ForwardReport, report_facts
from hexseal.region.load import SealedAccuracy
from hexseal.statistics.adjusted import (
    CONFIDENCE,
    ENOUGH_UNITS,
    Adjusted,
    NoiseLevel,
    Transfer,
    Units,
    Whole,
    adjust,
    false_discovery,
    fit_noise,
)
from hexseal.statistics.notes import Note
from hexseal.statistics.reference import Reference
from hexseal.storage.files import write_bytes
from hexseal.types import Doubles

EVIDENCE = (
    "gain", "loss", "confirmed", "confirmed_cm2", "field_gain", "field_loss", "edges_before",
    "edges_after", "doubtful",
)  # fmt: skip
CM2 = 10_000.0
# Whether accuracies of Sealed were given for the region.
AccuracyKnown = Literal["given", "unknown"]
# What an interval rests on besides the tests: both maps err alike; the accuracies given, taken as
# independent of each other, or of one sample that labels both years; a model that errs alike in
# both years; a reference sample.
Assumption = Literal[
    "maps_err_alike", "accuracies_independent", "accuracies_paired", "model_errs_alike", "sample"
]
# A unit is inconclusive by itself where so much of it lies in blocks that fail a local test, or
# where whole fields make up so much of what was gained in confirmed patches and fields.
MOST_DOUBTFUL, FEWEST_FIELD_PIXELS = 0.25, 4 * FIELD_PIXELS


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
    enough. ``sizes`` are their mean counted pixels.
    """

    report: PairReport
    transfer: Transfer
    accuracy_known: AccuracyKnown
    assumption: Assumption
    levels: dict[str, NoiseLevel] = field(default_factory=dict)
    sizes: dict[str, float] = field(default_factory=dict)
    usual: NoiseLevel | None = None
    whole: Units | None = None
    sums: Whole | None = None
    reference: Reference | None = None

    def judge(self, table: pa.Table, size: str) -> pa.Table:
        """Return key columns of ``table`` and, per row, what the published columns need.

        ``table`` has the columns of EVIDENCE, valid_pixels and valid_cm2; rows are units of one
        size. Figures of inconclusive units are NULL.
        """
        counts = {name: _floats(table[name]) for name in (*EVIDENCE, "valid_pixels", "valid_cm2")}
        units = Units(**{name: counts[name] for name in Units.__slots__})
        valid = counts["valid_pixels"]
        found = self._adjust(units, size)
        observed = (units.edges > 0) | (units.unconfirmed > 0) | (units.confirmed > 0)
        q_value = false_discovery(np.where(observed & (valid > 0), found.p_value, np.nan))
        self.sizes[size] = float(valid[valid > 0].mean()) if np.any(valid > 0) else 0.0
        pixel_m2 = np.divide(counts["valid_cm2"] / CM2, valid, where=valid > 0, out=0 * valid)
        grade = self._grades(units, counts["doubtful"], valid)
        known = (valid > 0) & (grade != "inconclusive")
        columns = {
            "grade": pa.array(np.asarray(grade, object), pa.string(), mask=valid <= 0),
            "confirmed_cm2": pa.array(counts["confirmed_cm2"].astype(np.int64), mask=~known),
            "adjusted_m2": pa.array(found.net * pixel_m2, mask=~known),
            "low_m2": pa.array(found.low * pixel_m2, mask=~known),
            "high_m2": pa.array(found.high * pixel_m2, mask=~known),
            "q_value": pa.array(np.where(observed, q_value, 1.0), mask=~known),
        }
        keys = [name for name in ("h3", "position") if name in table.column_names]
        return _joined(table.select(keys), columns)

    def _adjust(self, units: Units, size: str) -> Adjusted:
        """Return the adjusted net of units of one size, in pixels."""
        if self.whole is None or self.sums is None:
            self.whole = units.total()
            report = self.report
            self.sums = Whole.of(units, report.variance, report.confirmed_design)
        noise = fit_noise(units, self.transfer, self.report.patch_design, self.usual)
        if np.count_nonzero(units.edges) >= ENOUGH_UNITS:
            self.usual = noise
        self.levels[size] = noise
        return adjust(units, noise, self.transfer, self.sums, is_whole=size == "region")

    def _grades(self, units: Units, doubtful: Doubles, valid: Doubles) -> NDArray[np.object_]:
        """Return the grade of each unit: the pair's, or inconclusive where a test fails there."""
        large = units.confirmed + units.field_gain
        fields = units.field_gain > MOST_FIELD_SHARE * large
        fields &= units.field_gain >= FEWEST_FIELD_PIXELS
        lost = (doubtful > MOST_DOUBTFUL * valid) | fields
        pair: Grade = self.report.grade
        return np.where(lost, "inconclusive", pair).astype(object)


def signals(table: pa.Table) -> pa.Array:
    """Return the signal of each row of a judged table: from its interval, by one rule.

    gain where the interval lies above 0, loss where it lies below, else within_noise; inconclusive
    where there is none; no_data where no pixel was counted.
    """
    low, high = (table[name].to_numpy() for name in ("low_m2", "high_m2"))
    grades = table["grade"].combine_chunks().cast(pa.string()).dictionary_encode()
    place = grades.indices.fill_null(-1).to_numpy()
    words = ("within_noise", "loss", "gain", "inconclusive", "no_data")
    inconclusive = [n for n, word in enumerate(grades.dictionary.to_pylist()) if word == words[3]]
    called = np.where(low > 0, 2, np.where(high < 0, 1, 0))
    called = np.where(np.isin(place, inconclusive), 3, called)
    called = np.where(place < 0, 4, called)
    return pa.array(words, pa.string()).take(pa.array(called))


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
    """Write judgement.json: how each pair was judged, reasons against comparing, forward years."""
    facts = {
        judge.report.pair.key: {
            "report": asdict(judge.report),
            "transfer": asdict(judge.transfer),
            "accuracy": judge.accuracy_known,
            "assumption": judge.assumption,
            "interval": "confidence" if judge.assumption == "sample" else "noise",
            "reasons": judge.report.reasons,
            "reference": judge.reference.facts() if judge.reference else None,
            "levels": {
                size: asdict(level) | {"pixels": judge.sizes[size]}
                for size, level in judge.levels.items()
            },
            "whole": _totals(judge.whole),
        }
        for judge in judges
    }
    listed = [asdict(note) | {"severe": note.is_severe} for note in notes]
    masked = {
        str(year): {"pixels": covered.dropped_pixels, "m2": covered.dropped_cm2 / CM2}
        for year, covered in coverage.items()
    }
    made = {str(year): report_facts(report) for year, report in forward.items()}
    whole = {"pairs": facts, "notes": listed, "common_mask": masked, "forward": made}
    write_bytes(path, json.dumps(whole, indent=1).encode())


def _totals(whole: Units | None) -> dict[str, float]:
    """Return the counts of the whole region by name, in pixels."""
    return {name: float(getattr(whole, name)[0]) for name in Units.__slots__} if whole else {}


def _floats(column: pa.ChunkedArray) -> Doubles:
    return column.cast(pa.float64()).fill_null(0.0).to_numpy()
