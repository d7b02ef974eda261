"""Colours of the map: neighbouring classes and the ground differ enough in both themes."""

import re
from itertools import pairwise

import pytest

from hexseal.frontend import TEMPLATE

LEAST = 1.3
OPACITY = 0.92
GROUND = ("grass", "crop", "wood")


def palettes() -> dict[str, dict[str, list[str]]]:
    """Return the lists of colours of each theme by name; a single colour is a list of one."""
    text = (TEMPLATE / "src/map/palette.ts").read_text(encoding="utf-8")
    light, dark = re.split(r"\n  dark: \{", text[text.index("export const PALETTES") :])
    found = {}
    for theme, part in (("light", light), ("dark", dark)):
        ground = part[part.index("ground: {") : part.index("noise:")]
        # What pixels are called comes first, so that the ground keeps its own names.
        named = re.findall(r'(\w+): (\[[^\]]*\]|"#\w{6}")', part + ground)
        found[theme] = {name: re.findall(r"#\w{6}", colors) for name, colors in named}
    return found


def channels(color: str) -> list[int]:
    return [int(color[at : at + 2], 16) for at in (1, 3, 5)]


def over(color: str, ground: str) -> list[float]:
    """Return a fill as it is drawn over a ground."""
    pairs = zip(channels(color), channels(ground), strict=True)
    return [OPACITY * top + (1 - OPACITY) * below for top, below in pairs]


def luminance(rgb: list[float]) -> float:
    """Return the relative luminance of WCAG 2.2."""
    parts = [c / 255 for c in rgb]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: list[float], other: list[float]) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_of_black_and_white() -> None:
    assert contrast([0, 0, 0], [255, 255, 255]) == pytest.approx(21)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("ramp", ["share", "gain", "loss"])
def test_neighbouring_classes_differ(theme: str, ramp: str) -> None:
    colors = palettes()[theme]
    change = colors["change"]
    classes = {"share": colors["share"], "gain": change[3:], "loss": change[2::-1]}[ramp]
    assert len(classes) == (6 if ramp == "share" else 3)
    for ground in GROUND:
        (below,) = colors[ground]
        drawn = [over(color, below) for color in classes]
        for one, other in pairwise(drawn):
            assert contrast(one, other) >= LEAST, (ground, classes)
        for beside in (*GROUND, "water"):
            assert contrast(drawn[0], channels(colors[beside][0])) >= LEAST, (beside, classes[0])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_water_and_sealed_ground_stand_out(theme: str) -> None:
    colors = palettes()[theme]
    for ground in GROUND:
        below = channels(colors[ground][0])
        assert contrast(channels(colors["water"][0]), below) >= LEAST, ground
        assert contrast(channels(colors["sealed"][0]), below) >= LEAST, ground


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pixels_of_a_change_differ_from_each_other_and_the_ground(theme: str) -> None:
    colors = palettes()[theme]
    kinds = {k: channels(colors[k][0]) for k in ("stable", "fresh", "confirmed", "returned")}
    grass = channels(colors["grass"][0])
    for kind, color in kinds.items():
        assert contrast(color, grass) >= LEAST, kind
    for one in ("fresh", "confirmed"):
        assert contrast(kinds[one], kinds["stable"]) >= LEAST, one
    assert contrast(kinds["fresh"], kinds["confirmed"]) >= LEAST
