"""Which area a hexagon belongs to, where areas cut across hexagons."""

from pathlib import Path

import h3
import numpy as np
import pyarrow.parquet as pq
import shapely
from sites import REGION, hexseal, write_region

from hexseal.hexgrid.outlines import areas_of_cells, cell_polygons

CELLS = np.array([h3.str_to_int(cell) for cell in h3.grid_disk("891fa4c6e03ffff", 4)], np.uint64)
LONLAT = np.array([h3.cell_to_latlng(h3.int_to_str(int(cell)))[::-1] for cell in CELLS])
MIDDLE = LONLAT[0]


def test_the_centre_decides_and_the_smallest_of_several() -> None:
    everywhere = shapely.box(*(LONLAT.min(0) - 1), *(LONLAT.max(0) + 1))
    around = shapely.Point(MIDDLE).buffer(1e-4)
    owner = areas_of_cells(CELLS, LONLAT, np.array([everywhere, around, everywhere]))
    assert owner[0] == 1
    assert set(owner[1:].tolist()) == {0}


def test_where_no_area_holds_the_centre_the_largest_part_counts() -> None:
    west, south, east, north = shapely.bounds(cell_polygons(CELLS[:1])[0])
    lon, lat = MIDDLE
    # A strip of a third in the west, a smaller one in the east; neither holds the centre.
    strips = [
        shapely.box(west - 1, south, lon - (lon - west) / 3, north),
        shapely.box(east - (east - lon) / 3, south, east + 1, north),
        shapely.box(lon + 1, lat, lon + 2, lat + 1),
    ]
    owner = areas_of_cells(CELLS[:1], LONLAT[:1], np.array(strips))
    assert owner.tolist() == [0]
    assert areas_of_cells(CELLS[:1], LONLAT[:1], np.array(strips[2:])).tolist() == [-1]
    assert areas_of_cells(CELLS[:1], LONLAT[:1], np.array([], dtype=object)).tolist() == [-1]


def test_the_rule_is_that_of_trying_each_cell_against_each_area() -> None:
    random = np.random.default_rng(7)
    corners = MIDDLE + random.uniform(-0.02, 0.02, (30, 3, 2))
    areas = np.array([shapely.Polygon(three).convex_hull for three in corners], dtype=object)
    owner = areas_of_cells(CELLS, LONLAT, areas)
    outlines, sizes = cell_polygons(CELLS), shapely.area(areas)
    for place, (outline, point) in enumerate(zip(outlines, shapely.points(LONLAT), strict=True)):
        holding = np.flatnonzero(shapely.intersects(areas, point))
        covered = shapely.area(shapely.intersection(areas, outline))
        if len(holding):
            wanted = holding[np.argmin(sizes[holding])]
        else:
            wanted = np.argmax(covered) if covered.max() > 0 else -1
        assert owner[place] == wanted


def test_cells_across_180_degrees_reach_areas_on_the_other_side() -> None:
    cells = np.array([h3.str_to_int(h3.latlng_to_cell(-16.8, 180.0, 5))], np.uint64)
    lonlat = np.array([h3.cell_to_latlng(h3.int_to_str(int(cells[0])))[::-1]])
    side = -np.sign(lonlat[0, 0])
    edges = sorted([side * 180.0, side * 179.0])
    area = np.array([shapely.box(edges[0], -18, edges[1], -16)])
    assert areas_of_cells(cells, lonlat, area).tolist() == [0]


def test_every_hexagon_of_a_site_names_its_area(tmp_path: Path) -> None:
    region = write_region(tmp_path)
    done = hexseal("build", region, "--until", "statistics", "--out", tmp_path / "site")
    assert done.code == 0, done.err
    table = pq.read_table(tmp_path / "work/toy/hexagons.parquet")
    assert set(table["area_half"].to_pylist()) == {"w", "e"}


def test_a_layer_may_not_be_called_as_a_column_of_hexagons(tmp_path: Path) -> None:
    region = write_region(tmp_path, REGION.replace('layer = "half"', 'layer = "m2"'))
    done = hexseal("check", region)
    assert done.code == 1
    assert "would name a column area_m2" in done.err
