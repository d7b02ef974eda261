"""Requests: repeated after passing faults, whole or not at all, never led astray."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from services import Answer, Services, running

from hexseal.errors import FetchError
from hexseal.fetch.addresses import onward
from hexseal.fetch.web import Asked, RefusalError, Web

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
    return Web(pause=pauses.append, say=said.append)


def test_busy_services_are_asked_again_after_growing_pauses(
    services: Services, web: Web, pauses: list[float], said: list[str], tmp_path: Path
) -> None:
    busy = Answer(status=429, headers={"Retry-After": "7"})
    services.faults["/file"] = [Answer(status=503), busy, Answer(status=502)]
    told: list[tuple[int, int]] = []
    size = web.download(
        Asked(f"{services.address}/file"), tmp_path / "a", told=lambda *at: told.append(at)
    )
    assert size == 10_000
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert pauses == [1.0, 7.0, 4.0]
    assert said[1] == (
        f"{services.address}/file: answered HTTP 429 Too Many Requests; again in 7 s"
    )
    assert told[-1] == (10_000, 10_000)


def test_a_broken_transfer_starts_again_and_leaves_nothing_half_written(
    services: Services, web: Web, tmp_path: Path
) -> None:
    services.faults["/file"] = [Answer(CONTENT, cut=4_000)]
    web.download(Asked(f"{services.address}/file"), tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == CONTENT
    services.faults["/file"] = [Answer(CONTENT, cut=4_000)] * 5
    with pytest.raises(FetchError, match=r"/file: broke off.*\(5 tries\); check the network"):
        web.download(Asked(f"{services.address}/file"), tmp_path / "b")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_lasting_refusals_are_not_repeated(services: Services, web: Web) -> None:
    with pytest.raises(RefusalError, match=r"answered HTTP 404 Not Found: '<html>no such page"):
        web.json(Asked(f"{services.address}/nothing"))
    assert len(services.asked) == 1


def test_a_token_is_neither_shown_nor_sent_to_another_host(services: Services, web: Web) -> None:
    services.routes["/echo"] = lambda ask: Answer(ask.headers["Authorization"].encode(), 400)
    with pytest.raises(RefusalError) as failed:
        web.json(Asked(f"{services.address}/echo", token="s3cret"))
    assert "s3cret" not in str(failed.value)
    assert "s3cret" not in repr(Asked("http://a", token="s3cret"))
    with running() as other:
        other.routes["/there"] = lambda ask: Answer.json({"sent": "Authorization" in ask.headers})
        services.routes["/away"] = lambda ask: Answer(
            status=302, headers={"Location": f"{other.address}/there"}
        )
        services.routes["/stay"] = lambda ask: Answer(status=302, headers={"Location": "/here"})
        services.routes["/here"] = lambda ask: Answer.json({"sent": "Authorization" in ask.headers})
        answers = [
            web.json(Asked(f"{services.address}/{way}", token="s3cret")) for way in ("away", "stay")
        ]
    assert answers == [{"sent": False}, {"sent": True}]


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://example.org/a", "gopher://a/"])
def test_redirects_to_files_are_not_followed(services: Services, web: Web, target: str) -> None:
    services.routes["/away"] = lambda ask: Answer(status=302, headers={"Location": target})
    with pytest.raises((FetchError, RefusalError)):
        web.json(Asked(f"{services.address}/away"))


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        ("file:///etc/passwd", "is no address to follow"),
        ("/vsizip/a.zip", "is no address to follow"),
        ("https://user:word@example.org/", "is no address to follow"),
        ("http://example.org/a", "leaves https"),
        ("https://169.254.169.254/latest/meta-data", "private network"),
        ("https://[::1]/a", "private network"),
        ("https://localhost/a", "private network"),
        ("https://10.0.0.5/a", "private network"),
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
        web.json(Asked(f"{services.address}/page?key=hidden"))


def test_services_out_of_reach_are_named(web: Web, pauses: list[float]) -> None:
    with pytest.raises(FetchError, match=r"^http://127.0.0.1:9/a: cannot be reached .*5 tries"):
        web.json(Asked("http://127.0.0.1:9/a?token=x"))
    assert pauses == [1.0, 2.0, 4.0, 8.0]
