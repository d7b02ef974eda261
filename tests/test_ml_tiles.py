"""Tile folders of INSEE's course: both forms of names, sidecars, and what is refused."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from mlmodels import reflectance
from rasterfiles import north_up, write_tif

from hexseal.errors import HexsealError
from hexseal.raster.grid import Window
from hexseal_ml.data.scenes import Scene
from hexseal_ml.data.sources import tile_scenes
from hexseal_ml.model.classes import IGNORE

USED = ("B04", "B08", "B11")


def _codes() -> np.ndarray:
    codes = np.full((25, 25), 6, np.uint8)
    codes[:, 0], codes[0, 1:3] = 1, 0
    return codes


def _values(seed: int) -> np.ndarray:
    values = reflectance(25, 25, seed, bands=14)
    values[:, 24, 24] = 0
    return values


def _tile(folder: Path, year: int, name: str, seed: int, *, as_array: bool = False) -> None:
    image, label = (folder / kind / "LU000" / str(year) for kind in ("images", "labels"))
    image.mkdir(parents=True, exist_ok=True)
    label.mkdir(parents=True, exist_ok=True)
    np.save(label / f"{name}.npy", _codes())
    if as_array:
        np.save(image / f"{name}.npy", _values(seed))
    else:
        write_tif(image / f"{name}.tif", _values(seed).astype(np.float64), transform=north_up())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "tiles"
    _tile(place, 2018, "4040000_2969750_0_7", 1)
    _tile(place, 2018, "4040250_2969750_8", 2, as_array=True)
    _tile(place, 2021, "cell-9", 3)
    sidecar = place / "images" / "LU000" / "2021"
    boxes = {"filename": ["cell-9.tif"], "bbox": [[4041000.0, 2968000.0, 4041250.0, 2968250.0]]}
    pq.write_table(pa.table(boxes), sidecar / "filename2bbox.parquet")
    (sidecar / "metrics-normalization.yaml").write_text("mean: [0.1]\nstd: [0.1]\n")
    return place


def _scenes(folder: Path, *years: int, bands: tuple[str, ...] = USED) -> list[Scene]:
    return tile_scenes(folder, years, bands, folder.parent / "cache")


def test_tiles_lie_where_their_name_or_their_sidecar_says(folder: Path) -> None:
    found = {scene.name: scene.origin for scene in _scenes(folder)}
    assert found == {
        "LU000/2018/4040000_2969750_0_7": (4040000.0, 2970000.0),
        "LU000/2018/4040250_2969750_8": (4040250.0, 2970000.0),
        "LU000/2021/cell-9": (4041000.0, 2968250.0),
    }
    assert [scene.name for scene in _scenes(folder, 2021)] == ["LU000/2021/cell-9"]


def test_bands_are_taken_by_name_and_nothing_known_is_ignored(folder: Path) -> None:
    for scene, seed in zip(_scenes(folder), (1, 2, 3), strict=True):
        values, codes = scene.read(Window(0, 0, 25, 25))
        # B04, B08 and B11 are the 4th, 8th and 11th of the 14.
        expected = _values(seed)[[3, 7, 10]]
        np.testing.assert_allclose(values[:, :24], expected[:, :24], atol=6e-5)
        assert np.isnan(values[:, 24, 24]).all()
        assert codes[24, 24] == IGNORE
        assert (codes[0, 1:3] == IGNORE).all()
        assert (codes[:, 0] == 1).all()


def _refused(folder: Path, *years: int, bands: tuple[str, ...] = USED) -> str:
    with pytest.raises(HexsealError) as caught:
        _scenes(folder, *years, bands=bands)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_labels_and_images_belong_together_by_name(folder: Path) -> None:
    (folder / "images" / "LU000" / "2018" / "4040250_2969750_8.npy").unlink()
    line = _refused(folder)
    assert "4040250_2969750_8.npy: no image of this name" in line


def test_what_is_no_tile_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    assert "no labels" in _refused(tmp_path / "nowhere")
    assert "no tile of 1999" in _refused(folder, 1999)
    assert "tiles have no band B10" in _refused(folder, bands=("B10",))
    label = folder / "labels" / "LU000" / "2021" / "cell-9.npy"
    np.save(label, np.full((25, 25), 12, np.uint8))
    assert "is not a map of classes 0 to 11" in _refused(folder, 2021)
    np.save(label, np.full((20, 25), 6, np.uint8))
    assert "(20, 25) pixels, its image (25, 25)" in _refused(folder, 2021)
    (folder / "images" / "LU000" / "2021" / "filename2bbox.parquet").unlink()
    assert "nor its name holds where it lies" in _refused(folder, 2021)


def test_pickled_arrays_are_not_opened(folder: Path) -> None:
    label = folder / "labels" / "LU000" / "2021" / "cell-9.npy"
    np.save(label, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert "cannot be read" in _refused(folder, 2021)
