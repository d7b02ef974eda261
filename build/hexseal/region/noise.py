"""The tables of a region file on how change is judged: [noise] and [accuracy]."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from hexseal.errors import RegionError
from hexseal.region.toml import TableReader, usual
from hexseal.types import Pair

WIDEST_RIM = 3
ASSUMED_POINTS = 100


@dataclass(frozen=True, slots=True)
class Noise:
    """Which differences of two maps count as evidence of change, in the order of the filters.

    ``post_processing`` leaves out pixels that were corrected by hand at either date, where the
    region names that layer. ``confidence`` (0 to 100) must be reached at both dates.
    ``three_dates`` drops what a third year contradicts. ``edge_tolerance`` drops rims of so many
    pixels along what is sealed at both dates. ``minimum_patch`` is in pixels. ``level`` is the
    share of false patches that confirmed change may hold; ``decoy_ratio`` how many false gains
    there are for each loss ("auto": as among the faintest patches, at least 1).
    """

    post_processing: bool = True
    confidence: int = 0
    three_dates: bool = True
    edge_tolerance: int = 0
    minimum_patch: int = 1
    level: float = 0.10
    decoy_ratio: float | Literal["auto"] = "auto"

    def __post_init__(self) -> None:
        """Reject values outside their range."""
        self._within("confidence", 0, 100)
        self._within("edge_tolerance", 0, WIDEST_RIM)
        self._within("minimum_patch", 1, 1_000_000)
        if not 0 < self.level < 1:
            raise RegionError(
                f"[noise] level = {self.level}: give a share between 0 and 1, such as 0.10"
            )
        if self.decoy_ratio != "auto" and not 1 <= self.decoy_ratio <= 100:
            raise RegionError(
                f"[noise] decoy_ratio = {self.decoy_ratio!r}: give 1 (noise gains as often as it "
                'loses), more, or "auto"'
            )

    def _within(self, key: str, low: int, high: int) -> None:
        value = getattr(self, key)
        if not low <= value <= high:
            raise RegionError(f"[noise] {key} = {value}: give a whole number from {low} to {high}")


@dataclass(frozen=True, slots=True)
class SealedAccuracy:
    """User's and producer's accuracy of Sealed in one year, shares with their standard errors.

    ``se_assumed`` where the errors were not given and those of 100 points stand for them.
    """

    users: float
    producers: float
    users_se: float = 0.0
    producers_se: float = 0.0
    se_assumed: bool = False

    def __post_init__(self) -> None:
        """Reject what is no accuracy."""
        for key in ("users", "producers"):
            if not 0.05 <= getattr(self, key) <= 1:
                raise RegionError(
                    f"[accuracy] {key} = {getattr(self, key)}: give a share from 0.05 to 1, such "
                    "as 0.86"
                )
        for key in ("users_se", "producers_se"):
            if not 0 <= getattr(self, key) < 0.5:
                raise RegionError(f"[accuracy] {key} = {getattr(self, key)}: give 0 to 0.5")


@dataclass(frozen=True, slots=True)
class Accuracy:
    """What is known of the maps' accuracy: figures by year, or a reference sample to be read.

    ``points`` is a table (see ``hexseal accuracy``), its coordinates in ``crs``; ``sample`` are
    files of labelled blocks (see ``hexseal sample``), which support figures of change. ``paired``
    is the relative standard error of the ratio of both years' sealed areas, of pairs of years that
    one sample labels both; the accuracies of others are independent.
    """

    years: Mapping[int, SealedAccuracy] = field(default_factory=dict)
    points: str | None = None
    crs: str = "EPSG:4326"
    greenhouses: bool = False
    sample: tuple[str, ...] = ()
    paired: Mapping[Pair, float] = field(default_factory=dict)


def read_noise(reader: TableReader) -> Noise:
    """Take the keys of [noise]."""
    noise = Noise(
        post_processing=reader.take("post_processing", bool, usual(Noise, "post_processing")),
        confidence=reader.take("confidence", int, usual(Noise, "confidence")),
        three_dates=reader.take("three_dates", bool, usual(Noise, "three_dates")),
        edge_tolerance=reader.take("edge_tolerance", int, usual(Noise, "edge_tolerance")),
        minimum_patch=reader.take("minimum_patch", int, usual(Noise, "minimum_patch")),
        level=reader.number("level", usual(Noise, "level")),
        decoy_ratio=_decoy_ratio(reader),
    )
    reader.done()
    return noise


def read_accuracy(reader: TableReader, years: tuple[int, ...]) -> Accuracy:
    """Take the keys of [accuracy] and of its tables [accuracy.YEAR]."""
    points = reader.take("points", str, None)
    sample = _files(reader)
    crs = reader.text("crs", usual(Accuracy, "crs"))
    greenhouses = reader.take("greenhouses", bool, usual(Accuracy, "greenhouses"))
    given = {year: _year(reader.child(str(year))) for year in years if str(year) in reader.table}
    reader.done()
    if given and points:
        raise RegionError("[accuracy] has both points and figures of years: give one of the two")
    if given and set(given) != set(years):
        missing = sorted(set(years) - set(given))
        raise RegionError(f"[accuracy.{missing[0]}] is missing: give figures of every year or none")
    return Accuracy(given, points, crs, greenhouses, sample)


def _files(reader: TableReader) -> tuple[str, ...]:
    """Take ``sample``: one file, or a list with one file per interpreter."""
    if isinstance(reader.table.get("sample"), str):
        return (reader.text("sample"),)
    files = reader.take("sample", list, list(usual(Accuracy, "sample")))
    if not all(isinstance(name, str) and name for name in files):
        raise RegionError(
            f"{reader.name('sample')} = {files!r}: name a file of labels, or a list of files"
        )
    return tuple(files)


def _year(reader: TableReader) -> SealedAccuracy:
    shares = {key: reader.number(key) for key in ("users", "producers")}
    missing = {f"{key}_se" for key in shares} - set(reader.table)
    errors = {
        f"{key}_se": reader.number(f"{key}_se", _error_of_points(share))
        for key, share in shares.items()
    }
    reader.done()
    return SealedAccuracy(**shares, **errors, se_assumed=bool(missing))


def _error_of_points(share: float) -> float:
    """Return the standard error that 100 points would leave: no error given does not mean none.

    >>> _error_of_points(0.9)
    0.03
    """
    spread = min(max(share * (1 - share), 0.0), 0.25)
    return round(math.sqrt(spread / ASSUMED_POINTS), 4)


def _decoy_ratio(reader: TableReader) -> float | Literal["auto"]:
    if reader.table.get("decoy_ratio") == "auto":
        reader.table.pop("decoy_ratio")
        return "auto"
    return reader.number("decoy_ratio", usual(Noise, "decoy_ratio"))
