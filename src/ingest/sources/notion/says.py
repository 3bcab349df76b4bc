"""What texts of Notion may say. docs/references.md has the whole table.

No word acts in Notion. A page may be a piece of work, and tell what it waits for; a database and a
comment speak about others.
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.core.references import AT_MOST_RELATED, RESOLVES_NOTHING, Says

SAYS: Mapping[str, Says] = {
    "page": RESOLVES_NOTHING,
    **dict.fromkeys(("database", "comment"), AT_MOST_RELATED),
}
