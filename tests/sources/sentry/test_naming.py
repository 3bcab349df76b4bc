"""An issue as it is called under another slug of its project."""

from __future__ import annotations

import pytest

from ingest.core.naming import Called
from ingest.sources.sentry import SOURCE
from tests.sources.sentry.deliveries import told, upsert

NAMING = SOURCE.naming
_ISSUE, _COMMENT = upsert(told("issue.created")), upsert(told("comment.created"))


def test_an_issue_is_called_after_its_project_and_a_comment_is_not() -> None:
    assert NAMING is not None
    assert NAMING.within(_ISSUE.metadata) == Called("", "web")
    assert NAMING.within(_COMMENT.metadata) is None


@pytest.mark.parametrize(
    ("key", "after"),
    [
        ("WEB-7F", "FRONT-END-7F"),
        ("web-7F", "FRONT-END-7F"),
        ("WEB-2-7F", "WEB-2-7F"),
        ("1170820242", "1170820242"),
        ("1170820242/comment/1", "1170820242/comment/1"),
    ],
)
def test_a_short_id_keeps_its_counter(key: str, after: str) -> None:
    assert NAMING is not None
    assert NAMING.key(key, "web", "front-end") == after


def test_its_metadata_are_those_that_sentry_would_tell_now() -> None:
    fixture = told("issue.created")
    issue = fixture["body"]["data"]["issue"]
    issue |= {"shortId": "SHOP-7F", "project": {"id": "501", "slug": "shop"}}
    assert NAMING is not None
    assert NAMING.metadata(_ISSUE.metadata, "web", "shop") == upsert(fixture).metadata
