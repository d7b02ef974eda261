"""Whether sites may be joined: the same settings, one pixel grid, no pixel counted twice."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from pathlib import Path

from hexseal.errors import InputError
from hexseal.exchange.record import FOLDER, BuildRecord, CountedWindow
from hexseal.products import PRODUCTS, LandcoverClass, Product
from hexseal.raster.grid import ALIGNED, Grid
from hexseal.region.dataset import Dataset, Licence
from hexseal.region.load import (
    JOINED,
    Accuracy,
    AreaLayer,
    Epoch,
    Forward,
    HexagonRange,
    Noise,
    Region,
    SealedAccuracy,
    Site,
)
from hexseal.storage.workdir import WorkFolder
from hexseal.types import Pair

DEGREES_AROUND = 360.0


@dataclass(frozen=True, slots=True)
class MergedName:
    """Id and titles of the joined region; None and no title: made from those of its parts."""

    id: str | None = None
    title: Mapping[str, str] | None = None


def agree(records: Mapping[Path, BuildRecord], name: MergedName, work: Path) -> Region:
    """Return the region that sites make together; ``work`` is the folder of all working folders.

    Raises InputError when two differ in a setting or share a pixel.
    """
    sites = list(records)
    if len(sites) < 2:
        raise InputError(f"{len(sites)} site given: name at least two sites to join")
    first = records[sites[0]]
    for site in sites[1:]:
        _refuse_other_settings(sites[0], first, site, records[site])
    _refuse_shared_pixels(records)
    return _region(list(records.values()), name, work)


def has_sample(record: BuildRecord) -> bool:
    """Return whether a site's region has a labelled reference sample."""
    return WorkFolder(Path(FOLDER)).reference.name in record.files


def joined_windows(records: Sequence[BuildRecord]) -> tuple[CountedWindow, ...]:
    """Return the windows of all records in their order."""
    return tuple(window for record in records for window in record.windows)


def _refuse_other_settings(
    site: Path, record: BuildRecord, other_site: Path, other: BuildRecord
) -> None:
    for path, mine, its in differences(record.settings, other.settings):
        raise InputError(
            f"{site} and {other_site} were built with different settings: {path} is "
            f"{_shown(mine)} in the first, {_shown(its)} in the second; build both alike"
        )
    mine, its = record.windows[0].grid, other.windows[0].grid
    if not mine.has_pixels_like(its):
        raise InputError(
            f"{site} and {other_site} lie on different grids: {mine} and {its}; "
            "only regions of one pixel grid can be joined"
        )
    if max(abs(step - round(step)) for step in mine.offset_of(its)) >= 10 * ALIGNED:
        raise InputError(
            f"{site} and {other_site} lie on different grids: the pixels of {its} cut across "
            f"those of {mine}; warp the rasters of one with gdalwarp -tap -r near"
        )


def differences(mine: object, its: object, path: str = "") -> Iterator[tuple[str, object, object]]:
    """Yield the dotted name and both values of each setting that differs.

    >>> list(differences({"years": [2018], "noise": {"level": 0.1}},
    ...                  {"years": [2018], "noise": {"level": 0.2}}))
    [('noise.level', 0.1, 0.2)]
    """
    if isinstance(mine, Mapping) and isinstance(its, Mapping):
        for key in [*mine, *(key for key in its if key not in mine)]:
            name = f"{path}.{key}" if path else str(key)
            yield from differences(mine.get(key), its.get(key), name)
    elif mine != its:
        yield path, mine, its


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _refuse_shared_pixels(records: Mapping[Path, BuildRecord]) -> None:
    owned = [(site, window) for site, record in records.items() for window in record.windows]
    for (site, window), (other_site, other) in combinations(owned, 2):
        shared = shared_pixels(window.grid, other.grid)
        if shared:
            raise InputError(
                f"{site} ({window.region}) and {other_site} ({other.region}) share "
                f"{shared[0]} x {shared[1]} pixels, which would count twice; give their regions "
                "a [region] window each that touch without overlapping, and build them again"
            )


def shared_pixels(one: Grid, other: Grid) -> tuple[int, int] | None:
    """Return columns and rows that two windows of one pixel grid share, or None.

    Longitudes a whole turn apart are one place.

    >>> from affine import Affine
    >>> a = Grid("EPSG:3035", Affine(10.0, 0, 0.0, 0, -10.0, 0.0), 8, 8)
    >>> shared_pixels(a, Grid("EPSG:3035", Affine(10.0, 0, 70.0, 0, -10.0, -20.0), 8, 8))
    (1, 6)
    >>> shared_pixels(a, Grid("EPSG:3035", Affine(10.0, 0, 80.0, 0, -10.0, 0.0), 8, 8))
    """
    row, column = map(round, one.offset_of(other))
    turn = round(DEGREES_AROUND / one.transform.a) if one.is_geographic else 0
    down = min(one.height, row + other.height) - max(0, row)
    for shift in {-turn, 0, turn}:
        left = column + shift
        across = min(one.width, left + other.width) - max(0, left)
        if across > 0 and down > 0:
            return across, down
    return None


def _region(records: Sequence[BuildRecord], name: MergedName, work: Path) -> Region:
    """Return the joined region; it has no rasters of its own, so none can be read again."""
    first = records[0]
    settings: dict = dict(first.settings)
    languages = _languages(records)
    key = name.id or "-".join(record.region for record in records)
    forward = WorkFolder(work / key).forward
    return Region(
        path=Path(f"{key}.toml"),
        id=key,
        title={language: _title(records, name, language) for language in languages},
        simulated=any(record.simulated for record in records),
        window=None,
        product=_product(settings["product"]),
        epochs=tuple(_epoch(year, settings, forward) for year in settings["years"]),
        hexagons=HexagonRange(**settings["hexagons"]),
        areas=tuple(_layer(layer, records, languages) for layer in settings["layers"]),
        site=Site(languages=languages, pixels="never"),
        simulation=None,
        noise=Noise(**settings["noise"]),
        dataset=Dataset(
            publisher=_common(records, "publisher"),
            contact=_common(records, "contact"),
            licence=Licence(**settings["licence"]) if settings["licence"] else None,
        ),
        accuracy=Accuracy(
            {int(year): SealedAccuracy(**known) for year, known in settings["accuracy"].items()},
            sample=(JOINED,) if any(has_sample(record) for record in records) else (),
            paired={Pair(*map(int, key.split("_"))): e for key, e in settings["paired"].items()},
        ),
    )


def _languages(records: Sequence[BuildRecord]) -> tuple[str, ...]:
    all_texts: list[dict] = [dict(record.texts) for record in records]
    common = [
        language
        for language in all_texts[0]["languages"]
        if all(language in texts["languages"] for texts in all_texts)
    ]
    if not common:
        raise InputError("the sites have no language in common; build them with one they share")
    return tuple(common)


def _title(records: Sequence[BuildRecord], name: MergedName, language: str) -> str:
    if name.title and (given := name.title.get(language) or name.title.get("")):
        return given
    titles: list[dict] = [dict(record.texts)["title"] for record in records]  # type: ignore[misc]
    return " + ".join(title[language] for title in titles)


def _common(records: Sequence[BuildRecord], key: str) -> str | None:
    """Return the publisher on whom all records agree, else None."""
    all_texts = {dict(record.texts).get(key) for record in records}
    value = all_texts.pop()
    return value if not all_texts and isinstance(value, str) else None


def _product(facts: dict) -> Product:
    known = PRODUCTS.get(facts["name"])
    return Product(
        name=facts["name"],
        title=facts["title"],
        attribution=facts["attribution"],
        sealed=frozenset(facts["sealed"]),
        water=frozenset(facts["water"]),
        valid=frozenset(facts["valid"]),
        nodata=frozenset(),
        classes=tuple(LandcoverClass(*each) for each in facts["classes"]),
        dois=known.dois if known else {},
        wording=known.wording if known else "",
        terms=known.terms if known else "",
        step=facts.get("step", 0),
    )


def _epoch(year: int, settings: dict, folder: Path) -> Epoch:
    made = settings["forward"].get(str(year))
    period = settings["reference_periods"].get(str(year))
    masks = {kind: JOINED if year in years else None for kind, years in settings["masks"].items()}
    return Epoch(
        year=year,
        landcover=JOINED,
        source=settings["sources"][str(year)],
        reference_period=(date.fromisoformat(period[0]), date.fromisoformat(period[1]))
        if period
        else None,
        forward=Forward(
            JOINED,
            made["model"],
            made["calibrate_on"],
            None if made["calibrate_on"] is None else JOINED,
            folder,
        )
        if made
        else None,
        **masks,
    )


def _layer(layer: str, records: Sequence[BuildRecord], languages: tuple[str, ...]) -> AreaLayer:
    titles: dict = dict(records[0].texts)["layers"]  # type: ignore[assignment]
    shown = {language: titles[layer][language] for language in languages}
    return AreaLayer(layer, JOINED, "id", "name", None, shown)
