"""Where the sheets of areas lie: file names that are safe anywhere, one for each area."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping

from hexseal.pages.figures import AreaFigures
from hexseal.vector.areas import safe_slug

Key = tuple[str, str]
FOLDER = "areas"


def sheet_paths(areas: Iterable[AreaFigures]) -> dict[Key, str]:
    """Return the path of each area's sheet, relative to the folder of its language.

    Ids whose names would differ by case only get a digest of the id, all of them: many disks
    take such names for one.
    """
    slugs = {(area.layer, area.id): safe_slug(area.id) for area in areas}
    taken = Counter((layer, slug.casefold()) for (layer, _), slug in slugs.items())
    return {
        key: f"{FOLDER}/{safe_slug(key[0])}/{_unique(slug, key, taken)}.html"
        for key, slug in slugs.items()
    }


def _unique(slug: str, key: Key, taken: Mapping[Key, int]) -> str:
    if taken[key[0], slug.casefold()] == 1:
        return slug
    return f"{slug}-{hashlib.sha256(key[1].encode()).hexdigest()[:8]}"
