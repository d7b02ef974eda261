"""Charts as SVG drawn at build, each with a table of the same figures.

The page's script draws the same charts of what its reader selects
(site_template/src/panel/charts.ts): change both together.
Colours come from the style sheet, by the classes given here.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import floor, log10

from markupsafe import Markup, escape

from hexseal.frontend import TEMPLATE
from hexseal.pages.headline import Period, hectares_text, signed_interval
from hexseal.pages.locales import M2_PER_HECTARE, number
from hexseal.pages.tables import Row, Writer
from hexseal.pages.years import YearPoint
from hexseal.types import Pair

# Sizes in the drawing's own units, one table for build and page (src/panel/charts.ts): sides and
# margins; bars, the height of a line and of the bar under its label; intervals, the width of the
# drawing, where its axis begins and ends, the height of a period and of the target's words.
SIZES: dict[str, float] = json.loads((TEMPLATE / "templates" / "chart.json").read_bytes())
WIDTH, HEIGHT = SIZES["width"], SIZES["height"]
LEFT, RIGHT, TOP, BOTTOM = (SIZES[side] for side in ("left", "right", "top", "bottom"))
BAR_LINE, BAR, MOST_ORIGINS = SIZES["barLine"], SIZES["bar"], int(SIZES["mostOrigins"])
SPAN, AXIS_LEFT, AXIS_RIGHT = SIZES["span"], SIZES["axisLeft"], SIZES["axisRight"]
PERIOD_LINE, TARGET_ROOM = SIZES["periodLine"], SIZES["targetRoom"]


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing and its table twin: column heads, and rows of text cells."""

    kind: str
    title: str
    svg: Markup
    key: tuple[tuple[str, str], ...]
    heads: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """What became sealed from one former class, square metres."""

    label: str
    raw_m2: float
    confirmed_m2: float


def stock_chart(points: Sequence[YearPoint], write: Writer) -> Chart | None:
    """Draw sealed area over the years: by the maps, and adjusted.

    None where fewer than two years are known: there is nothing to compare.
    """
    known = [point for point in points if point.raw_m2 is not None]
    if len(known) < 2:
        return None
    text = write.locale.text
    return Chart(
        kind="stock",
        title=text("app.chart.stock"),
        svg=_stock_drawing(known, write),
        key=_stock_key(known, write),
        heads=tuple(text(f"app.chart.{column}") for column in ("raw", "adjusted")),
        rows=tuple(_stock_row(point, write) for point in points),
    )


def origins_chart(origins: Iterable[Origin], write: Writer) -> Chart | None:
    """Draw from which classes new sealed area came, the largest first; None where none did."""
    found = _largest(origins, write)
    if not found:
        return None
    text = write.locale.text
    return Chart(
        kind="origins",
        title=text("app.chart.origins"),
        svg=_origins_drawing(found, write),
        key=(
            ("confirmed", text("app.chart.confirmed")),
            ("raw-bar", text("app.chart.raw")),
        ),
        heads=(text("app.chart.confirmed"), text("app.chart.raw")),
        rows=tuple(
            Row(o.label, (write.hectares(o.confirmed_m2), write.hectares(o.raw_m2))) for o in found
        ),
    )


@dataclass(frozen=True, slots=True)
class IntervalChart:
    """Net change a year of each period on one axis; ``key`` are class and words of its marks."""

    svg: Markup
    key: tuple[tuple[str, str], ...]


def interval_chart(
    periods: Sequence[Period],
    write: Writer,
    *,
    medians: Mapping[Pair, float] | None = None,
    target: float | None = None,
    target_year: int = 0,
) -> IntervalChart | None:
    """Draw a bar per period in hectares a year; None where no period has a figure.

    ``medians`` are those of the areas of the same layer, ``target`` the yearly pace that a target
    allows, both in square metres a year.
    """
    if not any(period.has_figure for period in periods):
        return None
    text = write.locale.text
    marks = [*(medians or {}).values(), *([] if target is None else [target])]
    ends = [
        end / M2_PER_HECTARE
        for period in periods
        if period.has_figure
        for end in (period.low, period.high)
        if end is not None
    ]
    ends += [mark / M2_PER_HECTARE for mark in marks]
    steps = ticks(min(0.0, *ends), max(0.0, *ends))
    top = TARGET_ROOM if target is not None else 4.0
    bottom = top + PERIOD_LINE * len(periods)
    plot = _Axis(steps[0], steps[-1], top, bottom)
    parts = _axis(plot, steps, write)
    if target is not None:
        parts += _target(plot, target, write)
    for position, period in enumerate(periods):
        parts += _period(plot, position, period, len(periods), (medians or {}), write)
    measured = any(period.grade == "reference" for period in periods)
    key = [("bar", text("app.chart.interval.measured" if measured else "app.chart.interval.noise"))]
    if medians:
        key.append(("median", text("app.chart.median")))
    if target is not None:
        key.append(("target", text("app.chart.target", year=target_year)))
    label = "; ".join(_spoken(period, write) for period in periods)
    opening = Markup('<svg class="interval-chart" viewBox="0 0 {} {}" role="img" aria-label="{}">')
    svg = opening.format(_short(SPAN), _short(bottom + 18), label)
    return IntervalChart(svg + Markup("").join(parts) + Markup("</svg>"), tuple(key))


@dataclass(frozen=True, slots=True)
class _Axis:
    """Where a number of hectares a year stands between the first and last step of the axis."""

    low: float
    high: float
    top: float
    bottom: float

    def x(self, hectares: float) -> float:
        part = (hectares - self.low) / (self.high - self.low)
        return AXIS_LEFT + part * (AXIS_RIGHT - AXIS_LEFT)


def _axis(plot: _Axis, steps: Sequence[float], write: Writer) -> list[Markup]:
    digits = max(0, -floor(log10(steps[1] - steps[0]) + 1e-9))
    parts = []
    for value in steps:
        x = plot.x(value)
        classes = "axis-zero" if abs(value) < 1e-12 else "axis-grid"
        parts.append(_tag("line", classes, x1=x, x2=x, y1=plot.top, y2=plot.bottom))
        words = number(value, digits if value else 0, write.locale.language, signed=True)
        parts.append(_text(words, "chart-label middle", x=x, y=plot.bottom + 14))
    return parts


def _target(plot: _Axis, target: float, write: Writer) -> list[Markup]:
    x = plot.x(target / M2_PER_HECTARE)
    words = write.locale.text("app.chart.target.value", value=hectares_text(target, write.locale))
    return [
        _tag("line", "target-line", x1=x, x2=x, y1=TARGET_ROOM - 4, y2=plot.bottom),
        _text(words, "target-label middle", x=x, y=11.0),
    ]


def _period(
    plot: _Axis,
    position: int,
    period: Period,
    count: int,
    medians: Mapping[Pair, float],
    write: Writer,
) -> list[Markup]:
    text, y = write.locale.text, plot.top + PERIOD_LINE * position
    is_whole = position == count - 1
    strong = "chart-label strong" if is_whole else "chart-label"
    below = [text("app.chart.model")] if period.by_model else []
    below += [text("app.chart.whole")] if is_whole and count > 1 and not below else []
    parts = [_text("–".join(map(str, period.pair)), strong, x=0, y=y + 16)]
    parts += [_text(words, "chart-label small", x=0, y=y + 31) for words in below]
    parts.append(
        _text(text(f"app.verdict.{period.verdict}"), "chart-label strong end", x=SPAN, y=y + 16)
    )
    if period.has_figure:
        low, middle, high = (
            plot.x((end or 0.0) / M2_PER_HECTARE)
            for end in (period.low, period.middle, period.high)
        )
        bar = {"x": low, "y": y + 15, "width": max(4.0, high - low), "height": 10.0}
        parts.append(_tag("rect", f"interval-bar {period.verdict}", **bar))
        parts.append(_tag("circle", "interval-dot", cx=middle, cy=y + 20, r=3.2))
        words = signed_interval(period, write.locale)
        parts.append(_text(words, "chart-label small end", x=SPAN, y=y + 31))
    if period.pair in medians:
        x = plot.x(medians[period.pair] / M2_PER_HECTARE)
        parts.append(_tag("line", "median-tick", x1=x, x2=x, y1=y + 10, y2=y + 30))
    return parts


def _spoken(period: Period, write: Writer) -> str:
    words = write.locale.text(f"app.verdict.{period.verdict}")
    spoken = f"{period.pair[0]}–{period.pair[1]}: {words}"
    interval = signed_interval(period, write.locale)
    return (
        write.locale.text("app.chart.spoken", words=spoken, interval=interval)
        if interval
        else spoken
    )


def ticks(low: float, high: float) -> list[float]:
    """Return round numbers from at or below ``low`` to at or above ``high``, six at most.

    >>> ticks(1203.0, 1288.0), ticks(0.0, 0.0)
    ([1200.0, 1250.0, 1300.0], [0.0, 1.0])
    """
    if high <= low:
        return [floor(low), floor(low) + 1.0]
    step = _step(high - low)
    first, last = floor(low / step), -floor(-high / step)
    return [position * step for position in range(first, last + 1)]


def _step(span: float) -> float:
    """Return the least of 1, 2, 5 times a power of ten that cuts a span into at most four parts."""
    power = 10.0 ** floor(log10(span / 4))
    part = span / 4 / power
    return power * next(factor for factor in (1, 2, 5, 10) if part <= factor or factor == 10)


def _stock_key(points: Sequence[YearPoint], write: Writer) -> tuple[tuple[str, str], ...]:
    names = ["adjusted", "raw", *(["doubtful"] if any(p.is_doubtful for p in points) else [])]
    return tuple((name, write.locale.text(f"app.chart.{name}")) for name in names)


def _stock_drawing(points: Sequence[YearPoint], write: Writer) -> Markup:
    ends = [
        value / M2_PER_HECTARE
        for p in points
        for value in (p.raw_m2, p.adjusted_m2)
        if value is not None
    ]
    steps = ticks(min(ends), max(ends))
    plot = _Plot(points[0].year, points[-1].year, steps[0], steps[-1])
    parts = [*_grid(plot, steps, write), *_years(plot, points)]
    parts += _line(plot, [(p, p.raw_m2) for p in points], "raw")
    parts += _line(plot, [(p, p.adjusted_m2) for p in points], "adjusted")
    parts += _dots(plot, [(p.year, p.raw_m2) for p in points], "raw", "3.5")
    parts += _dots(plot, [(p.year, p.adjusted_m2) for p in points], "adjusted", "4")
    return _svg(HEIGHT, write.locale.text("app.chart.stock"), parts)


@dataclass(frozen=True, slots=True)
class _Plot:
    """Where a year and a number of hectares stand in the drawing."""

    first: int
    last: int
    low: float
    high: float

    def x(self, year: int) -> float:
        inset = LEFT + SIZES["inset"]
        return inset + (year - self.first) / (self.last - self.first) * (WIDTH - RIGHT - inset)

    def y(self, hectares: float) -> float:
        part = (hectares - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - part * (HEIGHT - BOTTOM - TOP)


def _grid(plot: _Plot, steps: Sequence[float], write: Writer) -> list[Markup]:
    step = steps[1] - steps[0]
    digits = max(0, -floor(log10(step) + 1e-9))
    parts = []
    for value in steps:
        y = plot.y(value)
        parts.append(_tag("line", "chart-grid", x1=LEFT, x2=WIDTH - RIGHT + 8, y1=y, y2=y))
        words = number(value, digits, write.locale.language)
        parts.append(_text(words, "chart-label end", x=LEFT - 6, y=y + 4))
    return parts


def _years(plot: _Plot, points: Sequence[YearPoint]) -> list[Markup]:
    return [
        _text(str(p.year), "chart-label middle", x=plot.x(p.year), y=HEIGHT - 8) for p in points
    ]


def _line(plot: _Plot, values: Sequence[tuple[YearPoint, float | None]], name: str) -> list[Markup]:
    """Join neighbouring years; a step between years that do not compare is dashed."""
    parts = []
    for (before, low), (after, high) in pairwise(values):
        if low is not None and high is not None:
            classes = f"chart-line {name}{' doubtful' if after.is_doubtful else ''}"
            ends = {
                "x1": plot.x(before.year),
                "x2": plot.x(after.year),
                "y1": plot.y(low / M2_PER_HECTARE),
                "y2": plot.y(high / M2_PER_HECTARE),
            }
            parts.append(_tag("line", classes, **ends))
    return parts


def _dots(
    plot: _Plot, values: Sequence[tuple[int, float | None]], name: str, radius: str
) -> list[Markup]:
    return [
        Markup('<circle class="chart-dot {}" cx="{}" cy="{}" r="{}"></circle>').format(
            name, _short(plot.x(year)), _short(plot.y(value / M2_PER_HECTARE)), radius
        )
        for year, value in values
        if value is not None
    ]


def _stock_row(point: YearPoint, write: Writer) -> Row:
    cells = (write.hectares(point.raw_m2), write.hectares(point.adjusted_m2))
    return Row(str(point.year), cells)


def _largest(origins: Iterable[Origin], write: Writer) -> list[Origin]:
    """Return origins by size, the smallest together when there are many."""
    found = sorted(
        (o for o in origins if o.raw_m2 > 0), key=lambda o: (-o.confirmed_m2, -o.raw_m2, o.label)
    )
    if len(found) <= MOST_ORIGINS:
        return found
    kept, rest = found[: MOST_ORIGINS - 1], found[MOST_ORIGINS - 1 :]
    others = Origin(
        write.locale.text("app.chart.others"),
        sum(o.raw_m2 for o in rest),
        sum(o.confirmed_m2 for o in rest),
    )
    return [*kept, others]


def _origins_drawing(origins: Sequence[Origin], write: Writer) -> Markup:
    most = max(max(o.raw_m2, o.confirmed_m2) for o in origins)
    parts: list[Markup] = []
    for position, origin in enumerate(origins):
        y = position * BAR_LINE
        confirmed, raw = (write.hectares(m2).text for m2 in (origin.confirmed_m2, origin.raw_m2))
        values = write.locale.text("app.chart.origin_values", confirmed=confirmed, raw=raw)
        parts.append(_text(origin.label, "chart-label strong", x=0, y=y + 13))
        parts.append(_text(values, "chart-label end", x=WIDTH, y=y + 13))
        for m2, name in ((origin.raw_m2, "raw"), (origin.confirmed_m2, "confirmed")):
            width = m2 / most * WIDTH
            parts.append(_tag("rect", f"chart-bar {name}", x=0, y=y + 19, width=width, height=BAR))
    return _svg(len(origins) * BAR_LINE, write.locale.text("app.chart.origins"), parts)


def _svg(height: float, label: str, parts: Sequence[Markup]) -> Markup:
    opening = Markup('<svg class="chart-drawing" viewBox="0 0 {} {}" role="img" aria-label="{}">')
    whole = (_short(side) for side in (WIDTH, height))
    return opening.format(*whole, label) + Markup("").join(parts) + Markup("</svg>")


def _tag(tag: str, classes: str, **numbers: float) -> Markup:
    written = Markup("").join(
        Markup(' {}="{}"').format(key, _short(value)) for key, value in numbers.items()
    )
    return Markup('<{} class="{}"{}></{}>').format(Markup(tag), classes, written, Markup(tag))


def _text(words: str, classes: str, *, x: float, y: float) -> Markup:
    opening = Markup('<text class="{}" x="{}" y="{}">').format(classes, _short(x), _short(y))
    return opening + escape(words) + Markup("</text>")


def _short(value: float) -> str:
    """Write a coordinate with one decimal, halves up as the page's script does.

    >>> _short(12.25), _short(3.0), _short(-0.04)
    ('12.3', '3', '0')
    """
    tenths = floor(value * 10 + 0.5)
    return str(tenths // 10) if tenths % 10 == 0 else f"{tenths / 10:.1f}"
