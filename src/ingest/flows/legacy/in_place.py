"""Brings a legacy database over within itself: out, aside, our schema, in again.

Law: a step is known to be done by what stands in the database, and by nothing else. So whoever is
killed begins anew, and goes on. Nothing is dropped before what it held is in an archive that is
sound, and came in; and only by a call of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from ingest.core.errors import BadInput, PermanentError
from ingest.flows.legacy import lines
from ingest.flows.legacy.archive import Archive
from ingest.flows.legacy.export import export
from ingest.flows.legacy.finding import choose, holds_legacy
from ingest.flows.legacy.import_archive import (
    Imported,
    Wishes,
    digest_of,
    import_archive,
    require_sound,
)
from ingest.flows.legacy.importing import bring_in, zoneless
from ingest.flows.legacy.lines import Row
from ingest.flows.legacy.manifest import MANIFEST
from ingest.flows.legacy.passing import Tell, counted
from ingest.flows.legacy.reporting import Tally
from ingest.flows.legacy.target import ImportTarget
from ingest.store import legacy, legacy_aside, legacy_imports, upgrade
from ingest.store.condition import UnfitDatabase
from ingest.store.engine import patient, transaction
from ingest.store.legacy import FoundDatabase, FoundTable
from ingest.store.legacy_aside import Aside

Step = Callable[[str], None]
"""Hears what is done next."""


class NotMoved(PermanentError):
    """A step cannot be taken as things stand; nothing was changed by it."""


@dataclass(frozen=True, slots=True)
class LegacyPlace:
    """A legacy database that is to come over within itself.

    directory: where its archive is to stand, or stands; None for `default`, in which an archive of
    an earlier state may be replaced. program: our version. source_types: of the schema.
    """

    engine: sa.Engine
    directory: Path | None
    default: Path
    program: str
    source_types: Collection[str]
    step: Step = lambda _: None


def import_in_place(place: LegacyPlace, wishes: Wishes) -> Imported:
    """Take all steps that are left. Raises `UnfitDatabase` for a database that is no legacy one,
    `BadInput` for a directory that holds another archive, `NotMoved`.
    """
    found = _aside(place.engine)
    if found is None:
        _export_and_move(place, wishes.tell)
        found = _required(place.engine)
    archive = _archive_of(place, found)
    place.step("upgrade")
    upgrade.upgrade(place.engine, place.source_types)
    place.step("import")
    done = import_archive(place.engine, archive, wishes, in_place=True)
    place.step("done")
    return done


def try_in_place(place: LegacyPlace, wishes: Wishes) -> Imported:
    """What `import_in_place` would do, by the rows as they are; writes nothing."""
    found = _aside(place.engine)
    if found is not None:
        archive = _archive_of(place, found)
        return import_archive(place.engine, archive, wishes, in_place=True, is_dry=True)
    with transaction(place.engine) as conn:
        looked = legacy.look(conn)
        chosen = _whole(looked)
    tables = {name: table.name for name, table in chosen.items()}
    about = {name: table.about for name, table in chosen.items()}
    tally = Tally(wishes.sink)
    target = ImportTarget(place.engine, tally, zoneless(looked.at), is_dry=True, is_ready=False)
    bring_in(target, _Tables(place.engine, tables), wishes.progress(about))
    return Imported("", "", tally, is_dry=True)


def drop_old(place: LegacyPlace, tell: Tell = lambda _: None) -> tuple[str, ...]:
    """Drop the tables that were moved aside; their names, none where nothing is aside.

    Raises `NotMoved` where the import is not complete, the archive is not sound any more, or a
    table holds other rows than the archive.
    """
    found = _aside(place.engine)
    if found is None:
        return ()
    archive = _archive_of(place, found)
    with transaction(place.engine) as conn:
        is_complete = legacy_imports.is_finished(conn, found.archive)
    if not is_complete:
        raise NotMoved(
            "the import of the old tables is not complete, so that nothing was dropped; run "
            "`ingest legacy import --in-place` to its end first"
        )
    place.step("verify")
    require_sound(archive, tell)
    place.step("compare")
    with transaction(place.engine) as conn, patient(conn):
        legacy_aside.take_time(conn)
        legacy_aside.lock(conn, found.tables.values())
        other = _differing(conn, archive, found.tables, tell)
        if other:
            raise NotMoved(
                f"{', '.join(other)} hold other rows than the archive in {archive.directory}, so "
                "that nothing was dropped; look who writes to the old tables"
            )
        legacy_aside.drop(conn, found)
    return tuple(sorted(found.tables.values()))


def _aside(engine: sa.Engine) -> Aside | None:
    with transaction(engine) as conn:
        return legacy_aside.find(conn)


def _required(engine: sa.Engine) -> Aside:
    found = _aside(engine)
    if found is None:
        raise NotMoved("the old tables were moved back meanwhile; run this again")
    return found


def _archive_of(place: LegacyPlace, found: Aside) -> Archive:
    """The archive of what was moved; it must be the very one that it was compared with then."""
    directory = Path(found.directory)
    if place.directory is not None and place.directory.resolve() != directory:
        raise BadInput(f"the archive of this database stands in {directory}; name that, or none")
    archive = Archive.open(directory)
    if digest_of(archive) != found.archive:
        raise NotMoved(
            f"{directory} holds another archive than that with which the old tables were compared; "
            "put that back"
        )
    return archive


def _export_and_move(place: LegacyPlace, tell: Tell) -> None:
    """Export, unless an archive is there; move the tables, if they still are as in the archive."""
    with transaction(place.engine) as conn:
        looked = legacy.look(conn)
        _whole(looked)
    directory = (place.directory or place.default).resolve()
    if not (directory / MANIFEST).exists():
        _export(place, directory, tell, replace=False)
    archive = Archive.open(directory)
    if _move(place, archive, tell):
        return
    if place.directory is not None:
        raise BadInput(
            f"{directory} holds an archive of other rows than the database has now; stop whatever "
            "writes to it, and name another directory"
        )
    if archive.manifest.database.name != looked.name:
        raise BadInput(
            f"{directory} holds the archive of database {archive.manifest.database.name}, which is "
            "kept; name another directory"
        )
    _export(place, directory, tell, replace=True)
    if not _move(place, Archive.open(directory), tell):
        raise NotMoved(
            "the tables changed while they were exported; stop whatever writes to them, and run "
            "this again"
        )


def _export(place: LegacyPlace, directory: Path, tell: Tell, *, replace: bool) -> None:
    place.step("export")
    export(place.engine, directory, program=place.program, replace=replace, tell=tell)


def _move(place: LegacyPlace, archive: Archive, tell: Tell) -> bool:
    """Move the tables aside where they hold what the archive does; False where they do not."""
    place.step("verify")
    require_sound(archive, tell)
    place.step("move aside")
    with transaction(place.engine) as conn, patient(conn):
        legacy_aside.take_time(conn)
        tables = {name: table.name for name, table in _whole(legacy.look(conn)).items()}
        legacy_aside.lock(conn, tables.values())
        if _differing(conn, archive, tables, tell):
            return False
        legacy_aside.move(conn, tables, str(archive.directory), digest_of(archive))
    return True


def _whole(looked: FoundDatabase) -> dict[str, FoundTable]:
    """The tables of a database that is a legacy one alone; some are called as ours are."""
    if looked.schema_version is not None and holds_legacy(looked):
        raise UnfitDatabase(
            f"database {looked.name} has our schema already ({looked.schema_version}), so nothing "
            "in it is moved; run `ingest legacy export DIR` and `ingest legacy import DIR` instead"
        )
    return {name: table for name, table in choose(looked).items() if table is not None}


def _differing(
    conn: sa.Connection, archive: Archive, tables: Mapping[str, str], tell: Tell
) -> list[str]:
    """The tables that do not hold what the archive does, to the byte."""
    found: list[str] = []
    for logical, told in archive.tables.items():
        name = tables.get(logical)
        if told is None or name is None:
            found += [name or logical] if (told is None) != (name is None) else []
            continue
        digest = hashlib.sha256()
        for block in counted(legacy.rows(conn, name), logical, told.rows, tell):
            digest.update(block)
        if digest.hexdigest() != told.sha256:
            found.append(name)
    return found


@dataclass(frozen=True, slots=True)
class _Tables:
    """The tables themselves, read as an archive is."""

    engine: sa.Engine
    tables: Mapping[str, str]

    def rows(self, logical: str) -> Iterator[Row]:
        name = self.tables.get(logical)
        if name is None:
            return
        with transaction(self.engine, snapshot=True) as conn:
            rest = b""
            for block in legacy.rows(conn, name):
                *whole, rest = (rest + block).split(b"\n")
                yield from map(lines.parse, whole)
