"""CITATION.cff and CHANGELOG.md of the datasets: no day in them but those that a region names."""

import json
from collections.abc import Iterator

from hexseal.metadata.description import KEYWORDS, Description


def citation_cff(description: Description) -> str:
    """Return how to cite the datasets, in the Citation File Format 1.2.0.

    Texts are JSON strings, which are YAML too.
    """
    return "".join(f"{line}\n" for line in _lines(description))


def _lines(description: Description) -> Iterator[str]:
    dataset = description.region.dataset
    author = dataset.publisher or "hexseal"
    yield "cff-version: 1.2.0"
    yield f"message: {_text('If you use these data, please cite them and their sources.')}"
    yield "type: dataset"
    yield f"title: {_text(description.title('en'))}"
    yield f"abstract: {_text(description.summary('en') + ' ' + description.attribution)}"
    yield "authors:"
    yield f"  - name: {_text(author)}"
    yield f"version: {_text(dataset.version)}"
    if dataset.changes:
        yield f"date-released: {dataset.changes[-1].day.isoformat()}"
    if dataset.address:
        yield f"url: {_text(dataset.address)}"
    if description.licence is not None:
        known = description.licence.spdx
        yield f"license: {known}" if known else f"license-url: {_text(description.licence.address)}"
    yield "keywords:"
    yield from (f"  - {_text(word)}" for word in KEYWORDS)
    editions = [
        (year, doi)
        for year, doi in description.region.product.dois.items()
        if year in description.region.years
    ]
    if editions and not description.region.simulated:
        yield "references:"
        for year, doi in editions:
            yield "  - type: dataset"
            yield f"    title: {_text(f'{description.region.product.title} {year}')}"
            yield "    authors:"
            yield f"      - name: {_text(description.region.product.attribution)}"
            yield f"    doi: {_text(doi)}"


def changelog(description: Description) -> str:
    """Return what each version brought, the newest first."""
    dataset = description.region.dataset
    lines = [f"# {description.title('en')}: changes of the data", ""]
    for change in reversed(dataset.changes):
        lines += [f"## {change.version} ({change.day.isoformat()})", "", change.text, ""]
    if not dataset.changes:
        lines += [f"## {dataset.version}", "", "First version.", ""]
    sources = "; ".join(f"{year}: {source}" for year, source in description.sources.items())
    lines += [f"Made with hexseal {description.software} from {sources}.", ""]
    return "\n".join(lines)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
