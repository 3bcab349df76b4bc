"""Consumers: order, positions, leases, snapshots, and what happens to one that is too slow."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from ingest.changes import ALL, ChangeBatch, Changes, DocumentChange, FellBehind, LeaseLost
from ingest.changes.merging import merged
from ingest.core.errors import BadInput
from ingest.flows.retention import delete_changes
from ingest.store import change_consumers, outbox
from ingest.store.change_consumers import ChangeConsumer
from ingest.store.engine import transaction
from tests.changes.model import Follower, follow, tables
from tests.changes.shelf import Table
from tests.factories import make_store

pytestmark = pytest.mark.integration


def test_what_commits_late_is_not_missed_and_holds_nobody_up(table: Table) -> None:
    """The first transaction to write is the last to commit: a number alone would be read over."""
    feed = Changes(table.engine, "embedder", stores=ALL, start=0)
    with table.engine.connect() as early, early.begin():
        table.put("early", "one", conn=early)
        table.put("late", "one")
        assert [c.document_id for c in follow(feed, Follower())] == ["late"]
        table.put("later", "one", conn=early)
        table.put("late", "two")
        assert [c.document_id for c in follow(feed, Follower())] == ["late"]
    assert [c.document_id for c in follow(feed, Follower())] == ["early", "later"]
    assert follow(feed, Follower()) == []


def test_two_transactions_of_one_document_are_told_in_the_order_of_its_lock(table: Table) -> None:
    """The one that began first writes the document last, and both are given positions at once."""
    table.put("a", "one")
    feed, follower = Changes(table.engine, "embedder", stores=ALL, start=0), Follower()
    follow(feed, follower)
    with table.engine.connect() as early, early.begin():
        table.put("b", "of the early one", conn=early)
        table.put("a", "two")
        table.put("a", "three", conn=early)
    came = [c for c in follow(feed, follower) if c.document_id == "a"]
    assert len(came) == 2
    assert came[0].position < came[1].position
    assert follower.shown() == tables(table.engine)


def test_what_is_not_acknowledged_comes_again(table: Table) -> None:
    table.put("a", "one")
    with Changes(table.engine, "embedder", stores=ALL, start=0) as feed:
        first = feed.read()
        assert feed.read().changes == first.changes
    with Changes(table.engine, "embedder", stores=ALL) as again:
        batch = again.read()
        assert batch.changes == first.changes
        again.ack(batch)
        assert not again.read()


def test_one_reader_at_a_time_reads_for_a_name(table: Table) -> None:
    table.put("a", "one")
    first = Changes(table.engine, "embedder", stores=ALL, start=0)
    second = Changes(table.engine, "embedder", stores=ALL)
    batch = first.read()
    assert not second.read()
    table.run("UPDATE lightfast_change_consumers SET lease_until = now() - interval '1 s'")
    assert second.read().changes == batch.changes
    with pytest.raises(LeaseLost):
        first.ack(batch)
    second.ack(second.read())
    second.close()
    assert not first.read()


def test_a_position_only_grows_by_what_is_acknowledged(table: Table) -> None:
    feed = Changes(table.engine, "embedder", stores=ALL, start=0)
    table.put("a", "one")
    old = feed.read()
    table.put("b", "one")
    new = feed.read()
    feed.ack(new)
    feed.ack(old)
    assert not feed.read()


def test_a_large_transaction_comes_whole_and_many_small_ones_in_pieces(table: Table) -> None:
    feed = Changes(table.engine, "embedder", stores=ALL, start=0)
    for n in range(6):
        table.put(f"a{n}", "one")
    with transaction(table.engine) as conn:
        for n in range(6):
            table.put(f"b{n}", "one", conn=conn)
    sizes = []
    while batch := feed.read(limit=4):
        sizes.append(len(batch.changes))
        feed.ack(batch)
    assert sizes == [2, 2, 2, 6]


def test_a_transaction_that_is_cut_in_two_loses_nothing(table: Table) -> None:
    """Of more statements than get their positions at once, and of more, and more documents, than
    are read at once: here some, in truth STEP_ROWS, 1,000 and MOST_READ. Others write before,
    between and after, also what it wrote.
    """
    for name in ("d3", "d5", "gone"):
        table.put(name, "before")
    with transaction(table.engine) as conn:
        for n in range(12):
            table.put(f"d{n}", f"text {n}", f"more of {n}", conn=conn)
            table.put(f"d{n // 2}", f"text {n}", conn=conn)
            if n % 4 == 0:
                table.put(f"other-{n}", "meanwhile")
    table.put("d5", "after")
    table.delete("d7", "gone")
    with transaction(table.engine) as conn:
        while outbox.give_positions(conn, wait=True, rows=7) == 7:
            pass
    feed, follower = Changes(table.engine, "embedder", stores=ALL, start=0), Follower()
    with transaction(table.engine) as conn:
        of_one = [part for part in _in_parts(conn) if any(one.document_id == "d10" for one in part)]
        for part in _in_parts(conn):
            follower.apply(_told(part), feed.texts(part))
    assert len(of_one) > 1
    assert follower.shown() == tables(table.engine)
    assert follow(feed, again := Follower())
    assert again.shown() == tables(table.engine)


def _in_parts(conn: sa.Connection) -> Iterator[list[DocumentChange]]:
    """As a reader reads, and may be given no more than some at once."""
    after = 0
    while through := outbox.window(conn, after=after, documents=3, most=6, rows=5):
        rows = outbox.read(conn, after=after, through=through, stores=None, source_types=None)
        yield merged(rows, after=after, through=through, stores=None, source_types=None)
        after = through


def _told(changes: list[DocumentChange]) -> ChangeBatch:
    nobody = ChangeConsumer("", None, None, 0, snapshot=False, page=None, snapshots=0)
    return ChangeBatch(tuple(changes), 0, nobody)


def test_a_new_consumer_begins_with_what_stands_and_goes_on_without_a_gap(table: Table) -> None:
    for n in range(5):
        table.put(f"d{n}", f"text {n}", "same")
    feed, follower = Changes(table.engine, "embedder", stores=ALL), Follower()
    first = feed.read(limit=2)
    assert (first.snapshot, first.begins, first.ends) == (True, True, False)
    follower.apply(first, feed.texts(first.changes))
    feed.ack(first)
    table.put("d0", "another")  # already shown
    table.put("d4", "not yet shown")
    table.delete("d1")
    table.put("d9", "new")
    follow(feed, follower, limit=2)
    assert follower.shown() == tables(table.engine)
    assert not feed.read()


def test_a_snapshot_goes_on_where_a_dead_reader_left_it(table: Table) -> None:
    for n in range(5):
        table.put(f"d{n}", "text")
    follower = Follower()
    with Changes(table.engine, "embedder", stores=ALL) as feed:
        batch = feed.read(limit=3)
        follower.apply(batch, feed.texts(batch.changes))
        feed.ack(batch)
    again = Changes(table.engine, "embedder", stores=ALL)
    batch = again.read(limit=3)
    assert [c.document_id for c in batch.changes] == ["d3", "d4"]
    assert (batch.begins, batch.ends) == (False, True)


def test_an_empty_store_has_an_empty_snapshot_that_begins_and_ends(table: Table) -> None:
    feed = Changes(table.engine, "embedder", stores=["docs"])
    batch = feed.read()
    assert (batch.changes, batch.begins, batch.ends) == ((), True, True)
    feed.ack(batch)
    assert not feed.read()


def test_a_consumer_sees_its_stores_and_sources_alone(engine: sa.Engine, table: Table) -> None:
    other = Table(engine, make_store(engine, "other"))
    table.put("a", "one")
    other.put("b", "one")
    feed, follower = Changes(engine, "embedder", stores=["other"]), Follower()
    none = Changes(engine, "nobody", stores=ALL, source_types=["linear"], start=0)
    follow(feed, follower)
    table.put("a", "two")
    other.put("b", "two")
    came = follow(feed, follower)
    assert {c.store_id for c in came} == {"other"}
    assert follower.shown() == tables(engine, ["other"])
    assert feed.texts(follow(Changes(engine, None, stores=ALL), Follower())[:1]) == {}
    assert not none.read()
    with transaction(engine) as conn:
        shown = {one.name: one for one in change_consumers.show(conn)}
    assert shown["nobody"].behind == shown["embedder"].behind == 0
    with pytest.raises(BadInput, match="other stores"):
        Changes(engine, "embedder", stores=ALL).read()


def age(table: Table, days: int = 8) -> None:
    table.run(
        "UPDATE lightfast_document_outbox SET written_at = written_at - make_interval(days => :d)",
        d=days,
    )


def test_one_that_fell_behind_is_told_once_and_begins_anew(table: Table) -> None:
    feed, follower = Changes(table.engine, "embedder", stores=ALL), Follower()
    table.put("a", "one")
    table.put("b", "one")
    follow(feed, follower)
    table.delete("a")
    table.put("c", "one")
    age(table)
    assert delete_changes(table.engine, 7) > 0
    table.put("b", "two")
    with pytest.raises(FellBehind, match="snapshot"):
        feed.read()
    batch = feed.read()
    assert batch.begins
    follow(feed, follower)
    assert follower.shown() == tables(table.engine)
    assert "a" not in follower.documents


def test_one_that_is_done_with_what_is_deleted_did_not_fall_behind(table: Table) -> None:
    feed = Changes(table.engine, "embedder", stores=ALL, start=0)
    table.put("a", "one")
    follow(feed, Follower())
    age(table)
    delete_changes(table.engine, 7)
    table.put("b", "one")
    assert [c.document_id for c in follow(feed, Follower())] == ["b"]


def test_what_is_young_stays_and_what_is_too_much_goes(table: Table) -> None:
    for n in range(4):
        table.put(f"d{n}", "one")
    assert delete_changes(table.engine, 7) == 0
    assert delete_changes(table.engine, 7, keep=4) == 4
    reader = Changes(table.engine, None, stores=ALL, start=4)
    assert [c.document_id for c in follow(reader, Follower())] == ["d2", "d3"]
    with pytest.raises(FellBehind):
        Changes(table.engine, None, stores=ALL, start=3).read()


def test_a_truncate_lets_everybody_begin_anew(table: Table) -> None:
    feed, follower = Changes(table.engine, "embedder", stores=ALL), Follower()
    table.put("a", "one")
    follow(feed, follower)
    table.run("TRUNCATE lightfast_docs_documents CASCADE")
    with pytest.raises(FellBehind):
        feed.read()
    table.put("b", "one")
    follow(feed, follower)
    assert list(follower.documents) == ["b"]


def test_a_wait_ends_when_something_comes_and_when_the_time_is_over(table: Table) -> None:
    waits: list[float] = []

    def pause(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            table.put("a", "one")

    feed = Changes(table.engine, "embedder", stores=ALL, start=0, pause=pause)
    assert feed.read(wait_s=60).changes
    assert len(waits) == 3
    assert not Changes(table.engine, None, stores=["none"], start=0).read(wait_s=0.1)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"stores": []}, "give a list of store ids"),
        ({"stores": "docs"}, "give a list of store ids"),
        ({"stores": ALL, "consumer": ""}, "name has 1 to 191"),
        ({"stores": ALL, "consumer": " a"}, "name has 1 to 191"),
        ({"stores": ALL, "start": 7}, "position 7 is not told yet"),
        ({"stores": ALL, "start": -1}, "position -1 is not told yet"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    engine: sa.Engine, given: dict[str, object], said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        Changes(engine, **{"consumer": "a", **given}).read()  # type: ignore[arg-type] # on purpose


@pytest.mark.parametrize("limit", [0, 10_001])
def test_a_limit_is_bounded(engine: sa.Engine, limit: int) -> None:
    with pytest.raises(BadInput, match="limit"):
        Changes(engine, None, stores=ALL).read(limit)
