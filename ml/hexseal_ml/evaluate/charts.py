"""Charts of a report as SVG: reliability of the sealed probability, shares per hexagon."""

import math
from collections.abc import Sequence

from hexseal_ml.evaluate.metrics import Calibration, HexagonAgreement

SIZE, MARGIN = 320, 46
TICKS = 5


def reliability_chart(found: Calibration) -> str:
    """Return observed share over predicted probability; points on the diagonal are right."""
    points = [
        (100 * p, 100 * o, n)
        for p, o, n in zip(found.predicted, found.observed, found.pixels, strict=True)
        if n
    ]
    most = max((n for _, _, n in points), default=1)
    dots = "".join(
        f'<circle cx="{_x(p, 100):.1f}" cy="{_y(o, 100):.1f}" '
        f'r="{2.5 + 5 * math.log1p(n) / math.log1p(most):.1f}"/>'
        for p, o, n in points
    )
    line = " ".join(f"{_x(p, 100):.1f},{_y(o, 100):.1f}" for p, o, _ in points)
    body = f'<polyline class="line" points="{line}"/><g class="dots">{dots}</g>'
    return _frame(
        "Reliability of the sealed probability",
        "Sealed probability (%)", "Sealed in the label (%)", 100, body,
    )  # fmt: skip


def scatter_chart(found: HexagonAgreement) -> str:
    """Return mapped over reference share of each hexagon."""
    highest = max([*found.reference.tolist(), *found.mapped.tolist(), 1.0])
    limit = _round_up(highest)
    dots = "".join(
        f'<circle cx="{_x(r, limit):.1f}" cy="{_y(m, limit):.1f}" r="2.5"/>'
        for r, m in zip(found.reference, found.mapped, strict=True)
    )
    return _frame(
        "Sealed share per hexagon",
        "Label (% of pixels)", "Map (% of pixels)", limit, f'<g class="dots">{dots}</g>',
    )  # fmt: skip


def _round_up(value: float) -> float:
    """Return the next number of 1, 2, 5, 10, 20, ... from ``value`` on.

    >>> _round_up(3.2), _round_up(70.0)
    (5.0, 100.0)
    """
    scale = 10.0 ** math.floor(math.log10(value))
    return next(step * scale for step in (1.0, 2.0, 5.0, 10.0) if step * scale >= value)


def _x(value: float, limit: float) -> float:
    return MARGIN + value / limit * (SIZE - MARGIN - 12)


def _y(value: float, limit: float) -> float:
    return SIZE - MARGIN - value / limit * (SIZE - MARGIN - 12)


def _frame(title: str, across: str, up: str, limit: float, body: str) -> str:
    ticks = [limit * step / TICKS for step in range(TICKS + 1)]
    return (
        f'<svg viewBox="0 0 {SIZE} {SIZE}" role="img" aria-label="{title}">'
        f'<line class="diagonal" x1="{_x(0, 1)}" y1="{_y(0, 1)}" x2="{_x(1, 1)}" y2="{_y(1, 1)}"/>'
        f'<path class="axes" d="M{_x(0, 1)} {_y(1, 1)}V{_y(0, 1)}H{_x(1, 1)}"/>'
        f"{_labels(ticks, limit)}{body}"
        f'<text class="axis" x="{(_x(0, 1) + _x(1, 1)) / 2}" y="{SIZE - 8}">{across}</text>'
        f'<text class="axis" transform="translate(12 {(_y(0, 1) + _y(1, 1)) / 2}) rotate(-90)">'
        f"{up}</text></svg>"
    )


def _labels(ticks: Sequence[float], limit: float) -> str:
    return "".join(
        f'<text class="tick" x="{_x(t, limit):.1f}" y="{SIZE - MARGIN + 16}">{t:g}</text>'
        f'<text class="tick up" x="{MARGIN - 6}" y="{_y(t, limit) + 4:.1f}">{t:g}</text>'
        for t in ticks
    )
