"""What Linear's lists say: the same as look-ups and webhooks, of everything, inside the filter."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ingest.core.changes import Change, Delete, Refresh, Upsert, Withdraw
from ingest.core.errors import PermanentError
from ingest.core.identity import Identity
from ingest.core.values import JSON
from ingest.sources.contract import Lookup
from ingest.sources.linear import SOURCE
from ingest.sources.linear.demo.crowd import BEGAN_AT, fill
from ingest.sources.linear.kinds import BY_TYPE
from ingest.sources.linear.listing import LISTING, UNLISTED
from ingest.sources.linear.types import LinearResyncEventMetadata
from ingest.sources.listing import Unlisted
from tests.sources.linear.deliveries import body, identity, upsert
from tests.sources.linear.looking import NOW, looking, organization
from tests.sources.linear.test_lookups import _WHOLE
from tests.sources.linear.walks import (
    CONNECTION,
    DEPOT,
    LATER,
    RESOURCES,
    SIGNALS,
    a_page,
    after,
    connection,
    ids,
    known,
    listed,
    listed_all,
    names,
    numbered,
    pages,
    populated,
)

# The law: a list says of an object what a look-up says.


@pytest.mark.parametrize("most", [250, 3, 1])
def test_a_list_says_of_every_object_what_a_look_up_says(most: int) -> None:
    linear = populated()
    linear.most_per_page = most
    with looking(linear) as look:
        told = listed_all(look)
        assert {**told} == {one: look.change(one.kind, one.id) for one in told}


@pytest.mark.parametrize("name", _WHOLE)
def test_a_list_says_of_an_object_what_its_webhook_says(name: str) -> None:
    payload = body(name)
    linear = organization()
    linear.learn(payload["type"], payload["data"], payload.get("url"))
    told = upsert(payload)
    (resource,) = [one.name for one in LISTING.resources if told.identity.kind in one.kinds]
    with looking(linear) as look:
        assert listed(look, resource)[told.identity] == told


def test_a_full_run_names_every_document_that_there_is() -> None:
    linear = populated()
    with looking(linear) as look:
        assert listed_all(look).keys() == known(linear)


def test_every_kind_that_webhooks_make_has_a_list_that_names_all_of_it() -> None:
    named = [kind for resource in LISTING.resources for kind in resource.kinds]
    assert sorted(named) == sorted(kind.kind for kind in BY_TYPE.values())


def test_what_lies_in_the_trash_is_listed_as_deleted_and_what_is_archived_stays() -> None:
    with looking(populated()) as look:
        issues = listed(look, "issues")
        projects = listed(look, "projects")
    assert isinstance(issues[identity("issue", "issue-5")], Delete)
    assert isinstance(issues[identity("issue", "issue-6")], Upsert)
    assert isinstance(projects[identity("project", "project-in-the-trash")], Delete)


def test_a_list_that_linear_does_not_have_is_an_error_of_ours() -> None:
    with looking(organization()) as look, pytest.raises(PermanentError, match="cycles"):
        a_page(look, "cycles")


# What it costs.


def test_ten_objects_cost_a_request_and_no_look_up() -> None:
    linear = organization()
    fill(linear, 400, comments_each=1)
    with looking(linear) as look:
        assert len(listed(look, "issues")) == len(listed(look, "comments")) == 400
        assert names(look) == ["Issues"] * 3 + ["Comments"] * 2


def test_a_full_run_asks_for_no_relations_since_the_issues_tell_them() -> None:
    with looking(populated()) as look:
        assert not listed(look, "relations")
        assert not listed(look, "attachments")
        assert not look.fake.requests
    order = [resource.name for resource in LISTING.resources]
    assert max(order.index("relations"), order.index("attachments")) < order.index("issues")


def test_a_full_run_knows_about_how_many_issues_to_expect() -> None:
    linear = organization()
    fill(linear, 160)
    with looking(linear) as look:
        assert [page.expected for page in pages(look, "issues")] == [160, 160]
        assert [page.expected for page in pages(look, "issues", "team-1")] == [None, None]
        assert [page.expected for page in pages(look, "issues", since=LATER)] == [None]
        assert [page.expected for page in pages(look, "comments")] == [None]


# What changed since.


def test_an_incremental_run_lists_what_moved_and_nothing_else() -> None:
    linear = populated()
    with looking(linear) as look:
        for resource in RESOURCES:
            assert not listed(look, resource, since=after(1))
        assert len(look.fake.requests) == len(RESOURCES) == 9
        linear.edit("issue", "issue-3", after(2), title="Mended")
        linear.edit("comment", "comment-4-0", after(2), body="Gone by now.")
        linear.edit("project", "project-of-the-depot", after(2), name="Depot")
        since = {resource: ids(listed(look, resource, since=after(1))) for resource in RESOURCES}
    assert {name: found for name, found in since.items() if found} == {
        "issues": {"issue-3"},
        "comments": {"comment-4-0"},
        "projects": {"project-of-the-depot"},
    }


def test_an_issue_that_went_to_the_trash_or_the_archive_is_found_though_no_time_moved() -> None:
    linear = populated()
    linear.trash("issue", "issue-3", after(5))
    linear.archive("issue", "issue-4", after(5))
    with looking(linear) as look:
        found = listed(look, "issues", since=after(1))
    assert ids(found) == {"issue-3", "issue-4"}
    assert isinstance(found[identity("issue", "issue-3")], Delete)


def test_a_new_relation_brings_both_of_its_issues_though_neither_moved() -> None:
    linear = populated()
    linear.relate("issue-7", "blocks", "issue-8", after(5))
    with looking(linear) as look:
        assert not listed(look, "issues", since=after(1))
        found = listed(look, "relations", since=after(1))
        assert ids(found) == {"issue-7", "issue-8"}
        assert found == {one: look.change(one.kind, one.id) for one in found}
    blocked = found[identity("issue", "issue-8")]
    assert isinstance(blocked, Upsert)
    assert [edge.key for edge in blocked.references] == ["DEP-8"]


def test_relations_are_read_back_to_the_time_asked_for_and_no_further() -> None:
    linear = organization()
    fill(linear, 300)
    for number in range(299):
        linear.relate(
            f"issue-{number}", "related", f"issue-{number + 1}", BEGAN_AT + timedelta(days=number)
        )
    with looking(linear) as look:
        since = BEGAN_AT + timedelta(days=229)
        found = listed_by_relations(look, since)
        assert found == {f"issue-{number}" for number in range(229, 300)}
        assert names(look).count("IssueRelations") == 2


def listed_by_relations(look: Any, since: Any) -> set[str]:
    return {
        one.identity.id for page in pages(look, "relations", since=since) for one in page.listed
    }


def test_a_new_attachment_brings_its_issue_and_one_that_moved_brings_both() -> None:
    linear = populated()
    linear.attach("issue-7", "https://example.test/new", "New", after(5))
    (moved,) = [one["id"] for one in linear.links.of("attachments", "issue-0")][:1]
    linear.edit(
        "attachment", moved, after(5), issue={"id": "issue-8"}, originalIssue={"id": "issue-0"}
    )
    with looking(linear) as look:
        found = listed(look, "attachments", since=after(1))
    assert ids(found) == {"issue-7", "issue-8", "issue-0"}
    there = found[identity("issue", "issue-8")]
    assert isinstance(there, Upsert)
    assert there.links == ("https://example.test/1",)


def test_a_relation_to_an_issue_that_is_gone_brings_the_other_one() -> None:
    linear = populated()
    linear.relate("issue-7", "blocks", "issue-8", after(5))
    linear.destroy("issue", "issue-8")
    with looking(linear) as look:
        assert ids(listed(look, "relations", since=after(1))) == {"issue-7"}


def test_short_lists_are_swept_since_trash_moves_no_time_there() -> None:
    linear = populated()
    linear.trash("document", next(iter(linear.objects["document"])), after(5))
    with looking(linear) as look:
        assert not listed(look, "documents", since=after(1))
        found = listed(look, "documents")
    assert any(isinstance(change, Delete) for change in found.values())
    swept = {one.name for one in LISTING.resources if one.sweep_s is not None}
    assert swept == {
        "initiatives",
        "projects",
        "documents",
        "project_updates",
        "initiative_updates",
    }


# The connection's teams.


def _inside(change: Change, teams: frozenset[str]) -> bool:
    labels = getattr(change, "labels", None)
    return labels is None or not labels.isdisjoint(teams)


def test_a_connection_of_one_team_lists_what_is_in_it_and_what_is_in_none() -> None:
    linear = populated()
    with looking(linear) as look:
        every, narrow = listed_all(look), listed_all(look, DEPOT)
    wanted = {one for one, change in every.items() if _inside(change, frozenset({DEPOT}))}
    # Trash does not say in which team it lies.
    in_trash = {one for one in every if one.kind == "issue" and isinstance(every[one], Delete)}
    assert wanted - in_trash <= narrow.keys()
    assert {one.id for one in narrow if one.kind == "issue"} == {*numbered(10)}
    on_others = {one.id for one, change in every.items() if one.kind == "comment"} - ids(narrow)
    assert on_others
    assert not {one for one in narrow if one.kind == "comment"} - wanted


def test_relations_of_other_teams_issues_are_left_out() -> None:
    linear = populated()
    other = next(id_ for id_ in linear.objects["issue"] if not id_.startswith("issue-"))
    linear.relate("issue-7", "related", other, after(5))
    with looking(linear) as look:
        assert ids(listed(look, "relations", DEPOT, since=after(1))) == {"issue-7"}


# What is not in a list.


def _absent(kind: str, id_: str, *teams: str, **metadata: JSON) -> Unlisted:
    return Unlisted(identity(kind, id_), id_, metadata, NOW, connection(*teams), LATER)


def test_what_is_not_listed_is_looked_up_with_the_team_that_has_to_be_readable() -> None:
    hint: dict[str, JSON] = {UNLISTED: True, "teamIds": [SIGNALS]}
    assert LISTING.absent(_absent("issue", "1", teamId=SIGNALS)) == Refresh(
        identity("issue", "1"), hint
    )
    assert LISTING.absent(_absent("document", "1")) == Refresh(
        identity("document", "1"), {UNLISTED: True}
    )


def test_what_lies_in_a_team_that_is_not_wanted_any_more_is_withdrawn_unasked() -> None:
    for kind in ("issue", "comment"):
        gone = LISTING.absent(_absent(kind, "1", DEPOT, teamId=SIGNALS))
        assert gone == Withdraw(identity(kind, "1"), None)
        assert isinstance(LISTING.absent(_absent(kind, "1", DEPOT, teamId=DEPOT)), Refresh)


def test_every_look_up_of_what_is_not_listed_can_be_made() -> None:
    linear = populated()
    with looking(linear) as look:
        for one, change in listed_all(look).items():
            if not isinstance(change, Upsert):
                continue
            absent = Unlisted(one, change.source_id, change.metadata, NOW, connection(), LATER)
            asked = LISTING.absent(absent)
            assert isinstance(asked, Refresh)
            assert look.client.fetch_one(Lookup(asked.identity, asked.hint)).raw is not None
            linear.destroy(_root(one), one.id)
            assert look.client.fetch_one(Lookup(asked.identity, asked.hint)).raw is None


def _root(one: Identity) -> str:
    first, *more = one.kind.split("_")
    return first + "".join(word.capitalize() for word in more)


def test_what_lies_in_a_team_that_is_closed_to_the_token_is_not_taken_for_gone() -> None:
    """One team of many was closed, or deleted: no reason to stop all others."""
    linear = populated()
    with looking(linear) as look:
        told = listed(look, "issues")[identity("issue", "issue-7")]
        assert isinstance(told, Upsert)
        linear.hidden_teams.add(DEPOT)
        assert identity("issue", "issue-7") not in listed(look, "issues")
        asked = LISTING.absent(
            Unlisted(told.identity, told.source_id, told.metadata, NOW, CONNECTION, LATER)
        )
        assert isinstance(asked, Refresh)
        sight = look.client.fetch_one(Lookup(asked.identity, asked.hint))
    assert sight.raw is not None
    assert SOURCE.documents is not None
    assert SOURCE.documents(Lookup(asked.identity, asked.hint, raw=sight.raw)) == ()


# The event.


def test_a_runs_event_fits_its_own_type_and_no_other() -> None:
    event = LinearResyncEventMetadata(
        change="updated",
        kind="issue",
        id="1",
        source_id="SIG-1",
        version="1",
        run=7,
    ).told()
    fitting = []
    for model in SOURCE.event_types:
        try:
            model.model_validate(event)
        except ValueError:
            continue
        fitting.append(model)
    assert fitting == [LinearResyncEventMetadata]
