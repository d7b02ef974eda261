"""Scripts that carry partitions: the same bytes as the Parquet files beside them."""

from pathlib import Path

from hexseal.datasets.scripts import script_of
from hexseal.verify.pages import PageSettings


def check_scripts(site: Path, settings: PageSettings) -> list[str]:
    """Return the partitions that are missing, have another size, or differ from their script."""
    problems = []
    tree = settings.partitions
    for parent, _, size in tree.parents:
        file = f"{tree.folder}/parent={parent}/{tree.file}"
        if not (site / file).is_file():
            problems.append(f"{file}: is missing")
            continue
        content = (site / file).read_bytes()
        if len(content) != size:
            problems.append(f"{file}: has {len(content)} bytes, the page says {size}")
        if tree.scripts is None:
            continue
        script = f"{tree.scripts}/{parent}.js"
        if not (site / script).is_file():
            problems.append(f"{script}: is missing")
        elif (site / script).read_bytes() != script_of(parent, content):
            problems.append(f"{script}: does not carry the bytes of {file}")
    return problems
