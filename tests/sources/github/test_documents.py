"""Look-ups of GitHub's objects: the same documents as webhooks of the same state tell."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.core.changes import Change, Delete, Refresh, Upsert
from ingest.core.errors import BadPayload
from ingest.core.identity import Identity
from ingest.core.ranks import content, rank
from ingest.core.times import to_micros
from ingest.sources.contract import Lookup
from ingest.sources.github import SOURCE
from tests.sources.github.deliveries import CONNECTION, asked, body, upsert

SENT_AT = datetime(2024, 3, 6, 12, tzinfo=UTC)

# What a webhook tells, and where the object stands in its payload.
WHOLE = {
    "issues.labeled": "issue",
    "issues.closed": "issue",
    "issues.opened.ghost": "issue",
    "issues.edited.sub_issue": "issue",
    "pull_request.closed.merged": "pull_request",
    "pull_request.opened.fork_gone": "pull_request",
    "issue_comment.edited": "comment",
    "issue_comment.created.pull_request": "comment",
    "pull_request_review.submitted": "review",
    "pull_request_review.submitted.updated_at": "review",
    "pull_request_review.dismissed": "review",
    "pull_request_review_comment.created": "comment",
    "pull_request_review_comment.created.reply": "comment",
    "discussion.answered": "discussion",
    "discussion.locked.closed": "discussion",
    "discussion_comment.created.reply": "comment",
    "release.published": "release",
    "release.published.updated_at": "release",
    "release.prereleased.commit": "release",
}
# Fields of webhooks that the API leaves out.
_UNTOLD = {"pull_request": ("merged",), "review": ("updated_at",), "release": ("updated_at",)}


def found(identity: Identity, raw: Any, hint: Any = None) -> tuple[Change | Refresh, ...]:
    assert SOURCE.documents is not None
    return SOURCE.documents(
        Lookup(identity, raw=raw, sent_at=SENT_AT, hint=hint or {}, connection=CONNECTION)
    )


def answer(fixture: str) -> dict[str, Any]:
    """The object of a webhook as GitHub's API answers it, handed over by the client."""
    told, member = body(fixture), WHOLE[fixture]
    of = told[member]
    for name in _UNTOLD.get(member, ()):
        of.pop(name, None)
    if member == "review":
        of["state"] = of["state"].upper()
    raw: dict[str, Any] = {"object": of}
    if member in ("comment", "review"):
        on = next(n for n in ("issue", "pull_request", "discussion") if n in told)
        raw["number"] = told[on]["number"]
        if fixture.startswith("issue_comment"):
            is_pull = told["issue"].get("pull_request")
            raw["parent"] = "pull_request" if is_pull else "issue"
    return raw


@pytest.mark.parametrize("fixture", WHOLE)
def test_a_look_up_and_a_webhook_of_one_state_are_one_document(fixture: str) -> None:
    told = upsert(fixture)
    (seen,) = found(told.identity, answer(fixture))
    assert isinstance(seen, Upsert)
    assert content(seen) == content(told)
    assert seen.version >= told.version


@pytest.mark.parametrize("fixture", WHOLE)
def test_the_look_up_of_a_document_knows_where_to_ask(fixture: str) -> None:
    told = upsert(fixture)
    ask = SOURCE.again(told)
    assert ask is not None
    assert ask.identity == told.identity
    assert ask.otherwise == ()
    # What the client cannot read out of the answer stands in the hint.
    raw = {"object": answer(fixture)["object"]}
    (seen,) = found(ask.identity, raw, ask.hint)
    assert isinstance(seen, Upsert)
    assert content(seen) == content(told)


def test_a_file_is_not_looked_up_alone() -> None:
    file = replace(upsert("issues.opened"), identity=Identity("github", "510001", "file", "a.md"))
    assert SOURCE.again(file) is None


def test_an_answer_without_the_time_of_its_update_is_as_new_as_the_question() -> None:
    for fixture in ("pull_request_review.submitted", "release.published"):
        told = upsert(fixture)
        (seen,) = found(told.identity, answer(fixture))
        assert isinstance(seen, Upsert)
        assert seen.version == to_micros(SENT_AT)


def test_an_issues_answer_about_a_pull_request_asks_for_the_pull_request() -> None:
    told = body("issues.milestoned.pull_request")["issue"]
    identity = Identity("github", "510001", "issue", "14")
    (ask,) = found(identity, {"object": told})
    assert isinstance(ask, Refresh)
    assert ask.identity == Identity("github", "510001", "pull_request", "14")


def test_the_issues_that_block_one_are_edges_of_the_graph() -> None:
    told = upsert("issues.edited.blocked")
    blocking = [
        {"number": 12, "html_url": "https://github.com/acme/payments/issues/12"},
        {"number": 4, "html_url": "https://github.com/acme/ledger/issues/4"},
        {"number": 4, "html_url": "https://github.com/acme/ledger/issues/4"},
        {"number": 9},
    ]
    raw = {"object": body("issues.edited.blocked")["issue"], "blocked_by": blocking}
    (seen,) = found(told.identity, raw)
    assert isinstance(seen, Upsert)
    edges = [(r.kind, r.key, r.origin) for r in seen.references]
    assert edges == [
        ("blockedBy", "acme/ledger#4", "field"),
        ("blockedBy", "acme/payments#12", "field"),
    ]
    assert replace(seen, references=()) == replace(told, references=())


@pytest.mark.parametrize(
    ("fixture", "member", "fields"),
    [
        ("release.created.draft", "release", {}),
        ("release.published", "release", {"draft": True, "published_at": None}),
        ("pull_request_review.submitted", "review", {"state": "PENDING", "submitted_at": None}),
    ],
)
def test_what_only_its_author_sees_is_no_document_and_keeps_the_last_known_version(
    fixture: str, member: str, fields: dict[str, Any]
) -> None:
    of = body(fixture)[member] | fields
    identity = Identity("github", "510001", member, str(of["id"]))
    (gone,) = found(identity, {"object": of, "number": 14})
    assert gone == Delete(identity, None)


def test_a_renamed_repository_gives_its_present_name_to_what_is_looked_up() -> None:
    raw = answer("issues.closed")
    raw["object"]["html_url"] = "https://github.com/acme/billing-core/issues/12"
    (seen,) = found(upsert("issues.closed").identity, raw)
    assert isinstance(seen, Upsert)
    assert seen.source_id == "acme/billing-core#12"


def test_an_answer_without_a_page_names_its_repository_by_the_apis_url() -> None:
    """Answers of 2012 have no `html_url` for comments."""
    raw = answer("issue_comment.edited")
    del raw["object"]["html_url"]
    raw["object"]["url"] = "https://api.github.com/repos/acme/ledger/issues/comments/5001"
    identity = upsert("issue_comment.edited").identity
    (seen,) = found(identity, raw)
    assert isinstance(seen, Upsert)
    assert seen.metadata["repoFullName"] == "acme/ledger"
    del raw["object"]["url"]
    (seen,) = found(identity, raw)
    assert isinstance(seen, Upsert)
    assert seen.metadata["repoFullName"] == "acme/payments"


@pytest.mark.parametrize(
    ("kind", "id_", "raw", "path"),
    [
        ("issue", "12", None, "the answer"),
        ("issue", "12", [], "the answer"),
        ("issue", "12", {"object": None}, "object"),
        ("issue", "12", {"object": {"number": 12}}, "object.title"),
        ("issue", "13", {"object": body("issues.closed")["issue"]}, "object"),
        ("comment", "7", {"object": body("issue_comment.created")["comment"]}, "object"),
        ("commit", "7", {"object": {}}, "kind"),
    ],
)
def test_an_answer_that_makes_no_sense_is_refused_with_its_path(
    kind: str, id_: str, raw: Any, path: str
) -> None:
    with pytest.raises(BadPayload) as caught:
        found(Identity("github", "510001", kind, id_), raw)
    assert caught.value.path == path


def test_a_part_of_an_object_is_no_answer() -> None:
    for fixture in ("issues.closed", "pull_request.closed.merged", "discussion.answered"):
        raw = answer(fixture)
        del raw["object"]["state"]
        with pytest.raises(BadPayload) as caught:
            found(upsert(fixture).identity, raw)
        assert caught.value.path == "object.state"


def test_a_comment_that_hides_where_it_stands_is_refused() -> None:
    raw = answer("issue_comment.created.pull_request")
    del raw["object"]["html_url"], raw["parent"]
    with pytest.raises(BadPayload) as caught:
        found(upsert("issue_comment.created.pull_request").identity, raw)
    assert caught.value.path == "parent"
    del raw["number"]
    with pytest.raises(BadPayload) as caught:
        found(upsert("issue_comment.created.pull_request").identity, raw)
    assert caught.value.path == "number"


JUNK: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([-1, 2**63, 10**400, "", "x", "https://github.com/a/b/issues/1", [], {}, [[]]]),
    st.text(max_size=8),
    st.dictionaries(st.sampled_from(["id", "login", "number", "html_url", "name"]), st.integers()),
)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(WHOLE)), st.data())
def test_any_field_of_an_answer_may_be_junk(fixture: str, data: st.DataObject) -> None:
    raw = copy.deepcopy(answer(fixture))
    holder = data.draw(st.sampled_from([raw, raw["object"]]))
    holder[data.draw(st.sampled_from(sorted(holder)))] = data.draw(JUNK)
    try:
        changes = found(upsert(fixture).identity, raw)
    except BadPayload as error:
        refused = error
    else:
        assert all(isinstance(change, Refresh) or rank(change) for change in changes)
        return
    assert refused.path
    assert refused.problem


def test_an_issue_that_is_shown_as_it_was_before_is_asked_for_again() -> None:
    """The API lags behind the webhook: what is stored meanwhile is not the end of it."""
    ask, told = asked("issues.edited.blocked"), body("issues.edited.blocked")["issue"]
    raw = {"object": told, "repository": "halcyon-rail/web", "blocked_by": []}
    assert [type(one) for one in found(ask.identity, raw, ask.hint)] == [Upsert]
    told["updated_at"] = "2024-03-01T10:04:59Z"
    _, again = found(ask.identity, raw, ask.hint)
    assert isinstance(again, Refresh)
    assert again.after_s > 0
    assert len(found(ask.identity, raw)) == 1


def test_a_pull_request_that_an_issue_tells_of_has_its_version() -> None:
    ask = asked("issues.milestoned.pull_request")
    assert ask.identity.kind == "pull_request"
    assert ask.hint["told"] == to_micros(datetime(2024, 3, 2, 10, tzinfo=UTC))
