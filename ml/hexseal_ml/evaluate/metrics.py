"""How well one map agrees with another: class accuracies, edges, calibration, hexagons.

Pure arithmetic on arrays of CLC+ codes; OUTSIDE marks pixels without a class in either map.
User's and producer's accuracy as in Olofsson et al. (2014), here of whole maps, not of samples;
intersection over union is the Jaccard index; expected calibration error after Naeini et al. (2015).
"""

from dataclasses import dataclass

import numpy as np
from h3.api import basic_int
from scipy import ndimage

from hexseal.counting.tally import WindowCounter
from hexseal.products import CLCPLUS
from hexseal.raster.grid import Grid, Window
from hexseal.raster.joint import ClassJoiner
from hexseal.types import Bytes, Doubles, Flags, Integers
from hexseal.vector.polygons import Polygons
from hexseal_ml.model.classes import OUTSIDE, SEALED

REPLICATES = 1000
SEED = 0
# Fewer blocks than this do not show how much blocks differ.
LEAST_BLOCKS = 3
CLASS_FIGURES = ("iou", "f1", "users", "producers")
BINS = 10
# Cells with fewer of their pixels known have an uncertain share.
LEAST_KNOWN = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """Pixels by block, reference class and mapped class: ``blocks`` (blocks, classes, classes)."""

    codes: tuple[int, ...]
    blocks: Integers

    @property
    def total(self) -> Integers:
        """Return the matrix of all blocks: rows reference, columns map."""
        return self.blocks.sum(axis=0)

    def figures(self) -> "Figures":
        """Return the figures of all blocks together."""
        return figures(self.total, self.codes)

    def intervals(self) -> dict[str, tuple[float, float]]:
        """Return 95 % intervals of the scalar figures from resampled blocks.

        Whole blocks are drawn with replacement, since errors of neighbouring pixels are alike.
        Fewer than three blocks give no interval.
        """
        found = [drawn.scalars() for drawn in self._resampled()]
        if not found:
            return {}
        return {name: _interval(np.array([f[name] for f in found])) for name in found[0]}

    def class_intervals(self) -> dict[str, list[tuple[float, float]]]:
        """Return 95 % intervals of iou, f1, users and producers of each class, as ``intervals``."""
        found = self._resampled()
        if not found:
            return {}
        return {
            name: [_interval(column) for column in np.array([getattr(f, name) for f in found]).T]
            for name in CLASS_FIGURES
        }

    def _resampled(self) -> "list[Figures]":
        used = self.blocks[self.blocks.sum(axis=(1, 2)) > 0]
        if len(used) < LEAST_BLOCKS:
            return []
        rng = np.random.default_rng(SEED)
        drawn = rng.multinomial(len(used), np.full(len(used), 1 / len(used)), size=REPLICATES)
        return [figures(m, self.codes) for m in np.tensordot(drawn, used, axes=(1, 0))]


def _interval(values: Doubles) -> tuple[float, float]:
    """Return the middle 95 % of values, NaN where none is known."""
    known = values[np.isfinite(values)]
    if not known.size:
        return float("nan"), float("nan")
    low, high = np.percentile(known, (2.5, 97.5))
    return float(low), float(high)


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """Accuracies of one matrix; arrays hold one value per class, NaN where a class is in no map."""

    codes: tuple[int, ...]
    iou: Doubles
    f1: Doubles
    users: Doubles
    producers: Doubles
    mapped_share: Doubles
    reference_share: Doubles
    overall: float

    def scalars(self) -> dict[str, float]:
        """Return the figures that one quotes; the mean is over classes of the reference."""
        place = self.codes.index(SEALED)
        present = self.reference_share > 0
        return {
            "iou_sealed": float(self.iou[place]),
            "iou_mean": float(np.nanmean(self.iou[present])) if present.any() else float("nan"),
            "f1_sealed": float(self.f1[place]),
            "users_sealed": float(self.users[place]),
            "producers_sealed": float(self.producers[place]),
            "overall_accuracy": self.overall,
            "sealed_share": 100 * float(self.mapped_share[place]),
            "sealed_share_reference": 100 * float(self.reference_share[place]),
            "sealed_share_bias": 100
            * float(self.mapped_share[place] - self.reference_share[place]),
        }


def confusion(truth: Bytes, mapped: Bytes, codes: tuple[int, ...], block: int) -> Confusion:
    """Count pixels with a class in both maps (rows, cols), in square blocks of ``block`` pixels.

    >>> one = np.array([[1, 1, 6, 254]], np.uint8)
    >>> confusion(one, np.array([[1, 6, 6, 1]], np.uint8), (1, 6), 4).total.tolist()
    [[1, 1], [0, 1]]
    """
    known = known_of(truth, mapped, codes)
    place = np.zeros(256, np.int64)
    place[list(codes)] = np.arange(len(codes))
    rows, columns = (np.arange(length) // block for length in truth.shape)
    across = int(columns[-1]) + 1
    number = (rows[:, None] * across + columns[None, :])[known]
    classes = len(codes)
    cell = (number * classes + place[truth[known]]) * classes + place[mapped[known]]
    blocks = (int(rows[-1]) + 1) * across
    counts = np.bincount(cell, minlength=blocks * classes**2)
    return Confusion(codes, counts.reshape(blocks, classes, classes).astype(np.int64))


def known_of(truth: Bytes, mapped: Bytes, codes: tuple[int, ...]) -> Flags:
    """Return the pixels that both maps put into one of ``codes``."""
    valid = np.zeros(256, np.bool_)
    valid[list(codes)] = True
    return valid[truth] & valid[mapped]


def figures(matrix: Integers, codes: tuple[int, ...]) -> Figures:
    """Return accuracies of a matrix (reference, map) of pixels.

    >>> figures(np.array([[8, 2], [0, 90]]), (1, 6)).scalars()["iou_sealed"]
    0.8
    """
    hits = np.diag(matrix).astype(np.float64)
    reference = matrix.sum(axis=1).astype(np.float64)
    mapped = matrix.sum(axis=0).astype(np.float64)
    total = matrix.sum()
    return Figures(
        codes=codes,
        iou=_ratio(hits, reference + mapped - hits),
        f1=_ratio(2 * hits, reference + mapped),
        users=_ratio(hits, mapped),
        producers=_ratio(hits, reference),
        mapped_share=mapped / max(total, 1),
        reference_share=reference / max(total, 1),
        overall=float(hits.sum() / total) if total else float("nan"),
    )


def _ratio(part: Doubles, whole: Doubles) -> Doubles:
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)


def edge_iou(truth: Bytes, mapped: Bytes, codes: tuple[int, ...]) -> dict[str, float]:
    """Return IoU of Sealed on edges and in the interior, and the share of pixels on edges.

    A pixel lies on an edge when the reference is Sealed in one and unsealed in another of the
    known pixels among itself and its eight neighbours.
    """
    known = known_of(truth, mapped, codes)
    sealed, found = (truth == SEALED) & known, (mapped == SEALED) & known
    edge = known & _near(sealed) & _near(known & ~sealed)
    inner = known & ~edge
    return {
        "iou_sealed_edge": _iou(sealed & edge, found & edge),
        "iou_sealed_interior": _iou(sealed & inner, found & inner),
        "edge_share": 100 * float(edge.sum() / max(known.sum(), 1)),
    }


def _near(mask: Flags) -> Flags:
    return np.asarray(ndimage.binary_dilation(mask, np.ones((3, 3))), dtype=np.bool_)


def _iou(one: Flags, other: Flags) -> float:
    union = int((one | other).sum())
    return int((one & other).sum()) / union if union else float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Ten bins of the sealed probability: pixels, mean probability, share that is Sealed."""

    pixels: Integers
    predicted: Doubles
    observed: Doubles
    expected_error: float
    brier: float


def calibration(truth: Bytes, probability: Bytes, codes: tuple[int, ...]) -> Calibration:
    """Compare the sealed probability (percent, 255 unknown) with a reference, all (rows, cols).

    The expected calibration error is the mean difference of bins, weighted by their pixels.
    """
    valid = np.zeros(256, np.bool_)
    valid[list(codes)] = True
    known = valid[truth] & (probability <= 100)
    sealed = truth[known] == SEALED
    percent = probability[known].astype(np.int64)
    counts = np.bincount(percent * 2 + sealed, minlength=202).reshape(101, 2)
    values = np.arange(101) / 100
    total = max(counts.sum(), 1)
    squares = counts[:, 0] * values**2 + counts[:, 1] * (1 - values) ** 2
    bins = np.minimum(np.arange(101) // BINS, BINS - 1)
    pixels = np.bincount(bins, counts.sum(axis=1), minlength=BINS).astype(np.int64)
    mean = _binned(bins, counts.sum(axis=1) * values, pixels)
    share = _binned(bins, counts[:, 1].astype(np.float64), pixels)
    gap = np.nan_to_num(np.abs(mean - share))
    return Calibration(
        pixels, mean, share, float((pixels * gap).sum() / total), float(squares.sum() / total)
    )


def _binned(bins: Integers, values: Doubles, pixels: Integers) -> Doubles:
    sums = np.bincount(bins, values, minlength=BINS).astype(np.float64)
    return _ratio(sums, pixels.astype(np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class HexagonAgreement:
    """Sealed share of each H3 cell in both maps, percent of the pixels with a class in both."""

    resolution: int
    reference: Doubles
    mapped: Doubles

    @property
    def bias(self) -> float:
        """Return the mean difference, map less reference, in percentage points."""
        return float((self.mapped - self.reference).mean()) if len(self.mapped) else float("nan")

    @property
    def rmse(self) -> float:
        """Return the root mean square difference in percentage points."""
        if not len(self.mapped):
            return float("nan")
        return float(np.sqrt(((self.mapped - self.reference) ** 2).mean()))


def hexagon_agreement(
    truth: Bytes, mapped: Bytes, codes: tuple[int, ...], grid: Grid, resolution: int = 8
) -> HexagonAgreement:
    """Compare sealed shares per H3 cell of which at least 95 % is known, counted as sites are."""
    known = known_of(truth, mapped, codes)
    other = next(code for code in sorted(CLCPLUS.valid) if code != SEALED)
    bands = tuple(
        np.where(known, np.where(band == SEALED, SEALED, other), OUTSIDE).astype(np.uint8)
        for band in (truth, mapped)
    )
    nothing = np.zeros(0, np.float64)
    zones = Polygons(nothing, nothing, np.zeros(1, np.int64), np.zeros(0, np.int64), 0)
    counter = WindowCounter(grid, ClassJoiner(CLCPLUS), resolution, zones)
    window = Window(0, 0, grid.height, grid.width)
    counts = counter.count(window, (bands[0], bands[1]))
    cells, owner = np.unique(counts.cells.owner, return_inverse=True)
    classes = counts.classes[counts.cells.code]
    pixels = counts.cells.pixels.astype(np.float64)
    valid = np.isin(classes[:, 0], (SEALED, other))
    sums = [
        np.bincount(owner, pixels * mask, minlength=len(cells))
        for mask in (valid, classes[:, 0] == SEALED, classes[:, 1] == SEALED)
    ]
    expected = np.array([basic_int.cell_area(int(cell), "m^2") for cell in cells])
    kept = sums[0] * grid.nominal_pixel_area_m2 >= LEAST_KNOWN * expected
    return HexagonAgreement(
        resolution, 100 * sums[1][kept] / sums[0][kept], 100 * sums[2][kept] / sums[0][kept]
    )
