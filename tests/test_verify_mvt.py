"""Reading vector tiles back: the same cells as another decoder, and damaged ones named."""

import mapbox_vector_tile
import numpy as np

from hexseal.verify.mvt import joined_cells, read_cells, read_layers

SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [0, 9], [9, 9], [9, 0], [0, 0]]]}
COLUMNS = ["land", "net", "absent"]


def tile() -> bytes:
    """A tile by another encoder: two cells, and a layer of areas with texts and fractions."""
    cells = [
        {"geometry": SQUARE, "id": 5, "properties": {"resolution": 9, "land": 100, "net": -7}},
        {"geometry": SQUARE, "id": 2**51 + 1, "properties": {"net": 300, "resolution": 9}},
    ]
    areas = [{"geometry": SQUARE, "properties": {"name": "Esch", "share": 0.5}}]
    return mapbox_vector_tile.encode(
        [{"name": "hexagons", "features": cells}, {"name": "areas", "features": areas}]
    )


def test_layers_and_cells_are_read() -> None:
    layers = dict(read_layers(tile()))
    assert list(layers) == ["hexagons", "areas"]
    cells = read_cells(layers["hexagons"], COLUMNS, (3, 4))
    assert cells.ids.tolist() == [5, 2**51 + 1]
    assert cells.resolutions.tolist() == [9, 9]
    assert cells.figures.tolist() == [[100, -7, 0], [0, 300, 0]]
    assert cells.tiles.tolist() == [[3, 4], [3, 4]]


def test_texts_and_fractions_are_0() -> None:
    layers = dict(read_layers(tile()))
    assert read_cells(layers["areas"], ["name", "share"], (0, 0)).figures.tolist() == [[0, 0]]


def test_cells_of_several_tiles_are_joined() -> None:
    layer = dict(read_layers(tile()))["hexagons"]
    cells = joined_cells([read_cells(layer, ["land"], (0, 0)), read_cells(layer, ["land"], (0, 1))])
    assert cells.ids.tolist() == [5, 2**51 + 1] * 2
    assert cells.tiles.tolist() == [[0, 0], [0, 0], [0, 1], [0, 1]]


def test_a_tile_that_is_cut_off_is_an_error() -> None:
    content = tile()
    whole = [name for name, _ in read_layers(content)]
    assert len(whole) == 2
    for length in range(1, len(content)):
        assert count_layers(content[:length]) < 2


def count_layers(content: bytes) -> int:
    """Return how many layers are read before an error."""
    count = 0
    try:
        for _, layer in read_layers(content):
            read_cells(layer, COLUMNS, (0, 0))
            count += 1
    except ValueError:
        pass
    return count


def test_random_bytes_do_no_harm() -> None:
    random = np.random.default_rng(1)
    for _ in range(2_000):
        content = bytearray(tile())
        for place in random.integers(0, len(content), 3):
            content[place] = random.integers(256)
        assert count_layers(bytes(content)) <= 2
