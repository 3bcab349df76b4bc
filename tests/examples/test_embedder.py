"""The embedder stays in step with the tables, and embeds what is new alone, killed or not."""

from __future__ import annotations

import importlib.util
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from ingest import changes
from ingest.store.engine import transaction
from tests.changes.model import chunk_id
from tests.changes.shelf import Table
from tests.factories import make_store

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

EMBEDDER = Path(__file__).parents[2] / "examples" / "embedder" / "embedder.py"
_STANDING = """
SELECT document_id, position, text FROM lightfast_document_chunks ORDER BY document_id, position
"""
_EMBEDDED = """
SELECT document_id, position, text FROM embedder_chunks ORDER BY document_id, position
"""


def _has_pgvector(conn: psycopg.Connection) -> bool:
    """A database of one's own may lack it: then the vectors are arrays."""
    found = conn.execute("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'vector')")
    return found.fetchone() == (True,)


@pytest.fixture
def table(engine: sa.Engine) -> Table:
    return Table(engine, make_store(engine, "docs"))


def test_it_has_the_chunks_of_the_tables_and_embeds_the_new_ones_alone(
    table: Table, database_url: str
) -> None:
    table.put("a", "first", "second", "third")
    table.put("b", "of b")
    assert _run(database_url) == 4
    assert _in_step(database_url)
    with psycopg.connect(database_url) as conn:
        sized = "vector_dims(embedding)" if _has_pgvector(conn) else "cardinality(embedding)"
        found = conn.execute(f"SELECT chunk_id, {sized} FROM embedder_chunks".encode())  # noqa: S608 - one of two
        assert {(chunk_id("first"), 256), (chunk_id("of b"), 256)} <= {*found.fetchall()}
    table.put("a", "before", "first", "second, rewritten", "third")
    table.delete("b")
    table.put("c", "new")
    assert _run(database_url) == 3
    assert _in_step(database_url)
    assert _run(database_url) == 0
    with transaction(
        table.engine
    ) as conn:  # it has to begin anew: what it has is not embedded again
        conn.execute(sa.text("UPDATE lightfast_change_consumers SET snapshot = true, page = NULL"))
    table.delete("c")
    assert _run(database_url) == 0
    assert _in_step(database_url)


def test_a_reader_that_slept_writes_nothing_that_is_older(table: Table, database_url: str) -> None:
    """Bug: whoever lost his lease wrote over what another had applied meanwhile."""
    embedder = _module()

    def reader() -> Any:
        return changes.Changes(table.engine, "embedder", stores=changes.ALL)

    def go_on() -> None:
        _forget_the_dead(table)
        with reader() as feed:
            while batch := feed.read():
                shelf.apply(batch, feed.texts(batch.changes))
                feed.ack(batch)
        assert _in_step(database_url)

    shelf, stale = embedder.Embeddings(database_url), embedder.Embeddings(database_url)
    with shelf.db, stale.db:
        for name in ("a", "b", "c"):
            table.put(name, f"{name}, first")
        for case in ("snapshot", "told"):
            with reader() as sleeper:
                batch = sleeper.read()
                assert batch.snapshot is (case == "snapshot")
                texts = sleeper.texts(batch.changes)
                table.put("a", f"a, after {case}")
                table.delete("b")
                table.put("new", f"of {case}")
                go_on()
                assert stale.apply(batch, texts) == 0
                assert _in_step(database_url)
                with pytest.raises(changes.LeaseLost):
                    sleeper.ack(batch)
            table.put("b", "b again")
        go_on()


@pytest.mark.slow
def test_without_pgvector_there_is_a_plain_table(
    table: Table, database_url: str, postgres_url: str
) -> None:
    """As a user who may not make the extension."""
    table.put("a", "first", "second")
    role = f"embedder_{os.getpid()}"
    name = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x'".encode())
    try:
        with psycopg.connect(database_url, autocommit=True) as conn:
            conn.execute(f"GRANT ALL ON SCHEMA public TO {role}".encode())
            conn.execute(f"REVOKE CREATE ON DATABASE {name} FROM PUBLIC".encode())
        theirs = re.sub(r"//[^@/]*@?", f"//{role}:x@", database_url, count=1)
        assert _run(database_url, EMBEDDER_DATABASE_URL=theirs) == 2
        assert _in_step(database_url)
        with psycopg.connect(database_url) as conn:
            row = conn.execute("SELECT pg_typeof(embedding)::text FROM embedder_chunks").fetchone()
        assert row == ("real[]",)
    finally:
        with psycopg.connect(database_url, autocommit=True) as conn:
            conn.execute(f"DROP OWNED BY {role}".encode())
        with psycopg.connect(postgres_url, autocommit=True) as server:
            server.execute(f"DROP ROLE {role}".encode())


@pytest.mark.parametrize(
    "kills", [1, pytest.param(12, marks=[pytest.mark.slow, pytest.mark.timeout(900)])]
)
def test_it_ends_in_step_however_often_it_is_killed(
    table: Table, database_url: str, kills: int
) -> None:
    """Documents come, change and vanish meanwhile."""
    drawn = random.Random(kills)
    there: set[str] = set()
    for _ in range(kills):
        with subprocess.Popen(
            [sys.executable, str(EMBEDDER)], env=_environ(database_url), stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            for _ in range(drawn.randrange(1, 6)):
                _change_something(table, drawn, there)
            process.stdout.readline()  # it is at work
            _change_something(table, drawn, there)
            time.sleep(drawn.random() / 4)
            os.kill(process.pid, signal.SIGKILL)
        _forget_the_dead(table)
    _run(database_url)
    assert _in_step(database_url)


def _module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("embedder", EMBEDDER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _change_something(table: Table, drawn: random.Random, there: set[str]) -> None:
    with transaction(table.engine) as conn:
        for _ in range(30):
            id_ = f"d{drawn.randrange(60)}"
            texts = [f"text {drawn.randrange(9)} of {id_}" for _ in range(drawn.randrange(5))]
            table.put(id_, *texts, conn=conn)
            there.add(id_)
    gone = drawn.sample(sorted(there), min(len(there), 5))
    table.delete(*gone)
    there -= {*gone}


def _forget_the_dead(table: Table) -> None:
    """A minute goes by."""
    table.run("UPDATE lightfast_change_consumers SET lease_token = NULL, lease_until = NULL")


def _environ(database_url: str, **more: str) -> dict[str, str]:
    return {**os.environ, "DATABASE_URL": database_url, **more}


def _run(database_url: str, **more: str) -> int:
    """Run it until nothing is new; how many chunks it embedded."""
    ran = subprocess.run(
        [sys.executable, str(EMBEDDER), "--once"],
        env=_environ(database_url, **more),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return sum(int(number) for number in re.findall(r": (\d+) embedded", ran.stdout))


def _in_step(database_url: str) -> bool:
    with psycopg.connect(database_url) as conn:
        return conn.execute(_STANDING).fetchall() == conn.execute(_EMBEDDED).fetchall()
