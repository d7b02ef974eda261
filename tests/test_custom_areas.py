"""Any polygon gets a stated answer, and the figures of its pixels."""

import json
import math
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pyogrio.raw
import pytest
import rasterio
import shapely
from rasterfiles import NORTH, SHARED, WEST, real_data, write_areas
from sites import REGION, hexseal, write_region

from hexseal.areas import (
    LATTICE_VARIANCE,
    AreasOptions,
    answer_columns,
    built_before,
    measure_areas,
)
from hexseal.change.stage import judge_region
from hexseal.change.survey import count_region
from hexseal.codebook.measures import SIGNALS
from hexseal.counting.scanline import count_polygons
from hexseal.errors import InputError, OutputError
from hexseal.raster.landcover import read_grid
from hexseal.region.load import AreaLayer, load_region
from hexseal.statistics.stage import write_statistics
from hexseal.storage.files import one_writer
from hexseal.vector.zones import pixel_polygons


def box(column: float, row: float, width: float, height: float) -> shapely.Polygon:
    """A box in pixels of the toy raster."""
    west, north = WEST + 10.0 * column, NORTH - 10.0 * row
    return shapely.box(west, north - 10.0 * height, west + 10.0 * width, north)


# The town covers rows 50 to 69, columns 40 to 69 in 2018; see tests/sites.py.
SHAPES: dict[str, tuple[shapely.Geometry, str, int | None, int | None]] = {
    "town": (box(40, 50, 35, 20), "ok", 700, 600),
    "overlapping": (box(40, 50, 5, 20), "ok", 100, 100),
    "with a hole": (box(40, 50, 30, 20).difference(box(45, 55, 10, 10)), "ok", 500, 500),
    "two parts": (shapely.union_all([box(40, 50, 2, 2), box(60, 60, 3, 3)]), "ok", 13, 13),
    "sliver": (box(50.1, 55.1, 0.2, 0.2), "no pixel centre inside", None, None),
    "partly outside": (box(-10, 60, 15, 10), "partly", 50, 0),
    "outside": (box(-50, 60, 15, 10), "outside", None, None),
    "no data": (box(142, 112, 5, 5), "no valid pixel", None, None),
}


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_region(tmp_path_factory.mktemp("areas"))


@pytest.fixture(scope="module")
def polygons(toy: Path) -> Path:
    shapes = [shape for shape, *_ in SHAPES.values()]
    return Path(write_areas(toy.parent / "custom.gpkg", shapes, key=list(SHAPES)))


def test_every_polygon_has_its_answer_and_its_pixels(toy: Path, polygons: Path) -> None:
    output = toy.parent / "out.parquet"
    summary = measure_areas(load_region(toy), polygons, output, options=AreasOptions(id="key"))
    assert summary.rows == 8
    rows = duckdb.execute(
        "SELECT id, answer, valid_pixels, sealed_pixels_2018 FROM read_parquet($1)", [str(output)]
    ).fetchall()
    assert rows == [(key, *expected) for key, (_, *expected) in SHAPES.items()]


def test_shares_and_areas_of_the_polygon_itself(toy: Path, polygons: Path) -> None:
    output = toy.parent / "shares.parquet"
    measure_areas(load_region(toy), polygons, output, options=AreasOptions(id="key"))
    rows = duckdb.execute(
        """SELECT polygon_m2, covered_share, sealed_share_2021, new_sealed_m2_2018_2021, edge_sd_m2
           FROM read_parquet($1) WHERE id = 'town'""",
        [str(output)],
    ).fetchall()
    # LAEA keeps areas true; the perimeter is 1100 m but for the projection's distortion.
    assert rows[0][0] == pytest.approx(70_000.0, rel=1e-6)
    assert rows[0][1] == pytest.approx(1.0, rel=1e-6)
    assert rows[0][2:4] == ((600 + 100 - 30) / 700, 10_000.0)
    assert rows[0][4] == pytest.approx(math.sqrt(0.0724 * 1_100.0 * 1_000.0), rel=1e-3)


def test_area_of_the_polygon_does_not_depend_on_the_way_its_rings_run(
    toy: Path, tmp_path: Path
) -> None:
    outline, hole = box(40, 50, 30, 20), box(45, 55, 10, 10)
    same_way = shapely.Polygon(outline.exterior, [hole.exterior])
    other = shapely.Polygon([*box(0, 0, 5, 5).exterior.coords][::-1])
    shapes = [same_way, shapely.MultiPolygon([outline, other])]
    polygons = Path(write_areas(tmp_path / "rings.gpkg", shapes, key=["hole", "parts"]))
    measure_areas(
        load_region(toy), polygons, tmp_path / "out.parquet", options=AreasOptions(id="key")
    )
    rows = duckdb.execute(
        "SELECT polygon_m2 FROM read_parquet($1)", [str(tmp_path / "out.parquet")]
    ).fetchall()
    assert [area for (area,) in rows] == pytest.approx([50_000.0, 62_500.0], rel=1e-6)


@pytest.mark.parametrize("suffix", [".csv", ".gpkg", ".geojson"])
def test_every_format_holds_the_same_rows(toy: Path, polygons: Path, suffix: str) -> None:
    output = toy.parent / f"same{suffix}"
    result = hexseal("areas", toy, polygons, "--id", "key", "-o", output)
    assert result.code == 0, result.err
    assert result.err == ""
    if suffix == ".csv":
        sealed = [
            row[0]
            for row in duckdb.execute(
                "SELECT sealed_pixels_2018 FROM read_csv($1)", [str(output)]
            ).fetchall()
        ]
    elif suffix == ".geojson":
        features = json.loads(output.read_text())["features"]
        sealed = [feature["properties"]["sealed_pixels_2018"] for feature in features]
    else:
        meta, _, geometry, data = pyogrio.raw.read(output)
        assert len(geometry) == 8
        place = list(meta["fields"]).index("sealed_pixels_2018")
        assert meta["ogr_types"][place] == "OFTInteger64"
        sealed = [None if math.isnan(value) else int(value) for value in data[place]]
    assert sealed == [expected[3] for expected in SHAPES.values()]


def test_polygons_in_degrees_give_the_same_pixels(toy: Path, tmp_path: Path) -> None:
    region = load_region(toy)
    shape, degrees = box(40, 50, 35, 20), tmp_path / "degrees.geojson"
    plain = write_areas(tmp_path / "plain.gpkg", [shape])
    measure_areas(region, Path(plain), tmp_path / "plain.geojson")
    copy = json.loads((tmp_path / "plain.geojson").read_text())
    assert copy["features"][0]["properties"]["id"] == "1"
    degrees.write_text(json.dumps(copy))
    measure_areas(region, degrees, tmp_path / "again.parquet", options=AreasOptions(id="name"))
    rows = duckdb.execute(
        "SELECT valid_pixels, sealed_pixels_2018 FROM read_parquet($1)",
        [str(tmp_path / "again.parquet")],
    ).fetchall()
    assert rows == [(700, 600)]


def test_bad_polygon_files_and_outputs_are_one_line(toy: Path, tmp_path: Path) -> None:
    region = load_region(toy)
    shape = box(40, 50, 5, 5)
    bare = write_areas(tmp_path / "bare.gpkg", [shape], crs=None)
    with pytest.raises(InputError, match="coordinate reference system"):
        measure_areas(region, Path(bare), tmp_path / "x.csv")
    twice = write_areas(tmp_path / "twice.gpkg", [shape, shape], key=["a", "a"])
    with pytest.raises(InputError, match="stands twice"):
        measure_areas(region, Path(twice), tmp_path / "x.csv", options=AreasOptions(id="key"))
    with pytest.raises(OutputError, match=r"cannot write \.shp"):
        measure_areas(region, Path(twice), tmp_path / "x.shp", options=AreasOptions(id="key"))
    hostile = write_areas(tmp_path / "h.gpkg", [shape, shape], key=["../../x", "<script>"])
    measure_areas(region, Path(hostile), tmp_path / "h.csv", options=AreasOptions(id="key"))
    assert "../../x" in (tmp_path / "h.csv").read_text()
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix == ".csv") == ["h.csv"]


def test_the_stated_deviation_from_the_exact_area_holds_for_random_circles(toy: Path) -> None:
    grid_path = toy.parent / "a.tif"
    with rasterio.open(grid_path) as file:
        assert file.width == 150
    rng = np.random.default_rng(3)
    radius = 20.0
    centres = rng.uniform(50.0, 60.0, (3_000, 2))
    circles = shapely.buffer(shapely.points(centres), radius, quad_segs=64)
    codes = np.zeros((120, 120), dtype=np.uint16)

    class Plain:
        """Pixel coordinates as they are."""

        def places(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return x, y

    counts, _ = count_polygons(codes, pixel_polygons(circles, Plain()), code_count=1)
    deviation = counts.pixels - shapely.area(circles)
    stated = math.sqrt(LATTICE_VARIANCE * 2.0 * math.pi * radius)
    assert deviation.std() == pytest.approx(stated, rel=0.08)


PARK = """
[region]
id = "park"
[product]
name = "clcplus"
nodata = [0, 253, 254, 255]
[[epoch]]
year = 2023
landcover = "{raster}"
"""


class TestRealParks:
    """Crops that somebody else cut with the same polygons (see SOURCES.md of the data)."""

    pytestmark = real_data
    FOLDER = SHARED / "clcplus-2023-poland"

    def measured(self, folder: Path, park: str, polygons: Path) -> tuple:
        region = folder / "park.toml"
        raster = self.FOLDER / f"CLCplusBB_{park}_National_Park_3035_BUFFERED_1km.tif"
        region.write_text(PARK.format(raster=raster))
        measure_areas(load_region(region), polygons, folder / "park.parquet")
        (row,) = duckdb.execute(
            """SELECT answer, valid_pixels, sealed_pixels_2023, sealed_share_2023, polygon_m2,
                      edge_sd_m2
               FROM read_parquet($1)""",
            [str(folder / "park.parquet")],
        ).fetchall()
        return row

    def polygon(self, park: str) -> Path:
        return self.FOLDER / f"{park}_National_Park_4326.geojson"

    @pytest.mark.parametrize(
        ("park", "valid", "sealed", "water"),
        [("Ojcowski", 215_870, 2_254, 113), ("Pieninski", 237_314, 326, 2_484)],
    )
    def test_a_park_has_every_pixel_of_the_crop_of_the_park(
        self, tmp_path: Path, park: str, valid: int, sealed: int, water: int
    ) -> None:
        with rasterio.open(self.FOLDER / f"CLCplusBB_{park}_National_Park_3035.tif") as crop:
            codes = crop.read(1)
        assert [int((codes != 0).sum()), int((codes == 1).sum()), int((codes == 10).sum())] == [
            valid,
            sealed,
            water,
        ]
        row = self.measured(tmp_path, park, self.polygon(park))
        assert row[:3] == ("ok", valid, sealed)
        assert row[3] == pytest.approx(sealed / (valid - water), rel=1e-12)

    @pytest.mark.parametrize(
        ("park", "valid", "sealed"),
        [
            ("Ojcowski", 682_113, 36_578),
            ("Pieninski", 642_313, 20_799),
            ("Bory_Tucholskie", 817_114, 1_307),
        ],
    )
    def test_a_park_and_1_km_around_has_the_pixels_of_the_wider_crop(
        self, tmp_path: Path, park: str, valid: int, sealed: int
    ) -> None:
        _, _, (geometry,), _ = pyogrio.raw.read(self.polygon(park), columns=[])
        grid = read_grid(str(self.FOLDER / f"CLCplusBB_{park}_National_Park_3035_BUFFERED_1km.tif"))
        outline = shapely.transform(
            shapely.from_wkb(geometry),
            lambda xy: np.column_stack(grid.from_lonlat(xy[:, 0], xy[:, 1])),
        )
        # 16 chords a quarter of a circle is what the crops were made with: with 8 or 30 hundreds
        # of pixels differ, with 16 at most one inside and one outside.
        wider = outline.buffer(1_000.0, quad_segs=16)
        path = Path(write_areas(tmp_path / "wider.gpkg", [wider]))
        row = self.measured(tmp_path, park, path)
        assert abs(row[1] - valid) <= 1
        assert row[2] == sealed

    def test_a_park_without_a_crop_of_its_own_has_the_size_of_its_polygon(
        self, tmp_path: Path
    ) -> None:
        answer, valid, sealed, _, polygon_m2, edge_sd_m2 = self.measured(
            tmp_path, "Bory_Tucholskie", self.polygon("Bory_Tucholskie")
        )
        assert (answer, valid, sealed) == ("ok", 459_468, 53)
        assert abs(100.0 * valid - polygon_m2) <= 2.0 * edge_sd_m2

    def test_a_park_elsewhere_is_outside(self, tmp_path: Path) -> None:
        row = self.measured(tmp_path, "Ojcowski", self.polygon("Drawienski"))
        assert row[:4] == ("outside", None, None, None)


class TestWhatReadersQuote:
    """Adjusted change beside raw counts, the share covered, attributes, one schema."""

    def test_change_is_judged_as_the_site_judges_its_areas(self, toy: Path, tmp_path: Path) -> None:
        layer = write_areas(
            tmp_path / "layer.gpkg", [box(40, 50, 35, 20), box(0, 0, 20, 20)], key=["t", "w"]
        )
        region = load_region(toy)
        area = AreaLayer("custom", layer, "key", "key", None, {"en": "Custom"})
        work = tmp_path / "work"
        work.mkdir()
        site = replace(region, areas=(area,))
        count_region(site, work)
        judge_region(site, work)
        write_statistics(site, work)
        measure_areas(region, Path(layer), tmp_path / "o.parquet", options=AreasOptions(id="key"))
        names = [
            "adjusted_m2_2018_2021", "adjusted_low_m2_2018_2021", "adjusted_high_m2_2018_2021",
            "signal_2018_2021", "q_value_2018_2021", "confirmed_m2_2018_2021",
            "detection_limit_m2_2018_2021", "net_m2_2018_2021", "valid_m2",
        ]  # fmt: skip
        rows = [
            duckdb.execute(
                f"SELECT {', '.join(names)} FROM read_parquet($1) WHERE id = 't' AND {which}",
                [str(path)],
            ).fetchone()
            for path, which in (
                (tmp_path / "o.parquet", "true"),
                (work / "areas.parquet", "layer = 'custom'"),
            )
        ]
        assert rows[0] == rows[1]
        assert rows[0][-1] == 70_000.0
        assert rows[0][3] in SIGNALS

    def test_what_a_build_judged_is_taken_and_the_same(
        self, toy: Path, polygons: Path, tmp_path: Path
    ) -> None:
        site = tmp_path / "site"
        build = hexseal("build", toy, "--until", "change", "--out", site)
        assert build.code == 0, build.err
        region, options = load_region(toy), AreasOptions(id="key", site=site)
        with patch("hexseal.areas.judge_region", side_effect=AssertionError("judged again")):
            summary = measure_areas(region, polygons, tmp_path / "by.csv", options=options)
        assert summary.reused
        alone = replace(options, site=tmp_path / "elsewhere/site")
        assert not measure_areas(region, polygons, tmp_path / "alone.csv", options=alone).reused
        assert (tmp_path / "by.csv").read_bytes() == (tmp_path / "alone.csv").read_bytes()
        done = hexseal(
            "areas", toy, polygons, "--id", "key", "--out", site, "-o", tmp_path / "c.csv"
        )
        assert "as the region's last build judged it" in done.out

    @pytest.mark.parametrize("change", ["setting", "sealed", "running"])
    def test_another_build_is_not_taken(self, tmp_path: Path, change: str) -> None:
        product = '[product]\nname = "custom"\nsealed = [1]\nvalid = [1, 6, 10]\nnodata = [254]\n'
        path = write_region(tmp_path, REGION.replace("[[epoch]]", f"{product}[[epoch]]", 1))
        site, text = tmp_path / "site", path.read_text()
        assert hexseal("build", path, "--until", "change", "--out", site).code == 0
        if change == "setting":
            path.write_text(text + "[noise]\nminimum_patch = 3\n")
        elif change == "sealed":
            path.write_text(text.replace("sealed = [1]", "sealed = [1, 10]"))
        region = load_region(path)
        lock = one_writer(tmp_path / "work/toy/.lock", "here") if change == "running" else None
        with lock or nullcontext(), built_before(region, site) as known:
            assert known is None
        if change == "running":
            with built_before(region, site) as known:
                assert known == tmp_path / "work/toy"

    def test_a_polygon_with_little_data_is_partly_answered(self, toy: Path, tmp_path: Path) -> None:
        # Rows 110 and more are no data in 2021 right of column 140: see tests/sites.py.
        shapes = [box(130, 100, 20, 20), box(100, 100, 10, 10)]
        polygons = write_areas(tmp_path / "p.gpkg", shapes, key=["corner", "whole"])
        options = AreasOptions(id="key", judged=False)
        measure_areas(load_region(toy), Path(polygons), tmp_path / "o.parquet", options=options)
        rows = duckdb.execute(
            "SELECT id, answer, covered_share FROM read_parquet($1)", [str(tmp_path / "o.parquet")]
        ).fetchall()
        assert rows == [("corner", "partly", pytest.approx(0.75)), ("whole", "ok", 1.0)]

    def test_columns_are_kept_under_names_of_their_own(self, toy: Path, tmp_path: Path) -> None:
        polygons = write_areas(
            tmp_path / "p.gpkg", [box(40, 50, 5, 5)], key=["a"], answer=["mine"], pop=[12]
        )
        options = AreasOptions(id="key", keep=("*",), judged=False)
        measure_areas(load_region(toy), Path(polygons), tmp_path / "o.csv", options=options)
        row = duckdb.execute(
            "SELECT answer, answer_of_file, pop FROM read_csv($1)", [str(tmp_path / "o.csv")]
        ).fetchone()
        assert row == ("ok", "mine", 12)

    def test_its_own_parquet_can_be_measured_again(self, toy: Path, tmp_path: Path) -> None:
        polygons = write_areas(tmp_path / "p.gpkg", [box(40, 50, 35, 20)], key=["a"])
        region, first, second = load_region(toy), tmp_path / "1.parquet", tmp_path / "2.parquet"
        measure_areas(region, Path(polygons), first, options=AreasOptions(id="key", judged=False))
        measure_areas(region, first, second, options=AreasOptions(id="id", judged=False))
        sealed = [
            duckdb.execute(
                "SELECT sealed_pixels_2018 FROM read_parquet($1)", [str(path)]
            ).fetchall()
            for path in (first, second)
        ]
        assert sealed == [[(600,)], [(600,)]]

    def test_all_polygons_outside_have_the_same_columns(self, toy: Path, tmp_path: Path) -> None:
        columns = []
        for name, shape in (("in", box(40, 50, 5, 5)), ("out", box(-50, 50, 5, 5))):
            polygons = write_areas(tmp_path / f"{name}.gpkg", [shape], key=["a"])
            output = tmp_path / f"{name}.parquet"
            measure_areas(load_region(toy), Path(polygons), output)
            columns.append(pq.read_schema(output).names)
        assert columns[0] == columns[1]


def test_the_columns_that_the_page_is_told_are_those_of_the_file(
    toy: Path, polygons: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.csv"
    region = load_region(toy)
    measure_areas(region, polygons, output, options=AreasOptions(id="key"))
    head = output.read_text(encoding="utf-8-sig").splitlines()[0]
    assert tuple(head.split(",")) == answer_columns(region)
