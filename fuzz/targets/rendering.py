"""Documents of each source with hostile texts: bounded, rendered and cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from random import Random
from typing import Any

from fuzz import texts
from fuzz.target import Target, Value
from fuzz.targets import storing
from fuzz.targets.sources import SIZES, Subject, store, subject
from ingest.core.bounds import bounded
from ingest.core.canonical import clean
from ingest.core.changes import Upsert
from ingest.flows.documents.render import Renders
from ingest.sources.registry import all_sources


def target() -> Target:
    """Documents as the sources' deliveries tell them, their words replaced."""
    seeds = [
        {
            "source": name,
            "document": number,
            "title": told.title,
            "text": told.body,
            "links": [*told.links],
            "branch": told.branch,
            "size": number % len(SIZES),
        }
        for name in all_sources()
        for number, told in enumerate(_documents(name))
    ]
    return Target("rendering", seeds, _bent, _check)


def _bent(rng: Random, value: Value, others: Sequence[Value]) -> Value:
    drawn = rng.random()
    if drawn < 0.15:
        return {**value, "title": texts.bent(rng, value["title"], most=texts.LONG)}
    if drawn < 0.3:
        link = texts.text(rng, most=texts.LONG)
        return {**value, "links": [*value["links"], link][-20:]}
    if drawn < 0.4:
        return {**value, "branch": texts.text(rng, most=texts.LONG)}
    if drawn < 0.45:
        return {**value, "size": rng.randrange(len(SIZES))}
    if drawn < 0.55:
        return {**value, "text": value["text"] + rng.choice(others)["text"]}
    return {**value, "text": texts.bent(rng, value["text"])}


def _check(value: Value) -> None:
    told = _documents(value["source"])[value["document"]]
    bent = replace(
        told,
        title=clean(value["title"]),
        body=clean(value["text"]),
        links=tuple(clean(one) for one in value["links"] if isinstance(one, str)),
        branch=None if value["branch"] is None else clean(value["branch"]),
    )
    change: Any = bounded(bent).change
    storing.rendered(change, store(value["size"]), Renders())


@cache
def _documents(name: str) -> tuple[Upsert, ...]:
    """What the deliveries of a source tell whole."""
    of: Subject = subject(name)
    told = [*of.suite.fixtures, *of.suite.deliveries]
    return tuple(
        change for one in told for change in one.means().untokened if isinstance(change, Upsert)
    )
