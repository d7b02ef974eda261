"""The local server: ranges as browsers ask for them, nothing but the site, nobody but this host."""

import contextlib
import gzip
import socket
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from hexseal.errors import InputError, OutputError
from hexseal.pages.serve import make_server, site_address

DIGITS = b"0123456789"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site of two files; a secret lies beside it and one beside that."""
    folder = tmp_path / "site"
    (folder / "tiles").mkdir(parents=True)
    (folder / "index.html").write_text("<title>Site</title>")
    (folder / "tiles/a.pmtiles").write_bytes(DIGITS)
    (folder / "empty.parquet").write_bytes(b"")
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "site-2").mkdir()
    (tmp_path / "site-2/secret.txt").write_text("secret")
    return folder


@pytest.fixture
def port(site: Path) -> Iterator[int]:
    server = make_server(site, 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join(timeout=5)
    server.server_close()
    assert not thread.is_alive()


def ask(
    port: int, path: str, *, method: str = "GET", wanted: str | None = None
) -> tuple[HTTPResponse, bytes]:
    """Send one request, the path as it is, and read the whole answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    connection.putrequest(method, path)
    if wanted is not None:
        connection.putheader("Range", wanted)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


RANGES = [
    ("bytes=0-0", b"0", "bytes 0-0/10"),
    ("bytes=2-5", b"2345", "bytes 2-5/10"),
    ("bytes=7-", b"789", "bytes 7-9/10"),
    ("bytes=8-99", b"89", "bytes 8-9/10"),
    ("bytes=-3", b"789", "bytes 7-9/10"),
    ("bytes=-99", DIGITS, "bytes 0-9/10"),
    ("bytes=0-9", DIGITS, "bytes 0-9/10"),
]


@pytest.mark.parametrize(("wanted", "body", "result"), RANGES)
def test_a_range_is_served(port: int, wanted: str, body: bytes, result: str) -> None:
    answer, content = ask(port, "/tiles/a.pmtiles", wanted=wanted)
    assert (answer.status, content) == (206, body)
    assert answer.headers["Content-Range"] == result
    assert answer.headers["Content-Length"] == str(len(body))
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "wanted", ["bytes=10-", "bytes=10-20", "bytes=99-100", "bytes=-0", "bytes=5-2"]
)
def test_a_range_without_a_byte_is_416(port: int, wanted: str) -> None:
    answer, content = ask(port, "/tiles/a.pmtiles", wanted=wanted)
    assert (answer.status, content) == (416, b"")
    assert answer.headers["Content-Range"] == "bytes */10"


def test_no_byte_of_an_empty_file_can_be_served(port: int) -> None:
    answer, _ = ask(port, "/empty.parquet", wanted="bytes=0-")
    assert answer.status == 416
    assert answer.headers["Content-Range"] == "bytes */0"


# RFC 9110, 14.2: what is no valid range, or more than one, may be answered with the whole file.
@pytest.mark.parametrize("wanted", [None, "bytes=-", "bytes=0-1,4-5", "items=0-1", "bytes=a-b"])
def test_everything_else_gets_the_whole_file(port: int, wanted: str | None) -> None:
    answer, content = ask(port, "/tiles/a.pmtiles", wanted=wanted)
    assert (answer.status, content) == (200, DIGITS)
    assert answer.headers["Accept-Ranges"] == "bytes"


def test_head_tells_without_a_body(port: int) -> None:
    answer, content = ask(port, "/tiles/a.pmtiles", method="HEAD")
    assert (answer.status, content) == (200, b"")
    assert answer.headers["Content-Length"] == "10"
    assert answer.headers["Accept-Ranges"] == "bytes"
    answer, content = ask(port, "/tiles/a.pmtiles", method="HEAD", wanted="bytes=2-5")
    assert (answer.status, content) == (206, b"")
    assert answer.headers["Content-Length"] == "4"


def test_one_connection_serves_many_requests(port: int) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    for wanted, body, _ in [*RANGES, ("bytes=10-", b"", "")]:
        connection.request("GET", "/tiles/a.pmtiles", headers={"Range": wanted})
        assert connection.getresponse().read() == body
    connection.request("GET", "/")
    assert connection.getresponse().read() == b"<title>Site</title>"
    connection.close()


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/tiles/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e%2f%2e%2e%2fetc/passwd",
        "//etc/passwd",
        "/..\\secret.txt",
        "/../site-2/secret.txt",
    ],
)
@pytest.mark.parametrize("wanted", [None, "bytes=0-3"])
def test_nothing_outside_the_site_is_served(port: int, path: str, wanted: str | None) -> None:
    answer, content = ask(port, path, wanted=wanted)
    assert answer.status == 404
    assert b"secret" not in content
    assert b"root:" not in content


def test_a_reader_who_leaves_early_is_no_error(
    site: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with (site / "large.bin").open("wb") as stream:
        stream.truncate(50_000_000)
    server = make_server(site, 0)
    result = threading.Event()
    handle = server.handle_error

    def heard(request: socket.socket, client_address: str) -> None:
        handle(request, client_address)
        result.set()

    monkeypatch.setattr(server, "handle_error", heard)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    with socket.create_connection(server.server_address[:2]) as reader:
        reader.sendall(b"GET /large.bin HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert reader.recv(20).startswith(b"HTTP/1.1 200")
    assert result.wait(20)
    server.shutdown()
    thread.join(timeout=5)
    server.server_close()
    assert capfd.readouterr().err == ""


def test_nothing_can_be_written(port: int, site: Path) -> None:
    for method in ("PUT", "POST", "DELETE"):
        answer, _ = ask(port, "/index.html", method=method)
        assert answer.status == 501
    assert (site / "index.html").read_text() == "<title>Site</title>"


def test_only_this_host_is_served_and_the_port_is_free_afterwards(site: Path) -> None:
    server = make_server(site, 0)
    host, port = server.server_address[:2]
    assert host == "127.0.0.1"
    assert port != 0
    assert site_address(server) == f"http://127.0.0.1:{port}/"
    with pytest.raises(OutputError, match=rf"^port {port}: cannot be opened .*--port$"):
        make_server(site, int(port))
    server.server_close()
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", int(port))):
        pass
    make_server(site, int(port)).server_close()


def test_a_folder_without_a_site_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no index\.html; name the folder that hexseal"):
        make_server(tmp_path, 0)


def headed(port: int, path: str, **headers: str) -> tuple[HTTPResponse, bytes]:
    """Send one GET with headers, "_" standing for "-"."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("GET", path, headers=named)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


@pytest.mark.parametrize("path", ["/%00", "/a%00.html", "/" + "a" * 5000, "/%ff%fe", "/tiles/"])
def test_names_that_no_file_can_have_are_404(
    port: int, path: str, capfd: pytest.CaptureFixture[str]
) -> None:
    answer, _ = ask(port, path)
    assert answer.status == 404
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8000", 200),
        ("localhost", 200),
        ("LOCALHOST:1", 200),
        ("[::1]:80", 200),
        ("evil.example", 421),
        ("localhost.evil.example:8000", 421),
        ("127.0.0.1@evil.example", 421),
        ("", 421),
    ],
)
def test_only_this_machines_names_are_answered(port: int, host: str, status: int) -> None:
    answer, _ = headed(port, "/index.html", Host=host)
    assert answer.status == status


def test_a_range_of_a_file_that_changed_is_the_whole_file(port: int, site: Path) -> None:
    first, _ = headed(port, "/tiles/a.pmtiles", Range="bytes=0-1")
    tag, date = first.headers["ETag"], first.headers["Last-Modified"]
    for condition in (tag, date):
        answer, body = headed(port, "/tiles/a.pmtiles", Range="bytes=2-3", If_Range=condition)
        assert (answer.status, body) == (206, b"23")
    (site / "tiles/a.pmtiles").write_bytes(b"abcdefghijkl")
    answer, body = headed(port, "/tiles/a.pmtiles", Range="bytes=2-3", If_Range=tag)
    assert (answer.status, body) == (200, b"abcdefghijkl")
    answer, body = headed(port, "/tiles/a.pmtiles", If_None_Match=answer.headers["ETag"])
    assert (answer.status, body) == (304, b"")


def test_text_comes_packed_to_those_who_take_it(port: int, site: Path) -> None:
    text = "<p>sealed</p>" * 1000
    (site / "long.html").write_text(text)
    answer, body = headed(port, "/long.html", Accept_Encoding="br, gzip;q=0.8")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(body).decode() == text
    assert len(body) < len(text) // 20
    for refused in ("identity", "gzip;q=0", "gzip;q=0.000, br"):
        answer, body = headed(port, "/long.html", Accept_Encoding=refused)
        assert (answer.headers["Content-Encoding"], body.decode()) == (None, text)
    answer, body = headed(port, "/long.html", Accept_Encoding="gzip", Range="bytes=0-2")
    assert (answer.status, body) == (206, b"<p>")
    answer, _ = headed(port, "/tiles/a.pmtiles", Accept_Encoding="gzip")
    assert answer.headers["Content-Encoding"] is None


def test_a_request_that_trickles_in_is_cut_off(site: Path) -> None:
    server = make_server(site, 0, seconds=0.3)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
    try:
        with socket.create_connection(server.server_address[:2], timeout=5) as reader:
            started = time.monotonic()
            with contextlib.suppress(OSError):
                for letter in b"GET /index.html HTTP/1.1\r\nX: " + b"a" * 1000:
                    reader.sendall(bytes([letter]))
                    time.sleep(0.05)
            assert time.monotonic() - started < 3
    finally:
        server.shutdown()
        server.server_close()


def test_a_link_out_of_the_site_is_not_followed(port: int, site: Path) -> None:
    (site / "link.txt").symlink_to(site.parent / "secret.txt")
    answer, _ = ask(port, "/link.txt")
    assert answer.status == 404
