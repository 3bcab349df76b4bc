"""What it means that a document is not in a complete list: a look-up, unless it may be too old."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ingest.core.changes import Field, Patch, Refresh
from ingest.core.identity import Identity
from ingest.core.times import to_micros
from ingest.sources.listing import Unlisted
from ingest.sources.sentry import SOURCE
from ingest.sources.sentry.types import DOCUMENT_TYPES, SentryDocMetadata
from tests.sources.sentry.deliveries import CONNECTION, told, upsert
from tests.sources.sentry.organizations import NOW, SCOPE

_ISSUE, _COMMENT = upsert(told("issue.created")), upsert(told("comment.created"))
_LAST = NOW - timedelta(days=2)


def _absent(
    kind: str = "issue", age_days: float = 2, keeps: int | None = None, **metadata: Any
) -> Any:
    listing, at = SOURCE.listing, NOW - timedelta(days=age_days)
    assert listing is not None
    document = _ISSUE if kind == "issue" else _COMMENT
    stored = {**document.metadata, "lastSeen": at.isoformat(), **metadata}
    identity = Identity("sentry", SCOPE, kind, "7")
    connection = {**CONNECTION, **({"retentionDays": keeps} if keeps else {})}
    return listing.absent(Unlisted(identity, "WEB-7", stored, at, connection, NOW))


def test_an_issue_of_late_is_looked_up() -> None:
    assert _absent() == Refresh(Identity("sentry", SCOPE, "issue", "7"))
    assert _absent(age_days=89.9) == Refresh(Identity("sentry", SCOPE, "issue", "7"))
    assert isinstance(_absent(lastSeen="soon"), Refresh)


def test_an_issue_that_aged_out_stays_and_says_so_once() -> None:
    found = _absent(age_days=90.1)
    assert found == Patch(
        Identity("sentry", SCOPE, "issue", "7"), to_micros(NOW), {"agedOut": Field(True, "newest")}
    )
    assert _absent(age_days=90.1, agedOut=True) is None
    marked = SentryDocMetadata.model_validate({**_ISSUE.metadata, "agedOut": True})
    assert marked.told() == {**_ISSUE.metadata, "agedOut": True}
    assert SentryDocMetadata in DOCUMENT_TYPES


def test_who_keeps_events_for_longer_or_shorter_says_so() -> None:
    assert isinstance(_absent(age_days=31, keeps=30), Patch)
    assert isinstance(_absent(age_days=364, keeps=365), Refresh)
    assert _absent("comment", age_days=31, keeps=30) is None


def test_a_comment_is_looked_up_by_its_issue() -> None:
    issue_id = _COMMENT.metadata["issueId"]
    comment = Identity("sentry", SCOPE, "comment", "7")
    assert _absent("comment") == Refresh(comment, {"issueId": issue_id})


def test_a_comment_of_what_may_have_aged_out_is_left() -> None:
    assert _absent("comment", age_days=91) is None
    assert _absent("comment", issueId=None) is None


def test_every_kind_that_webhooks_make_is_listed() -> None:
    assert SOURCE.listing is not None
    kinds = frozenset[str]().union(*(one.kinds for one in SOURCE.listing.resources))
    assert kinds == {_ISSUE.identity.kind, _COMMENT.identity.kind}
    assert [one.name for one in SOURCE.listing.resources if not one.narrows] == ["states"]
