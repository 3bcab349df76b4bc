"""Notion by example, for the demo and the tests; nothing here is imported while the program runs.

`fake` plays its API, `story` is its part in the demo, `sending` is how recorded payloads are
sent, `playback` how recorded answers are read, `trial` what `ingest send-test` sends.
"""

from __future__ import annotations

from datetime import datetime

from ingest.sources.notion.demo import sending, shapes, story, trial
from ingest.sources.notion.demo.playback import PLAYING
from ingest.testing.fakes import Answer
from ingest.testing.sample import Sample


def _limited(seconds: int, _now: datetime) -> Answer:
    return shapes.limited(seconds)


SAMPLE = Sample(
    source_type="notion",
    name="Brindle Ferries",
    metadata={
        "type": "notion",
        "notionWorkspaceId": "workspace-1",
        "notionWorkspaceName": "Halcyon",
        "databaseIds": [],
    },
    story_metadata=story.METADATA,
    deliveries=story.DELIVERIES,
    provider=story.provider,
    trial=trial.trial,
    sending=sending.SENDING,
    playing=PLAYING,
    limited=_limited,
    stood_before=True,
)
