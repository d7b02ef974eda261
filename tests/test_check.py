"""The input report: one finding for each thing that is wrong, and the figures of real regions."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely
import shapely.affinity
from rasterfiles import NORTH, WEST, north_up, real_data, write_areas, write_tif
from rasterio import Affine
from sites import real_sao_tome

from hexseal.check.stage import Report, check_region, render
from hexseal.products import CLCPLUS, Product
from hexseal.region.load import AreaLayer, Epoch, HexagonRange, Region, Site, load_region

REGIONS = Path(__file__).parents[1] / "regions"
# Two sealed pixels in 2018, one of them lost and one more gained by 2021; one corner has no data.
FIRST = [[1, 1, 6], [6, 6, 6], [10, 2, 254]]
SECOND = [[1, 6, 6], [1, 6, 6], [10, 2, 254]]


def region(
    addresses: Sequence[str], *, years: Sequence[int] = (2018, 2021), product: Product = CLCPLUS
) -> Region:
    epochs = tuple(
        Epoch(year, address, f"map of {year}")
        for year, address in zip(years, addresses, strict=False)
    )
    return Region(
        path=Path("r.toml"), id="r", title={"en": "R"}, simulated=True, window=None,
        product=product, epochs=epochs, hexagons=HexagonRange(), areas=(), site=Site(),
        simulation=None,
    )  # fmt: skip


def tif(folder: Path, name: str, codes: object, **options: object) -> str:
    options = {"compress": "lzw", **options}
    path = write_tif(folder / name, codes, **options)
    return path


@pytest.fixture
def good(tmp_path: Path) -> Region:
    return region([tif(tmp_path, "a.tif", FIRST), tif(tmp_path, "b.tif", SECOND)])


def lines(report: Report, level: str) -> list[str]:
    """Findings of a level, without those on storage, origin and share that tiny files all have."""
    usual = ("is stored with", "is a crop")
    found = [finding.line() for finding in report.findings if finding.level == level]
    return [line for line in found if not any(said in line for said in usual)]


def only_error(checked: Region) -> str:
    (line,) = lines(check_region(checked), "error")
    assert "\n" not in line
    return line.removeprefix("error: ")


def test_good_region_has_figures_and_no_error(good: Region) -> None:
    report = check_region(good)
    assert report.errors == ()
    assert report.years[0].codes == {1: 2, 2: 1, 6: 4, 10: 1, 254: 1}
    assert [(year.valid, year.sealed) for year in report.years] == [(8, 2), (8, 2)]
    (pair,) = report.pairs
    assert (pair.common, pair.gained, pair.lost) == (8, 1, 1)
    assert report.headline.startswith("inputs can be used: 0 errors")
    assert "2018: 2 sealed of 8 pixels valid in every year, 25.00 %" in render(report)
    assert "2018 to 2021: 1 pixel newly sealed, 1 unsealed, of 8 valid in every year" in render(
        report
    )


def test_report_as_json(good: Region) -> None:
    document = json.loads(json.dumps(check_region(good).to_json()))
    assert document["usable"] is True
    assert document["pairs"][0]["gained"] == 1
    assert set(document["findings"][0]) == {"level", "subject", "what", "value", "remedy"}


def test_progress_reaches_its_end(good: Region) -> None:
    steps: list[tuple[str, int, int]] = []
    check_region(good, progress=lambda what, done, total: steps.append((what, done, total)))
    assert steps[-1] == ("check", 1, 1)


def test_window_counts_only_its_pixels(good: Region) -> None:
    report = check_region(replace(good, window=(WEST, NORTH - 10, WEST + 20, NORTH)))
    assert report.years[0].codes == {1: 2}


def test_file_that_cannot_be_opened(good: Region, tmp_path: Path) -> None:
    path = str(tmp_path / "none.tif")
    report = check_region(replace(good, epochs=(replace(good.epochs[0], landcover=path),)))
    (finding,) = report.errors
    assert finding.subject == path
    assert finding.what == "no such file"
    assert finding.remedy == "check the path in the region file"
    assert report.headline == "inputs cannot be used: 1 error, 0 warnings"


def test_every_bad_file_is_told_at_once(tmp_path: Path) -> None:
    report = check_region(region([str(tmp_path / "a.tif"), str(tmp_path / "b.tif")]))
    assert len(report.errors) == 2


def test_truncated_file(tmp_path: Path) -> None:
    path = tmp_path / "cut.tif"
    codes = np.random.default_rng(1).integers(1, 12, (512, 512)).astype(np.uint8)
    write_tif(path, codes, tiled=True, blockxsize=256, blockysize=256)
    path.write_bytes(path.read_bytes()[:140_000])
    assert only_error(region([str(path)])) == (
        f"{path}: cannot be read at row 0, column 0; the file is cut off or damaged, fetch it again"
    )


def test_wrong_crs(tmp_path: Path) -> None:
    path = tif(
        tmp_path, "a.tif", FIRST, crs="EPSG:4326", transform=Affine(1e-4, 0, 6, 0, -1e-4, 50)
    )
    assert only_error(region([path])) == (
        f"{path}: CLC+ Backbone never comes in this CRS, so its pixels were resampled (EPSG:4326); "
        "fetch it in EPSG:3035 (overseas: EPSG:32620, EPSG:32622, EPSG:32738, EPSG:32740), "
        "or describe it as [product] name = 'custom'"
    )


@pytest.mark.parametrize("crs", ["EPSG:32620", "EPSG:32622", "EPSG:32738", "EPSG:32740"])
def test_overseas_crs_and_any_origin(tmp_path: Path, crs: str) -> None:
    path = tif(tmp_path, "a.tif", FIRST, crs=crs, transform=north_up(500_003.0, 1_800_001.0))
    assert check_region(region([path])).errors == ()


def test_wrong_pixel_size(tmp_path: Path) -> None:
    path = tif(tmp_path, "a.tif", FIRST, transform=north_up(size=20.0))
    assert only_error(region([path])) == (
        f"{path}: pixels of CLC+ Backbone are squares of 10 m (20 x 20); "
        "fetch the raster in its own resolution, without resampling"
    )


def test_origin_between_pixels(tmp_path: Path) -> None:
    path = tif(tmp_path, "a.tif", FIRST, transform=north_up(WEST + 5.0))
    assert only_error(region([path])) == (
        f"{path}: lies between the pixels of CLC+ Backbone: its corner is no multiple of 10 m "
        "(upper left corner 4040005 2970000); "
        "fetch it again with corners at multiples of 10 m and nearest-neighbour sampling"
    )


def test_origin_of_a_crop_is_a_warning(tmp_path: Path) -> None:
    path = tif(tmp_path, "a.tif", FIRST, transform=north_up(WEST + 10.0))
    report = check_region(region([path]))
    assert report.errors == ()
    assert report.warnings[0].line() == (
        f"warning: {path}: is a crop: its corner is no multiple of 1000 m, "
        "as those of delivered files are (upper left corner 4040010 2970000); "
        "nothing to do if you cut it yourself"
    )


def test_unknown_reserved_code_names_the_key_to_write(tmp_path: Path) -> None:
    path = tif(tmp_path, "a.tif", [[1, 6, 6], [6, 6, 0], [6, 0, 0]])
    checked = region([path])
    assert only_error(checked) == (
        f"{path}: code 0 is not a code of CLC+ Backbone (3 pixels, first at row 1, column 2); "
        "if it marks what lies outside the map, write [product] nodata = [0, 253, 254, 255]"
    )
    repaired = replace(checked.product, nodata=frozenset({0, 253, 254, 255}))
    assert check_region(replace(checked, product=repaired)).errors == ()


def test_unknown_code_of_another_product(tmp_path: Path) -> None:
    path = tif(tmp_path, "a.tif", [[1, 50]])
    assert only_error(region([path])) == (
        f"{path}: code 50 is not a code of CLC+ Backbone (1 pixel, first at row 0, column 1); "
        "known codes are 1 to 11, 253 to 255; check [product] name"
    )


def test_years_on_two_grids(tmp_path: Path) -> None:
    first = tif(tmp_path, "a.tif", FIRST)
    second = tif(tmp_path, "b.tif", SECOND, transform=north_up(WEST + 10.0))
    assert only_error(region([first, second])) == (
        f"{second}: 2021 lies on another grid than 2018 ({first}): its origin lies 0 rows down and "
        "1 columns right, so it covers another place "
        "(it is EPSG:3035 3 x 3 pixels of 10 x 10 metre, x 4040010 to 4040040, "
        "y 2969970 to 2970000, "
        "expected EPSG:3035 3 x 3 pixels of 10 x 10 metre, x 4040000 to 4040030, "
        "y 2969970 to 2970000); "
        "to bring it onto the same grid: gdalwarp -t_srs EPSG:3035 "
        f"-te 4040000 2969970 4040030 2970000 -ts 3 3 -r near {second} {tmp_path}/b_aligned.tif"
    )


def test_nothing_valid(tmp_path: Path) -> None:
    path = tif(tmp_path, "a.tif", [[254, 254], [255, 254]])
    assert only_error(region([path])) == (
        f"{path}: 2018 has no valid pixel in the region (codes 254, 255); "
        "check [region] window and [product] valid"
    )


def test_window_beside_the_raster(good: Region) -> None:
    assert only_error(replace(good, window=(0.0, 0.0, 10.0, 10.0))) == (
        "r: window [0.0, 0.0, 10.0, 10.0] holds no pixel of the raster (EPSG:3035 3 x 3 pixels of "
        "10 x 10 metre, x 4040000 to 4040030, y 2969970 to 2970000); "
        "give xmin, ymin, xmax, ymax in the raster's own CRS"
    )


def with_mask(good: Region, **masks: str) -> Region:
    return replace(good, epochs=(replace(good.epochs[0], **masks), good.epochs[1]))


def test_good_masks(good: Region, tmp_path: Path) -> None:
    confidence = tif(tmp_path, "c.tif", [[0, 50, 100], [7, 8, 9], [1, 254, 255]])
    post = tif(tmp_path, "p.tif", [[0, 0, 1], [0, 0, 0], [0, 0, 254]])
    checked = with_mask(good, confidence=confidence, post_processing=post)
    assert check_region(checked).errors == ()


def test_masks_with_wrong_values(good: Region, tmp_path: Path) -> None:
    path = tif(tmp_path, "m.tif", [[0, 1, 101], [0, 0, 0], [102, 103, 254]])
    assert only_error(with_mask(good, confidence=path)) == (
        f"{path}: holds values that this mask never has: 101 to 103 "
        "(3 pixels; allowed are 0 to 100, 254, 255); check that the right file is named"
    )
    assert only_error(with_mask(good, post_processing=path)) == (
        f"{path}: holds values that this mask never has: 101 to 103 "
        "(3 pixels; allowed are 0, 1, 254); check that the right file is named"
    )


def test_mask_on_another_grid(good: Region, tmp_path: Path) -> None:
    path = tif(tmp_path, "m.tif", [[0, 1]])
    line = only_error(with_mask(good, confidence=path))
    assert line.startswith(
        f"{path}: confidence mask lies on another grid than 2018 ({good.epochs[0].landcover}): "
        "2 x 1 pixels instead of 3 x 3 ("
    )
    assert "to bring it onto the same grid: gdalwarp -t_srs EPSG:3035 -te " in line


def test_basemap_is_looked_at_before_anything_is_counted(good: Region, tmp_path: Path) -> None:
    missing, other = tmp_path / "map.pmtiles", tmp_path / "a.tif"
    said = only_error(replace(good, site=Site(basemap=str(missing))))
    assert said == (
        f"{missing}: cannot be read (No such file or directory); check the path in [site] basemap"
    )
    said = only_error(replace(good, site=Site(basemap=str(other))))
    assert said.startswith(f"{other}: not a PMTiles v3 archive")
    missing.write_bytes(b"PMTiles\x03")
    assert not lines(check_region(replace(good, site=Site(basemap=str(missing)))), "error")


def test_implausible_share(tmp_path: Path) -> None:
    path = tif(tmp_path, "a.tif", [[1, 1, 1, 6]])
    assert lines(check_region(region([path])), "warning") == [
        f"warning: {path}: the sealed share of 2018 is outside 0 to 60% (75.0%); "
        "check [product] sealed and the raster"
    ]


def test_code_253_in_2018(tmp_path: Path) -> None:
    path = tif(tmp_path, "a.tif", [[1, 6, 6, 253]])
    assert lines(check_region(region([path])), "warning") == [
        f"warning: {path}: has code 253, which CLC+ Backbone has only since 2021 (1 pixel); "
        "check that this is the 2018 map"
    ]


def test_year_that_covers_less(tmp_path: Path) -> None:
    first = tif(tmp_path, "a.tif", [[1, 6, 6, 6]] * 4)
    second = tif(tmp_path, "b.tif", [[1, 6, 254, 254]] * 4)
    assert lines(check_region(region([first, second])), "warning") == [
        f"warning: {second}: 2021 covers less: counting only what is valid in every year drops "
        "50.0% of the land of 2018 (8 of 16 land pixels are kept); "
        "to keep the rest, make two regions: one with 2018, and one with all years "
        "and [region] window = [4040000.0, 2969960.0, 4040020.0, 2970000.0]"
    ]


def test_coastal_sea_that_changed_its_code_is_no_loss(tmp_path: Path) -> None:
    first = tif(tmp_path, "a.tif", [[1, 6, 10, 10]] * 4)
    second = tif(tmp_path, "b.tif", [[1, 6, 253, 253]] * 4)
    assert lines(check_region(region([first, second])), "warning") == []


def test_years_without_a_common_pixel(tmp_path: Path) -> None:
    first = tif(tmp_path, "a.tif", [[1, 6, 254, 254]])
    second = tif(tmp_path, "b.tif", [[254, 254, 1, 6]])
    assert only_error(region([first, second])) == (
        "r: no pixel is valid in every year (2018 has 2, 2021 has 2); "
        "check that all years cover the same place"
    )


def test_change_faster_than_sealing(tmp_path: Path) -> None:
    first = tif(tmp_path, "a.tif", [[1, 6, 6, 6, 6, 6]])
    second = tif(tmp_path, "b.tif", [[1, 1, 6, 6, 6, 6]])
    assert lines(check_region(region([first, second])), "warning") == [
        "warning: r: sealed area changes by +100.0% from 2018 to 2021, faster than soil is sealed "
        "(1 to 2 pixels); check that both maps were made by the same method; see Methodology"
    ]


def test_names_tell_year_and_crs(tmp_path: Path) -> None:
    name = "CLMS_CLCPLUS_RAS_S2023_R10m_E44N36_32620_V01_R00.tif"
    path = tif(tmp_path, name, FIRST)
    checked = replace(region([path], years=(2021,)), simulated=False)
    assert [line for line in lines(check_region(checked), "warning") if "its name has" in line] == [
        f"warning: {path}: its name has 2023, [[epoch]] year is 2021; "
        "check that no years are swapped",
        f"warning: {path}: its name has EPSG:32620 (the file has EPSG:3035); "
        "fetch the original file",
    ]


@pytest.mark.parametrize(
    ("name", "year"),
    [
        ("CLMS_CLCplus_RASTER_2018_010m_eu_03035_V1_1.tif", 2018),
        ("CLMS_CLCplus_RASTER_2021_010m_eu_03035_V1_1.tif", 2021),
        ("CLMS_CLCPLUS_RAS_S2023_R10m_E44N36_03035_V01_R00.tif", 2023),
    ],
)
def test_names_of_delivered_files(tmp_path: Path, name: str, year: int) -> None:
    checked = replace(region([tif(tmp_path, name, FIRST)], years=(year,)), simulated=False)
    assert not [line for line in lines(check_region(checked), "warning") if " name " in line]


def test_strange_name_edition_and_source(tmp_path: Path) -> None:
    path = tif(tmp_path, "a.tif", FIRST)
    checked = replace(region([path], years=(2020,)), simulated=False)
    checked = replace(checked, epochs=(replace(checked.epochs[0], source=""),))
    report = check_region(checked)
    assert lines(report, "warning") == [
        f"warning: {path}: its name is not one that CLC+ Backbone files have, "
        "so year and version cannot be read from it; check that it is the 2020 map",
        f"warning: {path}: there is no CLC+ Backbone of this year (2020); "
        "known: 2018, 2021, 2023; name what it is in [[epoch]] source",
    ]
    assert lines(report, "info")[0] == (
        f"info: {path}: 2020 has no [[epoch]] source; "
        "name product and version there; the site prints it beside every figure"
    )


def test_storage(tmp_path: Path) -> None:
    path = tif(tmp_path, "a.tif", np.full((2, 2000), 6, dtype=np.uint8), compress=None)
    report = check_region(replace(region([path], years=(2023,)), simulated=False))
    (line,) = [f.line() for f in report.warnings if "is stored" in f.what]
    assert line == (
        f"warning: {path}: is stored with strips of 2 x 2000 instead of tiles, no compression, "
        "no overviews, no colour table, no cloud-optimised layout; "
        "reading may be slower; to fix it: gdal_translate -of COG -co COMPRESS=LZW "
        "-co BLOCKSIZE=512 IN.tif OUT.tif"
    )
    assert [f.line() for f in report.findings if "attribute table" in f.what] == [
        f"info: {path}: has no attribute table beside it (.aux.xml or .vat.dbf), as delivered "
        "files have; not needed: the names of CLC+ classes are known"
    ]


def test_tiles_with_the_same_shortcoming_are_one_line(tmp_path: Path) -> None:
    for k in range(3):
        tif(tmp_path, f"t{k}.tif", [[1, 6, 6]], transform=north_up(WEST + 30 * k))
    report = check_region(region([str(tmp_path / "*.tif")]))
    assert [f.subject for f in report.warnings] == [f"{tmp_path}/t0.tif and 2 more"]


class TestRealData:
    pytestmark = real_data

    def test_ojcow(self) -> None:
        report = check_region(load_region(REGIONS / "ojcow.toml"))
        assert report.errors == ()
        assert [(year.sealed, year.valid) for year in report.years] == [(36_578, 682_113)]

    def test_ojcow_without_its_nodata_code(self) -> None:
        loaded = load_region(REGIONS / "ojcow.toml")
        address = loaded.epochs[0].landcover
        assert only_error(replace(loaded, product=CLCPLUS)) == (
            f"{address}: code 0 is not a code of CLC+ Backbone "
            "(579,912 pixels, first at row 0, column 0); "
            "if it marks what lies outside the map, write [product] nodata = [0, 253, 254, 255]"
        )

    def test_sao_tome_change_is_mostly_method(self, tmp_path: Path) -> None:
        report = check_region(load_region(real_sao_tome(tmp_path)))
        assert report.errors == ()
        assert [(year.sealed, year.valid) for year in report.years] == [
            (125_246, 25_920_000),
            (172_971, 25_920_000),
        ]
        assert [(pair.gained, pair.lost) for pair in report.pairs] == [(52_279, 4_554)]
        assert [finding.what for finding in report.warnings] == [
            "sealed area changes by +38.1% from 2020 to 2021, faster than soil is sealed",
            "the map of 2020 is less sharp than the other of 2020 and 2021",
        ]

    def test_corine_is_refused_for_its_grids(self) -> None:
        report = check_region(load_region(REGIONS / "corine-vaud.toml"))
        (finding,) = report.errors
        assert "2012 lies on another grid than 2006" in finding.what
        assert "gdalwarp -t_srs EPSG:2056 -te 2512060.76030416 " in finding.remedy


def test_area_files_are_read_and_repairs_told(good: Region, tmp_path: Path) -> None:
    bow_tie = shapely.Polygon([(0, 0), (20, 20), (20, 0), (0, 20)])
    shapes = [shapely.box(0, 0, 20, 20), bow_tie, shapely.box(90_000, 0, 90_100, 100)]
    moved = [shapely.affinity.translate(shape, WEST, NORTH - 30) for shape in shapes]
    path = write_areas(tmp_path / "t.gpkg", list(moved), code=["a", "b", "c"])
    layer = AreaLayer("town", path, "code", "code", None, {"en": "Town"})
    report = check_region(replace(good, areas=(layer,)))
    result = [line for kind in ("warning", "info") for line in lines(report, kind) if path in line]
    assert result == [
        f"warning: {path}: areas with invalid outlines were repaired (1: b); check their outlines",
        f"warning: {path}: areas of the layer overlap, so their figures cannot be added up "
        "(a and b do, among others perhaps); nothing to do if they are meant to",
        f"info: {path}: areas that miss the rasters are left out (1)",
    ]
    lost = replace(layer, path=str(tmp_path / "none.gpkg"))
    assert "no such area file" in only_error(replace(good, areas=(lost,)))
