"""What is gone: deleted by somebody, or aged out, which nobody did and which stays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ingest.core.changes import Change, Delete, Patch, Refresh, Upsert
from ingest.core.folding import DELETED, LIVE
from ingest.core.ranks import Seen
from ingest.core.times import iso
from ingest.core.values import JSON
from ingest.sources.contract import Lookup, Sight
from ingest.sources.listing import Unlisted
from ingest.sources.vercel.client import VercelClient
from ingest.sources.vercel.demo.fake import Vercel
from ingest.sources.vercel.documents import aged_out, documents
from ingest.sources.vercel.listing import absent
from ingest.sources.vercel.retention import hint_of, is_past
from ingest.sources.vercel.types import VercelDocMetadata
from ingest.testing.fakes import Answer, Fake, Trouble, serving
from tests.sources.vercel.deliveries import CONNECTION
from tests.sources.vercel.listing import (
    AT_MS,
    DAY_MS,
    NOW,
    PROJECT,
    TEAM,
    client_of,
    deploy,
    halcyon,
    identity,
    looked_up,
    walk,
)
from tests.sources.vercel.test_order import Row, statements

MADE = datetime(2026, 3, 2, 10, tzinfo=UTC)


@pytest.fixture
def vercel() -> Vercel:
    return halcyon()


@pytest.fixture
def fake(vercel: Vercel) -> Iterator[Fake]:
    with serving(vercel) as served:
        yield served


@pytest.fixture
def client(fake: Fake) -> Iterator[VercelClient]:
    with client_of(fake) as made:
        yield made


def unlisted(metadata: Mapping[str, JSON], id_: str = "dpl_000000") -> Unlisted:
    return Unlisted(identity(id_), id_, metadata, MADE, CONNECTION, NOW)


def metadata(status: str = "READY", environment: str = "preview") -> dict[str, JSON]:
    made = {"createdAt": iso(MADE), "status": status, "environment": environment}
    return {"deploymentId": "dpl_000000", **made}


def confirmed(
    client: VercelClient, told: Mapping[str, JSON], at: datetime, state: JSON = None
) -> tuple[Sight, tuple[Change | Refresh, ...]]:
    """What the look-up says that a sync run asks for, and what comes of it."""
    ask = absent(unlisted(told))
    assert ask is not None
    lookup = Lookup(ask.identity, ask.hint, state, sent_at=at, connection=CONNECTION)
    sight = client.fetch_one(lookup)
    if sight.raw is None:
        return sight, (Delete(ask.identity, version=None),)
    found = Lookup(ask.identity, ask.hint, sent_at=at, connection=CONNECTION, raw=sight.raw)
    return sight, documents(found)


@pytest.mark.parametrize(
    ("status", "environment", "days"),
    [
        ("CANCELED", "production", 30),
        ("ERROR", "production", 90),
        ("READY", "production", 365),
        ("READY", "preview", 180),
        ("READY", "rehearsal", 180),
        ("BUILDING", "preview", 180),
    ],
)
def test_what_is_older_than_a_project_keeps_it_was_deleted_by_nobody(
    client: VercelClient, status: str, environment: str, days: int
) -> None:
    told = metadata(status, environment)
    young = MADE + timedelta(days=days - 2)
    assert confirmed(client, told, young)[1] == (Delete(identity("dpl_000000"), version=None),)
    (stays,) = confirmed(client, told, MADE + timedelta(days=days, hours=-9))[1]
    assert stays == aged_out(identity("dpl_000000"))


def test_the_project_s_own_retention_counts(vercel: Vercel, client: VercelClient) -> None:
    own = {"expirationDays": 7, "expirationDaysProduction": 36_500, "expirationDaysErrored": 1e99}
    vercel.put_project(PROJECT, "web", TEAM, **own)
    (preview,) = confirmed(client, metadata(), MADE + timedelta(days=8))[1]
    assert isinstance(preview, Patch)
    at = MADE + timedelta(days=3_000)
    (production,) = confirmed(client, metadata(environment="production"), at)[1]
    assert isinstance(production, Delete)
    (failed,) = confirmed(client, metadata("ERROR"), at)[1]
    assert isinstance(failed, Delete)


@pytest.mark.parametrize("junk", [None, [], {}, {"expirationDays": True}, {"expirationDays": -1}])
def test_what_a_project_does_not_say_is_vercels_default(junk: JSON) -> None:
    hint, project = hint_of(metadata()), {"deploymentExpiration": junk}
    assert not is_past(hint, project, MADE + timedelta(days=100))
    assert is_past(hint, project, MADE + timedelta(days=200))


@pytest.mark.parametrize("junk", [None, "", "long ago", True, {}, 1e99])
def test_without_a_time_nothing_is_past(junk: JSON) -> None:
    assert not is_past({"createdAt": junk}, {}, MADE + timedelta(days=9_000))
    assert "createdAt" not in hint_of({"createdAt": None, "status": "READY"})


def test_a_person_s_deletion_is_one_however_old(vercel: Vercel, client: VercelClient) -> None:
    id_ = deploy(vercel, 0)
    vercel.delete(id_, at_ms=AT_MS + 900 * DAY_MS)
    assert walk(client).seen == set()
    (gone,) = confirmed(client, metadata(), MADE + timedelta(days=900))[1]
    assert gone == Delete(identity(id_), version=None)


def test_what_vercel_says_has_aged_out_stays_however_young(
    vercel: Vercel, client: VercelClient
) -> None:
    id_ = deploy(vercel, 0)
    vercel.age_out(id_, at_ms=AT_MS + DAY_MS)
    sight, (stays,) = confirmed(client, metadata(), MADE + timedelta(days=2))
    assert stays == aged_out(identity(id_))
    assert sight.state == {"agedOut": True}


def test_what_was_seen_to_age_out_stays_when_it_is_cleaned_up(
    vercel: Vercel, client: VercelClient
) -> None:
    """`deployment.cleanup` comes for it as for what somebody deleted, 30 days later."""
    id_ = deploy(vercel, 0)
    vercel.age_out(id_, at_ms=AT_MS)
    seen = client.fetch_one(Lookup(identity(id_), {}, sent_at=NOW))
    vercel.remove(id_)
    cleaned_up = Lookup(identity(id_), {"teamId": TEAM}, seen.state, sent_at=NOW)
    sight = client.fetch_one(cleaned_up)
    assert documents(Lookup(identity(id_), raw=sight.raw)) == (aged_out(identity(id_)),)
    by_hand = client.fetch_one(Lookup(identity(id_), {"teamId": TEAM}, sent_at=NOW))
    assert by_hand.raw is None


def test_what_was_restored_is_forgotten_to_have_aged_out(
    vercel: Vercel, client: VercelClient
) -> None:
    id_ = deploy(vercel, 0)
    vercel.age_out(id_, at_ms=AT_MS + 5)
    vercel.restore(id_, at_ms=AT_MS + 6)
    sight = client.fetch_one(Lookup(identity(id_), {}, {"agedOut": True}, sent_at=NOW))
    assert sight.state == {}
    assert client.fetch_one(Lookup(identity(id_), {}, {}, sent_at=NOW)).state is None
    (back,) = walk(client).said[id_]
    assert isinstance(back, Upsert)
    assert "agedOut" not in back.metadata


def test_a_list_that_shows_what_was_deleted_says_the_same(
    vercel: Vercel, client: VercelClient
) -> None:
    vercel.lists_deleted = True
    by_hand, by_age, back = (deploy(vercel, n, "ERROR") for n in range(3))
    vercel.delete(by_hand, at_ms=AT_MS + 5)
    vercel.age_out(by_age, at_ms=AT_MS + 5)
    vercel.age_out(back, at_ms=AT_MS + 5)
    vercel.restore(back, at_ms=AT_MS + 6)
    said = walk(client).said
    assert said[by_hand] == (Delete(identity(by_hand), version=None),)
    assert said[by_age] == (aged_out(identity(by_age)),)
    assert said[back] == looked_up(client, back)


def test_what_has_aged_out_is_not_asked_for_again() -> None:
    assert absent(unlisted({**metadata(), "agedOut": True})) is None
    ask = absent(unlisted(metadata()))
    assert ask == Refresh(
        identity("dpl_000000"),
        {"createdAt": iso(MADE), "status": "READY", "environment": "preview"},
    )


def test_nothing_is_gone_where_the_project_cannot_be_read(fake: Fake, client: VercelClient) -> None:
    fake.troubles.append(Trouble(Answer(500, b""), "/projects/"))
    with pytest.raises(Exception, match="500"):
        confirmed(client, metadata(), MADE + timedelta(days=900))


def test_the_document_is_as_it_was_but_that_it_says_so(
    vercel: Vercel, client: VercelClient
) -> None:
    id_ = deploy(vercel, 0, "ERROR")
    (whole,) = looked_up(client, id_)
    assert isinstance(whole, Upsert)
    row = Row()
    row.hear(statements([whole], Seen(1)))
    row.hear(statements([aged_out(identity(id_))], Seen(2)))
    assert row.ledger.state == LIVE
    assert row.metadata == {**whole.metadata, "agedOut": True}
    assert VercelDocMetadata.model_validate(row.metadata, strict=True).told() == row.metadata
    row.hear(statements([whole], Seen(3)))
    assert row.metadata == whole.metadata, "restored"


def test_of_what_nobody_knew_nothing_comes_by_its_age() -> None:
    row = Row()
    row.hear(statements([aged_out(identity("dpl_old"))], Seen(1)))
    assert row.whole is None
    assert row.ledger.state not in {LIVE, DELETED}


def test_what_somebody_deletes_after_all_is_deleted() -> None:
    row = Row()
    row.hear(statements([aged_out(identity("dpl_old"))], Seen(1)))
    gone: Any = Delete(identity("dpl_old"), version=4, final=True)
    row.hear(statements([gone], Seen(2)))
    assert row.ledger.state == DELETED
