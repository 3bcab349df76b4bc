"""What GitHub pushes of a change leads to the look-up that sees it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ingest.core.changes import Refresh
from ingest.core.errors import TransientError
from ingest.sources.access import Access
from ingest.sources.contract import Lookup, Message
from ingest.sources.github import SOURCE
from ingest.sources.github.client import connect
from tests.sources.github.looking import AT, ID, NOW, Looking, looking


def _asked(at: Looking, push: dict[str, Any]) -> Refresh:
    headers = {"x-github-event": "push", "x-github-delivery": "d"}
    meaning = SOURCE.normalise(Message(headers, push, "d", NOW, str(ID), at.metadata))
    (refresh,) = meaning.changes
    assert isinstance(refresh, Refresh)
    return refresh


def test_a_push_is_looked_up_and_its_files_are_documents() -> None:
    with looking() as at:
        push = at.commit({"docs/a.md": "# A"})
        refresh = _asked(at, push)
        sight = at.client().fetch_one(Lookup(refresh.identity, refresh.hint))
        assert SOURCE.documents is not None
        (document,) = SOURCE.documents(
            Lookup(refresh.identity, raw=sight.raw, sent_at=NOW, hint=refresh.hint)
        )
        assert document.identity.kind == "file"
        assert document.identity.id == "docs/a.md"


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 1, 0), (2,)])
def test_pushes_in_any_order_end_at_the_head(order: tuple[int, ...]) -> None:
    with looking() as at:
        pushes = [
            at.commit({"a.md": "one", "b.md": "b"}),
            at.github.force_push(ID, "main", {"a.md": "two"}, at=AT),
            at.commit({"c.md": "c"}),
        ]
        for index in order:
            at.look(_asked(at, pushes[index]).identity.id)
        assert {path: d.body for path, d in at.documents.items()} == {"a.md": "two", "c.md": "c"}


def test_a_push_tells_what_it_did() -> None:
    with looking() as at:
        first = at.commit({"a.md": "a", "b.md": "b"})
        second = at.commit({"a.md": "A", "b.md": None, "c.md": "c"})
        forced = at.github.force_push(ID, "main", {"d.md": "d"}, at=AT)
        deleted = at.github.delete_branch(ID, "main")
        assert (first["created"], second["created"], forced["forced"]) == (True, False, True)
        assert second["before"] == first["after"]
        head = second["head_commit"]
        assert (head["added"], head["modified"], head["removed"]) == (["c.md"], ["a.md"], ["b.md"])
        assert (deleted["deleted"], deleted["commits"], deleted["head_commit"]) == (True, [], None)
        assert isinstance(first["repository"]["pushed_at"], int)


def test_a_branch_that_still_stands_where_it_stood_is_asked_for_again() -> None:
    """Bug: GitHub's API may lag behind its webhooks, and then the push was lost until the next."""
    with looking() as at:
        first = at.commit({"a.md": "one"})
        at.look()
        second = at.commit({"a.md": "two"})
        of, refresh = at.github.repositories[ID], _asked(at, second)
        ask = Lookup(refresh.identity, refresh.hint, at.state)
        of.git.branches["main"] = first["after"]
        with pytest.raises(TransientError):
            at.client().fetch_one(ask)
        at.github.now = lambda: NOW + timedelta(minutes=1)
        later = connect(Access(at.fake.url, at.github.token, at.metadata, at.github.now))
        assert later.fetch_one(ask).more is False, "for a while, and not for ever"
        later.close()
        of.git.branches["main"] = second["after"]
        sight = at.client().fetch_one(ask)
        assert isinstance(sight.raw, dict)
        assert sight.raw["head"] == second["after"]
