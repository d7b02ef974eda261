"""What rasters say of their pixels: masks, tags, lossy compression, a CRS under another name."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from pyproj import CRS
from rasterfiles import NORTH, WEST, north_up, write_tif

from hexseal.check.stage import check_region
from hexseal.errors import InputError, RegionError
from hexseal.raster.grid import Window
from hexseal.raster.landcover import open_landcover, read_grid
from hexseal.region.load import Region, load_region

WHOLE = Window(0, 0, 64, 64)
CODES = np.full((64, 64), 6, np.uint8)
CODES[:8] = 1


def masked(path: Path, kind: str) -> str:
    """Write CODES whose first four rows are hidden."""
    mask = np.full((64, 64), 255, np.uint8)
    mask[:4] = 0
    options: dict[str, object] = {
        "driver": "GTiff", "width": 64, "height": 64, "dtype": "uint8", "crs": "EPSG:3035",
        "transform": north_up(), "count": 2 if kind == "alpha" else 1,
    }  # fmt: skip
    if kind == "alpha":
        options |= {"photometric": "minisblack", "alpha": "yes"}
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=kind == "internal"),
        rasterio.open(path, "w", **options) as file,
    ):
        file.write(CODES, 1)
        if kind == "alpha":
            file.write(mask, 2)
        else:
            file.write_mask(mask)
    return str(path)


@pytest.mark.parametrize("kind", ["internal", "beside", "alpha"])
def test_pixels_behind_a_mask_are_no_data(tmp_path: Path, kind: str) -> None:
    address = masked(tmp_path / "a.tif", kind)
    with open_landcover(address, fill=255) as raster:
        codes = raster.read(WHOLE)
        assert [int((codes == code).sum()) for code in (1, 6, 255)] == [256, 56 * 64, 256]
        out = np.empty((2, 64), np.uint8)
        raster.read(Window(3, 0, 2, 64), out=out)
        assert out[:, 0].tolist() == [255, 1]


def region(folder: Path, *rasters: str, product: str = "") -> Region:
    epochs = "".join(
        f'[[epoch]]\nyear = {2018 + 3 * place}\nlandcover = "{name}"\n'
        for place, name in enumerate(rasters)
    )
    path = folder / "r.toml"
    path.write_text(f'[region]\nid = "r"\n{product}\n{epochs}')
    return load_region(path)


CUSTOM = '[product]\nname = "custom"\nsealed = [1]\nvalid = {valid}\nnodata = {nodata}\n'


def findings(checked: Region) -> list[str]:
    return [finding.line() for finding in check_region(checked).findings]


def test_check_counts_without_what_a_mask_hides(tmp_path: Path) -> None:
    address = masked(tmp_path / "a.tif", "internal")
    report = check_region(region(tmp_path, address))
    assert not report.errors
    assert (report.years[0].sealed, report.years[0].valid) == (256, 60 * 64)
    assert any("its mask or alpha band hides" in finding.what for finding in report.findings)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"compress": "jpeg", "jpeg_quality": 75}, "JPEG"),
        ({"compress": "jpeg", "jpeg_quality": 100}, "JPEG"),
        ({"compress": "lerc", "max_z_error": 2}, "LERC of error 2"),
        ({"compress": "webp", "webp_lossless": "no"}, "lossy WEBP"),
    ],
)
def test_lossy_compression_of_classes_is_refused(
    tmp_path: Path, options: dict[str, object], name: str
) -> None:
    if "webp" in options.values():
        codes = np.stack([CODES] * 3)
        address = write_tif(tmp_path / "a.tif", codes, **options)
        with pytest.raises(InputError, match="3 bands"):
            open_landcover(address)
        return
    address = write_tif(tmp_path / "a.tif", CODES, **options)
    with pytest.raises(InputError) as caught:
        open_landcover(address)
    assert str(caught.value) == (
        f"{address}: is compressed with {name}, which changes class codes; fetch it again, or "
        "make it again from the original with LZW or DEFLATE"
    )


@pytest.mark.parametrize("options", [{"compress": "lerc"}, {"compress": "zstd"}, {}])
def test_compression_that_keeps_every_code_is_read(
    tmp_path: Path, options: dict[str, object]
) -> None:
    with open_landcover(write_tif(tmp_path / "a.tif", CODES, **options)) as raster:
        assert (raster.read(WHOLE) == CODES).all()


def test_a_virtual_raster_of_lossy_files_is_refused(tmp_path: Path) -> None:
    write_tif(tmp_path / "a.tif", CODES, compress="jpeg")
    path = tmp_path / "a.vrt"
    path.write_text(
        '<VRTDataset rasterXSize="64" rasterYSize="64"><SRS>EPSG:3035</SRS>'
        f"<GeoTransform>{WEST}, 10, 0, {NORTH}, 0, -10</GeoTransform>"
        '<VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
        '<SourceFilename relativeToVRT="1">a.tif</SourceFilename><SourceBand>1</SourceBand>'
        "</SimpleSource></VRTRasterBand></VRTDataset>"
    )
    with pytest.raises(InputError, match="is compressed with JPEG"):
        open_landcover(str(path))


LAEA = "+proj=laea +lat_0=52 +lon_0=10 +x_0=4321000 +y_0=3210000 +ellps=GRS80 +units=m +no_defs"


@pytest.mark.parametrize(
    ("written", "code"),
    [
        (LAEA, "EPSG:3035"),
        (f"{LAEA} +towgs84=0,0,0,0,0,0,0", "EPSG:3035"),
        (CRS("EPSG:3035").to_wkt("WKT1_ESRI"), "EPSG:3035"),
        ("+proj=utm +zone=20 +datum=WGS84 +units=m", "EPSG:32620"),
        (LAEA.replace("3210000", "3210001"), None),
    ],
)
def test_a_code_is_found_behind_other_spellings_of_a_crs(
    tmp_path: Path, written: str, code: str | None
) -> None:
    grid = read_grid(write_tif(tmp_path / "a.tif", CODES, crs=written))
    assert (grid.crs_label == code) == (code is not None)
    other = "EPSG:3035" if code is None else code
    # Whatever it is called, a place stays where it is.
    place = np.array([WEST]), np.array([NORTH])
    from hexseal.raster.grid import to_lonlat  # noqa: PLC0415

    found, wanted = np.array(grid.to_lonlat(*place)), np.array(to_lonlat(other, *place))
    assert bool(np.abs(found - wanted).max() < 1e-7) == (code is not None)


def test_the_crs_in_aux_xml_is_read(tmp_path: Path) -> None:
    address = write_tif(tmp_path / "a.tif", CODES, crs=None)
    with pytest.raises(InputError, match="no coordinate reference system"):
        read_grid(address)
    srs = CRS("EPSG:3035").to_wkt("WKT1_GDAL").replace('"', "&quot;")
    Path(f"{address}.aux.xml").write_text(f"<PAMDataset><SRS>{srs}</SRS></PAMDataset>")
    assert read_grid(address).crs_label == "EPSG:3035"
    Path(f"{address}.aux.xml").write_text("<PAMDataset><SRS>nonsense</SRS>")
    with pytest.raises(InputError, match="no coordinate reference system"):
        read_grid(address)


def test_a_nodata_tag_that_the_product_counts_is_noted(tmp_path: Path) -> None:
    binary = np.zeros((64, 64), np.uint8)
    binary[:8] = 1
    address = write_tif(tmp_path / "a.tif", binary, nodata=0)
    counted = region(tmp_path, address, product=CUSTOM.format(valid="[0, 1]", nodata="[]"))
    (line,) = [line for line in findings(counted) if "nodata tag" in line]
    assert "its nodata tag is 0, which [product] counts as valid (3,584 pixels)" in line
    agreed = region(tmp_path, address, product=CUSTOM.format(valid="[1]", nodata="[0]"))
    assert not any("nodata tag" in line for line in findings(agreed))


@pytest.mark.parametrize("product", ["", CUSTOM.format(valid="[0, 1, 6]", nodata="[]")])
def test_places_without_a_tile_have_no_code_of_a_file(tmp_path: Path, product: str) -> None:
    write_tif(tmp_path / "w.tif", CODES)
    write_tif(tmp_path / "e.tif", CODES, transform=north_up(WEST + 640, NORTH - 320))
    report = check_region(region(tmp_path, str(tmp_path / "?.tif"), product=product))
    assert report.years[0].codes == {1: 1_024, 6: 7_168}
    assert report.years[0].valid == 8_192
    lines = [finding.line() for finding in report.findings]
    assert not any("253" in line for line in lines)
    assert any("4,096 pixels of the frame have no tile" in line for line in lines)
    assert not report.errors


def test_overlapping_tiles_leave_gaps_that_are_counted_once(tmp_path: Path) -> None:
    write_tif(tmp_path / "a.tif", CODES)
    write_tif(tmp_path / "b.tif", CODES, transform=north_up(WEST, NORTH))
    write_tif(tmp_path / "c.tif", CODES, transform=north_up(WEST + 1280, NORTH))
    with open_landcover(str(tmp_path / "?.tif")) as raster:
        assert raster.uncovered(Window(0, 0, 64, 192)) == 64 * 64
        assert raster.uncovered(Window(0, 0, 64, 64)) == 0
        assert raster.uncovered(Window(60, 60, 4, 8)) == 16


def test_a_density_given_as_class_map_is_noted(tmp_path: Path) -> None:
    density = np.zeros((64, 64), np.uint8)
    density[:8] = 40
    address = write_tif(tmp_path / "IMD_2018_010m_eu_03035.tif", density)
    named = region(tmp_path, address)
    assert any("looks like an imperviousness density" in line for line in findings(named))
    assert not any("nodata = [0" in line for line in findings(named))
    plain = write_tif(tmp_path / "sealed.tif", density)
    product = CUSTOM.format(valid=list(range(101)), nodata="[]").replace(
        "[1]", str(list(range(1, 101)))
    )
    assert any(
        "counted by threshold" in line
        for line in findings(region(tmp_path, plain, product=product))
    )
    classes = write_tif(tmp_path / "classes.tif", CODES)
    assert not any("imperviousness density" in line for line in findings(region(tmp_path, classes)))


def test_a_product_names_what_is_no_data_even_where_it_names_nothing(tmp_path: Path) -> None:
    address = write_tif(tmp_path / "a.tif", CODES)
    found = region(tmp_path, address, product=CUSTOM.format(valid="[1, 6]", nodata="[]"))
    assert (found.product.nodata, found.product.fill) == (frozenset({255}), 255)
    with pytest.raises(RegionError, match="255"):
        replace(found.product, valid=frozenset({1, 255}))
