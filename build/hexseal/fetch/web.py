"""Requests over http(s): repeated after passing faults, never trusting where an answer points.

Every failure is one line: what was asked, of which address, what came back, what to do. Queries
of addresses may hold signatures, so messages show addresses without them; tokens travel in one
header only, which redirects to another host lose.
"""

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from hexseal import __version__
from hexseal.errors import FetchError
from hexseal.fetch.addresses import onward, public
from hexseal.progress import Say, mute
from hexseal.storage.files import whole_file

PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
TIMEOUT_SECONDS = 60.0
TRIES, FIRST_PAUSE, LONGEST_PAUSE = 5, 1.0, 120.0
LARGEST_JSON = 64 * 1024 * 1024
CHUNK = 1 << 20
T = TypeVar("T")
TOLD = 160


@dataclass(frozen=True, slots=True)
class Asked:
    """One request; ``body`` makes it a POST. ``token`` is sent as a bearer token, never shown."""

    address: str
    body: bytes | None = None
    kind: str = "application/json"
    token: str | None = field(default=None, repr=False)

    @classmethod
    def json(cls, address: str, content: object, *, token: str | None = None) -> "Asked":
        """Return a POST of a JSON value."""
        return cls(address, json.dumps(content).encode(), token=token)

    @classmethod
    def form(cls, address: str, fields: Mapping[str, str]) -> "Asked":
        """Return a POST of a form."""
        return cls(address, urlencode(fields).encode(), "application/x-www-form-urlencoded")


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
        onward(newurl, req.full_url)
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        if following is not None and urlsplit(newurl).netloc != urlsplit(req.full_url).netloc:
            following.remove_header("Authorization")
        return following


class Web:
    """The way to services; ``pause`` waits so many seconds between two tries, ``say`` tells why."""

    def __init__(
        self,
        *,
        pause: Callable[[float], None] = time.sleep,
        tries: int = TRIES,
        say: Say = mute,
    ) -> None:
        self.pause, self.tries, self.say = pause, tries, say
        self._opener = urllib.request.build_opener(_Redirects())

    def json(self, asked: Asked) -> object:
        """Return the answer as JSON; raise FetchError where it is something else."""

        def read(answer: http.client.HTTPResponse) -> bytes:
            content = bytearray()
            while len(content) <= LARGEST_JSON and (more := _chunk(answer)):
                content += more
            if len(content) <= LARGEST_JSON:
                _check_whole(answer, len(content))
            return bytes(content)

        content = self._tried(asked, read)
        if len(content) > LARGEST_JSON:
            raise FetchError(f"{public(asked.address)}: answered with more than 64 MB of text")
        try:
            return json.loads(content)
        except ValueError as err:
            raise FetchError(
                f"{public(asked.address)}: answered {start_of(content)!r}, which is not JSON; "
                "check the address"
            ) from err

    def download(
        self, asked: Asked, path: Path, *, told: Callable[[int, int], None] | None = None
    ) -> int:
        """Write the answer to a file that appears whole or not at all; return its bytes.

        ``told`` hears of bytes come and bytes expected (0 where unknown). A broken transfer
        starts again.
        """

        def read(answer: http.client.HTTPResponse) -> int:
            expected, come = _length(answer), 0
            with whole_file(path) as partial, partial.open("wb") as stream:
                while content := _chunk(answer):
                    come += stream.write(content)
                    if told is not None:
                        told(come, expected)
                _check_whole(answer, come)
            return come

        return self._tried(asked, read)

    def _tried(self, asked: Asked, read: Callable[[http.client.HTTPResponse], T]) -> T:
        fault, wait = "", 0.0
        for attempt in range(self.tries):
            if attempt:
                seconds = min(max(FIRST_PAUSE * 2 ** (attempt - 1), wait), LONGEST_PAUSE)
                self.say(f"{public(asked.address)}: {fault}; again in {seconds:.0f} s")
                self.pause(seconds)
            try:
                with self._opened(asked) as answer:
                    return read(answer)
            except _PassingError as err:
                fault, wait = str(err), err.wait
        raise FetchError(
            f"{public(asked.address)}: {fault} ({self.tries} tries); check the network, or try "
            "again later"
        )

    @contextmanager
    def _opened(self, asked: Asked) -> Iterator[http.client.HTTPResponse]:
        headers = {"User-Agent": f"hexseal/{__version__}", "Accept": "*/*"}
        if asked.body is not None:
            headers |= {"Content-Type": asked.kind, "Accept": "application/json"}
        if asked.token:
            headers["Authorization"] = f"Bearer {asked.token}"
        # Letters beyond ASCII are percent-encoded; what is encoded already stays.
        address = quote(asked.address, safe="%/:=&?~#+!$,;'@()*[]")
        request = urllib.request.Request(address, asked.body, headers)
        try:
            answer = self._opener.open(request, timeout=TIMEOUT_SECONDS)
        except urllib.error.HTTPError as err:
            with err:
                raise _refusal(asked, err) from err
        except (OSError, http.client.HTTPException) as err:
            reason = getattr(err, "reason", None) or err
            raise _PassingError(f"cannot be reached ({reason})") from err
        with answer:
            yield answer


class RefusalError(FetchError):
    """An answer that repeating the request will not change; ``status`` is its HTTP status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class _PassingError(Exception):
    """A fault that may have passed when asked again after at least ``wait`` seconds."""

    def __init__(self, message: str, wait: float = 0.0) -> None:
        super().__init__(message)
        self.wait = wait


def _refusal(asked: Asked, err: urllib.error.HTTPError) -> Exception:
    try:
        said = start_of(err.read(1000))
        if asked.token:
            said = said.replace(asked.token, "...")
    except (OSError, http.client.HTTPException):
        said = ""
    fault = f"answered HTTP {err.code} {err.reason}" + (f": {said!r}" if said else "")
    if err.code in PASSING:
        after = err.headers.get("Retry-After", "")
        return _PassingError(fault, float(after) if after.isdigit() else 0.0)
    line = f"{public(asked.address)}: {fault}; check the address and your access"
    return RefusalError(line, err.code)


def start_of(content: bytes) -> str:
    """Return the first words of an answer on one line, for a message.

    >>> start_of(b"<html>  <title>Oops</title>")
    '<html> <title>Oops</title>'
    """
    return " ".join(content[: 2 * TOLD].decode("utf-8", errors="replace").split())[:TOLD]


def _length(answer: http.client.HTTPResponse) -> int:
    text = answer.headers.get("Content-Length", "")
    return int(text) if text.isdigit() else 0


def _chunk(answer: http.client.HTTPResponse) -> bytes:
    try:
        return answer.read(CHUNK)
    except (OSError, http.client.HTTPException) as err:
        raise _PassingError(f"broke off ({err})") from err


def _check_whole(answer: http.client.HTTPResponse, come: int) -> None:
    expected = _length(answer)
    if come < expected:
        raise _PassingError(f"broke off after {come:,} of {expected:,} bytes")
