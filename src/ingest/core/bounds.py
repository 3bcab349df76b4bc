"""What one document may cost, and changes cut down to that: visibly, and with a note. No I/O.

Law: a change within the bounds is returned itself. What is cut depends on the change alone, so
that any order of events ends in the same rows; and it is said in words for the delivery's reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import orjson

from ingest.core.changes import Change, Delete, Field, Patch, Upsert
from ingest.core.evidence import EVIDENCE_CHARS
from ingest.core.references import Reference
from ingest.core.values import JSON

MAX_CHANGES = 1_000
"""Documents that one delivery may speak of, and objects that it may have looked up."""
MAX_SEEN = 10_000
"""The same of one look-up: a branch tells a thousand at a time, and an issue all its comments."""
MAX_TITLE_CHARS = 4_096
MAX_BODY_CHARS = 2**20
"""As long as the largest file that is read."""
MAX_ALIASES = 100
MAX_LINKS = 1_000
MAX_LINK_CHARS = 2_048
"""A longer one is left out: cut, it would lead elsewhere."""
MAX_HOME_CHARS = 200
"""Each bare reference is spelt out with it, so that a name of a mebibyte would be gigabytes."""
MAX_WORD_CHARS = 255
"""Of a commit or a deployment that the object belongs to."""
MAX_REFERENCES = 10_000
MAX_CHUNKS = 10_000
MAX_METADATA_BYTES = 2**18
"""As JSON. What is larger is cut: its texts, its lists, and then whatever is left."""
MAX_VALUE_CHARS = 8_192
MAX_ITEMS = 1_000

MARK = "…"
_SMALL = 6  # quotes, a comma, a colon: what a value costs beside its own characters

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bounded:
    """A change within the bounds, and what was cut, in words."""

    change: Change
    cuts: tuple[str, ...] = ()


def bounded(change: Change) -> Bounded:
    """The change with everything that a provider lets somebody write brought within the bounds.

    A change within them is returned itself. The bounds are the constants above; what is cut ends in
    `MARK`, and depends on the change alone.
    """
    cuts: list[str] = []
    if isinstance(change, Upsert):
        change = _upsert(change, cuts)
    elif isinstance(change, Patch):
        values = _metadata({name: told.value for name, told in change.fields.items()}, cuts)
        fields = {name: Field(values[name], told.merge) for name, told in change.fields.items()}
        change = replace(change, fields=fields) if cuts else change
    elif isinstance(change, Delete) and len(change.aliases) > MAX_ALIASES:
        change = replace(change, aliases=_first(change.aliases, MAX_ALIASES, "former keys", cuts))
    return Bounded(change, tuple(dict.fromkeys(cuts)))


def bounded_event(event: Mapping[str, JSON]) -> Mapping[str, JSON]:
    """An event's metadata within the bounds."""
    return _metadata(event, [])


def cut_text(text: str, limit: int) -> str:
    """The text, or its first `limit` characters and a line that says how many more there are."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}\n\n[{MARK} cut here: {len(text) - limit:,} more characters]"


def cut_remark(cuts: Iterable[str]) -> str:
    """What was cut, for the reason of a delivery; empty where nothing was."""
    told = [*dict.fromkeys(cuts)]
    return f"cut: {', '.join(told)}" if told else ""


def _upsert(change: Upsert, cuts: list[str]) -> Upsert:
    title, body = change.title, change.body
    if len(title) > MAX_TITLE_CHARS:
        cuts.append(f"the title after {MAX_TITLE_CHARS:,} characters")
        title = title[:MAX_TITLE_CHARS] + MARK
    if len(body) > MAX_BODY_CHARS:
        cuts.append(f"the text after {MAX_BODY_CHARS:,} of {len(body):,} characters")
        body = cut_text(body, MAX_BODY_CHARS)
    metadata = _metadata(change.metadata, cuts)
    frontmatter, home = change.frontmatter, change.home
    if frontmatter is not None:
        frontmatter = _metadata(frontmatter, cuts, "the front matter")
    if home is not None and len(home) > MAX_HOME_CHARS:
        cuts.append(f"a name of {len(home):,} characters, so that no bare reference counts")
        home = None
    branch = change.branch
    if branch is not None and len(branch) > MAX_WORD_CHARS:
        cuts.append(f"a branch's name of {len(branch):,} characters")
        branch = None
    temporal = _short(change.temporal, cuts)
    aliases = _first(change.aliases, MAX_ALIASES, "former keys", cuts)
    links = _first(_followable(change.links, cuts), MAX_LINKS, "links", cuts)
    references = _first(change.references, MAX_REFERENCES, "references", cuts)
    references = _proven_briefly(references, cuts)
    if not cuts:
        return change
    return replace(
        change,
        title=title,
        body=body,
        metadata=metadata,
        frontmatter=frontmatter,
        home=home,
        temporal=temporal,
        aliases=aliases,
        links=links,
        references=references,
        branch=branch,
    )


def _first(items: tuple[T, ...], limit: int, what: str, cuts: list[str]) -> tuple[T, ...]:
    if len(items) <= limit:
        return items
    cuts.append(f"{len(items) - limit:,} of {len(items):,} {what}")
    return items[:limit]


def _followable(links: tuple[str, ...], cuts: list[str]) -> tuple[str, ...]:
    kept = tuple(link for link in links if len(link) <= MAX_LINK_CHARS)
    if len(kept) == len(links):
        return links
    cuts.append(f"{len(links) - len(kept):,} links of over {MAX_LINK_CHARS:,} characters")
    return kept


def _short(words: Mapping[str, str], cuts: list[str]) -> Mapping[str, str]:
    kept = {name: word for name, word in words.items() if len(word) <= MAX_WORD_CHARS}
    if len(kept) == len(words):
        return words
    cuts.append(f"what it belongs to, of over {MAX_WORD_CHARS} characters")
    return kept


def _proven_briefly(references: tuple[Reference, ...], cuts: list[str]) -> tuple[Reference, ...]:
    """A field's name proves each reference that it states."""
    if all(len(reference.evidence) <= EVIDENCE_CHARS for reference in references):
        return references
    cuts.append(f"evidence after {EVIDENCE_CHARS} characters")
    return tuple(r._replace(evidence=r.evidence[:EVIDENCE_CHARS]) for r in references)


def _metadata(
    value: Mapping[str, JSON], cuts: list[str], what: str = "the metadata"
) -> Mapping[str, JSON]:
    if _size(value) <= MAX_METADATA_BYTES:
        return value
    cuts.append(f"{what} after {MAX_METADATA_BYTES // 1024} KiB")
    room = _Room(MAX_METADATA_BYTES)
    return {name: room.cut(item) for name, item in value.items()}


def _size(value: Mapping[str, JSON]) -> int:
    return len(orjson.dumps(value, default=dict))


@dataclass(slots=True)
class _Room:
    """How many bytes are left for what is still to come, in the order in which it stands."""

    left: int

    def cut(self, value: JSON) -> JSON:
        """As much of a value as there is room for; a text or a list that is cut ends in `MARK`."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, list):
            return self._list(value)
        if isinstance(value, dict):
            fit = [name for name in [*value][:MAX_ITEMS] if self._fits(len(name))]
            return {name: self.cut(value[name]) for name in fit}
        self.left -= _SMALL
        return value

    def _text(self, text: str) -> str:
        limit = min(MAX_VALUE_CHARS, max(self.left, 0))
        shown = text if len(text) <= limit else text[:limit] + MARK
        self.left -= len(shown.encode()) + _SMALL
        return shown

    def _list(self, items: list[JSON]) -> JSON:
        kept = [self.cut(item) for item in items[:MAX_ITEMS] if self.left > 0]
        cut = len(kept) < len(items) and all(isinstance(item, str) for item in items)
        return [*kept, MARK] if cut else kept

    def _fits(self, size: int) -> bool:
        self.left -= size + _SMALL
        return self.left > 0
