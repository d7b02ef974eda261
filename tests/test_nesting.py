"""Where an area lies, and the scripts that hold what newly sealed land was before."""

import pytest
import shapely
from browser.made_site import made_region

from hexseal.pages.figures import AreaFigures, Place, area_parents, coarse_to_fine
from hexseal.pages.origins import Source, write_origin_files
from hexseal.region.load import Region
from hexseal.types import Pair


@pytest.fixture
def region(tmp_path) -> Region:
    return made_region(tmp_path)


def square(layer: str, name: str, west: float, size: float) -> tuple[AreaFigures, bytes]:
    box = shapely.box(west, 0, west + size, size)
    place = Place(box.bounds, (west + size / 2, size / 2))
    return AreaFigures(layer, name, name, {"valid_m2": size**2}, {}, place), shapely.to_wkb(box)


def test_areas_lie_in_the_smallest_of_the_next_layer_that_holds_them() -> None:
    drawn = [
        square("commune", "c1", 1, 1), square("commune", "c2", 11, 1),
        square("commune", "c3", 90, 1), square("province", "p", 0, 10),
        square("country", "big", -50, 100), square("country", "small", -5, 40),
    ]  # fmt: skip
    areas = [area for area, _ in drawn]
    shapes = {(area.layer, area.id): shape for area, shape in drawn}
    assert coarse_to_fine(areas) == ["country", "province", "commune"]
    assert area_parents(areas, shapes) == {
        ("province", "p"): ("country", "small"),
        ("commune", "c1"): ("province", "p"),
        # In no province: the country stands in for it.
        ("commune", "c2"): ("country", "small"),
    }
    assert area_parents([], {}) == {}


def test_origin_scripts_are_by_layer_and_by_coarsest_cell(tmp_path, region: Region) -> None:
    areas = {("municipality", "7"): {Pair(2018, 2021): (Source(9, 300.4, 100.0),)}}
    # A cell of resolution 7 within the cell of resolution 6 that names the file.
    cell = 0x87195DA49FFFFFF
    hexagons = {cell: {Pair(2018, 2021): (Source(6, 200.0, 0.0),)}}
    parents = [0x86195DA4FFFFFFF, 0x861958D27FFFFFF]
    folder = write_origin_files(tmp_path, region, areas, hexagons, parents)
    names = sorted(path.name for path in (tmp_path / folder).iterdir())
    assert names == ["861958d27ffffff.js", "86195da4fffffff.js", "layer-0.js"]
    assert (tmp_path / folder / "layer-0.js").read_text() == (
        '(globalThis.hexsealOrigins??={})["layer-0"]={"2018-2021":{"7":[[9,300,100]]}};\n'
    )
    assert write_origin_files(tmp_path / "again", region, areas, hexagons, parents) == folder
