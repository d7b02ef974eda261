"""Write docs/reference/region.md and commands.md; with --check only compare them.

python tools/write_reference.py [--check]
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from hexseal.cli.main import cli
from hexseal.region.schema import reference

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs/reference"

INTRODUCTION = """\
# Commands

Written from the commands themselves by `tools/write_reference.py`; do not edit. In a clone
`hexseal` is `.venv/bin/hexseal`. Every command ends with exit code 0 when all went well, 1 after a
failure that one line explains, 2 after wrong usage, 130 after Ctrl-C. `hexseal --quiet COMMAND`
prints errors only, `hexseal --verbose COMMAND` keeps the traceback of a failure. Completion in
bash: `eval "$(_HEXSEAL_COMPLETE=bash_source hexseal)"`; `zsh_source`, `fish_source` are the others.

The commands of prediction, `hexseal-ml predict`, `train` and `evaluate`, are in
[years from images](../how-to/years-from-images.md).
"""

RECIPES = """\
## Recipes of a clone

`just RECIPE` sets `.venv` up first where that is needed; `just` alone lists all.

| recipe | what it does |
|---|---|"""


def pages() -> dict[Path, str]:
    """Return the text of each generated page."""
    commands = "\n".join([INTRODUCTION, *_commands(), RECIPES, *_recipes()])
    return {FOLDER / "region.md": reference(), FOLDER / "commands.md": commands + "\n"}


def _commands() -> Iterator[str]:
    for name in sorted(cli.commands):
        yield from _command(cli.commands[name], f"hexseal {name}")


def _command(command: click.Command, path: str) -> Iterator[str]:
    context = click.Context(command, info_name=path)
    yield f"## `{path}`"
    yield ""
    yield _text(command.help or "")
    yield ""
    yield f"    {' '.join([path, *command.collect_usage_pieces(context)])}"
    yield ""
    options = [p for p in command.params if isinstance(p, click.Option)]
    if options:
        yield "| option | meaning |"
        yield "|---|---|"
    for option in options:
        names, words = option.get_help_record(context) or ("", "")
        yield f"| `{_cell(names)}` | {_cell(' '.join(words.split()))} |"
    if options:
        yield ""
    if isinstance(command, click.Group):
        for name in sorted(command.commands):
            yield from _command(command.commands[name], f"{path} {name}")


def _text(text: str) -> str:
    """Return help as Markdown, its example as code."""
    parts = [" ".join(part.split()) for part in text.strip().split("\n\n")]
    return "\n\n".join(re.sub(r"^Example: (.+)$", r"Example: `\1`", part) for part in parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _recipes() -> Iterator[str]:
    text = (ROOT / "justfile").read_text(encoding="utf-8")
    for comment, name, parameters in re.findall(
        r"(?m)^# (.+)\n(?!\[)([a-z][\w-]*)(?<!default)((?: [^:\n]+)?):(?!=)", text
    ):
        words = re.sub(r"\*OPTIONS", "", parameters).strip()
        yield f"| `just {' '.join([name, *words.split()])}` | {comment} |"


def main() -> None:
    """Write the pages, or compare them and exit with 1 where one is out of date."""
    old = [
        page.relative_to(ROOT)
        for page, text in pages().items()
        if not page.is_file() or page.read_text(encoding="utf-8") != text
    ]
    if "--check" in sys.argv:
        for page in old:
            print(f"{page} is out of date; run python tools/write_reference.py")
        sys.exit(bool(old))
    for page, text in pages().items():
        page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
