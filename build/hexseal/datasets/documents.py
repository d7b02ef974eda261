"""Codebook, metadata documents, checksums and the archive beside the tables."""

import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.parquet as pq

from hexseal.codebook import (
    Book,
    Table,
    codebook_csv,
    codebook_json,
    columns_of,
    spread_of,
    tables_of,
)
from hexseal.datasets.provenance import Provenance
from hexseal.manifest import Document, Download
from hexseal.metadata import (
    Description,
    Resource,
    changelog,
    citation_cff,
    croissant,
    data_package,
    datacite,
    dcat,
    iso_19115,
    json_stat,
    schema_org,
    stac_documents,
)
from hexseal.region.load import Region
from hexseal.storage.files import SiteFolder, sha256, whole_file, write_bytes
from hexseal.types import Box

# A file beyond this is left out: whoever wants it takes it alone, and can resume.
MOST_BYTES = 50_000_000
# The earliest time that the format holds; a real time would change the bytes at every build.
FIXED_TIME = (1980, 1, 1, 0, 0, 0)
STORED = (".parquet", ".gz", ".tif")
NAME = "SHA256SUMS"


@dataclass(frozen=True, slots=True)
class Written:
    """The archive as a download, the documents, and the schema.org Dataset by language."""

    archive: Download
    documents: tuple[Document, ...]
    schema_org: Mapping[str, Mapping[str, object]]


def write_documents(
    region: Region, site: Path, downloads: Sequence[Download], provenance: Provenance
) -> Written:
    """Write what describes the downloads into site/data, and everything small into one ZIP file.

    The Data Package lies inside the archive, so it does not name it; the others do.
    """
    description = describe(region, site, downloads, provenance)
    spread = spread_of(region)
    book: Book = {table: columns_of(table, spread) for table in tables_of(spread)}
    first = {
        "codebook.csv": ("codebook", codebook_csv(book)),
        "codebook.json": ("codebook", codebook_json(book)),
        "README.txt": ("readme", _readme(description)),
        "CITATION.cff": ("citation", citation_cff(description)),
        "CHANGELOG.md": ("changelog", changelog(description)),
        "datapackage.json": ("datapackage", _json(data_package(description))),
    }
    documents = [_write(site, name, kind, text) for name, (kind, text) in first.items()]
    members = [*(item.path for item in downloads), *(document.path for document in documents)]
    path = site / "data" / f"{region.id}_data.zip"
    write_archive(site, path, members)
    archive = Download(
        f"data/{path.name}", "ZIP", "archive", None, None, path.stat().st_size, sha256(path)
    )
    whole = replace(description, resources=(*description.resources, _resource(region, archive)))
    later = {path: ("stac", _json(item)) for path, item in stac_documents(whole).items()}
    later["dcat.jsonld"] = ("dcat", _json(dcat(whole)))
    later["datacite.json"] = ("datacite", _json(datacite(whole)))
    later["iso19115-3.xml"] = ("iso19115", iso_19115(whole))
    areas = pq.read_table(site / "data" / f"{region.id}_areas.parquet")
    for name, document in json_stat(whole, areas).items():
        later[name] = ("jsonstat", _json(document))
    later["croissant.json"] = ("croissant", _json(croissant(whole)))
    pages = {language: schema_org(whole, language) for language in region.site.languages}
    for language, document in pages.items():
        later[f"schema_org_{language}.json"] = ("schema_org", _json(document))
    documents += [_write(site, name, kind, text) for name, (kind, text) in later.items()]
    return Written(archive, tuple(documents), pages)


def describe(
    region: Region, site: Path, downloads: Sequence[Download], provenance: Provenance
) -> Description:
    """Return what all documents state; bounds are those of the finest hexagons."""
    finest = next(item for item in downloads if item.resolution == region.hexagons.finest)
    geo = json.loads(pq.read_metadata(site / finest.path).metadata[b"geo"])
    return Description(
        region=region,
        sources=provenance.sources,
        attribution=provenance.attribution,
        licence=provenance.licence,
        bounds=Box(*geo["columns"][geo["primary_column"]]["bbox"]),
        resources=tuple(_resource(region, item) for item in downloads),
        software=provenance.version,
    )


def _resource(region: Region, item: Download) -> Resource:
    stem = item.path.removeprefix(f"data/{region.id}").lstrip("_").split(".")[0]
    name = f"{stem.replace('_', '-')}-{item.format.lower()}".lstrip("-")
    table: Table | None = next(
        (table for table in tables_of(spread_of(region)) if table == item.table), None
    )
    return Resource(item, name, columns_of(table, spread_of(region)) if table else ())


def _write(site: Path, name: str, kind: str, text: str) -> Document:
    path = site / "data" / name
    write_bytes(path, text.encode())
    return Document(kind, f"data/{name}", path.stat().st_size, sha256(path))


def _json(document: Mapping[str, object]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _readme(description: Description) -> str:
    licence = description.licence
    lines = []
    for language in description.languages:
        lines += [description.title(language), "", description.summary(language), ""]
    lines += [
        f"Version {description.region.dataset.version}, made with hexseal {description.software}.",
        description.attribution,
        f"Licence: {licence.name}, {licence.address}" if licence else "Licence: not stated",
        "",
        "codebook.csv describes every column. GeoParquet files have two more: geometry (WKB,",
        "longitude and latitude, OGC:CRS84) and bbox (its box). An empty value means no data, 0",
        "means none. To combine cells, add square metres and divide; never average shares.",
        "",
        "In the folder data/ of the site, not in the ZIP file: the finest hexagons once more in",
        "pieces (a folder's name is a column for readers of Hive partitions), and",
        "stac/collection.json. SHA256SUMS in the folder above data/ has the checksum of every file",
        "of the site (sha256sum -c SHA256SUMS).",
        *(f"  {piece}" for piece in description.pieces),
        "",
    ]
    return "\n".join(lines)


def write_archive(site: Path, path: Path, members: Iterable[str]) -> int:
    """Put the members (paths seen from the site) of at most 50 MB into one ZIP file, by name.

    Returns how many went in. Inside, names start at the folder data/.
    """
    chosen = sorted(name for name in members if (site / name).stat().st_size <= MOST_BYTES)
    with whole_file(path) as partial, zipfile.ZipFile(partial, "w") as archive:
        for name in chosen:
            entry = zipfile.ZipInfo(name, FIXED_TIME)
            # As written on Unix, readable by all, whatever system builds.
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            packed = name.endswith(STORED)
            entry.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            archive.writestr(entry, (site / name).read_bytes(), compresslevel=9)
    return len(chosen)


def listed_files(site: Path) -> list[str]:
    """Return the files that SHA256SUMS lists: all of the site but itself and the user's own."""
    left_out = {NAME, *SiteFolder.KEPT}
    paths = (path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file())
    return sorted(path for path in paths if path not in left_out)


def checksum_lines(digests: Mapping[str, str]) -> str:
    """Return the text of SHA256SUMS for hexadecimal SHA-256 by path.

    >>> checksum_lines({"a.txt": "00ff"})
    '00ff  a.txt\\n'
    """
    return "".join(f"{digests[name]}  {name}\n" for name in sorted(digests))


def write_checksums(site: Path) -> int:
    """Write SHA256SUMS over all other files of the site; return how many there are.

    Check with: cd site && sha256sum -c SHA256SUMS
    """
    digests = {name: sha256(site / name) for name in listed_files(site)}
    write_bytes(site / NAME, checksum_lines(digests).encode())
    return len(digests)
