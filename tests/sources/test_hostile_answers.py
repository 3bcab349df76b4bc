"""Whatever a provider answers, a look-up ends in a sight or in one of our errors, in time, and
nothing that is said of it holds the token.
"""

from __future__ import annotations

import io
import json
import time
import traceback
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ingest.core.errors import IngestError
from ingest.core.identity import Identity
from ingest.flows.lookups.clients import Clients
from ingest.sources.access import Access
from ingest.sources.contract import Client, Lookup
from ingest.sources.registry import source
from ingest.store.connections import Connection
from ingest.testing.sample import sample_of
from tests.factories import METADATA, OURS, VAULT
from tests.sources.hostile import ANSWERS, answering, http

FASTER = 300
"""How much faster the clock of a test runs: a minute is over in a fifth of a second."""
LONGEST_S = 15.0
UID = "0b5c1d9e-7a43-4c7e-9f5d-6a1f0e2d3c4b"
ASKED: Mapping[str, tuple[str, str]] = {
    "github": ("issue", "12"),
    "linear": ("issue", UID),
    "notion": ("page", UID),
    "sentry": ("issue", "5001"),
    "vercel": ("deployment", "dpl_1"),
    "zendesk": ("ticket", "4512"),
}
TOKENS: Mapping[str, str] = {
    "linear": "lin_api_Canary0123456789abcdefABCDEF",
    "zendesk": "rui@halcyon.example/token:Canary0123456789abcdefABCDEF",
}
TOKEN = "Canary_0123456789abcdefABCDEF0123456789"


@dataclass(frozen=True)
class Asking:
    """A connection as production makes its client, and what must not be said."""

    source_type: str
    token: str
    canaries: tuple[str, ...]


def _asking(source_type: str, token: str) -> Asking:
    secret = token.rpartition(":")[2]
    basic = b64encode(token.encode()).decode()
    forms = (token, secret, token.lower(), secret.lower(), basic, quote(token, safe=""))
    return Asking(source_type, token, tuple(dict.fromkeys(forms)))


def _app() -> Asking:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    raw = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    lines = [line for line in raw.decode().splitlines() if not line.startswith("--")]
    token = json.dumps({"appId": 4_321, "privateKey": raw.decode()})
    return Asking("github", token, ("eyJhbGciOiJSUzI1NiIs", *lines))


APP = "an App of github's"
ASKING: Mapping[str, Asking] = {
    **{name: _asking(name, TOKENS.get(name, TOKEN)) for name in ASKED},
    APP: _app(),
}


def _clock() -> Callable[[], datetime]:
    began, at = time.monotonic(), datetime(2026, 3, 2, 12, tzinfo=UTC)
    return lambda: at + timedelta(seconds=(time.monotonic() - began) * FASTER)


@contextmanager
def _client(asking: Asking, url: str) -> Iterator[Client]:
    metadata = METADATA[asking.source_type]
    connection = Connection("c", asking.source_type, "n", metadata, True, None, "o", None)
    clients = Clients(VAULT, {asking.source_type: url}, _clock())
    with closing(clients):
        yield clients.of(connection, asking.token)


def _ask(asking: Asking) -> Lookup:
    descriptor = source(asking.source_type).descriptor
    metadata = METADATA[asking.source_type]
    scope = descriptor.scope(descriptor.connection_tenants(metadata)[0], metadata)
    return Lookup(Identity(asking.source_type, scope, *ASKED[asking.source_type]))


def _said(asked: Callable[[], Any]) -> str:
    """Everything that is said of what came of it; raises what is none of our errors."""
    try:
        told = asked()
    except IngestError as error:
        chain = "".join(traceback.format_exception(error))
        return "\n".join([str(error), repr(error), chain, _logged(error)])
    return told if isinstance(told, str) else ""


def _logged(error: Exception) -> str:
    """As every process logs it."""
    told = io.StringIO()
    log = structlog.wrap_logger(
        structlog.PrintLogger(told),
        processors=[
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
    )
    log.error("look_up_failed_unexpectedly", error=repr(error), exc_info=error)
    return told.getvalue()


def test_every_source_that_asks_is_asked_about() -> None:
    """Here, or by the laws of look-ups, which all keep whose sample plays their API."""
    played = {name for name in OURS if (found := sample_of(name)) and found.provider}
    assert set(ASKED) <= {name for name in OURS if source(name).connect} <= {*ASKED, *played}


# Of an App's key another token is sent: what says none is the same for both.
PAIRS = [(name, said) for said in ANSWERS for name in ASKING if name != APP or "token" in said]


@pytest.mark.parametrize(("name", "said_by"), PAIRS)
def test_a_hostile_answer_ends_in_time_and_says_no_token(name: str, said_by: str) -> None:
    asking = ASKING[name]
    began = time.monotonic()
    with answering(ANSWERS[said_by]) as url, _client(asking, url) as client:
        said = _said(lambda: client.fetch_one(_ask(asking)))
        said += _said(client.check) + repr(client)
        took_s = time.monotonic() - began
    assert [canary for canary in asking.canaries if canary in said] == []
    assert took_s < LONGEST_S


MINTED = "ghs_Minted0123456789abcdefABCDEF0123456789"


def test_a_token_that_was_made_is_hidden_like_the_one_that_made_it() -> None:
    """And while it is made: the answer that brings it is the token."""
    asking = _app()
    minted = {"token": MINTED, "expires_at": "2026-03-02T13:00:00Z"}
    wrong = {**minted, "expires_at": 5}
    for body in (minted, wrong, {"token": f"{MINTED}\n", "expires_at": minted["expires_at"]}):
        answer = http("", json.dumps(body).encode())
        with answering(answer) as url, _client(asking, url) as client:
            said = _said(client.check) + _said(lambda: client.fetch_one(_ask(asking)))
            assert MINTED not in said + repr(client)


@pytest.mark.parametrize("name", ASKING)
def test_what_a_client_shows_of_itself_holds_no_token(name: str) -> None:
    asking = ASKING[name]
    access = Access("http://127.0.0.1:1", asking.token, METADATA[asking.source_type], _clock())
    connect = source(asking.source_type).connect
    assert connect is not None
    with closing(connect(access)) as client:
        shown = f"{client!r} {vars(client) if hasattr(client, '__dict__') else ''} {access!r}"
    assert [canary for canary in asking.canaries if canary in shown] == []


def test_the_canaries_are_what_is_sent() -> None:
    """The test above would pass for a wrong canary as well."""
    for name, asking in ASKING.items():
        with answering(http("", b"{auth}", "418 X")) as url:
            access = Access(url, asking.token, METADATA[asking.source_type], _clock())
            connect = source(asking.source_type).connect
            assert connect is not None
            with closing(connect(access)) as client, pytest.raises(IngestError) as raised:
                client.fetch_one(_ask(asking))
        assert "[secret]" in str(raised.value), name
    basic = b64encode(ASKING["zendesk"].token.encode())
    assert b64decode(basic).decode() == TOKENS["zendesk"]
