"""Shares of Sealed on tiles of one scene class each, such as EuroSAT's.

Such tiles have no label by pixel, but a forest tile holds next to nothing sealed and a residential
one much: the mean share of each class shows where a model sees too much or too little.
"""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from hexseal.errors import InputError
from hexseal.progress import Progress
from hexseal_ml.evaluate.config import TileSet
from hexseal_ml.imagery.image import open_image
from hexseal_ml.model.classes import SEALED
from hexseal_ml.model.network import ForwardModel
from hexseal_ml.predict.mapper import Runtime, probabilities_of
from hexseal_ml.predict.windows import known_of, mirrored, read_mirrored

# Pixels that a tile is continued by at its edges, as in a mirror.
MARGIN = 32


@dataclass(frozen=True, slots=True)
class ClassShare:
    """Shares of Sealed, 0 to 1, on the tiles of one scene class."""

    name: str
    tiles: int
    mean: float
    largest: float


def tile_shares(
    tiles: TileSet, network: ForwardModel, runtime: Runtime, progress: Progress
) -> list[ClassShare]:
    """Map every tile as it is; return the shares of each class, the name before the last "_"."""
    paths = chosen_tiles(tiles)
    shares: dict[str, list[float]] = defaultdict(list)
    for done, path in enumerate(paths, 1):
        shares[path.stem.rpartition("_")[0] or path.stem].append(_share(path, network, runtime))
        progress("tiles", done, len(paths))
    return [
        ClassShare(name, len(found), float(np.mean(found)), max(found))
        for name, found in sorted(shares.items())
    ]


def chosen_tiles(tiles: TileSet) -> list[Path]:
    """Return every ``every``-th file in the order of names, those that training holds aside."""
    paths = sorted(tiles.folder.glob("*.tif"))[tiles.every - 1 :: tiles.every]
    if not paths:
        raise InputError(f"{tiles.folder}: no tiles (*.tif); give another folder in [[tiles]]")
    return paths


def _share(path: Path, network: ForwardModel, runtime: Runtime) -> float:
    with open_image(str(path), bands=network.bands) as image:
        rows, columns = (
            mirrored(-MARGIN, length + 2 * MARGIN, length)
            for length in (image.grid.height, image.grid.width)
        )
        values = read_mirrored(image, rows, columns)
    with torch.inference_mode():
        found = probabilities_of(network, torch.from_numpy(values[None]), runtime)[0]
    place = found.argmax(dim=0).cpu().numpy()[MARGIN:-MARGIN, MARGIN:-MARGIN]
    known = known_of(values)[MARGIN:-MARGIN, MARGIN:-MARGIN]
    if not known.any():
        raise InputError(f"{path}: no pixel has a value; leave the tile out")
    return float((place[known] == network.class_codes.index(SEALED)).mean())
