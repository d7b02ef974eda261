"""Interrupt commands (SIGINT) at random moments: each must end with 130 and one line.

    python tools/interrupt_commands.py --times 120 --seed 1

A small region is checked, or built as far as a stage, in a process of its own; every third time
with an empty cache of compiled code, so that numba compiles. A random time after the command has
taken its handlers, SIGINT is sent. Fine is: exit code 130, one line on standard error that begins
with "error:", no traceback, no "Exception ignored", no file with a temporary name, and every
Parquet and JSON file of the work folder whole.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from sites import write_region

COMMANDS = {
    "check": ("check", "{region}"),
    "delta": ("build", "{region}", "--until", "delta", "--fresh", "--out", "{site}"),
    "change": ("build", "{region}", "--until", "change", "--fresh", "--out", "{site}"),
    "statistics": ("build", "{region}", "--until", "statistics", "--fresh", "--out", "{site}"),
    "datasets": ("build", "{region}", "--fresh", "--out", "{site}"),
}
# So long a process may take to install its handlers.
STARTING = 120.0
INTERRUPTED = 130
ALLOWED = ("ended before the signal", "130 and one line")


def start(name: str, folder: Path, cache: Path) -> subprocess.Popen[str]:
    """Start a command with a cache of compiled code."""
    places = {"region": folder / "toy.toml", "site": folder / "site"}
    words = [word.format(**places) for word in COMMANDS[name]]
    return subprocess.Popen(
        [sys.executable, "-m", "hexseal", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NUMBA_CACHE_DIR": str(cache)},
    )


def wait_for_handlers(process: subprocess.Popen[str]) -> None:
    """Wait until a process catches SIGTERM, which Python by itself does not."""
    deadline = time.monotonic() + STARTING
    while process.poll() is None and time.monotonic() < deadline:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        except OSError:
            return
        caught = next(line.split()[1] for line in status.splitlines() if line[:7] == "SigCgt:")
        if int(caught, 16) >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.02)


def fault(process: subprocess.Popen[str], out: str, err: str, folder: Path) -> str:
    """Return what is wrong about how a command ended, or one of ALLOWED."""
    lines = err.strip().splitlines()
    if process.returncode == 0:
        return "ended before the signal"
    for words in ("Traceback", "Exception ignored"):
        if words in out + err:
            return words
    if process.returncode != INTERRUPTED:
        return f"exit code {process.returncode}"
    if [line[:6] for line in lines] != ["error:"]:
        return f"{len(lines)} lines on standard error"
    return broken(folder) or "130 and one line"


def broken(folder: Path) -> str:
    """Return which file was left half-written or under a temporary name, or nothing."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        if ".partial" in path.name or path.suffix == ".tmp":
            return f"left {path.name}"
        try:
            if path.suffix == ".parquet":
                pq.ParquetFile(path).close()
            elif path.suffix == ".json" and "work" in path.parts:
                json.loads(path.read_text(encoding="utf-8"))
        except (pa.ArrowException, OSError, ValueError):
            return f"broken {path.name}"
    return ""


def interrupt(times: int, seed: int, folder: Path) -> Counter:
    """Return how often each command ended in which way."""
    random_, counts = random.Random(seed), Counter()
    write_region(folder)
    warm, cold = folder / "compiled", folder / "empty"
    seconds: dict[tuple[str, bool], float] = {}
    for number in range(times):
        name = list(COMMANDS)[number % len(COMMANDS)]
        is_cold = number % 3 == 0
        if is_cold:
            shutil.rmtree(cold, ignore_errors=True)
        if (name, is_cold) not in seconds:
            seconds[name, is_cold] = duration(name, folder, cold if is_cold else warm)
            shutil.rmtree(cold, ignore_errors=True)
        process = start(name, folder, cold if is_cold else warm)
        wait_for_handlers(process)
        time.sleep(random_.uniform(0.0, seconds[name, is_cold]))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=600)
        found = fault(process, out, err, folder)
        counts[name, found] += 1
        if found not in ALLOWED:
            print(f"{name}, {'cold' if is_cold else 'warm'}: {found}\n{out[-300:]}\n{err[-2000:]}")
        if number % 10 == 9:
            print(f"{number + 1} times: {dict(counts)}", flush=True)
    return counts


def duration(name: str, folder: Path, cache: Path) -> float:
    """Return how many seconds a command takes that nothing interrupts."""
    process = start(name, folder, cache)
    wait_for_handlers(process)
    started = time.monotonic()
    _, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    return time.monotonic() - started


def main() -> None:
    """Print the counts; exit with 1 where a command ended in another way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hexseal-interrupts-") as folder:
        counts = interrupt(given.times, given.seed, Path(folder))
    for (name, found), count in sorted(counts.items()):
        print(f"{name}: {count} {found}")
    sys.exit(1 if any(found not in ALLOWED for _, found in counts) else 0)


if __name__ == "__main__":
    main()
