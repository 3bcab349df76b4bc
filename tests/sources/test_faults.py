"""The bad weather of the fakes: what each fault is to a client, and that limits are told as each
provider tells them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import get_args

import pytest

from ingest.core.errors import IngestError, RateLimited, TransientError, Unavailable
from ingest.sources.access import Access
from ingest.sources.discreet import Discreet
from ingest.sources.http import Api
from ingest.sources.listing import PageRequest
from ingest.sources.masking import Mask
from ingest.sources.registry import source
from ingest.testing.fakes import Answer, Asked, Fake, serving
from ingest.testing.faults import FaultKind, Faults
from ingest.testing.sample import Sample, all_samples

PLAYED = [sample for sample in all_samples() if sample.provider is not None]
MEANS: dict[FaultKind, type[IngestError]] = {
    "limited": RateLimited,
    "500": TransientError,
    "502": TransientError,
    "503": TransientError,
    "503 told": TransientError,
    "cut": Unavailable,
    "torn": Unavailable,
    "reset": Unavailable,
    "hang": Unavailable,
    "drip": Unavailable,
}


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Plain:
    """A provider that says the same to everybody."""

    token: str = "a-token-of-nobody"

    def answer(self, asked: Asked) -> Answer:
        return Answer(body={"path": asked.path, "said": ["a", "body", "of", "some", "length"]})


@contextmanager
def asking(faults: Faults) -> Iterator[tuple[Fake, Api]]:
    with serving(Plain()) as fake:
        fake.weather = faults.through
        api = Api("Acme", fake.url, now)
        try:
            yield fake, api
        finally:
            api.close()


@pytest.mark.parametrize("kind", get_args(FaultKind))
def test_a_fault_is_tried_again_whatever_it_is(kind: FaultKind) -> None:
    faults = Faults(seed=1, share=1.0, kinds=(kind,))
    with asking(faults) as (_, api):
        with pytest.raises(MEANS[kind]) as told:
            api.get("/things")
        assert isinstance(told.value, TransientError)
        assert told.value.retry_after_s == (1.0 if kind in ("limited", "503 told") else None)
        faults.calm = True
        assert (
            api.get("/things").json() == Plain().answer(Asked("", "/things", {}, {}, "", "")).body
        )
    assert faults.struck == {kind: 1}


def test_a_third_of_all_requests_goes_wrong_and_each_seed_its_own_way() -> None:
    def drawn(seed: int) -> list[bool]:
        faults = Faults(seed)
        return [faults.through(Answer) != Answer() for _ in range(3_000)]

    assert sum(drawn(1)) == pytest.approx(1_000, rel=0.1)
    assert drawn(1) == drawn(1) != drawn(2)


@pytest.mark.parametrize("sample", PLAYED, ids=lambda sample: sample.source_type)
def test_a_limit_is_waited_for_as_its_provider_tells_it(sample: Sample) -> None:
    found = source(sample.source_type)
    assert found.listing is not None
    assert found.connect is not None
    assert sample.provider is not None
    with serving(sample.provider()) as fake:
        fake.weather = lambda _right: sample.limited(20, now())
        access = Access(fake.url, fake.provider.token, sample.connection, now)
        client = Discreet(found.connect(access), Mask())
        name, since = found.listing.resources[-1].name, datetime(2026, 3, 1, tzinfo=UTC)
        with closing(client), pytest.raises(RateLimited) as told:
            client.list_page(PageRequest(name, since, now(), connection=sample.connection))
    assert told.value.retry_after_s == pytest.approx(20, abs=1.5)


def test_the_clock_of_a_fake_goes_on() -> None:
    """Bug: its `date` was that of its start, so what ends at a time ended later and later."""
    with asking(Faults(seed=1, share=0.0)) as (_, api):
        time.sleep(1.2)
        said = parsedate_to_datetime(api.get("/things").headers["date"])
        assert abs((now() - said).total_seconds()) < 1.1
