"""Eurostat's LUCAS survey as it is published: which points are sealed, and where they lie.

A point is where the survey's grid puts it (TH_LAT, TH_LONG; POINT_LAT, POINT_LONG in 2022), which
is what surveyors describe; GPS columns hold where they stood. The eight digits of POINT_ID are the
kilometres east and north of the point in EPSG:3035, read where the degrees are missing.
"""

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hexseal.accuracy.table import Table, read_table
from hexseal.raster.grid import to_lonlat
from hexseal.types import Doubles, Flags, Integers

SEALED = frozenset({"A11", "A12", "A21", "A22"})
GREENHOUSE = "A13"
# Crops to water: LUCAS land cover has letters A (artificial) to H (wetland).
OTHER_LAND = re.compile(r"[B-H][0-9A-Z]{1,3}")
NOT_OBSERVED = frozenset({"", "8", "88", "888", "0", "NA", "NAN", "NULL"})
POINT_ID = re.compile(r"\d{8}")
NO_COVER = "land cover not observed (LC1 empty or 8)"
NO_POSITION = "no position"
OTHER_ARTIFICIAL = "other artificial land (LC1 A30 and the like)"


@dataclass(frozen=True, slots=True)
class LucasForm:
    """The column names of one edition of the survey."""

    year: int
    latitude: str
    longitude: str
    cover: str


FORMS = (
    LucasForm(2022, "point_lat", "point_long", "survey_lc1"),
    LucasForm(2018, "th_lat", "th_long", "lc1"),
)
WEIGHTS = ("weight", "wgt_lucas")
STRATA = ("stratum", "stratum_lucas")


@dataclass(frozen=True, slots=True, eq=False)
class LucasSurvey:
    """Observed points in degrees; points without cover or position are counted in ``skipped``.

    ``sealed`` is 1 or 0; greenhouses are marked by ``greenhouse``, whatever they count as.
    """

    year: int
    lines: list[int]
    lon: Doubles
    lat: Doubles
    years: Integers
    sealed: Integers
    greenhouse: Flags
    weight: Doubles | None
    stratum: list[str] | None
    skipped: dict[str, int] = field(default_factory=dict)
    placed_by_id: int = 0


def lucas_form(columns: Collection[str]) -> LucasForm | None:
    """Return the edition that has these lower-case columns, or None.

    >>> lucas_form(["point_id", "th_lat", "th_long", "lc1"]).year
    2018
    """
    for form in FORMS:
        if {"point_id", form.cover} <= set(columns):
            return form
    return None


def read_lucas(path: Path, form: LucasForm, *, greenhouses: bool) -> LucasSurvey:
    """Read the points of a survey; ``greenhouses`` sets whether they count as sealed."""
    table = read_table(path, _columns(form))
    cover = [cell.upper() for cell in table.texts(form.cover)]
    sealed, reasons = _sealed(table, form, cover, greenhouses)
    lon, lat, by_id = _positions(table, form)
    placed = np.isfinite(lon) & np.isfinite(lat)
    for row in np.flatnonzero(~placed).tolist():
        reasons.setdefault(row, NO_POSITION)
    kept = np.array([row for row in range(len(table)) if row not in reasons], dtype=np.int64)
    weight = next((table.numbers(name) for name in WEIGHTS if name in table), None)
    stratum = next((table.texts(name) for name in STRATA if name in table), None)
    years = _years(table, form)
    return LucasSurvey(
        year=int(np.bincount(years).argmax()),
        lines=[table.lines[row] for row in kept],
        lon=lon[kept],
        lat=lat[kept],
        years=years[kept],
        sealed=sealed[kept],
        greenhouse=np.array([code == GREENHOUSE for code in cover])[kept],
        weight=None if weight is None else weight[kept],
        stratum=None if stratum is None else [stratum[row] for row in kept],
        skipped=dict(sorted(Counter(reasons.values()).items())),
        placed_by_id=int(by_id[kept].sum()),
    )


def _columns(form: LucasForm) -> set[str]:
    named = {form.latitude, form.longitude, form.cover, "point_id", "th_ew", "year"}
    return named | {"survey_date", *WEIGHTS, *STRATA}


def _sealed(
    table: Table, form: LucasForm, cover: list[str], greenhouses: bool
) -> tuple[Integers, dict[int, str]]:
    """Return 1 for sealed and 0 for other land, and why rows are left out."""
    sealed = np.zeros(len(cover), dtype=np.int64)
    reasons: dict[int, str] = {}
    for row, code in enumerate(cover):
        if code in SEALED or (code == GREENHOUSE and greenhouses):
            sealed[row] = 1
        elif code in NOT_OBSERVED:
            reasons[row] = NO_COVER
        elif code.startswith("A") and code != GREENHOUSE:
            reasons[row] = OTHER_ARTIFICIAL
        elif code != GREENHOUSE and not OTHER_LAND.fullmatch(code):
            table.refuse(
                row, f"{form.cover.upper()} = {code!r} is not a land cover of LUCAS such as A22"
            )
    return sealed, reasons


def _positions(table: Table, form: LucasForm) -> tuple[Doubles, Doubles, Flags]:
    """Return degrees, NaN where there are none, and which of them POINT_ID gave."""
    lost = np.full(len(table), np.nan)
    lon = table.numbers(form.longitude) if form.longitude in table else lost.copy()
    lat = table.numbers(form.latitude) if form.latitude in table else lost.copy()
    if "th_ew" in table:
        west = np.array([cell.upper() in ("W", "2") for cell in table.texts("th_ew")])
        lon = np.where(west, -np.abs(lon), lon)
    # 88.888888 stands for "not relevant"; no point of the survey lies there.
    located = (np.abs(lon) <= 180) & (np.abs(lat) <= 90) & ~np.isclose(lat, 88.888888, atol=1e-5)
    known = np.array([bool(POINT_ID.fullmatch(cell)) for cell in table.texts("point_id")])
    by_id = ~located & known
    numbers = [int(table.texts("point_id")[row]) for row in np.flatnonzero(by_id)]
    east, north = np.divmod(np.array(numbers, dtype=np.int64), 10_000)
    lon[~located], lat[~located] = np.nan, np.nan
    lon[by_id], lat[by_id] = to_lonlat("EPSG:3035", east * 1000.0, north * 1000.0)
    return lon, lat, by_id


def _years(table: Table, form: LucasForm) -> Integers:
    """Return the survey year of each row: its own column, else the year of most survey dates."""
    if "year" in table:
        years = np.nan_to_num(table.numbers("year"), nan=form.year)
        return np.clip(years, 0, 9999).astype(np.int64)
    dates = table.texts("survey_date") if "survey_date" in table else []
    found = Counter(year for date in dates if (year := _year_of(date)) is not None)
    usual = found.most_common(1)[0][0] if found else form.year
    return np.full(len(table), usual, dtype=np.int64)


def _year_of(date: str) -> int | None:
    """Return the year of a date as the editions write it, or None.

    >>> _year_of("21/09/18"), _year_of("2022-05-12"), _year_of("88/88/88")
    (2018, 2022, None)
    """
    whole = re.search(r"(?<!\d)20\d\d(?!\d)", date)
    if whole:
        return int(whole.group())
    short = re.fullmatch(r"\d{1,2}[/.-]\d{1,2}[/.-](\d\d)", date)
    year = 2000 + int(short.group(1)) if short else 0
    return year if 2006 <= year <= 2049 else None
