"""One reader's visit: a page that notes errors, failed requests and foreign addresses."""

import base64
import http.server
import time
from urllib.parse import urlsplit

PATIENCE_S = 30.0


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """What ``python -m http.server`` does: whole files only."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


class Journey:
    """A browser page with the moves that the tests share."""

    def __init__(self, browser, addresses: dict[str, str], **context: object) -> None:
        self.addresses = addresses
        settings = {"viewport": {"width": 1280, "height": 800}, "locale": "en-GB"} | context
        self.context = browser.new_context(**settings)
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE_S * 1000)
        self.problems: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda err: self.problems.append(f"error: {err}"))
        self.page.on("requestfailed", self._failed)
        self.page.on("request", lambda r: self._request(r.url))

    def open(self, way: str, path: str = "index.html", *, wanted: str = "ready") -> "Journey":
        """Open a page of the site and wait until its map is drawn."""
        self.page.goto(self.addresses[way] + path)
        self.wait(wanted)
        return self

    def wait(self, wanted: str = "ready") -> None:
        """Poll the page's own mark: its policy forbids the strings that Playwright would run."""
        self.until(lambda: self.mark() in (wanted, "error"), f"data-hexseal = {wanted}")
        assert self.mark() == wanted, self.text("#failure")

    def until(self, is_so, what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not is_so():
            assert time.monotonic() < deadline, f"never came: {what}; page says {self.mark()}"
            time.sleep(0.03)

    def still(self) -> None:
        """Wait until the map has been at rest for half a second: flights start with a delay."""
        deadline = time.monotonic() + PATIENCE_S
        since = time.monotonic()
        while time.monotonic() - since < 0.5:
            assert time.monotonic() < deadline, "the map never came to rest"
            if self.page.evaluate("document.documentElement.dataset.map") != "still":
                since = time.monotonic()
            time.sleep(0.03)

    def mark(self) -> str:
        return self.page.evaluate("document.documentElement.dataset.hexseal")

    def text(self, selector: str) -> str:
        return " ".join(self.page.locator(selector).inner_text().split())

    def texts(self, selector: str) -> list[str]:
        return self.page.locator(selector).all_inner_texts()

    def map_point(self, across: float, down: float) -> tuple[float, float]:
        """Return a point of the screen by its part of the map's width and height."""
        box = self.page.locator("#map").bounding_box()
        assert box is not None
        return box["x"] + across * box["width"], box["y"] + down * box["height"]

    def more(self) -> None:
        """Unfold the further settings of the map."""
        self.page.locator("#more:not([open]) > summary").click()

    def colours(self) -> set[str]:
        """Return the colours of the map's picture as CSS writes them, ignoring single pixels."""
        picture = self.page.locator("#map").screenshot()
        encoded = "data:image/png;base64," + base64.b64encode(picture).decode()
        counts = self.page.evaluate(
            """async (address) => {
                const image = new Image();
                image.src = address;
                await image.decode();
                const canvas = new OffscreenCanvas(image.width, image.height);
                const context = canvas.getContext("2d");
                context.drawImage(image, 0, 0);
                const { data } = context.getImageData(0, 0, image.width, image.height);
                const counts = {};
                for (let at = 0; at < data.length; at += 4) {
                    const colour = `rgb(${data[at]}, ${data[at + 1]}, ${data[at + 2]})`;
                    counts[colour] = (counts[colour] ?? 0) + 1;
                }
                return counts;
            }""",
            encoded,
        )
        return {colour for colour, count in counts.items() if count > 200}

    def hash(self) -> dict[str, str]:
        fragment = self.page.evaluate("location.hash").lstrip("#")
        return dict(part.split("=", 1) for part in fragment.split("&") if "=" in part)

    def close(self) -> None:
        self.context.close()

    def _console(self, message) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"console {message.type}: {message.text}")

    def _failed(self, request) -> None:
        # A page that is left drops what it was reading.
        kept = ("/assets/", "/data/")
        dropped = request.failure == "net::ERR_ABORTED"
        if not (dropped and any(part in request.url for part in kept)):
            self.problems.append(f"failed: {request.url[:200]}")

    def _request(self, address: str) -> None:
        self.requests.append(address)
        parts = urlsplit(address)
        if parts.scheme not in ("file", "blob", "data") and parts.hostname != "127.0.0.1":
            self.problems.append(f"foreign: {address}")
