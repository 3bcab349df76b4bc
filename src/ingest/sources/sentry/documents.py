"""From Sentry's objects to documents: an issue, and a comment on it.

Law: a document is a pure function of the object, never of the delivery that carried it; only its
version is the time of the telling, for issues have none of their own. Performs no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ingest.core.canonical import clean
from ingest.core.changes import Change, Delete, Refresh, Upsert, Withdraw
from ingest.core.errors import BadPayload
from ingest.core.identity import Identity
from ingest.core.slugs import bounded_key
from ingest.core.times import to_micros
from ingest.core.values import JSON
from ingest.sources.contract import Lookup, Payload
from ingest.sources.later import later
from ingest.sources.sentry.payloads import Comment, Event, Issue, fits, release_name, spelled, word
from ingest.sources.sentry.slugs import keys_by_names, slug_of
from ingest.sources.sentry.types import SentryCommentDocMetadata, SentryDocMetadata
from ingest.sources.sentry.wording import Surroundings, body_of, commit_of, title_of
from ingest.sources.wire import items, mapping, nonblank, objects, read

TRACE_OVERLAP = 100
NOTHING = Surroundings()
_LONGEST_COMMIT = 100
LONGEST_TAG = 200

_SHA = re.compile(r"(?:[^\s@]{1,200}@)?([0-9a-f]{40})")
_HREF = re.compile(r"href=[\"'](https?://[^\"'\s<>]{1,2000})[\"']")
_ORGANIZATION = re.compile(r"/organizations/([\w-]{1,100})/")


def identity(scope: str, kind: str, id_: str) -> Identity:
    """`scope` is the host, and the project on it."""
    return Identity("sentry", scope, kind, id_)


def issue_document(
    issue: Issue,
    scope: str,
    connection: Payload,
    around: Surroundings = NOTHING,
    *,
    taken: frozenset[str] = frozenset(),
) -> Upsert:
    """An issue, without its version; the numeric id finds it beside the short one.

    `taken` are the slugs of others, in upper case: its project is called by none of them.
    """
    short_id = issue.short_id or issue.id
    seen = _seen(issue)
    releases = sorted({*around.releases, *_releases(issue)})
    around_all = Surroundings(
        around.environments, tuple(releases), around.tags, around.event, around.links
    )
    metadata = SentryDocMetadata(
        issue_id=issue.id,
        short_id=short_id,
        project=_project(issue, connection, taken),
        platform=issue.platform,
        level=issue.level or "error",  # develop.sentry.dev, "Event Payloads": the default
        status=issue.status or "unresolved",
        culprit=issue.culprit,
        count=issue.count or 0,
        user_count=issue.user_count,
        environments=[*around.environments],
        releases=releases,
        tags={key: [*values] for key, values in around.tags.items()},
        first_seen=seen[0],
        last_seen=seen[1],
        url=_page(issue, scope, connection),
    )
    return Upsert(
        identity=identity(scope, "issue", issue.id),
        version=0,
        source_id=bounded_key(short_id),
        title=title_of(issue),
        body=body_of(issue, around_all),
        metadata=metadata.told(),
        created_at=issue.first_seen or issue.last_seen,
        aliases=_aliases(issue, bounded_key(short_id), connection),
        frontmatter=_frontmatter(issue),
        links=tuple(sorted({*around.links, *_links(issue)})),
        temporal=_commit(issue, around.event),
        chunk_overlap=TRACE_OVERLAP,
    )


def comment_document(comment: Comment, scope: str, author: Mapping[str, JSON]) -> Upsert:
    """A comment, child of its issue, without its version."""
    metadata = SentryCommentDocMetadata(
        comment_id=comment.comment_id,
        issue_id=comment.issue_id,
        user_id=word(author.get("id")),
        user_name=nonblank(author, "name"),
        created_at=spelled(comment.timestamp) if comment.timestamp else None,
    )
    return Upsert(
        identity=identity(scope, "comment", comment.comment_id),
        version=0,
        source_id=bounded_key(f"{comment.issue_id}/comment/{comment.comment_id}"),
        title=f"Comment on issue {comment.issue_id}",
        title_is_made_up=True,
        body=clean(comment.comment),
        metadata=metadata.told(),
        created_at=comment.timestamp,
        parent=identity(scope, "issue", comment.issue_id),
    )


def documents(lookup: Lookup) -> tuple[Change | Refresh, ...]:
    """What a look-up saw: the issue and its comments, or the one comment that was asked for.

    An issue that was merged away is gone, and found in the one that it went into; one that was
    moved to another project is no longer the connection's.
    """
    raw, scope = mapping(lookup.raw), lookup.identity.scope
    if lookup.identity.kind == "comment" and raw.get("issue") is None:
        return ()  # without its issue nothing is known of a comment
    version = to_micros(lookup.sent_at)
    issue = read(Issue, raw.get("issue"), "issue")
    own, project = nonblank(lookup.connection, "sentryProjectId"), issue.project
    if own and project.id and own not in {project.id, project.slug}:
        return (Withdraw(lookup.identity, version),)
    comments = tuple(_versioned(c, version) for c in _comments(issue, raw, scope))
    if lookup.identity.kind == "comment":
        return tuple(one for one in comments if one.identity == lookup.identity)
    whole = issue_document(issue, scope, lookup.connection, _around(raw), taken=lookup.taken)
    if issue.id == lookup.identity.id:
        awaited = later(lookup) if raw.get("eventIsMissing") is True else ()
        return (_versioned(whole, version), *comments, *awaited)
    survivor = _versioned(whole, version, *_handed_on(lookup, whole))
    # The other issue's own look-ups are one at a time; this one was not among them.
    again = Refresh(survivor.identity)
    return (Delete(lookup.identity, version), survivor, *comments, again)


def again(told: Upsert) -> Refresh | None:
    """A look-up of the issue tells its comments too."""
    if told.identity.kind == "issue":
        return Refresh(told.identity)
    return Refresh(told.parent) if told.parent else None


def _handed_on(lookup: Lookup, survivor: Upsert) -> Sequence[str]:
    """What the issue that was merged away was called: its number, its short ids, and what went into
    it before, as we know it, or the payload did that asked for the look-up.
    """
    told = nonblank(lookup.hint, "shortId")
    keys = {lookup.identity.id, *lookup.keys}
    keys |= {bounded_key(told), bounded_key(told.upper())} if told else set()
    return sorted(keys - {survivor.source_id, *survivor.aliases})


def _versioned(made: Upsert, version: int, *aliases: str) -> Upsert:
    return replace(made, version=version, aliases=(*made.aliases, *aliases))


def _seen(issue: Issue) -> tuple[str, str]:
    """First and last time; one stands in for the other."""
    first, last = issue.first_seen or issue.last_seen, issue.last_seen or issue.first_seen
    if first is None or last is None:
        raise BadPayload("issue.firstSeen", "missing, or not an ISO 8601 time; so is lastSeen")
    return spelled(first), spelled(last)


def _project(issue: Issue, connection: Payload, taken: frozenset[str]) -> str:
    """Its slug; the short id begins with it, and the connection knows it."""
    told, own = issue.project.slug, slug_of(connection)
    told = own if told is None or (own and told.upper() in taken) else told
    return told or (issue.short_id or "").rpartition("-")[0].lower()


def _aliases(issue: Issue, key: str, connection: Payload) -> tuple[str, ...]:
    """Its number, and its short id in capitals and under every name of its project."""
    under_names = keys_by_names(connection, key)
    return tuple(sorted({issue.id, bounded_key(key.upper()), *under_names} - {key}))


def _page(issue: Issue, scope: str, connection: Payload) -> str:
    """`permalink` may be null, and actions of workflows leave the other URLs out."""
    told = issue.permalink or issue.web_url
    if told:
        return told
    named = _ORGANIZATION.search(issue.url or "")
    organization = named[1] if named else nonblank(connection, "sentryOrganizationSlug")
    within = f"organizations/{organization}/" if organization else ""
    host, _, _ = scope.partition("/")
    return f"https://{host}/{within}issues/{issue.id}/"


def _releases(issue: Issue) -> Iterator[str]:
    for told in (issue.first_release, issue.last_release):
        name = release_name(told)
        if name:
            yield name


def _commit(issue: Issue, event: Event | None) -> dict[str, str]:
    """The commit that resolved it; else that of the newest release that is named after one."""
    commit, _ = commit_of(issue)
    if commit and len(commit) <= _LONGEST_COMMIT and not any(map(str.isspace, commit)):
        return {"commitSha": commit}
    told = (issue.last_release, event.release if event else None, issue.first_release)
    named = (_SHA.fullmatch(release_name(release) or "") for release in told)
    return next(({"commitSha": found[1]} for found in named if found), {})


def _frontmatter(issue: Issue) -> dict[str, JSON] | None:
    told: dict[str, JSON] = {
        "substatus": issue.substatus,
        "category": issue.issue_category,
        "type": issue.issue_type if issue.issue_type != issue.issue_category else None,
        "priority": issue.priority,
        "assignee": nonblank(issue.assigned_to, "name"),
        "resolvedInRelease": release_name(issue.status_details.get("inRelease")),
    }
    return {name: value for name, value in told.items() if value is not None} or None


def _links(issue: Issue) -> Iterator[str]:
    """What integrations noted on the issue, and the pull request of the commit that resolved it."""
    for annotation in items(issue.annotations):
        if isinstance(annotation, str):
            yield from _HREF.findall(clean(annotation))
        else:
            yield from filter(None, [nonblank(annotation, "url")])
    commit = mapping(issue.status_details, "inCommit")
    url = nonblank(commit, "pullRequest", "externalUrl")
    if url:
        yield url


def _around(raw: Payload) -> Surroundings:
    """What the look-up brought beside the issue; sets are sorted, for their order moves."""
    told = mapping(raw, "tags")
    tags = {
        key: tuple(sorted({v[:LONGEST_TAG] for v in map(word, items(told[key])) if v}))
        for key in sorted(told)
    }
    event = raw.get("event")
    linked = (nonblank(issue, "webUrl") for issue in objects(raw, "externalIssues"))
    return Surroundings(
        environments=tags.get("environment", ()),
        releases=tags.get("release", ()),
        tags={key: values for key, values in tags.items() if values},
        event=read(Event, event, "event") if event is not None else None,
        links=tuple(url for url in linked if url),
    )


def _comments(issue: Issue, raw: Payload, scope: str) -> Iterator[Upsert]:
    """The notes among an issue's activity, and those beside it, each once.

    A comment's id is that of its activity.
    """
    told: dict[str, Mapping[str, JSON]] = {}
    for note in (*objects(issue.activity), *objects(raw, "comments")):
        id_ = word(note.get("id"))
        if note.get("type") == "note" and id_ and fits(id_) and nonblank(note, "data", "text"):
            told.setdefault(id_, note)
    for id_, note in told.items():
        of_webhook: JSON = {
            "comment_id": id_,
            "issue_id": issue.id,
            "comment": nonblank(note, "data", "text"),
            "timestamp": note.get("dateCreated"),
        }
        comment = read(Comment, of_webhook, "issue.activity")
        yield comment_document(comment, scope, mapping(note, "user"))
