"""Junk: any field dropped, or replaced by any JSON value, gives our own error or a meaning."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.core.changes import Delete, Refresh, Upsert
from ingest.core.errors import BadPayload
from ingest.core.ranks import content, rank
from ingest.sources.contract import Lookup
from ingest.sources.notion.demo.fake import Notion
from ingest.sources.notion.demo.shapes import block, in_database, mention, rich
from ingest.sources.notion.documents import documents
from tests.sources.bending import anything, at, paths
from tests.sources.notion.deliveries import (
    AT,
    BLOCK,
    COMMENT,
    DATABASE,
    NAMES,
    NOW,
    OTHER,
    PAGE,
    SOURCE,
    body,
    identity,
    said,
)

_ODD: list[Any] = [
    None,
    True,
    "",
    "x" * 1000,
    0,
    -1,
    2**70,
    1e308,
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999-14:00",
    "1969-12-31T23:59:59Z",
    [],
    {},
    [None],
    [[]],
    {"id": {}},
    {"type": []},
]


def _page() -> dict[str, Any]:
    notion = Notion()
    properties: dict[str, Any] = {
        "Site": {"id": "s", "type": "url", "url": "https://x.test/"},
        "When": {"id": "w", "type": "date", "date": {"start": "2026-03-02", "end": None}},
        "Rows": {"id": "r", "type": "relation", "relation": [{"id": OTHER}]},
        "Sum": {"id": "f", "type": "formula", "formula": {"type": "number", "number": 1}},
        "Id": {"id": "i", "type": "unique_id", "unique_id": {"prefix": "A", "number": 1}},
    }
    where = in_database(DATABASE, SOURCE)
    notion.put_page(PAGE, "Timetable", at=AT, parent=where, properties=properties)
    row = block("table_row", cells=[[rich("a")], [mention(OTHER, "x")]])
    blocks = [
        block("paragraph", rich("a", href="https://x.test/"), mention(OTHER, "x")),
        block("to_do", rich("a"), checked=True, children=[block("code", rich("x"), language="c")]),
        block("table", has_column_header=True, children=[row]),
        block("image", caption=[rich("a")], type="file", file={"url": "https://x.test/a?b"}),
        {**block("child_page", title="x"), "id": OTHER},
        block("synced_block", synced_from={"block_id": BLOCK}),
    ]
    return {"page": notion.pages[PAGE], "blocks": blocks, "parent": None, "cut": True}


def _database() -> dict[str, Any]:
    notion = Notion()
    notion.put_database(DATABASE, "Trains", at=AT, sources={SOURCE: "x"}, description=[rich("a")])
    return {"database": notion.databases[DATABASE], "tables": [notion.sources[SOURCE]]}


def _comment() -> dict[str, Any]:
    notion = Notion()
    notion.put_comment(COMMENT, {"type": "block_id", "block_id": BLOCK}, rich("a"), at=AT)
    return {"comment": notion.comments[COMMENT], "parent": {"type": "page", "id": PAGE}}


_RAW = {
    "page": (PAGE, _page()),
    "database": (DATABASE, _database()),
    "comment": (COMMENT, _comment()),
    "data_source": (SOURCE, {"database_id": DATABASE}),
}


def _try(kind: str, raw: Any) -> None:
    try:
        (change,) = documents(Lookup(identity(kind, _RAW[kind][0]), raw=raw, sent_at=NOW))
    except BadPayload:
        return
    if isinstance(change, Refresh):
        return
    assert rank(change)
    orjson.dumps(content(change))
    assert isinstance(change, Upsert | Delete)
    if isinstance(change, Upsert):
        assert change.title
        assert None not in change.metadata.values()


def _try_event(payload: dict[str, Any]) -> None:
    try:
        result = said(payload)
    except BadPayload:
        return
    assert bool(result.changes) != bool(result.skip)


@pytest.mark.parametrize("kind", _RAW)
def test_any_field_of_an_answer_may_be_missing_or_odd(kind: str) -> None:
    whole = _RAW[kind][1]
    for path in paths(whole)[1:]:
        raw = deepcopy(whole)
        del at(raw, path[:-1])[path[-1]]
        _try(kind, raw)
        for odd in _ODD:
            at(raw := deepcopy(whole), path[:-1])[path[-1]] = odd
            _try(kind, raw)


@pytest.mark.parametrize("name", NAMES)
def test_any_field_of_an_event_may_be_missing_or_odd(name: str) -> None:
    for path in paths(body(name))[1:]:
        payload = body(name)
        del at(payload, path[:-1])[path[-1]]
        _try_event(payload)
        for odd in _ODD:
            at(payload := body(name), path[:-1])[path[-1]] = odd
            _try_event(payload)


@pytest.mark.parametrize("raw", [7, "x", [], {}, {"page": []}, {"page": {}}])
def test_what_is_no_answer_is_refused_with_a_path(raw: Any) -> None:
    for kind in _RAW:
        with pytest.raises(BadPayload):
            documents(Lookup(identity(kind, PAGE), raw=raw, sent_at=NOW))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_fields_may_be_anything(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(_RAW)))
    raw: Any = deepcopy(_RAW[kind][1])
    for _ in range(data.draw(st.integers(1, 4))):
        path = data.draw(st.sampled_from(paths(raw)[1:] or [()]))
        if path:
            at(raw, path[:-1])[path[-1]] = data.draw(anything)
    _try(kind, raw)
