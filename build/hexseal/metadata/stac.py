"""STAC 1.1: one collection, one item for each table; table and file extensions.

https://github.com/radiantearth/stac-spec, https://github.com/stac-extensions/table and file.
"""

from collections.abc import Iterator

from hexseal.codebook import TITLES
from hexseal.metadata.description import (
    KEYWORDS,
    Description,
    Resource,
    box_corners,
    table_title,
)

VERSION = "1.1.0"
TABLE_EXTENSION = "https://stac-extensions.github.io/table/v1.2.0/schema.json"
FILE_EXTENSION = "https://stac-extensions.github.io/file/v2.1.0/schema.json"
EXTENSIONS = (TABLE_EXTENSION, FILE_EXTENSION)
OUTLINES = (
    {"name": "bbox", "description": "Box of the outline", "type": "struct"},
    {"name": "geometry", "description": "Outline in longitude and latitude", "type": "geometry"},
)
COLLECTION = "stac/collection.json"


def stac_documents(description: Description) -> dict[str, dict[str, object]]:
    """Return the collection and its items by their paths seen from site/data."""
    groups: dict[str, list[Resource]] = {}
    for resource in description.resources:
        groups.setdefault(_group(resource), []).append(resource)
    documents = {COLLECTION: _collection(description, list(groups))}
    for name, resources in groups.items():
        documents[f"stac/{name}.json"] = _item(description, name, resources)
    return documents


def _group(resource: Resource) -> str:
    """Return the item of a resource: a table's formats go together, other files alone."""
    return resource.name.rsplit("-", 1)[0] if resource.columns else resource.name


def _collection(description: Description, items: list[str]) -> dict[str, object]:
    dataset = description.region.dataset
    collection: dict[str, object] = {
        "type": "Collection",
        "stac_version": VERSION,
        "stac_extensions": [],
        "id": description.region.id,
        "title": description.title("en"),
        "description": f"{description.summary('en')} {description.attribution}",
        "keywords": list(KEYWORDS),
        "license": _licence(description),
        "version": dataset.version,
        "providers": [{"name": dataset.publisher or "hexseal", "roles": ["producer", "host"]}],
        "extent": {
            "spatial": {"bbox": [list(description.bounds)]},
            "temporal": {"interval": [list(_interval(description))]},
        },
        "summaries": {"sources": list(dict.fromkeys(description.sources.values()))},
        "links": [
            {"rel": "root", "href": "./collection.json", "type": "application/json"},
            *({"rel": "item", "href": f"./{name}.json", "type": "application/geo+json"}
              for name in items),
            *_licence_links(description),
        ],
    }  # fmt: skip
    return collection


def _licence(description: Description) -> str:
    return description.licence.spdx if description.licence and description.licence.spdx else "other"


def _licence_links(description: Description) -> Iterator[dict[str, str]]:
    if description.licence is not None:
        yield {
            "rel": "license",
            "href": description.licence.address,
            "title": description.licence.name,
        }


def _interval(description: Description) -> tuple[str, str]:
    return (
        f"{description.first_day.isoformat()}T00:00:00Z",
        f"{description.last_day.isoformat()}T23:59:59Z",
    )


def _item(description: Description, name: str, resources: list[Resource]) -> dict[str, object]:
    start, end = _interval(description)
    first = resources[0]
    properties: dict[str, object] = {
        "title": table_title(TITLES, first)["en"],
        "datetime": None,
        "start_datetime": start,
        "end_datetime": end,
    }
    if first.columns:
        properties |= _table(first)
    return {
        "type": "Feature",
        "stac_version": VERSION,
        "stac_extensions": list(EXTENSIONS if first.columns else EXTENSIONS[1:]),
        "id": f"{description.region.id}-{name}",
        "collection": description.region.id,
        "bbox": list(description.bounds),
        "geometry": _outline(description),
        "properties": properties,
        "links": [
            {"rel": rel, "href": "./collection.json", "type": "application/json"}
            for rel in ("root", "parent", "collection")
        ],
        "assets": {_key(resource): _asset(resource) for resource in resources},
    }


def _outline(description: Description) -> dict[str, object]:
    """Return the box as GeoJSON, cut at 180 degrees where it crosses them."""
    rings = [[list(corner) for corner in box_corners(box)] for box in description.boxes]
    if len(rings) == 1:
        return {"type": "Polygon", "coordinates": rings}
    return {"type": "MultiPolygon", "coordinates": [[ring] for ring in rings]}


def _table(resource: Resource) -> dict[str, object]:
    outlines = OUTLINES if resource.file.format == "GeoParquet" else ()
    table: dict[str, object] = {
        "table:columns": [
            *(
                {"name": c.name, "description": c.text["en"], "type": c.type.lower()}
                for c in resource.columns
            ),
            *outlines,
        ],
        "table:row_count": resource.file.rows,
    }
    if resource.file.format == "GeoParquet":
        table["table:primary_geometry"] = "geometry"
    return table


def _key(resource: Resource) -> str:
    return resource.file.format.lower()


def _asset(resource: Resource) -> dict[str, object]:
    return {
        "href": f"../{resource.path}",
        "title": resource.path,
        "type": resource.media_type,
        "roles": ["data"],
        "file:size": resource.file.bytes,
        "file:checksum": resource.multihash,
    }
