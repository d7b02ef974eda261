"""Each pair of years in the page's words: warnings, figures, how it was judged."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median

from hexseal.pages.charts import Chart, IntervalChart, interval_chart, origins_chart
from hexseal.pages.figures import AreaFigures
from hexseal.pages.headline import (
    Headline,
    Period,
    TargetView,
    chosen_pair,
    grade_of,
    headline,
    hectares_text,
    periods_of,
    signed_interval,
    target_view,
)
from hexseal.pages.judgement import Judged, Note, ReferenceFacts
from hexseal.pages.locales import number
from hexseal.pages.origins import Source, Sources, origins_of
from hexseal.pages.tables import Cell, Writer
from hexseal.region.load import Region
from hexseal.types import Pair


@dataclass(frozen=True, slots=True)
class FilterRow:
    """What a step of judging left out or kept: pixels and hectares gained and lost."""

    label: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and its text."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Reason:
    """A note of comparability: in a few words, and in full."""

    brief: str
    text: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What the maps of a pair differ by: newly sealed, no longer, net; ``grade`` of the change."""

    title: str
    cells: tuple[Cell, ...]
    grade: str


@dataclass(frozen=True, slots=True)
class PlaceView:
    """What a place shows first: its headline, the intervals of its periods; then the raw maps.

    ``intervals`` is None where no period has a figure.
    """

    head: Headline
    periods: tuple[Period, ...]
    intervals: IntervalChart | None
    differences: tuple[Difference, ...]
    target: TargetView | None = None


def place_view(
    area: AreaFigures,
    region: Region,
    judged: Mapping[str, Judged],
    write: Writer,
    medians: Mapping[Pair, float] | None = None,
) -> PlaceView:
    """Return the first screen of a place; ``medians`` are those of its layer by pair."""
    periods = periods_of(area, region, judged)
    target = target_view(periods, region.target, region.years[-1], write.locale)
    return PlaceView(
        headline(area, region, judged, write.locale, periods),
        periods,
        interval_chart(
            periods,
            write,
            medians=medians,
            target=target and target.pace,
            target_year=target.year if target else 0,
        ),
        tuple(
            Difference(
                f"{pair[0]}–{pair[1]}",
                (
                    write.hectares(area.m2(f"new_sealed_m2_{pair.key}")),
                    write.hectares(area.m2(f"unsealed_m2_{pair.key}")),
                    write.hectares(area.net_m2(pair), signed=True),
                ),
                grade_of(area, pair, judged[pair.key]),
            )
            for pair in region.pairs
        ),
        target,
    )


def layer_medians(
    areas: Iterable[AreaFigures], region: Region, judged: Mapping[str, Judged]
) -> dict[Pair, float]:
    """Return the median net change a year of the areas of a layer, by pair with a figure."""
    found: dict[Pair, list[float]] = {}
    for area in areas:
        for period in periods_of(area, region, judged):
            if period.has_figure and period.middle is not None:
                found.setdefault(period.pair, []).append(period.middle)
    return {pair: median(values) for pair, values in found.items() if len(values) > 2}


@dataclass(frozen=True, slots=True)
class PairStory:
    """A pair of years in words; ``warnings`` are why its figures are not to be trusted.

    ``difference`` is what the two maps differ by; ``origins`` is None where none is known.
    """

    key: str
    title: str
    brief: str
    warnings: tuple[Reason, ...]
    remarks: tuple[Reason, ...]
    difference: str
    origins: Chart | None
    steps: tuple[FilterRow, ...]
    facts: tuple[Fact, ...]


def pair_stories(
    area: AreaFigures,
    region: Region,
    judged: Mapping[str, Judged],
    write: Writer,
    sources: Sources | None = None,
) -> list[PairStory]:
    """Return the text of each pair: that of the headline first, then the longest.

    ``sources`` lists for each pair which classes became sealed in the area.
    """
    first = chosen_pair(area, region, judged)
    ordered = sorted(region.pairs, key=lambda pair: (pair != first, pair.first - pair.second, pair))
    return [
        _story(area, region, pair, judged[pair.key], write, (sources or {}).get(pair, ()))
        for pair in ordered
    ]


def doubtful_pairs(region: Region, judged: Mapping[str, Judged]) -> frozenset[Pair]:
    """Return the pairs whose change must not be read as change on the ground."""
    return frozenset(
        pair
        for pair in region.pairs
        if judged[pair.key].warnings and judged[pair.key].reference is None
    )


def _story(
    area: AreaFigures,
    region: Region,
    pair: Pair,
    judged: Judged,
    write: Writer,
    sources: tuple[Source, ...],
) -> PairStory:
    return PairStory(
        key=pair.name,
        title=f"{pair.first}–{pair.second}",
        brief=_brief(area, region, pair, judged, write),
        warnings=()
        if area.is_reference(pair)
        else tuple(_reason(n, write) for n in judged.warnings),
        remarks=tuple(
            _reason(n, write) for n in (judged.notes if area.is_reference(pair) else judged.remarks)
        ),
        difference=_difference(area, pair, judged, write),
        origins=origins_chart(origins_of(sources, region, write.locale), write),
        steps=tuple(_steps(area, region, judged, write)),
        facts=tuple(_facts(judged, write)),
    )


def _brief(area: AreaFigures, region: Region, pair: Pair, judged: Judged, write: Writer) -> str:
    """Return the verdict on a pair and its interval a year."""
    period = next(p for p in periods_of(area, region, {pair.key: judged}) if p.pair == pair)
    words = write.locale.text(f"app.verdict.{period.verdict}")
    interval = signed_interval(period, write.locale)
    return f"{words}, {interval}" if interval else words


def _difference(area: AreaFigures, pair: Pair, judged: Judged, write: Writer) -> str:
    """Return what the two maps differ by, with a reminder that the grade decides its worth."""
    key = pair.key
    gain, loss = (area.m2(f"{way}_m2_{key}") for way in ("new_sealed", "unsealed"))
    if gain is None or loss is None:
        return write.locale.text("app.head.no_data")
    return write.locale.text(
        "app.know.differ",
        gain=hectares_text(gain, write.locale, signed=True),
        loss=hectares_text(-loss, write.locale, signed=True),
    )


def _reason(note: Note, write: Writer) -> Reason:
    return Reason(note.brief(write.locale), note.text(write.locale))


def _steps(
    whole: AreaFigures, region: Region, judged: Judged, write: Writer
) -> Iterator[FilterRow]:
    """Describe what each filter removed, and what was left."""
    pixels = whole.m2("valid_pixels")
    pixel_m2 = (whole.m2("valid_m2") or 0.0) / pixels if pixels else 0.0
    left = list(judged.raw)
    yield _step("raw", judged.raw, pixel_m2, write)
    for step, removed in judged.removed.items():
        left = [kept - out for kept, out in zip(left, removed, strict=True)]
        is_on = any(removed) or step in switched_on(region)
        yield _step(step, removed, pixel_m2, write, is_on=is_on)
    yield _step("left", (left[0], left[1]), pixel_m2, write)
    yield _step("confirmed", (judged.confirmed, None), pixel_m2, write)


def _step(
    step: str,
    counts: tuple[int, int | None],
    pixel_m2: float,
    write: Writer,
    *,
    is_on: bool = True,
) -> FilterRow:
    label = write.locale.text(f"page.step.{step}")
    if not is_on:
        label = write.locale.text("page.step.off", step=label)
    cells = []
    for count in counts:
        if count is None:
            cells += ["", ""]
        else:
            pixels = number(count, 0, write.locale.language)
            cells += [pixels, write.hectares(count * pixel_m2).text]
    return FilterRow(label, tuple(cells))


def switched_on(region: Region) -> frozenset[str]:
    """Return the filters that can remove something in this region."""
    noise, epochs = region.noise, region.epochs
    on = {
        "post_processing": noise.post_processing and any(e.post_processing for e in epochs),
        "three_dates": noise.three_dates and len(epochs) > 2 and not region.product.is_density,
        "confidence": noise.confidence > 0 and any(e.confidence for e in epochs),
        "edge_tolerance": noise.edge_tolerance > 0,
        "minimum_patch": noise.minimum_patch > 1,
    }
    return frozenset(step for step, is_on in on.items() if is_on)


def reference_text(found: ReferenceFacts, write: Writer) -> str:
    """Describe what a labelled sample found, how it was labelled, and where its figures end."""
    text, language = write.locale.text, write.locale.language
    how = "settled" if found.settled else "unsettled"
    counts = {
        key: number(getattr(found, key), 0, language) for key in ("units", "unknown", "areas")
    }
    ends = {key: write.interval(*getattr(found, key)[1:]).text for key in ("net", "gain", "loss")}
    values = {key: write.hectares(getattr(found, key)[0]).text for key in ("net", "gain", "loss")}
    figures = {f"{key}_ends": end for key, end in ends.items()} | values
    return (
        text("page.fact.reference.text", **counts, **figures)
        + " "
        + text(f"page.fact.reference.{how}")
    )


def _facts(judged: Judged, write: Writer) -> Iterator[Fact]:
    text, language = write.locale.text, write.locale.language
    dropped = (
        text(
            "page.fact.mask.text",
            year=year,
            pixels=number(pixels, 0, language),
            hectares=write.hectares(m2).text,
        )
        for year, (pixels, m2) in judged.masked.items()
    )
    yield Fact(text("page.fact.mask"), "; ".join(dropped))
    gains, losses, confirmed = (number(count, 0, language) for count in judged.patches)
    yield Fact(
        text("page.fact.patches"),
        text("page.fact.patches.text", gains=gains, losses=losses, confirmed=confirmed),
    )
    ratio = number(judged.decoy_ratio, 2, language)
    yield Fact(text("page.fact.decoy_ratio"), text("page.fact.decoy_ratio.text", ratio=ratio))
    yield Fact(text("page.fact.grade"), text(f"page.fact.grade.{judged.grade}"))
    yield Fact(text("page.fact.assumption"), text(f"app.assume.{judged.assumption}"))
    if judged.reference is not None:
        yield Fact(text("page.fact.reference"), reference_text(judged.reference, write))
    if judged.false is not None:
        keys = ("patches", "patches_high", "area", "area_high")
        shares = {key: number(100 * getattr(judged.false, key), 0, language) for key in keys}
        yield Fact(text("page.fact.false"), text("page.fact.false.text", **shares))
    listed = {"candidates": judged.candidates, "fields": judged.fields}
    counts = {key: number(count, 0, language) for key, count in listed.items()}
    if any(listed.values()):
        yield Fact(text("page.fact.look"), text("page.fact.look.text", **counts))
    unused = "unused" if judged.has_confidence else "without"
    confidence = "with" if judged.uses_confidence else unused
    yield Fact(text("page.fact.confidence"), text(f"page.fact.confidence.{confidence}"))
    shown = number(100 * judged.slope, 0, language)
    yield Fact(
        text("page.fact.accuracy"), text(f"page.fact.accuracy.{judged.accuracy}", shown=shown)
    )
    if judged.provisional:
        yield Fact(text("page.fact.provisional"), text("page.fact.provisional.text"))
