"""Crops for training: drawn again for every step from its number, so that resuming repeats them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray

from hexseal.errors import InputError
from hexseal.raster.grid import Window
from hexseal.types import Bytes, Floats
from hexseal_ml.data.augment import Augmentation, augment
from hexseal_ml.data.scenes import Scene
from hexseal_ml.data.split import TRAIN, SplitOptions, role_map
from hexseal_ml.data.taught import Student
from hexseal_ml.model.classes import IGNORE, SEALED
from hexseal_ml.model.folder import load_model, model_checksum

A = TypeVar("A", Floats, Bytes)
# Sealed pixels remembered of each scene, to centre crops on.
REMEMBERED = 4000
# Images are drawn by their area, but none more often than one of so many pixels.
LARGEST_WEIGHT = 40_000
# Pixels that an image is continued by at its edges, as in a mirror.
MARGIN = 32


@dataclass(frozen=True, slots=True, eq=False)
class Plot:
    """A scene, the role of each of its pixels, and where its sealed pixels of a role are."""

    scene: Scene
    roles: Bytes
    sealed: NDArray[np.int32]

    def crop(self, window: Window, role: int) -> tuple[Floats, Bytes]:
        """Read a window; pixels of other roles are IGNORE."""
        reflectance, codes = self.scene.read(window)
        rows = slice(window.row, window.row + window.height)
        roles = self.roles[rows, window.column : window.column + window.width]
        codes[roles != role] = IGNORE
        return reflectance, codes


def plots(
    scenes: Sequence[tuple[Scene, int | None]], options: SplitOptions, role: int, seed: int
) -> list[Plot]:
    """Return the scenes that have pixels of ``role``; raise InputError where none has."""
    kept = []
    for number, (scene, fixed) in enumerate(scenes):
        if fixed is not None and fixed != role:
            continue
        if fixed is None:
            roles = role_map(options, scene.group, scene.origin, scene.shape, scene.pixel_m)
        else:
            roles = np.full(scene.shape, fixed, np.uint8)
        places = np.argwhere((roles == role) & (scene.label() == SEALED))
        rng = np.random.default_rng([seed, number])
        if len(places) > REMEMBERED:
            places = places[rng.choice(len(places), REMEMBERED, replace=False)]
        if (roles == role).any():
            kept.append(Plot(scene, roles, places.astype(np.int32)))
    if not kept:
        raise InputError(
            f"no scene has blocks for {'training' if role == TRAIN else 'validation'}; "
            "give more data, smaller blocks or another share in [split]"
        )
    return kept


@dataclass(frozen=True, slots=True, eq=False)
class Sampler:
    """Draws batches of square crops of ``side`` pixels; ``focus`` of them around sealed pixels."""

    plots: Sequence[Plot]
    bands: Sequence[str]
    side: int
    batch: int
    focus: float
    augmentation: Augmentation
    seed: int
    real_share: float = 0.5

    def draw(self, step: int) -> tuple[Floats, Bytes]:
        """Return reflectance (batch, bands, side, side) and codes (batch, side, side) of a step."""
        rng = np.random.default_rng([self.seed, step])
        groups, real = self._groups(), self.real
        crops = [
            self._crop(groups[0 if number < real else 1] or self.plots, rng)
            for number in range(self.batch)
        ]
        return np.stack([c[0] for c in crops]), np.stack([c[1] for c in crops])

    @property
    def real(self) -> int:
        """Return how many crops of a batch, the first ones, are real images with a teacher."""
        return round(self.real_share * self.batch) if all(self._groups()) else 0

    def _groups(self) -> tuple[list[Plot], list[Plot]]:
        """Return plots of real images that a teacher labelled, and all others."""
        real = [plot for plot in self.plots if plot.scene.is_taught]
        return real, [plot for plot in self.plots if not plot.scene.is_taught]

    def _crop(self, plots: Sequence[Plot], rng: np.random.Generator) -> tuple[Floats, Bytes]:
        weights = np.array([min(plot.scene.area, LARGEST_WEIGHT) for plot in plots], np.float64)
        plot = plots[int(rng.choice(len(plots), p=weights / weights.sum()))]
        height, width = plot.scene.shape
        if rng.random() < self.focus and len(plot.sealed):
            middle = plot.sealed[rng.integers(len(plot.sealed))]
            corner = middle - rng.integers(0, self.side, 2)
        else:
            corner = rng.integers(
                0, (max(1, height - self.side + 1), max(1, width - self.side + 1))
            )
        row = int(np.clip(corner[0], 0, max(0, height - self.side)))
        column = int(np.clip(corner[1], 0, max(0, width - self.side)))
        window = Window(row, column, min(self.side, height), min(self.side, width))
        reflectance, codes = plot.crop(window, TRAIN)
        order = [plot.scene.bands.index(band) for band in self.bands]
        values, labels = augment(reflectance[order], codes, self.bands, self.augmentation, rng)
        return _padded(values, self.side, np.nan), _padded(labels, self.side, IGNORE)


def _padded(values: A, side: int, fill: float) -> A:
    """Fill up a crop of an image that is smaller than the crops."""
    gaps = [(0, 0)] * (values.ndim - 2) + [(0, side - length) for length in values.shape[-2:]]
    if not any(gap[1] for gap in gaps):
        return values
    return cast(A, np.pad(values, gaps, constant_values=fill))


def band_statistics(
    plots: Sequence[Plot], bands: Sequence[str], seed: int
) -> tuple[list[float], list[float]]:
    """Return mean and standard deviation of reflectance per band over training pixels."""
    sums, squares, counts = (np.zeros(len(bands)) for _ in range(3))
    for number, plot in enumerate(plots):
        rng = np.random.default_rng([seed, 7, number])
        row = int(rng.integers(max(1, plot.scene.shape[0] - 256)))
        reflectance, codes = plot.crop(Window(row, 0, 256, plot.scene.shape[1]), TRAIN)
        order = [plot.scene.bands.index(band) for band in bands]
        values = reflectance[order][:, codes != IGNORE].astype(np.float64)
        known = np.isfinite(values)
        filled = np.where(known, values, 0.0)
        sums += filled.sum(axis=1)
        squares += (filled**2).sum(axis=1)
        counts += known.sum(axis=1)
    if (counts == 0).any():
        raise InputError(f"no value of band {bands[int(np.argmin(counts))]} in the training data")
    mean = sums / counts
    std = np.sqrt(np.maximum(squares / counts - mean**2, 1e-8))
    return mean.round(5).tolist(), std.round(5).tolist()


def class_counts(plots: Sequence[Plot], codes: Sequence[int]) -> NDArray[np.int64]:
    """Count training pixels of each code."""
    counts = np.zeros(256, np.int64)
    for plot in plots:
        counts += np.bincount(plot.scene.label()[plot.roles == TRAIN], minlength=256)
    return counts[list(codes)]


def validation_crops(
    plots: Sequence[Plot], bands: Sequence[str], role: int, side: int, pixels: int, seed: int
) -> list[tuple[Floats, Bytes]]:
    """Return fixed crops of ``side`` pixels of a role, about ``pixels`` labelled ones in all.

    Scenes that are all smaller than a crop are returned whole, each once.
    """
    if all(max(plot.scene.shape) <= side for plot in plots):
        return [_cut(plot, Window(0, 0, *plot.scene.shape), bands, role) for plot in plots]
    rng = np.random.default_rng([seed, 11])
    crops: list[tuple[Floats, Bytes]] = []
    left = pixels
    for _ in range(200 * len(plots)):
        if left <= 0:
            break
        plot = plots[int(rng.integers(len(plots)))]
        height, width = plot.scene.shape
        row = int(rng.integers(max(1, height - side + 1)))
        column = int(rng.integers(max(1, width - side + 1)))
        window = Window(row, column, min(side, height), min(side, width))
        if (plot.roles[row : row + side, column : column + side] == role).mean() < 0.3:
            continue
        crops.append(_cut(plot, window, bands, role))
        left -= int((crops[-1][1] != IGNORE).sum())
    if not crops:
        raise InputError("no block for validation is large enough; use larger blocks in [split]")
    return crops


def student_of(folder: Path) -> tuple[Student, str]:
    """Return what labels images with a model, and the model's checksum."""
    model = load_model(folder)
    codes = np.array(model.class_codes, np.uint8)
    place = model.class_codes.index(SEALED)

    def label(reflectance: Floats) -> tuple[Bytes, NDArray[np.bool_]]:
        padded = np.pad(reflectance, ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)), "reflect")
        with torch.inference_mode():
            values = model.normalise(torch.from_numpy(padded[None]))
            found = model.probabilities(model(values).logits)[0].numpy()
        found = found[:, MARGIN:-MARGIN, MARGIN:-MARGIN]  # (K, rows, cols)
        sealed = found.argmax(axis=0) == place
        found[place] = -1
        return codes[found.argmax(axis=0)], sealed

    return label, model_checksum(folder)


def _cut(plot: Plot, window: Window, bands: Sequence[str], role: int) -> tuple[Floats, Bytes]:
    """Return reflectance (bands, rows, cols) and codes of a window."""
    reflectance, codes = plot.crop(window, role)
    return reflectance[[plot.scene.bands.index(band) for band in bands]], codes
