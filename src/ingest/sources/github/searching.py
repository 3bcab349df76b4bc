"""A comment in a discussion of which no more is known than its number, found among all others."""

from __future__ import annotations

from collections.abc import Mapping

from ingest.core.errors import PermanentError
from ingest.core.values import JSON
from ingest.sources.github import graphql, graphql_lists
from ingest.sources.github.api import GitHubApi, Repository

MOST_PAGES = 100
"""Of a discussion's comments and of the replies to them, which are searched and not kept."""


def searched_comment(
    api: GitHubApi, repository: Repository, number: int, id_: str
) -> dict[str, JSON] | None:
    """The comment as it is handed over; None where the discussion was searched to its end.

    Raises `PermanentError` where it has more than is searched: nothing is gone by that.
    """
    owner, _, name = repository.full_name.partition("/")
    variables: dict[str, JSON] = {"owner": owner, "name": name, "number": number, "after": None}
    waiting: list[tuple[str, str]] = []
    page: Mapping[str, JSON]
    is_last = False
    for _ in range(MOST_PAGES):
        if is_last and not waiting:
            return None
        if waiting:
            node_id, after = waiting.pop()
            data = api.query(graphql_lists.MORE_REPLIES, {"id": node_id, "after": after})
            replies = graphql.found(data, "node")
            page = {"comments": {"nodes": [dict(replies or {})]}}
            waiting += graphql.unshown(page)
        else:
            data = api.query(graphql.COMMENTS, variables)
            found = graphql.found(data, "repository", "discussion")
            if found is None or not graphql.is_of(found, repository.id):
                return None
            page = found
            waiting += graphql.unshown(page)
            variables["after"] = graphql.next_page(page)
            is_last = variables["after"] is None
        node = graphql.comment_of(page, id_)
        if node is not None and graphql.is_deleted(node):
            return None
        if node is not None:
            return {"object": graphql.comment(node), "number": number}
    raise PermanentError("the discussion has more comments or replies than are searched")
