"""A repository at GitHub, as far as it sends webhooks: signed with each hook's own secret."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from ingest.core.times import iso
from ingest.sources.github.demo import fake_shapes
from ingest.sources.github.demo.fake import GitHub, make
from ingest.sources.github.demo.fake_hooks import record
from ingest.sources.registry import source
from ingest.testing.signing import request

ID, NAME = 101, "halcyon/web"
PUBLIC = "https://ingest.example.test"
_SCHEME = source("github").descriptor.scheme


def _github() -> GitHub:
    made = make()
    made.add(ID, NAME)
    made.change(ID, "main", {"docs/start.md": "# Start\n\nHere."}, at="2026-03-02T14:00:00Z")
    return made


@dataclass
class Sender:
    """What people do at a repository, and what GitHub sends of it to where PUBLIC leads."""

    leads_to: str = ""
    github: GitHub = field(default_factory=_github)
    id: int = ID
    name: str = NAME
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def hooks(self) -> dict[int, dict[str, Any]]:
        return self.github.repositories[self.id].hooks

    def open_issue(self, text: str, *, title: str | None = None) -> list[int]:
        """An issue is opened; how each hook's request was answered."""
        number = next(self._numbers)
        at = iso(datetime.now(UTC))
        told = {
            "id": 5_000 + number,
            "number": number,
            "title": title or f"Issue {number}",
            "body": text,
            "state": "open",
            "html_url": f"https://github.com/{self.name}/issues/{number}",
            "user": {"login": "ann"},
            "created_at": at,
            "updated_at": at,
        }
        issue = self.github.put(self.id, "issue", told)
        return self._send("issues", {"action": "opened", "issue": issue})

    def push(self, path: str, text: str) -> list[int]:
        """A file is pushed to the default branch."""
        at = iso(datetime.now(UTC))
        return self._send("push", self.github.change(self.id, "main", {path: text}, at=at))

    def _send(self, event: str, payload: Mapping[str, Any]) -> list[int]:
        of = self.github.repositories[self.id]
        told = {**payload, "repository": fake_shapes.repository(of)}
        active = {id_: hook for id_, hook in of.hooks.items() if hook["active"]}
        return [self._deliver(id_, hook, event, told) for id_, hook in active.items()]

    def _deliver(self, id_: int, hook: dict[str, Any], event: str, told: Mapping[str, Any]) -> int:
        now, guid = datetime.now(UTC), f"guid-{next(self._numbers)}"
        headers = {
            "content-type": "application/json",
            "user-agent": "GitHub-Hookshot/0demo00",
            "x-github-event": event,
            "x-github-delivery": guid,
        }
        signed = request(_SCHEME, headers, told, secret=hook["config"]["secret"], sent_at=now)
        url = self.leads_to + urlsplit(hook["config"]["url"]).path
        with httpx.Client(trust_env=False, timeout=20) as client:
            answer = client.post(url, content=signed.body, headers=dict(signed.headers))
        code = answer.status_code
        hook["last_response"] = {"code": code, "status": "active", "message": None}
        log = self.github.repositories[self.id].deliveries[id_]
        record(log, event, told, guid=guid, at=iso(now), status="OK", code=code)
        return code
