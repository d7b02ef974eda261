"""schema.org Dataset: what search engines for data read, in a page and as a file."""

from hexseal.metadata.description import KEYWORDS, Description, Resource


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
