"""Accuracy of the maps and area of sealed land from a reference sample: ``hexseal accuracy``.

Each point's map class and reference class go to the estimators of ``hexseal.accuracy.estimators``.
Without weights or strata of its own the sample is stratified by the classes of the map.
"""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.special import chdtrc

from hexseal.accuracy.estimators import (
    CHANGE_CLASSES,
    GAIN,
    LOSS,
    SampleUnits,
    change_estimate,
    change_labels,
    strata_places,
    unit_weights,
    weighted_estimate,
)
from hexseal.accuracy.points import DEGREES, MISSING, ReferenceSample, read_points
from hexseal.accuracy.report import (
    SEALED,
    AccuracyReport,
    ChangeAccuracy,
    ClassTable,
    Greenhouses,
    YearAccuracy,
    counted,
    design_in_words,
    general_warnings,
    listed,
    table_warnings,
    year_warnings,
)
from hexseal.accuracy.survey import (
    OUTSIDE,
    MapSurvey,
    first_of_each,
    plain,
    possible_strata,
    survey_maps,
)
from hexseal.errors import InputError
from hexseal.products import FULL, Product
from hexseal.progress import Progress, no_progress
from hexseal.raster.joint import DOES_NOT_COUNT, class_table
from hexseal.region.load import Accuracy, Region, SealedAccuracy
from hexseal.types import Doubles, Flags, Integers, Pair, Strings

BINARY = ("unsealed", "sealed")
# Which of CHANGE_CLASSES are sealed before and after.
SEALED_BEFORE, SEALED_AFTER = np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0, 0.0])
# Points are compared with pixels that are sealed for so many per cent; a range begins there.
HALF_SEALED = 50
# A stratum that matters needs so many points; it does with this share of the land, or as change.
FEWEST_POINTS, MATTERS = 10, 0.05
# Points count as drawn by mapped change, which the file does not name, where chance alone would
# spread them so unevenly more seldom than this.
UNNAMED = 1e-6
UNNAMED_STRATA = (
    "the points were drawn by mapped change, which the file does not name as strata: they are "
    "weighted by it"
)
OFF_MAP, NO_DATA, NO_CLASS = "outside the maps", "no data on the map", "no reference class"


@dataclass(frozen=True, slots=True, eq=False)
class _Design:
    """Stratum and weight of the points used, the strata's names and, where known, their sizes."""

    stratum: Integers
    weight: Doubles
    names: tuple[str, ...]
    sizes: Doubles | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Labelled:
    """Points used and map areas as places among ``labels``; ``used`` are rows of the sample."""

    labels: tuple[str, ...]
    used: Integers
    mapped: Integers
    reference: Integers
    area_m2: Doubles


def assess_accuracy(
    region: Region,
    points_file: Path,
    *,
    crs: str = DEGREES,
    year: int | None = None,
    greenhouses: bool = False,
    fewest_points: int = FEWEST_POINTS,
    workers: int | None = None,
    progress: Progress = no_progress,
) -> AccuracyReport:
    """Compare a reference sample with the maps of a region.

    ``crs`` is that of columns x and y; ``year`` chooses the map year of a sample that does not
    hold it. ``greenhouses`` counts LUCAS greenhouses (A13) as sealed. Of densities, points
    are compared with pixels half of which is sealed, and give the sealed area, no change.

    Raises InputError for a sample that cannot be read, or with fewer than ``fewest_points`` in a
    stratum that matters.
    """
    sample = read_points(points_file, region, crs=crs, year=year, greenhouses=greenhouses)
    if not len(sample) or not sample.reference:
        raise InputError(f"{points_file}: no point has a reference class; {counted(sample)}")
    survey = survey_maps(
        region, sample, _years_needed(region, sample), workers=workers, progress=progress
    )
    product, sums = region.product, {}
    if product.is_density:
        _refuse_classes(sample)
        sums = _density_sums(survey)
        product, survey = _as_ranges(product, survey)
    years = tuple(
        _assess_year(product, sample, survey, map_year, (greenhouses, fewest_points))
        for map_year in sorted(sample.reference)
    )
    years = tuple(replace(year, density_m2=sums.get(year.year)) for year in years)
    changes, problems = (), ()
    if not region.product.is_density:
        changes, problems = _assess_changes(region, sample, survey, fewest_points)
    return AccuracyReport(
        region=region.id,
        points_file=points_file.name,
        form=sample.form if sample.form != "LUCAS" else f"LUCAS {sample.survey_year}",
        design=design_in_words(sample),
        points=len(sample) + sum(sample.skipped.values()),
        skipped=sample.skipped,
        years=years,
        changes=changes,
        warnings=(*general_warnings(sample), *sample.notes, *problems),
    )


def _refuse_classes(sample: ReferenceSample) -> None:
    """Reject references that are not sealed or unsealed: a point has no density."""
    if not sample.is_binary or sample.form == "pairs":
        raise InputError(
            f"{sample.path}: densities are compared with points that are sealed or unsealed; write "
            "these words as reference, with x and y"
        )


def _density_sums(survey: MapSurvey) -> dict[int, float]:
    """Return the sealed area of each year, the sum of its densities, in m²."""
    found = {}
    for year in survey.years:
        codes, _ = survey.column(year)
        valid = codes != DOES_NOT_COUNT
        found[year] = float((survey.area_m2[valid] * codes[valid]).sum() / FULL)
    return found


def _as_ranges(product: Product, survey: MapSurvey) -> tuple[Product, MapSurvey]:
    """Return product and survey with densities as classes, sealed from half of a pixel on."""
    table = class_table(product).astype(np.int64)
    lowest = frozenset(known.code for known in product.classes)
    ranges = replace(
        product, step=0, valid=lowest, sealed=frozenset(c for c in lowest if c >= HALF_SEALED)
    )

    def grouped(codes: Integers) -> Integers:
        return np.where((codes >= 0) & (codes <= FULL), table[codes.clip(0, FULL)], codes)

    return ranges, replace(survey, classes=grouped(survey.classes), points=grouped(survey.points))


def sealed_accuracy(report: AccuracyReport) -> dict[int, SealedAccuracy]:
    """Return the accuracy of Sealed by map year; InputError where the sample cannot support it."""
    return {year.year: _sealed_accuracy(report, year) for year in report.years}


def known_accuracy(report: AccuracyReport, given: Accuracy) -> Accuracy:
    """Return the maps' accuracy by a sample, besides the settings it was read with."""
    return replace(given, years=sealed_accuracy(report), paired=paired_errors(report))


def paired_errors(report: AccuracyReport) -> dict[Pair, float]:
    """Return the relative standard error of the ratio of both years' sealed areas, by pair.

    Only of pairs that the same points label at both dates: their errors largely cancel. With A the
    estimated sealed areas, V(ln A_2 - ln A_1) = w' C w, where C is the covariance of the areas of
    CHANGE_CLASSES and w = (0, 1, 1, 0) / A_2 - (0, 1, 0, 1) / A_1.
    """
    found = {}
    for change in report.changes:
        area, covariance = change.table.estimate.area, change.table.estimate.area_covariance
        first, second = (area @ sealed for sealed in (SEALED_BEFORE, SEALED_AFTER))
        if first > 0 and second > 0:
            weight = SEALED_AFTER / second - SEALED_BEFORE / first
            variance = float(weight @ covariance @ weight)
            found[Pair(*change.years)] = float(np.sqrt(max(variance, 0.0)))
    return found


def _sealed_accuracy(report: AccuracyReport, year: YearAccuracy) -> SealedAccuracy:
    estimate = year.sealed.estimate
    users, producers = estimate.users_accuracy[SEALED], estimate.producers_accuracy[SEALED]
    # NaN compares as false.
    if not (users >= 0.05 and producers >= 0.05):
        raise InputError(
            f"{report.points_file}, {year.year}: user's accuracy {users:.3g} and producer's "
            f"accuracy {producers:.3g} of sealed land are too low to be used; check that the "
            "points and the map belong together, or add points on sealed land"
        )
    return SealedAccuracy(
        float(users), float(producers), float(estimate.users_se[SEALED]),
        float(estimate.producers_se[SEALED]),
    )  # fmt: skip


def _years_needed(region: Region, sample: ReferenceSample) -> tuple[int, ...]:
    """Return the years to read: strata without sizes may be the classes of any year."""
    if sample.stratum is not None and sample.stratum_size is None and sample.weight is None:
        return region.years
    return tuple(sorted(sample.reference))


def _assess_year(
    product: Product, sample: ReferenceSample, survey: MapSurvey, year: int, how: tuple[bool, int]
) -> YearAccuracy:
    """Assess one year; ``how`` is whether greenhouses are sealed and the fewest points."""
    greenhouses, fewest = how
    reference = sample.reference[year]
    of_maps, of_points = survey.column(year)
    reasons = _reasons(reference, of_points[:, None])
    used = np.flatnonzero(reasons == "")
    if not used.size:
        raise InputError(f"{sample.path}, {year}: no point is left; {listed(reasons)}")
    valid = of_maps != DOES_NOT_COUNT
    labelled = _label_classes(product, sample, survey, year, used)
    binary = _label_binary(product, sample, survey, year, used)
    hidden = _unnamed_strata(sample, survey, binary, product)
    design = hidden or _design(sample, survey, labelled, product, valid)
    _refuse_few(sample, design, fewest, str(year))
    table = _table(labelled, design)
    return YearAccuracy(
        year=year,
        survey_year=sample.survey_year or year,
        points=len(used),
        skipped=dict(sorted(Counter(reasons[reasons != ""].tolist()).items())),
        table=table,
        sealed=_table(binary, design),
        greenhouses=_greenhouses(sample, binary, greenhouses),
        warnings=(
            *year_warnings(sample, year),
            *table_warnings(table),
            *((UNNAMED_STRATA,) if hidden else ()),
        ),
    )


def _refuse_few(sample: ReferenceSample, design: _Design, fewest: int, what: str) -> None:
    """Reject strata that matter and hold too few points; ``what`` is estimated from them."""
    if design.sizes is None:
        return
    units = np.bincount(design.stratum, minlength=len(design.sizes))
    share = design.sizes / max(float(design.sizes.sum()), 1e-9)
    for name, count, part in zip(design.names, units.tolist(), share.tolist(), strict=True):
        is_change = name in (CHANGE_CLASSES[GAIN], CHANGE_CLASSES[LOSS]) and part > 0
        if count < fewest and (part > MATTERS or is_change):
            raise InputError(
                f"{sample.path}, {what}: stratum {name!r} has {count} points and "
                f"{100 * part:.2g} % of the land; at least {fewest} are needed: add points there, "
                "or label blocks (hexseal sample draw)"
            )


def _unnamed_strata(
    sample: ReferenceSample, survey: MapSurvey, binary: _Labelled, product: Product
) -> _Design | None:
    """Return strata of mapped change where the points were plainly drawn by them, else None.

    Taken as drawn at random within a class, such points would give the accuracy of the changed
    part for all of it. Pearson's chi-square of points against areas, within each class.
    """
    known = sample.weight is not None or sample.stratum is not None
    if known or len(survey.years) < 2 or sample.form == "pairs":
        return None
    points = survey.points[binary.used]
    counted = (survey.classes != DOES_NOT_COUNT).all(axis=1)
    if ((points == DOES_NOT_COUNT) | (points == OUTSIDE)).any():
        return None
    change, of_maps = (
        change_labels(codes[:, 0], codes[:, -1], product.sealed)
        for codes in (points, survey.classes[counted])
    )
    kinds = len(CHANGE_CLASSES)
    area = np.bincount(of_maps, survey.area_m2[counted], kinds).astype(np.float64)
    row = np.array(
        [np.bincount(binary.mapped[change == kind], minlength=2) for kind in range(kinds)]
    )
    if not _is_uneven(row.T, area):
        return None
    return _weighed(sample, change, area, CHANGE_CLASSES)


def _is_uneven(units: Integers, area: Doubles) -> bool:
    """Return whether points of each class (rows) spread over change unlike the areas do."""
    share = np.where(units > 0, area, 0.0)
    share = share / np.maximum(share.sum(axis=1, keepdims=True), 1e-9)
    expected = units.sum(axis=1, keepdims=True) * share
    seen = expected > 0
    statistic = float((((units - expected) ** 2)[seen] / expected[seen]).sum())
    freedom = int(seen.sum() - seen.any(axis=1).sum())
    return freedom > 0 and float(chdtrc(freedom, statistic)) < UNNAMED


def _greenhouses(
    sample: ReferenceSample, binary: _Labelled, count_as_sealed: bool
) -> Greenhouses | None:
    if sample.greenhouse is None:
        return None
    there = sample.greenhouse[binary.used]
    return Greenhouses(
        int(there.sum()), int((binary.mapped[there] == SEALED).sum()), count_as_sealed
    )


def _reasons(reference: Integers, at_points: Integers) -> Strings:
    """Return why each point is left out, empty where it is not."""
    off_map = (at_points == OUTSIDE).any(axis=1)
    no_data = (at_points == DOES_NOT_COUNT).any(axis=1)
    return np.select(
        [off_map, no_data, reference == MISSING], [OFF_MAP, NO_DATA, NO_CLASS], default=""
    )


def _label_classes(
    product: Product, sample: ReferenceSample, survey: MapSurvey, year: int, used: Integers
) -> _Labelled:
    """Label points and areas by the classes of the map, those that occur anywhere."""
    if sample.is_binary:
        return _label_binary(product, sample, survey, year, used)
    of_maps, of_points = survey.column(year)
    valid = of_maps != DOES_NOT_COUNT
    mapped, reference = of_points[used], sample.reference[year][used]
    codes = np.unique(np.concatenate([of_maps[valid], mapped, reference]))
    names = {known.code: f"{known.code} {known.name}" for known in product.classes}
    return _Labelled(
        labels=tuple(names.get(code, str(code)) for code in codes.tolist()),
        used=used,
        mapped=np.searchsorted(codes, mapped),
        reference=np.searchsorted(codes, reference),
        area_m2=np.bincount(
            np.searchsorted(codes, of_maps[valid]), survey.area_m2[valid], len(codes)
        ).astype(np.float64),
    )


def _label_binary(
    product: Product, sample: ReferenceSample, survey: MapSurvey, year: int, used: Integers
) -> _Labelled:
    of_maps, _ = survey.column(year)
    valid = of_maps != DOES_NOT_COUNT
    areas = np.bincount(_is_sealed(of_maps[valid], product), survey.area_m2[valid], len(BINARY))
    mapped = _mapped_sealed(product, sample, survey, year)[used]
    reference = sample.reference[year][used]
    if not sample.is_binary:
        reference = _is_sealed(reference, product)
    return _Labelled(BINARY, used, mapped, reference, areas.astype(np.float64))


def _is_sealed(codes: Integers, product: Product) -> Integers:
    return np.isin(codes, list(product.sealed)).astype(np.int64)


def _mapped_sealed(
    product: Product, sample: ReferenceSample, survey: MapSurvey, year: int
) -> Integers:
    """Return 1 where the map is sealed at a point; pairs of a binary sample hold it themselves."""
    _, of_points = survey.column(year)
    if sample.is_binary and sample.form == "pairs":
        return of_points
    return _is_sealed(of_points, product)


def _assess_changes(
    region: Region, sample: ReferenceSample, survey: MapSurvey, fewest: int
) -> tuple[tuple[ChangeAccuracy, ...], tuple[str, ...]]:
    """Assess every pair of years that has references; report why where that cannot be done."""
    changes, problems = [], []
    for before, after in region.pairs:
        if not {before, after} <= set(sample.reference):
            continue
        try:
            changes.append(_assess_change(region.product, sample, survey, (before, after), fewest))
        except InputError as err:
            problems.append(f"change {before}-{after} is not estimated: {err}")
    return tuple(changes), tuple(problems)


def _assess_change(
    product: Product,
    sample: ReferenceSample,
    survey: MapSurvey,
    years: tuple[int, int],
    fewest: int,
) -> ChangeAccuracy:
    columns = [survey.column(year) for year in years]
    seen = [sample.reference[year] for year in years]
    both = np.where(seen[0] == MISSING, MISSING, seen[1])
    reasons = _reasons(both, np.stack([of_points for _, of_points in columns], axis=1))
    used = np.flatnonzero(reasons == "")
    if not used.size:
        raise InputError("no point has classes of both years")
    valid = (columns[0][0] != DOES_NOT_COUNT) & (columns[1][0] != DOES_NOT_COUNT)
    of_maps = change_labels(columns[0][0][valid], columns[1][0][valid], product.sealed)
    mapped = [_mapped_sealed(product, sample, survey, year)[used] for year in years]
    is_sealed = [
        codes[used] if sample.is_binary else _is_sealed(codes[used], product) for codes in seen
    ]
    labelled = _Labelled(
        labels=CHANGE_CLASSES,
        used=used,
        mapped=change_labels(mapped[0], mapped[1], {SEALED}),
        reference=change_labels(is_sealed[0], is_sealed[1], {SEALED}),
        area_m2=np.bincount(of_maps, survey.area_m2[valid], len(CHANGE_CLASSES)).astype(np.float64),
    )
    design = _design(sample, survey, labelled, product, valid)
    _refuse_few(sample, design, fewest, f"{years[0]}-{years[1]}")
    table = _table(labelled, design)
    warnings = table_warnings(table)
    return ChangeAccuracy(years, len(used), table, change_estimate(table.estimate), warnings)


def _table(labelled: _Labelled, design: _Design) -> ClassTable:
    size = len(labelled.labels)
    ones = np.ones(len(labelled.used), dtype=np.int64)
    units = SampleUnits(labelled.mapped, labelled.reference, design.stratum, design.weight, ones)
    cells = np.bincount(labelled.mapped * size + labelled.reference, minlength=size * size)
    total = float(labelled.area_m2.sum())
    estimate = weighted_estimate(units, size, total=total, names=design.names)
    return ClassTable(labelled.labels, cells.reshape(size, size), labelled.area_m2, estimate)


def _design(
    sample: ReferenceSample,
    survey: MapSurvey,
    labelled: _Labelled,
    product: Product,
    valid: Flags,
) -> _Design:
    """Return the strata and weights of the points used; ``valid`` are combinations that count."""
    used = labelled.used
    if sample.weight is not None:
        strata = sample.stratum or ["all points"] * len(sample)
        stratum, _, names = strata_places([strata[row] for row in used], {})
        return _Design(stratum, sample.weight[used], names)
    if sample.stratum is None:
        stratum, sizes, names = labelled.mapped, labelled.area_m2, labelled.labels
    else:
        strata = [sample.stratum[row] for row in used]
        if sample.stratum_size is not None:
            held = dict(zip(strata, sample.stratum_size[used].tolist(), strict=True))
        else:
            held = _sizes_on_map(sample, survey, used, product, valid)
        stratum, sizes, names = strata_places(strata, held)
    return _weighed(sample, stratum, sizes, names)


def _weighed(
    sample: ReferenceSample, stratum: Integers, sizes: Doubles, names: tuple[str, ...]
) -> _Design:
    units = np.bincount(stratum, minlength=len(sizes))
    try:
        weight = unit_weights(units, sizes, names=names)
    except InputError as err:
        raise InputError(
            f"{sample.path}: {err}; add points there, or write references as sealed and unsealed"
        ) from err
    return _Design(stratum, weight[stratum], names, sizes)


def _sizes_on_map(
    sample: ReferenceSample,
    survey: MapSurvey,
    used: Integers,
    product: Product,
    valid: Flags,
) -> dict[str, float]:
    """Return the mapped area of each stratum, found by comparing strata and map classes."""
    assert sample.stratum is not None
    named = np.array([plain(sample.stratum[row]) for row in used])
    for of_maps, of_points in possible_strata(sample, survey, product):
        if (of_points[used] == named).all():
            sizes: Counter[str] = Counter()
            for name, m2 in zip(of_maps[valid], survey.area_m2[valid], strict=True):
                sizes[str(name)] += m2
            return {
                sample.stratum[row]: sizes.pop(plain(sample.stratum[row]), 0.0)
                for row in first_of_each(sample.stratum, used)
            } | dict(sizes)
    _, of_points = next(iter(possible_strata(sample, survey, product)))
    row = int(used[np.flatnonzero(of_points[used] != named)[0]])
    raise InputError(
        f"{sample.path}, line {sample.lines[row]}: stratum {sample.stratum[row]!r} is not the map "
        f"class ({of_points[row]}) of the point; add a column stratum_size or weight"
    )
