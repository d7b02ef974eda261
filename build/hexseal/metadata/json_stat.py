"""JSON-stat 2.0 (https://json-stat.org/full): areas by time and measure for statistical tools.

Two datasets: what the maps of each year show, and what changed in each period. Every figure is that
of the table of areas, and its definition that of the codebook.
"""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from hexseal.codebook.column import Column, Per
from hexseal.codebook.tables import BLOCKS
from hexseal.metadata.description import Description

VERSION = "2.0"
STATE_JSON_STAT = "jsonstat_areas.json"
CHANGE_JSON_STAT = "jsonstat_change.json"
# Where a template names its years, a dimension does so here.
WORDS = {
    "en": {"year": "the year", "first": "the first year", "second": "the second year"},
    "fr": {"year": "l’année", "first": "la première année", "second": "la seconde année"},
}
TITLES = {
    "area": {"en": "Area", "fr": "Zone"},
    "year": {"en": "Year of the map", "fr": "Année de la carte"},
    "pair": {"en": "Period", "fr": "Période"},
    "measure": {"en": "Measure", "fr": "Mesure"},
}
NOTES = {
    "en": "Which figure to quote depends on the grade, the status of each value: inconclusive "
    "maps support no change. Sum square metres and divide; never average shares.",
    "fr": "Le chiffre à citer dépend du niveau, donné par le statut de chaque valeur : des cartes "
    "inconclusive n’étayent aucune évolution. Sommer les mètres carrés puis diviser ; ne jamais "
    "moyenner des parts.",
}
# How many decimals a reader sees, by unit.
DECIMALS = {"pixels": 0, "m2": 0, "1": 4, "1/year": 4}
Names = Mapping[str, Mapping[str, object]]


def json_stat(description: Description, areas: pa.Table) -> dict[str, dict[str, object]]:
    """Return the datasets by file name; ``areas`` is the published table.

    A region of one year has no second dataset.
    """
    region = description.region
    years: Names = {str(year): {"year": year} for year in region.years}
    found = {STATE_JSON_STAT: _dataset(description, areas, "year", years)}
    if region.pairs:
        pairs: Names = {
            f"{pair.first}/{pair.second}": {
                "pair": pair.key, "first": pair.first, "second": pair.second, "span": pair.span,
            }
            for pair in region.pairs
        }  # fmt: skip
        found[CHANGE_JSON_STAT] = _dataset(description, areas, "pair", pairs)
    return found


def _dataset(
    description: Description, areas: pa.Table, per: Per, times: Names
) -> dict[str, object]:
    language = description.languages[0]
    measures = {_key(column): column for column in _measures(per)}
    codes = [f"{row['layer']}:{row['id']}" for row in areas.select(["layer", "id"]).to_pylist()]
    names = [name or code for name, code in zip(areas["name"].to_pylist(), codes, strict=True)]
    columns = {
        (time, key): areas[column.name.format(**words)].to_pylist()
        for time, words in times.items()
        for key, column in measures.items()
    }
    document: dict[str, object] = {
        "version": VERSION,
        "class": "dataset",
        "label": description.title(language),
        "source": description.attribution,
        "note": [description.summary(language), NOTES[language]],
        "id": ["area", per, "measure"],
        "size": [len(codes), len(times), len(measures)],
        "role": {"geo": ["area"], "time": [per], "metric": ["measure"]},
        "dimension": {
            "area": _dimension("area", language, codes, names),
            per: _dimension(per, language, list(times), list(times)),
            "measure": _of_measures(measures, language),
        },
        "value": [
            columns[time, key][place]
            for place in range(len(codes))
            for time in times
            for key in measures
        ],
    }
    if per == "pair":
        grades = {
            time: areas[f"grade_{words['pair']}"].to_pylist() for time, words in times.items()
        }
        document["status"] = [
            grades[time][place] for place in range(len(codes)) for time in times for _ in measures
        ]
    changes = description.region.dataset.changes
    if changes:
        document["updated"] = changes[-1].day.isoformat()
    return document


def _measures(per: Per) -> list[Column]:
    """Return the templates of numbers that areas have for each year or pair."""
    return [
        column
        for kind, block in BLOCKS["areas"]
        for column in block
        if kind == per and column.type in ("DOUBLE", "BIGINT")
    ]


def _key(column: Column) -> str:
    """Return the name of a measure: that of its columns without their years."""
    return column.name.removesuffix("_{year}").removesuffix("_{pair}")


def _dimension(
    name: str, language: str, codes: Sequence[str], labels: Sequence[str]
) -> dict[str, object]:
    return {
        "label": TITLES[name][language],
        "category": {"index": list(codes), "label": dict(zip(codes, labels, strict=True))},
    }


def _of_measures(measures: Mapping[str, Column], language: str) -> dict[str, object]:
    labels = [
        column.text[language].format(**WORDS[language], span="", pair="")
        for column in measures.values()
    ]
    return {
        "label": TITLES["measure"][language],
        "category": {
            "index": list(measures),
            "label": dict(zip(measures, labels, strict=True)),
            "unit": {
                key: {"label": column.unit or "1", "decimals": DECIMALS.get(column.unit, 2)}
                for key, column in measures.items()
            },
        },
    }
