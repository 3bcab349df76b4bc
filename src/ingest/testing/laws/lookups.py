"""Laws of look-ups, with the sample's fake API: what comes of them.

What they protect: a look-up makes the same document as a payload, and a token that does not work is
seen.
"""

from __future__ import annotations

import pytest

from ingest.core.changes import Upsert
from ingest.core.errors import Refused
from ingest.core.ranks import content
from ingest.testing.laws.clients import asks_of, connected, every_ask, playing, seen
from ingest.testing.laws.fixtures import Fixture, Suite
from ingest.testing.laws.lawful import check_changes

WRONG_TOKEN = "a-token-that-is-not-the-right-one-0123456789"  # noqa: S105 - opens nothing


def test_a_check_proves_the_token_and_a_wrong_one_is_refused(suite: Suite) -> None:
    """A token that does not work is seen when it is given, and pauses the connection.

    Remedy: `check` asks for something that nobody may read without the token, and says in a few
    words what can be read; a fake answers a wrong token as its provider does.
    """
    with playing(suite) as fake:
        with connected(suite, fake) as client:
            assert client.check(), "check says nothing"
        with connected(suite, fake, token=WRONG_TOKEN) as client:
            with pytest.raises(Refused):
                client.check()
            for ask in every_ask(suite):
                with pytest.raises(Refused):
                    client.fetch_one(ask)


def test_a_look_up_makes_lawful_documents(suite: Suite, delivery: Fixture) -> None:
    """What a look-up makes can be stored and found again, in the scope that was asked for.

    Remedy: `documents` makes every `Identity` with the scope of the one that was asked for.
    """
    with playing(suite) as fake, connected(suite, fake) as client:
        for ask in asks_of(delivery):
            changes = seen(suite, ask, client.fetch_one(ask))
            check_changes(suite.source, delivery.scope, changes)
            assert len({one.identity for one in changes}) == len(changes), "one object twice"


def test_a_look_up_says_what_a_payload_of_that_version_says(
    suite: Suite, delivery: Fixture
) -> None:
    """A document does not flicker between what webhooks say and what look-ups see.

    Remedy: let `normalise` and `documents` share the function that makes a document of an object.
    """
    whole = {one.identity: one for one in delivery.means().told if isinstance(one, Upsert)}
    with playing(suite) as fake, connected(suite, fake) as client:
        for ask in asks_of(delivery):
            for one in seen(suite, ask, client.fetch_one(ask)):
                told = whole.get(one.identity)
                if told is not None and isinstance(one, Upsert) and one.version == told.version:
                    assert content(one) == content(told), f"{one.identity} is two documents"
