"""What was fetched from where: fetched.json beside the files, without times, so that it repeats."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from hexseal.fetch.answers import Table, as_table
from hexseal.storage.files import sha256, write_bytes

NAME = "fetched.json"


@dataclass(frozen=True, slots=True)
class Source:
    """What a file came from: a public address, and what was asked there."""

    address: str
    details: Table

    def to_json(self) -> Table:
        """Return the source as JSON."""
        return {"address": self.address, **self.details}


class Record:
    """The files that a folder's earlier fetches have made."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        try:
            content = as_table(json.loads(self.path.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            content = {}
        self.files = {name: as_table(file) for name, file in as_table(content.get("files")).items()}

    def knows(self, name: str) -> bool:
        """Return whether a file was fetched, and is not the user's own."""
        return name in self.files

    def source_of(self, name: str, digest: str) -> str | None:
        """Return the public address that a file of this SHA-256 was fetched from, if it was."""
        entry = self.files.get(name, {})
        source = entry.get("source")
        if entry.get("sha256") != digest or not isinstance(source, dict):
            return None
        address = source.get("address")
        return address if isinstance(address, str) else None

    def is_current(self, name: str, keys: Collection[str]) -> bool:
        """Return whether a file lies there as it was fetched for one of the requests."""
        entry, path = self.files.get(name, {}), self.path.with_name(name)
        if entry.get("key") not in keys or not path.is_file():
            return False
        return entry.get("bytes") == path.stat().st_size and entry.get("sha256") == sha256(path)

    def add(self, name: str, key: str, source: Source) -> None:
        """Write down a file that has just been made."""
        path = self.path.with_name(name)
        self.files[name] = {
            "bytes": path.stat().st_size,
            "key": key,
            "sha256": sha256(path),
            "source": source.to_json(),
        }
        content = {"files": self.files, "made_by": "hexseal fetch"}
        text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        write_bytes(self.path, text.encode())
