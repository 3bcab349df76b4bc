"""Laws of whatever anybody sends: a meaning that is lawful, or our own error with the path.

What they protect: one odd payload ends as one dead delivery with a reason, and stops no worker.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.core.canonical import clean_json
from ingest.core.errors import BadPayload, PermanentError
from ingest.testing.laws.fixtures import Fixture, Suite, holder
from ingest.testing.laws.lawful import check_meaning

ODD: tuple[Any, ...] = (None, "", "x" * 300, 7, [], {}, True)
"""What stands in place of each value of a body."""
_OF_THREE = 3

# What reading a body can give: clean texts, but integers and floats of any size.
_odd_texts = ["", " ", "\x00", "\ud800", "a\nb", "x" * 300, "1969-12-31T23:59:59Z"]
_odd_times = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2024-03-01"]
junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=10),
    st.sampled_from(_odd_texts),
    st.sampled_from([-1, 0, 2**63, 2**64, 10**400, 1e308, -0.0]),
    st.sampled_from(_odd_times),
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.text(max_size=5) | st.sampled_from(["id", "name", "key"]), inner, max_size=3
            )
        ),
        max_leaves=8,
    ),
).map(clean_json)
"""Any JSON value."""
names = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=5)
bodies = st.dictionaries(names, junk, max_size=4)
"""Any JSON object."""


def tried(examples: int) -> settings:
    """So many examples, however slowly they come."""
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=max(examples, 1), deadline=None, suppress_health_check=slow)


def bent(data: st.DataObject, fixture: Fixture) -> dict[str, Any]:
    """The fixture's body with junk in up to four places."""
    body: Any = deepcopy(dict(fixture.body))
    for path in data.draw(st.lists(st.sampled_from(fixture.places), min_size=1, max_size=4)):
        try:
            holder(body, path)[path[-1]] = data.draw(junk)
        except (KeyError, IndexError, TypeError):
            continue  # a former replacement took the place away
    told: dict[str, Any] = body
    return told


def _survives(fixture: Fixture, body: Any) -> None:
    """It means something lawful, or is refused with a path; nothing else ever escapes."""
    try:
        means = fixture.means(body)
    except PermanentError as refused:
        error = refused
    else:
        check_meaning(fixture, means)
        return
    assert isinstance(error, BadPayload), f"an error without a path: {error!r}"
    assert error.path, f"an error without a path: {error!r}"
    assert error.problem, f"an error without a problem: {error!r}"


def test_any_key_may_be_missing(fixture: Fixture) -> None:
    """A field that a provider leaves out is one `BadPayload` with its path, or not needed.

    Remedy: let `payloads` read every field, and give those that are needed no default.
    """
    for path in fixture.places:
        body = deepcopy(dict(fixture.body))
        del holder(body, path)[path[-1]]
        _survives(fixture, body)


def test_any_value_may_be_null_or_of_another_kind(suite: Suite, fixture: Fixture) -> None:
    """A field of another type is one `BadPayload` with its path, or read as absent.

    Of the quick version each place has a third, another one than the places beside it.
    Remedy: check the type of what is read before it is used.
    """
    every = 1 if suite.thorough else _OF_THREE
    for number, path in enumerate(fixture.places):
        for odd in ODD[number % every :: every]:
            _survives(fixture, fixture.with_value(path, odd))


def test_any_values_may_be_any_json(suite: Suite) -> None:
    """No value that JSON can hold stops a worker: huge numbers, odd times, control characters.

    Remedy: read times with `ingest.core.times`, ids with `ingest.sources.ids`, and bound texts.
    """

    @tried(suite.examples)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        fixture = data.draw(st.sampled_from(suite.fixtures))
        _survives(fixture, bent(data, fixture))

    check()


def test_a_body_of_junk_is_refused_or_skipped(suite: Suite) -> None:
    """A body that is nothing of the provider's is refused with a path, or skipped with a reason.

    Remedy: begin `normalise` with what says the kind, and treat it as a field like any other.
    """

    @tried(suite.examples // 3)
    @given(st.sampled_from(suite.fixtures), bodies)
    def check(fixture: Fixture, body: dict[str, Any]) -> None:
        _survives(fixture, body)

    check()


def test_a_descriptor_survives_any_body(suite: Suite) -> None:
    """What is asked of a body before it is stored never fails, so that any body has an answer.

    Remedy: a descriptor's functions read each field as one that may be anything, or absent.
    """

    @tried(suite.examples // 7)
    @given(body=bodies)
    def check(body: dict[str, Any]) -> None:
        _ask_descriptor(suite, {}, body)

    check()


def test_a_descriptor_survives_a_bent_body(suite: Suite) -> None:
    """The same of a body of the provider's: an id that is none is `BadPayload`, and nothing else.

    Remedy: read ids with `ingest.sources.ids`.
    """

    @tried(suite.examples // 3)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        fixture = data.draw(st.sampled_from(suite.fixtures))
        try:
            _ask_descriptor(suite, fixture.headers, bent(data, fixture))
        except BadPayload as error:
            told = error.path
        else:
            told = "no error"
        assert told, "an error without a path"

    check()


def _ask_descriptor(suite: Suite, headers: Any, body: dict[str, Any]) -> None:
    descriptor = suite.source.descriptor
    key = descriptor.delivery_key(headers, body)
    assert key is None or (type(key) is str and key != ""), f"delivery_key: {key!r}"
    assert descriptor.is_handshake(headers, body) in (True, False), "is_handshake: no bool"
    tenants, accounts = descriptor.tenants(headers, body), descriptor.accounts(body)
    for name in (*tenants, *accounts):
        assert type(name) is str and name != "", f"tenants or accounts: {name!r}"  # noqa: PT018
