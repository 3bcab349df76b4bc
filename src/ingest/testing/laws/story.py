"""Laws of a source's sample: what it sends in the story of the demo, and what becomes of it.

What they protect: `ingest demo` plays every source that is installed, and ends as it says.
"""

from __future__ import annotations

import pytest

from ingest.core.signing import check_fresh, verify
from ingest.core.values import loads
from ingest.testing.laws.fixtures import RECEIVED_AT, Fixture, Suite
from ingest.testing.laws.lawful import check_meaning
from ingest.testing.sample import TrialWebhook
from ingest.testing.signing import request

SECRET = "the live secret of a test"  # noqa: S105 - opens nothing


def test_the_sample_is_the_source_s_own(suite: Suite) -> None:
    """The demo connects each source as itself.

    Remedy: `SAMPLE` has the `source_type` of the descriptor, and its metadata the same `type`.
    """
    sample = suite.sample
    assert sample is not None
    assert sample.source_type == suite.source_type
    assert sample.name, "the sample has no name"
    assert sample.connection.get("type") == suite.source_type


def test_the_receiver_takes_each_delivery_of_the_story(delivery: Fixture) -> None:
    """What the demo sends is what the provider would send, and comes to the sample's connection.

    Remedy: give the delivery every needed header, its id, and the ids of `story_metadata`.
    """
    descriptor = delivery.source.descriptor
    scheme = descriptor.scheme
    sent = request(scheme, delivery.headers, delivery.body, secret=SECRET, sent_at=RECEIVED_AT)
    verify(scheme, sent.headers, sent.body, [SECRET])
    check_fresh(scheme, sent.headers, loads(sent.body), RECEIVED_AT)
    missing = [name for name in descriptor.needed_headers if not sent.headers.get(name)]
    assert not missing, f"needed_headers that it has not: {missing}"
    key = descriptor.delivery_key(sent.headers, delivery.body)
    assert key or descriptor.key_may_be_absent, "it has no delivery_key"
    home = set(descriptor.connection_tenants(delivery.connection))
    home |= descriptor.own_names(delivery.connection)
    named = set(descriptor.tenants(sent.headers, delivery.body))
    assert not named or named & home, f"it is {sorted(named)}'s, and not {sorted(home)}'s"


def test_the_receiver_takes_the_trial_of_a_connection(suite: Suite) -> None:
    """What `ingest send-test` sends comes to the connection that is tried, and speaks of something.

    Remedy: `SAMPLE.trial` takes every id that it names out of `TrialWebhook.metadata`.
    """
    sample, source = suite.sample, suite.source
    assert sample is not None
    if sample.trial is None:
        pytest.skip("the sample has no trial")
    for number, connection in enumerate((suite.connection, sample.connection)):
        key = f"00000000-0000-4000-8000-{number:012d}"
        sent = sample.trial(TrialWebhook(connection, key, RECEIVED_AT))
        made = Fixture(source, "trial", "the sample", sent.headers, sent.payload, connection)
        test_the_receiver_takes_each_delivery_of_the_story(made)
        assert source.descriptor.delivery_key(sent.headers, sent.payload), "it has no delivery_key"
        meaning = made.means()
        assert meaning.changes, f"it speaks of nothing: {meaning.skip}"
        assert not meaning.drift, f"its own adapter does not know {meaning.drift}"
        check_meaning(made, meaning)


def test_each_delivery_of_the_story_means_something_lawful(delivery: Fixture) -> None:
    """What the demo makes of a delivery can be stored, and conforms to what the source publishes.

    Remedy: as for a fixture.
    """
    check_meaning(delivery, delivery.means())
