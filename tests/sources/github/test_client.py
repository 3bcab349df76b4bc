"""Each object looked up: what is handed over, what is gone, and what GitHub's refusals mean."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from ingest.core.changes import Delete, Upsert
from ingest.core.errors import (
    Denied,
    IngestError,
    PermanentError,
    RateLimited,
    Refused,
    TransientError,
)
from ingest.sources.contract import Lookup
from ingest.sources.github import graphql, searching
from ingest.sources.github.documents import documents
from ingest.sources.github.sights import MOST_BLOCKING
from ingest.testing.fakes import Answer, Trouble
from tests.sources.github.looking import AT, ID, NAME, NOW, Looking, identity, looking

LATER = "2026-03-02T15:00:00Z"
_NEVER = {"message": "Not Found", "status": "404"}


def _conversation(number: int, **fields: Any) -> dict[str, Any]:
    told = {"id": 9_000 + number, "number": number, "title": f"Title {number}", "state": "open"}
    page = f"https://github.com/{NAME}/issues/{number}"
    return {**told, "body": "text", "html_url": page, "updated_at": AT, **fields}


def _remark(id_: int, **fields: Any) -> dict[str, Any]:
    user = {"login": "lena"}
    told = {"id": id_, "node_id": f"N_{id_}", "body": "text", "user": user, "created_at": AT}
    return {**told, "updated_at": AT, **fields}


def _filled(at: Looking) -> None:
    put = at.github.put
    put(ID, "issue", _conversation(12))
    put(ID, "pull_request", _conversation(13, merged=False))
    put(ID, "comment", _remark(501), number=12)
    put(ID, "comment", _remark(502), number=13, parent="pull_request")
    put(ID, "review", _remark(601, state="approved", submitted_at=AT), number=13)
    put(ID, "review_comment", _remark(701, path="a.py"), number=13)
    put(ID, "release", _remark(801, tag_name="v1"))
    put(ID, "discussion", _conversation(14, state="locked", locked=True, user={"login": "x[bot]"}))
    put(ID, "discussion_comment", _remark(901, node_id="DC_901"), number=14)
    put(ID, "discussion_comment", _remark(902, node_id="DC_902", parent_id=901), number=14)


KINDS: list[tuple[str, int, dict[str, Any]]] = [
    ("issue", 12, {}),
    ("pull_request", 13, {}),
    ("comment", 501, {}),
    ("comment", 502, {}),
    ("review", 601, {"number": 13}),
    ("review_comment", 701, {}),
    ("release", 801, {}),
    ("discussion", 14, {}),
    ("discussion_comment", 901, {"number": 14, "nodeId": "DC_901"}),
    ("discussion_comment", 902, {"number": 14}),
]
every_kind = pytest.mark.parametrize(("kind", "id_", "hint"), KINDS)


@every_kind
def test_every_kind_is_looked_up_whole(kind: str, id_: int, hint: dict[str, Any]) -> None:
    with looking() as at:
        _filled(at)
        raw = at.fetch(kind, id_, **hint)
        key = "number" if kind in ("issue", "pull_request", "discussion") else "id"
        assert raw["object"][key] == id_
        assert raw["object"]["updated_at"] == AT
        assert raw["repository"] == NAME


@every_kind
def test_what_was_deleted_is_nothing(kind: str, id_: int, hint: dict[str, Any]) -> None:
    with looking() as at:
        _filled(at)
        at.github.delete(ID, kind, id_)
        assert at.fetch(kind, id_, **hint) is None


@every_kind
def test_what_is_out_of_sight_with_its_repository_is_no_deletion(
    kind: str, id_: int, hint: dict[str, Any]
) -> None:
    with looking() as at:
        _filled(at)
        at.fetch(kind, id_, **hint)
        at.github.repositories[ID].readable = False
        with pytest.raises(Refused, match="no repository"):
            at.fetch(kind, id_, **hint)


@every_kind
def test_a_token_that_github_does_not_know_is_refused(
    kind: str, id_: int, hint: dict[str, Any]
) -> None:
    with looking() as at:
        _filled(at)
        at.fetch(kind, id_, **hint)
        (client,) = at.clients.values()
        at.github.token = "another"
        at.clients[at.github.token, ""] = client
        with pytest.raises(Refused):
            at.fetch(kind, id_, **hint)


def test_children_name_their_conversation() -> None:
    with looking() as at:
        _filled(at)
        told = [at.fetch(kind, id_, **hint) for kind, id_, hint in KINDS]
        numbers = [(raw.get("number"), raw.get("parent")) for raw in told]
        assert numbers == [
            (None, None),
            (None, None),
            (12, "issue"),
            (13, "pull_request"),
            (13, None),
            (13, None),
            (None, None),
            (None, None),
            (14, None),
            (14, None),
        ]


def test_a_discussion_has_the_shape_of_its_webhook() -> None:
    with looking() as at:
        _filled(at)
        at.github.edit(
            ID,
            "discussion",
            14,
            LATER,
            state="closed",
            state_reason="resolved",
            category={"name": "Q&A", "slug": "q-a"},
            answer_html_url="https://github.com/halcyon/web/discussions/14#discussioncomment-901",
            labels=[{"name": "docs"}],
        )
        told = at.fetch("discussion", 14)["object"]
        assert told["user"] == {"login": "x[bot]"}
        assert (told["state"], told["state_reason"]) == ("closed", "resolved")
        assert (told["category"]["name"], told["labels"]) == ("Q&A", [{"name": "docs"}])
        assert told["answer_html_url"].endswith("-901")
        assert told["updated_at"] == LATER
        reply = at.fetch("discussion_comment", 902, nodeId="DC_902")["object"]
        assert (reply["parent_id"], reply["node_id"]) == (901, "DC_902")


def test_a_comment_without_node_id_is_found_on_any_page_of_its_discussion() -> None:
    with looking() as at:
        at.github.put(ID, "discussion", _conversation(14))
        for n in range(120):
            told = _remark(1_000 + n, node_id=f"DC_{n}")
            at.github.put(ID, "discussion_comment", told, number=14)
        assert at.fetch("discussion_comment", 1_119, number=14)["object"]["id"] == 1_119
        assert at.fetch("discussion_comment", 7, number=14) is None


def test_a_comment_that_may_be_among_replies_that_are_not_shown_is_not_gone() -> None:
    """Bug: of a comment with more than a hundred replies, the others were taken for deleted; and
    later, whether they were could not be found out.
    """
    with looking() as at:
        at.github.put(ID, "discussion", _conversation(14))
        at.github.put(ID, "discussion_comment", _remark(1, node_id="DC_1"), number=14)
        for n in range(2 * graphql.MOST_REPLIES + 30):
            told = _remark(1_000 + n, node_id=f"DC_{n}", parent_id=1)
            at.github.put(ID, "discussion_comment", told, number=14)
        for id_ in (1_000, 1_229):
            assert at.fetch("discussion_comment", id_, number=14)["object"]["id"] == id_
        assert at.fetch("discussion_comment", 7, number=14) is None


def test_a_comment_in_a_discussion_without_end_is_not_gone() -> None:
    with looking() as at:
        at.github.page_size = 1
        at.github.put(ID, "discussion", _conversation(14))
        for n in range(searching.MOST_PAGES + 1):
            told = _remark(1_000 + n, node_id=f"DC_{n}")
            at.github.put(ID, "discussion_comment", told, number=14)
        with pytest.raises(PermanentError, match="more comments or replies"):
            at.fetch("discussion_comment", 7, number=14)


def test_a_node_of_another_repository_is_not_ours() -> None:
    with looking() as at:
        _filled(at)
        at.github.add(202, "halcyon/other")
        at.github.put(202, "discussion_comment", _remark(901, node_id="DC_x"), number=14)
        assert at.fetch("discussion_comment", 901, nodeId="DC_x") is None


def test_issues_that_block_are_handed_over() -> None:
    with looking() as at:
        page = "https://github.com/halcyon/other/issues/3"
        at.github.put(
            ID,
            "issue",
            _conversation(
                12,
                issue_dependencies_summary={"blocked_by": 1, "total_blocked_by": 1},
                blocked_by_issues=[{"number": 3, "html_url": page}],
            ),
        )
        assert at.fetch("issue", 12)["blocked_by"] == [{"number": 3, "html_url": page}]
        many = Answer(200, [{"number": n, "html_url": page} for n in range(MOST_BLOCKING * 2)])
        at.fake.troubles.append(Trouble(many, "/blocked_by"))
        assert len(at.fetch("issue", 12)["blocked_by"]) == MOST_BLOCKING


def test_a_pull_request_is_no_issue() -> None:
    with looking() as at:
        _filled(at)
        assert at.fetch("issue", 13) is None


# Where things have moved.


def test_a_transferred_issue_is_gone_from_its_former_repository() -> None:
    with looking() as at:
        _filled(at)
        at.github.add(202, "halcyon/other")
        at.github.transfer(ID, 12, 202, 12)
        assert at.fetch("issue", 12) is None
        at.github.repositories[202].readable = False
        assert at.fetch("issue", 12) is None


def test_a_renamed_repository_is_read_under_its_new_name() -> None:
    with looking() as at:
        _filled(at)
        at.fetch("issue", 12)
        at.github.rename(ID, "halcyon/site")
        assert at.fetch("issue", 12)["object"]["number"] == 12
        at.client().check()
        assert at.fetch("issue", 12)["repository"] == "halcyon/site"


def test_whoever_takes_a_former_name_is_not_read_in_its_stead() -> None:
    with looking() as at:
        _filled(at)
        at.github.rename(ID, "halcyon/site")
        at.github.add(202, NAME)
        at.github.put(202, "issue", _conversation(12, title="Not ours"))
        told = at.fetch("issue", 12)
        assert (told["object"]["title"], told["repository"]) == ("Title 12", "halcyon/site")


def test_without_a_usable_name_the_id_is_enough() -> None:
    for name in (None, "", "../../user", "halcyon/..", "a/b/c"):
        with looking(repoFullName=name) as at:
            _filled(at)
            assert at.fetch("issue", 12)["repository"] == NAME
            assert at.asked("repos/..") == 0


@pytest.mark.parametrize("suffix", ["/", "/graphql", "/api/v3", "/api/v3/", "/api"])
def test_the_base_url_may_be_written_in_several_ways(suffix: str) -> None:
    with looking() as at:
        _filled(at)
        at.clients[at.github.token, ""] = at.client(suffix=suffix)
        assert at.fetch("issue", 12)["object"]["number"] == 12
        assert at.fetch("discussion", 14)["object"]["number"] == 14
        at.clients.pop((at.github.token, ""))


# What refusals mean.


def _limit(status: int, body: str = "", **headers: str) -> Answer:
    return Answer(status, {"message": body}, {k.replace("_", "-"): v for k, v in headers.items()})


@pytest.mark.parametrize(
    ("answer", "wait_s"),
    [
        (_limit(429, retry_after="17"), 17),
        (_limit(403, retry_after="18"), 18),
        (_limit(429), 60),
        (_limit(403, "You have exceeded a secondary rate limit"), 60),
        (_limit(403, "You have triggered an abuse detection mechanism."), 60),
        (_limit(403, "API Rate Limit Exceeded for 192.0.2.1"), 60),
        (_limit(403, x_ratelimit_remaining="0"), 60),
        (_limit(403, x_ratelimit_remaining="0", x_ratelimit_reset="soon"), 60),
        (_limit(403, x_ratelimit_remaining="0", x_ratelimit_reset="9" * 30), 60),
    ],
)
def test_a_limit_is_waited_for_as_long_as_github_says(answer: Answer, wait_s: float) -> None:
    with looking() as at:
        at.fake.troubles.append(Trouble(answer))
        with pytest.raises(RateLimited) as limited:
            at.fetch("issue", 12)
        assert limited.value.retry_after_s == wait_s


@pytest.mark.parametrize("status", [403, 429])
def test_the_hours_limit_is_waited_for_until_its_reset_by_githubs_clock(status: int) -> None:
    with looking() as at:
        headers = {"x_ratelimit_remaining": "0", "x_ratelimit_reset": "4102444800"}
        at.fake.troubles.append(Trouble(_limit(status, **headers)))
        with pytest.raises(RateLimited) as limited:
            at.fetch("issue", 12)
        wait_s = limited.value.retry_after_s
        assert wait_s is not None
        assert wait_s > 3_600


def test_the_fakes_own_limit_is_understood() -> None:
    with looking() as at:
        _filled(at)
        at.github.remaining = 1
        with pytest.raises(RateLimited):
            at.fetch("issue", 12)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, Refused),
        (403, Refused),
        (422, PermanentError),
        (451, PermanentError),
        (500, TransientError),
        (502, TransientError),
    ],
)
def test_each_status_has_its_meaning(status: int, error: type[IngestError]) -> None:
    with looking() as at:
        _filled(at)
        at.fake.troubles.append(Trouble(Answer(status, {"message": "x"}), "issues/12"))
        with pytest.raises(error):
            at.fetch("issue", 12)


def test_one_404_with_a_readable_repository_is_an_end() -> None:
    with looking() as at:
        _filled(at)
        at.fake.troubles.append(Trouble(Answer(404, _NEVER), "issues/12"))
        assert at.fetch("issue", 12) is None


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"type": "RATE_LIMITED", "message": "x"}, RateLimited),
        ({"type": "FORBIDDEN", "message": "x"}, Refused),
        ({"type": "INSUFFICIENT_SCOPES", "message": "x"}, Refused),
        ({"message": "Something went wrong while executing your query."}, TransientError),
        ({"message": "Field 'x' doesn't exist", "extensions": {}}, PermanentError),
        ("odd", PermanentError),
    ],
)
def test_each_error_of_a_query_has_its_meaning(error: Any, expected: type[IngestError]) -> None:
    with looking() as at:
        _filled(at)
        body = {"data": None, "errors": [error]}
        at.fake.troubles.append(Trouble(Answer(200, body), "graphql"))
        with pytest.raises(expected):
            at.fetch("discussion", 14)


@pytest.mark.parametrize("body", [[], "x", 7, None, {"number": 12}, {"data": 7}, b"<html>"])
@every_kind
def test_an_answer_that_makes_no_sense_is_refused_by_our_own_error_or_is_nothing(
    kind: str, id_: int, hint: dict[str, Any], body: Any
) -> None:
    with looking() as at:
        _filled(at)
        at.client().check()
        path = "graphql" if kind.startswith("discussion") else f"/{id_}"
        at.fake.troubles.append(Trouble(Answer(200, body), path))
        with suppress(PermanentError):
            at.fetch(kind, id_, **hint)


@pytest.mark.parametrize(
    "ask",
    [
        lambda at: at.fetch("issue", "../../user"),
        lambda at: at.fetch("issue", ""),
        lambda at: at.fetch("review", 601),
        lambda at: at.fetch("review", 601, number="../1"),
        lambda at: at.fetch("discussion_comment", 901),
        lambda at: at.fetch("discussion", 2**40),
        lambda at: at.fetch("file", "a.md"),
    ],
)
def test_what_cannot_be_asked_is_never_sent(ask: Callable[[Looking], Any]) -> None:
    with looking() as at:
        _filled(at)
        with pytest.raises(PermanentError):
            ask(at)
        assert all(one.path == f"/repos/{NAME}" for one in at.fake.requests)


def test_a_check_says_what_is_read() -> None:
    with looking() as at:
        assert at.client().check() == "halcyon/web (private), default branch main"
        at.github.repositories[ID].readable = False
        with pytest.raises(Refused):
            at.client().check()


def test_every_request_bears_the_headers_that_github_asks_for() -> None:
    with looking() as at:
        _filled(at)
        at.fetch("issue", 12)
        for asked in at.fake.requests:
            assert asked.headers["accept"] == "application/vnd.github+json"
            assert asked.headers["x-github-api-version"] == "2022-11-28"
            assert asked.headers["user-agent"] == "lightfast-ingest"
            assert asked.headers["authorization"] == f"Bearer {at.github.token}"


def test_an_issue_whose_link_leads_to_no_pull_request_is_an_issue() -> None:
    """Bug: what an old GitHub answered was taken for a pull request, and the issue for gone."""
    with looking() as at:
        _filled(at)
        nothing = {"html_url": None, "diff_url": None, "patch_url": None}
        at.github.edit(ID, "issue", 12, AT, pull_request=nothing)
        raw = at.fetch("issue", 12)
        assert raw["object"]["number"] == 12
        (document,) = documents(Lookup(identity("issue", 12), raw=raw, sent_at=NOW))
        assert isinstance(document, Upsert)


def test_a_draft_that_has_no_tag_yet_is_no_document() -> None:
    """Bug: the deliveries that waited for it were dead, for the tag."""
    raw: dict[str, Any] = {"object": {"id": 801, "draft": True, "tag_name": ""}}
    (change,) = documents(Lookup(identity("release", 801), raw=raw, sent_at=NOW))
    assert isinstance(change, Delete)


_OFF = Answer(410, {"message": "Issues are disabled for this repo"})
_OFF_TOO = Answer(410, {"message": "Issues has been disabled in this repository."})
_GONE = Answer(410, {"message": "This issue was deleted"})
_PULL: dict[str, Any] = {"number": 13, "parent": "pull_request"}


@pytest.mark.parametrize(
    ("kind", "id_", "hint", "answer", "off", "is_there"),
    [
        ("issue", 12, {}, _OFF, set(), True),
        ("issue", 12, {}, _OFF_TOO, set(), True),
        ("issue", 12, {}, _GONE, set(), False),
        ("issue", 12, {}, Answer(404, _NEVER), set(), False),
        ("issue", 12, {}, Answer(404, _NEVER), {"issues"}, True),
        ("issue", 12, {}, Answer(410, b""), {"issues"}, True),
        ("comment", 501, {"number": 12}, _OFF, set(), True),
        ("comment", 501, {"number": 12}, Answer(404, _NEVER), {"issues"}, True),
        ("comment", 502, _PULL, Answer(404, _NEVER), {"issues"}, False),
        ("pull_request", 13, {}, Answer(404, _NEVER), {"issues"}, False),
        ("release", 801, {}, Answer(404, _NEVER), {"discussions"}, False),
        ("release", 801, {}, Answer(451, {"message": "taken down"}), set(), True),
    ],
)
def test_what_is_switched_off_is_there_and_what_was_deleted_is_not(
    kind: str,
    id_: int,
    hint: dict[str, Any],
    answer: Answer,
    off: set[str],
    is_there: bool,
) -> None:
    """Bug: a 410 that says "Issues are disabled" deleted issues and their comments."""
    with looking() as at:
        _filled(at)
        at.github.repositories[ID].switched_off |= off
        at.fake.troubles.append(Trouble(answer, f"/{id_}"))
        if not is_there:
            assert at.fetch(kind, id_, **hint) is None
            return
        with pytest.raises(Denied) as denied:
            at.fetch(kind, id_, **hint)
    assert str(denied.value)


def test_discussions_that_are_switched_off_are_there() -> None:
    with looking() as at:
        at.github.repositories[ID].switched_off.add("discussions")
        with pytest.raises(Denied, match="discussions switched off"):
            at.fetch("discussion", 99)


@pytest.mark.parametrize("node_id", ["DC_901", None])
def test_a_deleted_comment_that_is_shown_for_its_replies_is_gone(node_id: str | None) -> None:
    """GraphQL shows it without its text, as long as there are replies to it."""
    with looking() as at:
        _filled(at)
        deleted = _remark(901, node_id="DC_901", deleted_at=LATER)
        at.github.put(ID, "discussion_comment", deleted, number=14)
        hint = {"nodeId": node_id} if node_id else {"number": 14}
        assert at.fetch("discussion_comment", 901, **hint) is None
        assert at.fetch("discussion_comment", 902, number=14) is not None
