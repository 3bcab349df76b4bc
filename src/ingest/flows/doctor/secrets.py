"""Checks the secrets: whether the keys at hand open what is stored, which app-wide ones there are.

Law: nothing here ever says a secret.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import sqlalchemy as sa

from ingest.core.vault import Vault
from ingest.flows.doctor.findings import Finding, failed, fine, note
from ingest.sources.registry import all_sources, source_types
from ingest.store import credentials, health, issued
from ingest.store.engine import transaction

_ANEW: Mapping[str, str] = {
    credentials.API_TOKEN: "ingest source credentials {id} --token-env VAR",
    issued.ACCESS_TOKEN: "ingest source credentials {id} --token-env VAR",
    issued.LEASE: "ingest source credentials {id} --token-env VAR",
    credentials.WEBHOOK_SECRET: (
        "ingest source credentials {id} --webhook-secret-env VAR, then --retire the former (--list)"
    ),
    "verification_token": "ingest source verification {id} --rearm",
    health.SINK: "ingest changes sink remove {id}, and add it again",
}


def look_at_sealed(engine: sa.Engine, keys: Sequence[str]) -> Iterator[Finding]:
    """Whether every stored secret can be opened, and whether only an older key opens it.

    `keys` as INGEST_SECRET_KEY lists them, the one that encrypts first. Raises `TransientError`
    where the database is away.
    """
    with transaction(engine) as conn:
        stored = health.sealed(conn)
    every, first = Vault(keys), Vault(keys[:1])
    closed = [(id_, kind) for id_, kind, secret in stored if not every.opens(secret)]
    older = sum(1 for *_, secret in stored if not first.opens(secret)) - len(closed)
    for id_, kind in dict.fromkeys(closed):
        yield failed(
            "secret key",
            f"no key of INGEST_SECRET_KEY opens {_whose(kind, id_)}",
            "append the former key to INGEST_SECRET_KEY (comma-separated), or give the secret "
            f"anew: {_ANEW[kind].format(id=id_)}",
        )
    if not closed:
        yield fine("secret key", f"opens all {len(stored)} stored secrets")
    if older:
        said = f"{older} stored secrets need an older key than the first of INGEST_SECRET_KEY"
        yield note("secret key", said, "keep them until `ingest secrets rotate` is done")


def _whose(kind: str, id_: str) -> str:
    if kind == health.SINK:
        return f"the secret of the sink {id_}"
    return f"the {kind.replace('_', ' ')} of connection {id_}"


def look_at_app_wide(app_wide: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    """Which sources' app-wide routes are open; settings that open none.

    `app_wide` are the configured secrets, by source type. Asks no database.
    """
    for source_type, found in all_sources().items():
        descriptor = found.descriptor
        variable = f"INGEST_{source_type.upper()}_WEBHOOK_SECRETS"
        route = f"/webhooks/{source_type}"
        secrets = app_wide.get(source_type, ())
        check = f"app-wide {source_type}"
        if not descriptor.signs_for_all_tenants:
            if secrets:
                said = f"{variable} opens nothing: {descriptor.title} has no app-wide route"
                remedy = f"send to {route}/CONNECTION, and unset {variable}"
                yield note(check, said, remedy)
        elif secrets:
            yield fine(check, f"{route} is open ({len(secrets)} secrets)")
        else:
            yield note(check, f"{route} refuses every request: {variable} is not set")
    for name in sorted(app_wide.keys() - set(source_types())):
        variable = f"INGEST_{name.upper()}_WEBHOOK_SECRETS"
        known = ", ".join(source_types())
        yield failed(
            f"app-wide {name}",
            f"{variable} names no source; known are {known}",
            f"unset {variable}",
        )
