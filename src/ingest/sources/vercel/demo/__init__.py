"""Vercel by example, for the demo and the tests; nothing here is imported while the program runs.

`fake` plays its API, `story` is its part in the demo, `sending` is how recorded payloads are
sent, `playback` how recorded answers are read, `trial` what `ingest send-test` sends.
"""

from __future__ import annotations

from datetime import datetime
from math import ceil

from ingest.sources.vercel.demo import sending, story, trial
from ingest.sources.vercel.demo.fake import rate_limited
from ingest.sources.vercel.demo.playback import PLAYING
from ingest.testing.fakes import Answer
from ingest.testing.sample import Sample


def _limited(seconds: int, now: datetime) -> Answer:
    """The reset is in UTC epoch seconds."""
    return rate_limited(ceil(now.timestamp()) + seconds)


SAMPLE = Sample(
    source_type="vercel",
    name="Brindle departures",
    metadata={
        "type": "vercel",
        "vercelProjectId": "prj_1",
        "projectName": "web",
    },
    story_metadata=story.METADATA,
    deliveries=story.DELIVERIES,
    provider=story.provider,
    trial=trial.trial,
    sending=sending.SENDING,
    playing=PLAYING,
    limited=_limited,
    lost=story.LOST,
)
