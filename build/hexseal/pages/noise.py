"""What the page's script needs to give an area of its own an interval: noise by size of unit.

Hexagons carry neither edge pixels nor what filters removed. Of an area that the reader draws they
are reckoned from its sealed, gained, lost and confirmed pixels by the region's own ratios.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from hexseal.errors import InputError
from hexseal.pages.figures import AreaFigures, Pair, name
from hexseal.region.load import Region


@dataclass(frozen=True, slots=True)
class SizeNoise:
    """Noise of units of about ``pixels`` counted pixels: see change/adjusted.py."""

    pixels: float
    rate: float
    shape: float
    design: float


@dataclass(frozen=True, slots=True)
class PairNoise:
    """What an interval of one pair needs; counts are pixels.

    ``gain_kept`` and ``loss_kept`` are the parts of raw change that filters leave,
    ``edges_before`` and ``edges_after`` edge pixels per sealed pixel of either year,
    ``confirmed_edges`` those per confirmed pixel, all of the whole region. ``level`` is the
    p-value below which a change is called a signal.
    """

    slope: float
    slope_sd: float
    bias_sd: float
    level: float
    levels: tuple[SizeNoise, ...]
    gain_kept: float
    loss_kept: float
    edges_before: float
    edges_after: float
    confirmed_edges: float
    sealed_before: float


def read_noise(path: Path, region: Region, whole: AreaFigures) -> dict[str, PairNoise]:
    """Read judgement.json by name of the pair; raises InputError when it is not whole."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))["pairs"]
        return {name(pair): _noise(facts[name(pair)], region, pair, whole) for pair in region.pairs}
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise InputError(
            f"{path}: is missing or broken ({err!r}); build the region anew (--fresh)"
        ) from err


def noise_settings(noise: Mapping[str, PairNoise]) -> dict[str, object]:
    """Return the noise of every pair as the page's settings hold it."""
    return {pair: asdict(found) for pair, found in noise.items()}


def _noise(facts: dict, region: Region, pair: Pair, whole: AreaFigures) -> PairNoise:
    report, transfer, total = facts["report"], facts["transfer"], facts["whole"]
    before, after = (_sealed_pixels(whole, year) for year in pair)
    return PairNoise(
        slope=transfer["slope"],
        slope_sd=transfer["slope_sd"],
        bias_sd=transfer["bias_sd"],
        level=region.noise.level,
        levels=tuple(
            SizeNoise(level["pixels"], level["rate"], level["shape"], level["design"])
            for level in facts["levels"].values()
            if level["pixels"] > 0
        ),
        gain_kept=_ratio(total["gain"], report["raw_gain"]),
        loss_kept=_ratio(total["loss"], report["raw_loss"]),
        edges_before=_ratio(total["edges_before"], before),
        edges_after=_ratio(total["edges_after"], after),
        confirmed_edges=_ratio(total["confirmed_edges"], total["confirmed"]),
        sealed_before=before,
    )


def _sealed_pixels(whole: AreaFigures, year: int) -> float:
    sealed, valid, pixels = (
        whole.m2(column) or 0.0 for column in (f"sealed_m2_{year}", "valid_m2", "valid_pixels")
    )
    return sealed * pixels / valid if valid else 0.0


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
