"""Where training data comes from: simulated regions, rasters, region files, tile folders.

Tile folders of INSEE's course and hackathon are small images and labels side by side:

    images/{NUTS3}/{year}/{xmin}_{ymin}_{polygon}_{i}.tif or .npy    14 bands, reflectance
    labels/{NUTS3}/{year}/{same name}.npy                            0 no data, 1 to 11 classes

A second downloader leaves out the polygon. Labels find their image by name, never by the order
of a listing. ``filename2bbox.parquet`` holds where a tile lies; without it the name does.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow.parquet as pq
import rasterio
from rasterio.errors import RasterioError

from hexseal.errors import InputError
from hexseal.progress import Progress
from hexseal.raster.grid import Grid, Window
from hexseal.raster.landcover import open_landcover
from hexseal.region.load import load_region
from hexseal.region.toml import TableReader
from hexseal.simulation import simulate_imagery, simulate_series, simulate_truth
from hexseal.simulation.spectra import BANDS as SIMULATED_BANDS
from hexseal.types import Bytes, Floats, Int16s
from hexseal_ml.data.scenes import Scene, kept_scene, pack, scene_key
from hexseal_ml.data.split import ROLES
from hexseal_ml.data.taught import GREEN, Student, Taught, taught_scenes
from hexseal_ml.imagery.bands import TILE_LAYOUT as LAYOUT
from hexseal_ml.imagery.bands import band_of, channels_of, days_of
from hexseal_ml.imagery.series import open_dates
from hexseal_ml.model.classes import CODES

NAME = re.compile(r"(-?\d+)_(-?\d+)(?:_\d+)?_\d+")
PIXEL_M = 10.0
NO_LABEL = 0


def tile_scenes(
    folder: Path, years: Sequence[int], bands: Sequence[str], cache: Path
) -> list[Scene]:
    """Return a scene for each labelled tile of a folder, of ``years`` only when some are given."""
    labels = sorted((folder / "labels").rglob("*.npy"))
    if not labels:
        raise InputError(f"{folder}: no labels/**/*.npy; give the folder that holds images, labels")
    places = _places(folder)
    scenes = []
    for label in labels:
        relative = label.relative_to(folder / "labels")
        year = next((int(part) for part in relative.parts if re.fullmatch(r"\d{4}", part)), None)
        if years and year not in years:
            continue
        image = _image_of(folder, relative)
        left, bottom = _place(image, places)
        shape = _label(label).shape
        facts: dict[str, object] = {
            "name": str(relative.with_suffix("")), "group": "EPSG:3035",
            "origin": [left, bottom + shape[0] * PIXEL_M], "pixel_m": PIXEL_M, "bands": list(bands),
        }  # fmt: skip
        files = [str(image), str(label)]
        key = scene_key("tile", *files, tuple(bands), files=files)
        scenes.append(kept_scene(cache, key, facts, lambda i=image, b=label: _read(i, b, bands)))
    if not scenes:
        raise InputError(f"{folder}: no tile of {', '.join(map(str, years))}; name other years")
    return scenes


def _image_of(folder: Path, relative: Path) -> Path:
    for suffix in (".tif", ".tiff", ".npy"):
        image = (folder / "images" / relative).with_suffix(suffix)
        if image.is_file():
            return image
    raise InputError(
        f"{folder / 'labels' / relative}: no image of this name in {folder / 'images'}; "
        "labels and images must be named alike"
    )


def _places(folder: Path) -> dict[str, tuple[float, float]]:
    """Return the lower left corner of each tile that a sidecar names."""
    found: dict[str, tuple[float, float]] = {}
    for sidecar in sorted(folder.rglob("filename2bbox.parquet")):
        table = pq.read_table(sidecar).to_pydict()
        if not {"filename", "bbox"} <= table.keys():
            raise InputError(f"{sidecar}: needs columns filename and bbox")
        for name, box in zip(table["filename"], table["bbox"], strict=True):
            found[Path(str(name)).stem] = (float(box[0]), float(box[1]))
    return found


def _place(image: Path, places: dict[str, tuple[float, float]]) -> tuple[float, float]:
    if image.stem in places:
        return places[image.stem]
    found = NAME.fullmatch(image.stem)
    if found is None:
        raise InputError(
            f"{image}: neither filename2bbox.parquet nor its name holds where it lies; "
            "expected xmin_ymin_i or xmin_ymin_polygon_i"
        )
    return float(found.group(1)), float(found.group(2))


def _read(image: Path, label: Path, bands: Sequence[str]) -> tuple[Int16s, Bytes]:
    codes = _label(label)
    values = _values(image)
    if values.shape[1:] != codes.shape:
        raise InputError(f"{label}: {codes.shape} pixels, its image {values.shape[1:]}")
    missing = [band for band in bands if band not in LAYOUT]
    if missing:
        raise InputError(f"{image}: tiles have no band {', '.join(missing)}")
    return pack(values[[LAYOUT.index(band) for band in bands]]), codes


def _values(image: Path) -> Floats:
    """Return all bands of a tile (14, rows, cols) whichever way it is stored."""
    try:
        if image.suffix == ".npy":
            values = np.load(image, allow_pickle=False)
            values = values if values.shape[0] == len(LAYOUT) else np.moveaxis(values, -1, 0)
        else:
            with rasterio.open(image) as file:
                values = file.read()
    except (OSError, ValueError, RasterioError) as err:
        raise InputError(f"{image}: cannot be read ({err})") from err
    if values.ndim != 3 or values.shape[0] != len(LAYOUT):
        raise InputError(f"{image}: {values.shape} is not {len(LAYOUT)} bands of rows and columns")
    # A pixel that is 0 in every band was outside the scene.
    values = values.astype(np.float32)
    values[:, (values == 0).all(axis=0)] = np.nan
    return cast(Floats, values)


def _label(label: Path) -> Bytes:
    try:
        codes = np.load(label, allow_pickle=False)
    except (OSError, ValueError) as err:
        raise InputError(f"{label}: cannot be read ({err})") from err
    if codes.ndim != 2 or not np.isin(codes, (NO_LABEL, *CODES)).all():
        raise InputError(f"{label}: is not a map of classes 0 to 11")
    return codes.astype(np.uint8)


KINDS = ("simulation", "raster", "region", "tiles", "taught")
# What draws simulated pictures.
SIMULATION = ("hexseal.simulation",)
# Between the images of a series, in a source's path.
DATES = ";"
# Rows read at once when a raster is copied into the cache.
STRIP = 512


@dataclass(frozen=True, slots=True)
class Source:
    """One [[data]] table; ``role`` None means that blocks decide (see split.py)."""

    kind: str
    role: int | None = None
    seeds: tuple[int, ...] = ()
    size_km: tuple[float, float] = (12.0, 12.0)
    years: tuple[int, ...] = ()
    path: str = ""
    label: str = ""
    imagery: tuple[tuple[int, str], ...] = field(default=())
    taught: Taught | None = None


def read_source(table: TableReader, home: Path) -> Source:
    """Read one [[data]] table; paths are relative to ``home``, the folder of the file."""
    kind = table.text("kind")
    if kind not in KINDS:
        raise InputError(f"{table.name('kind')} = {kind!r} is not one of {', '.join(KINDS)}")
    role = table.text("role", "blocks")
    if role not in (*ROLES, "blocks"):
        raise InputError(
            f"{table.name('role')} = {role!r} is not one of {', '.join(ROLES)}, blocks"
        )
    if kind == "taught":
        source = Source(kind, ROLES.get(role), taught=_taught(table, home, role))
        table.done()
        return source
    size = table.numbers("size_km", 2) or (12.0, 12.0)
    years = tuple(int(year) for year in table.take("years", list, []))
    source = Source(
        kind,
        ROLES.get(role),
        read_seeds(table) if kind == "simulation" else (),
        (size[0], size[1]),
        years,
        *_paths(table, kind, home),
    )
    table.done()
    return source


def _taught(table: TableReader, home: Path, role: str) -> Taught:
    level = table.text("level", "L1C")
    if level not in ("L1C", "L2A"):
        raise InputError(f"{table.name('level')} = {level!r} is not L1C or L2A")
    lists = {key: table.take(key, list, []) for key in ("natural", "names")}
    green = table.numbers("green", 2) or GREEN
    if not -1 <= green[0] <= green[1] <= 1:
        raise InputError(f"{table.name('green')} = {list(green)}: give two rising limits of NDVI")
    return Taught(
        folder=(home / table.text("folder")).resolve(),
        teacher=table.text("teacher"),
        images=tuple((str(k), str(v)) for k, v in table.take("images", dict, {}).items()),
        names=tuple(map(str, lists["names"])),
        natural=tuple(map(str, lists["natural"])),
        level=level,
        pixel_m=table.number("pixel_m", PIXEL_M),
        folds=role == "blocks",
        green=(green[0], green[1]),
    )


def read_seeds(table: TableReader) -> tuple[int, ...]:
    """Take ``seeds``: a list of whole numbers or a text like "1001-1024"."""
    value = table.take("seeds", object)
    if isinstance(value, str):
        seeds = seeds_of(value)
        if seeds is not None:
            return seeds
    elif isinstance(value, list) and value and all(type(seed) is int for seed in value):
        return tuple(value)
    raise InputError(f'{table.name("seeds")} = {value!r} is neither a list nor like "1001-1024"')


def seeds_of(text: str) -> tuple[int, ...] | None:
    """Return the numbers of a span; None where the text is none.

    >>> seeds_of("1065-1067"), seeds_of("many")
    ((1065, 1066, 1067), None)
    """
    first, dash, last = text.partition("-")
    if dash and first.strip().isdigit() and last.strip().isdigit():
        return tuple(range(int(first), int(last) + 1))
    return None


def _paths(
    table: TableReader, kind: str, home: Path
) -> tuple[str, str, tuple[tuple[int, str], ...]]:
    def place(text: str) -> str:
        return text if "://" in text else str(home / text)

    if kind == "raster":
        is_series = isinstance(table.table.get("image"), list)
        dates = map(str, table.take("image", list)) if is_series else [table.text("image")]
        return DATES.join(map(place, dates)), place(table.text("label")), ()
    if kind == "region":
        images = table.take("imagery", dict)
        pairs = tuple((int(year), place(str(path))) for year, path in images.items())
        return place(table.text("file")), "", pairs
    return (place(table.text("folder")) if kind == "tiles" else ""), "", ()


def open_scenes(
    sources: Sequence[Source],
    bands: Sequence[str],
    cache: Path,
    progress: Progress,
    student: tuple[Student, str] | None = None,
) -> list[tuple[Scene, int | None]]:
    """Return every scene with the role of its source, filling the cache where it is empty.

    ``student`` is the model that training starts from, and its checksum: real images that a
    teacher labels need it for all classes but Sealed.
    """
    wanted = list(chain.from_iterable(_makers(source) for source in sources))
    scenes: list[tuple[Scene, int | None]] = []
    for number, (source, year, seed) in enumerate(wanted, 1):
        if source.taught is not None:
            if student is None:
                raise InputError("[[data]] kind = 'taught' needs a model in [model] start")
            scenes.extend(taught_scenes(source.taught, bands, cache, *student))
        else:
            found = _scenes(source, year, seed, bands, cache)
            scenes.extend((scene, source.role) for scene in found)
        progress("data", number, len(wanted))
    if not scenes:
        raise InputError("no scene in [[data]]; name a simulation, raster, region or tile folder")
    return scenes


def _makers(source: Source) -> Iterator[tuple[Source, int, int]]:
    if source.kind == "simulation":
        yield from ((source, 0, seed) for seed in source.seeds)
    elif source.kind == "region":
        yield from ((source, year, 0) for year, _ in source.imagery)
    else:
        yield source, 0, 0


def _scenes(source: Source, year: int, seed: int, bands: Sequence[str], cache: Path) -> list[Scene]:
    if source.kind == "simulation":
        return _simulated(source, seed, bands, cache)
    if source.kind == "tiles":
        return tile_scenes(Path(source.path), source.years, bands, cache)
    if source.kind == "region":
        region = load_region(Path(source.path))
        labels = {epoch.year: epoch.landcover for epoch in region.epochs}
        if year not in labels:
            raise InputError(f"{source.path}: has no epoch {year}; imagery names a year of its own")
        return [_raster(dict(source.imagery)[year], labels[year], bands, cache)]
    return [_raster(source.path, source.label, bands, cache)]


def _simulated(source: Source, seed: int, bands: Sequence[str], cache: Path) -> list[Scene]:
    """Return one scene for each year of a simulated region, all bands of the simulation kept."""
    columns, rows = (round(side * 1000 / PIXEL_M) for side in source.size_km)
    stem = scene_key("simulation", seed, columns, rows, code=SIMULATION)
    missing = [band for band in map(band_of, bands) if band not in SIMULATED_BANDS]
    if missing:
        raise InputError(f"the simulation has no band {', '.join(missing)}")
    if days_of(bands):
        return _simulated_series(source, seed, bands, cache)
    made: dict[int, tuple[Int16s, Bytes]] = {}

    def make(year: int) -> tuple[Int16s, Bytes]:
        if not made:
            truth = simulate_truth((rows, columns), seed)
            images = simulate_imagery(truth, seed)
            for image, label in zip(images, truth.landcover, strict=True):
                made[image.year] = (image.dn, label)
        if year not in made:
            raise InputError(f"years = {year}: the simulation has {', '.join(map(str, made))}")
        return made[year]

    scenes = []
    for year in source.years or (2018, 2021, 2024):
        facts: dict[str, object] = {
            "name": f"simulation {seed} {year}", "group": f"simulation {seed}",
            "origin": [0.0, 0.0], "pixel_m": PIXEL_M, "bands": list(SIMULATED_BANDS),
        }  # fmt: skip
        scenes.append(kept_scene(cache, f"{stem}-{year}", facts, lambda year=year: make(year)))
    return scenes


def _simulated_series(
    source: Source, seed: int, channels: Sequence[str], cache: Path
) -> list[Scene]:
    """Return one scene for each year of a simulated region, its channels those of a series."""
    columns, rows = (round(side * 1000 / PIXEL_M) for side in source.size_km)
    days = days_of(channels)
    stem = scene_key("series", seed, columns, rows, tuple(days), code=SIMULATION)

    def make(year: int) -> tuple[Int16s, Bytes]:
        truth = simulate_truth((rows, columns), seed)
        if year not in truth.years:
            raise InputError(f"years = {year}: has only {', '.join(map(str, truth.years))}")
        step = truth.years.index(year)
        numbers = [image.dn for image in simulate_series(truth, seed, step, days)]
        return np.concatenate(numbers), truth.landcover[step]

    scenes = []
    for year in source.years or (2018, 2021, 2024):
        facts: dict[str, object] = {
            "name": f"simulation {seed} {year}", "group": f"simulation {seed}",
            "origin": [0.0, 0.0], "pixel_m": PIXEL_M,
            "bands": list(channels_of(SIMULATED_BANDS, days)),
        }  # fmt: skip
        scenes.append(kept_scene(cache, f"{stem}-{year}", facts, lambda year=year: make(year)))
    return scenes


def _raster(image: str, label: str, bands: Sequence[str], cache: Path) -> Scene:
    """Return an image file and a land-cover raster of the same grid as a scene."""
    dates = image.split(DATES)
    with open_dates(dates, tuple(bands)) as opened, open_landcover(label) as landcover:
        grid = opened.grid
        difference = grid.difference(landcover.grid)
        if difference:
            raise InputError(f"{label}: {difference} than {image}; give labels on the image's grid")

        def make() -> tuple[Int16s, Bytes]:
            numbers = np.empty((len(bands), grid.height, grid.width), np.int16)
            labels = np.empty((grid.height, grid.width), np.uint8)
            for top in range(0, grid.height, STRIP):
                strip = Window(top, 0, min(STRIP, grid.height - top), grid.width)
                numbers[:, top : top + strip.height] = pack(opened.read(strip)[0])
                labels[top : top + strip.height] = landcover.read(strip)
            return numbers, labels

        key = scene_key("raster", dates, label, tuple(bands), files=[*dates, label])
        return kept_scene(cache, key, _facts(image, grid, bands), make)


def _facts(name: str, grid: Grid, bands: Sequence[str]) -> dict[str, object]:
    left, _, _, top = grid.bounds
    return {
        "name": Path(name).stem, "group": grid.crs_code, "origin": [left, top],
        "pixel_m": grid.pixel_size[0], "bands": list(bands),
    }  # fmt: skip
