"""The dataset in the words of schema.org, and of Croissant, which builds on them."""

from collections.abc import Mapping

from hexseal.codebook import TITLES, Column, ColumnType
from hexseal.metadata.description import KEYWORDS, Description, Resource, table_title

CONFORMS_TO = "http://mlcommons.org/croissant/1.0"
CONTEXT: dict[str, object] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
DATA_TYPES: Mapping[ColumnType, str] = {
    "UBIGINT": "sc:Integer", "BIGINT": "sc:Integer", "INTEGER": "sc:Integer",
    "SMALLINT": "sc:Integer", "UTINYINT": "sc:Integer", "DOUBLE": "sc:Float",
    "BOOLEAN": "sc:Boolean", "VARCHAR": "sc:Text",
}  # fmt: skip


def schema_org(description: Description, language: str) -> dict[str, object]:
    """Return the Dataset in one language."""
    dataset = description.region.dataset
    # South, west, north, east.
    shapes = [
        {"@type": "GeoShape", "box": f"{south} {west} {north} {east}"}
        for west, south, east, north in description.boxes
    ]
    document: dict[str, object] = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "identifier": description.region.id,
        "name": description.title(language),
        "description": description.summary(language),
        "inLanguage": list(description.languages),
        "keywords": list(KEYWORDS),
        "version": dataset.version,
        "isAccessibleForFree": True,
        "creditText": description.attribution,
        "creator": {"@type": "Organization", "name": dataset.publisher or "hexseal"},
        "temporalCoverage": "/".join(
            day.isoformat() for day in (description.first_day, description.last_day)
        ),
        "spatialCoverage": {
            "@type": "Place",
            "geo": shapes[0] if len(shapes) == 1 else shapes,
        },
        "variableMeasured": _variables(description, language),
        "distribution": [_file(description, resource) for resource in description.resources],
    }
    if description.licence is not None:
        document["license"] = description.licence.address
    if dataset.address:
        document["url"] = dataset.address
    if dataset.changes:
        document["datePublished"] = dataset.changes[0].day.isoformat()
        document["dateModified"] = dataset.changes[-1].day.isoformat()
    return document


def _variables(description: Description, language: str) -> list[dict[str, object]]:
    """Return the columns of the finest hexagons that have a unit."""
    columns = next((r.columns for r in description.resources if r.file.table == "hexagons"), ())
    return [
        {
            "@type": "PropertyValue",
            "name": column.name,
            "description": column.text[language],
            "unitText": column.unit,
        }
        for column in columns
        if column.unit and column.unit != "degrees"
    ]


def _file(description: Description, resource: Resource) -> dict[str, object]:
    return {
        "@type": "DataDownload",
        "name": resource.path,
        "contentUrl": description.address(resource.path),
        "encodingFormat": resource.media_type,
        "contentSize": f"{resource.file.bytes} B",
        "sha256": resource.file.sha256,
    }


def croissant(description: Description) -> dict[str, object]:
    """Return every table's Parquet file as a file object and a record set with its fields."""
    dataset = description.region.dataset
    tables = [r for r in description.resources if r.columns and r.file.format != "CSV"]
    document: dict[str, object] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": description.region.id,
        "alternateName": description.title("en"),
        "description": f"{description.summary('en')} {description.attribution}",
        "keywords": list(KEYWORDS),
        "version": dataset.version,
        "creator": {"@type": "Organization", "name": dataset.publisher or "hexseal"},
        "citeAs": f"{dataset.publisher or 'hexseal'}: {description.title('en')}, {dataset.version}",
        "url": dataset.address or "../data.html",
        "distribution": [_croissant_file(description, resource) for resource in tables],
        "recordSet": [_records(resource) for resource in tables],
    }
    if description.licence is not None:
        document["license"] = description.licence.address
    if dataset.changes:
        document["datePublished"] = dataset.changes[-1].day.isoformat()
    return document


def _croissant_file(description: Description, resource: Resource) -> dict[str, object]:
    return {
        "@type": "cr:FileObject",
        "@id": resource.name,
        "name": resource.path,
        "contentUrl": description.address(resource.path),
        "encodingFormat": "application/x-parquet",
        "contentSize": f"{resource.file.bytes} B",
        "sha256": resource.file.sha256,
    }


def _records(resource: Resource) -> dict[str, object]:
    name = resource.name.rsplit("-", 1)[0]
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": table_title(TITLES, resource)["en"],
        "field": [_field(name, resource, column) for column in resource.columns],
    }


def _field(records: str, resource: Resource, column: Column) -> dict[str, object]:
    unit = f" [{column.unit}]" if column.unit else ""
    return {
        "@type": "cr:Field",
        "@id": f"{records}/{column.name}",
        "name": column.name,
        "description": column.text["en"] + unit,
        "dataType": DATA_TYPES[column.type],
        "source": {
            "fileObject": {"@id": resource.name},
            "extract": {"column": column.name},
        },
    }
