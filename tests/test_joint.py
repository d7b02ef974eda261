"""The joint class of a pixel, for one year and for more years than a table can hold."""

import numpy as np
import pytest

from hexseal.errors import InputError
from hexseal.products import CLCPLUS, Product
from hexseal.raster.joint import DOES_NOT_COUNT, PACK_ABOVE, TABLE_LIMIT, UNKNOWN, ClassJoiner

# Two classes and no data make a radix of 4: does not count, 3, 7, unknown.
TINY = Product(
    name="tiny",
    title="Tiny map",
    sealed=frozenset({3}),
    water=frozenset(),
    valid=frozenset({3, 7}),
    nodata=frozenset({0, 9}),
    attribution="",
)


def joined(product: Product, *bands: object) -> list[list[tuple[int, ...]]]:
    """Return each pixel's classes, by way of its code."""
    joint = ClassJoiner(product).join(tuple(np.array(band, dtype=np.uint8) for band in bands))
    classes = joint.classes[joint.codes]
    return [[tuple(pixel) for pixel in row] for row in classes.tolist()]


def slowly(product: Product, *bands: np.ndarray) -> list[list[tuple[int, ...]]]:
    """Look up every pixel of every year by itself."""

    def single(code: int) -> int:
        if code in product.valid:
            return code
        return DOES_NOT_COUNT if code in product.nodata else UNKNOWN

    height, width = bands[0].shape
    return [
        [tuple(single(int(band[r, c])) for band in bands) for c in range(width)]
        for r in range(height)
    ]


def test_one_year() -> None:
    assert joined(TINY, [[3, 7], [0, 9]]) == [[(3,), (7,)], [(255,), (255,)]]


def test_two_years() -> None:
    assert joined(TINY, [[3, 7], [0, 3]], [[7, 7], [3, 9]]) == [
        [(3, 7), (7, 7)],
        [(255, 3), (3, 255)],
    ]


def test_four_years() -> None:
    assert joined(TINY, [[3]], [[7]], [[9]], [[3]]) == [[(3, 7, 255, 3)]]


def test_codes_of_few_combinations_are_places_in_the_whole_table() -> None:
    # 4 x 4 combinations: (3, 7) is in row 1, column 2; (7, 0) in row 2, column 0.
    joint = ClassJoiner(TINY).join((np.array([[3, 7]], np.uint8), np.array([[7, 0]], np.uint8)))
    assert joint.codes.tolist() == [[6, 8]]
    assert joint.codes.dtype == np.uint16
    assert joint.classes.shape == (16, 2)
    assert joint.classes[[0, 6, 15]].tolist() == [[255, 255], [3, 7], [-1, -1]]


def test_codes_of_many_combinations_are_packed_to_those_that_occur() -> None:
    # 13 places in each of 4 years: 28 561 combinations, of which two occur.
    assert PACK_ABOVE < 13**4 <= TABLE_LIMIT
    bands = tuple(np.array([[code, 11, code]], np.uint8) for code in (1, 2, 3, 254))
    joint = ClassJoiner(CLCPLUS).join(bands)
    assert joint.codes.tolist() == [[0, 1, 0]]
    assert joint.classes.tolist() == [[1, 2, 3, 255], [11, 11, 11, 11]]


def test_codes_beyond_the_table_are_found_by_sorting() -> None:
    # 13 places in each of 5 years: 371 293 combinations do not fit 16 bits, those that occur do.
    assert TABLE_LIMIT < 13**5
    bands = tuple(np.array([[11, 1], [code, 1]], np.uint8) for code in (1, 2, 3, 10, 255))
    joint = ClassJoiner(CLCPLUS).join(bands)
    assert joint.codes.tolist() == [[2, 0], [1, 0]]
    assert joint.codes.dtype == np.uint16
    assert joint.classes.tolist() == [[1] * 5, [1, 2, 3, 10, 255], [11] * 5]


@pytest.mark.parametrize("years", [1, 2, 3, 4, 5])
def test_joining_is_looking_up_every_pixel(years: int) -> None:
    rng = np.random.default_rng(years)
    codes = np.array([*range(1, 12), 253, 254, 255, 77], np.uint8)
    bands = tuple(rng.choice(codes, (40, 30)) for _ in range(years))
    assert joined(CLCPLUS, *bands) == slowly(CLCPLUS, *bands)


def test_every_byte_has_its_class() -> None:
    every = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert joined(CLCPLUS, every, every[::-1]) == slowly(CLCPLUS, every, every[::-1])


def test_an_unknown_code_is_refused_by_its_value_and_pixels() -> None:
    joiner = ClassJoiner(CLCPLUS)
    bands = np.array([[1, 42], [42, 6]], np.uint8), np.array([[1, 1], [6, 42]], np.uint8)
    joint = joiner.join(bands)
    seen = joint.classes[np.unique(joint.codes)]
    with pytest.raises(InputError) as caught:
        joiner.refuse_unknown(bands, seen)
    assert str(caught.value) == (
        "class code 42 (3 pixels in one window) is not a code of CLC+ Backbone; "
        "run hexseal check, then name it in [product] nodata or fix the raster"
    )


def test_an_unknown_code_that_no_area_holds_is_passed_over() -> None:
    joiner = ClassJoiner(CLCPLUS)
    bands = (np.array([[1, 42]], np.uint8),)
    joint = joiner.join(bands)
    joiner.refuse_unknown(bands, joint.classes[joint.codes[0, :1]])


def test_no_data_is_no_unknown_code() -> None:
    joiner = ClassJoiner(CLCPLUS)
    bands = (np.array([[253, 254, 255]], np.uint8),)
    joint = joiner.join(bands)
    assert set(joint.classes[joint.codes].ravel().tolist()) == {DOES_NOT_COUNT}
    joiner.refuse_unknown(bands, joint.classes[joint.codes[0]])
