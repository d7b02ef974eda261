"""The one headline of a place: how much is sealed, and what its maps support of its change.

One rule decides the sentence, the badge, and the word and colour of every bar. The page's script
follows the same rule for what its reader selects (site_template/src/panel/headline.ts): change both
together; tests/headline_cases.json holds cases that both must pass.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup, escape

from hexseal.pages.figures import GRADES, REFERENCE, AreaFigures
from hexseal.pages.judgement import Judged, PairGrade, pair_grade
from hexseal.pages.locales import M2_PER_HECTARE, Locale, number
from hexseal.region.load import Region, Target
from hexseal.types import Pair

Verdict = Literal["grew", "shrank", "unclear", "inconclusive", "incomparable"]
SUPPORTED = ("reference", "consistent")
# An end that would be written as 0 takes further decimals, but no more than this.
MOST_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Period:
    """Net change of a place between two years, square metres a year, and what supports it.

    Figures are None where the maps support none. ``confirmed_m2`` is the area of the places that
    became sealed in the whole period. ``by_model``: a model made the later map.
    """

    pair: Pair
    grade: str
    low: float | None
    middle: float | None
    high: float | None
    confirmed_m2: float | None
    by_model: bool = False

    @property
    def verdict(self) -> Verdict:
        """Return which figure can be stated: growth only where the whole interval lies above 0."""
        if self.grade == "incomparable":
            return "incomparable"
        if self.grade not in SUPPORTED or self.low is None or self.high is None:
            return "inconclusive"
        return "grew" if self.low > 0 else "shrank" if self.high < 0 else "unclear"

    @property
    def is_supported(self) -> bool:
        """Return whether the maps or a sample support figures of this period."""
        return self.grade in SUPPORTED

    @property
    def has_figure(self) -> bool:
        """Return whether the period has an interval to show."""
        return self.verdict in ("grew", "shrank", "unclear")


@dataclass(frozen=True, slots=True)
class Headline:
    """A sentence with its badge; ``grade`` is "" where no change is stated.

    ``reasons`` are why there is no figure.
    """

    sentence: Markup
    grade: str
    badge: str
    note: str
    reasons: tuple[str, ...] = ()


def periods_of(
    area: AreaFigures, region: Region, judged: Mapping[str, Judged]
) -> tuple[Period, ...]:
    """Return the periods of the chart: from each year to the next, then the whole."""
    models = {epoch.year for epoch in region.epochs if epoch.forward is not None}
    return tuple(
        _period(area, pair, judged[pair.key], models) for pair in region.pairs if pair.key in judged
    )


def _period(area: AreaFigures, pair: Pair, judged: Judged, models: set[int]) -> Period:
    grade = grade_of(area, pair, judged)
    span = pair[1] - pair[0]
    low, middle, high = (
        None if value is None or grade not in SUPPORTED else value / span
        for value in (area.m2(f"adjusted{end}_m2_{pair.key}") for end in ("_low", "", "_high"))
    )
    confirmed = area.m2(f"confirmed_m2_{pair.key}") if grade in SUPPORTED else None
    return Period(pair, grade, low, middle, high, confirmed, pair[1] in models)


def grade_of(area: AreaFigures, pair: Pair, judged: Judged) -> str:
    """Return reference, consistent, inconclusive or incomparable.

    What the region's maps cannot support they support nowhere, only a sample does; what they
    support may fail in an area.
    """
    whole = pair_grade(judged).grade
    own = area.grades.get(pair.key)
    return own if own == REFERENCE or (own and whole in SUPPORTED) else whole


def chosen_period(periods: Sequence[Period]) -> Period | None:
    """Return the longest period that has a figure, the later of two; else the longest of all."""
    ranked = sorted(periods, key=lambda p: (p.pair[1] - p.pair[0], p.pair[1]), reverse=True)
    return next((p for p in ranked if p.has_figure), ranked[0] if ranked else None)


def chosen_pair(area: AreaFigures, region: Region, judged: Mapping[str, Judged]) -> Pair | None:
    """Return the years of a place's headline, None where there is one year only."""
    period = chosen_period(periods_of(area, region, judged))
    return period and period.pair


def headline(
    area: AreaFigures,
    region: Region,
    judged: Mapping[str, Judged],
    locale: Locale,
    periods: Sequence[Period],
) -> Headline:
    """Return the headline of a place for the last year."""
    year = region.years[-1]
    share = area.share(year)
    if share is None:
        key = "app.head.no_land" if area.m2("valid_m2") else "app.head.no_data"
        return Headline(Markup(escape(locale.text(key))), "", "", "")
    first = locale.text("app.head.share", share=share_text(share, locale), year=year)
    period = chosen_period(periods)
    if period is None:
        return Headline(marked(first), "", "", "")
    second = change_sentence(period, year, locale)
    grade = pair_grade(judged[period.pair.key])
    return Headline(
        marked(f"{first} {second}"),
        period.grade,
        locale.text(f"app.grade.{period.grade}"),
        grade_note(period.grade, grade, locale),
        tuple(reason.brief(locale) for reason in grade.reasons)
        if grade.grade == period.grade
        else (),
    )


def change_sentence(period: Period, year: int, locale: Locale) -> str:
    """Return the second sentence; ``year`` is the one of the share."""
    verdict, (first, last) = period.verdict, period.pair
    if verdict in ("inconclusive", "incomparable"):
        return locale.text(f"app.head.{verdict}", first=first)
    low, high = period.low or 0.0, period.high or 0.0
    low_text, high_text = interval_ends(low, high, locale, is_loss=verdict == "shrank")
    since = "since" if last == year else "between"
    values = {
        "low": low_text,
        "high": high_text,
        "since": locale.text(f"app.head.{since}", first=first, last=last),
        "places": hectares_text(period.confirmed_m2 or 0.0, locale),
    }
    is_measured = period.grade == "reference"
    case = verdict
    if verdict == "unclear" and is_measured:
        case = "unclear.measured"
    elif verdict != "shrank" and period.confirmed_m2 and not is_measured:
        case = f"{verdict}.places"
    return locale.text(f"app.head.{case}", **values)


@dataclass(frozen=True, slots=True)
class TargetView:
    """What a target requires of a place: its pace, square metres a year, and how far it is kept."""

    pace: float
    year: int
    question: str
    answer: str


def target_view(
    periods: Sequence[Period], target: Target | None, last_year: int, locale: Locale
) -> TargetView | None:
    """Return the target of a place; None where its base period shows no growth to reduce.

    The pace since the base period answers: kept where its whole interval lies at or below the
    target's, missed where it lies above. The budget is the pace times the years up to the target.
    """
    if target is None:
        return None
    base = next((p for p in periods if p.pair == target.base and p.has_figure), None)
    if base is None or base.middle is None or base.middle <= 0:
        return None
    pace = base.middle * (1 - target.reduction / 100)
    values = {"reduction": f"{target.reduction:g}", "year": target.year}
    key = "none" if target.reduction == 100 else "less"
    since = next(
        (p for p in periods if p.pair == (target.base[1], last_year) and p.has_figure), None
    )
    return TargetView(
        pace,
        target.year,
        locale.text(f"app.target.question.{key}", **values),
        _target_answer(pace, target, since, locale),
    )


def _target_answer(pace: float, target: Target, since: Period | None, locale: Locale) -> str:
    text = locale.text
    if since is None or since.low is None or since.high is None:
        return text("app.target.unknown", first=target.base[1])
    word = "yes" if since.high <= pace else "no" if since.low > pace else "unclear"
    answer = text(f"app.target.{word}")
    budget = pace * (target.year - target.base[1])
    if budget <= 0:
        return answer
    span = since.pair[1] - since.pair[0]
    used = [max(0.0, 100 * end * span / budget) for end in (since.low, since.high)]
    low, high = (number(part, 0, locale.language) for part in used)
    words = text(
        "app.target.budget",
        low=low,
        high=high,
        budget=hectares_text(budget, locale),
        year=target.year,
        last=since.pair[1],
    )
    return f"{answer} {words}"


def grade_note(grade: str, found: PairGrade, locale: Locale) -> str:
    """Return what stands beside the badge: the tests that support a figure, or why none is."""
    if grade == "inconclusive" and found.failed:
        key = "one" if found.failed == 1 else "some"
        return locale.text(f"app.grade.failed.{key}", failed=found.failed, tests=found.tests)
    if grade == "inconclusive" and found.reasons:
        return "; ".join(reason.brief(locale) for reason in found.reasons[:2])
    if grade == "inconclusive" and found.grade != grade:
        return locale.text("app.brief.local")
    if grade == "consistent" and found.tests:
        return locale.text("app.grade.passed", tests=found.tests)
    return locale.text(f"app.grade.{grade}.note")


def interval_ends(low: float, high: float, locale: Locale, *, is_loss: bool) -> tuple[str, str]:
    """Write both ends in hectares; signs only where the ends lie on either side of 0.

    A loss is stated by its size, the smaller end first.
    """
    if is_loss:
        return hectares_text(-high, locale), hectares_text(-low, locale)
    signed = low <= 0 <= high
    return hectares_text(low, locale, signed=signed), hectares_text(high, locale, signed=signed)


def signed_interval(period: Period, locale: Locale) -> str:
    """Write the interval of a bar, a sign on both ends; "" where there is none."""
    if not period.has_figure:
        return ""
    low, high = (
        hectares_text(end or 0.0, locale, signed=True) for end in (period.low, period.high)
    )
    return locale.text("app.interval", low=low, high=high)


def hectares_text(m2: float, locale: Locale, *, signed: bool = False) -> str:
    """Write square metres as hectares: one decimal below 100, two below 0.1, never a false 0.

    >>> from hexseal.pages.locales import Locale
    >>> en = Locale("en", {})
    >>> hectares_text(234_500.0, en), hectares_text(-410.0, en), hectares_text(1_234_500.0, en)
    ('23.5', '−0.04', '123')
    """
    value = m2 / M2_PER_HECTARE
    digits = 0 if abs(value) >= 99.95 else 1 if abs(value) >= 0.1 else 2
    while value and digits < MOST_DIGITS and not round(abs(value) * 10**digits + 1e-9):
        digits += 1
    return number(value, digits, locale.language, signed=signed)


def share_text(percent: float, locale: Locale) -> str:
    """Write a share with one decimal, two below 0.1."""
    return number(percent, 1 if percent >= 0.1 or not percent else 2, locale.language)


def marked(words: str) -> Markup:
    """Return text whose parts between asterisks are strong.

    >>> marked("a *b* <c>")
    Markup('a <strong>b</strong> &lt;c&gt;')
    """
    parts = words.split("*")
    return Markup("").join(
        Markup("<strong>{}</strong>").format(part) if place % 2 else escape(part)
        for place, part in enumerate(parts)
    )


def grade_number(grade: str | None) -> float | None:
    """Return the place of a grade among GRADES, None where none is known."""
    return float(GRADES.index(grade)) if grade in GRADES else None
