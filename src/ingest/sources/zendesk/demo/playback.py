"""Recorded answers of Zendesk's: which of our requests each is an answer to, and what it becomes.

Contract: a ticket is `7890` and called by its subject, an article `article:5` by its title, its
translation `article:5:fr`; deleted and scrubbed tickets, drafts and hidden translations are no
documents. Tickets in lists that nobody asks for (a view's, the oldest export's) are looked up one
by one, for they are told as anywhere else. developer.zendesk.com/api-reference
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ingest.sources.listing import PageRequest
from ingest.sources.zendesk.demo import playback_hooks
from ingest.sources.zendesk.demo.playback_articles import (
    article,
    articles,
    articles_export,
    translations,
)
from ingest.sources.zendesk.demo.playback_room import (
    NOW,
    TICKET,
    a_ticket,
    look_up,
    nothing_of,
    number_of,
    objects_of,
    playback_of,
)
from ingest.sources.zendesk.positions import ExportPosition
from ingest.testing.fakes import Answer, Asked
from ingest.testing.playback import End, Playback, Playing, Steps, Unasked, usual_ends
from ingest.testing.recorded import RecordedAnswer

_GONE = frozenset({"deleted", "scrubbed"})
_LEFT = ("x-rate-limit-remaining", "ratelimit-remaining")
_ENDS: Mapping[int, frozenset[End]] = {409: frozenset({"TransientError"})}
_NO_REQUEST = "no client of ours asks for it"

_Make = Callable[[RecordedAnswer, re.Match[str]], Playback | Unasked]


def _ticket(of: RecordedAnswer, _at: re.Match[str]) -> Playback | Unasked:
    """However it comes to be shown: by itself, or because it was made or changed."""
    return _one_by_one(of, "ticket", objects_of([of.object.get("ticket")]))


def _conversation(of: RecordedAnswer, at: re.Match[str]) -> Playback:
    """The comments of a ticket are a part of its document."""
    id_ = int(at["id"])
    routes: dict[str, Steps] = {
        f"GET tickets/{id_}.json": Answer(200, {"ticket": a_ticket(id_)}),
        f"GET tickets/{id_}/comments.json": (of.answer(), nothing_of("comments")),
    }
    return playback_of("list of comments", routes, [look_up(TICKET, id_)], {str(id_): "A ticket"})


def _many(of: RecordedAnswer, _at: re.Match[str]) -> Playback:
    """Tickets of the export that a page of ours left to be told."""
    told = objects_of(of.object.get("tickets"))
    todo = [int(one["id"]) for one in told]
    position = ExportPosition(1, 1, todo=todo, ended=True)
    routes: dict[str, Steps] = {"GET tickets/show_many.json": of.answer()}
    asks = [PageRequest("tickets", None, NOW, cursor=position.json)]
    return playback_of("tickets together", routes, asks, _documents(told), objects=len(told))


def _export(of: RecordedAnswer, _at: re.Match[str]) -> Playback:
    """The export, and its tickets as they are told together a moment later."""
    told = objects_of(of.object.get("tickets"))
    rows = {str(one["id"]): one for one in told}

    def together(asked: Asked) -> Answer:
        ids = asked.one("ids").split(",")
        return Answer(200, {"tickets": [rows[id_] for id_ in ids if id_ in rows]})

    over = {"tickets": [], "after_cursor": "the end", "end_of_stream": True}
    routes: dict[str, Steps] = {
        "GET incremental/tickets/cursor.json": (of.answer(), Answer(200, over)),
        "GET tickets/show_many.json": together,
    }
    asks = [PageRequest("tickets", None, NOW)]
    return playback_of("export of tickets", routes, asks, _documents(told), objects=len(told))


def _listed(kind: str) -> _Make:
    def make(of: RecordedAnswer, at: re.Match[str]) -> Playback | Unasked:
        if "ticket" in of.object:
            return _ticket(of, at)
        told = objects_of(of.object.get("tickets"))
        found = objects_of(of.object.get("results"))
        told += [one for one in found if one.get("result_type") == "ticket"]
        if not told:
            return Unasked(kind, _NO_REQUEST)
        return _one_by_one(of, f"{kind}, one by one", told)

    return make


def _one_by_one(of: RecordedAnswer, kind: str, told: list[dict[str, Any]]) -> Playback | Unasked:
    if not told:
        return Unasked(kind, "the answer shows none")
    shown = {int(one["id"]): of.answer({"ticket": one}) for one in told}
    routes: dict[str, Steps] = {f"GET tickets/{id_}.json": one for id_, one in shown.items()}
    asks = [look_up(TICKET, id_) for id_ in shown]
    return playback_of(kind, routes, asks, _documents(told), objects=len(told))


def _user(of: RecordedAnswer, _at: re.Match[str]) -> Playback:
    user = of.object.get("user") or {}
    is_agent = user.get("id") is not None and user.get("role") != "end-user"
    ends: frozenset[End] = frozenset({"read" if is_agent else "Refused"})
    routes: dict[str, Steps] = {"GET users/me.json": of.answer()}
    return playback_of("the token's user", routes, ["check"], {}, ends=ends)


def _unasked(why: str) -> _Make:
    return lambda of, at: Unasked(re.sub(r"[0-9A-Z]{6,}|[0-9]+", "…", at[0]), why)


_HOOK = "(?P<hook>[0-9A-Z]+)"
_KINDS: tuple[tuple[str, _Make], ...] = (
    (r"tickets/(?P<id>[0-9]+)", _ticket),
    (r"tickets/(?P<id>[0-9]+)/comments", _conversation),
    (r"tickets/show_many", _many),
    (r"incremental/tickets/cursor", _export),
    (r"incremental/tickets", _listed("export of tickets by time")),
    (r"tickets", _listed("list of tickets")),
    (r"views/[0-9]+/tickets", _listed("tickets of a view")),
    (r"(users|organizations)/[0-9]+/tickets.*", _listed("tickets of somebody")),
    (r"tickets/[0-9]+/incidents", _listed("incidents of a problem")),
    (r"search(/export)?", _listed("search")),
    (r"users/me", _user),
    (r"help_center/incremental/articles", articles_export),
    (r"help_center/(?:[^/]+/)?articles/(?P<id>[0-9]+)", article),
    (r"help_center/(?:[^/]+/)?articles/(?P<id>[0-9]+)/translations", translations),
    (r"help_center/(?:[^/]+/)?(?:[a-z]+/[0-9]+/)?articles", articles),
    (r"deleted_tickets", _unasked("the export tells what was deleted")),
    (r"webhooks", playback_hooks.hooks),
    (rf"webhooks/{_HOOK}/signing_secret", playback_hooks.secret),
    (rf"webhooks/{_HOOK}/invocations", playback_hooks.log),
    (rf"webhooks/{_HOOK}/invocations/(?P<invocation>[0-9A-Z]+)/attempts", playback_hooks.attempts),
    (r"webhooks/.*", _unasked("all webhooks are listed")),
    (
        r"ticket_audits.*|tickets/[0-9]+/audits.*",
        _unasked("a ticket's comments tell what was said"),
    ),
)


def playback(of: RecordedAnswer) -> Playback | Unasked:
    """See `Playing.playback`."""
    rest = of.path.removeprefix("/api/v2/").rstrip("/").removesuffix(".json")
    if of.is_error:
        return _error(of)
    for pattern, make in _KINDS:
        at = re.fullmatch(pattern, rest)
        if at is not None:
            return make(of, at)
    return Unasked(re.sub(r"[0-9]+", "…", rest), _NO_REQUEST)


def _error(of: RecordedAnswer) -> Playback:
    """A refusal, of a ticket that is looked up."""
    ends = usual_ends(of.status or 0, _ENDS)
    left = [number_of(of.headers.get(name)) for name in _LEFT]
    if of.status == 429 and of.headers.get("retry-after") and any(left):
        ends = frozenset({"TransientError"})  # …/introduction/rate-limits: one endpoint's own limit
    routes: dict[str, Steps] = {"GET tickets/1.json": of.answer()}
    return playback_of("error", routes, [look_up(TICKET, 1)], {}, ends=ends)


def _documents(told: Iterable[Mapping[str, Any]]) -> dict[str, str | None]:
    """What tickets become."""
    standing = (one for one in told if str(one.get("status")).lower() not in _GONE)
    return {str(one["id"]): one.get("subject") or None for one in standing}


PLAYING = Playing("recorded", playback)
