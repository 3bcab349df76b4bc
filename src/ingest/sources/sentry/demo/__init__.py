"""Sentry by example, for the demo and the tests; nothing here is imported while the program runs.

`fake` plays its API, `story` is its part in the demo, `sending` is how recorded payloads are
sent, `playback` how recorded answers are read, `trial` what `ingest send-test` sends.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import ceil

from ingest.sources.sentry.demo import sending, story, trial
from ingest.sources.sentry.demo.playback import PLAYING
from ingest.testing.fakes import Answer
from ingest.testing.sample import Sample


def _headers(delivery_id: str, _now: datetime) -> Mapping[str, str]:
    return {"sentry-hook-resource": "issue", "request-id": delivery_id}


def _limited(seconds: int, now: datetime) -> Answer:
    """The reset is in UTC epoch seconds, and nothing else says when."""
    detail = "You are attempting to use this endpoint too frequently."
    headers = {
        "x-sentry-rate-limit-remaining": "0",
        "x-sentry-rate-limit-limit": "40",
        "x-sentry-rate-limit-reset": str(ceil(now.timestamp()) + seconds),
    }
    return Answer(429, {"detail": detail}, headers)


SAMPLE = Sample(
    source_type="sentry",
    name="Departures",
    metadata={
        "type": "sentry",
        "sentryOrganizationSlug": "halcyon",
        "sentryProjectSlug": "web",
        "sentryProjectId": "501",
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
