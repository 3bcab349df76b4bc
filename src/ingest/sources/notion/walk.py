"""One page of ours of a listing: what was found on it, and what it may still cost.

Law: what is met and not read yet stands in the progress, never here alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ingest.core.changes import Refresh
from ingest.core.errors import Refused
from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.answers import Absent
from ingest.sources.contract import Payload
from ingest.sources.http import Api
from ingest.sources.listing import MOST_LISTED, Listed, Page, PageRequest
from ingest.sources.notion.descriptor import FREE
from ingest.sources.notion.ids import dashed
from ingest.sources.notion.parts import MOST_AT_ONCE
from ingest.sources.notion.progress import Progress, Task, kept_of, listed_before
from ingest.sources.notion.reading import MOST_BYTES, NOT_FOR_BOTS, Reading
from ingest.sources.notion.reads import group_of
from ingest.sources.wire import at, text, time_if

LONGEST = 40
"""Requests for one page's blocks, in a listing: one of more is looked up by itself."""
MOST_TOLD = 8 * 2**20
"""Bytes of blocks after which a page of ours ends."""
MOST_TABLES = 100
"""Tables whose rows an incremental run asks for, those that were edited last; see docs/resync."""
MOST_RESTARTS = 3
"""Of one list, whose cursor Notion does not know any more; what was met is not read again."""
_ROW_OF = frozenset({"data_source_id", "database_id"})


@dataclass(frozen=True, slots=True)
class Meets:
    """What a resource makes of what its lists tell.

    page: of a page; database: of one that was named by a table of it. task_of: what is to be done
    about a (kind, id) that stands in a page. reads_at_once: a page is read as soon as it is told.
    """

    page: Callable[[Walk, Payload], None]
    database: Callable[[Walk, str], None]
    task_of: Callable[[str, str], Task]
    reads_at_once: bool


@dataclass(slots=True)
class Walk:
    """scope: of every identity. chosen: the databases that the connection wants, None for all.

    listed, present, wanted, gaps: as in `listing.Page`. calls, bytes: what it took so far. parents,
    groups, trash: what was found out about what objects stand in. before: the digests of
    `Progress.known` that the last listing left. most_calls: what it may take, about.
    """

    api: Api
    request: PageRequest
    progress: Progress
    meets: Meets
    scope: str
    chosen: frozenset[str] | None
    listed: list[Listed] = field(default_factory=list)
    present: list[Identity] = field(default_factory=list)
    wanted: list[Refresh] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    calls: int = 0
    bytes: int = 0
    parents: dict[str, JSON] = field(default_factory=dict)
    groups: dict[str, str | None] = field(default_factory=dict)
    trash: dict[str, bool] = field(default_factory=dict)
    before: dict[str, str] = field(init=False)
    most_calls: int = field(init=False)

    def __post_init__(self) -> None:
        """A full listing reads everything: then nothing of before counts."""
        kept = None if self.is_full else self.request.kept
        self.before = listed_before(kept, self.request.made_by)
        self.most_calls = self.request.most_calls

    @property
    def is_full(self) -> bool:
        return self.request.since is None

    @property
    def has_room(self) -> bool:
        """Whether this page of ours goes on."""
        told = len(self.listed) + len(self.present) + len(self.wanted)
        is_short = told <= MOST_LISTED - MOST_AT_ONCE
        return is_short and self.calls < self.most_calls and self.bytes < MOST_TOLD

    @property
    def is_late(self) -> bool:
        """Whether what a list would tell now is better asked for by the next page of ours."""
        return self.meets.reads_at_once and self.calls > max(self.most_calls - 5, 0)

    @property
    def since(self) -> datetime | None:
        """Where the listing begins: the minute, since Notion's times are those of minutes."""
        since = self.request.since
        return since and since.replace(second=0, microsecond=0)

    def identity(self, kind: str, id_: str) -> Identity:
        return Identity("notion", self.scope, kind, id_)

    def reading(self) -> Reading:
        """For one object; `spent` is told when it was read."""
        return Reading(
            self.api,
            left=LONGEST,
            parents=self.parents,
            groups=self.groups,
            filtered=self.chosen is not None,
        )

    def spent(self, reading: Reading) -> None:
        self.calls += LONGEST - reading.left
        self.bytes += MOST_BYTES - reading.room

    def tell(self, identity: Identity, raw: JSON) -> None:
        self.listed.append(Listed(identity, raw))

    def want(self, identity: Identity, parent: JSON = None) -> None:
        """Have it looked up, with what proves that it is gone where it is."""
        self.wanted.append(Refresh(identity, {"parent": parent} if parent else {}))

    def left(self, refusal: Refused, identity: Identity) -> None:
        """An object that is refused is looked up by itself, and ends alone; raises it for a token
        that is not known.
        """
        if refusal.stale:
            raise refusal
        self.want(identity)

    def is_old(self, object_: Payload) -> bool:
        """Whether it did not move since the listing's beginning. A time that is none is no proof.

        `last_edited_time` is rounded down to its minute.
        """
        edited = edited_at(object_)
        return self.since is not None and edited is not None and edited < self.since

    def wants(self, page: Payload) -> bool:
        """Whether a page is in the connection's filter: rows of other databases are not, nor is
        what stands below them.
        """
        if self.chosen is None:
            return True
        if is_row(page):
            return self.database_of(page) in self.chosen
        return self.is_chosen(self.group_of(page.get("parent")))

    def is_chosen(self, group: str | None) -> bool:
        """Whether the connection wants what stands in this database, or in none (`FREE`)."""
        return self.chosen is None or group in self.chosen or group == FREE

    def group_of(self, parent: JSON) -> str | None:
        """The database that something with this `parent` stands in; see `reads.group_of`."""
        reading = self.reading()
        found = group_of(reading, parent)
        self.spent(reading)
        return found

    def database_of(self, page: Payload) -> str | None:
        """The database that a page is a row of."""
        told = dashed(at(page, "parent", "database_id"))
        if told is not None or not is_row(page):
            return told
        reading = self.reading()
        found = dashed(at(reading.parent(page.get("parent")), "id"))
        self.spent(reading)
        return found

    def meet(self, kind: str, id_: str) -> None:
        """Something that stands in a page: for the end, as the lists may name it too."""
        outside = kind == "database" and self.chosen is not None and id_ not in self.chosen
        if not outside and id_ not in self.progress.seen:
            self.progress.later.append((kind, id_))

    def meet_table(self, id_: str) -> None:
        """Have the rows of a table listed; a full listing asks for the archived ones too."""
        progress = self.progress
        if not self.is_full and progress.tables >= MOST_TABLES:
            return
        if progress.seen.add(f"table/{id_}"):
            progress.tables += 1
            progress.lists.append(["rows", id_, False, None])
            if self.is_full:
                progress.lists.append(["rows", id_, True, None])

    def knows_table(self, id_: str) -> bool:
        return f"table/{id_}" in self.progress.seen

    def refused(self, task: Task, absent: Absent) -> None:
        """A list within a page that Notion does not show is left out, and one whose cursor it does
        not know any more begun again.
        """
        name, id_, start, times = task[0], task[1], task[2], int(str(task[3]))
        if start is None or absent.status != NOT_FOR_BOTS:
            return
        if times < MOST_RESTARTS:
            self.progress.pending.append([name, id_, None, times + 1])
        else:
            self.gaps.append(f"{name} of {id_}: Notion does not know its own cursors")

    def page(self) -> Page:
        """What was found, and where the next page begins."""
        self.progress.found |= bool(self.listed or self.present or self.wanted)
        is_done = self.progress.is_done
        return Page(
            listed=tuple(self.listed),
            present=tuple(self.present),
            wanted=tuple(self.wanted),
            cursor=None if is_done else self.progress.told(),
            kept=kept_of(self.progress, self.request.made_by) if is_done else None,
            gap="; ".join(dict.fromkeys(self.gaps)) or None,
        )


def is_row(page: Payload) -> bool:
    return str(at(page, "parent", "type")) in _ROW_OF


def is_partial(page: Payload) -> bool:
    """Whether a list gives no more than an id (`PartialPageObjectResponse`)."""
    return text(page, "last_edited_time") is None


def edited_at(object_: Payload) -> datetime | None:
    return time_if(text(object_, "last_edited_time"))


def settled(edited: datetime, read_at: datetime) -> bool:
    """Whether any edit after this reading would show: times are rounded down to their minute."""
    return read_at - edited > timedelta(minutes=3)
