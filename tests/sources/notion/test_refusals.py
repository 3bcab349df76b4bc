"""What Notion refuses, by its meaning: the token, the rate, a missing object, a missing parent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ingest.core.errors import (
    BadPayload,
    PermanentError,
    RateLimited,
    Refused,
    TransientError,
)
from ingest.core.values import JSON
from ingest.demo.fake import Answer, Fake, Trouble, serving
from ingest.demo.providers.notion import Notion, block, in_page, limited, rich
from ingest.sources.contract import Access, Ask
from ingest.sources.notion.client import connect
from tests.sources.notion.deliveries import (
    AT,
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


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (error(400, "validation_error"), PermanentError),
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
        wrong.fetch_one(Ask(identity("page", OTHER)))
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


@pytest.mark.parametrize("parent", ["page", "database", "block", "data_source"])
def test_a_missing_object_without_a_parent_in_sight_is_left_as_it_is(
    served: Fake, notion: Notion, parent: str
) -> None:
    with pytest.raises(PermanentError, match="nothing is deleted"):
        seen(served, "page", PAGE, parent={"type": parent, "id": DATABASE})


def test_a_page_that_is_not_shared_any_more_looks_like_one_that_is_gone(
    served: Fake, notion: Notion
) -> None:
    notion.put_page(PAGE, "Below", at=AT, parent=in_page(OTHER))
    notion.hidden.add(PAGE)
    assert seen(served, "page", PAGE, parent=IN_OTHER).raw is None
    notion.hidden.add(OTHER)
    with pytest.raises(PermanentError):
        seen(served, "page", PAGE, parent=IN_OTHER)


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
