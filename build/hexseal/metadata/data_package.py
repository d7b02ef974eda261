"""Data Package 2.0 (https://datapackage.org): every file with its columns, size and checksum."""

from collections.abc import Mapping

from hexseal.codebook import TITLES, Column, ColumnType
from hexseal.metadata.description import KEYWORDS, Description, Resource, table_title

PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
FIELD_TYPES: Mapping[ColumnType, str] = {
    "UBIGINT": "integer", "BIGINT": "integer", "INTEGER": "integer", "SMALLINT": "integer",
    "UTINYINT": "integer", "DOUBLE": "number", "BOOLEAN": "boolean", "VARCHAR": "string",
}  # fmt: skip


def data_package(description: Description) -> dict[str, object]:
    """Return the descriptor datapackage.json."""
    dataset, licence = description.region.dataset, description.licence
    package: dict[str, object] = {
        "$schema": PROFILE,
        "name": description.region.id,
        "title": description.title("en"),
        "description": f"{description.summary('en')} {description.attribution} "
        f"The finest hexagons once more in pieces: {', '.join(description.pieces)}.",
        "version": dataset.version,
        "keywords": list(KEYWORDS),
        "sources": [{"title": source} for source in dict.fromkeys(description.sources.values())],
        "contributors": [{"title": dataset.publisher or "hexseal", "roles": ["publisher"]}],
        "resources": [_resource(resource) for resource in description.resources],
    }
    if licence is not None:
        package["licenses"] = [
            {"title": licence.name, "path": licence.address}
            | ({"name": licence.spdx} if licence.spdx else {})
        ]
    if dataset.address:
        package["homepage"] = dataset.address
    if dataset.changes:
        package["created"] = f"{dataset.changes[-1].day.isoformat()}T00:00:00Z"
    return package


def _resource(resource: Resource) -> dict[str, object]:
    file = resource.file
    title = table_title(TITLES, resource)
    entry: dict[str, object] = {
        "name": resource.name,
        "title": title["en"],
        "path": resource.path,
        "mediatype": resource.media_type,
        "format": file.format.lower(),
        "bytes": file.bytes,
        "hash": f"sha256:{file.sha256}",
    }
    if resource.columns and file.format == "CSV":
        # Frictionless readers open the compressed file by its ending.
        entry |= {"type": "table", "format": "csv", "encoding": "utf-8"}
    if resource.columns:
        entry["schema"] = _schema(resource)
    return entry


def _schema(resource: Resource) -> dict[str, object]:
    in_csv = resource.file.format == "CSV"
    return {
        "fieldsMatch": "exact" if in_csv else "subset",
        "missingValues": [""],
        "fields": [field(c) for c in resource.columns if not (in_csv and c.name == "h3")],
    }


def field(column: Column) -> dict[str, object]:
    """Return a column as Table Schema describes it; the unit and the formula stand beside."""
    constraints: dict[str, object] = {}
    if column.null is None:
        constraints["required"] = True
    for key, bound in (("minimum", column.low), ("maximum", column.high)):
        if bound is not None:
            constraints[key] = bound
    if column.values:
        constraints["enum"] = list(column.values)
    description: dict[str, object] = {
        "name": column.name,
        "type": FIELD_TYPES[column.type],
        "description": column.text["en"],
    }
    for key, value in (("unit", column.unit), ("formula", column.formula)):
        if value:
            description[key] = value
    if column.null is not None:
        description["missing"] = column.null["en"]
    if constraints:
        description["constraints"] = constraints
    return description
