"""In which teams an object is: what a choice of teams needs is asked for, of every kind."""

from __future__ import annotations

from typing import Any

import pytest

from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.contract import Lookup
from ingest.sources.linear import SOURCE
from ingest.sources.linear.demo.fake import Linear
from tests.sources.linear.deliveries import ORGANIZATION, identity
from tests.sources.linear.looking import NOW, Looking, looking, organization, seen

T = "2026-03-01T09:00:00.000Z"
SIGNALS, DEPOT = "team-of-signals", "team-of-the-depot"
IN = {"issue": {"id": "issue-1"}}

PLACES: list[tuple[str, str, dict[str, Any], set[str] | None]] = [
    ("a document of a team", "document", {"team": {"id": SIGNALS}}, {SIGNALS}),
    ("a document of an issue", "document", {"issue": {"id": "issue-1"}}, {SIGNALS}),
    ("a document of a cycle", "document", {"cycle": {"team": {"id": SIGNALS}}}, {SIGNALS}),
    ("a document of a project", "document", {"project": {"id": "project-1"}}, {SIGNALS}),
    ("a document of another project", "document", {"project": {"id": "project-2"}}, set()),
    ("a document of an initiative", "document", {"initiative": {"id": "initiative-1"}}, {SIGNALS}),
    ("a document below one", "document", {"parentDocument": {"id": "document-1"}}, {SIGNALS}),
    ("a document of nobody", "document", {}, set()),
    ("a comment on an issue", "comment", {"issue": {"id": "issue-1"}}, {SIGNALS}),
    ("a comment on a project", "comment", {"project": {"id": "project-1"}}, {SIGNALS}),
    ("on another project", "comment", {"project": {"id": "project-2"}}, set()),
    ("on a project's update", "comment", {"projectUpdate": {"id": "update-1"}}, {SIGNALS}),
    (
        "in the margin of a document",
        "comment",
        {"documentContent": {"document": {"id": "document-1"}}},
        {SIGNALS},
    ),
    ("on an initiative", "comment", {"initiative": {"id": "initiative-1"}}, {SIGNALS}),
    ("on what is not shown", "comment", {}, None),
    ("an update of a project", "projectUpdate", {"project": {"id": "project-1"}}, {SIGNALS}),
    ("of another one", "projectUpdate", {"project": {"id": "project-2"}}, set()),
    ("of an initiative", "initiativeUpdate", {"initiative": {"id": "initiative-1"}}, {SIGNALS}),
    ("an initiative", "initiative", {"projects": [{"id": "project-1"}]}, {SIGNALS}),
    ("one of others", "initiative", {"projects": [{"id": "project-2"}]}, set()),
    ("one without projects", "initiative", {"projects": []}, set()),
]
_OUR_KIND = {"projectUpdate": "project_update", "initiativeUpdate": "initiative_update"}


def inhabited() -> Linear:
    """A project of two teams, one of the depot's, and what is written on them."""
    linear = organization()
    for id_, key in ((SIGNALS, "SIG"), (DEPOT, "DEP")):
        linear.put("team", id=id_, key=key, name=key, createdAt=T, updatedAt=T)
    _put(linear, "issue", "issue-1", identifier="SIG-1", number=1, team={"id": SIGNALS})
    teams = [{"id": DEPOT}, {"id": SIGNALS}]
    _put(linear, "project", "project-1", name="Points", teams=teams)
    _put(linear, "project", "project-2", name="Sheds", teams=[{"id": DEPOT}])
    _put(linear, "initiative", "initiative-1", name="Winter", projects=[{"id": "project-1"}])
    _put(linear, "document", "document-1", title="Plan", project={"id": "project-1"})
    _put(linear, "projectUpdate", "update-1", body="Well", project={"id": "project-1"})
    return linear


def _put(linear: Linear, kind: str, id_: str, **fields: Any) -> None:
    told = {"title": id_, "name": id_, "body": "A text", "createdAt": T, "updatedAt": T}
    linear.put(kind, id=id_, url=f"https://linear.app/{id_}", **{**told, **fields})


def narrowed(look: Looking, *teams: str) -> Any:
    """A client of a connection that is narrowed to these teams."""
    metadata: dict[str, JSON] = {"linearOrganizationId": ORGANIZATION, "onlyTeamIds": [*teams]}
    assert SOURCE.connect is not None
    return SOURCE.connect(Access(look.fake.url, look.linear.token, metadata, lambda: NOW))


@pytest.mark.parametrize(
    ("kind", "fields", "labels"), [place[1:] for place in PLACES], ids=[p[0] for p in PLACES]
)
def test_a_look_up_says_in_which_of_the_teams_it_is(
    kind: str, fields: dict[str, Any], labels: set[str] | None
) -> None:
    """Bug: documents of an excluded team were stored, as neither payload nor query named one."""
    linear, ours = inhabited(), _OUR_KIND.get(kind, kind)
    _put(linear, kind, "asked", **fields)
    with looking(linear) as look:
        client = narrowed(look, SIGNALS)
        raw = client.fetch_one(Lookup(identity(ours, "asked"))).raw
        client.close()
    change = seen(ours, "asked", raw)
    assert getattr(change, "labels", None) == (None if labels is None else frozenset(labels))


@pytest.mark.parametrize("kind", ["document", "comment", "project_update", "initiative"])
def test_a_connection_of_all_teams_pays_for_none(kind: str) -> None:
    linear = inhabited()
    _put(linear, "comment", "comment-1", **IN)
    named = {
        "document": "document-1",
        "comment": "comment-1",
        "project_update": "update-1",
        "initiative": "initiative-1",
    }
    with looking(linear) as look:
        assert look.upsert(kind, named[kind]).title
        (asked,) = look.fake.requests
    assert "teams" not in asked.body["query"]
