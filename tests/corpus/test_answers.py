"""Answers that were recorded are read by the clients: whatever a fake answers to a whole listing is
such a one, and what was bent on the way is seen.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ingest.core.changes import Upsert
from ingest.sources.access import Access
from ingest.sources.contract import Client, Lookup, Source
from ingest.sources.listing import Listed
from ingest.sources.registry import source
from ingest.testing.fakes import serving
from ingest.testing.playback import Playback, Playing
from ingest.testing.player import playing_back
from ingest.testing.recorded import RecordedAnswer
from ingest.testing.sample import Sample, all_samples
from ingest.testing.walking import changes_of, pages_of
from tests.corpus import answers
from tests.corpus.recording import Recording
from tests.factories import OURS

SAMPLES = [one for one in all_samples() if one.playing is not None and one.provider is not None]


@pytest.fixture(name="sample", params=SAMPLES, ids=lambda one: one.source_type)
def _sample(request: pytest.FixtureRequest) -> Sample:
    found: Sample = request.param
    return found


def test_every_source_of_ours_plays_recorded_answers_back() -> None:
    assert {one.source_type for one in SAMPLES} >= OURS


def test_what_a_listing_is_answered_becomes_its_documents(sample: Sample) -> None:
    ends = answers.read_all(recorded(sample))
    assert [fault for end in ends for fault in end.faults] == []
    read = [end for end in ends if end.end == "read"]
    assert sum(end.documents for end in read) >= 3
    assert len({end.kind for end in read}) >= 2


@pytest.mark.parametrize(
    ("status", "ends"),
    [
        (401, {"Refused"}),
        (403, {"Refused"}),
        (404, {"gone", "Refused"}),
        (429, {"RateLimited"}),
        (500, {"TransientError"}),
        (503, {"TransientError"}),
    ],
)
def test_a_refusal_is_the_error_that_its_status_means(
    sample: Sample, status: int, ends: set[str]
) -> None:
    some = recorded(sample)[0]
    (end,) = answers.read_all([replace(some, status=status, headers={}, body={"message": "no"})])
    assert end.faults == ()
    assert end.end in ends


def test_what_the_contract_says_and_the_reader_does_not_is_a_failure(sample: Sample) -> None:
    """Another title, a document too few and one too many; an end that is none of the right ones."""
    found, (playing, answer) = source(sample.source_type), _with_documents(sample)
    documents = _played(playing, answer).documents
    key = next(iter(documents))
    bent: dict[str, dict[str, Any]] = {
        f"{key} is called": {"documents": {**documents, key: "Something else"}},
        "does not become another": {"documents": {**documents, "another": None}},
        "becomes ": {"documents": {}},
        "ends in read": {"ends": frozenset({"gone"})},
        "ends in nothing said": {"asks": ()},
    }
    with playing_back() as player:
        for fault, change in bent.items():
            played = player.play(found, playing, replace(_played(playing, answer), **change))
            assert any(said.startswith(fault) for said in played.faults), fault


def test_what_breaks_a_reader_is_told_and_the_others_go_on(sample: Sample) -> None:
    def broken(_lookup: Lookup) -> tuple[()]:
        raise KeyError("unforeseen")

    found, (playing, answer) = source(sample.source_type), _with_documents(sample)
    with playing_back() as player:
        broke = player.play(replace(found, documents=broken), playing, _played(playing, answer))
        went_on = player.play(found, playing, _played(playing, answer))
    assert broke.faults == ("breaks its reader: KeyError: 'unforeseen'",)
    assert went_on.faults == ()


def _with_documents(sample: Sample) -> tuple[Playing, RecordedAnswer]:
    """An answer of the story's provider that becomes some."""
    assert sample.playing is not None
    for answer in recorded(sample):
        of = sample.playing.of(answer)
        if isinstance(of, Playback) and of.documents:
            return sample.playing, answer
    raise AssertionError("a story that nothing becomes of")


def _played(playing: Playing, answer: RecordedAnswer) -> Playback:
    """A new one each time, since a script answers in turn."""
    of = playing.of(answer)
    assert isinstance(of, Playback)
    return of


def test_a_source_that_nobody_built_and_a_kind_that_nobody_asks_for_are_no_failures() -> None:
    strange = RecordedAnswer("a", "wiki", "", "GET", "https://wiki.example/pages", 200, {}, [])
    ends = answers.read_all(
        [strange, *(replace(strange, source=one.source_type) for one in SAMPLES)]
    )
    assert [end.end for end in ends] == [answers.NOT_BUILT, *[answers.NOT_ASKED] * len(SAMPLES)]
    assert all(end.why for end in ends[1:])


def recorded(sample: Sample) -> list[RecordedAnswer]:
    """Every answer to a full listing of the story's provider, each request once."""
    if sample.provider is None:
        raise AssertionError("a sample without a provider")
    recording = Recording(sample.source_type, sample.provider())
    found = source(sample.source_type)
    with serving(recording) as fake:
        access = Access(fake.url, recording.token, sample.connection, lambda: datetime.now(UTC))
        _listed(found, access)
    return list({one.name + str(one.asked): one for one in recording.answers}.values())


def _look_up(of: Source, client: Client, listed: Listed, access: Access) -> None:
    """The same object by itself, as a doubt about its document is settled."""
    for told in changes_of(of, listed, access.metadata):
        asked = of.again(told) if isinstance(told, Upsert) else None
        if asked is not None:
            client.fetch_one(Lookup(asked.identity, asked.hint, connection=access.metadata))


def _listed(of: Source, access: Access) -> None:
    if of.connect is None or of.listing is None:
        raise AssertionError("a source that lists nothing")
    client: Any = of.connect(access)
    try:
        client.check()
        for resource in of.listing.resources:
            for page in pages_of(client, resource.name, connection=access.metadata):
                assert page.gap is None
                for listed in page.listed:
                    _look_up(of, client, listed, access)
    finally:
        client.close()
