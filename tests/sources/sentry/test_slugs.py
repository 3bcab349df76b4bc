"""What a project was and is called, as its issues tell it, in any order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ingest.core.changes import Upsert
from ingest.sources.sentry import SOURCE
from ingest.sources.sentry.slugs import MOST, slugs
from tests.sources.sentry.deliveries import CONNECTION, told, upsert

DESCRIPTOR = SOURCE.descriptor
_SECOND = 1_000_000
_METADATA: dict[str, Any] = {**CONNECTION, "webhookId": "u"}


def _issue(slug: Any, at: int = 10) -> Upsert:
    known = upsert(told("issue.created"))
    return replace(known, version=at * _SECOND, metadata={**known.metadata, "project": slug})


def _after(*named: tuple[str, int]) -> dict[str, Any]:
    metadata = dict(_METADATA)
    for slug, at in named:
        metadata |= DESCRIPTOR.learned(metadata, _issue(slug, at))
    return metadata


def test_a_slug_that_is_new_is_learned_once() -> None:
    metadata = _after(("shop", 10))
    assert metadata["projectSlugs"] == {"shop": "1970-01-01T00:00:10.000Z"}
    assert DESCRIPTOR.learned(metadata, _issue("shop", 90)) == {}
    assert DESCRIPTOR.learned(metadata, _issue("web", 5)) == {}
    DESCRIPTOR.connection.model_validate(metadata)


def test_nothing_is_learned_of_what_is_known_or_is_no_issue_or_no_slug() -> None:
    assert DESCRIPTOR.learned(_METADATA, _issue("web")) == {}
    assert DESCRIPTOR.learned(_METADATA, upsert(told("comment.created"))) == {}
    for odd in (None, "", "a b", "../x", 7):
        assert DESCRIPTOR.learned(_METADATA, _issue(odd)) == {}


@pytest.mark.parametrize(
    ("named", "known"),
    [
        ([], ("web",)),
        ([("shop", 10)], ("shop", "web")),
        ([("shop", 10), ("store", 20)], ("store", "shop", "web")),
        ([("store", 20), ("shop", 10)], ("store", "shop", "web")),
        ([("shop", 10), ("web", 20)], ("web", "shop")),
        ([("shop", 10), ("web", 20), ("shop", 30)], ("shop", "web")),
    ],
)
def test_the_slug_of_now_is_the_one_that_was_told_last(
    named: list[tuple[str, int]], known: tuple[str, ...]
) -> None:
    metadata = _after(*named)
    assert slugs(metadata) == known
    assert DESCRIPTOR.owned_prefixes(metadata) == {"WEB"}
    assert {f"slug:{slug}" for slug in known} <= DESCRIPTOR.own_names(metadata)
    tenants = DESCRIPTOR.connection_tenants(metadata)
    assert tenants[0] == DESCRIPTOR.connection_tenants(_METADATA)[0]
    assert {f"installation:u/{slug}" for slug in known} <= {*tenants}
    assert (DESCRIPTOR.renamed(metadata) is None) == (known[0] == "web")


def test_who_claims_very_many_names_claims_no_more() -> None:
    metadata = _after(*((f"shop-{n}", n) for n in range(3 * MOST)))
    assert len(metadata["projectSlugs"]) == MOST


def test_a_short_id_has_the_same_counter_under_every_name() -> None:
    metadata = _after(("front-end", 10))
    assert DESCRIPTOR.keys_by_names(metadata, "WEB-7F") == {"FRONT-END-7F"}
    assert DESCRIPTOR.keys_by_names(metadata, "FRONT-END-7F") == {"WEB-7F"}
    for other in ("1170820242", "OTHER-7F", "1170820242/comment/1", "END-7F"):
        assert DESCRIPTOR.keys_by_names(metadata, other) == frozenset()
