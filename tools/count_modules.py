"""Count the modules of a package: how many, how large, how deep, and which packages import which.

    python tools/count_modules.py [COMMIT]

Modules are files with code: an ``__init__`` that only names what a package offers is none. Lines
are all lines. An arrow is a package (or a module at the top) that imports another one.
"""

import ast
import io
import subprocess
import sys
import tarfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import PurePosixPath

PACKAGES = {"hexseal": "build/hexseal", "hexseal_ml": "ml/hexseal_ml"}
ROOT = PurePosixPath(__file__).parent.parent


def main() -> None:
    """Print a line for each package."""
    commit = sys.argv[1] if len(sys.argv) > 1 else "HEAD"
    print("package      modules  mean  median  one importer  at top  packages  arrows")
    for package, folder in PACKAGES.items():
        sources = dict(sources_of(commit, folder))
        importers = importers_of(sources, package)
        code = {name: text for name, text in sources.items() if not is_door(text)}
        lines = sorted(text.count("\n") for text in code.values())
        inner = {_room(name) for name in sources if name.count(".") > 1}
        top = {_room(name) for name in sources} - inner
        single = sum(len(importers[name]) == 1 for name in code)
        mean, median = sum(lines) / len(lines), lines[len(lines) // 2]
        print(
            f"{package:<12} {len(code):>7} {mean:>5.0f} {median:>7} {single:>13} {len(top):>7}"
            f" {len(inner):>9} {arrows_of(importers):>7}"
        )


def sources_of(commit: str, folder: str) -> Iterator[tuple[str, str]]:
    """Yield name and text of each module of a package as a commit holds it."""
    content = subprocess.run(
        ["git", "archive", commit, folder], cwd=ROOT, capture_output=True, check=True
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for member in archive:
            path = PurePosixPath(member.name)
            if path.suffix != ".py":
                continue
            parts = path.relative_to(PurePosixPath(folder).parent).with_suffix("").parts
            file = archive.extractfile(member)
            assert file is not None
            yield ".".join(parts).removesuffix(".__init__"), file.read().decode()


def is_door(text: str) -> bool:
    """Return whether a module holds imports, names and a docstring only."""
    kept = (ast.Import, ast.ImportFrom, ast.Expr, ast.Assign)
    return all(isinstance(node, kept) for node in ast.parse(text).body)


def importers_of(sources: dict[str, str], package: str) -> dict[str, set[str]]:
    """Return by module those that import it, wherever in their text."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, text in sources.items():
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith(package):
                continue
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found[inner if inner in sources else str(node.module)].add(name)
    return found


def arrows_of(importers: dict[str, set[str]]) -> int:
    """Return how many pairs of packages, or of modules at the top, import each other one way."""
    pairs = {
        (_room(by), _room(name))
        for name, some in importers.items()
        for by in some
        if _room(by) != _room(name)
    }
    return len({pair for pair in pairs if all(pair)})


def _room(name: str) -> str:
    """Return the package or file at the top that a module is in; "" is the package's own door."""
    return name.split(".")[1] if "." in name else ""


if __name__ == "__main__":
    main()
