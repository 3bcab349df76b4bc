"""What Notion refuses, by its meaning: the token, the rate, a missing object, a missing parent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ingest.core.changes import Upsert
from ingest.core.errors import (
    BadPayload,
    PermanentError,
    RateLimited,
    Refused,
    TransientError,
)
from ingest.core.values import JSON
from ingest.sources.access import Access
from ingest.sources.contract import Lookup
from ingest.sources.notion.client import connect
from ingest.sources.notion.demo.fake import Notion
from ingest.sources.notion.demo.shapes import Object, block, in_block, in_page, limited, rich
from ingest.sources.notion.documents import TOLD_DELETED, UNSEEN, documents
from ingest.sources.notion.markdown import UNREAD
from ingest.sources.wire import at
from ingest.testing.fakes import Answer, Fake, Trouble, serving
from tests.sources.notion.deliveries import (
    AT,
    BLOCK,
    COMMENT,
    DATABASE,
    NOW,
    OTHER,
    PAGE,
    SOURCE,
    document,
    identity,
    seen,
)

IN_OTHER: JSON = {"type": "page", "id": OTHER}


@pytest.fixture(scope="module")
def served() -> Iterator[Fake]:
    with serving(Notion()) as fake:
        yield fake


@pytest.fixture
def notion(served: Fake) -> Notion:
    """A workspace with one page, on the running server."""
    made = Notion()
    made.put_page(OTHER, "Above", at=AT, blocks=[block("toggle", rich("x"), children=[])])
    served.provider = made
    served.requests.clear()
    served.troubles.clear()
    return made


def error(status: int, code: str, **headers: str) -> Answer:
    return Answer(status, {"object": "error", "status": status, "code": code}, headers)


def test_a_limit_says_in_its_body_how_long_it_lasts_or_that_waiting_is_no_use(
    served: Fake, notion: Notion
) -> None:
    """…/reference/request-limits; the header wins where both are told."""
    for beside, header, wait_s in (("17", {}, 17), ("17", {"retry-after": "5"}, 5), (None, {}, 60)):
        body = {"object": "error", "status": 429, "additional_data": {"retry_after": beside}}
        served.troubles.append(Trouble(Answer(429, body, header), path=OTHER))
        with pytest.raises(RateLimited) as raised:
            seen(served, "page", OTHER)
        assert raised.value.retry_after_s == wait_s
    reason = {"rate_limit_reason": "public_api_request_blocked"}
    shut_out = Answer(429, {"additional_data": reason}, {"retry-after": "5"})
    served.troubles.append(Trouble(shut_out, path=OTHER))
    with pytest.raises(Refused, match="blocks the integration"):
        seen(served, "page", OTHER)


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (error(401, "unauthorized"), Refused),
        (error(403, "restricted_resource"), Refused),
        (error(409, "conflict_error"), TransientError),
        (error(500, "internal_server_error"), TransientError),
        (error(503, "service_unavailable"), TransientError),
        (error(504, "gateway_timeout"), TransientError),
        (error(529, "service_overload", **{"retry-after": "7"}), TransientError),
        (Answer(200, [1]), BadPayload),
        (Answer(200, b"<html>"), BadPayload),
    ],
)
def test_an_error_has_its_meaning(
    served: Fake, notion: Notion, answer: Answer, meaning: type[Exception]
) -> None:
    served.troubles.append(Trouble(answer, path=OTHER))
    with pytest.raises(meaning) as raised:
        seen(served, "page", OTHER)
    assert isinstance(raised.value, Refused) == (meaning is Refused)
    if answer.status == 529:
        assert getattr(raised.value, "retry_after_s", None) == 7


@pytest.mark.parametrize("path", [f"/pages/{OTHER}", "/children"])
def test_a_limit_says_how_long_to_wait(served: Fake, notion: Notion, path: str) -> None:
    served.troubles.append(Trouble(limited(3), path=path))
    with pytest.raises(RateLimited) as raised:
        seen(served, "page", OTHER)
    assert raised.value.retry_after_s == 3
    assert document(served, "page", OTHER).title == "Above"


def test_a_wrong_token_is_refused(served: Fake, notion: Notion) -> None:
    wrong = connect(Access(served.url, "ntn_wrong", {}, lambda: NOW))
    with pytest.raises(Refused):
        wrong.fetch_one(Lookup(identity("page", OTHER)))
    with pytest.raises(Refused):
        wrong.check()
    wrong.close()


@pytest.mark.parametrize(
    ("kind", "id_", "hint", "proof"),
    [
        ("page", PAGE, {"parent": IN_OTHER}, f"/v1/pages/{OTHER}"),
        ("page", PAGE, {}, "/v1/users/me"),
        ("page", PAGE, {"parent": {"type": "space", "id": "x"}}, "/v1/users/me"),
        ("database", DATABASE, {"parent": IN_OTHER}, f"/v1/pages/{OTHER}"),
        ("data_source", SOURCE, {}, "/v1/users/me"),
        ("comment", COMMENT, {"page": OTHER}, f"/v1/pages/{OTHER}"),
    ],
)
def test_a_missing_object_is_gone_where_its_parent_can_be_read(
    served: Fake, notion: Notion, kind: str, id_: str, hint: dict[str, JSON], proof: str
) -> None:
    assert seen(served, kind, id_, **hint).raw is None
    assert served.requests[-1].path == proof


@pytest.mark.parametrize(("told", "left"), [({}, True), ({TOLD_DELETED: True}, False)])
def test_a_missing_comment_of_a_page_in_the_trash_is_gone_only_where_that_was_told(
    served: Fake, notion: Notion, told: dict[str, JSON], *, left: bool
) -> None:
    """Whether Notion shows comments there is unverified; no webhook tells of them with the page."""
    notion.trash(OTHER, at=AT)
    raw = seen(served, "comment", COMMENT, page=OTHER, **told).raw
    assert raw == (UNSEEN if left else None)


def test_a_comment_that_says_it_lies_in_the_trash_goes_and_comes_with_its_page(
    served: Fake, notion: Notion
) -> None:
    """Bug: it was seen as deleted, and stayed so when the page was restored. By `make chaos`."""
    notion.put_comment(COMMENT, in_page(OTHER), rich("Look"), at=AT)
    notion.trash(OTHER, at=AT)
    sight = seen(served, "comment", COMMENT)
    assert at(sight.raw, "comment", "in_trash") is True
    (change,) = documents(Lookup(identity("comment", COMMENT), raw=sight.raw, sent_at=NOW))
    assert isinstance(change, Upsert)
    assert change.goes_with == identity("page", OTHER)


@pytest.mark.parametrize("parent", ["page", "database", "block", "data_source"])
def test_a_missing_object_without_a_parent_in_sight_is_left_as_it_is(
    served: Fake, notion: Notion, parent: str
) -> None:
    sight = seen(served, "page", PAGE, parent={"type": parent, "id": DATABASE})
    assert documents(Lookup(identity("page", PAGE), raw=sight.raw, sent_at=NOW)) == ()
    assert served.requests[-1].path == "/v1/users/me"


@pytest.mark.parametrize("status", [401, 403, 404])
@pytest.mark.parametrize("hint", [{}, {"parent": {"type": "page", "id": DATABASE}}])
def test_nothing_is_gone_to_a_token_whose_bot_is_not_known(
    served: Fake, notion: Notion, status: int, hint: dict[str, JSON]
) -> None:
    served.troubles.append(Trouble(error(status, "x"), path="/users/me"))
    with pytest.raises(Refused):
        seen(served, "page", PAGE, **hint)


def test_a_page_that_is_not_shared_any_more_looks_like_one_that_is_gone(
    served: Fake, notion: Notion
) -> None:
    notion.put_page(PAGE, "Below", at=AT, parent=in_page(OTHER))
    notion.hidden.add(PAGE)
    assert seen(served, "page", PAGE, parent=IN_OTHER).raw is None
    notion.hidden.add(OTHER)
    sight = seen(served, "page", PAGE, parent=IN_OTHER)
    assert documents(Lookup(identity("page", PAGE), raw=sight.raw, sent_at=NOW)) == ()


_FORBIDDEN = error(403, "restricted_resource")


def test_a_403_beside_a_page_that_is_shown_is_no_refusal_of_the_token(
    served: Fake, notion: Notion
) -> None:
    related: list[JSON] = [{"id": OTHER}] * 30
    relation: Object = {"id": "r", "type": "relation", "relation": related}
    inside = [block("paragraph", rich("within"))]
    said = [block("toggle", rich("shown"), children=inside)]
    notion.put_page(
        PAGE, "Row", at=AT, parent=in_block(BLOCK), blocks=said, properties={"R": relation}
    )
    (toggle,) = notion.block_ids(PAGE)
    for path in ("/properties/r", f"/blocks/{toggle}/children", f"/blocks/{BLOCK}"):
        served.troubles.append(Trouble(_FORBIDDEN, path=path))
    found = document(served, "page", PAGE)
    assert found.parent is None
    assert found.body == f"- shown\n\n  {UNREAD}"
    assert found.references == (), "a relation that is cut is left out"


def test_a_page_whose_blocks_are_not_let_in_says_so(served: Fake, notion: Notion) -> None:
    served.troubles.append(Trouble(_FORBIDDEN, path=f"/blocks/{OTHER}/children"))
    assert document(served, "page", OTHER).body == UNREAD


def test_a_403_to_a_table_leaves_its_database(served: Fake, notion: Notion) -> None:
    notion.put_database(DATABASE, "Trains", at=AT, sources={SOURCE: "Table"})
    served.troubles.append(Trouble(_FORBIDDEN, path=f"/data_sources/{SOURCE}"))
    assert document(served, "database", DATABASE).title == "Trains"


_NOT_FOR_BOTS = error(400, "validation_error")


@pytest.mark.parametrize(
    ("kind", "id_"),
    [("page", OTHER), ("database", DATABASE), ("comment", COMMENT), ("data_source", SOURCE)],
)
def test_what_is_not_for_integrations_is_left_as_it_is(
    served: Fake, notion: Notion, kind: str, id_: str
) -> None:
    served.troubles.append(Trouble(_NOT_FOR_BOTS, path=id_))
    sight = seen(served, kind, id_, parent=IN_OTHER)
    assert documents(Lookup(identity(kind, id_), raw=sight.raw, sent_at=NOW)) == ()


def test_a_linked_database_in_a_page_keeps_the_rest_of_the_page(
    served: Fake, notion: Notion
) -> None:
    linked = {**block("child_database", title="Untitled"), "id": DATABASE}
    notion.put_page(PAGE, "Board", at=AT, parent=in_block(BLOCK), blocks=[linked])
    served.troubles.append(Trouble(_NOT_FOR_BOTS, path=f"/blocks/{BLOCK}"))
    found = document(served, "page", PAGE)
    assert found.body.startswith("[Untitled](")
    assert found.parent is None


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_an_api_that_is_another_one_refuses_the_token(
    served: Fake, notion: Notion, status: int
) -> None:
    served.troubles.append(Trouble(error(status, "invalid_request_url"), times=9))
    with pytest.raises(Refused):
        seen(served, "page", OTHER)


@pytest.mark.parametrize(
    ("kind", "id_"),
    [("page", OTHER), ("database", DATABASE), ("comment", COMMENT), ("data_source", SOURCE)],
)
def test_a_403_to_the_object_itself_refuses_the_token(
    served: Fake, notion: Notion, kind: str, id_: str
) -> None:
    served.troubles.append(Trouble(_FORBIDDEN, path=id_))
    with pytest.raises(Refused):
        seen(served, kind, id_)


def test_a_page_that_goes_while_it_is_read_is_read_again(served: Fake, notion: Notion) -> None:
    served.troubles.append(Trouble(error(404, "object_not_found"), path="/children"))
    with pytest.raises(TransientError):
        seen(served, "page", OTHER)


def test_what_has_no_look_up_is_refused_for_good(served: Fake, notion: Notion) -> None:
    for kind, id_ in (("view", PAGE), ("page", "../users")):
        with pytest.raises(PermanentError):
            seen(served, kind, id_)
    assert served.requests == []


def test_a_list_that_is_none_is_no_page(served: Fake, notion: Notion) -> None:
    served.troubles.append(Trouble(Answer(200, {"object": "list"}), path="/children"))
    with pytest.raises(BadPayload):
        seen(served, "page", OTHER)
