"""What a source is: the values that a provider's package gives, the same for all of them.

The package exports one `Source` as `SOURCE`. It is a folder `sources/<source type>/` of this one,
or a package of its own, whose project names it as an entry point:

    [project.entry-points."ingest.sources"]
    acme = "acme_ingest:SOURCE"

Its rooms are a habit and no rule: `descriptor` (what the provider says about itself, on one page),
`payloads` and `types` (its JSON, and the metadata we write), `normalise` (pure), `client` (its API:
the only room with a network), `mentions` (how the thing is mentioned in text). One name counts: a
sub-package `demo` with a `SAMPLE` (`ingest.testing.sample`) gives it a part in `ingest demo`; it is
never loaded while the program runs. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from pydantic import BaseModel

from ingest.core.changes import Change, Refresh, Upsert
from ingest.core.identity import Identity
from ingest.core.naming import Rename
from ingest.core.references import Says, Syntax
from ingest.core.signing import Scheme
from ingest.core.values import JSON
from ingest.sources.access import Access, Renewal
from ingest.sources.limits import RateLimits
from ingest.sources.listing import Listing
from ingest.sources.naming import Naming
from ingest.sources.subscriptions import Subscriptions

Payload = Mapping[str, JSON]
Headers = Mapping[str, str]
"""Header names in lower case."""


@dataclass(frozen=True, slots=True)
class Message:
    """A verified delivery as an adapter sees it.

    `scope` is the scope of every identity in it; `connection` the metadata of the connection that
    it is for. `taken` are names that belong to others of its stores (see `owned_prefixes`): what a
    payload calls so is not called so.
    """

    headers: Headers
    payload: Payload
    delivery_key: str
    received_at: datetime
    scope: str
    connection: Payload = field(default_factory=dict)
    taken: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Notice:
    """What a provider says of the connection itself, and of no document: an app was suspended.

    name: of what it is said, short and lower case (`installation`); of one name the newest word
        stands. problem: what is wrong, as a person reads it; None: it is right again.
    at_micros: when the provider says that it was so; the delivery's receipt where it does not.
    """

    name: str
    problem: str | None
    at_micros: int | None = None


@dataclass(frozen=True, slots=True)
class Normalised:
    """What a message means: the event to record and the changes to apply.

    `skip` is set, and `changes` empty, where the kind is known and ignored on purpose, or unknown.
    `drift` names fields that the adapter does not know, as `<object>.<field>`.
    `event_key` is the idempotency key of the fact where the delivery's own id is none (the provider
    makes a new one for each attempt).
    `once`: nobody signs when it was said; of one body of a connection the earliest time counts.
    `notices`: what the provider tells of the connection: that its app is revoked, or what it
    stands for gone, and that it is back. It is shown with the connection.
    `renames`: what is called otherwise from now on, in the message's scope (see `Naming`).
    """

    event: Mapping[str, JSON]
    changes: tuple[Change | Refresh, ...] = ()
    skip: str | None = None
    drift: tuple[str, ...] = ()
    event_key: str | None = None
    once: bool = False
    notices: tuple[Notice, ...] = ()
    renames: tuple[Rename, ...] = ()

    @property
    def withdraws(self) -> str | None:
        """Why the connection cannot be used any more, where the provider says so."""
        return next((one.problem for one in self.notices if one.problem is not None), None)

    @property
    def asked(self) -> tuple[Refresh, ...]:
        """The look-ups that it asks for."""
        return tuple(c for c in self.changes if isinstance(c, Refresh))

    @property
    def told(self) -> tuple[Change, ...]:
        """What it says without asking anybody."""
        return tuple(c for c in self.changes if not isinstance(c, Refresh))

    @property
    def untokened(self) -> tuple[Change, ...]:
        """What is left of it where nobody can be asked."""
        return (*self.told, *(change for ask in self.asked for change in ask.otherwise))


OUTSIDE_FILTER = "outside the connection's filter"
"""So begins the remark on what was told or seen, and is not wanted; people are told what to do."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A way in which people narrow a connection, as `--filter NAME=VALUE` sets it.

    field: of the connection's metadata. says: what it narrows, for people. many: it holds a list.
    nothing: what the field holds where nothing is left out; None takes it away.
    """

    field: str
    says: str
    many: bool = True
    nothing: JSON = None


NEVER = datetime.min.replace(tzinfo=UTC)
"""Before the request of a look-up has left."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """One look-up as its source sees it: what is asked for, and then what was shown of it.

    identity: the object; its kind may be one that is no document itself (a branch).
    hint: that of its `Refresh`. state: what the last look-up of the same object left.
    made_by: where it is another than the last time, the same answer may make other documents, so
        that what is left out as unchanged has to be told again.
    sent_at: when the request left. connection: the metadata of the connection that asks.
    taken: names that belong to others, as in a `Message`.
    raw: what its `Sight` shows; only for `Source.documents`, and never None there.
    keys: those by which its documents are found as yet, the human one and aliases: what the object
        went into is to be found by them too.
    """

    identity: Identity
    hint: Payload = field(default_factory=dict)
    state: JSON = None
    made_by: str = ""
    sent_at: datetime = NEVER
    connection: Payload = field(default_factory=dict)
    taken: frozenset[str] = frozenset()
    raw: JSON = None
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sight:
    """What a look-up saw: the provider's own JSON, of as many answers as it took.

    raw: None where the object is gone and its parent is proven readable.
    state: kept for the next look-up of the same object (which tree of a branch is applied).
    more: this is a part; the rest is asked for at once, with `state`.
    problem: what a person has to mend, shown with the connection; `mended`: what was told before.
    remark: what the reason of the deliveries says that waited for it, beside their end.
    """

    raw: JSON
    state: JSON = None
    more: bool = False
    problem: str | None = None
    mended: str | None = None
    remark: str = ""


class Client(Protocol):
    """A provider's API for one connection. Blocking; used by several threads at a time.

    Raises `Refused` (401, 403), `RateLimited`, `TransientError` (5xx, time-outs), `PermanentError`
    (the request or its answer makes no sense). A 404 is a `Sight` of nothing only where the parent
    is proven readable; else it is `Refused` too, or a sight of which its source says nothing.
    Whoever asks has `check` prove the token before he takes a refusal for more than that of one
    object; `Denied` says at once that it is no more, and that nothing is gone (a feature is off).
    """

    def fetch_one(self, lookup: Lookup) -> Sight:
        """Look one object up, whole, with all that its document is made of."""
        ...

    def check(self) -> str:
        """One cheap request, or two, that prove the token; says in a few words what can be read."""
        ...

    def close(self) -> None:
        """Let go of open connections."""
        ...


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What a provider says about itself. The rules are those of its contract sheet.

    source_type: its name everywhere, also of the folder or entry point: a to z and 0 to 9, first a
        letter, 31 at most. It is a label of the database's enum, which is never taken back.
    title: its name for people.
    scheme: how it signs; a request is verified over its raw bytes before anything is read.
    needed_headers: requests without them are answered 400.
    kept_headers: the allow-list of what is stored (signatures are never stored), lower case.
    delivery_key: the provider's delivery id out of headers and payload; None where it is absent.
    key_may_be_absent: then a hash of the body stands in; else a missing id is a 400.
    volatile_fields: top-level body fields that the provider changes on each attempt.
    signs_for_all_tenants: one app's secret signs for everybody, so the app-wide route exists.
    accepts_forms: the provider may send `payload=…` as a form, signed over the form's bytes.
    templated: a body may come of a template that a person wrote, which puts texts into it as they
        are: control characters that stand raw in its strings are read.
    is_handshake: a verified request that is answered and not stored.
    verification_token: the secret that an unsigned handshake brings (the whole body, no more); it
        is captured on the connection's own route, while that waits for it. None: there is none.
    is_lifecycle: whether a delivery speaks of the connection and of no document, so that it acts on
        one that is paused, too.
    tenants: what the payload names that a connection can stand for (repository, organization,
        project, …): each of them suffices. Empty where it names nothing.
    connection: the model of the seed's connection metadata.
    connection_tenants: what a connection stands for, its own tenant first.
    tenant_field: the field of a connection's metadata that names such a tenant, where one may lack
        it; for people.
    own_names: further names that are the connection's only where its own secret verified (a slug,
        which another tenant may have too).
    accounts: what a payload belongs to, over its tenant (an installation, a team): a connection's
        own names count in its account alone, and what names no tenant is its account's.
    connection_accounts: the same of a connection.
    scope: the scope of identities, by the tenant and the connection's metadata.
    connection_filter: the labels that a connection wants; None for all.
    filters: what people may narrow a connection by, by the name that a command gives it.
    shaped_by: the fields of a connection's metadata that its documents hang on, beside the object:
        in a store all connections of one tenant have the same there.
    owned_prefixes: what keys of the connection's things begin with (`ENG`, `owner/repo`); in a
        store no connection of another tenant may give such a key to a thing of its own.
    prefix_of: the prefix, in the spelling of `owned_prefixes`, that a key begins with; None where
        keys of this source have none.
    learned: of a connection's metadata, the fields that a document of its shows to be otherwise (a
        further name of what it stands for); empty where it shows nothing new. A name that was
        learned stays one of the connection's.
    former_prefixes: prefixes that keys of the connection's things had before: they name its things
        as long as nobody else has the name.
    keys_by_names: the further keys that a human key has by all names that the connection knows.
    renamed: what the thing is called by now, in a sentence for people; None while it is called as
        it was when it was connected.
    owned_pages: by what the URLs of the connection's pages are known on hosts that are not the
        provider's own (a host, `ghe.example:8443`; the name that a host begins with), from its
        metadata and the base of its API, which is empty where no setting names it: what a `Mention`
        has as its prefix.
    label_fields: how labelled texts (`ingest evaluate`) tell what connections of a store stand for:
        by the field of a label's context the field of a connection's metadata.
    api_url: the base of the API, by the connection's metadata, where no setting names another.
    api_hosts: the hosts that it may be on, as `api.example.com` or `*.example.com`: a token goes to
        no other, unless a setting names that.
    api_host_field: the field of the metadata that it is made of, where there is one.
    check_token: raises `BadInput` for a token that cannot be one.
    token_end: of a token that will end and is not renewed, when, and what to give instead; None for
        all others. For people, and never the token.
    one_of: the kinds that a reference can mean by scope and id alone, in groups of those that share
        their ids, in the order in which one turns into the next (an issue becomes a pull request):
        of one id in a scope one document lives, that of the last kind that was told, and what was
        said under any of them goes on under it.
    gather_s: how long a look-up waits for further events of the same object, where its connection
        has not been quiet.
    """

    source_type: str
    title: str
    scheme: Scheme
    needed_headers: tuple[str, ...]
    kept_headers: frozenset[str]
    delivery_key: Callable[[Headers, Payload], str | None]
    tenants: Callable[[Headers, Payload], tuple[str, ...]]
    connection: type[BaseModel]
    connection_tenants: Callable[[Payload], tuple[str, ...]]
    own_names: Callable[[Payload], frozenset[str]] = lambda _metadata: frozenset()
    accounts: Callable[[Payload], frozenset[str]] = lambda _payload: frozenset()
    connection_accounts: Callable[[Payload], frozenset[str]] = lambda _metadata: frozenset()
    scope: Callable[[str, Payload], str] = lambda tenant, _metadata: tenant
    is_handshake: Callable[[Headers, Payload], bool] = lambda _headers, _payload: False
    is_lifecycle: Callable[[Headers, Payload], bool] = lambda _headers, _payload: False
    tenant_field: Callable[[str], str | None] = lambda _tenant: None
    verification_token: Callable[[Payload], str | None] | None = None
    connection_filter: Callable[[Payload], frozenset[str] | None] = lambda _metadata: None
    filters: Mapping[str, Filter] = field(default_factory=dict)
    shaped_by: Callable[[Payload], Payload] = lambda _metadata: {}
    owned_prefixes: Callable[[Payload], frozenset[str]] = lambda _metadata: frozenset()
    prefix_of: Callable[[str], str | None] = lambda _key: None
    learned: Callable[[Payload, Upsert], Payload] = lambda _metadata, _told: {}
    former_prefixes: Callable[[Payload], frozenset[str]] = lambda _metadata: frozenset()
    keys_by_names: Callable[[Payload, str], frozenset[str]] = lambda _metadata, _key: frozenset()
    renamed: Callable[[Payload], str | None] = lambda _metadata: None
    owned_pages: Callable[[Payload, str], frozenset[str]] = lambda _metadata, _api_url: frozenset()
    label_fields: Mapping[str, str] = field(default_factory=dict)
    api_url: Callable[[Payload], str] = lambda _metadata: ""
    api_hosts: tuple[str, ...] = ()
    api_host_field: str | None = None
    check_token: Callable[[str], None] = lambda _token: None
    token_end: Callable[[str], str | None] = lambda _token: None
    one_of: tuple[tuple[str, ...], ...] = ()
    gather_s: float = 1.0
    volatile_fields: frozenset[str] = frozenset()
    key_may_be_absent: bool = False
    signs_for_all_tenants: bool = False
    accepts_forms: bool = False
    templated: bool = False


Normalise = Callable[[Message], Normalised]


@dataclass(frozen=True, slots=True)
class Source:
    """One provider, as the registry finds it.

    normalise: what a delivery means; pure. Raises `BadPayload`, with the path, for what its mapping
        needs and does not find; whatever else it raises is a fault of the adapter, and ends that
        delivery alone.
    mentions: how its things are mentioned in the text of any document; None where they are not.
    connect: a client for one connection; None where there are no look-ups.
    renewal: how the provider makes tokens of what a person gives; None where it does not.
    documents: what was found, as changes; pure. It says the same of an object as `normalise` does
        where a payload tells it whole. It is never asked about a sight of nothing.
    again: the look-up that settles a doubt about a document, from what is told of it; None where
        there is none for its kind.
    document_types, event_types: every type of metadata that it writes, of documents and of events.
        Each value fits exactly one of them. All have the source as `type`; where there are several,
        `kind` tells those of documents apart and `action` those of events. The names are published,
        and no other source has them.
    seed_types: those of them, and of `Descriptor.connection`, that the seed has under that name.
    ignored: kinds of delivery, as the provider names them, that are ignored on purpose, each with
        the reason that its `skip` gives.
    naming: what of the provider has a name that keys begin with, and can get another; None where
        nothing has.
    unowned: why a delivery that is nobody's connection's changes nothing, by that table; None where
        its kind does not stand there.
    listing: how the provider is listed, by clients that are `listing.Lists` too; None where it is
        not: then there are no resyncs.
    subscribe: the provider's webhooks for one connection; None where its API knows none. Raises
        `Refused` for a token that may not.
    subscription_field: the field of a connection's metadata that names its subscription, as it is
        in `Subscribed.metadata`: it says nothing of what the connection wants.
    limits: what its provider lets anybody ask in how long; None where nothing is known of that:
        then its own refusals are all that slows us down.
    by_hand: where its API makes no subscription, what a person has to click, in one line, with
        `{url}` where our route stands.
    answers: (kind, kind of its parent) of what answers its parent and does not go with it: replies
        stay when the comment that they answer goes, where the provider goes on showing them.
    says: by the kind of a document what its words may make of an edge (`core.references.Says`); one
        that is not there says whatever its words do. The target is mentioned all the same.
    deploys: its documents are deployments: those that brought a commit to whoever uses it have the
        commit's whole hash as an alias, and what belongs to the commit was brought by them.
    chunk_overlaps: by kind, the overlap that its `Upsert`s ask for: of what was stored before that
        was kept with each of them.
    revision: raised whenever `normalise` or `documents` makes something else of the same words, so
        that a replay mends rows, and no older worker undoes that.
    """

    descriptor: Descriptor
    normalise: Normalise
    mentions: Syntax | None = None
    connect: Callable[[Access], Client] | None = None
    renewal: Renewal | None = None
    documents: Callable[[Lookup], tuple[Change | Refresh, ...]] | None = None
    again: Callable[[Upsert], Refresh | None] = lambda _told: None
    document_types: tuple[type[BaseModel], ...] = ()
    event_types: tuple[type[BaseModel], ...] = ()
    seed_types: frozenset[type[BaseModel]] = frozenset()
    ignored: Mapping[str, str] = field(default_factory=dict)
    naming: Naming | None = None
    unowned: Callable[[Headers, Payload], str | None] = lambda _headers, _payload: None
    listing: Listing | None = None
    subscribe: Callable[[Access], Subscriptions] | None = None
    subscription_field: str = "webhookId"
    limits: RateLimits | None = None
    by_hand: str = ""
    answers: frozenset[tuple[str, str]] = frozenset()
    says: Mapping[str, Says] = field(default_factory=dict)
    deploys: bool = False
    chunk_overlaps: Mapping[str, int] = field(default_factory=dict)
    revision: int = 1
