"""The commands ``evaluate``, ``predict`` and ``train``; importing them imports torch."""

import logging
import time
from dataclasses import replace
from pathlib import Path

import click

from hexseal.cli.console import Console
from hexseal.forward.models import model_folder
from hexseal_ml.data.sampling import student_of
from hexseal_ml.data.sources import open_scenes
from hexseal_ml.evaluate.config import load_evaluate_config
from hexseal_ml.imagery.masks import CLOUDS
from hexseal_ml.predict.rasters import LANDCOVER
from hexseal_ml.predict.stage import DEVICES, MISSING_BANDS, PRECISIONS, Settings, predict
from hexseal_ml.train.config import load_train_config

USUAL = Settings()


@click.command("predict")
@click.argument("image", nargs=-1, required=True)
@click.option(
    "--model", required=True, help="Folder of a trained model, or the name of an installed one."
)
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the rasters.",
)  # fmt: skip
@click.option("--prefix", help="Start of the rasters' names.  [default: the image's name]")
@click.option("--device", type=click.Choice(DEVICES), default=USUAL.device, show_default=True)
@click.option(
    "--precision", type=click.Choice(PRECISIONS), default=USUAL.precision, show_default=True
)
@click.option(
    "--window", default=USUAL.window, show_default=True, help="Largest side of a window, pixels."
)
@click.option(
    "--overlap", default=USUAL.overlap, show_default=True,
    help="Pixels that neighbouring windows share.",
)  # fmt: skip
@click.option("--batch", type=int, help="Windows at a time.  [default: 1, on a GPU 16]")
@click.option(
    "--missing-bands", type=click.Choice(MISSING_BANDS), default=USUAL.missing_bands,
    show_default=True, help="What to do about bands that the image lacks.",
)  # fmt: skip
@click.option(
    "--mask", metavar="FILE",
    help="Scene classification (SCL) of the image: its clouds and shadows have no class.",
)  # fmt: skip
@click.option(
    "--clouds", type=click.Choice(CLOUDS), default=CLOUDS[0], show_default=True,
    help="Without a scene classification: keep clouds, or mask what looks like one.",
)  # fmt: skip
@click.option("--fresh", is_flag=True, help="Start again, whatever lies there.")
@click.pass_obj
def predict_command(
    console: Console,
    image: tuple[str, ...],
    model: str,
    out: Path,
    prefix: str | None,
    device: str,
    precision: str,
    window: int,
    overlap: int,
    batch: int | None,
    missing_bands: str,
    mask: str | None,
    clouds: str,
    fresh: bool,
) -> None:
    """Map land cover with CLC+ codes on a Sentinel-2 image.

    IMAGE is a raster whose bands are named, or files of one band each: a comma list or a quoted
    glob; a file ending _SCL.tif or a band SCL among them masks clouds. A model of several dates
    takes one IMAGE for each, in their order. Killed and started again, it resumes where it was.

    Example: hexseal-ml predict "s2/*_B*.tif" --model clcplus-forward-b2 --out work/2024
    """
    started = time.monotonic()
    done = predict(
        image[0] if len(image) == 1 else image,
        model_folder(model),
        out,
        prefix or _prefix(image[0]),
        settings=Settings(device, precision, window, overlap, batch, missing_bands),
        mask=mask,
        clouds=clouds,
        fresh=fresh,
        log=console.log,
        progress=console.progress,
    )
    share = f"{done.sealed_share:.2%} Sealed"
    if done.is_kept:
        console.log(f"{done.paths[LANDCOVER]}: made before from the same image and model; {share}")
    else:
        console.log(f"{done.paths[LANDCOVER]}: {share} ({time.monotonic() - started:.1f} s)")


def _prefix(image: str) -> str:
    """Return a name for outputs.

    >>> _prefix("s2/lommel_2021.tif"), _prefix("s2/*_B*.tif")
    ('lommel_2021', 'prediction')
    """
    stem = Path(image).stem
    return "prediction" if any(sign in stem for sign in "*?[,") or not stem else stem


@click.command("evaluate")
@click.argument("config", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--model", help="Model instead of the file's: folder or name.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Output folder instead of the config's."
)
@click.pass_obj
def evaluate_command(console: Console, config: Path, model: str | None, out: Path | None) -> None:
    """Compare a model's maps with labels, and with two baselines, by a TOML file.

    Example: hexseal-ml evaluate ml/configs/evaluate-sample.toml
    """
    from hexseal_ml.evaluate.report import write_report
    from hexseal_ml.evaluate.stage import evaluate

    loaded = load_evaluate_config(config)
    loaded = replace(
        loaded, model=model_folder(model) if model else loaded.model, out=out or loaded.out
    )
    evaluation = evaluate(loaded, log=console.log, progress=console.progress)
    _, page = write_report(evaluation)
    console.log(f"report in {page}")


@click.command("train")
@click.argument("config", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--fresh", is_flag=True, help="Start again even if a killed training could be resumed."
)
@click.option("--finish", is_flag=True, help="Write the best model of a stopped training.")
@click.pass_obj
def train_command(console: Console, config: Path, fresh: bool, finish: bool) -> None:
    """Train a model by a TOML file; a killed training resumes when started again.

    Example: hexseal-ml train ml/configs/clcplus-forward-b2.toml
    """
    from hexseal_ml.train.stage import train

    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    started = time.monotonic()
    loaded = load_train_config(config)
    console.log(f"SegFormer-{loaded.size.upper()} on {', '.join(loaded.bands)}, into {loaded.out}")
    student = None if loaded.start is None else student_of(loaded.start)
    scenes = open_scenes(loaded.sources, loaded.bands, loaded.cache, console.progress, student)
    outcome = train(
        loaded, scenes, report=console.progress, log_line=console.log, fresh=fresh, finish=finish
    )
    console.log(
        f"done in {(time.monotonic() - started) / 60:.1f} min; {outcome.folder}: "
        f"IoU of Sealed {outcome.figures['iou_sealed']:.3f}, mean IoU "
        f"{outcome.figures['iou_mean']:.3f} on validation blocks"
    )


@click.command("spread")
@click.argument("model")
@click.option(
    "--seeds", default="1065-1072", show_default=True,
    help="Simulated regions, first and last seed; none that the model was trained on.",
)  # fmt: skip
@click.option(
    "--cache", default=Path("work/ml"), show_default=True,
    type=click.Path(path_type=Path, file_okay=False), help="Folder for simulated scenes.",
)  # fmt: skip
@click.pass_obj
def spread_command(console: Console, model: str, seeds: str, cache: Path) -> None:
    """Measure how much a model's sealed area errs from place to place, and write it into MODEL.

    The interval of a place without a map rests on it (metrics.sealed_accuracy of config.json).

    Example: hexseal-ml spread work/models/real-3
    """
    from hexseal_ml.train.spread import measure_spread

    found = measure_spread(model_folder(model), seeds, cache, console.progress)
    console.log(f"{model}: true over mapped area varies by {found['sd']:.1%} over "
                f"{found['places']} places of 5 x 5 km")  # fmt: skip
