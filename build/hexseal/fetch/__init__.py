"""Inputs from the network: CLC+ Backbone, Sentinel-2 composites, boundaries.

Built from the published descriptions of the services and tested against local imitations of them.
"""

from hexseal.fetch.addresses import public
from hexseal.fetch.plan import Job, Record, jobs_of, missing_files, require_fetched, unused
from hexseal.fetch.stage import Means, fetch_of, fetch_region, known_place
from hexseal.fetch.web import Web

__all__ = [
    "Job", "Means", "Record", "Web", "fetch_of", "fetch_region", "jobs_of", "known_place",
    "missing_files", "public", "require_fetched", "unused",
]  # fmt: skip
