"""Read a region once: units run side by side and leave their findings for counts and judgement.

Units are squares of the pixel grid, so that a rerun keeps those that are done. Whatever the cut,
the order and the number of workers, what is summed from them is the same to the last digit.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from hexseal.change.grading import DoubtfulPlaces
from hexseal.change.joining import PartFiles, StoredPatches
from hexseal.change.unit import CENSUS, OWNERS, UnitTask, read_unit
from hexseal.check.census import Census
from hexseal.counting.stage import CountFiles, DeltaSummary, counted_files, counted_settings
from hexseal.errors import InputError
from hexseal.execution import (
    Execution,
    Executor,
    Outcome,
    UnitStore,
    completed,
    note_kept,
    open_executor,
)
from hexseal.progress import Progress, no_progress
from hexseal.raster.grid import Grid, Window
from hexseal.raster.joint import UNKNOWN_REMEDY
from hexseal.raster.stack import region_grid
from hexseal.region.load import Region
from hexseal.storage.cache import Stamp, key_of
from hexseal.storage.workdir import WorkFolder
from hexseal.types import Integers
from hexseal.vector.zones import Zones, read_zones

# Units lie on the 100 km squares of the EEA reference grid, elsewhere on squares of so many pixels.
EEA_GRID, EEA_UNIT_M, UNIT_PIXELS = "EPSG:3035", 100_000.0, 8192
# What has fewer pixels is not cut at all, nor are units of so few pixels a side taken.
FEWEST_PIXELS, LEAST_SIDE = 16_000_000, 512
# What the findings of a unit depend on beside its inputs.
CODE = (
    "hexseal.change", "hexseal.counting", "hexseal.raster", "hexseal.hexgrid", "hexseal.vector",
    "hexseal.products", "hexseal.check.census",
)  # fmt: skip
SQL = "hexseal.sql"
Lost = Outcome[UnitTask, int]


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """The units of a region that were read, and where their findings lie."""

    grid: Grid
    frame: Window
    zones: Zones
    tasks: tuple[UnitTask, ...]

    def table(self, task: UnitTask, name: str) -> Path:
        """Return one of the tables of a unit."""
        return task.store.table(task.name, name)

    def is_read(self, task: UnitTask) -> bool:
        """Return whether a unit was read: of a survey of areas, those are that an area reaches."""
        return task.has_cells or task.meets_zone

    def facts(self, key: str) -> list[dict[str, Integers]]:
        """Return the sums of a pair in every unit."""
        found = (task.store.facts(task.name)[key] for task in self.tasks)
        return [{name: np.array(sums) for name, sums in facts.items()} for facts in found]

    def patches(self, key: str) -> StoredPatches:
        """Return the patches of a pair, their parts in the units' order."""
        names = [f"{kind}_{key}" for kind in ("patches", "origins", "border")]
        files = (PartFiles(*(self.table(task, name) for name in names)) for task in self.tasks)
        return StoredPatches(tuple(files), self.grid.width)


def survey_region(
    region: Region,
    work: Path,
    *,
    execution: Execution | None = None,
    progress: Progress = no_progress,
) -> Survey:
    """Read the units of a region that are not read yet; findings lie in the work folder.

    Raises InputError when rasters or areas cannot be used, GridMismatchError when the years do not
    share one grid, UnitError when a unit fails for another reason.
    """
    survey = _survey(region, work, execution, progress)
    _refuse_unknown(region, _census(region, survey))
    return survey


def survey_census(
    region: Region,
    work: Path,
    *,
    execution: Execution | None = None,
    progress: Progress = no_progress,
) -> Census:
    """Read a region as ``survey_region`` does; return the census of all years.

    Rows and columns are those of the files. Codes that the product does not have are counted.
    """
    survey = _survey(region, work, execution, progress)
    census = _census(region, survey)
    census.move(survey.frame.row, survey.frame.column)
    return census


def _census(region: Region, survey: Survey) -> Census:
    """Add up the census of all units."""
    census = Census.none(len(region.years), len(region.pairs))
    for task in survey.tasks:
        census.add(Census.from_facts(task.store.facts(task.name)[CENSUS]))
    return census


def _refuse_unknown(region: Region, census: Census) -> None:
    for (place, code), (row, column) in sorted(census.first.items()):
        raise InputError(
            f"{region.epochs[place].landcover}: class code {code} "
            f"({census.codes[place, code]} pixels, first at row {row}, column {column} of the "
            f"region) is not a code of {region.product.title}; {UNKNOWN_REMEDY}"
        )


def _survey(region: Region, work: Path, execution: Execution | None, progress: Progress) -> Survey:
    grid, frame = region_grid(region)
    zones = read_zones(region.areas, grid)
    execution = execution or Execution()
    with open_executor(execution, work) as executor:
        store = UnitStore(WorkFolder(work).units("delta"), survey_key(region))
        tasks = tuple(
            UnitTask(region, grid, frame, zones.polygons, window, store)
            for window in cut_units(grid, frame)
        )
        store.prune(task.name for task in tasks)
        tasks = _without_lost(tasks, work)
        lost: list[Lost] = []
        may_miss = execution.allow_missing and len(tasks) > 1
        _read(tasks, executor, execution, progress, lost if may_miss else None)
        for each in lost:
            _give_up(each, work)
    return Survey(grid, frame, zones, _without_lost(tasks, work))


def _give_up(lost: Lost, work: Path) -> None:
    """Write the findings of a unit that cannot be read: none but no data."""
    read_unit(replace(lost.unit, store=_lost_store(lost.unit, work), reason=lost.reason))


def _without_lost(tasks: Sequence[UnitTask], work: Path) -> tuple[UnitTask, ...]:
    """Return the units; those that this build gave up are no data."""
    found = []
    for task in tasks:
        store = _lost_store(task, work)
        if store.is_finished(task.name):
            task = replace(task, store=store, reason=store.facts(task.name)["reason"])
        found.append(task)
    return tuple(found)


def _lost_store(task: UnitTask, work: Path) -> UnitStore:
    return UnitStore(WorkFolder(work).units("lost"), task.store.key)


def lost_units(work: Path) -> dict[str, str]:
    """Return the reason for each unit that the last build gave up, by its name."""
    folder = WorkFolder(work).units("lost")
    found = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        name, key = path.name.rsplit("-", 1)
        found[name] = str(UnitStore(folder, key).facts(name)["reason"])
    return found


def try_lost_again(work: Path) -> None:
    """Forget which units an earlier build gave up."""
    shutil.rmtree(WorkFolder(work).units("lost"), ignore_errors=True)


def survey_again(
    survey: Survey,
    doubtful: Sequence[DoubtfulPlaces],
    work: Path,
    *,
    execution: Execution | None = None,
    progress: Progress = no_progress,
) -> Survey:
    """Read those units again in which a test of the maps fails locally; return all units."""
    if not any_doubtful(doubtful):
        return survey
    key = key_of(survey.tasks[0].store.key, _facts_of(doubtful))
    store = UnitStore(WorkFolder(work).units("change"), key)
    again = [
        replace(t, store=store, doubtful=tuple(doubtful))
        if any(places.meets(t.window) for places in doubtful)
        else t
        for t in survey.tasks
    ]
    execution = execution or Execution()
    with open_executor(execution, work) as executor:
        _read([t for t in again if t.doubtful], executor, execution, progress)
    return Survey(survey.grid, survey.frame, survey.zones, tuple(again))


def survey_areas(
    region: Region,
    work: Path,
    windows: Sequence[Window],
    doubtful: Sequence[DoubtfulPlaces],
    *,
    execution: Execution | None = None,
    progress: Progress = no_progress,
) -> Survey:
    """Read those units that the region's areas reach, for the areas alone.

    ``windows`` are the units of a survey of the same maps: parts of patches have the same numbers.
    """
    grid, frame = region_grid(region)
    zones = read_zones(region.areas, grid)
    places = tuple(doubtful) if any_doubtful(doubtful) else ()
    store = UnitStore(
        WorkFolder(work).units("delta"), key_of(survey_key(region), _facts_of(places))
    )
    tasks = tuple(
        UnitTask(region, grid, frame, zones.polygons, window, store, places, has_cells=False)
        for window in windows
    )
    execution = execution or Execution()
    with open_executor(execution, work) as executor:
        _read([t for t in tasks if t.meets_zone], executor, execution, progress)
    return Survey(grid, frame, zones, tasks)


def count_region(
    region: Region,
    work: Path,
    *,
    execution: Execution | None = None,
    progress: Progress = no_progress,
) -> DeltaSummary:
    """Write cells.parquet, zones.parquet and zone_shapes.parquet into ``work``.

    Raises InputError when rasters or areas cannot be used and GridMismatchError when the years
    do not share one grid.
    """
    survey = survey_region(region, work, execution=execution, progress=progress)
    folder = WorkFolder(work)
    survey.zones.write(folder.zone_shapes)
    with CountFiles((folder.cells, folder.zones), region.years, survey.zones) as files:
        for task in survey.tasks:
            for owner, add in zip(OWNERS, (files.add_cells, files.add_zones), strict=True):
                held, *measures, whole = pq.read_table(survey.table(task, owner)).columns
                add(held.to_numpy(), [column.to_numpy() for column in measures], whole.to_numpy())
        files.finish()
    grid = survey.grid
    return DeltaSummary(grid.width, grid.height, grid.brief, survey.zones.polygons.count)


def counts_stamp(region: Region, work: WorkFolder) -> Stamp:
    """Return the stamp of the counts: the settings that decide them, all inputs, and the code."""
    return Stamp(
        work.counts_stamp,
        *counted_settings(region),
        files=counted_files(region),
        code=(*CODE, SQL),
    )


def cut_units(grid: Grid, frame: Window) -> list[Window]:
    """Cut a region into the windows that are read side by side, row by row."""
    if grid.width * grid.height <= FEWEST_PIXELS:
        return [Window(0, 0, grid.height, grid.width)]
    down, across = _unit_axes(grid, frame)
    return [
        Window(top, left, bottom - top, right - left)
        for top, bottom in _pieces(down, grid.height)
        for left, right in _pieces(across, grid.width)
    ]


def _unit_axes(grid: Grid, frame: Window) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return for rows and columns how far the region begins within a unit, and a unit's side."""
    width, height = grid.pixel_size
    x, y = grid.transform.c, grid.transform.f
    across, down = EEA_UNIT_M / width, EEA_UNIT_M / height
    west, north = (x % EEA_UNIT_M) / width, (-y % EEA_UNIT_M) / height
    on_grid = all(abs(value - round(value)) < 1e-6 for value in (across, down, west, north))
    if grid.crs_label == EEA_GRID and on_grid and across >= LEAST_SIDE:
        return (round(north), round(down)), (round(west), round(across))
    return (frame.row % UNIT_PIXELS, UNIT_PIXELS), (frame.column % UNIT_PIXELS, UNIT_PIXELS)


def _pieces(axis: tuple[int, int], length: int) -> list[tuple[int, int]]:
    """Cut an axis at the multiples of a side, counted from so many pixels before its first.

    >>> _pieces((3, 5), 10)
    [(0, 2), (2, 7), (7, 10)]
    """
    start, side = axis
    edges = [0, *range(side - start % side, length, side), length]
    return [(low, high) for low, high in pairwise(edges) if low < high]


def survey_key(region: Region) -> str:
    """Return a key of all that the findings of a unit depend on."""
    masks = [
        address
        for epoch in region.epochs
        for address in (epoch.confidence, epoch.post_processing)
        if address is not None
    ]
    noise, product = region.noise, region.product
    return key_of(
        *counted_settings(region),
        [(e.forward is not None, e.confidence, e.post_processing) for e in region.epochs],
        (sorted(product.sealed), product.is_density, product.step),
        [product.class_of(code) for code in range(256)] if product.is_density else None,
        (noise.post_processing, noise.confidence, noise.three_dates, noise.edge_tolerance),
        files=[*counted_files(region), *masks],
        code=CODE,
    )


def any_doubtful(doubtful: Sequence[DoubtfulPlaces]) -> bool:
    """Return whether a test of the maps fails somewhere."""
    return any(places.level.any() or places.shift.any() for places in doubtful)


def _facts_of(doubtful: Sequence[DoubtfulPlaces]) -> list[tuple[object, ...]]:
    return [(d.shape, d.level.tolist(), d.shift.tolist()) for d in doubtful]


def _read(
    tasks: Sequence[UnitTask],
    executor: Executor,
    execution: Execution,
    progress: Progress,
    lost: list[Lost] | None = None,
) -> None:
    """Read the units that are missing; where they are fewer than workers, on several threads each.

    The threads of one process share its start and its cores; a cluster has workers enough.
    Where ``lost`` is given, units that cannot be read are added to it, see ``completed``.
    """
    missing = [task for task in tasks if not task.store.is_finished(task.name)]
    done = len(tasks) - len(missing)
    names = {task.name for task in missing}
    note_kept(task.name for task in tasks if task.name not in names)
    if execution.cluster is None and missing:
        threads = max(1, executor.workers // len(missing))
        missing = [replace(task, threads=threads) for task in missing]
    outcomes = executor.run(read_unit, missing)
    for outcome in completed(outcomes, what="count", lost=lost):
        assert outcome.value
        done += 1
        progress("count", done, len(tasks))
