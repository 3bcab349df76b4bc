"""What texts of Vercel may say. docs/references.md has the whole table.

The words of a deployment are those of the commit that it is of: it resolves nothing, whether or not
it failed, and `temporal` ties it to the commit.
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.core.references import MENTIONS_ALONE, Says

SAYS: Mapping[str, Says] = {"deployment": MENTIONS_ALONE}
