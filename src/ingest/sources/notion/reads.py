"""Notion's objects as they are told, each with what stands around it: of look-ups and of lists.

Law: whoever reads an object, it is read the same way. Only the object itself and the bot can refuse
the token: what is not let in beside them is as good as not there.
"""

from __future__ import annotations

from ingest.core.errors import Refused
from ingest.core.values import JSON
from ingest.sources.answers import Absent
from ingest.sources.contract import Payload
from ingest.sources.http import Api
from ingest.sources.notion.completing import completed
from ingest.sources.notion.descriptor import FREE
from ingest.sources.notion.ids import dashed
from ingest.sources.notion.reading import MOST_LEVELS, Reading
from ingest.sources.wire import at, objects


def whole_page(reading: Reading, page: dict[str, JSON]) -> dict[str, JSON]:
    """A page with its blocks; of one in the trash the page alone.

    `short`: a property of it could not be had now, and is left out.
    """
    raw: dict[str, JSON] = {"page": page}
    if not is_trashed(page):
        raw["page"] = completed(reading, page)
        raw["parent"] = reading.parent(page.get("parent"))
        if reading.filtered:
            raw["group"] = group_of(reading, page.get("parent"))
        raw |= reading.body(str(page.get("id")))
        raw |= {"short": True} if reading.is_short else {}
    return raw


def whole_database(reading: Reading, database: dict[str, JSON]) -> dict[str, JSON]:
    """A database with its tables; of one in the trash the database alone.

    `cut`: it has more tables than are asked for.
    """
    raw: dict[str, JSON] = {"database": database}
    if not is_trashed(database):
        raw["parent"] = reading.parent(database.get("parent"))
        tables: list[JSON] = []
        for id_ in table_ids(database):
            if reading.is_spent:
                reading.is_cut = True
                break
            table = reading.whole(f"data_sources/{id_}")
            tables += [] if table is None else [table]
        raw |= {"tables": tables, "cut": reading.is_cut}
    return raw


def table_ids(database: Payload) -> list[str]:
    """The ids of its data sources."""
    ids = (dashed(source.get("id")) for source in objects(database, "data_sources"))
    return [id_ for id_ in ids if id_ is not None]


def group_of(reading: Reading, parent: JSON) -> str | None:
    """The database that something with this `parent` stands in, however deep below a row of it;
    `FREE` where it stands in none. None where the way up leaves what is shared: then nobody knows.
    """
    passed: list[str] = []
    found: str | None = None
    while len(passed) < MOST_LEVELS:
        found = dashed(at(parent, "database_id"))
        above = _above(parent)
        if found is not None or above is None:
            found = found or (FREE if isinstance(parent, dict) else None)
            break
        if above in reading.groups:
            found = reading.groups[above]
            break
        passed.append(above)
        object_ = reading.whole(above)
        if at(object_, "type") == "child_database":
            found = dashed(at(object_, "id"))
            break
        if object_ is None:
            break
        parent = object_.get("parent")
    reading.groups.update(dict.fromkeys(passed, found))
    return found


def _above(parent: JSON) -> str | None:
    """The path of what a `parent` names, where that may stand in something else."""
    for name, kind in (
        ("data_source_id", "data_sources"),
        ("page_id", "pages"),
        ("block_id", "blocks"),
    ):
        id_ = dashed(at(parent, name))
        if id_ is not None:
            return f"{kind}/{id_}"
    return None


def group_at(reading: Reading, place: JSON) -> str | None:
    """The same of what stands on a page or in a database, as {"type", "id"}."""
    id_ = dashed(at(place, "id"))
    if at(place, "type") == "database":
        return id_
    return group_of(reading, {"page_id": id_}) if id_ else None


def bot_of(api: Api) -> JSON:
    """The token's own user, which is shown to whatever the integration may do.

    Raises `Refused` where nobody is known by the token.
    """
    try:
        return api.get("users/me").json()
    except Absent as absent:
        raise Refused(f"{absent}: Notion knows no bot by the token") from absent


def is_trashed(object_: Payload) -> bool:
    """`archived` is the older name of `in_trash`; `is_archived` is something else."""
    trashed = object_.get("in_trash")
    return bool(object_.get("archived") if trashed is None else trashed)
