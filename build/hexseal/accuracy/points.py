"""Reading a reference sample: points in any CRS, pairs of classes, or the LUCAS survey's file."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from affine import Affine

from hexseal.accuracy.lucas import LucasForm, lucas_form, read_lucas
from hexseal.accuracy.table import Table, column_names, read_table
from hexseal.errors import InputError
from hexseal.products import Product
from hexseal.raster.grid import Grid
from hexseal.region.load import Region
from hexseal.types import Doubles, Flags, Integers

Form = Literal["points", "pairs", "LUCAS"]

# No class: an empty cell, or one of the product's codes for no data.
MISSING = -1
WORDS = {"sealed": 1, "unsealed": 0, "not sealed": 0}
COORDINATES = (("x", "y"), ("lon", "lat"), ("longitude", "latitude"))
DEGREES = "EPSG:4326"
OTHER_YEAR = "another year"


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceSample:
    """A reference sample, one element of every array per point.

    ``reference`` and ``mapped`` hold the classes of each map year: the product's codes, or 1 for
    sealed and 0 for unsealed where the sample ``is_binary``; MISSING where there is none.
    ``mapped`` is empty where the points have coordinates. ``survey_year`` is the year of the
    reference where it is known to be another than the map's.
    """

    path: Path
    form: Form
    lines: Sequence[int]
    reference: dict[int, Integers]
    is_binary: bool
    mapped: dict[int, Integers] = field(default_factory=dict)
    xy: tuple[Doubles, Doubles] | None = None
    crs: str = DEGREES
    weight: Doubles | None = None
    stratum: list[str] | None = None
    stratum_size: Doubles | None = None
    greenhouse: Flags | None = None
    survey_year: int | None = None
    skipped: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.lines)


def read_points(
    path: Path, region: Region, *, crs: str = DEGREES, year: int | None, greenhouses: bool
) -> ReferenceSample:
    """Read a reference sample against the years and the product of a region.

    ``crs`` is that of x and y; ``year`` chooses one year of the maps. Raises InputError.
    """
    if year is not None and year not in region.years:
        known = ", ".join(map(str, region.years))
        raise InputError(f"--year {year} is not a year of {region.path.name}; it has {known}")
    names = column_names(path)
    form = lucas_form(names)
    if form is not None:
        return _lucas(path, form, region, year, greenhouses)
    table = read_table(path, [name for name in names if _is_used(name)])
    columns = _class_columns(table, "reference", region, year)
    given = _coordinates(table)
    maps = _class_columns(table, "map", region, year) if given is None else {}
    if set(columns) != set(maps) and given is None:
        raise InputError(f"{path}: columns of map and of reference are of different years")
    is_binary = any(_has_words(table, name) for name in (*columns.values(), *maps.values()))
    rows = _rows_of_years(table, region, year)
    size = table.numbers("stratum_size") if "stratum_size" in table else None
    return ReferenceSample(
        path=path,
        form="pairs" if given is None else "points",
        lines=table.lines,
        reference=_by_year(table, columns, rows, region.product, is_binary),
        is_binary=is_binary,
        mapped=_by_year(table, maps, rows, region.product, is_binary),
        xy=None if given is None else _xy(table, given),
        crs=_checked_crs(path, crs, given),
        weight=_positive(table, "weight") if "weight" in table else None,
        stratum=_strata(table) if "stratum" in table else None,
        stratum_size=None if size is None else _sizes(table),
        notes=_notes(table, given),
    )


def _lucas(
    path: Path, form: LucasForm, region: Region, year: int | None, greenhouses: bool
) -> ReferenceSample:
    """Take the survey year and the map year that are nearest to each other, unless one is named."""
    survey = read_lucas(path, form, greenhouses=greenhouses)
    maps = [year] if year is not None else list(region.years)
    surveys = np.unique(survey.years).tolist() or [survey.year]
    map_year, chosen = min(
        ((a, b) for a in maps for b in surveys), key=lambda pair: (abs(pair[0] - pair[1]), pair)
    )
    here = survey.years == chosen
    skipped = dict(survey.skipped)
    if not here.all():
        skipped[OTHER_YEAR] = int((~here).sum())
    notes = []
    if survey.placed_by_id:
        notes.append(f"{survey.placed_by_id} points without degrees are placed by their POINT_ID")
    rows = np.flatnonzero(here)
    return ReferenceSample(
        path=path,
        form="LUCAS",
        lines=[survey.lines[row] for row in rows],
        reference={map_year: survey.sealed[here]},
        is_binary=True,
        xy=(survey.lon[here], survey.lat[here]),
        weight=None if survey.weight is None else survey.weight[here],
        stratum=None if survey.stratum is None else [survey.stratum[row] for row in rows],
        greenhouse=survey.greenhouse[here],
        survey_year=chosen,
        skipped=skipped,
        notes=tuple(notes),
    )


def _is_used(name: str) -> bool:
    plain = {"map", "reference", "year", "weight", "stratum", "stratum_size"}
    places = {name for pair in COORDINATES for name in pair}
    return name in plain | places or bool(re.fullmatch(r"(?:map|reference)_\d{4}", name))


def _class_columns(table: Table, kind: str, region: Region, year: int | None) -> dict[int, str]:
    """Return the columns of classes by map year."""
    known = ", ".join(map(str, region.years))
    dated = {int(n[-4:]): n for n in table.columns if re.fullmatch(rf"{kind}_\d{{4}}", n)}
    if dated:
        chosen = [y for y in sorted(dated) if y in region.years and year in (None, y)]
        if not chosen:
            raise InputError(
                f"{table.path}: has {', '.join(dated.values())}, but the maps are of {known}; "
                "rename the column after the map it is compared with"
            )
        return {y: dated[y] for y in chosen}
    if kind not in table:
        needs = "x and y (or lon and lat), or map" if kind == "map" else f"{kind} or {kind}_YEAR"
        raise InputError(
            f"{table.path}: has no column {needs}; it has {', '.join(table.columns) or 'others'}"
        )
    if "year" in table:
        return dict.fromkeys(region.years if year is None else (year,), kind)
    if year is None and len(region.years) > 1:
        raise InputError(
            f"{table.path}: does not say of which year column {kind} is; give --year "
            f"({known}), a column year, or name it {kind}_YEAR"
        )
    return {min(region.years) if year is None else year: kind}


def _coordinates(table: Table) -> tuple[str, str] | None:
    return next((pair for pair in COORDINATES if set(pair) <= set(table.columns)), None)


def _checked_crs(path: Path, crs: str, given: tuple[str, str] | None) -> str:
    """Reject a CRS that is not known, or one in metres for columns that say degrees."""
    try:
        is_geographic = Grid(crs, Affine(1.0, 0.0, 0.0, 0.0, -1.0, 0.0), 1, 1).is_geographic
    except InputError as err:
        raise InputError(f"--crs {err}; give an EPSG code such as EPSG:3035") from err
    if given is not None and given != ("x", "y") and not is_geographic:
        raise InputError(
            f"{path}: columns {' and '.join(given)} hold degrees, but --crs {crs} is not in "
            "degrees; name the columns x and y, or leave --crs out"
        )
    return crs


def _xy(table: Table, names: tuple[str, str]) -> tuple[Doubles, Doubles]:
    x, y = (table.numbers(name) for name in names)
    for row in np.flatnonzero(~(np.isfinite(x) & np.isfinite(y))):
        table.refuse(int(row), f"has no {names[0]} and {names[1]}; give both or drop the line")
    return x, y


def _rows_of_years(table: Table, region: Region, year: int | None) -> dict[int, Flags] | None:
    """Return which rows a column ``year`` gives to each map year, or None without one."""
    if "year" not in table:
        return None
    years = table.numbers("year")
    for row in np.flatnonzero(~np.isin(years, region.years)):
        known = ", ".join(map(str, region.years))
        cell = table.texts("year")[row]
        table.refuse(int(row), f"year = {cell!r} is not a year of the maps ({known})")
    return {y: years == y for y in region.years if year in (None, y)}


def _has_words(table: Table, name: str) -> bool:
    return any(cell.lower() in WORDS for cell in table.texts(name))


def _by_year(
    table: Table,
    columns: dict[int, str],
    rows: dict[int, Flags] | None,
    product: Product,
    is_binary: bool,
) -> dict[int, Integers]:
    read = {name: _classes(table, name, product, is_binary) for name in set(columns.values())}
    if rows is None:
        return {year: read[name] for year, name in columns.items()}
    stated = {year: np.where(rows[year], read[name], MISSING) for year, name in columns.items()}
    return {year: codes for year, codes in stated.items() if rows[year].any()}


def _classes(table: Table, name: str, product: Product, is_binary: bool) -> Integers:
    """Return the classes of a column; InputError names the line of a class that is unknown."""
    cells = table.texts(name)
    known = {cell: _class_of(cell, product, is_binary) for cell in set(cells)}
    for row, cell in enumerate(cells):
        if known[cell] is None:
            valid = ", ".join(map(str, sorted(product.valid)))
            table.refuse(
                row,
                f"{name} = {cell!r} is not a class of {product.title}; "
                f"give {valid}, or sealed and unsealed",
            )
    return np.array([known[cell] for cell in cells], dtype=np.int64)


def _class_of(cell: str, product: Product, is_binary: bool) -> int | None:
    if not cell:
        return MISSING
    if cell.lower() in WORDS:
        return WORDS[cell.lower()]
    whole = re.fullmatch(r"(\d+)(?:\.0*)?", cell)
    code = int(whole.group(1)) if whole else MISSING
    if code in product.nodata:
        return MISSING
    if code not in product.valid:
        return None
    return int(code in product.sealed) if is_binary else code


def _positive(table: Table, name: str) -> Doubles:
    values = table.numbers(name)
    for row in np.flatnonzero(~(np.isfinite(values) & (values > 0))):
        cell = table.texts(name)[row]
        table.refuse(int(row), f"{name} = {cell!r}; give a number above 0")
    return values


def _strata(table: Table) -> list[str]:
    strata = table.texts("stratum")
    if "" in strata:
        table.refuse(strata.index(""), "stratum is empty; name the stratum of every point")
    return strata


def _sizes(table: Table) -> Doubles:
    """Return the stratum size of each row, which must be the same within a stratum."""
    sizes = _positive(table, "stratum_size")
    if "stratum" not in table:
        raise InputError(f"{table.path}: has stratum_size but no column stratum; add it")
    first: dict[str, float] = {}
    for row, (stratum, size) in enumerate(zip(_strata(table), sizes, strict=True)):
        if first.setdefault(stratum, size) != size:
            table.refuse(
                row, f"stratum_size = {size:g}, but stratum {stratum!r} was {first[stratum]:g}"
            )
    return sizes


def _notes(table: Table, given: tuple[str, str] | None) -> tuple[str, ...]:
    for name in table.columns:
        if given is not None and re.fullmatch(r"map(_\d{4})?", name):
            return (f"column {name} is not used: points are read on the maps",)
    return ()
