"""Releases as documents, once they are published; a draft is none.

Law: a release is a function of itself and the repository's name. Performs no I/O.
"""

from __future__ import annotations

import re
from datetime import datetime

from ingest.core.changes import UPSERT_PRIORITY, Upsert
from ingest.core.errors import BadPayload
from ingest.core.times import to_micros
from ingest.core.values import JSON
from ingest.sources.github.payloads import Release
from ingest.sources.github.places import Place, login, present, told

_COMMIT = re.compile(r"[0-9a-f]{40}\Z")


def release(
    place: Place,
    of: Release,
    *,
    seen_at: datetime | None = None,
    priority: int = UPSERT_PRIORITY,
    aliases: tuple[str, ...] = (),
) -> Upsert:
    """A published release. Its target is a branch or a commit; only a commit is certain.

    Where `updated_at` is not told, the version of a look-up is the time at which it was asked,
    `seen_at`, and the metadata leaves that time out by either road.
    """
    version = of.updated_at or seen_at or of.time
    if version is None:
        raise BadPayload("release.created_at", "required and missing, and so is updated_at")
    commit = of.target_commitish if _COMMIT.match(of.target_commitish or "") else None
    metadata: dict[str, JSON] = {
        "type": "github",
        "kind": "release",
        "repoFullName": place.repository,
        "id": of.id,
        "tagName": of.tag_name,
        "url": of.html_url,
        "author": login(of.author),
        "prerelease": bool(of.prerelease),
        "targetCommitish": of.target_commitish,
        "createdAt": told(of.created_at),
        "publishedAt": told(of.published_at),
    }
    return Upsert(
        identity=place.identity("release", of.id),
        version=to_micros(version),
        source_id=place.tag(of.tag_name),
        title=of.name or of.tag_name,
        body=of.body or "",
        metadata=present(metadata),
        created_at=of.published_at or of.created_at,
        aliases=aliases,
        home=place.repository,
        home_scope=place.scope,
        priority=priority,
        temporal={"commitSha": commit} if commit else {},
    )
