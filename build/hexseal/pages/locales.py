"""The texts of the pages: one JSON file of keys per language in site_template/locales."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hexseal.errors import ToolError

# Keys that begin so are also given to the page's script.
SCRIPT_PREFIX = "app."
# What a site of one year says in place of the key without this ending.
ONE_YEAR = ".one_year"
# What a site of densities says in place of, or beside, the keys without this ending.
DENSITY = ".density"


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


def load_locale(folder: Path, language: str) -> Locale:
    """Read ``folder/LANGUAGE.json``; raises ToolError when it is missing or broken."""
    path = folder / f"{language}.json"
    try:
        texts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise ToolError(
            f"{path}: cannot be read ({err}); take it from hexseal's repository"
        ) from err
    return Locale(language, texts)
