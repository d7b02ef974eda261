"""Publish what joining needs: counts and evidence of the finest cells, and the build record."""

import shutil
from dataclasses import asdict
from pathlib import Path

from hexseal import __version__
from hexseal.exchange.record import FOLDER, RECORD, BuildRecord, CountedWindow
from hexseal.forward.stage import forward_reports, report_path
from hexseal.region.load import Accuracy, Region
from hexseal.storage.database import connect, copy_parquet, run
from hexseal.storage.files import sha256, whole_file, write_bytes
from hexseal.storage.workdir import WorkFolder


def whole_files(region: Region, folder: WorkFolder) -> tuple[Path, ...]:
    """Return the files of a work folder that joining needs beside the tables of counts."""
    kept = [folder.zone_shapes]
    for pair in region.pairs:
        kept += [folder.report(pair), folder.patches(pair), *folder.borders(pair)]
    if region.accuracy.sample:
        kept += [folder.reference, folder.sample_labels, folder.sample_report]
    kept += [report_path(epoch) for epoch in region.epochs if epoch.forward is not None]
    return tuple(kept)


def publish_counts(
    region: Region,
    work: Path,
    site: Path,
    *,
    windows: tuple[CountedWindow, ...],
    accuracy: Accuracy,
) -> int:
    """Write counts, shapes, patches and the build record into ``site/data/merge``.

    Counts are sorted by owner and class, so the same region gives the same bytes. Returns the
    bytes of all files.
    """
    folder = site / FOLDER
    counted = WorkFolder(work).counted(region.pairs)
    with connect(work) as database:
        for source in counted:
            run(database, "merge_counts", values={"parts": [str(source)]})
            with whole_file(folder / source.name) as partial:
                copy_parquet(database, "counts", partial)
    copied = whole_files(region, WorkFolder(work))
    for source in copied:
        with whole_file(folder / source.name) as partial:
            shutil.copyfile(source, partial)
    names = [source.name for source in (*counted, *copied)]
    record = BuildRecord(
        region=region.id,
        simulated=region.simulated,
        windows=windows,
        settings=settings_of(region, accuracy),
        texts=texts_of(region),
        files={name: sha256(folder / name) for name in names},
    )
    written = write_bytes(site / RECORD, record.to_bytes())
    return written + sum((folder / name).stat().st_size for name in record.files)


def settings_of(region: Region, accuracy: Accuracy) -> dict[str, object]:
    """Return what the figures of a region depend on besides its rasters, as JSON values."""
    product = region.product
    return {
        "hexseal": __version__,
        "product": {
            "name": product.name,
            "title": product.title,
            "attribution": product.attribution,
            **{key: sorted(getattr(product, key)) for key in ("sealed", "water", "valid")},
            "classes": [[known.code, known.name, known.color] for known in product.classes],
            **({"step": product.step} if product.is_density else {}),
        },
        "years": list(region.years),
        "sources": {str(epoch.year): epoch.source for epoch in region.epochs},
        "reference_periods": {
            str(epoch.year): [day.isoformat() for day in epoch.reference_period]
            for epoch in region.epochs
            if epoch.reference_period
        },
        "hexagons": {"finest": region.hexagons.finest, "coarsest": region.hexagons.coarsest},
        "layers": [layer.layer for layer in region.areas],
        "licence": asdict(region.dataset.licence) if region.dataset.licence else None,
        "noise": asdict(region.noise),
        "masks": {
            kind: [epoch.year for epoch in region.epochs if getattr(epoch, kind) is not None]
            for kind in ("confidence", "post_processing")
        },
        "accuracy": {str(year): asdict(known) for year, known in sorted(accuracy.years.items())},
        "paired": {pair.key: error for pair, error in sorted(accuracy.paired.items())},
        "forward": {
            str(year): {
                "calibrate_on": report.calibrate_on,
                "model": report.model,
                "checksum": report.checksum,
            }
            for year, report in forward_reports(region).items()
        },
    }


def texts_of(region: Region) -> dict[str, object]:
    """Return titles and languages."""
    return {
        "languages": list(region.site.languages),
        "title": dict(region.title),
        "publisher": region.dataset.publisher,
        "contact": region.dataset.contact,
        "layers": {layer.layer: dict(layer.title) for layer in region.areas},
    }
