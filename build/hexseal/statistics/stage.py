"""Hexagons of every resolution and areas, from the counts of the finest cells."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely
from h3.api import basic_int
from numpy.typing import NDArray

from hexseal.change.stage import read_report
from hexseal.change.states import STATE_SETS
from hexseal.codebook import Column, Table, columns_of, spread_of
from hexseal.errors import InputError, ToolError
from hexseal.forward.stage import forward_reports, source_titles
from hexseal.hexgrid.outlines import areas_of_cells
from hexseal.region.load import Accuracy, Region, SealedAccuracy
from hexseal.statistics.adjusted import Transfer, reconcile
from hexseal.statistics.judge import (
    EVIDENCE,
    Assumption,
    Coverage,
    PairJudge,
    signals,
    stock_table,
    write_judgement,
)
from hexseal.statistics.notes import Note, PairFacts, notes_of, shrinking
from hexseal.statistics.reference import Reference, with_reference
from hexseal.statistics.transfer import (
    UNKNOWN,
    chained_transfer,
    forward_transfer,
    transfer_between,
)
from hexseal.storage.database import connect, copy_parquet, fetch, run
from hexseal.storage.files import whole_file
from hexseal.storage.workdir import Published, WorkFolder
from hexseal.types import Pair

PUBLISHED: tuple[Published, ...] = ("hexagons", "areas")
# So many cells are Python numbers at once, for the H3 library.
CELLS_AT_ONCE = 100_000
# Columns by which the tables of statistics are joined and sorted.
KEYS = frozenset({"h3", "resolution", "position", "layer", "id", "populations"})


@dataclass(frozen=True, slots=True)
class StatisticsSummary:
    """How many rows were written; ``hexagons`` counts the cells of all resolutions."""

    hexagons: int
    areas: int


def write_statistics(
    region: Region,
    work: Path,
    *,
    accuracy: Accuracy | None = None,
    reference: Reference | None = None,
) -> StatisticsSummary:
    """Write hexagons.parquet, areas.parquet, judgement.json into ``work`` from counts and evidence.

    ``accuracy`` of Sealed (None: the region's) corrects for the maps' errors; without it the maps
    are taken to err alike. ``reference`` holds a sample's figures of a pair. Raises InputError when
    no pixel has a valid class in every year.
    """
    given = region.accuracy if accuracy is None else accuracy
    accuracies = {**_model_accuracies(region), **given.years}
    known = replace(given, years=accuracies)
    names = {
        "years": region.years,
        "pairs": region.pairs,
        "density": region.product.is_density,
    }
    values = _values(region, work)
    with connect(work) as database:
        run(database, "hexagons", names=names, values=values)
        cells = database.execute("SELECT h3 FROM rolled").to_arrow_table()["h3"].to_numpy()
        if not cells.size:
            raise InputError(
                f"{region.path}: no pixel has a valid class in every year "
                f"({', '.join(map(str, region.years))}); check the window and the no-data codes"
            )
        facts = cell_facts(cells)
        database.register("facts", facts)
        database.register("memberships", _memberships(region, facts, WorkFolder(work).zone_shapes))
        run(database, "areas_counted", names=names, values=values)
        judged = [_judge(database, region, pair, work, known) for pair in region.pairs]
        areas_counted = database.table("areas_counted").to_arrow_table()
        judged = [_settled(found, areas_counted, reference) for found in judged]
        judges = [found.judge for found in judged]
        for kind in ("hexagons", "areas"):
            tables = {found.judge.report.pair.key: getattr(found, kind) for found in judged}
            for name, table in _added_up(tables, judges).items():
                database.register(f"judged_{kind}_{name}", table)
        database.register("stocks", _stocks(database, region, accuracies, judges))
        for table in PUBLISHED:
            columns = columns_of(table, spread_of(region))
            _refuse_unpublished(database, region, columns, table)
            published = names | {"columns": columns}
            with whole_file(WorkFolder(work).published(table)) as partial:
                values["path"] = str(partial)
                run(database, f"{table}_published", names=published, values=values)
                if table == "areas":
                    copy_parquet(database, table, partial)
        (areas,) = database.execute("SELECT count(*) FROM areas").fetchone() or (0,)
        coverage = _coverage(database, region, values)
        notes = _notes(database, region, judges, coverage, accuracies)
    made = forward_reports(region)
    write_judgement(judges, notes, coverage, made, WorkFolder(work).judgement)
    return StatisticsSummary(len(cells), areas)


def _refuse_unpublished(
    database: duckdb.DuckDBPyConnection,
    region: Region,
    columns: Iterable[Column],
    table: Table,
) -> None:
    """Raise ToolError for what was counted or judged but is in no column of the codebook."""
    used = set(re.findall(r"[\w.]+", " ".join(column.sql or column.name for column in columns)))
    counted = ("rolled",) if table == "hexagons" else ("areas_counted", "stocks")
    sources = [(source, "") for source in counted]
    sources += [(f"judged_{table}_{p.key}", f"judged_{p.key}.") for p in region.pairs]
    for source, prefix in sources:
        for name in database.table(source).columns:
            if name not in KEYS and prefix + name not in used:
                raise ToolError(
                    f"statistics computes {name} ({source}), but no column of {table} uses it; "
                    "define one in build/hexseal/codebook"
                )


@dataclass(frozen=True, slots=True, eq=False)
class _JudgedPair:
    """A pair and its units: hexagons of all resolutions, areas of all layers."""

    judge: PairJudge
    hexagons: pa.Table
    areas: pa.Table


def _judge(
    database: duckdb.DuckDBPyConnection,
    region: Region,
    pair: Pair,
    work: Path,
    accuracy: Accuracy,
) -> _JudgedPair:
    """Judge hexagons and areas of a pair."""
    name = pair.key
    values = _values(region, work) | {
        "cells": str(WorkFolder(work).evidence(pair, "cells")),
        "zones": str(WorkFolder(work).evidence(pair, "zones")),
        **STATE_SETS,
    }
    run(database, "evidence", names={"pair": name, "evidence_columns": EVIDENCE}, values=values)
    judge = PairJudge(
        report=read_report(work, pair),
        transfer=_transfer(database, region, pair, accuracy),
        accuracy_known="given" if accuracy.years else "unknown",
        assumption=_assumption(region, pair, accuracy),
    )
    hexagons = [
        judge.judge(_where(database, f"evidence_hexagons_{name}", "resolution", size), f"r{size}")
        for size in reversed(region.hexagons.resolutions)
    ]
    layers = ["region", *(layer.layer for layer in region.areas)]
    areas = [
        judge.judge(_where(database, f"evidence_areas_{name}", "layer", layer), layer)
        for layer in layers
    ]
    for kind in PUBLISHED:
        database.execute(f"DROP TABLE evidence_{kind}_{name}")
    return _JudgedPair(judge, pa.concat_tables(hexagons), pa.concat_tables(areas))


def _settled(found: _JudgedPair, areas: pa.Table, reference: Reference | None) -> _JudgedPair:
    """Return a pair with the figures of the sample that was made for it, if there is one."""
    pair = found.judge.report.pair
    found.judge.reference = reference if reference and reference.pair == pair else None
    return replace(found, areas=with_reference(found.areas, areas, found.judge.reference))


def _assumption(region: Region, pair: Pair, accuracy: Accuracy) -> Assumption:
    if pair[1] not in region.mapped_years:
        return "model_errs_alike"
    if not accuracy.years:
        return "maps_err_alike"
    return "accuracies_paired" if pair in accuracy.paired else "accuracies_independent"


def _added_up(tables: Mapping[str, pa.Table], judges: list[PairJudge]) -> dict[str, pa.Table]:
    """Return the judged tables, nets moved so that periods add up, and with their signals."""
    pairs = {judge.report.pair.key: judge.report.pair for judge in judges}
    nets = {pairs[name]: table["adjusted_m2"].to_numpy() for name, table in tables.items()}
    # What a sample settles hardly moves: the other periods give way.
    variances = {
        j.report.pair: 0.0 if j.reference is not None else j.report.variance for j in judges
    }
    moves = reconcile(nets, variances)
    found = {}
    for name, table in tables.items():
        for column in ("adjusted_m2", "low_m2", "high_m2"):
            moved = table[column].to_numpy() + moves[pairs[name]]
            place = table.column_names.index(column)
            table = table.set_column(place, column, pa.array(moved, from_pandas=True))
        found[name] = table.append_column("signal", signals(table))
    return found


def _transfer(
    database: duckdb.DuckDBPyConnection,
    region: Region,
    pair: Pair,
    accuracy: Accuracy,
) -> Transfer:
    """Return how the maps' net change follows the true one, by CLC+, by a model, or by both."""
    if not region.mapped_years:
        sealed = _region_pixels(database, pair[0])["sealed"]
        return forward_transfer(forward_reports(region)[pair[1]], sealed=sealed)
    last_mapped = max(year for year in region.mapped_years if year <= pair[1])
    pixels = _region_pixels(database, pair[0])
    steps: list[Transfer] = []
    if pair[0] < last_mapped:
        first, second = (accuracy.years.get(year) for year in (pair[0], last_mapped))
        if first is None or second is None:
            steps.append(UNKNOWN)
        else:
            paired = accuracy.paired.get(Pair(pair[0], last_mapped))
            steps.append(transfer_between(first, second, **pixels, paired_error=paired))
    if last_mapped < pair[1]:
        report = forward_reports(region)[pair[1]]
        steps.append(forward_transfer(report, sealed=pixels["sealed"]))
    return steps[0] if len(steps) == 1 else chained_transfer(steps[0], steps[1])


def _model_accuracies(region: Region) -> dict[int, SealedAccuracy]:
    """Return the accuracy of Sealed of years that are a model's map as it is."""
    return {
        year: SealedAccuracy(report.users, report.producers, report.users_se, report.producers_se)
        for year, report in forward_reports(region).items()
        if report.calibrate_on is None and report.both
    }


def _where(
    database: duckdb.DuckDBPyConnection, table: str, column: str, value: str | int
) -> pa.Table:
    relation = database.table(table).filter(
        duckdb.ColumnExpression(column) == duckdb.ConstantExpression(value)
    )
    return relation.to_arrow_table()


def _region_pixels(database: duckdb.DuckDBPyConnection, year: int) -> dict[str, float]:
    """Return sealed and land pixels of the whole region."""
    whole = database.table("areas_counted").limit(1).to_arrow_table().to_pylist()[0]
    land = whole["valid_pixels"] * whole["land_cm2"] / whole["valid_cm2"]
    return {"sealed": float(whole[f"sealed_pixels_{year}"]), "land": land}


def _coverage(
    database: duckdb.DuckDBPyConnection, region: Region, values: Mapping[str, object]
) -> dict[int, Coverage]:
    """Return what the common valid mask takes of each year."""
    (found,) = fetch(database, "coverage", names={"years": region.years}, values=values)
    return {
        year: Coverage(*found[4 * place : 4 * place + 4]) for place, year in enumerate(region.years)
    }


def _notes(
    database: duckdb.DuckDBPyConnection,
    region: Region,
    judges: list[PairJudge],
    coverage: Mapping[int, Coverage],
    accuracies: Mapping[int, SealedAccuracy],
) -> list[Note]:
    lost = {year: covered.lost_share for year, covered in coverage.items()}
    whole = database.table("areas_counted").limit(1).to_arrow_table().to_pylist()[0]
    facts = [_facts(region, judge, whole, lost, accuracies) for judge in judges]
    return [note for fact in facts for note in (*notes_of(fact), *shrinking(fact, facts))]


def _facts(
    region: Region,
    judge: PairJudge,
    whole: Mapping[str, float],
    lost: Mapping[int, float],
    accuracies: Mapping[int, SealedAccuracy],
) -> PairFacts:
    report = judge.report
    made = [year for year in (report.first, report.second) if year not in region.mapped_years]
    first, second = report.pair
    titles = source_titles(region)
    measure = "sealed_cm2" if region.product.is_density else "sealed_pixels"
    return PairFacts(
        pair=report.pair,
        sources=(titles[str(first)], titles[str(second)]),
        product=region.product.name,
        simulated=region.simulated,
        sealed=(whole[f"{measure}_{first}"], whole[f"{measure}_{second}"]),
        checks=report.checks,
        lost_share=(lost[first], lost[second]),
        forward=forward_reports(region)[made[-1]] if made else None,
        errors_assumed=tuple(
            year for year in (first, second) if year in accuracies and accuracies[year].se_assumed
        ),
        confirmed=report.confirmed if report.grade == "consistent" else None,
        reference=judge.reference,
    )


def _stocks(
    database: duckdb.DuckDBPyConnection,
    region: Region,
    accuracies: Mapping[int, SealedAccuracy],
    judges: list[PairJudge],
) -> pa.Table:
    usual = [judge.usual for judge in judges if judge.usual is not None]
    design = max((level.design for level in usual), default=1.0)
    areas = database.table("areas_counted").to_arrow_table()
    return stock_table(areas, accuracies, region.years, design)


def cell_facts(cells: NDArray[np.uint64]) -> pa.Table:
    """Return centre (degrees) and spherical area (m², H3's own) of each cell."""
    count = cells.size
    lat, lon, area = np.empty((3, count))
    for start in range(0, count, CELLS_AT_ONCE):
        # The library takes one cell at a time, as a Python number.
        some = cells[start : start + CELLS_AT_ONCE].tolist()
        at = slice(start, start + len(some))
        lat[at], lon[at] = np.array([basic_int.cell_to_latlng(cell) for cell in some]).T
        area[at] = [basic_int.cell_area(cell, "m^2") for cell in some]
    return pa.table({"h3": cells, "lat": lat, "lon": lon, "area_m2": area})


def _memberships(region: Region, facts: pa.Table, shapes: Path) -> pa.Table:
    """Return for each cell the code of its area in every layer, null for none."""
    cells = facts["h3"].to_numpy()
    lonlat = np.column_stack([facts["lon"].to_numpy(), facts["lat"].to_numpy()])
    areas = pq.read_table(shapes, columns=["layer", "id", "geometry"])
    columns: dict[str, pa.Array | pa.ChunkedArray] = {"h3": facts["h3"]}
    for area in region.areas:
        of_layer = areas.filter(pc.field("layer") == area.layer)
        outlines = shapely.from_wkb(of_layer["geometry"].to_numpy(zero_copy_only=False))
        owner = np.empty(cells.size, np.int64)
        for start in range(0, cells.size, CELLS_AT_ONCE):
            # Each centre is a geometry, many times as large as its numbers.
            some = slice(start, start + CELLS_AT_ONCE)
            owner[some] = areas_of_cells(cells[some], lonlat[some], outlines)
        places = pa.array(owner, mask=owner < 0)
        columns[f"area_{area.layer}"] = of_layer["id"].combine_chunks().take(places)
    return pa.table(columns)


def _values(region: Region, work: Path) -> dict[str, object]:
    return {
        "cells": str(WorkFolder(work).cells),
        "zones": str(WorkFolder(work).zones),
        "shapes": str(WorkFolder(work).zone_shapes),
        "sealed": sorted(region.product.sealed),
        "water": sorted(region.product.water),
        "resolutions": list(region.hexagons.resolutions),
        "sources": source_titles(region),
        "region": region.id,
        "title": next(iter(region.title.values())),
    }
