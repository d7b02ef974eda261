"""What the data page is filled with, all of it from the files that the site already holds."""

from functools import partial
from pathlib import Path

from markupsafe import Markup

from hexseal.datasets.checksums import NAME as CHECKSUMS
from hexseal.datasets.provenance import attribution_of, licence_of
from hexseal.pages.about import plain_values
from hexseal.pages.data import file_groups, merge_files, table_books
from hexseal.pages.locales import Locale
from hexseal.pages.numbers import file_size, number
from hexseal.pages.settings import Contents, embed
from hexseal.pages.snippets import (
    AGGREGATE,
    ANYWHERE,
    JOIN,
    USES,
    file_name,
    hexagon_file,
    snippets,
)

DATA = "data.html"


def data_values(contents: Contents, site: Path, locale: Locale) -> dict[str, object]:
    """Return what the data page shows; ``site`` already holds the files that it tells of."""
    region, datasets, language = contents.region, contents.datasets, locale.language
    written = partial(snippets, region=region, datasets=datasets, tiles=contents.tiles)
    return {
        **plain_values("data", region, locale),
        "anywhere": region.dataset.address or ANYWHERE,
        "groups": file_groups(datasets),
        "tree": datasets.tree,
        "splits": datasets.splits,
        # The collection links to its items.
        "documents": [
            document
            for document in datasets.documents
            if document.kind != "stac" or document.path.endswith("/collection.json")
        ],
        "checksums": f"data/{CHECKSUMS}",
        "merge_files": merge_files(site),
        "aggregate": written(AGGREGATE),
        "uses": written(USES),
        "joins": written(JOIN),
        "geopackage": file_name(datasets, "geopackage", "GeoPackage"),
        "geoparquet": hexagon_file(datasets, region.hexagons.finest),
        "books": table_books(region, datasets, site, language),
        "licence": licence_of(region),
        "attribution": attribution_of(region),
        "schema_org": Markup(embed(datasets.schema_org[language]))
        if language in datasets.schema_org
        else "",
        "file_size": partial(file_size, language=language),
        "whole_number": lambda value: number(value, 0, language),
    }
