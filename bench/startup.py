"""CPU seconds of commands that do no work, beside importing what a build needs: ratios in one run.

python bench/startup.py [--rounds N]
"""

import argparse
import os
import statistics
import subprocess
import sys

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "hexseal --version": ["-m", "hexseal", "--version"],
    "hexseal --help": ["-m", "hexseal", "--help"],
    "hexseal build --help": ["-m", "hexseal", "build", "--help"],
    "import hexseal": ["-c", "import hexseal"],
    "import hexseal.build": ["-c", "import hexseal.build"],
}


def cpu_seconds(arguments: list[str]) -> float:
    """Return user and system seconds of one process."""
    before = os.times()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    user = after.children_user - before.children_user
    return user + after.children_system - before.children_system


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    seconds = {
        name: statistics.median(cpu_seconds(arguments) for _ in range(rounds))
        for name, arguments in COMMANDS.items()
    }
    whole = seconds["import hexseal.build"]
    for name, value in seconds.items():
        print(f"{name:<22} {value:6.3f} s  {value / whole:6.3f} of importing a build")


if __name__ == "__main__":
    main()
