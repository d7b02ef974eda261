"""Sphinx configuration: `just docs` builds with every warning an error."""

from importlib import metadata

project = "hexseal"
author = "the hexseal developers"
try:
    release = metadata.version("hexseal")
except metadata.PackageNotFoundError:
    release = "0.1.0"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "examples"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
# Pages link to files of the repository (README, regions), which are not part of the docs.
suppress_warnings = ["myst.xref_missing"]
autodoc_typehints = "description"
html_theme = "furo"
html_title = "hexseal"
