"""A law that nothing breaks protects nothing: each is broken here, by a source that is wrong in one
place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from inspect import signature
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from ingest.core.changes import Delete, Upsert
from ingest.core.errors import Refused
from ingest.core.identity import Identity
from ingest.core.signing import SignedTime
from ingest.sources.contract import Client, Lookup, Message, Normalised, Sight
from ingest.sources.limits import Call, LimitReading, RateLimits
from ingest.testing.laws import EVERY_ROOM, explained, laws_of
from ingest.testing.laws.answers import ODD_BODIES, REFUSING, STATUSES
from ingest.testing.laws.fixtures import Suite, read_fixtures
from ingest.testing.sample import SampleDelivery, TrialWebhook
from tests.laws import listed
from tests.laws.conftest import Sound

LAWS = {law.__name__: law for law in laws_of(EVERY_ROOM)}
Broken = Callable[[Suite], Suite]


def _suite(sound: Sound) -> Suite:
    fixtures = read_fixtures(sound.source, sound.fixtures, sound.sample.metadata)
    return Suite(sound.source, sound.sample.metadata, fixtures, examples=60, sample=sound.sample)


def _trusting(told: Any) -> frozenset[str]:
    """Takes whatever is told for a text, wherever it stands: a single bend is found soon."""
    if isinstance(told, Mapping):
        return frozenset().union(*map(_trusting, told.values()))
    return frozenset() if told is None else frozenset({told.lower()})


def _of(suite: Suite, **fields: Any) -> Suite:
    """The suite of a source with other fields."""
    source = replace(suite.source, **fields)
    fixtures = tuple(replace(one, source=source) for one in suite.fixtures)
    return replace(suite, source=source, fixtures=fixtures)


def _descriptor(**fields: Any) -> Broken:
    return lambda suite: _of(suite, descriptor=replace(suite.source.descriptor, **fields))


def _scheme(**fields: Any) -> Broken:
    def broken(suite: Suite) -> Suite:
        return _descriptor(scheme=replace(suite.source.descriptor.scheme, **fields))(suite)

    return broken


def _meaning(change: Callable[[Message, Normalised], Normalised]) -> Broken:
    """Wrong in what it makes of a message."""

    def broken(suite: Suite) -> Suite:
        normalise = suite.source.normalise
        return _of(suite, normalise=lambda message: change(message, normalise(message)))

    return broken


def _upserts(change: Callable[[Message, Upsert], Any]) -> Broken:
    """Wrong in what it makes of whole objects."""

    def changed(message: Message, means: Normalised) -> Normalised:
        of = (change(message, one) if isinstance(one, Upsert) else one for one in means.changes)
        return replace(means, changes=tuple(of))

    return _meaning(changed)


def _seen(change: Callable[[Lookup, Upsert], Any]) -> Broken:
    """Wrong in what it makes of a look-up."""

    def broken(suite: Suite) -> Suite:
        documents = suite.source.documents
        assert documents is not None
        of = documents
        return _of(
            suite,
            documents=lambda found: tuple(
                change(found, one) if isinstance(one, Upsert) else one for one in of(found)
            ),
        )

    return broken


@dataclass(frozen=True)
class _Client:
    """A client that is wrong in one place, over one that is right."""

    right: Client
    before: Callable[[Lookup], Lookup] = lambda ask: ask
    after: Callable[[Callable[[], Sight]], Sight] = lambda look: look()
    said: str | None = None

    def fetch_one(self, ask: Lookup) -> Sight:
        return self.after(lambda: self.right.fetch_one(self.before(ask)))

    def check(self) -> str:
        return self.right.check() if self.said is None else self.said

    def close(self) -> None:
        self.right.close()


def _client(**fields: Any) -> Broken:
    def broken(suite: Suite) -> Suite:
        connect = suite.source.connect
        assert connect is not None
        right = connect
        return _of(suite, connect=lambda access: _Client(right(access), **fields))

    return broken


@dataclass
class _Sulking:
    """A client that takes one refusal for the end of its token, over one that does not."""

    right: Client
    refused: Refused | None = None

    def fetch_one(self, ask: Lookup) -> Sight:
        try:
            return self.right.fetch_one(ask)
        except Refused as error:
            self.refused = error
            raise

    def check(self) -> str:
        if self.refused is not None:
            raise self.refused
        return self.right.check()

    def close(self) -> None:
        self.right.close()


def _sulks(suite: Suite) -> Suite:
    connect = suite.source.connect
    assert connect is not None
    right = connect
    return _of(suite, connect=lambda access: _Sulking(right(access)))


def _limits(change: Callable[[RateLimits], RateLimits]) -> Broken:
    """Wrong in what it says of its provider's limits."""

    def broken(suite: Suite) -> Suite:
        limits = suite.source.limits
        assert limits is not None
        return _of(suite, limits=change(limits))

    return broken


def _credulous(_call: Call, headers: Mapping[str, str], _now: datetime) -> tuple[LimitReading, ...]:
    return (LimitReading("requests", int(headers.get("x-ratelimit-remaining", "0")), 1.0),)


def _sample(**fields: Any) -> Broken:
    def broken(suite: Suite) -> Suite:
        assert suite.sample is not None
        return replace(suite, sample=replace(suite.sample, **fields))

    return broken


def _mute(told: TrialWebhook) -> SampleDelivery:
    """A test webhook that speaks of nothing."""
    return SampleDelivery(0, "nothing", {"x-tern-delivery": told.delivery_id}, {})


def _by_header(suite: Suite) -> Suite:
    """Believes the kind that a header says, which nobody signs."""
    normalise = suite.source.normalise

    def believing(message: Message) -> Normalised:
        told = message.headers.get("x-event", message.payload.get("event"))
        return normalise(replace(message, payload={**message.payload, "event": told}))

    with_source = _of(suite, normalise=believing)
    fixtures = tuple(
        replace(one, headers={**one.headers, "x-event": one.body["event"]})
        for one in with_source.fixtures
    )
    return replace(with_source, fixtures=fixtures)


class _Twin(BaseModel):
    type: Literal["acme"] = "acme"
    kind: Literal["ticket"] = "ticket"


class _Nullable(BaseModel):
    type: Literal["acme"] = "acme"
    kind: Literal["other"] = "other"
    told: Literal["known", None] = "known"


class _Formless(BaseModel):
    model_config = {"extra": "allow"}

    type: Literal["acme"] = "acme"
    projectId: str  # noqa: N815 - as it is stored


class _Forgetful(BaseModel):
    type: Literal["acme"] = "acme"
    projectId: str  # noqa: N815 - as it is stored


def _moved(identity: Identity, **fields: Any) -> Identity:
    return replace(identity, **fields)


def _counting() -> Broken:
    seen: list[Message] = []

    def changed(message: Message, told: Upsert) -> Upsert:
        seen.append(message)
        return replace(told, title=f"{told.title} {len(seen)}")

    return _upserts(changed)


def _swallow(look: Callable[[], Sight]) -> Sight:
    try:
        return look()
    except Exception:  # noqa: BLE001 - what this client is wrong in
        return Sight(None)


def _fail(look: Callable[[], Sight]) -> Sight:
    try:
        return look()
    except Exception as error:
        raise RuntimeError(str(error)) from error


def _bent(ask: Lookup) -> Lookup:
    """What is asked for hangs on what the id looks like."""
    plain = ask.identity.id.isalnum() or "_" in ask.identity.id
    return ask if plain else replace(ask, identity=_moved(ask.identity, id="another-one"))


BROKEN: Mapping[str, Broken] = {
    "test_a_signed_delivery_is_believed": _scheme(prefix_header="X-Missing"),
    "test_no_signature_is_ever_stored": _descriptor(kept_headers=frozenset({"x-acme-signature"})),
    "test_a_stale_delivery_is_refused_where_a_time_is_signed_and_else_none_is": _scheme(
        time=SignedTime("body", "at", "epoch_ms", window=timedelta(days=-1))
    ),
    "test_a_delivery_has_what_its_descriptor_needs": _descriptor(needed_headers=("x-other",)),
    "test_what_a_delivery_means_keeps_every_law": _upserts(
        lambda _message, told: replace(told, source_id="")
    ),
    "test_what_answers_its_parent_is_named_as_such": _upserts(
        lambda _message, told: replace(told, parent=_moved(told.identity, id="it"), answers=True)
    ),
    "test_the_same_message_means_the_same_and_is_left_alone": _counting(),
    "test_what_a_delivery_means_does_not_hang_on_when_it_came": _upserts(
        lambda message, told: replace(told, title=str(message.received_at))
    ),
    "test_an_unknown_event_is_skipped_with_a_reason_that_names_it": _meaning(
        lambda _message, means: replace(means, skip="no" if means.skip else None)
    ),
    "test_every_ignored_kind_has_a_reason_and_gives_it": lambda suite: _of(
        suite, ignored={"user.created": "it is another reason"}
    ),
    "test_a_payload_says_one_thing_of_an_object_at_one_place": _meaning(
        lambda _message, means: replace(means, changes=(*means.changes, *means.changes))
    ),
    "test_a_body_under_another_delivery_s_headers_means_the_same_or_nothing": _by_header,
    "test_what_is_told_to_be_gone_for_good_can_be_asked_about": _meaning(
        lambda _message, means: replace(
            means,
            changes=tuple(
                replace(one, confirm=None) if isinstance(one, Delete) else one
                for one in means.changes
            ),
        )
    ),
    "test_an_id_that_is_malformed_is_never_taken_for_one_that_is_absent": _descriptor(
        tenants=lambda _headers, body: tuple(
            filter(lambda id_: type(id_) is str and id_, [body["project"]["id"]])
        )
    ),
    "test_every_identity_lies_in_the_tenant_it_was_asked_for": _upserts(
        lambda _message, told: replace(told, identity=_moved(told.identity, scope="pr_1"))
    ),
    "test_an_object_is_one_thing_when_created_changed_and_deleted": _upserts(
        lambda _message, told: replace(
            told, identity=_moved(told.identity, id=f"{told.identity.id}{told.version}")
        )
    ),
    "test_two_objects_are_never_one_thing": _upserts(
        lambda _message, told: replace(told, identity=_moved(told.identity, id="one"))
    ),
    **dict.fromkeys(
        (
            "test_any_key_may_be_missing",
            "test_any_value_may_be_null_or_of_another_kind",
            "test_any_values_may_be_any_json",
            "test_a_body_of_junk_is_refused_or_skipped",
        ),
        lambda suite: _of(
            suite,
            normalise=lambda message: (
                message.payload["event"].title() and suite.source.normalise(message)
            ),
        ),
    ),
    "test_a_descriptor_survives_any_body": _descriptor(
        delivery_key=lambda _headers, body: body.get("id", 7)
    ),
    "test_a_descriptor_survives_a_bent_body": _descriptor(accounts=_trusting),
    "test_a_source_publishes_its_types": lambda suite: _of(suite, event_types=()),
    "test_every_member_names_its_source_in_every_value": lambda suite: _of(
        suite, descriptor=replace(suite.source.descriptor, source_type="other")
    ),
    "test_the_members_of_a_source_are_told_apart_by_their_marks": lambda suite: _of(
        suite, document_types=(*suite.source.document_types, _Twin)
    ),
    "test_nothing_that_is_written_is_null": lambda suite: _of(
        suite, document_types=(*suite.source.document_types, _Nullable)
    ),
    "test_the_sample_metadata_survives_a_round_trip": _descriptor(connection=_Forgetful),
    "test_a_connection_stands_for_a_tenant": _descriptor(
        connection_tenants=lambda metadata: (str(metadata.get("projectId")),)
    ),
    "test_deliveries_find_the_sample_connection": _descriptor(
        connection_tenants=lambda metadata: (f"project:{metadata['projectId']}",)
    ),
    "test_every_text_of_a_connection_has_a_form": _descriptor(connection=_Formless),
    "test_no_text_of_a_connection_is_more_than_a_line": _descriptor(connection=_Formless),
    "test_a_token_goes_to_the_provider_s_own_hosts": _descriptor(api_hosts=()),
    "test_a_descriptor_survives_any_metadata": _descriptor(
        owned_prefixes=lambda metadata: frozenset({metadata["projectKey"].upper()})
    ),
    "test_the_sample_is_the_source_s_own": _sample(source_type="other"),
    "test_the_receiver_takes_each_delivery_of_the_story": _sample(
        story_metadata={"projectId": "pr_other"}
    ),
    "test_the_receiver_takes_the_trial_of_a_connection": _sample(trial=_mute),
    "test_each_delivery_of_the_story_means_something_lawful": _upserts(
        lambda _message, told: replace(told, metadata={**told.metadata, "more": None})
    ),
    "test_a_check_proves_the_token_and_a_wrong_one_is_refused": _client(said="all is well"),
    "test_a_token_that_is_let_in_nowhere_is_not_proven": _client(said="all is well"),
    "test_one_refusal_leaves_the_token_proven": _sulks,
    "test_a_look_up_makes_lawful_documents": _seen(
        lambda _found, told: replace(told, identity=_moved(told.identity, scope="elsewhere"))
    ),
    "test_a_look_up_says_what_a_payload_of_that_version_says": _seen(
        lambda _found, told: replace(told, title="seen")
    ),
    "test_a_status_means_what_it_says": _client(after=_swallow),
    "test_whatever_the_api_answers_ends_in_a_sight_or_in_our_error": _client(after=_fail),
    "test_an_id_never_bends_a_path": _client(before=_bent),
    "test_limits_make_sense": _limits(lambda told: replace(told, each=told.each * 2)),
    "test_every_request_counts": _limits(
        lambda told: replace(told, each=(replace(told.each[0], counts=lambda _call: None),))
    ),
    "test_whatever_a_header_tells_is_a_reading_or_nothing": _limits(
        lambda told: replace(told, read=_credulous)
    ),
    **listed.BROKEN,
}
NEEDS_NO_SOURCE = {
    "test_a_changed_body_is_refused": "no scheme can say it otherwise: it is for who adds a kind",
    "test_a_changed_signature_header_is_refused": "the same",
    "test_an_unsigned_delivery_is_refused": "the same",
    "test_while_secrets_rotate_the_old_and_the_new_are_believed_and_no_third": "the same",
    "test_without_a_secret_nothing_is_believed": "the same",
    "test_a_hint_never_bends_a_path": "the skeleton's client reads no hint",
    "test_stored_metadata_never_bends_a_path": "broken as an id is",
}


def test_every_law_is_broken_here_or_says_why_not() -> None:
    assert set(BROKEN) | set(NEEDS_NO_SOURCE) == set(LAWS)
    assert not set(BROKEN) & set(NEEDS_NO_SOURCE)


@pytest.mark.parametrize("name", BROKEN)
def test_a_source_that_breaks_a_law_is_told_so(sound: Sound, name: str) -> None:
    suite = _suite(sound)
    _keeps(suite, name)
    with pytest.raises(BaseException) as raised:  # noqa: PT011 - a law raises what it meets
        _keeps(BROKEN[name](suite), name)
    assert any(f"law: {name}\nprotects: " in note for note in raised.value.__notes__)


def _keeps(suite: Suite, name: str) -> None:
    """Run one law as pytest would, over every delivery that it asks for."""
    law = explained(LAWS[name])
    wanted = signature(LAWS[name]).parameters
    of: dict[str, tuple[Any, ...]] = {
        "fixture": suite.fixtures,
        "delivery": suite.deliveries,
        "body": tuple(ODD_BODIES),
        "status": tuple(STATUSES),
        "refusing": REFUSING,
    }
    each = next((parameter for parameter in of if parameter in wanted), None)
    given = {"suite": suite} if "suite" in wanted else {}
    for told in of[each] if each else (None,):
        law(**given, **({each: told} if each else {}))
