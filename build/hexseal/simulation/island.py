"""The stage: simulate the island, its maps and areas, and write the folder."""

import shutil
import tempfile
import warnings
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from pyogrio.errors import DataSourceError
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import MemoryFile

from hexseal import __version__
from hexseal.errors import InputError, OutputError
from hexseal.products import CLCPLUS
from hexseal.progress import Progress, no_progress
from hexseal.simulation.areas import Area, divide
from hexseal.simulation.fields import block_mean, blur
from hexseal.simulation.observation import (
    LAST_CLASS,
    DensityErrors,
    NoiseModel,
    Observation,
    observe,
    observe_densities,
)
from hexseal.simulation.sentinel2 import simulate_imagery
from hexseal.simulation.truth import Truth, check_size, simulate_truth
from hexseal.simulation.vegetation import BARE, CROPS, GRASS, OUTSIDE, SEA_BUFFER, SEALED, WATER
from hexseal.simulation.writing import rgb, write_areas, write_image, write_objects, write_raster
from hexseal.storage.cache import code_version
from hexseal.types import Bytes, Floats

MARKER = ".hexseal-simulation"
MAPPED = (2018, 2021)
# From 2021 on the product calls the sea beyond this distance a buffer, code 253.
BUFFER_PX = 25

DENSITY_README = """Seal Island: a SIMULATED landscape. No place on Earth looks like this.

Made by `hexseal simulate --product imperviousness` to try out and to test hexseal:
{size_km[0]:g} x {size_km[1]:g} km, seed {seed}. The island lies in the open Atlantic near 31 W,
46 N, over 600 km from any land. Grid: EPSG:3035, pixels of 10 m.

imperviousness_YEAR.tif     sealed per cent of each pixel as it would be mapped, with realistic
                            errors; 255 outside
provinces.gpkg              provinces; municipalities.gpkg lie in them; invented inhabitants
truth/sealed_fraction_YEAR.tif   true sealed part of each pixel in percent
truth/landcover_YEAR.tif    the land cover without error
truth/relief.tif            height in metres
truth/new_sealed_objects.gpkg    what was built (or demolished) between the years
preview.png                 the island in natural colours (2024) and in CLC+ colours (2021)
"""

README = """Seal Island: a SIMULATED landscape. No place on Earth looks like this.

Made by `hexseal simulate` to try out and to test hexseal: {size_km[0]:g} x {size_km[1]:g} km,
seed {seed}. The island lies in the open Atlantic near 31 W, 46 N, over 600 km from any land.
Grid: EPSG:3035, pixels of 10 m. Codes: CLC+ Backbone, 1 = Sealed; 253 = sea buffer,
254 = outside.

clcplus_YEAR.tif            land cover as a classifier would map it, with realistic errors
confidence_YEAR.tif         confidence of the map, 0 to 100, 254 outside
sentinel2_YEAR.tif          Sentinel-2 composite as a satellite would see the truth: ten bands, each
                            with its name, scale and offset; 0 where nothing was seen
post_processing_2021.tif    1 where the map was corrected by hand, 0 elsewhere, 254 outside
provinces.gpkg              provinces; municipalities.gpkg lie in them; invented inhabitants
truth/landcover_YEAR.tif    the land cover without error: what the maps should have shown
truth/sealed_fraction_YEAR.tif   sealed part of each pixel in percent
truth/relief.tif            height in metres
truth/new_sealed_objects.gpkg    what was built (or demolished) between the years
preview.png                 the island in natural colours (2024) and in CLC+ colours (2021)
"""
NATURAL = {
    1: "#B9AEA6", 2: "#2F4A34", 3: "#4D6B3A", 4: "#3F6040", 5: "#7C7A4E", 6: "#88A35A",
    7: "#C9B87A", 8: "#A39A84", 9: "#B9AE9C", 10: "#2C5575", 11: "#F2F4F5",
    253: "#23486A", 254: "#1E4063",
}  # fmt: skip
NATURAL_SEA = rgb(NATURAL[OUTSIDE])


@dataclass(frozen=True, slots=True)
class SimulationSummary:
    """What was simulated; shares are of land, between 0 and 1, one per year or step."""

    folder: Path
    files: tuple[str, ...]
    land_km2: float
    true_sealed: tuple[float, ...]
    true_gain: tuple[float, ...]
    mapped_sealed: tuple[float, ...]
    mapped_gain: float
    municipalities: int
    population: int


def is_simulated(
    folder: Path, *, size_km: tuple[float, float], seed: int, densities: bool = False
) -> bool:
    """Return whether ``folder`` holds just what simulate would write there."""
    try:
        wanted = _marker_text(size_km, seed, densities)
        return (folder / MARKER).read_text(encoding="utf-8") == wanted
    except OSError:
        return False


def _marker_text(size_km: tuple[float, float], seed: int, densities: bool) -> str:
    (width, height), kind = size_km, ", densities" if densities else ""
    size = f"{width:g} x {height:g} km"
    code = code_version("hexseal.simulation")[:12]
    return f"hexseal {__version__} simulate {code}: seed {seed}, {size}{kind}\n"


def simulate(
    folder: Path,
    *,
    size_km: tuple[float, float] = (24.0, 18.0),
    seed: int = 1,
    densities: bool = False,
    progress: Progress = no_progress,
) -> SimulationSummary:
    """Write the simulated island into ``folder``; same size and seed, same bytes.

    ``densities`` writes maps of imperviousness density in the place of classes and images.

    A new folder appears at once when all files are complete. The folder must be missing, empty or
    an earlier simulation, whose files are replaced; other files in it stay.
    """
    if seed < 0:
        raise InputError(f"seed = {seed}: give a whole number from 0 on")
    folder = folder.resolve()
    _refuse_foreign(folder)
    size_px = _pixels(size_km)
    check_size(size_px)
    scratch = _scratch(folder)
    try:
        truth = simulate_truth(size_px, seed, progress=progress)
        maps, layer = _observe(truth, seed)
        areas = divide(truth, np.random.default_rng([seed, 3]))
        if densities:
            _write_densities(scratch, truth, seed, areas)
            write_preview(scratch / "preview.png", truth, maps[-1].landcover)
            progress("files", 1, 1)
        else:
            _write(scratch, truth, (maps, layer), areas, progress)
            _write_imagery(scratch, truth, seed, progress)
        text = (DENSITY_README if densities else README).format(size_km=size_km, seed=seed)
        (scratch / "README.txt").write_text(text, encoding="utf-8")
        (scratch / MARKER).write_text(_marker_text(size_km, seed, densities), encoding="utf-8")
        _install(scratch, folder)
    except (OSError, RasterioError, DataSourceError) as err:
        raise OutputError(f"{folder}: cannot be written ({err})") from err
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return _summarise(folder, truth, maps, areas[0])


def _pixels(size_km: tuple[float, float]) -> tuple[int, int]:
    sides = [side * 100 for side in size_km]
    if not all(np.isfinite(side) and side == int(side) for side in sides):
        raise InputError(f"size_km = {size_km[0]:g} x {size_km[1]:g}: give whole kilometres")
    return int(sides[0]), int(sides[1])


def _refuse_foreign(folder: Path) -> None:
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARKER).is_file():
        raise OutputError(
            f"{folder}: holds files that are not a simulation (no {MARKER}); "
            "choose an empty or new folder"
        )
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: is a file, not a folder; choose another name")


def _scratch(folder: Path) -> Path:
    """Make the sibling folder in which everything is built."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as err:
        raise OutputError(
            f"{folder}: cannot be written ({err.strerror}); choose a folder you may write to"
        ) from err


def _install(scratch: Path, folder: Path) -> None:
    """Put the finished files in place of an earlier simulation or an empty folder.

    What else lies in the folder, a region file or a site, stays: then the files are replaced one by
    one, and the marker that makes them complete comes last.
    """
    scratch.chmod(0o755)
    _refuse_foreign(folder)
    if not folder.exists() or not any(folder.iterdir()):
        if folder.exists():
            folder.rmdir()
        scratch.replace(folder)
        return
    (folder / MARKER).write_text("unfinished\n", encoding="utf-8")
    for path in sorted(scratch.iterdir(), key=lambda path: path.name == MARKER):
        target = folder / path.name
        if target.is_dir():
            shutil.rmtree(target)
        path.replace(target)


def _observe(truth: Truth, seed: int) -> tuple[list[Observation], Bytes]:
    """Map 2018 and 2021, correct 2021 by hand, and recode its outer sea."""
    rng = np.random.default_rng([seed, 2])
    first, second = observe(truth.landcover[: len(MAPPED)], NoiseModel(), rng)
    fixed, layer = fix_by_hand(truth.landcover[1], second.landcover, rng)
    far = (truth.terrain.sea_px > BUFFER_PX) & (fixed == WATER)
    fixed[far] = SEA_BUFFER
    return [first, Observation(fixed, second.confidence)], layer


def _write(
    folder: Path,
    truth: Truth,
    maps: tuple[list[Observation], Bytes],
    areas: tuple[list[Area], list[Area]],
    progress: Progress,
) -> None:
    (folder / "truth").mkdir()
    for step, (year, seen) in enumerate(zip(MAPPED, maps[0], strict=True), 1):
        write_raster(folder / f"clcplus_{year}.tif", seen.landcover, legend=True)
        write_raster(folder / f"confidence_{year}.tif", seen.confidence)
        progress("files", step, 7)
    write_raster(folder / "post_processing_2021.tif", maps[1])
    write_areas(folder / "municipalities.gpkg", areas[0], truth.years)
    write_areas(folder / "provinces.gpkg", areas[1], truth.years)
    _write_truth(folder / "truth", truth)
    progress("files", 3, 7)
    write_preview(folder / "preview.png", truth, maps[0][-1].landcover)
    progress("files", 4, 7)


def _write_densities(
    folder: Path, truth: Truth, seed: int, areas: tuple[list[Area], list[Area]]
) -> None:
    (folder / "truth").mkdir()
    years = slice(0, len(MAPPED))
    maps = observe_densities(
        truth.sealed_percent[years],
        truth.landcover[years],
        DensityErrors(),
        np.random.default_rng([seed, 4]),
    )
    for year, density in zip(MAPPED, maps, strict=True):
        write_raster(folder / f"imperviousness_{year}.tif", density)
    write_areas(folder / "municipalities.gpkg", areas[0], truth.years)
    write_areas(folder / "provinces.gpkg", areas[1], truth.years)
    _write_truth(folder / "truth", truth)


def _write_imagery(folder: Path, truth: Truth, seed: int, progress: Progress) -> None:
    for step, image in enumerate(simulate_imagery(truth, seed), 5):
        write_image(folder / f"sentinel2_{image.year}.tif", image)
        progress("files", step, 7)


def _write_truth(folder: Path, truth: Truth) -> None:
    for year, cover, percent in zip(
        truth.years, truth.landcover, truth.sealed_percent, strict=True
    ):
        write_raster(folder / f"landcover_{year}.tif", cover, legend=True)
        write_raster(folder / f"sealed_fraction_{year}.tif", percent)
    write_raster(folder / "relief.tif", truth.terrain.relief_m, continuous=True)
    write_objects(folder / "new_sealed_objects.gpkg", truth.objects)


def _summarise(
    folder: Path, truth: Truth, maps: list[Observation], municipalities: list[Area]
) -> SimulationSummary:
    land = float(truth.land.sum())
    true = [cover == SEALED for cover in truth.landcover]
    mapped = [seen.landcover == SEALED for seen in maps]
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    return SimulationSummary(
        folder=folder,
        files=tuple(names),
        land_km2=land / 1e4,
        true_sealed=tuple(float(year.sum()) / land for year in true),
        true_gain=tuple(float((b & ~a).sum()) / land for a, b in pairwise(true)),
        mapped_sealed=tuple(float(year.sum()) / land for year in mapped),
        mapped_gain=float((mapped[1] & ~mapped[0]).sum()) / land,
        municipalities=len(municipalities),
        population=sum(area.population[-1] for area in municipalities),
    )


def fix_by_hand(
    truth: Bytes, observed: Bytes, rng: np.random.Generator, share: float = 0.001
) -> tuple[Bytes, Bytes]:
    """Re-code small polygons as an operator would; return the map and the layer of where.

    About ``share`` of the mapped pixels are re-coded, mostly to the truth, which makes a
    change against a year that was not corrected. The layer is 1 where re-coded, 0
    elsewhere, 254 outside.
    """
    fixed = observed.copy()
    wrong = (truth != observed) & (truth <= LAST_CLASS)
    wrong &= (truth == SEALED) | (observed == SEALED)
    goal = share * float((truth <= LAST_CLASS).sum())
    rows, columns = np.nonzero(blur(wrong.astype(np.float32), 3) * wrong > 0.10)
    changed = 0.0
    for pick in rng.permutation(len(rows))[:5000]:
        if changed >= goal:
            break
        half = rng.integers(3, 9, 2)
        y, x = max(0, rows[pick] - half[0]), max(0, columns[pick] - half[1])
        window = np.s_[y : rows[pick] + half[0], x : columns[pick] + half[1]]
        before = int((fixed[window] != observed[window]).sum())
        right = rng.random() < 0.85
        target = truth[window] if right else np.where(observed[window] == SEALED, BARE, SEALED)
        apply = wrong[window] & (right | (rng.random(target.shape) < 0.4))
        fixed[window] = np.where(apply, target, fixed[window])
        changed += int((fixed[window] != observed[window]).sum()) - before
    layer = (fixed != observed).astype(np.uint8)
    layer[observed > LAST_CLASS] = OUTSIDE
    return fixed, layer


def natural_picture(truth: Truth, cover: Bytes) -> Floats:
    """Paint ``cover`` as seen from the air; returns (3, rows, columns) from 0 to 255."""
    picture = _paint(cover, NATURAL)
    draw = truth.country.parcels.draw
    hue = (draw * 91) % 1.0
    for code, tint in ((CROPS, (44, 24, 10)), (GRASS, (26, 16, 12))):
        inside = cover == code
        for band, strength in enumerate(tint):
            picture[band][inside] += (strength * 2 * (hue - 0.5))[inside]
    picture *= _hillshade(truth)
    return np.clip(_deepen_sea(picture, truth, cover), 0, 255)


def _paint(cover: Bytes, colors: dict[int, str]) -> Floats:
    table = np.zeros((256, 3), np.float32)
    for code, color in colors.items():
        table[code] = rgb(color)
    return np.ascontiguousarray(table[cover].transpose(2, 0, 1))


def _hillshade(truth: Truth) -> Floats:
    down, right = np.gradient(truth.terrain.relief_m, 10.0)
    shade = 1 - 0.9 * (right * 0.7 + down * 0.7)
    return np.asarray(np.clip(shade, 0.45, 1.35), np.float32)


def _deepen_sea(picture: Floats, truth: Truth, cover: Bytes) -> Floats:
    sea = ~truth.terrain.land & np.isin(cover, (WATER, SEA_BUFFER, OUTSIDE))
    shallow = np.exp(-truth.terrain.sea_px / 14)
    for band, gain in enumerate((20, 70, 60)):
        picture[band][sea] = NATURAL_SEA[band] + gain * shallow[sea]
    return picture


def class_picture(cover: Bytes) -> Floats:
    """Paint ``cover`` in the product's own colours."""
    return _paint(cover, {c.code: c.color for c in CLCPLUS.classes})


def write_png(path: Path, picture: Floats) -> None:
    """Write (3, rows, columns) as PNG."""
    bands = picture.astype(np.uint8)
    profile = {"driver": "PNG", "count": 3, "dtype": "uint8"}
    with MemoryFile() as memory, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with memory.open(**profile, height=bands.shape[1], width=bands.shape[2]) as image:
            image.write(bands)
        path.write_bytes(memory.read())


def write_preview(path: Path, truth: Truth, cover: Bytes) -> None:
    """Write both pictures at half size, one above the other."""
    natural = natural_picture(truth, truth.landcover[-1])
    small = np.stack([block_mean(band, 2) for band in natural])
    write_png(path, np.concatenate([small, class_picture(cover[::2, ::2])], axis=1))
