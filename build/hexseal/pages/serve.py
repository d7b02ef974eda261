"""A local web server for a finished site, with HTTP Range, on 127.0.0.1 only."""

import http.server
import os
import re
import sys
from functools import partial
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from hexseal.errors import InputError, OutputError

RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})$")
TYPES = {
    ".pmtiles": "application/octet-stream",
    ".parquet": "application/vnd.apache.parquet",
    ".js": "text/javascript",
    ".csv.gz": "application/gzip",
}


def make_server(site: Path, port: int) -> http.server.ThreadingHTTPServer:
    """Return a server of the folder ``site``; port 0 takes a free one.

    Raises InputError when the folder holds no site and OutputError when the port is taken.
    """
    if not (site / "index.html").is_file():
        raise InputError(f"{site}: holds no index.html; build a site first (just build)")
    handler = partial(RangeHandler, directory=str(site))
    try:
        return SiteServer(("127.0.0.1", port), handler)
    except OSError as err:
        raise OutputError(
            f"port {port}: cannot be opened ({err.strerror}); choose another with --port"
        ) from err


class SiteServer(http.server.ThreadingHTTPServer):
    """A server that says nothing when a reader leaves in the middle of an answer."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Tell of what is no broken connection, as the base class does."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class RangeHandler(http.server.SimpleHTTPRequestHandler):
    """Serve files, or the one byte range that is asked for (RFC 9110, section 14)."""

    protocol_version = "HTTP/1.1"
    extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | TYPES

    def send_head(self) -> BytesIO | BinaryIO | None:
        """Answer a Range request with the range; everything else as the base class does."""
        wanted = RANGE.match(self.headers.get("Range", ""))
        path = Path(self.translate_path(self.path))
        if wanted is None or not path.is_file() or wanted.groups() == ("", ""):
            return super().send_head()
        size = path.stat().st_size
        start, stop = _span(wanted[1], wanted[2], size)
        if start >= stop:
            self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            self.send_header("Content-Range", f"bytes */{size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        with path.open("rb") as stream:
            stream.seek(start)
            content = stream.read(stop - start)
        self.send_response(HTTPStatus.PARTIAL_CONTENT)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{size}")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        return BytesIO(content)

    def end_headers(self) -> None:
        """Say with every answer that ranges are served and that nothing may be guessed."""
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stay silent; the command line tells where the site is."""


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
