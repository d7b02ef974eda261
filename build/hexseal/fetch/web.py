"""Requests over http(s): repeated after passing faults, never trusting where an answer points.

Every failure is one line: what was requested, of which address, what came back, what to do. Queries
of addresses may hold signatures, so messages show addresses without them; tokens travel in one
header only, which redirects to another host lose. Size and time of every answer are limited.
"""

import http.client
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, TypeVar
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from hexseal import __version__
from hexseal.errors import FetchError
from hexseal.fetch.addresses import checked_connect, is_private_host, onward, public, redacted
from hexseal.progress import Log, no_log
from hexseal.storage.files import whole_file

PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
TIMEOUT_SECONDS = 60.0
TRIES, FIRST_PAUSE, LONGEST_PAUSE = 5, 1.0, 120.0
LARGEST_JSON = 64 * 1024 * 1024
CHUNK = 1 << 20
CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,15})-([0-9]{1,15})/([0-9]{1,15})")
NUMBER = re.compile(r"[0-9]{1,15}")
T = TypeVar("T")
SHOWN = 160
Table = dict[str, object]


@dataclass(frozen=True, slots=True)
class Limits:
    """The most bytes of an answer, and the most seconds that it may take, all tries together."""

    size: int
    seconds: float


JSON_LIMITS = Limits(LARGEST_JSON, 600.0)
# 300 x 300 km of CLC+ with its masks, over a slow line.
FILE_LIMITS = Limits(20_000_000_000, 6 * 3600.0)


@dataclass(frozen=True, slots=True)
class Query:
    """One request; ``body`` makes it a POST. ``token`` is sent as a bearer token, never shown.

    ``origin`` is the service whose answer named the address, empty where the user named it: only
    the user, and services of a private network, lead into a private network. ``span`` are the
    first byte wanted and the one after the last.
    """

    address: str
    body: bytes | None = None
    kind: str = "application/json"
    token: str | None = field(default=None, repr=False)
    origin: str = ""
    span: tuple[int, int] | None = None

    @classmethod
    def json(
        cls, address: str, content: object, *, token: str | None = None, origin: str = ""
    ) -> "Query":
        """Return a POST of a JSON value."""
        return cls(address, json.dumps(content).encode(), token=token, origin=origin)

    @classmethod
    def form(cls, address: str, fields: Mapping[str, str], *, origin: str = "") -> "Query":
        """Return a POST of a form."""
        kind = "application/x-www-form-urlencoded"
        return cls(address, urlencode(fields).encode(), kind, origin=origin)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return what no message may show, should the answer echo it."""
        queries = [urlsplit(self.address).query]
        if self.kind != "application/json" and self.body is not None:
            queries.append(self.body.decode("utf-8", "replace"))
        values = [value for query in queries for _, value in parse_qsl(query)]
        return (*(value for value in values if len(value) > 7), self.token or "")


class _Request(urllib.request.Request):
    """A request with whether it may lead into a private network, and whether it did."""

    private = True
    is_inside = False

    def connect_by(self) -> Callable[..., object]:
        """Return what opens its connection; a proxy is the user's own and resolves by itself."""
        is_proxied = self.has_proxy() or getattr(self, "_tunnel_host", None)
        return checked_connect(self.full_url, self._saw, private=self.private or bool(is_proxied))

    def _saw(self, is_inside: bool) -> None:
        self.is_inside = is_inside


class _Connection(http.client.HTTPConnection):
    def __init__(self, *given: object, connect: Callable[..., object], **named: object) -> None:
        super().__init__(*given, **named)  # type: ignore[arg-type]
        self._create_connection = connect


class _SecureConnection(http.client.HTTPSConnection):
    def __init__(self, *given: object, connect: Callable[..., object], **named: object) -> None:
        super().__init__(*given, **named)  # type: ignore[arg-type]
        self._create_connection = connect


class _Http(urllib.request.HTTPHandler):
    def http_open(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, req: _Request
    ) -> http.client.HTTPResponse:
        return self.do_open(partial(_Connection, connect=req.connect_by()), req)


class _Https(urllib.request.HTTPSHandler):
    def https_open(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, req: _Request
    ) -> http.client.HTTPResponse:
        opened = partial(_SecureConnection, connect=req.connect_by())
        context = self._context  # pyright: ignore[reportAttributeAccessIssue]
        return self.do_open(opened, req, context=context)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follow redirects where ``onward`` allows it; another host gets no token."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Return the next request without the token where the host changes."""
        assert isinstance(req, _Request)
        onward(newurl, req.full_url)
        plain = super().redirect_request(req, fp, code, msg, headers, newurl)
        if plain is None:
            return None
        following = _Request(plain.full_url, plain.data, dict(plain.headers))
        following.private = req.is_inside
        if urlsplit(newurl).netloc != urlsplit(req.full_url).netloc:
            following.remove_header("Authorization")
        return following


class Web:
    """Access to services; ``pause`` waits so many seconds between two tries, ``log`` gets why."""

    def __init__(
        self,
        *,
        pause: Callable[[float], None] = time.sleep,
        tries: int = TRIES,
        log: Log = no_log,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.pause, self.tries, self.log, self.clock = pause, tries, log, clock
        self._opener = urllib.request.build_opener(_Http, _Https, _Redirects)
        # Hosts that the user named and that stood in a private network when last tried.
        self._inside: set[str] = set()

    def json(self, query: Query, *, limits: Limits = JSON_LIMITS) -> object:
        """Return the answer as JSON; raise FetchError where it is something else."""
        content = self.content(query, limits=limits)
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as err:
            raise FetchError(
                f"{public(query.address)}: answered {_start(query, content)!r}, which is not JSON "
                "(or nested too deeply); check the address"
            ) from err

    def content(self, query: Query, *, limits: Limits = JSON_LIMITS) -> bytes:
        """Return the answer; raise FetchError where it is too large or takes too long."""

        def read(answer: http.client.HTTPResponse, chunks: Iterator[bytes]) -> bytes:
            return b"".join(chunks)

        return self._tried(query, read, limits)

    def span(self, query: Query) -> tuple[bytes, int]:
        """Return the bytes of ``query.span``, cut at the file's end, and the size of the file."""
        assert query.span is not None
        start, stop = query.span

        def read(answer: http.client.HTTPResponse, chunks: Iterator[bytes]) -> tuple[bytes, int]:
            given = CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
            if answer.status != 206 or given is None or int(given[1]) != start:
                raise FetchError(
                    f"{public(query.address)}: does not serve parts of files (HTTP "
                    f"{answer.status}); download the file and name its path instead"
                )
            content = b"".join(chunks)
            if len(content) != min(stop, int(given[3])) - start:
                raise _PassingError(f"sent {len(content):,} bytes, {stop - start:,} were wanted")
            return content, int(given[3])

        return self._tried(query, read, Limits(stop - start, 600.0))

    def download(
        self,
        query: Query,
        path: Path,
        *,
        progress: Callable[[int, int], None] | None = None,
        limits: Limits = FILE_LIMITS,
    ) -> int:
        """Write the answer to a file that appears whole or not at all; return its bytes.

        ``progress`` receives the bytes read and the bytes expected (0 where unknown). A broken
        transfer starts again.
        """

        def read(answer: http.client.HTTPResponse, chunks: Iterator[bytes]) -> int:
            expected, come = _length(answer), 0
            with whole_file(path) as partial, partial.open("wb") as stream:
                for content in chunks:
                    come += stream.write(content)
                    if progress is not None:
                        progress(come, expected)
            return come

        return self._tried(query, read, limits)

    def _tried(
        self,
        query: Query,
        read: Callable[[http.client.HTTPResponse, Iterator[bytes]], T],
        limits: Limits,
    ) -> T:
        fault, wait = "", 0.0
        deadline = self.clock() + limits.seconds
        for attempt in range(self.tries):
            if attempt:
                seconds = min(max(FIRST_PAUSE * 2 ** (attempt - 1), wait), LONGEST_PAUSE)
                self.log(f"{public(query.address)}: {fault}; again in {seconds:.0f} s")
                self.pause(seconds)
            try:
                with self._opened(query) as answer:
                    return read(answer, self._chunks(query, answer, limits.size, deadline))
            except _PassingError as err:
                fault, wait = str(err), err.wait
        raise FetchError(
            f"{public(query.address)}: {fault} ({self.tries} tries); check the network, or try "
            "again later"
        )

    def _chunks(
        self, query: Query, answer: http.client.HTTPResponse, most: int, deadline: float
    ) -> Iterator[bytes]:
        """Yield an answer's content as it comes; raise where it is too much, too slow, or cut."""
        come = 0
        while content := _chunk(answer):
            come += len(content)
            if come > most:
                raise FetchError(
                    f"{public(query.address)}: sent more than {most / 1e6:,.0f} MB; not used"
                )
            if self.clock() > deadline:
                raise FetchError(
                    f"{public(query.address)}: sent {come:,} bytes and did not end in time; try "
                    "again later"
                )
            yield content
        expected = _length(answer)
        if come < expected:
            raise _PassingError(f"broke off after {come:,} of {expected:,} bytes")

    @contextmanager
    def _opened(self, query: Query) -> Iterator[http.client.HTTPResponse]:
        try:
            request = self._request(query)
            answer = self._opener.open(request, timeout=TIMEOUT_SECONDS)
        except urllib.error.HTTPError as err:
            with err:
                raise _refusal(query, err) from err
        except (OSError, http.client.HTTPException) as err:
            reason = redacted(str(getattr(err, "reason", None) or err), query.secrets)[:SHOWN]
            raise _PassingError(f"cannot be reached ({reason})") from err
        except (ValueError, OverflowError) as err:
            raise FetchError(
                f"{public(query.address)[:SHOWN]}: is not an address that can be opened"
            ) from err
        with answer:
            if not query.origin:
                host = urlsplit(query.address).netloc
                (self._inside.add if request.is_inside else self._inside.discard)(host)
            yield answer

    def _request(self, query: Query) -> _Request:
        headers = {"User-Agent": f"hexseal/{__version__}", "Accept": "*/*"}
        if query.body is not None:
            headers |= {"Content-Type": query.kind, "Accept": "application/json"}
        if query.token:
            headers["Authorization"] = f"Bearer {query.token}"
        if query.span is not None:
            headers["Range"] = f"bytes={query.span[0]}-{query.span[1] - 1}"
        if query.origin:
            onward(query.address, query.origin)
        # Letters beyond ASCII are percent-encoded; what is encoded already stays.
        _ = urlsplit(query.address).port
        address = quote(query.address, safe="%/:=&?~#+!$,;'@()*[]")
        request = _Request(address, query.body, headers)
        source = urlsplit(query.origin)
        request.private = (
            not query.origin or source.netloc in self._inside or is_private_host(source.hostname)
        )
        return request


class RefusalError(FetchError):
    """An answer that repeating the request will not change; ``status`` is its HTTP status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class _PassingError(Exception):
    """A fault that may have passed when tried again after at least ``wait`` seconds."""

    def __init__(self, message: str, wait: float = 0.0) -> None:
        super().__init__(message)
        self.wait = wait


def _refusal(query: Query, err: urllib.error.HTTPError) -> Exception:
    try:
        body = _start(query, err.read(1000))
    except (OSError, http.client.HTTPException):
        body = ""
    fault = f"answered HTTP {err.code} {str(err.reason)[:60]}" + (f": {body!r}" if body else "")
    if err.code in PASSING:
        after = err.headers.get("Retry-After", "")
        return _PassingError(fault, float(after) if NUMBER.fullmatch(after) else 0.0)
    line = f"{public(query.address)}: {fault}; check the address and your access"
    return RefusalError(line, err.code)


def _start(query: Query, content: bytes) -> str:
    return start_of(redacted(content[: 2 * SHOWN].decode("utf-8", "replace"), query.secrets))


def start_of(content: bytes | str) -> str:
    """Return the first words of an answer on one line, for a message.

    >>> start_of(b"<html>  <title>Oops</title>")
    '<html> <title>Oops</title>'
    """
    if isinstance(content, bytes):
        content = redacted(content[: 2 * SHOWN].decode("utf-8", errors="replace"))
    return " ".join(content.split())[:SHOWN]


def _length(answer: http.client.HTTPResponse) -> int:
    text = answer.headers.get("Content-Length", "")
    return int(text) if NUMBER.fullmatch(text) else 0


def _chunk(answer: http.client.HTTPResponse) -> bytes:
    try:
        # What has come, at most CHUNK: a trickle returns too, so that its time can be limited.
        return answer.read1(CHUNK)
    except (OSError, ValueError, http.client.HTTPException) as err:
        raise _PassingError(f"broke off ({err})") from err


def as_table(value: object) -> Table:
    """Return a JSON object, an empty one where the value is something else.

    >>> as_table({"a": 1}), as_table([1])
    ({'a': 1}, {})
    """
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> Sequence[object]:
    """Return a JSON array, an empty one where the value is something else."""
    return value if isinstance(value, list) else []


def as_tables(value: object) -> list[Table]:
    """Return the objects of a JSON array."""
    return [item for item in as_list(value) if isinstance(item, dict)]


def as_text(value: object) -> str:
    """Return a text or number as text, an empty one where the value is something else.

    >>> as_text("a"), as_text(5), as_text(None)
    ('a', '5', '')
    """
    if isinstance(value, str):
        return value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else ""


def as_number(value: object) -> float | None:
    """Return a number, None where the value is something else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def as_numbers(value: object, count: int) -> tuple[float, ...] | None:
    """Return an array of so many numbers, None where the value is something else."""
    numbers = [as_number(item) for item in as_list(value)]
    known = [number for number in numbers if number is not None]
    return tuple(known) if len(known) == len(numbers) == count else None
