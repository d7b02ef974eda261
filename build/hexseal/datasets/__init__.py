"""The files that a reader downloads, all from the tables of one build.

Imports point one way: partitions < writing.
"""

from hexseal.datasets.writing import write_datasets

__all__ = ["write_datasets"]
