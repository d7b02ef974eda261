"""hexseal-ml evaluate."""

from dataclasses import replace
from pathlib import Path

import click

from hexseal.cli.console import Console
from hexseal.forward.models import model_folder
from hexseal_ml.evaluate.config import load_evaluate_config
from hexseal_ml.evaluate.report import write_report
from hexseal_ml.evaluate.stage import evaluate


@click.command("evaluate")
@click.argument("config", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--model", help="Model instead of the file's: folder or name.")
@click.option("--out", type=click.Path(path_type=Path), help="Another folder than the file's.")
@click.pass_obj
def evaluate_command(console: Console, config: Path, model: str | None, out: Path | None) -> None:
    """Compare a model's maps with labels, and with two baselines, as a TOML file says.

    Example: hexseal-ml evaluate ml/configs/evaluate-sample.toml
    """
    loaded = load_evaluate_config(config)
    loaded = replace(
        loaded, model=model_folder(model) if model else loaded.model, out=out or loaded.out
    )
    evaluation = evaluate(loaded, log=console.log, progress=console.progress)
    _, page = write_report(evaluation)
    console.log(f"report in {page}")
