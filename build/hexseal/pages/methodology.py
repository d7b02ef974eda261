"""The tables of the methodology page: the site's own figures behind its rules."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from markupsafe import Markup

from hexseal.codebook.measures import SIGNALS
from hexseal.pages.judgement import Judged
from hexseal.pages.locales import M2_PER_HECTARE, hectare_digits, number
from hexseal.pages.stories import switched_on
from hexseal.pages.tables import Writer
from hexseal.region.load import Region
from hexseal.tiles.hexagons import signal_codes
from hexseal.types import Pair

# The sections of the page in their order; each is an anchor and a title.
SECTIONS = (
    "pixels", "units", "bias", "clcplus", "filters", "grades", "confirmed", "adjusted", "signal",
    "indicators", "warnings", "limits", "sources",
)  # fmt: skip
CALLED = (SIGNALS.index("gain"), SIGNALS.index("loss"))


@dataclass(frozen=True, slots=True)
class SizeShares:
    """How many hexagons of one resolution hold land, and what part of them changed.

    ``changed`` have any raw difference, ``called`` a gain or loss beyond noise; None without land.
    """

    pair: Pair
    resolution: int
    hexagons: int
    changed: float | None
    called: float | None


def size_shares(hexagons: Path, region: Region) -> tuple[SizeShares, ...]:
    """Read hexagons.parquet; pairs in their order, fine hexagons first."""
    columns = ["resolution", "land_m2"]
    for pair in region.pairs:
        columns += [pair.column(way) for way in ("new_sealed_m2", "unsealed_m2", "signal")]
    table = pq.read_table(hexagons, columns=columns, filters=[("land_m2", ">", 0)])
    resolution = table["resolution"].to_numpy()
    return tuple(
        _shares(table, resolution == size, pair, size)
        for pair in region.pairs
        for size in reversed(region.hexagons.resolutions)
    )


def _shares(table: pa.Table, here: np.ndarray, pair: Pair, size: int) -> SizeShares:
    key = pair.key
    if not here.any():
        return SizeShares(pair, size, 0, None, None)
    flows = [table[f"{way}_m2_{key}"].to_numpy()[here] for way in ("new_sealed", "unsealed")]
    called = np.isin(signal_codes(table[f"signal_{key}"]), CALLED)
    count = int(here.sum())
    changed = int(np.count_nonzero(flows[0] + flows[1] > 0))
    return SizeShares(pair, size, count, changed / count, int(called[here].sum()) / count)


def size_rows(shares: tuple[SizeShares, ...], write: Writer) -> list[tuple[str, ...]]:
    """Write the shares as percentages."""
    language = write.locale.language
    none = write.locale.text("figures.none")

    def percent(share: float | None) -> str:
        return none if share is None else number(100 * share, 1, language)

    return [
        (
            _title(each.pair),
            str(each.resolution),
            number(each.hexagons, 0, language),
            percent(each.changed),
            percent(each.called),
        )
        for each in shares
    ]


def filter_heads(region: Region, write: Writer) -> list[str]:
    """Return the heads of the table of filters: one column per pair."""
    text = write.locale.text
    removed = [text("method.filters.removed", pair=_title(pair)) for pair in region.pairs]
    return [text("method.filters.filter"), text("method.filters.setting"), *removed]


def filter_rows(
    region: Region, judged: Mapping[str, Judged], pixel_m2: float, write: Writer
) -> Iterator[tuple[str, ...]]:
    """Yield each filter, how it is set, and what it removed of each pair in hectares."""
    if not region.pairs:
        return
    for step in judged[region.pairs[0].key].removed:
        removed = [judged[pair.key].removed[step] for pair in region.pairs]
        cells = (_removed(counts, pixel_m2, write) for counts in removed)
        label = write.locale.text(f"method.filter.{step}")
        yield (label, _setting(region, step, write), *cells)


def _setting(region: Region, step: str, write: Writer) -> str:
    text, noise = write.locale.text, region.noise
    if step not in switched_on(region):
        return text("method.filters.off")
    if step == "confidence":
        return text("method.filters.least", value=noise.confidence)
    if step == "edge_tolerance":
        return text("method.filters.pixels", value=noise.edge_tolerance)
    if step == "minimum_patch":
        return text("method.filters.pixels", value=noise.minimum_patch)
    return text("method.filters.on")


def _removed(counts: tuple[int, int], pixel_m2: float, write: Writer) -> str:
    values = [count * pixel_m2 / M2_PER_HECTARE for count in counts]
    digits = hectare_digits(max(values))
    gain, loss = (number(value, digits, write.locale.language) for value in values)
    return write.locale.text("method.filters.both", gain=gain, loss=loss)


def decoy_rows(
    region: Region, judged: Mapping[str, Judged], write: Writer
) -> Iterator[tuple[str, ...]]:
    """Yield patches, decoy ratio and grade of each pair."""
    text, language = write.locale.text, write.locale.language
    for pair in region.pairs:
        found = judged[pair.key]
        is_measured = found.reference is not None
        grade = text(f"app.grade.{'reference' if is_measured else found.grade}")
        yield (
            _title(pair),
            *(number(count, 0, language) for count in found.patches),
            number(found.decoy_ratio, 2, language),
            _warning_link(pair, grade) if found.warnings and not is_measured else grade,
        )


def check_rows(
    region: Region, judged: Mapping[str, Judged], write: Writer
) -> Iterator[tuple[str, ...]]:
    """Yield each check of each pair: its question, statistic, threshold and verdict."""
    text, language = write.locale.text, write.locale.language
    for pair in region.pairs:
        for check in judged[pair.key].checks:
            statistic = text("figures.none")
            if check.statistic is not None:
                statistic = number(check.statistic, 3, language)
            yield (
                _title(pair),
                text(f"method.check.{check.test}.{check.name}"),
                statistic,
                text(f"method.check.{check.side}", value=number(check.threshold, 3, language)),
                text(f"method.verdict.{'stops' if check.stops else check.verdict}"),
            )


def _warning_link(pair: Pair, words: str) -> str:
    link = Markup('<a href="index.html#notes-{}-{}">{}</a>')
    return link.format(*pair, words)


def noise_rows(
    region: Region, judged: Mapping[str, Judged], write: Writer
) -> Iterator[tuple[str, ...]]:
    """Yield the noise of each size of units, by pair."""
    language = write.locale.language
    titles = {layer.layer: layer.title[language] for layer in region.areas}
    titles["region"] = write.locale.text("page.region")
    for size in region.hexagons.resolutions:
        titles[f"r{size}"] = write.locale.text("method.noise.hexagons", resolution=size)
    for pair in region.pairs:
        for level in judged[pair.key].levels:
            rate, design = number(level.rate, 3, language), number(level.design, 2, language)
            yield _title(pair), titles[level.size], rate, design


def _title(pair: Pair) -> str:
    return f"{pair[0]}–{pair[1]}"
