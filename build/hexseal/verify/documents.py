"""Documents, checksums and the build record: by their schemas and by the bytes they name."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb
import yaml

from hexseal.datasets.documents import NAME, checksum_lines, listed_files
from hexseal.errors import HexsealError, InputError
from hexseal.exchange.record import FOLDER, RECORD, damaged_files, has_record, read_record
from hexseal.metadata import schema_problems
from hexseal.storage.database import connect, fetch
from hexseal.storage.files import sha256
from hexseal.storage.workdir import WorkFolder
from hexseal.verify.figures import SUMMARY
from hexseal.verify.pages import PageSettings

# Documents of site/data that must be there, and their schema.
SCHEMAS = {
    "codebook.json": "codebook",
    "datapackage.json": "datapackage",
    "dcat.jsonld": "dcat",
    "croissant.json": "croissant",
    "stac/collection.json": "stac_collection",
    "CITATION.cff": "citation",
}
OTHERS = (("stac/*.json", "stac_item"), ("schema_org_*.json", "schema_org"))
MULTIHASH = "1220"
Node = Mapping[str, object]
UNREADABLE = "cannot be read"
# Names that carry the start of a digest: app-0123456789.js, origins-0123456789/.
HASHED = re.compile(r"(?P<stem>.+)-(?P<digest>[0-9a-f]{10})(?:\.\w+)?")
FOLDERS = ("assets", "tiles")


def check_documents(site: Path, digests: Mapping[str, str]) -> Iterator[str]:
    """Return what is missing, breaks its schema, or describes another file than the one there."""
    data = site / "data"
    found = dict(SCHEMAS)
    for pattern, schema in OTHERS:
        names = [path.relative_to(data).as_posix() for path in sorted(data.glob(pattern))]
        if not names:
            yield f"data/{pattern}: is missing"
        found |= {name: schema for name in names if name not in SCHEMAS}
    for name, schema in found.items():
        if not (data / name).is_file():
            yield f"data/{name}: is missing"
            continue
        text = (data / name).read_text(encoding="utf-8")
        try:
            document = yaml.safe_load(text) if name.endswith(".cff") else json.loads(text)
        except (ValueError, yaml.YAMLError) as err:
            yield f"data/{name}: cannot be read ({' '.join(str(err).split())[:120]})"
            continue
        lines = list(schema_problems(document, schema))
        yield from (f"data/{name}: breaks its schema at {line}" for line in lines)
        if not lines:
            yield from _check_mentions(name, document, digests)


def _check_mentions(name: str, document: object, digests: Mapping[str, str]) -> Iterator[str]:
    known = {digest: file for file, digest in digests.items()}
    for node in _nodes(document):
        digest = _checksum_of(node)
        if digest is None:
            continue
        if digest not in known:
            file = next((str(node[key]) for key in ("path", "href", "name") if key in node), "")
            yield f"data/{name}: lists {file} with SHA-256 {digest[:12]}, which is not there"


def _nodes(value: object) -> Iterator[Node]:
    """Return every object within a document."""
    if isinstance(value, Mapping):
        yield value
        for inner in value.values():
            yield from _nodes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _nodes(inner)


def _checksum_of(node: Node) -> str | None:
    """Return the SHA-256 that an object holds, in whichever way its document has."""
    for key, prefix in (
        ("sha256", ""), ("hash", "sha256:"), ("file:checksum", MULTIHASH),
    ):  # fmt: skip
        value = node.get(key)
        if isinstance(value, str):
            return value.removeprefix(prefix)
    value = node.get("spdx:checksumValue")
    if isinstance(value, Mapping):
        return str(value.get("@value"))
    return None


def digests_of(site: Path) -> dict[str, str]:
    """Return the SHA-256 of every file that SHA256SUMS lists, by its path in the site.

    A file that cannot be read has no digest but the text ``UNREADABLE``.
    """
    return {name: _sha256(site / name) for name in listed_files(site)}


def _sha256(path: Path) -> str:
    try:
        return sha256(path)
    except OSError:
        return UNREADABLE


def check_checksums(site: Path, digests: Mapping[str, str]) -> list[str]:
    """Return the files that SHA256SUMS lacks, or that are missing, changed or unreadable."""
    path = site / NAME
    if not path.is_file():
        return [f"{NAME}: is missing"]
    content = path.read_bytes()
    if content == checksum_lines(digests).encode():
        return []
    lines = content.decode("utf-8", "replace").splitlines()
    listed = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    problems = [f"{NAME}: does not name {name}" for name in digests.keys() - listed.keys()]
    problems += [f"{name}: is missing" for name in listed.keys() - digests.keys()]
    problems += [
        f"{name}: {UNREADABLE}"
        if digests[name] == UNREADABLE
        else f"{name}: is not the file that {NAME} lists (SHA-256 differs)"
        for name in listed.keys() & digests.keys()
        if listed[name] != digests[name]
    ]
    return sorted(problems) or [f"{NAME}: is not written as sha256sum writes it"]


def check_hashed_names(site: Path, digests: Mapping[str, str]) -> Iterator[str]:
    """Return the files and folders of assets and tiles whose name is not that of their bytes.

    A script that carries an archive has the digest of the archive.
    """
    archives = {digest[:10] for name, digest in digests.items() if name.endswith(".pmtiles")}
    for folder in FOLDERS:
        for path in sorted((site / folder).glob("*-*")):
            found = HASHED.fullmatch(path.name)
            if found is None:
                continue
            if path.is_dir():
                digest = _digest_of_scripts(path)
            else:
                digest = digests.get(path.relative_to(site).as_posix(), "")[:10]
            if found["digest"] not in (digest, *(archives if path.suffix == ".js" else ())):
                name = path.relative_to(site).as_posix()
                yield f"{name}: its name does not fit its bytes ({digest})"


def _digest_of_scripts(folder: Path) -> str:
    """Return the start of the digest over all scripts of a folder, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.js"), key=lambda path: path.stem):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:10]


def check_merging(site: Path, settings: PageSettings) -> list[str]:
    """Return what is wrong with the counts for merging; a site without them has none."""
    if not has_record(site):
        return []
    try:
        record = read_record(site)
    except InputError as err:
        return [str(err)]
    problems = damaged_files(site, record)
    return problems or _check_total(site, settings)


def _check_total(site: Path, settings: PageSettings) -> list[str]:
    """Compare the valid area of the counted cells with the one that the page prints."""
    totals = json.loads((site / SUMMARY).read_text(encoding="utf-8"))["totals"]
    name = f"{FOLDER}/{WorkFolder(site).cells.name}"
    try:
        with connect(site) as database:
            ((valid_m2,),) = fetch(
                database,
                "verify_counts",
                names={"years": settings.years},
                values={"cells": str(site / name)},
            )
    except (HexsealError, duckdb.Error) as err:
        return [f"{name}: cannot be read ({' '.join(str(err).split())}); {RECORD} names it"]
    printed = totals["valid_m2"]
    if abs(valid_m2 - printed) > 0.01:
        return [f"{name}: valid area sums to {valid_m2} m2, the page prints {printed}"]
    return []
