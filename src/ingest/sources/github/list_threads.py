"""Lists over GraphQL: discussions, what is said in them, and the reviews of pull requests.

Law: a page that GitHub does not bring in its time is asked for again with fewer objects on it, and
where it brings but a part of the smallest one, that is a gap. What
of a list within a list does not fit stands in the cursor, and is read to its end before the next
page. With `since`, what changed last comes first, until it is older; all are listed by their
creation. [DOC: using-the-graphql-api-for-discussions]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ingest.core.errors import BadPayload, PermanentError, RateLimited, Refused, TransientError
from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.answers import Absent
from ingest.sources.github import graphql, graphql_lists
from ingest.sources.github.api import GitHubApi, PartRefused, Repository
from ingest.sources.github.graphql_lists import BY_CHANGE, BY_CREATION, Node, connection, end, nodes
from ingest.sources.github.names import NODE_ID
from ingest.sources.github.pages import (
    Object,
    key_of,
    list_page,
    listed_of,
    moved_at,
    query_of,
    seconds,
)
from ingest.sources.listing import MOST_LISTED, Listed, Page, PageRequest
from ingest.sources.wire import at, items

_CALLS_OF_A_LIST = 4
"""Requests that a page of the provider's may take, asked for with fewer and fewer objects."""
_MOST_BEFORE = MOST_LISTED - 200
"""Objects: no request for more of a list within a list brings over 200."""
_KEYS = {"discussion": "number"}
_RawOf = Callable[[Object], Object | None]


@dataclass(slots=True)
class _Reading:
    """One page as it is read. left: what of lists within lists is still to be asked for."""

    api: GitHubApi
    repository: Repository
    listed: list[Listed] = field(default_factory=list)
    left: list[JSON] = field(default_factory=list)
    gap: str | None = None

    def take(self, kind: str, told: Sequence[JSON], raw_of: _RawOf) -> None:
        """Objects of one kind; `raw_of` makes what is handed over of one, None of what is none."""

        def make(one: Object) -> Listed | None:
            raw = raw_of(one)
            if raw is None:
                return None
            key = key_of(raw["object"], _KEYS.get(kind, "id"))
            if key is None:
                raise BadPayload(f"{kind}.id", "required and missing")
            identity = Identity("github", self.repository.id, kind, str(key))
            return Listed(identity, {**raw, "repository": self.repository.full_name})

        listed, gap = listed_of(told, make)
        self.listed += listed
        self.gap = self.gap or gap

    def leave(self, refusal: Refused) -> None:
        """What one object holds is refused: a gap, and the others go on; raises it for a token that
        is not known.
        """
        if refusal.stale:
            raise refusal
        self.gap = self.gap or str(refusal)

    def ask(self, query: str, *, partly: bool = False, **variables: JSON) -> Node:
        """The repository, as the query shows it; raises `TransientError` for another one.

        partly: what is missing of it is a gap, and no error.
        """
        owner, _, name = self.repository.full_name.partition("/")
        given: Object = {"owner": owner, "name": name, **variables}
        if partly:
            data, why = self.api.query_partly(query, given)
            self.gap = why and f"GitHub shows only a part: {why}"
        else:
            data = self.api.query(query, given)
        told = connection(data, "repository")
        if str(told.get("databaseId")) != self.repository.id:
            raise TransientError(f"{self.repository.full_name} is another repository by now")
        return told


@dataclass(frozen=True, slots=True)
class _List:
    """name: of the connection. query: by its order. sizes: of a page, the later ones where GitHub
    does not manage the first. take: reads a node. more: reads what is left of one.
    """

    name: str
    query: Callable[[str], str]
    sizes: tuple[int, ...]
    take: Callable[[_Reading, Node], None]
    more: Callable[[_Reading, list[JSON]], None]


def discussions(api: GitHubApi, repository: Repository, request: PageRequest) -> Page:
    """[DOC: graphql/reference/objects, Repository.discussions]"""
    return _page(_DISCUSSIONS, _Reading(api, repository), request)


def discussion_comments(api: GitHubApi, repository: Repository, request: PageRequest) -> Page:
    """Comments and the replies to them, of the discussions that changed."""
    return _page(_TALKS, _Reading(api, repository), request)


def reviews(api: GitHubApi, repository: Repository, request: PageRequest) -> Page:
    """Of the pull requests that changed; where there are many, by [REST-OAS] pulls/list-reviews."""
    return _page(_REVIEWS, _Reading(api, repository), request)


def _page(of: _List, reading: _Reading, request: PageRequest) -> Page:
    """What is left of lists within lists comes before the next page."""
    after: JSON = at(request.cursor, "after")
    reading.left = [*items(request.cursor, "left")]
    total: JSON = None
    if not reading.left:
        seen = _seen(of, reading, request, after)
        total, after = seen.get("totalCount"), _next(of, reading, seen, request)
    _read_more(of, reading, max(request.most_calls - _CALLS_OF_A_LIST, 1))
    now: dict[str, JSON] = {"after": after, "left": reading.left}
    is_over = not reading.left and after is None
    is_first = request.cursor is None and request.since is None
    return Page(
        tuple(reading.listed),
        cursor=None if is_over else now,
        gap=reading.gap,
        expected=total if is_first and type(total) is int else None,
    )


def _read_more(of: _List, reading: _Reading, most: int) -> None:
    """As much of what is left as one page may ask for, by `most` requests, and hold."""
    for _ in range(most):
        if not reading.left or len(reading.listed) > _MOST_BEFORE:
            return
        one = reading.left.pop()
        if isinstance(one, list):
            of.more(reading, one)


def _seen(of: _List, reading: _Reading, request: PageRequest, after: JSON) -> Node:
    """The connection, of as many nodes as GitHub manages."""
    query = of.query(BY_CREATION if request.since is None else BY_CHANGE)
    refusal: Refused | None = None
    for size in of.sizes[:-1]:
        try:
            return connection(reading.ask(query, first=size, after=after), of.name)
        except PartRefused as error:
            refusal = error  # of one node, perhaps: the others are told without it
            break
        except (BadPayload, RateLimited, Refused):
            raise
        except (PermanentError, TransientError):
            continue
    last = reading.ask(query, partly=True, first=of.sizes[-1], after=after)
    if reading.gap is not None and last.get(of.name) is None:
        raise refusal or PermanentError(f"GitHub answers a query with {reading.gap}")
    return connection(last, of.name)


def _next(of: _List, reading: _Reading, seen: Node, request: PageRequest) -> str | None:
    """Read the nodes; where the next page begins, None where there is none that counts."""
    since, is_past = seconds(request.since) or "", False
    for node in nodes(seen):
        if (moved_at({"updated_at": node.get("updatedAt")}) or since) < since:
            is_past = True
            continue
        try:
            of.take(reading, node)
        except BadPayload:
            if reading.gap is None:
                raise
    return None if is_past else end(seen)


# Discussions, and what is said in them.


def _take_discussion(reading: _Reading, node: Node) -> None:
    reading.take("discussion", [{**node}], lambda one: {"object": graphql.discussion(one)})


def _take_talk(reading: _Reading, node: Node) -> None:
    _take_comments(reading, graphql.number_of(node), connection(node, "comments"))


def _take_comments(reading: _Reading, number: int, comments: Node) -> None:
    """Comments with their replies; what did not fit of either is left."""
    after = end(comments)
    if after is not None:
        reading.left.append(["comments", number, after])
    for node in nodes(comments):
        replies = connection(node, "replies")
        _take_remarks(reading, number, [node, *nodes(replies)])
        after = end(replies)
        if after is not None:
            reading.left.append(["replies", node.get("id"), after])


def _take_remarks(reading: _Reading, number: int, remarks: Sequence[Node]) -> None:
    def raw_of(one: Object) -> Object | None:
        return (
            None if graphql.is_deleted(one) else {"object": graphql.comment(one), "number": number}
        )

    reading.take("discussion_comment", [{**one} for one in remarks], raw_of)


def _more_talk(reading: _Reading, left: list[JSON]) -> None:
    """A discussion or a comment that went meanwhile takes what was said in it along."""
    kind, of, after = (*left, None, None, None)[:3]
    try:
        if kind == "comments":
            told = reading.ask(graphql_lists.MORE_COMMENTS, number=of, after=after)
            talk = connection(told, "discussion")
            _take_comments(reading, graphql.number_of(talk), connection(talk, "comments"))
        elif kind == "replies" and NODE_ID.fits(of):
            _more_replies(reading, of, after)
    except Absent:
        return
    except Refused as refusal:
        reading.leave(refusal)


def _more_replies(reading: _Reading, id_: str, after: JSON) -> None:
    data = reading.api.query(graphql_lists.MORE_REPLIES, {"id": id_, "after": after})
    node = connection(data, "node")
    replies = connection(node, "replies")
    _take_remarks(reading, graphql.number_of(connection(node, "discussion")), nodes(replies))
    more = end(replies)
    if more is not None:
        reading.left.append(["replies", id_, more])


# Reviews.


def _take_reviews(reading: _Reading, node: Node) -> None:
    """All of a pull request's; where they did not fit, the REST API tells them from the first."""
    number, told = graphql.number_of(node), connection(node, "reviews")
    if end(told) is not None:
        reading.left.append([number, None])
        return

    def raw_of(one: Object) -> Object | None:
        return _submitted({"object": graphql_lists.review(one), "number": number})

    reading.take("review", [{**one} for one in nodes(told)], raw_of)


def _more_reviews(reading: _Reading, left: list[JSON]) -> None:
    """A page of one pull request's reviews."""
    number, query = (*left, None, None)[:2]
    if type(number) is not int:
        return
    path = f"{reading.repository.path}/pulls/{number}/reviews"
    try:
        page = list_page(reading.api, path, query_of(query) or {})
    except Absent:
        return
    except Refused as refusal:
        reading.leave(refusal)
        return
    reading.take("review", page.items, lambda one: _submitted({"object": one, "number": number}))
    if page.next is not None:
        reading.left.append([number, {**page.next}])


def _submitted(raw: Object) -> Object | None:
    """A pending review is seen by its author alone, and is no document."""
    told = raw["object"]
    state = told.get("state") if isinstance(told, dict) else None
    return None if str(state).lower() == "pending" else raw


_DISCUSSIONS = _List(
    "discussions",
    graphql_lists.discussions,
    (100, 30, 5),
    _take_discussion,
    lambda _reading, _left: None,
)
_TALKS = _List("discussions", graphql_lists.talks, (25, 5, 1), _take_talk, _more_talk)
_REVIEWS = _List("pullRequests", graphql_lists.reviews, (50, 10, 2), _take_reviews, _more_reviews)
