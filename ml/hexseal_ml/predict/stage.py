"""Prediction: an image of any size in, class, sealed probability and confidence rasters out.

Windows are read ahead in a thread, predicted in batches, blended and finished row by row. Memory
holds one batch and the strips that rows share; it does not grow with the image's height, and by
44 bytes per overlap pixel with its width.
"""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from hexseal import __version__
from hexseal.errors import InputError
from hexseal.progress import Log, Progress, no_log, no_progress
from hexseal.storage.cache import Stamp
from hexseal.types import Floats
from hexseal_ml.imagery.image import Image
from hexseal_ml.imagery.series import Series, open_dates
from hexseal_ml.model.classes import OUTSIDE, SEALED
from hexseal_ml.model.folder import load_model, model_checksum
from hexseal_ml.model.network import SMALLEST_SIDE, ForwardModel
from hexseal_ml.predict.blending import RowBlender
from hexseal_ml.predict.mapper import Mapper, Runtime
from hexseal_ml.predict.rasters import Scratch, raster_paths, write_rasters
from hexseal_ml.predict.windows import (
    Lattice,
    lattice,
    mirrored,
    read_mirrored,
)

FORMAT = 1
# What the bytes of a prediction depend on beside its inputs.
CODE = ("hexseal_ml.predict", "hexseal_ml.model", "hexseal_ml.imagery", "hexseal.raster.cog")
DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("auto", "fp32", "bf16")
MISSING_BANDS = ("refuse", "mean")


@dataclass(frozen=True, slots=True)
class Settings:
    """How to predict; ``window`` and ``overlap`` in pixels, ``batch`` in windows.

    Attention costs grow with the square of a window's area, overlaps weigh more the smaller it
    is. Larger windows or smaller overlaps save up to a tenth of the time at some accuracy.
    """

    device: str = "auto"
    precision: str = "auto"
    window: int = 384
    overlap: int = 32
    batch: int | None = None
    missing_bands: str = "refuse"

    def check(self) -> None:
        """Raise InputError for sizes that make no windows."""
        if self.overlap < 2 or self.overlap % 2:
            raise InputError(f"--overlap {self.overlap}: give an even number of at least 2 pixels")
        if self.window % SMALLEST_SIDE or self.window < 2 * self.overlap + SMALLEST_SIDE:
            raise InputError(
                f"--window {self.window}: give a multiple of {SMALLEST_SIDE} that is at least "
                f"{SMALLEST_SIDE} pixels larger than two overlaps"
            )
        if self.batch is not None and self.batch < 1:
            raise InputError(f"--batch {self.batch}: give at least 1 window")


@dataclass(frozen=True, slots=True)
class Predicted:
    """Where the rasters lie, pixels by class code (254 is outside), and what was noticed."""

    paths: dict[str, Path]
    facts: Path
    pixels: dict[int, int]
    warnings: tuple[str, ...]
    is_kept: bool

    @property
    def sealed_share(self) -> float:
        """Return the share of Sealed in the pixels that have a class."""
        known = sum(number for code, number in self.pixels.items() if code != OUTSIDE)
        return self.pixels.get(SEALED, 0) / known


def predict(
    image: str | Sequence[str],
    model: Path,
    out: Path,
    prefix: str,
    *,
    settings: Settings | None = None,
    mask: str | None = None,
    clouds: str = "keep",
    fresh: bool = False,
    log: Log = no_log,
    progress: Progress = no_progress,
) -> Predicted:
    """Write ``{prefix}_landcover.tif``, ``_sealed_probability``, ``_confidence``, and ``.json``.

    ``image`` is one image, or one for each date of a model of several dates, in their order.
    ``mask`` (a scene classification) and ``clouds`` mark unknown pixels: see open_masked.
    Does nothing where the same prediction lies there already; resumes where one was killed, to
    the same bytes. ``fresh`` starts again. Raises InputError for images and models that do not go
    together, OutputError where ``out`` cannot be written.
    """
    settings = settings or Settings()
    settings.check()
    runtime = runtime_of(settings)
    checksum = model_checksum(model) if (model / "config.json").is_file() else ""
    network = load_model(model)
    facts_path = out / f"{prefix}.json"
    paths = raster_paths(out, prefix)
    dates = [image] if isinstance(image, str) else list(image)
    with open_dates(
        dates, network.bands, allow_missing=settings.missing_bands == "mean",
        mask=mask, clouds=clouds,
    ) as opened:  # fmt: skip
        for warning in opened.warnings:
            log(f"warning: {warning}")
        stamp = _stamp(facts_path, opened, checksum, settings, runtime)
        kept = None if fresh else _kept(stamp, paths, opened.warnings)
        if kept is not None:
            return kept
        stamp.clear()
        scratch = Scratch(out / f".{prefix}.partial", stamp.key, fresh=fresh)
        count = _predict_strips(opened, network, scratch, settings, runtime, progress)
        pixels = write_rasters(paths, opened.grid, scratch.strips(count))
        if set(pixels) <= {OUTSIDE}:
            for path in paths.values():
                path.unlink(missing_ok=True)
            scratch.remove()
            raise InputError(
                f"{opened.address}: no pixel has values in all bands outside clouds; check "
                "its nodata value and its area"
            )
        facts = {
            "format": FORMAT,
            "model": model.name,
            "model_checksum": checksum,
            "image": image if isinstance(image, str) else dates,
            "missing_bands": list(opened.missing),
            "pixels": {str(code): number for code, number in pixels.items()},
            "settings": asdict(settings),
            "runtime": asdict(runtime),
            "versions": {"hexseal": __version__, "torch": torch.__version__},
            "warnings": list(opened.warnings),
        }
        stamp.write(facts)
        scratch.remove()
    return Predicted(paths, facts_path, pixels, opened.warnings, is_kept=False)


def runtime_of(settings: Settings) -> Runtime:
    """Decide what ``auto`` means on this machine.

    CUDA where there is a GPU. bf16 on CUDA, and on processors that multiply in it (AMX or
    AVX512_BF16: half as fast again as fp32); others only imitate it, slower than fp32. Raises
    InputError for a GPU that is not there.
    """
    has_cuda = torch.cuda.is_available()
    device = settings.device if settings.device != "auto" else ("cuda" if has_cuda else "cpu")
    if device == "cuda" and not has_cuda:
        raise InputError("--device cuda: torch sees no GPU here; leave it out or name cpu")
    precision = settings.precision
    if precision == "auto":
        gains = device == "cuda" or has_bf16()
        precision = "bf16" if gains else "fp32"
    batch = settings.batch if settings.batch is not None else (16 if device == "cuda" else 1)
    return Runtime(device, precision, batch)


def has_bf16() -> bool:
    """Return whether the processor has instructions that multiply in bf16."""
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()


def _predict_strips(
    image: Image | Series,
    network: ForwardModel,
    scratch: Scratch,
    settings: Settings,
    runtime: Runtime,
    progress: Progress,
) -> int:
    """Predict the rows of windows that are not finished; return the number of all rows."""
    rows, columns = (
        lattice(length, settings.window, settings.overlap)
        for length in (image.grid.height, image.grid.width)
    )
    done = scratch.finished()
    above = scratch.below(done - 1) if done else None
    with ThreadPoolExecutor(1) as reader, torch.inference_mode():
        batches = _read_ahead(reader, image, rows, columns, done, runtime.batch)
        mapped = Mapper(network, runtime).map_all(batches)
        for row in range(done, rows.count):
            blender = RowBlender(rows, columns, row, network.class_codes, above)
            for place in range(0, columns.count, runtime.batch):
                for number, (found, known) in enumerate(next(mapped)):
                    mask = known if found is None else known.to(found.device)
                    blender.add(place + number, found, mask)
                finished = row * columns.count + min(place + runtime.batch, columns.count)
                progress("predict", finished, rows.count * columns.count)
            scratch.keep(row, blender.strip, blender.below)
            above = blender.below
    return rows.count


def _read_ahead(
    reader: ThreadPoolExecutor,
    image: Image | Series,
    rows: Lattice,
    columns: Lattice,
    first_row: int,
    batch: int,
) -> Iterator[list[Floats]]:
    """Read the batches of all rows in order, each while the one before is predicted."""

    def read(row: int, place: int) -> list[Floats]:
        down = mirrored(rows.start(row), rows.size, rows.length)
        return [
            read_mirrored(image, down, mirrored(columns.start(p), columns.size, columns.length))
            for p in range(place, min(place + batch, columns.count))
        ]

    wanted = (
        (row, place)
        for row in range(first_row, rows.count)
        for place in range(0, columns.count, batch)
    )
    upcoming = None
    for row, place in wanted:
        current, upcoming = upcoming, reader.submit(read, row, place)
        if current is not None:
            yield current.result()
    if upcoming is not None:
        yield upcoming.result()


def _stamp(
    path: Path, image: Image | Series, checksum: str, settings: Settings, runtime: Runtime
) -> Stamp:
    """Return the stamp of all that the bytes of a prediction depend on; it holds its facts too."""
    used = (FORMAT, __version__, torch.__version__, checksum)
    return Stamp(path, used, image.identity(), asdict(settings), asdict(runtime), code=CODE)


def _kept(stamp: Stamp, paths: dict[str, Path], warnings: tuple[str, ...]) -> Predicted | None:
    if not stamp.is_current(paths.values()):
        return None
    try:
        facts = json.loads(stamp.path.read_text(encoding="utf-8"))
        pixels = {int(code): int(number) for code, number in facts["pixels"].items()}
    except (OSError, ValueError, KeyError, AttributeError):
        return None
    return Predicted(paths, stamp.path, pixels, warnings, is_kept=True)
