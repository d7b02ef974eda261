"""The written folder: same bytes each run, the codes, grids and areas that users rely on."""

import hashlib
from pathlib import Path

import numpy as np
import pyogrio.raw
import pytest
import rasterio
import shapely
from pyproj import Geod, Transformer
from rasterio.features import rasterize

from hexseal.errors import InputError, OutputError
from hexseal.products import CLCPLUS
from hexseal.simulation import is_simulated, simulate
from hexseal.simulation.writing import ORIGIN_X, ORIGIN_Y, rgb

MAPS = [f"clcplus_{y}.tif" for y in (2018, 2021)]
MAPS += [f"truth/landcover_{y}.tif" for y in (2018, 2021, 2024)]
LAYERS = ["confidence_2018.tif", "confidence_2021.tif", "post_processing_2021.tif"]
LAYERS += [f"truth/sealed_fraction_{y}.tif" for y in (2018, 2021, 2024)]


def checksums(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def band(path: Path) -> np.ndarray:
    with rasterio.open(path) as raster:
        return raster.read(1)


def features(path: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    meta, _, geometry, columns = pyogrio.raw.read(path)
    assert meta["crs"] == "EPSG:3035"
    return shapely.from_wkb(geometry), dict(zip(meta["fields"], columns, strict=True))


@pytest.fixture(scope="module")
def island(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(tmp_path_factory.mktemp("island") / "a", size_km=(8, 7), seed=4).folder


@pytest.mark.slow  # The quick tier compares islands of one seed in test_simulate_truth.py.
def test_two_runs_give_the_same_bytes(island: Path, tmp_path: Path) -> None:
    again = simulate(tmp_path / "b", size_km=(8, 7), seed=4)
    assert checksums(again.folder) == checksums(island)
    assert sorted(again.files) == sorted(checksums(island))
    assert len(again.files) == 21
    assert [p.name for p in tmp_path.iterdir()] == ["b"]


@pytest.mark.parametrize("name", [*MAPS, *LAYERS])
def test_rasters_lie_on_the_reference_grid(island: Path, name: str) -> None:
    with rasterio.open(island / name) as raster:
        assert raster.crs.to_epsg() == 3035
        assert raster.transform[:6] == (10, 0, ORIGIN_X, 0, -10, ORIGIN_Y)
        assert (raster.width, raster.height, raster.count) == (800, 700, 1)
        assert raster.dtypes == ("uint8",)
        assert raster.nodata is None
        assert raster.profile["compress"] == "lzw"
        assert raster.block_shapes == [(512, 512)]
        assert raster.overviews(1)
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        if name in MAPS:
            colors = raster.colormap(1)
            assert all(colors[c.code][:3] == rgb(c.color) for c in CLCPLUS.classes)
    assert ORIGIN_X % 1000 == ORIGIN_Y % 1000 == 0


def test_sea_is_water_in_2018_and_buffer_in_2021(island: Path) -> None:
    first, second = (band(island / name) for name in MAPS[:2])
    relief = band(island / "truth/relief.tif")
    assert set(np.unique(first)) <= {*range(1, 11), 254}
    assert set(np.unique(second)) <= {*range(1, 11), 253, 254}
    assert (first[second == 253] == 10).all()
    assert ((first == 254) == (second == 254)).all()
    assert (second[relief > 0] < 253).all()
    assert (second == 253).sum() > 10_000


def test_masks_hold_their_codes(island: Path) -> None:
    for year in (2018, 2021):
        confidence = band(island / f"confidence_{year}.tif")
        outside = band(island / f"clcplus_{year}.tif") == 254
        assert ((confidence == 254) == outside).all()
        assert confidence[~outside].max() <= 100
    assert set(np.unique(band(island / LAYERS[2]))) == {0, 1, 254}


def test_municipalities_cover_the_land_and_lie_in_provinces(island: Path) -> None:
    shapes, columns = features(island / "municipalities.gpkg")
    provinces, totals = features(island / "provinces.gpkg")
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)
    with rasterio.open(island / "truth/relief.tif") as raster:
        land = raster.read(1) > 0
        burnt = rasterize(shapes, out_shape=land.shape, transform=raster.transform)
    assert (burnt[land] == 1).all()
    for shape, name, *people in zip(
        provinces, totals["name"], totals["pop_2018"], totals["pop_2024"], strict=True
    ):
        inside = columns["province"] == name
        assert shapely.union_all(shapes[inside]).symmetric_difference(shape).area < 1e-3
        assert people == [columns["pop_2018"][inside].sum(), columns["pop_2024"][inside].sum()]
    assert len(set(columns["code"])) == len(shapes)
    assert columns["pop_2018"].min() > 0


def test_new_objects_lie_where_sealed_was_gained(island: Path) -> None:
    shapes, columns = features(island / "truth/new_sealed_objects.gpkg")
    built = shapes[(columns["kind"] != "demolished") & (columns["year"] == 2021)]
    first, second = (band(island / name) == 1 for name in MAPS[2:4])
    with rasterio.open(island / MAPS[2]) as raster:
        near = rasterize(
            shapely.buffer(built, 500), out_shape=first.shape, transform=raster.transform
        )
    gained = second & ~first
    assert near[gained].mean() == 1


def test_no_land_within_600_km(island: Path) -> None:
    to_lonlat = Transformer.from_crs(3035, 4326, always_xy=True)
    geod = Geod(ellps="GRS80")
    # Corvo (Azores), Dursey (Ireland), Cape Finisterre, St John's, Cape Farewell, Reykjanes.
    shores = [
        (-31.1, 39.7),
        (-10.2, 51.6),
        (-9.3, 42.9),
        (-52.6, 47.5),
        (-43.9, 59.8),
        (-22.7, 63.8),
    ]
    largest = 40_000
    for x in (ORIGIN_X, ORIGIN_X + largest):
        for y in (ORIGIN_Y, ORIGIN_Y - largest):
            lon, lat = to_lonlat.transform(x, y)
            assert min(geod.inv(lon, lat, *shore)[2] for shore in shores) > 600_000


def test_earlier_simulation_is_replaced_and_what_is_not_its_own_stays(tmp_path: Path) -> None:
    folder = tmp_path / "island"
    folder.mkdir()
    simulate(folder, size_km=(6, 6), seed=1)
    before = checksums(folder)
    (folder / "region.toml").write_text("mine")
    (folder / "clcplus_2018.tif").write_text("broken")
    (folder / "truth" / "relief.tif").unlink()
    assert is_simulated(folder, size_km=(6, 6), seed=1)
    simulate(folder, size_km=(6, 6), seed=1)
    after = checksums(folder)
    assert (folder / "region.toml").read_text() == "mine"
    assert {name: sum_ for name, sum_ in after.items() if name != "region.toml"} == before


def test_foreign_folder_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(OutputError, match="not a simulation"):
        simulate(tmp_path, size_km=(6, 6))
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="is a file"):
        simulate(tmp_path / "file", size_km=(6, 6))
    with pytest.raises(OutputError, match="cannot be written"):
        simulate(tmp_path / "file" / "island", size_km=(6, 6))


@pytest.mark.parametrize("size_km", [(5, 6), (6.5, 8), (6, 61), (float("nan"), 8)])
def test_wrong_sizes_are_one_line(tmp_path: Path, size_km: tuple[float, float]) -> None:
    with pytest.raises(InputError, match="whole kilometres"):
        simulate(tmp_path / "x", size_km=size_km)


def test_negative_seed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="seed = -1"):
        simulate(tmp_path / "x", size_km=(6, 6), seed=-1)
