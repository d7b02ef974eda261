"""A unit's figures in plain words: one sentence and its cards for each basis of change.

The page's script says the same of what its reader selects
(site_template/src/panel/reading.ts): change both together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hexseal.pages.figures import INCONCLUSIVE, NO_SIGNAL, AreaFigures
from hexseal.pages.judgement import Judged
from hexseal.pages.numbers import number
from hexseal.pages.tables import Writer, interval
from hexseal.types import Pair

# The first is what a page shows until its reader chooses.
BASES = ("adjusted", "confirmed", "raw")
# Signals that an interval gives.
CALLED = ("gain", "loss", "within_noise")


@dataclass(frozen=True, slots=True)
class Card:
    """A figure of its own, with the figures that belong beside it."""

    label: str
    value: str
    unit: str
    details: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one basis says of a pair of years."""

    basis: str
    sentence: str
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class Reader:
    """Describe units in one language; ``level`` is the share of false patches that may be left.

    ``region`` is the region's id, for the command that draws a sample.
    """

    write: Writer
    level: float
    years: Sequence[int]
    region: str

    def readings(self, area: AreaFigures, pair: Pair, judged: Judged) -> tuple[Reading, ...]:
        """Return one reading per basis, the adjusted first."""
        further = self._per_inhabitant(area)
        return tuple(
            Reading(
                basis,
                self.sentence(area, pair, judged, basis),
                (*self._change_cards(area, pair, judged, is_raw=basis == "raw"), *further),
            )
            for basis in BASES
        )

    def sentence(self, area: AreaFigures, pair: Pair, judged: Judged, basis: str) -> str:
        """Say what changed, how sure that is, and what the raw maps would say."""
        words = self._text(
            f"app.read.{_case(area, pair, basis, is_doubtful=_is_doubtful(area, pair, judged))}",
            **self._values(area, pair),
            kind=self._text(f"app.kind.{_kind(area, pair, judged)}"),
            reasons=self.reasons(area, pair, judged),
            command=f"hexseal sample plan {self.region}.toml",
        )
        if area.signal(pair) in CALLED and basis == "adjusted":
            assumption = "sample" if area.is_reference(pair) else judged.assumption
            words += " " + self._text(f"app.assume.{assumption}")
        is_open = area.is_reference(pair) or area.signal(pair) in (NO_SIGNAL, INCONCLUSIVE)
        if judged.provisional and not is_open:
            words += " " + self._text("app.read.provisional", last=pair[1])
        return words

    def reasons(self, area: AreaFigures, pair: Pair, judged: Judged) -> str:
        """Say in a few words why the maps support no figure; "" where they do."""
        if not area.is_inconclusive(pair):
            return ""
        briefs = [note.brief(self.write.locale) for note in judged.warnings]
        return ", ".join(briefs) if judged.is_inconclusive else self._text("app.brief.local")

    def brief(self, area: AreaFigures, pair: Pair, judged: Judged) -> str:
        """Say in a few signs what changed: the adjusted net and whether it stands out."""
        if area.signal(pair) == NO_SIGNAL:
            return self._text("figures.none")
        if area.is_inconclusive(pair):
            return self._text("app.signal.inconclusive")
        net = self._hectares(area, "adjusted_m2", pair, signed=True)
        key = "doubtful" if _is_doubtful(area, pair, judged) else area.signal(pair)
        return self._text("app.read.brief", net=net, signal=self._text(f"app.signal.{key}"))

    def _values(self, area: AreaFigures, pair: Pair) -> dict[str, object]:
        net = area.m2(pair.column("adjusted_m2"))
        return {
            "first": pair[0],
            "last": pair[1],
            "net": self.write.hectares(None if net is None else abs(net)).text,
            "signed": self.write.hectares(net, signed=True).text,
            "interval": interval(area, pair, self.write).text,
            "gain": self._hectares(area, "new_sealed_m2", pair),
            "loss": self._hectares(area, "unsealed_m2", pair),
            "confirmed": self._hectares(area, "confirmed_m2", pair),
            "level": number(100 * self.level, 0, self.write.locale.language),
        }

    def _change_cards(
        self, area: AreaFigures, pair: Pair, judged: Judged, *, is_raw: bool
    ) -> tuple[Card, ...]:
        if area.is_inconclusive(pair):
            return self._open_cards(area, pair, judged)
        text, values = self._text, self._values(area, pair)
        unit = text("app.unit.hectares")
        raw_net = self.write.hectares(area.net_m2(pair), signed=True).text
        beside = {key: text(f"app.card.{key}_beside", **values) for key in ("confirmed", "signed")}
        returned = Card(
            text("app.card.returned"), str(values["loss"]), unit, (text("app.card.unconfirmed"),)
        )
        if is_raw:
            gain = Card(text("app.card.new_raw"), str(values["gain"]), unit, (beside["confirmed"],))
            net = Card(text("app.card.net_raw"), raw_net, unit, (beside["signed"],))
            return gain, returned, net
        gain = Card(
            text("app.card.new_confirmed"),
            str(values["confirmed"]),
            unit,
            (text("app.card.raw", value=values["gain"]),),
        )
        if area.m2(pair.column("confirmed_m2")) is None:
            detail = (text("app.card.not_change"),)
            gain = Card(text("app.card.new_raw"), str(values["gain"]), unit, detail)
        ends = text(f"app.card.interval.{_kind(area, pair, judged)}", **values)
        net = Card(
            text("app.card.net_adjusted"),
            str(values["signed"]),
            unit,
            (ends, text("app.card.raw", value=raw_net)),
        )
        return gain, returned, net

    def _open_cards(self, area: AreaFigures, pair: Pair, judged: Judged) -> tuple[Card, ...]:
        """Return the cards of an inconclusive unit: the grade with its reasons, and raw change."""
        text, values = self._text, self._values(area, pair)
        grade = Card(
            text("app.card.grade"),
            text("app.signal.inconclusive"),
            "",
            (self.reasons(area, pair, judged),),
        )
        unit, detail = text("app.unit.hectares"), (text("app.card.not_change"),)
        return (
            grade,
            Card(text("app.card.new_raw"), str(values["gain"]), unit, detail),
            Card(text("app.card.returned"), str(values["loss"]), unit, detail),
        )

    def _per_inhabitant(self, area: AreaFigures) -> tuple[Card, ...]:
        """Return a card of the last year whose inhabitants are known."""
        for year in reversed(self.years):
            value = area.values.get(f"sealed_m2_per_inhabitant_{year}")
            if value is not None:
                label = self._text("app.card.per_inhabitant", year=year)
                written = number(value, 0, self.write.locale.language)
                return (Card(label, written, self._text("app.unit.square_metres"), ()),)
        return ()

    def _hectares(self, area: AreaFigures, column: str, pair: Pair, *, signed: bool = False) -> str:
        return self.write.hectares(area.m2(pair.column(column)), signed=signed).text

    def _text(self, key: str, **values: object) -> str:
        return self.write.locale.text(key, **values)


def _kind(area: AreaFigures, pair: Pair, judged: Judged) -> str:
    """Return which interval a unit has: noise, or confidence where a sample supports it."""
    return "confidence" if area.is_reference(pair) else judged.interval


def _is_doubtful(area: AreaFigures, pair: Pair, judged: Judged) -> bool:
    """Return whether the maps are doubtful and no sample stands in for them."""
    return bool(judged.warnings) and not area.is_reference(pair)


def _case(area: AreaFigures, pair: Pair, basis: str, *, is_doubtful: bool) -> str:
    """Return the last part of the key of the sentence that fits."""
    signal = area.signal(pair)
    if signal == NO_SIGNAL:
        return NO_SIGNAL
    if not area.m2("land_m2"):
        return "no_land"
    if area.is_inconclusive(pair):
        return INCONCLUSIVE
    if basis == "raw":
        return "raw"
    if basis == "confirmed":
        if not area.m2(pair.column("confirmed_m2")):
            return "confirmed.none"
        return "confirmed.doubtful" if is_doubtful else "confirmed.some"
    return "adjusted.doubtful" if is_doubtful else f"adjusted.{signal}"
