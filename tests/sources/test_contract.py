"""The laws that all sources share, over the registry and every fixture; nobody is named here.

A fixture is `<provider>/fixtures/<event>.<more>.json` with {"headers", "body"}: a delivery in the
provider's real shape. A new source needs fixtures and nothing in this file.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from ingest.core.canonical import clean_json
from ingest.core.changes import Change, Delete, Refresh, Upsert
from ingest.core.errors import BadPayload, BadSignature, PermanentError
from ingest.core.ranks import content, rank
from ingest.core.signing import Scheme, check_fresh, sign, verify
from ingest.core.times import iso
from ingest.sources.contract import Message, Normalised, Source
from ingest.sources.registry import all_sources
from tests.factories import METADATA, OURS

SECRET, OTHER_SECRET = "the live secret of a test", "a secret that is not live"
RECEIVED_AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
LONGEST_KEY = 255


@dataclass(frozen=True)
class Fixture:
    """A delivery of a source, as its provider sends it."""

    source: Source
    name: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def event(self) -> str:
        """The kind of event, by the fixture's name."""
        return self.name.partition(".")[0]

    @property
    def scope(self) -> str:
        """The scope of its identities, on a connection of `factories`."""
        descriptor = self.source.descriptor
        names = (*descriptor.tenants(self.headers, self.body), "the tenant of a test")
        return descriptor.scope(names[0], self.connection)

    @property
    def connection(self) -> Mapping[str, Any]:
        return METADATA[self.source.descriptor.source_type]

    def message(self, body: Any = None, headers: Mapping[str, str] | None = None) -> Message:
        return Message(
            headers=dict(self.headers if headers is None else headers),
            payload=deepcopy(self.body) if body is None else body,
            delivery_key="a delivery",
            received_at=RECEIVED_AT,
            scope=self.scope,
            connection=self.connection,
        )

    def means(self, body: Any = None, headers: Mapping[str, str] | None = None) -> Normalised:
        return self.source.normalise(self.message(body, headers))


def _fixtures() -> Iterator[Fixture]:
    for source in all_sources().values():
        folder = Path(__file__).parent / source.descriptor.source_type / "fixtures"
        for path in sorted(folder.glob("*.json")):
            told = json.loads(path.read_text())
            headers = {name.lower(): value for name, value in told["headers"].items()}
            yield Fixture(source, path.stem, headers, told["body"])


FIXTURES = list(_fixtures())
SOURCES = list({f.source.descriptor.source_type: f.source for f in FIXTURES}.values())


def _named(of: Fixture | Source) -> str:
    kind = of.source if isinstance(of, Fixture) else of
    name = kind.descriptor.source_type
    return f"{name}-{of.name}" if isinstance(of, Fixture) else name


every_fixture = pytest.mark.parametrize("fixture", FIXTURES, ids=_named)
every_source = pytest.mark.parametrize("source", SOURCES, ids=_named)


def test_there_are_fixtures_of_every_source_of_ours() -> None:
    """Another package keeps its own."""
    assert {source.descriptor.source_type for source in SOURCES} == OURS


# Whom it belongs to, and what it is: the signed body says so, and no unsigned header.


@every_source
def test_a_body_under_another_delivery_s_headers_means_the_same_or_nothing(source: Source) -> None:
    """Bug: a comment's deletion, sent once more as `issues`, deleted the issue for good."""
    own = [fixture for fixture in FIXTURES if fixture.source is source]
    for fixture in own:
        meant = {_plain(change) for change in fixture.means().changes}
        withdraws = fixture.means().withdraws
        for headers in _distinct(f.headers for f in own):
            try:
                other = fixture.means(headers={**headers, **_of_body(fixture.headers, headers)})
            except PermanentError:
                continue
            assert {_plain(change) for change in other.changes} <= meant, (fixture.name, headers)
            assert other.withdraws in {None, withdraws}, (fixture.name, headers)


def _distinct(all_headers: Iterable[Mapping[str, str]]) -> Iterator[Mapping[str, str]]:
    """Headers that differ in more than ids: what kinds of delivery the source has."""
    seen: set[tuple[tuple[str, str], ...]] = set()
    for headers in all_headers:
        kind = tuple(sorted((n, v) for n, v in headers.items() if n in _KIND_HEADERS))
        if kind not in seen:
            seen.add(kind)
            yield headers


_KIND_HEADERS = {"x-github-event", "linear-event", "sentry-hook-resource", "x-zendesk-webhook-id"}


def _of_body(own: Mapping[str, str], _other: Mapping[str, str]) -> Mapping[str, str]:
    """What does not say the kind stays: ids and times."""
    return {name: value for name, value in own.items() if name not in _KIND_HEADERS}


def _plain(change: Change | Refresh) -> tuple[str, str, str]:
    """What a change is about; of its place among others of one version the headers may tell."""
    return type(change).__name__, change.identity.kind, change.identity.id


@every_fixture
def test_what_is_told_to_be_gone_for_good_can_be_asked_about(fixture: Fixture) -> None:
    """A final deletion is believed at once only where nobody can be asked."""
    for change in fixture.means().told:
        if isinstance(change, Delete) and change.final:
            assert change.confirm is not None
            about = {change.identity.kind, *_PARENTS}
            assert change.confirm.identity.kind in about
            assert change.confirm.gone == (change.confirm.identity == change.identity)


_PARENTS = {"issue"}
"""What shows its comments when it is looked up."""


_MALFORMED: tuple[Any, ...] = (True, False, 1.5, [], ["x"], {}, {"id": 1}, "", -1, 2**70)


@every_fixture
def test_an_id_that_is_malformed_is_never_taken_for_one_that_is_absent(fixture: Fixture) -> None:
    """Bug: it named nothing, and on a connection's own route it passed for the connection's.

    Whatever stands where a payload's ids of its tenant stand, it names another one or is an error.
    """
    descriptor = fixture.source.descriptor
    own = descriptor.tenants(fixture.headers, fixture.body)
    for path in _paths_of(fixture.body, set(own)):
        for junk in _MALFORMED:
            body = _put(fixture.body, path, junk)
            try:
                named = descriptor.tenants(fixture.headers, body)
            except BadPayload:
                continue
            assert named, (path, junk)


def _paths_of(value: Any, ids: set[str], path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in a payload one of these ids stands, as a text or a number."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _paths_of(item, ids, (*path, name))
    elif isinstance(value, str | int) and not isinstance(value, bool) and str(value) in ids:
        yield path


def _put(body: Any, path: tuple[Any, ...], junk: Any) -> Any:
    changed = deepcopy(dict(body))
    at: Any = changed
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = junk
    return changed


# The signature: over the raw bytes, with every live secret, and fresh where a time is signed.


def _signed(fixture: Fixture, secret: str = SECRET) -> tuple[Scheme, dict[str, str], bytes]:
    scheme = fixture.source.descriptor.scheme
    headers = dict(fixture.headers)
    if scheme.prefix_header is not None:
        headers.setdefault(scheme.prefix_header.lower(), iso(RECEIVED_AT))
    raw = orjson.dumps(fixture.body)
    headers[scheme.header.lower()] = sign(scheme, headers, raw, secret)
    return scheme, headers, raw


@every_fixture
def test_a_signed_delivery_is_believed(fixture: Fixture) -> None:
    scheme, headers, raw = _signed(fixture)
    verify(scheme, headers, raw, [SECRET])


@every_fixture
def test_a_changed_body_is_refused(fixture: Fixture) -> None:
    scheme, headers, raw = _signed(fixture)
    middle = len(raw) // 2
    flipped = raw[:middle] + bytes([raw[middle] ^ 1]) + raw[middle + 1 :]
    for changed in (flipped, raw + b" ", raw[:-1], b""):
        with pytest.raises(BadSignature):
            verify(scheme, headers, changed, [SECRET])


@every_fixture
def test_a_changed_signature_header_is_refused(fixture: Fixture) -> None:
    scheme, headers, raw = _signed(fixture)
    name = scheme.header.lower()
    for changed in (headers[name][:-1], headers[name] + "0", headers[name][1:], "\u00e9"):
        with pytest.raises(BadSignature):
            verify(scheme, headers | {name: changed}, raw, [SECRET])
    if scheme.prefix_header is not None:
        moved = headers | {scheme.prefix_header.lower(): "another text"}
        with pytest.raises(BadSignature):
            verify(scheme, moved, raw, [SECRET])


@every_fixture
def test_an_unsigned_delivery_is_refused(fixture: Fixture) -> None:
    scheme, headers, raw = _signed(fixture)
    del headers[scheme.header.lower()]
    for unsigned in (headers, headers | {scheme.header.lower(): ""}):
        with pytest.raises(BadSignature, match="unsigned"):
            verify(scheme, unsigned, raw, [SECRET])


@every_fixture
def test_while_secrets_rotate_the_old_and_the_new_are_believed_and_no_third(
    fixture: Fixture,
) -> None:
    for signer in ("the old secret", "the new secret"):
        scheme, headers, raw = _signed(fixture, signer)
        verify(scheme, headers, raw, ["the old secret", "the new secret"])
        with pytest.raises(BadSignature):
            verify(scheme, headers, raw, [OTHER_SECRET])


@every_fixture
def test_without_a_secret_nothing_is_believed(fixture: Fixture) -> None:
    scheme, headers, raw = _signed(fixture, "")
    for nothing in ([], [""], ["", ""]):
        with pytest.raises(BadSignature, match="no webhook secret"):
            verify(scheme, headers, raw, nothing)


def _sent_at(fixture: Fixture, moment: datetime) -> tuple[dict[str, str], dict[str, Any]]:
    """The fixture's headers and body, with the time that its provider signs."""
    time = fixture.source.descriptor.scheme.time
    headers, body = dict(fixture.headers), dict(fixture.body)
    if time is not None:
        epoch_ms = int(moment.timestamp() * 1000)
        if time.place == "body":
            body[time.name] = epoch_ms if time.form == "epoch_ms" else iso(moment)
        else:
            headers[time.name.lower()] = str(epoch_ms) if time.form == "epoch_ms" else iso(moment)
    return headers, body


@every_fixture
def test_a_stale_delivery_is_refused_where_a_time_is_signed_and_else_none_is(
    fixture: Fixture,
) -> None:
    scheme = fixture.source.descriptor.scheme
    window = scheme.time.window if scheme.time else timedelta(days=1)
    for age in (timedelta(0), window, -window):
        check_fresh(scheme, *_sent_at(fixture, RECEIVED_AT - age), RECEIVED_AT)
    late, early = window + timedelta(seconds=1), -window - timedelta(seconds=1)
    for age in (late, early):
        if scheme.time is None:
            check_fresh(scheme, *_sent_at(fixture, RECEIVED_AT - age), RECEIVED_AT)
            continue
        with pytest.raises(BadSignature):
            check_fresh(scheme, *_sent_at(fixture, RECEIVED_AT - age), RECEIVED_AT)


@every_fixture
def test_a_delivery_has_what_its_descriptor_needs(fixture: Fixture) -> None:
    descriptor = fixture.source.descriptor
    assert fixture.headers.keys() >= set(descriptor.needed_headers)
    if not descriptor.is_handshake(fixture.headers, fixture.body):
        key = descriptor.delivery_key(fixture.headers, fixture.body)
        assert key or descriptor.key_may_be_absent


@every_fixture
def test_no_signature_is_ever_stored(fixture: Fixture) -> None:
    descriptor = fixture.source.descriptor
    signatures = {h.lower() for h in (descriptor.scheme.header, *descriptor.scheme.other_headers)}
    assert not descriptor.kept_headers & signatures
    assert all(name == name.lower() for name in descriptor.kept_headers)


# What a delivery means: a pure function of it, in the terms of the source's own types.


def _laws_of(fixture: Fixture, means: Normalised) -> None:
    """What holds for whatever an adapter says, of a real delivery and of any junk."""
    assert means.changes or means.skip, "a delivery without a change is skipped with a reason"
    assert not (means.changes and means.skip)
    _conforms(means.event, fixture.source.event_types)
    for change in means.untokened:
        assert rank(change)
        orjson.dumps(content(change))
        assert change.identity.source_type == fixture.source.descriptor.source_type
        assert change.identity.scope == fixture.scope
        assert change.identity.id
        if isinstance(change, Upsert):
            _conforms(change.metadata, fixture.source.document_types)
            assert 0 < len(change.source_id) <= LONGEST_KEY
            assert all(len(reference.key) <= LONGEST_KEY for reference in change.references)
        if isinstance(change, Upsert | Delete):
            assert all(0 < len(alias) <= LONGEST_KEY for alias in change.aliases)
    assert len(means.drift) <= 100


def _conforms(metadata: Mapping[str, Any], types: tuple[type[BaseModel], ...]) -> None:
    """It can be stored, and says nothing but what exactly one of the types says."""
    stored = orjson.loads(orjson.dumps(dict(metadata)))
    assert None not in stored.values(), "an absent field is left out, never null"
    assert len(_readings(stored, types)) == 1, f"not exactly one type says {stored}"


def _readings(stored: Any, types: tuple[type[BaseModel], ...]) -> list[type[BaseModel]]:
    found = []
    for type_ in types:
        try:
            read = type_.model_validate(stored, strict=True)
        except ValidationError:
            continue
        if read.model_dump(mode="json", by_alias=True, exclude_none=True) == stored:
            found.append(type_)
    return found


@every_fixture
def test_what_a_delivery_means_keeps_every_law(fixture: Fixture) -> None:
    _laws_of(fixture, fixture.means())


@every_fixture
def test_the_same_message_means_the_same_and_is_left_alone(fixture: Fixture) -> None:
    body = deepcopy(fixture.body)
    first, second = fixture.means(body), fixture.means(body)
    assert first == second
    assert body == fixture.body


@every_fixture
def test_what_a_delivery_means_does_not_hang_on_when_it_came(fixture: Fixture) -> None:
    late = Message(
        fixture.headers,
        fixture.body,
        "a delivery",
        RECEIVED_AT + timedelta(days=400),
        fixture.scope,
        fixture.connection,
    )
    assert fixture.source.normalise(late).untokened == fixture.means().untokened


@every_fixture
def test_every_identity_lies_in_the_tenant_it_was_asked_for(fixture: Fixture) -> None:
    elsewhere = Message(
        fixture.headers, fixture.body, "a delivery", RECEIVED_AT, "elsewhere", fixture.connection
    )
    for change in fixture.source.normalise(elsewhere).untokened:
        assert change.identity.scope == "elsewhere"
        if isinstance(change, Upsert) and change.parent is not None:
            assert change.parent.scope == "elsewhere"


def _as_kind(fixture: Fixture, kind: str) -> tuple[dict[str, str], dict[str, Any]] | None:
    """The fixture as an event of another kind, wherever a header or a field says its kind."""
    if fixture.event not in (*fixture.headers.values(), *fixture.body.values()):
        return None
    headers = {n: kind if v == fixture.event else v for n, v in fixture.headers.items()}
    body = {n: kind if v == fixture.event else v for n, v in fixture.body.items()}
    return headers, body


@every_source
def test_an_unknown_event_is_skipped_with_a_reason_that_names_it(source: Source) -> None:
    told = [(f, _as_kind(f, "Unheard-of")) for f in FIXTURES if f.source is source]
    assert any(strange for _, strange in told)
    for fixture, strange in told:
        if strange is not None:
            means = fixture.means(strange[1], strange[0])
            _laws_of(fixture, means)
            assert means.skip is not None
            assert "Unheard-of" in means.skip


@every_source
def test_every_ignored_kind_has_a_reason_and_gives_it(source: Source) -> None:
    fixture = next(f for f in FIXTURES if f.source is source and _as_kind(f, "x") is not None)
    for kind, reason in source.ignored.items():
        assert len(reason.split()) > 2
        told = _as_kind(fixture, kind)
        assert told is not None
        means = fixture.means(told[1], told[0])
        _laws_of(fixture, means)
        assert means.skip is not None
        assert reason in means.skip


# One object, whatever is told of it.


def _objects(fixture: Fixture) -> frozenset[tuple[str, Any]]:
    """The objects with a life of their own that the body carries: those with an id and a time."""
    return frozenset(
        (name, told["id"])
        for name, told in fixture.body.items()
        if isinstance(told, dict)
        and isinstance(told.get("id"), int | str)
        and any(key.endswith(("_at", "At")) for key in told)
    )


def _tellings(source: Source) -> list[list[tuple[Fixture, Change]]]:
    """The fixtures of one source that tell of one object, with the change that each means."""
    groups: dict[Any, list[tuple[Fixture, Change]]] = defaultdict(list)
    for fixture in FIXTURES:
        if fixture.source is source and _objects(fixture):
            for change in fixture.means().untokened:
                groups[fixture.event, fixture.scope, _objects(fixture)].append((fixture, change))
    return [group for group in groups.values() if len(group) > 1]


@every_source
def test_an_object_is_one_thing_when_created_changed_and_deleted(source: Source) -> None:
    groups = _tellings(source)
    for group in groups:
        identities = {change.identity for _, change in group}
        assert len(identities) == 1, [fixture.name for fixture, _ in group]
    lives: dict[Any, set[type[Change]]] = defaultdict(set)
    for fixture in FIXTURES:
        if fixture.source is source:
            for change in fixture.means().untokened:
                lives[change.identity].add(type(change))
    told = {kind for kinds in lives.values() for kind in kinds}
    if told >= {Upsert, Delete}:
        shared = any({Upsert, Delete} <= kinds for kinds in lives.values())
        assert shared, "the fixtures share no object that lives and goes"


@every_source
def test_two_objects_are_never_one_thing(source: Source) -> None:
    told = [f for f in FIXTURES if f.source is source and _objects(f) and f.means().untokened]
    for one, other in combinations(told, 2):
        if one.event == other.event and _objects(one).isdisjoint(_objects(other)):
            mine = {change.identity for change in one.means().untokened}
            assert mine.isdisjoint(change.identity for change in other.means().untokened)


@every_source
def test_a_payload_says_one_thing_of_an_object_at_one_place(source: Source) -> None:
    """Of two words of one body that are level the first to be read would win."""
    for fixture in FIXTURES:
        if fixture.source is source:
            meant = fixture.means()
            for told in (meant.told, meant.untokened):
                places = [(change.identity, rank(change)) for change in told]
                assert len(set(places)) == len(places)


# Whatever anybody sends: our own errors, with the path.

_Path = tuple[str | int, ...]

# What reading a body can give: clean texts, but integers and floats of any size.
junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=10),
    st.sampled_from(["", " ", "\x00", "\ud800", "a\nb", "x" * 300, "1969-12-31T23:59:59Z"]),
    st.sampled_from([-1, 0, 2**63, 2**64, 10**400, 1e308, -0.0]),
    st.sampled_from(["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2024-03-01"]),
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


names = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=5)


def _paths(value: Any, here: _Path = ()) -> Iterator[_Path]:
    steps: list[str | int] = []
    if isinstance(value, dict):
        steps = list(value)
    elif isinstance(value, list):
        steps = list(range(len(value)))
    for step in steps:
        yield (*here, step)
        yield from _paths(value[step], (*here, step))


def _holder(body: Any, path: _Path) -> Any:
    for step in path[:-1]:
        body = body[step]
    return body


ODD: tuple[Any, ...] = (None, "", "x" * 300, 7, [], {}, True)
PATHS = {id(f): list(_paths(f.body)) for f in FIXTURES}


def _survives(fixture: Fixture, body: Any) -> None:
    """It means something lawful, or is refused with a path; nothing else ever escapes."""
    try:
        means = fixture.means(body)
    except PermanentError as refused:
        error = refused
    else:
        _laws_of(fixture, means)
        return
    assert isinstance(error, BadPayload), f"an error without a path: {error!r}"
    assert error.path
    assert error.problem


@every_fixture
def test_any_key_may_be_missing(fixture: Fixture) -> None:
    for path in PATHS[id(fixture)]:
        body = deepcopy(fixture.body)
        del _holder(body, path)[path[-1]]
        _survives(fixture, body)


@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.slow)])
@every_fixture
def test_any_value_may_be_null_or_of_another_kind(fixture: Fixture, every: int) -> None:
    """Of the quick version each place has a third, another one than the places beside it."""
    for number, path in enumerate(PATHS[id(fixture)]):
        for odd in ODD[number % every :: every]:
            body = deepcopy(fixture.body)
            _holder(body, path)[path[-1]] = odd
            _survives(fixture, body)


few = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _check_junk(data: st.DataObject) -> None:
    fixture = data.draw(st.sampled_from(FIXTURES))
    body: Any = deepcopy(fixture.body)
    for path in data.draw(st.lists(st.sampled_from(PATHS[id(fixture)]), min_size=1, max_size=4)):
        try:
            _holder(body, path)[path[-1]] = data.draw(junk)
        except (KeyError, IndexError, TypeError):
            continue  # a former replacement took the place away
    _survives(fixture, body)


@few
@given(st.data())
def test_any_values_may_be_any_json(data: st.DataObject) -> None:
    _check_junk(data)


@pytest.mark.slow
@settings(few, max_examples=20_000)
@given(st.data())
def test_any_values_may_be_any_json_for_long(data: st.DataObject) -> None:
    _check_junk(data)


@settings(few, max_examples=100)
@given(st.sampled_from(FIXTURES), st.dictionaries(names, junk, max_size=4))
def test_a_body_of_junk_is_refused_or_skipped(fixture: Fixture, body: dict[str, Any]) -> None:
    _survives(fixture, body)


@pytest.mark.parametrize("source", all_sources().values(), ids=_named)
@settings(few, max_examples=40)
@given(body=st.dictionaries(names, junk, max_size=4))
def test_a_descriptor_survives_any_body(source: Source, body: dict[str, Any]) -> None:
    descriptor = source.descriptor
    tenants = descriptor.tenants({}, body)
    key = descriptor.delivery_key({}, body)
    assert all(type(tenant) is str and tenant != "" for tenant in tenants)
    assert key is None or (type(key) is str and key != "")
    assert descriptor.is_handshake({}, body) in (True, False)
