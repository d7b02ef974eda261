"""Opening rasters: single files, mosaics, and the one line that each bad file gives."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterfiles import NORTH, SHARED, WEST, north_up, real_data, write_tif
from rasterio import Affine
from rasterio.vrt import WarpedVRT

from hexseal.errors import GridMismatchError, InputError
from hexseal.raster.grid import Window
from hexseal.raster.landcover import common_grid, open_landcover, read_grid
from hexseal.region.load import Epoch

NINE = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]


@pytest.fixture
def nine(tmp_path: Path) -> str:
    return write_tif(tmp_path / "nine.tif", NINE)


def test_windows_of_one_file(nine: str) -> None:
    with open_landcover(nine) as raster:
        assert raster.grid.bounds == (WEST, NORTH - 30.0, WEST + 30.0, NORTH)
        assert raster.read(Window(1, 0, 2, 2)).tolist() == [[4, 5], [7, 8]]
        assert raster.block_shape == (3, 3)


def test_out_is_filled_and_returned(nine: str) -> None:
    out = np.zeros((1, 3), dtype=np.uint8)
    with open_landcover(nine) as raster:
        assert raster.read(Window(2, 0, 1, 3), out=out) is out
    assert out.tolist() == [[7, 8, 9]]


def test_checksums_of_local_files(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    write_tif(path, NINE)
    path.with_name("b.tif").write_bytes(path.read_bytes())
    with open_landcover(str(path)) as raster:
        (digest,) = raster.checksums().values()
    assert re.fullmatch("[0-9a-f]{64}", digest)
    assert open_landcover(str(path.with_name("b.tif"))).checksums() == {
        str(path.with_name("b.tif")): digest
    }


def test_tiles_are_one_raster_and_gaps_are_filled(tmp_path: Path) -> None:
    write_tif(tmp_path / "t1.tif", [[1, 2], [3, 4]])
    write_tif(tmp_path / "t2.tif", [[5, 6], [7, 8]], transform=north_up(WEST + 20, NORTH - 20))
    with open_landcover(str(tmp_path / "t*.tif"), fill=254) as raster:
        assert (raster.grid.height, raster.grid.width) == (4, 4)
        assert raster.read(Window(0, 0, 4, 4)).tolist() == [
            [1, 2, 254, 254],
            [3, 4, 254, 254],
            [254, 254, 5, 6],
            [254, 254, 7, 8],
        ]
        assert raster.read(Window(1, 1, 2, 2)).tolist() == [[4, 254], [254, 5]]
        assert raster.read(Window(2, 2, 2, 2)).tolist() == [[5, 6], [7, 8]]
        assert raster.read(Window(0, 2, 1, 2)).tolist() == [[254, 254]]


def test_more_tiles_than_stay_open(tmp_path: Path) -> None:
    for k in range(40):
        write_tif(tmp_path / f"t{k:02}.tif", [[k]], transform=north_up(WEST + 10 * k))
    with open_landcover(str(tmp_path / "*.tif")) as raster:
        assert raster.read(Window(0, 0, 1, 40)).tolist() == [list(range(40))]
        with open_landcover(str(tmp_path / "*.tif")) as other:
            assert other.read(Window(0, 38, 1, 2)).tolist() == [[38, 39]]


def test_tiles_may_overlap_where_they_agree(tmp_path: Path) -> None:
    write_tif(tmp_path / "t1.tif", [[1, 2, 0]])
    write_tif(tmp_path / "t2.tif", [[2, 3, 4]], transform=north_up(WEST + 10))
    with open_landcover(str(tmp_path / "t*.tif")) as raster:
        assert raster.read(Window(0, 0, 1, 4)).tolist() == [[1, 2, 3, 4]]


def test_tiles_that_contradict_each_other(tmp_path: Path) -> None:
    write_tif(tmp_path / "t1.tif", [[1, 2]])
    second = write_tif(tmp_path / "t2.tif", [[9, 3]], transform=north_up(WEST + 10))
    with open_landcover(str(tmp_path / "t*.tif")) as raster, pytest.raises(InputError) as caught:
        raster.read(Window(0, 0, 1, 3))
    assert str(caught.value) == (
        f"{second}: overlaps another tile with other codes (9 against 2 at row 0, column 1 of the "
        "mosaic); keep one file per place"
    )


def test_tiles_on_another_lattice(tmp_path: Path) -> None:
    first = write_tif(tmp_path / "t1.tif", [[1, 2]])
    second = write_tif(tmp_path / "t2.tif", [[1, 2]], transform=north_up(WEST + 25))
    with pytest.raises(GridMismatchError) as caught:
        open_landcover(str(tmp_path / "t*.tif"))
    assert str(caught.value) == (
        f"{second}: lies on another grid (EPSG:3035 2 x 1 pixels of 10 x 10 metre, "
        "x 4040025 to 4040045, y 2969990 to 2970000) than the tile "
        f"{first} (EPSG:3035 2 x 1 pixels of 10 x 10 metre, x 4040000 to 4040020, "
        "y 2969990 to 2970000); "
        "warp it to the same CRS, pixel size and origin with gdalwarp -r near -tap"
    )


def refusal(address: str) -> str:
    with pytest.raises(InputError) as caught:
        open_landcover(address)
    return str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "none.tif"
    assert refusal(str(path)) == f"{path}: no such file; check the path in the region file"


def test_pattern_without_files(tmp_path: Path) -> None:
    pattern = str(tmp_path / "*.tif")
    assert refusal(pattern) == (
        f"{pattern}: no file matches this pattern; check the path in the region file"
    )


def test_folder(tmp_path: Path) -> None:
    assert refusal(str(tmp_path)) == (
        f"{tmp_path}: is a folder; name a file, or its tiles as {tmp_path}/*.tif"
    )


def test_text_named_tif(tmp_path: Path) -> None:
    path = tmp_path / "text.tif"
    path.write_text("not a raster")
    assert refusal(str(path)) == (f"{path}: is not a raster that GDAL can read; expected a GeoTIFF")


def test_float_raster(tmp_path: Path) -> None:
    path = write_tif(tmp_path / "float.tif", np.ones((2, 2), dtype=np.float32))
    assert refusal(path) == (
        f"{path}: holds float32 values, expected byte class codes (0 to 255); "
        f"if they are such codes, convert with gdal_translate -ot Byte {path} OUT.tif"
    )


def test_two_bands(tmp_path: Path) -> None:
    path = write_tif(tmp_path / "two.tif", np.ones((2, 2, 2), dtype=np.uint8))
    assert refusal(path) == (
        f"{path}: has 2 bands, expected one band of class codes; "
        f"take one out with gdal_translate -b 1 {path} OUT.tif"
    )


def test_rotated_raster(tmp_path: Path) -> None:
    path = write_tif(tmp_path / "rotated.tif", NINE, transform=Affine(10, 1, WEST, 1, -10, NORTH))
    assert refusal(path) == (
        f"{path}: grid is rotated (rotation terms 1 and 1, expected 0); "
        "warp it to a north-up grid with gdalwarp -r near"
    )


def test_raster_without_crs(tmp_path: Path) -> None:
    path = write_tif(tmp_path / "nowhere.tif", NINE, crs=None)
    assert refusal(path) == (
        f"{path}: has no coordinate reference system; "
        f"assign the right one with gdal_edit.py -a_srs EPSG:CODE {path}"
    )


def test_truncated_file_opens_and_fails_on_reading(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "cut.tif"
    codes = np.random.default_rng(1).integers(1, 12, (512, 512)).astype(np.uint8)
    write_tif(path, codes, tiled=True, blockxsize=256, blockysize=256)
    path.write_bytes(path.read_bytes()[:140_000])
    with open_landcover(str(path)) as raster:
        assert raster.read(Window(0, 0, 256, 256)).shape == (256, 256)
        with pytest.raises(InputError) as caught:
            raster.read(Window(256, 256, 256, 256))
    assert str(caught.value) == (
        f"{path}: cannot be read at row 256, column 256; "
        "the file is cut off or damaged, fetch it again"
    )
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    # A process of its own: GDAL keeps Python's lock while it waits for an answer.
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        port = re.search(r"port (\d+)", server.stdout.readline())
        assert port is not None
        yield f"http://127.0.0.1:{port[1]}"
        server.terminate()


def test_http_address(nine: str, served: str) -> None:
    with open_landcover(f"{served}/nine.tif") as raster:
        assert raster.read(Window(0, 0, 3, 3)).tolist() == NINE
        assert raster.checksums() == {}


def test_http_address_without_file(served: str) -> None:
    assert refusal(f"{served}/none.tif") == (
        f"{served}/none.tif: is not a raster that GDAL can read; check the address and the network"
    )


def test_windows_cover_the_frame_once() -> None:
    seen = np.zeros((50, 70), dtype=int)
    for w in Window(3, 5, 40, 60).cut((16, 16), pixels=600):
        seen[w.row : w.row + w.height, w.column : w.column + w.width] += 1
    assert (seen[3:43, 5:65] == 1).all()
    assert seen.sum() == 40 * 60


def test_windows_of_strips_are_wide() -> None:
    cut = Window(0, 0, 1000, 865).cut((1, 865), pixels=100_000)
    assert {w.width for w in cut} == {865}
    assert len(cut) < 12


def test_years_on_different_grids(tmp_path: Path) -> None:
    first = write_tif(tmp_path / "a.tif", NINE)
    second = write_tif(tmp_path / "b.tif", NINE, transform=north_up(WEST + 5))
    with pytest.raises(GridMismatchError) as caught:
        common_grid([Epoch(2018, first, ""), Epoch(2021, second, "")])
    assert str(caught.value) == (
        f"{second} (2021): lies on another grid than {first} (2018): its origin lies 0 rows down "
        "and 0.5 columns right, so its pixels cut across; "
        "2018 is EPSG:3035 3 x 3 pixels of 10 x 10 metre, x 4040000 to 4040030, "
        "y 2969970 to 2970000; "
        "2021 is EPSG:3035 3 x 3 pixels of 10 x 10 metre, x 4040005 to 4040035, "
        "y 2969970 to 2970000; "
        "to bring it onto the same grid: gdalwarp -t_srs EPSG:3035 "
        f"-te 4040000 2969970 4040030 2970000 -ts 3 3 -r near {second} {tmp_path}/b_aligned.tif"
    )


class TestRealData:
    pytestmark = real_data

    def test_corine_years_are_refused_and_the_command_mends_them(self, tmp_path: Path) -> None:
        first, second = (str(SHARED / f"corine-vaud/ls100_{year}.tif") for year in ("06", "12"))
        with pytest.raises(GridMismatchError, match=r"pixels of 99\.99245896") as caught:
            common_grid([Epoch(2006, first, ""), Epoch(2012, second, "")])
        words = shlex.split(str(caught.value).partition("grid: ")[2])
        west, south, east, north = map(float, words[4:8])
        width, height = map(int, words[9:11])
        size = (east - west) / width, (north - south) / height
        options = {"crs": words[2], "width": width, "height": height}
        options["transform"] = Affine(size[0], 0, west, 0, -size[1], north)
        with rasterio.open(second) as source, WarpedVRT(source, **options) as warped:
            codes = warped.read(1)
        repaired = write_tif(
            tmp_path / "b.tif", codes, crs=words[2], transform=options["transform"]
        )
        grid = common_grid([Epoch(2006, first, ""), Epoch(2012, repaired, "")])
        assert grid == read_grid(first)

    def test_sao_tome_counts(self) -> None:
        folder = SHARED / "worldcover-sao-tome"
        addresses = [
            str(folder / f"ESA_WorldCover_10m_{name}_N00E006_Map.tif")
            for name in ("2020_v100", "2021_v200")
        ]
        grid = common_grid(
            Epoch(year, address, "") for year, address in zip((2020, 2021), addresses, strict=True)
        )
        window = grid.window_of((6.4, 0.0, 6.8, 0.45))
        old, new = (open_landcover(address).read(window) == 50 for address in addresses)
        assert (old.sum(), new.sum()) == (125_246, 172_971)
        assert ((new & ~old).sum(), (old & ~new).sum()) == (52_279, 4_554)
