"""Every request that leaves is asked for of the budget of whoever asks; a renewed token is not."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from ingest.core.errors import BudgetSpent, RateLimited
from ingest.sources.access import Tokens
from ingest.sources.http import Api
from ingest.sources.limits import Call
from ingest.sources.spending import spending, spent_now
from tests.sources.test_http import NOW, TOKEN, answer, saying

OK = answer(200, x_left="41")
MOVED = answer(302, x_left="42", location="{url}/there")
LIMITED = answer(429, x_left="0", retry_after="7")
UNKNOWN = answer(401, x_left="40")


@dataclass
class Watched:
    """A budget that allows so many requests, and writes down what it was asked and told."""

    allows: int = 99
    asked: list[tuple[str, bool, bool]] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)

    def spend(self, call: Call, *, background: bool, begun: bool) -> None:
        if len(self.asked) >= self.allows:
            raise BudgetSpent("no more", retry_after_s=5.0)
        self.asked.append((f"{call.method} {call.path}", background, begun))

    def hear(self, _call: Call, headers: Mapping[str, str], _now: datetime) -> None:
        self.heard.append(headers["x-left"])


def api(url: str, tokens: Tokens | None = None) -> Api:
    headers = {} if tokens else {"authorization": TOKEN}
    return Api("Halcyon", url, lambda: NOW, headers, tokens=tokens)


def test_each_request_is_asked_for_and_what_its_answer_says_is_heard() -> None:
    budget = Watched()
    with saying(MOVED, OK) as server, spending(budget, background=True) as spent:
        api(server.url).get("here", params={"page": 1})
    assert spent.calls == 2
    assert budget.asked == [("GET /here", True, False), ("GET /there", True, True)]
    assert budget.heard == ["42", "41"]


def test_a_refusal_is_heard_too() -> None:
    budget = Watched()
    with (
        saying(LIMITED) as server,
        spending(budget, background=False),
        pytest.raises(RateLimited),
    ):
        api(server.url).post("here", json={})
    assert budget.asked == [("POST /here", False, False)]
    assert budget.heard == ["0"]


def test_what_is_not_allowed_does_not_leave() -> None:
    with saying(OK) as server, spending(Watched(allows=1), background=True) as spent:
        client = api(server.url)
        client.get("here")
        with pytest.raises(BudgetSpent) as caught:
            client.get("here")
    assert caught.value.retry_after_s == 5.0
    assert (spent.calls, len(server.requests)) == (1, 1)


def test_without_a_budget_requests_are_counted_and_without_a_block_nothing_happens() -> None:
    with saying(OK) as server:
        client = api(server.url)
        client.get("here")
        with spending(None, background=True) as spent:
            client.get("here")
        assert spent_now() is None
    assert spent.calls == 1


@dataclass
class Renewed:
    """Tokens of which the first is not known any more; to make one takes a request."""

    way: Api

    def current(self) -> str:
        return "first"

    def renewed(self, _refused: str) -> str | None:
        self.way.post("token")
        return "second"


def test_the_renewal_of_a_token_is_nobodys_request() -> None:
    budget = Watched()
    with saying(UNKNOWN, OK, OK) as server, spending(budget, background=True) as spent:
        api(server.url, tokens=Renewed(api(server.url))).get("here")
    assert len(server.requests) == 3
    assert [what for what, *_ in budget.asked] == ["GET /here", "GET /here"]
    assert spent.calls == 2


def test_a_block_is_that_of_its_thread_and_ends_with_it() -> None:
    outer, inner = Watched(), Watched()
    seen: list[object] = []
    with saying(OK) as server, spending(outer, background=True):
        with suppress(KeyError), spending(inner, background=False):
            api(server.url).get("within")
            raise KeyError
        other = threading.Thread(target=lambda: seen.append(spent_now()))
        other.start()
        other.join()
        api(server.url).get("after")
    assert seen == [None]
    assert [what for what, *_ in inner.asked] == ["GET /within"]
    assert [what for what, *_ in outer.asked] == ["GET /after"]
