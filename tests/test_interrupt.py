"""Ctrl-C while numba compiles: kept until it can be obeyed."""

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

PROGRAM = """
    import sys, time
    import click
    from hexseal.cli import console

    def within(module):
        # A function whose globals name the module, as one of its own would.
        source = (
            "def wait(seconds):\\n print('ready', flush=True)\\n end = clock() + seconds\\n"
            " while clock() < end: pass\\n print('whole', flush=True)\\n"
        )
        names = {"__name__": module, "clock": time.monotonic}
        exec(source, names)
        return names["wait"]

    def work():
        within(module)(1.0)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            pass

    module = sys.argv.pop()
    console.run(click.Command("work", callback=work), interrupted="stopped")
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers that signal here")
@pytest.mark.parametrize(
    ("module", "printed"), [("llvmlite.binding.ffi", "whole\n"), ("numba", "whole\n"), ("my", "")]
)
def test_ctrl_c_waits_for_the_compiler(module: str, printed: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), module],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == printed
    assert err.strip() == "error: stopped"


AT_THE_END = """
    import atexit, time
    import click
    from hexseal.cli import console

    def away():
        print("ended", flush=True)
        time.sleep(1.0)

    atexit.register(away)
    console.run(click.Command("work", callback=lambda: None), interrupted="stopped")
"""


def test_ctrl_c_after_the_end_changes_nothing() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(AT_THE_END)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ended\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")


IN_A_TEXT = """
    import click
    from hexseal.cli import console

    def work():
        exec("import time\\nprint('ready', flush=True)\\ntime.sleep(20)")

    console.run(click.Command("work", callback=work), interrupted="stopped")
"""


def test_ctrl_c_in_code_that_was_a_text_ends_as_anywhere_else(tmp_path: Path) -> None:
    (tmp_path / "interrupted.py").write_text(textwrap.dedent(IN_A_TEXT))
    process = subprocess.Popen(
        [sys.executable, "-m", "interrupted"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err.strip()) == (130, "error: stopped")


PENDING_AT_THE_END = """
    import atexit, signal, time
    import click
    from hexseal.cli import console

    names = {"__name__": "numba", "signal": signal}
    exec("def last():\\n signal.raise_signal(signal.SIGINT)\\n", names)
    atexit.register(time.sleep, 0.5)
    console.run(click.Command("work", callback=names["last"]), interrupted="stopped")
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers that signal here")
def test_a_kept_ctrl_c_does_not_kill_a_command_that_is_done() -> None:
    command = [sys.executable, "-c", textwrap.dedent(PENDING_AT_THE_END)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
