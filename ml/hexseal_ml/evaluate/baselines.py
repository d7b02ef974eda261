"""What a model must beat: a threshold of one spectral index, and a forest that sees one pixel.

Both learn from pixels drawn at random from training scenes, so that they see classes as often as
they occur; none looks at a test image's labels.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from hexseal.errors import InputError
from hexseal.raster.grid import Window
from hexseal.types import Bytes, Floats
from hexseal_ml.data.scenes import Scene
from hexseal_ml.model.classes import IGNORE, OUTSIDE, SEALED

TREES, LEAF = 100, 3
PIXELS = 400_000
TINY = 1e-6
# Water is dark in every band and would pass for asphalt: where NDWI means water, nothing is Sealed.
WATER = 0.0
CHUNK = 200_000
# What a baseline writes that only separates Sealed from the rest.
UNSEALED = 0


def _difference(values: Floats, bands: Sequence[str], one: str, other: str) -> Floats:
    a, b = values[bands.index(one)], values[bands.index(other)]
    return (a - b) / (a + b + TINY)


def ndvi(values: Floats, bands: Sequence[str]) -> Floats:
    """Return the vegetation index (B08 - B04) / (B08 + B04) of values (bands, ...)."""
    return _difference(values, bands, "B08", "B04")


def ndbi(values: Floats, bands: Sequence[str]) -> Floats:
    """Return the built-up index (B11 - B08) / (B11 + B08) (Zha et al. 2003)."""
    return _difference(values, bands, "B11", "B08")


def ndwi(values: Floats, bands: Sequence[str]) -> Floats:
    """Return the water index (B03 - B08) / (B03 + B08) (McFeeters 1996)."""
    return _difference(values, bands, "B03", "B08")


INDICES: dict[str, Callable[[Floats, Sequence[str]], Floats]] = {
    "-NDVI": lambda values, bands: -ndvi(values, bands),
    "NDBI": ndbi,
    "NDBI - NDVI": lambda values, bands: ndbi(values, bands) - ndvi(values, bands),
}


@dataclass(frozen=True, slots=True, eq=False)
class Pixels:
    """Pixels of training scenes: ``values`` (bands, pixels) and their codes."""

    bands: tuple[str, ...]
    values: Floats
    codes: Bytes


def draw_pixels(scenes: Sequence[Scene], bands: Sequence[str], seed: int = 0) -> Pixels:
    """Draw about 400 000 pixels, equally many of each scene, where all bands are known."""
    values, codes = [], []
    each = max(PIXELS // len(scenes), 1)
    for number, scene in enumerate(scenes):
        rng = np.random.default_rng([seed, number])
        order = [scene.bands.index(band) for band in bands]
        height, width = scene.shape
        reflectance, labels = scene.read(Window(0, 0, height, width))
        reflectance = reflectance[order]
        usable = np.flatnonzero((labels != IGNORE) & np.isfinite(reflectance).all(axis=0))
        chosen = rng.choice(usable, min(each, len(usable)), replace=False)
        values.append(reflectance.reshape(len(bands), -1)[:, chosen])
        codes.append(labels.reshape(-1)[chosen])
    drawn = Pixels(tuple(bands), np.concatenate(values, axis=1), np.concatenate(codes))
    if not (drawn.codes == SEALED).any():
        raise InputError("[[data]] of the baselines holds no pixel of class 1 Sealed; name more")
    return drawn


@dataclass(frozen=True, slots=True, eq=False)
class IndexThreshold:
    """Sealed where an index exceeds a threshold and there is no water; maps no other class."""

    bands: tuple[str, ...]
    index: str
    threshold: float

    @property
    def title(self) -> str:
        """Return what it is in words."""
        return f"{self.index} above {self.threshold:.2f}"

    def predict(self, values: Floats) -> Bytes:
        """Return SEALED or UNSEALED of values (bands, ...), OUTSIDE where a band is unknown."""
        found = INDICES[self.index](values, self.bands) > self.threshold
        found &= ndwi(values, self.bands) <= WATER
        codes = np.where(found, SEALED, UNSEALED).astype(np.uint8)
        codes[~np.isfinite(values).all(axis=0)] = OUTSIDE
        return codes


def fit_threshold(pixels: Pixels) -> IndexThreshold:
    """Choose index and threshold by the greatest IoU of Sealed on the pixels."""
    sealed = pixels.codes == SEALED
    dry = ndwi(pixels.values, pixels.bands) <= WATER
    best = (-1.0, "", 0.0)
    for name, index in INDICES.items():
        values = np.where(dry, index(pixels.values, pixels.bands), -np.inf)
        order = np.argsort(-values)
        hits = np.cumsum(sealed[order])
        union = sealed.sum() + np.arange(1, len(order) + 1) - hits
        place = int(np.argmax(hits / union))
        iou = float(hits[place] / union[place])
        if iou > best[0]:
            best = (iou, name, float(values[order[place]]) - TINY)
    return IndexThreshold(pixels.bands, best[1], best[2])


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """A random forest on the bands of one pixel and three indices."""

    bands: tuple[str, ...]
    forest: RandomForestClassifier

    @property
    def title(self) -> str:
        """Return what it is in words."""
        return f"random forest of {TREES} trees"

    def predict(self, values: Floats) -> Bytes:
        """Return CLC+ codes of values (bands, ...), OUTSIDE where a band is unknown."""
        flat = values.reshape(len(self.bands), -1)
        codes = np.full(flat.shape[1], OUTSIDE, np.uint8)
        known = np.flatnonzero(np.isfinite(flat).all(axis=0))
        for start in range(0, len(known), CHUNK):
            part = known[start : start + CHUNK]
            codes[part] = self.forest.predict(_features(flat[:, part], self.bands))
        return codes.reshape(values.shape[1:])


def fit_forest(pixels: Pixels, seed: int = 0) -> Forest:
    """Grow the forest; the same pixels and seed give the same forest."""
    forest = RandomForestClassifier(
        TREES, min_samples_leaf=LEAF, n_jobs=-1, random_state=seed, max_samples=0.5
    )
    forest.fit(_features(pixels.values, pixels.bands), pixels.codes)
    return Forest(pixels.bands, forest)


def _features(values: Floats, bands: Sequence[str]) -> Floats:
    """Return bands and indices as columns, shape (pixels, features)."""
    indices = [index(values, bands) for index in (ndvi, ndbi, ndwi)]
    return np.concatenate([values, np.stack(indices)]).T
