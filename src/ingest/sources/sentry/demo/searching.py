"""The fake's list of an organization's issues: its search, its window, its cursors and its limits.

Law: it takes what Sentry takes and refuses the rest with a 400; without a `query` it lists
unresolved issues alone; what is filtered after a page was cut leaves that page short.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ingest.core.times import parse_time
from ingest.sources.sentry.demo.issues import Issues, Kept, Ordered, to_ms
from ingest.testing.fakes import Answer, Asked

MOST_ROWS = 100
MAX_HITS = 1_000
WINDOW = timedelta(days=90)
_CURSOR = re.compile(r"([0-9]+):([0-9]+):([01])")
_PERIOD = re.compile(r"([0-9]{1,4})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SORTS = frozenset({"date", "new"})
_STATES = {"resolved": "resolved", "unresolved": "unresolved", "archived": "ignored"}


class Invalid(Exception):
    """What Sentry answers with a 400, in its words."""


@dataclass(slots=True)
class Search:
    """The list of issues.

    now: the clock of the window that an issue needs an event in; None: it has one, however old.
    retention: how long events are kept; a window is cut to that, or to 90 days if it is shorter.
    page_size: rows of a page, at most, whatever is asked for.
    pending: ids of issues that are about to be deleted or merged: they are left out of a page.
    ends_after: rows after which the time of the search is used up, and it says that there is no
        more; None: it is never.
    """

    issues: Issues
    now: datetime | None = None
    retention: timedelta = WINDOW
    page_size: int = MOST_ROWS
    pending: set[str] = field(default_factory=set)
    ends_after: int | None = None

    def answer(self, asked: Asked, project: str) -> Answer:
        """One page of a project's issues."""
        try:
            return self._page(asked, project)
        except Invalid as error:
            return Answer(400, {"detail": str(error)})

    def _page(self, asked: Asked, project: str) -> Answer:
        sort = asked.one("sort", "date")
        if sort not in _SORTS:
            raise Invalid("Invalid sort parameter")
        most = min(_limit(asked), self.page_size)
        value, offset = _place(asked)
        whole = self.issues.ordered(sort)
        start = 0 if value is None else self.issues.at(sort, value) + offset
        wanted = _Wanted(self, asked, project)
        found = [*wanted.among(whole, start, most + 1)]
        is_more = len(found) > most
        rows = [one for one, _ in found[:most]]
        shown = start + len(rows)
        if self.ends_after is not None and shown >= self.ends_after:
            is_more = False
        after = _cursor(whole, found[-1][1]) if is_more else _cursor(whole, len(whole))
        link = _link(asked, (f"{value or 0}:{offset}:1", start > 0), (after, is_more))
        hits = wanted.count(whole)
        headers = {"link": link, "x-hits": str(hits), "x-max-hits": str(MAX_HITS)}
        shown_ids = (one.id for one in rows if one.id not in self.pending)
        told = (_row(kept, asked) for id_ in shown_ids if (kept := self.issues.peek(id_)))
        return Answer(body=[*told], headers=headers)


def _row(kept: Kept, asked: Asked) -> dict[str, Any]:
    more = "sentryAppIssues" in asked.query.get("expand", ())
    return {**kept.row(), **({"sentryAppIssues": kept.links} if more else {})}


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a question asks for."""

    search: Search
    asked: Asked
    project: str

    def among(self, whole: list[Ordered], start: int, most: int) -> Iterator[tuple[Ordered, int]]:
        """So many that fit, with their places, from a place on."""
        since_ms, state = self._since_ms(), self._state()
        for at in range(start, len(whole)):
            if most <= 0:
                return
            if whole[at].last_ms >= since_ms and self._fits(whole[at], state):
                most -= 1
                yield whole[at], at

    def count(self, whole: list[Ordered]) -> int:
        """How many fit, as far as Sentry counts."""
        return sum(1 for _ in self.among(whole, 0, MAX_HITS))

    def _fits(self, one: Ordered, state: str | None) -> bool:
        if self.project and one.project not in ("", self.project):
            return False
        kept = self.search.issues.peek(one.id) if state else None
        return kept is None or kept.issue.get("status", "unresolved") == state

    def _state(self) -> str | None:
        for word in self._words():
            if word.startswith("is:"):
                if word[3:] not in _STATES:
                    raise Invalid(f"Invalid value for is search: {word[3:]}")
                return _STATES[word[3:]]
        return None

    def _since_ms(self) -> int:
        bounds = [0]
        for word in self._words():
            if word.startswith("lastSeen:>="):
                bounds.append(_at_ms(word.removeprefix("lastSeen:>=")))
            elif not word.startswith("is:"):
                raise Invalid(f"Error parsing search query: {word}")
        now = self.search.now
        if now is not None:
            widest = max(self.search.retention, WINDOW)
            window = min(_period(self.asked), widest, self.search.retention)
            bounds.append(to_ms(now - window))
        return max(bounds)

    def _words(self) -> Sequence[str]:
        return self.asked.one("query", "is:unresolved").split()


def _limit(asked: Asked) -> int:
    told = asked.one("limit", str(MOST_ROWS))
    if not told.isdigit() or not 1 <= int(told) <= MOST_ROWS:
        raise Invalid(f"Invalid per_page value. Must be between 1 and {MOST_ROWS}.")
    return int(told)


def _place(asked: Asked) -> tuple[int | None, int]:
    told = asked.one("cursor")
    if not told:
        return None, 0
    found = _CURSOR.fullmatch(told)
    if found is None:
        raise Invalid("Invalid cursor parameter.")
    return int(found[1]), int(found[2])


def _period(asked: Asked) -> timedelta:
    found = _PERIOD.fullmatch(asked.one("statsPeriod", "90d"))
    if found is None:
        raise Invalid("Invalid statsPeriod")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _at_ms(told: str) -> int:
    try:
        return to_ms(parse_time(told))
    except ValueError:
        raise Invalid(f"{told} is not a valid ISO8601 date query") from None


def _cursor(whole: list[Ordered], at: int) -> str:
    """`value:offset:is_prev`: what the row at this place is sorted by, and how many before it are
    the same."""
    if at >= len(whole):
        return f"{whole[-1].score_ms if whole else 0}:{at and 1}:0"
    score, before = whole[at].score_ms, 0
    while at - before > 0 and whole[at - before - 1].score_ms == score:
        before += 1
    return f"{score}:{before}:0"


def _link(asked: Asked, before: tuple[str, bool], after: tuple[str, bool]) -> str:
    here = f"{asked.url}{asked.path}"
    told = (("previous", *before), ("next", *after))
    return ", ".join(
        f'<{here}?&cursor={cursor}>; rel="{rel}"; results="{str(there).lower()}"; cursor="{cursor}"'
        for rel, cursor, there in told
    )
