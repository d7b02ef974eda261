"""A local web server for a finished site: HTTP Range, gzip for text, on 127.0.0.1 only."""

import gzip
import http.server
import os
import re
import sys
import threading
from email.utils import formatdate
from functools import lru_cache, partial
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from hexseal.errors import InputError, OutputError

RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})$")
# Names under which a browser reaches this server; any other was made to lead here (DNS rebinding).
HOST = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)
TYPES = {
    ".pmtiles": "application/octet-stream",
    ".parquet": "application/vnd.apache.parquet",
    ".js": "text/javascript",
    ".jsonld": "application/ld+json",
    ".csv.gz": "application/gzip",
}
TEXTS = frozenset(
    {".cff", ".css", ".csv", ".html", ".js", ".json", ".jsonld", ".md", ".svg", ".txt", ".xml"}
)
LEAST_PACKED, MOST_PACKED = 1000, 64_000_000
# The most seconds for sending a request, and between two bytes of an answer that is read.
REQUEST_SECONDS = 30.0


def make_server(
    site: Path, port: int, *, seconds: float = REQUEST_SECONDS
) -> http.server.ThreadingHTTPServer:
    """Return a server of the folder ``site``; port 0 takes a free one.

    A request has to arrive within ``seconds``. Raises InputError when the folder holds no site and
    OutputError when the port is taken.
    """
    if not (site / "index.html").is_file():
        raise InputError(f"{site}: holds no index.html; name the folder that hexseal build wrote")
    handler = type("Handler", (RangeHandler,), {"timeout": seconds})
    try:
        return SiteServer(("127.0.0.1", port), partial(handler, directory=str(site.resolve())))
    except OSError as err:
        raise OutputError(
            f"port {port}: cannot be opened ({err.strerror}); choose another with --port"
        ) from err


class SiteServer(http.server.ThreadingHTTPServer):
    """A server that ignores a client leaving in the middle of a response."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Report what is not a broken connection, as the base class does."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class RangeHandler(http.server.SimpleHTTPRequestHandler):
    """Serve files, packed where they are text, or one byte range (RFC 9110, sections 13 and 14)."""

    protocol_version = "HTTP/1.1"
    extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | TYPES

    def handle_one_request(self) -> None:
        """Handle a request that arrives in time; a trickle of bytes ends the connection."""
        self._late = threading.Timer(self.timeout or REQUEST_SECONDS, self._give_up)
        self._late.daemon = True
        self._late.start()
        try:
            super().handle_one_request()
        finally:
            self._late.cancel()

    def parse_request(self) -> bool:
        """Read the request's head, and refuse it where it names another host."""
        is_read = super().parse_request()
        self._late.cancel()
        if not is_read:
            return False
        host = self.headers.get("Host")
        if host is None and self.request_version < "HTTP/1.1":
            return True
        if host is None or not HOST.fullmatch(host.strip()):
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST, "This server answers to localhost only")
            return False
        return True

    def _give_up(self) -> None:
        self.close_connection = True
        try:
            self.connection.shutdown(2)
        except OSError:
            return

    def send_head(self) -> BytesIO | BinaryIO | None:
        """Answer with a file, its range or 304; a folder is answered by its index.html."""
        path = self._file()
        if path is None:
            self.send_error(HTTPStatus.NOT_FOUND, "No such file")
            return None
        stat = path.stat()
        tag = f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"'
        date = formatdate(stat.st_mtime, usegmt=True)
        wanted = RANGE.match(self.headers.get("Range", ""))
        if wanted is not None and wanted.groups() != ("", ""):
            condition = self.headers.get("If-Range")
            if condition is None or condition in (tag, date):
                return self._part(
                    path, stat.st_size, wanted, [("ETag", tag), ("Last-Modified", date)]
                )
        packed = None
        if (
            self._takes_gzip()
            and path.suffix in TEXTS
            and LEAST_PACKED < stat.st_size < MOST_PACKED
        ):
            packed = _packed(str(path), stat.st_mtime_ns, stat.st_size)
            tag = f'{tag[:-1]}-gzip"'
        if tag in self.headers.get("If-None-Match", ""):
            self._start(HTTPStatus.NOT_MODIFIED, [("ETag", tag)])
            return None
        length = len(packed) if packed is not None else stat.st_size
        headers = [("Content-Type", self.guess_type(str(path))), ("Content-Length", str(length))]
        if packed is not None:
            headers.append(("Content-Encoding", "gzip"))
        if path.suffix in TEXTS:
            headers.append(("Vary", "Accept-Encoding"))
        self._start(HTTPStatus.OK, [*headers, ("ETag", tag), ("Last-Modified", date)])
        return BytesIO(packed) if packed is not None else path.open("rb")

    def _file(self) -> Path | None:
        """Return the requested file of the site, None where there is none."""
        root = Path(self.directory)
        try:
            path = Path(self.translate_path(self.path))
            path = (path / "index.html" if path.is_dir() else path).resolve()
            return path if path.is_relative_to(root) and path.is_file() else None
        except (OSError, ValueError):
            # Names with NUL, too long, or of no encoding.
            return None

    def _takes_gzip(self) -> bool:
        given = self.headers.get("Accept-Encoding", "").replace(" ", "").lower().split(",")
        return any(part == "gzip" or part.startswith("gzip;q=") for part in given) and not any(
            re.fullmatch(r"gzip;q=0(?:\.0*)?", part) for part in given
        )

    def _part(
        self, path: Path, size: int, wanted: re.Match[str], headers: list[tuple[str, str]]
    ) -> BinaryIO | None:
        start, stop = _span(wanted[1], wanted[2], size)
        if start >= stop:
            refused = [("Content-Range", f"bytes */{size}"), ("Content-Length", "0")]
            self._start(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, refused)
            return None
        self._start(
            HTTPStatus.PARTIAL_CONTENT,
            [
                ("Content-Type", self.guess_type(str(path))),
                ("Content-Range", f"bytes {start}-{stop - 1}/{size}"),
                ("Content-Length", str(stop - start)),
                *headers,
            ],
        )
        return _Part(path, start, stop)

    def _start(self, status: HTTPStatus, headers: list[tuple[str, str]]) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def end_headers(self) -> None:
        """Advertise byte ranges and disable MIME sniffing in every response."""
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Write no log; the command line prints the address."""


class _Part(BytesIO):
    """The bytes of a file from ``start`` to before ``stop``, read as they are sent."""

    def __init__(self, path: Path, start: int, stop: int) -> None:
        super().__init__()
        self._stream, self._left = path.open("rb"), stop - start
        self._stream.seek(start)

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next bytes, none where the part has ended."""
        most = self._left if size is None or size < 0 else min(size, self._left)
        content = self._stream.read(most)
        self._left -= len(content)
        return content

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        super().close()


@lru_cache(maxsize=64)
def _packed(path: str, changed: int, size: int) -> bytes:
    """Return a text file packed by gzip; ``changed`` and ``size`` are those of its content."""
    return gzip.compress(Path(path).read_bytes(), 6, mtime=0)


def _span(first: str, last: str, size: int) -> tuple[int, int]:
    """Return the half-open byte span of a Range header's two numbers.

    >>> _span("2", "5", 10), _span("2", "", 10), _span("", "3", 10), _span("12", "", 10)
    ((2, 6), (2, 10), (7, 10), (12, 10))
    """
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1) if last else size


def site_address(server: http.server.ThreadingHTTPServer) -> str:
    """Return the address that a browser opens."""
    host, port = server.server_address[:2]
    return f"http://{os.fsdecode(host) if isinstance(host, bytes) else host}:{port}/"
