"""As much of GraphQL as a fake of GitHub's API needs: one query, read and answered field by field.

Law: only fields that are there are answered, and only those that were asked for; what GitHub would
refuse for its size is refused as GitHub refuses it. [DOC: rate-limits-and-query-limits-for-the-
graphql-api] No I/O.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MOST_NODES = 500_000
MOST_FIRST = 100
_TOKEN = re.compile(r'\.\.\.|[A-Za-z_]\w*|\$\w+|-?\d+|"(?:[^"\\]|\\.)*"|[{}()\[\]:!=]')
_CURSOR = re.compile(r"after:(.*):(\d+)\Z")


class Failed(Exception):
    """An error of the query's: its type, if it has one, and its message."""

    def __init__(self, message: str, kind: str | None = None) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Asked:
    """A field that is asked for, under its alias; `on` is the type of its inline fragment."""

    name: str
    alias: str
    given: Mapping[str, Any]
    fields: tuple[Asked, ...]
    on: str | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """A list that is paged by keys, so that nothing is skipped while it moves.

    rows: in ascending order, each with its key last; `show` makes the node of a key.
    """

    rows: Sequence[tuple[str, int]]
    show: Callable[[int], Any]
    newest_first: Callable[[Mapping[str, Any]], bool] = lambda _given: False


# Reading a query.


@dataclass(slots=True)
class _Reader:
    tokens: list[str]
    variables: Mapping[str, Any]
    at: int = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, expected: str | None = None) -> str:
        token = self.peek()
        if not token or (expected is not None and token != expected):
            raise Failed(f"Parse error on {token!r}")
        self.at += 1
        return token

    def document(self) -> tuple[Asked, ...]:
        if self.peek() == "query":
            while self.peek() != "{":
                self.take()
        return self.fields(None)

    def fields(self, on: str | None) -> tuple[Asked, ...]:
        self.take("{")
        found: list[Asked] = []
        while self.peek() != "}":
            if self.peek() == "...":
                self.take()
                self.take("on")
                found += self.fields(self.take())
            else:
                found.append(self.field(on))
        self.take("}")
        return tuple(found)

    def field(self, on: str | None) -> Asked:
        alias = name = self.take()
        if self.peek() == ":":
            self.take()
            name = self.take()
        given = self.arguments() if self.peek() == "(" else {}
        inner = self.fields(None) if self.peek() == "{" else ()
        return Asked(name, alias, given, inner, on)

    def arguments(self) -> dict[str, Any]:
        self.take()
        given: dict[str, Any] = {}
        while self.peek() != ")":
            name = self.take()
            self.take(":")
            given[name] = self.value()
        self.take()
        return given

    def value(self) -> Any:
        word = self.take()
        if word == "{":
            found: dict[str, Any] = {}
            while self.peek() != "}":
                name = self.take()
                self.take(":")
                found[name] = self.value()
            self.take()
            return found
        if word.startswith("$"):
            return self.variables.get(word[1:])
        if word.startswith('"'):
            return word[1:-1]
        return int(word) if word.lstrip("-").isdigit() else word


def parse(query: str, variables: Mapping[str, Any]) -> tuple[Asked, ...]:
    """The fields at the root; raises `Failed` for what is no query."""
    return _Reader(_TOKEN.findall(query), variables).document()


# Answering it.


@dataclass(slots=True)
class _Answering:
    page_size: int
    errors: list[dict[str, Any]] = field(default_factory=list)

    def of(self, fields: Sequence[Asked], there: Mapping[str, Any], path: list[str]) -> Any:
        shown: dict[str, Any] = {}
        for one in fields:
            kind = there.get("__typename")
            if one.on is not None and one.on != kind:
                continue
            if one.name not in there:
                raise Failed(f"Field '{one.name}' doesn't exist on type '{kind or path[-1:]}'")
            value = there[one.name]
            try:
                value = value(one.given) if callable(value) else value
                shown[one.alias] = self.value(one, value, [*path, one.alias])
            except Failed as error:
                if error.kind is None:
                    raise
                told = {"type": error.kind, "path": [*path, one.alias], "message": str(error)}
                self.errors.append(told)
                shown[one.alias] = None
        return shown

    def value(self, asked: Asked, value: Any, path: list[str]) -> Any:
        if isinstance(value, Connection):
            return self.of(asked.fields, _paged(value, asked.given, self.page_size), path)
        if isinstance(value, list):
            return [self.value(asked, one, path) for one in value]
        if isinstance(value, Mapping):
            return self.of(asked.fields, value, path)
        return value


def answer(
    query: str, variables: Mapping[str, Any], root: Mapping[str, Any], page_size: int = MOST_FIRST
) -> tuple[dict[str, Any], int]:
    """The body of the answer, and what it costs of the hour's points."""
    try:
        asked = parse(query, variables)
        connections = _connections(asked)
        answering = _Answering(page_size)
        data = answering.of(asked, root, [])
    except Failed as error:
        told = {"message": str(error)} | ({"type": error.kind} if error.kind else {})
        return {"errors": [told]}, 1
    body = {"data": data} | ({"errors": answering.errors} if answering.errors else {})
    return body, max(1, round(connections / 100))


def _connections(asked: Sequence[Asked]) -> int:
    """How many requests the query's connections take; raises `Failed` for what is too large."""
    nodes, connections = _size(asked, 1)
    if nodes > MOST_NODES:
        raise Failed(f"Your query requests up to {nodes} possible nodes", "MAX_NODE_LIMIT")
    return connections


def _size(fields: Sequence[Asked], times: int) -> tuple[int, int]:
    """How many nodes a query may bring, and how many requests its connections take."""
    nodes = connections = 0
    for one in fields:
        most, inside = 1, times
        if any(inner.name in ("nodes", "edges", "pageInfo") for inner in one.fields):
            most = one.given.get("first") or one.given.get("last") or 0
            if not 1 <= most <= MOST_FIRST:
                raise Failed(
                    f"Requesting {most} records on the `{one.name}` connection is not allowed",
                    "EXCESSIVE_PAGINATION" if most else "MISSING_PAGINATION_BOUNDARIES",
                )
            nodes, connections, inside = nodes + times * most, connections + times, times * most
        below = _size(one.fields, inside)
        nodes, connections = nodes + below[0], connections + below[1]
    return nodes, connections


def _paged(of: Connection, given: Mapping[str, Any], page_size: int) -> dict[str, Any]:
    newest_first = of.newest_first(given)
    keys = list(_after(of.rows, given.get("after"), newest_first=newest_first))
    shown = keys[: min(given["first"], page_size)]
    end = shown[-1] if shown else None
    return {
        "totalCount": len(of.rows),
        "nodes": [of.show(key) for _, key in shown],
        "pageInfo": {
            "hasNextPage": len(keys) > len(shown),
            "endCursor": f"after:{end[0]}:{end[1]}" if end else None,
        },
    }


def _after(
    rows: Sequence[tuple[str, int]], cursor: str | None, *, newest_first: bool
) -> Iterator[tuple[str, int]]:
    """So many rows as a page may hold, and one more; those beyond the cursor."""
    start = len(rows) if newest_first else 0
    if cursor is not None:
        told = _CURSOR.match(cursor)
        if told is None:
            raise Failed(f"`{cursor}` does not appear to be a valid cursor.", "INVALID_CURSOR")
        row = (told[1], int(told[2]))
        start = bisect_right(rows, row)
        if newest_first:
            start -= 1 if start and rows[start - 1] == row else 0
    places = range(start - 1, -1, -1) if newest_first else range(start, len(rows))
    for place in places[: MOST_FIRST + 1]:
        yield rows[place]
