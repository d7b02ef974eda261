"""The file of a training: one TOML file, read once, every wrong key named."""

from dataclasses import dataclass, field
from pathlib import Path

from hexseal.errors import InputError
from hexseal.region.toml import TableReader, read_toml
from hexseal_ml.data.augment import Augmentation
from hexseal_ml.data.sources import Source, read_source
from hexseal_ml.data.split import SplitOptions
from hexseal_ml.imagery.bands import BANDS, band_name, channels_of
from hexseal_ml.model.classes import CODES
from hexseal_ml.model.network import ENCODERS, SMALLEST_SIDE

WEIGHTINGS = ("none", "sqrt_inverse", "inverse")
PRECISIONS = ("auto", "fp32", "bf16")
KINDS = ("segformer", "tempcnn")
HUB = "nvidia/mit-{size}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast to train; ``budget_minutes`` ends it earlier than ``steps``.

    ``sealed_weight`` is how often a pixel counts that a label calls Sealed, ``real_sealed_weight``
    one that a teacher does, ``natural_weight`` one of a teacher's crop without anything sealed;
    ``offset_real`` how far the offset goes from that of labelled
    validation ground (0) to that of real images (1).
    """

    steps: int = 4000
    budget_minutes: float | None = None
    batch: int = 16
    crop: int = 128
    learning_rate: float = 6e-4
    weight_decay: float = 0.05
    warmup: float = 0.04
    drop_path: float = 0.05
    smoothing: float = 0.997
    focus: float = 0.5
    class_weights: str = "none"
    precision: str = "auto"
    seed: int = 0
    validate_every: int = 250
    validation_pixels: int = 4_000_000
    dice: float = 0.0
    freeze_statistics: bool = False
    real_share: float = 0.5
    offset_real: float = 0.0
    sealed_weight: float = 1.0
    real_sealed_weight: float = 1.0
    natural_weight: float = 1.0


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Everything that a training needs to know."""

    path: Path
    out: Path
    cache: Path
    size: str
    bands: tuple[str, ...]
    class_codes: tuple[int, ...]
    pretrained: str | None
    sources: tuple[Source, ...]
    split: SplitOptions
    schedule: Schedule
    half: bool
    start: Path | None = None
    blend: float = 1.0
    kind: str = KINDS[0]
    augmentation: Augmentation = field(default_factory=Augmentation)


def load_train_config(path: Path) -> TrainConfig:
    """Read the file; raise InputError or RegionError with the key and value that is wrong."""
    home = path.absolute().parent
    top = read_toml(path)
    model = top.child("model")
    start = model.take("start", str, None)
    size = model.text("size", "b2")
    if size not in ENCODERS:
        raise InputError(f"[model] size = {size!r} is not one of {', '.join(ENCODERS)}")
    config = TrainConfig(
        path=path,
        out=home / model.text("out"),
        start=None if start is None else (home / start).resolve(),
        blend=model.number("blend", 1.0),
        half=model.take("half", bool, False),
        pretrained=_pretrained(model, size),
        size=size,
        bands=channels_of(
            _bands(model.take("bands", list, list(BANDS))), _days(model.take("days", list, []))
        ),
        kind=_choice(model, "kind", KINDS[0], KINDS),
        class_codes=CODES,
        cache=home / top.text("cache", "../../work/ml"),
        sources=tuple(read_source(table, home) for table in top.children("data")),
        split=_split(top.child("split")),
        schedule=_schedule(top.child("training")),
        augmentation=_augmentation(top.child("augmentation")),
    )
    model.done()
    top.done()
    if not 0 < config.blend <= 1 or (config.blend < 1 and config.start is None):
        raise InputError(
            f"[model] blend = {config.blend}: give a number above 0, at most 1, and a start"
        )
    if not config.sources:
        raise InputError(f"{path}: [[data]] is missing; name a simulation, raster, region or tiles")
    return config


def _pretrained(model: TableReader, size: str) -> str | None:
    """Return the weights to start from, None where the file wants random ones with ""."""
    if model.table.get("pretrained") == "":
        del model.table["pretrained"]
        return None
    return model.text("pretrained", HUB.format(size=size))


def _bands(names: list[object]) -> tuple[str, ...]:
    bands = tuple(band_name(str(name)) or "" for name in names)
    if not bands or "" in bands or len(set(bands)) < len(bands):
        raise InputError(f"[model] bands = {names!r} is not a list of Sentinel-2 bands, each once")
    return bands


def _days(days: list[object]) -> tuple[int, ...]:
    """Return the days of the year of a model of several dates, rising."""
    found = tuple(day for day in days if type(day) is int and 1 <= day <= 366)
    if len(found) < len(days) or list(found) != sorted(set(found)):
        raise InputError(f"[model] days = {days!r} are not rising days of the year, 1 to 366")
    return found


def _split(table: TableReader) -> SplitOptions:
    split = SplitOptions(
        block_m=table.number("block_km", 2.0) * 1000,
        buffer_m=table.number("buffer_m", 200.0),
        validation=table.number("validation", 0.15),
        test=table.number("test", 0.0),
        seed=table.take("seed", int, 0),
    )
    table.done()
    if split.block_m <= 0 or split.buffer_m < 0 or not 0 <= split.validation + split.test < 1:
        raise InputError("[split] needs block_km above 0, buffer_m from 0, shares below 1 together")
    return split


def _schedule(table: TableReader) -> Schedule:
    usual = Schedule()
    budget = table.number("budget_minutes", -1.0)
    schedule = Schedule(
        steps=table.take("steps", int, usual.steps),
        budget_minutes=budget if budget > 0 else None,
        batch=table.take("batch", int, usual.batch),
        crop=table.take("crop", int, usual.crop),
        learning_rate=table.number("learning_rate", usual.learning_rate),
        weight_decay=table.number("weight_decay", usual.weight_decay),
        warmup=table.number("warmup", usual.warmup),
        drop_path=table.number("drop_path", usual.drop_path),
        smoothing=table.number("smoothing", usual.smoothing),
        focus=table.number("focus", usual.focus),
        class_weights=_choice(table, "class_weights", usual.class_weights, WEIGHTINGS),
        precision=_choice(table, "precision", usual.precision, PRECISIONS),
        seed=table.take("seed", int, usual.seed),
        validate_every=table.take("validate_every", int, usual.validate_every),
        validation_pixels=table.take("validation_pixels", int, usual.validation_pixels),
        dice=table.number("dice", usual.dice),
        freeze_statistics=table.take("freeze_statistics", bool, usual.freeze_statistics),
        real_share=table.number("real_share", usual.real_share),
        offset_real=table.number("offset_real", usual.offset_real),
        sealed_weight=table.number("sealed_weight", usual.sealed_weight),
        real_sealed_weight=table.number("real_sealed_weight", usual.real_sealed_weight),
        natural_weight=table.number("natural_weight", usual.natural_weight),
    )
    table.done()
    _check_schedule(schedule)
    return schedule


def _check_schedule(schedule: Schedule) -> None:
    """Reject a training that cannot be."""
    for key in ("steps", "batch", "validate_every", "validation_pixels"):
        if getattr(schedule, key) < 1:
            raise InputError(f"[training] {key} = {getattr(schedule, key)}: give 1 or more")
    if schedule.crop < SMALLEST_SIDE:
        raise InputError(f"[training] crop = {schedule.crop}: give {SMALLEST_SIDE} pixels or more")
    if not 0 <= schedule.offset_real <= 1:
        raise InputError(f"[training] offset_real = {schedule.offset_real} is not from 0 to 1")
    for key in ("sealed_weight", "real_sealed_weight", "natural_weight"):
        if getattr(schedule, key) <= 0:
            raise InputError(f"[training] {key} = {getattr(schedule, key)}: must be above 0")
    if schedule.learning_rate <= 0:
        raise InputError(f"[training] learning_rate = {schedule.learning_rate}: must be above 0")
    for key in ("warmup", "drop_path", "smoothing", "focus", "real_share"):
        if not 0 <= getattr(schedule, key) < 1 and (key, schedule.focus) != ("focus", 1.0):
            raise InputError(f"[training] {key} = {getattr(schedule, key)} is not between 0 and 1")


def _augmentation(table: TableReader) -> Augmentation:
    usual = Augmentation()
    keys = (
        "gain",
        "brightness",
        "haze",
        "noise",
        "blur",
        "blur_chance",
        "drop_chance",
        "resample_chance",
        "air_chance",
    )
    air = table.numbers("air", 2) or usual.air
    drawn = Augmentation(
        **{key: table.number(key, getattr(usual, key)) for key in keys}, air=(air[0], air[1])
    )
    table.done()
    return drawn


def _choice(table: TableReader, key: str, usual: str, choices: tuple[str, ...]) -> str:
    value = table.text(key, usual)
    if value not in choices:
        raise InputError(f"{table.name(key)} = {value!r} is not one of {', '.join(choices)}")
    return value
