"""Properties of pages as plain values: what a row of a database says, without Notion's wrapping.

Law: a value is a pure function of the property; what is empty, unknown or expires is left out.
Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ingest.core.references import Reference, ReferenceKind
from ingest.core.values import JSON
from ingest.sources.contract import Payload
from ingest.sources.notion import rich_text
from ingest.sources.notion.ids import dashed
from ingest.sources.wire import at, mapping, objects, text

_LARGEST = 2**63

UNTITLED = "Untitled"


def title(properties: Payload) -> str:
    """The text of the property of type `title`, whatever its name is."""
    titles = (p for p in _each(properties) if p.get("type") == "title")
    found = next((rich_text.plain(p.get("title")).strip() for p in titles), "")
    return found or UNTITLED


def values(properties: Payload) -> dict[str, JSON]:
    """The plain values by name, sorted; a property without one is left out."""
    found = {
        name: value(told) for name, told in properties.items() if name and isinstance(told, Mapping)
    }
    return {name: found[name] for name in sorted(found) if found[name] is not None}


def value(told: Payload) -> JSON:
    """The plain value of a property, of a formula's result or of an item of a rollup."""
    type_ = told.get("type")
    read = _VALUES.get(type_) if isinstance(type_, str) else None
    return read(told.get(str(type_))) if read else None


def references(properties: Payload) -> Iterator[Reference]:
    """What relations relate to, and what texts mention; the property's name is the evidence."""
    for name in sorted(properties):
        told = mapping(properties, name)
        type_ = told.get("type")
        if type_ == "relation":
            kind = _relation_kind(name)
            for related in objects(told, "relation"):
                id_ = dashed(related.get("id"))
                if kind is not None and id_ is not None:
                    yield Reference(kind, "notion", id_, "field", name)
        elif type_ in ("rich_text", "title"):
            for id_, _ in rich_text.mentioned(told.get(str(type_))):
                yield Reference("mention", "notion", id_, "field", name)


def links(properties: Payload) -> Iterator[str]:
    """The URLs that properties hold, or that their texts link to."""
    for told in _each(properties):
        type_ = told.get("type")
        if type_ == "url":
            url = rich_text.safe_url(told.get("url"))
            if url is not None:
                yield url
        elif type_ in ("rich_text", "title"):
            yield from rich_text.linked(told.get(str(type_)))


# Notion's own templates name the two ends of a dependency so. The other end of `Blocking` says it
# itself, as `Blocked by`.
_RELATIONS: Mapping[str, ReferenceKind | None] = {
    "blockedby": "blockedBy",
    "isblockedby": "blockedBy",
    "dependson": "dependsOn",
    "dependencies": "dependsOn",
    "blocking": None,
    "blocks": None,
    "isblocking": None,
}


def _relation_kind(name: str) -> ReferenceKind | None:
    """The property's name decides, where it says more than that two pages are related."""
    bare = "".join(char for char in name.lower() if char.isalnum())
    return _RELATIONS.get(bare, "relatedTo")


def _each(properties: Payload) -> Iterator[Payload]:
    for name in sorted(properties):
        yield mapping(properties, name)


def _number(told: JSON) -> JSON:
    if isinstance(told, bool) or not isinstance(told, int | float):
        return None
    return told if abs(told) < _LARGEST else None  # neither is NaN


def _named(told: JSON) -> JSON:
    return text(told, "name")


def _person(told: JSON) -> JSON:
    """Integrations that may not read people are told their ids alone."""
    return text(told, "name") or text(told, "id")


def _date(told: JSON) -> JSON:
    shown: dict[str, JSON] = {}
    for name in ("start", "end", "time_zone"):
        part = text(told, name)
        if part is not None:
            shown[name] = part
    return shown or None


def _listed(one: Callable[[JSON], JSON]) -> Callable[[JSON], JSON]:
    def read(told: JSON) -> JSON:
        found = [one(item) for item in told] if isinstance(told, list) else []
        return [item for item in found if item is not None]

    return read


def _file(told: JSON) -> JSON:
    """Its name; a URL of Notion's own expires within the hour."""
    own = rich_text.safe_url(at(told, "file", "url"), expires=True)
    return text(told, "name") or rich_text.safe_url(at(told, "external", "url")) or own


def _typed(told: JSON) -> JSON:
    """A formula's result, or that of a rollup."""
    return value(told) if isinstance(told, Mapping) else None


def _rollup(told: JSON) -> JSON:
    if at(told, "type") == "array":
        return _listed(_typed)(at(told, "array"))
    return _typed(told)


def _unique_id(told: JSON) -> JSON:
    prefix, number = text(told, "prefix"), _number(at(told, "number"))
    if not isinstance(number, int):
        return None
    return f"{prefix}-{number}" if prefix else str(number)


def _boolean(told: JSON) -> JSON:
    return told if isinstance(told, bool) else None


# `PagePropertyValueWithIdResponse` of @notionhq/client. A button says nothing.
_VALUES: Mapping[str, Callable[[JSON], JSON]] = {
    "title": lambda told: rich_text.plain(told) or None,
    "rich_text": lambda told: rich_text.plain(told) or None,
    "number": _number,
    "select": _named,
    "status": _named,
    "multi_select": _listed(_named),
    "date": _date,
    "people": _listed(_person),
    "files": _listed(_file),
    "checkbox": _boolean,
    "url": text,
    "email": text,
    "phone_number": text,
    "formula": _typed,
    "relation": _listed(lambda told: dashed(at(told, "id"))),
    "rollup": _rollup,
    "created_time": text,
    "last_edited_time": text,
    "created_by": _person,
    "last_edited_by": _person,
    "unique_id": _unique_id,
    "verification": lambda told: text(told, "state"),
    "place": lambda told: text(told, "name") or text(told, "address"),
    # What a formula can come to.
    "string": text,
    "boolean": _boolean,
}
