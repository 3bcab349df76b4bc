"""Tokens: plain ones, and those that a GitHub App's key buys and renews."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from ingest.core.errors import BadInput, PermanentError, RateLimited, Refused, TransientError
from ingest.sources.github import SOURCE
from ingest.sources.github.demo.fake import App
from ingest.sources.github.tokens import check_token
from ingest.testing.fakes import Answer, Trouble
from tests.sources.github.looking import Looking, looking

KEY = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
OTHER = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


def _pem(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = KEY,
    encryption: KeySerializationEncryption | None = None,
) -> str:
    hidden = encryption or NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, hidden).decode()


def _token(key: rsa.RSAPrivateKey = KEY, app_id: object = 4_321) -> str:
    return json.dumps({"appId": app_id, "privateKey": _pem(key)})


class _Clock:
    """GitHub's and ours."""

    def __init__(self) -> None:
        self.time = datetime(2026, 3, 2, 15, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def forward(self, minutes: int) -> None:
        self.time += timedelta(minutes=minutes)


def _app(at: Looking) -> _Clock:
    clock = _Clock()
    at.github.now = clock
    at.github.app = App("4321", KEY.public_key(), 7)
    return clock


def _mints(at: Looking) -> int:
    return len(at.fake.asked_for("access_tokens"))


def test_an_apps_key_buys_a_token_once_an_hour() -> None:
    with looking() as at:
        clock = _app(at)
        client = at.client(_token())
        for _ in range(3):
            client.check()
        assert _mints(at) == 1
        clock.forward(54)
        client.check()
        assert _mints(at) == 1
        clock.forward(2)
        client.check()
        assert _mints(at) == 2


def test_a_key_with_its_line_feeds_as_they_are_is_read() -> None:
    with looking() as at:
        _app(at)
        at.client(_token().replace("\\n", "\n")).check()


def test_a_token_that_was_revoked_is_renewed_once() -> None:
    with looking() as at:
        _app(at)
        client = at.client(_token())
        client.check()
        at.github.minted.clear()
        client.check()
        assert _mints(at) == 2
        at.fake.troubles.append(Trouble(Answer(401, {"message": "Bad credentials"}), "repos", 9))
        with pytest.raises(Refused):
            client.check()
        assert _mints(at) == 3


@pytest.mark.parametrize(
    "token", [_token(OTHER), _token(app_id=1)], ids=["another key", "another app"]
)
def test_a_key_that_is_not_the_apps_is_refused(token: str) -> None:
    with looking() as at:
        _app(at)
        with pytest.raises(Refused):
            at.client(token).check()


@pytest.mark.parametrize("installation", ["8", "", None, "../x", 7])
def test_an_installation_that_is_none_is_refused(installation: object) -> None:
    with looking(githubInstallationId=installation) as at:
        _app(at)
        with pytest.raises(Refused, match="nstallation"):
            at.client(_token()).check()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(403, {"message": "This installation has been suspended"}), Refused),
        (Answer(403, {}, {"retry-after": "9"}), RateLimited),
        (Answer(502, {}), TransientError),
        (Answer(201, {"token": "x"}), PermanentError),
        (Answer(201, []), PermanentError),
    ],
)
def test_trouble_with_buying_has_its_meaning(answer: Answer, error: type[Exception]) -> None:
    with looking() as at:
        _app(at)
        at.fake.troubles.append(Trouble(answer, "access_tokens"))
        with pytest.raises(error):
            at.client(_token()).check()


def test_a_token_that_cannot_be_one_is_refused_before_it_is_sent() -> None:
    with looking() as at:
        with pytest.raises(Refused):
            at.client("two words").check()
        assert not at.fake.requests


@pytest.mark.parametrize(
    "token", ["ghp_x", "github_pat_" + "x" * 300, _token(), _token(app_id="Iv1.a")]
)
def test_tokens_of_every_kind_are_taken(token: str) -> None:
    check_token(token)
    SOURCE.descriptor.check_token(token)


@pytest.mark.parametrize(
    "token",
    [
        "",
        " ",
        "two words",
        "line\nfeed",
        "ü",
        "{",
        "{}",
        '{"appId": 1}',
        '{"appId": true, "privateKey": "x"}',
        '{"appId": 1, "privateKey": "x"}',
        '{"appId": 1, "privateKey": 7}',
        json.dumps({"appId": " ", "privateKey": _pem()}),
        json.dumps({"appId": 1, "privateKey": _pem(ec.generate_private_key(ec.SECP256R1()))}),
        json.dumps({"appId": 1, "privateKey": _pem(encryption=BestAvailableEncryption(b"x"))}),
        "{" * 100_000,
    ],
)
def test_what_is_no_token_is_refused_with_the_remedy(token: str) -> None:
    with pytest.raises(BadInput, match="give") as refused:
        check_token(token)
    assert "PRIVATE KEY-----M" not in str(refused.value)


def test_nothing_shows_a_token_or_a_key() -> None:
    with looking() as at:
        _app(at)
        client = at.client(_token())
        client.check()
        shown = repr(client._api)
        assert "PRIVATE" not in shown
        assert not any(token in shown for token in (at.github.token, *at.github.minted))
