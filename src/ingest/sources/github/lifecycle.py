"""What GitHub tells of an App and of what it may read: it concerns connections, and no document.

[WH-OAS] `installation`, `installation_repositories`, `meta`, and `repository.deleted`. A connection
is found by its installation (`githubInstallationId`), or by its repository where that is listed.
Law: the header alone proves nothing; what is about a repository, or about anything else, is none of
these. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ingest.core.errors import BadPayload
from ingest.core.times import from_epoch_s, parse_time, to_micros
from ingest.core.values import JSON
from ingest.sources.contract import Headers, Message, Notice, Payload
from ingest.sources.github.proof import SUBJECTS
from ingest.sources.ids import member, number_id
from ingest.sources.wire import at, items, text

APP, REPOSITORIES, HOOK = "installation", "installation_repositories", "meta"
_ABOUT: Mapping[str, frozenset[str]] = {
    APP: frozenset({"repositories"}),
    REPOSITORIES: frozenset({"repositories_added", "repositories_removed"}),
    HOOK: frozenset({"hook"}),
}
"""What each may be about beside the installation: no repository, but for a hook of one."""
_LISTS = ("repositories", "repositories_added", "repositories_removed")
MOST_LISTED = 500
"""Of the repositories that one delivery lists; beyond, those that name the installation hear."""

UNINSTALLED = "the App was uninstalled at GitHub"
SUSPENDED = "the App's installation is suspended at GitHub"
TAKEN_AWAY = "the repository was taken from the App's installation at GitHub"
DELETED = "the repository was deleted"
NO_HOOK = "the webhook was removed at GitHub, and nothing more comes by it"


def is_lifecycle(headers: Headers, payload: Payload) -> bool:
    """Whether a delivery speaks of the connection and of no document."""
    event = headers.get("x-github-event", "").lower()
    if event == "repository":
        return payload.get("action") == "deleted"
    return _is_of(event, payload)


def tenants(headers: Headers, payload: Payload) -> tuple[str, ...]:
    """The installation, and the repositories that are listed; none for what is no such event."""
    event = headers.get("x-github-event", "").lower()
    if event not in (APP, REPOSITORIES) or not _is_of(event, payload):
        return ()
    listed = (id_ for name in _LISTS for id_ in _ids(payload, name))
    named = _installation(payload)
    own = (installation(named),) if named else ()
    return (*own, *[*dict.fromkeys(listed)][:MOST_LISTED])


def installation(id_: str) -> str:
    """How an installation is called among what a connection stands for."""
    return f"installation:{id_}"


def notices(message: Message) -> tuple[Notice, ...]:
    """What the delivery says of its connection; nothing where that is none of it."""
    event = message.headers.get("x-github-event", "").lower()
    payload = message.payload
    if not _is_of(event, payload):
        return ()
    action, at_micros = text(payload, "action") or "", _at_micros(payload)
    if event == HOOK:
        return (Notice("webhook", NO_HOOK, at_micros),) if action == "deleted" else ()
    told, own = _installation(payload), text(message.connection, "githubInstallationId") or ""
    is_own = told is not None and own.strip("0") in ("", told)
    read = _of_app if event == APP else _of_repositories
    return tuple(
        Notice(name, problem, at_micros)
        for name, problem in read(message, action, told or "", is_own=is_own)
    )


_OF_APP: Mapping[str, tuple[tuple[str, str | None], ...]] = {
    "deleted": ((APP, UNINSTALLED),),
    "suspend": (("suspension", SUSPENDED),),
    "unsuspend": (("suspension", None),),
    "new_permissions_accepted": (("permissions", None),),
    "created": ((APP, None), ("suspension", None)),
}
"""What an action says of the connections of the installation itself."""


def _of_app(
    message: Message, action: str, told: str, *, is_own: bool
) -> Iterator[tuple[str, str | None]]:
    """[WH-OAS] An App that is installed anew is another installation, with another id."""
    if is_own:
        for name, problem in _OF_APP.get(action, ()):
            yield name, problem and f"{problem} (installation {told})"
    if action == "created" and message.scope in _ids(message.payload, "repositories"):
        yield ("repository", None) if is_own else (APP, _elsewhere(told))


def _of_repositories(
    message: Message, _action: str, told: str, *, is_own: bool
) -> Iterator[tuple[str, str | None]]:
    """By its lists: one delivery may add some and remove others."""
    if message.scope in _ids(message.payload, "repositories_added"):
        yield "repository", None
        if not is_own:
            yield APP, _elsewhere(told)
    elif is_own and message.scope in _ids(message.payload, "repositories_removed"):
        yield "repository", TAKEN_AWAY


def _elsewhere(told: str) -> str:
    return (
        f"GitHub has the repository in installation {told}, and the connection names another: "
        f'ingest source update ID --metadata \'{{"githubInstallationId": "{told}"}}\''
    )


def _is_of(event: str, payload: Payload) -> bool:
    """Whether a body can be one of this event, whatever the header says."""
    about = _ABOUT.get(event)
    if about is None or (SUBJECTS & payload.keys()) - about:
        return False
    if event == HOOK:
        return isinstance(payload.get("hook"), Mapping)
    told = payload.get("installation")
    is_whole = isinstance(told, Mapping) and "account" in told
    return is_whole and payload.get("repository") is None


def _installation(payload: Payload) -> str | None:
    told = member(payload.get("installation"), "installation")
    return number_id(told.get("id"), "installation.id")


def _ids(payload: Payload, name: str) -> frozenset[str]:
    """The ids of the repositories that are listed there; raises `BadPayload` for what is no id."""
    found: set[str] = set()
    for place, one in enumerate(items(payload, name)):
        id_ = number_id(at(one, "id"), f"{name}[{place}].id")
        if id_ is None:
            raise BadPayload(f"{name}[{place}].id", "missing")
        found.add(id_)
    return frozenset(found)


def _at_micros(payload: Payload) -> int | None:
    """When the installation changed, in seconds since 1970 or as a text; None where that is no time
    of today: then the receipt counts.
    """
    told: JSON = at(payload, "installation", "updated_at")
    try:
        if isinstance(told, str):
            return to_micros(parse_time(told))
        if isinstance(told, int) and not isinstance(told, bool):
            return to_micros(from_epoch_s(told))
    except ValueError:
        return None
    return None
