"""Real images that another model labels: rules of the label, roles, and the atmosphere."""

from pathlib import Path

import numpy as np
import pytest
from mlmodels import write_image

from hexseal.errors import InputError
from hexseal_ml.data.augment import Augmentation, augment, through_air, to_ground
from hexseal_ml.data.taught import Taught, taught_label, taught_scenes
from hexseal_ml.imagery.bands import BANDS
from hexseal_ml.model.classes import IGNORE

WATER, TREES, BUILT = 0, 1, 6
RED, NEAR = BANDS.index("B04"), BANDS.index("B08")


def _label(
    ndvi: float, chances: dict[int, float], *, sealed: bool = False, natural: bool = False
) -> int:
    """Return the code of one pixel, grass (6) to the student where it is not Sealed."""
    ground = np.full((len(BANDS), 1, 1), 0.1, np.float32)
    ground[RED], ground[NEAR] = 0.1 * (1 - ndvi), 0.1 * (1 + ndvi)
    probabilities = np.zeros((9, 1, 1), np.float32)
    for place, chance in chances.items():
        probabilities[place] = chance
    codes = taught_label(
        ground, probabilities, np.full((1, 1), 6, np.uint8), np.full((1, 1), sealed),
        natural=natural, red=RED, near=NEAR,
    )  # fmt: skip
    return int(codes[0, 0])


@pytest.mark.parametrize(
    ("ndvi", "chances", "sealed", "code"),
    [
        (0.2, {BUILT: 0.8}, False, 1),
        (0.6, {BUILT: 0.8}, False, IGNORE),
        (0.8, {BUILT: 0.8}, False, 6),
        (0.2, {BUILT: 0.3}, False, IGNORE),
        (0.2, {TREES: 0.8, BUILT: 0.2}, True, 1),
        (0.6, {TREES: 0.8, BUILT: 0.2}, True, IGNORE),
        (0.2, {TREES: 0.8, BUILT: 0.1}, True, IGNORE),
        (0.2, {TREES: 0.9, BUILT: 0.01}, True, 6),
        (0.2, {WATER: 0.9}, False, 10),
    ],
)
def test_teacher_and_spectrum_decide_what_is_sealed(
    ndvi: float, chances: dict[int, float], sealed: bool, code: int
) -> None:
    assert _label(ndvi, chances, sealed=sealed) == code


def test_a_natural_tile_holds_nothing_sealed() -> None:
    assert _label(0.2, {BUILT: 0.9}, sealed=True, natural=True) == 6


def _folder(tmp_path: Path, count: int) -> Path:
    rng = np.random.default_rng(1)
    names = [f"Forest_{number}" for number in range(count)]
    for name in names:
        write_image(tmp_path / f"{name}.tif", rng.integers(900, 3000, (10, 8, 8)).astype("uint16"))
    chances = np.zeros((9, 8, 8), np.uint8)
    chances[TREES] = 255
    np.savez(tmp_path / "teacher.npz", **dict.fromkeys(names, chances))  # type: ignore[arg-type]
    return tmp_path


def _student(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.full(values.shape[1:], 3, np.uint8), np.zeros(values.shape[1:], np.bool_)


def test_every_fifth_image_is_held_aside(tmp_path: Path) -> None:
    source = Taught(_folder(tmp_path, 6), "teacher.npz", natural=("Forest",), folds=True)
    scenes = taught_scenes(source, BANDS, tmp_path / "cache", _student, "key")
    assert [role for _, role in scenes] == [0, 0, 0, 0, 1, 0]
    assert [scene.name for scene, role in scenes if role == 1] == ["Forest_4"]
    assert (scenes[0][0].label() == 3).all()
    assert scenes[0][0].is_taught


def test_coarser_pixels_are_brought_to_ten_metres(tmp_path: Path) -> None:
    source = Taught(_folder(tmp_path, 1), "teacher.npz", pixel_m=15.0, level="L2A")
    ((scene, _),) = taught_scenes(source, BANDS, tmp_path / "cache", _student, "key")
    assert scene.shape == (12, 12)


def test_a_folder_without_the_teacher_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no readable teacher's probabilities"):
        taught_scenes(Taught(tmp_path, "none.npz"), BANDS, tmp_path, _student, "key")
    source = Taught(_folder(tmp_path, 1), "teacher.npz", names=("town",))
    with pytest.raises(InputError, match="has no array town"):
        taught_scenes(source, BANDS, tmp_path, _student, "key")


def test_the_atmosphere_is_put_on_as_it_was_taken_off() -> None:
    top = np.linspace(0.05, 0.4, 10 * 4, dtype=np.float32).reshape(10, 2, 2)
    ground = to_ground(top, BANDS)
    assert ground[0, 0, 0] < 0
    np.testing.assert_allclose(through_air(ground, BANDS, 1.0), top, atol=1e-6)
    np.testing.assert_array_equal(through_air(ground, BANDS, 0.0), ground)


def test_an_even_image_stays_even_under_air_and_resampling() -> None:
    options = Augmentation(0, 0, 0, 0, 0, 0, 0, air=(1.0, 1.0), resample_chance=1.0)
    values = np.full((10, 8, 8), 0.2, np.float32)
    found, _ = augment(values, np.ones((8, 8), np.uint8), BANDS, options, np.random.default_rng(3))
    np.testing.assert_allclose(found, through_air(values, BANDS, 1.0), rtol=1e-5)
