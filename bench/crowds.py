"""What stands at each provider before it is connected: its fake, with many objects. Pure.

Texts are those of `mix`: of real size, with references, and of each object another one. An object
of number `n` is what `n` makes it, so a crowd is the same each time.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from bench import letters, mix
from ingest.core.times import iso
from ingest.core.values import JSON
from ingest.sources.github.demo.fake import GitHub
from ingest.sources.linear.demo import crowd
from ingest.sources.linear.demo.fake import Linear
from ingest.sources.notion.demo.fake import Notion
from ingest.sources.notion.demo.shapes import block, in_database, in_page, rich
from ingest.sources.sentry.demo.fake import Sentry
from ingest.sources.vercel.demo.fake import Vercel
from ingest.sources.zendesk.demo.fake import Zendesk
from ingest.testing.fakes import Provider
from ingest.testing.sample import sample_of

BEGAN_AT = datetime(2026, 1, 1, tzinfo=UTC)
_TEXTS = 997
"""So many texts are written; each object's own differs by its first words."""
_DAY_MS = 86_400_000
MOST_LETTERS = 1_000
"""Thin letters whose pages there are, by their numbers from 0 on."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A provider with many objects. metadata: of a connection to it. documents: how many of each
    kind its objects are.
    """

    source_type: str
    provider: Provider
    metadata: Mapping[str, JSON]
    documents: Counter[str]


@cache
def _prose() -> list[str]:
    chance = random.Random(7)
    sizes, weights = zip(*mix.MIX, strict=True)
    drawn = chance.choices(sizes, weights, k=_TEXTS)
    return [mix.prose(chance, int(size), 1) for size in drawn]


def text(n: int) -> str:
    """The text of an object: 0.5 to 3 kB, and a reference in every third."""
    told = f"Fixes https://github.com/acme/shop/issues/{n + 1}.\n\n" if n % 3 == 0 else ""
    return f"{told}Seen {n} times. {_prose()[n % _TEXTS]}"


def at(n: int) -> str:
    """When the object of a number was made."""
    return iso(BEGAN_AT + timedelta(seconds=n))


def github(objects: int) -> Filled:
    """Conversations, and a fifth of files."""
    files = objects // 5
    made = conversations(objects - files)
    tree = {f"src/part_{n % 20}/case_{n}.md": text(n) for n in range(files)}
    assert isinstance(made.provider, GitHub)
    made.provider.change(mix.REPOSITORY_ID, "main", {**tree}, at=at(0))
    return replace(made, documents=made.documents + Counter(file=files))


def conversations(objects: int) -> Filled:
    """Issues, as many comments on them, and a tenth of pull requests, of a repository of GitHub's;
    they take no room.
    """
    made, id_, name = GitHub(), mix.REPOSITORY_ID, "acme/shop"
    made.add(id_, name)
    pulls = objects // 10
    issues = (objects - pulls) // 2
    comments = objects - pulls - issues
    page = f"https://github.com/{name}"

    def conversation(n: int, path: str) -> dict[str, Any]:
        return {
            "id": 10_000_000 + n, "node_id": f"I_{n}", "number": n, "title": f"Case {n}",
            "body": text(n), "state": "closed" if n % 3 else "open", "state_reason": None,
            "user": {"login": f"dev-{n % 40}", "id": n % 40, "type": "User"}, "comments": 1,
            "labels": [{"id": 1, "name": "bug", "color": "d73a4a"}], "assignees": [],
            "milestone": None, "locked": False, "html_url": f"{page}/{path}/{n}",
            "author_association": "MEMBER", "created_at": at(n), "updated_at": at(n),
            "closed_at": at(n) if n % 3 else None, "draft": False,
        }  # fmt: skip

    def pull(n: int) -> dict[str, Any]:
        branch = {"ref": f"case-{n}", "sha": f"{n:040x}", "repo": None}
        merged = {"merged": bool(n % 3), "merged_at": at(n) if n % 3 else None}
        return {**conversation(n, "pull"), "head": branch, **merged}

    def comment(id_: int) -> dict[str, Any]:
        number = id_ - 5_000_000
        return {
            "id": id_, "node_id": f"IC_{id_}", "body": text(id_), "created_at": at(number),
            "updated_at": at(number), "author_association": "MEMBER",
            "user": {"login": f"dev-{id_ % 40}", "id": id_ % 40, "type": "User"},
            "html_url": f"{page}/issues/{1 + number % issues}#issuecomment-{id_}",
        }  # fmt: skip

    made.populate(id_, "issue", range(1, issues + 1), lambda n: conversation(n, "issues"))
    made.populate(id_, "pull_request", range(issues + 1, issues + pulls + 1), pull)
    keys = range(5_000_000, 5_000_000 + comments)
    made.populate(
        id_, "comment", keys, comment, lambda key: {"number": 1 + (key - keys[0]) % issues}
    )
    named = {"githubRepoId": str(id_), "repoFullName": name, "owner": "acme"}
    return Filled(
        "github",
        made,
        {**_metadata("github"), **named},
        Counter(issue=issues, pull_request=pulls, comment=comments),
    )


def linear(objects: int) -> Filled:
    """Issues with a comment each."""
    made = Linear()
    issues = objects // 2
    crowd.fill(made, issues, comments_each=1, text=text)
    return Filled("linear", made, _metadata("linear"), Counter(issue=issues, comment=issues))


def notion(objects: int) -> Filled:
    """A table with its rows, as many pages beside it, and comments on a tenth of these."""
    made = Notion(page_size=100, workspace_id=str(_metadata("notion")["notionWorkspaceId"]))
    comments = objects // 20
    pages = objects - comments - 1
    database, table = _uid("database"), _uid("table")
    made.put_database(database, "Cases", at=at(0), sources={table: "Cases"})
    for n in range(pages):
        parts = [block("paragraph", rich(part)) for part in text(n).split("\n\n") if part.strip()]
        home = {"parent": in_database(database, table)} if n % 2 else {}
        made.put_page(_uid(f"page/{n}"), f"Case {n}", at=at(60 * n), blocks=parts, **home)
    for n in range(comments):
        made.put_comment(
            _uid(f"comment/{n}"), in_page(_uid(f"page/{n}")), rich(text(n)), at=at(60 * n)
        )
    return Filled(
        "notion", made, _metadata("notion"), Counter(page=pages, database=1, comment=comments)
    )


def sentry(objects: int) -> Filled:
    """Issues with stacks of a dozen frames, and a comment on every fifth."""
    meta = _metadata("sentry")
    made = Sentry(str(meta["sentryOrganizationSlug"]))
    slug = str(meta["sentryProjectSlug"])
    made.put_project(slug, str(meta["sentryProjectId"]))
    issues = objects * 5 // 6
    made.fill(issues, slug, newest=datetime.now(UTC))
    made.search.page_size = 100
    return Filled(
        "sentry", made, _metadata("sentry"), Counter(issue=issues, comment=(issues + 4) // 5)
    )


def vercel(objects: int) -> Filled:
    """Deployments of commits, all of them ready."""
    made, meta = Vercel(), _metadata("vercel")
    project = str(meta["vercelProjectId"])
    made.put_project(project, str(meta["projectName"]))
    began_ms = int(datetime.now(UTC).timestamp() * 1000) - 20 * _DAY_MS
    for n in range(objects):
        id_, at_ms = f"dpl_{n:08d}", began_ms + 1000 * n
        made.deploy(
            id_, project, f"web-{n:08d}.vercel.app", at_ms=at_ms, target="production", meta=_meta(n)
        )
        made.become(id_, "READY", at_ms=at_ms + 500)
    return Filled("vercel", made, meta, Counter(deployment=objects))


def zendesk(objects: int) -> Filled:
    """Tickets with two comments each; a tenth are articles."""
    made = Zendesk(subdomain=str(_metadata("zendesk")["zendeskSubdomain"]))
    made.put_user(1, "Ragnhild")
    articles = objects // 10
    made.fill_tickets(
        objects - articles, first=1, by=1, at="2026-02-01T00:00:00Z", comments=2, text=text
    )
    made.put_section(1, "Boards")
    for n in range(articles):
        body = "".join(f"<p>{part}</p>" for part in text(n).split("\n\n"))
        made.put_article(9_000_000 + n, f"Case {n}", body, section=1, at=at(n))
    return Filled(
        "zendesk", made, _metadata("zendesk"), Counter(ticket=objects - articles, article=articles)
    )


def notion_beside(objects: int) -> Filled:
    """Pages of Notion, and beside them those of the thin letters, which no search tells."""
    found = notion(objects)
    made = found.provider
    assert isinstance(made, Notion)
    said = (block("paragraph", rich(text(0))),)
    for n in range(MOST_LETTERS):
        made.put_page(letters.page_id(n), f"Case {n}", at=at(n), blocks=said)
        made.unindexed.add(letters.page_id(n))
    named = {"notionWorkspaceId": letters.NOTION_WORKSPACE}
    made.workspace_id = letters.NOTION_WORKSPACE
    return replace(found, metadata={**found.metadata, **named})


CROWDS: Mapping[str, Callable[[int], Filled]] = {
    "github": github,
    "linear": linear,
    "notion": notion,
    "sentry": sentry,
    "vercel": vercel,
    "zendesk": zendesk,
}


def _meta(n: int) -> dict[str, str]:
    return {
        "githubCommitSha": f"{n:040x}", "githubCommitRef": "main",
        "githubCommitMessage": text(n), "githubCommitAuthorName": "Marit",
        "githubCommitAuthorLogin": "marit", "githubOrg": "acme", "githubRepo": "shop",
        "githubCommitOrg": "acme", "githubCommitRepo": "shop", "githubDeployment": "1",
    }  # fmt: skip


def _metadata(source_type: str) -> Mapping[str, Any]:
    found = sample_of(source_type)
    assert found is not None
    return found.metadata


def _uid(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"crowd/{name}"))
