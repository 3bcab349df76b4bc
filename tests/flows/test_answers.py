"""What answers its parent stays without it, and goes with what it lives in."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.factories import connect, make_store
from tests.flows.desk import Desk, desk
from tests.flows.halcyon import Sent

__all__ = ["desk"]

pytestmark = pytest.mark.integration

_FIXTURES = Path(__file__).parents[1] / "sources" / "github" / "fixtures"
COMMENT, REPLY = 8801, 8802


def _told(event: str, action: str, id_: int = COMMENT, **comment: Any) -> Sent:
    """What GitHub tells of a comment in a discussion, or of the discussion."""
    found = json.loads((_FIXTURES / f"{event}.created.json").read_text())
    body = found["body"] | {"action": action}
    if event == "discussion_comment":
        body["comment"] |= {"id": id_, "parent_id": None, **comment}
    return Sent("github", body, {"x-github-event": event})


def _story() -> list[Sent]:
    later = "2027-01-01T00:00:00Z"
    return [
        _told("discussion", "created"),
        _told("discussion_comment", "created"),
        _told("discussion_comment", "created", REPLY, parent_id=COMMENT),
        _told("discussion_comment", "deleted", updated_at=later),
    ]


def _open(engine: sa.Engine, sent: Sent) -> tuple[str, str]:
    store = make_store(engine)
    repository = str(sent.body["repository"]["id"])
    return connect(engine, "github", {"githubRepoId": repository}, stores=[store]), store


@pytest.mark.parametrize("order", [*permutations(range(4))][::5])
def test_a_reply_stays_when_the_comment_that_it_answers_is_deleted(
    desk: Desk, engine: sa.Engine, order: tuple[int, ...]
) -> None:
    """Bug: deleting a comment made all replies vanish, later ones too, which GitHub shows on."""
    story = _story()
    connection, store = _open(engine, story[0])
    for place in order:
        desk.end(connection, story[place], f"{place}")
    desk.end(connection, _told("discussion_comment", "created", 8803, parent_id=COMMENT), "late")
    kinds = {key: row["source_metadata"]["kind"] for key, row in desk.documents(store).items()}
    assert sorted(kinds.values()) == ["discussion", *["discussion-comment"] * 2]
    assert not any(key.endswith(f"/{COMMENT}") for key in kinds)


def test_a_reply_goes_with_its_discussion(desk: Desk, engine: sa.Engine) -> None:
    story = _story()
    connection, store = _open(engine, story[0])
    for place, sent in enumerate(story[:3]):
        desk.end(connection, sent, f"{place}")
    assert len(desk.documents(store)) == 3
    desk.end(connection, _told("discussion", "deleted"), "deleted")
    assert desk.documents(store) == {}
