"""Imitations of the services that hexseal fetch asks, on 127.0.0.1, from their descriptions.

ImageServer: Esri's Export Image. Portal: eea.github.io/clms-api-docs. Catalogue: STAC API 1.0 item
search. None of them was copied from the real service's code, and the real ones may differ.
"""

import base64
import io
import json
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import rasterio
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from rasterio.io import MemoryFile
from rasterio.windows import Window, from_bounds

LARGEST_SIDE = 4100
TOKEN = "token-that-nobody-may-see"


@dataclass(frozen=True)
class Ask:
    """A request as a service sees it."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What a service says; ``cut`` sends so many bytes only, though the header tells all."""

    body: bytes = b""
    status: int = 200
    kind: str = "application/octet-stream"
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None

    @classmethod
    def json(cls, content: object, status: int = 200) -> "Answer":
        return cls(json.dumps(content).encode(), status, "application/json")


Route = Callable[[Ask], Answer]


class Services:
    """A server with routes by the longest prefix; ``asked`` lists every request."""

    def __init__(self) -> None:
        self.routes: dict[str, Route] = {}
        self.asked: list[Ask] = []
        self.faults: dict[str, list[Answer]] = {}
        self.address = ""

    def answer(self, ask: Ask) -> Answer:
        self.asked.append(ask)
        for prefix, faults in self.faults.items():
            if ask.path.startswith(prefix) and faults:
                return faults.pop(0)
        fitting = [prefix for prefix in self.routes if ask.path.startswith(prefix)]
        if not fitting:
            return Answer(b"<html>no such page</html>", 404, "text/html")
        return self.routes[max(fitting, key=len)](ask)

    def folder(self, prefix: str, folder: Path) -> None:
        """Serve the files of a folder, also by ranges, as GDAL reads them."""

        def serve(ask: Ask) -> Answer:
            path = folder / ask.path.removeprefix(prefix).lstrip("/")
            if not path.is_file():
                return Answer(status=404)
            content, wanted = path.read_bytes(), ask.headers.get("Range", "")
            if not wanted.startswith("bytes="):
                return Answer(content)
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start, stop = int(first), min(int(last) + 1 if last else len(content), len(content))
            result = {"Content-Range": f"bytes {start}-{stop - 1}/{len(content)}"}
            return Answer(content[start:stop], 206, headers=result)

        self.routes[prefix] = serve


@contextmanager
def running() -> Iterator[Services]:
    """Run services on a free port of this machine until the block ends."""
    services = Services()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def reply(self) -> None:
            parts = urlsplit(self.path)
            query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            ask = Ask(self.command, parts.path, query, dict(self.headers.items()), body)
            answer = services.answer(ask)
            self.send_response(answer.status)
            for key, value in answer.headers.items():
                self.send_header(key, value)
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(answer.body)))
            self.send_header("Accept-Ranges", "bytes")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body[: answer.cut])
            if answer.cut is not None:
                self.close_connection = True

        do_GET = do_POST = do_HEAD = reply  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    services.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield services
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def image_server(raster: Path, *, outside: int = 254) -> Route:
    """Export windows of a raster as Esri's ImageServer does; refusals are JSON with status 200."""

    def export(ask: Ask) -> Answer:
        width, height = map(int, ask.query["size"].split(","))
        if max(width, height) > LARGEST_SIDE:
            said = {"code": 400, "message": "The requested image exceeds the size limit."}
            return Answer.json({"error": said})
        assert (ask.query["bboxSR"], ask.query["imageSR"]) == ("3035", "3035")
        assert (ask.query["interpolation"], ask.query["f"]) == ("RSP_NearestNeighbor", "image")
        bounds = [float(edge) for edge in ask.query["bbox"].split(",")]
        with rasterio.open(raster) as file:
            window = from_bounds(*bounds, file.transform)
            assert (window.width, window.height) == (width, height), "would be resampled"
            codes = file.read(1, window=window, boundless=True, fill_value=outside)
            transform = file.window_transform(window)
        return Answer(tiff_bytes(codes, transform), kind="image/tiff")

    return export


def tiff_bytes(codes: np.ndarray, transform: rasterio.Affine, crs: str = "EPSG:3035") -> bytes:
    bands = codes if codes.ndim == 3 else codes[None]
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff", width=bands.shape[2], height=bands.shape[1], count=bands.shape[0],
            dtype=bands.dtype, crs=crs, transform=transform,
        ) as file:  # fmt: skip
            file.write(bands)
        return memory.read()


def crop_bytes(raster: Path, window: Window) -> bytes:
    """Return a window of a raster as a GeoTIFF."""
    with rasterio.open(raster) as file:
        return tiff_bytes(file.read(1, window=window), file.window_transform(window))


def zip_bytes(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


class ClmsPortal:
    """The portal: token, search with pages, orders that take a few looks, an archive."""

    def __init__(self, services: Services, archive: bytes, folder: Path) -> None:
        self.services, self.archive = services, archive
        self.statuses = ["Queued", "Preparing", "Finished_ok"]
        self.early = 1
        self.orders: list[dict] = []
        self.listed: dict[str, dict] = {}
        self.grants: list[dict] = []
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.public = private.public_key()
        self.key = folder / "key.json"
        pem = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        result = {
            "client_id": "client", "user_id": "user", "private_key": pem.decode(),
            "token_uri": f"{services.address}/api/@@oauth2-token",
        }  # fmt: skip
        self.key.write_text(json.dumps(result))
        services.routes |= {
            "/api/@@oauth2-token": self.token,
            "/api/@search": self.search,
            "/api/@datarequest_post": self.order,
            "/api/@datarequest_status_get": self.status,
            "/api/@datarequest_search": self.requests,
            "/results/": self.result,
        }

    def token(self, ask: Ask) -> Answer:
        form = {key: values[0] for key, values in parse_qs(ask.body.decode()).items()}
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        signed, _, signature = form["assertion"].rpartition(".")
        self.public.verify(decoded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        self.grants.append(json.loads(decoded(signed.split(".")[1])))
        return Answer.json({"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"})

    def search(self, ask: Ask) -> Answer:
        items = [
            {"UID": "clc", "title": "Corine Land Cover 2018"},
            dataset("bb21", "CLC+Backbone 2021 (raster 10 m), Europe, 3-yearly"),
            dataset("bb23", "CLC+Backbone 2023 (raster 10 m), Europe, 2-yearly"),
            dataset("vec", "CLC+Backbone 2023 (vector), Europe, 2-yearly"),
        ]
        start = int(ask.query.get("b_start", 0))
        page: dict = {"items": items[start : start + 2], "items_total": len(items)}
        if start + 2 < len(items):
            page["batching"] = {"next": f"{self.services.address}/api/@search?b_start={start + 2}"}
        return Answer.json(page)

    def order(self, ask: Ask) -> Answer:
        if ask.headers.get("Authorization") != f"Bearer {TOKEN}":
            return Answer.json({"message": f"not {TOKEN}"}, 401)
        self.orders.append(json.loads(ask.body))
        return Answer.json({"TaskIds": [{"TaskID": "4711"}], "ErrorTaskIds": []}, 201)

    def requests(self, ask: Ask) -> Answer:
        """List the user's requests as the portal does: by task, its data sets with their box."""
        return Answer.json(self.listed)

    def status(self, ask: Ask) -> Answer:
        assert ask.query == {"TaskID": "4711"}
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        answer = {"Status": status, "TaskID": "4711"}
        if status == "Finished_ok":
            answer["DownloadURL"] = f"{self.services.address}/results/1.zip"
        return Answer.json(answer)

    def result(self, ask: Ask) -> Answer:
        assert "Authorization" not in ask.headers
        if self.early:
            self.early -= 1
            return Answer(b"not yet", 403)
        return Answer(self.archive, kind="application/zip")


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def dataset(uid: str, title: str) -> dict:
    files = [
        {"@id": f"{uid}-conf", "name": "", "collection": "Confidence Layer"},
        {"@id": f"{uid}-map", "name": "", "collection": "Raster Layer", "full_format": "Geotiff"},
    ]
    return {"UID": uid, "title": title, "dataset_download_information": {"items": files}}


def catalogue(services: Services, items: list[dict], *, by: str = "POST", page: int = 2) -> Route:
    """Answer item searches with pages whose next link says POST with merge, or GET."""

    def search(ask: Ask) -> Answer:
        wanted = json.loads(ask.body) if ask.method == "POST" else ask.query
        start = int(wanted.get("token", 0))
        if ask.method == "POST":
            assert set(wanted) >= {"collections", "bbox", "datetime", "limit"}
            first, _, last = wanted["datetime"].partition("/")
            inside = [i for i in items if first <= i["properties"]["datetime"] <= last]
        else:
            inside = items
        found = {"type": "FeatureCollection", "features": inside[start : start + page]}
        if start + page < len(inside):
            following = {"rel": "next", "href": f"{services.address}/stac/search"}
            if by == "POST":
                following |= {"method": "POST", "body": {"token": start + page}, "merge": True}
            else:
                following["href"] += f"?token={start + page}"
            found["links"] = [following]
        return Answer.json(found)

    return search


def scene_item(name: str, box: list[float], files: Mapping[str, str], **properties: object) -> dict:
    """Return a STAC item whose assets are addresses by name."""
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": name,
        "bbox": box,
        "properties": {"datetime": "2021-06-15T10:00:00Z", "eo:cloud_cover": 5.0} | properties,
        "assets": {key: {"href": href} for key, href in files.items()},
    }
