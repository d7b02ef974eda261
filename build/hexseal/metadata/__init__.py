"""Documents that describe the datasets to catalogues and tools, all from one description."""

from hexseal.metadata.data_package import data_package
from hexseal.metadata.dcat import dcat
from hexseal.metadata.description import Description, Resource
from hexseal.metadata.json_stat import json_stat
from hexseal.metadata.records import changelog, citation_cff, datacite, iso_19115
from hexseal.metadata.schema_org import croissant, schema_org
from hexseal.metadata.schemas import schema_problems
from hexseal.metadata.stac import stac_documents

__all__ = [
    "Description", "Resource", "changelog", "citation_cff", "croissant", "data_package", "datacite",
    "dcat", "iso_19115", "json_stat", "schema_org", "schema_problems", "stac_documents",
]  # fmt: skip
