"""GitHub by example, for the demo and the tests; nothing here is imported while the program runs.

`fake` plays its API, `story` is its part in the demo, `sending` is how recorded payloads are
sent, `playback` how recorded answers are read, `trial` what `ingest send-test` sends.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import ceil

from ingest.sources.github.demo import sending, story, trial
from ingest.sources.github.demo.fake_shapes import failure
from ingest.sources.github.demo.playback import PLAYING
from ingest.testing.fakes import Answer
from ingest.testing.sample import Sample


def _headers(delivery_id: str, _now: datetime) -> Mapping[str, str]:
    return {"x-github-event": "push", "x-github-delivery": delivery_id}


def _limited(seconds: int, now: datetime) -> Answer:
    """The primary limit: the reset is in UTC epoch seconds."""
    told = failure(403, "API rate limit exceeded for user ID 1.")
    resets_at = ceil(now.timestamp()) + seconds
    headers = {
        "x-ratelimit-limit": "5000",
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": str(resets_at),
    }
    return Answer(told.status, told.body, headers)


SAMPLE = Sample(
    source_type="github",
    name=story.REPOSITORY,
    metadata={
        "type": "github",
        "githubRepoId": "101",
        "githubInstallationId": "7",
        "repoFullName": "halcyon/web",
        "owner": "halcyon",
        "defaultBranch": "main",
        "private": True,
        "permissions": {"admin": False, "push": False, "pull": True},
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
