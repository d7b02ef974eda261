"""What the pages of texts hold: titles, the producer's wording, licences and inputs."""

from functools import partial

from hexseal.datasets.provenance import InputFile, licence_of
from hexseal.pages.locales import Locale, file_size
from hexseal.region.load import Region


def plain_values(prefix: str, region: Region, locale: Locale) -> dict[str, object]:
    """Return title and description of a page without settings, from the texts of its prefix."""
    title = region.title[locale.language]
    return {
        "page_title": locale.text(f"{prefix}.page_title", title=title),
        "description": locale.text(f"{prefix}.description", title=title),
        "settings": None,
    }


def about_values(
    region: Region, inputs: tuple[InputFile, ...], locale: Locale
) -> dict[str, object]:
    """Return the producer's wording with the DOIs of its maps, and all inputs with checksums."""
    product = region.product
    dois = {year: product.dois[year] for year in region.mapped_years if year in product.dois}
    links = ", ".join(f"https://doi.org/{doi}" for doi in dois.values())
    wording = product.wording.format(dois=links) if product.wording else product.attribution
    return plain_values("about", region, locale) | {
        "dois": dois,
        "wording": wording.removesuffix("; "),
        "inputs": [(file, _role(file, region, locale)) for file in inputs if file.sha256],
        "licence": licence_of(region),
        "file_size": partial(file_size, language=locale.language),
        "has_forward": region.mapped_years != region.years,
    }


def _role(file: InputFile, region: Region, locale: Locale) -> str:
    titles = {f"areas {layer.layer}": layer.title[locale.language] for layer in region.areas}
    key = f"about.input.{file.role.replace(' ', '_')}"
    return titles.get(file.role) or locale.text(key)
