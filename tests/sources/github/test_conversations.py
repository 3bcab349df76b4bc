"""Issues and pull requests: the documents that GitHub's deliveries make of them."""

from __future__ import annotations

import pytest

from ingest.core.changes import DELETE_PRIORITY
from ingest.core.identity import Identity
from ingest.core.times import parse_time, to_micros
from tests.sources.github.deliveries import asked, body, delete, told, upsert

ISSUE_12 = Identity("github", "510001", "issue", "12")
PULL_REQUEST_14 = Identity("github", "510001", "pull_request", "14")


def test_an_opened_issue_becomes_a_document_keyed_by_repository_id_and_number() -> None:
    issue = upsert("issues.opened")
    assert issue.identity == ISSUE_12
    assert issue.source_id == "acme/payments#12"
    assert issue.title == "Refunds are rounded twice"
    assert issue.body.startswith("A refund of 10.005")
    assert issue.home == "acme/payments"
    assert issue.version == to_micros(parse_time("2024-03-01T10:00:00Z"))
    assert issue.created_at == parse_time("2024-03-01T10:00:00Z")
    assert issue.parent is None


def test_the_metadata_of_an_issue_leaves_absent_fields_out() -> None:
    assert upsert("issues.opened").metadata == {
        "type": "github",
        "kind": "issue",
        "repoFullName": "acme/payments",
        "number": 12,
        "title": "Refunds are rounded twice",
        "state": "open",
        "url": "https://github.com/acme/payments/issues/12",
        "author": "alice",
        "labels": [],
        "assignees": [],
        "createdAt": "2024-03-01T10:00:00.000Z",
        "updatedAt": "2024-03-01T10:00:00.000Z",
    }


def test_labels_and_assignees_are_sorted_because_github_lists_them_in_any_order() -> None:
    metadata = upsert("issues.labeled").metadata
    assert metadata["labels"] == ["bug", "urgent"]
    assert metadata["assignees"] == ["alice", "chen"]
    assert metadata["milestone"] == "2024.2"
    assert metadata["issueType"] == "Bug"


@pytest.mark.parametrize(
    ("fixture", "member"), [("issues.labeled", "issue"), ("pull_request.opened", "pull_request")]
)
def test_a_null_among_labels_and_assignees_is_nobody(fixture: str, member: str) -> None:
    """Bug: such a delivery was dead, though GitHub's schema has `(User | null)[]`."""
    whole = upsert(fixture)
    with_null = body(fixture)
    for name in ("labels", "assignees"):
        with_null[member][name] = [None, *with_null[member][name]]
    assert upsert(fixture, with_null).metadata == whole.metadata


def test_the_same_issue_told_by_different_actions_is_the_same_document() -> None:
    edited = body("issues.edited")
    for action in ("labeled", "assigned", "locked", "something_new"):
        again = upsert("issues.edited", edited | {"action": action})
        assert again.metadata == upsert("issues.edited").metadata


def test_a_closed_issue_says_when_and_why() -> None:
    metadata = upsert("issues.closed").metadata
    assert metadata["state"] == "closed"
    assert metadata["stateReason"] == "completed"
    assert metadata["closedAt"] == "2024-03-03T09:00:00.000Z"


def test_an_issue_without_author_and_text_is_a_document_too() -> None:
    issue = upsert("issues.opened.ghost")
    assert issue.body == ""
    assert "author" not in issue.metadata


def test_nobody_is_the_author_where_the_account_is_gone() -> None:
    """REST says `ghost` where GraphQL says null."""
    payload = body("issues.opened")
    payload["issue"]["user"] = {"login": "ghost", "id": 10137, "type": "User"}
    assert "author" not in upsert("issues.opened", payload).metadata


def test_a_deleted_issue_is_gone_for_ever() -> None:
    gone = delete("issues.deleted")
    assert gone.identity == ISSUE_12
    assert gone.final
    assert gone.priority == DELETE_PRIORITY
    assert gone.aliases == ("acme/payments#12",)


def test_a_deletion_needs_nothing_of_the_issue_but_its_number() -> None:
    payload = body("issues.deleted")
    payload["issue"] = {"number": 12}
    assert delete("issues.deleted", payload).identity == ISSUE_12


def test_a_transferred_issue_is_gone_from_the_old_repository() -> None:
    gone = delete("issues.transferred")
    assert gone.identity == ISSUE_12
    assert gone.final


def test_a_transferred_issue_answers_to_its_old_key_in_the_new_repository() -> None:
    issue = upsert("issues.opened.transferred")
    assert issue.identity == Identity("github", "510002", "issue", "3")
    assert issue.source_id == "acme/billing#3"
    assert issue.aliases == ("acme/payments#12",)


@pytest.mark.parametrize("changes", [None, [], {"old_issue": None, "old_repository": {}}])
def test_a_transfer_that_hides_its_origin_brings_no_alias(changes: object) -> None:
    payload = body("issues.opened.transferred") | {"changes": changes}
    assert upsert("issues.opened.transferred", payload).aliases == ()


def test_a_part_of_an_issue_never_replaces_the_whole_and_is_looked_up() -> None:
    ask = asked("issues.pinned.partial")
    assert ask.identity == ISSUE_12
    assert ask.otherwise == ()


def test_a_part_of_a_pull_request_never_replaces_the_whole_and_is_looked_up() -> None:
    payload = body("pull_request.edited")
    del payload["pull_request"]["state"]
    ask = asked("pull_request.edited", payload)
    assert ask.identity == PULL_REQUEST_14
    assert ask.otherwise == ()


def test_an_issues_view_of_a_pull_request_makes_a_look_at_the_pull_request() -> None:
    ask = asked("issues.milestoned.pull_request")
    assert ask.identity == PULL_REQUEST_14
    assert ask.otherwise == ()


def test_a_sub_issue_is_related_to_its_parent_wherever_that_is() -> None:
    (reference,) = upsert("issues.edited.sub_issue").references
    assert (reference.kind, reference.origin) == ("relatedTo", "field")
    assert (reference.source, reference.key) == ("github", "acme/ledger#4")


@pytest.mark.parametrize("url", [None, "", "x", "https://api.github.com/repos/acme/issues/4"])
def test_a_parent_that_is_not_named_is_none(url: object) -> None:
    payload = body("issues.edited.sub_issue")
    payload["issue"]["parent_issue_url"] = url
    assert upsert("issues.edited.sub_issue", payload).references == ()


def test_which_issues_block_one_is_asked_for_where_the_payload_tells_only_how_many() -> None:
    ask = asked("issues.edited.blocked")
    assert ask.identity == Identity("github", "510001", "issue", "16")
    assert ask.otherwise == (upsert("issues.edited.blocked"),)


def test_an_opened_pull_request_becomes_a_document() -> None:
    pull_request = upsert("pull_request.opened")
    assert pull_request.identity == PULL_REQUEST_14
    assert pull_request.source_id == "acme/payments#14"
    assert pull_request.body == "Fixes #12."
    metadata = pull_request.metadata
    assert metadata["kind"] == "pull-request"
    assert metadata["headRef"] == pull_request.branch == "round-once"
    assert metadata["headRepoFullName"] == "acme/payments"
    assert metadata["baseRef"] == "main"
    assert metadata["merged"] is False
    assert metadata["labels"] == ["bug", "urgent"]


def test_a_pull_request_outlives_its_fork() -> None:
    metadata = upsert("pull_request.opened.fork_gone").metadata
    assert metadata["draft"] is True
    assert metadata["headRef"] == "typo"
    assert "headRepoFullName" not in metadata


def test_a_merged_pull_request_names_its_merge_commit() -> None:
    metadata = upsert("pull_request.closed.merged").metadata
    assert metadata["state"] == "closed"
    assert metadata["merged"] is True
    assert metadata["mergedAt"] == "2024-03-03T08:59:59.000Z"
    assert (
        metadata["mergeCommitSha"]
        == (body("pull_request.closed.merged")["pull_request"]["merge_commit_sha"])
    )


def test_a_merged_pull_request_belongs_to_its_merge_commit_and_an_open_one_to_none() -> None:
    merged = upsert("pull_request.closed.merged")
    commit = merged.metadata["mergeCommitSha"]
    assert merged.temporal == {"commitSha": commit}
    assert merged.aliases == (f"{merged.metadata['repoFullName']}@{commit}",)
    assert upsert("pull_request.closed.unmerged").aliases == ()
    assert upsert("pull_request.synchronize").temporal == {}
    assert upsert("pull_request.closed.unmerged").temporal == {}


def test_a_trial_merge_is_not_the_merge_of_a_pull_request() -> None:
    assert body("pull_request.synchronize")["pull_request"]["merge_commit_sha"]
    assert "mergeCommitSha" not in upsert("pull_request.synchronize").metadata
    assert upsert("pull_request.closed.unmerged").metadata["merged"] is False


def test_a_listing_without_merged_tells_the_same_pull_request_as_the_webhook() -> None:
    payload = body("pull_request.closed.merged")
    for field in ("merged", "mergeable", "merged_by", "comments", "additions"):
        del payload["pull_request"][field]
    listed = upsert("pull_request.closed.merged", payload)
    assert listed.metadata == upsert("pull_request.closed.merged").metadata


def test_pushed_commits_move_the_head_of_a_pull_request() -> None:
    payload = body("pull_request.synchronize")
    assert upsert("pull_request.synchronize").metadata["headSha"] == payload["after"]


def test_github_deletes_no_pull_request() -> None:
    payload = body("pull_request.edited") | {"action": "deleted"}
    assert told("pull_request.edited", payload).skip == "unknown action deleted"


def test_a_very_long_key_is_cut_and_stays_unique() -> None:
    payload = body("issues.opened")
    payload["repository"]["full_name"] = "acme/" + "x" * 400
    issue = upsert("issues.opened", payload)
    assert len(issue.source_id) <= 255
    assert issue.metadata["repoFullName"] == payload["repository"]["full_name"]
    payload["issue"]["number"] = 13
    assert upsert("issues.opened", payload).source_id != issue.source_id


NO_PULL_REQUEST = {"html_url": None, "diff_url": None, "patch_url": None}


def test_until_2013_an_issue_had_a_link_to_no_pull_request() -> None:
    """Bug: such an issue was looked up as a pull request, and its comments hung on one."""
    payload = body("issues.opened")
    payload["issue"]["pull_request"] = NO_PULL_REQUEST
    assert upsert("issues.opened", payload) == upsert("issues.opened")
    payload = body("issue_comment.created")
    payload["issue"]["pull_request"] = NO_PULL_REQUEST
    comment = upsert("issue_comment.created", payload)
    assert comment.parent is not None
    assert comment.parent.kind == "issue"


def test_junk_where_nothing_depends_on_it_says_nothing() -> None:
    """Bug: a payload was dead for a field that its document can do without."""
    payload = body("issues.opened")
    junk = {"milestone": 7, "labels": "bug", "closed_at": "", "user": "alice", "assignees": {}}
    payload["issue"] |= junk
    issue = upsert("issues.opened", payload)
    assert issue.title == "Refunds are rounded twice"
    assert issue.metadata.keys().isdisjoint({"milestone", "labels", "closedAt", "author"})
