"""What a pixel is between two years, judged over whole arrays: what blocks are compared with."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hexseal.change.states import GAIN_REASONS, LOSS_REASONS, MOST, NO_DATA, State
from hexseal.types import Bytes, Flags

# Added to the state where the pixel is sealed in that year and one of its 4 neighbours is not.
EDGE_BEFORE, EDGE_AFTER = 32, 64
STATE_BITS = 31


class Around(NamedTuple):
    """Whether pixels are sealed in the year before the first and in the year after the second.

    None where there is no such year: then nothing can contradict.
    """

    earlier: Flags | None
    later: Flags | None


@dataclass(frozen=True, slots=True, eq=False)
class PairPixels:
    """Equally shaped arrays of the pixels of two years.

    ``counts`` is the common valid mask. ``confidences`` (0 to 100, more means unknown) and
    ``corrected`` are None for years without such a layer.
    """

    counts: Flags
    before: Flags
    after: Flags
    around: Around
    confidences: tuple[Bytes | None, Bytes | None] = (None, None)
    corrected: Flags | None = None


def pair_states(pixels: PairPixels, *, confidence: int, edge_tolerance: int) -> Bytes:
    """Return state and edges of each pixel; shape of ``pixels``.

    Pixels at the border of the arrays are judged as if what lies beyond were like themselves.
    """
    before, after = pixels.before & pixels.counts, pixels.after & pixels.counts
    states = np.zeros(before.shape, np.uint8)
    states[before & after] = State.SEALED
    gain, loss = after & ~before, before & ~after
    states[gain], states[loss] = State.GAIN, State.LOSS
    for place, removes in enumerate(_filters(pixels, confidence, edge_tolerance)):
        if removes is None:
            continue
        gain_out, loss_out = removes
        states[(states == State.GAIN) & gain_out] = GAIN_REASONS[place]
        states[(states == State.LOSS) & loss_out] = LOSS_REASONS[place]
    states[edges(before)] |= EDGE_BEFORE
    states[edges(after)] |= EDGE_AFTER
    states[~pixels.counts] = NO_DATA
    return states


def _filters(
    pixels: PairPixels, confidence: int, edge_tolerance: int
) -> list[tuple[Flags, Flags] | None]:
    """Return, per filter, which gains and which losses it removes; None where it is off."""
    corrected = pixels.corrected
    return [
        None if corrected is None else (corrected, corrected),
        _contradicted(pixels.around, pixels.counts),
        _doubtful(pixels.confidences, confidence),
        _rims(pixels, edge_tolerance),
    ]


def _contradicted(around: Around, counts: Flags) -> tuple[Flags, Flags] | None:
    """Return what a third year contradicts: sealing of one year only (0-1-0) or a gap (1-0-1)."""
    if around.earlier is None and around.later is None:
        return None
    never = np.zeros(counts.shape, np.bool_)
    was = never if around.earlier is None else around.earlier
    was_not = never if around.earlier is None else ~around.earlier
    stays = never if around.later is None else around.later
    stays_not = never if around.later is None else ~around.later
    return was | stays_not, was_not | stays


def _doubtful(
    confidences: tuple[Bytes | None, Bytes | None], least: int
) -> tuple[Flags, Flags] | None:
    layers = [layer for layer in confidences if layer is not None]
    if not layers or not least:
        return None
    out = np.logical_or.reduce([(layer < least) | (layer > MOST) for layer in layers])
    return out, out


def _rims(pixels: PairPixels, width: int) -> tuple[Flags, Flags] | None:
    """Return the pixels within ``width`` (8-neighbour steps) of what is sealed in both years."""
    if not width:
        return None
    near = pixels.before & pixels.after & pixels.counts
    for _ in range(width):
        near = dilate(near)
    return near, near


def dilate(mask: Flags) -> Flags:
    """Return the pixels of ``mask`` and their 8 neighbours."""
    wide = np.zeros((mask.shape[0] + 2, mask.shape[1]), np.bool_)
    for shift in range(3):
        wide[shift : shift + mask.shape[0]] |= mask
    tall = wide[1:-1]
    grown = tall.copy()
    grown[:, 1:] |= tall[:, :-1]
    grown[:, :-1] |= tall[:, 1:]
    return grown


def edges(sealed: Flags) -> Flags:
    """Return the sealed pixels that have an unsealed 4-neighbour.

    >>> int(edges(np.ones((3, 3), bool)).sum()), int(edges(np.eye(3, dtype=bool)).sum())
    (0, 3)
    """
    inner = sealed.copy()
    inner[1:] &= sealed[:-1]
    inner[:-1] &= sealed[1:]
    inner[:, 1:] &= sealed[:, :-1]
    inner[:, :-1] &= sealed[:, 1:]
    return sealed & ~inner


def evidence_weights(
    confidences: tuple[Bytes | None, Bytes | None],
) -> tuple[NDArray[np.uint16], Bytes] | None:
    """Return the product of both confidences (0 to 10 000) and the lower of them (0 to 100).

    A date without a layer counts as certain; unknown confidence weighs nothing.
    """
    layers = [np.where(c > MOST, 0, c).astype(np.uint8) for c in confidences if c is not None]
    if not layers:
        return None
    second = layers[1].astype(np.uint16) if len(layers) > 1 else np.uint16(MOST)
    return layers[0].astype(np.uint16) * second, np.minimum.reduce(layers)
