"""Zendesk's JSON as Zendesk spells it: the fields that we read, and the names of those we know.

Law: required is only what no document can do without; of all else null, absence and what makes no
sense say the same; what we do not read is tolerated in any form. Events spell ids as texts and
words in upper case, the API ids as numbers and words in lower case; from here on both are the
API's. Sources: the event types of developer.zendesk.com/api-reference/webhooks, the tickets,
comments and articles of …/ticketing and …/help_center. Performs no I/O.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from ingest.core.values import JSON
from ingest.sources.forms import Form
from ingest.sources.wire import Loose, Text, WireModel

_SAFE = 2**53 - 1
_ID_CHARS = 17
_LONGEST_WORD = 100


def _whole(value: Any) -> Any:
    """An id as a number, also where it is spelt as a text; true and 7.0 are none."""
    if isinstance(value, bool | float):
        raise ValueError("not an id")  # noqa: TRY004 -- pydantic reports no TypeError
    if isinstance(value, str):
        digits = value.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(value) <= _ID_CHARS):
            raise ValueError("not an id")
        return int(value)
    return value


def _whom(value: Any) -> Any:
    """Nobody is null in the API, and null, an empty text or 0 in events."""
    return None if value in ("", "0", 0) and value is not False else _whole(value)


def _word(value: Any) -> Any:
    return value.lower() or None if isinstance(value, str) else value


def _tags(value: Any) -> Any:
    """A tag has no blanks in it, so some write all of them as one text."""
    told = value.split() if isinstance(value, str) else value
    return [tag for tag in told if isinstance(tag, str)] if isinstance(told, list) else None


def _or_hidden(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read(value)
    except ValidationError:
        return False


LOCALE = Form(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,5}", "a locale of the help center, as `en-us`")
EVENT_LOCALE = "locale"
"""In the hint of an article's look-up: the language that the event was about."""
Id = Annotated[int, BeforeValidator(_whole), Field(ge=1, le=_SAFE)]
Whom = Annotated[Annotated[int, Field(ge=-_SAFE, le=_SAFE)] | None, BeforeValidator(_whom), Loose]
"""A person or a group; the system itself is -1."""
Word = Annotated[
    Annotated[str, Field(max_length=_LONGEST_WORD)] | None, BeforeValidator(_word), Loose
]
Public = Annotated[bool | None, WrapValidator(_or_hidden)]
"""Whether customers may read it; what is unclear they may not."""


class Origin(WireModel):
    """`via.source.from`: the closed ticket that this one follows, for a follow-up."""

    ticket_id: Whom = None


class ViaSource(WireModel):
    origin: Annotated[Origin | None, Loose] = Field(default=None, alias="from")


class Via(WireModel):
    channel: Word = None
    source: Annotated[ViaSource | None, Loose] = None


class Ticket(WireModel):
    """A ticket: the `detail` of its events, or the API's own."""

    id: Id
    updated_at: str
    subject: Text = None
    description: Text = None
    status: Word = None
    priority: Word = None
    type: Word = None
    assignee_id: Whom = None
    submitter_id: Whom = None
    tags: Annotated[list[str] | None, BeforeValidator(_tags)] = None
    is_public: Public = None
    created_at: Text = None
    via: Annotated[Via | None, Loose] = None
    problem_id: Whom = None
    followup_ids: Annotated[list[Id] | None, Loose] = None

    @property
    def follows(self) -> int | None:
        """The closed ticket that this one follows up."""
        origin = self.via.source.origin if self.via and self.via.source else None
        return origin.ticket_id if origin else None


class Gone(WireModel):
    """What a deletion has to tell of its ticket: nothing but, perhaps, when."""

    updated_at: Text = None
    status: Word = None


class Call(WireModel):
    """`data` of a comment about a call: what was said, as far as agents may see it."""

    transcription_text: Text = None
    transcription_visible: Annotated[bool | None, Loose] = None


class Spoken(WireModel):
    """One message of a chat, as a comment lists those of its `history`."""

    actor_name: Text = None
    message: Text = None


class Comment(WireModel):
    """One comment; what does not say that it is public is an internal note."""

    id: Id
    created_at: str
    author_id: Whom = None
    body: Text = None
    html_body: Text = None
    plain_body: Text = None
    public: Public = None
    data: Annotated[Call | None, Loose] = None
    history: Annotated[list[Spoken] | None, Loose] = None


class Teller(WireModel):
    """Who wrote a comment or a message, where that is told beside it."""

    id: Whom = None
    name: Text = None
    display_name: Text = None


class Content(WireModel):
    text: Text = None
    body: Text = None


class Logged(WireModel):
    """An entry of a conversation's log: a message of a chat among them."""

    id: str
    type: str
    created_at: str
    author: Annotated[Teller | None, Loose] = None
    content: Annotated[Content | None, Loose] = None


class EventComment(WireModel):
    """The comment that an event tells; `is_public` as `public` in the API."""

    id: Id
    body: Text = None
    is_public: Public = None
    author: Annotated[Teller | None, Loose] = None


class User(WireModel):
    id: Whom = None
    name: Text = None


class Thread(WireModel):
    """A look-up of a ticket: the ticket, all its comments and who wrote them, its chat's log."""

    ticket: Ticket
    comments: list[Comment] | None = None
    users: Annotated[list[User] | None, Loose] = None
    log: Annotated[list[Logged] | None, Loose] = None


class Article(WireModel):
    id: Id
    updated_at: str
    title: Text = None
    name: Text = None
    body: Text = None
    html_url: Text = None
    locale: Text = None
    source_locale: Text = None
    section_id: Whom = None
    promoted: Annotated[bool | None, Loose] = None
    vote_sum: Annotated[Annotated[int, Field(ge=-_SAFE, le=_SAFE)] | None, Loose] = None
    draft: bool | None = None
    created_at: Text = None


class Translation(WireModel):
    """An article in one language, its own among them; its version is its own too."""

    locale: Annotated[str, Field(pattern=f"^{LOCALE.pattern}$")]
    updated_at: str
    title: Text = None
    body: Text = None
    html_url: Text = None
    draft: bool | None = None
    hidden: Annotated[bool | None, Loose] = None
    created_at: Text = None


class Pages(WireModel):
    """A look-up of an article: itself, and its translations where they may be read, or `some`."""

    article: Article
    translations: list[Translation] | None = None
    some: bool = False


def whole_id(raw: JSON) -> int | None:
    """An id in a field that nothing depends on; whatever is none says nothing."""
    try:
        number = _whole(raw)
    except ValueError:
        return None
    return number if isinstance(number, int) and 1 <= number <= _SAFE else None


_ENVELOPE = "account_id detail event id subject time type zendesk_event_version"
_TICKET = """
    actor_id assignee_id brand_id created_at custom_status description external_id form_id group_id
    id is_public organization_id priority requester_id status subject submitter_id tags type
    updated_at via
"""
_ARTICLE = "brand_id id"

ENVELOPE_FIELDS = frozenset(_ENVELOPE.split())
"""Every field of an event that we have heard of; another one is drift."""
DETAIL_FIELDS = {"ticket": frozenset(_TICKET.split()), "article": frozenset(_ARTICLE.split())}
"""Every field of `detail`, by what the event is about."""
