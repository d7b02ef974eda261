"""The schema of region files: as the readers take keys, as editors check, as the pages say."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from sites import SHIPPED_REGIONS, hexseal

from hexseal.errors import RegionError
from hexseal.region.load import load_region
from hexseal.region.schema import REQUIRED, TABLES, Key, json_schema, key_at
from hexseal.region.toml import TableReader

ROOT = Path(__file__).parents[1]
# Every key, in two files because some exclude each other.
EVERY_KEY = """
[region]
id = "a"
title = "A"
simulated = true
window = [0, 0, 1, 1]
[product]
name = "clcplus"
nodata = [0]
[[epoch]]
year = 2018
landcover = "a.tif"
source = "s"
reference_period = [2018-01-01, "2018-12-31"]
confidence = "c.tif"
post_processing = "p.tif"
[[epoch]]
year = 2021
[epoch.forward]
imagery = "i.tif"
calibration_imagery = "j.tif"
model = "m"
missing_bands = "mean"
clouds = "mask"
[hexagons]
finest = 9
coarsest = 5
[[areas]]
layer = "x"
path = "x.gpkg"
layer_name = "l"
id = "id"
name = "name"
population = "people"
title = "X"
[noise]
post_processing = false
three_dates = false
confidence = 1
edge_tolerance = 1
minimum_patch = 2
level = 0.2
decoy_ratio = 2
[accuracy.2018]
users = 0.9
producers = 0.8
users_se = 0.01
producers_se = 0.01
[site]
languages = ["fr"]
standalone = "never"
basemap = "b.pmtiles"
pixels = "never"
[places]
path = "towns.gpkg"
name = "name"
[target]
base = [2018, 2021]
year = 2031
reduction = 50
[dataset]
version = "1.1.0"
publisher = "P"
contact = "c@example.org"
address = "https://example.org/"
licence = "CC0-1.0"
split_by = ["x"]
rasters = true
[[dataset.changes]]
version = "1.1.0"
date = 2024-01-01
text = "t"
[simulation]
folder = "f"
size_km = [8, 6]
seed = 2
[fetch]
bbox = [0, 0, 1, 1]
crs = "EPSG:3035"
select = "a = 1"
folder = "in"
[fetch.clcplus]
years = [2018]
datasets = { 2023 = ["a", "b"] }
[fetch.sentinel2]
years = [2021]
catalogue = "https://example.org/c"
months = [6, 7]
cloud_percent = 10
scenes = 3
observations = 1
bands = ["B02"]
mask = [0]
widen = 1
resampling = "cubic"
[[fetch.boundaries]]
layer = "n"
nuts = 3
year = 2021
[[fetch.boundaries]]
layer = "l"
lau = 2021
[[fetch.boundaries]]
layer = "o"
address = "https://example.org/o.gpkg"
"""
OTHER_KEYS = """
[region]
id = "b"
[product]
name = "custom"
title = "T"
attribution = "A"
sealed = [1]
water = [2]
valid = [1, 2]
nodata = [0]
[[epoch]]
year = 2018
landcover = "a.tif"
[accuracy]
points = "p.csv"
crs = "EPSG:4326"
greenhouses = true
sample = ["l.csv"]
[fetch]
boundary = "b.gpkg"
[[fetch.boundaries]]
layer = "l"
lau = 2021
"""
WORLD_KEYS = """
[region]
id = "c"
[product]
name = "worldcover"
[[epoch]]
year = 2020
landcover = "a.tif"
[fetch]
bbox = [0, 0, 1, 1]
[fetch.worldcover]
years = [2020]
"""
IMAGES_ONLY = """
[region]
id = "d"
[[epoch]]
year = 2018
[epoch.forward]
imagery = "i.tif"
model = "m"
reference = "part.tif"
"""
DENSITIES = """
[region]
id = "e"
[product]
name = "imperviousness"
step = 15
[[epoch]]
year = 2018
landcover = "a.tif"
"""
DOCUMENTS = (EVERY_KEY, OTHER_KEYS, WORLD_KEYS, IMAGES_ONLY, DENSITIES)
# Defaults that follow from other keys, or conditions of being required, which only words can say.
FOLLOWS = {
    ("region", "title"), ("region", "simulated"), ("product", "attribution"), ("product", "sealed"),
    ("product", "valid"), ("product", "nodata"), ("product", "water"), ("epoch", "landcover"),
    ("epoch", "source"), ("fetch", "bbox"), ("region", "window"), ("noise", "decoy_ratio"),
    ("accuracy.YEAR", "users_se"), ("accuracy.YEAR", "producers_se"),
    ("areas", "title"), ("dataset", "split_by"), ("dataset", "version"), ("fetch", "folder"),
    ("fetch.clcplus", "datasets"),
    ("fetch.boundaries", "nuts"), ("fetch.boundaries", "lau"),
    ("fetch.boundaries", "address"), ("simulation", "size_km"), ("target", "base"),
}  # fmt: skip
TYPES = {
    str: "string", int: "integer", float: "number", bool: "boolean", list: "array", dict: "object",
}  # fmt: skip
Taken = dict[tuple[str, str], tuple[type, object]]


def plain(document: dict[str, Any]) -> Any:
    """Return what an editor sees: TOML's own dates as text."""
    return json.loads(json.dumps(document, default=date.isoformat))


def problems(document: dict[str, Any]) -> list[str]:
    validator = jsonschema.Draft7Validator(json_schema())
    return [error.message for error in validator.iter_errors(plain(document))]


def table_of(where: str) -> str:
    """Return the table that a message calls "epoch 1.forward", "accuracy.2018" or "changes 2"."""
    name = re.sub(r"\.\d{4}$", ".YEAR", re.sub(r" \d+", "", where))
    return {"changes": "dataset.changes", "boundaries": "fetch.boundaries"}.get(name, name)


def places_of(table: dict[str, Any], where: str) -> Iterator[tuple[str, str]]:
    """Yield table and key of everything in a document."""
    for key, value in table.items():
        yield where, key
        inner = f"{where}.{key}".removeprefix(".")
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, dict):
                yield from places_of(part, table_of(inner))


@pytest.fixture
def taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Taken:
    """Return table and key of all that the readers take, with type and default."""
    found: Taken = {}
    take = TableReader.take

    def noted(self: TableReader, key: str, kind: type, default: object = ...) -> object:
        found.setdefault((table_of(self.where), key), (kind, default))
        return take(self, key, kind, default)

    def titles(self: TableReader, key: str, *rest: object) -> object:
        found[table_of(self.where), key] = (object, None)
        return original(self, key, *rest)

    original = TableReader.titles
    monkeypatch.setattr(TableReader, "take", noted)
    monkeypatch.setattr(TableReader, "titles", titles)
    for number, text in enumerate(DOCUMENTS):
        name = f"{number}.toml"
        (tmp_path / name).write_text(text, encoding="utf-8")
        load_region(tmp_path / name)
        # Some keys are read past the methods above; what is left over is refused.
        found = dict.fromkeys(places_of(tomllib.loads(text), ""), (object, None)) | found
    tables = {table.name for table in TABLES}
    return {
        (table, key): how
        for (table, key), how in found.items()
        if f"{table}.{key}".removeprefix(".") not in tables
        and table in tables
        and not key.isdigit()
    }


def test_every_key_that_is_read_is_described_and_the_other_way_round(taken: Taken) -> None:
    described = {(table.name, key.name) for table in TABLES for key in table.keys}
    assert set(taken) == described


def test_types_and_defaults_are_those_of_the_readers(taken: Taken) -> None:
    for (table, name), (kind, default) in taken.items():
        key = key_at(table, name)
        assert key is not None
        if kind is not object:
            allowed = [k["type"] for k in key.kind.get("anyOf", [key.kind])]
            assert TYPES[kind] in allowed, (table, name)
        if (table, name) in FOLLOWS:
            continue
        wanted = {True: REQUIRED, False: default}[default is ...]
        assert as_list(key.default) == as_list(wanted), (table, name)


def as_list(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def test_every_key_has_a_meaning() -> None:
    for table in TABLES:
        for key in table.keys:
            assert key.help.endswith("."), (table.name, key.name)
            if key.default not in (None, REQUIRED):
                jsonschema.validate(plain({"v": as_list(key.default)})["v"], dict(key.kind))


def test_region_files_fit_the_schema() -> None:
    jsonschema.Draft7Validator.check_schema(json_schema())
    files = {path: path.read_text(encoding="utf-8") for path in SHIPPED_REGIONS}
    for name, text in {**files, **dict(enumerate(DOCUMENTS))}.items():
        assert problems(tomllib.loads(text)) == [], name


def places() -> Iterator[tuple[str, Key]]:
    for table in TABLES:
        for key in table.keys:
            yield table.name, key


def hold(document: dict[str, Any], table: str, key: str | None) -> dict[str, Any] | None:
    """Return the first table of that name that holds the key."""
    found: list[Any] = [document]
    for part in table.replace("YEAR", "2018").split("."):
        found = [inner[part] for inner in found if part in inner]
        found = [x for value in found for x in (value if isinstance(value, list) else [value])]
    return next((inner for inner in found if key is None or key in inner), None)


def as_toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{k}" = {as_toml(v)}' for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    return json.dumps(value) if isinstance(value, (str, bool)) else str(value)


def refused(document: dict[str, Any], folder: Path) -> bool:
    path = folder / "wrong.toml"
    path.write_text("\n".join(f"{k} = {as_toml(v)}" for k, v in document.items()), "utf-8")
    try:
        load_region(path)
    except RegionError:
        return True
    return False


@pytest.mark.parametrize(("table", "key"), places(), ids=lambda part: getattr(part, "name", part))
def test_schema_and_reader_refuse_the_same_wrong_values(
    table: str, key: Key, tmp_path: Path
) -> None:
    whole = next(
        document
        for document in map(tomllib.loads, DOCUMENTS)
        if hold(document, table, key.name) is not None
    )
    assert not refused(whole, tmp_path)
    wrong: list[object] = ["yes" if key.kind.get("type") == "boolean" else True]
    wrong += ["no such word"] if "enum" in key.kind else []
    wrong += [key.kind["minimum"] - 1] if "minimum" in key.kind else []
    wrong += [key.kind["maximum"] + 1] if "maximum" in key.kind else []
    for value in wrong:
        document = deepcopy(whole)
        inner = hold(document, table, key.name)
        assert inner is not None
        inner[key.name] = value
        assert problems(document), (table, key.name, value)
        assert refused(document, tmp_path), (table, key.name, value)


@pytest.mark.parametrize("table", [table.name for table in TABLES])
def test_schema_and_reader_refuse_an_unknown_key(table: str, tmp_path: Path) -> None:
    for text in DOCUMENTS:
        document = tomllib.loads(text)
        inner = hold(document, table, None)
        if inner is not None:
            inner["no_such_key"] = 1
            assert any("no_such_key" in line for line in problems(document))
            assert refused(document, tmp_path)


def test_the_command_prints_the_schema() -> None:
    result = hexseal("schema")
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out) == json.loads(json.dumps(json_schema()))


def test_the_reference_pages_are_current() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools/write_reference.py"), "--check"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")
