"""JSON schemas of the documents, written for what hexseal writes: no package ships them offline."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from jsonschema import Draft202012Validator


def schema_problems(document: object, schema: str) -> Iterator[str]:
    """Return where a document breaks the schema SCHEMA.json, one line each."""
    for error in _validator(schema).iter_errors(document):  # pyright: ignore[reportArgumentType]
        yield f"{error.json_path}: {error.message[:200]}"


@cache
def _validator(schema: str) -> Draft202012Validator:
    path = Path(__file__).with_name(f"{schema}.json")
    return Draft202012Validator(json.loads(path.read_text(encoding="utf-8")))
