"""hexseal-ml train."""

import logging
import time
from pathlib import Path

import click

from hexseal.cli.console import Console
from hexseal_ml.data.sources import open_scenes
from hexseal_ml.data.student import student_of
from hexseal_ml.train.config import load_train_config
from hexseal_ml.train.stage import train


@click.command("train")
@click.argument("config", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--fresh", is_flag=True, help="Start again even if a killed training could go on.")
@click.option("--finish", is_flag=True, help="Write the best model of a stopped training.")
@click.pass_obj
def train_command(console: Console, config: Path, fresh: bool, finish: bool) -> None:
    """Train a model as a TOML file says; a killed training resumes when started again.

    Example: hexseal-ml train ml/configs/clcplus-forward-b2.toml
    """
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
