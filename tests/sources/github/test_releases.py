"""Releases: documents from the moment they are published until they are deleted or drafts again."""

from __future__ import annotations

import pytest

from ingest.core.changes import Refresh
from ingest.core.identity import Identity
from ingest.core.ranks import rank
from ingest.core.times import parse_time, to_micros
from tests.sources.github.deliveries import asked, body, delete, told, upsert

RELEASE = Identity("github", "510001", "release", "9100")


def test_a_published_release_becomes_a_document_keyed_by_its_tag() -> None:
    release = upsert("release.published.updated_at")
    assert release.identity == RELEASE
    assert release.source_id == "acme/payments@v2.4.0"
    assert release.title == "2.4"
    assert release.body == "Rounds once (#14)."
    assert release.home == "acme/payments"
    assert release.version == to_micros(parse_time("2024-03-03T10:05:00Z"))
    assert release.created_at == parse_time("2024-03-03T10:05:00Z")


def test_the_metadata_of_a_release_leaves_out_the_time_that_only_some_tell() -> None:
    expected = {
        "type": "github",
        "kind": "release",
        "repoFullName": "acme/payments",
        "id": 9100,
        "tagName": "v2.4.0",
        "url": "https://github.com/acme/payments/releases/tag/v2.4.0",
        "author": "alice",
        "prerelease": False,
        "targetCommitish": "main",
        "createdAt": "2024-03-03T10:00:00.000Z",
        "publishedAt": "2024-03-03T10:05:00.000Z",
    }
    assert upsert("release.published").metadata == expected
    assert upsert("release.published.updated_at").metadata == expected


def test_the_several_deliveries_of_one_publication_tell_one_document() -> None:
    told_by = [
        upsert(f"release.{name}") for name in ("created", "published.updated_at", "released")
    ]
    assert len({str(release.metadata) for release in told_by}) == 1
    assert len({release.version for release in told_by}) == 1


def test_a_release_without_a_name_is_called_by_its_tag() -> None:
    release = upsert("release.prereleased.commit")
    assert release.title == "v3.0.0-rc.1"
    assert release.metadata["prerelease"] is True
    assert "author" not in release.metadata


def test_a_release_belongs_to_a_commit_only_where_it_names_one() -> None:
    commit = "ad782ecdac770fc6eb9a62e44f90873fb97fb26b"
    assert upsert("release.prereleased.commit").temporal == {"commitSha": commit}
    assert upsert("release.published").temporal == {}


def test_a_retagged_release_answers_to_its_former_tag() -> None:
    release = upsert("release.edited")
    assert release.source_id == "acme/payments@v2.4.1"
    assert release.aliases == ("acme/payments@v2.4.0",)


def test_a_release_that_does_not_say_when_it_was_updated_is_looked_up_where_that_can_be() -> None:
    ask = asked("release.published")
    assert ask.identity == RELEASE
    assert ask.otherwise == (upsert("release.published"),)
    assert told("release.published.updated_at").asked == ()


def test_a_release_without_any_time_is_only_looked_up() -> None:
    payload = body("release.published")
    payload["release"] |= {"created_at": None, "published_at": None}
    assert asked("release.published", payload).otherwise == ()


def test_a_draft_is_no_document() -> None:
    draft = told("release.created.draft")
    assert draft.changes == ()
    assert draft.skip == "a draft release is no document until it is published"


def test_an_unpublished_release_is_gone_until_it_is_published_again() -> None:
    hidden = delete("release.unpublished")
    assert hidden.identity == RELEASE
    assert not hidden.final
    assert rank(hidden) > rank(upsert("release.published.updated_at"))
    payload = body("release.published.updated_at")
    payload["release"]["updated_at"] = "2024-03-03T13:00:00Z"
    assert rank(upsert("release.published.updated_at", payload)) > rank(hidden)


def test_an_unpublished_release_is_looked_up_beside() -> None:
    """Its time may not move: then what a look-up saw of it before outranks what is told."""
    hidden, ask = told("release.unpublished").changes
    assert hidden == delete("release.unpublished")
    assert ask == Refresh(RELEASE)


def test_without_a_time_of_its_update_an_unpublished_release_is_gone_all_the_same() -> None:
    ask = asked("release.unpublished.untimed")
    assert isinstance(ask, Refresh)
    hidden = delete("release.unpublished.untimed")
    assert ask.otherwise == (hidden,)
    assert rank(hidden) > rank(upsert("release.published"))


@pytest.mark.parametrize("action", ["published", "released", "prereleased"])
def test_without_a_time_of_its_update_an_edit_stands_above_the_publication(action: str) -> None:
    published = upsert("release.published", body("release.published") | {"action": action})
    edited = upsert("release.published", body("release.published") | {"action": "edited"})
    assert rank(edited) > rank(published)


def test_a_deleted_release_is_gone_for_ever() -> None:
    gone = delete("release.deleted")
    assert gone.identity == RELEASE
    assert gone.final
    assert gone.aliases == ("acme/payments@v2.4.0",)


def test_a_draft_without_a_tag_is_a_draft_like_any_other() -> None:
    """Bug: the delivery was dead, for a tag that the draft does not have yet."""
    payload = body("release.created")
    payload["release"] |= {"draft": True, "tag_name": None}
    assert told("release.created", payload).skip is not None
    payload = body("release.unpublished")
    payload["release"] |= {"draft": True, "tag_name": ""}
    assert delete("release.unpublished", payload).aliases == ()
