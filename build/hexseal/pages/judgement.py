"""How each pair of years was judged and the reasons against comparing it: judgement.json."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hexseal.errors import InputError
from hexseal.pages.locales import Locale, number

Values = Mapping[str, str | float]
# Decimals of the numbers that a note names.
DIGITS = {
    "areas": 0,
    "percent": 1, "users": 0, "producers": 0, "iou": 2, "value": 2, "threshold": 2,
}  # fmt: skip
YEARS = ("year", "base", "first")
SIGNED = ("rate",)
# Notes that the two maps come from different products or versions.
MADE_OTHERWISE = ("makers",)


@dataclass(frozen=True, slots=True)
class Note:
    """A reason for care; without a severe one change must not be shown."""

    kind: str
    severe: bool
    values: Values

    def text(self, locale: Locale) -> str:
        """Return the note as a sentence or two."""
        return locale.text(f"page.note.{self.kind}", **self._shown(locale))

    def brief(self, locale: Locale) -> str:
        """Return the note in a few words."""
        return locale.text(f"app.brief.{self.kind}", **self._shown(locale))

    def _shown(self, locale: Locale) -> dict[str, str]:
        return {key: self._written(key, locale.language) for key in self.values}

    def _written(self, key: str, language: str) -> str:
        value = self.values[key]
        if isinstance(value, str):
            return value
        # A year is a year, not a number.
        return (
            str(int(value))
            if key in YEARS
            else number(value, DIGITS[key], language, signed=self.kind in SIGNED)
        )


@dataclass(frozen=True, slots=True)
class Level:
    """The noise of units of one size: pixels per sealed edge pixel, and its overdispersion."""

    size: str
    rate: float
    design: float


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One statistic of a test against its threshold; ``side`` is most or least."""

    test: str
    name: str
    statistic: float | None
    threshold: float
    side: str
    verdict: str
    stops: bool


@dataclass(frozen=True, slots=True)
class FalseShares:
    """What may be false of the confirmed: expected shares and upper bounds, by patch and area."""

    patches: float
    patches_high: float
    area: float
    area_high: float


@dataclass(frozen=True, slots=True)
class ReferenceFacts:
    """A labelled sample's figures of the region; ends of net, gain and loss are in m².

    ``areas`` counts areas with figures of their own, ``unknown`` blocks without a label.
    """

    units: int
    interpreters: int
    settled: bool
    unknown: int
    areas: int
    net: tuple[float, float, float]
    gain: tuple[float, float, float]
    loss: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Judged:
    """How one pair was judged; pixels unless named patches. ``removed`` is gain, loss by filter.

    ``grade`` is reference, consistent or inconclusive; ``assumption`` names what an interval
    rests on, ``interval`` whether it is a noise or a confidence interval. ``accuracy`` is given or
    unknown; ``slope`` is how much of a true change shows. ``masked`` are pixels and square metres
    of each year that the common valid mask drops.
    """

    raw: tuple[int, int]
    removed: Mapping[str, tuple[int, int]]
    confirmed: int
    patches: tuple[int, int, int]
    candidates: int
    fields: int
    decoy_ratio: float
    provisional: bool
    has_confidence: bool
    uses_confidence: bool
    grade: str
    reasons: tuple[str, ...]
    checks: tuple[CheckLine, ...]
    false: FalseShares | None
    assumption: str
    interval: str
    accuracy: str
    slope: float
    levels: tuple[Level, ...]
    notes: tuple[Note, ...]
    masked: Mapping[str, tuple[int, float]]
    reference: ReferenceFacts | None = None

    @property
    def warnings(self) -> tuple[Note, ...]:
        """Return the severe notes."""
        return tuple(note for note in self.notes if note.severe)

    @property
    def remarks(self) -> tuple[Note, ...]:
        """Return the other notes."""
        return tuple(note for note in self.notes if not note.severe)


@dataclass(frozen=True, slots=True)
class PairGrade:
    """What supports the change of a pair over the whole region, and the notes against it.

    ``grade`` is reference, consistent, inconclusive or incomparable; ``tests`` counts the tests of
    the maps, ``failed`` those that stop the pair.
    """

    grade: str
    reasons: tuple[Note, ...]
    tests: int
    failed: int


def pair_grade(judged: Judged) -> PairGrade:
    """Return the grade of a pair; a severe note of another making forbids any comparison."""
    tests = len({check.test for check in judged.checks})
    failed = len({check.test for check in judged.checks if check.stops})
    if judged.reference is not None:
        return PairGrade("reference", (), tests, failed)
    made_otherwise = tuple(note for note in judged.warnings if note.kind in MADE_OTHERWISE)
    if made_otherwise:
        return PairGrade("incomparable", made_otherwise, tests, failed)
    # A severe note of another kind (a rate beyond belief) supports no figure either.
    grade = "inconclusive" if judged.warnings else judged.grade
    return PairGrade(grade, judged.warnings, tests, failed)


def read_judgement(path: Path) -> dict[str, Judged]:
    """Read judgement.json by name of the pair; raises InputError when it is not whole."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        masked = {
            year: (drops["pixels"], drops["m2"]) for year, drops in facts["common_mask"].items()
        }
        return {
            name: _judged(
                found, _notes(facts["notes"], name), {y: masked[y] for y in name.split("_")}
            )
            for name, found in facts["pairs"].items()
        }
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise InputError(
            f"{path}: is missing or broken ({err!r}); build the region again (--fresh)"
        ) from err


def _notes(notes: list[dict], name: str) -> tuple[Note, ...]:
    return tuple(
        Note(note["kind"], note["severe"], note["values"])
        for note in notes
        if "_".join(map(str, note["pair"])) == name
    )


def _judged(
    found: dict, notes: tuple[Note, ...], masked: Mapping[str, tuple[int, float]]
) -> Judged:
    report = found["report"]
    return Judged(
        raw=(report["raw_gain"], report["raw_loss"]),
        removed={key: (out["gain"], out["loss"]) for key, out in report["removed"].items()},
        confirmed=report["confirmed"],
        patches=(report["gain_patches"], report["loss_patches"], report["confirmed_patches"]),
        candidates=report["candidates"],
        fields=report["fields"],
        decoy_ratio=report["decoy_ratio"],
        provisional=report["provisional"],
        has_confidence=report["has_confidence"],
        uses_confidence=report["uses_confidence"],
        grade=report["grade"],
        reasons=tuple(found["reasons"]),
        checks=tuple(_check(check, found["reasons"]) for check in report["checks"]),
        false=report["false"] and FalseShares(**report["false"]),
        assumption=found["assumption"],
        interval=found["interval"],
        accuracy=found["accuracy"],
        slope=found["transfer"]["slope"],
        levels=tuple(
            Level(size, level["rate"], level["design"]) for size, level in found["levels"].items()
        ),
        notes=notes,
        masked=masked,
        reference=_reference(found.get("reference")),
    )


def _reference(facts: dict | None) -> ReferenceFacts | None:
    if facts is None:
        return None
    named: dict[str, Any] = {
        key: tuple(facts[key][end] for end in ("value", "low", "high"))
        for key in ("net", "gain", "loss")
    }
    plain = ("units", "interpreters", "settled", "unknown", "areas")
    return ReferenceFacts(**named, **{key: facts[key] for key in plain})


def _check(check: dict, reasons: list[str]) -> CheckLine:
    keys = ("test", "name", "statistic", "threshold", "side", "verdict")
    stops = f"{check['test']}.{check['name']}" in reasons
    return CheckLine(**{key: check[key] for key in keys}, stops=stops)
