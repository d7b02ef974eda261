"""A tiny model and tiny images for the tests of hexseal_ml."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from unittest.mock import patch

import numpy as np
import rasterio
import torch
from rasterfiles import north_up

from hexseal_ml.imagery.bands import BANDS
from hexseal_ml.model.classes import CODES
from hexseal_ml.model.folder import save_model
from hexseal_ml.model.network import ForwardSegformer, network_config

MEAN, STD = [0.1] * 10, [0.1] * 10
WIDTHS = (8, 16, 24, 32)
# Tests run beside others: threads that wait for each other cost more than they bring.
torch.set_num_threads(1)


@lru_cache(maxsize=1)
def tiny_model() -> ForwardSegformer:
    """Return a very small network with fixed random weights; its classes follow the bands."""
    torch.manual_seed(5)
    config = network_config("b0", BANDS, CODES)
    config.depths, config.hidden_sizes = [1] * 4, list(WIDTHS)
    config.num_attention_heads, config.decoder_hidden_size = [1, 1, 1, 1], 16
    model = ForwardSegformer(config)
    model.facts["mean"], model.facts["std"] = MEAN, STD
    with torch.no_grad():
        # Random heads hardly tell classes apart; larger weights do.
        model.refine.leave.weight.mul_(40)
    return model.eval()


def save_tiny(folder: Path) -> Path:
    save_model(tiny_model(), folder, "A tiny model.\n")
    return folder


@contextmanager
def stand_in() -> Iterator[None]:
    """Let builds predict by tests/standin, whose processes start in a second: no torch."""
    places = [str(Path(__file__).parent / "standin"), os.environ.get("PYTHONPATH", "")]
    with patch.dict(os.environ, {"PYTHONPATH": os.pathsep.join(filter(None, places))}):
        yield


def reflectance(rows: int, columns: int, seed: int = 0, bands: int = 10) -> np.ndarray:
    """Return smooth random reflectance (bands, rows, columns), 0.02 to 0.4."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0.02, 0.4, (bands, rows // 4 + 2, columns // 4 + 2))
    fine = np.kron(coarse, np.ones((1, 4, 4)))[:, :rows, :columns]
    return (fine + rng.normal(0, 0.005, fine.shape)).astype(np.float32)


def write_image(
    path: Path,
    values: np.ndarray,
    *,
    bands: Sequence[str | None] = BANDS,
    crs: str = "EPSG:3035",
    transform: rasterio.Affine | None = None,
    scale: float | None = None,
    offset: float = 0.0,
    nodata: float | None = None,
) -> str:
    """Write bands (bands, rows, columns) as they are, named and tagged."""
    with rasterio.open(
        path, "w", driver="GTiff", count=len(values), height=values.shape[1],
        width=values.shape[2], dtype=values.dtype, crs=crs, nodata=nodata,
        transform=transform or north_up(),
    ) as file:  # fmt: skip
        file.write(values)
        for place, band in enumerate(bands, 1):
            if band is not None:
                file.set_band_description(place, band)
        if scale is not None:
            file.scales, file.offsets = (scale,) * len(values), (offset,) * len(values)
    return str(path)
