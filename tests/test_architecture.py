"""Imports point one way, in the order that is written at each package's door."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

import hexseal

ROOT = Path(hexseal.__file__).parent
FORBIDDEN = {"hexseal_ml", "torch", "transformers"}
# An order is names with "<" between them; it may run over several lines.
ORDER = re.compile(r"[a-z]\w*(?:\s*<\s*[a-z]\w*)+")


@dataclass(frozen=True)
class Import:
    """``module`` (dotted, from the root) imports ``target`` in some line."""

    module: str
    target: str
    line: int


def order_of(docstring: str) -> list[str]:
    """Return the names of the order that a docstring holds, none if it holds none."""
    found = ORDER.search(docstring)
    return re.split(r"\s*<\s*", found.group()) if found else []


def modules(root: Path = ROOT) -> dict[str, Path]:
    """Return every module of a package by its dotted name."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = (root.name, *path.relative_to(root).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(module: str, source: str, known: set[str], *, is_package: bool) -> list[Import]:
    """Return what a module imports; ``from p import m`` counts as p.m where that is a module."""
    found = []
    here = module.split(".") if is_package else module.split(".")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [Import(module, alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = here[: len(here) + 1 - node.level] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            inner = [f"{base}.{alias.name}" for alias in node.names]
            targets = [name if name in known else base for name in inner]
            found += [Import(module, target, node.lineno) for target in targets]
    return list(dict.fromkeys(found))


def wrong_imports(package: str, docstring: str, found: list[Import]) -> list[str]:
    """Return a line for each import between a package's own nouns that its order forbids.

    A noun is a module or a package directly in ``package``. What stands in the package's own
    ``__init__`` may import every noun, and no noun may import the package itself.
    """
    places = {name: place for place, name in enumerate(order_of(docstring))}
    depth = package.count(".") + 1
    wrong = []
    for item in found:
        module, target = item.module.split("."), item.target.split(".")
        inside = ".".join(module[:depth]) == package and len(module) > depth
        if not inside or ".".join(target[:depth]) != package:
            continue
        where = f"{item.module}, line {item.line}: imports {item.target}"
        if len(target) == depth:
            # The door holds the version, which is no noun; everything else lies behind it.
            if package != "hexseal":
                wrong.append(f"{where}, the package it lies in")
            continue
        noun, other = module[depth], target[depth]
        if noun == other or noun == "__main__":
            continue
        for name in (noun, other):
            if name not in places:
                wrong.append(f"{where}, but {name!r} is not named in the order of {package}")
        if noun in places and other in places and places[other] > places[noun]:
            wrong.append(f"{where}, which stands to its right in the order of {package}")
    return wrong


@pytest.fixture(scope="module")
def known() -> dict[str, Path]:
    return modules()


@pytest.fixture(scope="module")
def imports(known: dict[str, Path]) -> list[Import]:
    return [
        item
        for name, path in known.items()
        for item in imports_of(
            name,
            path.read_text(encoding="utf-8"),
            set(known),
            is_package=path.name == "__init__.py",
        )
    ]


def doors() -> list[str]:
    return [name for name, path in modules().items() if path.name == "__init__.py"]


def door_text(package: str) -> str:
    return ast.get_docstring(ast.parse(modules()[package].read_text(encoding="utf-8"))) or ""


@pytest.mark.parametrize("package", doors())
def test_imports_follow_the_order_at_the_door(package: str, imports: list[Import]) -> None:
    text = door_text(package)
    wrong = wrong_imports(package, text, imports)
    if not order_of(text):
        # A package may leave its order out while its imports make no circle.
        assert not circle_of(package, imports)
        return
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("package", doors())
def test_the_order_names_what_there_is(package: str, known: dict[str, Path]) -> None:
    order = order_of(door_text(package))
    depth = package.count(".") + 1
    nouns = {name.split(".")[depth] for name in known if name.startswith(f"{package}.")}
    assert len(order) == len(set(order)), "a name stands twice in the order"
    assert set(order) <= nouns, f"named, but no module: {sorted(set(order) - nouns)}"
    if order:
        unnamed = sorted(nouns - set(order) - {"__main__"})
        assert not unnamed, f"not named in the order of {package}: {unnamed}"


def test_nothing_of_machine_learning_is_imported(imports: list[Import]) -> None:
    assert not [item for item in imports if item.target.split(".")[0] in FORBIDDEN]


def test_imports_stand_at_the_top(known: dict[str, Path]) -> None:
    for name, path in known.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                inner = [
                    n for n in ast.walk(function) if isinstance(n, ast.Import | ast.ImportFrom)
                ]
                assert not inner, f"{name}: {function.name} imports in line {inner[0].lineno}"


def circle_of(package: str, imports: list[Import]) -> list[str]:
    """Return the nouns of a package that import each other in a circle, or one that does."""
    depth = package.count(".") + 1
    edges: dict[str, set[str]] = {}
    for item in imports:
        module, target = item.module.split("."), item.target.split(".")
        inside = [".".join(parts[:depth]) == package for parts in (module, target)]
        if all(inside) and min(len(module), len(target)) > depth and module != target:
            edges.setdefault(module[depth], set()).add(target[depth])
    while True:
        free = [noun for noun, others in edges.items() if not others & set(edges) - {noun}]
        if not free:
            return sorted(edges)
        for noun in free:
            del edges[noun]


class TestTheTestItself:
    """On a made-up package, so that it is known to find what it looks for."""

    DOOR = "A package.\n\nImports point one way: low < middle\n    < high < shelf.\n"

    def wrong(self, module: str, source: str) -> list[str]:
        names = {f"p.{name}" for name in ("low", "middle", "high", "shelf", "shelf.book", "new")}
        found = imports_of(module, source, names, is_package=module == "p.shelf")
        return wrong_imports("p", self.DOOR, found)

    def test_the_order_is_read_over_lines(self) -> None:
        assert order_of(self.DOOR) == ["low", "middle", "high", "shelf"]
        assert order_of("No order: 1 < 2 are numbers.") == []

    @pytest.mark.parametrize(
        "source",
        ["from p.low import a", "import p.low", "from p import low", "from . import low",
         "from .low import a", "import numpy", "from p.high import own"],
    )  # fmt: skip
    def test_imports_to_the_left_are_fine(self, source: str) -> None:
        assert self.wrong("p.high", source) == []

    @pytest.mark.parametrize(
        "source",
        ["from p.high import a", "import p.high", "from p import high", "from . import high",
         "def f():\n    from .high import a", "from p.shelf.book import a"],
    )  # fmt: skip
    def test_imports_to_the_right_are_wrong(self, source: str) -> None:
        (line,) = self.wrong("p.low", source)
        assert "stands to its right" in line

    def test_a_package_is_one_noun_from_outside(self) -> None:
        assert self.wrong("p.shelf.book", "from p.high import a") == []
        assert self.wrong("p.shelf", "from .book import a") == []
        (line,) = self.wrong("p.high", "from p.shelf import a")
        assert "stands to its right" in line

    def test_a_module_without_a_place_is_named(self) -> None:
        (line,) = self.wrong("p.high", "import p.new")
        assert line == "p.high, line 1: imports p.new, but 'new' is not named in the order of p"
        (line,) = self.wrong("p.new", "\nimport p.low")
        assert line == "p.new, line 2: imports p.low, but 'new' is not named in the order of p"

    def test_circles_are_found(self) -> None:
        pairs = [("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")]
        found = [Import(f"p.{module}", f"p.{target}", 1) for module, target in pairs]
        assert circle_of("p", found) == ["a", "b", "c", "d"]
        assert circle_of("p", [found[0], found[1], found[3]]) == []
