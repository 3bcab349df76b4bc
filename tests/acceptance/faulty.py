"""`celery -A tests.acceptance.faulty worker -Q fetch`: look-ups whose client has a fault of ours.

No package outside takes the name of a source of ours, so this process alters what was found.
"""

from __future__ import annotations

from dataclasses import replace

from ingest.core.values import JSON
from ingest.sources import registry
from ingest.sources.access import Access
from ingest.sources.contract import Lookup, Sight
from ingest.worker import app

__all__ = ["app"]


class _Faulty:
    """A client that trips over the answer with the token at hand."""

    def __init__(self, access: Access) -> None:
        self.access = access

    def fetch_one(self, ask: Lookup) -> Sight:
        headers = {"authorization": f"Bearer {self.access.token}"}
        answer: dict[str, JSON] = {"asked": ask.identity.id, "sent": [*headers]}
        return Sight(answer["not there"])

    def check(self) -> str:
        return "nothing"

    def close(self) -> None:
        """Nothing is open."""


_known = {name: replace(one, connect=_Faulty) for name, one in registry.all_sources().items()}
registry._loaded = _known.__getitem__  # type: ignore[assignment]
