"""GitHub's log of what it delivered: of three days, newest first. By itself it tries but once.

Law: a delivery is lost where none of its attempts succeeded; they share its GUID, which is the key
of its webhook too. [DOC: automatically-redelivering-failed-deliveries; REST-OAS repos/list-webhook-
deliveries and the same of apps]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ingest.core.errors import PermanentError, Refused
from ingest.core.times import iso
from ingest.core.values import JSON
from ingest.sources.answers import Absent, Response
from ingest.sources.forms import DIGITS, segment
from ingest.sources.github.hooks import WANTED, Attempt, Delivery, Lost, failing_since
from ingest.sources.github.pages import ListPage, list_page, query_of
from ingest.sources.github.payloads import read
from ingest.sources.http import Params
from ingest.sources.subscriptions import MissedPage, Recovered
from ingest.sources.wire import at, mapping, text, time_if


class Asks(Protocol):
    """A way to GitHub, as a token or as an App."""

    def get(
        self, path: str, *, params: Params | None = None, unless: str | None = None
    ) -> Response:
        """See `api.GitHubApi.get`."""
        ...

    def post(self, path: str, json: JSON) -> Response:
        """See `api.GitHubApi.post`."""
        ...


@dataclass(frozen=True, slots=True)
class Log:
    """One webhook's. path: of its deliveries. prefix: what handles begin with. is_ours: whether an
    attempt is of the connection; an App's log is of all its repositories.
    """

    api: Asks
    path: str
    prefix: str = ""
    is_ours: Callable[[Attempt], bool] = lambda _attempt: True

    def missed(self, since: datetime, cursor: JSON) -> MissedPage:
        """See `Subscriptions.missed`. A cursor that is not taken any more begins anew."""
        try:
            page = self._page(query_of(at(cursor, "next")) or {})
        except PermanentError:
            if cursor is None:
                raise
            page, cursor = self._page({}), None
        lost, attempts = Lost(_open(cursor)), self._attempts(page)
        for attempt in filter(self._is_wanted, attempts):
            lost.take(attempt)
        after: JSON = None
        if page.next is None or any(one.delivered_at < since for one in attempts):
            lost.rest()
        else:
            after = {"next": {**page.next}, "open": _told(lost)}
        missed = (one for one in lost.missed(self.prefix) if one.at >= since)
        return MissedPage(tuple(missed), after)

    def failing_since(self) -> datetime | None:
        """Since when nothing gets through, as far as the newest page tells; None where it does."""
        attempts = (one for one in self._attempts(self._page({})) if self.is_ours(one))
        return failing_since(attempts)

    def redeliver(self, id_: str) -> bool:
        """See `Subscriptions.redeliver`."""
        try:
            self.api.post(f"{self.path}/{_segment(id_)}/attempts", None)
        except Refused as error:
            if error.stale:
                raise
            return False
        except (Absent, PermanentError):
            return False
        return True

    def read(self, id_: str) -> Recovered | None:
        """See `Subscriptions.read`."""
        try:
            answer = self.api.get(f"{self.path}/{_segment(id_)}")
        except Absent:
            return None
        return read(Delivery, answer.json()).recovered()

    def _is_wanted(self, attempt: Attempt) -> bool:
        return attempt.event in WANTED and self.is_ours(attempt)

    def _page(self, query: Mapping[str, str]) -> ListPage:
        return list_page(self.api, self.path, query)

    def _attempts(self, page: ListPage) -> list[Attempt]:
        return [read(Attempt, one) for one in page.items]


def _segment(id_: str) -> str:
    return segment(id_, "the id of a delivery", DIGITS)


def _told(lost: Lost) -> JSON:
    """What is open, as it stands in the cursor."""
    return {
        guid: None if one is None else {"id": one[0], "at": iso(one[1])}
        for guid, one in lost.open.items()
    }


def _open(cursor: JSON) -> dict[str, tuple[int, datetime] | None]:
    found: dict[str, tuple[int, datetime] | None] = {}
    for guid, one in mapping(cursor, "open").items():
        id_, when = at(one, "id"), time_if(text(one, "at"))
        found[guid] = (id_, when) if isinstance(id_, int) and when is not None else None
    return found
