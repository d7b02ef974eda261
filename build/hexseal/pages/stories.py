"""What the page says of each pair of years in words: warnings, figures, how it was judged."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hexseal.config import Region
from hexseal.pages.figures import AreaFigures, Pair, name
from hexseal.pages.judgement import Judged
from hexseal.pages.numbers import number
from hexseal.pages.tables import Cell, Writer, interval


@dataclass(frozen=True, slots=True)
class FilterRow:
    """What a step of judging left out or kept: pixels and hectares gained and lost."""

    label: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and what it says."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Card:
    """A figure of its own, with the figures that belong beside it."""

    label: str
    value: str
    details: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PairStory:
    """A pair of years in words; ``warnings`` say why its figures are not to be trusted."""

    key: str
    title: str
    warnings: tuple[str, ...]
    remarks: tuple[str, ...]
    sentences: tuple[str, ...]
    cards: tuple[Card, ...]
    steps: tuple[FilterRow, ...]
    facts: tuple[Fact, ...]


def pair_stories(
    whole: AreaFigures, region: Region, judged: Mapping[str, Judged], write: Writer
) -> list[PairStory]:
    """Return what there is to say of each pair, the longest pair first."""
    ordered = sorted(region.pairs, key=lambda pair: (pair[0] - pair[1], pair))
    return [_story(whole, region, pair, judged[name(pair)], write) for pair in ordered]


def _story(
    whole: AreaFigures, region: Region, pair: Pair, judged: Judged, write: Writer
) -> PairStory:
    locale = write.locale
    return PairStory(
        key=f"{pair[0]}-{pair[1]}",
        title=f"{pair[0]}–{pair[1]}",
        warnings=tuple(note.text(locale) for note in judged.warnings),
        remarks=tuple(note.text(locale) for note in judged.remarks),
        sentences=_sentences(whole, region, pair, judged, write),
        cards=_cards(whole, pair, write),
        steps=tuple(_steps(whole, region, judged, write)),
        facts=tuple(_facts(judged, write)),
    )


def _sentences(
    whole: AreaFigures, region: Region, pair: Pair, judged: Judged, write: Writer
) -> tuple[str, ...]:
    text = write.locale.text
    confirmed = text(
        "page.story.doubtful" if judged.warnings else "page.story.confirmed",
        confirmed=_ha(whole, "confirmed_m2", pair, write).text,
        first=pair[0],
        last=pair[1],
        level=number(100 * region.noise.level, 0, write.locale.language),
    )
    net = text(
        "page.story.net",
        adjusted=_ha(whole, "adjusted_m2", pair, write, signed=True).text,
        interval=interval(whole, pair, write).text,
    )
    raw = text(
        "page.story.raw",
        gain=_ha(whole, "new_sealed_m2", pair, write).text,
        loss=_ha(whole, "unsealed_m2", pair, write).text,
    )
    verdict = text(f"page.verdict.{'doubtful' if judged.warnings else whole.signal(pair)}")
    return confirmed, f"{net} {verdict}", raw


def _cards(whole: AreaFigures, pair: Pair, write: Writer) -> tuple[Card, ...]:
    text = write.locale.text
    confirmed = Card(
        text("page.card.confirmed"),
        _ha(whole, "confirmed_m2", pair, write).text,
        (text("page.card.raw_new", value=_ha(whole, "new_sealed_m2", pair, write).text),),
    )
    net = Card(
        text("page.card.adjusted"),
        _ha(whole, "adjusted_m2", pair, write, signed=True).text,
        (
            text("page.card.interval", interval=interval(whole, pair, write).text),
            text("page.card.raw_net", value=write.hectares(whole.net_m2(pair), signed=True).text),
        ),
    )
    return confirmed, net


def _ha(
    whole: AreaFigures, column: str, pair: Pair, write: Writer, *, signed: bool = False
) -> Cell:
    return write.hectares(whole.m2(f"{column}_{name(pair)}"), signed=signed)


def _steps(
    whole: AreaFigures, region: Region, judged: Judged, write: Writer
) -> Iterator[FilterRow]:
    """Tell what each filter removed, and what was left."""
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
        "three_dates": noise.three_dates and len(epochs) > 2,
        "confidence": noise.confidence > 0 and any(e.confidence for e in epochs),
        "edge_tolerance": noise.edge_tolerance > 0,
        "minimum_patch": noise.minimum_patch > 1,
    }
    return frozenset(step for step, is_on in on.items() if is_on)


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
    ratio = number(judged.asymmetry, 2, language)
    yield Fact(text("page.fact.asymmetry"), text("page.fact.asymmetry.text", ratio=ratio))
    confidence = "with" if judged.has_confidence else "without"
    yield Fact(text("page.fact.confidence"), text(f"page.fact.confidence.{confidence}"))
    shown = number(100 * judged.slope, 0, language)
    yield Fact(
        text("page.fact.accuracy"), text(f"page.fact.accuracy.{judged.accuracy}", shown=shown)
    )
    if judged.provisional:
        yield Fact(text("page.fact.provisional"), text("page.fact.provisional.text"))
