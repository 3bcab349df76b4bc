"""What a source is: the values that a provider's folder gives, the same for all of them.

A folder `sources/<provider>/` exports one `SOURCE`. Its rooms: `descriptor` (what the provider
says about itself, on one page), `payloads` and `types` (its JSON, and the metadata we write),
`normalise` (pure), `mentions` (how the thing is mentioned in text). Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel

from ingest.core.changes import Change
from ingest.core.references import Syntax
from ingest.core.signing import Scheme
from ingest.core.values import JSON

Payload = Mapping[str, JSON]
Headers = Mapping[str, str]
"""Header names in lower case."""


@dataclass(frozen=True, slots=True)
class Message:
    """A verified delivery as an adapter sees it; `tenant` is the scope of every identity in it."""

    headers: Headers
    payload: Payload
    delivery_key: str
    received_at: datetime
    tenant: str


@dataclass(frozen=True, slots=True)
class Normalised:
    """What a message means: the event to record and the changes to apply.

    `skip` is set, and `changes` empty, where the kind is known and ignored on purpose, or unknown.
    `drift` names fields that the adapter does not know, as `<object>.<field>`.
    """

    event: Mapping[str, JSON]
    changes: tuple[Change, ...] = ()
    skip: str | None = None
    drift: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What a provider says about itself. The rules are those of its contract sheet.

    needed_headers: requests without them are answered 400.
    kept_headers: the allow-list of what is stored (signatures are never stored), lower case.
    delivery_key: the provider's delivery id out of headers and payload; None where it is absent.
    key_may_be_absent: then a hash of the body stands in; else a missing id is a 400.
    volatile_fields: top-level body fields that the provider changes on each attempt.
    signs_for_all_tenants: one app's secret signs for everybody, so the app-wide route exists.
    accepts_forms: the provider may send `payload=…` as a form, signed over the form's bytes.
    is_handshake: a verified request that is answered and not stored.
    tenant: the scope that the payload names (repository, organization, …), or None.
    connection: the model of the seed's connection metadata.
    connection_tenant: the scope that a connection's metadata names.
    connection_filter: the labels that a connection wants; None for all.
    owned_prefixes: prefixes of bare keys that belong to the connection (`ENG`).
    """

    source_type: str
    title: str
    scheme: Scheme
    needed_headers: tuple[str, ...]
    kept_headers: frozenset[str]
    delivery_key: Callable[[Headers, Payload], str | None]
    tenant: Callable[[Headers, Payload], str | None]
    connection: type[BaseModel]
    connection_tenant: Callable[[Payload], str]
    is_handshake: Callable[[Headers, Payload], bool] = lambda _headers, _payload: False
    connection_filter: Callable[[Payload], frozenset[str] | None] = lambda _metadata: None
    owned_prefixes: Callable[[Payload], frozenset[str]] = lambda _metadata: frozenset()
    volatile_fields: frozenset[str] = frozenset()
    key_may_be_absent: bool = False
    signs_for_all_tenants: bool = False
    accepts_forms: bool = False


Normalise = Callable[[Message], Normalised]


@dataclass(frozen=True, slots=True)
class Source:
    """One provider, as the registry finds it.

    `normalise` is None while a source's deliveries are only received and kept: they settle as
    skipped, and are replayed once its adapter exists.
    """

    descriptor: Descriptor
    normalise: Normalise | None = None
    mentions: Syntax | None = None
