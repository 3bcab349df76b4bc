"""Linear by example, for the demo and the tests; nothing here is imported while the program runs.

`fake` plays its API, `story` is its part in the demo, `sending` is how recorded payloads are
sent, `playback` how recorded answers are read, `trial` what `ingest send-test` sends.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ingest.sources.linear.demo import sending, story, trial
from ingest.sources.linear.demo.fake import make
from ingest.sources.linear.demo.playback import PLAYING
from ingest.testing.fakes import Answer
from ingest.testing.sample import Sample


def _headers(delivery_id: str, _now: datetime) -> Mapping[str, str]:
    return {"linear-delivery": delivery_id}


def _limited(seconds: int, now: datetime) -> Answer:
    """Both limits are used up; the reset is in UTC epoch milliseconds."""
    return make().limited(now, seconds, seconds)


SAMPLE = Sample(
    source_type="linear",
    name="Brindle",
    metadata={
        "type": "linear",
        "linearTeamId": "team-1",
        "linearTeamKey": "ENG",
        "linearOrganizationId": "organization-1",
        "teamName": "Engineering",
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
