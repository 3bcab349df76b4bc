"""Receiving without a network or a database: what each request is answered, in which order."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.core.answers import Delivery
from ingest.core.errors import (
    BadRequest,
    BadSettings,
    BadSignature,
    IngestError,
    NotConnected,
    PermanentError,
    TooLate,
    Unavailable,
)
from ingest.core.signing import sign
from ingest.core.times import iso
from ingest.flows.receiving.arrivals import Insert, Stored
from ingest.flows.receiving.intake import Intake, Shake, never
from ingest.flows.receiving.requests import Incoming
from ingest.flows.receiving.secrets import KEPT_S, ConnectionSecrets, Keyring, Secrets
from ingest.flows.receiving.verify import verify
from ingest.sources.registry import all_sources, source, source_types
from ingest.store.deliveries import Arrival
from ingest.store.engine import BadRow
from tests.factories import METADATA, SECRET, signed

NOW = datetime.now(UTC)
BODY = b'{"id":"evt-1","action":"opened"}'
KNOWN = ", ".join(source_types())
every_source = pytest.mark.parametrize("source_type", METADATA)


class World:
    """Connections of one source with their secrets, a clock, and how often secrets were read."""

    def __init__(self, source_type: str = "github") -> None:
        self.source_type = source_type
        self.secrets: dict[str, tuple[str, ...]] = {"c1": (SECRET,)}
        self.shakes = False
        self.fault: str | None = None
        self.away = False
        self.reads = 0
        self.time = 0.0
        everybody = dict.fromkeys(all_sources(), (SECRET,))
        self.keyring = Keyring(self._load, everybody, now=lambda: self.time)

    def _load(self, ids: Sequence[str]) -> dict[str, ConnectionSecrets]:
        self.reads += 1
        self.time += 0.001
        if self.away:
            raise Unavailable("PostgreSQL does not answer")
        return {
            id_: ConnectionSecrets(
                self.source_type, Secrets(self.secrets[id_], self.shakes, self.fault)
            )
            for id_ in ids
            if id_ in self.secrets
        }


def incoming(
    source_type: str = "github",
    body: bytes = BODY,
    *,
    connection_id: str | None = "c1",
    headers: Mapping[str, str] | None = None,
    without: str = "",
    secret: str = SECRET,
) -> Incoming:
    told = signed(source_type, body, secret, {**_sent_now(source_type), **(headers or {})})
    told.pop(without, None)
    return Incoming(source_type, connection_id, told, body, NOW)


def _sent_now(source_type: str) -> dict[str, str]:
    """Where a header has the time that is signed: NOW, however long the tests have run by then."""
    time = source(source_type).descriptor.scheme.time
    return {} if time is None or time.place != "header" else {time.name: iso(NOW)}


def take(
    request: Incoming,
    keyring: Keyring,
    insert: Insert = lambda _: [(1, True)],
    shake: Shake = never,
) -> Delivery:
    return Intake(keyring, insert, lambda: None, 10**9, shake).take(request)


def accept(request: Incoming, keyring: Keyring, shake: Shake = never) -> Arrival | None:
    """What would be stored; None for a handshake."""
    stored: list[Arrival] = []

    def insert(arrivals: Sequence[Arrival]) -> list[Stored]:
        stored.extend(arrivals)
        return [(1, True)]

    take(request, keyring, insert, shake)
    return stored[0] if stored else None


def arrival(request: Incoming, *, world: World | None = None) -> Arrival:
    made = accept(request, (world or World(request.source_type)).keyring)
    assert made is not None
    return made


def refusal(request: Incoming, *, world: World | None = None) -> tuple[type[IngestError], str]:
    with pytest.raises(IngestError) as caught:
        accept(request, (world or World(request.source_type)).keyring)
    return type(caught.value), str(caught.value)


@every_source
def test_a_signed_request_of_every_source_is_an_arrival(source_type: str) -> None:
    made = arrival(incoming(source_type))
    assert (made.source_type, made.connection_id, made.body) == (source_type, "c1", BODY)
    assert made.delivery_key
    assert made.received_at == NOW


@every_source
def test_whoever_may_have_signed_with_a_secret_that_we_cannot_open_has_to_come_again(
    source_type: str,
) -> None:
    world = World(source_type)
    world.fault = "no key opens one of them"
    assert arrival(incoming(source_type), world=world).body == BODY
    other = incoming(source_type, secret="another secret, or the one that is shut")
    assert refusal(other, world=world) == (BadSettings, world.fault)


@every_source
def test_no_refusal_quotes_the_secret_or_the_given_signature(source_type: str) -> None:
    header = source(source_type).descriptor.scheme.header.lower()
    request = incoming(source_type)
    wrong = dataclasses.replace(request, headers={**request.headers, header: "sha256=letmein"})
    kind, text = refusal(wrong)
    assert kind is BadSignature
    assert "letmein" not in text
    assert SECRET not in text


@every_source
def test_the_app_wide_route_exists_where_one_secret_signs_for_all(source_type: str) -> None:
    request = incoming(source_type, connection_id=None)
    if source(source_type).descriptor.signs_for_all_tenants:
        assert arrival(request).connection_id is None
    else:
        assert refusal(request)[0] is NotConnected


@pytest.mark.parametrize(
    ("request_", "kind", "words"),
    [
        (Incoming("gitea", None, {}, b"", NOW), NotConnected, f"known are {KNOWN}"),
        (incoming(connection_id="c2"), NotConnected, "no connection of this id"),
        (incoming(connection_id="\x00"), NotConnected, "no connection of this id"),
        (incoming(connection_id="c" * 192), NotConnected, "no connection of this id"),
        (incoming(headers={"content-type": "text/xml"}), BadRequest, "content-type is not JSON"),
        (incoming(headers={"content-encoding": "gzip"}), BadRequest, "content-encoding"),
        (incoming(without="x-github-event"), BadRequest, "x-github-event is missing"),
        (incoming(without="x-hub-signature-256"), BadSignature, "is missing"),
        (incoming(secret="another"), BadSignature, "does not match"),
        (incoming(body=b"{"), BadRequest, "not JSON"),
        (incoming(body=b"[]"), BadRequest, "not an object"),
        (incoming(body=b"\xff"), BadRequest, "not JSON"),
        (incoming(body=b""), BadRequest, "not JSON"),
        (incoming("notion", b'{"type":"page.created"}'), BadRequest, "has no id"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_refused_and_why(request_: Incoming, kind: type[IngestError], words: str) -> None:
    found, text = refusal(request_)
    assert found is kind
    assert words in text


def test_statuses_beside_400_ride_on_the_error() -> None:
    for header in ({"content-type": "text/xml"}, {"content-encoding": "br"}):
        with pytest.raises(BadRequest) as caught:
            accept(incoming(headers=header), World().keyring)
        assert caught.value.status == 415


def test_the_first_reason_in_the_order_of_the_checks_is_the_answer() -> None:
    """A request with every fault; mending one brings out the next."""
    faults = Incoming("gitea", "c2", {"content-type": "text/xml"}, b"{", NOW)
    needed = {"x-github-event": "push", "x-github-delivery": "d"}
    order = []
    mended: list[dict[str, object]] = [
        {"source_type": "github"},
        {"headers": {"content-type": "application/json"}},
        {"headers": needed},
        {"headers": needed | {"x-hub-signature-256": "sha256=00"}},
        {"headers": signed("github", b"")},
        {"connection_id": "c1"},
        {"headers": signed("github", b"{")},
        {"body": BODY, "headers": signed("github", BODY)},
    ]
    for change in mended:
        order.append(refusal(faults)[1])
        faults = dataclasses.replace(faults, **change)  # type: ignore[arg-type]
    words = [
        *("unknown", "content-type", "x-github-event", "unsigned", "holds no signature"),
        *("no connection", "does not match", "not JSON"),
    ]
    assert all(word in said for word, said in zip(words, order, strict=True)), order
    assert accept(faults, World().keyring) is not None


def test_bytes_are_believed_before_anything_in_them_is_read() -> None:
    assert refusal(incoming(body=b"not json", secret="another"))[0] is BadSignature


def test_freshness_is_judged_at_receipt() -> None:
    body = json.dumps({"webhookTimestamp": int(NOW.timestamp() * 1000)}).encode()
    request = incoming("linear", body)
    assert arrival(request).body == body
    retried = dataclasses.replace(request, received_at=NOW + timedelta(hours=7, minutes=2))
    assert arrival(retried).body_hash == arrival(request).body_hash
    late = dataclasses.replace(request, received_at=NOW + timedelta(hours=8, seconds=1))
    assert refusal(late)[0] is TooLate
    early = dataclasses.replace(request, received_at=NOW - timedelta(seconds=61))
    assert refusal(early)[0] is BadSignature


def test_a_handshake_is_verified_and_nothing_is_stored() -> None:
    ping = {"x-github-event": "ping"}

    def insert(_: object) -> list[tuple[int, bool]]:
        raise AssertionError("nothing is stored")

    answer = take(incoming(headers=ping), World().keyring, insert)
    assert (answer.id, answer.status) == (None, "handshake")
    assert refusal(incoming(headers=ping, secret="another"))[0] is BadSignature


def test_the_answer_tells_accepted_from_duplicate() -> None:
    keyring = World().keyring
    assert take(incoming(), keyring, lambda _: [(7, True)]).status == "accepted"
    assert take(incoming(), keyring, lambda _: [(7, False)]).status == "duplicate"


def test_a_row_that_the_database_refuses_is_to_be_sent_again() -> None:
    def refuse(_: object) -> list[tuple[int, bool]]:
        raise BadRow("a foreign key")

    with pytest.raises(Unavailable):
        take(incoming(), World().keyring, refuse)


def test_volatile_fields_do_not_make_another_body() -> None:
    def hash_of(attempt: int, name: str = "page.created") -> bytes:
        body = json.dumps({"id": "e1", "attempt_number": attempt, "type": name}).encode()
        return arrival(incoming("notion", body)).body_hash

    assert hash_of(1) == hash_of(2)
    assert hash_of(1) != hash_of(1, "page.deleted")
    assert arrival(incoming()).body_hash == hashlib.sha256(BODY).digest()


def test_keys_are_bounded_clean_and_may_stand_for_the_body_where_the_source_allows() -> None:
    long = arrival(incoming(headers={"x-github-delivery": "d" * 999})).delivery_key
    assert len(long) == 255
    assert long != arrival(incoming(headers={"x-github-delivery": "d" * 998})).delivery_key
    assert arrival(incoming("notion", b'{"id":"a\\u0000"}')).delivery_key == "a\ufffd"
    keyless = dataclasses.replace(source("notion").descriptor, key_may_be_absent=True)
    found = verify(incoming("notion", b'{"type":"x"}'), keyless, [SECRET])
    assert found is not None
    assert found.delivery_key == found.body_hash.hex()


def test_only_headers_of_the_allow_list_are_kept_and_they_are_clean_and_bounded() -> None:
    more = {"Cookie": "session", "Authorization": "Bearer x", "User-Agent": "a\x00\ud800" * 999}
    kept = json.loads(arrival(incoming(headers=more)).headers)
    assert set(kept) == {"content-type", "user-agent", "x-github-delivery", "x-github-event"}
    assert len(kept["user-agent"]) == 1024
    assert kept["user-agent"].startswith("a\ufffd\ufffd")


def test_a_form_of_github_is_verified_over_its_own_bytes() -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    made = arrival(incoming(body=b"payload=%7B%7D", headers=form))
    assert json.loads(made.headers)["content-type"] == form["content-type"]
    assert refusal(incoming("linear", b"payload=%7B%7D", headers=form))[0] is BadRequest


@pytest.mark.parametrize(
    "body",
    [
        b'{"issue": {"body": "a=b&payload=%7B%22action%22%3A%22deleted%22%7D&c=d"}}',
        b"a=b&payload=%7B%7D",
        b"payload=%7B%7D&payload=%7B%7D",
        b"payload=%7B%7D&more=1",
    ],
)
def test_signed_json_is_never_read_as_a_form_that_somebody_wrote_into_it(body: bytes) -> None:
    """Bug: nobody signs the media type, and the text of an issue became a payload of its own."""
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert refusal(incoming(body=body, headers=form))[0] is BadRequest


def test_a_form_is_one_whatever_the_media_type_says() -> None:
    made = arrival(incoming(body=b"payload=%7B%7D", headers={"content-type": "application/json"}))
    assert made.body == b"payload=%7B%7D"


def test_secrets_are_read_once_for_some_seconds() -> None:
    world = World()
    for _ in range(3):
        arrival(incoming(), world=world)
    assert world.reads == 1
    world.time += KEPT_S + 1
    arrival(incoming(), world=world)
    assert world.reads == 2


def test_a_rotated_secret_works_at_once() -> None:
    world = World()
    arrival(incoming(), world=world)
    world.secrets["c1"] = (SECRET, "new")
    arrival(incoming(secret="new"), world=world)
    assert world.reads == 2
    assert refusal(incoming(secret="wrong"), world=world)[0] is BadSignature


def test_a_new_connection_works_at_once() -> None:
    world = World()
    assert refusal(incoming(connection_id="c2"), world=world)[0] is NotConnected
    world.secrets["c2"] = (SECRET,)
    arrival(incoming(connection_id="c2"), world=world)


def test_a_purged_connection_is_unknown_after_the_secrets_are_old() -> None:
    world = World()
    arrival(incoming(), world=world)
    del world.secrets["c1"]
    assert refusal(incoming(secret="another"), world=world)[0] is NotConnected
    assert refusal(incoming(), world=world)[0] is NotConnected


def test_secrets_that_cannot_be_read_are_no_refusal() -> None:
    world = World()
    world.away = True
    kind, text = refusal(incoming(), world=world)
    assert kind is Unavailable
    assert "PostgreSQL does not answer" in text


@pytest.mark.parametrize("id_", ["", "\x00", "a\nb", "\u2028", "c" * 192])
def test_what_cannot_be_an_id_is_refused_without_reading_anything(id_: str) -> None:
    world = World()
    assert refusal(incoming(connection_id=id_), world=world)[0] is NotConnected
    assert world.reads == 0


def test_a_connection_of_another_source_is_unknown() -> None:
    assert refusal(incoming("linear"), world=World("github"))[0] is NotConnected


def test_a_head_that_cannot_be_believed_costs_no_reading() -> None:
    world = World()
    for without in ("x-hub-signature-256", "x-github-event"):
        refusal(incoming(without=without), world=world)
    refusal(incoming(headers={"content-type": "text/xml"}), world=world)
    assert world.reads == 0


def test_what_is_kept_for_verifying_never_shows_in_a_repr() -> None:
    world = World()
    arrival(incoming(), world=world)
    assert SECRET not in repr(world.keyring) + repr(vars(world.keyring)["_kept"])


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "type", "action", "data"]), inner, max_size=3)
    ),
    max_leaves=9,
)


@given(source_type=st.sampled_from(list(METADATA)), payload=_json, noise=st.text(max_size=9))
def test_whatever_a_caller_signs_is_an_arrival_or_a_permanent_error(
    source_type: str, payload: object, noise: str
) -> None:
    body = json.dumps(payload).encode()
    names = source(source_type).descriptor.kept_headers - {"content-type"}
    headers = signed(source_type, body)
    told = {**headers, **dict.fromkeys(names, noise)}
    scheme = source(source_type).descriptor.scheme
    told[scheme.header.lower()] = "x"
    try:
        told[scheme.header.lower()] = sign(scheme, told, body, SECRET)
        accept(Incoming(source_type, "c1", told, body, NOW), World(source_type).keyring)
    except PermanentError:
        pass
