"""Every stage in order: inputs, prediction, delta, statistics, tiles, datasets, pages, checks."""

import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hexseal import __version__
from hexseal.accuracy.report import write_report
from hexseal.accuracy.stage import assess_accuracy, sealed_accuracy
from hexseal.change.stage import judge_region
from hexseal.check.report import render
from hexseal.check.stage import check_region
from hexseal.counting.stage import DeltaSummary, count_region, region_grid
from hexseal.datasets import write_checksums, write_datasets
from hexseal.datasets.provenance import provenance_of
from hexseal.errors import InputError, VerifyError
from hexseal.exchange.publish import publish_counts
from hexseal.exchange.record import CountedWindow
from hexseal.fetch import require_fetched
from hexseal.forward.stage import make_forward_years
from hexseal.frontend import bundle
from hexseal.pages import write_pages
from hexseal.progress import Talk
from hexseal.region.load import Region, SealedAccuracy, is_remote, load_region
from hexseal.sample.assess import assess_sample, write_sample_report
from hexseal.sample.publish import published_labels, reference_of
from hexseal.simulation import is_simulated, simulate
from hexseal.statistics.reference import Reference
from hexseal.statistics.stage import write_statistics
from hexseal.statistics.transitions import write_transitions
from hexseal.storage.files import SiteFolder, one_writer, write_bytes
from hexseal.tiles import left_out, write_layers
from hexseal.tiles.hexagons import write_tiles
from hexseal.verify import verify_site

CHANGE_FILES = (
    ("evidence", ".json"),
    ("evidence", "_cells.parquet"),
    ("evidence", "_zones.parquet"),
    ("patches", ".parquet"),
)
# What only a clone of hexseal holds.
CLONE = "site_template/build.mjs"
DELTA_FILES = ("cells.parquet", "zones.parquet", "zone_shapes.parquet")


@dataclass(frozen=True, slots=True)
class BuildSettings:
    """Where a build writes and how: ``workers`` threads (None: one per core)."""

    site: Path
    workers: int | None = None
    fresh: bool = False

    def work(self, region: Region) -> Path:
        """Return the folder of intermediate files of a region."""
        return self.site.absolute().parent / "work" / region.id

    @contextmanager
    def alone(self, region: Region) -> Iterator[None]:
        """Keep other builds out of the region's work folder and of the site while the block runs.

        Raises OutputError where one of them is in use.
        """
        work = self.work(region)
        with (
            one_writer(work / ".lock", str(work)),
            one_writer(work.parent / f".{self.site.absolute().name}.lock", str(self.site)),
        ):
            yield


def default_site(region_file: Path) -> Path:
    """Return the site's folder where none is given: site/ of a clone of hexseal, or beside it.

    A region file lies in a clone where one of the folders above it holds hexseal's own sources.
    """
    home = region_file.absolute().parent
    clones = (folder for folder in (home, *home.parents) if (folder / CLONE).is_file())
    site = next(clones, region_file.parent) / "site"
    here = Path.cwd()
    return site.relative_to(here) if site.is_relative_to(here) else site


def build_site(region_file: Path, settings: BuildSettings, talk: Talk) -> Path:
    """Build the site of a region; return its index page.

    The previous site stays as it was until the new one has passed verification.
    """
    region = load_region(region_file)
    with settings.alone(region):
        _build(region, settings, talk)
    return settings.site / "index.html"


def _build(region: Region, settings: BuildSettings, talk: Talk) -> None:
    work = settings.work(region)
    folder = SiteFolder(settings.site)
    folder.recover()
    prepare_inputs(region, talk, fresh=settings.fresh)
    staging = folder.open()
    try:
        count(region, work, settings, talk)
        judge(region, work, settings, talk)
        windows = (CountedWindow(region.id, region_grid(region)[0]),)
        write_site(region, work, staging, windows, talk)
        folder.publish()
    finally:
        folder.discard()


def prepare_inputs(region: Region, talk: Talk, *, fresh: bool = False) -> None:
    """Simulate the inputs where the region asks for it, predict forward years, check them all.

    Raises InputError where the checks find an error, or an input that ``hexseal fetch`` makes is
    missing; ``fresh`` predicts again.
    """
    require_fetched(region)
    simulation = region.simulation
    if simulation is not None and not is_simulated(
        simulation.folder, size_km=simulation.size_km, seed=simulation.seed
    ):
        with talk.stage("simulate") as told:
            simulate(
                simulation.folder,
                size_km=simulation.size_km,
                seed=simulation.seed,
                progress=talk.progress,
            )
            told.append(str(simulation.folder))
    _predict(region, talk, fresh=fresh)
    with talk.stage("check") as told:
        report = check_region(region, compare=False, progress=talk.progress)
        for line in render(report):
            talk.say(line)
        told.append(report.headline)
    if report.errors:
        raise InputError(f"{region.path}: {report.headline}; mend the inputs named above")


def _predict(region: Region, talk: Talk, *, fresh: bool) -> None:
    """Make the maps of forward years, or keep those of the last build."""
    if region.mapped_years == region.years:
        return
    with talk.stage("predict") as told:
        reports = make_forward_years(region, fresh=fresh, say=talk.say, progress=talk.progress)
        for report in reports:
            told.append(
                f"{report.year} by {report.model} on {report.calibrate_on}: IoU of Sealed "
                f"{report.iou:.2f} with CLC+, {report.gain:,} pixels newly sealed, "
                f"{report.loss:,} no longer"
            )


def count(region: Region, work: Path, settings: BuildSettings, talk: Talk) -> DeltaSummary | None:
    """Count the region's rasters, or keep the counts of the last build when nothing changed."""
    stamp, key = work / "delta.json", _key(region)
    with talk.stage("delta") as told:
        if not settings.fresh and _is_kept(work, stamp, key, DELTA_FILES):
            told.append("inputs unchanged, counts kept (--fresh counts again)")
            return None
        stamp.unlink(missing_ok=True)
        summary = count_region(region, work, workers=settings.workers, progress=talk.progress)
        write_bytes(stamp, json.dumps({"key": key}).encode())
        told.append(f"{summary.pixels:,} pixels on {summary.grid}, {summary.areas} areas")
    return summary


def judge(region: Region, work: Path, settings: BuildSettings, talk: Talk) -> None:
    """Judge the change of every pair of years, or keep the judgement of the last build."""
    if not region.pairs:
        return
    stamp, key = work / "change.json", _judgement_key(region)
    names = [f"{kind}_{pair.key}{rest}" for pair in region.pairs for kind, rest in CHANGE_FILES]
    with talk.stage("change") as told:
        if not settings.fresh and _is_kept(work, stamp, key, names):
            told.append("inputs unchanged, judgement kept")
            return
        stamp.unlink(missing_ok=True)
        reports = judge_region(region, work, workers=settings.workers, progress=talk.progress)
        write_bytes(stamp, json.dumps({"key": key}).encode())
        for report in reports:
            told.append(
                f"{report.first}-{report.second}: {report.confirmed_patches:,} of "
                f"{report.gain_patches:,} gain patches confirmed"
            )


def write_site(
    region: Region, work: Path, staging: Path, windows: tuple[CountedWindow, ...], talk: Talk
) -> None:
    """Run every stage after counting and judging: statistics to verification.

    ``windows`` are the pixels that were counted.
    """
    accuracies = _accuracies(region, work, talk)
    reference = _reference(region, work, talk)
    with talk.stage("statistics") as told:
        statistics = write_statistics(region, work, accuracies=accuracies, reference=reference)
        write_transitions(region, work)
        told.append(f"{statistics.hexagons:,} hexagons, {statistics.areas} areas")
    with talk.stage("tiles") as told:
        tiles = write_tiles(region, work, staging, progress=talk.progress)
        told.append(f"{tiles.pmtiles}, {tiles.bytes:,} bytes, zoom 0 to {tiles.maxzoom}")
    with talk.stage("layers") as told:
        layers = write_layers(
            region, work, staging, key=_judgement_key(region), progress=talk.progress
        )
        told += [f"{layer.pmtiles}, {layer.bytes:,} bytes" for layer in layers.archives]
        told += filter(None, [left_out(region)])
    with talk.stage("datasets") as told:
        datasets = write_datasets(region, work, staging)
        files = (*datasets.downloads, *datasets.tree.partitions, *datasets.documents)
        told.append(f"{len(files)} files, {sum(file.bytes for file in files):,} bytes")
        counts = publish_counts(region, work, staging, windows=windows, accuracies=accuracies)
        told.append(f"counts for merging, {counts:,} bytes")
    with talk.stage("pages") as told:
        assets = bundle(staging / "assets", progress=talk.progress)
        pages = write_pages(
            staging,
            region=region,
            hexagons=work / "hexagons.parquet",
            areas=work / "areas.parquet",
            judgement=work / "judgement.json",
            tiles=tiles,
            layers=layers,
            bundle=assets,
            datasets=datasets,
            shapes=work / "zone_shapes.parquet",
            transitions=work if region.pairs else None,
            inputs=provenance_of(region, work).inputs,
            progress=talk.progress,
        )
        told.append(f"{pages.pages} pages, front end {assets.gzip_bytes:,} bytes compressed")
        write_checksums(staging)
    with talk.stage("verify") as told:
        report = verify_site(staging)
        for problem in report.problems:
            talk.say(problem)
        if report.problems:
            raise VerifyError(
                f"{len(report.problems)} problems in the new site; it is not published"
            )
        told.append(report.headline)


def _accuracies(region: Region, work: Path, talk: Talk) -> Mapping[int, SealedAccuracy]:
    """Return the accuracy of Sealed by year: as given, or as a reference sample tells it."""
    given = region.accuracy
    if given.points is None:
        return given.years
    report = assess_accuracy(
        region,
        Path(given.points),
        crs=given.crs,
        greenhouses=given.greenhouses,
        progress=talk.progress,
    )
    write_report(report, work / "accuracy.json")
    found = sealed_accuracy(report)
    missing = sorted(set(region.mapped_years) - set(found))
    if missing:
        raise InputError(
            f"{given.points}: has no reference for {missing[0]}; a correction needs every year "
            f"({', '.join(map(str, region.mapped_years))}), or leave [accuracy] points out"
        )
    return found


def _reference(region: Region, work: Path, talk: Talk) -> Reference | None:
    """Return what the region's labelled blocks say; their table and report go into ``work``."""
    files = [Path(name) for name in region.accuracy.sample]
    if not files:
        return None
    with talk.stage("sample") as told:
        report = assess_sample(region, files, progress=talk.progress)
        if report.years not in region.pairs:
            raise InputError(
                f"{files[0]}: is of {report.years[0]} and {report.years[1]}, which this region "
                "does not compare; draw a sample of its first and last year"
            )
        write_sample_report(report, work / "reference_sample.json")
        write_bytes(work / "reference_sample.csv", published_labels(report, region).encode())
        told.append(f"{report.labelled} blocks labelled, {len(report.areas)} areas with figures")
    return reference_of(report)


def _key(region: Region) -> str:
    """Return what the counts depend on: the region's own settings and its files' size and time."""
    files = [address for epoch in region.epochs for address in (epoch.landcover,)]
    files += [layer.path for layer in region.areas]
    facts = [(file, _fact(file)) for file in files]
    settings = (
        __version__,
        region.window,
        sorted(region.product.valid),
        sorted(region.product.nodata),
        region.years,
        region.hexagons.finest,
        region.areas,
    )
    return hashlib.sha256(repr((settings, facts)).encode()).hexdigest()


def _judgement_key(region: Region) -> str:
    """Return what the judgement of change depends on, beyond the counts."""
    masks = [
        (address, _fact(address))
        for epoch in region.epochs
        for address in (epoch.confidence, epoch.post_processing)
        if address is not None
    ]
    return hashlib.sha256(repr((_key(region), region.noise, masks)).encode()).hexdigest()


def _is_kept(work: Path, stamp: Path, key: str, names: Iterable[str]) -> bool:
    return _read_key(stamp) == key and all((work / name).is_file() for name in names)


def _fact(address: str) -> object:
    path = Path(address)
    if is_remote(address) or not path.is_file():
        # Remote rasters and globs are counted anew at every build.
        return time.time_ns()
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


def _read_key(stamp: Path) -> str | None:
    try:
        return json.loads(stamp.read_text()).get("key")
    except (OSError, ValueError):
        return None
