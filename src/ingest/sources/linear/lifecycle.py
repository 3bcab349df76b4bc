"""What Linear tells of an app and of the teams that it may read: it concerns connections.

`OAuthApp` and `PermissionChange` of the SDK's webhooks/types.ts; the lists of teams stand in the
envelope, or in its `data`. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Iterator

from ingest.core.times import parse_time, to_micros
from ingest.sources.contract import Headers, Message, Notice, Payload
from ingest.sources.wire import items, mapping, text

REVOKED = "Linear says that the app's access was revoked; connect it anew"
_APP, _TEAMS = "OAuthApp", "PermissionChange"
_SHOWN = 40


def is_lifecycle(_headers: Headers, payload: Payload) -> bool:
    """Whether a delivery speaks of the connection and of no document."""
    return payload.get("type") in (_APP, _TEAMS)


def notices(message: Message) -> tuple[Notice, ...]:
    """What a delivery says of its connection: the app is revoked, a team of its is taken away."""
    payload = message.payload
    at_micros = _at_micros(payload)
    if payload.get("type") == _APP:
        is_revoked = payload.get("action") == "revoked"
        return (Notice("app", REVOKED, at_micros),) if is_revoked else ()
    if payload.get("type") != _TEAMS:
        return ()
    wanted = _teams(message.connection)
    gone = {
        team: f"the app may not read team {team[:_SHOWN]} any more"
        for team in _told(payload, "removedTeamIds")
    }
    back = dict.fromkeys(_told(payload, "addedTeamIds"))
    return tuple(
        Notice(f"team {team[:_SHOWN]}", problem, at_micros)
        for team, problem in {**gone, **back}.items()
        if team in wanted
    )


def _teams(connection: Payload) -> frozenset[str]:
    """The teams that a connection names: its own, and those that it is narrowed to."""
    told = (text(connection, "linearTeamId"), *map(text, items(connection, "onlyTeamIds")))
    return frozenset(filter(None, told))


def _told(payload: Payload, name: str) -> Iterator[str]:
    for within in (payload, mapping(payload, "data")):
        yield from filter(None, map(text, items(within, name)))


def _at_micros(payload: Payload) -> int | None:
    """When it took place; the receipt counts where that is not told."""
    try:
        return to_micros(parse_time(text(payload, "createdAt") or ""))
    except ValueError:
        return None
