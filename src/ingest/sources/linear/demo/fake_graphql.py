"""As much of GraphQL as a fake of Linear's API needs: one operation, read and answered by fields.

Law: only fields that the schema has are answered, and only those that were asked for; a query that
costs more than Linear allows is refused as Linear refuses it. No I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ingest.sources.linear.demo.fake_schema import BY_ID, OBJECTS, PLAIN

MOST_COST, MOST_FIRST = 10_000, 250
_DEFAULT_FIRST = 50
_TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|\$[A-Za-z_]+|-?[0-9]+|[{}():!]")
_LIST = frozenset({"nodes", "pageInfo"})
_ROOTS = {"query": "Query", "mutation": "Mutation"}


class BadQuery(Exception):
    """A query that Linear would refuse; the message is its own, and so is the code."""

    def __init__(self, message: str, code: str = "GRAPHQL_VALIDATION_FAILED") -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True)
class Field:
    """A field that was asked for: its arguments, and what is asked of what stands there.

    `declared` are the types of those arguments that are variables.
    """

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    below: list[Field] = field(default_factory=list)
    declared: dict[str, str] = field(default_factory=dict)

    @property
    def first(self) -> int:
        """How many nodes of a list are asked for; raises `BadQuery` for more than Linear gives."""
        first = self.arguments.get("first")
        if first is not None and int(first) > MOST_FIRST:
            raise BadQuery(f"first must not be greater than {MOST_FIRST}", "INVALID_INPUT")
        return int(_DEFAULT_FIRST if first is None else first)

    @property
    def nodes(self) -> list[Field]:
        """What is asked of each node of a list; raises `BadQuery` for what a list does not have."""
        for one in self.below:
            if one.name not in _LIST:
                raise BadQuery(f'Cannot query field "{one.name}" on type "{self.name}Connection".')
        return next((one.below for one in self.below if one.name == "nodes"), [])


@dataclass(slots=True)
class _Variables:
    """Those that an operation declares, with their types and values; each has to be used."""

    types: dict[str, str]
    values: Mapping[str, Any]
    used: set[str] = field(default_factory=set)

    def take(self, name: str) -> Any:
        if name not in self.types:
            raise BadQuery(f'Variable "${name}" is not defined.')
        self.used.add(name)
        value = self.values.get(name)
        if value is None and self.types[name].endswith("!"):
            raise BadQuery(f'Variable "${name}" of required type was not provided.')
        return value


def parse(text: str, variables: Mapping[str, Any]) -> list[Field]:
    """The root fields of one `query Name($id: String!) { … }`, variables filled in."""
    root, fields = parse_operation(text, variables)
    if root != "Query":
        raise BadQuery("Syntax Error: only queries are answered here")
    return fields


def parse_operation(text: str, variables: Mapping[str, Any]) -> tuple[str, list[Field]]:
    """`Query` or `Mutation`, and its root fields."""
    words = iter(_TOKEN.findall(text))
    root = _ROOTS.get(next(words, ""))
    if root is None:
        raise BadQuery("Syntax Error: Unexpected Name.")
    told = _Variables(_declared(words), variables)
    fields = _selection(words, told)
    for name in told.types.keys() - told.used:
        raise BadQuery(f'Variable "${name}" is never used.')
    for asked in fields:
        if asked.name in BY_ID and asked.arguments.get("id") is None:
            raise BadQuery(f'Field "{asked.name}" argument "id" of type "String!" is required.')
    return root, fields


def _declared(words: Iterator[str]) -> dict[str, str]:
    """The types of the variables, which stand before the first brace."""
    types: dict[str, str] = {}
    name = ""
    for word in words:
        if word == "{":
            return types
        if word.startswith("$"):
            name = word[1:]
        elif word == "!":
            types[name] += "!"
        elif name and word not in "():":
            types.setdefault(name, word)
    raise BadQuery("Syntax Error: Expected Name, found <EOF>.")


def cost(fields: list[Field], of: str = "Query") -> float:
    """Linear's complexity: 0.1 a property, 1 an object, a list its nodes' cost times `first`."""
    total = 0.0
    for asked in fields:
        kind = _kind(asked, of)
        if kind is None:
            total += 0.1
        elif kind.startswith("["):
            total += (1 + cost(asked.nodes, kind.strip("[]"))) * asked.first
        else:
            total += 1 + cost(asked.below, kind.strip("*"))
    return total


def affordable(fields: list[Field], of: str) -> float:
    """The complexity of an operation; raises `BadQuery` where Linear always refuses it."""
    points = cost(fields, of)
    if points > MOST_COST:
        raise BadQuery(f"Query too complex: {points:.0f} > {MOST_COST}", "INPUT_ERROR")
    return points


def answer(of: Mapping[str, Any], fields: list[Field], kind: str, most: int) -> dict[str, Any]:
    """What was asked of an object; lists in pages of at most `most` nodes."""
    found: dict[str, Any] = {}
    for asked in fields:
        below, value = _kind(asked, kind), of.get(asked.name)
        if below is None:
            found[asked.name] = value
        elif below.startswith("["):
            found[asked.name] = _page(value or [], asked, below.strip("[]"), most)
        elif below.startswith("*"):
            found[asked.name] = [answer(one, asked.below, below[1:], most) for one in value or ()]
        else:
            found[asked.name] = answer(value, asked.below, below, most) if value else None
    return found


def page(rows: list[Any], asked: Field, kind: str, most: int, *, goes_on: bool) -> dict[str, Any]:
    """A page of a root list, whose cursor is the id of its last row."""
    return {
        "nodes": [answer(row, asked.nodes, kind, most) for row in rows],
        "pageInfo": {"hasNextPage": goes_on, "endCursor": rows[-1]["id"] if rows else None},
    }


def _page(values: list[Any], asked: Field, kind: str, most: int) -> dict[str, Any]:
    wanted = ((asked.arguments.get("filter") or {}).get("id") or {}).get("in")
    values = [one for one in values if wanted is None or one["id"] in wanted]
    begin = int(asked.arguments.get("after") or 0)
    end = begin + min(asked.first, most)
    return {
        "nodes": [answer(value, asked.nodes, kind, most) for value in values[begin:end]],
        "pageInfo": {"hasNextPage": end < len(values), "endCursor": str(end) if values else None},
    }


def _kind(asked: Field, of: str) -> str | None:
    """The type of a field, None for a plain value; raises `BadQuery` for one that is not there."""
    below = OBJECTS.get(of, {}).get(asked.name)
    if below is None and asked.name not in PLAIN[of].split():
        raise BadQuery(f'Cannot query field "{asked.name}" on type "{of}".')
    if (below is None) is bool(asked.below):
        raise BadQuery(
            f'Field "{asked.name}" of type "{below}" must have a selection of subfields.'
        )
    return below


def _selection(words: Iterator[str], told: _Variables) -> list[Field]:
    fields: list[Field] = []
    for word in words:
        if word == "}":
            return fields
        if word == "{":
            fields[-1].below = _selection(words, told)
        elif word == "(":
            _take_arguments(fields[-1], words, told)
        else:
            fields.append(Field(word))
    raise BadQuery("Syntax Error: Expected Name, found <EOF>.")


def _take_arguments(asked: Field, words: Iterator[str], told: _Variables) -> None:
    name = ""
    for word in words:
        if word == ")":
            break
        if not name:
            name = word
        elif word != ":":
            if word.startswith("$"):
                asked.arguments[name] = told.take(word[1:])
                asked.declared[name] = told.types[word[1:]].rstrip("!")
            else:
                asked.arguments[name] = _literal(word)
            name = ""


def _literal(word: str) -> Any:
    named = {"true": True, "false": False, "null": None}
    if word in named:
        return named[word]
    return word if word[0].isalpha() else int(word)
