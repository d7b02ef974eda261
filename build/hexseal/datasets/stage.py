"""The stage: everything of site/data but the totals that the pages print."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path

import rasterio.shutil

from hexseal.datasets.documents import write_documents
from hexseal.datasets.geopackage import write_geopackage
from hexseal.datasets.partitions import write_scripts, write_splits
from hexseal.datasets.provenance import provenance_of
from hexseal.datasets.reports import write_reports
from hexseal.datasets.writing import write_tables
from hexseal.manifest import Datasets, Download
from hexseal.region.load import Region
from hexseal.storage.files import sha256, whole_file, write_bytes
from hexseal.storage.workdir import WorkFolder

FORMAT = "COG"
SETTINGS = {"COMPRESS": "DEFLATE", "LEVEL": "9", "BLOCKSIZE": "512", "NUM_THREADS": "1"}


def write_datasets(
    region: Region, work: Path, site: Path, *, workers: int | None = None
) -> Datasets:
    """Write the tables of ``work`` as downloads into ``site/data``, and what describes them."""
    provenance = provenance_of(region, work)
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        waiting, tree = write_tables(region, work, site, provenance, pool)
        # Limits of databases belong to the context of this thread.
        reports = pool.submit(copy_context().run, write_reports, region, work, site)
        path = write_geopackage(region, site, tuple(parquet for parquet, _ in waiting), provenance)
        tables = [each for parquet, csv in waiting for each in (parquet, csv.result())]
    geopackage = Download(
        f"data/{path.name}", "GeoPackage", "geopackage", None, None,
        path.stat().st_size, sha256(path),
    )  # fmt: skip
    sample = copy_sample(region, work, site)
    downloads = (*tables, geopackage, *write_rasters(region, site), *sample)
    written = write_documents(region, site, downloads, provenance)
    return Datasets(
        downloads=(*downloads, written.archive),
        tree=write_scripts(tree, site, region.site.standalone),
        splits=write_splits(region, work, site, provenance),
        documents=written.documents,
        reports=reports.result(),
        schema_org=written.schema_org,
    )


def copy_sample(region: Region, work: Path, site: Path) -> Iterator[Download]:
    """Write data/ID_reference_sample.csv and .json where the region has a labelled sample."""
    if not region.accuracy.sample:
        return
    kept = WorkFolder(work)
    for source, kind in ((kept.sample_labels, "CSV"), (kept.sample_report, "JSON")):
        path = site / "data" / f"{region.id}_{source.name}"
        size = write_bytes(path, source.read_bytes())
        title = "labels" if kind == "CSV" else "reference"
        yield Download(f"data/{path.name}", kind, title, None, None, size, sha256(path))


def write_rasters(region: Region, site: Path) -> Iterator[Download]:
    """Write data/ID_landcover_YEAR.tif and ID_confidence_YEAR.tif of every forward year.

    Pixels are those of the build's own files; overviews take the commonest class, or the nearest
    confidence. Maps of CLC+ itself are never passed on: their producer publishes them.
    """
    if not region.dataset.rasters:
        return
    for epoch in region.epochs:
        if epoch.forward is None:
            continue
        for kind, source, overviews in (
            ("landcover", epoch.landcover, "MODE"),
            ("confidence", epoch.confidence, "NEAREST"),
        ):
            if source is None:
                continue
            path = site / "data" / f"{region.id}_{kind}_{epoch.year}.tif"
            with whole_file(path) as partial:
                rasterio.shutil.copy(
                    source, partial, driver="COG", OVERVIEW_RESAMPLING=overviews, **SETTINGS
                )
            name = f"data/{path.name}"
            yield Download(name, FORMAT, kind, None, None, path.stat().st_size, sha256(path))
