"""Write the dashboard in every language of the region, and the totals that it prints."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from pathlib import Path

import shapely
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from hexseal import __version__
from hexseal.datasets.provenance import InputFile, provenance_of
from hexseal.frontend import TEMPLATE, Bundle, bundle, hashed_name
from hexseal.manifest import Archive, Datasets, MapLayers, TileSummary, read_manifest
from hexseal.pages.about import about_values, plain_values
from hexseal.pages.addresses import Key, sheet_paths
from hexseal.pages.areamap import (
    COARSE,
    MOST_PICTURES,
    AreaMaps,
    Mosaic,
    open_mosaic,
    region_picture,
)
from hexseal.pages.charts import stock_chart
from hexseal.pages.data import DATA, data_values, main_files
from hexseal.pages.figures import (
    AreaFigures,
    area_parents,
    coarsest_cells,
    finest_changes,
    read_areas,
    read_shapes,
    summed_columns,
)
from hexseal.pages.frame import INDEX, POLICY, page_frame, page_path, sitemap
from hexseal.pages.judgement import Judged, read_judgement
from hexseal.pages.locales import (
    Locale,
    attribution,
    file_size,
    load_locale,
    number,
    product_attribution,
)
from hexseal.pages.locator import Locator
from hexseal.pages.methodology import (
    SECTIONS,
    SizeShares,
    check_rows,
    decoy_rows,
    filter_heads,
    filter_rows,
    noise_rows,
    size_rows,
    size_shares,
)
from hexseal.pages.noise import read_noise
from hexseal.pages.origins import read_area_sources, read_hexagon_sources, write_origin_files
from hexseal.pages.places import PlaceFiles, write_place_files
from hexseal.pages.rank import rank_values
from hexseal.pages.settings import Contents, change_breaks, embed, page_settings
from hexseal.pages.sheets import sheet_locator, write_sheets
from hexseal.pages.stories import doubtful_pairs, pair_stories, place_view
from hexseal.pages.tables import Writer, area_tables, change_rows, indicator_rows, state_rows
from hexseal.pages.years import year_points
from hexseal.progress import Progress, no_progress
from hexseal.region.load import Region
from hexseal.storage.files import write_bytes
from hexseal.storage.workdir import WorkFolder
from hexseal.tiles.archives import Spool
from hexseal.types import Pair
from hexseal.vector.placenames import read_place_names

METHODOLOGY, ABOUT, ACCESSIBILITY = "methodology.html", "about.html", "accessibility.html"
RANK, EMBED = "areas.html", "embed.html"
# Search engines read at most so many addresses from one file.
SITEMAP, SITEMAP_LIMIT = "sitemap.xml", 50_000
# The pages that a site has in each language, by the template of each.
TEMPLATES = {
    INDEX: "index.html.jinja",
    EMBED: "embed.html.jinja",
    RANK: "rank.html.jinja",
    DATA: "data.html.jinja",
    METHODOLOGY: "methodology.html.jinja",
    ABOUT: "about.html.jinja",
    ACCESSIBILITY: "accessibility.html.jinja",
}


@dataclass(frozen=True, slots=True)
class PageSummary:
    """How many pages were written, their bytes, and those of the front end when compressed."""

    pages: int
    bytes: int
    front_end_bytes: int = 0


def write_pages(
    region: Region,
    work: Path,
    site: Path,
    *,
    workers: int | None = None,
    progress: Progress = no_progress,
) -> PageSummary:
    """Write every page, in LANGUAGE/ for other languages than the first, and summary.json.

    Reads the statistics, outlines and manifests in ``work``; raises InputError where one of them
    is missing or broken.
    """
    assets = bundle(site / "assets", progress=progress)
    contents = _contents(region, work, site)
    hexagons, outlines = WorkFolder(work).hexagons, read_shapes(WorkFolder(work).zone_shapes)
    with Spool(work) as drawn:
        maps = _area_maps(contents, outlines, site)
        maps.draw_ground(drawn, workers)
        writer = _SiteWriter(
            site=site,
            contents=contents,
            bundle=assets,
            inputs=provenance_of(region, work).inputs,
            sizes=size_shares(hexagons, region),
            sheets=sheet_paths(contents.listed),
            locator=sheet_locator(contents.listed, outlines),
            maps=replace(maps, drawn=drawn),
            picture=_shared_picture(contents, site),
        )
        written = [writer.write(_locale(region, language)) for language in region.site.languages]
    (site / SITEMAP).unlink(missing_ok=True)
    if region.dataset.address and len(writer.pages) * len(written) <= SITEMAP_LIMIT:
        write_bytes(site / SITEMAP, sitemap(region, writer.pages).encode())
    progress("pages", 1, 1)
    write_bytes(site / "data" / "summary.json", _summary(contents).encode())
    return PageSummary(
        sum(each.pages for each in written),
        sum(each.bytes for each in written),
        assets.gzip_bytes,
    )


def _locale(region: Region, language: str) -> Locale:
    """Return the texts of a region's maps and number of years."""
    locale = load_locale(TEMPLATE / "locales", language)
    return locale.of_maps(density=region.product.is_density).of_years(len(region.years))


def _area_maps(contents: Contents, outlines: Mapping[Key, bytes], site: Path) -> AreaMaps:
    """Return what draws the maps of the sheets; of a site of many areas less sharp and smaller."""
    layers, region = contents.layers, contents.region
    listed = [(area.layer, area.id) for area in contents.listed]
    has_pictures = len(listed) <= MOST_PICTURES

    def mosaic(archive: Archive | None) -> Mosaic | None:
        return open_mosaic(site / archive.pmtiles) if archive else None

    images = layers.images.items() if has_pictures else ()
    return AreaMaps(
        ground=mosaic(layers.ground),
        pixels=mosaic(layers.pixels) if has_pictures else None,
        images={year: open_mosaic(site / each.pmtiles, is_image=True) for year, each in images},
        coarse=1 if has_pictures else COARSE,
        shapes={key: shapely.from_wkb(outlines[key]) for key in listed if key in outlines},
        years=region.years,
        sealed=tuple(sealed for sealed, _ in layers.codes),
    )


def _shared_picture(contents: Contents, site: Path) -> str:
    """Write a picture of the region where the site's address is known; return its address."""
    ground, address = contents.layers.ground, contents.region.dataset.address
    if ground is None or not address:
        return ""
    picture = region_picture(open_mosaic(site / ground.pmtiles), ground.bounds)
    name = hashed_name("share.png", picture)
    write_bytes(site / "assets" / name, picture)
    return f"{address}assets/{name}"


def _contents(region: Region, work: Path, site: Path) -> Contents:
    """Read what all pages show; write the origins of change, which the pages load."""
    hexagons, judgement = WorkFolder(work).hexagons, WorkFolder(work).judgement
    shapes = WorkFolder(work).zone_shapes
    figures = read_areas(WorkFolder(work).areas, region, shapes)
    sources = read_area_sources(WorkFolder(work).transitions("areas")) if region.pairs else {}
    judged = read_judgement(judgement)
    origins, places = "", PlaceFiles("", {})
    if region.pairs:
        cells = coarsest_cells(hexagons, region)
        found = read_hexagon_sources(WorkFolder(work).transitions("hexagons"))
        origins = write_origin_files(site, region, sources, found, cells)
        listed = [(area.layer, area.id) for area in figures[1:]]
        places = write_place_files(site, region, work, judged, listed)
    tiles = read_manifest(work, "tiles", TileSummary)
    names = read_place_names(region.places, tiles.bounds) if region.places else ()
    return Contents(
        region=region,
        areas=figures,
        judged=judged,
        noise=read_noise(judgement, region, figures[0]),
        change_breaks=change_breaks(list(finest_changes(hexagons, region))),
        tiles=tiles,
        layers=read_manifest(work, "layers", MapLayers),
        datasets=read_manifest(work, "datasets", Datasets),
        parents=area_parents(figures[1:], read_shapes(shapes)),
        sources=sources,
        origins=origins,
        places=places,
        names=names,
    )


@dataclass(frozen=True, slots=True)
class _SiteWriter:
    """Write all pages of one language after the other; ``sheets`` are paths by layer and id.

    ``picture`` is the whole address of what is shown beside a link, "" where there is none.
    """

    site: Path
    contents: Contents
    bundle: Bundle
    inputs: tuple[InputFile, ...]
    sizes: tuple[SizeShares, ...]
    sheets: Mapping[Key, str]
    locator: Locator | None
    maps: AreaMaps
    picture: str

    @property
    def pages(self) -> tuple[str, ...]:
        """Return the paths of the pages that search engines should list, sheets included."""
        others = [page for page in TEMPLATES if page not in (EMBED, RANK)]
        rank = [RANK] if len(self.contents.listed) > 1 else []
        return (*others, *rank, *self.sheets.values())

    def write(self, locale: Locale) -> PageSummary:
        region, language = self.contents.region, locale.language
        environment, shared = _environment(), _context(self.contents, self.bundle, locale)
        shared["shared_picture"] = self.picture
        values = self._values(locale)
        written = 0
        for path, own in values.items():
            frame = page_frame(region, path, language, pages=values)
            page = environment.get_template(TEMPLATES[path]).render(shared | frame | own)
            written += write_bytes(self.site / page_path(region, language, path), page.encode())
        written += write_sheets(
            self.site,
            self.contents,
            paths=self.sheets,
            locator=self.locator,
            maps=self.maps,
            locale=locale,
            environment=environment,
            shared=shared,
            pages=values,
        )
        return PageSummary(len(values) + len(self.sheets), written)

    def _values(self, locale: Locale) -> dict[str, dict[str, object]]:
        """Return what each page shows besides what all share, by its path."""
        contents, region = self.contents, self.contents.region
        root = "../" * page_path(region, locale.language).count("/")
        dashboard = _dashboard(contents, self.bundle, locale)
        values = {
            INDEX: dashboard,
            EMBED: dashboard,
            DATA: data_values(contents, self.site, locale),
            METHODOLOGY: _methodology(contents, self.sizes, locale),
            ABOUT: about_values(region, self.inputs, locale),
            ACCESSIBILITY: plain_values("access", region, locale),
        }
        # One area has no rank.
        if len(contents.listed) > 1:
            values[RANK] = rank_values(contents, self.sheets, locale, root)
        return values


@cache
def _environment() -> Environment:
    """Return the templates, which both languages and all sites of a process share."""
    return Environment(
        loader=FileSystemLoader(TEMPLATE / "templates"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _context(contents: Contents, bundle: Bundle, locale: Locale) -> dict[str, object]:
    """Return what all pages of a language need."""
    region, language = contents.region, locale.language
    return {
        "t": locale.text,
        "version": __version__,
        "policy": POLICY,
        "language": language,
        "bundle": bundle,
        "region": region,
        "title": region.title[language],
        "attribution": attribution(region, locale),
        "product_attribution": (
            product_attribution(region.product, locale)
            if region.mapped_years
            else attribution(region, locale)
        ),
        "whole": contents.whole,
        "write": Writer(locale),
        "area_tables": area_tables(contents.areas, region, Writer(locale)),
    }


def _dashboard(contents: Contents, bundle: Bundle, locale: Locale) -> dict[str, object]:
    region, language, whole = contents.region, locale.language, contents.whole
    write = Writer(locale)
    title, years = region.title[language], region.years
    root = "../" * page_path(region, language).count("/")
    return {
        "page_title": locale.text("page.title", title=title, first=years[0], last=years[-1]),
        "description": locale.text(
            "page.description", title=title, years=", ".join(map(str, years))
        ),
        "whole_number": lambda value: number(value, 0, language),
        "map_layers": contents.layers,
        "view": place_view(whole, region, contents.judged, write),
        "stories": pair_stories(
            whole, region, contents.judged, write, contents.sources.get((whole.layer, whole.id))
        ),
        "stock": stock_chart(
            year_points(whole, region, doubtful_pairs(region, contents.judged)), write
        ),
        "state_rows": state_rows(whole, region, write),
        "change_rows": change_rows(whole, region, write),
        "indicator_rows": indicator_rows(whole, region, write),
        "warned": doubtful_pairs(region, contents.judged),
        "shown_pair": contents.shown_pair,
        "downloads": contents.datasets.downloads,
        "main_files": main_files(region, contents.datasets),
        "file_size": partial(file_size, language=language),
        "settings": Markup(embed(page_settings(contents, bundle, locale, root))),
    }


def _methodology(
    contents: Contents, sizes: tuple[SizeShares, ...], locale: Locale
) -> dict[str, object]:
    region, judged, write = contents.region, contents.judged, Writer(locale)
    pixels, valid = contents.whole.m2("valid_pixels"), contents.whole.m2("valid_m2")
    pixel_m2 = valid / pixels if valid and pixels else 0.0
    return {
        **plain_values("method", region, locale),
        "sections": SECTIONS,
        "level": number(100 * region.noise.level, 0, locale.language),
        "sizes": size_rows(sizes, write),
        "filter_heads": filter_heads(region, write),
        "filters": list(filter_rows(region, judged, pixel_m2, write)),
        "decoys": list(decoy_rows(region, judged, write)),
        "checks": list(check_rows(region, judged, write)),
        "noise": list(noise_rows(region, judged, write)),
    }


def _summary(contents: Contents) -> str:
    """Return the totals of the whole region by column, and what the page derives from them."""
    region, whole = contents.region, contents.whole
    summary = {
        "region": region.id,
        "simulated": region.simulated,
        "totals": {column: whole.m2(column) for column in summed_columns(region)},
        "years": {str(year): _state(whole, year) for year in region.years},
        "pairs": {
            pair.key: _change(whole, pair) | _judged(whole, pair, contents.judged[pair.key])
            for pair in region.pairs
        },
    }
    return json.dumps(summary, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _state(whole: AreaFigures, year: int) -> dict[str, float | None]:
    return {"sealed_m2": whole.m2(f"sealed_m2_{year}"), "sealed_percent": whole.share(year)}


def _change(whole: AreaFigures, pair: Pair) -> dict[str, float | None]:
    return {
        "new_sealed_m2": whole.m2(pair.column("new_sealed_m2")),
        "unsealed_m2": whole.m2(pair.column("unsealed_m2")),
        "net_m2": whole.net_m2(pair),
        "net_pp": whole.net_pp(pair),
        "net_pp_per_year": whole.net_pp_per_year(pair),
    }


def _judged(whole: AreaFigures, pair: Pair, judged: Judged) -> dict[str, object]:
    figures = ("confirmed_m2", "adjusted_m2", "adjusted_low_m2", "adjusted_high_m2")
    return {
        **{figure: whole.m2(pair.column(figure)) for figure in figures},
        "grade": whole.grades.get(pair.key),
        "interval": "confidence" if whole.is_reference(pair) else judged.interval,
        "assumption": "sample" if whole.is_reference(pair) else judged.assumption,
        "reference": None if judged.reference is None else asdict(judged.reference),
        "reasons": list(judged.reasons),
        "signal": whole.signal(pair),
        "notes": [asdict(note) for note in judged.notes],
    }
