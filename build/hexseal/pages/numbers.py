"""Numbers as text in the reader's language, rounded as the page's own script rounds them."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

MINUS = "\N{MINUS SIGN}"
M2_PER_HECTARE = 10_000.0


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
            return f"{number(size / factor, 1, language)}\N{NO-BREAK SPACE}{prefix}{letter}"
    return f"{size}\N{NO-BREAK SPACE}{letter}"
