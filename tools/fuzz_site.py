"""Flip bytes of a finished site and count how many flips `hexseal verify` finds.

    python tools/fuzz_site.py SITE --flips 100 --seed 1

Each flip changes one byte of one file of a copy. It must be found, without a traceback, first as
it is; then with SHA256SUMS written again, when verify may find it or not but may not fail.
"""

import argparse
import random
import shutil
import sys
import tempfile
import traceback
from collections import Counter
from pathlib import Path

from hexseal.datasets import write_checksums
from hexseal.datasets.documents import NAME, listed_files
from hexseal.errors import LONGEST_LINE
from hexseal.verify import verify_site


def flip(path: Path, random_: random.Random) -> str:
    """Change one byte of a file, cut it, or write noise over a stretch; return what was done."""
    content = bytearray(path.read_bytes())
    place = random_.randrange(len(content))
    kind = random_.choice(("byte", "byte", "byte", "cut", "noise"))
    if kind == "byte":
        content[place] ^= 1 << random_.randrange(8)
    elif kind == "cut":
        del content[place:]
    else:
        noise = random_.randbytes(min(64, len(content) - place))
        content[place : place + len(noise)] = bytes(
            old ^ (new or 1) for old, new in zip(content[place:], noise, strict=False)
        )
    path.write_bytes(content)
    return f"{kind} at {place:,}"


def problems_of(site: Path) -> tuple[str, ...]:
    """Return what verify finds; a failure of verify itself is returned as None."""
    problems = verify_site(site).problems
    assert all(len(problem) <= 2 * LONGEST_LINE and "\n" not in problem for problem in problems)
    return problems


def fuzz(site: Path, flips: int, seed: int) -> Counter:
    """Return how many flips were found, missed, or made verify fail, as it is and summed again."""
    random_, counts = random.Random(seed), Counter()
    names = [*listed_files(site), NAME]
    with tempfile.TemporaryDirectory(prefix="hexseal-fuzz-") as folder:
        copy = Path(folder) / "site"
        shutil.copytree(site, copy)
        for number in range(flips):
            # Every file once before any twice, so that small kinds of files are tried too.
            name = names[number % len(names)] if flips >= len(names) else random_.choice(names)
            original = (copy / name).read_bytes()
            what = flip(copy / name, random_) if original else "left empty"
            for mode in ("as it is", "summed again"):
                if mode == "summed again":
                    write_checksums(copy)
                try:
                    found = "found" if problems_of(copy) else "missed"
                except Exception:  # noqa: BLE001 (a failure is what is looked for)
                    found = "FAILED"
                    traceback.print_exc()
                counts[mode, found] += 1
                if found == "FAILED" or (found, mode) == ("missed", "as it is"):
                    print(f"{name}: {what}: {found} {mode}")
            (copy / name).write_bytes(original)
            write_checksums(copy)
    return counts


def main() -> None:
    """Print the counts; exit with 1 where a flip was missed or verify failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("site", type=Path)
    parser.add_argument("--flips", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    counts = fuzz(given.site, given.flips, given.seed)
    for (mode, found), count in sorted(counts.items()):
        print(f"{mode}: {count} {found}")
    wrong = counts["as it is", "missed"] + sum(counts[m, "FAILED"] for m, _ in counts)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
