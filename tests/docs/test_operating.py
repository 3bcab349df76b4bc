"""`docs/operating.md`: what it quotes is said by the code, and its backup is restored."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import orjson
import psycopg
import pytest

from ingest.core.times import to_micros
from ingest.embedded.binaries import find_postgres
from ingest.embedded.errors import EmbeddedError
from tests.cli.conftest import Ingest, Town
from tests.databases import empty_databases
from tests.docs.pages import DOCS, ROOT, commands
from tests.docs.templates import Sentence, sentences
from tests.factories import signed
from tests.sources.linear import deliveries as linear

PAGE = (DOCS / "operating.md").read_text("utf-8")
PACKAGE = ROOT / "src" / "ingest"
SPEAKERS = (
    "flows/doctor/*.py",
    "checkup.py",
    "variables.py",
    "cli/doctor.py",
    "broker/trial.py",
    "store/failures.py",
    "store/upgrade.py",
    "sources/github/*.py",
)
"""Where the doctor's sentences stand; of the providers' the one that the page has as its sample."""
QUOTES = re.findall(r"`(FAILED|UNREACHABLE|note) ([^`]+)`", PAGE)


@pytest.fixture(scope="module")
def known() -> list[Sentence]:
    return sentences(path for glob in SPEAKERS for path in sorted(PACKAGE.glob(glob)))


def _said(quote: str, known: list[Sentence]) -> bool:
    """Behind the name of its check, or the names of connection and check."""
    parts = quote.split(": ")
    behind = [": ".join(parts[n:]) for n in range(1, min(len(parts), 4))]
    behind += [said.removeprefix("… ") for said in behind]  # of which broker it is said
    return any(one.says(said) for said in behind for one in known)


@pytest.mark.parametrize("quote", [quote for _, quote in QUOTES])
def test_what_the_doctor_is_quoted_to_say_is_said_by_the_code(
    quote: str, known: list[Sentence]
) -> None:
    assert _said(quote, known)


def test_a_sentence_that_nobody_says_is_found(known: list[Sentence]) -> None:
    assert len(QUOTES) > 20
    assert not _said("beat: has not ticked for …", known)
    assert not _said("worker ingest: …; the oldest work waits since …", known)


def _block(beginning: str) -> list[str]:
    """The commands of the page's console block whose first one begins so."""
    blocks = re.findall(r"^```console\n.*?^```$", PAGE, re.MULTILINE | re.DOTALL)
    told = ([*commands(f"{block}\n")] for block in blocks)
    return next(lines for lines in told if lines[0].startswith(beginning))


@pytest.fixture
def tools(postgres_url: str) -> str:
    """A PATH with the programs of this server's own major version."""
    with psycopg.connect(postgres_url) as connection:
        server = connection.info.server_version // 10_000
    debians = Path(f"/usr/lib/postgresql/{server}/bin")
    if (debians / "pg_restore").exists():
        return f"{debians}:{os.environ['PATH']}"
    try:
        found = find_postgres()
    except EmbeddedError as error:
        pytest.skip(str(error))
    if found.major != server:
        pytest.skip(f"pg_restore {found.major} sets what a server of version {server} has not")
    return f"{found.directory}:{os.environ['PATH']}"


@pytest.fixture
def empty(postgres_url: str) -> Iterator[Callable[[], str]]:
    with empty_databases(postgres_url) as make:
        yield make


@pytest.mark.integration
def test_a_backup_is_restored_with_all_that_there_was(
    town: Town,
    ingest: Ingest,
    database_url: str,
    empty: Callable[[], str],
    tools: str,
    tmp_path: Path,
) -> None:
    """As the page has it: dumped beside open sessions, restored into an empty database."""
    assert ingest("db", "upgrade").code == 0  # a fixture's schema has no version yet
    webhook = _webhook(town.connection, tmp_path)
    assert ingest(*webhook).json["status"] == "accepted"
    (dump,) = _block("pg_dump")
    restore, export, *checks = _block("pg_restore")
    assert export == "export DATABASE_URL=$RESTORED"
    restored = empty()
    words = {'"$(ingest db url)"': database_url, '"$RESTORED"': restored}
    for line in (dump, restore):
        told = line
        for word, value in words.items():
            told = told.replace(word, f"'{value}'")
        subprocess.run(["sh", "-ec", told], check=True, cwd=tmp_path, env={"PATH": tools})
    for line in checks:
        words_of = line.partition("#")[0].split()[1:]
        assert ingest(*words_of, DATABASE_URL=restored).code in {0, 3}, line
    assert ingest("db", "check", DATABASE_URL=restored).code == 0
    for document in (town.issue, town.comment):
        show = ("docs", "show", document, "--json")
        assert ingest(*show, DATABASE_URL=restored).json == ingest(*show).json
    said = ingest("doctor", "--offline", DATABASE_URL=restored).out
    assert "secret key: opens all 1 stored secrets" in said
    assert _count_told(restored) == _count_told(database_url) > 0
    assert ingest(*webhook, DATABASE_URL=restored).json["status"] == "duplicate"


def _webhook(connection: str, folder: Path) -> tuple[str, ...]:
    """The command that hands one in, with the id that its provider gave it."""
    sent_at_ms = to_micros(datetime.now(UTC)) // 1000
    body = orjson.dumps(linear.body("Comment.create") | {"webhookTimestamp": sent_at_ms})
    (folder / "body").write_bytes(body)
    (folder / "headers").write_bytes(orjson.dumps(signed("linear", body)))
    files = ("--headers", f"@{folder}/headers", "--body", f"@{folder}/body")
    return ("enqueue", "linear", *files, "--connection", connection, "--json")


def _count_told(database_url: str) -> int:
    """Of the change feed, which a restore tells nothing."""
    with psycopg.connect(database_url) as conn:
        row = conn.execute("SELECT count(*) FROM lightfast_document_outbox").fetchone()
    return row[0] if row else 0
