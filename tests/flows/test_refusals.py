"""A refused message leaves a row and a count, and nothing of what nobody signed."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from ingest.core.errors import BadInput, BadRequest, BadSignature, NotConnected, PermanentError
from ingest.flows.receiving.messages import NOTHING, EnqueueArguments, as_arguments, message_of
from ingest.flows.receiving.refusals import record, refusal_of
from ingest.store import refusals
from ingest.store.engine import transaction

BODY = "a body that nobody signed"


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (BadSignature("wrong"), "401"),
        (NotConnected("no such connection"), "404"),
        (BadRequest("too large", status=413), "413"),
        (BadRequest("no JSON"), "400"),
        (BadInput("odd"), "400"),
    ],
)
def test_the_answer_is_the_one_that_http_would_have_had(error: PermanentError, answer: str) -> None:
    assert refusal_of(EnqueueArguments("github", {}, BODY), error).answer == answer


@pytest.mark.parametrize(
    "told", [None, 1, [], {}, "", "x" * 9_999, "a\x00b", "\ud800", b"github", float("nan")]
)
@pytest.mark.integration
def test_whatever_was_told_can_be_stored(engine: sa.Engine, told: Any) -> None:
    record(engine, EnqueueArguments(told, told, told, told, told), BadRequest(f"odd {told!r}" * 99))
    with transaction(engine) as conn:
        (row,) = refusals.listing(conn, limit=9)
        assert [(one.source_type, one.seen) for one in refusals.counts(conn)] == [("unknown", 1)]
    assert len(row["reason"]) <= 500
    assert len(row["source_type"] or "") <= 64
    assert len(row["connection_id"] or "") <= 191


@pytest.mark.integration
def test_the_body_is_measured_and_not_kept(engine: sa.Engine) -> None:
    record(
        engine, EnqueueArguments("github", {"authorization": BODY}, BODY, "c"), BadSignature("no")
    )
    with transaction(engine) as conn:
        (row,) = refusals.listing(conn, limit=9)
        kept = conn.execute(sa.text("SELECT r::text FROM lightfast_refused_messages r")).scalar()
    assert (row["source_type"], row["connection_id"], row["size"]) == ("github", "c", len(BODY))
    assert len(row["digest"]) == 64
    assert BODY not in str(kept)


@pytest.mark.integration
def test_of_a_flood_the_newest_thousand_are_kept_and_all_are_counted(engine: sa.Engine) -> None:
    one = refusal_of(EnqueueArguments("github", {}, BODY), BadSignature("no"))
    with transaction(engine) as conn:
        for _ in range(refusals.MOST_KEPT + 50):
            refusals.record(conn, one)
        kept = refusals.listing(conn, limit=9_999)
        assert [row["id"] for row in kept][-1] == 51
        assert len(kept) == refusals.MOST_KEPT
        assert [count.seen for count in refusals.counts(conn)] == [refusals.MOST_KEPT + 50]
        assert refusals.lately(conn, recent_s=60) == (refusals.MOST_KEPT, "no")
        assert refusals.lately(conn, recent_s=-60) == (0, None)


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((), {}), (("github",), {}), ((1, 2, 3, 4, 5, 6), {}), ((1, 2, 3), {"a": 1})],
)
def test_arguments_that_do_not_fit_are_a_bad_request(
    args: tuple[object, ...], kwargs: dict[str, object]
) -> None:
    """Bug: they were a TypeError of the task's, which left a traceback and nothing else."""
    with pytest.raises(BadRequest, match="the arguments are not source_type, headers, body"):
        message_of(args, kwargs)


def test_what_waits_comes_again_with_the_time_at_which_it_came_first() -> None:
    message = message_of(("github", {}, BODY), {"connection_id": "c"})
    assert as_arguments(message, received_at="now") == ("github", {}, BODY, "c", "now")
    told = message_of(("github", {}, BODY), {"received_at": 5})
    assert as_arguments(told, received_at="now") == ("github", {}, BODY, None, 5)
    assert as_arguments(NOTHING, received_at="now") == ()
