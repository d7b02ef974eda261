"""What a pixel is between two years, judged pixel by pixel by hand."""

import numpy as np
import pytest
from slowstates import (
    EDGE_AFTER,
    EDGE_BEFORE,
    STATE_BITS,
    Around,
    PairPixels,
    edges,
    evidence_weights,
    pair_states,
)

from hexseal.change.states import NO_DATA, STATE_SETS, State


def flags(*rows: str) -> np.ndarray:
    return np.array([[letter == "#" for letter in row] for row in rows])


def judge(pixels: PairPixels, confidence: int = 0, edge_tolerance: int = 0) -> list[list[int]]:
    states = pair_states(pixels, confidence=confidence, edge_tolerance=edge_tolerance)
    return np.where(states == NO_DATA, NO_DATA, states & STATE_BITS).tolist()


def two_years(
    before: np.ndarray,
    after: np.ndarray,
    *,
    around: Around | None = None,
    confidences: tuple[np.ndarray | None, np.ndarray | None] = (None, None),
    corrected: np.ndarray | None = None,
) -> PairPixels:
    counts = np.ones(before.shape, bool)
    around = around or Around(None, None)
    return PairPixels(counts, before, after, around, confidences, corrected)


def test_four_plain_states() -> None:
    found = judge(two_years(flags("##.."), flags("#.#.")))
    assert found == [[State.SEALED, State.LOSS, State.GAIN, State.UNSEALED]]


def test_what_does_not_count_is_no_data() -> None:
    pixels = PairPixels(flags("#."), flags("##"), flags("##"), Around(None, None))
    assert judge(pixels) == [[State.SEALED, NO_DATA]]


def test_edges_are_sealed_pixels_with_an_unsealed_neighbour_of_four() -> None:
    block = flags(".....", ".###.", ".###.", ".###.", ".....")
    ring = block.copy()
    ring[2, 2] = False
    assert (edges(block) == ring).all()
    states = pair_states(two_years(block, ~block), confidence=0, edge_tolerance=0)
    assert states[1, 1] == State.LOSS + EDGE_BEFORE
    assert states[2, 2] == State.LOSS
    assert states[0, 1] == State.GAIN + EDGE_AFTER


@pytest.mark.parametrize(
    ("earlier", "now", "later", "state"),
    [
        (None, "01", "1", State.GAIN),  # 0-1-1: confirmed by the later year
        (None, "01", "0", State.GAIN_THREE_DATES),  # 0-1-0: rejected
        ("0", "01", None, State.GAIN),  # 0-0-1: provisional
        ("1", "01", None, State.GAIN_THREE_DATES),  # 1-0-1: it was sealed all along
        (None, "10", "1", State.LOSS_THREE_DATES),  # 1-0-1
        (None, "10", "0", State.LOSS),  # 1-0-0: candidate loss
        ("1", "10", None, State.LOSS),  # 1-1-0
        ("0", "10", None, State.LOSS_THREE_DATES),  # 0-1-0
    ],
)
def test_three_dates(earlier: str | None, now: str, later: str | None, state: State) -> None:
    known = [None if year is None else np.array([[year == "1"]]) for year in (earlier, later)]
    around = Around(known[0], known[1])
    before, after = (np.array([[digit == "1"]]) for digit in now)
    assert judge(two_years(before, after, around=around)) == [[state]]


def test_confidence_must_be_reached_at_both_dates_and_known() -> None:
    before, after = flags("....."), flags("#####")
    first = np.array([[80, 80, 29, 254, 30]], np.uint8)
    second = np.array([[80, 29, 80, 80, 30]], np.uint8)
    found = judge(two_years(before, after, confidences=(first, second)), confidence=30)
    out = State.GAIN_CONFIDENCE
    assert found == [[State.GAIN, out, out, out, State.GAIN]]


def test_corrected_pixels_come_first() -> None:
    low = np.zeros((1, 2), np.uint8)
    pixels = two_years(flags(".#"), flags("#."), confidences=(low, None), corrected=flags("##"))
    assert judge(pixels, confidence=30) == [
        [State.GAIN_POST_PROCESSING, State.LOSS_POST_PROCESSING]
    ]


def test_rims_along_what_is_sealed_at_both_dates() -> None:
    before, after = flags("#....."), flags("####..")
    assert judge(two_years(before, after), edge_tolerance=2) == [
        [State.SEALED, State.GAIN_RIM, State.GAIN_RIM, State.GAIN, 0, 0]
    ]
    assert judge(two_years(after, before), edge_tolerance=1) == [
        [State.SEALED, State.LOSS_RIM, State.LOSS, State.LOSS, 0, 0]
    ]


def test_weights_multiply_confidences_and_unknown_weighs_nothing() -> None:
    first, second = np.array([90, 254], np.uint8), np.array([50, 100], np.uint8)
    weighed = evidence_weights((first, second))
    assert weighed is not None
    assert weighed[0].tolist() == [4500, 0]
    assert weighed[1].tolist() == [50, 0]
    alone = evidence_weights((None, second))
    assert alone is not None
    assert alone[0].tolist() == [5000, 10000]
    assert evidence_weights((None, None)) is None


def test_every_state_is_evidence_for_one_side_or_for_none() -> None:
    gain, loss = (STATE_SETS[name] for name in ("gain_states", "loss_states"))
    assert isinstance(gain, list)
    assert isinstance(loss, list)
    assert not set(gain) & set(loss)
    neutral = {state.name for state in State if state not in (*gain, *loss)}
    assert neutral == {
        "UNSEALED", "SEALED", "GAIN_POST_PROCESSING", "GAIN_THREE_DATES",
        "LOSS_POST_PROCESSING", "LOSS_THREE_DATES",
    }  # fmt: skip
