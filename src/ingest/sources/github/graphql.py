"""Discussions over GraphQL, the only way to read them, in the shape that webhooks tell them in.

[DOC: using-the-graphql-api-for-discussions] Performs no I/O: the queries, and what becomes of
their answers.
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.core.errors import BadPayload
from ingest.core.values import JSON

_Node = Mapping[str, JSON]

AUTHOR = "author { login __typename }"
_REMARK = f"databaseId id body url createdAt updatedAt authorAssociation {AUTHOR}"
DISCUSSION_FIELDS = f"""
    {_REMARK} number title locked closed stateReason isAnswered
    category {{ name slug }} answer {{ url }} labels(first: 100) {{ nodes {{ name }} }}
    repository {{ databaseId }}
"""
COMMENT_FIELDS = f"{_REMARK} deletedAt replyTo {{ databaseId }}"

DISCUSSION = f"""query($owner: String!, $name: String!, $number: Int!) {{
  repository(owner: $owner, name: $name) {{ discussion(number: $number) {{ {DISCUSSION_FIELDS} }} }}
}}"""
COMMENT = f"""query($id: ID!) {{
  node(id: $id) {{ ... on DiscussionComment {{
    {COMMENT_FIELDS} discussion {{ number repository {{ databaseId }} }}
  }} }}
}}"""
MOST_REPLIES = 100
COMMENTS = f"""query($owner: String!, $name: String!, $number: Int!, $after: String) {{
  repository(owner: $owner, name: $name) {{ discussion(number: $number) {{
    number repository {{ databaseId }}
    comments(first: 50, after: $after) {{
      pageInfo {{ hasNextPage endCursor }}
      nodes {{ {COMMENT_FIELDS} replies(first: {MOST_REPLIES}) {{
        pageInfo {{ hasNextPage endCursor }} nodes {{ {COMMENT_FIELDS} }}
      }} }}
    }}
  }} }}
}}"""


def discussion(node: _Node) -> dict[str, JSON]:
    """The discussion as the webhook `discussion` tells it."""
    category, labels = _object(node, "category"), _object(node, "labels").get("nodes")
    return {
        **_remark(node),
        "number": node.get("number"),
        "title": node.get("title"),
        "state": _state(node),
        "state_reason": _lower(node.get("stateReason")),
        "closed": node.get("closed"),
        "locked": node.get("locked"),
        "category": {"name": category.get("name"), "slug": category.get("slug")},
        "answer_html_url": _object(node, "answer").get("url"),
        "labels": labels if isinstance(labels, list) else [],
    }


def comment(node: _Node) -> dict[str, JSON]:
    """The comment as the webhook `discussion_comment` tells it."""
    return {**_remark(node), "parent_id": _object(node, "replyTo").get("databaseId")}


def is_deleted(node: _Node) -> bool:
    """Whether a comment is gone: GraphQL still shows it, without its text, while there are replies
    to it.
    """
    return node.get("deletedAt") is not None


def found(answer: _Node, *path: str) -> _Node | None:
    """The object at this path of an answer; None where there is none."""
    here: JSON = dict(answer)
    for name in path:
        if not isinstance(here, dict):
            return None
        here = here.get(name)
    return here if isinstance(here, dict) else None


def comment_of(page: _Node, id_: str) -> _Node | None:
    """The comment or reply of this id on a page of a discussion's comments."""
    return next((node for node in _remarks(page) if str(node.get("databaseId")) == id_), None)


def unshown(page: _Node) -> list[tuple[str, str]]:
    """The comments on the page of which not all replies are shown: node ids, and where the others
    begin.
    """
    nodes = [(str(node.get("id")), next_page(node, "replies")) for node in _nodes(page, "comments")]
    return [(id_, after) for id_, after in nodes if after is not None]


def next_page(page: _Node, name: str = "comments") -> str | None:
    """Where the next page of a connection begins; None on the last one.

    Raises `BadPayload` where there is one and nothing says where: nothing is gone by that.
    """
    info = found(page, name, "pageInfo") or {}
    if not info.get("hasNextPage"):
        return None
    cursor = info.get("endCursor")
    if not isinstance(cursor, str):
        raise BadPayload(f"{name}.pageInfo", "does not say where the next page begins")
    return cursor


def is_of(node: _Node, repository_id: str) -> bool:
    """Whether a discussion is in this repository: one that was transferred is elsewhere."""
    return str(_object(node, "repository").get("databaseId")) == repository_id


def number_of(node: _Node) -> int:
    """The discussion's number; raises `BadPayload` where there is none."""
    number = node.get("number")
    if type(number) is not int:
        raise BadPayload("discussion.number", "required and missing")
    return number


def _remarks(page: _Node) -> list[_Node]:
    nodes = _nodes(page, "comments")
    return [*nodes, *(reply for node in nodes for reply in _nodes(node, "replies"))]


def _nodes(node: _Node, name: str) -> list[_Node]:
    nodes = _object(node, name).get("nodes")
    return [one for one in nodes if isinstance(one, dict)] if isinstance(nodes, list) else []


def _remark(node: _Node) -> dict[str, JSON]:
    told: dict[str, JSON] = {
        "id": node.get("databaseId"),
        "node_id": node.get("id"),
        "html_url": node.get("url"),
        "body": node.get("body"),
        "user": user(node.get("author")),
        "author_association": node.get("authorAssociation"),
        "created_at": node.get("createdAt"),
        "updated_at": node.get("updatedAt"),
    }
    return told


def user(author: JSON) -> JSON:
    """REST and webhooks call an app's account `name[bot]`, GraphQL calls it `name`."""
    login = author.get("login") if isinstance(author, dict) else None
    if not isinstance(author, dict) or not isinstance(login, str):
        return None
    is_bot = author.get("__typename") == "Bot" and not login.endswith("[bot]")
    return {"login": f"{login}[bot]" if is_bot else login}


def _state(node: _Node) -> str:
    """[WH-OAS] `open`, `closed` or `locked`."""
    if node.get("closed"):
        return "closed"
    return "locked" if node.get("locked") else "open"


def _lower(told: JSON) -> str | None:
    return told.lower() if isinstance(told, str) else None


def _object(node: _Node, name: str) -> _Node:
    told = node.get(name)
    return told if isinstance(told, dict) else {}
