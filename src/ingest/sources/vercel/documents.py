"""From a deployment to the document that it is: one mapping, whoever tells of it.

Law: a document is a pure function of the deployment, never of the delivery that told of it. Where
a payload leaves out what the API knows, the rest is the same. Performs no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ingest.core.changes import (
    UPSERT_PRIORITY,
    Change,
    Delete,
    Field,
    Patch,
    Refresh,
    Upsert,
    Withdraw,
)
from ingest.core.errors import BadPayload
from ingest.core.identity import Identity
from ingest.core.references import Reference
from ingest.core.slugs import bounded_key
from ingest.core.times import iso
from ingest.sources.contract import Lookup, Payload
from ingest.sources.vercel import payloads
from ingest.sources.vercel.awaited import awaited
from ingest.sources.vercel.build_log import BuildLog, build_log, plain
from ingest.sources.vercel.git import Commit, commit
from ingest.sources.vercel.mentions import is_own_host
from ingest.sources.vercel.types import VercelDocMetadata
from ingest.sources.wire import items, mapping, nonblank

# The rank of a state is the version. A blocked deployment waits as a queued one does, and either
# can follow the other; the last three end it, and which of those holds is told by priority or by a
# look-up's fence. A state that we have not heard of is one of building.
_RANKS: Mapping[str, int] = {
    "BLOCKED": 1,
    "QUEUED": 1,
    "INITIALIZING": 2,
    "BUILDING": 3,
    "READY": 4,
    "ERROR": 4,
    "CANCELED": 4,
}
TIMES_RANK = 9
"""Above every state: what is known of the times outlives whatever state replaces another."""
FAILED, LAST = "ERROR", "READY"
"""A state that can be the last, as the others of its rank."""
REASONED: Mapping[str, str] = {FAILED: "Error", "CANCELED": "Reason", "BLOCKED": "Reason"}
"""States of which Vercel may say why, and what that is called in the text."""
_SHA = re.compile(r"[0-9a-f]{40}")
_NO_LOG = BuildLog()
_NO_COMMIT = Commit()


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a deployment failed, was canceled or is blocked, as Vercel says it."""

    message: str | None = None
    code: str | None = None
    step: str | None = None

    @property
    def summary(self) -> str | None:
        """`<message> (<code>, <step>)`, as much of it as is told."""
        where = ", ".join(filter(None, (self.code, self.step)))
        if self.message is None:
            return where or None
        said = plain(self.message)
        return f"{said} ({where})" if where else said


@dataclass(frozen=True, slots=True)
class Deployed:
    """A deployment as both webhook and API can tell it. `host` has no scheme, `page` is the
    dashboard's.
    """

    id: str
    host: str
    project: str
    status: str
    created_at: datetime
    environment: str = "preview"
    target: str | None = None
    commit: Commit = _NO_COMMIT
    page: str | None = None
    ready_at: datetime | None = None
    failure: Failure | None = None
    log: BuildLog = _NO_LOG


def version(status: str) -> int:
    """The rank of a state."""
    return _RANKS.get(status, _RANKS["BUILDING"])


def host_of(url: str) -> str:
    """A deployment's host, of what Vercel calls its URL; a path is kept, a scheme is not."""
    return url.partition("://")[2] or url if "://" in url else url


def environment_of(target: str | None, custom: str | None = None) -> str:
    """No target is a preview, and so is `staging`, unless a custom environment has a name."""
    return custom or ("production" if target == "production" else "preview")


def document(identity: Identity, of: Deployed, *, priority: int = UPSERT_PRIORITY) -> Upsert:
    """The document of one deployment."""
    metadata = VercelDocMetadata(
        deployment_id=of.id,
        deployment_url=f"https://{of.host}",
        project=of.project,
        environment=of.environment,
        status=of.status,
        target=of.target,
        commit_sha=of.commit.sha,
        commit_message=of.commit.message,
        branch=of.commit.branch,
        error_count=of.log.errors or None,
        error_summary=of.failure.summary if of.failure else None,
        created_at=iso(of.created_at),
        ready_at=iso(of.ready_at) if of.ready_at else None,
        url=of.page or f"https://{of.host}",
    )
    host = of.host.lower()
    return Upsert(
        identity=identity,
        version=version(of.status),
        source_id=bounded_key(of.id),
        title=f"{of.project} {of.environment} deployment {of.commit.short or of.host}",
        title_is_made_up=True,
        body=_body(of),
        metadata=metadata.told(),
        created_at=of.created_at,
        aliases=(*((bounded_key(host),) if is_own_host(host) else ()), *_brings(of)),
        references=_pull_request(of.commit),
        temporal=_temporal(of),
        branch=of.commit.branch or None,
        home=of.commit.repository,
        home_scope=of.commit.repository_id,
        priority=priority,
    )


def documents(lookup: Lookup) -> tuple[Change | Refresh, ...]:
    """What a look-up saw, or a list: the deployment and, where it failed, the events of its build,
    newest first; or `agedOut` alone, of one that is not there any more.
    """
    raw, identity = mapping(lookup.raw), lookup.identity
    if raw.get("agedOut") is True:
        return (aged_out(identity),)
    of = payloads.seen(mapping(raw, "deployment"))
    if _is_of_another_project(of, lookup.connection):
        return (Withdraw(identity, version=None),)
    if of.has_aged_out:
        return (aged_out(identity),)
    if of.is_gone:
        # It can be restored for 30 days, and its state is then what it was.
        return (Delete(identity, version=None),)
    if of.status is None:
        raise BadPayload("deployment.readyState", "missing")
    log = build_log(items(raw, "events")) if of.status == FAILED else _NO_LOG
    later = awaited(lookup, of, log)
    if of.url is None and later:
        return later
    return (document(identity, _seen(of, of.status, log)), *later)


def aged_out(identity: Identity) -> Patch:
    """Vercel keeps it no longer: the document stays as it was, and says so until it is restored."""
    return Patch(identity, version(LAST), {"agedOut": Field(value=True, merge="newest")})


def _is_of_another_project(of: payloads.Seen, connection: Payload) -> bool:
    """Whether the token reads more than the connection stands for."""
    own = nonblank(connection, "vercelProjectId")
    project = of.project_id or nonblank(of.project, "id")
    return bool(own and project and project != own)


def _seen(of: payloads.Seen, status: str, log: BuildLog) -> Deployed:
    if of.url is None:
        raise BadPayload("deployment.url", "missing")
    host = host_of(of.url)
    return Deployed(
        id=of.id,
        host=host,
        project=of.name or nonblank(of.project, "name") or host.partition(".")[0],
        status=status,
        created_at=payloads.time(of.made, "deployment.createdAt"),
        environment=environment_of(of.target, of.environment),
        target=of.target,
        commit=commit(of.meta, of.git_source),
        page=of.inspector_url,
        ready_at=payloads.time_if(of.ready) if status == "READY" else None,
        failure=failure(status, of, of.reason),
        log=log,
    )


def failure(status: str, of: payloads.Deployment, reason: str | None) -> Failure | None:
    """Why it is in this state; None for one that needs no reason. Lists name no step: it is told of
    what failed alone, which is always looked up.
    """
    if status not in REASONED:
        return None
    return Failure(reason, of.error_code, of.error_step if status == FAILED else None)


def _body(of: Deployed) -> str:
    facts: Mapping[str, str | None] = {
        "Status": of.status,
        "Environment": of.environment,
        "Branch": of.commit.branch,
        "Commit": of.commit.sha,
    }
    parts = ["\n".join(f"{name}: {value}" for name, value in facts.items() if value)]
    if of.commit.message:
        parts.append(of.commit.message)
    summary = of.failure.summary if of.failure else None
    if summary:
        parts.append(f"{REASONED.get(of.status, 'Error')}: {summary}")
    if of.log.lines:
        parts.append(f"Build log:\n\n{of.log.fenced}")
    return "\n\n".join(parts)


def _temporal(of: Deployed) -> dict[str, str]:
    """Itself, and the commit that it was built from where that is named in full."""
    sha = (of.commit.sha or "").lower()
    return {"deploymentId": of.id} | ({"commitSha": sha} if _SHA.fullmatch(sha) else {})


def _brings(of: Deployed) -> tuple[str, ...]:
    """The commit that it brought to production, once it is there."""
    sha = (of.commit.sha or "").lower()
    is_live = of.target == "production" and of.status == "READY"
    return (sha,) if is_live and _SHA.fullmatch(sha) else ()


def _pull_request(of: Commit) -> tuple[Reference, ...]:
    if of.key is None:
        return ()
    thing = None
    if of.repository_id and of.pull_request:
        thing = Identity("github", of.repository_id, "issue", of.pull_request)
    return (Reference("mention", "github", of.key, "field", "meta.githubPrId", thing=thing),)
