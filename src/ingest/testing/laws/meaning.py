"""Laws of what a delivery means: a pure function of it, in the terms of the source's own types.

What they protect: a replay makes the same documents, and nothing is dropped silently.
"""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta

from ingest.core.changes import Upsert
from ingest.core.ranks import rank
from ingest.testing.laws.fixtures import RECEIVED_AT, Fixture, Suite
from ingest.testing.laws.lawful import check_meaning

UNHEARD_OF = ("Unheard-of", "resync")
"""Kinds that no provider has; a sync run's own event is called like the second one."""


def test_a_delivery_has_what_its_descriptor_needs(fixture: Fixture) -> None:
    """A real delivery is never answered with 400.

    Remedy: `needed_headers` are those that the provider always sends; where it may send no id of
    the delivery, say `key_may_be_absent`.
    """
    descriptor = fixture.source.descriptor
    missing = set(descriptor.needed_headers) - fixture.headers.keys()
    assert not missing, f"needed_headers that the fixture has not: {sorted(missing)}"
    if not descriptor.is_handshake(fixture.headers, fixture.body):
        key = descriptor.delivery_key(fixture.headers, fixture.body)
        assert key or descriptor.key_may_be_absent, "the delivery has no delivery_key"


def test_what_a_delivery_means_keeps_every_law(fixture: Fixture) -> None:
    """What an adapter says can be stored and found again, and conforms to what it publishes.

    Remedy: the message names the part; types are in the source's `document_types`, `event_types`.
    """
    check_meaning(fixture, fixture.means())


def test_the_same_message_means_the_same_and_is_left_alone(fixture: Fixture) -> None:
    """A delivery that is read twice makes one document, and what is stored of it stays as it came.

    Remedy: `normalise` is pure: no clock, no random number, no change of the payload.
    """
    body = deepcopy(fixture.body)
    first, second = fixture.means(body), fixture.means(body)
    assert first == second
    assert body == fixture.body, "normalise changed the payload"


def test_what_a_delivery_means_does_not_hang_on_when_it_came(fixture: Fixture) -> None:
    """A delivery that waited for a year says what it said on the first day.

    Remedy: take times out of the payload; `received_at` stands in for none of a document's.
    """
    late = fixture.message(received_at=RECEIVED_AT + timedelta(days=400))
    assert fixture.source.normalise(late).untokened == fixture.means().untokened


def test_an_unknown_event_is_skipped_with_a_reason_that_names_it(suite: Suite) -> None:
    """What a provider invents tomorrow is seen in the list of deliveries, and breaks nothing.

    Remedy: `normalise` answers an unknown kind with `skip` that names it. A fixture's name begins
    with its kind as a header or a field of the body says it.
    """
    told = [(one, kind, one.as_kind(kind)) for one in suite.fixtures for kind in UNHEARD_OF]
    assert any(strange for *_, strange in told), "no fixture says its event in a header or a field"
    for fixture, kind, strange in told:
        if strange is not None:
            headers, body = strange
            means = fixture.means(body, headers)
            check_meaning(fixture, means)
            assert means.skip is not None, f"{fixture.name}: an unheard-of kind is not skipped"
            named = kind.lower() in means.skip.lower()
            assert named, f"{fixture.name}: {means.skip!r} does not name it"


def test_every_ignored_kind_has_a_reason_and_gives_it(suite: Suite) -> None:
    """Whoever looks for a missing document finds the reason with the delivery.

    Remedy: a kind that is known and makes no document is an entry with its reason, which is more
    than two words, and which `skip` holds; `Source.ignored` is the table of them.
    """
    kinds = (fixture for fixture in suite.fixtures if fixture.as_kind("x") is not None)
    fixture = next(kinds, None)
    assert fixture is not None, "no fixture says its event in a header or a field"
    for kind, reason in suite.source.ignored.items():
        assert len(reason.split()) > 2, f"the reason for {kind} says nothing: {reason!r}"
        told = fixture.as_kind(kind)
        assert told is not None
        means = fixture.means(told[1], told[0])
        check_meaning(fixture, means)
        assert means.skip is not None, f"{kind} is listed as ignored and is not skipped"
        assert reason in means.skip, f"{kind} is skipped as {means.skip!r}, not for {reason!r}"


def test_what_answers_its_parent_is_named_as_such(suite: Suite) -> None:
    """A reply stays when what it answers goes, where the provider goes on showing it.

    Remedy: `Source.answers` is the table of (kind, kind of its parent), and an `Upsert` of such a
    pair has `answers`, and in `lives_in` what it does go with; no other has.
    """
    for fixture in suite.fixtures:
        for change in (*fixture.means().told, *fixture.means().untokened):
            if isinstance(change, Upsert) and change.parent is not None:
                pair = (change.identity.kind, change.parent.kind)
                assert change.answers == (pair in suite.source.answers), f"{fixture.name}: {pair}"


def test_a_payload_says_one_thing_of_an_object_at_one_place(suite: Suite) -> None:
    """Of two words of one body that are level the first to be read would win.

    Remedy: give the two changes different versions or priorities, or make one of them.
    """
    for fixture in suite.fixtures:
        meant = fixture.means()
        for told in (meant.told, meant.untokened):
            places = [(change.identity, rank(change)) for change in told]
            assert len(set(places)) == len(places), f"{fixture.name}: two at one place: {places}"
