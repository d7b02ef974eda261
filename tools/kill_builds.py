"""Kill builds at random moments and check that the site is whole, as it was before or after.

    python tools/kill_builds.py --kills 200 --seed 1

A simulated region of 6 x 6 km is built once under each of two titles. Then builds that alternate
between the titles are killed (SIGKILL): three in four after a random time within verifying and
publishing, the others at any moment of the build. After each kill, before anything recovers, the
site must be there and every byte of it must be that of one of the two builds.
"""

import argparse
import contextlib
import multiprocessing
import os
import queue
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from hexseal.build import BuildSettings, Reporter, build_site
from hexseal.datasets.documents import NAME
from hexseal.verify.documents import check_checksums, digests_of

REGION = """
[region]
id = "killed"
title = "{title}"
[simulation]
folder = "inputs"
size_km = [6, 6]
seed = 3
[hexagons]
finest = 9
coarsest = 7
[[epoch]]
year = 2018
landcover = "inputs/clcplus_2018.tif"
[[epoch]]
year = 2021
landcover = "inputs/clcplus_2021.tif"
"""
TITLES = ("first", "second")
FINE = ("before", "after", "ended before the kill")


def build(region: Path, site: Path, reached: "multiprocessing.Queue[str]") -> None:
    """Build and report each stage as it ends; `pages` is followed by verifying and publishing."""
    # A session of its own: a kill takes its helpers too, and no terminal can stop it.
    os.setsid()
    build_site(
        region, BuildSettings(site, 1), Reporter(log=lambda line: reached.put(line.split()[0]))
    )
    reached.put("published")


def run(region: Path, site: Path, wait: float | None, after: str) -> tuple[str, bool, float]:
    """Build in a process that is killed `wait` seconds after a stage.

    Returns its last stage, whether it was killed before it ended by itself, and how many seconds
    it ran after its pages were written.
    """
    context = multiprocessing.get_context("fork")
    reached = context.Queue()
    child = context.Process(target=build, args=(region, site, reached))
    child.start()
    last, paged = "start", time.monotonic()
    deadline = time.monotonic() + wait if wait is not None and after == "start" else None
    while child.is_alive():
        with contextlib.suppress(queue.Empty):
            last = reached.get(timeout=0.005)
            paged = time.monotonic() if last == "pages" else paged
        if wait is not None and last == after and deadline is None:
            deadline = time.monotonic() + wait
        if deadline is not None and time.monotonic() >= deadline:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            break
    child.join()
    return last, child.exitcode == -signal.SIGKILL, time.monotonic() - paged


def state(site: Path, whole: dict[str, str]) -> str:
    """Return which build the site is, or what is wrong with it."""
    if not (site / NAME).is_file():
        return "ABSENT"
    problems = check_checksums(site, digests_of(site))
    if problems:
        return f"BROKEN {problems[0]}"
    return whole.get((site / NAME).read_text(encoding="utf-8"), "UNKNOWN")


def kill(kills: int, seed: int, folder: Path) -> Counter:
    """Return how often the site was that of the first or second build, or was broken."""
    random_, counts, site = random.Random(seed), Counter(), folder / "site"
    whole, seconds = {}, {}
    for title in TITLES:
        region = folder / f"{title}.toml"
        region.write_text(REGION.format(title=title), encoding="utf-8")
        for after in ("first run", "second run"):
            started = time.monotonic()
            seconds["pages"] = run(region, site, None, after)[2]
            assert not check_checksums(site, digests_of(site))
            seconds["start"] = time.monotonic() - started
        whole[(site / NAME).read_text(encoding="utf-8")] = title
    print(
        f"a build takes {seconds['start']:.1f} s, {seconds['pages']:.1f} s of it after the pages",
        flush=True,
    )
    number = 0
    while number < kills:
        before = state(site, whole)
        title = TITLES[before == TITLES[0]]
        after = "start" if number % 4 == 0 else "pages"
        wait = random_.uniform(0, seconds[after])
        last, is_killed, _ = run(folder / f"{title}.toml", site, wait, after)
        found = state(site, whole)
        if not is_killed:
            counts[after, "ended before the kill"] += 1
            continue
        number += 1
        if number % 10 == 0:
            print(f"{number} kills: {dict(counts)}", flush=True)
        counts[after, "before" if found == before else "after" if found == title else found] += 1
        if found not in TITLES:
            print(f"kill {number} after {last}: {found}")
    return counts


def main() -> None:
    """Print the counts; exit with 1 where a site was not whole."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hexseal-kills-") as folder:
        counts = kill(given.kills, given.seed, Path(folder))
    for (after, found), count in sorted(counts.items()):
        print(f"killed within {after}: {count} {found}")
    sys.exit(1 if any(found not in FINE for _, found in counts) else 0)


if __name__ == "__main__":
    main()
