"""Records for repositories and geoportals: DataCite 4.5, ISO 19115-3, CITATION.cff, changelog.

https://datacite-metadata-schema.readthedocs.io/en/4.5/ and
https://schemas.isotc211.org/19115/-3/ (mdb 2.0). A DOI is not given here: the repository that
takes the record assigns one.
"""

import json
from collections.abc import Iterator
from xml.sax.saxutils import escape

from hexseal.metadata.description import KEYWORDS, Description, Resource

NAMESPACES = {
    "mdb": "http://standards.iso.org/iso/19115/-3/mdb/2.0",
    "mcc": "http://standards.iso.org/iso/19115/-3/mcc/1.0",
    "cit": "http://standards.iso.org/iso/19115/-3/cit/2.0",
    "mri": "http://standards.iso.org/iso/19115/-3/mri/1.0",
    "mco": "http://standards.iso.org/iso/19115/-3/mco/1.0",
    "mrd": "http://standards.iso.org/iso/19115/-3/mrd/1.0",
    "gex": "http://standards.iso.org/iso/19115/-3/gex/1.0",
    "lan": "http://standards.iso.org/iso/19115/-3/lan/1.0",
    "gco": "http://standards.iso.org/iso/19115/-3/gco/1.0",
    "gml": "http://www.opengis.net/gml/3.2",
}
LISTS = "http://standards.iso.org/iso/19115/resources/Codelists/cat/codelists.xml"
LANGUAGES = {"en": "eng", "fr": "fra"}


def datacite(description: Description) -> dict[str, object]:
    """Return the record that DataCite's repositories import."""
    dataset = description.region.dataset
    publisher = dataset.publisher or "hexseal"
    document: dict[str, object] = {
        "schemaVersion": "http://datacite.org/schema/kernel-4",
        "types": {"resourceTypeGeneral": "Dataset", "resourceType": "Statistics"},
        "creators": [{"name": publisher, "nameType": "Organizational"}],
        "titles": [
            {"title": description.title(language), "lang": language}
            if not place
            else {
                "title": description.title(language),
                "lang": language,
                "titleType": "TranslatedTitle",
            }
            for place, language in enumerate(description.languages)
        ],
        "publisher": {"name": publisher},
        "publicationYear": _year(description),
        "version": dataset.version,
        "language": description.languages[0],
        "subjects": [{"subject": word} for word in KEYWORDS],
        "descriptions": [
            {"description": description.summary(x), "descriptionType": "Abstract", "lang": x}
            for x in description.languages
        ],
        "dates": [
            {"date": f"{description.first_day}/{description.last_day}", "dateType": "Coverage"},
            *({"date": c.day.isoformat(), "dateType": "Updated"} for c in dataset.changes),
        ],
        "geoLocations": [{"geoLocationBox": _box(description)}],
        "formats": sorted({resource.media_type for resource in description.resources}),
        "sizes": [f"{sum(resource.file.bytes for resource in description.resources)} bytes"],
        "relatedIdentifiers": list(_sources(description)),
    }
    if description.licence is not None:
        document["rightsList"] = [_rights(description)]
    if dataset.address:
        document["url"] = dataset.address
    return document


def _year(description: Description) -> int:
    """Return the year of the last version, or that of the last map where none is dated."""
    changes = description.region.dataset.changes
    return changes[-1].day.year if changes else description.last_day.year


def _box(description: Description) -> dict[str, float]:
    west, south, east, north = description.bounds
    return {
        "westBoundLongitude": west, "eastBoundLongitude": east,
        "southBoundLatitude": south, "northBoundLatitude": north,
    }  # fmt: skip


def _rights(description: Description) -> dict[str, str]:
    assert description.licence is not None
    rights = {"rights": description.licence.name, "rightsUri": description.licence.address}
    if description.licence.spdx:
        rights |= {
            "rightsIdentifier": description.licence.spdx,
            "rightsIdentifierScheme": "SPDX",
            "schemeUri": "https://spdx.org/licenses/",
        }
    return rights


def _sources(description: Description) -> Iterator[dict[str, str]]:
    """Yield the maps by their DOI; a simulated region has none."""
    if description.region.simulated:
        return
    for year, doi in sorted(description.region.product.dois.items()):
        if year in description.region.years:
            yield {
                "relatedIdentifier": doi,
                "relatedIdentifierType": "DOI",
                "relationType": "IsDerivedFrom",
                "resourceTypeGeneral": "Dataset",
            }


def iso_19115(description: Description) -> str:
    """Return the record that geoportals harvest, in the first language of the site."""
    names = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
    parts = (
        _tag(
            "mdb:metadataIdentifier",
            _tag("mcc:MD_Identifier", _words("mcc:code", description.region.id)),
        ),
        _tag("mdb:defaultLocale", _locale(description.languages[0])),
        _tag("mdb:metadataScope", _scope()),
        _tag("mdb:contact", _party(description, "pointOfContact")),
        _date("mdb:dateInfo", _revised(description), "revision"),
        *(_tag("mdb:otherLocale", _locale(x)) for x in description.languages[1:]),
        _tag("mdb:identificationInfo", _identification(description)),
        _tag("mdb:distributionInfo", _distribution(description)),
    )
    inner = "".join(parts)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<mdb:MD_Metadata {names}>{inner}</mdb:MD_Metadata>\n"
    )


def _identification(description: Description) -> str:
    language = description.languages[0]
    citation = (
        _words("cit:title", description.title(language))
        + _date("cit:date", _revised(description), "revision")
        + _words("cit:edition", description.region.dataset.version)
    )
    west, south, east, north = description.bounds
    box = "".join(
        _tag(f"gex:{name}", _tag("gco:Decimal", f"{value!r}"))
        for name, value in (
            ("westBoundLongitude", west), ("eastBoundLongitude", east),
            ("southBoundLatitude", south), ("northBoundLatitude", north),
        )
    )  # fmt: skip
    period = (
        '<gml:TimePeriod gml:id="period">'
        f"<gml:beginPosition>{description.first_day}</gml:beginPosition>"
        f"<gml:endPosition>{description.last_day}</gml:endPosition></gml:TimePeriod>"
    )
    extent = _tag(
        "gex:EX_Extent",
        _tag("gex:geographicElement", _tag("gex:EX_GeographicBoundingBox", box))
        + _tag("gex:temporalElement", _tag("gex:EX_TemporalExtent", _tag("gex:extent", period))),
    )
    keywords = "".join(_words("mri:keyword", word) for word in KEYWORDS)
    return _tag(
        "mri:MD_DataIdentification",
        _tag("mri:citation", _tag("cit:CI_Citation", citation))
        + _words("mri:abstract", f"{description.summary(language)} {description.attribution}")
        + _tag("mri:pointOfContact", _party(description, "publisher"))
        + _tag("mri:topicCategory", _tag("mri:MD_TopicCategoryCode", "environment"))
        + _tag("mri:extent", extent)
        + _tag("mri:descriptiveKeywords", _tag("mri:MD_Keywords", keywords))
        + _tag("mri:resourceConstraints", _constraints(description))
        + _tag("mri:defaultLocale", _locale(language)),
    )


def _constraints(description: Description) -> str:
    code = _code("mco:MD_RestrictionCode", "otherRestrictions")
    words = (
        f"{description.licence.name}: {description.licence.address}"
        if description.licence
        else "not stated"
    )
    return _tag(
        "mco:MD_LegalConstraints",
        _tag("mco:useConstraints", code)
        + _words("mco:otherConstraints", words)
        + _words("mco:otherConstraints", description.attribution),
    )


def _distribution(description: Description) -> str:
    links = "".join(
        _tag("mrd:onLine", _link(description, resource)) for resource in description.resources
    )
    options = _tag("mrd:transferOptions", _tag("mrd:MD_DigitalTransferOptions", links))
    return _tag("mrd:MD_Distribution", options)


def _link(description: Description, resource: Resource) -> str:
    return _tag(
        "cit:CI_OnlineResource",
        _words("cit:linkage", description.address(resource.path))
        + _words("cit:name", resource.path)
        + _words("cit:description", f"{resource.file.format}, sha256:{resource.file.sha256}")
        + _tag("cit:function", _code("cit:CI_OnLineFunctionCode", "download")),
    )


def _party(description: Description, role: str) -> str:
    dataset = description.region.dataset
    contact = ""
    if dataset.contact:
        address = _tag("cit:CI_Address", _words("cit:electronicMailAddress", dataset.contact))
        contact = _tag("cit:contactInfo", _tag("cit:CI_Contact", _tag("cit:address", address)))
    party = _tag(
        "cit:CI_Organisation", _words("cit:name", dataset.publisher or "hexseal") + contact
    )
    return _tag(
        "cit:CI_Responsibility",
        _tag("cit:role", _code("cit:CI_RoleCode", role)) + _tag("cit:party", party),
    )


def _revised(description: Description) -> str:
    changes = description.region.dataset.changes
    return (changes[-1].day if changes else description.last_day).isoformat()


def _date(tag: str, day: str, kind: str) -> str:
    return _tag(
        tag,
        _tag(
            "cit:CI_Date",
            _tag("cit:date", _tag("gco:Date", day))
            + _tag("cit:dateType", _code("cit:CI_DateTypeCode", kind)),
        ),
    )


def _scope() -> str:
    code = _code("mcc:MD_ScopeCode", "dataset")
    return _tag("mdb:MD_MetadataScope", _tag("mdb:resourceScope", code))


def _locale(language: str) -> str:
    code = _code("lan:LanguageCode", LANGUAGES[language])
    charset = _code("lan:MD_CharacterSetCode", "utf8")
    return _tag(
        "lan:PT_Locale", _tag("lan:language", code) + _tag("lan:characterEncoding", charset)
    )


def _code(tag: str, value: str) -> str:
    name = tag.partition(":")[2]
    return f'<{tag} codeList="{LISTS}#{name}" codeListValue="{value}">{value}</{tag}>'


def _words(tag: str, text: str) -> str:
    return _tag(tag, _tag("gco:CharacterString", escape(text)))


def _tag(tag: str, inner: str) -> str:
    return f"<{tag}>{inner}</{tag}>"


def citation_cff(description: Description) -> str:
    """Return how to cite the datasets, in the Citation File Format 1.2.0.

    Texts are JSON strings, which are YAML too.
    """
    return "".join(f"{line}\n" for line in _lines(description))


def _lines(description: Description) -> Iterator[str]:
    dataset = description.region.dataset
    author = dataset.publisher or "hexseal"
    yield "cff-version: 1.2.0"
    yield f"message: {_text('If you use these data, please cite them and their sources.')}"
    yield "type: dataset"
    yield f"title: {_text(description.title('en'))}"
    yield f"abstract: {_text(description.summary('en') + ' ' + description.attribution)}"
    yield "authors:"
    yield f"  - name: {_text(author)}"
    yield f"version: {_text(dataset.version)}"
    if dataset.changes:
        yield f"date-released: {dataset.changes[-1].day.isoformat()}"
    if dataset.address:
        yield f"url: {_text(dataset.address)}"
    if description.licence is not None:
        known = description.licence.spdx
        yield f"license: {known}" if known else f"license-url: {_text(description.licence.address)}"
    yield "keywords:"
    yield from (f"  - {_text(word)}" for word in KEYWORDS)
    editions = [
        (year, doi)
        for year, doi in description.region.product.dois.items()
        if year in description.region.years
    ]
    if editions and not description.region.simulated:
        yield "references:"
        for year, doi in editions:
            yield "  - type: dataset"
            yield f"    title: {_text(f'{description.region.product.title} {year}')}"
            yield "    authors:"
            yield f"      - name: {_text(description.region.product.attribution)}"
            yield f"    doi: {_text(doi)}"


def changelog(description: Description) -> str:
    """Return what each version brought, the newest first."""
    dataset = description.region.dataset
    lines = [f"# {description.title('en')}: changes of the data", ""]
    for change in reversed(dataset.changes):
        lines += [f"## {change.version} ({change.day.isoformat()})", "", change.text, ""]
    if not dataset.changes:
        lines += [f"## {dataset.version}", "", "First version.", ""]
    sources = "; ".join(f"{year}: {source}" for year, source in description.sources.items())
    lines += [f"Made with hexseal {description.software} from {sources}.", ""]
    return "\n".join(lines)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
