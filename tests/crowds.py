"""Many objects for the fakes of all sources beside those of the story, of each kind that is listed.

Law: made of their numbers alone, so that two fakes that are filled alike are alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from ingest.core.times import iso, parse_time, to_micros
from ingest.sources.github.demo.fake import GitHub
from ingest.sources.linear.demo.crowd import fill as fill_linear
from ingest.sources.linear.demo.fake import Linear
from ingest.sources.notion.demo.fake import Notion
from ingest.sources.notion.demo.shapes import block, in_database, in_page, rich
from ingest.sources.sentry.demo.fake import Sentry
from ingest.sources.vercel.demo.fake import Vercel
from ingest.sources.zendesk.demo.fake import Zendesk
from ingest.testing.sample import sample_of

BEGAN = datetime(2026, 2, 1, tzinfo=UTC)
LATER = "2026-05-01T12:00:00Z"
"""When what changes does."""


def crowded(source_type: str, count: int) -> Any:
    """The provider of the story, with some `count` objects more."""
    sample = sample_of(source_type)
    assert sample is not None
    assert sample.provider is not None
    provider = sample.provider()
    CROWDS[source_type](provider, count)
    return provider


def move(source_type: str, provider: Any, count: int) -> None:
    """Of some `count` objects one in twenty changes, at least one, and about as many go."""
    MOVES[source_type](provider, count)


def _at(minute: int) -> str:
    return iso(BEGAN + timedelta(minutes=minute))


def _github(github: GitHub, count: int) -> None:
    """A quarter of issues, of files and of comments each, and some of every other kind."""
    (id_,) = github.repositories
    of = github.repositories[id_]
    few = max(2, count // 20)

    def conversation(number: int, page: str, **fields: Any) -> dict[str, Any]:
        return {
            "id": 10_000 + number,
            "number": number,
            "title": f"Ferry {number} is late",
            "body": f"Again, see #{number + 1}.",
            "state": "closed" if number % 2 else "open",
            "html_url": f"{of.page}/{page}/{number}",
            "user": {"login": "lena"},
            "labels": [{"name": "bug"}],
            "assignees": [],
            "created_at": _at(number),
            "updated_at": _at(number + 1),
            **fields,
        }

    def remark(key: int, **fields: Any) -> dict[str, Any]:
        return {
            "id": key,
            "node_id": f"N_{key}",
            "body": f"Remark {key}",
            "user": {"login": "odd"},
            "created_at": _at(key % 1_000),
            "updated_at": _at(key % 1_000),
            **fields,
        }

    def pull(number: int) -> dict[str, Any]:
        head = {"ref": f"b{number}", "sha": "5f" * 20, "repo": None}
        return conversation(number, "pull") | {"draft": False, "merged_at": None, "head": head}

    def review(key: int) -> dict[str, Any]:
        at = {"state": "approved", "submitted_at": _at(key % 1_000), "commit_id": "5f" * 20}
        return remark(key, html_url=f"{of.page}/pull/2000#pullrequestreview-{key}", **at)

    def discussion(number: int) -> dict[str, Any]:
        category = {"name": "Ideas", "slug": "ideas"}
        return conversation(number, "discussions", category=category)

    def release(key: int) -> dict[str, Any]:
        return {
            **remark(key),
            "tag_name": f"v{key}",
            "name": f"Version {key}",
            "draft": False,
            "html_url": f"{of.page}/releases/tag/v{key}",
            "published_at": _at(key % 1_000),
        }

    def said_in(number: int, key: int) -> str:
        return f"{of.page}/discussions/{number}#discussioncomment-{key}"

    quarter = max(2, count // 4)
    github.populate(
        id_, "issue", range(1_000, 1_000 + quarter), lambda n: conversation(n, "issues")
    )
    github.populate(
        id_,
        "comment",
        range(51_000, 51_000 + quarter),
        remark,
        lambda key: {"number": 1_000 + key % quarter},
    )
    github.populate(id_, "pull_request", range(2_000, 2_000 + few), pull)
    github.populate(id_, "release", range(53_000, 53_000 + few), release)
    github.populate(id_, "discussion", range(4_000, 4_000 + few), discussion)
    for number in range(few):
        github.put(id_, "review", review(54_000 + number), number=2_000 + number)
        url = f"{of.page}/pull/{2_000 + number}#discussion_r{55_000 + number}"
        told = remark(55_000 + number, html_url=url, path="a.py", line=number)
        github.put(id_, "review_comment", told, number=2_000 + number)
        key = 56_000 + number
        told = remark(key, html_url=said_in(4_000 + number, key))
        github.put(id_, "discussion_comment", told, number=4_000 + number)
    changes = {
        f"docs/piers/{n}.md": f"# Pier {n}\n\nWhere ferry {n} lands.\n" for n in range(quarter)
    }
    github.change(id_, of.default_branch, changes, at=_at(90_000))


def _linear(linear: Linear, count: int) -> None:
    """Half of issues, with a comment each; some of every other kind."""
    team = next(one for one in linear.objects["team"].values() if one["key"] == "DEP")
    fill_linear(linear, count // 2, comments_each=1, team=team["id"], begin=100)
    for number in range(max(2, count // 40)):
        place = {"id": f"project-{number}"}
        at = {"createdAt": _at(number), "updatedAt": _at(number)}
        linear.put(
            "project",
            **place,
            **at,
            name=f"Pier {number}",
            description="All boards.",
            url=f"https://linear.app/brindle/project/pier-{number}",
            state="started",
            status={"name": "Running", "type": "started"},
            teams=[{"id": team["id"], "key": team["key"]}],
        )
        linear.relate(f"issue-{100 + number}", "blocks", f"issue-{101 + number}")
        linear.attach(f"issue-{100 + number}", f"https://example.com/{number}", f"Seen {number}")


def _id(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"https://www.notion.so/crowd/{name}"))


def _notion(notion: Notion, count: int) -> None:
    """Rows of the story's database, each with blocks in depth; a comment on every fourth."""
    notion.page_size = 20
    ((database, told),) = notion.databases.items()
    (table,) = (one["id"] for one in told["data_sources"])
    for number in range(count):
        inside = [block("paragraph", rich(f"What was said of ferry {number}."))]
        notion.put_page(
            _id(f"row/{number}"),
            f"Ferry {number}",
            at=_at(number * 3),
            parent=in_database(database, table),
            blocks=[
                block("heading_2", rich(f"Pier {number % 9}")),
                block("toggle", rich("More"), children=inside if number % 3 == 0 else ()),
            ],
        )
        if number % 4 == 0:
            on = in_page(_id(f"row/{number}"))
            notion.put_comment(_id(f"comment/{number}"), on, rich("And again."), at=_at(number))


def _sentry(sentry: Sentry, count: int) -> None:
    (slug,) = sentry.projects
    sentry.search.page_size = 20
    sentry.fill(count, slug)


def _vercel(vercel: Vercel, count: int) -> None:
    """Each third one fails, with a log."""
    (project,) = vercel.projects
    vercel.page_size = 20
    for number in range(count):
        id_, at_ms = f"dpl_{number:024d}", to_micros(BEGAN) // 1_000 + number * 60_000
        host = f"departures-{number:09d}-brindle.vercel.app"
        vercel.deploy(id_, project, host, at_ms=at_ms, target="production", meta={})
        if number % 3:
            vercel.become(id_, "READY", at_ms=at_ms + 9_000)
            continue
        vercel.log(id_, "stderr", f"error in pier {number}", at_ms=at_ms + 5_000)
        vercel.fail(id_, at_ms=at_ms + 9_000, code="E1", message="exit 1", step="buildStep")


def _zendesk(account: Zendesk, count: int) -> None:
    """Two thirds of tickets, some with more comments than one answer holds; the rest articles."""
    account.export_size = 40
    account.page_size = 20
    by, section = next(iter(account.users)), next(iter(account.sections))
    account.fill_tickets(count * 2 // 3, first=20_000, by=by, at=_at(0), comments=2)
    for number in range(max(2, count // 3)):
        id_ = 700_000 + number
        account.put_article(id_, f"Pier {number}", "<p>Wait.</p>", section=section, at=_at(number))
        if number % 2:
            account.put_translation(id_, "de", f"Steg {number}", "<p>Warten.</p>", at=_at(number))


CROWDS: Mapping[str, Callable[[Any, int], None]] = {
    "github": _github,
    "linear": _linear,
    "notion": _notion,
    "sentry": _sentry,
    "vercel": _vercel,
    "zendesk": _zendesk,
}


def _some(count: int) -> range:
    """Numbers of those that change; those that go are behind them."""
    return range(max(1, count // 40))


def _move_github(github: GitHub, count: int) -> None:
    """Issues with what is said on them; files."""
    (id_,) = github.repositories
    of, quarter = github.repositories[id_], max(2, count // 4)
    for n in _some(count):
        github.edit(id_, "issue", 1_000 + n, LATER, title=f"Ferry {n} is on time")
        last = quarter - 1 - n
        github.delete(id_, "issue", 1_000 + last)
        github.delete(id_, "comment", next(k for k in range(51_000, 52_000) if k % quarter == last))
    files = {"docs/piers/0.md": "# Pier 0\n\nClosed.\n", f"docs/piers/{quarter - 1}.md": None}
    github.change(id_, of.default_branch, files, at=LATER)


def _move_linear(linear: Linear, count: int) -> None:
    for n in _some(count):
        linear.edit("issue", f"issue-{100 + n}", parse_time(LATER), title=f"Signal {n} is green")
        last = 100 + count // 2 - 1 - n
        linear.destroy("comment", f"comment-{last}-0")
        linear.destroy("issue", f"issue-{last}")


def _move_notion(notion: Notion, count: int) -> None:
    for n in _some(count):
        notion.edit_page(_id(f"row/{n}"), at=LATER, title=f"Ferry {n}, mended")
        notion.trash(_id(f"row/{count - 1 - n}"), at=LATER)


def _move_sentry(sentry: Sentry, count: int) -> None:
    drawn = [id_ for id_ in sentry.issues if id_.startswith("700")]
    for n in _some(count):
        sentry.edit(drawn[n], status="resolved", substatus=None)
        sentry.delete(drawn[count - 1 - n])


def _move_vercel(vercel: Vercel, count: int) -> None:
    for n in _some(count):
        vercel.become(f"dpl_{n:024d}", "CANCELED", at_ms=to_micros(parse_time(LATER)) // 1_000)
        vercel.remove(f"dpl_{count - 1 - n:024d}")


def _move_zendesk(account: Zendesk, count: int) -> None:
    for n in _some(count):
        account.edit_ticket(20_000 + n, at=LATER, status="solved")
        account.delete_ticket(20_000 + count * 2 // 3 - 1 - n)
        account.edit_article(700_000 + n, at=LATER, title=f"Pier {n}, closed")
        account.delete_article(700_000 + max(2, count // 3) - 1 - n)


MOVES: Mapping[str, Callable[[Any, int], None]] = {
    "github": _move_github,
    "linear": _move_linear,
    "notion": _move_notion,
    "sentry": _move_sentry,
    "vercel": _move_vercel,
    "zendesk": _move_zendesk,
}
