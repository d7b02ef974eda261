"""Styles for QGIS, kept inside the GeoPackage: QGIS shows its layers with them at once.

Written from scratch after the QML that QGIS 3 saves (renderer-v2 of graduated and categorized
symbols). Colours and breaks are those of the page's light map (palette.ts, pages/classes.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from xml.etree import ElementTree as Xml

# Percent of land, and the colours of the classes: nothing sealed, then up to each break.
SHARE_BREAKS = (1.0, 3.0, 10.0, 25.0, 50.0)
SHARE_COLORS = ("#f2f5ea", "#c8a473", "#bd824c", "#b06139", "#943e36", "#732a4c", "#3b1440")
SIGNAL_COLORS = {"gain": "#cf5f2d", "loss": "#3f8f8c", "within_noise": "#918c99", "no_data": ""}
PATCH_COLORS = {"gain": "#cf5f2d", "loss": "#3f8f8c"}
LINE = "#3c4650"


@dataclass(frozen=True, slots=True)
class Style:
    """A named style of a layer as QML."""

    name: str
    qml: str


def share_style(column: str, name: str) -> Style:
    """Return a graduated style of a column of shares from 0 to 1."""
    root, renderer = _document("graduatedSymbol", column)
    renderer.set("graduatedMethod", "GraduatedColor")
    ranges = Xml.SubElement(renderer, "ranges")
    ends = (0.0, *SHARE_BREAKS, 100.0)
    for place, label in enumerate(["0 %", *_labels(ends)]):
        low, high = (0.0, 0.0) if place == 0 else (ends[place - 1], ends[place])
        Xml.SubElement(
            ranges, "range", symbol=str(place), label=label, render="true",
            lower=f"{low / 100:.15f}", upper=f"{high / 100:.15f}",
        )  # fmt: skip
    _symbols(renderer, SHARE_COLORS)
    Xml.SubElement(renderer, "classificationMethod", id="Custom")
    return Style(name, _text(root))


def category_style(column: str, name: str, colors: dict[str, str]) -> Style:
    """Return a categorized style; a category without a colour stays empty."""
    root, renderer = _document("categorizedSymbol", column)
    categories = Xml.SubElement(renderer, "categories")
    for place, value in enumerate(colors):
        Xml.SubElement(
            categories, "category", symbol=str(place), value=value, label=value, render="true",
            type="string",
        )  # fmt: skip
    _symbols(renderer, list(colors.values()))
    return Style(name, _text(root))


def _labels(ends: Sequence[float]) -> list[str]:
    return [f"{low:g} – {high:g} %" for low, high in pairwise(ends)]


def _document(kind: str, column: str) -> tuple[Xml.Element, Xml.Element]:
    root = Xml.Element("qgis", version="3.34.0", styleCategories="Symbology")
    renderer = Xml.SubElement(
        root, "renderer-v2", type=kind, attr=column, symbollevels="0", enableorderby="0",
        forceraster="0",
    )  # fmt: skip
    return root, renderer


def _symbols(renderer: Xml.Element, colors: Sequence[str]) -> None:
    symbols = Xml.SubElement(renderer, "symbols")
    for place, color in enumerate(colors):
        symbol = Xml.SubElement(
            symbols, "symbol", type="fill", name=str(place), alpha="1", clip_to_extent="1"
        )
        layer = Xml.SubElement(
            symbol, "layer", {"class": "SimpleFill", "enabled": "1", "locked": "0", "pass": "0"}
        )
        options = Xml.SubElement(layer, "Option", type="Map")
        for name, value in (
            ("color", _color(color or "#ffffff", 255)),
            ("style", "solid" if color else "no"),
            ("outline_color", _color(LINE, 60)),
            ("outline_width", "0.1"),
            ("outline_width_unit", "MM"),
            ("outline_style", "solid"),
        ):
            Xml.SubElement(options, "Option", type="QString", name=name, value=value)


def _color(color: str, alpha: int) -> str:
    """Return a colour as QGIS writes it.

    >>> _color("#ff8000", 255)
    '255,128,0,255'
    """
    return ",".join(str(int(color[at : at + 2], 16)) for at in (1, 3, 5)) + f",{alpha}"


def _text(root: Xml.Element) -> str:
    Xml.SubElement(root, "blendMode").text = "0"
    Xml.SubElement(root, "featureBlendMode").text = "0"
    Xml.SubElement(root, "layerGeometryType").text = "2"
    Xml.indent(root, " ")
    body = Xml.tostring(root, encoding="unicode")
    return f"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n{body}\n"
