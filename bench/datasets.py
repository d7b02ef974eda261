"""Sizes of a site's datasets, and what a spatial query of one of them reads over http.

    python bench/datasets.py [SITE] [--rows 500000]

First every file of SITE/data with its bytes per hexagon, beside the same rows as DuckDB writes
them by itself (COPY ... TO, zstd). Then a GeoParquet file of so many cells, written as hexseal
writes it and as DuckDB would in the order of h3, behind a local server that counts bytes: DuckDB
asks for the cells of a box that holds 1 % of them by lon and lat, pyarrow by the
covering bbox as geopandas does.
"""

import argparse
import io
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path

import duckdb
import duckdb_extensions
import h3
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from h3.api import basic_int

from hexseal.datasets.geoparquet import BOX, EDGES, ROWS_IN_GROUP, cells_of, write_geoparquet
from hexseal.pages.serve import RangeHandler
from hexseal.storage.database import statement

CENTER = (49.8, 6.1)
RESOLUTION = 9
SHARE = 0.01


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("site", nargs="?", type=Path, default=Path("site"))
    parser.add_argument("--rows", type=int, default=500_000)
    options = parser.parse_args()
    if (options.site / "data").is_dir():
        sizes(options.site)
    with tempfile.TemporaryDirectory() as folder:
        pruning(Path(folder), options.rows)


def sizes(site: Path) -> None:
    """Print every file of a site's data with bytes per row, and what DuckDB alone makes of it."""
    files = sorted(path for path in (site / "data").rglob("*") if path.is_file())
    whole = sum(path.stat().st_size for path in files)
    print(f"{site}/data: {len(files)} files, {whole / 1e6:.2f} MB")
    print(f"{'file':56}{'rows':>9}{'bytes':>11}{'a row':>8}{'plain DuckDB':>14}")
    with tempfile.TemporaryDirectory() as folder:
        for path in files:
            if path.parent.name == "data" and path.suffix == ".parquet":
                rows = pq.ParquetFile(path).metadata.num_rows
                plain = plain_export(path, Path(folder) / "plain.parquet")
                size = path.stat().st_size
                each = size / max(rows, 1)
                print(
                    f"{path.name:56}{rows:>9,}{size:>11,}{each:>8.0f}{plain / max(rows, 1):>14.0f}"
                )
    groups: dict[str, tuple[int, int]] = {}
    for path in files:
        inside = path.relative_to(site / "data")
        kind = inside.parts[0] if len(inside.parts) > 1 else "".join(path.suffixes)
        count, size = groups.get(kind, (0, 0))
        groups[kind] = count + 1, size + path.stat().st_size
    for kind, (count, size) in sorted(groups.items()):
        print(f"  {kind:54}{count:>9,}{size:>11,}")


def plain_export(path: Path, target: Path) -> int:
    """Return the bytes of the same table, outlines as WKB, as DuckDB writes it without options."""
    with duckdb.connect() as database:
        names = {row[0] for row in database.execute(f"DESCRIBE FROM '{path}'").fetchall()}
        drop = "EXCLUDE (bbox)" if "bbox" in names else ""
        database.execute(f"COPY (SELECT * {drop} FROM '{path}') TO '{target}' (FORMAT parquet)")
    return target.stat().st_size


def pruning(folder: Path, count: int) -> None:
    """Print the share of a file's bytes that a box with 1 % of its cells reads."""
    table = made_table(count)
    hilbert, plain = folder / "hilbert.parquet", folder / "by_index.parquet"
    with duckdb.connect() as database:
        duckdb_extensions.import_extension("spatial", con=database)
        database.load_extension("spatial")
        database.register("dataset", table)
        ordered = database.sql(statement("dataset_spatial"))
        write_geoparquet(ordered.to_arrow_reader(ROWS_IN_GROUP), hilbert, cells_of, {})
    pq.write_table(pq.read_table(hilbert).sort_by("h3"), plain, compression="zstd")
    low, high = box_of(table)
    with counting_server(folder) as (address, sent):
        for reader, ask in (("DuckDB", query), ("pyarrow", query_covering)):
            for columns in (("h3", "land_m2", "sealed_m2"), ()):
                for path in (hilbert, plain) if reader == "DuckDB" else (hilbert,):
                    sent.clear()
                    rows = ask(f"{address}{path.name}", columns, low, high)
                    read, size = sum(sent), path.stat().st_size
                    print(
                        f"{reader:11}{path.name:20}{len(columns) or 'all'!s:>4} columns"
                        f"{rows:>8,} of {count:,} rows: {len(sent)} requests, "
                        f"{read:,} of {size:,} bytes = {100 * read / size:.2f} %"
                    )


def made_table(count: int) -> pa.Table:
    """Return cells around a place with figures of many digits, as a region has."""
    rings = int(np.ceil((np.sqrt(12 * count - 3) - 3) / 6))
    disk = h3.grid_disk(h3.latlng_to_cell(*CENTER, RESOLUTION), rings)[:count]
    cells = sorted(map(h3.str_to_int, disk))
    lat, lon = np.array([basic_int.cell_to_latlng(cell) for cell in cells]).T
    random = np.random.default_rng(1)
    land = np.round(random.uniform(6e4, 1.1e5, len(cells)), -2)
    figures = {f"figure_{n}": np.round(random.gamma(0.3, 5e3, len(cells)), 4) for n in range(20)}
    return pa.table(
        {
            "h3": pa.array(cells, pa.uint64()),
            "lat": lat,
            "lon": lon,
            "land_m2": land,
            "sealed_m2": np.round(land * random.beta(0.4, 4, len(cells)), -2),
            **figures,
        }
    )


def box_of(table: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """Return the corners (lon, lat) of a box off the middle that holds 1 % of the cells."""
    lonlat = np.column_stack([table["lon"].to_numpy(), table["lat"].to_numpy()])
    middle = lonlat.mean(axis=0) + np.array([0.11, -0.07])
    far = np.abs((lonlat - middle) * [np.cos(np.radians(CENTER[0])), 1.0]).max(axis=1)
    half = np.quantile(far, SHARE)
    reach = np.array([half / np.cos(np.radians(CENTER[0])), half])
    return middle - reach, middle + reach


def query(address: str, columns: tuple[str, ...], low: np.ndarray, high: np.ndarray) -> int:
    """Ask for the cells of a box as the data page shows it; a new connection has no cache."""
    with duckdb.connect() as database:
        duckdb_extensions.import_extension("httpfs", con=database)
        database.load_extension("httpfs")
        return len(
            database.execute(
                f"SELECT {', '.join(columns) or '*'} FROM '{address}' "
                "WHERE lon BETWEEN $1 AND $2 AND lat BETWEEN $3 AND $4",
                [low[0], high[0], low[1], high[1]],
            ).fetchall()
        )


def query_covering(
    address: str, columns: tuple[str, ...], low: np.ndarray, high: np.ndarray
) -> int:
    """Ask for the cells whose boxes meet the box, by the fields of the covering."""
    xmin, ymin, xmax, ymax = (pc.field(BOX, edge) for edge in EDGES)
    meets = (xmin <= high[0]) & (xmax >= low[0]) & (ymin <= high[1]) & (ymax >= low[1])
    with RemoteFile(address) as file:
        return len(pq.read_table(file, columns=list(columns) or None, filters=meets))


class RemoteFile(io.RawIOBase):
    """A file behind http as Python's files are: what is read is asked for, and nothing more."""

    def __init__(self, address: str) -> None:
        self.address, self.place = address, 0
        with urllib.request.urlopen(urllib.request.Request(address, method="HEAD")) as answer:
            self.size = int(answer.headers["Content-Length"])

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.place = offset + (0, self.place, self.size)[whence]
        return self.place

    def read(self, size: int = -1, /) -> bytes:
        end = self.size if size < 0 else min(self.place + size, self.size)
        if end <= self.place:
            return b""
        span = {"Range": f"bytes={self.place}-{end - 1}"}
        with urllib.request.urlopen(urllib.request.Request(self.address, headers=span)) as answer:
            content = answer.read()
        self.place += len(content)
        return content


@contextmanager
def counting_server(folder: Path) -> Iterator[tuple[str, list[int]]]:
    """Serve a folder with Range, as hexseal serve does; give the bytes of each answer."""
    sent: list[int] = []

    class Counting(RangeHandler):
        def send_header(self, keyword: str, value: str) -> None:
            if keyword.lower() == "content-length" and self.command == "GET":
                sent.append(int(value))
            super().send_header(keyword, value)

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Counting, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/", sent
    finally:
        server.shutdown()
        server.server_close()


if __name__ == "__main__":
    main()
