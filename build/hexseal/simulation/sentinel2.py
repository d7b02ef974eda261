"""Sentinel-2 composites of the simulated island: what a satellite would have seen of the truth.

A pixel mixes what is sealed in it with what lies around, in the spectra of its region; relief,
shadows, air, the optics and the detector then make it what a classifier gets. Regions differ in
spectra, season, light and haze, so that a model learns what holds everywhere.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numba import njit
from scipy import ndimage

from hexseal.simulation.fields import block_mean, blur, enlarge, fractal, smoothstep
from hexseal.simulation.spectra import (
    BANDS,
    LEAFLESS,
    MICROMETRES,
    PAVING,
    Palette,
    Season,
    mix_palette,
    noon_height,
    palette_of,
    season_of,
    vary,
)
from hexseal.simulation.truth import Truth
from hexseal.simulation.vegetation import BROAD, CROPS, EVERGREEN, NEEDLE, OUTSIDE, SEALED, WATER
from hexseal.types import Bytes, Flags, Floats, Int16s

# Stored as Collection 1 stores it: reflectance = number x SCALE + OFFSET, 0 where nothing was seen.
SCALE, OFFSET, NODATA = 1e-4, -0.1, 0
# Bands whose detector has pixels of 20 m.
COARSE_BANDS = frozenset({"B05", "B06", "B07", "B8A", "B11", "B12"})
TALL = (NEEDLE, BROAD, EVERGREEN)
GREEN, STUBBLE, TILLED = 0, 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedImage:
    """A cloud-free composite of one year; ``dn`` is (bands, rows, columns) as stored.

    ``day`` is the day of the year that a composite of a series stands for.
    """

    year: int
    dn: Int16s
    day: int | None = None


@dataclass(frozen=True, slots=True)
class Sensing:
    """Light, air and optics of one year.

    ``sun`` (down, right, up) points to the sun; ``relief_left`` is the part of the shading that
    correction leaves; ``haze`` is added path reflectance at 0.49 µm, ``veil`` its unevenness;
    ``blur_m`` the optics' standard deviation; ``noise`` the detector's, as reflectance.
    """

    sun: tuple[float, float, float]
    relief_left: float
    haze: float
    veil: float
    blur_m: float
    noise: float
    gain: tuple[float, ...]
    gaps: float


def simulate_imagery(truth: Truth, seed: int) -> Iterator[SimulatedImage]:
    """Yield the composite of each year of ``truth``; same truth and seed, same numbers.

    Pixels of code 254 and remnants of clouds hold NODATA in all bands.
    """
    lasting, *yearly = np.random.default_rng([seed, 5]).spawn(1 + len(truth.years))
    palette = mix_palette(lasting)
    haze = float(lasting.choice([0.0, 1.0], p=[0.6, 0.4])) * lasting.uniform(0.02, 0.07)
    ground = _Ground.lay(truth, palette, lasting)
    for step, (year, rng) in enumerate(zip(truth.years, yearly, strict=True)):
        seen = ground.reflect(step, palette, _season(rng), rng)
        yield SimulatedImage(year, _sense(seen, truth, step, _sensing(haze, rng), rng))


def simulate_series(
    truth: Truth, seed: int, step: int, days: Sequence[int]
) -> Iterator[SimulatedImage]:
    """Yield a composite of each of ``days`` of one year, the year ``step`` of ``truth``.

    Ground and spectra are those of ``simulate_imagery``; leaves, fields, drought and the sun
    follow the days, each region by some days earlier or later; air and noise are drawn again.
    """
    lasting, *_ = np.random.default_rng([seed, 5]).spawn(1 + len(truth.years))
    palette = mix_palette(lasting)
    haze = float(lasting.choice([0.0, 1.0], p=[0.6, 0.4])) * lasting.uniform(0.02, 0.07)
    ground = _Ground.lay(truth, palette, lasting)
    yearly = np.random.default_rng([seed, 6, step])
    leafless = vary(LEAFLESS, yearly)
    early, drought = yearly.normal(0, 6), yearly.uniform(0.1, 0.8)
    for day in days:
        rng = np.random.default_rng([seed, 6, step, day])
        season = season_of(day + early, drought)
        seen = ground.reflect(step, palette_of(palette, leafless, day + early), season, rng)
        sensing = _lit(_sensing(haze, rng), noon_height(day), rng)
        yield SimulatedImage(truth.years[step], _sense(seen, truth, step, sensing, rng), day)


def _lit(sensing: Sensing, height: float, rng: np.random.Generator) -> Sensing:
    """Put the sun to a height in degrees, in the late morning."""
    azimuth, up = np.radians(rng.uniform(150, 170)), np.radians(height)
    sun = (-np.cos(azimuth) * np.cos(up), np.sin(azimuth) * np.cos(up), np.sin(up))
    return replace(sensing, sun=(float(sun[0]), float(sun[1]), float(sun[2])))


def _season(rng: np.random.Generator) -> Season:
    green = rng.uniform(0.35, 0.75)
    return Season(green, (1 - green) * rng.uniform(0.25, 0.75), rng.uniform(0.0, 0.6))


def _sensing(haze: float, rng: np.random.Generator) -> Sensing:
    azimuth = np.radians(rng.uniform(140, 200))
    height = np.radians(rng.uniform(35, 62))
    sun = (-np.cos(azimuth) * np.cos(height), np.sin(azimuth) * np.cos(height), np.sin(height))
    return Sensing(
        sun=(float(sun[0]), float(sun[1]), float(sun[2])),
        relief_left=rng.uniform(0.2, 0.8),
        haze=max(0.0, haze + rng.normal(0, 0.004)),
        veil=rng.uniform(0.0, 0.008),
        blur_m=rng.uniform(3.0, 4.5),
        noise=rng.uniform(0.0010, 0.0030),
        gain=tuple(1 + rng.normal(0, 0.015, len(BANDS))),
        gaps=rng.uniform(0.0, 0.008),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Ground:
    """What lies there in every year: how each pixel differs from the mean of its class.

    ``grain`` and ``patch`` are fine and broad noise of variance 1; ``material`` numbers what
    seals each pixel, ``roof`` is its brightness factor.
    """

    truth: Truth
    grain: Floats
    patch: Floats
    material: Bytes
    roof: Floats

    @classmethod
    def lay(cls, truth: Truth, palette: Palette, rng: np.random.Generator) -> "_Ground":
        shape = truth.terrain.shape
        grain = blur(rng.standard_normal(shape, dtype=np.float32), 0.7)
        half = fractal((shape[0] // 2, shape[1] // 2), rng, slope=1.5, longest=60, shortest=2)
        material = _materials(np.maximum.reduce(truth.sealed_percent), palette, rng)
        roof = blur(rng.standard_normal(shape, dtype=np.float32), 0.6)
        roof = np.exp(rng.uniform(0.10, 0.18) * roof / roof.std()).astype(np.float32)
        return cls(truth, grain / grain.std(), enlarge(half, shape), material, roof)

    def reflect(
        self, step: int, palette: Palette, season: Season, rng: np.random.Generator
    ) -> Floats:
        """Return surface reflectance (bands, rows, columns) of the year, before light and air."""
        cover = _around(self.truth.landcover[step])
        weight = 0.5 + 0.20 * self.patch + 0.10 * self.grain + 0.7 * (season.drought - 0.35)
        weight = np.clip(weight, 0, 1).astype(np.float32)
        brightness = np.exp(0.05 * self.grain + 0.05 * rng.normal()).astype(np.float32)
        roof = (self.roof * np.exp(rng.normal(0, 0.03))).astype(np.float32)
        field = self._fields(cover, step, season, rng)
        seen = np.empty((len(BANDS), *cover.shape), np.float32)
        _mix(
            (cover, field, self.material, self.truth.sealed_percent[step]),
            (weight, brightness, roof),
            (palette.first, palette.second, palette.soil, palette.materials),
            seen,
        )
        return seen

    def _fields(self, cover: Bytes, step: int, season: Season, rng: np.random.Generator) -> Bytes:
        """Return for each field whether it is green, harvested or tilled."""
        parcels = self.truth.country.parcels
        turn = (parcels.draw * 613 + parcels.block * 41 + step * 0.381 + season.turned) % 1.0
        turn = np.clip(turn + 0.03 * rng.normal(), 0, 1)
        state = np.full(cover.shape, GREEN, np.uint8)
        state[turn > season.green] = STUBBLE
        state[turn > season.green + season.harvested] = TILLED
        return state


def _around(landcover: Bytes) -> Bytes:
    """Return for sealed pixels the class of the nearest other pixel, which shares the pixel."""
    sealed = landcover == SEALED
    rows, columns = np.asarray(
        ndimage.distance_transform_edt(sealed, return_distances=False, return_indices=True)
    )
    return np.where(landcover[rows, columns] == OUTSIDE, WATER, landcover[rows, columns])


def _materials(sealed_percent: Bytes, palette: Palette, rng: np.random.Generator) -> Bytes:
    """Number what seals each pixel: alike within some pixels, and more so within a district.

    Roads through open land are paved; roofs stand where much is sealed.
    """
    shape = sealed_percent.shape
    open_land = 1 - smoothstep(blur(sealed_percent.astype(np.float32), 3), 8, 30)
    best = np.full(shape, -np.inf, np.float32)
    material = np.zeros(shape, np.uint8)
    small = (shape[0] // 10, shape[1] // 10)
    for number, share in enumerate(palette.shares):
        object_noise = blur(rng.standard_normal(shape, dtype=np.float32), 1.1)
        district = enlarge(blur(rng.standard_normal(small, dtype=np.float32), 2.0), shape)
        score = object_noise / object_noise.std() + 0.9 * district / district.std()
        score += 1.6 * np.log(np.float32(share) + 1e-3)
        if number in PAVING:
            score += 4 * open_land
        better = score > best
        material[better], best[better] = number, score[better]
    return material


@njit(cache=True)
def _mix(
    maps: tuple[Bytes, Bytes, Bytes, Bytes],
    fields: tuple[Floats, Floats, Floats],
    tables: tuple[Floats, Floats, Floats, Floats],
    seen: Floats,
) -> None:
    """Fill ``seen`` with the area-weighted mean of what covers each pixel."""
    cover, state, material, sealed = maps
    weight, brightness, roof = fields
    first, second, soil, materials = tables
    for y in range(cover.shape[0]):
        for x in range(cover.shape[1]):
            code, w = cover[y, x], weight[y, x]
            part = np.float32(sealed[y, x]) / np.float32(100)
            for band in range(seen.shape[0]):
                if code == CROPS and state[y, x] == TILLED:
                    open_ground = soil[band] * (np.float32(0.75) + np.float32(0.5) * w)
                elif code == CROPS:
                    near = np.float32(0.4) * w
                    tip = near if state[y, x] == GREEN else 1 - near
                    open_ground = first[code, band] * (1 - tip) + second[code, band] * tip
                else:
                    open_ground = first[code, band] * (1 - w) + second[code, band] * w
                hard = materials[material[y, x], band] * roof[y, x]
                seen[band, y, x] = part * hard + (1 - part) * open_ground * brightness[y, x]


def _sense(
    seen: Floats, truth: Truth, step: int, sensing: Sensing, rng: np.random.Generator
) -> Int16s:
    """Add light, shadows, air, optics and noise; return what is stored."""
    light = _light(truth, step, sensing)
    shape = truth.terrain.shape
    small = (shape[0] // 10, shape[1] // 10)
    veil = enlarge(fractal(small, rng, slope=2, longest=80, shortest=3), shape)
    path = np.maximum(sensing.haze + sensing.veil * veil, 0).astype(np.float32)
    stored = np.empty(seen.shape, np.int16)
    for place, name in enumerate(BANDS):
        fade = np.float32((MICROMETRES[place] / 0.49) ** -2.2)
        band = seen[place] * light
        if name in COARSE_BANDS:
            band = enlarge(blur(block_mean(band, 2), sensing.blur_m / 20), shape)
        else:
            band = blur(band, sensing.blur_m / 10)
        band = band * (1 - path * fade) * np.float32(sensing.gain[place]) + path * fade
        speckle = rng.standard_normal(shape, dtype=np.float32)
        band += (sensing.noise + 0.008 * band) * speckle
        stored[place] = np.clip(np.rint((band - OFFSET) / SCALE), 1, 32767).astype(np.int16)
    stored[:, (truth.landcover[step] == OUTSIDE) | _gaps(shape, sensing.gaps, rng)] = NODATA
    return stored


def _light(truth: Truth, step: int, sensing: Sensing) -> Floats:
    """Return the factor of light on each pixel: slopes, and shadows that trees and walls cast."""
    down, right = np.gradient(blur(truth.terrain.relief_m, 1.0), 10.0)
    upright = 1 / np.sqrt(1 + down**2 + right**2)
    south, east, up = sensing.sun
    facing = (-down * south - right * east + up) * upright
    shade = np.clip(facing / up, 0.25, 1.6) ** sensing.relief_left
    tall = np.isin(truth.landcover[step], TALL).astype(np.float32)
    tall = np.maximum(tall, 0.45 * (truth.sealed_percent[step] > 55))
    behind = np.roll(tall, (-1 if south > 0 else 1, -round(east * 1.2)), (0, 1))
    cast = np.maximum(behind - tall, 0) * np.float32(0.5 * (1.15 - up))
    return (shade * (1 - cast)).astype(np.float32)


def _gaps(shape: tuple[int, int], share: float, rng: np.random.Generator) -> Flags:
    """Return where clouds stayed in every scene."""
    small = (shape[0] // 4, shape[1] // 4)
    clouds = fractal(small, rng, slope=2.2, longest=60, shortest=3)
    return enlarge(clouds, shape) > np.quantile(clouds, 1 - share)
