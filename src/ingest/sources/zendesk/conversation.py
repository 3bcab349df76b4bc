"""The text of a ticket: its description, then what was said below it, in its order and by whom.

Law: what customers may not read stays out, unless the connection wants it. What a plain text lacks
and a comment tells beside it (what was said in a call or a chat) is text too. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ingest.core.bounds import MARK, MAX_BODY_CHARS
from ingest.sources import wire
from ingest.sources.zendesk.escaping import closed
from ingest.sources.zendesk.markdown import links, markdown
from ingest.sources.zendesk.payloads import Comment, Logged, Thread, Ticket
from ingest.sources.zendesk.place import Place, iso

_BLANK = "&nbsp;"
"""The one entity that Zendesk leaves in a plain text."""
_MESSAGE = "messaging::conversationmessage"


@dataclass(frozen=True, slots=True)
class _Said:
    """Something said below the description: by whom and when, and what its text was made of."""

    at: str
    by: str
    text: str
    cost: int


def in_order(comments: Sequence[Comment]) -> list[Comment]:
    """As they were written; `created_at` has a grain of one second, ids go up."""
    return sorted(comments, key=lambda c: (wire.time(c.created_at, "comments.created_at"), c.id))


def shown_of(comments: Iterable[Comment], place: Place) -> list[Comment]:
    """Those that the connection wants: the public ones, or all."""
    return [c for c in comments if c.public or place.private_notes]


def conversation(thread: Thread, comments: Sequence[Comment], place: Place) -> str:
    """The description, which is the first comment, then each further one under its heading.

    comments: all of the ticket's, in their order.
    """
    description, rest = _opening(thread.ticket, comments, place)
    parts, size = [closed(description)], len(description)
    entries = _with_chat(thread, rest, place)
    for place_in_rest, said in enumerate(entries):
        if size > MAX_BODY_CHARS:
            parts.append(f"[{MARK} cut here: {len(entries) - place_in_rest:,} more comments]")
            break
        parts.append(f"### {said.by}, {iso(said.at)}\n\n{closed(said.text)}")
        size += len(parts[-1]) + said.cost
    return "\n\n".join(filter(None, parts))


def forms(comment: Comment) -> Iterator[str]:
    """Its plain texts: that without marks first."""
    yield from filter(None, (comment.plain_body, comment.body))


def linked(shown: Sequence[Comment], place: Place) -> tuple[str, ...]:
    """What the comments link to: a plain text keeps a link's label and loses its URL."""
    return tuple(sorted({u for c in shown if c.html_body for u in links(c.html_body, place.site)}))


def is_same(one: str, other: str) -> bool:
    """Whether two texts are the same but for their blanks."""
    return one.split() == other.split()


def _opening(
    ticket: Ticket, comments: Sequence[Comment], place: Place
) -> tuple[str, list[Comment]]:
    """The description where all may read it, and the comments that are shown below it."""
    shown = shown_of(comments, place)
    described = (ticket.description or "").strip()
    if not place.private_notes:
        hidden = not comments[0].public if comments else ticket.is_public is False
        if hidden:
            return "", shown
    if comments and any(is_same(described, text) for text in forms(comments[0])):
        return "\n\n".join(filter(None, (described, *_spoken(comments[0])))), shown[1:]
    return described, shown


def _with_chat(thread: Thread, comments: Sequence[Comment], place: Place) -> list[_Said]:
    """The comments, and before the first that is newer the chat that the ticket was made of."""
    names = {user.id: user.name for user in thread.users or () if user.id and user.name}
    entries = [_commented(comment, names, place) for comment in comments]
    chat = _chat(thread.log or ())
    if chat is not None:
        begun = wire.time(chat.at, "log.created_at")
        later = (n for n, c in enumerate(entries) if wire.time(c.at, "created_at") > begun)
        entries.insert(next(later, len(entries)), chat)
    return entries


def _commented(comment: Comment, names: Mapping[int, str], place: Place) -> _Said:
    author = _one_line(names.get(comment.author_id or 0)) or f"user {comment.author_id}"
    note = "" if comment.public else "Internal note, "
    text, cost = _written(comment, place)
    return _Said(
        comment.created_at,
        f"{note}{author}",
        "\n\n".join(filter(None, (text, *(s for s in _spoken(comment) if s not in text)))),
        cost,
    )


def _written(comment: Comment, place: Place) -> tuple[str, int]:
    """The text, and what it cost where it is made of HTML: by the length of that."""
    plain = (comment.plain_body or "").replace(_BLANK, " ").strip()
    if plain or comment.html_body is None:
        return plain or (comment.body or "").strip(), 0
    made = markdown(comment.html_body, place.site)
    return made or (comment.body or "").strip(), len(comment.html_body)


def _spoken(comment: Comment) -> Iterator[str]:
    """What was said aloud or in a chat, where the comment tells it beside its text."""
    call = comment.data
    if call and call.transcription_text and call.transcription_visible is not False:
        yield call.transcription_text.strip()
    lines = [_line(one.actor_name, one.message) for one in comment.history or ()]
    yield "\n".join(filter(None, lines))


def _chat(log: Sequence[Logged]) -> _Said | None:
    """The messages of a chat, in their order: comments do not hold them."""
    messages = [one for one in log if one.type.lower() == _MESSAGE]
    if not messages:
        return None
    ordered = sorted(messages, key=lambda m: (wire.time(m.created_at, "log.created_at"), m.id))
    lines = filter(None, map(_message, ordered))
    return _Said(ordered[0].created_at, "Conversation", "\n".join(lines), 0)


def _message(one: Logged) -> str:
    author, content = one.author, one.content
    name = (author.display_name or author.name) if author else None
    return _line(name, (content.text or content.body) if content else None)


def _line(name: str | None, text: str | None) -> str:
    said = (text or "").strip()
    return f"{_one_line(name) or 'somebody'}: {said}" if said else ""


def _one_line(name: str | None) -> str:
    return " ".join((name or "").split())
