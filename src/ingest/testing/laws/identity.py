"""Laws of what a delivery is about, and whose it is: the signed body says so, no unsigned header.

What they protect: nobody writes another's documents, and an object is one document for ever.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any

from ingest.core.changes import Change, Delete, Refresh, Upsert
from ingest.core.errors import BadPayload, PermanentError
from ingest.testing.laws.fixtures import Fixture, Path_, Suite

ELSEWHERE = "elsewhere"


def test_a_body_under_another_delivery_s_headers_means_the_same_or_nothing(suite: Suite) -> None:
    """A signed body that is sent again under another event's name does nothing new.

    Bug: a comment's deletion, sent once more as `issues`, deleted the issue for good.
    Remedy: prove by a field of the body that it is of the kind that the header says.
    """
    kinds = _kind_headers(suite.fixtures)
    for fixture in suite.fixtures:
        meant = {_about(change) for change in fixture.means().changes}
        withdraws = fixture.means().withdraws
        own = {name: value for name, value in fixture.headers.items() if name not in kinds}
        for headers in _distinct((other.headers for other in suite.fixtures), kinds):
            try:
                other = fixture.means(headers={**headers, **own})
            except PermanentError:
                continue
            told = {_about(change) for change in other.changes}
            assert told <= meant, f"{fixture.name} under {headers}: {sorted(told - meant)}"
            assert other.withdraws in {None, withdraws}, f"{fixture.name} under {headers}"


def _kind_headers(fixtures: Iterable[Fixture]) -> frozenset[str]:
    """The headers that say what kind of event it is: somewhere they say the fixture's own."""
    return frozenset(
        name for one in fixtures for name, value in one.headers.items() if value == one.kind
    )


def _distinct(
    all_headers: Iterable[Mapping[str, str]], kinds: frozenset[str]
) -> Iterator[Mapping[str, str]]:
    """Headers that differ in more than ids and times: what kinds of delivery the source has."""
    seen: set[tuple[tuple[str, str], ...]] = set()
    for headers in all_headers:
        kind = tuple(sorted((name, value) for name, value in headers.items() if name in kinds))
        if kind not in seen:
            seen.add(kind)
            yield headers


def _about(change: Change | Refresh) -> tuple[str, str, str]:
    """What a change is about; of its place among others of one version the headers may tell."""
    return type(change).__name__, change.identity.kind, change.identity.id


def test_what_is_told_to_be_gone_for_good_can_be_asked_about(suite: Suite) -> None:
    """A final deletion is believed at once only where nobody can be asked.

    Remedy: give a final `Delete` its `confirm`, the look-up of the object (`gone`), or of the one
    that it is a part of.
    """
    for fixture in suite.fixtures:
        for change in fixture.means().told:
            if isinstance(change, Delete) and change.final:
                confirm = change.confirm
                assert confirm is not None, f"{fixture.name}: {change.identity} without confirm"
                is_own = confirm.identity == change.identity
                holders = _holders(suite.fixtures, change.identity.kind)
                assert is_own or confirm.identity.kind in holders, f"{fixture.name}: {confirm}"
                assert confirm.gone == is_own, f"{fixture.name}: {confirm}"


def _holders(fixtures: Iterable[Fixture], kind: str) -> frozenset[str]:
    """The kinds of what documents of this kind are a part of, as the fixtures show."""
    told = (change for fixture in fixtures for change in fixture.means().untokened)
    return frozenset(
        change.parent.kind
        for change in told
        if isinstance(change, Upsert) and change.identity.kind == kind and change.parent is not None
    )


MALFORMED: tuple[Any, ...] = (True, False, 1.5, [], ["x"], {}, {"id": 1}, "", -1, 2**70)
"""What is no id, or names another object."""


def test_an_id_that_is_malformed_is_never_taken_for_one_that_is_absent(fixture: Fixture) -> None:
    """Whatever stands where a payload's ids of its tenant stand, it names another one or fails.

    Bug: it named nothing, and on a connection's own route it passed for the connection's.
    Remedy: read ids with `ingest.sources.ids`, which raises `BadPayload` for what is none.
    """
    descriptor = fixture.source.descriptor
    own = descriptor.tenants(fixture.headers, fixture.body)
    for path in _places_of(fixture.body, set(own)):
        for junk in MALFORMED:
            body = fixture.with_value(path, junk)
            try:
                named = descriptor.tenants(fixture.headers, body)
            except BadPayload:
                continue
            assert named, f"{junk!r} at {path} names no tenant"


def _places_of(value: Any, ids: set[str], path: Path_ = ()) -> Iterator[Path_]:
    """Where in a payload one of these ids stands, as a text or a number."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _places_of(item, ids, (*path, name))
    elif isinstance(value, str | int) and not isinstance(value, bool) and str(value) in ids:
        yield path


def test_every_identity_lies_in_the_tenant_it_was_asked_for(fixture: Fixture) -> None:
    """A connection writes within its own scope, whatever a payload says.

    Remedy: make every `Identity` with the message's `scope`, a parent's too.
    """
    elsewhere = fixture.message(scope=ELSEWHERE)
    for change in fixture.source.normalise(elsewhere).untokened:
        assert change.identity.scope == ELSEWHERE, change.identity
        if isinstance(change, Upsert) and change.parent is not None:
            assert change.parent.scope == ELSEWHERE, change.parent


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


def _tellings(fixtures: Iterable[Fixture]) -> list[list[tuple[Fixture, Change]]]:
    """The fixtures that tell of one object, with the change that each means.

    What is told of another one beside it (a comment of the ticket) comes after that.
    """
    groups: dict[Any, list[tuple[Fixture, Change]]] = defaultdict(list)
    for fixture in fixtures:
        if objects := _objects(fixture):
            for change in fixture.means().untokened[:1]:
                groups[fixture.event, fixture.scope, objects].append((fixture, change))
    return [group for group in groups.values() if len(group) > 1]


def test_an_object_is_one_thing_when_created_changed_and_deleted(suite: Suite) -> None:
    """What changes an object, or deletes it, finds the document that its creation made.

    Remedy: an `Identity` is made of an id that never changes. Where something is both written and
    deleted, one object of the fixtures is to have both.
    """
    for group in _tellings(suite.fixtures):
        identities = {change.identity for _, change in group}
        assert len(identities) == 1, [fixture.name for fixture, _ in group]
    lives: dict[Any, set[type[Change]]] = defaultdict(set)
    for fixture in suite.fixtures:
        for change in fixture.means().untokened:
            lives[change.identity].add(type(change))
    told = {kind for kinds in lives.values() for kind in kinds}
    if told >= {Upsert, Delete}:
        shared = any({Upsert, Delete} <= kinds for kinds in lives.values())
        assert shared, "the fixtures share no object that lives and goes"


def test_two_objects_are_never_one_thing(suite: Suite) -> None:
    """No object overwrites another's document.

    Remedy: an `Identity`'s kind and id together name one object of the provider within the scope.
    """
    told = [one for one in suite.fixtures if _objects(one) and one.means().untokened]
    for one, other in combinations(told, 2):
        if one.event == other.event and _objects(one).isdisjoint(_objects(other)):
            mine = {change.identity for change in one.means().untokened}
            theirs = {change.identity for change in other.means().untokened}
            assert mine.isdisjoint(theirs), (one.name, other.name, sorted(map(str, mine & theirs)))
