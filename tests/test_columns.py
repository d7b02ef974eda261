"""Columns have one home, the codebook: what is added there is everywhere, and nothing else is."""

import ast
import csv
import gzip
import io
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sites import hexseal, write_region

from hexseal.codebook import Column, columns_by, columns_for, tables
from hexseal.codebook.column import Spread
from hexseal.errors import ToolError
from hexseal.frontend import TEMPLATE
from hexseal.pages.locales import Locale
from hexseal.region.load import load_region
from hexseal.statistics.stage import write_statistics
from hexseal.storage.database import connect, run
from hexseal.types import Pair
from hexseal.verify.site import verify_site

ROOT = Path(__file__).parents[1]
SHARE = Column(
    "new_sealed_share_{pair}", "DOUBLE",
    {"en": "Share of land newly sealed", "fr": "Part des terres nouvellement imperméabilisées"},
    "1", 0, 1, null={"en": "no land", "fr": "aucune terre"},
    sql="new_sealed_m2_{pair} / nullif(land_m2, 0)",
)  # fmt: skip
NAME = "new_sealed_share_2018_2021"


def add(patch: pytest.MonkeyPatch, column: Column) -> None:
    """Add a column to hexagons and areas, as a line in codebook/measures.py would."""
    block = ("pair", (column,))
    changed = {name: (*tables.BLOCKS[name], block) for name in ("hexagons", "areas")}
    patch.setattr(tables, "BLOCKS", {**tables.BLOCKS, **changed})


def drop(patch: pytest.MonkeyPatch, name: str) -> None:
    """Remove a column from hexagons and areas."""
    changed = {
        table: tuple((per, tuple(c for c in block if c.name != name)) for per, block in blocks)
        for table, blocks in tables.BLOCKS.items()
    }
    patch.setattr(tables, "BLOCKS", changed)


@pytest.fixture
def work(toy: Path, tmp_path: Path) -> Path:
    """Return a copy of the toy region's working folder, as the stage of statistics finds it."""
    return Path(shutil.copytree(toy / "work/toy", tmp_path / "toy"))


def statistics(toy: Path, work: Path) -> None:
    write_statistics(load_region(toy / "inputs/toy.toml"), work)


@pytest.mark.slow
def test_an_added_column_is_in_every_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site"
    with monkeypatch.context() as patch:
        add(patch, SHARE)
        built = hexseal("build", write_region(tmp_path / "inputs"), "--out", site)
        assert built.code == 0, built.err
        assert verify_site(site).problems == ()
    data = site / "data"
    for stem in ("toy_hexagons_r9", "toy_areas"):
        found = pq.read_table(data / f"{stem}.parquet")
        for row in found.slice(0, 50).to_pylist():
            if row["land_m2"]:
                expected = row["new_sealed_m2_2018_2021"] / row["land_m2"]
                assert row[NAME] == pytest.approx(expected, abs=1e-12)
        text = gzip.decompress((data / f"{stem}.csv.gz").read_bytes()).decode()
        assert NAME in next(csv.reader([text.splitlines()[0]]))
    lines = list(csv.DictReader(io.StringIO((data / "codebook.csv").read_text(encoding="utf-8"))))
    assert {line["table"] for line in lines if line["column"] == NAME} == {"hexagons", "areas"}
    package = json.loads((data / "datapackage.json").read_text(encoding="utf-8"))
    named = [r["name"] for r in package["resources"] if NAME in json.dumps(r.get("schema", {}))]
    assert len(named) >= 4
    assert NAME in (site / "data.html").read_text(encoding="utf-8")
    assert SHARE.text["fr"] in (site / "fr/data.html").read_text(encoding="utf-8")
    problems = "\n".join(verify_site(site).problems)
    assert f"toy_areas.parquet: its columns are not those of the codebook (['{NAME}'])" in problems


def test_what_is_judged_but_has_no_column_is_an_error(
    toy: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(monkeypatch, "q_value_{pair}")
    with pytest.raises(ToolError) as caught:
        statistics(toy, work)
    assert str(caught.value) == (
        "statistics computes q_value (judged_hexagons_2018_2021), but no column of hexagons uses "
        "it; define one in build/hexseal/codebook"
    )


def test_a_column_that_nothing_computes_is_one_line(
    toy: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(monkeypatch, replace(SHARE, sql="paved_cm2_{pair} / 1e4"))
    with pytest.raises(ToolError) as caught:
        statistics(toy, work)
    assert re.match(
        r'.*hexagons_published\.sql: Binder Error: .*"paved_cm2_2018_2021" not found',
        str(caught.value),
    )
    assert "\n" not in str(caught.value)


def test_a_missing_sql_file_is_one_line(tmp_path: Path) -> None:
    with connect(tmp_path) as database, pytest.raises(ToolError) as caught:
        run(database, "no_such_file")
    assert "no_such_file.sql: cannot be used (TemplateNotFound" in str(caught.value)


def test_a_missing_text_is_one_line() -> None:
    locale = Locale("fr", {"a": "{name}"})
    with pytest.raises(ToolError, match=r"locales/fr\.json: text 'b' lacks 'b'; add it in every"):
        locale.text("b")
    with pytest.raises(ToolError, match="text 'a' lacks 'name'"):
        locale.text("a", other=1)


def test_columns_of_the_page_script_are_those_of_the_codebook() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools/write_columns.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_no_column_is_spelt_by_hand_in_the_page_script() -> None:
    names = "|".join(sorted({*columns_by("year"), *columns_by("pair")} - {"source"}))
    by_hand = re.compile(rf"`(?:{names})_\$\{{")
    for path in (TEMPLATE / "src").rglob("*.ts"):
        if path.name != "columns.ts":
            assert not by_hand.search(path.read_text(encoding="utf-8")), path


def test_columns_that_code_names_are_in_the_codebook() -> None:
    known = set(columns_by("pair"))
    seen = 0
    for path in (ROOT / "build/hexseal").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "column"
                and len(node.args) == 1
                and isinstance(node.args[0], ast.Constant)
            ):
                assert node.args[0].value in known, f"{path}:{node.lineno}"
                seen += 1
    assert seen > 5


def test_figures_of_tiles_stand_by_pair() -> None:
    spread = Spread((2018, 2021, 2024), (Pair(2018, 2021), Pair(2021, 2024)), ())
    names = [column.name for column in columns_for("tile", spread)]
    assert names[:5] == [
        "valid_m2",
        "land_m2",
        "sealed_m2_2018",
        "sealed_m2_2021",
        "sealed_m2_2024",
    ]
    assert names[5].startswith("new_sealed_m2_2018")
    assert names[-1] == "signal_2021_2024"
