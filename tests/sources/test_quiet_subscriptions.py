"""What a source says and raises about webhooks: never a token, and never a webhook's secret."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from ingest.core.errors import PermanentError
from ingest.core.values import JSON
from ingest.sources.masking import HIDDEN, Mask
from ingest.sources.quiet_subscriptions import QuietSubscriptions
from ingest.sources.subscriptions import MissedPage, Observation, Recovered, Subscribed

TOKEN = "a-token-that-nobody-may-see"
SECRET = "a-webhook-secret-of-ours"
THEIRS = "a-webhook-secret-of-theirs"
NOW = datetime(2026, 3, 2, tzinfo=UTC)
URL = "https://ingest.example.test/webhooks/acme/c1"


class Loose:
    """A source that says all it knows; `fails`: it raises it instead."""

    def __init__(self, *, fails: bool) -> None:
        self.fails = fails
        self.secret = ""

    def _say(self) -> str:
        said = f"with {TOKEN} and {self.secret}"
        if self.fails:
            raise PermanentError(said) from ValueError(said)
        return said

    def look(self, url: str) -> tuple[Observation, ...]:
        said = self._say()
        return (Observation(False, said, said),)

    def create(self, url: str, secret: str) -> Subscribed:
        self.secret = secret
        return Subscribed("1", f"{self._say()} and {THEIRS}", THEIRS, {"webhookId": "1"})

    def mend(self, url: str, secret: str) -> Subscribed | None:
        return self.create(url, secret)

    def missed(self, since: datetime, cursor: JSON = None) -> MissedPage:
        self._say()
        return MissedPage()

    def redeliver(self, handle: str) -> bool:
        return bool(self._say())

    def read(self, handle: str) -> Recovered | None:
        self._say()
        return None

    def close(self) -> None:
        pass


def _quiet(*, fails: bool) -> QuietSubscriptions:
    mask = Mask(TOKEN)
    return QuietSubscriptions(Loose(fails=fails), mask)


CALLS: tuple[Callable[[QuietSubscriptions], object], ...] = (
    lambda one: one.look(URL),
    lambda one: one.create(URL, SECRET),
    lambda one: one.mend(URL, SECRET),
    lambda one: one.missed(NOW),
    lambda one: one.redeliver("1"),
    lambda one: one.read("1"),
)


@pytest.mark.parametrize("call", CALLS)
def test_nothing_that_is_raised_says_one(call: Callable[[QuietSubscriptions], object]) -> None:
    with pytest.raises(PermanentError) as caught:
        call(_quiet(fails=True))
    shown = "".join(traceback.format_exception(caught.value))
    assert TOKEN not in str(caught.value)
    assert SECRET not in str(caught.value)
    assert f"{TOKEN} and" not in shown


@pytest.mark.parametrize("call", CALLS)
def test_nothing_that_is_said_says_one(call: Callable[[QuietSubscriptions], object]) -> None:
    said = repr(call(_quiet(fails=False)))
    assert not any(secret in said for secret in (TOKEN, SECRET, THEIRS))


def test_the_providers_own_secret_is_where_it_is_kept_from_and_nowhere_else() -> None:
    one = _quiet(fails=False)
    made = one.create(URL, SECRET)
    assert made.secret == THEIRS
    assert made.said == f"with {HIDDEN} and {HIDDEN} and {HIDDEN}"
    assert TOKEN not in repr(one)
    assert one.mask.hides(f"later: {THEIRS}")
