"""Imperviousness density: sealed area is the sum of densities, over time, space and formats."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio
import shapely
from rasterfiles import NORTH, WEST, north_up, write_areas, write_tif
from sites import hexseal

from hexseal.areas import AreasOptions, measure_areas
from hexseal.change.maptests import check_densities
from hexseal.check.stage import check_region
from hexseal.counting.tally import Tally, WindowCounter
from hexseal.errors import GridMismatchError, RegionError
from hexseal.merge.agreement import _product
from hexseal.products import IMPERVIOUSNESS
from hexseal.raster.grid import Window
from hexseal.raster.joint import ClassJoiner, TooManyCodesError, class_table, sealed_masks
from hexseal.raster.landcover import read_grid
from hexseal.raster.stack import region_grid
from hexseal.region.load import Region, load_region
from hexseal.simulation.observation import DensityErrors, observe_densities
from hexseal.vector.zones import read_zones

SIZE = 100
YEARS = (2012, 2015, 2018)
PIXEL_M2 = 100.0
REGION = """
[region]
id = "dense"
title = {{ en = "Dense", fr = "Dense" }}
[product]
name = "imperviousness"
{epochs}
[hexagons]
finest = 9
coarsest = 8
[[areas]]
layer = "half"
path = "halves.gpkg"
id = "code"
name = "code"
"""
EPOCH = '[[epoch]]\nyear = {year}\nlandcover = "{path}"\nsource = "HRL IMD {year}"\n'


def densities() -> tuple[np.ndarray, ...]:
    """A town of 40 % in the west, a farm of 60 % in the east; noise of 5 points; later growth."""
    first = np.zeros((SIZE, SIZE), np.uint8)
    first[20:60, 10:40] = 40
    first[70:80, 70:80] = 60
    first[0, :] = 255
    second, third = first.copy(), first.copy()
    second[20:60, 10:40] = 45
    second[1, 1] = 254
    third[20:60, 10:40] = 40
    third[60:64, 10:30] = 80
    third[70:72, 70:80] = 90
    third[79, 70:80] = 0
    return first, second, third


def write_region(
    folder: Path,
    maps: tuple[np.ndarray, ...] = (),
    *,
    crs: str = "EPSG:3035",
    transform: rasterio.Affine | None = None,
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    epochs = ""
    for year, band in zip(YEARS, maps or densities(), strict=False):
        name = folder / f"IMD_{year}_010m_eu_03035.tif"
        epochs += EPOCH.format(year=year, path=write_tif(name, band, crs=crs, transform=transform))
    side, south = WEST + 5.0 * SIZE, NORTH - 10.0 * SIZE
    halves = [
        shapely.box(WEST, south, side, NORTH),
        shapely.box(side, south, WEST + 10.0 * SIZE, NORTH),
    ]
    write_areas(folder / "halves.gpkg", halves, code=["w", "e"])
    path = folder / "dense.toml"
    path.write_text(REGION.format(epochs=epochs), encoding="utf-8")
    return path


def expected() -> tuple[np.ndarray, np.ndarray]:
    """Return the densities of every year where all count, and which pixels do."""
    maps = np.stack(densities()).astype(np.int64)
    counts = np.logical_and.reduce(maps <= 100)
    return np.where(counts, maps, 0), counts


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dense")
    result = hexseal("build", write_region(folder / "in"), "--out", folder / "site")
    assert result.code == 0, result.out + result.err
    return folder


def rows(site: Path, name: str) -> list[dict]:
    return pq.read_table(site / "site/data" / f"dense_{name}.parquet").to_pylist()


def test_sealed_area_is_the_sum_of_densities(site: Path) -> None:
    maps, counts = expected()
    whole, *halves = rows(site, "areas")
    assert [half["id"] for half in halves] == ["w", "e"]
    for row, part in ((whole, slice(None)), (halves[0], slice(0, 50)), (halves[1], slice(50, 100))):
        assert row["valid_pixels"] == counts[:, part].sum()
        for year, band in zip(YEARS, maps, strict=True):
            assert row[f"sealed_m2_{year}"] == band[:, part].sum() / 100 * PIXEL_M2
            assert row[f"sealed_pixels_{year}"] == (band[:, part] > 0).sum()
            share = band[:, part].sum() / 100 / counts[:, part].sum()
            assert row[f"sealed_share_{year}"] == pytest.approx(share, rel=1e-14)
    # By hand: 1 200 pixels of 40 % and 100 of 60 % are 480 + 60 whole pixels.
    assert whole["sealed_m2_2012"] == 54_000


def test_rises_and_falls_add_up_over_time_and_space(site: Path) -> None:
    maps, _ = expected()
    whole, *halves = rows(site, "areas")
    for first, last in ((0, 1), (1, 2), (0, 2)):
        pair = f"{YEARS[first]}_{YEARS[last]}"
        change = maps[last] - maps[first]
        assert whole[f"new_sealed_m2_{pair}"] == np.maximum(change, 0).sum() / 100 * PIXEL_M2
        assert whole[f"unsealed_m2_{pair}"] == -np.minimum(change, 0).sum() / 100 * PIXEL_M2
        assert whole[f"new_sealed_pixels_{pair}"] == (change > 0).sum()
    for table in ("areas", "hexagons_r9", "hexagons_r8"):
        for row in rows(site, table):
            nets = [row[f"net_m2_{pair}"] for pair in ("2012_2015", "2015_2018", "2012_2018")]
            assert nets[0] + nets[1] == pytest.approx(nets[2], abs=1e-6)
            assert nets[2] == pytest.approx(row["sealed_m2_2018"] - row["sealed_m2_2012"], abs=1e-6)
    for column in ("sealed_m2_2018", "new_sealed_m2_2012_2018", "unsealed_m2_2012_2018"):
        total = whole[column]
        for table in ("hexagons_r9", "hexagons_r8"):
            assert sum(row[column] for row in rows(site, table)) == pytest.approx(total, abs=1e-6)
        assert sum(half[column] for half in halves) == total


def test_page_summary_and_csv_hold_the_same_figures(site: Path) -> None:
    whole = rows(site, "areas")[0]
    totals = json.loads((site / "site/data/summary.json").read_text())["totals"]
    for column in ("sealed_m2_2018", "new_sealed_m2_2012_2018"):
        assert totals[column] == pytest.approx(whole[column], abs=0.01)
    verified = hexseal("verify", site / "site")
    assert verified.code == 0, verified.out
    page = (site / "site/index.html").read_text()
    assert "of the mapped area is sealed" in page
    assert "woods" not in json.loads(page.split('id="hexseal-config">')[1].split("</script>")[0])
    readme = (site / "site/data/README.txt").read_text()
    assert "the sum of densities from HRL IMD 2012" in readme
    codebook = (site / "site/data/codebook.csv").read_text()
    assert "sum over pixels of density / 100 times pixel area" in codebook


def test_no_pair_of_densities_is_ever_consistent(site: Path) -> None:
    for table in ("areas", "hexagons_r9"):
        for row in rows(site, table):
            for pair in ("2012_2015", "2015_2018", "2012_2018"):
                assert row[f"grade_{pair}"] == "inconclusive"
                assert row[f"confirmed_m2_{pair}"] is None
                assert row[f"adjusted_m2_{pair}"] is None
                assert row[f"signal_{pair}"] == "inconclusive"
    judged = json.loads((site / "work/dense/judgement.json").read_text())
    for pair in judged["pairs"].values():
        assert "densities.measured" in pair["reasons"]
        tests = {check["test"] for check in pair["report"]["checks"]}
        assert tests == {"densities", "registration"}
    kinds = {(*note["pair"], note["kind"]) for note in judged["notes"]}
    assert {(2012, 2015, "untested"), (2015, 2018, "series_break")} <= kinds
    assert (2012, 2015, "series_break") not in kinds
    (check,) = check_densities()
    assert check.stops


def test_patches_are_differences_of_the_step_and_weigh_their_density(site: Path) -> None:
    found = [
        (row["direction"], row["pixels"], row["area_m2"], row["origin"], row["status"])
        for row in rows(site, "patches")
        if (row["first_year"], row["second_year"]) == (2012, 2018)
    ]
    # 80 pixels from 0 to 80 %, 20 from 60 to 90 %; the falls score no confirmed gain.
    assert sorted(found) == [
        ("gain", 20, 600.0, "50 to 79 % sealed", found[0][4]),
        ("gain", 80, 6400.0, "0 % sealed", found[0][4]),
    ]
    # Noise of 5 points moves areas, but makes no patch.
    assert not [row for row in rows(site, "patches") if row["second_year"] == 2015]


def test_new_sealing_by_the_density_that_it_came_from(site: Path) -> None:
    table = pq.read_table(site / "site/data/dense_transitions_areas.parquet").to_pylist()
    found = {
        row["origin_class"]: row["new_sealed_m2"]
        for row in table
        if row["layer"] == "region" and (row["first_year"], row["second_year"]) == (2012, 2018)
    }
    assert found == {0: 6400.0, 50: 600.0}
    whole = rows(site, "areas")[0]
    assert sum(found.values()) == whole["new_sealed_m2_2012_2018"]


def areas(region: Region, folder: Path, polygons: Path, name: str) -> list[dict]:
    out = folder / f"{name}.parquet"
    measure_areas(region, polygons, out, options=AreasOptions(id="code", judged=False))
    return pq.read_table(out).to_pylist()


def test_areas_are_weighed_pixel_by_pixel_on_a_geographic_grid(tmp_path: Path) -> None:
    size, west, north = 0.0001, 6.0, 60.0
    density = np.random.default_rng(3).integers(0, 101, (300, 20)).astype(np.uint8)
    path = write_region(
        tmp_path,
        (density,),
        crs="EPSG:4326",
        transform=rasterio.Affine(size, 0, west, 0, -size, north),
    )
    shape = shapely.box(west, north - 300 * size, west + 20 * size, north)
    write_areas(tmp_path / "halves.gpkg", [shape], crs="EPSG:4326", code=["all"])
    (row,) = areas(load_region(path), tmp_path, tmp_path / "halves.gpkg", "out")
    grid = read_grid(str(tmp_path / "IMD_2012_010m_eu_03035.tif"))
    true = float((density.sum(axis=1) / 100 * grid.row_area_m2(np.arange(300))).sum())
    assert row["sealed_m2_2012"] == pytest.approx(true, rel=1e-9)


def test_a_window_of_more_joint_densities_than_codes_is_cut(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    maps = tuple(random.integers(0, 101, (300, 301)).astype(np.uint8) for _ in range(3))
    region = load_region(write_region(tmp_path, maps))
    joiner, grid = ClassJoiner(IMPERVIOUSNESS), read_grid(region.epochs[0].landcover)
    with pytest.raises(TooManyCodesError):
        joiner.join(maps)
    zones = read_zones(region.areas, grid)
    counter = WindowCounter(grid, joiner, 9, zones.polygons)
    counts = counter.count(Window(0, 0, 300, 301), maps)
    inside = maps[0][:100, :100], maps[2][:100, :100]
    for tally, bands in ((counts.cells, (maps[0], maps[2])), (counts.zones, inside)):
        assert isinstance(tally, Tally)
        assert tally.pixels.sum() == bands[0].size
        for place, band in ((0, bands[0]), (2, bands[1])):
            weighed = counts.classes[tally.code, place].astype(np.int64) * tally.pixels
            assert weighed.sum() == band.sum()
    # Each cell is what the same cell is when counted by one year, where nothing is cut.
    one = WindowCounter(grid, joiner, 9, zones.polygons).count(Window(0, 0, 300, 301), maps[:1])
    assert by_cell(counts.cells, counts.classes[:, 0]) == by_cell(one.cells, one.classes[:, 0])


def by_cell(tally: Tally, density: np.ndarray) -> dict[int, int]:
    cells, where = np.unique(tally.owner, return_inverse=True)
    sums = np.bincount(where, tally.pixels * density[tally.code].astype(np.int64))
    return dict(zip(cells.tolist(), sums.astype(int).tolist(), strict=True))


def findings(path: Path) -> list[str]:
    return [finding.line() for finding in check_region(load_region(path)).findings]


def test_check_adds_densities_up_and_warns_of_the_break(tmp_path: Path) -> None:
    result = hexseal("check", write_region(tmp_path))
    assert result.code == 0, result.out
    maps, counts = expected()
    whole = [round(band.sum() / 100) for band in maps]
    assert f"2012: {whole[0]:,} whole pixels sealed by density of {counts.sum():,}" in result.out
    assert "2012 to 2015: density rises by 60 pixels in all and falls by 0" in result.out
    assert "densities of 2015 and 2018 come from other images, pixels and methods" in result.out
    assert "densities of 2012 and 2015" not in result.out


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("change.tif", [0, 1, 2, 10, 11, 12, 254]),
        ("imdc.tif", [90, 100, 130, 201]),
        ("IMC_1518_020m_eu_03035.tif", [0, 10, 40]),
        ("CLMS_HRLNVLCC_IMCC_C2018-2021_R20m.tif", [0, 1]),
    ],
)
def test_a_change_layer_is_refused_as_the_map_of_a_year(
    tmp_path: Path, name: str, codes: list[int]
) -> None:
    band = np.resize(np.array(codes, np.uint8), (SIZE, SIZE))
    path = write_region(tmp_path, (band,))
    (tmp_path / "IMD_2012_010m_eu_03035.tif").rename(tmp_path / name)
    path.write_text(path.read_text().replace("IMD_2012_010m_eu_03035.tif", name))
    (line,) = [line for line in findings(path) if line.startswith("error")]
    assert "holds the change between two years, not the map of one" in line
    assert "name the imperviousness density of 2012 (IMD) there" in line


def test_other_classes_may_bear_the_name_of_a_change_layer(tmp_path: Path) -> None:
    classes = np.resize(np.array([1, 3, 4], np.uint8), (SIZE, SIZE))
    path = tmp_path / "c.toml"
    for codes, is_refused in ((classes, False), (np.where(classes > 1, 10, 1), True)):
        raster = write_tif(tmp_path / "imc_2020.tif", codes.astype(np.uint8))
        path.write_text(
            '[region]\nid = "c"\n[product]\nname = "custom"\nsealed = [1]\nvalid = [1, 3, 4, 10]\n'
            f'[[epoch]]\nyear = 2020\nlandcover = "{raster}"\n'
        )
        assert any("change between" in line for line in findings(path)) == is_refused


def test_a_density_file_of_few_codes_is_no_change_layer(tmp_path: Path) -> None:
    band = np.resize(np.array([0, 10, 11, 12], np.uint8), (SIZE, SIZE))
    assert not any("change between" in line for line in findings(write_region(tmp_path, (band,))))


@pytest.mark.parametrize("codes", [[0, 1], [0, 100], [1, 3, 6, 10], [10, 30, 50, 80]])
def test_classes_given_as_densities_are_noted(tmp_path: Path, codes: list[int]) -> None:
    band = np.resize(np.array(codes, np.uint8), (SIZE, SIZE))
    (line,) = [
        line for line in findings(write_region(tmp_path, (band,))) if "map of classes" in line
    ]
    assert line.startswith("warning")
    assert "write [product] name = 'custom'" in line


def test_a_density_given_as_classes_names_the_line_to_write(tmp_path: Path) -> None:
    path = write_region(tmp_path)
    path.write_text(path.read_text().replace('name = "imperviousness"', 'name = "clcplus"'))
    assert any("write [product] name = 'imperviousness'" in line for line in findings(path))


def test_years_of_two_resolutions_are_averaged_never_picked(tmp_path: Path) -> None:
    path = write_region(tmp_path)
    coarse = np.full((SIZE // 2, SIZE // 2), 40, np.uint8)
    write_tif(tmp_path / "IMD_2012_010m_eu_03035.tif", coarse, transform=north_up(size=20))
    lines = [line for line in findings(path) if "another grid" in line]
    assert len(lines) == 1
    assert "-r average -srcnodata 255 -dstnodata 255" in lines[0]
    with pytest.raises(GridMismatchError, match="-r average -srcnodata 255"):
        region_grid(load_region(path))
    # Of classes, and onto finer pixels, nothing is averaged.
    path.write_text(path.read_text().replace('"imperviousness"', '"clcplus"'))
    with pytest.raises(GridMismatchError, match="-r near"):
        region_grid(load_region(path))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"imperviousness"', '"imperviousness"\nstep = 0', "[product] step = 0"),
        ('"imperviousness"', '"imperviousness"\nstep = 101', "[product] step = 101"),
        ('"imperviousness"', '"clcplus"\nstep = 5', "step"),
        ("[hexagons]", '[accuracy]\npoints = "p.csv"\n[hexagons]', "is a density"),
        (
            "[hexagons]",
            "".join(f"[accuracy.{y}]\nusers = 0.9\nproducers = 0.9\n" for y in YEARS)
            + "[hexagons]",
            "is a density",
        ),
    ],
)
def test_what_densities_cannot_have_is_refused(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    path = write_region(tmp_path)
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(RegionError) as refused:
        load_region(path)
    assert words in str(refused.value)


def test_the_step_decides_what_joins_a_patch() -> None:
    former, later = np.array([[0, 40, 40, 0]], np.uint8), np.array([[9, 50, 30, 10]], np.uint8)
    before, after = sealed_masks(IMPERVIOUSNESS, former, later)
    assert (before.tolist(), after.tolist()) == (
        [[False, False, True, False]],
        [[False, True, False, True]],
    )
    fine = replace(IMPERVIOUSNESS, step=9)
    assert sealed_masks(fine, former, later)[1].tolist() == [[True, True, False, True]]
    ranges = class_table(IMPERVIOUSNESS)
    assert [int(ranges[code]) for code in (0, 1, 29, 30, 50, 79, 80, 100, 255)] == [
        0, 1, 1, 30, 50, 50, 80, 80, 255,
    ]  # fmt: skip


def test_a_build_record_keeps_what_a_density_is(site: Path) -> None:
    record = json.loads((site / "site/data/merge/build.json").read_text())
    found = _product(record["settings"]["product"])
    assert found.is_density
    assert replace(found, nodata=IMPERVIOUSNESS.nodata, dois={}) == replace(IMPERVIOUSNESS, dois={})


def test_points_give_the_sealed_area_of_densities(tmp_path: Path) -> None:
    """A third of each density's points are sealed where the map says 30 %: the sum is compared."""
    band = np.full((SIZE, SIZE), 0, np.uint8)
    band[:, :50] = 60
    path = write_region(tmp_path, (band,))
    lines = ["x,y,reference"]
    for number in range(40):
        row, west = 5 + 2 * number, number % 2 == 0
        x, y = WEST + 10 * (20 if west else 70) + 5, NORTH - 10 * row - 5
        sealed = (number // 2) % 2 == 0 if west else number % 20 == 1
        lines.append(f"{x},{y},{'sealed' if sealed else 'unsealed'}")
    (tmp_path / "points.csv").write_text("\n".join(lines) + "\n")
    out = tmp_path / "a.json"
    result = hexseal("accuracy", path, tmp_path / "points.csv", "--crs", "EPSG:3035", "-o", out)
    assert result.code == 0, result.err
    # The map: 5 000 pixels of 60 % are 30 ha; the points: 10 of 20 and 2 of 20, each of 50 ha.
    assert "its densities add up to 30.0 ha" in result.out
    sealed = json.loads(out.read_text())["years"][0]["sealed"]
    assert (sealed["mapped_m2"], sealed["area_m2"]["value"]) == (300_000, 300_000)
    assert json.loads(out.read_text())["changes"] == []
    (tmp_path / "points.csv").write_text("\n".join(lines).replace("unsealed", "0") + "\n")
    text = (tmp_path / "points.csv").read_text().replace("sealed", "60")
    (tmp_path / "points.csv").write_text(text)
    refused = hexseal("accuracy", path, tmp_path / "points.csv", "--crs", "EPSG:3035", "-o", out)
    assert refused.code == 1
    assert "points that are sealed or unsealed" in refused.err


def test_init_writes_the_product_by_name_of_the_files(tmp_path: Path) -> None:
    write_region(tmp_path)
    rasters = [
        part for year in YEARS for part in ("--raster", tmp_path / f"IMD_{year}_010m_eu_03035.tif")
    ]
    out = tmp_path / "made.toml"
    result = hexseal("init", "Made", *rasters, "-o", out)
    assert result.code == 0, result.err
    region = load_region(out)
    assert (region.product, region.years) == (IMPERVIOUSNESS, YEARS)
    plain = write_tif(tmp_path / "sealed_2018.tif", densities()[0])
    named = hexseal(
        "init", "N", "--raster", plain, "--product", "imperviousness", "-o", tmp_path / "n.toml"
    )
    assert named.code == 0, named.err
    assert load_region(tmp_path / "n.toml").product == IMPERVIOUSNESS


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--nuts", "LU000"), "no service is known that gives densities cut to a place"),
        (("--raster", "150.tif"), "holds 150, which densities of 0 to 100 per cent"),
    ],
)
def test_init_refuses_what_is_no_density(
    tmp_path: Path, arguments: tuple[str, str], words: str
) -> None:
    write_tif(tmp_path / "2018_150.tif", [[0, 150]])
    files = [str(tmp_path / f"2018_{a}") if a.endswith(".tif") else a for a in arguments]
    out = tmp_path / "x.toml"
    result = hexseal("init", "X", *files, "--product", "imperviousness", "-o", out)
    assert result.code == 1
    assert words in result.err
    assert not out.exists()


def test_simulated_densities_follow_the_truth_with_alike_errors() -> None:
    truth = np.zeros((200, 200), np.uint8)
    truth[40:160, 40:160] = 60
    grown = truth.copy()
    grown[100:140, 160:180] = 100
    cover = np.full(truth.shape, 6, np.uint8)
    cover[:5] = 254
    both = [
        observe_densities(
            (truth, grown), (cover, cover), DensityErrors(), np.random.default_rng(seed)
        )
        for seed in (1, 1, 2)
    ]
    assert all((one == two).all() for one, two in zip(both[0], both[1], strict=True))
    assert any((one != two).any() for one, two in zip(both[0], both[2], strict=True))
    first, second = both[0]
    assert (first[:5] == 255).all()
    assert first[5:].max() <= 100
    sums = [band[5:].astype(np.int64).sum() for band in (first, second)]
    assert sums[0] / truth.astype(np.int64).sum() == pytest.approx(0.92, abs=0.03)
    rise = int(sums[1] - sums[0])
    assert rise / (grown.astype(np.int64) - truth).sum() == pytest.approx(0.92, abs=0.06)
    errors = [band[50:150, 50:150].astype(float) - 55 for band in (first, second)]
    assert np.corrcoef(errors[0].ravel(), errors[1].ravel())[0, 1] > 0.85


def test_compare_maps_adds_densities_up(tmp_path: Path) -> None:
    import hexseal as library  # noqa: PLC0415

    maps = {
        year: write_tif(tmp_path / f"IMD_{year}.tif", band)
        for year, band in zip((2015, 2018), densities()[1:], strict=True)
    }
    table = library.compare_maps(maps, resolution=8, product="imperviousness").to_pylist()
    bands = np.stack(densities()[1:]).astype(np.int64)
    counted = np.where(np.logical_and.reduce(bands <= 100), bands, 0)
    for year, band in zip((2015, 2018), counted, strict=True):
        assert sum(row[f"sealed_m2_{year}"] for row in table) == pytest.approx(band.sum())
