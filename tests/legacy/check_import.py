"""Compares an archive with the database that it came into, row by row, by the rules as written.

Apart from the program: what decision 36 and docs/legacy.md say is said here once more, in other
words. `python -m tests.legacy.check_import DIR URL [REPORT]` prints what is wrong; exit 1 if
anything is.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import set_json_loads

from tests.legacy import check_rules

Row = dict[str, Any]
TABLES = (
    "organizations",
    "workspaces",
    "stores",
    "repositories",
    "store_repositories",
    "documents",
    "commits",
    "vector_entries",
)
OURS = {
    "organizations": "lightfast_organizations",
    "workspaces": "lightfast_workspaces",
    "stores": "lightfast_stores",
    "repositories": "lightfast_connected_sources",
    "store_repositories": "lightfast_store_sources",
    "documents": "lightfast_docs_documents",
    "commits": "lightfast_ingestion_events",
    "vector_entries": "lightfast_legacy_vector_entries",
}
NAME = re.compile(r"(?!\.{1,2}/)[A-Za-z0-9._-]{1,100}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")
READABLE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+")


@dataclass
class Check:
    """One look; `wrong` are the sentences."""

    directory: Path
    conn: psycopg.Connection[Row]
    report: Path
    wrong: list[str] = field(default_factory=list)
    refused: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    said: dict[tuple[str, str], list[Row]] = field(default_factory=lambda: defaultdict(list))

    def run(self) -> list[str]:
        self._read_report()
        self._links()
        for table in TABLES:
            for row in self.rows(table):
                self._row(table, row)
        return self.wrong

    def rows(self, table: str) -> Iterator[Row]:
        path = self.directory / f"{table}.jsonl"
        with path.open("rb") as file:
            for line in file:
                yield json.loads(line, parse_float=Decimal)

    def _read_report(self) -> None:
        """What is refused is not believed: it is computed, but for what PostgreSQL alone knows."""
        lines = self.report.read_text("utf-8").splitlines()
        report = [json.loads(line, parse_float=Decimal) for line in lines]
        self.wrong += check_rules.differences(self.directory, report)
        for table, id_, what, _, _ in check_rules.Judge(self.directory).run():
            if what == "refused":
                self.refused[table].add(id_)
        for told in report:
            if told["id"] is None:
                continue
            self.said[told["table"], told["id"]].append(told)
            if told["rule"] == "unfit":
                self.refused[told["table"]].add(told["id"])

    def _links(self) -> None:
        """By store the numbers of its repositories, and by number what is known of each."""
        self.numbers: dict[str, list[str]] = defaultdict(list)
        self.names: dict[str, str] = {}
        self.repositories: dict[str, Row] = {}
        for row in self.rows("repositories"):
            if row["id"] not in self.refused["repositories"]:
                self.repositories[row["github_repo_id"]] = row
        for row in self.rows("store_repositories"):
            self.names[row["github_repo_id"]] = row["repo_full_name"]
            if row["id"] not in self.refused["store_repositories"]:
                self.numbers[row["store_id"]].append(row["github_repo_id"])

    def _row(self, table: str, row: Row) -> None:
        found = self._one(f"SELECT * FROM {OURS[table]} WHERE id = %s", row["id"])
        if row["id"] in self.refused[table]:
            if found is not None and table != "store_repositories":
                self._tell(table, row, "is to be refused, and came over")
            return
        if found is None:
            self._tell(table, row, "did not come over, and nothing says so")
            return
        getattr(self, f"_{table}")(row, found)

    def _one(self, query: str, *given: object) -> Row | None:
        return self.conn.execute(query.encode(), given).fetchone()

    # Each table.

    def _organizations(self, row: Row, found: Row) -> None:
        self._same("organizations", row, found, {name: name for name in found})

    def _workspaces(self, row: Row, found: Row) -> None:
        self._same("workspaces", row, found, {name: name for name in found})

    def _stores(self, row: Row, found: Row) -> None:
        self._same("stores", row, found, {name: name for name in found})

    def _repositories(self, row: Row, found: Row) -> None:
        same = ("organization_id", "workspace_id", "connected_at", "created_at")
        lasts = ("last_synced_at", "last_ingested_at")
        self._same("repositories", row, found, {name: name for name in (*same, *lasts)})
        told = row["metadata"] if isinstance(row["metadata"], dict) else {}
        name = self._name_of(row["github_repo_id"])
        metadata = found["source_metadata"]
        wanted = {
            "type": "github",
            "githubRepoId": row["github_repo_id"],
            "repoFullName": name or f"unknown/{row['github_repo_id']}",
        }
        self._holds("repositories", row, metadata, wanted)
        shown = (name or f"github:{row['github_repo_id']}")[:255]
        self._equal("repositories", row, "display_name", shown, found["display_name"])
        deleted = told.get("deleted") is True
        active = row["is_active"] and not deleted
        self._equal("repositories", row, "is_active", active, found["is_active"])
        status = "disconnected" if deleted else row["config_status"] if active else "paused"
        self._equal("repositories", row, "config_status", status, found["config_status"])
        fed = self._one(
            "SELECT count(*) AS n FROM lightfast_document_feeds WHERE connection_id = %s", row["id"]
        )
        assert fed is not None
        self._equal("repositories", row, "document_count", fed["n"], found["document_count"])
        scope = self._one(
            "SELECT tenant FROM lightfast_connection_scopes"
            " WHERE connection_id = %s AND tenant = %s",
            row["id"],
            row["github_repo_id"],
        )
        if scope is None:
            self._tell("repositories", row, "stands for no repository")

    def _store_repositories(self, row: Row, found: Row) -> None:
        same = ("store_id", "linked_at")
        self._same("store_repositories", row, found, {name: name for name in same})
        known = self.repositories.get(row["github_repo_id"])
        wanted = known["id"] if known is not None else row["id"]
        self._equal("store_repositories", row, "source_id", wanted, found["source_id"])

    def _documents(self, row: Row, found: Row) -> None:
        same = ("store_id", "content_hash", "config_hash", "frontmatter", "chunk_count")
        times = ("created_at", "updated_at")
        self._same("documents", row, found, {name: name for name in (*same, "slug", *times)})
        path = row["path"]
        key = path if len(path) <= 255 else f"{path[:222]}~{_sha256(path)[:32]}"
        self._equal("documents", row, "source_id", key, found["source_id"])
        number = self._owner(row["store_id"])
        name = (self._name_of(number) or "") if number is not None else ""
        wanted = {
            "type": "github",
            "path": path,
            "commitSha": row["commit_sha"],
            "repoFullName": name,
        }
        self._holds("documents", row, found["source_metadata"], wanted)
        ledger = self._one(
            "SELECT * FROM lightfast_document_ledger WHERE document_id = %s", row["id"]
        )
        if ledger is None:
            self._tell("documents", row, "is not in the ledger")
            return
        held = ("scope", "kind", "external_id", "slug", "state", "made", "visible", "fed")
        of_ledger = (number or "", "file", path, found["slug"], "live", "legacy", True, True)
        self._holds("documents", row, ledger, dict(zip(held, of_ledger, strict=True)))
        feeds = self.conn.execute(
            b"SELECT connection_id, feeding FROM lightfast_document_feeds WHERE document_id = %s",
            [row["id"]],
        ).fetchall()
        feeding = (
            []
            if number is None
            else [{"connection_id": self._connection(number, row), "feeding": True}]
        )
        self._equal("documents", row, "feeds", feeding, feeds)
        orphan = self._one(
            "SELECT external_id FROM lightfast_orphan_documents WHERE document_id = %s", row["id"]
        )
        self._equal("documents", row, "orphan", number is None, orphan is not None)

    def _commits(self, row: Row, found: Row) -> None:
        self._same("commits", row, found, {"store_id": "store_id", "processed_at": "processed_at"})
        delivery = row["delivery_id"]
        legacy = f"legacy:{row['id']}"
        known = delivery if delivery not in ("", "unknown") else legacy
        self._equal("commits", row, "event_key", known, found["event_key"])
        status = row["status"] if row["status"] in ("processed", "skipped", "failed") else "failed"
        self._equal("commits", row, "status", status, found["status"])
        numbers = self.numbers[row["store_id"]]
        repository = (self._name_of(numbers[0]) if len(numbers) == 1 else None) or "unknown"
        wanted = {
            "type": "github",
            "action": "push",
            "beforeSha": row["before_sha"],
            "afterSha": row["after_sha"],
            "deliveryId": delivery,
            "pusher": "unknown",
            "ref": "unknown",
            "repository": repository,
            "source": row["source"],
        }
        self._equal("commits", row, "event_metadata", wanted, found["event_metadata"])

    def _vector_entries(self, row: Row, found: Row) -> None:
        self._same("vector_entries", row, found, {name: name for name in found})

    # What follows from several tables.

    def _owner(self, store_id: str) -> str | None:
        numbers = self.numbers[store_id]
        if len(numbers) == 1:
            return numbers[0]
        brought = [one for one in numbers if self._brought(one)]
        return brought[0] if len(brought) == 1 else None

    def _brought(self, number: str) -> bool:
        row = self.repositories.get(number)
        return row is None or row["document_count"] > 0 or row["last_ingested_at"] is not None

    def _name_of(self, number: str) -> str | None:
        row = self.repositories.get(number)
        metadata = row["metadata"] if row is not None else None
        told = metadata.get("fullName") if isinstance(metadata, dict) else None
        for name in (told, self.names.get(number)):
            if isinstance(name, str) and NAME.fullmatch(name):
                return name
        return None

    def _connection(self, number: str, row: Row) -> str | None:
        known = self.repositories.get(number)
        if known is not None:
            return str(known["id"])
        made = self._one(
            "SELECT source_id FROM lightfast_store_sources WHERE store_id = %s", row["store_id"]
        )
        return str(made["source_id"]) if made is not None else None

    # How values are compared.

    def _same(self, table: str, row: Row, found: Row, columns: Mapping[str, str]) -> None:
        for ours, theirs in columns.items():
            if theirs in row:
                self._equal(table, row, theirs, row[theirs], found[ours])

    def _holds(self, table: str, row: Row, found: Mapping[str, Any], wanted: Row) -> None:
        for name, value in wanted.items():
            self._equal(table, row, name, value, found.get(name))

    def _equal(self, table: str, row: Row, name: str, told: object, found: object) -> None:
        """Equal, or told in the report of that row, with what stands there now."""
        if _plain(told) == _plain(found):
            return
        if any(
            one["field"] == name and _plain(one["after"]) == _plain(found)
            for one in self.said[table, row["id"]]
        ):
            return
        self._tell(table, row, f"{name} is {_plain(found)!r}, not {_plain(told)!r}")

    def _tell(self, table: str, row: Row, what: str) -> None:
        self.wrong.append(f"{table} {row['id'][:80]}: {what[:300]}")


def _plain(value: object) -> object:
    """Times as PostgreSQL's JSON writes them; numbers by their value."""
    if hasattr(value, "isoformat"):
        return _time(value.isoformat())
    if isinstance(value, str) and READABLE.fullmatch(value):
        return _time(value)
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value


def _time(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def check(directory: Path, url: str, report: Path) -> list[str]:
    """What is wrong."""
    loads = lambda data: json.loads(data, parse_float=Decimal)  # noqa: E731 - psycopg wants one
    set_json_loads(loads)
    try:
        with psycopg.connect(url, row_factory=dict_row) as conn:
            return Check(directory, conn, report).run()
    finally:
        set_json_loads(json.loads)


def accounted(report_tables: Mapping[str, Mapping[str, int]], directory: Path) -> list[str]:
    """Where the counts of an import do not account for every row of the archive."""
    wrong: list[str] = []
    for table in TABLES:
        with (directory / f"{table}.jsonl").open("rb") as file:
            rows = sum(1 for _ in file)
        counts = Counter(report_tables[table])
        of_rows = counts["kept"] + counts["changed"] + counts["guessed"] + counts["refused"]
        if not rows == counts["rows"] == of_rows:
            wrong.append(f"{table}: {rows} rows in the archive, {dict(counts)}")
    return wrong


if __name__ == "__main__":
    given = Path(sys.argv[1])
    told = Path(sys.argv[3]) if len(sys.argv) > 3 else given / "import-report.jsonl"
    lines = check(given, sys.argv[2], told)
    sys.stdout.write("\n".join(lines) or "every row is as the rules say")
    sys.exit(bool(lines))
