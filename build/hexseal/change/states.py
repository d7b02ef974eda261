"""What a pixel is between two years, and the filters that remove a difference."""

from collections.abc import Mapping
from enum import IntEnum

NO_DATA = 255
# Confidence is a percentage: two dates multiply to WHOLE, and sums stay whole numbers.
WHOLE, MOST = 10_000, 100


class State(IntEnum):
    """What a pixel is between two years; the reasons name the filter that removed a difference."""

    UNSEALED = 0
    SEALED = 1
    GAIN = 2
    CONFIRMED = 3
    GAIN_POST_PROCESSING = 4
    GAIN_THREE_DATES = 5
    GAIN_CONFIDENCE = 6
    GAIN_RIM = 7
    GAIN_SMALL = 8
    LOSS = 9
    LOSS_POST_PROCESSING = 11
    LOSS_THREE_DATES = 12
    LOSS_CONFIDENCE = 13
    LOSS_RIM = 14
    LOSS_SMALL = 15
    # Pixels of confirmed patches that may be an error along their edge, and whole fields.
    CONFIRMED_EDGE = 16
    GAIN_FIELD = 17
    LOSS_FIELD = 18


# The filters in the order in which they act; a difference counts for the first that removes it.
FILTERS = ("post_processing", "three_dates", "confidence", "edge_tolerance", "minimum_patch")
GAIN_REASONS = tuple(range(State.GAIN_POST_PROCESSING, State.GAIN_SMALL + 1))
LOSS_REASONS = tuple(range(State.LOSS_POST_PROCESSING, State.LOSS_SMALL + 1))

# What counts for and against change, as SQL binds it. What was corrected by hand or contradicted
# by a third year counts neither way.
STATE_SETS: Mapping[str, int | list[int]] = {
    "gain_states": [
        int(state)
        for state in (
            State.GAIN, State.CONFIRMED, State.GAIN_CONFIDENCE, State.GAIN_RIM, State.GAIN_SMALL,
            State.CONFIRMED_EDGE, State.GAIN_FIELD,
        )
    ],
    "loss_states": [
        int(state)
        for state in (
            State.LOSS, State.LOSS_CONFIDENCE, State.LOSS_RIM, State.LOSS_SMALL, State.LOSS_FIELD,
        )
    ],
    "confirmed_states": [int(State.CONFIRMED), int(State.CONFIRMED_EDGE)],
    "secure_state": int(State.CONFIRMED),
    "gain_field_state": int(State.GAIN_FIELD),
    "loss_field_state": int(State.LOSS_FIELD),
}  # fmt: skip
