"""Zendesk by example, for the demo and the tests; nothing here is imported while the program runs.

`fake` plays its API, `story` is its part in the demo, `sending` is how recorded payloads are
sent, `playback` how recorded answers are read, `trial` what `ingest send-test` sends.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ingest.core.times import iso
from ingest.sources.zendesk.demo import sending, story, trial
from ingest.sources.zendesk.demo.playback import PLAYING
from ingest.testing.fakes import Answer
from ingest.testing.sample import Sample


def _headers(delivery_id: str, now: datetime) -> Mapping[str, str]:
    return {
        "x-zendesk-webhook-invocation-id": delivery_id,
        "x-zendesk-webhook-signature-timestamp": iso(now),
    }


def _limited(seconds: int, _now: datetime) -> Answer:
    """The account's own limit."""
    headers = {
        "retry-after": str(seconds),
        "x-rate-limit": "700",
        "x-rate-limit-remaining": "0",
    }
    return Answer(429, {"error": "APIRateLimitExceeded"}, headers)


SAMPLE = Sample(
    source_type="zendesk",
    name="Brindle",
    metadata={
        "type": "zendesk",
        "zendeskSubdomain": "halcyon",
        "zendeskAccountId": "900",
    },
    story_metadata=story.METADATA,
    deliveries=story.DELIVERIES,
    headers=_headers,
    provider=story.provider,
    trial=trial.trial,
    sending=sending.SENDING,
    playing=PLAYING,
    limited=_limited,
)
