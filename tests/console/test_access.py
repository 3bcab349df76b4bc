"""Who gets in: nobody where it is off, the password's holder, whom an upstream names; and how."""

from __future__ import annotations

import re

import httpx
import pytest

from ingest.console.headers import HEADERS
from ingest.console.pages import ACTIONS, PAGES
from ingest.console.throttle import MOST_FAILURES
from tests.console.conftest import Town
from tests.console.running import PASSWORD, console, log_in, token_of, visitor

pytestmark = pytest.mark.integration

PATHS = [re.sub(r"\{\w+\}", "1", f"/console{path}") for path in PAGES]
ACTS = [re.sub(r"\{\w+\}", "1", f"/console{path}") for path in [*ACTIONS, "/log-out"]]


def test_where_nothing_is_configured_there_is_no_console(database_url: str) -> None:
    with (
        console(database_url, lambda _: None, console_password=None) as port,
        visitor(port) as client,
    ):
        for path in (*PATHS, "/console/log-in", "/console/style.css"):
            assert client.get(path).status_code == 404
        for path in (*ACTS, "/console/log-in"):
            assert client.post(path, data={"password": PASSWORD}).status_code == 404


def test_a_stranger_is_sent_to_the_log_in_and_comes_back(stranger: httpx.Client) -> None:
    for path in PATHS:
        sent = stranger.get(path)
        assert (sent.status_code, sent.headers["location"]) == (
            303,
            f"/console/log-in?next={path}",
        )
    sent = stranger.get("/console/deliveries?status=dead&reason=a%26b")
    form = stranger.get(sent.headers["location"])
    here = "/console/deliveries?status=dead&reason=a%26b"
    assert f'name="next" value="{here.replace("&", "&amp;")}"' in form.text
    back = stranger.post("/console/log-in", data={"password": PASSWORD, "next": here})
    assert (back.status_code, back.headers["location"]) == (303, here)
    assert stranger.get(here).status_code == 200
    assert stranger.get("/console/log-in").headers["location"] == "/console"


def test_a_stranger_does_nothing(stranger: httpx.Client) -> None:
    for path in ACTS:
        assert stranger.post(path, data={"form_token": "0" * 64}).status_code == 401


def test_a_wrong_password_is_401(stranger: httpx.Client) -> None:
    for password in ("", "xyzzy", PASSWORD.upper(), f"{PASSWORD}1", "pässword\u2028"):
        answer = log_in(stranger, password)
        assert answer.status_code == 401
        assert "That is not the password." in answer.text
        assert not stranger.cookies
        assert not password or password not in answer.text


def test_nobody_is_sent_elsewhere(stranger: httpx.Client) -> None:
    for to in (
        "https://evil.example",
        "//evil.example/console",
        "/console\\@evil.example",
        "/consoles",
    ):
        answer = stranger.post("/console/log-in", data={"password": PASSWORD, "next": to})
        assert answer.headers["location"] == "/console", to


def test_whoever_guesses_waits(stranger: httpx.Client) -> None:
    for _ in range(MOST_FAILURES):
        assert log_in(stranger, "a guess").status_code == 401
    answer = log_in(stranger)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 62
    assert not stranger.cookies


def test_every_answer_forbids_what_is_not_needed(operator: httpx.Client, town: Town) -> None:
    answers = [operator.get(path) for path in (*PATHS, "/console/nowhere", "/console/style.css")]
    answers.append(operator.post("/console/deliveries/1/replay"))
    for answer in answers:
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
        assert not re.search(r"<script|style=|javascript:| on\w+=", answer.text)
        assert not re.search(r"(href|src|action)=\"(?!/console|#)", answer.text), answer.url
    policy = HEADERS["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert HEADERS["cache-control"] == "no-store"


def test_the_cookie_is_kept_from_scripts_and_other_sites(stranger: httpx.Client) -> None:
    for proto, is_secure in (("https", True), ("http", False), ("", False)):
        stranger.cookies.clear()
        told = {"x-forwarded-proto": proto} if proto else {}
        sent = stranger.post("/console/log-in", data={"password": PASSWORD}, headers=told)
        cookie = sent.headers["set-cookie"].lower()
        for said in ("httponly", "samesite=strict", "path=/console"):
            assert said in cookie
        assert ("secure" in cookie) is is_secure


def test_a_cookie_that_was_bent_is_none(operator: httpx.Client) -> None:
    (cookie,) = operator.cookies.jar
    told = cookie.value or ""
    signature = told.rpartition(".")[2]
    operator.cookies.clear()
    for bent in (
        "",
        told[:-1] + ("0" if told[-1] != "0" else "1"),
        f"9{told}",
        told.split(".", 1)[1],
        f"9999999999.x.{signature}",
        "ä" * 500,
        "...",
    ):
        raw = [(b"cookie", b"ingest_console=" + bent.encode())]
        assert operator.get("/console", headers=raw).status_code == 303
    kept = {"cookie": f"ingest_console={told}"}
    assert operator.get("/console", headers=kept).status_code == 200


def test_a_form_is_believed_of_whoever_was_shown_it(
    operator: httpx.Client, port: int, town: Town
) -> None:
    """403 without a token, with another one's, and from another site, however right the cookie."""
    path = f"/console/deliveries/{town.deliveries[0]}/replay"
    token = token_of(operator.get("/console"))
    with visitor(port) as other:
        log_in(other)
        others = token_of(other.get("/console"))
    assert operator.post(path).status_code == 403
    for wrong in ("", "0" * 64, others, "ä"):
        assert operator.post(path, data={"form_token": wrong}).status_code == 403
    for where in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        sent = operator.post(path, data={"form_token": token}, headers=where)
        assert sent.status_code == 403
        assert log_in_from(operator, where).status_code == 403
    mine = {"origin": f"http://127.0.0.1:{port}"}
    assert operator.post(path, data={"form_token": token}, headers=mine).status_code == 303


def log_in_from(client: httpx.Client, headers: dict[str, str]) -> httpx.Response:
    return client.post("/console/log-in", data={"password": PASSWORD}, headers=headers)


def test_whoever_logs_out_is_out(operator: httpx.Client) -> None:
    left = operator.post(
        "/console/log-out", data={"form_token": token_of(operator.get("/console"))}
    )
    assert (left.status_code, left.headers["location"]) == (303, "/console/log-in")
    assert operator.get("/console").status_code == 303


def test_another_password_ends_every_session(database_url: str, operator: httpx.Client) -> None:
    (cookie,) = operator.cookies.jar
    told = {"cookie": f"ingest_console={cookie.value}"}
    with (
        console(database_url, lambda _: None, console_password="another password") as port,
        visitor(port) as client,
    ):
        assert client.get("/console", headers=told).status_code == 303


def test_whom_an_upstream_names_is_in_and_named_in_the_log(
    database_url: str, town: Town, capfd: pytest.CaptureFixture[str]
) -> None:
    named = {"x-forwarded-user": "hedda@brindle.example"}
    settings = {"console_password": None, "console_identity_header": "x-forwarded-user"}
    with console(database_url, lambda _: None, **settings) as port, visitor(port) as client:
        assert client.get("/console").status_code == 303
        assert "Whoever stands before this console" in client.get("/console/log-in").text
        assert log_in(client, "").status_code == 401
        shown = client.get("/console", headers=named)
        assert shown.status_code == 200
        path = f"/console/deliveries/{town.deliveries[0]}/replay"
        form = {"form_token": token_of(shown)}
        other = {"x-forwarded-user": "torvald@brindle.example"}
        assert client.post(path, data=form, headers=other).status_code == 403
        assert client.post(path, data=form, headers=named).status_code == 303
    assert "hedda@brindle.example" in capfd.readouterr().err


def test_a_form_is_bounded(operator: httpx.Client) -> None:
    long = {"form_token": "x" * 20_000}
    assert operator.post("/console/deliveries/1/replay", data=long).status_code == 400
    many = {str(number): "x" for number in range(60)}
    assert operator.post("/console/deliveries/1/replay", data=many).status_code == 400
    assert operator.get("/console", params=many).status_code == 400
    assert operator.post("/console/log-in", data=long).status_code == 400
    operator.cookies.clear()
    assert operator.get("/console/log-in", params=many).status_code == 400


def test_nothing_that_can_be_sent_is_a_fault(operator: httpx.Client) -> None:
    for path in ("sources", "deliveries", "look-ups", "documents", "syncs"):
        for id_ in ("%00", "%ff", "%F0%9F%9A%A2", "a%2Fb", "9" * 40, "-1", "'"):
            assert operator.get(f"/console/{path}/{id_}").status_code == 404, (path, id_)
    for query in ("before=%00", "since=0001-01-01", "until=9999-12-31T23:59-12:00", "key=%ff%00"):
        assert operator.get(f"/console/deliveries?{query}").status_code in (200, 400), query
    assert operator.get("/console/documents?words=%00%26%7C!:*&key=%00'").status_code == 200
    assert operator.get("/console/").headers["location"] == "/console"
    odd = {"origin": "http://["}
    assert operator.post("/console/log-out", headers=odd).status_code == 403
