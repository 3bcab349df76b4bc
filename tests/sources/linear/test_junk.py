"""Junk: any field dropped, or replaced by any JSON value, gives our own error or a meaning."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.core.changes import Upsert
from ingest.core.errors import BadPayload, PermanentError
from ingest.core.ranks import rank
from tests.sources.bending import anything, at, paths
from tests.sources.linear.deliveries import NAMES, body, said, upsert

_ODD: list[Any] = [
    None,
    True,
    "",
    "\x00",
    "\ud800",
    "x" * 100_000,
    0,
    -1,
    10**400,
    1e308,
    float("inf"),
    float("nan"),
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999-14:00",
    "1969-12-31T23:59:59Z",
    "2026-02-30T00:00:00Z",
    [],
    {},
    [None],
    [[]],
    {"id": {}},
    {"nodes": []},
]


def _try(payload: dict[str, Any]) -> None:
    try:
        result = said(payload)
    except PermanentError:
        return
    for change in result.untokened:
        assert rank(change)
        if isinstance(change, Upsert):
            assert isinstance(change.title, str)
            assert change.metadata["url"]


@pytest.mark.parametrize("name", NAMES)
def test_any_field_may_be_missing(name: str) -> None:
    for path in paths(body(name))[1:]:
        payload = body(name)
        del at(payload, path[:-1])[path[-1]]
        _try(payload)


@pytest.mark.parametrize("name", NAMES)
def test_any_field_may_be_odd(name: str) -> None:
    for path in paths(body(name))[1:]:
        for odd in _ODD:
            payload = body(name)
            at(payload, path[:-1])[path[-1]] = odd
            _try(payload)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_fields_may_be_anything(data: st.DataObject) -> None:
    payload = body(data.draw(st.sampled_from(NAMES)))
    for _ in range(data.draw(st.integers(1, 4))):
        path = data.draw(st.sampled_from(paths(payload)[1:] or [()]))
        if path:
            at(payload, path[:-1])[path[-1]] = data.draw(anything)
    _try(payload)


@pytest.mark.parametrize(
    ("field", "odd", "path"),
    [
        ("updatedAt", "yesterday", "data.updatedAt"),
        ("updatedAt", "1969-12-31T23:59:59Z", "data.updatedAt"),
        ("createdAt", "2026-02-30T00:00:00Z", "data.createdAt"),
        ("id", "two words", "data.id"),
        ("title", 7, "data.title"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(field: str, odd: Any, path: str) -> None:
    payload = body("Issue.create")
    payload["data"][field] = odd
    with pytest.raises(BadPayload) as refused:
        said(payload)
    assert refused.value.path == path


def test_an_error_never_quotes_the_payload() -> None:
    payload = body("Issue.create")
    payload["data"]["title"] = {"secret": "hunter2"}
    with pytest.raises(BadPayload) as refused:
        said(payload)
    assert "hunter2" not in f"{refused.value} {refused.value.__cause__}"


def test_a_change_does_not_depend_on_the_delivery_that_told_it() -> None:
    payload = body("Issue.update")
    expected = said(payload).untokened
    payload |= {"action": "create", "webhookTimestamp": 1, "webhookId": "other", "actor": None}
    payload["createdAt"] = "2026-01-01T00:00:00.000Z"
    del payload["updatedFrom"]
    assert said(payload).untokened == expected


def test_what_nothing_depends_on_says_nothing_where_it_is_junk() -> None:
    """Bug: a payload was dead for an empty id of something that its document can do without."""
    payload = body("Issue.create")
    junk = {"labels": [{"name": 7}], "teamId": "", "projectId": "", "previousIdentifiers": [None]}
    payload["data"] |= junk
    plain = body("Issue.create")
    for name in junk:
        plain["data"].pop(name, None)
    issue = upsert(payload)
    assert issue.title == upsert(plain).title
    assert "projectId" not in issue.metadata
    assert issue.aliases == ()
