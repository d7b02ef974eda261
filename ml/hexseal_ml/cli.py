"""The command line of CLC+ Forward: train, evaluate, predict."""

import logging
from typing import NoReturn

import click
from transformers.utils import logging as transformers_logging

from hexseal import __version__
from hexseal.cli.console import Console, run
from hexseal_ml.cli_evaluate import evaluate_command
from hexseal_ml.cli_predict import predict_command
from hexseal_ml.cli_train import train_command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hexseal-ml")
@click.option("--quiet", is_flag=True, help="Print errors only.")
@click.option("--verbose", is_flag=True, help="Keep the traceback of every failure.")
@click.pass_context
def cli(context: click.Context, quiet: bool, verbose: bool) -> None:
    """Replicate CLC+ Backbone on Sentinel-2 images with a SegFormer.

    Example: hexseal-ml predict s2_2024.tif --model ml/weights/clcplus-forward-b2 --out work/2024
    """
    context.obj = Console(quiet=quiet)
    context.meta["verbose"] = verbose


cli.add_command(train_command)
cli.add_command(evaluate_command)
cli.add_command(predict_command)


def main() -> NoReturn:
    """Run the command line and exit: 0 done, 1 failed, 2 wrong usage, 130 stopped."""
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    run(cli, interrupted="stopped; run the same command again to go on")
