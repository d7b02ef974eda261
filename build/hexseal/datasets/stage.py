"""The stage: everything of site/data but the totals that the pages print."""

from pathlib import Path

from hexseal.config import Region
from hexseal.datasets.provenance import provenance_of
from hexseal.datasets.scripts import write_scripts
from hexseal.datasets.writing import write_tables
from hexseal.summaries import Datasets


def write_datasets(region: Region, work: Path, site: Path) -> Datasets:
    """Write the tables of ``work`` as downloads into ``site/data``."""
    provenance = provenance_of(region, work)
    downloads, tree = write_tables(region, work, site, provenance)
    return Datasets(downloads, write_scripts(tree, site, region.site.standalone))
