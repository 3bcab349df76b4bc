"""What an import has to say of each legacy row, and the rules by which it says so. Pure.

Law: every row is one of kept, changed, guessed and refused, by the worst that is said of it; what
is said of a row that is not kept as it was names the field, the rule, and both values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ingest.flows.legacy.lines import Value

What = Literal["kept", "changed", "guessed", "refused"]
WHATS: tuple[What, ...] = ("kept", "changed", "guessed", "refused")
"""From the best to the worst."""

RULES: Mapping[str, str] = {
    # Of any row.
    "newer-here": "the database knows something newer of the row, which stays",
    "differs-here": "the database has a row of this id already, which stays as it is",
    "taken-here": "another row of the database has what can be there only once",
    "unfit": "PostgreSQL refuses what the row holds",
    "no-parent": "what the row belongs to is neither in the archive nor in the database",
    "unreadable-time": "a time outside of the years 1 to 9999 became the nearest one known",
    "absent-column": "the legacy table had no such column, and the value is needed",
    "unknown-column": "a column that the schema has no place for; the archive keeps it",
    # Of owners.
    "installation-taken": "another organization here has this id of the provider's",
    "slug-taken": "the slug is another one's already, so that this one has a part of its id in it",
    "unusable-chunking": "nothing can be cut by these sizes, so that the defaults stand",
    # Of repositories and their links.
    "repository-id": "the repository's id is not the provider's number: nobody can be asked for it",
    "name-from-link": "the repository's name is that which its store's link tells",
    "name-unknown": "nothing tells the repository's name",
    "owner-from-name": "the owner is the first part of the repository's name",
    "default-branch": "nobody noted the default branch; look-ups follow the provider's own",
    "private-assumed": "whether it is private is not known, so that it is taken to be",
    "permissions-assumed": "what the token may do is not known, so that nothing is claimed",
    "malformed": "the value has not the form that it must have, and is kept beside",
    "repository-deleted": "the repository was deleted: its connection is disconnected",
    "repository-inactive": "the repository was switched off: its connection is paused",
    "workspace-elsewhere": "the workspace is gone, or of another organization",
    "counted": "the count is that of the documents that came over",
    "link-without-repository": "the link's repository is not connected: it has a disconnected one",
    "link-across-tenants": "the store and the repository are of different organizations",
    "shaped-otherwise": "a connection here shapes the same documents otherwise",
    # Of documents.
    "no-repository": "no repository is linked to the store: the first to tell of the path has it",
    "several-repositories": "several repositories are linked to the store: as with none",
    "one-ingested": "of the repositories of the store only one ever brought a document",
    "path-too-long": "a path of over 255 characters is cut and has a hash; the metadata have all",
    "slug-repeated": "the slug is another document's, so that this one has a computed one",
    "known-under-another-id": "the same file stands here under another id, which stays",
    "path-told-here": "a repository of the store has told of the path here, whose document stays",
    # Of commits.
    "not-recorded": "the legacy row did not say it",
    "no-delivery-id": "the row has no delivery id of its own, so that its key is made of its id",
    "unknown-status": "a status that is none of processed, skipped and failed",
    # Of vectors.
    "no-document": "the document did not come over",
}
"""Each rule, as a person reads it."""


@dataclass(frozen=True, slots=True)
class RowFinding:
    """One thing that is said of a row; `table` by its logical name, `rule` one of RULES.

    before, after: the legacy value, and what stands for it now.
    """

    table: str
    id: str | None
    what: What
    rule: str
    field: str | None = None
    before: Value = None
    after: Value = None

    def as_json(self) -> dict[str, Value]:
        """A line of the report."""
        return {
            "table": self.table,
            "id": self.id,
            "what": self.what,
            "field": self.field,
            "before": self.before,
            "after": self.after,
            "rule": self.rule,
        }


@dataclass(slots=True)
class Notes:
    """What is said of one row, while it is made into ours."""

    table: str
    id: str
    said: list[RowFinding] = field(default_factory=list)

    def changed(
        self, rule: str, name: str | None, before: Value = None, after: Value = None
    ) -> None:
        """A value is another one, and nothing is lost."""
        self._say("changed", rule, name, before, after)

    def guessed(
        self, rule: str, name: str | None, before: Value = None, after: Value = None
    ) -> None:
        """A value was not told, and stands for what is likely."""
        self._say("guessed", rule, name, before, after)

    def refused(
        self, rule: str, name: str | None, before: Value = None, after: Value = None
    ) -> None:
        """The row does not come over."""
        self._say("refused", rule, name, before, after)

    def kept(
        self, rule: str, name: str | None = None, before: Value = None, after: Value = None
    ) -> None:
        """The row is here already; what differs is left."""
        self._say("kept", rule, name, before, after)

    @property
    def is_refused(self) -> bool:
        """Whether the row does not come over."""
        return any(one.what == "refused" for one in self.said)

    @property
    def what(self) -> What:
        """What became of the row: the worst that is said of it."""
        return max((one.what for one in self.said), key=WHATS.index, default="kept")

    def _say(self, what: What, rule: str, name: str | None, before: Value, after: Value) -> None:
        if rule not in RULES:
            raise LookupError(f"no rule {rule!r}")
        self.said.append(RowFinding(self.table, self.id, what, rule, name, before, after))


Sink = Callable[[RowFinding], None]
"""Takes each finding, in the order of the archive."""


@dataclass(slots=True)
class Tally:
    """The counts of an import, by logical table: they account for every row.

    written: rows that were new to the database; the others stood there. rules: how often each was
    applied.
    """

    sink: Sink
    rows: dict[str, Counter[str]] = field(default_factory=dict)
    written: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)

    def row(self, notes: Notes) -> None:
        """One more row, and what is said of it."""
        self.rows.setdefault(notes.table, Counter())[notes.what] += 1
        for one in notes.said:
            self.say(one)

    def say(self, finding: RowFinding) -> None:
        """Something that is said beside the rows."""
        self.rules[finding.rule] += 1
        self.sink(finding)

    def worsen(self, table: str, before: What, after: What) -> None:
        """A row turned out to be otherwise than it was counted."""
        if WHATS.index(after) > WHATS.index(before):
            self.rows[table][before] -= 1
            self.rows[table][after] += 1

    def as_json(self) -> dict[str, dict[str, int]]:
        """By table: `rows`, what became of them, and how many were `written` by this run."""
        return {
            table: {
                "rows": sum(counts.values()),
                **{what: counts[what] for what in WHATS},
                "written": self.written[table],
            }
            for table, counts in self.rows.items()
        }
