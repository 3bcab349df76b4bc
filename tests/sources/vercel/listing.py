"""Halcyon's project as Vercel lists it: clients, walks to the end, and what comes of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ingest.core.changes import Change, Refresh
from ingest.core.identity import Identity
from ingest.core.ranks import content
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.contract import Lookup
from ingest.sources.listing import Page, PageRequest
from ingest.sources.vercel import SOURCE
from ingest.sources.vercel.client import VercelClient, connect
from ingest.sources.vercel.demo.fake import Vercel, make
from ingest.testing.fakes import Fake
from ingest.testing.walking import changes_of, named_in, pages_of
from tests.sources.vercel.deliveries import CONNECTION, HOST, body

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
AT_MS = 1_772_445_600_000
DAY_MS = 86_400_000
TEAM, PROJECT = "team_halcyon", "prj_1"
SCOPE = f"{HOST}/{PROJECT}"
META: Mapping[str, str] = body("deployment.ready")["payload"]["deployment"]["meta"]
Said = tuple[Change | Refresh, ...]


def halcyon() -> Vercel:
    """A Vercel with Halcyon's project, and nothing deployed."""
    fake = make()
    fake.put_team(TEAM, "halcyon")
    fake.put_project(PROJECT, "web", TEAM)
    return fake


def deploy(vercel: Vercel, number: int, state: str = "READY", **more: Any) -> str:
    """The deployment of that number, a minute after the one before; its id."""
    id_, at = f"dpl_{number:06d}", AT_MS + number * 60_000
    told = {"meta": dict(META), "target": "production", **more}
    vercel.deploy(id_, PROJECT, f"web-{number:06d}-halcyon.vercel.app", at_ms=at, **told)
    if state == "ERROR":
        vercel.log(id_, "stderr", f"lamp {number} is out", at_ms=at + 1)
        vercel.fail(id_, at_ms=at + 2, code="E", message=f"{number} failed", step="buildStep")
    elif state != "QUEUED":
        vercel.become(id_, state, at_ms=at + 2)
    return id_


def identity(id_: str) -> Identity:
    return Identity("vercel", SCOPE, "deployment", id_)


@contextmanager
def client_of(fake: Fake, token: str | None = None, **metadata: JSON) -> Iterator[VercelClient]:
    """A client as a connection would have it."""
    given = token or fake.provider.token
    access = Access(fake.url, given, {**CONNECTION, **metadata}, lambda: NOW)
    with closing(connect(access)) as client:
        yield client


@dataclass(frozen=True, slots=True)
class Walk:
    """The pages of one listing, to its end."""

    pages: tuple[Page, ...]

    @property
    def kept(self) -> JSON:
        return self.pages[-1].kept

    @property
    def gap(self) -> str | None:
        return next((page.gap for page in self.pages if page.gap), None)

    @property
    def seen(self) -> set[str]:
        """Ids of all that was met, told or not."""
        return {one.id for one in named_in(self.pages)}

    @property
    def said(self) -> dict[str, Said]:
        """What comes of what was told, by id; the last word counts."""
        return {
            one.identity.id: changes_of(SOURCE, one, CONNECTION)
            for page in self.pages
            for one in page.listed
        }


def asked(
    *,
    since: datetime | None = None,
    cursor: JSON = None,
    kept: JSON = None,
    made_by: str = "code",
    resource: str = "deployments",
) -> PageRequest:
    return PageRequest(resource, since, NOW, cursor, kept, connection=CONNECTION, made_by=made_by)


def walk(client: VercelClient, *, made_by: str = "code", **request: Any) -> Walk:
    """A listing to its end, of all or `since` a time, with what the last one `kept`."""
    given = {"connection": CONNECTION, "made_by": made_by, **request}
    return Walk(tuple(pages_of(client, "deployments", **given)))


def looked_up(client: VercelClient, id_: str) -> Said:
    """What a look-up says of the same deployment."""
    lookup = Lookup(identity(id_), connection=CONNECTION, sent_at=NOW)
    sight = client.fetch_one(lookup)
    documents = SOURCE.documents
    assert documents is not None
    return documents(Lookup(identity(id_), connection=CONNECTION, sent_at=NOW, raw=sight.raw))


def contents(said: Iterable[Change | Refresh]) -> list[JSON]:
    """All that decides what is stored."""
    return [content(one) if not isinstance(one, Refresh) else repr(one) for one in said]
