"""Listings in tests: an organization with objects of every kind, and walks through its lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ingest.core.changes import Change, Refresh
from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.linear import SOURCE
from ingest.sources.linear.client import LinearClient
from ingest.sources.linear.demo.crowd import fill
from ingest.sources.linear.demo.fake import Linear
from ingest.sources.linear.kinds import BY_TYPE
from ingest.sources.linear.listing import LISTING
from ingest.sources.listing import Listed, Lists, Page, PageRequest
from ingest.testing.walking import changes_of, pages_of
from tests.sources.linear.deliveries import NAMES, ORGANIZATION, body
from tests.sources.linear.looking import Looking, organization

CONNECTION: Mapping[str, JSON] = {"linearOrganizationId": ORGANIZATION}
RESOURCES = [resource.name for resource in LISTING.resources]
ROOTS = {kind.kind: f"{type_[0].lower()}{type_[1:]}" for type_, kind in BY_TYPE.items()}
"""The API's name of each kind that becomes a document."""
LATER = datetime(2026, 9, 1, tzinfo=UTC)
SIGNALS, DEPOT = "65c063c9-ce6d-5c74-bb11-a7837e322046", "team-of-the-depot"


def populated() -> Linear:
    """Everything that the deliveries tell of, ten more issues and what hangs on them."""
    linear = organization()
    linear.put("team", id=SIGNALS, key="SIG", name="Signals")
    linear.put("team", id=DEPOT, key="DEP", name="Depot")
    payloads = [body(name) for name in NAMES]
    told = [one for one in payloads if one["type"] in BY_TYPE and one["action"] != "remove"]
    for one in sorted(told, key=lambda payload: str(payload["data"]["updatedAt"])):
        linear.learn(one["type"], one["data"], one.get("url"))
    fill(linear, 10, comments_each=1, team=DEPOT)
    for number in range(1, 4):
        linear.relate("issue-0", "blocks", f"issue-{number}")
        linear.attach("issue-0", f"https://example.test/{number}", "A link")
    linear.trash("issue", "issue-5", LATER)
    linear.archive("issue", "issue-6", LATER)
    linear.put("project", **_project("project-of-the-depot", DEPOT))
    linear.put("project", **_project("project-in-the-trash", SIGNALS), trashed=True)
    return linear


def _project(id_: str, *teams: str) -> dict[str, Any]:
    at = "2026-02-01T00:00:00.000Z"
    return {
        "id": id_,
        "name": id_,
        "createdAt": at,
        "updatedAt": at,
        "slugId": id_,
        "url": f"https://linear.app/halcyon-rail/project/{id_}",
        "teams": [{"id": team} for team in teams],
    }


def known(linear: Linear) -> set[Identity]:
    """The identities of all that is a document."""
    return {
        Identity("linear", ORGANIZATION, kind, id_)
        for kind, root in ROOTS.items()
        for id_ in linear.objects.get(root, {})
    }


def connection(*teams: str) -> dict[str, JSON]:
    """The connection, narrowed to these teams."""
    return {**CONNECTION, **({"onlyTeamIds": [*teams]} if teams else {})}


def pages(look: Looking, resource: str, *teams: str, since: datetime | None = None) -> list[Page]:
    """The pages of one list, to its end."""
    return [*pages_of(_lists(look), resource, since=since, connection=connection(*teams))]


def listed(
    look: Looking, resource: str, *teams: str, since: datetime | None = None
) -> dict[Identity, Change]:
    """What the list says, by object; each told once."""
    told = [one for page in pages(look, resource, *teams, since=since) for one in page.listed]
    assert len({one.identity for one in told}) == len(told)
    return {one.identity: change_of(one) for one in told}


def listed_all(look: Looking, *teams: str) -> dict[Identity, Change]:
    """What a full run says, by object."""
    return {
        identity: change
        for resource in RESOURCES
        for identity, change in listed(look, resource, *teams).items()
    }


def change_of(one: Listed) -> Change:
    """The one change that a listed object is."""
    (change,) = changes_of(SOURCE, one, CONNECTION)
    assert not isinstance(change, Refresh)
    return change


def a_page(
    look: Looking, resource: str, cursor: JSON = None, *, since: datetime | None = None
) -> Page:
    """One page behind a cursor."""
    request = PageRequest(resource, since, LATER, cursor, connection=connection())
    return _lists(look).list_page(request)


def _lists(look: Looking) -> Lists:
    assert isinstance(look.client, LinearClient)
    return look.client


def names(look: Looking) -> list[str]:
    """The operations that were asked for, in their order."""
    return [asked.body["operationName"] for asked in look.fake.requests]


def ids(found: Mapping[Identity, Change]) -> set[str]:
    """The ids alone."""
    return {identity.id for identity in found}


def after(minutes: int) -> datetime:
    """So long after `LATER`."""
    return LATER + timedelta(minutes=minutes)


def numbered(count: int) -> Iterator[str]:
    """The ids of `crowd`'s issues."""
    return (f"issue-{number}" for number in range(count))
