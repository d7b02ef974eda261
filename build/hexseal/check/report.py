"""What a check of inputs found: findings, figures by year and pair, and how they are printed."""

from dataclasses import asdict, dataclass
from typing import Literal

from hexseal.errors import InputError

Level = Literal["error", "warning", "info"]
LEVELS: tuple[Level, ...] = ("error", "warning", "info")


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding about ``subject``, a file or the region: what, the value, a remedy."""

    level: Level
    subject: str
    what: str
    value: str = ""
    remedy: str = ""

    def line(self) -> str:
        """Return the finding as one line.

        >>> Finding("error", "a.tif", "wrong CRS", "EPSG:4326", "warp it").line()
        'error: a.tif: wrong CRS (EPSG:4326); warp it'
        """
        value = f" ({self.value})" if self.value else ""
        remedy = f"; {self.remedy}" if self.remedy else ""
        return " ".join(f"{self.level}: {self.subject}: {self.what}{value}{remedy}".split())


@dataclass(frozen=True, slots=True)
class YearFigures:
    """Pixels of one year within the region's window; ``codes`` counts every code that occurs.

    ``sealed`` pixels of a density are whole pixels that its per cent add up to.
    """

    year: int
    codes: dict[int, int]
    valid: int
    sealed: int


@dataclass(frozen=True, slots=True)
class PairFigures:
    """Pixels that are valid in every year of the region, compared between two of them."""

    first: int
    second: int
    common: int
    sealed_first: int
    sealed_second: int
    gained: int
    lost: int


@dataclass(frozen=True, slots=True)
class Report:
    """All findings of a region, errors first, and the figures that the pixels gave."""

    region: str
    findings: tuple[Finding, ...]
    years: tuple[YearFigures, ...] = ()
    pairs: tuple[PairFigures, ...] = ()
    density: bool = False

    def of(self, level: Level) -> tuple[Finding, ...]:
        """Return the findings of one level."""
        return tuple(finding for finding in self.findings if finding.level == level)

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Return what keeps the region from being built."""
        return self.of("error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Return what the user should know, though the region can be built."""
        return self.of("warning")

    @property
    def headline(self) -> str:
        """Return the outcome in a few words."""
        verdict = "inputs cannot be used" if self.errors else "inputs can be used"
        counted = (_count(len(self.errors), "error"), _count(len(self.warnings), "warning"))
        return f"{verdict}: {', '.join(counted)}"

    def to_json(self) -> dict[str, object]:
        """Return the report as plain values for json.dumps."""
        return {
            "region": self.region,
            "usable": not self.errors,
            "findings": [asdict(finding) for finding in self.findings],
            "years": [asdict(year) for year in self.years],
            "pairs": [asdict(pair) for pair in self.pairs],
            **({"density": True} if self.density else {}),
        }


def render(report: Report) -> list[str]:
    """Return one line per finding and year for the terminal, errors first."""
    lines = [finding.line() for level in LEVELS for finding in report.of(level)]
    common = {
        year: (sealed, pair.common)
        for pair in report.pairs
        for year, sealed in ((pair.first, pair.sealed_first), (pair.second, pair.sealed_second))
    }
    # One denominator for all years, as in the statistics: shares of other pixels would jump.
    which = "valid in every year" if common else "valid"
    for year in report.years:
        sealed, valid = common.get(year.year, (year.sealed, year.valid))
        share = f", {100.0 * sealed / valid:.2f} %" if valid else ""
        how = "whole pixels sealed by density" if report.density else "sealed"
        lines.append(f"{year.year}: {sealed:,} {how} of {valid:,} pixels {which}{share}")
    for pair in report.pairs:
        if report.density:
            lines.append(
                f"{pair.first} to {pair.second}: density rises by {pixels(pair.gained)} in all and "
                f"falls by {pair.lost:,}, of {pair.common:,} valid in every year"
            )
            continue
        lines.append(
            f"{pair.first} to {pair.second}: {pixels(pair.gained)} newly sealed, "
            f"{pair.lost:,} unsealed, of {pair.common:,} valid in every year"
        )
    return lines


def refusal(err: InputError, subject: str) -> Finding:
    """Return a one-line failure, ``subject: what; remedy``, as a finding."""
    what, _, remedy = str(err).removeprefix(f"{subject}: ").partition("; ")
    return Finding("error", subject, what, "", remedy)


def pixels(number: int) -> str:
    """Return a number of pixels as text.

    >>> pixels(1), pixels(1200)
    ('1 pixel', '1,200 pixels')
    """
    return _count(number, "pixel")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
