"""From one of Notion's objects to the document that it is: a page, a database, a comment.

Law: a document is a pure function of what the look-up read, never of the event that asked for it.
Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from ingest.core.changes import Change, Delete, Refresh, Upsert
from ingest.core.errors import BadPayload
from ingest.core.identity import Identity
from ingest.core.references import Reference
from ingest.core.values import JSON
from ingest.sources.contract import Lookup, Payload
from ingest.sources.later import caught_up, later
from ingest.sources.notion import markdown, properties, rich_text
from ingest.sources.notion.ids import dashed, page_url, undashed
from ingest.sources.notion.payloads import (
    Comment,
    Database,
    Object,
    Page,
)
from ingest.sources.notion.types import (
    NotionCommentMetadata,
    NotionDatabaseMetadata,
    NotionDocMetadata,
)
from ingest.sources.wire import at, mapping, objects, read, text

Answered = TypeVar("Answered", bound=Object)

_ROW_OF = frozenset({"data_source_id", "database_id"})

TOLD_DELETED = "toldDeleted"
"""In the hint of a look-up: an event told the object's end."""
UNSEEN: dict[str, JSON] = {"unseen": True}
"""What a look-up reads of an object that is not shown, nor is what would prove that it is gone."""


def documents(lookup: Lookup) -> tuple[Change | Refresh, ...]:
    """What a look-up read, as changes; raises `BadPayload` where it is not whole.

    What is read is `{"page" | "database" | "comment": Notion's object, "parent": {"type", "id"}}`
    and, of a page, `blocks`; of a data source the id of its database, which is looked up instead,
    so that two look-ups of one database never race. Of what is out of sight (`UNSEEN`) nothing is
    said: whatever is known of it stays.
    """
    if not isinstance(lookup.raw, dict):
        raise BadPayload("$", "not an object")
    if lookup.raw == UNSEEN:
        return ()
    build = _BUILT.get(lookup.identity.kind)
    if build is None:
        raise BadPayload("$", f"no document is made of a {lookup.identity.kind}")
    said = caught_up(lookup, (build(lookup, lookup.raw),))
    if len(said) > 1 or lookup.raw.get("short") is not True:
        return said
    return (*said, *later(lookup, is_new=True))


def direct_parent(parent: JSON) -> tuple[str, str] | None:
    """(kind, id) of the page or database that Notion's `parent` names itself.

    None for a block or a table, which stands in one, and for the workspace.
    """
    # A table's parent names its database too.
    for name, kind in (("database_id", "database"), ("page_id", "page")):
        id_ = dashed(at(parent, name))
        if id_ is not None:
            return kind, id_
    return None


def _page(lookup: Lookup, raw: Payload) -> Change:
    page = _asked_for(lookup, read(Page, raw.get("page"), "page"))
    if page.is_trashed:
        return _trashed(lookup, page)
    told: Payload = page.properties or {}
    parent = _parent(lookup, page, raw)
    is_row = str(at(page.parent, "type")) in _ROW_OF or at(page.parent, "database_id") is not None
    database = parent.id if is_row and parent and parent.kind == "database" else None
    title = properties.title(told)
    metadata = NotionDocMetadata(
        kind="database-page" if is_row else "doc-page",
        page_id=page.id,
        database_id=database,
        title=title,
        url=page.url or page_url(page.id),
        properties=properties.values(told) if is_row else None,
        last_edited_time=page.last_edited_time,
        last_edited_by=text(page.last_edited_by, "id"),
        is_archived=page.is_archived or None,
    )
    return Upsert(
        identity=lookup.identity,
        version=page.version,
        source_id=page.id,
        title=title,
        body=_body(raw),
        metadata=metadata.told(),
        created_at=page.created_at,
        parent=parent,
        aliases=(undashed(page.id),),
        references=_once(
            page.id, (*properties.references(told), *markdown.references(raw.get("blocks")))
        ),
        links=tuple(sorted(set(properties.links(told)))),
        labels=_labels(raw, database),
    )


def _asked_for(lookup: Lookup, answered: Answered) -> Answered:
    if answered.id != lookup.identity.id:
        raise BadPayload(f"{lookup.identity.kind}.id", "another object was answered")
    return answered


def _body(raw: Payload) -> str:
    """The blocks, and that there are more, where there are."""
    shown = markdown.markdown(raw.get("blocks"))
    return "\n\n".join(part for part in (shown, *_marks(raw)) if part)


def _marks(raw: Payload) -> Iterator[str]:
    """That something of it is not shown, for whichever reason."""
    for name, said in (("unread", markdown.UNREAD), ("cut", markdown.CUT)):
        if raw.get(name) is True:
            yield said


def _database(lookup: Lookup, raw: Payload) -> Change:
    database = _asked_for(lookup, read(Database, raw.get("database"), "database"))
    if database.is_trashed:
        return _trashed(lookup, database)
    title = rich_text.plain(database.title).strip() or properties.UNTITLED
    names = [*filter(None, (text(one, "name") for one in objects(database.data_sources)))]
    metadata = NotionDatabaseMetadata(
        database_id=database.id,
        title=title,
        url=database.url or page_url(database.id),
        data_sources=names or None,
        last_edited_time=database.last_edited_time,
        last_edited_by=text(database.last_edited_by, "id"),
    )
    about = rich_text.markdown(database.description).strip()
    return Upsert(
        identity=lookup.identity,
        version=database.version,
        source_id=database.id,
        title=title,
        body="\n\n".join(filter(None, (about, *_tables(database, raw), *_marks(raw)))),
        metadata=metadata.told(),
        created_at=database.created_at,
        parent=_parent(lookup, database, raw),
        aliases=(undashed(database.id),),
        references=_once(database.id, _mentions(database.description)),
        labels=frozenset({database.id}),
    )


def _tables(database: Database, raw: Payload) -> Iterator[str]:
    """Its data sources; in answers of versions that know none, the database is its own."""
    for table in objects(raw, "tables"):
        yield _table(table)
    if database.properties and not [*objects(database.data_sources)]:
        yield _table({"title": database.title, "properties": database.properties})


def _table(table: Payload) -> str:
    """A data source: its name, and those of its columns."""
    name = rich_text.plain(table.get("title")).strip() or properties.UNTITLED
    columns = ", ".join(sorted(mapping(table, "properties")))
    return f"{name}: {columns}" if columns else ""


def _comment(lookup: Lookup, raw: Payload) -> Change:
    """A comment has no trash of its own, it is deleted for good: one that says it lies there says
    so of its page, which hides it, and brings it back.
    """
    comment = _asked_for(lookup, read(Comment, raw.get("comment"), "comment"))
    parent = _parent(lookup, comment, raw)
    discussion = dashed(comment.discussion_id)
    page = parent.id if parent and parent.kind == "page" else None
    on = page_url(parent.id if parent else comment.id)
    metadata = NotionCommentMetadata(
        comment_id=comment.id,
        discussion_id=discussion,
        page_id=page,
        url=f"{on}?d={undashed(discussion)}" if discussion else on,
        created_by=text(comment.created_by, "id"),
        author_name=text(comment.display_name, "resolved_name"),
        last_edited_time=comment.last_edited_time,
    )
    return Upsert(
        identity=lookup.identity,
        version=comment.version,
        source_id=comment.id,
        title="Comment",
        title_is_made_up=True,
        body="\n\n".join(filter(None, _said(comment))),
        metadata=metadata.told(),
        created_at=comment.created_at,
        parent=parent,
        aliases=(undashed(comment.id),),
        references=_once(comment.id, _mentions(comment.rich_text)),
        labels=_labels(raw),
    )


def _labels(raw: Payload, database: str | None = None) -> frozenset[str] | None:
    """The database that it is a row of, or stands in however deep; None where nobody asked, or
    nobody knows.
    """
    found = database or text(raw, "group")
    return frozenset({found}) if found else None


def _said(comment: Comment) -> Iterable[str]:
    """A comment's text, and the files that came with it; their URLs expire."""
    yield rich_text.markdown(comment.rich_text)
    for attached in objects(comment.attachments):
        url = rich_text.safe_url(at(attached, "file", "url"), expires=True)
        if url is not None:
            yield rich_text.link(text(attached, "category") or "", url)


def _data_source(lookup: Lookup, raw: Payload) -> Refresh:
    id_ = dashed(raw.get("database_id"))
    if id_ is None:
        raise BadPayload("parent.database_id", "missing")
    identity = Identity(lookup.identity.source_type, lookup.identity.scope, "database", id_)
    hint: dict[str, JSON] = {"parent": {"type": "data_source", "id": lookup.identity.id}}
    return Refresh(identity, hint)


def _trashed(lookup: Lookup, object_: Object) -> Delete:
    """It can come back, so its version is its own; of two of one version the later look-up wins."""
    return Delete(lookup.identity, object_.version, aliases=(undashed(object_.id),))


def _parent(lookup: Lookup, object_: Object, raw: Payload) -> Identity | None:
    """Where it stands: as it says itself, or as the client found by walking up."""
    place = direct_parent(object_.parent)
    if place is None:
        kind, id_ = at(raw, "parent", "type"), dashed(at(raw, "parent", "id"))
        place = (str(kind), id_) if kind in ("page", "database") and id_ else None
    if place is None:
        return None
    return Identity(lookup.identity.source_type, lookup.identity.scope, *place)


def _mentions(items: JSON) -> Iterable[Reference]:
    for id_, evidence in rich_text.mentioned(items):
        yield Reference("mention", "notion", id_, "field", evidence)


def _once(own: str, told: Iterable[Reference]) -> tuple[Reference, ...]:
    """Each relationship to another object once, with its first evidence; sorted."""
    kept: dict[tuple[str, str], Reference] = {}
    for reference in told:
        if reference.key != own:
            kept.setdefault((reference.kind, reference.key), reference)
    return tuple(kept[place] for place in sorted(kept))


_BUILT: Mapping[str, Callable[[Lookup, Payload], Change | Refresh]] = {
    "page": _page,
    "database": _database,
    "comment": _comment,
    "data_source": _data_source,
}
