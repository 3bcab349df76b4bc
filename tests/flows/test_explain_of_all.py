"""Every relationship of the story of six sources is explained, and what came in about each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.cli.explaining import as_told
from ingest.flows.explaining.explain import explain_document
from ingest.store.engine import transaction
from tests.flows.test_convergence_of_all import TOLD_IN_ORDER, World, fakes, world

__all__ = ["fakes", "world"]

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

_DOCUMENTS = sa.text("SELECT id, relationships, content_hash FROM lightfast_docs_documents")


def _edges(relationships: dict[str, Any] | None) -> Iterator[tuple[str, str]]:
    """(kind, value) of each relationship as the seed writes it."""
    told = relationships or {}
    for source, keys in told.get("mentions", {}).items():
        yield from (("mention", f"{source}:{key}") for key in keys)
    yield from ((kind, key) for kind, keys in told.get("graph", {}).items() for key in keys)
    yield from told.get("temporal", {}).items()


def _named(one: dict[str, Any]) -> tuple[str, str]:
    source, value = one["source"], one["value"]
    return one["kind"], value if source is None else f"{source}:{value}"


@pytest.mark.parametrize("world", [True], indirect=True, ids=["with tokens"])
def test_each_document_of_the_story_is_explained(world: World) -> None:
    world.run(TOLD_IN_ORDER)
    with transaction(world.engine, snapshot=True) as conn:
        documents = conn.execute(_DOCUMENTS).mappings().all()
        told = {
            row["id"]: as_told(explain_document(conn, row["id"], api_urls=world.clients.api_urls))
            for row in documents
        }
    assert len(documents) > 20
    _check_times(told)
    for row in documents:
        _check(row, told[row["id"]])
    found = [one for found in told.values() for one in found["past"]]
    stale = {one["delivery_id"] for one in found if one["did"] == "stale"}
    assert stale, "the story tells some things late"
    assert not stale & {one["delivery_id"] for one in found if one["did"] == "created"}


def _check_times(told: dict[str, dict[str, Any]]) -> None:
    """Commit to deployment to error: what the commit became, and what it mends, was brought by the
    deployment that reached production; the one that failed has the same commit and brought nothing.
    """
    brought = {
        (found["document"]["source_type"], found["document"]["kind"]): one
        for found in told.values()
        for one in found["relationships"]
        if one["kind"] == "deploymentId" and one["target"]["found"] == "bound"
    }
    assert {*brought} == {("github", "pull_request"), ("sentry", "issue")}
    for one in brought.values():
        assert one["value"] == "dpl_Br1nd1eBoards0001Production"
        assert (one["field"], one["words"]) == ("commitSha", "a1" * 20)
    unbound = [
        one
        for found in told.values()
        for one in found["relationships"]
        if one["target"]["found"] not in ("bound", "itself", "none")
    ]
    assert not unbound, "the story's graph is whole"


def _check(row: Any, found: dict[str, Any]) -> None:
    """All that is related is explained, and the hash that stands is put down to a delivery, unless
    nothing names the document but a look-up of another.
    """
    assert {_named(one) for one in found["relationships"]} == {*_edges(row["relationships"])}
    for one in found["relationships"]:
        assert all(one[name] for name in ("origin", "field", "words", "version")), one
        is_other = one["target"]["id"] not in (None, row["id"])
        assert is_other is (one["target"]["found"] == "bound"), one
    assert found["hashes"][-1]["content_hash"] == row["content_hash"]
    (began,) = [one for one in found["past"] if one["did"] == "created"][:1]
    assert began["delivery_id"] is not None or began["by"] in ("program", "sync")
    assert all(one["did"] != "unknown" for one in found["past"])
