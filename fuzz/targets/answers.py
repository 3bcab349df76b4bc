"""Answers of each provider's API, as its client put them together: what becomes of a look-up."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

from fuzz import trees
from fuzz.target import Target, Value, written
from fuzz.targets import storing
from fuzz.targets.sources import CONNECTION, Subject, store
from ingest.core.changes import Refresh
from ingest.core.errors import BadPayload, IngestError, PermanentError
from ingest.core.ranks import Seen
from ingest.core.values import loads
from ingest.flows.documents.statements import statements_of
from ingest.sources.contract import Lookup
from ingest.testing.laws.clients import asks_of, connected, playing
from ingest.testing.laws.fixtures import RECEIVED_AT


def target(subject: Subject) -> Target | None:
    """What a source's clients saw of the story, bent; None where nothing is looked up."""
    seen = _seen(subject)
    if not seen:
        return None
    seeds = [{"ask": number, "raw": raw} for number, (_, raw) in enumerate(seen)]
    lookups = [lookup for lookup, _ in seen]
    return Target(f"answers-{subject.name}", seeds, _bent, partial(_check, subject, lookups))


def _bent(rng: Random, value: Value, others: Sequence[Value]) -> Value:
    """Not the form that the client gives to what it read, but what stands in that."""
    return {**value, "raw": trees.bent(rng, value["raw"], [rng.choice(others)["raw"]], below=2)}


def _check(subject: Subject, lookups: Sequence[Lookup], value: Value) -> None:
    source, metadata = subject.source, subject.suite.story_connection
    assert source.documents is not None
    try:
        raw = loads(written(value["raw"]).encode())
        if raw is None:
            return
        changes = source.documents(replace(lookups[value["ask"]], raw=raw))
    except PermanentError as error:
        storing.writable(str(error), "a reason")
        return
    connection = subject.directory(metadata, has_token=True).by_id[CONNECTION]
    told = [one for one in changes if not isinstance(one, Refresh)]
    storing.asked(one for one in changes if isinstance(one, Refresh))
    statements = statements_of(
        source, connection, told, Seen(1), heard_at=RECEIVED_AT, can_ask=True
    )
    storing.stated(statements, store(0))


def _seen(subject: Subject) -> list[tuple[Lookup, Any]]:
    """Each kind of look-up that the story asks for, and what it saw at the sample's API."""
    suite, found = subject.suite, dict[str, tuple[Lookup, Any]]()
    if subject.source.documents is None or suite.sample is None or suite.sample.provider is None:
        return []
    with ExitStack() as stack:
        fake = stack.enter_context(playing(suite))
        client = stack.enter_context(connected(suite, fake))
        for delivery in suite.deliveries:
            with suppress(BadPayload):
                for lookup in asks_of(delivery):
                    if lookup.identity.kind in found:
                        continue
                    asked = replace(lookup, sent_at=RECEIVED_AT, connection=suite.story_connection)
                    with suppress(IngestError):
                        sight = client.fetch_one(asked)
                        if sight.raw is not None:
                            found[lookup.identity.kind] = (asked, sight.raw)
    return list(found.values())
