"""Identities: ids and slugs are pure functions of them, and no two share one."""

from __future__ import annotations

import uuid
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ingest.core.identity import Identity, document_id, document_slug, event_id

parts = st.text(st.characters(exclude_categories=["Cc"], codec="utf-8"), min_size=1, max_size=300)
identities = st.builds(Identity, source_type=parts, scope=parts, kind=parts, id=parts)
ISSUE = Identity("github", "101", "issue", "7")


@given(identities, parts, identities, parts)
def test_two_documents_never_share_an_id_or_a_slug(
    one: Identity, one_store: str, two: Identity, two_store: str
) -> None:
    same = (one, one_store) == (two, two_store)
    assert (document_id(one, one_store) == document_id(two, two_store)) == same
    assert (document_slug(one, one_store) == document_slug(two, two_store)) == same


@given(identities, parts)
def test_a_document_id_is_a_uuid_of_version_5(identity: Identity, store: str) -> None:
    made = uuid.UUID(document_id(identity, store))
    assert made.version == 5
    assert made.variant == uuid.RFC_4122


def test_ids_are_what_the_standard_library_makes_of_the_same_name() -> None:
    namespace = uuid.UUID("5a8d8f5e-0c0b-5d0a-9a55-6f2f3a0f7c11")
    name = "\x1f".join(("store-1", "github", "101", "issue", "7"))
    assert document_id(ISSUE, "store-1") == str(uuid.uuid5(namespace, name))


def test_ids_never_move() -> None:
    """A change of this value would orphan every document that is stored: it needs a migration."""
    assert document_id(ISSUE, "store-1") == "46ae16c4-1183-5174-a077-2c89027b8c7a"
    assert event_id("store-1", "github", "key") == "23accc0a-2891-5558-a661-9ea9242e5298"
    assert document_slug(ISSUE, "store-1") == "issue-7~83ec3c611e06"


def test_the_same_thing_in_two_stores_is_two_documents() -> None:
    assert document_id(ISSUE, "store-1") != document_id(ISSUE, "store-2")


def test_parts_cannot_run_into_one_another() -> None:
    split = Identity("github", "101", "issue", "12")
    for other in (replace(split, kind="issue1", id="2"), replace(split, scope="10", kind="1issue")):
        assert document_id(other, "store-1") != document_id(split, "store-1")


@given(parts, parts, parts)
def test_an_event_has_one_id_for_each_store_source_and_key(
    store: str, source_type: str, key: str
) -> None:
    made = event_id(store, source_type, key)
    assert made == event_id(store, source_type, key)
    assert (
        len(
            {made, event_id(store + "x", source_type, key), event_id(store, source_type, key + "x")}
        )
        == 3
    )


@given(identities, parts)
def test_a_slug_fits_its_column_and_is_readable(identity: Identity, store: str) -> None:
    slug = document_slug(identity, store)
    assert len(slug) <= 256
    assert slug == slug.lower()
    assert slug[-13] == "~"
    assert " " not in slug
