"""Reading a region once: processor time by part, workers, and memory by width, in one run.

    .venv/bin/python bench/units.py

Ratios are of processor time to that of decoding both files, so that other work on the machine
matters little; elapsed time is given beside them.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

from delta import decode_both, region_of
from landscape import write_pair

from hexseal.change.stage import judge_region
from hexseal.change.survey import count_region, survey_census
from hexseal.check.census import Census
from hexseal.check.stage import check_region
from hexseal.execution import Execution
from hexseal.region.load import Region

SCATTERED = 0.1
WIDE = ((10_000, 4_000), (20_000, 4_000), (40_000, 4_000))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()) / "hexseal-bench"
    )
    parser.add_argument("--size", type=int, default=10_000)
    parser.add_argument("--run", nargs=5, help="internal: WIDTH HEIGHT RESOLUTION WORKERS DENSE")
    arguments = parser.parse_args()
    if arguments.run:
        print(json.dumps(measure(arguments.folder, *map(int, arguments.run))))
        return
    for resolution, workers in ((8, 1), (8, 2), (9, 1)):
        show(run(arguments.folder, arguments.size, arguments.size, resolution, workers))
    for width, height in WIDE:
        show(run(arguments.folder, width, height, 8, 2))
    print("10 % of all pixels changed, each by itself:")
    show(run(arguments.folder, arguments.size, arguments.size, 8, 1, scattered=True))


def run(
    folder: Path,
    width: int,
    height: int,
    resolution: int,
    workers: int,
    *,
    scattered: bool = False,
) -> dict[str, float]:
    """Measure in a process of its own."""
    pair_of(folder, width, height, scattered=scattered)
    command = [sys.executable, __file__, "--folder", str(folder), "--run"]
    command += [str(number) for number in (width, height, resolution, workers, int(scattered))]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def pair_of(folder: Path, width: int, height: int, *, scattered: bool) -> tuple[Path, Path]:
    """Write a pair, or one that differs in a tenth of all pixels, each by itself."""
    tall = None if width == height else height
    return write_pair(folder, width, height=tall, scattered=SCATTERED if scattered else None)


def measure(
    folder: Path, width: int, height: int, resolution: int, workers: int, scattered: int
) -> dict[str, float]:
    """Check, count and judge a pair that nothing is known of."""
    pair = pair_of(folder, width, height, scattered=bool(scattered))
    region, work = region_of(folder, pair, resolution), folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    small = region_of(folder, write_pair(folder, 1_000), resolution)
    check_region(small, compare=False)
    count_region(small, work, execution=Execution(1))
    judge_region(small, work, execution=Execution(1))
    decode_both(pair)
    found: dict[str, float] = {
        "width": width, "height": height, "resolution": resolution, "workers": workers,
    }  # fmt: skip
    execution = Execution(workers)

    def survey(known: Region) -> Census:
        return survey_census(known, work, execution=execution)

    parts: tuple[tuple[str, Callable[[], object]], ...] = (
        ("decode", lambda: decode_both(pair)),
        ("check", lambda: check_region(region, compare=False, survey=survey)),
        ("delta", lambda: count_region(region, work, execution=execution)),
        ("change", lambda: judge_region(region, work, execution=execution)),
    )
    for name, part in parts:
        started, used = time.perf_counter(), processor_seconds()
        part()
        found[f"{name}_s"] = time.perf_counter() - started
        found[f"{name}_cpu_s"] = processor_seconds() - used
    peak = max(getrusage(who).ru_maxrss for who in (RUSAGE_SELF, RUSAGE_CHILDREN))
    return found | {"peak_mib": peak / 1024}


def processor_seconds() -> float:
    """Return the processor time of this process and of those that have ended."""
    return sum(sum(getrusage(who)[:2]) for who in (RUSAGE_SELF, RUSAGE_CHILDREN))


def show(found: dict[str, float]) -> None:
    """Print one line: ratios to decoding, seconds, memory of the largest process that reads."""
    decode = found["decode_cpu_s"]
    parts = [
        f"{name} {found[f'{name}_cpu_s'] / decode:.1f}" for name in ("check", "delta", "change")
    ]
    elapsed = sum(found[f"{name}_s"] for name in ("check", "delta", "change"))
    print(
        f"{found['width']:.0f} x {found['height']:.0f}, r{found['resolution']:.0f}, "
        f"{found['workers']:.0f} worker(s): decoding {decode:.2f} s processor; in its units "
        f"{', '.join(parts)}; elapsed {elapsed:.1f} s "
        f"against decoding {found['decode_s']:.1f} s; peak {found['peak_mib']:.0f} MiB",
        flush=True,
    )


if __name__ == "__main__":
    main()
