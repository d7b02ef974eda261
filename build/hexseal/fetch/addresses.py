"""Addresses: which may be followed, which machine a name leads to, and how messages show them."""

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable
from urllib.parse import SplitResult, urlsplit

from hexseal.errors import FetchError

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
# RFC 6052: IPv4 addresses behind a translator.
NAT64 = ipaddress.ip_network("64:ff9b::/96")
HIDDEN = "..."
# What a service may echo: JSON Web Tokens, bearer tokens, and values of keys that sound secret.
SECRETS = (
    re.compile(r"eyJ[\w-]{5,}(?:\.[\w-]+)*"),
    re.compile(r"(?i)(?<=bearer )[^\s\"',;]+"),
    re.compile(
        r"(?i)(?<![a-z])(?:[a-z_-]*(?:token|secret|password|passwd|signature|assertion|api_?key"
        r"|access_?key|credential)s?|sig|pw|key)[\"']?\s*[=:]\s*[\"']?(?P<value>[^\s\"'&,;}]{3,})"
    ),
)


def public(address: str) -> str:
    """Return an address without what may be secret: its query, fragment, user and password.

    >>> public("https://me:word@example.org/a.tif?sig=secret")
    'https://example.org/a.tif'
    """
    scheme, mark, rest = re.split(r"[?#]", address, maxsplit=1)[0].partition("://")
    if not mark:
        return scheme
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def redacted(text: str, known: Iterable[str] = ()) -> str:
    """Return a text of a service with secrets hidden: those ``known``, and what looks like one.

    >>> redacted('{"access_token": "abc123", "sig=x9y8z7"}')
    '{"access_token": "...", "sig=..."}'
    """
    for secret in sorted(filter(None, known), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    for pattern in SECRETS[:2]:
        text = pattern.sub(HIDDEN, text)
    return SECRETS[2].sub(_without_value, text)


def _without_value(found: re.Match[str]) -> str:
    return found[0][: found.start("value") - found.start()] + HIDDEN


def onward(address: str, origin: str, *, schemes: tuple[str, ...] = ("http", "https")) -> str:
    """Return an address that an answer of ``origin`` named; raise FetchError where it is unsafe.

    A service may not send us to files, to machines of a private network that it does not stand
    in itself, or from https back to http. Names are not resolved here: ``Web`` checks the machine
    that it connects to.
    """
    parts, source = _split(address), urlsplit(origin)
    if parts is None or parts.scheme not in schemes or not parts.hostname or "@" in parts.netloc:
        fault = "is not an address to follow"
    elif any(ord(letter) < 33 for letter in address):
        fault = "holds blanks or control characters"
    elif (parts.scheme, source.scheme) == ("http", "https"):
        fault = "leaves https"
    elif (
        parts.scheme != "s3"
        and is_private_host(parts.hostname)
        and not is_private_host(source.hostname)
    ):
        fault = "points into a private network"
    else:
        return address
    raise FetchError(
        f"{public(origin)}: sent us to {public(address)[:120]!r}, which {fault}; it is not followed"
    )


def _split(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return None
    return parts


def is_private_host(host: str | None) -> bool:
    """Return whether a host names this machine or a private network, without resolving names."""
    name = (host or "").rstrip(".").lower()
    try:
        # Also 127.1, 0x7f000001 and digits of other scripts, as the system would read them.
        found = socket.getaddrinfo(name, None, flags=socket.AI_NUMERICHOST)
    except (OSError, ValueError):
        return name in ("", "localhost") or name.endswith((".localhost", ".local", ".internal"))
    return any(is_private_address(str(entry[4][0])) for entry in found)


def is_private_address(text: str) -> bool:
    """Return whether an IP address is not one of the public internet.

    >>> [is_private_address(a) for a in ("8.8.8.8", "10.0.0.1", "::ffff:127.0.0.1", "fe80::1%lo")]
    [False, True, True, True]
    """
    address: IPAddress = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            address = inner
    return not address.is_global or address.is_multicast


Connect = Callable[..., socket.socket]


def checked_connect(origin: str, seen: Callable[[bool], None], *, private: bool) -> Connect:
    """Return a function that connects to a name's machine, which it resolves once and checks.

    ``private`` allows machines of a private network; ``seen`` is called with whether it is one.
    """

    def connect(
        place: tuple[str, int],
        timeout: float | None = None,
        source_address: tuple[str, int] | None = None,
    ) -> socket.socket:
        host, port = place
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        machines = [str(entry[4][0]) for entry in found]
        inside = [machine for machine in machines if is_private_address(machine)]
        if inside and not private:
            raise FetchError(
                f"{public(origin)}: {host} leads to {inside[0]}, a machine of a private network; "
                "no request was sent"
            )
        seen(bool(inside))
        fault: OSError = OSError(f"{host} has no address")
        for machine in machines:
            try:
                # The machine that was checked, not the name, which may lead elsewhere by now.
                return socket.create_connection((machine, port), timeout, source_address)
            except OSError as err:
                fault = err
        raise fault

    return connect
