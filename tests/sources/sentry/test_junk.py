"""Junk: any field dropped, or replaced by any JSON value, gives our own error or a meaning."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.core.changes import Refresh, Upsert
from ingest.core.errors import BadPayload
from ingest.core.ranks import rank
from ingest.sources.contract import Lookup
from ingest.sources.sentry import SOURCE
from tests.sources.bending import anything, at, paths
from tests.sources.sentry.deliveries import (
    CONNECTION,
    NAMES,
    RECEIVED_AT,
    data,
    identity,
    said,
    told,
)

_ODD: list[Any] = [
    None,
    True,
    "",
    "\x00",
    "\ud800",
    "x" * 10_000,
    0,
    -1,
    10**400,
    1e308,
    float("inf"),
    float("nan"),
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999-14:00",
    "1969-12-31T23:59:59Z",
    [],
    {},
    [None],
    [[]],
    [["a", "b"], ["a"]],
    {"id": {}},
]


def _try(fixture: dict[str, Any]) -> None:
    try:
        result = said(fixture)
    except BadPayload:
        return
    for change in result.untokened:
        assert rank(change)
        if isinstance(change, Upsert):
            assert isinstance(change.title, str)


def _try_seen(raw: Any) -> None:
    assert SOURCE.documents is not None
    try:
        found = SOURCE.documents(
            Lookup(identity(), raw=raw, sent_at=RECEIVED_AT, hint={}, connection=CONNECTION)
        )
    except BadPayload:
        return
    assert found
    for change in found:
        assert isinstance(change, Refresh) or rank(change)


def _raw() -> dict[str, Any]:
    """A sight with one of everything."""
    note = {"id": "1", "type": "note", "data": {"text": "x"}, "user": {"id": "1", "name": "O"}}
    entry = {"type": "exception", "data": data("error.created")["error"]["exception"]}
    request = {"type": "request", "data": {"method": "GET", "url": "https://halcyon.example/"}}
    return {
        "issue": {**data("issue.resolved")["issue"], "activity": [note]},
        "event": {"id": "e", "entries": [entry, request], "release": {"version": "web@1"}},
        "tags": {"environment": ["production"], "browser": ["Firefox", 7]},
        "externalIssues": [{"webUrl": "https://linear.app/halcyon/issue/ENG-12"}],
    }


@pytest.mark.parametrize("name", NAMES)
def test_any_field_may_be_odd(name: str) -> None:
    for path in paths(told(name)["body"])[1:]:
        for odd in _ODD:
            fixture = told(name)
            at(fixture["body"], path[:-1])[path[-1]] = odd
            _try(fixture)


def test_any_part_of_a_sight_may_be_missing_or_odd() -> None:
    for path in paths(_raw())[1:]:
        raw = _raw()
        del at(raw, path[:-1])[path[-1]]
        _try_seen(raw)
        for odd in _ODD:
            raw = _raw()
            at(raw, path[:-1])[path[-1]] = odd
            _try_seen(raw)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_fields_may_be_anything(drawn: st.DataObject) -> None:
    fixture, raw = told(drawn.draw(st.sampled_from(NAMES))), _raw()
    for whole in (fixture["body"], raw):
        for _ in range(drawn.draw(st.integers(1, 4))):
            path = drawn.draw(st.sampled_from(paths(whole)[1:] or [()]))
            if path:
                at(whole, path[:-1])[path[-1]] = drawn.draw(anything)
    _try(fixture)
    _try_seen(raw)


def test_an_error_never_quotes_the_payload() -> None:
    fixture = told("comment.created")
    fixture["body"]["data"]["issue_id"] = {"secret": "hunter2"}
    with pytest.raises(BadPayload) as refused:
        said(fixture)
    assert "hunter2" not in f"{refused.value} {refused.value.__cause__}"
