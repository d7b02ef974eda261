"""Requests: repeated after passing faults, whole or not at all, never led astray."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from services import Answer, Services, running

from hexseal.errors import FetchError
from hexseal.fetch import addresses
from hexseal.fetch.addresses import is_private_address, onward, public, redacted
from hexseal.fetch.remote import RemoteFile, opened
from hexseal.fetch.web import Limits, Query, RefusalError, Web

CONTENT = b"0123456789" * 1000


@pytest.fixture
def services() -> Iterator[Services]:
    with running() as services:
        services.routes["/file"] = lambda ask: Answer(CONTENT)
        yield services


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def web(pauses: list[float], said: list[str]) -> Web:
    return Web(pause=pauses.append, log=said.append)


def test_busy_services_are_asked_again_after_growing_pauses(
    services: Services, web: Web, pauses: list[float], said: list[str], tmp_path: Path
) -> None:
    busy = Answer(status=429, headers={"Retry-After": "7"})
    services.faults["/file"] = [Answer(status=503), busy, Answer(status=502)]
    result: list[tuple[int, int]] = []
    size = web.download(
        Query(f"{services.address}/file"), tmp_path / "a", progress=lambda *at: result.append(at)
    )
    assert size == 10_000
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert pauses == [1.0, 7.0, 4.0]
    assert said[1] == (
        f"{services.address}/file: answered HTTP 429 Too Many Requests; again in 7 s"
    )
    assert result[-1] == (10_000, 10_000)


def test_a_broken_transfer_starts_again_and_leaves_nothing_half_written(
    services: Services, web: Web, tmp_path: Path
) -> None:
    services.faults["/file"] = [Answer(CONTENT, cut=4_000)]
    web.download(Query(f"{services.address}/file"), tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == CONTENT
    services.faults["/file"] = [Answer(CONTENT, cut=4_000)] * 5
    with pytest.raises(FetchError, match=r"/file: broke off.*\(5 tries\); check the network"):
        web.download(Query(f"{services.address}/file"), tmp_path / "b")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_lasting_refusals_are_not_repeated(services: Services, web: Web) -> None:
    with pytest.raises(RefusalError, match=r"answered HTTP 404 Not Found: '<html>no such page"):
        web.json(Query(f"{services.address}/nothing"))
    assert len(services.asked) == 1


def test_a_token_is_neither_shown_nor_sent_to_another_host(services: Services, web: Web) -> None:
    services.routes["/echo"] = lambda ask: Answer(ask.headers["Authorization"].encode(), 400)
    with pytest.raises(RefusalError) as failed:
        web.json(Query(f"{services.address}/echo", token="s3cret"))
    assert "s3cret" not in str(failed.value)
    assert "s3cret" not in repr(Query("http://a", token="s3cret"))
    with running() as other:
        other.routes["/there"] = lambda ask: Answer.json({"sent": "Authorization" in ask.headers})
        services.routes["/away"] = lambda ask: Answer(
            status=302, headers={"Location": f"{other.address}/there"}
        )
        services.routes["/stay"] = lambda ask: Answer(status=302, headers={"Location": "/here"})
        services.routes["/here"] = lambda ask: Answer.json({"sent": "Authorization" in ask.headers})
        answers = [
            web.json(Query(f"{services.address}/{way}", token="s3cret")) for way in ("away", "stay")
        ]
    assert answers == [{"sent": False}, {"sent": True}]


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://example.org/a", "gopher://a/"])
def test_redirects_to_files_are_not_followed(services: Services, web: Web, target: str) -> None:
    services.routes["/away"] = lambda ask: Answer(status=302, headers={"Location": target})
    with pytest.raises((FetchError, RefusalError)):
        web.json(Query(f"{services.address}/away"))


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        ("file:///etc/passwd", "is not an address to follow"),
        ("/vsizip/a.zip", "is not an address to follow"),
        ("https://user:word@example.org/", "is not an address to follow"),
        ("http://example.org/a", "leaves https"),
        ("https://169.254.169.254/latest/meta-data", "private network"),
        ("https://[::1]/a", "private network"),
        ("https://localhost/a", "private network"),
        ("https://10.0.0.5/a", "private network"),
        ("https://127.1/a", "private network"),
        ("https://0x7f000001/a", "private network"),
        ("https://017700000001/a", "private network"),
        ("https://2130706433/a", "private network"),
        ("https://１２７.0.0.1/a", "private network"),
        ("https://[::ffff:10.0.0.1]/a", "private network"),
        ("https://[64:ff9b::a00:1]/a", "private network"),
        ("https://100.64.0.1/a", "private network"),
        ("https://[::1", "is not an address"),
        ("https://example.org:99999/a", "is not an address"),
        ("https://example.org/a b", "blanks"),
    ],
)
def test_answers_may_not_point_anywhere(address: str, fault: str) -> None:
    with pytest.raises(FetchError, match=f"catalogue.org/search: sent us to .*{fault}"):
        onward(address, "https://catalogue.org/search?key=1")


def test_answers_may_point_on() -> None:
    same = "https://other.org/a.tif?sig=1"
    assert onward(same, "https://catalogue.org") == same
    assert onward("http://127.0.0.1:9/a", "http://127.0.0.1:8/") == "http://127.0.0.1:9/a"
    bucket = "s3://eodata/a.jp2"
    assert onward(bucket, "https://c.org", schemes=("https", "s3")) == bucket


def test_pages_instead_of_json_are_quoted(services: Services, web: Web) -> None:
    services.routes["/page"] = lambda ask: Answer(b"<html>\n <title>Login</title>")
    with pytest.raises(FetchError, match="answered '<html> <title>Login</title>', which is not"):
        web.json(Query(f"{services.address}/page?key=hidden"))


def test_services_out_of_reach_are_named(web: Web, pauses: list[float]) -> None:
    with pytest.raises(FetchError, match=r"^http://127.0.0.1:9/a: cannot be reached .*5 tries"):
        web.json(Query("http://127.0.0.1:9/a?token=x"))
    assert pauses == [1.0, 2.0, 4.0, 8.0]


class TestMachines:
    """What is connected to, whatever the name looks like."""

    PUBLIC = "http://catalogue.org/search"

    @pytest.fixture
    def names(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
        """Names that lead to machines; 127.0.0.1 counts as public, so that it can be reached."""
        names = {"public.example": "127.0.0.1", "inner.example": "127.0.0.2"}
        resolve = socket.getaddrinfo

        def resolved(host: str, *given: object, **named: object) -> list:
            is_number = named.get("flags") == socket.AI_NUMERICHOST
            return resolve(host if is_number else names.get(host, host), *given, **named)  # type: ignore[arg-type]

        monkeypatch.setattr(addresses.socket, "getaddrinfo", resolved)
        monkeypatch.setattr(
            addresses,
            "is_private_address",
            lambda text: text != "127.0.0.1" and is_private_address(text),
        )
        return names

    def test_a_name_that_leads_into_a_private_network_is_not_asked(
        self, services: Services, web: Web, names: dict[str, str]
    ) -> None:
        port = services.address.rpartition(":")[2]
        asked = Query(f"http://inner.example:{port}/file", origin=self.PUBLIC)
        with pytest.raises(FetchError, match=r"inner.example leads to 127.0.0.2, a machine of a"):
            web.content(asked)
        assert services.asked == []
        asked = Query(f"http://public.example:{port}/file", origin=self.PUBLIC)
        assert web.content(asked) == CONTENT

    def test_the_machine_that_was_checked_is_the_one_that_is_asked(
        self, services: Services, web: Web, names: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A name that answers differently the second time does not matter: it is asked once."""
        port = services.address.rpartition(":")[2]
        asked: list[str] = []
        resolve = addresses.socket.getaddrinfo

        def changing(host: str, *given: object, **named: object) -> list:
            if host == "public.example" and "flags" not in named:
                asked.append(host)
                names[host] = "127.0.0.1" if len(asked) < 2 else "127.0.0.2"
            return resolve(host, *given, **named)

        monkeypatch.setattr(addresses.socket, "getaddrinfo", changing)
        wanted = Query(f"http://public.example:{port}/file", origin=self.PUBLIC)
        assert web.content(wanted) == CONTENT
        assert asked == ["public.example"]

    def test_a_redirect_into_a_private_network_is_not_followed(
        self, services: Services, web: Web, names: dict[str, str]
    ) -> None:
        port = services.address.rpartition(":")[2]
        inner = f"http://inner.example:{port}/file"
        services.routes["/away"] = lambda ask: Answer(status=302, headers={"Location": inner})
        with pytest.raises(FetchError, match=r"inner.example leads to 127.0.0.2"):
            web.content(Query(f"http://public.example:{port}/away"))

    def test_a_service_that_the_user_named_may_stand_in_a_private_network(
        self, services: Services, web: Web, names: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        port = services.address.rpartition(":")[2]
        names["corp.example"] = "127.0.0.1"
        monkeypatch.setattr(addresses, "is_private_address", is_private_address)
        catalogue, file = (f"http://corp.example:{port}/{name}" for name in ("catalogue", "file"))
        services.routes["/catalogue"] = lambda ask: Answer.json({})
        with pytest.raises(FetchError, match=r"corp.example leads to 127.0.0.1"):
            web.content(Query(file, origin=catalogue))
        web.json(Query(catalogue))
        assert web.content(Query(file, origin=catalogue)) == CONTENT


def test_answers_are_limited_in_size_and_time(services: Services, tmp_path: Path) -> None:
    now = [0.0]

    def clock() -> float:
        now[0] += 10.0
        return now[0]

    asked = Query(f"{services.address}/file")
    with pytest.raises(FetchError, match=r"/file: sent more than 0 MB; not used"):
        Web(clock=clock).download(asked, tmp_path / "a", limits=Limits(9_999, 1e6))
    with pytest.raises(FetchError, match=r"sent [\d,]+ bytes and did not end in time"):
        Web(clock=clock).download(asked, tmp_path / "a", limits=Limits(10_000, 5.0))
    assert list(tmp_path.iterdir()) == []
    assert Web(clock=clock).content(asked, limits=Limits(10_000, 1e6)) == CONTENT


@pytest.mark.parametrize(
    "headers",
    [{"Retry-After": "²"}, {"Retry-After": "9" * 5000}, {"Retry-After": "Wed, 21 Oct 2026"}],
)
def test_waits_that_make_no_sense_are_passed_over(
    services: Services, web: Web, pauses: list[float], headers: dict[str, str]
) -> None:
    services.faults["/file"] = [Answer(status=503, headers=_latin(headers))]
    assert web.content(Query(f"{services.address}/file")) == CONTENT
    assert pauses == [1.0]


def _latin(headers: dict[str, str]) -> dict[str, str]:
    return {key: value.encode().decode("latin-1") for key, value in headers.items()}


def test_json_of_a_thousand_levels_is_one_line(services: Services, web: Web) -> None:
    services.routes["/deep"] = lambda ask: Answer(b"[" * 100_000)
    with pytest.raises(FetchError, match="nested too deeply"):
        web.json(Query(f"{services.address}/deep"))


@pytest.mark.parametrize("address", ["http://[::1", "http://a:99999/", f"http://{'a' * 64}.org/"])
def test_addresses_that_cannot_be_asked_are_one_line(web: Web, address: str) -> None:
    with pytest.raises(FetchError, match="is not an address that can be opened"):
        web.json(Query(address))


def test_secrets_are_hidden_wherever_a_service_echoes_them(services: Services, web: Web) -> None:
    echoed = {
        "message": "bad signature abcdefgh12345, Bearer tok.en-1, eyJhbGciOiJS.UzI1NiIs.xx",
        "client_secret": "hunter22",
        "url": "https://x/?sig=AbC%2F1&X-Amz-Signature=99ff",
    }
    services.routes["/echo"] = lambda ask: Answer(json.dumps(echoed).encode(), 403)
    with pytest.raises(RefusalError) as failed:
        web.json(Query(f"{services.address}/echo?signed=abcdefgh12345"))
    for secret in ("abcdefgh12345", "tok.en", "eyJ", "hunter22", "AbC", "99ff"):
        assert secret not in str(failed.value)
    assert redacted("a key of a map") == "a key of a map"
    assert public("https://me:word@a.org/x?y#z") == "https://a.org/x"


def test_remote_files_are_read_by_ranges_a_block_once(
    services: Services, web: Web, tmp_path: Path
) -> None:
    content = bytes(range(256)) * 2000
    (tmp_path / "a.bin").write_bytes(content)
    services.folder("/files", tmp_path)
    file = RemoteFile(web, f"{services.address}/files/a.bin")
    assert file.size == len(content)
    file.seek(300_000)
    assert file.read(1000) == content[300_000:301_000]
    assert file.seek(-5, 2) == len(content) - 5
    assert file.read() == content[-5:]
    file.seek(0)
    assert file.read() == content
    ranges = [ask.headers["Range"] for ask in services.asked]
    assert ranges == ["bytes=0-131071", "bytes=262144-393215", "bytes=393216-655359",
                      "bytes=131072-262143"]  # fmt: skip


def test_a_service_without_ranges_and_files_that_are_none_are_named(
    services: Services, web: Web, tmp_path: Path
) -> None:
    with (
        pytest.raises(FetchError, match=r"/file: does not serve parts of files \(HTTP 200\)"),
        opened(web, f"{services.address}/file"),
    ):
        pass
    (tmp_path / "a.tif").write_text("<VRTDataset/>")
    services.folder("/files", tmp_path)
    with (
        pytest.raises(FetchError, match=r"a.tif: cannot be read as a raster"),
        opened(web, f"{services.address}/files/a.tif?sig=1"),
    ):
        pass
