"""Each page: what it shows, and that nothing of what a provider wrote is markup."""

from __future__ import annotations

import httpx
import pytest
import sqlalchemy as sa

from ingest.flows.deliveries.drain import drain_deliveries
from ingest.store import text_search
from ingest.store.engine import transaction
from tests.console.conftest import Town
from tests.console.running import Outline
from tests.factories import SECRET
from tests.flows import halcyon
from tests.web.running import closed_database

pytestmark = pytest.mark.integration

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>\u202e'


def shown(operator: httpx.Client, path: str, status: int = 200) -> Outline:
    answer = operator.get(path)
    assert answer.status_code == status, (path, answer.text)
    return Outline(answer.text)


def test_the_overview_shows_what_comes_in_and_how_sources_stand(
    operator: httpx.Client, town: Town
) -> None:
    page = shown(operator, "/console")
    for delivery in town.deliveries:
        assert f"/console/deliveries/{delivery}" in page.links
    assert f"/console/sources/{town.connection}" in page.links
    assert "github of a test" in page.text
    assert "none is due" in page.text


def test_whatever_is_linked_is_there(operator: httpx.Client, town: Town) -> None:
    """Every page can be reached from the first one, by links alone."""
    seen, left = {"/console"}, ["/console"]
    while left:
        page = shown(operator, left.pop())
        found = {link for link in page.links if link.startswith("/")} - seen
        seen |= found
        left += sorted(found)
    for path in (
        f"/console/documents/{town.issue}",
        f"/console/documents/{town.comment}",
        f"/console/documents/{town.issue}/history",
        "/console/doctor",
        "/console/syncs",
        "/console/look-ups",
    ):
        assert path in seen


def test_deliveries_are_filtered_and_paged(
    operator: httpx.Client, town: Town, engine: sa.Engine
) -> None:
    first, second = sorted(town.deliveries)
    key = _value(engine, _KEY, id=first)
    both = {f"/console/deliveries/{id_}" for id_ in town.deliveries}

    def found(**asked: str) -> set[str]:
        page = shown(operator, f"/console/deliveries?{httpx.QueryParams(asked)}")
        return both & {*page.links}

    assert found() == both
    assert found(status="processed", source="github", connection=town.connection) == both
    assert found(status="dead") == found(source="linear") == found(connection="nobody") == set()
    assert found(key=key) == {f"/console/deliveries/{first}"}
    assert found(reason="APPLIED") == both
    assert found(reason="nothing of that kind") == set()
    assert found(since="2026-03-02", until="2026-03-03") == both
    assert found(since="1h") == found(until="2026-03-01T12:00Z") == set()
    assert found(before=str(second)) == {f"/console/deliveries/{first}"}
    for wrong in ("status=x", "source=x", "since=soon", "before=x", "before=-1"):
        assert "Bad Request" in shown(operator, f"/console/deliveries?{wrong}", 400).text


def test_a_delivery_is_found_by_either_id_with_its_trail_and_its_body(
    operator: httpx.Client, town: Town, engine: sa.Engine
) -> None:
    first = town.deliveries[0]
    for id_ in (str(first), _value(engine, _KEY, id=first)):
        page = shown(operator, f"/console/deliveries/{id_}")
        assert f"/console/documents/{town.issue}" in page.links
        assert '"title":"Doors stick in winter"' in page.text
        assert "x-github-event" in page.text
        assert "created" in page.text
    for id_ in ("77", "no-such-guid", str(2**63), "٣"):
        assert "Not Found" in shown(operator, f"/console/deliveries/{id_}", 404).text


def test_what_a_provider_wrote_is_text(
    operator: httpx.Client, town: Town, engine: sa.Engine
) -> None:
    with transaction(engine) as conn:
        hostile = halcyon.issue(66, title=HOSTILE, body=f"See halcyon/web#1. {HOSTILE}")
        (delivery,) = halcyon.deliver(conn, town.connection, hostile, key=f"key {HOSTILE}")
    drain_deliveries(engine, go_on=lambda: True)
    text_search.build(engine, "simple")
    document = _value(engine, "SELECT id FROM lightfast_docs_documents WHERE source_id LIKE '%#66'")
    _do(engine, "UPDATE lightfast_connected_sources SET display_name = :told", told=HOSTILE)
    _do(
        engine,
        "UPDATE lightfast_webhook_deliveries SET reason = :told WHERE id = :id",
        told=HOSTILE,
        id=delivery,
    )
    _do(engine, "UPDATE lightfast_document_references SET evidence = :told", told=HOSTILE)
    for path in (
        "",
        "/sources",
        f"/sources/{town.connection}",
        "/deliveries",
        f"/deliveries/{delivery}",
        "/documents?words=alert",
        f"/documents?{httpx.QueryParams(key=HOSTILE)}",
        f"/documents/{document}",
        f"/documents/{town.issue}",
        f"/documents/{town.issue}/relationships?direction=in",
        f"/documents/{document}/chunks",
        f"/documents/{document}/history",
        f"/deliveries?{httpx.QueryParams(reason=HOSTILE)}",
        "/doctor",
    ):
        page = shown(operator, f"/console{path}")
        assert not page.all("script"), path
        assert not page.all("img"), path
        assert "onerror" in page.text or path in ("/sources", "/doctor", ""), path


def test_documents_are_found_by_key_by_alias_and_by_words(
    operator: httpx.Client, town: Town, engine: sa.Engine
) -> None:
    link = f"/console/documents/{town.issue}"

    def found(**asked: str) -> Outline:
        return shown(operator, f"/console/documents?{httpx.QueryParams(asked)}")

    assert link in found(key="HALCYON/web#1").links
    assert "No document is or was called halcyon/web#9" in found(key="halcyon/web#9").text
    off = found(words="doors")
    assert "ingest db search english" in off.text
    text_search.build(engine, "english")
    on = found(words="door")
    assert link in on.links
    assert on.all("mark")
    assert "ingest db search" not in on.text
    assert "No document has these words" in found(words="zeppelin").text
    _do(engine, _ALIAS, id=town.issue, store=town.store, alias="halcyon/old#7")
    by_alias = found(key="halcyon/old#7")
    assert link in by_alias.links
    assert "halcyon/old#7" in by_alias.text.split("Updated", 1)[1]
    assert link in found(source="github", kind="issue", store=town.store).links
    assert link not in found(kind="comment").links
    assert link not in found(store="nowhere").links
    assert link in found(by="updated", since="1h").links
    for wrong in ("source=x", "state=open", "since=x", "after=x"):
        assert "Bad Request" in shown(operator, f"/console/documents?{wrong}", 400).text


def test_a_document_is_shown_with_all_that_hangs_on_it(
    operator: httpx.Client, town: Town, engine: sa.Engine
) -> None:
    with transaction(engine) as conn:
        halcyon.deliver(conn, town.connection, halcyon.issue(2, title="Winter", body="Fixes #1"))
    drain_deliveries(engine, go_on=lambda: True)
    page = shown(operator, f"/console/documents/{town.issue}")
    assert page.all("h1")
    assert "Doors stick in winter" in page.text
    assert f"/console/documents/{town.comment}" in page.links
    assert f"/console/deliveries/{town.deliveries[0]}" in page.links
    assert f"/console/sources/{town.connection}" in page.links
    (drawn,) = page.all("svg")
    assert "relationships of halcyon/web#1" in (drawn["aria-label"] or "")
    assert len(page.all("rect")) >= 2
    child = shown(operator, f"/console/documents/{town.comment}")
    assert f"/console/documents/{town.issue}" in child.links
    for part, said in (
        ("chunks", "Doors stick in winter"),
        ("children", "halcyon"),
        ("relationships?direction=in", "halcyon/web#2"),
        ("relationships?direction=out", "halcyon/web#2"),
        ("history", "created"),
    ):
        assert said in shown(operator, f"/console/documents/{town.issue}/{part}").text, part
    for wrong in ("relationships?direction=up", "chunks?after=x", "children?after=x"):
        shown(operator, f"/console/documents/{town.issue}/{wrong}", 400)
    for part in ("", "/chunks", "/children", "/relationships", "/history"):
        shown(operator, f"/console/documents/nobody{part}", 404)


def test_a_document_that_is_deleted_keeps_its_history(
    operator: httpx.Client, town: Town, engine: sa.Engine
) -> None:
    with transaction(engine) as conn:
        gone = halcyon.comment(11, at=9, action="deleted", on=1)
        (delivery,) = halcyon.deliver(conn, town.connection, gone)
    drain_deliveries(engine, go_on=lambda: True)
    page = shown(operator, f"/console/documents/{town.comment}")
    assert "out of sight" in page.text
    assert f"/console/deliveries/{delivery}" in page.links


def test_no_secret_is_on_any_page_of_a_source(operator: httpx.Client, town: Town) -> None:
    page = shown(operator, f"/console/sources/{town.connection}")
    assert "webhook secret: 1" in page.text
    assert SECRET not in page.text
    assert "is active" in page.text
    assert SECRET not in shown(operator, "/console/doctor").text
    shown(operator, "/console/sources/nobody", 404)


def test_look_ups_are_shown_with_each_try_and_its_error(
    operator: httpx.Client, town: Town, engine: sa.Engine
) -> None:
    _do(
        engine,
        "INSERT INTO lightfast_lookup_attempts (lookup_id, connection_id, kind, external_id,"
        " attempt, outcome, error) VALUES (7, :id, 'issue', 'halcyon/web#3', 1, 'failed', 'away')",
        id=town.connection,
    )
    listed = shown(operator, f"/console/look-ups?failing=yes&connection={town.connection}")
    assert "/console/look-ups/7" in listed.links
    one = shown(operator, "/console/look-ups/7")
    assert "away" in one.text
    assert "halcyon/web#3" in one.text
    for missing in ("8", "x"):
        shown(operator, f"/console/look-ups/{missing}", 404)
    shown(operator, "/console/look-ups?source=x", 400)


def test_every_page_can_be_used_without_seeing_it(operator: httpx.Client, town: Town) -> None:
    """Landmarks, one heading of the first rank, tables with captions, fields with labels."""
    for path in (
        "",
        f"/sources/{town.connection}",
        "/deliveries",
        f"/deliveries/{town.deliveries[0]}",
        "/look-ups",
        "/documents",
        f"/documents/{town.issue}",
        "/syncs",
        "/doctor",
    ):
        page = shown(operator, f"/console{path}")
        for tag in ("header", "main", "nav", "h1", "footer"):
            assert len(page.all(tag)) == 1, (path, tag)
        assert page.all("html")[0]["lang"] == "en"
        assert page.links[0] == "#main"
        assert len(page.all("caption")) == len(page.all("table"))
        assert all(cell.get("scope") for cell in page.all("th"))
        labelled = {one.get("for") for one in page.all("label")}
        fields = [*page.all("select"), *page.all("input")]
        assert {one.get("id") for one in fields if one.get("type") != "hidden"} <= labelled
        ids = [one["id"] for _, one in page.elements if one.get("id")]
        assert len(ids) == len(set(ids)), path


def test_a_database_that_is_away_is_503(
    operator: httpx.Client, database_url: str, postgres_url: str
) -> None:
    with closed_database(database_url, postgres_url):
        page = shown(operator, "/console/deliveries", 503)
    assert "The database does not answer now" in page.text


_ALIAS = """
INSERT INTO lightfast_document_aliases (document_id, store_id, source_type, alias)
VALUES (:id, :store, 'github', :alias)
"""
_KEY = "SELECT delivery_key FROM lightfast_webhook_deliveries WHERE id = :id"


def _value(engine: sa.Engine, query: str, **given: object) -> str:
    with transaction(engine) as conn:
        return str(conn.execute(sa.text(query), given).scalar_one())


def _do(engine: sa.Engine, statement: str, **given: object) -> None:
    with transaction(engine) as conn:
        conn.execute(sa.text(statement), given)
