"""Checks the connections: whether their webhooks can come in and their providers can be asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ingest.core.errors import BadSettings, IngestError, RateLimited
from ingest.core.times import iso
from ingest.flows.connections import agreement
from ingest.flows.doctor.findings import Finding, failed, fine, note
from ingest.flows.lookups.clients import Clients
from ingest.sources.contract import Source
from ingest.sources.registry import all_sources
from ingest.store import conditions, connections, credentials, flags, handshakes, health
from ingest.store.connections import DISCONNECTED, PAUSED, REFUSED, Connection
from ingest.store.credentials import WEBHOOK_SECRET, Credential
from ingest.store.engine import transaction
from ingest.store.flags import DENIED, MOST_KEPT, UNVERIFIED
from ingest.store.handshakes import Handshake
from ingest.store.issued import ACCESS_TOKEN
from ingest.store.reasons import TOKENLESS

_LET_ASK = "ingest source credentials {id} --token-env VAR"
_LET_IN = "ingest source credentials {id} --webhook-secret-env VAR"
_REARM = "ingest source verification {id} --rearm"
_RESUME = "ingest source resume {id}"
_SAME_SECRET = (
    f"let its provider and us have one secret: {_LET_IN}, or at the provider; where it made the "
    "webhook for us: ingest source doctor {id} --fix"
)
_CLOCK = "timedatectl set-ntp true (on the receiver's machine; a provider's clock is right)"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a check-up knows beside the database.

    app_wide: the webhook secrets of the app-wide routes, by source type.
    clients: None where no provider may be asked, or no secret can be opened.
    """

    app_wide: Mapping[str, Sequence[str]] = field(repr=False)
    clients: Clients | None


@dataclass(frozen=True, slots=True)
class _ConnectionState:
    """One connection as the database has it.

    ends: when the first live secret of a kind ends. secret_at: when it got its newest webhook
    secret. tokenless: deliveries that were skipped for want of a token.
    """

    connection: Connection
    source: Source
    secrets: Mapping[str, int]
    ends: Mapping[str, datetime]
    secret_at: datetime | None
    condition: Mapping[str, Any]
    flags: Sequence[Mapping[str, Any]]
    handshake: Handshake | None
    tokenless: int
    has_told: bool
    last_at: datetime | None
    last_app_wide_at: datetime | None

    def check(self, what: str) -> str:
        """How a finding names it."""
        return f"{self.connection.source_type} {self.connection.name!r}: {what}"

    @property
    def flagged(self) -> frozenset[str]:
        """Its flags, as the condition tells the newest of them."""
        told = ((flag["subject"], flag["said"]) for flag in self.flags)
        return frozenset(": ".join(filter(None, one)) for one in told)

    def do(self, command: str) -> str:
        """The command, for this connection."""
        return command.format(id=self.connection.id)


def look_at_connections(
    engine: sa.Engine, around: Surroundings, only: str | None = None
) -> Iterator[Finding]:
    """The checks of every connection that is not disconnected, made one by one as they are taken.

    only: of the one of that id. Each provider is asked once, with no transaction open. For a
    database that `look_at_database` finds well: raises `TransientError` where it is away.
    """
    with transaction(engine) as conn:
        standing = _standing_connections(conn, only)
        seen = _read(conn, standing)
        stranded = [one for one in standing if one.source_type not in all_sources()]
    for connection in stranded:
        yield _stranded(connection)
    if not standing:
        yield note("connections", "there is none yet", "ingest source connect --help")
    for one in seen:
        yield _standing(one)
        yield from _flagged(one)
        yield _webhook(one, around)
        yield from _unverified(one)
        yield _token(engine, one, around)
        yield _received(one)
        yield from _named(one)
        yield from _agreeing(engine, one)


def _named(one: _ConnectionState) -> Iterator[Finding]:
    """Whether its thing is called otherwise than when it was connected."""
    said = one.source.descriptor.renamed(one.connection.metadata)
    if said is not None:
        yield note(one.check("name"), said)


def _agreeing(engine: sa.Engine, one: _ConnectionState) -> Iterator[Finding]:
    """Whether another one, from before this was refused, wants the same documents otherwise."""
    metadata = one.connection.metadata
    with transaction(engine, durable=False) as conn:
        fed = connections.stores_of(conn, [one.connection.id]).get(one.connection.id, ())
        found = list(agreement.conflicts(conn, one.source.descriptor, metadata, fed))
    for conflict in found:
        yield failed(one.check("documents"), str(conflict), agreement.REMEDY)


def _standing_connections(conn: sa.Connection, only: str | None) -> list[Connection]:
    ids = [row["id"] for row in connections.listing(conn, only) if row["status"] != DISCONNECTED]
    by_id = connections.by_id(conn, ids)
    return [by_id[id_] for id_ in ids]


def _stranded(connection: Connection) -> Finding:
    """A connection whose source is not there any more, or cannot be used."""
    source_type = connection.source_type
    return failed(
        f"{source_type} {connection.name!r}: source",
        "its source is missing or broken, so its webhooks are refused and its deliveries are dead",
        f"install or mend the package that brings {source_type!r}, restart every process, and "
        f"replay; or: ingest source disconnect {connection.id}",
    )


def _read(conn: sa.Connection, standing: Sequence[Connection]) -> list[_ConnectionState]:
    known = all_sources()
    last = health.received(conn)
    told = health.have_told(conn)
    tokenless = health.skipped_for(conn, TOKENLESS)
    listed = {one.id: credentials.listing(conn, one.id) for one in standing}
    return [
        _ConnectionState(
            connection=one,
            source=known[one.source_type],
            secrets=credentials.kinds(conn, one.id),
            ends=_first_ends(listed[one.id]),
            secret_at=_newest_secret(listed[one.id]),
            condition=conditions.read(conn, one.id),
            flags=flags.read(conn, one.id),
            handshake=handshakes.read(conn, one.id),
            tokenless=tokenless.get(one.id, 0),
            has_told=one.id in told,
            last_at=last.get((one.source_type, one.id)),
            last_app_wide_at=last.get((one.source_type, None)),
        )
        for one in standing
        if one.source_type in known
    ]


def _first_ends(stored: Sequence[Credential]) -> Mapping[str, datetime]:
    ends: dict[str, datetime] = {}
    for one in stored:
        if one.live and one.expires_at is not None:
            ends[one.kind] = min(ends.get(one.kind, one.expires_at), one.expires_at)
    return ends


def _newest_secret(stored: Sequence[Credential]) -> datetime | None:
    made = (one.created_at for one in stored if one.kind == WEBHOOK_SECRET and one.live)
    return max(made, default=None)


def _standing(one: _ConnectionState) -> Finding:
    """Whether it acts."""
    check, connection = one.check("state"), one.connection
    if connection.status == REFUSED:
        problem = one.condition.get("problem") or "the provider refuses it"
        remedy = f"{one.do(_LET_ASK)}; or, once it is let in again: {one.do(_RESUME)}"
        return failed(check, f"paused, refused by the provider: {problem}", remedy)
    if connection.status == PAUSED or not connection.is_active:
        return note(check, "paused by a person; deliveries wait", one.do(_RESUME))
    problem = one.condition.get("problem")
    if problem is not None and problem not in one.flagged:
        return note(check, f"it acts as far as it can: {problem}", "mend what it names")
    held_until = one.condition.get("held_until")
    if held_until is not None:
        return note(check, f"its provider wants to be left alone until {iso(held_until)}")
    return fine(check, f"{connection.id} is active")


def _flagged(one: _ConnectionState) -> Iterator[Finding]:
    """What its provider told of it, and which objects are refused to its token alone."""
    denied = [flag for flag in one.flags if flag["flag"] == DENIED]
    for flag in one.flags:
        if flag["flag"] not in {DENIED, UNVERIFIED}:
            said = f"{flag['said']} (since {iso(flag['flagged_at'])})"
            yield note(one.check(flag["flag"]), said, f"once that is over: {one.do(_RESUME)}")
    if denied:
        newest = denied[0]
        most = "at least " if len(denied) >= MOST_KEPT else ""
        said = (
            f"{most}{len(denied)} objects are not shown to the token, of late {newest['subject']}: "
            f"{newest['said']}"
        )
        remedy = f"{one.do(_LET_ASK)}; or, once it may read them: {one.do(_RESUME)}"
        yield note(one.check("denied"), said, remedy)


def _webhook(one: _ConnectionState, around: Surroundings) -> Finding:
    """Whether a webhook of its can be verified, on its own route or the app-wide one."""
    check, descriptor, handshake = one.check("webhook"), one.source.descriptor, one.handshake
    own = one.secrets.get(WEBHOOK_SECRET, 0)
    route = f"/webhooks/{descriptor.source_type}/{one.connection.id}"
    if handshake is not None and handshake.armed_until is not None:
        return note(check, f"waits for its handshake at {route} until {iso(handshake.armed_until)}")
    if handshake is not None and handshake.captured_at is not None and not handshake.shown_at:
        remedy = one.do("ingest source verification {id}")
        return note(check, "its verification token came, and nobody has seen it yet", remedy)
    if handshake is not None and handshake.unproven:
        said = f"{own} secrets for {route}: the newest is not proven yet, so older ones stay"
        return note(check, said, one.do("ingest source verification {id} --confirm"))
    if own:
        return fine(check, f"{own} secrets for {route}{_ending(one.ends.get(WEBHOOK_SECRET))}")
    if descriptor.signs_for_all_tenants and around.app_wide.get(descriptor.source_type):
        return fine(check, f"verified by the app-wide secret of /webhooks/{descriptor.source_type}")
    if descriptor.verification_token is not None:
        said = "no secret: its handshake did not come in time"
        return failed(check, said, f"{one.do(_REARM)}; then have it sent to {route}")
    return failed(check, f"no secret: {route} refuses every request", one.do(_LET_IN))


def _unverified(one: _ConnectionState) -> Iterator[Finding]:
    """Whether what comes is refused; not where something was verified since, or a secret is new."""
    refused = next((flag for flag in one.flags if flag["flag"] == UNVERIFIED), None)
    if refused is None:
        return
    at, why = refused["flagged_at"], refused["said"]
    if any(since is not None and since > at for since in (one.last_at, one.secret_at)):
        return
    remedy = _CLOCK if why.startswith("signed time") else one.do(_SAME_SECRET)
    said = f"its webhooks come and are refused, of late at {iso(at)}: {why}"
    yield failed(one.check("signature"), said, remedy)


def _ending(end: datetime | None) -> str:
    return f", of which one ends at {iso(end)}" if end is not None else ""


def _token(engine: sa.Engine, one: _ConnectionState, around: Surroundings) -> Finding:
    """Whether its provider can be asked, proven by one cheap request."""
    check, title = one.check("token"), one.source.descriptor.title
    if one.source.connect is None:
        return fine(check, f"{title} is not asked for anything")
    if not one.connection.has_token:
        said = f"none: nothing can be looked up at {title}"
        if one.tokenless:
            said = f"none: {one.tokenless} deliveries were skipped for want of one"
            return failed(check, said, one.do(_LET_ASK))
        return note(check, said, one.do(_LET_ASK))
    if around.clients is None:
        return note(check, "stored, and not tried")
    try:
        with transaction(engine) as conn:
            token = around.clients.tokens(conn, [one.connection.id]).get(one.connection.id)
        told = around.clients.of(one.connection, token).check()
    except BadSettings as error:
        return failed(check, str(error), one.do(_LET_ASK))
    except RateLimited as error:
        return note(check, f"not proven: {error}")
    except IngestError as error:
        return failed(check, str(error), one.do(_LET_ASK))
    return _proven(engine, one, token or "", told)


def _proven(engine: sa.Engine, one: _ConnectionState, token: str, told: str) -> Finding:
    """A token that the provider lets in, and when it ends."""
    check, found = one.check("token"), one.source
    end = found.descriptor.token_end(token)
    if end is not None:
        return note(check, f"{told}; it is {end}", one.do(_LET_ASK))
    if found.renewal is None or not found.renewal.applies(token):
        return fine(check, told)
    with transaction(engine) as conn:
        ends = _first_ends(credentials.listing(conn, one.connection.id)).get(ACCESS_TOKEN)
    until = f"the present token ends at {iso(ends)}" if ends is not None else "it has no end"
    return fine(check, f"{told}; renewed by itself: {until}")


def _received(one: _ConnectionState) -> Finding:
    """When it last heard of its provider; news and no judgement, for some are silent for weeks."""
    check = one.check("deliveries")
    if one.last_at is not None:
        return fine(check, f"the last came at {iso(one.last_at)}")
    if one.last_app_wide_at is not None:
        said = f"none on its own route; the last on the app-wide one at {iso(one.last_app_wide_at)}"
        return fine(check, said)
    if one.has_told:
        said = f"none is among the newest {health.MOST_COUNTED:,} of those that are kept"
        return fine(check, said)
    return note(check, "none has come yet")
