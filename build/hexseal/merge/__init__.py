"""Join the datasets of regions built apart into one: what a site publishes for it, and how.

Imports point one way, from the last line to the first:

    record < publish < agreement < shapes < change < joining
"""

from hexseal.merge.agreement import MergedName, agree
from hexseal.merge.joining import join
from hexseal.merge.publish import publish_counts
from hexseal.merge.record import FOLDER, RECORD, BuildRecord, has_record, read_record

__all__ = [
    "FOLDER", "RECORD", "BuildRecord", "MergedName", "agree", "has_record", "join",
    "publish_counts", "read_record",
]  # fmt: skip
