"""The stage: everything of site/data but the totals that the pages print."""

from pathlib import Path

from hexseal.datasets.documents import write_documents
from hexseal.datasets.geopackage import write_geopackage
from hexseal.datasets.provenance import provenance_of
from hexseal.datasets.published_rasters import write_rasters
from hexseal.datasets.published_sample import copy_sample
from hexseal.datasets.reports import write_reports
from hexseal.datasets.scripts import write_scripts
from hexseal.datasets.splits import write_splits
from hexseal.datasets.writing import write_tables
from hexseal.manifest import Datasets, Download
from hexseal.region.load import Region
from hexseal.storage.files import sha256


def write_datasets(region: Region, work: Path, site: Path) -> Datasets:
    """Write the tables of ``work`` as downloads into ``site/data``, and what describes them."""
    provenance = provenance_of(region, work)
    tables, tree = write_tables(region, work, site, provenance)
    path = write_geopackage(region, site, tables, provenance)
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
        reports=write_reports(region, work, site),
        schema_org=written.schema_org,
    )
