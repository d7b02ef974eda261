"""A spoilt site is found out: one thing wrong at a time."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from sites import hexseal, tool

from hexseal.datasets import write_checksums
from hexseal.errors import VerifyError
from hexseal.verify import verify_site
from hexseal.verify.documents import check_checksums, digests_of
from hexseal.verify.pages import read_settings
from hexseal.verify.tables import check_tables
from hexseal.verify.tiles import check_tiles


@pytest.fixture(scope="session")
def built(toy: Path) -> Path:
    return toy / "site"


def one(site: Path, pattern: str) -> Path:
    return sorted(site.glob(pattern))[0]


def add_to_page(text: str) -> Callable[[Path], object]:
    def spoil(site: Path) -> None:
        page = site / "index.html"
        page.write_text(page.read_text().replace("</body>", f"{text}</body>"))

    return spoil


def flip_last_byte(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def drop_policy(site: Path) -> None:
    page = site / "index.html"
    page.write_text(page.read_text().replace("Content-Security-Policy", "X-Nothing"))


def change_total(site: Path) -> None:
    path = site / "data/summary.json"
    summary = json.loads(path.read_text())
    summary["totals"]["sealed_m2_2018"] += 100.0
    path.write_text(json.dumps(summary))
    write_checksums(site)


def change_confirmed(site: Path) -> None:
    path = site / "data/summary.json"
    summary = json.loads(path.read_text())
    # The toy maps are inconclusive: no hexagon has a confirmed figure.
    summary["totals"]["confirmed_m2_2018_2021"] = 100.0
    path.write_text(json.dumps(summary))
    write_checksums(site)


def change_document(name: str, **values: object) -> Callable[[Path], object]:
    def spoil(site: Path) -> None:
        path = site / "data" / name
        path.write_text(json.dumps(json.loads(path.read_text()) | values))
        write_checksums(site)

    return spoil


def cut_archive(site: Path) -> None:
    path = one(site, "tiles/hexagons-*.pmtiles")
    path.write_bytes(path.read_bytes()[:200])


SPOILT: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing script": (lambda s: one(s, "assets/app-*.js").unlink(), "missing"),
    "foreign script": (
        add_to_page('<script src="https://example.org/x.js"></script>'),
        "another origin",
    ),
    "foreign picture": (add_to_page('<img alt="" src="//example.org/x.png">'), "another origin"),
    "dead link": (add_to_page('<a href="nowhere.html">x</a>'), "nowhere.html, which is missing"),
    "dead anchor": (add_to_page('<a href="#nowhere">x</a>'), "no such anchor"),
    "outside": (add_to_page('<a href="../../etc/passwd">x</a>'), "outside the site"),
    "foreign style": (
        lambda s: (s / "assets/x.css").write_text("p{background:url(https://example.org/x)}"),
        "another origin",
    ),
    "fetching script": (
        lambda s: (s / "assets/x.js").write_text('fetch("https://example.org/x")'),
        "fetches https://example.org/x",
    ),
    "no policy": (drop_policy, "no Content-Security-Policy"),
    "changed download": (lambda s: flip_last_byte(one(s, "data/*_r9.parquet")), "SHA-256"),
    "changed total": (change_total, "sealed_m2_2018 sums to 60000"),
    "changed confirmed": (change_confirmed, "confirmed_m2_2018_2021 sums to"),
    "no methodology": (
        lambda s: (s / "fr/methodology.html").unlink(),
        "methodology.html, which is missing",
    ),
    "cut archive": (cut_archive, "does not"),
    "changed pixels": (
        lambda s: flip_last_byte(one(s, "tiles/pixels-*.pmtiles")),
        "its name does not fit its bytes",
    ),
    "no pixels": (lambda s: one(s, "tiles/pixels-*.pmtiles").unlink(), "is missing"),
    "other pixel script": (
        lambda s: one(s, "assets/pixels-*.js").write_text('x["pixels"]="AAAA";'),
        "does not hold the bytes",
    ),
    "a file nobody knows": (
        lambda s: (s / "data/new.txt").write_text("x"),
        "SHA256SUMS: does not name data/new.txt",
    ),
    "lost document": (lambda s: (s / "data/dcat.jsonld").unlink(), "data/dcat.jsonld: is missing"),
    "no version": (
        change_document("datapackage.json", version="two"),
        "data/datapackage.json: breaks its schema at $.version: 'two'",
    ),
    "no licence": (
        change_document("stac/collection.json", license=None),
        "data/stac/collection.json: breaks its schema at $.license",
    ),
    "another file": (
        change_document("schema_org_en.json", note={"name": "x.csv", "sha256": "0" * 64}),
        "data/schema_org_en.json: lists x.csv with SHA-256 000000000000",
    ),
    "other script": (
        lambda s: one(s, "assets/tiles-*.js").write_text('x="AAAA";'),
        "does not hold the bytes",
    ),
    "a partition's script is another": (
        lambda site: flip_last_byte(one(site, "assets/partitions/*.js")),
        "does not carry the bytes of data/",
    ),
    "a partition's script is missing": (
        lambda site: one(site, "assets/partitions/*.js").unlink(),
        ".js: is missing",
    ),
}


@pytest.mark.parametrize("name", SPOILT)
def test_what_is_spoilt_is_told(built: Path, tmp_path: Path, name: str) -> None:
    site = tmp_path / "site"
    shutil.copytree(built, site)
    spoil, words = SPOILT[name]
    spoil(site)
    found = check_checksums(site, digests_of(site))
    # Whoever spoils a site may have written its checksums again.
    write_checksums(site)
    found += verify_site(site).problems
    assert any(words in problem for problem in found), found


@pytest.mark.parametrize(
    ("column", "spoilt"),
    [
        ("confirmed_m2_2018_2021", pa.scalar(12_300.0)),
        ("adjusted_m2_2018_2021", pa.scalar(-1_000.0)),
        ("adjusted_low_m2_2018_2021", pa.scalar(-1_000.0)),
        ("adjusted_high_m2_2018_2021", pa.scalar(99_000.0)),
        ("signal_2018_2021", pa.scalar("loss")),
    ],
)
def test_tiles_that_differ_from_the_dataset_are_told(
    built: Path, tmp_path: Path, column: str, spoilt: pa.Scalar
) -> None:
    site = tmp_path / "site"
    shutil.copytree(built, site)
    path = one(site, "data/*_hexagons_r9.parquet")
    table = pq.read_table(path)
    place = table.schema.get_field_index(column)
    values = [spoilt.as_py(), *table[column].to_pylist()[1:]]
    pq.write_table(table.set_column(place, column, pa.array(values)), path)
    settings = read_settings(site / "index.html")
    assert check_tiles(built, settings) == []
    assert any("differ in 1 cells" in problem for problem in check_tiles(site, settings))


def test_a_sound_site_has_no_problems_and_a_spoilt_one_exits_with_1(
    built: Path, tmp_path: Path
) -> None:
    report = verify_site(built)
    assert report.problems == ()
    site = tmp_path / "site"
    shutil.copytree(built, site)
    drop_policy(site)
    assert hexseal("verify", site).code == 1


def test_a_folder_without_a_site_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VerifyError, match=r"no index\.html"):
        verify_site(tmp_path)


def test_every_command_is_in_the_reference() -> None:
    reference = Path(__file__).parents[1] / "docs/reference/commands.md"
    readme = reference.read_text(encoding="utf-8")
    listed = hexseal("--help").out.split("Commands:")[1]
    for line in listed.strip().splitlines():
        assert f"hexseal {line.split()[0]}" in readme


def rewrite(site: Path, pattern: str, change: Callable[[pa.Table], pa.Table]) -> None:
    path = one(site, pattern)
    metadata = pq.read_metadata(path).metadata or {}
    table = change(pq.read_table(path, partitioning=None))
    with pq.ParquetWriter(path, table.schema, store_schema=False) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(metadata)


def with_first(column: str, value: object) -> Callable[[pa.Table], pa.Table]:
    """Return a change of a column's first value."""

    def change(table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index(column)
        kind = table.schema.field(column).type
        values = pa.array([value, *table[column].to_pylist()[1:]], kind)
        return table.set_column(place, table.schema.field(column), values)

    return change


TABLES = {
    "missing value": (
        "data/*_hexagons_r9.parquet", with_first("lat", None), "lat has missing values",
    ),
    "share above 1": (
        "data/*_hexagons_r9.parquet", with_first("sealed_share_2018", 1.5), "rises to 1.5",
    ),
    "unknown signal": (
        "data/*_hexagons_r8.parquet", with_first("signal_2018_2021", "maybe"), "holds 'maybe'",
    ),
    "lost column": (
        "data/*_areas.parquet", lambda t: t.drop_columns(["land_m2"]), "not those of the codebook",
    ),
    "two rows of one area": (
        "data/*_areas.parquet", lambda t: pa.concat_tables([t, t.slice(0, 1)]),
        "1 keys stand more than once, region",
    ),
    "other type": (
        "data/*_transitions_areas.parquet",
        lambda t: t.set_column(5, "origin_class", t["origin_class"].cast(pa.int32())),
        "origin_class is int32, the codebook has UTINYINT",
    ),
    "parent": (
        "data/*_hexagons_r8.parquet", with_first("valid_pixels", 1),
        "hexagons_r8.parquet: 1 cells are not the sum of those in",
    ),
    "piece": (
        "data/*_by_parent/*/part-0.parquet", with_first("valid_m2", 1.0), "2 rows differ from",
    ),
    "split": (
        "data/*_by_half/*/part-0.parquet", with_first("valid_m2", 1.0), "1 rows differ from",
    ),
    "geopackage": (
        "data/*_hexagons_r9.parquet", with_first("land_m2", 1.0), "land_m2 of hexagons_r9 sums to",
    ),
    "outline": (
        "data/*_hexagons_r9.parquet", with_first("geometry", shapely.box(0, 0, 1, 1).wkb),
        "1 outlines reach out of their bbox",
    ),
    "centre": (
        "data/*_hexagons_r9.parquet", with_first("lon", 0.0), "1 cells do not hold their own",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_tables_that_contradict_each_other_or_the_codebook_are_told(
    built: Path, tmp_path: Path, name: str
) -> None:
    site = tmp_path / "site"
    shutil.copytree(built, site)
    pattern, change, words = TABLES[name]
    rewrite(site, pattern, change)
    problems = list(check_tables(site, read_settings(site / "index.html")))
    assert any(words in problem for problem in problems), problems


def test_tables_of_a_sound_site_have_no_problem(built: Path) -> None:
    assert list(check_tables(built, read_settings(built / "index.html"))) == []


def test_flipped_bytes_are_found_and_never_a_traceback(built: Path) -> None:
    """The short version of tools/fuzz_site.py."""
    counts = tool("fuzz_site").fuzz(built, 6, seed=7)
    assert counts["as it is", "found"] == 6
    assert sum(counts.values()) == 12
    assert not [found for _, found in counts if found == "FAILED"]
