"""Linear's kinds of object that become documents, and what is known of one when it is told or seen.

Law: with a token, every document ends in the form that a look-up gives. A payload that tells all of
its object (comments, projects, updates, mostly) is an upsert as it stands: the look-up would say
the same. One that cannot is a look-up, and the payload is what stands where there is no token:

- an issue's payload holds neither its relations nor, as a rule, its attachments. Were it applied,
  it would drop those that a look-up had lookup, until the next look-up; so it never is. One request
  answers for all events of an issue that come close together.
- a document's payload does not name the document or the issue that it stands in, an initiative's
  lacks its long text, a comment's or an update's may lack the name of what it is on, the author or
  the URL.
- an action that Linear has not published (`restore`) says nothing about what is in the payload.

A removal is told, and needs nobody to ask. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from ingest.core.changes import Change, Delete, Refresh, Upsert
from ingest.core.errors import BadPayload
from ingest.core.values import JSON
from ingest.sources.contract import Lookup
from ingest.sources.later import caught_up, fresh
from ingest.sources.linear import comments, documents, pages
from ingest.sources.linear.listing import UNPROVEN
from ingest.sources.linear.payloads import (
    Comment,
    Document,
    Entity,
    Initiative,
    Issue,
    Project,
    Update,
)
from ingest.sources.linear.shapes import Place, keys, version
from ingest.sources.wire import read

_PUBLISHED = frozenset({"create", "update", "remove"})
LAG_S = 30.0
"""How long after an event the API may not know the object yet."""

E = TypeVar("E", bound=Entity)


@dataclass(frozen=True, slots=True)
class Kind(Generic[E]):
    """How one kind is read. `gone`: the field that is set while it lies in the trash, from where it
    can be restored; None where a removal is final, as the id never returns.
    """

    kind: str
    model: type[E]
    document: Callable[[E, Place], Upsert]
    tells_all: Callable[[E, Place], bool]
    gone: str | None = "trashed"

    def told(self, data: JSON, action: str, place: Place) -> tuple[Entity, Change | Refresh]:
        """The object of a payload, and the change that it makes or asks for."""
        if action == "remove" or self._in_trash(data):
            gone = read(Entity, data, "data")
            return gone, self._delete(gone, place)
        if action not in _PUBLISHED:
            return self._unheard(data, place)
        whole = read(self.model, data, "data")
        told = self.document(whole, place)
        return whole, told if self.tells_all(whole, place) else _ask(told)

    def seen(self, raw: JSON, place: Place) -> Change:
        """What a look-up says: the same document, or that it lies in the trash."""
        if self._in_trash(raw):
            return self._delete(read(Entity, raw, "data"), place)
        return self.document(read(self.model, raw, "data"), place)

    def _unheard(self, data: JSON, place: Place) -> tuple[Entity, Refresh]:
        """An action of which we know nothing: its object need not be whole either."""
        entity = read(Entity, data, "data")
        try:
            return entity, _ask(self.document(read(self.model, data, "data"), place))
        except BadPayload:
            identity = place.identity(self.kind, entity.id)
            return entity, Refresh(identity, patience_s=LAG_S)

    def _in_trash(self, data: JSON) -> bool:
        if self.gone is None or not isinstance(data, Mapping):
            return False
        told = data.get(self.gone)
        return told is True if self.gone == "trashed" else isinstance(told, str) and bool(told)

    def _delete(self, gone: Entity, place: Place) -> Delete:
        # The version is the object's own, as for every other change. `archivedAt`, the time at
        # which it went to the trash, is often later; taken as the version it would outrank a
        # restored object whose `updatedAt` did not move, also when a look-up sees it, for ever.
        # So the two tie instead: the delete wins among what is told, and a look-up settles it
        # (`confirmed`), as one that saw the object before outranks what is told of that version.
        whom, final = place.identity(self.kind, gone.id), self.gone is None
        return Delete(
            identity=whom,
            version=version(gone),
            final=final,
            confirm=Refresh(whom, patience_s=LAG_S, gone=True) if final else None,
            aliases=keys(gone.previous_identifiers),
        )


def _never(_object: Entity, _place: Place) -> bool:
    return False


# linear.app/developers/webhooks and the schema: a removed issue, project, document or initiative
# lies in the trash (`trashed`), a removed update in the archive (`projectUpdateArchive`); a comment
# is destroyed. An archived issue, project or initiative is done work and stays.
AnyKind = (
    Kind[Issue] | Kind[Comment] | Kind[Project] | Kind[Update] | Kind[Document] | Kind[Initiative]
)
BY_TYPE: Mapping[str, AnyKind] = {
    "Issue": Kind("issue", Issue, documents.issue_document, _never),
    "Comment": Kind(
        "comment", Comment, comments.comment_document, comments.tells_whole_comment, gone=None
    ),
    "Project": Kind("project", Project, documents.project_document, documents.tells_whole_project),
    "ProjectUpdate": Kind(
        "project_update",
        Update,
        pages.project_update_document,
        pages.tells_whole_update,
        gone="archivedAt",
    ),
    "Document": Kind("document", Document, pages.document_document, _never),
    "Initiative": Kind("initiative", Initiative, pages.initiative_document, _never),
    "InitiativeUpdate": Kind(
        "initiative_update",
        Update,
        pages.initiative_update_document,
        pages.tells_whole_update,
        gone="archivedAt",
    ),
}
_BY_KIND: Mapping[str, AnyKind] = {kind.kind: kind for kind in BY_TYPE.values()}


def found_documents(lookup: Lookup) -> tuple[Change | Refresh, ...]:
    """What a look-up saw, as the one change that it is; raises `BadPayload` with the path.

    Of an object that was not found, and is not proven gone, it says nothing.
    """
    identity = lookup.identity
    kind = _BY_KIND.get(identity.kind)
    if kind is None:
        raise BadPayload("kind", f"{identity.kind} is no kind of document of Linear's")
    if isinstance(lookup.raw, Mapping) and lookup.raw.get(UNPROVEN) is True:
        return ()
    change = kind.seen(lookup.raw, Place(identity.scope))
    if change.identity != identity:
        raise BadPayload("data.id", "the answer holds another object than was asked for")
    return caught_up(lookup, (change,))


def confirmed(told: Change | Refresh) -> tuple[Refresh, ...]:
    """The look-up that a webhook's removal into the trash asks for beside."""
    if not isinstance(told, Delete) or told.final:
        return ()
    return (Refresh(told.identity, fresh(is_there=False)),)


def again(told: Upsert) -> Refresh | None:
    """The look-up that settles a doubt: every kind of document has one."""
    return _ask(told, otherwise=()) if told.identity.kind in _BY_KIND else None


def _ask(told: Upsert, otherwise: tuple[Change, ...] | None = None) -> Refresh:
    """The look-up of a document; its teams are what has to be readable where it is not lookup."""
    hint = fresh(told.version)
    if told.labels:
        hint["teamIds"] = [*sorted(told.labels)]
    return Refresh(
        told.identity, hint, (told,) if otherwise is None else otherwise, patience_s=LAG_S
    )
