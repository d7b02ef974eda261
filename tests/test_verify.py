"""A spoilt site is found out: one thing wrong at a time."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sites import hexseal, write_region

from hexseal.errors import VerifyError
from hexseal.verify import verify_site
from hexseal.verify.pages import read_settings
from hexseal.verify.tiles import check_tiles


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verified")
    told = hexseal("build", write_region(folder / "inputs"), "--out", folder / "site")
    assert told.code == 0, told.err
    return folder / "site"


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


def change_confirmed(site: Path) -> None:
    path = site / "data/summary.json"
    summary = json.loads(path.read_text())
    summary["totals"]["confirmed_m2_2018_2021"] += 100.0
    path.write_text(json.dumps(summary))


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
        "its name and size do not fit its bytes",
    ),
    "no pixels": (lambda s: one(s, "tiles/pixels-*.pmtiles").unlink(), "is missing"),
    "other pixel script": (
        lambda s: one(s, "assets/pixels-*.js").write_text('x["pixels"]="AAAA";'),
        "does not hold the bytes",
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
    problems = verify_site(site).problems
    assert any(words in problem for problem in problems), problems


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


def test_every_command_stands_in_the_readme() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    listed = hexseal("--help").out.split("Commands:")[1]
    for line in listed.strip().splitlines():
        assert f"hexseal {line.split()[0]}" in readme
