"""Who gets in: nobody where it is off, the password's holder, whoever an upstream names."""

from __future__ import annotations

import httpx
import pytest

from tests.console.running import ON, PASSWORD, console, visitor

pytestmark = pytest.mark.integration


def test_where_nothing_is_configured_there_is_no_console(database_url: str) -> None:
    off = dict.fromkeys(ON)
    with console(database_url, lambda _: None, **off) as port, visitor(port) as client:
        for path in ("/console", "/console/log-in", "/console/style.css", "/console/deliveries"):
            assert client.get(path).status_code == 404
        assert client.post("/console/log-in", data={"password": PASSWORD}).status_code == 404


def test_a_stranger_is_sent_to_the_log_in_and_comes_back(stranger: httpx.Client) -> None:
    sent = stranger.get("/console?x=1")
    assert sent.status_code == 303
    form = stranger.get(sent.headers["location"])
    assert 'name="next" value="/console?x=1"' in form.text
    told = {"password": PASSWORD, "next": "/console?x=1"}
    back = stranger.post("/console/log-in", data=told)
    assert (back.status_code, back.headers["location"]) == (303, "/console?x=1")
    assert stranger.get("/console").status_code == 200
