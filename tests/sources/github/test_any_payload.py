"""Whatever anybody may send: only our own errors, and a path to what is wrong."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.core.errors import BadPayload, PermanentError
from ingest.core.ranks import rank
from tests.sources.github.deliveries import FIXTURES, body, told

Path = tuple[str | int, ...]

JUNK: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([-1, 2**63, 2**64, 10**400]),
    st.floats(),
    st.sampled_from(["", "\x00", "\ud800", "0001-01-01T00:00:00Z", "99999-01-01T00:00:00Z"]),
    st.sampled_from(["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2024-03-01"]),
    st.text(),
    st.recursive(
        st.none() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.text() | st.sampled_from(["login", "name", "id"]), inner, max_size=3
            )
        ),
        max_leaves=8,
    ),
)


def _paths(value: Any, here: Path = ()) -> Iterator[Path]:
    steps: Iterable[str | int] = ()
    if isinstance(value, dict):
        steps = value
    elif isinstance(value, list):
        steps = range(len(value))
    for step in steps:
        yield (*here, step)
        yield from _paths(value[step], (*here, step))


PATHS = [(fixture, path) for fixture in FIXTURES for path in _paths(FIXTURES[fixture]["body"])]


def _holder(payload: Any, path: Path) -> Any:
    for step in path[:-1]:
        payload = payload[step]
    return payload


def _survives(fixture: str, payload: Any) -> None:
    try:
        outcome = told(fixture, payload)
    except PermanentError:
        return
    for change in outcome.untokened:
        rank(change)


@pytest.mark.parametrize("fixture", FIXTURES)
def test_any_missing_field_gives_a_document_or_our_own_error(fixture: str) -> None:
    payload = FIXTURES[fixture]["body"]
    for path in _paths(payload):
        without = copy.deepcopy(payload)
        del _holder(without, path)[path[-1]]
        _survives(fixture, without)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(PATHS), JUNK)
def test_any_field_replaced_by_junk_gives_a_document_or_our_own_error(
    where: tuple[str, Path], junk: Any
) -> None:
    fixture, path = where
    payload = body(fixture)
    _holder(payload, path)[path[-1]] = junk
    _survives(fixture, payload)


@given(st.sampled_from(sorted(FIXTURES)), st.dictionaries(st.text(), JUNK, max_size=5))
def test_a_payload_of_junk_gives_our_own_error(fixture: str, payload: dict[str, Any]) -> None:
    _survives(fixture, payload | {"action": "opened"})


REQUIRED = [
    ("issues.opened", "issue"),
    ("issues.opened", "issue.number"),
    ("issues.opened", "issue.title"),
    ("issues.opened", "issue.updated_at"),
    ("issues.opened", "repository.full_name"),
    ("issues.deleted", "issue.number"),
    ("pull_request.opened", "pull_request.updated_at"),
    ("issue_comment.created", "comment.id"),
    ("issue_comment.created", "comment.updated_at"),
    ("issue_comment.created", "issue.number"),
    ("issue_comment.deleted", "comment.id"),
    ("pull_request_review.submitted", "review.id"),
    ("pull_request_review.submitted", "pull_request.number"),
    ("pull_request_review_comment.created", "comment.updated_at"),
    ("pull_request_review_comment.created", "pull_request"),
    ("discussion.created", "discussion.title"),
    ("discussion.created", "discussion.updated_at"),
    ("discussion.deleted", "discussion.number"),
    ("discussion_comment.created", "comment.updated_at"),
    ("discussion_comment.created", "discussion.number"),
    ("discussion_comment.deleted", "comment.id"),
    ("release.published", "release.tag_name"),
    ("release.deleted", "release.id"),
    ("push", "ref"),
    ("delete.branch", "ref_type"),
    ("repository.deleted", "action"),
    ("repository.edited.default_branch", "repository.default_branch"),
    ("issue_dependencies.blocked_by_added", "blocked_issue.number"),
    ("sub_issues.parent_issue_added", "repository.full_name"),
]


@pytest.mark.parametrize(("fixture", "path"), REQUIRED)
def test_a_missing_required_field_is_named_by_its_path(fixture: str, path: str) -> None:
    payload, steps = body(fixture), tuple(path.split("."))
    del _holder(payload, steps)[steps[-1]]
    with pytest.raises(BadPayload) as caught:
        told(fixture, payload)
    assert caught.value.path == path
    assert "missing" in caught.value.problem


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "99999-01-01T00:00:00Z", "", 7, True])
def test_a_time_that_cannot_order_anything_is_refused(time: object) -> None:
    payload = body("issues.opened")
    payload["issue"]["updated_at"] = time
    with pytest.raises(BadPayload) as caught:
        told("issues.opened", payload)
    assert caught.value.path == "issue.updated_at"
