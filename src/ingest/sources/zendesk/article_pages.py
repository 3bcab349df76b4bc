"""The pages of the help center: all articles, or those whose own data moved since a time.

Both tell an article with its translations where Zendesk includes them; else each is asked for. Law:
the export sees what moves an article's own time and nothing else, so the whole list is the sweep.
Sources: …/help_center/help-center-api/articles, …/understanding-incremental-article-exports.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ingest.core.changes import Refresh
from ingest.core.errors import BadPayload, Denied, PermanentError
from ingest.core.identity import Identity
from ingest.sources.answers import Absent
from ingest.sources.http import Params
from ingest.sources.listing import Listed, Page, PageRequest
from ingest.sources.zendesk.api import FORBIDDEN, Answered, next_of, rows_of
from ingest.sources.zendesk.payloads import whole_id
from ingest.sources.zendesk.place import ARTICLE, Place
from ingest.sources.zendesk.positions import MOST_RESTARTS, ArticlesPosition
from ingest.sources.zendesk.reading import PAGE_SIZE, Reader, with_translations

_LIST = "help_center/articles.json"
_EXPORT = "help_center/incremental/articles.json"
_EXPORT_SIZE = 1_000
_BLIND_S = 90
_SECOND_CUT = "more articles changed in one second than Zendesk tells"
_NO_CENTER = "Zendesk shows no help center; articles are listed once it has one"


@dataclass(frozen=True, slots=True)
class ArticlePages:
    """Lists the articles of one account's help center, in every locale."""

    reader: Reader
    place: Place

    def page(self, request: PageRequest) -> Page:
        """One page of a list, or of the articles that an earlier one left to be read."""
        position = ArticlesPosition.read(request.cursor)
        if position is not None and position.todo:
            return self._rest(position, request.most_calls)
        asked = position or _begin(request)
        try:
            if asked.start is None:
                return self._whole(asked, first=position is None)
            latest = _latest(request)
            return self._changed(asked, asked.start, latest, first=position is None)
        except Absent as absent:
            self.reader.prove_account()
            if absent.status != FORBIDDEN:
                return Page(gap=_NO_CENTER)
            raise Denied(
                f"{absent}: the token's user may not list the help center's articles; give the "
                "token of an admin, and of an OAuth client the scope `hc:read`"
            ) from absent

    def _whole(self, position: ArticlesPosition, *, first: bool) -> Page:
        """All articles, the oldest first: what is edited meanwhile keeps its place."""
        try:
            told = self.reader.get(_LIST, _listing(position.after))
            if position.after is not None:
                position = replace(position, restarts=0)
        except BadPayload:
            raise
        except PermanentError:
            if position.after is None or position.restarts >= MOST_RESTARTS:
                raise
            position = replace(position, after=None, restarts=position.restarts + 1)
            told = self.reader.get(_LIST, _listing(None))
        page = self._read(told, first=first)
        after = next_of(told, position.after)
        return _closed(replace(position, after=after, ended=after is None), page)

    def _changed(self, position: ArticlesPosition, start: int, latest: int, *, first: bool) -> Page:
        """Those whose own data moved at or after a time; the last second comes once more.

        Zendesk refuses to be asked from later than `latest`: what moved since then, and is not told
        yet, is the next run's, which begins before that.
        """
        told = self.reader.get(_EXPORT, {"start_time": start, "include": "translations"})
        page = self._read(told, first=first)
        if told.get("next_page") is None:
            return _closed(replace(position, ended=True), page)
        end = told.get("end_time")
        if not isinstance(end, int):
            raise BadPayload("end_time", "missing, and there is more")
        if end > latest:
            return _closed(replace(position, ended=True), page)
        if end > start:
            return _closed(replace(position, start=end), page)
        if page.size < _EXPORT_SIZE:
            return _closed(replace(position, ended=True), page)
        cut = replace(page, gap=_SECOND_CUT)
        return _closed(replace(position, start=start + 1), cut)

    def _read(self, told: Answered, *, first: bool) -> _Read:
        """The articles of an answer: those that are whole, and the ids of the others."""
        rows = rows_of(told, "articles")
        if first and not rows:
            self.reader.prove_account()
        listed: list[Listed] = []
        todo: list[int] = []
        for place_in_page, row in enumerate(rows):
            id_ = whole_id(row.get("id"))
            if id_ is None:
                raise BadPayload(f"articles[{place_in_page}].id", "not an id")
            raw = with_translations(row, told)
            if raw is None:
                todo.append(id_)
            else:
                listed.append(Listed(self._identity(id_), raw))
        return _Read(tuple(listed), tuple(todo))

    def _rest(self, position: ArticlesPosition, most_calls: int) -> Page:
        """Some of the articles that are read one by one; each takes two requests at most."""
        some = position.todo[: max(most_calls // 2, 1)]
        listed: list[Listed] = []
        wanted: list[Refresh] = []
        for id_ in some:
            try:
                listed.append(Listed(self._identity(id_), self.reader.article(str(id_))))
            except BadPayload:
                raise
            except (Absent, PermanentError):  # of this one article; the others are listed
                wanted.append(Refresh(self._identity(id_)))
        left = replace(position, todo=position.todo[len(some) :])
        return replace(_closed(left, _Read(tuple(listed))), wanted=tuple(wanted))

    def _identity(self, id_: int) -> Identity:
        return self.place.identity(ARTICLE, id_)


@dataclass(frozen=True, slots=True)
class _Read:
    """What an answer told whole, and what is to be read by itself."""

    listed: tuple[Listed, ...]
    todo: tuple[int, ...] = ()
    gap: str | None = None

    @property
    def size(self) -> int:
        """How many articles the answer had."""
        return len(self.listed) + len(self.todo)


def _begin(request: PageRequest) -> ArticlesPosition:
    if request.since is None:
        return ArticlesPosition()
    start = min(int(request.since.timestamp()), _latest(request))
    return ArticlesPosition(start=max(1, start))


def _latest(request: PageRequest) -> int:
    """The latest time from which an export can be asked, in seconds since 1970."""
    return int(request.sent_at.timestamp()) - _BLIND_S


def _listing(after: str | None) -> Params:
    told: dict[str, str | int | list[str]] = {
        "page[size]": PAGE_SIZE,
        "sort_by": "created_at",
        "sort_order": "asc",
        "include": "translations",
    }
    return told if after is None else {**told, "page[after]": after}


def _closed(position: ArticlesPosition, read: _Read) -> Page:
    at = replace(position, todo=[*position.todo, *read.todo])
    ends = at.ended and not at.todo
    return Page(read.listed, cursor=None if ends else at.json, gap=read.gap)
