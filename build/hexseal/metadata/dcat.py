"""DCAT-AP 3 as JSON-LD (https://semiceu.github.io/DCAT-AP/releases/3.0.0/)."""

from collections.abc import Callable

from hexseal.codebook import TITLES
from hexseal.metadata.description import (
    KEYWORDS,
    Description,
    Resource,
    box_corners,
    table_title,
)

CONTEXT: dict[str, object] = {
    "adms": "http://www.w3.org/ns/adms#",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "spdx": "http://spdx.org/rdf/terms#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
FILE_TYPES = "http://publications.europa.eu/resource/authority/file-type/"
# GeoParquet has no entry of its own in the EU's list of file types.
FORMATS = {
    "GeoParquet": "PARQUET", "Parquet": "PARQUET", "CSV": "CSV", "GeoPackage": "GPKG",
    "COG": "GEOTIFF", "JSON": "JSON", "ZIP": "ZIP",
}  # fmt: skip
LANGUAGES = {"en": "ENG", "fr": "FRA"}
AUTHORITY = "http://publications.europa.eu/resource/authority/"
IANA = "http://www.iana.org/assignments/media-types/"


def dcat(description: Description) -> dict[str, object]:
    """Return the dataset with its distributions, licence and attribution."""
    dataset = description.region.dataset
    document: dict[str, object] = {
        "@context": CONTEXT,
        "@id": description.address("dcat.jsonld#dataset"),
        "@type": "dcat:Dataset",
        "dct:identifier": description.region.id,
        "dct:title": _texts(description, description.title),
        "dct:description": _texts(
            description, lambda x: f"{description.summary(x)} {description.attribution}"
        ),
        "dcat:version": dataset.version,
        "dcat:keyword": [_text(word, "en") for word in KEYWORDS],
        "dcat:theme": [{"@id": f"{AUTHORITY}data-theme/ENVI"}],
        "dct:language": [
            {"@id": f"{AUTHORITY}language/{LANGUAGES[x]}"} for x in description.languages
        ],
        "dct:publisher": {"@type": "foaf:Agent", "foaf:name": dataset.publisher or "hexseal"},
        "dct:spatial": {
            "@type": "dct:Location",
            "dcat:bbox": {
                "@type": "http://www.opengis.net/ont/geosparql#wktLiteral",
                "@value": _outline(description),
            },
        },
        "dct:temporal": {
            "@type": "dct:PeriodOfTime",
            "dcat:startDate": _day(description.first_day.isoformat()),
            "dcat:endDate": _day(description.last_day.isoformat()),
        },
        "dct:provenance": {
            "@type": "dct:ProvenanceStatement",
            "rdfs:label": [_text(description.attribution, "en")],
        },
        "dcat:distribution": [
            _distribution(description, resource) for resource in description.resources
        ],
    }
    if dataset.contact:
        document["dcat:contactPoint"] = {
            "@type": "vcard:Organization",
            "vcard:fn": dataset.publisher or description.region.id,
            "vcard:hasEmail": {"@id": f"mailto:{dataset.contact}"},
        }
    if dataset.address:
        document["dcat:landingPage"] = {"@id": dataset.address}
    if dataset.changes:
        document["dct:issued"] = _day(dataset.changes[0].day.isoformat())
        document["dct:modified"] = _day(dataset.changes[-1].day.isoformat())
        document["adms:versionNotes"] = [_text(dataset.changes[-1].text, "en")]
    return document


def _outline(description: Description) -> str:
    """Return the box as WKT, cut at 180 degrees where it crosses them."""
    rings = [",".join(f"{lon} {lat}" for lon, lat in box_corners(box)) for box in description.boxes]
    if len(rings) == 1:
        return f"POLYGON(({rings[0]}))"
    return f"MULTIPOLYGON({','.join(f'(({ring}))' for ring in rings)})"


def _distribution(description: Description, resource: Resource) -> dict[str, object]:
    title = table_title(TITLES, resource)
    file = {"@id": description.address(resource.path)}
    # DCAT names the media type of what is inside and that of the compression apart.
    media = resource.media_type.split(";")[0]
    document: dict[str, object] = {
        "@type": "dcat:Distribution",
        "dct:title": [
            _text(f"{title[x]} ({resource.file.format})", x) for x in description.languages
        ],
        "dcat:accessURL": file,
        "dcat:downloadURL": file,
        "dct:format": {"@id": FILE_TYPES + FORMATS[resource.file.format]},
        "dcat:mediaType": {"@id": IANA + media},
        "dcat:byteSize": {"@type": "xsd:nonNegativeInteger", "@value": str(resource.file.bytes)},
        "spdx:checksum": {
            "@type": "spdx:Checksum",
            "spdx:algorithm": {"@id": "spdx:checksumAlgorithm_sha256"},
            "spdx:checksumValue": {"@type": "xsd:hexBinary", "@value": resource.file.sha256},
        },
        "dct:rights": {
            "@type": "dct:RightsStatement",
            "rdfs:label": [_text(description.attribution, "en")],
        },
    }
    if resource.path.endswith(".gz"):
        document["dcat:compressFormat"] = {"@id": f"{IANA}application/gzip"}
    if description.licence is not None:
        document["dct:license"] = {"@id": description.licence.address}
    return document


def _texts(description: Description, text: Callable[[str], str]) -> list[dict[str, str]]:
    return [_text(text(language), language) for language in description.languages]


def _text(text: str, language: str) -> dict[str, str]:
    return {"@language": language, "@value": text}


def _day(day: str) -> dict[str, str]:
    return {"@type": "xsd:date", "@value": day}
