"""Linear: issues, comments and projects."""

from ingest.sources.contract import Source
from ingest.sources.linear.descriptor import DESCRIPTOR
from ingest.sources.linear.mentions import MENTIONS
from ingest.sources.linear.normalise import normalise

SOURCE = Source(descriptor=DESCRIPTOR, normalise=normalise, mentions=MENTIONS)
