"""List the licences of what hexseal installs, from the packages' own metadata.

    python tools/list_licences.py > docs/reference/licences.md

Only what `pip install hexseal` brings counts, with what that needs in turn; extras are left out.
"""

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

HEAD = """# Licences of dependencies

Written by `tools/list_licences.py` from the installed packages; do not edit. What the pages of a
site bring along (MapLibre GL JS and others) is listed with its licence texts in
`assets/licenses-*.txt` of every site.

| package | version | licence |
|---|---|---|
"""
NAME = re.compile(r"[A-Za-z0-9._-]+")


def required(name: str, found: dict[str, tuple[str, str]]) -> None:
    """Add a package and what it needs without extras to ``found``: version and licence by name."""
    key = re.sub(r"[-_.]+", "-", name).lower()
    if key in found:
        return
    try:
        package = distribution(name)
    except PackageNotFoundError:
        # Needed on other systems or versions of Python only.
        return
    found[key] = (package.version, licence_of(package.metadata))
    for line in package.requires or []:
        if "extra ==" not in line and (match := NAME.match(line)):
            required(match[0], found)


def licence_of(metadata) -> str:
    """Return the SPDX expression of a package, else its classifiers, else its own words."""
    expression = metadata.get("License-Expression")
    if expression:
        return expression
    classifiers = [
        line.rpartition(" :: ")[2]
        for line in metadata.get_all("Classifier") or []
        if line.startswith("License :: ") and not line.endswith("OSI Approved")
    ]
    words = (metadata.get("License") or "").strip().splitlines()
    return "; ".join(classifiers) or (words[0][:80] if words else "not stated")


def rows_of(found: dict[str, tuple[str, str]]) -> list[tuple[str, tuple[str, str]]]:
    """Return the packages by name."""
    return sorted(found.items())


def main() -> None:
    """Print the table."""
    found: dict[str, tuple[str, str]] = {}
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    block = re.search(r"^dependencies = \[(.*?)^\]", text, re.DOTALL | re.MULTILINE)
    assert block is not None
    for name in re.findall(r'"([A-Za-z0-9._-]+)', block[1]):
        required(name, found)
    rows = "".join(
        f"| {name} | {v} | {licence} |\n" for name, (v, licence) in sorted(found.items())
    )
    print(HEAD + rows, end="")


if __name__ == "__main__":
    main()
