"""Laws of whatever an API answers: a sight, or one of our errors, and no token in a message.

What they protect: a provider that has gone mad, or somebody in its place, stops no worker.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import pytest

from ingest.core.errors import Denied, IngestError, RateLimited, Refused, TransientError
from ingest.sources.contract import Client, Lookup
from ingest.testing.fakes import Answer, Asked, Trouble, serving
from ingest.testing.laws.clients import connected, every_ask, playing, provider_of, seen
from ingest.testing.laws.fixtures import Suite

MANY = 1_000


@dataclass(slots=True)
class Odd:
    """An API that answers everything so; `{auth}` and `{token}` become what the request brought."""

    token: str
    answer_: Answer

    def answer(self, asked: Asked) -> Answer:
        auth = asked.headers.get("authorization", "nobody")
        body = self.answer_.raw()
        for name, value in ((b"{auth}", auth), (b"{token}", auth.rpartition(" ")[2])):
            body = body.replace(name, value.encode())
        return Answer(self.answer_.status, body, self.answer_.headers)


_ECHO = (
    b'{"id": "{token}", "name": "{auth}", "message": "{token}", "errors": [{"message": "{auth}"}]}'
)
ODD_BODIES: Mapping[str, bytes] = {
    "nothing": b"",
    "null": b"null",
    "a number": b"1e999",
    "no object": b"[1, {}, null]",
    "an empty object": b"{}",
    "HTML": b"<html><h1>It works: {token}</h1>",
    "depth": b"[" * 50_000,
    "halves of letters": b'{"id": "\\ud800", "name": "\\udfff"}',
    "bytes beyond text": b'{"id": "\xff\xfe"}',
    "the token": _ECHO,
    "the token in a list": b"[" + _ECHO + b"]",
}
ODD_STATUSES = (200, 204, 302, 400, 401, 403, 404, 409, 410, 422, 429, 451, 500, 503)
ODD_HEADERS = {"location": "https://evil.example.test/", "retry-after": "9" * 400}


@pytest.mark.parametrize("body", ODD_BODIES)
def test_whatever_the_api_answers_ends_in_a_sight_or_in_our_error(suite: Suite, body: str) -> None:
    """An API that has gone mad stops no worker, and nobody reads a token in a message.

    Remedy: ask through `ingest.sources.http.Api`, and read an answer's fields as a payload's.
    """
    for status in ODD_STATUSES:
        answer = Answer(status, ODD_BODIES[body] if status != 204 else b"", ODD_HEADERS)
        odd = Odd(provider_of(suite).token, answer)
        with serving(odd) as fake, connected(suite, fake) as client:
            said = [_said_of(suite, client, lookup) for lookup in every_ask(suite)]
            with suppress(IngestError):
                said.append(client.check())
        held = [one for one in said if odd.token in one]
        assert not held, f"{status}: the token stands in {held}"


STATUSES: Mapping[int, type[IngestError]] = {
    401: Refused,
    429: RateLimited,
    500: TransientError,
    502: TransientError,
    503: TransientError,
}
"""What a status means to whoever waits for the object."""


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_means_what_it_says(suite: Suite, status: int) -> None:
    """A pause of the provider is waited for, a refusal pauses the connection, and neither is lost.

    Remedy: leave statuses to `ingest.sources.answers.Rules`; catch `Absent` alone.
    """
    with playing(suite) as fake, connected(suite, fake) as client:
        for lookup in every_ask(suite):
            fake.troubles[:] = [Trouble(Answer(status, {}, {"retry-after": "7"}), times=MANY)]
            with pytest.raises(STATUSES[status]):
                client.fetch_one(lookup)


def test_one_refusal_leaves_the_token_proven(suite: Suite) -> None:
    """One object that is refused is not the connection's end: the token is proven beside it.

    Remedy: `check` asks for what every token may read that is any good, and for nothing else.
    """
    with playing(suite) as fake, connected(suite, fake) as client:
        for lookup in every_ask(suite):
            fake.troubles[:] = [Trouble(Answer(403, {}))]
            with suppress(Refused, Denied):
                client.fetch_one(lookup)
            fake.troubles.clear()
            assert client.check(), f"a {lookup.identity.kind} was refused, and so is the check"


REFUSING = (401, 403)


@pytest.mark.parametrize("refusing", REFUSING)
def test_a_token_that_is_let_in_nowhere_is_not_proven(suite: Suite, refusing: int) -> None:
    """What `check` says decides whether a connection is paused, or one object is left out.

    Remedy: have `check` ask the provider, and let what that refuses be `Refused`.
    """
    with playing(suite) as fake, connected(suite, fake) as client:
        fake.troubles[:] = [Trouble(Answer(refusing, {}), times=MANY)]
        with pytest.raises(Refused):
            client.check()


def _said_of(suite: Suite, client: Client, lookup: Lookup) -> str:
    """What is said of a look-up that ended badly; raises what is none of our errors."""
    try:
        seen(suite, lookup, client.fetch_one(lookup))
    except IngestError as error:
        return f"{error!r} {error.__cause__!r} {error.__context__!r}"
    return ""
