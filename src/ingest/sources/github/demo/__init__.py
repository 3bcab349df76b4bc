"""GitHub by example, for the demo and the tests; nothing here is imported while the program runs.

`fake` plays its API, `story` is its part in the demo, `sending` is how recorded payloads are
sent, `playback` how recorded answers are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ingest.sources.github.demo import sending, story
from ingest.sources.github.demo.playback import PLAYING
from ingest.testing.sample import Sample


def _headers(delivery_id: str, _now: datetime) -> Mapping[str, str]:
    return {"x-github-event": "push", "x-github-delivery": delivery_id}


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
    sending=sending.SENDING,
    playing=PLAYING,
)
