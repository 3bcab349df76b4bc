"""Queries that list what has no list in the REST API, or one for each object alone.

Law: every list within a list is paged to its end; what a page of it does not hold is asked for by
itself. Each costs a few points of the hour's. [DOC: rate-limits-and-query-limits-for-the-graphql-
api] Performs no I/O: the queries, and what becomes of their answers.
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.core.errors import BadPayload
from ingest.core.values import JSON
from ingest.sources.github.graphql import AUTHOR, COMMENT_FIELDS, DISCUSSION_FIELDS, user

Node = Mapping[str, JSON]
_PAGE = "pageInfo { hasNextPage endCursor }"
_GIVEN = "$owner: String!, $name: String!"
_PAGED = f"{_GIVEN}, $first: Int!, $after: String"
_REPLIES = f"replies(first: 3) {{ {_PAGE} nodes {{ {COMMENT_FIELDS} }} }}"
_COMMENTS = f"{{ {_PAGE} nodes {{ {COMMENT_FIELDS} {_REPLIES} }} }}"
_REVIEW = f"""
    fullDatabaseId id body url state submittedAt authorAssociation {AUTHOR}
    commit {{ oid }}
"""

BY_CHANGE = "{field: UPDATED_AT, direction: DESC}"
"""What changed last comes first: until it is older than what is asked for."""
BY_CREATION = "{field: CREATED_AT, direction: ASC}"
"""Nothing that is listed so ever moves."""


def discussions(order: str) -> str:
    """A page of discussions."""
    return f"""query({_PAGED}) {{
  repository(owner: $owner, name: $name) {{
    databaseId
    discussions(first: $first, after: $after, orderBy: {order}) {{
      totalCount {_PAGE} nodes {{ {DISCUSSION_FIELDS} }}
    }}
  }}
}}"""


def talks(order: str) -> str:
    """A page of discussions with the first of their comments, and the first replies to those."""
    return f"""query({_PAGED}) {{
  repository(owner: $owner, name: $name) {{
    databaseId
    discussions(first: $first, after: $after, orderBy: {order}) {{
      {_PAGE} nodes {{ number updatedAt comments(first: 10) {_COMMENTS} }}
    }}
  }}
}}"""


MORE_COMMENTS = f"""query({_GIVEN}, $number: Int!, $after: String) {{
  repository(owner: $owner, name: $name) {{
    databaseId
    discussion(number: $number) {{ number comments(first: 50, after: $after) {_COMMENTS} }}
  }}
}}"""
MORE_REPLIES = f"""query($id: ID!, $after: String) {{
  node(id: $id) {{ ... on DiscussionComment {{
    databaseId id discussion {{ number repository {{ databaseId }} }}
    replies(first: 100, after: $after) {{ {_PAGE} nodes {{ {COMMENT_FIELDS} }} }}
  }} }}
}}"""


def reviews(order: str) -> str:
    """A page of pull requests with the first of their reviews."""
    return f"""query({_PAGED}) {{
  repository(owner: $owner, name: $name) {{
    databaseId
    pullRequests(first: $first, after: $after, orderBy: {order}) {{
      {_PAGE} nodes {{ number updatedAt reviews(first: 20) {{ {_PAGE} nodes {{ {_REVIEW} }} }} }}
    }}
  }}
}}"""


def review(node: Node) -> dict[str, JSON]:
    """The review as the REST API tells it, which says no `updated_at`; a commit that is no more is
    null in both. Raises `BadPayload` where it has no id.
    """
    id_, commit = node.get("fullDatabaseId"), node.get("commit")
    if not (isinstance(id_, str | int) and str(id_).isascii() and str(id_).isdigit()):
        raise BadPayload("fullDatabaseId", "required and missing")
    return {
        "id": int(id_),
        "node_id": node.get("id"),
        "html_url": node.get("url"),
        "body": node.get("body"),
        "user": user(node.get("author")),
        "author_association": node.get("authorAssociation"),
        "state": node.get("state"),
        "submitted_at": node.get("submittedAt"),
        "commit_id": commit.get("oid") if isinstance(commit, dict) else None,
    }


def nodes(of: Node) -> list[Node]:
    """The nodes of a connection; raises `BadPayload` where it has none: nothing is absent by it."""
    told = of.get("nodes")
    if not isinstance(told, list):
        raise BadPayload("nodes", "required and missing")
    return [one for one in told if isinstance(one, dict)]


def connection(of: Node, name: str) -> Node:
    """A list within an object; raises `BadPayload` where GitHub did not tell it."""
    told = of.get(name)
    if not isinstance(told, dict):
        raise BadPayload(name, "required and missing")
    return told


def end(of: Node) -> str | None:
    """Where the next page of a connection begins; None on its last one.

    Raises `BadPayload` where that cannot be told.
    """
    info = connection(of, "pageInfo")
    cursor, more = info.get("endCursor"), info.get("hasNextPage")
    if not isinstance(more, bool) or (more and not isinstance(cursor, str)):
        raise BadPayload("pageInfo", "does not say where the next page begins")
    return cursor if more and isinstance(cursor, str) else None
