"""What texts of GitHub may say. docs/references.md has the whole table.

[DOC: issues/linking-a-pull-request-to-an-issue] closing keywords act in the description of a pull
request (and in commits that reach the default branch), and in no review or comment; Linear and
Sentry read the same two. An issue is work too, and its reader takes it at its word. Whatever stands
beside the work speaks about it.
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.core.references import AT_MOST_RELATED, Says

SAYS: Mapping[str, Says] = dict.fromkeys(
    ("file", "discussion", "release", "comment", "review", "review_comment", "discussion_comment"),
    AT_MOST_RELATED,
)
