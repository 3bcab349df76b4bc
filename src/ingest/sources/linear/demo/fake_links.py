"""The relations and attachments of a fake's issues, found by either end. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Link = dict[str, Any]
# The list of an issue that a link stands in, and the end by which it does.
_LISTS: Mapping[str, Mapping[str, str]] = {
    "issueRelation": {"relations": "issue", "inverseRelations": "relatedIssue"},
    "attachment": {"attachments": "issue"},
}


@dataclass(slots=True)
class Links:
    """Which links an issue has, by the name of the list and the issue's id."""

    _of: dict[tuple[str, str], dict[str, Link]] = field(default_factory=dict)

    def add(self, kind: str, link: Link) -> None:
        for listed, end in _LISTS.get(kind, {}).items():
            self._of.setdefault((listed, link[end]["id"]), {})[link["id"]] = link

    def remove(self, kind: str, link: Link) -> None:
        for listed, end in _LISTS.get(kind, {}).items():
            self._of.get((listed, link[end]["id"]), {}).pop(link["id"], None)

    def of(self, listed: str, issue: str) -> list[Link]:
        """The links in a list of an issue, in the order in which they were made."""
        return [*self._of.get((listed, issue), {}).values()]
