"""Every piece of code that the data page shows is run against the files of a made site."""

import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import duckdb_extensions
import h3
import pyarrow.parquet as pq
import pyogrio
import pytest

from hexseal.pages.serve import make_server
from hexseal.pages.snippets import ANYWHERE, FOLDER

# Names of columns as snippets write them; years make them unmistakable.
COLUMN = re.compile(
    r"\b(?:h3_hex|land_m2|valid_m2|(?:sealed|new|unsealed|signal|confirmed|grade)\w*_\d{4})\b"
)
FILE = re.compile(r"[\w-]+\.(?:parquet|gpkg|csv\.gz)")


class Snippets(HTMLParser):
    """The code of a page by the id of its figure."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self.key = ""
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if "data-snippet" in values:
            self.key = values["id"] or ""
        self.inside = self.inside or (tag == "pre" and bool(self.key))

    def handle_endtag(self, tag: str) -> None:
        if tag == "pre":
            self.inside = False
        elif tag == "figure":
            self.key = ""

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.found[self.key] = self.found.get(self.key, "") + data


def read(page: Path) -> dict[str, str]:
    parser = Snippets()
    parser.feed(page.read_text(encoding="utf-8"))
    return parser.found


@pytest.fixture(scope="session")
def site(toy: Path) -> Path:
    return toy / "site"


@pytest.fixture(scope="session")
def code(site: Path) -> dict[str, str]:
    return read(site / "data.html")


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    server = make_server(site, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def folder(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the downloads, where the code is run."""
    copy = Path(shutil.copytree(site / "data", tmp_path / "data"))
    monkeypatch.chdir(copy)
    return copy


def test_every_template_stands_on_the_page_in_every_language(
    site: Path, code: dict[str, str]
) -> None:
    stored = {path.name.split(".")[0] for path in FOLDER.iterdir()}
    assert set(code) == stored
    assert read(site / "fr/data.html") == code


def test_every_snippet_is_run_here(code: dict[str, str]) -> None:
    run = {*SQL, *PYTHON, *R, "duckdb-http"}
    assert set(code) == run


SQL = ("duckdb-local", "duckdb-top", "duckdb-aggregate", "duckdb-join")
PYTHON = ("python-bbox", "python-geopandas", "python-polars", "python-h3")
R = ("r-arrow", "r-sf")


def fetched(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple]:
    """Run every statement; return the rows of the last."""
    rows: list[tuple] = []
    for statement in duckdb.extract_statements(sql):
        rows = connection.execute(statement).fetchall()
    return rows


@pytest.mark.usefixtures("folder")
def test_sql_reads_the_files(code: dict[str, str]) -> None:
    with duckdb.connect() as connection:
        local = fetched(connection, code["duckdb-local"])
        assert len(local) == 10
        assert all(h3.is_valid_cell(row[0]) for row in local)
        # The toy maps are too small to confirm anything: no figure, and the grade says why.
        assert {row[2:] for row in local} == {("inconclusive", None, "inconclusive")}
        assert {row[1] for row in local} <= {"West <b>half</b>", "Est é"}
        top = fetched(connection, code["duckdb-top"])
        assert all(name and layer != "region" for layer, name, *_ in top)
        assert [row[2] for row in top] == sorted((row[2] for row in top), reverse=True)
        ((share, wrong),) = fetched(connection, code["duckdb-aggregate"])
        # 670 sealed pixels of 16 400 that are land.
        assert share == pytest.approx(100 * 670 / 16_400)
        assert abs(wrong - share) > 0.1
        ((visits, sealed),) = fetched(connection, code["duckdb-join"])
        # The toy region has 30 hexagons of resolution 9, one visit each.
        assert visits == 30
        assert 0 <= sealed <= 1


def test_sql_reads_a_box_over_the_network(code: dict[str, str], address: str) -> None:
    assert ANYWHERE in code["duckdb-http"]
    with duckdb.connect() as connection:
        # The page lets DuckDB fetch its extension; here it comes from its package.
        duckdb_extensions.import_extension("httpfs", con=connection)
        connection.load_extension("httpfs")
        rows = fetched(connection, code["duckdb-http"].replace(ANYWHERE, address))
    assert rows
    assert len(rows) < 20
    assert all(h3.is_valid_cell(row[0]) for row in rows)


@pytest.mark.parametrize("key", PYTHON)
def test_python_prints_its_table(code: dict[str, str], folder: Path, key: str) -> None:
    script = folder / "snippet.py"
    script.write_text(code[key], encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:__main__", script],
        capture_output=True, text=True, cwd=folder, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    if key == "python-geopandas":
        # By hexagons, each in one area: all 670 sealed pixels of 100 m2 and 16 400 of land.
        east, west = (line.split() for line in done.stdout.splitlines()[2:])
        assert (east[:2], west[:2]) == (["Est", "é"], ["West", "<b>half</b>"])
        sealed, land = (float(east[n]) + float(west[n]) for n in (-3, -2))
        assert (sealed, land) == (67_000.0, 1_640_000.0)
        assert "Warning" not in done.stderr
    elif key == "python-bbox":
        # A tenth of the width and height of 30 hexagons: the few whose outlines meet the box.
        count, share = done.stdout.split()
        assert 1 <= int(count) <= 9
        assert 0 <= float(share) <= 1
    elif key == "python-polars":
        assert "sealed_share_2021" in done.stdout
        assert "null" not in done.stdout
    else:
        total = sum(float(line.split()[1]) for line in done.stdout.splitlines()[2:])
        assert total == pytest.approx(67_000)


@pytest.mark.parametrize("key", R)
def test_r_names_files_and_columns_that_are_there(
    code: dict[str, str], folder: Path, key: str
) -> None:
    names = FILE.findall(code[key])
    assert names
    columns: set[str] = set()
    for name in names:
        if name.endswith(".parquet"):
            columns |= set(pq.read_schema(folder / name).names)
        else:
            layer = re.findall(r'layer = "(\w+)"', code[key])[0]
            columns |= set(pyogrio.read_info(folder / name, layer=layer)["fields"])
    assert set(COLUMN.findall(code[key])) <= columns


@pytest.mark.parametrize("key", R)
def test_r_runs(code: dict[str, str], folder: Path, key: str) -> None:
    (library,) = re.findall(r"library\((arrow|sf)\)", code[key])
    if not has_r_library(library):
        pytest.skip(f"R with the package {library} is not installed")
    script = folder / "snippet.R"
    script.write_text(code[key], encoding="utf-8")
    done = subprocess.run(
        ["Rscript", script], capture_output=True, text=True, cwd=folder, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr.lower()
    if library == "sf":
        # The region itself and the two areas of the toy layer; R draws into a file.
        assert "with 3 features" in done.stdout
        assert (folder / "Rplots.pdf").stat().st_size > 1000
    else:
        # 670 sealed pixels of 100 m2.
        assert "67000" in done.stdout


def has_r_library(name: str) -> bool:
    program = shutil.which("Rscript")
    return program is not None and (
        subprocess.run(
            [program, "-e", f"library({name})"], capture_output=True, timeout=60, check=False
        ).returncode
        == 0
    )


def test_the_page_lists_every_file_with_its_checksum(site: Path) -> None:
    page = (site / "data.html").read_text(encoding="utf-8")
    files = [p for p in (site / "data").iterdir() if p.name.endswith((".parquet", ".csv.gz"))]
    assert len(files) > 8
    for path in files:
        assert f'href="data/{path.name}"' in page
    french = (site / "fr/data.html").read_text(encoding="utf-8")
    assert 'href="../data/toy_areas.parquet"' in french


def test_the_page_shows_rows_and_explains_every_column(site: Path) -> None:
    page = (site / "data.html").read_text(encoding="utf-8")
    schema = pq.read_schema(site / "data/toy_hexagons_r9.parquet")
    for name in schema.names:
        if name not in ("geometry", "bbox"):
            assert f"<code>{name}</code>" in page, name
    first = pq.read_table(site / "data/toy_hexagons_r9.parquet").slice(0, 1).to_pylist()[0]
    assert f"<td>{first['h3_hex']}</td>" in page
    # Names of areas are text, never markup.
    assert "West &lt;b&gt;half&lt;/b&gt;" in page


def test_the_page_and_the_readme_name_pieces_and_checksums_once(site: Path) -> None:
    page = (site / "data.html").read_text(encoding="utf-8")
    assert 'href="SHA256SUMS"' in page
    assert page.count('href="data/stac/') == 1
    readme = (site / "data/README.txt").read_text(encoding="utf-8")
    package = (site / "data/datapackage.json").read_text(encoding="utf-8")
    for piece in (
        "toy_hexagons_r9_by_parent/parent=H3/part-0.parquet",
        "toy_hexagons_r9_by_half/half=ID/part-0.parquet",
    ):
        assert piece in readme
        assert piece in package
