"""GitHub: issues, pull requests, their comments and reviews."""

from __future__ import annotations

from ingest.sources.contract import Source
from ingest.sources.github.descriptor import DESCRIPTOR
from ingest.sources.github.mentions import MENTIONS
from ingest.sources.github.normalise import normalise

SOURCE = Source(descriptor=DESCRIPTOR, normalise=normalise, mentions=MENTIONS)
