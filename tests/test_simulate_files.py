"""The written folder: same bytes each run, the codes and grids that the product has."""

import hashlib
from pathlib import Path

import pytest

from hexseal.errors import InputError, OutputError
from hexseal.simulate import simulate


def checksums(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def island(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(tmp_path_factory.mktemp("island") / "a", size_km=(7, 6), seed=4).folder


def test_two_runs_give_the_same_bytes(island: Path, tmp_path: Path) -> None:
    again = simulate(tmp_path / "b", size_km=(7, 6), seed=4)
    assert checksums(again.folder) == checksums(island)
    assert len(again.files) == 18


def test_foreign_folder_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(OutputError, match="not a simulation"):
        simulate(tmp_path, size_km=(6, 6))
    assert (tmp_path / "mine.txt").read_text() == "keep"


@pytest.mark.parametrize("size_km", [(5, 6), (6.5, 8), (6, 61), (float("nan"), 8)])
def test_wrong_sizes_are_one_line(tmp_path: Path, size_km: tuple[float, float]) -> None:
    with pytest.raises(InputError, match="whole kilometres"):
        simulate(tmp_path / "x", size_km=size_km)
