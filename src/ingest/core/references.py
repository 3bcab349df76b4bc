"""Relationships out of text and provider fields: what a document mentions, and how.

Law: the same text in the same place gives the same references, in one order, and nothing that
stands in code, comments or quotations is one. Performs no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from ingest.core.evidence import from_keyword, surroundings
from ingest.core.identity import Identity
from ingest.core.keywords import Keyword, is_tag, keyword_before, unfinished_after
from ingest.core.links import links, with_small_hosts
from ingest.core.lists import Items, is_aside, item_start, joined
from ingest.core.mentions import (
    NAME_OF_FILE,
    Context,
    Mention,
    Place,
    Syntax,
    find,
    mentions_any,
    places,
)
from ingest.core.phrases import EdgeKind
from ingest.core.prose import may_hide, prose
from ingest.core.tags import lie_in, struck
from ingest.core.values import JSON

__all__ = [
    "NAME_OF_FILE",
    "Context",
    "Mention",
    "Reference",
    "ReferenceKind",
    "ReferenceOrigin",
    "Says",
    "Syntax",
    "as_said",
    "brought_by",
    "distinct",
    "extract",
    "keep_owned",
    "relationships",
    "strongest",
]

ReferenceKind = Literal["mention", "resolves", "blockedBy", "dependsOn", "relatedTo", "deployment"]
DEPLOYMENT: ReferenceKind = "deployment"
"""To the deployment that brought the document's commit; shown as `temporal.deploymentId`."""
ReferenceOrigin = Literal["field", "url", "keyword", "text"]

_STRENGTH: Mapping[ReferenceOrigin, int] = {"field": 0, "url": 1, "keyword": 2, "text": 3}
_GRAPH: tuple[EdgeKind, ...] = ("resolves", "blockedBy", "dependsOn", "relatedTo")
_EDGES: Mapping[str, EdgeKind] = {kind: kind for kind in _GRAPH}
_Target = tuple[str, str]
_SHA = re.compile(r"[0-9a-f]{40}")
_NO_KEYWORDS: Mapping[str, EdgeKind | None] = {}


class Reference(NamedTuple):
    """One relationship of a document: its kind, the thing it points at, and where that was said.

    `key` is the canonical mention (`owner/repo#12`, `ENG-123`), the target's `source_id` or alias.
    `prefix` is set where the key was bare: it counts only if a connection of the store owns it.
    `thing` is what is meant, as in `Mention`: where it is set, that binds it and not `key`.
    """

    kind: ReferenceKind
    source: str
    key: str
    origin: ReferenceOrigin
    evidence: str
    prefix: str | None = None
    thing: Identity | None = None


@dataclass(slots=True)
class _Made:
    """The references made so far; places are added in the order of the text.

    `certain` are the targets that a URL names: their bare keys need no owner to count. Keys are
    told apart as their source compares them; the spelling of the strongest origin is kept.
    """

    text: str
    certain: set[_Target]
    kept: dict[tuple[ReferenceKind, str, str, str | None], Reference] = field(default_factory=dict)
    taken_back: set[_Target] = field(default_factory=set)

    def add(self, place: Place, target: _Target, word: Keyword | None) -> None:
        """A mention, and an edge with it where a keyword makes one; or neither, and never."""
        if word is None:
            self._keep("mention", place, target, place.mention.origin, None)
        elif word.kind is None:
            self.taken_back.add(target)
        else:
            self._keep("mention", place, target, place.mention.origin, None)
            origin: ReferenceOrigin = "url" if place.mention.origin == "url" else "keyword"
            is_closed = word.kind == "resolves" and not place.mention.is_work
            self._keep("relatedTo" if is_closed else word.kind, place, target, origin, word.start)

    def _keep(
        self,
        kind: ReferenceKind,
        place: Place,
        target: _Target,
        origin: ReferenceOrigin,
        begin: int | None,
    ) -> None:
        source, key = target
        prefix = None if target in self.certain else place.mention.prefix
        known = self.kept.get((kind, source, key, prefix))
        if known is not None and _STRENGTH[known.origin] <= _STRENGTH[origin]:
            return
        if begin is None or begin >= place.start:
            said = surroundings(self.text, place.start)
        else:
            said = from_keyword(self.text, begin, place.start, place.end)
        named = place.mention
        thing = named.thing or (known.thing if known is not None else None)
        made = Reference(kind, source, named.key, origin, said, prefix, thing)
        self.kept[kind, source, key, prefix] = made

    def references(self) -> tuple[Reference, ...]:
        """What is left of them, sorted; of one target the strongest first."""
        left = (
            reference
            for (_, source, key, _), reference in self.kept.items()
            if (source, key) not in self.taken_back
        )
        return tuple(
            sorted(
                left, key=lambda r: (r.kind, r.source, r.key, _STRENGTH[r.origin], r.prefix or "")
            )
        )


class _List(NamedTuple):
    """Where a mention with a keyword ends, and the keyword, which the next one may share."""

    end: int
    keyword: Keyword


def extract(text: str, context: Context, syntaxes: Iterable[Syntax]) -> tuple[Reference, ...]:
    """Every reference that the text makes, sorted by kind, source and key, without duplicates.

    The target of an edge is mentioned too. What is said twice keeps the strongest origin, then
    the first evidence. One target stands there once for each prefix that names it: only its owner
    knows which of them count.
    """
    known = tuple(syntaxes)
    readable = with_small_hosts(text)
    if may_hide(text):
        if not mentions_any(readable, context, known):
            return ()
        readable = prose(readable)
    found = find(readable, context, known)
    stand = places(found, links(readable)) if found else []
    return _references(text, readable, context, stand).references()


Says = Mapping[EdgeKind, EdgeKind | None]
"""What the words of a text make of an edge: another one, or (None) a mention alone. What is not
there stays what it is.
"""


AT_MOST_RELATED: Says = {
    "resolves": "relatedTo",
    "blockedBy": "relatedTo",
    "dependsOn": "relatedTo",
}
"""Of what is merely said: whoever reads it knows that the two have to do with one another."""
RESOLVES_NOTHING: Says = {"resolves": "relatedTo"}
"""Of work that says what it waits for, and is not what is merged."""
MENTIONS_ALONE: Says = dict.fromkeys(_GRAPH)
"""Of words that are somebody else's, told again."""


def as_said(references: Iterable[Reference], says: Says) -> tuple[Reference, ...]:
    """The references of a text as its kind of document may say them; what a field states stays."""
    found = []
    for one in references:
        edge = None if one.origin == "field" else _EDGES.get(one.kind)
        kind = one.kind if edge is None else says.get(edge, edge)
        if kind is not None:
            found.append(one if kind == one.kind else one._replace(kind=kind))
    return tuple(found)


def brought_by(temporal: Mapping[str, str], deploying: Iterable[str]) -> tuple[Reference, ...]:
    """What belongs to a commit was brought by its deployment, of these sources: one reference to
    each, by the commit's hash, which such a document has as an alias.

    None where the commit is not named in full, or the document tells its deployment itself.
    """
    commit = temporal.get("commitSha", "").lower()
    if "deploymentId" in temporal or _SHA.fullmatch(commit) is None:
        return ()
    return tuple(Reference(DEPLOYMENT, name, commit, "field", commit) for name in deploying)


def keep_owned(
    references: Iterable[Reference], *owned: Mapping[str, Collection[str]]
) -> tuple[Reference, ...]:
    """The references whose prefix, if any, some connection of the store owns: by source type, in
    one of the mappings.
    """
    return tuple(
        reference
        for reference in references
        if reference.prefix is None
        or any(reference.prefix in names.get(reference.source, ()) for names in owned)
    )


def distinct(
    references: Iterable[Reference], fold: Callable[[str, str], str] = lambda _source, key: key
) -> tuple[Reference, ...]:
    """One reference for each (kind, target), the first one; sorted by kind, source and key.

    One that tells the thing itself goes before those that only name it. `fold` gives (source, key)
    in the spelling in which keys are compared.
    """
    kept: dict[tuple[str, str, str], Reference] = {}
    for one in references:
        target = one.kind, one.source, fold(one.source, one.key)
        known = kept.setdefault(target, one)
        if known.thing is None and one.thing is not None:
            kept[target] = one
    return tuple(sorted(kept.values(), key=_place_of))


def strongest(references: Sequence[Reference], most: int) -> Sequence[Reference]:
    """As many as that, in their order: those that are said most clearly, a field before a URL, a
    keyword before a mere mention.
    """
    if len(references) <= most:
        return references
    clearest = sorted(range(len(references)), key=lambda at: _STRENGTH[references[at].origin])
    return [references[at] for at in sorted(clearest[:most])]


def relationships(
    targets: Iterable[tuple[str, str, str]], temporal: Mapping[str, JSON] | None = None
) -> dict[str, JSON] | None:
    """The seed's `DocumentRelationships` out of (kind, source, key): sorted, no duplicates, None if
    empty.

    `{"mentions": {source: keys}, "temporal": {…}, "graph": {kind: ["<source>:<key>"]}}`; empty
    parts are left out.
    """
    mentions: dict[str, set[str]] = {}
    graph: dict[str, set[str]] = {}
    for kind, source, key in targets:
        if kind == "mention":
            mentions.setdefault(source, set()).add(key)
        else:
            graph.setdefault(kind, set()).add(f"{source}:{key}")
    parts: dict[str, JSON] = {}
    if mentions:
        parts["mentions"] = {source: [*sorted(mentions[source])] for source in sorted(mentions)}
    if temporal:
        parts["temporal"] = {name: temporal[name] for name in sorted(temporal)}
    if graph:
        parts["graph"] = {kind: [*sorted(graph[kind])] for kind in _GRAPH if kind in graph}
    return parts or None


def _references(text: str, readable: str, context: Context, stand: Sequence[Place]) -> _Made:
    """Each place as a mention, and as an edge where words make it one.

    Two sources may claim one place (whose key it is, its owner tells later): both have its words.
    What is struck out is mentioned, and nothing more is said of it.
    """
    targets = [(p.mention.source, p.syntax.fold(p.mention.key)) for p in stand]
    certain = {
        target
        for place, target in zip(stand, targets, strict=True)
        if place.mention.origin == "url" and place.mention.prefix is None
    }
    made = _Made(text, certain)
    said = _Words(readable, context, Items(readable), struck(readable) if stand else [])
    shared: _List | None = None
    following: _List | None = None
    start = -1
    for place, target in zip(stand, targets, strict=True):
        if place.start != start:
            start, shared, following = place.start, following, None
        word = said.of(place, shared)
        made.add(place, target, word)
        following = said.goes_on(place, word, shared) or following
    return made


def _place_of(reference: Reference) -> tuple[str, str, str]:
    return reference.kind, reference.source, reference.key


class _Words(NamedTuple):
    """What the words of one text say of the places in it. struck: where they are struck out."""

    text: str
    context: Context
    items: Items
    struck: Sequence[tuple[int, int]]

    def of(self, place: Place, shared: _List | None) -> Keyword | None:
        """The keyword that speaks of a place: its own, or that of the list which it stands in."""
        if is_tag(self.text, place.start, place.end):
            return None
        word = self._before(place, place.start, shared)
        if word is None:
            start = item_start(self.text, place.start, place.syntax.source)
            word = None if start is None else self._before(place, start, shared)
        if word is None:
            word = unfinished_after(self.text, place.start, place.end)
        if word is not None and self.struck and lie_in(self.struck, word.start, place.start):
            return None
        return word

    def _before(self, place: Place, start: int, shared: _List | None) -> Keyword | None:
        syntax = place.syntax
        own = _NO_KEYWORDS if self.context.home is None else syntax.keywords
        word = keyword_before(self.text, start, own, source=syntax.source)
        if word is None:
            if shared is not None and self._shares(shared, place, start):
                return shared.keyword
            first = self.items.first(start)
            if first is None or first == start:
                return None
            word = keyword_before(self.text, first, own, source=syntax.source)
            if word is None or word.listed != "items" or _is_alone(syntax, word):
                return None
        return word if word.elsewhere is None else _told_from(word, place, self.context)

    def _shares(self, shared: _List, place: Place, start: int) -> bool:
        end, keyword = shared
        if _is_alone(place.syntax, keyword):
            return False
        return joined(self.text, keyword, end, start, place.end)

    def goes_on(self, place: Place, word: Keyword | None, shared: _List | None) -> _List | None:
        """The list that a place leaves to the next: its own, or that which it is an aside in."""
        if word is not None:
            return None if word.kind is None else _List(place.end, word)
        if shared is None or not is_aside(self.text, shared.end, place.start, place.end):
            return None
        return _List(place.end + 1, shared.keyword)


def _told_from(word: Keyword, place: Place, context: Context) -> Keyword:
    """The keyword as it is meant where the text stands."""
    syntax, home = place.syntax, context.home
    at_home = syntax.source == context.source_type and (
        home is None or syntax.fold(place.mention.key).startswith(syntax.fold(f"{home}#"))
    )
    return word if at_home else word._replace(kind=word.elsewhere)


def _is_alone(syntax: Syntax, word: Keyword) -> bool:
    """Whether the source's things do not share the keyword of a list."""
    return syntax.closes_singly and word.kind == "resolves"
