"""Copies of the partitions for pages that are opened without a server.

Such a page cannot read the Parquet files beside it, but it may load scripts. Each partition
becomes one, and a page loads those of the parents that a drawn area meets.
"""

import base64
from dataclasses import replace
from pathlib import Path

from hexseal.manifest import PartitionTree
from hexseal.region.load import Standalone, wants_script
from hexseal.storage.files import write_bytes

SCRIPTS = "assets/partitions"


def write_scripts(tree: PartitionTree, site: Path, standalone: Standalone) -> PartitionTree:
    """Write site/assets/partitions/PARENT.js for each partition and return the tree that says so.

    The rule is that of the tiles: always, never, or while all partitions together stay small.
    """
    if not wants_script(standalone, sum(part.bytes for part in tree.partitions)):
        return tree
    for part in tree.partitions:
        content = script_of(part.parent, (site / part.path).read_bytes())
        write_bytes(site / SCRIPTS / f"{part.parent}.js", content)
    return replace(tree, scripts=SCRIPTS)


def script_of(parent: str, content: bytes) -> bytes:
    """Return a classic script that hands over a file by its parent cell.

    >>> script_of("85", b"PAR1").decode()
    '(globalThis.hexsealPartitions??={})["85"]="UEFSMQ==";\\n'
    """
    encoded = base64.b64encode(content).decode()
    return f'(globalThis.hexsealPartitions??={{}})["{parent}"]="{encoded}";\n'.encode()
