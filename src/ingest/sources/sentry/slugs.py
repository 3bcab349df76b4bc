"""What a project was and is called: the slug that it was connected by, and those told since.

A project is renamed at Sentry, and nobody is told; each of its issues has another short id from
then on, with the same counter. `api/bases/project.py` of getsentry/sentry. Performs no I/O.
"""

from __future__ import annotations

from ingest.core.changes import Upsert
from ingest.core.slugs import bounded_key
from ingest.core.times import from_epoch_s, iso, parse_time, to_micros
from ingest.core.values import JSON
from ingest.sources.contract import Payload
from ingest.sources.forms import ID
from ingest.sources.wire import mapping, text

LEARNED = "projectSlugs"
MOST = 20
"""Names of one project: whoever claims more claims no more."""


def slugs(metadata: Payload) -> tuple[str, ...]:
    """Every slug of the connection's project, that of now first."""
    told = {slug: _micros(at) for slug, at in mapping(metadata, LEARNED).items() if ID.fits(slug)}
    given = text(metadata, "sentryProjectSlug")
    if given:
        told.setdefault(given, -1)
    return tuple(sorted(told, key=lambda slug: (-told[slug], slug)))


def slug_of(metadata: Payload) -> str | None:
    """What the connection's project is called by now, as far as it is known."""
    return next(iter(slugs(metadata)), None)


def learned(metadata: Payload, told: Upsert) -> dict[str, JSON]:
    """The slug that an issue bears, if that is new, or the project has it again."""
    slug = told.metadata.get("project")
    if told.identity.kind != "issue" or not ID.fits(slug) or slug == slug_of(metadata):
        return {}
    known = dict(mapping(metadata, LEARNED))
    is_new = slug not in slugs(metadata)
    if is_new and len(known) >= MOST:
        return {}
    if not is_new and told.version <= max(map(_micros, known.values()), default=0):
        return {}
    return {LEARNED: {**known, slug: iso(from_epoch_s(told.version // 1_000_000))}}


def keys_by_names(metadata: Payload, key: str) -> frozenset[str]:
    """`STORE-7` and `SHOP-7`, of a project that was both."""
    prefix, dash, counter = key.rpartition("-")
    prefixes = [slug.upper() for slug in slugs(metadata)]
    if not dash or prefix.upper() not in prefixes:
        return frozenset()
    return frozenset(bounded_key(f"{other}-{counter}") for other in prefixes) - {key}


def renamed(metadata: Payload) -> str | None:
    """That the project is called otherwise than when it was connected."""
    given, now = text(metadata, "sentryProjectSlug"), slug_of(metadata)
    if given is None or now == given:
        return None
    return f"Sentry's project {given} is called {now} by now; issues are found by either name"


def _micros(at: JSON) -> int:
    try:
        return to_micros(parse_time(at)) if isinstance(at, str) else 0
    except ValueError:
        return 0
