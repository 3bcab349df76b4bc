"""Vercel by example, for the demo and the tests; nothing here is imported while the program runs.

`fake` plays its API, `story` is its part in the demo, `sending` is how recorded payloads are
sent, `playback` how recorded answers are read.
"""

from __future__ import annotations

from ingest.sources.vercel.demo import sending, story
from ingest.sources.vercel.demo.playback import PLAYING
from ingest.testing.sample import Sample

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
    sending=sending.SENDING,
    playing=PLAYING,
    lost=story.LOST,
)
