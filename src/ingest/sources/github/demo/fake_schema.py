"""What GitHub's GraphQL API shows of a repository: discussions, reviews, and the content of files.

[DOC: graphql/reference/objects] Fields that nobody asks for are not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ingest.sources.github.demo import fake_shapes
from ingest.sources.github.demo.fake_graphql import Connection, Failed
from ingest.sources.github.demo.fake_shapes import Repository

LONGEST_TEXT = 512 * 1024
"""Of a blob's text: what is longer is cut off, and said to be."""
_Node = dict[str, Any]


def root(repositories: Callable[[], list[Repository]]) -> _Node:
    """The query's own fields; the repositories are those that the token may read."""

    def repository(given: Mapping[str, Any]) -> _Node:
        name = f"{given['owner']}/{given['name']}".lower()
        of = next((one for one in repositories() if one.full_name.lower() == name), None)
        if of is None:
            raise Failed(f"Could not resolve to a Repository with the name '{name}'.", "NOT_FOUND")
        return _repository(of)

    def node(given: Mapping[str, Any]) -> _Node:
        for of in repositories():
            for key in of.objects.shelf("discussion_comment"):
                told = of.objects["discussion_comment", str(key)]
                if told.get("node_id") == given["id"]:
                    return _comment(of, key)
        said = f"Could not resolve to a node with the global id of '{given['id']}'"
        raise Failed(said, "NOT_FOUND")

    return {"__typename": "Query", "repository": repository, "node": node}


def _repository(of: Repository) -> _Node:
    return {
        "__typename": "Repository",
        "databaseId": of.id,
        "nameWithOwner": of.full_name,
        "discussion": lambda given: _discussion(of, given["number"]),
        "discussions": _ordered(of, "discussion", _discussion),
        "pullRequests": _ordered(of, "pull_request", _pull),
        "object": lambda given: _object(of, given["oid"]),
    }


def _ordered(of: Repository, kind: str, show: Callable[[Repository, int], Any]) -> Any:
    """A connection that takes `orderBy`; [REST-OAS] by creation where it is not given."""

    def connection(given: Mapping[str, Any]) -> Connection:
        order = given.get("orderBy") or {"field": "CREATED_AT", "direction": "ASC"}
        by = "updated" if order["field"] == "UPDATED_AT" else "created"
        rows = of.objects.shelf(kind).rows[by]
        return Connection(
            rows, lambda key: show(of, key), lambda _given: bool(order["direction"] == "DESC")
        )

    return connection


def _discussion(of: Repository, number: int) -> _Node:
    told = of.objects.get(("discussion", str(number)))
    if told is None:
        raise Failed("Could not resolve to a Discussion with the number.", "NOT_FOUND")
    below = of.objects.shelf("discussion_comment").below.get(str(number), [])
    return {
        "__typename": "Discussion",
        **fake_shapes.discussion(of, told),
        "comments": Connection(below, lambda key: _comment(of, key)),
    }


def _comment(of: Repository, key: int) -> _Node:
    told = of.objects["discussion_comment", str(key)]
    below = of.objects.shelf("discussion_comment").below.get(f"reply to {key}", [])
    return {
        "__typename": "DiscussionComment",
        **fake_shapes.discussion_comment(of, told),
        "replies": Connection(below, lambda reply: _comment(of, reply)),
    }


def _pull(of: Repository, number: int) -> _Node:
    told = of.objects["pull_request", str(number)]
    below = of.objects.shelf("review").below.get(str(number), [])
    return {
        "__typename": "PullRequest",
        "number": number,
        "updatedAt": told["updated_at"],
        "reviews": Connection(below, lambda key: _review(of, key)),
    }


def _review(of: Repository, key: int) -> _Node:
    told = of.objects["review", str(key)]
    commit = told.get("commit_id")
    return {
        "__typename": "PullRequestReview",
        **fake_shapes.remark(told),
        "databaseId": key if key < 2**31 else None,
        "fullDatabaseId": str(key),
        "state": str(told["state"]).upper(),
        "submittedAt": told.get("submitted_at"),
        "commit": {"oid": commit} if commit else None,
    }


def _object(of: Repository, oid: str) -> _Node | None:
    content = of.git.blobs.get(oid)
    if content is None:
        return None
    is_binary = b"\x00" in content
    text = None if is_binary else content.decode("utf-8", "replace")
    return {
        "__typename": "Blob",
        "oid": oid,
        "byteSize": len(content),
        "isBinary": is_binary,
        "isTruncated": not is_binary and len(content) > LONGEST_TEXT,
        "text": text[:LONGEST_TEXT] if text is not None else None,
    }
