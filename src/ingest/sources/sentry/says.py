"""What texts of Sentry may say. docs/references.md has the whole table.

[DOC: product/releases/associate-commits, "Resolve issues via commit"] a commit resolves an issue of
Sentry, never the other way round. What an exception's message says, its program said.
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.core.references import AT_MOST_RELATED, MENTIONS_ALONE, Says

SAYS: Mapping[str, Says] = {"issue": MENTIONS_ALONE, "comment": AT_MOST_RELATED}
