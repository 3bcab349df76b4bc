"""Junk in the API's answers: our own error with a path, or a document; nothing else ever."""

from __future__ import annotations

from typing import Any

import pytest

from ingest.core.changes import Upsert
from ingest.core.errors import BadPayload
from ingest.core.ranks import rank
from tests.sources.bending import at, paths
from tests.sources.linear.deliveries import body, upsert
from tests.sources.linear.looking import looking, organization, seen
from tests.sources.linear.test_junk import _ODD

_NAMES = [
    "Issue.update",
    "Comment.create",
    "Comment.create.on_document",
    "Project.create",
    "ProjectUpdate.create",
    "Document.create",
    "Initiative.update",
]


def _answer(name: str) -> tuple[str, str, Any]:
    """A kind, an id, and what the API answers about it."""
    payload = body(name)
    told = upsert(payload).identity
    linear = organization()
    linear.learn(payload["type"], payload["data"], payload.get("url"))
    if told.kind == "issue":
        linear.put("issue", id="issue-7", identifier="SIG-7", title="Another")
        linear.relate("issue-7", "blocks", told.id)
        linear.relate(told.id, "related", "issue-7")
        linear.attach(told.id, "https://example.test/1", "A link")
    with looking(linear) as look:
        return told.kind, told.id, look.sight(told.kind, told.id).raw


def _try(kind: str, id_: str, raw: Any) -> None:
    try:
        change = seen(kind, id_, raw)
    except BadPayload:
        return
    assert rank(change)
    if isinstance(change, Upsert):
        assert change.metadata["url"]


@pytest.mark.parametrize("name", _NAMES)
def test_any_field_of_an_answer_may_be_missing_or_odd(name: str) -> None:
    kind, id_, raw = _answer(name)
    for path in paths(raw)[1:]:
        kept = at(raw, path[:-1])[path[-1]]
        for odd in _ODD:
            at(raw, path[:-1])[path[-1]] = odd
            _try(kind, id_, raw)
        at(raw, path[:-1])[path[-1]] = kept
    for path in [(name,) for name in raw]:
        _try(kind, id_, {key: value for key, value in raw.items() if (key,) != path})
    for odd in _ODD:
        _try(kind, id_, odd)
