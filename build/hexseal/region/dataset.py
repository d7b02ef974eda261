"""The [dataset] table of a region file: who publishes which version, and what besides the usual."""

import re
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

from hexseal.errors import RegionError
from hexseal.region.toml import TableReader, usual

SEMANTIC_VERSION = re.compile(r"(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)")
# The part of RFC 5322 that people use: no quotes, no comments.
EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=^_`{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}")
ADDRESS = re.compile(r"https?://[^\s/]+(?:/\S*)?")


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence by its name, SPDX identifier where it has one, and its address."""

    name: str
    address: str
    spdx: str | None = None


# SPDX identifiers that a region file may name; any other licence is named by its address.
LICENCES = {
    spdx: Licence(name, f"https://creativecommons.org/{path}/", spdx)
    for spdx, name, path in (
        ("CC0-1.0", "CC0 1.0 Universal", "publicdomain/zero/1.0"),
        ("CC-BY-4.0", "Creative Commons Attribution 4.0", "licenses/by/4.0"),
        ("CC-BY-SA-4.0", "Creative Commons Attribution-ShareAlike 4.0", "licenses/by-sa/4.0"),
    )
}


@dataclass(frozen=True, slots=True)
class DatasetChange:
    """What a version of the dataset brought."""

    version: str
    day: date
    text: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """How the downloads are published.

    ``address`` is where the site will stand, with a slash at its end; metadata then hold whole
    addresses. ``split_by`` names layers of areas: the finest hexagons come once more, one file
    per area. ``rasters`` publishes the maps of forward years.
    """

    version: str = "1.0.0"
    changes: tuple[DatasetChange, ...] = ()
    publisher: str | None = None
    contact: str | None = None
    address: str | None = None
    licence: Licence | None = None
    split_by: tuple[str, ...] = ()
    rasters: bool = False


def read_dataset(reader: TableReader, layers: tuple[str, ...]) -> Dataset:
    """Take the keys of [dataset]; ``layers`` are those that it may split by."""
    changes = tuple(_change(child) for child in reader.children("changes"))
    version = reader.text("version", changes[-1].version if changes else usual(Dataset, "version"))
    _check_version(reader.name("version"), version)
    if changes and changes[-1].version != version:
        raise RegionError(
            f"{reader.name('version')} = {version!r}, but the last of [[dataset.changes]] is of "
            f"{changes[-1].version!r}: add what {version} changes"
        )
    dataset = Dataset(
        version=version,
        changes=changes,
        publisher=reader.take("publisher", str, None),
        contact=_contact(reader),
        address=_address(reader),
        licence=_licence(reader),
        split_by=_split_by(reader, layers),
        rasters=reader.take("rasters", bool, usual(Dataset, "rasters")),
    )
    reader.done()
    return dataset


def _change(reader: TableReader) -> DatasetChange:
    version = reader.text("version")
    _check_version(reader.name("version"), version)
    day = reader.take("date", object)
    if not isinstance(day, date):
        try:
            day = date.fromisoformat(str(day))
        except ValueError as err:
            raise RegionError(f"{reader.name('date')} = {day!r}: give a day as YYYY-MM-DD") from err
    change = DatasetChange(version, day, reader.text("text"))
    reader.done()
    return change


def _check_version(key: str, version: str) -> None:
    if not SEMANTIC_VERSION.fullmatch(version):
        raise RegionError(f"{key} = {version!r}: give three numbers, such as 1.0.0")


def _contact(reader: TableReader) -> str | None:
    contact = reader.take("contact", str, None)
    if contact is not None and not EMAIL.fullmatch(contact):
        raise RegionError(
            f"{reader.name('contact')} = {contact!r}: give an e-mail address, such as "
            "data@example.org"
        )
    return contact


def _address(reader: TableReader) -> str | None:
    address = reader.take("address", str, None)
    if address is None:
        return None
    if not ADDRESS.fullmatch(address) or not _is_folder(address):
        raise RegionError(
            f"{reader.name('address')} = {address!r}: give the http(s) address of the site's folder"
        )
    return address.rstrip("/") + "/"


def _is_folder(address: str) -> bool:
    """Return whether an address names a folder of a host, without user, query or fragment."""
    try:
        parts = urlsplit(address)
        return (
            bool(parts.hostname)
            and "@" not in parts.netloc
            and parts.port != 0
            and not (set(address) & set("?#<>\"'\\{}|^`"))
        )
    except ValueError:
        return False


def _licence(reader: TableReader) -> Licence | None:
    given = reader.take("licence", str, None)
    if given is None:
        return None
    if given in LICENCES:
        return LICENCES[given]
    if ADDRESS.fullmatch(given):
        return Licence(given, given)
    raise RegionError(
        f"{reader.name('licence')} = {given!r}: give {', '.join(LICENCES)} or an http(s) address"
    )


def _split_by(reader: TableReader, layers: tuple[str, ...]) -> tuple[str, ...]:
    value = reader.take("split_by", object, [])
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or len(set(map(str, names))) < len(names):
        raise RegionError(f"{reader.name('split_by')} = {value!r}: give layers of [[areas]], once")
    for name in names:
        if name not in layers:
            known = ", ".join(layers) or "none is given"
            raise RegionError(
                f"{reader.name('split_by')} = {name!r} is no layer of [[areas]] ({known})"
            )
    return tuple(names)
