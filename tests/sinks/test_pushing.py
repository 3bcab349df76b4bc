"""What is pushed ends in step with the tables, whatever the sink does; and harms nobody else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.core.errors import BadInput
from ingest.core.queues import PUSH_BELL
from ingest.core.secret import Secret
from ingest.flows.connections.credentials import rotate_keys
from ingest.flows.doctor import look_at_sinks
from ingest.sinks import making, pushing
from ingest.sinks.adding import WantedSink, add_sink, remove_sink
from ingest.sinks.contract import MessageSink
from ingest.sinks.rotating import begin_rotation, end_rotation
from ingest.sinks.webhook import SignedWebhook
from ingest.store import change_consumers, change_sinks
from ingest.store.change_sinks import Sink, SinkShown
from ingest.store.engine import transaction
from ingest.wiring import Program
from tests.changes.shelf import Table
from tests.factories import SECRET_KEY, VAULT
from tests.sinks.hook import NEWER, SECRET, Answer, Hook, serving_hook
from tests.sinks.receiving import Receiver, standing

pytestmark = pytest.mark.integration

_DUE = "UPDATE lightfast_change_sinks SET next_attempt_at = now()"
_PUSHER = """
import sys
from ingest.settings import load
from ingest.sinks import making, pushing
from ingest.wiring import Program
program = Program(load({"DATABASE_URL": sys.argv[1], "REDIS_URL": sys.argv[2],
                        "INGEST_SECRET_KEY": sys.argv[3]}))
pushing.push(program.engine, lambda sink: making.make(program, sink), go_on=lambda: True,
             lease_s=2.0)
"""


def _webhook(program: Program, hook: Hook, name: str = "hook", **more: Any) -> None:
    wanted = WantedSink(name, webhook=hook.url, secret=SECRET, **more)
    add_sink(program.engine, program.vault, wanted)


def _push(program: Program, make: Callable[[Sink], MessageSink] | None = None) -> dict[str, int]:
    """What one turn comes to; what is put off is due again."""
    with transaction(program.engine) as conn:
        conn.execute(sa.text(_DUE))
    own = make or (lambda sink: making.make(program, sink))
    return dict(pushing.push(program.engine, own, go_on=lambda: True))


def _push_one_message(program: Program) -> bool:
    """Of a turn that has no time at all, a message is sent; whether there was one."""
    turns = iter([True])
    own = lambda sink: making.make(program, sink)  # noqa: E731 - read as one line
    return bool(pushing.push(program.engine, own, go_on=lambda: next(turns, False)))


def _shown(program: Program, name: str = "hook") -> SinkShown:
    with transaction(program.engine) as conn:
        return next(one for one in change_sinks.show(conn) if one.name == name)


def _received(hook: Hook) -> Receiver:
    receiver = Receiver()
    for message in hook.taken:
        receiver.take(message)
    return receiver


def test_a_webhook_is_told_of_everything_in_order(
    program: Program, table: Table, hook: Hook
) -> None:
    """The server proves each signature with the library."""
    for number in range(5):
        table.put(f"d{number}", f"one {number}", f"two {number}")
    _webhook(program, hook)
    assert _push(program) == {"delivered": 5}
    assert _received(hook).shown == standing(program.engine)
    table.put("d1", "one 1", "three")
    table.delete("d2", "d3")
    assert _push(program) == {"delivered": 3}
    assert _received(hook).shown == standing(program.engine)
    (change,) = (c for m in hook.taken for c in m["changes"] if c["chunks"] and c["chunks"]["kept"])
    assert [len(change["chunks"][name]) for name in ("new", "kept", "gone")] == [1, 1, 1]
    shown = _shown(program)
    assert (shown.delivered, shown.problem, shown.target) == (8, None, hook.url[:-20] + "/…")


def test_a_message_that_is_not_taken_comes_again_under_its_own_id(
    program: Program, table: Table, hook: Hook
) -> None:
    table.put("a", "text")
    _webhook(program, hook)
    hook.answers = [Answer(500), Answer(302, {"location": hook.url}), Answer(404)]
    for number, said in ((1, "answers 500"), (2, "no redirect is followed"), (3, "answers 404")):
        assert _push(program) == {"failed": 1}
        shown = _shown(program)
        assert shown.attempts == number
        assert said in (shown.problem or "")
    assert _push(program) == {"delivered": 1}
    assert len(hook.ids) == 4  # no redirect was followed
    assert len(set(hook.ids)) == 1
    assert _received(hook).shown == standing(program.engine)
    assert (_shown(program).attempts, _shown(program).problem) == (0, None)


def test_what_was_taken_of_a_large_batch_is_not_sent_again(
    program: Program, table: Table, hook: Hook
) -> None:
    """One transaction is one batch; its time may end, and it may fail, at every message."""
    _webhook(program, hook)
    _push(program)
    _put_many(table, 450)
    hook.answers = [Answer(), Answer(500)]
    assert _push(program) == {"delivered": 200, "failed": 1}
    with transaction(program.engine) as conn:
        conn.execute(sa.text(_DUE))
    rounds = 0
    while _push_one_message(program):
        rounds += 1
    sizes = [len(message["changes"]) for message in hook.taken[1:]]
    assert (sum(sizes), max(sizes), len(sizes)) == (450, 200, rounds + 1)
    assert _received(hook).shown == standing(program.engine)
    assert _push(program) == {}
    assert len(hook.ids) == len(set(hook.ids)) + 1  # the one that failed


def test_the_first_page_of_a_snapshot_is_one_however_often_it_is_read(
    program: Program, table: Table, hook: Hook
) -> None:
    """Documents are written between its messages, and what was taken of it counts."""
    _put_many(table, 210, chunks=60)
    _webhook(program, hook)
    rounds = 0
    while _push_one_message(program):
        rounds += 1
        if rounds < 4:
            table.put(f"later-{rounds}", "text")
        assert rounds < 20
    assert sum(map(_begins, hook.taken)) == 1
    assert _received(hook).shown == standing(program.engine)
    assert len(hook.ids) == len(set(hook.ids))


def test_a_snapshot_that_is_asked_for_comes_whole(
    program: Program, table: Table, hook: Hook
) -> None:
    """What was taken of the one before counts no more, though nothing was written since."""
    _put_many(table, 210, chunks=60)
    _webhook(program, hook)
    assert _push_one_message(program)
    with transaction(program.engine) as conn:
        assert change_sinks.resume(conn, "hook", anew=True)
        change_consumers.restart(conn, "hook")
    hook.taken.clear()
    _push(program)
    assert _begins(hook.taken[0])
    assert _received(hook).shown == standing(program.engine)


def test_what_no_trying_mends_is_counted_and_is_in_nobody_elses_way(
    program: Program, table: Table, hook: Hook
) -> None:
    table.put("a", "text")
    _webhook(program, hook, "a-wrong-one")
    _webhook(program, hook, "good")
    table.run("UPDATE lightfast_change_consumers SET stores = '{x}' WHERE name = 'a-wrong-one'")
    assert _push(program) == {"delivered": 1, "failed": 1}
    wrong = _shown(program, "a-wrong-one")
    assert wrong.attempts == 1
    assert "has other stores" in (wrong.problem or "")


def test_a_redirect_brings_nothing_to_another(program: Program, table: Table, hook: Hook) -> None:
    table.put("a", "text")
    _webhook(program, hook)
    with serving_hook() as other:
        hook.answers = [Answer(307, {"location": other.url})]
        assert _push(program) == {"failed": 1}
        assert other.came == []


def test_it_waits_as_it_was_told(program: Program, table: Table, hook: Hook) -> None:
    table.put("a", "text")
    _webhook(program, hook)
    hook.answers = [Answer(503, {"retry-after": "120"})]
    _push(program)
    waits = _shown(program).next_attempt_at - datetime.now(UTC)
    assert timedelta(seconds=100) < waits <= timedelta(seconds=120)
    assert pushing.push(program.engine, _never, go_on=lambda: True) == {}


def test_gone_is_gone_until_a_person_says_otherwise(
    program: Program, table: Table, hook: Hook
) -> None:
    table.put("a", "text")
    _webhook(program, hook)
    hook.answers = [Answer(410)]
    assert _push(program) == {"ended": 1}
    shown = _shown(program)
    assert shown.paused
    assert "410" in (shown.problem or "")
    assert _push(program, _never) == {}
    with transaction(program.engine) as conn:
        assert change_sinks.resume(conn, "hook")
    assert _push(program) == {"delivered": 1}


@pytest.mark.parametrize("answer", [Answer(hangs_s=20.0), Answer(drips_s=20.0)], ids=str)
def test_one_that_hangs_delays_no_other(
    program: Program, table: Table, hook: Hook, answer: Answer
) -> None:
    """Its time ends, by the clock and not by the byte; the other's changes have come meanwhile."""
    table.put("a", "text")
    hook.answers = [answer]
    _webhook(program, hook)
    with serving_hook() as quick:
        _webhook(program, quick, "quick")

        def make(sink: Sink) -> MessageSink:
            url = (hook if sink.name == "hook" else quick).url
            return SignedWebhook(url, [Secret(SECRET)], takes_s=1.0)

        began = time.monotonic()
        assert _push(program, make) == {"failed": 1, "delivered": 1}
        assert time.monotonic() - began < 8.0
        assert _received(quick).shown == standing(program.engine)
    assert "does not answer" in (_shown(program).problem or "")


def test_nobody_there_is_tried_again(program: Program, table: Table) -> None:
    table.put("a", "text")
    with serving_hook() as gone:
        _webhook(program, gone)
    assert _push(program) == {"failed": 1}
    assert "does not answer: ConnectError" in (_shown(program).problem or "")


def test_a_pusher_that_is_killed_loses_nothing(
    program: Program, table: Table, hook: Hook, database_url: str, redis_url: str
) -> None:
    """Killed while the second message is under way: it comes again, once the lease has run out."""
    _put_many(table, 250)
    _webhook(program, hook)
    hook.answers = [Answer(), Answer(hangs_s=30.0)]
    argv = [sys.executable, "-c", _PUSHER, database_url, redis_url, SECRET_KEY]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL) as process:
        _until(lambda: len(hook.came) >= 2)
        os.kill(process.pid, signal.SIGKILL)
    table.delete("d001")
    _until(lambda: bool(_push(program)))
    while _push(program).get("delivered"):
        pass
    assert _received(hook).shown == standing(program.engine)
    assert hook.ids.count(hook.ids[1]) == 2  # the same message, which came twice


def test_one_that_is_paused_meanwhile_gets_nothing_more(
    program: Program, table: Table, hook: Hook
) -> None:
    _put_many(table, 300)
    _webhook(program, hook)

    class Pausing(_Wrapped):
        def send(self, message: Any) -> None:
            super().send(message)
            with transaction(program.engine) as conn:
                change_sinks.pause(conn, "hook")

    _push(program, lambda sink: Pausing(making.make(program, sink)))
    assert len(hook.taken) == 1
    assert _shown(program).paused


def test_one_that_fell_behind_gets_a_snapshot_and_it_is_told(
    program: Program, table: Table, hook: Hook
) -> None:
    table.put("a", "text")
    table.put("b", "text of b")
    _webhook(program, hook)
    _push(program)
    table.delete("b")
    table.put("c", "text of c")
    _push_nothing_but_positions(program)
    table.run("UPDATE lightfast_outbox_head SET pruned = last")
    table.run("DELETE FROM lightfast_document_outbox")
    _push(program)
    assert _shown(program).fell_behind_at is not None
    assert hook.taken[-1]["snapshot"] == {"begins": True, "ends": True}
    assert _received(hook).shown == standing(program.engine)


def _push_nothing_but_positions(program: Program) -> None:
    from ingest.changes import ALL, Changes  # noqa: PLC0415 - of this test alone

    Changes(program.engine, None, stores=ALL, start=0).read(1)


def test_one_of_some_stores_hears_of_no_other(program: Program, table: Table, hook: Hook) -> None:
    other = Table(program.engine, _other_store(program))
    _webhook(program, hook, stores=["docs"])
    table.put("a", "text")
    other.put("b", "private")
    _push(program)
    told = {change["store_id"] for message in hook.came for change in message["changes"]}
    assert told == {"docs"}


def _other_store(program: Program) -> str:
    from tests.factories import make_store  # noqa: PLC0415 - of this test alone

    return make_store(program.engine, "other")


def test_what_is_secret_is_stored_encrypted_and_turns_with_the_key(
    program: Program, hook: Hook
) -> None:
    _webhook(program, hook)
    with transaction(program.engine) as conn:
        row = conn.execute(sa.text("SELECT * FROM lightfast_change_sinks")).mappings().one()
    stored = repr(dict(row))
    assert SECRET not in stored
    assert "secret-path" not in stored
    sealed = bytes(row["secret"])
    assert hook.url in VAULT.decrypt(sealed)
    newer = type(VAULT)(["another key of a test that opens nothing at all", SECRET_KEY])
    assert rotate_keys(program.engine, newer)["rotated"] == 1
    assert "secret-path" not in repr(_shown(program))


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (WantedSink("x"), "give one of"),
        (WantedSink("x", stream="s", task="t"), "give one of"),
        (WantedSink("x", stream="s", queue="q"), "--queue is for celery-task"),
        (WantedSink("x", webhook="https://a.example/x"), "--secret-env"),
        (WantedSink("x", webhook="https://a.example/x", secret="whsec_short"), "24 to 64"),
        (WantedSink("x", webhook="http://a.example/x", secret=SECRET), "give https"),
        (WantedSink("x", webhook="https://u:p@a.example/x", secret=SECRET), "user or password"),
        (WantedSink("x", webhook="file:///etc/passwd", secret=SECRET), "cannot be used"),
        (WantedSink("x", webhook="https://a.example:99999/", secret=SECRET), "cannot be read"),
        (WantedSink(" x", stream="s"), "a consumer's name"),
        (WantedSink("x", stream="s", url="amqp://u:p@a.example//"), "no streams of Redis"),
        (WantedSink("x", stream="s", stores=[]), "stores"),
        (WantedSink("taken", stream="s"), "there is a sink"),
        (WantedSink("reader", stream="s"), "there is a consumer"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_meant_is_refused(program: Program, wanted: WantedSink, said: str) -> None:
    from ingest.changes import ALL, Changes  # noqa: PLC0415 - of this test alone

    add_sink(program.engine, program.vault, WantedSink("taken", stream="s"))
    with transaction(program.engine) as conn:
        change_consumers.remove(conn, "taken")
    Changes(program.engine, "reader", stores=ALL).snapshot()
    with pytest.raises(BadInput, match=said):
        add_sink(program.engine, program.vault, wanted)
    assert _shown(program, "taken").target == "s"


def test_while_a_secret_is_changed_both_sign_and_then_the_newer_one_alone(
    program: Program, table: Table, hook: Hook
) -> None:
    """A receiver that knows one of them takes each message: the older, then either, the newer."""
    engine, vault, now = program.engine, program.vault, datetime.now(UTC)

    def proven_by(secret: str) -> list[bool]:
        table.put("a", f"text {len(hook.came)}")
        hook.secret = secret
        return [_push(program) == {"delivered": 1}, len(hook.signatures[-1].split()) == 2]

    _webhook(program, hook)
    assert proven_by(SECRET) == [True, False]
    begin_rotation(engine, vault, "hook", NEWER, now=now)
    assert proven_by(SECRET) == [True, True]
    assert proven_by(NEWER) == [True, True]
    (found,) = look_at_sinks(engine)
    assert "two secrets" in found.said
    assert found.remedy == "ingest changes sink rotate hook --end"
    with pytest.raises(BadInput, match="--end"):
        begin_rotation(engine, vault, "hook", NEWER, now=now)
    rotate_keys(engine, type(VAULT)(["another key of a test that opens it too", SECRET_KEY]))
    rotate_keys(engine, type(VAULT)([SECRET_KEY, "another key of a test that opens it too"]))
    end_rotation(engine, vault, "hook")
    assert proven_by(NEWER) == [True, False]
    assert _shown(program).options == {}
    with pytest.raises(BadInput, match="signs with one secret"):
        end_rotation(engine, vault, "hook")
    with pytest.raises(BadInput, match="very secret"):
        begin_rotation(engine, vault, "hook", NEWER, now=now)


def test_what_is_removed_leaves_nothing(program: Program, hook: Hook) -> None:
    _webhook(program, hook)
    remove_sink(program.engine, "hook")
    with transaction(program.engine) as conn:
        assert (change_sinks.show(conn), change_consumers.show(conn)) == ([], [])
    with pytest.raises(BadInput, match="no sink is called hook"):
        remove_sink(program.engine, "hook")


def test_what_is_removed_while_it_is_pushed_to_does_not_come_back(
    program: Program, table: Table, hook: Hook
) -> None:
    """Bug: whoever pushed read on, and wrote the consumer down anew."""
    table.put("a", "text")
    _webhook(program, hook)

    class Removing(_Wrapped):
        def send(self, message: Any) -> None:
            super().send(message)
            remove_sink(program.engine, "hook")

    assert _push(program, lambda sink: Removing(making.make(program, sink))) == {"delivered": 1}
    with transaction(program.engine) as conn:
        assert (change_sinks.show(conn), change_consumers.show(conn)) == ([], [])


def test_a_sink_without_its_consumer_says_so_and_makes_none(program: Program, hook: Hook) -> None:
    _webhook(program, hook)
    with transaction(program.engine) as conn:
        assert change_consumers.remove(conn, "hook")
    assert _push(program) == {"failed": 1}
    assert "was forgotten" in (_shown(program).problem or "")
    with transaction(program.engine) as conn:
        assert change_consumers.find(conn, "hook") is None


def test_it_is_rung_for_news_where_a_sink_waits_for_some(program: Program, hook: Hook) -> None:
    rung: list[str] = []

    def ring() -> list[str]:
        rung.clear()
        pushing.ring_for_news(program.engine, rung.append)
        return rung

    assert ring() == []
    _webhook(program, hook)
    assert ring() == [PUSH_BELL]
    with transaction(program.engine) as conn:
        change_sinks.claim(conn, token=str(uuid.uuid4()), lease_s=60, limit=1)
    assert ring() == []


@dataclass
class _Wrapped:
    """A sink around another one."""

    inner: MessageSink

    def send(self, message: Any) -> None:
        self.inner.send(message)

    def close(self) -> None:
        self.inner.close()


def _put_many(table: Table, count: int, chunks: int = 1) -> None:
    with transaction(table.engine) as conn:
        for number in range(count):
            texts = [f"text {number}, {chunk}" for chunk in range(chunks)]
            table.put(f"d{number:03}", *texts, conn=conn)


def _begins(message: Any) -> bool:
    return bool(message["snapshot"] and message["snapshot"]["begins"])


def _never(sink: Sink) -> MessageSink:
    raise AssertionError(f"{sink.name} is not due")


def _until(holds: Callable[[], bool], within_s: float = 30.0) -> None:
    ends = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < ends, "not within its time"
        time.sleep(0.05)
