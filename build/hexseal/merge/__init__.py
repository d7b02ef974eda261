"""Join the datasets of regions built apart into one: what a site publishes for it, and how."""

from hexseal.exchange.publish import publish_counts
from hexseal.exchange.record import FOLDER, RECORD, BuildRecord, has_record, read_record
from hexseal.merge.agreement import MergedName, agree
from hexseal.merge.stage import join

__all__ = [
    "FOLDER", "RECORD", "BuildRecord", "MergedName", "agree", "has_record", "join",
    "publish_counts", "read_record",
]  # fmt: skip
