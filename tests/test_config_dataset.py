"""The [dataset] table of a region file."""

from datetime import date
from pathlib import Path

import pytest

from hexseal.errors import RegionError
from hexseal.region.load import Dataset, DatasetChange, Licence, load_region

HEAD = """
[region]
id = "x"
[[epoch]]
year = 2018
landcover = "a.tif"
[[areas]]
layer = "town"
path = "t.gpkg"
id = "i"
name = "n"
"""


def load(folder: Path, text: str) -> Dataset:
    path = folder / "x.toml"
    path.write_text(HEAD + text, encoding="utf-8")
    return load_region(path).dataset


def test_nothing_need_be_said(tmp_path: Path) -> None:
    assert load(tmp_path, "") == Dataset("1.0.0", (), None, None, None, None, (), False)


def test_everything_may_be_said(tmp_path: Path) -> None:
    text = """
[dataset]
publisher = "Office"
contact = "data@example.org"
address = "https://example.org/seal"
licence = "CC-BY-4.0"
split_by = "town"
rasters = true
[[dataset.changes]]
version = "1.0.0"
date = 2026-01-31
text = "First."
[[dataset.changes]]
version = "1.1.0"
date = "2026-02-28"
text = "New areas."
"""
    dataset = load(tmp_path, text)
    assert dataset.version == "1.1.0"
    assert dataset.changes[1] == DatasetChange("1.1.0", date(2026, 2, 28), "New areas.")
    assert dataset.address == "https://example.org/seal/"
    assert dataset.licence == Licence(
        "Creative Commons Attribution 4.0",
        "https://creativecommons.org/licenses/by/4.0/",
        "CC-BY-4.0",
    )
    assert dataset.split_by == ("town",)
    assert dataset.rasters


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('version = "2"', "[dataset] version = '2': give three numbers, such as 1.0.0"),
        ('address = "example.org"', "[dataset] address = 'example.org': give the http(s) address"),
        ('licence = "free"', "[dataset] licence = 'free': give CC0-1.0, CC-BY-4.0"),
        ('split_by = "village"', "[dataset] split_by = 'village' is no layer of [[areas]] (town)"),
        ('split_by = ["town", "town"]', "[dataset] split_by = ['town', 'town']: give layers"),
        ('sort_by = "town"', "[dataset] sort_by is not a key that hexseal knows"),
        (
            'changes = [{ version = "1.0.0", date = "31/1/2026", text = "First." }]',
            "[changes 1] date = '31/1/2026': give a day as YYYY-MM-DD",
        ),
        (
            'version = "1.1.0"\nchanges = [{ version = "1.0.0", date = "2026-01-31", text = "x" }]',
            "[dataset] version = '1.1.0', but the last of [[dataset.changes]] is of '1.0.0'",
        ),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(RegionError) as caught:
        load(tmp_path, f"[dataset]\n{text}\n")
    assert str(caught.value).removeprefix(f"{tmp_path / 'x.toml'}: ").startswith(said)
