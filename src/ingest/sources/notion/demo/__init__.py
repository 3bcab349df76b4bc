"""Notion by example, for the demo and the tests; nothing here is imported while the program runs.

`fake` plays its API, `story` is its part in the demo, `sending` is how recorded payloads are
sent, `playback` how recorded answers are read.
"""

from __future__ import annotations

from ingest.sources.notion.demo import sending, story
from ingest.sources.notion.demo.playback import PLAYING
from ingest.testing.sample import Sample

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
    sending=sending.SENDING,
    playing=PLAYING,
    stood_before=True,
)
