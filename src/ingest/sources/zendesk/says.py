"""What texts of Zendesk may say. docs/references.md has the whole table.

No word acts in Zendesk: problems, incidents and merges are fields. A ticket may tell what it waits
for; its comments and the help centre's articles speak about others.
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.core.references import AT_MOST_RELATED, RESOLVES_NOTHING, Says

SAYS: Mapping[str, Says] = {
    "ticket": RESOLVES_NOTHING,
    **dict.fromkeys(("comment", "article"), AT_MOST_RELATED),
}
