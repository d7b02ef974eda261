"""The files that a reader downloads, all from the tables of one build."""

from hexseal.datasets.documents import write_checksums
from hexseal.datasets.stage import write_datasets

__all__ = ["write_checksums", "write_datasets"]
