"""Addresses that answers of services name: which are followed, and how messages show them."""

import ipaddress
from urllib.parse import urlsplit

from hexseal.errors import FetchError


def public(address: str) -> str:
    """Return an address without its query, which may hold a signature.

    >>> public("https://example.org/a.tif?sig=secret")
    'https://example.org/a.tif'
    """
    return address.split("?", 1)[0]


def onward(address: str, origin: str, *, schemes: tuple[str, ...] = ("http", "https")) -> str:
    """Return an address that an answer of ``origin`` named; raise FetchError where it is unsafe.

    A service may not send us to files, to machines of a private network that it does not stand
    in itself, or from https back to http.
    """
    parts, source = urlsplit(address), urlsplit(origin)
    if parts.scheme not in schemes or not parts.hostname or parts.username is not None:
        fault = "is no address to follow"
    elif any(ord(letter) < 33 for letter in address):
        fault = "holds blanks or control characters"
    elif (parts.scheme, source.scheme) == ("http", "https"):
        fault = "leaves https"
    elif parts.scheme != "s3" and _is_private(parts.hostname) and not _is_private(source.hostname):
        fault = "points into a private network"
    else:
        return address
    raise FetchError(
        f"{public(origin)}: sent us to {public(address)!r}, which {fault}; it is not followed"
    )


def _is_private(host: str | None) -> bool:
    name = (host or "").rstrip(".").lower()
    try:
        return not ipaddress.ip_address(name).is_global
    except ValueError:
        return name in ("", "localhost") or name.endswith((".localhost", ".local", ".internal"))
