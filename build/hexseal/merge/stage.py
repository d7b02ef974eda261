"""Join finished sites into one: agree, join counts, then every stage after counting as usual."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from hexseal.build import BuildSettings, render_pages, running, staged, summarize, write_parts
from hexseal.change.border import BorderPatches
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
    join_references,
    join_reports,
    join_shapes,
)
from hexseal.merge.patches import JoinedPatches, SitePatches, join_patches
from hexseal.progress import Progress, Reporter, no_progress
from hexseal.region.load import SLUG, Region
from hexseal.statistics.reference import Reference, read_reference, write_reference
from hexseal.storage.database import connect, copy_parquet, run
from hexseal.storage.files import whole_file, write_bytes
from hexseal.storage.workdir import ForwardFolder, Unit, WorkFolder
from hexseal.types import Pair

UNITS: tuple[Unit, ...] = ("cells", "zones")


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
            areas, patches = join(region, records, work, progress=reporter.progress)
            lines.append(
                f"{len(records)} sites, {areas} areas, {patches} patches across their borders"
            )
        for site in _without_border(region, records):
            reporter.log(
                f"warning: {site} states nothing of the patches along its border: those that it "
                "cuts stay in two; build it again with this version of hexseal"
            )
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
        render_pages(region, work, folder.staging, reporter, workers=settings.workers)
        folder.publish()


def join(
    region: Region,
    records: Mapping[Path, BuildRecord],
    work: Path,
    *,
    progress: Progress = no_progress,
) -> tuple[int, int]:
    """Write counts, shapes, evidence and patches of all sites together.

    Cells and areas that several sites hold are summed pixel by pixel, patches that a border cuts
    are joined. Returns how many areas there are, and how many patches are made of several. Raises
    InputError where a file of a site is not the one that its record names.
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
    corrections: dict[Path, pa.Table] = {}
    patches = 0
    for pair in region.pairs:
        joined = _join_pair(region, pair, records, shapes, work)
        patches += joined.joined
        for unit, rows in zip(UNITS, joined.corrections, strict=True):
            corrections[WorkFolder(work).evidence(pair, unit)] = rows
    tables = WorkFolder(work).counted(region.pairs)
    with connect(work) as database:
        for done, table in enumerate(tables, 1):
            parts = [str(folder / table.name) for folder in folders]
            with _beside(table, corrections.get(table)) as more:
                run(database, "merge_counts", values={"parts": parts + more})
            with whole_file(table) as partial:
                copy_parquet(database, "counts", partial)
            progress("join", done, len(tables))
    _join_forward(region, folders)
    return shapes.num_rows, patches


@contextmanager
def _beside(table: Path, rows: pa.Table | None) -> Iterator[list[str]]:
    """Yield the address of a file of further rows beside a table while the block runs."""
    if rows is None or not rows.num_rows:
        yield []
        return
    path = table.with_name(f".{table.stem}-corrections.parquet")
    try:
        pq.write_table(rows, path)
        yield [str(path)]
    finally:
        path.unlink(missing_ok=True)


def _has_border(region: Region, record: BuildRecord) -> bool:
    """Return whether a site states which patches reach its border; older versions did not."""
    return all(
        path.name in record.files
        for pair in region.pairs
        for path in WorkFolder(Path(FOLDER)).borders(pair)
    )


def _without_border(region: Region, records: Mapping[Path, BuildRecord]) -> list[Path]:
    """Return the sites of which a window lacks what is known of the patches along its border."""
    found = []
    for site, record in records.items():
        folder = WorkFolder(site / FOLDER)
        known = _has_border(region, record) and all(
            len(BorderPatches.read(folder, pair).judges) == len(record.windows)
            for pair in region.pairs
        )
        if not known:
            found.append(site)
    return found


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


def _join_pair(
    region: Region, pair: Pair, records: Mapping[Path, BuildRecord], shapes: pa.Table, work: Path
) -> JoinedPatches:
    """Write report and patches of a pair; return what joining the patches changes of the counts."""
    sites = []
    for site, record in records.items():
        folder = WorkFolder(site / FOLDER)
        border = BorderPatches.read(folder, pair) if _has_border(region, record) else None
        listing = pq.read_table(folder.patches(pair))
        sites.append(SitePatches(record.windows, border, listing, read_report(folder.folder, pair)))
    report = join_reports([site.report for site in sites])
    joined = join_patches(region, pair, sites, report, shapes)
    write_bytes(WorkFolder(work).report(pair), json.dumps(asdict(joined.report), indent=1).encode())
    with whole_file(WorkFolder(work).patches(pair)) as partial:
        pq.write_table(joined.listing, partial, compression="zstd")
    joined.border.write(WorkFolder(work), pair)
    return joined


def _join_forward(region: Region, folders: list[Path]) -> None:
    for epoch in region.epochs:
        if epoch.forward is not None:
            reports = [read_forward(ForwardFolder(f).report(epoch.year)) for f in folders]
            write_forward(join_forward(reports), report_path(epoch))
