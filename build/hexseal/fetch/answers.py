"""Answers of services: JSON that may hold anything, taken apart without trusting its form."""

from collections.abc import Sequence

Table = dict[str, object]


def as_table(value: object) -> Table:
    """Return a JSON object, an empty one where the value is something else.

    >>> as_table({"a": 1}), as_table([1])
    ({'a': 1}, {})
    """
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> Sequence[object]:
    """Return a JSON array, an empty one where the value is something else."""
    return value if isinstance(value, list) else []


def as_tables(value: object) -> list[Table]:
    """Return the objects of a JSON array."""
    return [item for item in as_list(value) if isinstance(item, dict)]


def as_text(value: object) -> str:
    """Return a text or number as text, an empty one where the value is something else.

    >>> as_text("a"), as_text(5), as_text(None)
    ('a', '5', '')
    """
    if isinstance(value, str):
        return value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else ""


def as_number(value: object) -> float | None:
    """Return a number, None where the value is something else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def as_numbers(value: object, count: int) -> tuple[float, ...] | None:
    """Return an array of so many numbers, None where the value is something else."""
    numbers = [as_number(item) for item in as_list(value)]
    known = [number for number in numbers if number is not None]
    return tuple(known) if len(known) == len(numbers) == count else None
