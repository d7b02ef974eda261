"""Damage region files, input files and answers of services; every failure must be one line.

    python tools/fuzz_inputs.py regions --count 1000 --seed 1
    python tools/fuzz_inputs.py files --count 200 --seed 1
    python tools/fuzz_inputs.py builds --count 200 --seed 1
    python tools/fuzz_inputs.py replies --count 100 --seed 1

A trial passes where the command succeeds, or fails with one line of at most 300 characters. With
`builds` whatever passes the checks is built too, and the site must hold the very sums that rasterio
reads in the damaged maps.
"""

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pyarrow.parquet as pq
import pyogrio.raw
import rasterio
import shapely
from rasterio.transform import from_origin

from hexseal.build import BuildSettings, build_site
from hexseal.check.stage import check_region
from hexseal.errors import HexsealError
from hexseal.fetch import Means, fetch_region
from hexseal.fetch.web import Web
from hexseal.progress import Reporter
from hexseal.region.fetch import SERVICES, Secrets
from hexseal.region.load import load_region

LONGEST = 293
WEST, NORTH, SIDE = 4_030_000, 2_940_000, 40
REGION = """
[region]
id = "fuzzed"
title = {{ en = "Fuzzed", fr = "Brouillé" }}
window = [{west}, {south}, {east}, {north}]
[product]
name = "clcplus"
[[epoch]]
year = 2018
landcover = "lc_2018.tif"
reference_period = ["2017-07-01", "2019-06-30"]
[[epoch]]
year = 2021
landcover = "lc_2021.tif"
source = "CLC+ 2021"
[hexagons]
finest = 9
coarsest = 7
[[areas]]
layer = "zone"
path = "zones.geojson"
id = "code"
name = "name"
population = {{ 2018 = "people", 2021 = "people" }}
[noise]
level = 0.2
minimum_patch = 2
[accuracy.2018]
users = 0.9
producers = 0.8
[accuracy.2021]
users = 0.9
producers = 0.8
[dataset]
version = "1.1.0"
contact = "data@example.org"
address = "https://example.org/site/"
split_by = ["zone"]
[[dataset.changes]]
version = "1.1.0"
date = 2024-01-01
text = "First."
[fetch]
bbox = [{west}, {south}, {east}, {north}]
[fetch.clcplus]
years = [2018, 2021]
[fetch.sentinel2]
years = [2021]
catalogue = "http://127.0.0.1:{port}/stac"
[[fetch.boundaries]]
layer = "communes"
address = "http://127.0.0.1:{port}/communes.geojson"
"""
SERVERS = """
[clcplus]
image_servers = ["http://127.0.0.1:{port}/{{year}}/ImageServer"]
"""
# Values that people and programs write where something else is wanted.
VALUES = (
    '""', '" "', "0", "-1", "1e308", "inf", "nan", "true", "[]", "{}", "2018-01-01", '"a"',
    '"\\u0000"', '"\\n"', f'"{"x" * 5000}"', f'"{"../" * 900}"', "9" * 30, "9" * 5000, '"é\\u202e"',
    '["a", 1, []]', f"{'[' * 60}{']' * 60}", f"{'[' * 5000}{']' * 5000}", '"/dev/zero"', '"."',
    '"http://[::1"', '"https://user:word@x/"', '"file:///etc/passwd"', "07:32:00", "0x1f", "[[1]]",
)  # fmt: skip


def write_inputs(folder: Path) -> None:
    """Write two maps and a polygon file of 400 x 400 m."""
    codes = np.full((SIDE, SIDE), 6, np.uint8)
    for year, sealed in ((2018, 8), (2021, 10)):
        codes[5:20, 5 : 5 + sealed] = 1
        with rasterio.open(
            folder / f"lc_{year}.tif", "w", driver="GTiff", width=SIDE, height=SIDE, count=1,
            dtype="uint8", crs="EPSG:3035", transform=from_origin(WEST, NORTH, 10, 10),
            compress="deflate",
        ) as file:  # fmt: skip
            file.write(codes, 1)
    shapes = [shapely.box(WEST + x, NORTH - 400, WEST + x + 200, NORTH) for x in (0, 200)]
    pyogrio.raw.write(
        folder / "zones.geojson", geometry=shapely.to_wkb(shapes),
        field_data=[np.array(["a", "b"]), np.array(["A", "B"]), np.array([10.0, 20.0])],
        fields=["code", "name", "people"], geometry_type="Polygon", crs="EPSG:3035",
        driver="GeoJSON",
    )  # fmt: skip


def region_text(port: int = 9) -> str:
    """Return the region file of the inputs."""
    edges = {"west": WEST, "south": NORTH - 400, "east": WEST + 400, "north": NORTH}
    return REGION.format(port=port, **edges)


def mutated(text: str, random_: random.Random) -> str:
    """Return a region file with one to three things wrong."""
    lines = text.splitlines()
    for _ in range(random_.randint(1, 3)):
        place = random_.randrange(len(lines))
        kind = random_.choice(("value", "value", "value", "drop", "twice", "key", "bytes", "table"))
        if kind == "value" and " = " in lines[place]:
            lines[place] = f"{lines[place].split(' = ')[0]} = {random_.choice(VALUES)}"
        elif kind == "drop" and len(lines) > 1:
            del lines[place]
        elif kind == "twice":
            lines.insert(place, lines[random_.randrange(len(lines))])
        elif kind == "key" and " = " in lines[place]:
            lines[place] = f"{random_.choice(('unknown', '年', 'a.b'))} = {random_.choice(VALUES)}"
        elif kind == "table":
            lines.insert(place, f"[{random_.choice(('region', 'epoch', 'x', 'a.b.c', ''))}]")
        else:
            line = list(lines[place])
            line.insert(random_.randint(0, len(line)), random_.choice('"[]{}=#\\\x00\x7f\u2028é,.'))
            lines[place] = "".join(line)
    return "\n".join(lines)


def damaged(content: bytes, random_: random.Random) -> bytes:
    """Return a file that was cut, overwritten in part, emptied, or replaced by something else."""
    kind = random_.choice(("flip", "flip", "cut", "noise", "empty", "zeros", "text", "twice"))
    place = random_.randrange(len(content))
    if kind == "flip":
        changed = bytearray(content)
        for _ in range(random_.randint(1, 8)):
            changed[random_.randrange(len(changed))] ^= 1 << random_.randrange(8)
        return bytes(changed)
    others = {
        "cut": content[:place],
        "noise": content[:place] + random_.randbytes(100) + content[place + 100 :],
        "empty": b"",
        "zeros": bytes(len(content)),
        "text": random_.choice(
            (b"<html>expired</html>", b"{" * 20_000, b"[" * 200_000, b"\xff" * 99)
        ),
        "twice": content + content,
    }
    return others[kind]


def outcome(run: Callable[[], object]) -> str:
    """Return "ok", "refused" (also by a report of errors), or FAILED with its traceback printed."""
    try:
        done = run()
    except HexsealError as err:
        line = " ".join(str(err).split())
        # The command line cuts longer ones; the middle of these would be lost.
        return "refused" if len(line) <= LONGEST else "refused, line cut to 300"
    except Exception:  # noqa: BLE001 (a failure is what is looked for)
        traceback.print_exc()
        return "FAILED"
    return "refused" if getattr(done, "errors", ()) else "ok"


def fuzz_regions(count: int, seed: int, folder: Path) -> Counter:
    """Load and check mutated region files."""
    random_, counts = random.Random(seed), Counter()
    write_inputs(folder)
    path, text = folder / "region.toml", region_text()
    path.write_text(text, encoding="utf-8")
    assert not check_region(load_region(path)).errors
    for _ in range(count):
        path.write_text(mutated(text, random_), encoding="utf-8", errors="surrogatepass")
        found = outcome(lambda: check_region(load_region(path)))
        counts[found] += 1
        if found == "FAILED":
            print(path.read_text(encoding="utf-8"))
    return counts


def fuzz_builds(count: int, seed: int, folder: Path) -> Counter:
    """Check damaged rasters and area files, and build what passes."""
    return fuzz_files(count, seed, folder, builds=True)


def fuzz_files(count: int, seed: int, folder: Path, *, builds: bool = False) -> Counter:
    """Check and count damaged rasters and area files."""
    random_, counts = random.Random(seed), Counter()
    whole, copy = folder / "whole", folder / "copy"
    whole.mkdir()
    write_inputs(whole)
    (whole / "region.toml").write_text(region_text(), encoding="utf-8")
    names = ("lc_2018.tif", "lc_2021.tif", "zones.geojson")
    for number in range(count):
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(whole, copy)
        name = names[number % len(names)]
        (copy / name).write_bytes(damaged((whole / name).read_bytes(), random_))
        found = outcome(lambda: check_region(load_region(copy / "region.toml")))
        if found == "ok" and builds:
            found = f"{built(copy)} by the build"
        counts[name, found] += 1
        if number % 10 == 9 and builds:
            print(f"{number + 1}: {dict(counts)}", flush=True)
        if "FAILED" in found:
            shutil.copy(copy / name, Path(tempfile.gettempdir()) / f"failed-{number}-{name}")
    return counts


def built(folder: Path) -> str:
    """Build the region; return "right", "refused", or FAILED where sums differ or it breaks."""
    region, settings = folder / "region.toml", BuildSettings(folder / "site", 1)
    found = outcome(lambda: build_site(region, settings, Reporter()))
    if found != "ok":
        return found
    areas = pq.read_table(folder / "work/fuzzed/areas.parquet").to_pylist()
    whole = next(row for row in areas if row["layer"] == "region")
    maps = []
    for year in (2018, 2021):
        with rasterio.open(folder / f"lc_{year}.tif") as file:
            maps.append(file.read(1, masked=True).filled(255))
    valid = np.logical_and.reduce([(codes >= 1) & (codes <= 11) for codes in maps])
    sums = [int(valid.sum()), *(int((valid & (codes == 1)).sum()) for codes in maps)]
    names = ("valid_pixels", "sealed_pixels_2018", "sealed_pixels_2021")
    if [whole[name] for name in names] == sums:
        return "right"
    print(f"{sums} instead of {[whole[name] for name in names]}")
    return "FAILED"


Reply = tuple[int, dict[str, str], bytes]


@contextmanager
def imitation(reply: Callable[[str], Reply]) -> Iterator[int]:
    """Run a server on this machine that answers every request by ``reply``; give its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, headers, body = reply(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def fuzz_replies(count: int, seed: int, folder: Path) -> Counter:
    """Fetch a region from services whose answers are wrong in one of many ways."""
    random_, counts = random.Random(seed), Counter()
    write_inputs(folder)
    areas, piece = (folder / "zones.geojson").read_bytes(), (folder / "lc_2018.tif").read_bytes()
    links = [{"rel": "next", "href": "file:///etc/passwd"}]
    item = {"id": "a", "properties": {}, "assets": {"blue": {"href": "http://10.0.0.1/a.tif"}}}
    pages = [
        json.dumps({"features": features, "links": links}).encode()
        for features in ([], [item], [{}], [None], [{"id": 5, "assets": [], "bbox": ["a"]}])
    ]

    def wrong(path: str) -> Reply:
        good = areas if "geojson" in path else random_.choice(pages) if "stac" in path else piece
        body = random_.choice((good, damaged(good, random_), damaged(good, random_)))
        status = random_.choice((200, 200, 200, 200, 204, 301, 302, 401, 404, 429, 500, 999))
        headers = {
            "Content-Length": random_.choice((str(len(body)),) * 4 + ("0", "²", "-1", "9" * 5000)),
            "Retry-After": random_.choice(("1", "²", "-5", "soon", "9" * 400)),
            "Location": random_.choice(
                ("/", "file:///etc/passwd", "http://0x7f000001:1/", "http://[", "//", "http://10.1")
            ),
        }
        encoded = {key: value.encode().decode("latin-1") for key, value in headers.items()}
        return status, encoded, body

    with ExitStack() as stack:
        port = stack.enter_context(imitation(wrong))
        services, path = folder / "services.toml", folder / "region.toml"
        services.write_text(SERVERS.format(port=port), encoding="utf-8")
        stack.enter_context(patch.dict(os.environ, {SERVICES: str(services)}))
        path.write_text(region_text(port), encoding="utf-8")
        web = Web(pause=lambda seconds: None, tries=2)
        means = Means(web, Secrets(), Reporter().stage)
        for _ in range(count):
            shutil.rmtree(folder.parent / "inputs", ignore_errors=True)
            counts[outcome(lambda: fetch_region(load_region(path), means, fresh=True))] += 1
    return counts


KINDS = {
    "regions": fuzz_regions,
    "files": fuzz_files,
    "builds": fuzz_builds,
    "replies": fuzz_replies,
}


def fuzz(kind: str, count: int, seed: int) -> Counter:
    """Return how many trials of a kind had which outcome."""
    with tempfile.TemporaryDirectory(prefix="hexseal-fuzz-") as folder:
        inner = Path(folder) / "a"
        inner.mkdir()
        return KINDS[kind](count, seed, inner)


def main() -> None:
    """Print the counts; exit with 1 where a trial failed in another way than by one line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    counts = fuzz(given.kind, given.count, given.seed)
    for found, number in sorted(counts.items(), key=str):
        print(f"{given.kind}: {number} {found}")
    sys.exit(1 if any("FAILED" in str(found) for found in counts) else 0)


if __name__ == "__main__":
    main()
