"""`docs/proxy.md` tells the bounds as they are, and what is started is what it says is started."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingest.embedded import commands
from ingest.settings import DEFAULT_MAX_BODY_BYTES
from ingest.web import bounded_http, bounded_log, large_room, peers, room
from ingest.web.body import Limits
from ingest.web.peers import WITHIN_S, Wait
from ingest.web.probes import PROTOCOL
from ingest.web.receiver import ANSWER_WITHIN_S

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "proxy.md").read_text("utf-8")
KIB, MIB = 2**10, 2**20


@pytest.mark.parametrize(
    "told",
    [
        f"{bounded_http.MOST_HEAD_BYTES // KIB} KiB, {bounded_http.MOST_HEADERS} headers",
        f"whole within {WITHIN_S[Wait.HEAD]:g} s",
        f"{peers.MOST_PEERS:,} or what the process's descriptors allow",
        f"{bounded_http.MOST_PIPELINED} that wait for an answer",
        f"bodies up to {room.SMALL_BODY_BYTES // KIB} KiB | {room.SMALL_ROOM_BYTES // MIB} MiB",
        f"{room.LARGE_ROOM_BYTES // MIB} MiB together on everybody's routes",
        f"wait up to {large_room.TURN_WITHIN_S:g} s",
        f"{large_room.HURRY_BYTES // MIB} MiB within each {large_room.HURRY_S:g} s",
        f"{Limits().grace_bytes // MIB} MiB or its end within each {Limits().grace_s:g} s",
        f"its end within {Limits().whole_s:g} s",
        f"who does not read his answers | {WITHIN_S[Wait.READER]:g} s",
        f"{bounded_log.AT_ONCE} lines of each kind",
        f"answers within {ANSWER_WITHIN_S:g} s of the last byte",
    ],
)
def test_the_page_says(told: str) -> None:
    assert told in PAGE


def test_the_proxies_let_through_what_the_receiver_takes() -> None:
    caddy = (ROOT / "docs" / "proxy" / "Caddyfile").read_text("utf-8")
    nginx = (ROOT / "docs" / "proxy" / "nginx.conf").read_text("utf-8")
    assert f"> {DEFAULT_MAX_BODY_BYTES}" in caddy
    assert f"max_size {DEFAULT_MAX_BODY_BYTES // MIB}MiB" in caddy
    assert f"client_max_body_size {DEFAULT_MAX_BODY_BYTES // MIB}m;" in nginx


def test_every_way_to_start_it_takes_the_protocol() -> None:
    procfile = (ROOT / "Procfile").read_text("utf-8")
    argv = commands.web(host="127.0.0.1", port=1, env={}).argv
    assert argv[argv.index("--http") + 1] == PROTOCOL
    assert re.search(rf"^web: uvicorn .*--http {re.escape(PROTOCOL)} ", procfile, re.MULTILINE)
    assert f"--http {PROTOCOL}" in PAGE
