"""The properties of a page that its own answer does not tell whole, read by their own endpoint.

…/reference/retrieve-a-page: of what refers to more than 25 things the page holds the first 25, and
what is reckoned from them, rollups and formulas, is reckoned from no more; which relation a rollup
goes over only the table knows. …/reference/retrieve-a-page-property tells each of them whole.
Law: a property is whole, or it is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ingest.core.canonical import digest
from ingest.core.values import JSON
from ingest.sources.contract import Payload
from ingest.sources.notion.reading import Listed, Reading
from ingest.sources.wire import at, items, mapping, objects, text

_MOST_TOLD = 25
_LISTED = frozenset({"title", "rich_text", "relation", "people"})
_RECKONED = frozenset({"rollup", "formula"})
_RECKONED_FROM = frozenset({"relation", "people", "rollup"})
_RESULTS = frozenset({"number", "date", "string", "boolean"})
"""What a rollup or a formula comes to; else it is one of `incomplete` and `unsupported`."""
_REST = "…"


def completed(reading: Reading, page: Payload) -> dict[str, JSON]:
    """The page with each of its properties whole, or without it.

    Of a title there is at least the beginning, which says that it is no more than that.
    """
    properties = mapping(page, "properties")
    doubtful = frozenset(_doubtful(properties))
    if not doubtful:
        return dict(page)
    kept: dict[str, JSON] = {}
    for name, told in properties.items():
        found = _read(reading, str(page.get("id")), mapping(told)) if name in doubtful else told
        if found is not None:
            kept[name] = found
    return {**page, "properties": kept}


def _doubtful(properties: Payload) -> Iterator[str]:
    """The names of those that may be more than the page tells."""
    of = {name: mapping(told) for name, told in properties.items()}
    types = {str(told.get("type")) for told in of.values()}
    cut = {name for name, told in of.items() if _is_cut(told)}
    # A rollup goes over a relation: where none is shown, nobody knows how long that is.
    is_hidden = "rollup" in types and "relation" not in types
    is_short = is_hidden or any(str(of[name].get("type")) in _RECKONED_FROM for name in cut)
    for name, told in of.items():
        if name in cut or (is_short and told.get("type") in _RECKONED):
            yield name


def _is_cut(told: Payload) -> bool:
    """Whether a property, or an item of a rollup, is as long as the page's answer may be."""
    type_ = str(told.get("type"))
    if told.get("has_more") is True:
        return True
    if type_ == "rollup":
        array = [*objects(told, type_, "array")]
        return len(array) >= _MOST_TOLD or any(map(_is_cut, array))
    return type_ in _LISTED and len(items(told, type_)) >= _MOST_TOLD


def _read(reading: Reading, page: str, told: Payload) -> JSON:
    """One property by its own endpoint; None where it is not to be had whole."""
    type_, id_ = str(told.get("type")), text(told, "id")
    found = reading.property(page, id_) if id_ else None
    whole = _WHOLE.get(type_, _listed)(told, found) if found is not None else None
    if whole is not None:
        return {**told, type_: whole, "has_more": False}
    if type_ == "title":
        return {**told, type_: [*items(told, type_), {"type": "text", "plain_text": _REST}]}
    return None


def _listed(of: Payload, found: Listed) -> JSON:
    type_ = str(of.get("type"))
    if found.items:
        return [item[type_] for item in found.items if item.get(type_) is not None]
    told = at(found.told, type_)
    return told if isinstance(told, list) else []


def _rollup(of: Payload, found: Listed) -> JSON:
    """What the last answer says that it comes to; of its items where it shows those.

    …/reference/retrieve-a-page-property, "Rollup properties": what is not reckoned there (`unique`,
    `median`) is a list of items that says something else.
    """
    told = mapping(found.told, "rollup")
    if found.told is None and at(of, "rollup", "type") == "array":
        told = {**mapping(of, "rollup"), "array": []}
    if told.get("type") in _RESULTS:
        return {**told}
    if told.get("type") != "array":
        return None
    several: list[Payload] = [*(found.items or objects(told, "array"))]
    if any(map(_is_cut, several)):
        return None
    shown = [_item(one) for one in several]
    if told.get("function") == "show_unique":
        shown = [*{digest(one): one for one in shown}.values()]
    return {**told, "array": [*shown]}


def _item(told: Payload) -> dict[str, JSON]:
    """An item of a rollup as a page tells it: what is a list there comes one by one."""
    type_ = str(told.get("type"))
    value = told.get(type_)
    is_one = type_ in _LISTED and isinstance(value, Mapping)
    return {"type": type_, type_: [value] if is_one else value}


def _formula(_of: Payload, found: Listed) -> JSON:
    told = mapping(found.told, "formula")
    return {**told} if told.get("type") in _RESULTS else None


_WHOLE: Mapping[str, Callable[[Payload, Listed], JSON]] = {"rollup": _rollup, "formula": _formula}
