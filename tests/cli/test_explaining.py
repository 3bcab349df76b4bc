"""`ingest docs explain`: why a document is as it is, for people and for programs."""

from __future__ import annotations

from io import StringIO

import pytest
import sqlalchemy as sa
from rich.console import Console

from ingest.cli.explaining import tables
from ingest.cli.output import table
from ingest.flows.deliveries.drain import drain_deliveries
from ingest.flows.explaining.explain import explain_document
from ingest.store.engine import transaction
from tests.cli.conftest import Ingest, Town, deliver
from tests.cli.test_graphs import DOCUMENT, REFERENCE

pytestmark = pytest.mark.integration


def test_a_document_is_explained_by_its_id_and_by_its_key(
    ingest: Ingest, town: Town, engine: sa.Engine
) -> None:
    told = ingest("docs", "explain", town.comment, "--json").json
    assert told["document"]["id"] == town.comment
    assert told["document"]["state"] == "in sight"
    assert told["document"]["told_by"] == "webhook"
    assert told["document"]["version"].startswith("20")
    (came,) = told["past"]
    assert (came["by"], came["did"], came["event_status"]) == ("delivery", "created", "processed")
    assert came["version"] == told["document"]["version"]
    (had,) = told["hashes"]
    assert had["deliveries"] == [came["delivery_id"]]
    assert had["content_hash"] == told["document"]["content_hash"]
    assert told["kept"]["changes_since"] is not None
    by_key = ingest("docs", "explain", "SIG-41", "--json").json
    assert by_key["document"]["id"] == town.issue
    assert {one["did"] for one in by_key["past"]} == {"created"}


def test_an_edit_is_told_with_its_hashes(ingest: Ingest, town: Town, engine: sa.Engine) -> None:
    deliver(ingest, town.connection, "Issue.update")
    drain_deliveries(engine, go_on=lambda: True)
    told = ingest("docs", "explain", town.issue, "--json").json
    assert [one["did"] for one in told["past"] if one["by"] == "delivery"] == ["created", "updated"]
    assert told["hashes"][-1]["content_hash"] == told["document"]["content_hash"]


def test_each_reference_says_what_it_found(ingest: Ingest, town: Town, engine: sa.Engine) -> None:
    with transaction(engine) as conn:
        for name in ("a", "b", "c"):
            key = {"c": "b"}.get(name, name)
            conn.exec_driver_sql(DOCUMENT, (name, town.store, key, name))
        for key, target in (("old", "a"), ("a", "a"), ("b", None), ("nowhere", None)):
            words = f"see {key}"
            given = (town.comment, "mention", key, words, town.store, target)
            conn.exec_driver_sql(REFERENCE, given)
    rows = ingest("docs", "explain", town.comment, "--json").json["relationships"]
    found = {row["key"]: row for row in rows if row["source"] == "github"}
    assert {key: (row["target"]["found"], row["target"]["by"]) for key, row in found.items()} == {
        "a": ("bound", "key"),
        "old": ("bound", "alias"),
        "b": ("several", None),
        "nowhere": ("waiting", None),
    }
    assert found["old"]["words"] == "see old"
    assert found["old"]["value"] == "a"


def test_people_see_tables_in_which_no_id_is_folded(
    ingest: Ingest, town: Town, engine: sa.Engine
) -> None:
    with transaction(engine) as conn:
        conn.exec_driver_sql(DOCUMENT, ("a" * 36, town.store, "k" * 90, "a"))
        given = (town.comment, "mention", "x" * 90, "w" * 80, town.store, "a" * 36)
        conn.exec_driver_sql(REFERENCE, given)
    shown = ingest("docs", "explain", town.comment)
    assert shown.code == 0
    assert "Changes are kept since" in shown.err
    for title in ("Relationships", "What came in", "Hashes"):
        assert title in shown.out.splitlines()
    with transaction(engine, snapshot=True) as conn:
        found = explain_document(conn, town.comment, api_urls={})
    (delivery,) = [one.delivery_id for one in found.past if one.delivery_id is not None]
    for one, id_ in zip(tables(found), ("a" * 36, str(delivery), None), strict=True):
        told = Console(file=StringIO(), width=80)
        told.print(table(one.rows, one.columns))
        assert isinstance(told.file, StringIO)
        text = told.file.getvalue()
        assert id_ is None or id_ in text.replace("\n", " ").split(" "), text
        assert max(map(len, text.splitlines())) <= 80


def test_a_key_of_several_and_one_of_nobody_are_wrong_use(
    ingest: Ingest, town: Town, engine: sa.Engine
) -> None:
    with transaction(engine) as conn:
        for name in ("a", "b"):
            conn.exec_driver_sql(DOCUMENT, (name, town.store, "twice", name))
    for key, said in (("twice", "2 documents are called twice; give the id"), ("no", "is no docu")):
        wrong = ingest("docs", "explain", key)
        assert (wrong.code, wrong.out) == (2, "")
        assert said in wrong.err
