"""CLC+ Backbone from the CLMS portal: find the data set, order a cut, wait for it, download it.

https://eea.github.io/clms-api-docs/download.html. The task of an order is kept beside the files,
so that a fetch that was stopped resumes waiting instead of ordering twice.
"""

import base64
import json
import re
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from hexseal.errors import FetchError
from hexseal.fetch.addresses import onward, public, redacted
from hexseal.fetch.web import (
    Query,
    RefusalError,
    Table,
    Web,
    as_list,
    as_numbers,
    as_table,
    as_tables,
    as_text,
)
from hexseal.progress import Log
from hexseal.region.fetch import CLMS_KEY, CLMS_TOKEN, FetchClcplus, Secrets
from hexseal.storage.files import write_bytes
from hexseal.types import Box

FINISHED = "finished_ok"
RUNNING = ("queued", "in_progress", "preparing")
# Looks into the list of requests after an order that was answered without a task.
LIST_TRIES = 3
# Every other status is waited for: the description does not list them all.
FAILED = frozenset(
    {"finished_nok", "finished_ko", "cancelled", "canceled", "rejected", "failed", "error", ""}
)
MOST_PAGES, PAGE = 40, 50
# A finished order may still be refused for some minutes.
DOWNLOAD_TRIES = 10
NOT_THE_MAP = re.compile(r"conf|rascl|dsl|rasdl|post|raspl|vector", re.IGNORECASE)
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
VALID_SECONDS = 3600
HOW = (
    f"make a service key at land.copernicus.eu (profile, API tokens), save it outside the "
    f"project and name the file in the environment variable {CLMS_KEY}"
)


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """A service key as the portal hands it out once; its private part is never shown."""

    client: str
    user: str
    token_address: str
    private: RSAPrivateKey = field(repr=False)

    def grant(self, now: float) -> str:
        """Return the signed grant that is valid for an hour from ``now`` (seconds since 1970)."""
        claims = {
            "iss": self.client, "sub": self.user, "aud": self.token_address,
            "iat": int(now), "exp": int(now) + VALID_SECONDS,
        }  # fmt: skip
        signed = ".".join(map(_encoded, (_json({"alg": "RS256", "typ": "JWT"}), _json(claims))))
        signature = self.private.sign(signed.encode(), PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_encoded(signature)}"


def read_key(path: Path) -> ServiceKey:
    """Read a service key; raise FetchError that never holds its content."""
    try:
        table = as_table(json.loads(path.read_text(encoding="utf-8")))
        private = load_pem_private_key(as_text(table.get("private_key")).encode(), password=None)
    except OSError as err:
        raise FetchError(f"{path} ({CLMS_KEY}): cannot be read ({err.strerror}); {HOW}") from err
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The cause may quote the key, so it is left out.
        raise FetchError(f"{path} ({CLMS_KEY}): is no service key of CLMS; {HOW}") from None
    names = [as_text(table.get(name)) for name in ("client_id", "user_id", "token_uri")]
    if not isinstance(private, RSAPrivateKey) or not all(names):
        raise FetchError(f"{path} ({CLMS_KEY}): lacks client_id, user_id or token_uri; {HOW}")
    return ServiceKey(names[0], names[1], names[2], private)


class Access:
    """Access to the portal: a token that is requested when needed, and again when it has ended."""

    def __init__(
        self, web: Web, api: str, secrets: Secrets, *, clock: Callable[[], float] = time.time
    ) -> None:
        self.web, self.api, self.secrets, self.clock = web, api, secrets, clock
        self._token: str | None = None

    def token(self, *, again: bool = False) -> str:
        """Return an access token; raise FetchError where the environment holds no key."""
        if self._token is None or again:
            self._token = self._ask()
        return self._token

    @property
    def can_renew(self) -> bool:
        """Return whether a token that has ended can be replaced."""
        return self.secrets.key_file is not None

    def _ask(self) -> str:
        if self.secrets.key_file is None:
            if self.secrets.token is not None:
                return self.secrets.token
            raise FetchError(f"{self.api}: needs a login; {HOW} (or a token in {CLMS_TOKEN})")
        key = read_key(self.secrets.key_file)
        address = onward(key.token_address, self.api)
        fields = {"grant_type": GRANT, "assertion": key.grant(self.clock())}
        answer = as_table(self.web.json(Query.form(address, fields, origin=self.api)))
        token = as_text(answer.get("access_token"))
        if not token:
            raise FetchError(f"{public(address)}: gave no access token; {HOW}")
        return token


def _json(content: dict[str, object]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Order:
    """What is ordered: ids of data set and file, and a box west, south, east, north in degrees."""

    dataset: str
    file: str
    box: Box

    def request(self) -> dict[str, object]:
        """Return the body of the request; the portal takes west, north, east, south."""
        west, south, east, north = (round(edge, 6) for edge in self.box)
        cut = {
            "DatasetID": self.dataset,
            "DatasetDownloadInformationID": self.file,
            "OutputFormat": "Geotiff",
            "OutputGCS": "EPSG:3035",
            "BoundingBox": [west, north, east, south],
        }
        return {"Datasets": [cut]}

    def is_in(self, cut: Table) -> bool:
        """Return whether a data set of the portal's list of requests is that of the order."""
        west, south, east, north = self.box
        box = as_numbers(cut.get("BoundingBox"), 4) or ()
        wanted = (west, north, east, south)
        return (
            cut.get("DatasetID") == self.dataset
            and cut.get("DatasetDownloadInformationID") in (None, self.file)
            and len(box) == len(wanted)
            and all(abs(a - b) < 1e-5 for a, b in zip(box, wanted, strict=True))
        )


class Portal:
    """The portal's interface at ``settings.api``."""

    def __init__(self, web: Web, settings: FetchClcplus, access: Access, log: Log) -> None:
        self.web, self.settings, self.access, self.log = web, settings, access, log

    def find(self, year: int) -> tuple[str, str]:
        """Return the ids of data set and file of a year's map: given, known, or searched for."""
        given = (self.settings.datasets or {}).get(year) or self.settings.known.get(year)
        return given if given is not None else self.search(year)

    def may_be_old(self, year: int) -> bool:
        """Return whether a year's ids are known, not given, so that they may have changed."""
        return year in self.settings.known and year not in (self.settings.datasets or {})

    def search(self, year: int) -> tuple[str, str]:
        """Return the ids of data set and file of a year's map as the portal's search lists them."""
        wanted = re.compile(rf"CLC\s*\+?\s*(?:plus)?\s*Backbone\s*{year}\b", re.IGNORECASE)
        found: list[Table] = []
        # How the portal cuts "CLC+Backbone" into words is its own affair: without a word it is
        # found among all data sets.
        for query in ({"SearchableText": "Backbone"}, {}):
            if not found:
                found = [item for item in self._datasets(query) if _is_named(item, wanted)]
        if len(found) != 1:
            titles = "; ".join(as_text(item.get("title")) for item in found) or "none"
            raise FetchError(
                f"{self.settings.api}: {len(found)} data sets look like CLC+ Backbone {year} "
                f"({titles}); name the one in [fetch.clcplus] datasets = "
                f'{{ {year} = ["UID", "download information id"] }}'
            )
        return as_text(found[0].get("UID")), self._file(found[0], year)

    def _file(self, dataset: Table, year: int) -> str:
        """Return the id of the file that is the map, not one of its masks."""
        files = as_tables(as_table(dataset.get("dataset_download_information")).get("items"))
        answered = {as_text(file.get("@id")): _words(file) for file in files}
        kept = [key for key, words in answered.items() if key and _is_map(words)]
        if len(kept) != 1:
            listed = "; ".join(f"{key} ({words})" for key, words in answered.items()) or "none"
            raise FetchError(
                f"{self.settings.api}: of CLC+ Backbone {year} {len(kept)} files look like the "
                f"map ({listed}); name it in [fetch.clcplus] datasets = "
                f'{{ {year} = ["{as_text(dataset.get("UID"))}", "id"] }}'
            )
        return kept[0]

    def _datasets(self, query: dict[str, str]) -> Iterator[Table]:
        fields = [("metadata_fields", "UID"), ("metadata_fields", "dataset_download_information")]
        fields = [("portal_type", "DataSet"), *query.items(), *fields, ("b_size", str(PAGE))]
        address = f"{self.settings.api}/@search?{urlencode(fields)}"
        origin = ""
        for _ in range(MOST_PAGES):
            answer = as_table(self.web.json(Query(address, origin=origin)))
            yield from as_tables(answer.get("items"))
            following = as_text(as_table(answer.get("batching")).get("next"))
            if not following:
                return
            address = onward(following, self.settings.api)
            origin = self.settings.api

    def deliver(self, order: Order, note: Path, archive: Path) -> str:
        """Order (or resume the order in ``note``), wait, download; return the address."""
        task = _noted(note, order)
        if task is None:
            # The note of an earlier fetch may be lost while the portal still works on its order.
            task = self._listed(order, RUNNING) or self._place(order)
            write_bytes(note, json.dumps({"order": order.request(), "task": task}).encode())
        address = self._wait(task, note)
        self._download(address, archive)
        note.unlink(missing_ok=True)
        return address

    def _place(self, order: Order) -> str:
        """Place an order and return its task.

        Orders of data kept elsewhere are answered without a task although they run, and a running
        order is refused a second time: both then stand in the portal's list of requests.
        """
        try:
            answer = as_table(self._authorised("@datarequest_post", order.request()))
        except RefusalError as err:
            task = self._listed(order, RUNNING) if err.status == 400 else None
            if task is None:
                raise
            return task
        tasks = [as_text(task.get("TaskID")) for task in as_tables(answer.get("TaskIds"))]
        task = as_text(answer.get("TaskID")) or "".join(tasks[:1])
        for left in reversed(range(LIST_TRIES)):
            if task or as_list(answer.get("ErrorTaskIds")):
                break
            task = self._listed(order, (*RUNNING, FINISHED)) or ""
            if not task and left:
                self.web.pause(self.settings.poll_seconds)
        if not task:
            raise FetchError(
                f"{self.settings.api}: took no order and answered "
                f"{redacted(json.dumps(answer))[:160]}"
            )
        return task

    def _listed(self, order: Order, statuses: Collection[str]) -> str | None:
        """Return the newest task of an order in the portal's list of requests, None without one."""
        try:
            answer = as_table(self._authorised("@datarequest_search"))
        except RefusalError:
            # Portals without the list answer 404; then nothing is known.
            return None
        found = [
            (as_text(request.get("RegistrationDateTime")), task)
            for task, request in answer.items()
            if as_text(as_table(request).get("Status")).lower() in statuses
            for request in [as_table(request)]
            if any(order.is_in(cut) for cut in as_tables(request.get("Datasets")))
        ]
        return max(found)[1] if found else None

    def _wait(self, task: str, note: Path) -> str:
        """Return the address of a finished task's archive."""
        waited, most = 0.0, self.settings.wait_minutes * 60.0
        while True:
            query = urlencode({"TaskID": task})
            answer = as_table(self._authorised(f"@datarequest_status_get?{query}"))
            status = as_text(answer.get("Status"))
            if status.lower() == FINISHED:
                return self._address(answer, task)
            if status.lower() in FAILED:
                note.unlink(missing_ok=True)
                message = as_text(answer.get("Message")) or json.dumps(answer)[:160]
                raise FetchError(
                    f"{self.settings.api}: task {task} ended as {status or 'unknown'} ({message}); "
                    "fetch again to order again"
                )
            if waited >= most:
                raise FetchError(
                    f"{self.settings.api}: task {task} is {status} after {waited / 60:.0f} "
                    "minutes; fetch again later, it goes on with this task"
                )
            self.log(f"task {task} at the CLMS portal is {status}")
            self.web.pause(self.settings.poll_seconds)
            waited += self.settings.poll_seconds

    def _address(self, answer: Table, task: str) -> str:
        answered = answer.get("DownloadURL")
        address = as_text(answered) or "".join(as_text(part) for part in as_list(answered)[:1])
        if not address:
            raise FetchError(f"{self.settings.api}: task {task} is finished without an address")
        return onward(address, self.settings.api)

    def _download(self, address: str, archive: Path) -> None:
        # The archive lies on another host, which gets no token.
        for left in reversed(range(DOWNLOAD_TRIES)):
            try:
                self.web.download(Query(address, origin=self.settings.api), archive)
            except RefusalError as err:
                if err.status not in (403, 404) or not left:
                    raise
                self.log(f"{public(address)} is not ready yet (HTTP {err.status})")
                self.web.pause(self.settings.poll_seconds)
            else:
                return

    def _authorised(self, path: str, body: object = None) -> object:
        """Request with a token; where that has expired, once more with a new one."""
        address = f"{self.settings.api}/{path}"
        for again in (False, True):
            token = self.access.token(again=again)
            query = Query(address, token=token)
            if body is not None:
                query = Query.json(address, body, token=token)
            try:
                return self.web.json(query)
            except RefusalError as err:
                if err.status != 401 or again or not self.access.can_renew:
                    raise
        raise AssertionError("unreachable")


def _is_named(dataset: Table, wanted: re.Pattern[str]) -> bool:
    title = as_text(dataset.get("title"))
    return wanted.search(title) is not None and _is_map(title)


def _is_map(words: str) -> bool:
    return NOT_THE_MAP.search(words) is None


def _words(file: Table) -> str:
    answered = (as_text(file.get(key)) for key in ("name", "collection", "layers", "full_format"))
    return " ".join(filter(None, answered))


def _noted(note: Path, order: Order) -> str | None:
    """Return the task of the same order that an earlier fetch has placed."""
    try:
        answered = as_table(json.loads(note.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None
    return (
        as_text(answered.get("task")) or None if answered.get("order") == order.request() else None
    )
