"""The way to any provider: what its statuses mean, and what a hostile or broken one cannot do.

The server is a socket that says the bytes of the test, so that also answers which no server sends
can be given.
"""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.core.errors import (
    BadPayload,
    BadSettings,
    IngestError,
    PermanentError,
    RateLimited,
    Refused,
    TransientError,
    Unavailable,
)
from ingest.sources.answers import DEFAULT_WAIT_S, Absent, Refusal
from ingest.sources.http import MOST_REDIRECTS, Api

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TOKEN = "a-token-that-nobody-may-read"


class Server:
    """Answers each request with the next of the answers, the last one again and again."""

    def __init__(self, listening: socket.socket, answers: Sequence[bytes]) -> None:
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self.requests: list[str] = []
        self._listening = listening
        self._answers = [one.replace(b"{url}", self.url.encode()) for one in answers]

    def run(self) -> None:
        while True:
            try:
                talking, _ = self._listening.accept()
            except OSError:
                return
            with talking, suppress(OSError):
                self.requests.append(_read(talking))
                answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                talking.sendall(answer)


def _read(talking: socket.socket) -> str:
    told = b""
    while b"\r\n\r\n" not in told:
        piece = talking.recv(65536)
        if not piece:
            raise ConnectionResetError
        told += piece
    return told.decode("latin-1")


@contextmanager
def saying(*answers: bytes) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Server(listening, answers)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        yield server
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def answer(status: int, body: bytes = b"{}", **headers: str) -> bytes:
    told = {"content-length": str(len(body)), "connection": "close"}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items() if value)
    return f"HTTP/1.1 {status} Said\r\n{lines}\r\n".encode("latin-1") + body


def api(
    url: str, *, now: Callable[[], datetime] = lambda: NOW, token: str = TOKEN, max_bytes: int = 999
) -> Api:
    headers = {"authorization": f"Bearer {token}"}
    return Api("Halcyon", url, now, headers=headers, max_bytes=max_bytes)


def refusal(**headers: str) -> Refusal:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return Refusal(429, told, b"", NOW)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (304, PermanentError),
        (400, PermanentError),
        (401, Refused),
        (403, Refused),
        (404, Absent),
        (408, TransientError),
        (410, Absent),
        (422, PermanentError),
        (429, RateLimited),
        (500, TransientError),
        (503, TransientError),
    ],
)
def test_a_status_has_one_meaning(status: int, error: type[IngestError]) -> None:
    with saying(answer(status)) as server, pytest.raises(error) as raised:
        api(server.url).get("things")
    assert type(raised.value) is error
    assert TOKEN not in str(raised.value)


def test_a_redirect_on_the_same_host_is_followed_and_told() -> None:
    with saying(answer(301, location="/there?x=1"), answer(200)) as server:
        response = api(server.url).get("here", params={"y": 2})
    assert response.moved == f"{server.url}/there?x=1"
    assert [one.split(" ")[1] for one in server.requests] == ["/here?y=2", "/there?x=1"]


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:9/elsewhere",
        "http://example.test/",
        "//example.test/",
        "https://127.0.0.1/",
        "http://127.0.0.1:9@example.test/",
        "http://[::1",
        "http://somebody:else@{host}/",
        "file:///etc/passwd",
        "http://127.0.0.1\t.example.test/",
    ],
)
def test_a_redirect_never_takes_the_token_elsewhere(location: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        host = f"127.0.0.1:{free.getsockname()[1]}"
    away = answer(302, location=location.replace("{host}", host))
    with saying(away) as server, pytest.raises((PermanentError, Unavailable)):
        api(server.url).get("here")
    assert len(server.requests) == 1


def test_a_whole_url_is_asked_on_the_api_s_own_host_only() -> None:
    with saying(answer(200)) as server:
        here = api(server.url + "/v1")
        here.get(server.url.upper().replace("HTTP", "http") + "/next")
        for url in ("http://example.test/next", "http://[::1", f"{server.url}0/x", "http://"):
            with pytest.raises(PermanentError):
                here.get(url)
    assert len(server.requests) == 1


def test_a_default_port_is_no_other_host() -> None:
    there = Api("Halcyon", "https://api.example.test", lambda: NOW)
    there._home.require("https://API.example.test:443/next?page=2")
    with pytest.raises(PermanentError):
        there._home.require("http://api.example.test/next")
    with pytest.raises(PermanentError):
        there._home.require("https://api.example.test:8443/next")


def test_redirects_without_end_are_given_up() -> None:
    with saying(answer(302, location="/again")) as server:
        with pytest.raises(TransientError, match="again and again"):
            api(server.url).get("again")
        with pytest.raises(TransientError):
            api(server.url).get("nowhere")
    assert len(server.requests) == 2 * MOST_REDIRECTS


def test_after_a_303_what_was_posted_is_read_and_not_posted_again() -> None:
    with saying(answer(303, location="/result"), answer(200)) as server:
        api(server.url).post("query", json={"q": "x"})
    assert [one.split(" ")[0] for one in server.requests] == ["POST", "GET"]
    assert "content-length" not in server.requests[1].lower()


def test_a_307_is_posted_again() -> None:
    with saying(answer(307, location="/there"), answer(200)) as server:
        api(server.url).post("query", json={"q": "x"})
    assert [one.split(" ")[0] for one in server.requests] == ["POST", "POST"]


def test_a_body_over_the_limit_is_cut_off() -> None:
    with saying(answer(200, b"x" * 1000)) as server:
        with pytest.raises(PermanentError, match="over 999 bytes"):
            api(server.url).get("big")
        assert len(api(server.url, max_bytes=1000).get("big").body) == 1000


def test_a_body_of_few_bytes_does_not_grow_beyond_the_limit() -> None:
    bomb = gzip.compress(bytes(64 * 2**20))
    with (
        saying(answer(200, bomb, content_encoding="gzip")) as server,
        pytest.raises(PermanentError, match="over 999 bytes"),
    ):
        api(server.url).get("bomb")


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "deflate", "unheard-of"])
def test_a_coding_that_was_not_asked_for_is_not_read(coding: str) -> None:
    body = gzip.compress(gzip.compress(bytes(2**20)))
    with saying(answer(200, body, content_encoding=coding)) as server:
        with pytest.raises(TransientError, match="coding"):
            api(server.url).get("bomb")
        assert "accept-encoding: gzip\r\n" in server.requests[0].lower()


@pytest.mark.parametrize("body", [b'{"a": 1}', b"[]", b""])
def test_a_coded_body_is_read(body: bytes) -> None:
    with saying(answer(200, gzip.compress(body), content_encoding="GZIP")) as server:
        assert api(server.url).get("thing").body == body


@pytest.mark.parametrize(
    "said",
    [
        answer(200, b"not gzip", content_encoding="gzip"),
        answer(200, gzip.compress(b"a long text" * 50)[:-9], content_encoding="gzip"),
        answer(200, b"{", content_length="99"),
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 200_000 + b"\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
        b"",
    ],
    ids=range(10),
)
def test_an_answer_that_is_no_http_may_be_another_the_next_time(said: bytes) -> None:
    with saying(said) as server, pytest.raises(TransientError):
        api(server.url).get("thing")


def test_a_body_that_comes_byte_by_byte_is_not_waited_for() -> None:
    times = iter(NOW + timedelta(seconds=n * 40) for n in range(99))
    chunks = b"".join(b"1\r\nx\r\n" for _ in range(9))
    slow = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            talking, _ = listening.accept()
            with talking, suppress(OSError):
                _read(talking)
                talking.sendall(slow)
                for byte in (chunks[n : n + 6] for n in range(0, len(chunks), 6)):
                    talking.sendall(byte)
                    if stop.wait(0.05):
                        return

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(TransientError, match="too long"):
            api(url, now=lambda: next(times)).get("slow")
        stop.set()
        thread.join(5)


@pytest.mark.parametrize("body", [b"<html>", b"", b"\xff", b"[" * 999, b"NaN"])
def test_a_body_that_is_no_json_says_so_where_it_is_read(body: bytes) -> None:
    with saying(answer(200, body)) as server:
        response = api(server.url).get("thing")
    with pytest.raises(BadPayload):
        response.json()


def test_nobody_there_is_no_reason_to_give_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}", f"https://127.0.0.1:{port}", "nonsense", "ftp://x"):
        with pytest.raises(Unavailable):
            api(url).get("thing")


def test_a_server_that_speaks_no_tls_cannot_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def refuse() -> None:
            with listening.accept()[0] as talking:
                talking.recv(65536)
                talking.sendall(answer(400))

        thread = threading.Thread(target=refuse, daemon=True)
        thread.start()
        with pytest.raises(Unavailable):
            api(f"https://127.0.0.1:{listening.getsockname()[1]}").get("thing")
        thread.join(5)


@pytest.mark.parametrize("bad", ["{}\n", "{} ", "{}\r\nx: y", "{}\x00", "{}…", "{}\x7f"])
def test_a_token_that_no_header_can_hold_is_refused_and_not_quoted(bad: str) -> None:
    """A bug once: the error quoted the header, and stood in the row that people read."""
    with pytest.raises(Refused) as raised:
        api("http://127.0.0.1:9", token=bad.format(TOKEN))
    assert TOKEN not in str(raised.value)


def test_a_header_that_cannot_be_sent_is_not_quoted() -> None:
    with saying(answer(200)) as server, pytest.raises(PermanentError) as raised:
        api(server.url).get("thing", headers={"x": f"{TOKEN}\n"})
    assert TOKEN not in str(raised.value)
    assert raised.value.__cause__ is None


def test_no_cookie_is_kept() -> None:
    biscuit = answer(200, set_cookie="a=b; path=/")
    with saying(biscuit) as server:
        here = api(server.url)
        here.get("thing")
        here.get("thing")
    assert "cookie" not in server.requests[1].lower()


def test_the_token_is_not_in_what_is_shown_of_an_api() -> None:
    assert TOKEN not in repr(api("http://127.0.0.1:9"))


@pytest.mark.parametrize("path", ["a\nb", "a" * 70_000, "x\x00"])
def test_what_is_no_url_is_said_to_be_none(path: str) -> None:
    with pytest.raises(PermanentError, match="no URL"):
        api("http://127.0.0.1:9").get(path)


def test_a_query_is_not_told() -> None:
    with saying(answer(500)) as server, pytest.raises(TransientError) as raised:
        api(server.url).get("thing", params={"q": TOKEN})
    assert TOKEN not in str(raised.value)


def test_a_proxy_of_the_environment_is_no_way_to_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with saying(answer(200)) as server:
        assert api(server.url).get("thing").status == 200
        assert api(server.url.replace("127.0.0.1", "localhost")).get("thing").status == 200


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "nonsense://x", "http://[::1"])
def test_a_proxy_that_there_cannot_be_is_a_wrong_setting(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(BadSettings):
        api("https://api.example.test")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "30"}, 30.0),
        ({"retry_after": " 7 "}, 7.0),
        ({"retry_after": "0"}, 0.0),
        ({"retry_after": "Mon, 02 Mar 2026 12:01:00 GMT"}, 60.0),
        ({"retry_after": "Mon, 02 Mar 2026 11:00:00 GMT"}, 0.0),
        (
            {
                "retry_after": "Mon, 02 Mar 2026 15:01:00 GMT",
                "date": "Mon, 02 Mar 2026 15:00:00 GMT",
            },
            60.0,
        ),
        ({"retry_after": "-5"}, None),
        ({"retry_after": "1.5"}, None),
        ({"retry_after": "²"}, None),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "Mon, 01 Jan 2026 00:00:00 +99999999999999999999"}, None),
        ({}, None),
    ],
)
def test_the_time_to_wait_is_read_in_each_of_its_forms(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert refusal(**headers).retry_after_s() == seconds


@given(told=st.text(), date=st.text())
def test_no_text_in_the_place_of_a_time_is_an_error(told: str, date: str) -> None:
    seconds = refusal(retry_after=told, date=date).retry_after_s()
    assert seconds is None or seconds >= 0.0


def test_a_limit_that_tells_no_time_has_a_usual_one() -> None:
    with saying(answer(429, retry_after="whenever")) as server:
        with pytest.raises(RateLimited) as raised:
            api(server.url).get("thing")
        assert raised.value.retry_after_s == DEFAULT_WAIT_S


def test_a_huge_time_to_wait_is_a_number() -> None:
    with saying(answer(503, retry_after="9" * 400)) as server:
        with pytest.raises(TransientError) as raised:
            api(server.url).get("thing")
        assert raised.value.retry_after_s == float("inf")
