"""An issue that becomes a pull request is one document, with all that was said under its number."""

from __future__ import annotations

from itertools import permutations

import pytest
import sqlalchemy as sa

from tests.factories import connect, make_store
from tests.flows import halcyon
from tests.flows.desk import Desk, desk
from tests.flows.snapshot import difference, snapshot

__all__ = ["desk"]

pytestmark = pytest.mark.integration

TOLD = [
    halcyon.issue(9, at=1, body=""),
    halcyon.comment(11, at=1, on=9, body="before"),
    halcyon.pull_request(9, at=5, body=""),
    halcyon.comment(12, at=6, on=9, body="As in #9", pull_request={"url": "x"}),
]


@pytest.mark.parametrize("order", [*permutations(range(4))][::6])
def test_one_document_is_left_under_the_number(
    desk: Desk, engine: sa.Engine, order: tuple[int, ...]
) -> None:
    """Bug: both stood there, and the issue stayed open for good."""
    here = connect(engine, "github", stores=[make_store(engine, "store-1")])
    for at in order:
        desk.end(here, TOLD[at])
    (row,) = desk.rows("SELECT * FROM lightfast_docs_documents WHERE source_id = 'halcyon/web#9'")
    assert row["source_metadata"]["kind"] == "pull-request"
    children = desk.rows("SELECT * FROM lightfast_docs_documents WHERE parent_doc_id IS NOT NULL")
    assert {child["parent_doc_id"] for child in children} == {row["id"]}
    assert len(children) == 2
    bound = desk.rows("SELECT target_document_id AS id FROM lightfast_document_references")
    assert {one["id"] for one in bound} == {row["id"]}


def test_a_late_word_of_the_issue_changes_nothing(desk: Desk, engine: sa.Engine) -> None:
    here = connect(engine, "github", stores=[make_store(engine, "store-1")])
    for told in TOLD:
        desk.end(here, told)
    before = snapshot(engine)
    for told in TOLD:
        desk.end(here, told)
    after = snapshot(engine)
    kept = [table for table in before if table != "events"]
    assert difference({t: before[t] for t in kept}, {t: after[t] for t in kept}) == ""
