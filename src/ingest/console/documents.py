"""Documents by key, by words and by filter; one with its text, its past and what it hangs on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from ingest.console.console_request import ConsolePage, ConsoleRequest
from ingest.console.drawing import drawing_of
from ingest.core.errors import BadInput, NotFound
from ingest.flows.documents.find import find_documents
from ingest.queries import lists
from ingest.queries.lists import Wanted
from ingest.sources.registry import source_types
from ingest.store import reading, stores, text_search, trails
from ingest.store.engine import transaction
from ingest.store.querying import Direction

ROWS, FEW, STEPS = 50, 20, 100
BEST = 50
MOST_FOUND = 200
"""Of one key, which many stores may have."""

Rows = list[dict[str, Any]]


def listed(asked: ConsoleRequest) -> ConsolePage:
    """Those that a key or words find; else a page of what the filter lets through."""
    query = asked.query
    store_id, source_type = query.get("store"), query.get("source")
    if source_type is not None:
        asked.require_source(source_type)
    with transaction(asked.program.engine, durable=False) as conn:
        language = text_search.language(conn)
        filled: dict[str, Any] = {"language": language, "by_key": None, "by_words": None}
        if key := query.get("key"):
            found = find_documents(conn, key, store_id=store_id, source_type=source_type)
            filled["by_key"] = _titled(conn, found[:MOST_FOUND])
        if (words := query.get("words")) and language is not None:
            hits = text_search.search(
                conn, words, language, limit=BEST, store_id=store_id, source_type=source_type
            )
            filled["by_words"] = [{**one, "found": one["found"].split("**")} for one in hits]
        if not {"key", "words"} & query.keys():
            page = lists.listed(conn, _wanted(asked), limit=ROWS, after=query.get("after"))
            filled |= {"rows": _titled(conn, page.rows), "next": _more(asked, "after", page.after)}
        filled |= {"stores": stores.ids(conn)}
    return ConsolePage("documents.html", {**filled, "source_types": source_types()})


def shown(asked: ConsoleRequest) -> ConsolePage:
    """One of them. Of each part the first rows: the rest has pages of its own."""
    id_ = asked.path["id"]
    with transaction(asked.program.engine, durable=False) as conn:
        found = reading.show(conn, id_)
        history = trails.history(conn, id_, limit=FEW)
        if found is None and history is None:
            raise _unknown(id_)
        if found is None:
            return ConsolePage("document_gone.html", {"id": id_, "history": history})
        parent = found["parent_doc_id"]
        above = {parent: reading.show(conn, parent)} if parent is not None else {}
        out, back = (lists.related(conn, id_, way, limit=FEW) for way in _WAYS)
        below = lists.children(conn, id_, limit=FEW)
        filled = {
            "one": found,
            "title": reading.titles(conn, [id_]).get(id_) or found["source_id"],
            "parent": above.get(parent),
            "texts": reading.chunks(conn, id_, limit=FEW),
            "children": _titled(conn, below.rows),
            "has_more_children": below.after is not None,
            "history": history or [],
            "out": out.rows,
            "back": back.rows,
            "has_more": out.after is not None or back.after is not None,
            "drawing": drawing_of(found, out.rows, back.rows),
        }
    return ConsolePage("document.html", filled)


def chunks(asked: ConsoleRequest) -> ConsolePage:
    """Its whole text, a page of pieces at a time."""
    id_, after = asked.path["id"], asked.query.get("after", "-1")
    if after != "-1" and not (after.isascii() and after.isdigit() and len(after) < 10):
        raise BadInput("`after` is no position of this list; begin anew without it")
    with transaction(asked.program.engine, durable=False) as conn:
        _require(conn, id_)
        texts = reading.chunks(conn, id_, limit=ROWS + 1, after=int(after))
        title = _title(conn, id_)
    texts, others = texts[:ROWS], texts[ROWS:]
    more = asked.next_page("after", texts[-1]["position"]) if others else None
    return ConsolePage("chunks.html", {"id": id_, "title": title, "texts": texts, "next": more})


def children(asked: ConsoleRequest) -> ConsolePage:
    """What is right below it."""
    id_ = asked.path["id"]
    with transaction(asked.program.engine, durable=False) as conn:
        _require(conn, id_)
        page = lists.children(conn, id_, limit=ROWS, after=asked.query.get("after"))
        rows, title = _titled(conn, page.rows), _title(conn, id_)
    filled = {"id": id_, "title": title, "rows": rows, "next": _more(asked, "after", page.after)}
    return ConsolePage("children.html", filled)


def relationships(asked: ConsoleRequest) -> ConsolePage:
    """What it points at, or what points at it, with the words that say so."""
    id_, way = asked.path["id"], asked.query.get("direction", "out")
    direction = _DIRECTIONS.get(way)
    if direction is None:
        raise BadInput("`direction` is out or in")
    with transaction(asked.program.engine, durable=False) as conn:
        page = lists.related(conn, id_, direction, limit=ROWS, after=asked.query.get("after"))
        title = _title(conn, id_)
    filled = {
        "id": id_,
        "title": title,
        "direction": direction,
        "rows": page.rows,
        "next": _more(asked, "after", page.after),
    }
    return ConsolePage("relationships.html", filled)


def history(asked: ConsoleRequest) -> ConsolePage:
    """What touched it, the newest first, as long as that is kept."""
    id_ = asked.path["id"]
    with transaction(asked.program.engine, durable=False) as conn:
        found = trails.history(conn, id_, limit=STEPS)
        if found is None:
            raise _unknown(id_)
        title = _title(conn, id_)
    filled = {"id": id_, "title": title, "history": found, "is_cut": len(found) == STEPS}
    return ConsolePage("history.html", filled)


_WAYS: tuple[Direction, Direction] = ("out", "in")
_DIRECTIONS: Mapping[str, Direction] = {"out": "out", "in": "in"}


def _wanted(asked: ConsoleRequest) -> Wanted:
    query = asked.query
    return Wanted(
        store_id=query.get("store"),
        source_type=query.get("source"),
        kind=query.get("kind"),
        state=query.get("state"),
        since=asked.time("since"),
        until=asked.time("until"),
        moment="updated_at" if query.get("by") == "updated" else "created_at",
    )


def _titled(conn: sa.Connection, rows: Iterable[Mapping[str, Any]]) -> Rows:
    """With the first line of each one's text."""
    kept = list(rows)
    titles = reading.titles(conn, [row["id"] for row in kept]) if kept else {}
    return [{**row, "title": titles.get(row["id"])} for row in kept]


def _title(conn: sa.Connection, document_id: str) -> str:
    return reading.titles(conn, [document_id]).get(document_id) or document_id


def _more(asked: ConsoleRequest, name: str, position: str | None) -> str | None:
    return asked.next_page(name, position) if position is not None else None


def _require(conn: sa.Connection, document_id: str) -> None:
    if reading.store_of(conn, document_id) is None:
        raise _unknown(document_id)


def _unknown(document_id: str) -> NotFound:
    return NotFound(f"there is no document {document_id[:200]}; look for it by its key")
