"""The command line of CLC+ Forward: train, evaluate, predict, spread."""

import importlib
import logging
from typing import NoReturn

import click

from hexseal import __version__
from hexseal.cli.console import Console, run
from hexseal.errors import ToolError
from hexseal.forward.models import require_ml

# Modules of commands and their first lines of help: all of them import torch.
COMMANDS = {
    "evaluate": ("hexseal_ml.cli.commands:evaluate_command", "Compare a model's maps with labels."),
    "predict": ("hexseal_ml.cli.commands:predict_command", "Map land cover on an image."),
    "spread": ("hexseal_ml.cli.commands:spread_command", "Measure how the sealed area errs."),
    "train": ("hexseal_ml.cli.commands:train_command", "Train a model by a TOML file."),
}


class LateGroup(click.Group):
    """A group whose commands are imported when they run, so that help needs no torch."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, sorted."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; raise ToolError where what it needs is not installed."""
        if cmd_name not in COMMANDS:
            return None
        require_ml()
        _calm_transformers()
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        return getattr(importlib.import_module(module), name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each command's name and first line of help."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LateGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hexseal-ml")
@click.option("--quiet", is_flag=True, help="Print errors only.")
@click.option("--verbose", is_flag=True, help="Keep the traceback of every failure.")
@click.pass_context
def cli(context: click.Context, quiet: bool, verbose: bool) -> None:
    """Replicate CLC+ Backbone on Sentinel-2 images with a SegFormer.

    Example: hexseal-ml predict s2_2024.tif --model clcplus-forward-b2 --out work/2024
    """
    context.obj = Console(quiet=quiet)
    context.meta["verbose"] = verbose


def main() -> NoReturn:
    """Run the command line and exit: 0 done, 1 failed, 2 wrong usage, 130 stopped."""
    run(cli, interrupted="stopped; run the same command again to resume")


def _calm_transformers() -> None:
    """Keep the messages of transformers and its hub off the terminal."""
    try:
        library = importlib.import_module("transformers.utils.logging")
    except ImportError as err:
        raise ToolError(f"transformers cannot be imported ({err}); install it again") from err
    library.set_verbosity_error()
    library.disable_progress_bar()
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
