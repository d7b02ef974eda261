"""Join finished sites into one: agree, join counts, then every stage after counting as usual."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import pyarrow.parquet as pq

from hexseal.build import BuildSettings, render_pages, running, staged, summarize, write_parts
from hexseal.change.stage import read_report
from hexseal.errors import InputError
from hexseal.exchange.record import FOLDER, BuildRecord, damaged_files, read_record
from hexseal.forward.report import read_report as read_forward
from hexseal.forward.report import write_report as write_forward
from hexseal.forward.stage import report_path
from hexseal.merge.agreement import MergedName, agree, has_sample, joined_windows
from hexseal.merge.combine import (
    AreaKey,
    join_forward,
    join_patches,
    join_references,
    join_reports,
    join_shapes,
)
from hexseal.progress import Progress, Reporter, no_progress
from hexseal.region.load import SLUG, Region
from hexseal.statistics.reference import Reference, read_reference, write_reference
from hexseal.storage.database import connect, copy_parquet, run
from hexseal.storage.files import whole_file, write_bytes
from hexseal.storage.workdir import ForwardFolder, WorkFolder
from hexseal.types import Pair


def merge_sites(
    sites: Sequence[Path], name: MergedName, settings: BuildSettings, reporter: Reporter
) -> Path:
    """Build the site of several sites' regions together; return its index page.

    Raises InputError when they cannot be joined; nothing is written then.
    """
    if name.id is not None and not SLUG.fullmatch(name.id):
        raise InputError(
            f"--id {name.id!r}: use lower-case letters, digits, '-' and '_' (it becomes part of "
            "file names)"
        )
    resolved = {site.resolve(): site for site in sites}
    if settings.site.resolve() in resolved:
        raise InputError(f"--out {settings.site}: is one of the sites to join; choose another")
    if len(resolved) < len(sites):
        raise InputError("a site is named twice; name each site once")
    records = {site: read_record(site) for site in sites}
    region = agree(records, name, settings.site.absolute().parent / "work")
    with running(region, settings, reporter) as recorded:
        _merge(region, records, settings, recorded)
    return settings.site / "index.html"


def _merge(
    region: Region, records: Mapping[Path, BuildRecord], settings: BuildSettings, reporter: Reporter
) -> None:
    work = settings.work(region)
    with staged(settings) as folder:
        with reporter.stage("join") as lines:
            areas = join(region, records, work, progress=reporter.progress)
            lines.append(f"{len(records)} sites, {areas} areas")
        windows = joined_windows(list(records.values()))
        reference = join_samples(region, records, work)
        if reference is not None and reference.without:
            reporter.log(
                f"warning: {', '.join(reference.without)}: no labelled sample of "
                f"{reference.pair.first} and {reference.pair.second}, so the joined region has no "
                f"figure from one, only {len(reference.changes)} areas have"
            )
        accuracy = summarize(region, work, reporter, reference)
        write_parts(
            region, work, folder.staging, windows, accuracy, reporter, workers=settings.workers
        )
        render_pages(region, work, folder.staging, reporter)
        folder.publish()


def join(
    region: Region,
    records: Mapping[Path, BuildRecord],
    work: Path,
    *,
    progress: Progress = no_progress,
) -> int:
    """Write counts, shapes, evidence and patches of all sites together; return the areas.

    Cells and areas that several sites hold are summed pixel by pixel. Raises InputError where a
    file of a site is not the one that its record names.
    """
    for site, record in records.items():
        for line in damaged_files(site, record):
            raise InputError(f"{site}: {line}; build or copy the site again")
    # Counts of a joined region are not those of rasters: no stamp may claim so.
    for stamp in (WorkFolder(work).counts_stamp, WorkFolder(work).change_stamp):
        stamp.unlink(missing_ok=True)
    folders = [site / FOLDER for site in records]
    shapes = join_shapes(records)
    with whole_file(WorkFolder(work).zone_shapes) as partial:
        pq.write_table(shapes, partial, compression="zstd")
    tables = WorkFolder(work).counted(region.pairs)
    with connect(work) as database:
        for done, table in enumerate(tables, 1):
            parts = [str(folder / table.name) for folder in folders]
            run(database, "merge_counts", values={"parts": parts})
            with whole_file(table) as partial:
                copy_parquet(database, "counts", partial)
            progress("join", done, len(tables))
    for pair in region.pairs:
        _join_pair(pair, folders, work)
    _join_forward(region, folders)
    return shapes.num_rows


def join_samples(
    region: Region, records: Mapping[Path, BuildRecord], work: Path
) -> Reference | None:
    """Write the labels and reports of all sites' samples; return their joint figures.

    Samples of other years than those of the first site that has one are left out.
    """
    parts: dict[str, Reference | None] = {}
    areas: dict[str, frozenset[AreaKey]] = {}
    for site, record in records.items():
        folder, name = WorkFolder(site / FOLDER), record.region
        parts[name] = read_reference(folder.reference) if has_sample(record) else None
        shapes = pq.read_table(folder.zone_shapes, columns=["layer", "id"])
        areas[name] = frozenset((row["layer"], row["id"]) for row in shapes.to_pylist())
    reference = join_references(parts, areas)
    if reference is not None:
        folders = {
            record.region: WorkFolder(site / FOLDER)
            for site, record in records.items()
            if record.region not in reference.without
        }
        _write_samples(folders, work)
        write_reference(reference, WorkFolder(work).reference)
    return reference


def _write_samples(folders: Mapping[str, WorkFolder], work: Path) -> None:
    """Write the labels as one table with the region in front, and the reports by region."""
    reports, lines = {}, []
    for name, folder in folders.items():
        reports[name] = json.loads(folder.sample_report.read_text(encoding="utf-8"))
        head, *rows = folder.sample_labels.read_text(encoding="utf-8").splitlines()
        lines += [*([] if lines else [f"region,{head}"]), *(f"{name},{row}" for row in rows)]
    write_bytes(WorkFolder(work).sample_labels, ("\n".join(lines) + "\n").encode())
    text = json.dumps({"form": "blocks", "regions": reports}, indent=2, ensure_ascii=False)
    write_bytes(WorkFolder(work).sample_report, f"{text}\n".encode())


def _join_pair(pair: Pair, folders: list[Path], work: Path) -> None:
    report = join_reports([read_report(folder, pair) for folder in folders])
    write_bytes(WorkFolder(work).report(pair), json.dumps(asdict(report), indent=1).encode())
    patches = join_patches([pq.read_table(WorkFolder(f).patches(pair)) for f in folders])
    with whole_file(WorkFolder(work).patches(pair)) as partial:
        pq.write_table(patches, partial, compression="zstd")


def _join_forward(region: Region, folders: list[Path]) -> None:
    for epoch in region.epochs:
        if epoch.forward is not None:
            reports = [read_forward(ForwardFolder(f).report(epoch.year)) for f in folders]
            write_forward(join_forward(reports), report_path(epoch))
