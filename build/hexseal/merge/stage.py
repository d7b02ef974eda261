"""Join finished sites into one: agree, join counts, then every stage after counting as usual."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from hexseal.build import BuildSettings, render_pages, staged, summarize, write_parts
from hexseal.errors import InputError
from hexseal.exchange.record import BuildRecord
from hexseal.merge import MergedName, agree, join, read_record
from hexseal.merge.agreement import joined_windows
from hexseal.merge.joining import join_samples
from hexseal.progress import Reporter
from hexseal.region.load import SLUG, Region


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
    with settings.alone(region):
        _merge(region, records, settings, reporter)
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
        write_parts(region, work, folder.staging, windows, accuracy, reporter)
        render_pages(region, work, folder.staging, reporter)
        folder.publish()
