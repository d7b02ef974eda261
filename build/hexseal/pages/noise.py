"""What the page's script needs to give an area of its own an interval: noise by size of unit.

Hexagons carry neither edge pixels nor what filters removed. Of an area that the reader draws they
are reckoned from its sealed, gained, lost and confirmed pixels by the region's own ratios.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from hexseal.errors import InputError
from hexseal.pages.figures import AreaFigures
from hexseal.region.load import Region
from hexseal.statistics.judge import MOST_DOUBTFUL
from hexseal.types import Pair


@dataclass(frozen=True, slots=True)
class SizeNoise:
    """Noise of units of about ``pixels`` counted pixels: see statistics/adjusted.py."""

    pixels: float
    rate: float
    shape: float
    design: float


@dataclass(frozen=True, slots=True)
class PairNoise:
    """What an interval of one pair needs; counts are pixels.

    ``gain_kept`` and ``loss_kept`` are the parts of raw change that filters leave,
    ``edges_before`` and ``edges_after`` edge pixels per sealed pixel of either year,
    ``confirmed_whole`` pixels of confirmed patches per confirmed pixel, ``field_gain`` and
    ``field_loss`` the part of kept gain and loss in whole fields, all of the whole region.
    ``confirmed_design`` is the variance that each pixel of a confirmed patch brings, ``excess`` the
    region's unexplained net, ``edges`` its edge pixels. ``is_inconclusive``: there is none.
    ``most_doubtful`` is the part of an area that may lie where a local test fails.
    """

    slope: float
    slope_sd: float
    bias_sd: float
    levels: tuple[SizeNoise, ...]
    gain_kept: float
    loss_kept: float
    edges_before: float
    edges_after: float
    confirmed_whole: float
    confirmed_design: float
    field_gain: float
    field_loss: float
    excess: float
    edges: float
    sealed_before: float
    is_inconclusive: bool
    most_doubtful: float = MOST_DOUBTFUL


def read_noise(path: Path, region: Region, whole: AreaFigures) -> dict[str, PairNoise]:
    """Read judgement.json by name of the pair; raises InputError when it is not whole."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))["pairs"]
        return {pair.key: _noise(facts[pair.key], pair, whole) for pair in region.pairs}
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise InputError(
            f"{path}: is missing or broken ({err!r}); build the region again (--fresh)"
        ) from err


def noise_settings(noise: Mapping[str, PairNoise]) -> dict[str, object]:
    """Return the noise of every pair as the page's settings hold it."""
    return {pair: asdict(found) for pair, found in noise.items()}


def _noise(facts: dict, pair: Pair, whole: AreaFigures) -> PairNoise:
    report, transfer, total = facts["report"], facts["transfer"], facts["whole"]
    before, after = (_sealed_pixels(whole, year) for year in pair)
    return PairNoise(
        slope=transfer["slope"],
        slope_sd=transfer["slope_sd"],
        bias_sd=transfer["bias_sd"],
        levels=tuple(
            SizeNoise(level["pixels"], level["rate"], level["shape"], level["design"])
            for level in facts["levels"].values()
            if level["pixels"] > 0
        ),
        gain_kept=_ratio(total["gain"], report["raw_gain"]),
        loss_kept=_ratio(total["loss"], report["raw_loss"]),
        edges_before=_ratio(total["edges_before"], before),
        edges_after=_ratio(total["edges_after"], after),
        confirmed_whole=_ratio(total["confirmed"], report["confirmed"]),
        confirmed_design=report["confirmed_design"],
        field_gain=_ratio(total["field_gain"], total["gain"]),
        field_loss=_ratio(total["field_loss"], total["loss"]),
        excess=_excess(total) - transfer["bias"],
        edges=total["edges_before"] + total["edges_after"],
        sealed_before=before,
        is_inconclusive=report["grade"] == "inconclusive",
    )


def _excess(total: Mapping[str, float]) -> float:
    """Return the region's net of what is neither confirmed nor a whole field."""
    gain = total["gain"] - total["confirmed"] - total["field_gain"]
    return gain - (total["loss"] - total["field_loss"])


def _sealed_pixels(whole: AreaFigures, year: int) -> float:
    sealed, valid, pixels = (
        whole.m2(column) or 0.0 for column in (f"sealed_m2_{year}", "valid_m2", "valid_pixels")
    )
    return sealed * pixels / valid if valid else 0.0


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
