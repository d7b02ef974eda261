"""The files of a work folder have one name each, and one place that spells it."""

import ast
from collections.abc import Iterator
from pathlib import Path

from hexseal.storage.workdir import ForwardFolder, WorkFolder
from hexseal.types import Pair

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    path for path in (ROOT / "build/hexseal").rglob("*.py") if path.name != "workdir.py"
)
WORK, FORWARD, PAIR = WorkFolder(Path("w")), ForwardFolder(Path("w/forward")), Pair(2018, 2021)


def all_files() -> list[Path]:
    single = (name for name, found in vars(WorkFolder).items() if isinstance(found, property))
    paths = [path for name in single if isinstance(path := getattr(WORK, name), Path)]
    paths += [WORK.evidence(PAIR, "cells"), WORK.evidence(PAIR, "zones"), WORK.report(PAIR)]
    paths += [WORK.patches(PAIR), WORK.judged(PAIR), WORK.units("delta"), WORK.manifest("tiles")]
    paths += [WORK.transitions("areas"), WORK.transitions("hexagons"), WORK.spill("x")]
    paths += [WORK.layer("pixels"), WORK.layer_stamp("pixels")]
    paths += [FORWARD.landcover(2024), FORWARD.confidence(2024), FORWARD.report(2024)]
    return [*paths, FORWARD.stamp(2024), FORWARD.prediction(2021, 2024)]


def spelled(path: Path) -> Iterator[str]:
    """Yield the texts of a module that are not docstrings, and names that it joins to a folder."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            left, right = ast.unparse(node.left), node.right
            is_work = left in ("work", "work.folder", "self.work")
            if is_work and isinstance(right, (ast.Constant, ast.JoinedStr)):
                yield f"{left} / {ast.unparse(right)}"


def test_no_two_files_of_a_work_folder_share_a_name() -> None:
    paths = all_files()
    assert len(set(paths)) == len(paths)


def test_only_the_work_folder_spells_the_names_of_its_files() -> None:
    # `hexseal accuracy` writes accuracy.json wherever it runs: another file of that name.
    names = {found.name for found in all_files() if found.suffix} - {"accuracy.json"}
    found = [
        (str(path.relative_to(ROOT)), text)
        for path in SOURCES
        for text in spelled(path)
        if text in names or text.startswith(("work /", "work.", "self.work /"))
    ]
    assert found == []
