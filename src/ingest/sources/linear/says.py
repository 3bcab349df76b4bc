"""What texts of Linear may say. docs/references.md has the whole table.

[DOC: docs/github-integration, "Link issues"] Linear's magic words act in a pull request's title and
description and in commits; in Linear's own texts no word acts, and relations are fields. An issue
is work, and its reader takes it at its word; a project and an initiative tell what they wait for.
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.core.references import AT_MOST_RELATED, RESOLVES_NOTHING, Says

SAYS: Mapping[str, Says] = {
    **dict.fromkeys(("project", "initiative"), RESOLVES_NOTHING),
    **dict.fromkeys(
        ("comment", "project_update", "initiative_update", "document"), AT_MOST_RELATED
    ),
}
