"""Laws of lists, with the sample's fake API: what a listing names, and what it never may be.

What they protect: a sync run deletes nothing that is there and loses nothing that it was told,
wherever it is broken off. A fake whose pages can be made small has a `page_size`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ingest.core.changes import Change, Refresh, Upsert
from ingest.core.errors import IngestError, Refused
from ingest.core.identity import Identity
from ingest.core.ranks import content
from ingest.core.values import JSON
from ingest.sources.contract import Lookup
from ingest.sources.discreet import Discreet
from ingest.sources.listing import Listed, Listing, Page, PageRequest, Resource, Unlisted
from ingest.testing.fakes import Answer, Fake, Trouble, serving
from ingest.testing.laws.answers import MANY, ODD_BODIES, STATUSES, Odd
from ingest.testing.laws.clients import connected, provider_of, seen
from ingest.testing.laws.fixtures import RECEIVED_AT, Suite
from ingest.testing.laws.lawful import check_changes, check_event
from ingest.testing.laws.lookups import WRONG_TOKEN
from ingest.testing.walking import named_in, pages_of, stored

SMALL = 2
"""Objects of a page, where a fake can be told."""
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,30}")
_RUN = {"change": "updated", "kind": "k", "id": "1", "source_id": "1", "version": "1", "run": 1}


def test_lists_have_names_and_the_event_of_a_run_is_published(suite: Suite) -> None:
    """Cursors are kept by the names of lists, and what a run changed is read like any event.

    Remedy: give each `Resource` a name of its own, in lower case, and put the `event` of the
    `Listing` into `event_types`, with its `type` by default; where another one takes any `action`,
    it leaves out `resync`.
    """
    listing = _listing(suite)
    names = [one.name for one in listing.resources]
    assert names, "the listing has no resources"
    assert len(set(names)) == len(names), f"a name twice: {names}"
    odd = [name for name in names if not _NAME.fullmatch(name)]
    assert not odd, f"names that are none: {odd}"
    assert listing.event in suite.source.event_types, "the event is not among the event_types"
    check_event(suite.source, listing.event.model_validate(_RUN).told())


def test_a_list_says_what_a_look_up_says(suite: Suite) -> None:
    """A document does not flicker between what look-ups see and what sync runs list.

    Remedy: hand over as `Listed.raw` what `fetch_one` hands over as `Sight.raw`; ask for what the
    list leaves out, or name the object as `wanted`. The look-up is that of `again`.
    """
    with _playing(suite) as fake, connected(suite, fake) as client:
        listed = [one for resource in _resources(suite) for one in _told(suite, client, resource)]
        for one in listed:
            by_list = _said(suite, one)
            check_changes(suite.source, one.identity.scope, by_list.values())
            ask = _again(suite, one, by_list)
            by_look_up = _looked_up(suite, client, ask)
            if ask.identity != one.identity:  # its document comes with another one's
                by_look_up = {key: told for key, told in by_look_up.items() if key in by_list}
            assert _contents(by_list) == _contents(by_look_up), f"{one.identity} is two things"


def test_a_listing_goes_on_from_any_page(suite: Suite) -> None:
    """A run that is broken off goes on at its page, in another process and much later.

    Remedy: a cursor is plain JSON (no tuples, times or keys that are numbers) and holds all that
    the next page needs; nothing that it needs stays in the client.
    """
    with _playing(suite) as fake:
        for resource in _resources(suite):
            with connected(suite, fake) as client:
                pages = _pages(suite, client, resource)
            for cut, page in enumerate(pages[:-1]):
                with connected(suite, fake) as another:
                    rest = _pages(suite, another, resource, cursor=page.cursor)
                found = named_in([*pages[: cut + 1], *rest])
                assert found == named_in(pages), f"{resource.name}: broken off after page {cut + 1}"


def test_a_list_is_read_on_by_a_single_request_at_a_time(suite: Suite) -> None:
    """A provider of whose answers a third fail is listed nevertheless: by pages of few requests.

    Remedy: end a page after `PageRequest.most_calls`, and yet no sooner than it got on.
    """
    with _playing(suite) as fake, connected(suite, fake) as client:
        for resource in _resources(suite):
            whole = named_in(_pages(suite, client, resource))
            connection = suite.story_connection
            sparing = pages_of(client, resource.name, connection=connection, most_calls=1)
            assert named_in(sparing) == whole, f"{resource.name}: fewer requests a page name others"


def test_a_full_listing_names_everything_again(suite: Suite) -> None:
    """What the last listing left shortens the next one, and makes nothing look deleted.

    Remedy: what is unchanged as far as the provider says is `present`; a list that cannot name it
    has no `kinds`.
    """
    with _playing(suite) as fake, connected(suite, fake) as client:
        for resource in _resources(suite):
            first = _pages(suite, client, resource)
            again = _pages(suite, client, resource, kept=first[-1].kept)
            missing = {
                one for one in named_in(first) - named_in(again) if one.kind in resource.kinds
            }
            assert not missing, f"{resource.name} names no more {missing}"


def test_what_is_in_no_list_can_be_asked_about(suite: Suite) -> None:
    """Nothing is deleted because a list does not name it, but because a look-up finds it gone.

    Remedy: `absent` gives a `Refresh` with the hints that `fetch_one` needs, out of what is stored
    of the document, and out of what an earlier version stored of it.
    """
    listing = _listing(suite)
    with _playing(suite) as fake, connected(suite, fake) as client:
        for resource in _resources(suite):
            for one in _told(suite, client, resource):
                for told in _said(suite, one).values():
                    if isinstance(told, Upsert) and told.identity.kind in resource.kinds:
                        _ask_about(suite, client, listing, told)


def test_a_list_that_may_not_be_read_is_refused(suite: Suite) -> None:
    """A token that does not work pauses the connection; it never shows an empty list.

    Remedy: where a provider answers an empty list to whom it does not let in, prove the token by
    one more request when the first page is empty.
    """
    with _playing(suite) as fake, connected(suite, fake, token=WRONG_TOKEN) as client:
        for resource in _resources(suite):
            with pytest.raises(Refused):
                client.list_page(first_page(suite, resource))


@pytest.mark.parametrize("body", ODD_BODIES)
def test_what_is_no_list_is_never_an_empty_one(suite: Suite, body: str) -> None:
    """An API that has gone mad for a moment lists nothing that anything is pruned by.

    Remedy: raise `BadPayload` for an answer that is no list, and set `gap` where a part of one
    cannot be read.
    """
    odd = Odd(provider_of(suite).token, Answer(200, ODD_BODIES[body]))
    with serving(odd) as fake, connected(suite, fake) as client:
        for resource in _resources(suite):
            with suppress(IngestError):
                page = client.list_page(first_page(suite, resource))
                some = page.listed or page.present or page.wanted or page.cursor or page.gap
                assert some, f"{resource.name}: {body} is taken for a complete list of nothing"


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_ends_no_list(suite: Suite, status: int) -> None:
    """A page that fails is asked for again; it is never taken for the last one.

    Remedy: leave statuses to `ingest.sources.answers.Rules`; catch `Absent` alone.
    """
    with _playing(suite) as fake, connected(suite, fake) as client:
        fake.troubles[:] = [Trouble(Answer(status, {}, {"retry-after": "7"}), times=MANY)]
        for resource in _resources(suite):
            with pytest.raises(STATUSES[status]):
                client.list_page(first_page(suite, resource))


def _listing(suite: Suite) -> Listing:
    assert suite.source.listing is not None
    return suite.source.listing


def _resources(suite: Suite) -> tuple[Resource, ...]:
    return _listing(suite).resources


@contextmanager
def _playing(suite: Suite) -> Iterator[Fake]:
    """The sample's API, with small pages where it can have them."""
    provider = provider_of(suite)
    if hasattr(provider, "page_size"):
        provider.page_size = SMALL
    with serving(provider) as fake:
        yield fake


def first_page(suite: Suite, resource: Resource) -> PageRequest:
    """The first page: of all there is, or of what has moved where a full listing proves nothing,
    as it may ask for nothing either.
    """
    since = None if resource.kinds else RECEIVED_AT
    sent_at = datetime.now(UTC)
    return PageRequest(resource.name, since, sent_at, connection=suite.story_connection)


def _pages(
    suite: Suite, client: Discreet, resource: Resource, cursor: JSON = None, kept: JSON = None
) -> list[Page]:
    """A full listing, from the cursor to its end."""
    connection = suite.story_connection
    return [*pages_of(client, resource.name, kept=kept, cursor=cursor, connection=connection)]


def _told(suite: Suite, client: Discreet, resource: Resource) -> list[Listed]:
    """What a full listing tells whole."""
    return [one for page in _pages(suite, client, resource) for one in page.listed]


def _said(suite: Suite, listed: Listed) -> dict[Identity, Change]:
    """What the source makes of it."""
    documents = suite.source.documents
    assert documents is not None
    changes = documents(_lookup(suite, listed, raw=listed.raw))
    return {one.identity: one for one in changes if not isinstance(one, Refresh)}


def _again(suite: Suite, listed: Listed, said: Mapping[Identity, Change]) -> Refresh:
    """The look-up of it, as one that settles a doubt about what was said."""
    told = said.get(listed.identity)
    ask = suite.source.again(told) if isinstance(told, Upsert) else None
    return ask or Refresh(listed.identity, listed.hint)


def _looked_up(suite: Suite, client: Discreet, ask: Refresh) -> dict[Identity, Change]:
    """What the source makes of a look-up, to its last part."""
    said: dict[Identity, Change] = {}
    lookup = _lookup(suite, ask)
    for _ in range(MANY):
        sight = client.fetch_one(lookup)
        said |= {one.identity: one for one in seen(suite, lookup, sight)}
        if not sight.more:
            break
        lookup = replace(lookup, state=stored(sight.state))
    return said


def _lookup(suite: Suite, ask: Listed | Refresh, raw: JSON = None) -> Lookup:
    return Lookup(
        ask.identity,
        ask.hint,
        sent_at=RECEIVED_AT,
        connection=suite.story_connection,
        raw=raw,
    )


def _contents(said: Mapping[Identity, Change]) -> dict[Identity, JSON]:
    return {identity: content(one) for identity, one in said.items()}


def _ask_about(suite: Suite, client: Discreet, listing: Listing, told: Upsert) -> None:
    """As if no list named this document, which is there."""
    for metadata in (told.metadata, {}):
        unlisted = Unlisted(
            told.identity,
            told.source_id,
            metadata,
            told.created_at or RECEIVED_AT,
            suite.story_connection,
            RECEIVED_AT,
        )
        answer = listing.absent(unlisted)
        if answer is None:
            continue
        assert answer.identity.scope == told.identity.scope, "another tenant is asked about"
        if isinstance(answer, Refresh) and metadata:
            sight = client.fetch_one(_lookup(suite, answer))
            assert sight.raw is not None, f"{told.identity} is there, and a look-up finds it gone"
