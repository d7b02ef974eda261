"""Two real images of one place, two weeks apart: what the shipped model's maps call change."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
import rasterio
from rasterfiles import real_data

from hexseal_ml.predict.rasters import LANDCOVER
from hexseal_ml.predict.stage import predict

pytestmark = [*real_data, pytest.mark.slow]
ROOT = Path(__file__).parents[1]
MODEL = ROOT / "ml" / "weights" / "clcplus-forward-b2"


def _real_images() -> ModuleType:
    spec = importlib.util.spec_from_file_location("real_images", ROOT / "bench" / "real_images.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_change_where_nothing_was_built_is_noise_and_stays_small(tmp_path: Path) -> None:
    real_images = _real_images()
    real_images.boadella(tmp_path)
    maps = []
    for day in real_images.BOADELLA:
        made = predict(str(tmp_path / f"boadella_{day}.tif"), MODEL, tmp_path / "out", day)
        with rasterio.open(made.paths[LANDCOVER]) as file:
            maps.append(file.read(1))
    before, after = maps
    known = (before != 254) & (after != 254)
    was, now = (before == 1) & known, (after == 1) & known
    gain, loss = (now & ~was).sum() / known.sum(), (was & ~now).sum() / known.sum()
    assert known.mean() > 0.9
    found = f"sealed {was.sum()} and {now.sum()} of {known.sum()}, gain {gain:.3%}, loss {loss:.3%}"
    assert max(gain, loss) < 0.02, found
    assert gain + loss > 0, found
