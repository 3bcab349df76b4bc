"""Zendesk's log of what it sent to a webhook, of the last seven days: what failed, and since when.

Law: an invocation is all attempts at one delivery, so one that ended well has nothing missed. The
words for its end are more than Zendesk's documents name (recorded: `terminated`), so whatever is
neither a success nor under way is a failure. Zendesk sends nothing again; what a request was is
read out of its attempt, and where none was made (an open circuit breaker), nothing can be.
Source: …/webhooks/webhooks-api/webhooks (ListWebhookInvocations, ListWebhookInvocationAttempts).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from ingest.core.errors import BadPayload, PermanentError
from ingest.core.times import iso
from ingest.core.values import JSON, loads
from ingest.sources.answers import Absent
from ingest.sources.forms import ID, segment
from ingest.sources.listing import MOST_CALLS
from ingest.sources.subscriptions import Missed, MissedPage, Observation, Recovered
from ingest.sources.wire import mapping, objects, text, time
from ingest.sources.zendesk import events
from ingest.sources.zendesk.api import Answered, next_of, rows_of
from ingest.sources.zendesk.descriptor import DESCRIPTOR
from ingest.sources.zendesk.positions import LogPosition
from ingest.sources.zendesk.reading import Reader

_SIZE = 100
_MOST_LOOKED_AT = 5
"""Pages of the log that are looked through for the beginning of a failure."""
_SUCCESS, _UNDER_WAY = "success", "accepted"
_BROKEN, _THROTTLED = "circuit broken", "throttled"


@dataclass(frozen=True, slots=True)
class InvocationLog:
    """The log of one webhook."""

    reader: Reader
    hook: str

    def missed(self, since: datetime, cursor: JSON) -> MissedPage:
        """What failed since then and can be read, of events that become documents."""
        position = LogPosition.read(cursor)
        if position is None or not position.todo:
            position = self._page(since, position.after if position else None)
        some, left = position.todo[: MOST_CALLS - 1], position.todo[MOST_CALLS - 1 :]
        found = (self._missed(invocation, at) for invocation, at in some)
        onward = LogPosition(position.after, left)
        ends = not left and position.after is None
        return MissedPage(
            tuple(one for one in found if one is not None), None if ends else onward.json
        )

    def read(self, invocation: str) -> Recovered | None:
        """The request of an invocation's last attempt that has one."""
        path = f"{self._path}/{segment(invocation, 'the id of an invocation', ID)}/attempts"
        try:
            told = self.reader.get(path)
        except Absent:
            return None
        for attempt in rows_of(told, "attempts"):
            body = mapping(attempt, "request").get("payload")
            if isinstance(body, str) and body:
                return Recovered(_headers(attempt), body.encode("utf-8", "replace"))
        return None

    def health(self) -> Observation:
        """Whether the last delivery came through, and if not, since when none has."""
        newest: Answered | None = None
        failing: list[Answered] = []
        for one in self._newest():
            newest = newest or one
            if not _is_failure(one):
                break
            failing.append(one)
        if newest is None:
            return Observation(None, "Zendesk has sent nothing in the last seven days")
        if not failing:
            return Observation(True, f"the last delivery, at {_at(newest)}, came through")
        return _failing(failing)

    @property
    def _path(self) -> str:
        return f"webhooks/{segment(self.hook, 'the id of a webhook', ID)}/invocations"

    def _page(self, since: datetime, after: str | None) -> LogPosition:
        """A page of the log: of its failures the ids and times; what is older ends it."""
        told = self.reader.get(self._path, _params(after, iso(since)))
        rows = rows_of(told, "invocations")
        recent = [one for one in rows if (at := _time(one)) is None or at >= since]
        failed = [(_id(one), str(_at(one))) for one in recent if _is_failure(one)]
        onward = next_of(told, after) if rows and len(recent) == len(rows) else None
        return LogPosition(onward, failed)

    def _missed(self, invocation: str, at: str) -> Missed | None:
        """None for what was never sent, and for kinds that nobody asked for."""
        found = self.read(invocation)
        if found is None:
            return None
        try:
            payload = loads(found.body, raw_controls=DESCRIPTOR.templated)
        except PermanentError:
            return None
        if not isinstance(payload, dict) or events.ignored_because(events.kind(payload)):
            return None
        key = DESCRIPTOR.delivery_key(found.headers, payload)
        return Missed(key or invocation, f"{self.hook}/{invocation}", time(at, "at"))

    def _newest(self) -> Iterator[Answered]:
        after: str | None = None
        for _ in range(_MOST_LOOKED_AT):
            told = self.reader.get(self._path, _params(after, None))
            rows = rows_of(told, "invocations")
            yield from (one for one in rows if _ended(one) != _UNDER_WAY)
            after = next_of(told, after)
            if after is None:
                return


def _params(after: str | None, since: str | None) -> Mapping[str, str | int | list[str]]:
    told: dict[str, str | int | list[str]] = {
        "page[size]": _SIZE,
        "sort": "-latest_completed_at",
    }
    if since is not None:
        told["filter[from_ts]"] = since
    return told if after is None else {**told, "page[after]": after}


def _is_failure(invocation: Answered) -> bool:
    return _ended(invocation) not in (_SUCCESS, _UNDER_WAY)


def _ended(invocation: Answered) -> str:
    return (text(invocation, "status") or "").lower()


def _failing(failing: list[Answered]) -> Observation:
    """What is said of deliveries none of which came through, the newest first."""
    oldest, newest = failing[-1], failing[0]
    codes = [str(one["status_code"]) for one in failing if one.get("status_code") is not None]
    ends = set(map(_ended, failing))
    answer = f", our last answer was {codes[0]}" if codes else ""
    said = (
        f"no delivery has come through since {_at(oldest)} ({len(failing)} failed, the last at "
        f"{_at(newest)}: {text(newest, 'status') or 'failed'}{answer})"
    )
    if _BROKEN in ends:
        said += "; its circuit breaker has opened, and what it held back is lost"
    if _THROTTLED in ends:
        said += "; Zendesk throttles it"
    return Observation(
        False,
        said,
        "see whether the receiver is up and reachable at that URL, and whether the connection has "
        "the webhook's signing secret; the next resync brings what was lost",
    )


def _headers(attempt: Answered) -> dict[str, str]:
    """The request's headers that a delivery keeps, in lower case; a signature is none of them."""
    told = {
        str(one.get("key")).lower(): str(one.get("value"))
        for one in objects(attempt, "request", "headers")
    }
    return {name: value for name, value in told.items() if name in DESCRIPTOR.kept_headers}


def _id(invocation: Answered) -> str:
    told = text(invocation, "id")
    if told is None:
        raise BadPayload("invocations.id", "missing")
    return told


def _at(invocation: Answered) -> str:
    return text(invocation, "latest_completed_at") or ""


def _time(invocation: Answered) -> datetime | None:
    told = _at(invocation)
    return time(told, "invocations.latest_completed_at") if told else None
