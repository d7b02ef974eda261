"""Area files that are wrong, and hostile ones: refused by name, repaired and said so, or shown."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pyogrio.raw
import pytest
import shapely
from rasterfiles import NORTH, WEST, write_areas
from shapely import MultiPolygon, Point, Polygon
from sites import REGION, hexseal, hexseal_process, write_region

from hexseal.areas import AreasOptions, measure_areas
from hexseal.errors import InputError
from hexseal.region.load import load_region

Refused = Callable[..., None]
HOSTILE = (
    "../../x",
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(2)>",
    "a'b\"c",
)


def box(column: float, row: float, width: float, height: float) -> Polygon:
    """A box in pixels of the toy raster."""
    west, north = WEST + 10.0 * column, NORTH - 10.0 * row
    return shapely.box(west, north - 10.0 * height, west + 10.0 * width, north)


def corners(*places: tuple[float, float]) -> Polygon:
    """A polygon whose corners are (column, row) of the toy raster."""
    return Polygon([(WEST + 10.0 * column, NORTH - 10.0 * row) for column, row in places])


# The town covers rows 50 to 69, columns 40 to 69 in 2018; see tests/sites.py.
GOOD = box(40, 50, 5, 5)
BOW_TIE = corners((40, 50), (60, 70), (60, 50), (40, 70))


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_region(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of hostile ids, two folders below one that nobody else writes to."""
    folder = tmp_path_factory.mktemp("hostile") / "deep" / "inside"
    folder.mkdir(parents=True)
    shapes = [box(10 * place, 50, 10, 10) for place in range(len(HOSTILE))]
    write_areas(folder / "h.gpkg", shapes, key=list(HOSTILE), name=list(HOSTILE))
    return folder


@pytest.fixture
def refused(toy: Path, tmp_path: Path) -> Refused:
    """Measure and expect one line of error that names the file and holds all words."""
    region = load_region(toy)

    def measure(polygons: str | Path, *words: str, key: str | None = None) -> None:
        with pytest.raises(InputError) as caught:
            measure_areas(
                region, Path(polygons), tmp_path / "out.csv", options=AreasOptions(id=key or "")
            )
        (line,) = str(caught.value).splitlines()
        assert line.startswith(f"{polygons}: ")
        for word in words:
            assert word in line, line
        assert not list(tmp_path.glob("*out.csv*"))

    return measure


def write_geojson(path: Path, rings: list, **properties: object) -> Path:
    """Write one feature that no library would write; coordinates as they are."""
    geometry = {"type": "Polygon", "coordinates": rings}
    feature = {"type": "Feature", "properties": properties, "geometry": geometry}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    return path


class TestRefused:
    def test_without_crs(self, tmp_path: Path, refused: Refused) -> None:
        path = write_areas(tmp_path / "bare.shp", [GOOD], key=["a"])
        (tmp_path / "bare.prj").unlink()
        refused(path, "no coordinate reference system", "ogr2ogr -a_srs EPSG:CODE")

    def test_ids_that_stand_twice(self, tmp_path: Path, refused: Refused) -> None:
        path = write_areas(tmp_path / "a.gpkg", [GOOD] * 3, key=["a", "b-7", "b-7"])
        refused(path, "key = 'b-7' stands twice", key="key")

    def test_ids_that_differ_by_blanks(self, tmp_path: Path, refused: Refused) -> None:
        path = write_areas(tmp_path / "a.gpkg", [GOOD] * 2, key=["a", "a "])
        refused(path, "key = 'a' stands twice", key="key")

    def test_an_unknown_id_field_lists_those_there_are(
        self, tmp_path: Path, refused: Refused
    ) -> None:
        path = write_areas(tmp_path / "a.gpkg", [GOOD], code=["a"], title=["A"])
        refused(path, "no column 'kode'", "it has code, title", key="kode")

    def test_empty_geometries_are_named(self, tmp_path: Path, refused: Refused) -> None:
        path = write_areas(tmp_path / "a.gpkg", [GOOD, Polygon()], key=["a", "void"])
        refused(path, "area 'void' encloses nothing", key="key")
        path = write_areas(tmp_path / "b.gpkg", [GOOD, None], key=["a", "none"])
        refused(path, "area 'none' has no geometry", key="key")

    def test_a_polygon_that_only_a_line_is_left_of(self, tmp_path: Path, refused: Refused) -> None:
        flat = corners((40, 50), (45, 50), (40, 50))
        path = write_areas(tmp_path / "a.gpkg", [GOOD, flat], key=["a", "flat"])
        refused(path, "area 'flat' encloses nothing", key="key")

    def test_a_file_of_points(self, tmp_path: Path, refused: Refused) -> None:
        points = [Point(WEST + 5.0, NORTH - 5.0), Point(WEST + 15.0, NORTH - 5.0)]
        path = write_areas(tmp_path / "points.gpkg", points, key=["p", "q"])
        refused(path, "area 'p' is Point, not a polygon", key="key")

    def test_a_file_without_features(self, tmp_path: Path, refused: Refused) -> None:
        path = tmp_path / "empty.geojson"
        path.write_text('{"type": "FeatureCollection", "features": []}')
        refused(path, "holds no areas")
        refused(path, "holds no areas", key="key")

    @pytest.mark.parametrize("content", [b"", b"not areas", b"SQLite format 3\0 and then nothing"])
    def test_not_an_area_file(self, tmp_path: Path, refused: Refused, content: bytes) -> None:
        path = tmp_path / "a.gpkg"
        path.write_bytes(content)
        refused(path, "not an area file that GDAL can read", "GeoPackage")

    @pytest.mark.parametrize("suffix", [".gpkg", ".geojson"])
    def test_a_file_cut_off(self, tmp_path: Path, refused: Refused, suffix: str) -> None:
        path = Path(
            write_areas(tmp_path / f"a{suffix}", [GOOD] * 20, key=list("abcdefghijklmnopqrst"))
        )
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        refused(path, "not an area file that GDAL can read")

    def test_a_file_that_lost_areas(self, tmp_path: Path, refused: Refused) -> None:
        path = Path(write_areas(tmp_path / "a.fgb", [GOOD] * 20, key=[str(n) for n in range(20)]))
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        refused(path, "is cut short", "20 areas stand in its header, 0 could be read")

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_a_file_that_may_not_be_read(self, tmp_path: Path, refused: Refused) -> None:
        path = Path(write_areas(tmp_path / "a.gpkg", [GOOD], key=["a"]))
        path.chmod(0)
        refused(path)

    def test_rings_that_enclose_nothing_or_are_open(self, tmp_path: Path, refused: Refused) -> None:
        two = [[6.0975, 49.7745], [6.098, 49.7745]]
        path = write_geojson(tmp_path / "two.geojson", [two], key="two")
        refused(path, "area 'two' has a ring", "fewer than 4 corners", key="key")
        path = write_geojson(tmp_path / "open.geojson", [[*two, [6.098, 49.775]]], key="open")
        refused(path, "area 'open' has a ring that is not closed", key="key")

    def test_corners_nowhere_on_earth(self, tmp_path: Path, refused: Refused) -> None:
        start, end = [6.0975, 49.7745], [6.098, 49.7745]
        path = write_geojson(tmp_path / "n.geojson", [[start, end, [6.1, np.nan], start]], key="n")
        refused(path, "area 'n' has a corner without coordinates", key="key")
        path = write_geojson(tmp_path / "far.geojson", [[start, end, [6.1, 1e308], start]], key="f")
        refused(path, "area 'f'", "no coordinates of its CRS 'WGS 84'", key="key")
        # Metres in a GeoJSON that does not name their CRS, the commonest mistake of all.
        metres = [list(corner) for corner in GOOD.exterior.coords]
        path = write_geojson(tmp_path / "m.geojson", [metres], key="m")
        refused(path, "area 'm'", "4040400.0", "ogr2ogr -a_srs", key="key")

    def test_the_command_says_one_line_and_writes_nothing(self, toy: Path, tmp_path: Path) -> None:
        path = write_areas(tmp_path / "a.gpkg", [GOOD] * 2, key=["a", "a"])
        result = hexseal("areas", toy, path, "--id", "key", "-o", tmp_path / "out.csv")
        assert (result.code, result.out.count("error")) == (1, 0)
        (line,) = result.err.strip().splitlines()
        assert line.startswith(f"error: {path}: key = 'a' stands twice")
        assert [path.name for path in tmp_path.iterdir()] == ["a.gpkg"]


class TestRepaired:
    # Invalid polygon -> valid pixels, sealed pixels of 2018, of what is left after the repair.
    SHAPES = {  # noqa: RUF012
        # Two triangles of 20 x 10 pixels; centres on the diagonals belong to one side or none.
        "bow-tie": (BOW_TIE, 200, 200),
        "parts that overlap": (MultiPolygon([box(40, 50, 10, 10), box(45, 50, 10, 10)]), 150, 150),
        "the same part twice": (MultiPolygon([box(40, 50, 10, 10)] * 2), 100, 100),
    }

    def test_repaired_polygons_are_marked_and_said(self, toy: Path, tmp_path: Path) -> None:
        shapes = [GOOD, *(shape for shape, *_ in self.SHAPES.values())]
        path = write_areas(tmp_path / "a.gpkg", shapes, key=["good", *self.SHAPES])
        result = hexseal_process("areas", toy, path, "--id", "key", "-o", tmp_path / "out.csv")
        assert result.code == 0, result.err
        assert result.err.strip() == (
            f"{path}: repaired the invalid polygon of area 'bow-tie', 'parts that overlap', "
            "'the same part twice'"
        )
        rows = duckdb.execute(
            """SELECT id, answer, repaired, valid_pixels, sealed_pixels_2018
               FROM read_csv($1)""",
            [str(tmp_path / "out.csv")],
        ).fetchall()
        assert rows == [
            ("good", "ok", False, 25, 25),
            *((key, "ok", True, *pixels) for key, (_, *pixels) in self.SHAPES.items()),
        ]

    def test_many_repairs_stay_one_line(self, toy: Path, tmp_path: Path) -> None:
        path = write_areas(tmp_path / "a.gpkg", [BOW_TIE] * 7)
        result = hexseal_process("areas", toy, path, "-o", tmp_path / "out.csv")
        assert result.err.strip() == (
            f"{path}: repaired the invalid polygon of area '1', '2', '3', '4', '5' and 2 more"
        )


class TestHostileIds:
    """An id is text: never a path, never markup."""

    @pytest.mark.parametrize("suffix", [".csv", ".parquet", ".gpkg", ".geojson"])
    def test_every_format_holds_them_as_they_are(
        self, toy: Path, folder: Path, suffix: str
    ) -> None:
        output = folder / f"out{suffix}"
        outside = everything(folder.parents[1]) | everything(toy.parent)
        result = hexseal("areas", toy, folder / "h.gpkg", "--id", "key", "-o", output)
        assert result.code == 0, result.err
        assert ids_of(output) == list(HOSTILE)
        written = (everything(folder.parents[1]) | everything(toy.parent)) - outside
        assert written == {output}

    def test_the_site_holds_them_as_text(self, folder: Path) -> None:
        region = write_region(folder / "toy", with_areas(folder / "h.gpkg", key="key"))
        site = folder / "site"
        result = hexseal("build", region, "--out", site)
        assert result.code == 0, result.err
        assert hexseal("verify", site).code == 0
        names = {path.name for path in everything(folder.parents[1])}
        assert not {"x", "script>", "alert(1)<"} & names
        assert all(re.fullmatch(r"[A-Za-z0-9._-]+", path.name) for path in everything(site))
        assert not (folder.parents[1] / "x").exists()
        for page in site.rglob("*.html"):
            text = page.read_text(encoding="utf-8")
            assert "<script>alert" not in text, page
            assert "<img src=x" not in text, page
            # The dashboards and the tables list all areas, a data page some, a sheet one.
            listed = "onerror=alert(2)&gt;" in text or "onerror=alert(2)\\u003e" in text
            if page.name in ("index.html", "areas.html"):
                assert listed, page
            elif page.name in ("methodology.html", "about.html", "accessibility.html"):
                assert not listed, page
        sheets = sorted(path.name for path in (site / "areas/half").iterdir())
        assert len(sheets) == len(HOSTILE)
        assert sheets == sorted(path.name for path in (site / "fr/areas/half").iterdir())
        areas = site / "data/toy_areas.parquet"
        held = duckdb.execute("SELECT id FROM read_parquet($1)", [str(areas)]).fetchall()
        assert {key for (key,) in held} >= set(HOSTILE)


def test_unknown_populations_stay_unknown(tmp_path: Path) -> None:
    shapes = [box(0, 0, 50, 120), box(50, 0, 50, 120), box(100, 0, 50, 120)]
    areas = tmp_path / "p.gpkg"
    write_areas(areas, shapes, key=["a", "b", "c"], name=["A", "B", "C"], people=[100.0, np.nan, 0])
    text = with_areas(areas, key="key").replace('id = "key"', 'id = "key"\npopulation = "people"')
    result = hexseal("build", write_region(tmp_path / "toy", text), "--out", tmp_path / "site")
    assert result.code == 0, result.err
    (table,) = tmp_path.rglob("work/toy/areas.parquet")
    for path in (table, tmp_path / "site/data/toy_areas.parquet"):
        rows = duckdb.execute(
            "SELECT id, population FROM read_parquet($1) WHERE layer = 'half' ORDER BY id",
            [str(path)],
        ).fetchall()
        assert rows == [("a", 100.0), ("b", None), ("c", 0.0)]


def with_areas(path: Path, *, key: str) -> str:
    """Return the toy region's text with another area file."""
    text = REGION.replace('path = "{areas}"', f'path = "{path}"')
    return text.replace('id = "code"', f'id = "{key}"')


def everything(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def ids_of(path: Path) -> list[str]:
    if path.suffix in (".gpkg", ".geojson"):
        meta, _, _, data = pyogrio.raw.read(path)
        return list(data[list(meta["fields"]).index("id")])
    rows = duckdb.execute(f"SELECT id FROM read_{path.suffix[1:]}($1)", [str(path)]).fetchall()
    return [key for (key,) in rows]
