"""Reads labelled texts, a JSON object to the line, and finds the relationships of each.

    {"id": "1", "text": "Fixes #7", "context": {"source_type": "…", "repo": "acme/web"},
     "expected": {"mentions": {"…": ["acme/web#7"]}, "graph": {"resolves": ["…:acme/web#7"]}},
     "must_not": ["#8"], "ambiguous": false}

`context` says where the text stands, and what the connections of its store stand for, in fields
that the sources name (`Descriptor.label_fields`); with a `kind`, the text says no more than such a
document may. Whether a thing exists decides nothing here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from ingest.core.errors import BadInput
from ingest.core.evaluation import Judged, Relation
from ingest.core.identity import Identity
from ingest.core.phrases import EdgeKind
from ingest.core.references import Context, as_said, distinct, extract, keep_owned
from ingest.core.values import JSON
from ingest.sources.contract import Descriptor
from ingest.sources.registry import all_sources, folded, says, source_types, syntaxes


def _or_empty(value: object) -> object:
    return {} if value is None else value


class _Expected(BaseModel):
    mentions: Annotated[dict[str, list[str]], BeforeValidator(_or_empty)] = Field(
        default_factory=dict
    )
    graph: Annotated[dict[EdgeKind, list[str]], BeforeValidator(_or_empty)] = Field(
        default_factory=dict
    )


class _Label(BaseModel):
    id: str
    text: str
    context: dict[str, Any]
    expected: _Expected
    must_not: list[str] = Field(default_factory=list)
    ambiguous: bool = False


def judge(lines: Iterable[bytes]) -> Iterator[Judged]:
    """Each labelled text with what is found in it; empty lines are none.

    Raises `BadInput`, with the line, for what is no labelled text.
    """
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _judged(_label(number, line), number)


def _label(number: int, line: bytes) -> _Label:
    try:
        return _Label.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the line"
        raise BadInput(
            f"line {number} is no labelled text: {where}: {first['msg']}; write a JSON object with "
            "id, text, context and expected"
        ) from error


def _judged(label: _Label, number: int) -> Judged:
    return Judged(
        id=label.id,
        expected=frozenset(_expected(label.expected, number)),
        found=frozenset(_found(label, _context(label, number))),
        forbidden=frozenset(label.must_not),
        ambiguous=label.ambiguous,
    )


def _context(label: _Label, number: int) -> Context:
    source_type, home = label.context.get("source_type"), label.context.get("repo")
    if source_type not in source_types():
        raise BadInput(
            f"line {number}: context.source_type is {source_type!r}; write one of "
            f"{', '.join(source_types())}"
        )
    return Context(str(source_type), home=home if isinstance(home, str) else None)


def _found(label: _Label, context: Context) -> Iterator[Relation]:
    every = {name: one.descriptor for name, one in all_sources().items()}
    owned = {name: _owned(descriptor, label.context) for name, descriptor in every.items()}
    kind = Identity(context.source_type, "", str(label.context.get("kind", "")), "")
    read = as_said(extract(label.text, context, syntaxes()), says(kind))
    references = keep_owned(read, owned)
    for one in distinct(references, folded):
        yield Relation(one.kind, one.source, folded(one.source, one.key))


def _owned(descriptor: Descriptor, labelled: Mapping[str, JSON]) -> frozenset[str]:
    """What connections own that stand for what the label's context lists."""
    prefixes = frozenset[str]()
    for field, of_connection in descriptor.label_fields.items():
        told = labelled.get(field)
        for name in told if isinstance(told, list) else [told]:
            if isinstance(name, str) and name:
                metadata: dict[str, JSON] = {of_connection: name}
                prefixes |= descriptor.owned_prefixes(metadata)
                prefixes |= descriptor.owned_pages(metadata, "")
    return prefixes


def _expected(expected: _Expected, number: int) -> Iterator[Relation]:
    for source, keys in expected.mentions.items():
        for key in keys:
            yield Relation("mention", source, folded(source, key))
    for kind, targets in expected.graph.items():
        for target in targets:
            source, colon, key = target.partition(":")
            if not colon:
                raise BadInput(
                    f"line {number}: expected.graph.{kind} holds {target!r}; write "
                    "<source>:<mention>"
                )
            yield Relation(kind, source, folded(source, key))
