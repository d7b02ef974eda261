"""Metadata documents: each keeps to its schema and holds the files' checksums."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from hexseal.metadata import schema_problems

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
        digest = _digest(node)
        if digest is None:
            continue
        if digest not in known:
            file = next((str(node[key]) for key in ("path", "href", "name") if key in node), "")
            yield f"data/{name}: tells of {file} with SHA-256 {digest[:12]}, which is not there"


def _nodes(value: object) -> Iterator[Node]:
    """Return every object within a document."""
    if isinstance(value, Mapping):
        yield value
        for inner in value.values():
            yield from _nodes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _nodes(inner)


def _digest(node: Node) -> str | None:
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
