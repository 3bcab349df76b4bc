"""From the object of one of Linear's webhooks to the same object as its API has it. No I/O.

Webhooks tell ids where the API has objects (`projectId`, `project { id }`), and leave out what is
null; `identifier` and `url` are missing in those of 2021.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_OBJECTS: Mapping[str, str] = {
    "teamId": "team",
    "stateId": "state",
    "projectId": "project",
    "initiativeId": "initiative",
    "projectUpdateId": "projectUpdate",
    "initiativeUpdateId": "initiativeUpdate",
    "issueId": "issue",
    "parentId": "parent",
    "assigneeId": "assignee",
    "creatorId": "creator",
    "userId": "user",
    "externalUserId": "externalUser",
    "statusId": "status",
}
_SHOWN: Mapping[str, str] = {
    "project": "name",
    "projectUpdate": "body",
    "initiative": "name",
    "initiativeUpdate": "body",
    "issue": "title",
    "document": "title",
    "comment": "body",
}
_NO_SLUG = frozenset({"comment", "issue"})


def as_the_api_has_it(kind: str, data: Mapping[str, Any], url: str | None = None) -> dict[str, Any]:
    """The fields of an object of a kind, by the root field's name."""
    made = {name: value for name, value in data.items() if name not in _OBJECTS}
    made |= _named_by_id(data)
    if kind == "project":
        made |= _of_project(data)
    for listed in ("labels", "teams"):
        made[listed] = _nodes(made.get(listed))
    made["url"] = data.get("url") or url or f"https://linear.app/{kind}/{data['id']}"
    made.setdefault(_SHOWN.get(kind, "name"), f"{kind} {data['id']}")
    made.setdefault("createdAt", data.get("updatedAt"))
    if kind == "issue":
        made["identifier"] = data.get("identifier") or _identifier(data)
        made.setdefault("previousIdentifiers", [])
    elif kind not in _NO_SLUG:
        made.setdefault("slugId", data["id"])
    return made


def _named_by_id(data: Mapping[str, Any]) -> dict[str, Any]:
    """The objects of which only the id is told."""
    return {
        name: {"id": data[id_name]}
        for id_name, name in _OBJECTS.items()
        if data.get(id_name) and not isinstance(data.get(name), dict)
    }


def _of_project(data: Mapping[str, Any]) -> dict[str, Any]:
    """Its teams, and its status where only the word for that is told."""
    teams = [{"id": id_, "key": None} for id_ in data.get("teamIds") or ()]
    if "status" in data or not data.get("state"):
        return {"teams": teams}
    return {"teams": teams, "status": {"name": data["state"], "type": data["state"]}}


def _identifier(data: Mapping[str, Any]) -> str:
    team = data.get("team")
    key = team.get("key") if isinstance(team, dict) else None
    return f"{key or 'NONE'}-{data.get('number') or 1}"


def _nodes(told: Any) -> list[Any]:
    found = told.get("nodes") if isinstance(told, dict) else told
    return list(found) if isinstance(found, list) else []
