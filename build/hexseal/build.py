"""Every stage in order: inputs, prediction, delta, statistics, tiles, datasets, pages, checks."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from hexseal import __version__
from hexseal.accuracy.report import write_report
from hexseal.accuracy.stage import assess_accuracy, known_accuracy
from hexseal.change.stage import PairReport, change_stamp, judge_region
from hexseal.change.survey import (
    count_region,
    counts_stamp,
    lost_units,
    survey_census,
    try_lost_again,
)
from hexseal.check.census import Census
from hexseal.check.report import render
from hexseal.check.stage import check_region
from hexseal.counting.stage import DeltaSummary
from hexseal.datasets import write_checksums, write_datasets
from hexseal.datasets.documents import listed_files
from hexseal.errors import InputError, VerifyError
from hexseal.exchange.publish import publish_counts
from hexseal.exchange.record import CountedWindow
from hexseal.execution import Execution
from hexseal.execution.report import recording, table
from hexseal.execution.space import Size, needed_bytes, require_space
from hexseal.fetch import require_fetched
from hexseal.forward.stage import make_forward_years
from hexseal.manifest import Parts, read_manifest, write_manifest
from hexseal.pages import write_pages
from hexseal.progress import Reporter
from hexseal.raster.stack import region_grid
from hexseal.region.load import Accuracy, Region, load_region
from hexseal.sample.assess import assess_sample, write_sample_report
from hexseal.sample.labels import is_block_sample
from hexseal.sample.report import published_labels, reference_of
from hexseal.simulation import is_simulated, simulate
from hexseal.statistics.reference import Reference, write_reference
from hexseal.statistics.stage import write_statistics
from hexseal.statistics.transitions import write_transitions
from hexseal.storage.cache import key_of, written_key
from hexseal.storage.database import MEMORY, Limits, limited, remove_spills
from hexseal.storage.files import SiteFolder, copy_file, folder_bytes, one_writer, write_bytes
from hexseal.storage.workdir import WorkFolder
from hexseal.tiles import left_out, write_layers
from hexseal.tiles.hexagons import write_tiles
from hexseal.verify import verify_site

# What all of a site but its pages is made by.
PARTS_CODE = (
    "hexseal.accuracy", "hexseal.change", "hexseal.codebook", "hexseal.counting",
    "hexseal.datasets", "hexseal.exchange", "hexseal.forward", "hexseal.hexgrid",
    "hexseal.manifest", "hexseal.metadata", "hexseal.products", "hexseal.raster",
    "hexseal.sample", "hexseal.sql", "hexseal.statistics", "hexseal.tiles", "hexseal.vector",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class BuildSettings:
    """Where a build writes and how: ``workers`` threads or processes (None: one per core).

    It begins with the stage ``start`` and ends after ``until`` (None: a published site).
    ``cluster`` is a Dask scheduler for units (see ``execution``), ``memory`` what a database may
    hold before it spills into the work folder. With ``allow_missing`` units that cannot be read are
    no data, and site and datasets say so in their title.
    """

    site: Path
    workers: int | None = None
    fresh: bool = False
    start: Literal["check", "pages"] = "check"
    until: Literal["check", "delta", "change", "statistics"] | None = None
    cluster: str | None = None
    memory: str = MEMORY
    allow_missing: bool = False

    @property
    def execution(self) -> Execution:
        """Return where units run."""
        return Execution(self.workers, self.cluster, allow_missing=self.allow_missing)

    def work(self, region: Region) -> Path:
        """Return the folder of intermediate files of a region."""
        return WorkFolder.beside(self.site, region.id).folder

    @contextmanager
    def alone(self, region: Region) -> Iterator[None]:
        """Keep other builds out of the region's work folder and of the site while the block runs.

        Raises OutputError where one of them is in use.
        """
        work = self.work(region)
        with (
            one_writer(WorkFolder(work).lock, str(work)),
            one_writer(work.parent / f".{self.site.absolute().name}.lock", str(self.site)),
        ):
            yield


def build_site(region_file: Path, settings: BuildSettings, reporter: Reporter) -> Path:
    """Build the site of a region; return its index page.

    The previous site stays as it was until the new one has passed verification.
    """
    region = load_region(region_file, site=settings.site)
    with running(region, settings, reporter) as recorded:
        _build(region, settings, recorded)
    return settings.site / "index.html"


@contextmanager
def running(region: Region, settings: BuildSettings, reporter: Reporter) -> Iterator[Reporter]:
    """Keep other builds out, hold databases to their limits, and record what the block does.

    Yields the reporter to use. Where the block published a site, the run's table ends the log.
    """
    work = WorkFolder(settings.work(region))
    with (
        settings.alone(region),
        limited(Limits(settings.memory, settings.workers)),
        recording(
            work.run,
            reporter,
            region=region.id,
            workers=settings.workers or os.cpu_count() or 1,
            cluster=settings.cluster,
        ) as (recorded, recorder),
    ):
        remove_spills(work.folder)
        yield recorded
        sizes = {"work_bytes": folder_bytes(work.folder), "site_bytes": folder_bytes(settings.site)}
        recorder.finish("done", **sizes)
    if settings.until is None:
        for line in table(recorder.report):
            reporter.log(line)


def _build(region: Region, settings: BuildSettings, reporter: Reporter) -> None:
    """Run the stages that the settings name; publish the site when all have run."""
    work = settings.work(region)
    with staged(settings) as folder:
        if settings.start == "pages":
            region = marked(region, work)
            reuse_parts(region, work, folder)
        else:
            prepare_inputs(region, settings, reporter)
            region = marked(region, work)
            for stage, run in (("check", None), ("delta", count), ("change", judge)):
                if run is not None:
                    run(region, work, settings, reporter)
                if settings.until == stage:
                    return
            reference = _reference(region, work, reporter)
            accuracy = summarize(region, work, reporter, reference)
            if settings.until == "statistics":
                return
            windows = (CountedWindow(region.id, region_grid(region)[0]),)
            write_parts(
                region, work, folder.staging, windows, accuracy, reporter,
                workers=settings.workers,
            )  # fmt: skip
        render_pages(region, work, folder.staging, reporter, workers=settings.workers)
        folder.publish()


def _require_space(region: Region, work: WorkFolder) -> None:
    """Raise OutputError where the disk has no room for the work files and the site."""
    grid, _ = region_grid(region)
    rows, columns = np.array([grid.height // 2]), np.array([grid.width // 2])
    pixels = grid.height * grid.width
    area_m2 = pixels * float(grid.pixel_areas_m2(rows, columns)[0])
    needed = needed_bytes(Size(pixels, area_m2, tuple(region.hexagons.resolutions)), work.run)
    require_space(work.folder, needed, reused=folder_bytes(work.folder))


@contextmanager
def staged(settings: BuildSettings) -> Iterator[SiteFolder]:
    """Yield the site's folder with an empty staging folder; what is not published is removed."""
    folder = SiteFolder(settings.site)
    folder.recover()
    folder.open()
    try:
        yield folder
    finally:
        folder.discard()


def prepare_inputs(region: Region, settings: BuildSettings, reporter: Reporter) -> None:
    """Simulate the inputs of a simulated region, predict forward years, check them all.

    Files and grids are checked first, then all pixels are read once, for the check and for what
    comes after it. Raises InputError where the checks find an error, or an input that ``hexseal
    fetch`` makes is missing, OutputError where the disk has no room; ``fresh`` predicts again.
    """
    require_fetched(region)
    simulation = region.simulation
    if simulation is not None and not is_simulated(
        simulation.folder,
        size_km=simulation.size_km,
        seed=simulation.seed,
        densities=region.product.is_density,
    ):
        with reporter.stage("simulate") as lines:
            simulate(
                simulation.folder,
                size_km=simulation.size_km,
                seed=simulation.seed,
                densities=region.product.is_density,
                progress=reporter.progress,
            )
            lines.append(str(simulation.folder))
    _predict(region, settings, reporter)
    with reporter.stage("check") as lines:
        is_last = settings.until == "check"
        report = check_region(
            region,
            compare=False,
            progress=reporter.progress,
            survey=None if is_last else surveyor(settings, reporter),
        )
        for line in render(report):
            reporter.log(line)
        lines.append(report.headline)
    if report.errors:
        raise InputError(f"{region.path}: {report.headline}; fix the inputs named above")


def surveyor(settings: BuildSettings, reporter: Reporter) -> Callable[[Region], Census]:
    """Return what reads a region into its work folder for check, counts and change."""

    def survey(region: Region) -> Census:
        work = settings.work(region)
        _require_space(region, WorkFolder(work))
        try_lost_again(work)
        census = survey_census(
            region, work, execution=settings.execution, progress=reporter.progress
        )
        for name, reason in lost_units(work).items():
            reporter.log(f"warning: unit {name} is missing, its pixels are no data: {reason}")
        return census

    return survey


def marked(region: Region, work: Path) -> Region:
    """Return a region whose title says how many of its units are missing, where some are."""
    lost = len(lost_units(work))
    if not lost:
        return region
    marks = {
        "en": f"incomplete, {lost} unit{'s' * (lost > 1)} missing",
        "fr": f"incomplet, {lost} unité{'s' * (lost > 1)} manquante{'s' * (lost > 1)}",
    }
    title = {
        language: f"{text} ({marks.get(language, marks['en'])})"
        for language, text in region.title.items()
    }
    return replace(region, title=title)


def _predict(region: Region, settings: BuildSettings, reporter: Reporter) -> None:
    """Make the maps of forward years, or keep those of the last build."""
    if region.mapped_years == region.years:
        return
    with reporter.stage("predict") as lines:
        reports = make_forward_years(
            region,
            fresh=settings.fresh,
            log=reporter.log,
            progress=reporter.progress,
            workers=settings.workers,
        )
        for report in reports:
            lines.append(report.summary)


def count(
    region: Region, work: Path, settings: BuildSettings, reporter: Reporter
) -> DeltaSummary | None:
    """Count the region's rasters, or keep the counts of the last build when nothing changed."""
    stamp = counts_stamp(region, WorkFolder(work))
    with reporter.stage("delta") as lines:
        if not settings.fresh and stamp.is_current(WorkFolder(work).counts):
            lines.append("inputs unchanged, counts kept (--fresh counts again)")
            return None
        stamp.clear()
        summary = count_region(
            region, work, execution=settings.execution, progress=reporter.progress
        )
        if not lost_units(work):
            stamp.write()
        lines.pixels = summary.pixels
        lines.append(f"{summary.pixels:,} pixels ({summary.grid}), {summary.areas} areas")
    return summary


def judge(region: Region, work: Path, settings: BuildSettings, reporter: Reporter) -> None:
    """Judge the change of every pair of years, or keep the judgement of the last build."""
    if not region.pairs:
        return
    stamp = change_stamp(region, WorkFolder(work))
    with reporter.stage("change") as lines:
        if not settings.fresh and stamp.is_current(WorkFolder(work).change(region.pairs)):
            lines.append("inputs unchanged, judgement kept")
            return
        stamp.clear()
        reports = judge_region(
            region, work, execution=settings.execution, progress=reporter.progress
        )
        if not lost_units(work):
            stamp.write()
        for report in reports:
            lines.append(
                f"{report.first}-{report.second}: {report.confirmed_patches:,} of "
                f"{report.gain_patches:,} gain patches confirmed"
            )
    for line in _inverted(region, reports):
        reporter.log(line)


def _inverted(region: Region, reports: Sequence[PairReport]) -> Iterator[str]:
    """Yield a warning for each confidence layer that is lower where nothing is in doubt."""
    years = {year for report in reports for year in report.inverted}
    for epoch in region.epochs:
        if epoch.year in years:
            yield (
                f"warning: {epoch.confidence}: confidence of {epoch.year} is lower where the maps "
                "agree than where they differ; change from it is inconclusive: turn it round (100 "
                "means sure) or leave the key out"
            )


def summarize(
    region: Region, work: Path, reporter: Reporter, reference: Reference | None
) -> Accuracy:
    """Write the statistics; return the accuracy of Sealed that they are corrected by."""
    accuracy = _accuracy(region, work, reporter)
    with reporter.stage("statistics") as lines:
        statistics = write_statistics(region, work, accuracy=accuracy, reference=reference)
        write_transitions(region, work)
        lines.rows = statistics.hexagons
        lines.append(f"{statistics.hexagons:,} hexagons, {statistics.areas} areas")
    return accuracy


def write_parts(
    region: Region,
    work: Path,
    staging: Path,
    windows: tuple[CountedWindow, ...],
    accuracy: Accuracy,
    reporter: Reporter,
    *,
    workers: int | None = None,
) -> None:
    """Write tiles, layers and datasets into ``staging``, and their manifests into ``work``.

    ``windows`` are the pixels that were counted.
    """
    with reporter.stage("tiles") as lines:
        tiles = write_tiles(region, work, staging, workers=workers, progress=reporter.progress)
        write_manifest(work, "tiles", tiles)
        lines.append(f"{tiles.pmtiles}, {tiles.bytes:,} bytes, zoom 0 to {tiles.maxzoom}")
    with reporter.stage("layers") as lines:
        layers = write_layers(
            region,
            work,
            staging,
            key=_layers_key(region, WorkFolder(work)),
            workers=workers,
            progress=reporter.progress,
        )
        write_manifest(work, "layers", layers)
        lines += [f"{layer.pmtiles}, {layer.bytes:,} bytes" for layer in layers.archives]
        lines += filter(None, [left_out(region)])
    with reporter.stage("datasets") as lines:
        datasets = write_datasets(region, work, staging, workers=workers)
        write_manifest(work, "datasets", datasets)
        files = (*datasets.downloads, *datasets.tree.partitions, *datasets.documents)
        lines.append(f"{len(files)} files, {sum(file.bytes for file in files):,} bytes")
        counts = publish_counts(region, work, staging, windows=windows, accuracy=accuracy)
        lines.append(f"counts for merging, {counts:,} bytes")
    write_manifest(work, "parts", Parts(_parts_key(region), tuple(listed_files(staging))))


def reuse_parts(region: Region, work: Path, folder: SiteFolder) -> None:
    """Put all but the pages of the published site into its staging folder.

    Raises InputError where that site was built from another region file or version, or lacks one
    of the files.
    """
    parts = read_manifest(work, "parts", Parts)
    if parts.key != _parts_key(region):
        raise InputError(
            f"{region.path}: the site was built from other settings or by another version of "
            "hexseal; build it without --from"
        )
    for name in parts.files:
        if not (folder.site / name).is_file():
            raise InputError(f"{folder.site / name}: is missing; build the site without --from")
        if name != SiteFolder.MARKER:
            copy_file(folder.site / name, folder.staging / name)


def render_pages(
    region: Region,
    work: Path,
    staging: Path,
    reporter: Reporter,
    *,
    workers: int | None = None,
) -> None:
    """Write the pages and checksums of a site whose parts are in ``staging``, and check it all."""
    with reporter.stage("pages") as lines:
        pages = write_pages(region, work, staging, workers=workers, progress=reporter.progress)
        lines.append(f"{pages.pages} pages, front end {pages.front_end_bytes:,} bytes compressed")
        write_checksums(staging)
    with reporter.stage("verify") as lines:
        report = verify_site(staging)
        for problem in report.problems:
            reporter.log(problem)
        if report.problems:
            raise VerifyError(
                f"{len(report.problems)} problems in the new site; it is not published"
            )
        lines.append(report.headline)


def _accuracy(region: Region, work: Path, reporter: Reporter) -> Accuracy:
    """Return the accuracy of Sealed by year: as given, or as a reference sample estimates it."""
    given = region.accuracy
    if given.points is None:
        return given
    if is_block_sample(Path(given.points)):
        raise InputError(
            f"{given.points}: holds labelled blocks; name it as [accuracy] sample, not as points"
        )
    report = assess_accuracy(
        region,
        Path(given.points),
        crs=given.crs,
        greenhouses=given.greenhouses,
        progress=reporter.progress,
    )
    write_report(report, WorkFolder(work).accuracy)
    found = known_accuracy(report, given)
    missing = sorted(set(region.mapped_years) - set(found.years))
    if missing:
        raise InputError(
            f"{given.points}: has no reference for {missing[0]}; a correction needs every year "
            f"({', '.join(map(str, region.mapped_years))}), or leave [accuracy] points out"
        )
    return found


def _reference(region: Region, work: Path, reporter: Reporter) -> Reference | None:
    """Return the result of the labelled blocks; their table and report go into ``work``."""
    files = [Path(name) for name in region.accuracy.sample]
    if not files:
        return None
    with reporter.stage("sample") as lines:
        report = assess_sample(region, files, progress=reporter.progress)
        if report.years not in region.pairs:
            raise InputError(
                f"{files[0]}: is of {report.years[0]} and {report.years[1]}, which this region "
                "does not compare; draw a sample of its first and last year"
            )
        write_sample_report(report, WorkFolder(work).sample_report)
        write_bytes(WorkFolder(work).sample_labels, published_labels(report, region).encode())
        reference = reference_of(report)
        write_reference(reference, WorkFolder(work).reference)
        lines.append(f"{report.labelled} blocks labelled, {len(report.areas)} areas with figures")
    return reference


def _layers_key(region: Region, work: WorkFolder) -> str:
    """Return what counts and change were made from; "" where they were not made from rasters."""
    counted, judged = written_key(work.counts_stamp), written_key(work.change_stamp)
    if counted is None or (judged is None and region.pairs):
        return ""
    return key_of(counted, judged, region.product.facts)


def _parts_key(region: Region) -> str:
    """Return what all but the pages depends on beside its inputs: the region file and the code."""
    return key_of(__version__, replace(region, path=Path()), code=PARTS_CODE)
