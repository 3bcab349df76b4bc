"""Imports an archive: looks whether it is sound, brings it in, and notes that it is all there."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from ingest.core.errors import BadInput, PermanentError
from ingest.flows.legacy.archive import Archive
from ingest.flows.legacy.importing import bring_in, zoneless
from ingest.flows.legacy.manifest import MANIFEST
from ingest.flows.legacy.passing import Passed, Tell
from ingest.flows.legacy.reporting import Sink, Tally
from ingest.flows.legacy.target import ImportTarget, Progress
from ingest.store import legacy_imports, upgrade
from ingest.store.engine import transaction


class DamagedArchive(PermanentError):
    """The files of an archive are not what was exported."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """Who hears what is said of rows, and how far it is."""

    sink: Sink = lambda _: None
    tell: Tell = lambda _: None

    def progress(self, about: Mapping[str, int]) -> Progress:
        """How far it is, of about so many rows of each logical table."""
        return lambda logical, rows: self.tell(Passed(logical, rows, about.get(logical, 0)))


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import came to. `archive`: the SHA-256 of its manifest, empty where it has none."""

    archive: str
    directory: str
    tally: Tally
    is_dry: bool


def import_archive(
    engine: sa.Engine,
    archive: Archive,
    wishes: Wishes,
    *,
    in_place: bool = False,
    is_dry: bool = False,
) -> Imported:
    """Bring an archive into a database that has our schema. A dry run writes nothing.

    Raises `DamagedArchive`, having written nothing.
    """
    require_sound(archive, wishes.tell)
    digest, directory = digest_of(archive), str(archive.directory)
    tally = Tally(wishes.sink)
    if not is_dry:
        with transaction(engine) as conn:
            legacy_imports.start(conn, digest, directory, in_place=in_place)
    target = ImportTarget(engine, tally, zoneless(archive.manifest.taken_at), is_dry=is_dry)
    about = {logical: told.rows for logical, told in archive.tables.items() if told is not None}
    bring_in(target, archive, wishes.progress(about))
    if not is_dry:
        with transaction(engine) as conn:
            legacy_imports.finish(conn, digest, tally.as_json())
    return Imported(digest, directory, tally, is_dry)


def require_schema(engine: sa.Engine, source_types: Collection[str]) -> None:
    """Raise `BadInput` for a database that has not our schema, with what to do about it."""
    behind = upgrade.check(engine, source_types)
    if behind:
        raise BadInput(f"the database cannot take an archive: {'; '.join(behind)}")


def require_sound(archive: Archive, tell: Tell = lambda _: None) -> None:
    """Raise `DamagedArchive` where a file is not what the manifest says; reads every byte.

    `tell` hears how far it is.
    """
    damage = [flaw for flaw in archive.verify(tell) if flaw.is_damage]
    if damage:
        first = damage[0]
        raise DamagedArchive(
            f"the archive in {archive.directory} is damaged ({first.logical}: {first.what}); "
            f"`ingest legacy verify {archive.directory}` says all of it"
        )


def digest_of(archive: Archive) -> str:
    """The SHA-256 of the manifest, which has those of all files, in hex."""
    return hashlib.sha256((archive.directory / MANIFEST).read_bytes()).hexdigest()
