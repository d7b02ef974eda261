"""schema.org Dataset: what search engines for data read, in a page and as a file."""

from hexseal.metadata.description import KEYWORDS, Description, Resource


def schema_org(told: Description, language: str) -> dict[str, object]:
    """Return the Dataset in one language."""
    dataset = told.region.dataset
    west, south, east, north = told.bounds
    document: dict[str, object] = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "identifier": told.region.id,
        "name": told.title(language),
        "description": told.summary(language),
        "inLanguage": list(told.languages),
        "keywords": list(KEYWORDS),
        "version": dataset.version,
        "isAccessibleForFree": True,
        "creditText": told.attribution,
        "creator": {"@type": "Organization", "name": dataset.publisher or "hexseal"},
        "temporalCoverage": f"{told.first_day.isoformat()}/{told.last_day.isoformat()}",
        "spatialCoverage": {
            "@type": "Place",
            # South, west, north, east.
            "geo": {"@type": "GeoShape", "box": f"{south} {west} {north} {east}"},
        },
        "variableMeasured": _variables(told, language),
        "distribution": [_file(told, resource) for resource in told.resources],
    }
    if told.licence is not None:
        document["license"] = told.licence.address
    if dataset.address:
        document["url"] = dataset.address
    if dataset.changes:
        document["datePublished"] = dataset.changes[0].day.isoformat()
        document["dateModified"] = dataset.changes[-1].day.isoformat()
    return document


def _variables(told: Description, language: str) -> list[dict[str, object]]:
    """Return the columns of the finest hexagons that have a unit."""
    columns = next((r.columns for r in told.resources if r.file.table == "hexagons"), ())
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


def _file(told: Description, resource: Resource) -> dict[str, object]:
    return {
        "@type": "DataDownload",
        "name": resource.path,
        "contentUrl": told.address(resource.path),
        "encodingFormat": resource.media_type,
        "contentSize": f"{resource.file.bytes} B",
        "sha256": resource.file.sha256,
    }
