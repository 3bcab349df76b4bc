"""The oracle, the verdict and the stream of `make chaos`: no fault of the rows escapes them."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

import pytest

from chaos import oracle, told, verdict
from chaos.accounts import ACCOUNTS
from chaos.accounts.account import Drawn
from chaos.faults.draw import FAULTS, absent, drawn
from chaos.oracle import Oracle
from chaos.plan import RABBITMQ, Plan
from chaos.rows import Delivery, Document, Rows
from chaos.sender import Heard
from chaos.stream import Posting, Stream
from chaos.told import Gone, Link, There

ISSUE = ("github", "issue", "1")
REMARK = ("github", "comment", "2")
LINK = Link("mention", "github", "a/b#1")
WRITTEN = There(ISSUE, "a/b#1", ("A timer",), ("A clock",), ("state", "open"))
SAID = There(REMARK, "a/b#1/comment/2", ("See #1.",), parent=ISSUE, links=frozenset((LINK,)))
ROW = Document("d1", ISSUE, "a/b#1", {"state": "open"}, "A timer runs", None, {}, frozenset())
REMARK_ROW = replace(
    ROW, id="d2", thing=REMARK, key=SAID.key, text="See #1.", parent=ISSUE, links={LINK: ISSUE}
)
DELIVERY = Delivery(7, "github", "k", "processed", None, 0, 0, None, 1.0, 2.0)


def expected(*facts: told.Fact) -> Oracle:
    made = Oracle()
    made.hear(facts)
    return made


def of_rows(*documents: Document) -> Rows:
    return Rows([*documents], [DELIVERY], Counter())


def judged(*documents: Document) -> verdict.Verdict:
    return verdict.of_documents("now", expected(WRITTEN, SAID).documents(), of_rows(*documents))


def test_what_is_as_it_was_told_is_right() -> None:
    assert judged(ROW, REMARK_ROW).is_clean


@pytest.mark.parametrize(
    "bent",
    [
        replace(ROW, text="A clock runs"),
        replace(ROW, text="A timer, no clock: A clock"),
        replace(ROW, key="a/b#3"),
        replace(ROW, metadata={"state": "closed"}),
        replace(ROW, parent=REMARK),
        replace(ROW, links={LINK: ISSUE}),
    ],
    ids=["old text", "old words left", "key", "state", "parent", "a link too much"],
)
def test_a_row_that_says_something_else_is_wrong(bent: Document) -> None:
    found = judged(bent, REMARK_ROW)
    assert found.wrong
    assert not found.lost
    assert ISSUE in found.things


def test_a_link_that_leads_nowhere_or_is_missing_is_wrong() -> None:
    assert judged(ROW, replace(REMARK_ROW, links={LINK: None})).wrong
    assert judged(ROW, replace(REMARK_ROW, links={})).wrong


def test_what_stands_nowhere_is_lost_and_what_stands_twice_is_doubled() -> None:
    assert judged(REMARK_ROW).lost
    assert judged(ROW, replace(ROW, id="d3"), REMARK_ROW).doubled


def test_what_is_gone_takes_along_what_lives_in_it_and_brings_it_back() -> None:
    assert expected(WRITTEN, SAID, Gone(ISSUE)).documents() == {}
    assert {*expected(WRITTEN, SAID, Gone(ISSUE), WRITTEN).documents()} == {ISSUE, REMARK}
    found = verdict.of_documents("now", expected(WRITTEN, Gone(ISSUE)).documents(), of_rows(ROW))
    assert found.wrong


def test_a_former_key_leads_to_what_it_was_of() -> None:
    moved = replace(WRITTEN, key="c/d#1", former=("a/b#1",))
    assert expected(moved, SAID).documents()[REMARK].bound == {LINK: ISSUE}
    found = verdict.of_documents(
        "now", expected(moved).documents(), of_rows(replace(ROW, key="c/d#1"))
    )
    assert found.wrong  # it is not found by its former key


@pytest.mark.parametrize(
    ("row", "of"),
    [
        (DELIVERY._replace(status="pending", settled_at=None), "lost"),
        (DELIVERY._replace(status="dead", reason="no reason"), "wrong"),
        (DELIVERY._replace(id=8), "lost"),
    ],
    ids=["did not end", "is dead", "is not stored"],
)
def test_a_delivery_that_does_not_end_well_is_at_fault(row: Delivery, of: str) -> None:
    found = verdict.of_deliveries({("github", "k"): Heard({7})}, (), Rows([], [row], Counter()))
    assert getattr(found, of)


def test_a_delivery_that_is_stored_twice_is_doubled_and_a_poison_has_to_be_dead() -> None:
    twice = Rows([], [DELIVERY, DELIVERY._replace(id=8)], Counter())
    assert verdict.of_deliveries({}, (), twice).doubled
    once = Rows([], [DELIVERY], Counter())
    assert verdict.of_deliveries({}, [("github", "k")], once).wrong
    dead = Rows([], [DELIVERY._replace(status="dead")], Counter())
    assert verdict.of_deliveries({}, [("github", "k")], dead).is_clean


def _sent(seed: int) -> tuple[list[Posting], Stream]:
    accounts = {name: make(Drawn(seed, name)) for name, make in ACCOUNTS.items()}

    def happen(_name: str, act: Callable[[], told.Happened]) -> told.Happened:
        return act()

    stream = Stream(Plan(seed, 600), accounts, happen)
    return [*stream], stream


def test_the_same_seed_sends_the_same_and_another_one_something_else() -> None:
    one, stream = _sent(5)
    keys = [posting.letter.key for posting in one]
    assert keys == [posting.letter.key for posting in _sent(5)[0]]
    assert keys != [posting.letter.key for posting in _sent(6)[0]]
    assert len(keys) == 600
    assert {posting.letter.source_type for posting in one} == {*ACCOUNTS}
    assert any(posting.dropped for posting in one)
    assert len({*keys}) < 600  # some come twice
    every = {letter.key for letters in stream.told_by.values() for letter in letters}
    assert every == {*keys}  # none of what happened is left untold


def test_the_same_seed_draws_the_same_faults_and_each_once_before_any_twice() -> None:
    first, again = drawn(3), drawn(3)
    names = [next(first)[0] for _ in FAULTS]
    assert names == [next(again)[0] for _ in FAULTS]
    assert {*names} == {*FAULTS}


@pytest.mark.parametrize(
    ("plan", "is_pooled", "missing"),
    [
        (Plan(1), True, {"rabbitmq", "host", "hosts"}),
        (Plan(1, broker=RABBITMQ), True, {"redis", "host", "hosts"}),
        (Plan(1), False, {"rabbitmq", "pooler", "host", "hosts"}),
        (Plan(1, hosts=True), False, {"redis", "rabbitmq", "postgres", "pooler", "two"}),
    ],
    ids=["as usual", "RabbitMQ", "no pooler", "several hosts"],
)
def test_what_is_not_there_is_not_struck(
    plan: Plan, is_pooled: bool, missing: Collection[str]
) -> None:
    without = absent(plan, is_pooled=is_pooled)
    assert without == {name for name in FAULTS if name.split()[0] in missing}
    names = drawn(3, without=without)
    assert {next(names)[0] for _ in range(2 * len(FAULTS))} == {*FAULTS} - without
    only = drawn(3, ("worker killed",), without)
    assert {next(only)[0] for _ in range(3)} == {"worker killed"}


def test_the_oracle_and_the_verdict_know_nothing_of_the_program() -> None:
    for module in (oracle, told):
        tree = ast.parse(Path(str(module.__file__)).read_text("utf-8"))
        imported = [
            node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
        ]
        assert [name for name in imported if name.startswith("ingest")] == []
