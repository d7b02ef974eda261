"""The texts of the pages, one JSON file of keys per language, and how a language writes numbers."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from hexseal.errors import ToolError
from hexseal.products import PRODUCTS, Product
from hexseal.region.load import Region

# Keys that begin so are also given to the page's script.
SCRIPT_PREFIX = "app."
# Texts of a site of one year in place of the key without this ending.
ONE_YEAR = ".one_year"
# Texts of a site of densities in place of, or beside, the keys without this ending.
DENSITY = ".density"
MINUS = "\N{MINUS SIGN}"
NO_BREAK = "\N{NO-BREAK SPACE}"
# A space between a figure and its unit; in French also those that belong to its punctuation.
BEFORE_UNIT = re.compile(r"(?<=[}\d]) (?=(?:ha|km²|m²|%)(?!\w))")
WITHIN_FRENCH = re.compile(r"(?<=\S) (?=[:;?!»])|(?<=«) (?=\S)")
M2_PER_HECTARE = 10_000.0


@dataclass(frozen=True, slots=True)
class Locale:
    """The texts of one language by key; ``{name}`` in a text is filled in."""

    language: str
    texts: Mapping[str, str]

    def text(self, key: str, **values: object) -> str:
        """Return the text of ``key``; raises ToolError for an unknown key or name."""
        try:
            return self.texts[key].format_map(values)
        except KeyError as err:
            raise ToolError(
                f"site_template/locales/{self.language}.json: text {key!r} lacks {err}; add it in "
                "every language"
            ) from err

    def of_maps(self, *, density: bool) -> "Locale":
        """Return the texts of a site of densities, or of classes.

        >>> Locale("en", {"a": "class", "a.density": "density"}).of_maps(density=True).texts
        {'a': 'density'}
        """
        kept = {key: text for key, text in self.texts.items() if not key.endswith(DENSITY)}
        if density:
            kept |= {
                key.removesuffix(DENSITY): text
                for key, text in self.texts.items()
                if key.endswith(DENSITY)
            }
        return Locale(self.language, kept)

    def of_years(self, count: int) -> "Locale":
        """Return the texts of a site of so many years: one year has words of its own.

        >>> Locale("en", {"a": "all years", "a.one_year": "the year"}).of_years(1).texts
        {'a': 'the year'}
        """
        kept = {key: text for key, text in self.texts.items() if not key.endswith(ONE_YEAR)}
        if count == 1:
            kept = {key: self.texts.get(key + ONE_YEAR, text) for key, text in kept.items()}
        return Locale(self.language, kept)

    @property
    def script_texts(self) -> dict[str, str]:
        """Return the texts that the page's script needs, in the order of their keys."""
        return {k: v for k, v in sorted(self.texts.items()) if k.startswith(SCRIPT_PREFIX)}


def attribution(region: Region, locale: Locale) -> str:
    """Return whose data a site shows, in the reader's language where the product is known."""
    if region.simulated:
        return locale.text("page.attribution.simulated", product=region.product.title)
    if not region.mapped_years:
        return locale.text("page.attribution.images")
    return product_attribution(region.product, locale)


def product_attribution(product: Product, locale: Locale) -> str:
    """Return who is to be named for a product; a custom one has its own words."""
    key = f"page.attribution.{product.name}"
    return locale.text(key) if product.name in PRODUCTS else product.attribution


def load_locale(folder: Path, language: str) -> Locale:
    """Read ``folder/LANGUAGE.json``; raises ToolError when it is missing or broken."""
    path = folder / f"{language}.json"
    try:
        texts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise ToolError(
            f"{path}: cannot be read ({err}); take it from hexseal's repository"
        ) from err
    return Locale(language, {key: unbroken(text, language) for key, text in texts.items()})


def unbroken(text: str, language: str) -> str:
    r"""Return a text whose lines never break before a unit, nor before French punctuation.

    >>> unbroken("{low} to {high} ha a year", "en"), unbroken("Part : {share} %", "fr")
    ('{low} to {high}\xa0ha a year', 'Part\xa0: {share}\xa0%')
    """
    bound = BEFORE_UNIT.sub(NO_BREAK, text)
    return WITHIN_FRENCH.sub(NO_BREAK, bound) if language == "fr" else bound


@dataclass(frozen=True, slots=True)
class NumberStyle:
    """How a language writes numbers; ``percent`` is what stands between a number and its sign."""

    group: str
    decimal: str
    percent: str


STYLES = {
    "en": NumberStyle(",", ".", ""),
    "fr": NumberStyle("\N{NARROW NO-BREAK SPACE}", ",", "\N{NARROW NO-BREAK SPACE}"),
}


def number(value: float, digits: int, language: str, *, signed: bool = False) -> str:
    """Write ``value`` with ``digits`` decimals; halves are rounded away from zero.

    ``signed`` puts a plus before what is still above zero after rounding.

    >>> number(1234.5, 0, "en"), number(-0.25, 1, "en", signed=True), number(-0.001, 1, "en")
    ('1,235', '−0.3', '0.0')
    """
    style = STYLES[language]
    rounded = Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    whole, _, fraction = f"{abs(rounded):f}".partition(".")
    groups = f"{int(whole):,}".replace(",", style.group)
    sign = MINUS if rounded < 0 else "+" if signed and rounded > 0 else ""
    return sign + groups + (style.decimal + fraction if fraction else "")


def hectares(m2: float, language: str, *, signed: bool = False) -> str:
    """Write an area in hectares, with more decimals the smaller it is.

    >>> hectares(12_345.0, "en"), hectares(123_456_789.0, "en")
    ('1.23', '12,346')
    """
    value = m2 / M2_PER_HECTARE
    return number(value, hectare_digits(value), language, signed=signed)


def hectare_digits(value: float) -> int:
    """Return how many decimals an area in hectares deserves."""
    return 2 if abs(value) < 10 else 1 if abs(value) < 1000 else 0


def file_size(size: int, language: str) -> str:
    r"""Write a number of bytes in the unit that keeps it short (decimal multiples).

    >>> file_size(999, "en"), file_size(12_340, "en"), file_size(5_600_000, "fr")
    ('999\xa0B', '12.3\xa0kB', '5,6\xa0Mo')
    """
    letter = {"en": "B", "fr": "o"}[language]
    for factor, prefix in ((1_000_000_000, "G"), (1_000_000, "M"), (1000, "k")):
        if size >= factor:
            return f"{number(size / factor, 1, language)}{NO_BREAK}{prefix}{letter}"
    return f"{size}{NO_BREAK}{letter}"
