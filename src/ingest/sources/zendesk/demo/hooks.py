"""The webhooks of the fake's account, and its log of what it sent to them.

Law: what Zendesk refuses is refused: a webhook keeps its kind (events, or triggers), and events
come as JSON by POST. Its secret is made here and cannot be chosen.
Sources: …/webhooks/webhooks-api/webhooks, …/webhooks/creating-and-monitoring-webhooks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ingest.core.times import parse_time
from ingest.core.values import JSON
from ingest.testing.fakes import Answer, Asked

_HOOKS = re.compile(r"/api/v2/webhooks(?:/([^/]+)(?:/([a-z_]+)(?:/([^/]+)/attempts)?)?)?")
_NEEDED = ("name", "endpoint", "http_method", "request_format", "status")
_TRIGGERED = "conditional_ticket_events"
_EVENT = re.compile(r"zen:event-type:[a-z_]+\.[a-z_]+")
_FORBIDDEN = Answer(403, {"error": "Forbidden"})
_MISSING = Answer(404, {"errors": [{"code": "WebhookNotFound", "title": "Webhook not found"}]})
_MADE_AT = "2026-03-02T06:00:00Z"


@dataclass(slots=True)
class Hooks:
    """All of an account. `page_size` is the most on a page; `may_manage`: what the token may."""

    page_size: int = 100
    may_manage: bool = True
    hooks: dict[str, dict[str, Any]] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    log: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """The invocations of each webhook, the oldest first, with their attempts."""

    def put(self, endpoint: str, subscriptions: Sequence[str], **fields: JSON) -> str:
        """A webhook that somebody made by hand; its id."""
        made = {
            "name": "By hand",
            "endpoint": endpoint,
            "http_method": "POST",
            "request_format": "json",
            "status": "active",
            "subscriptions": list(subscriptions),
            **fields,
        }
        return self._add(made)

    def sent(
        self,
        hook: str,
        payload: Mapping[str, JSON] | None,
        *,
        at: str,
        status: str = "success",
        code: int | None = None,
        failed: Sequence[str] = (),
        account: str = "",
    ) -> str:
        """Log an invocation, of which attempts `failed` before the last one; its id.

        payload: None where no request was made, as under an open circuit breaker.
        """
        entries = self.log.setdefault(hook, [])
        id_ = f"01INVOCATION{len(entries):014d}"
        headers = {
            "X-Zendesk-Webhook-Signature-Timestamp": at,
            "X-Zendesk-Webhook-Signature": "c2lnbmF0dXJl",
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Zendesk Webhook",
            "X-Zendesk-Account-Id": account,
            "X-Zendesk-Webhook-Id": hook,
            "X-Zendesk-Webhook-Invocation-Id": id_,
        }
        request = {
            "headers": [{"key": name, "value": value} for name, value in headers.items()],
            "payload": json.dumps(payload, indent=3) + "\n",
        }
        of_last: dict[str, Any] = {"status": status}
        if code is not None:
            of_last["status_code"] = code
        ends = [of_last, *({"status": one} for one in reversed(failed))]
        of_all: dict[str, Any] = {"id": hook, "invocation_id": id_, "completed_at": at}
        if payload is not None:
            of_all["request"] = request
        attempts = [{**of_all, **end} for end in ends]
        entries.append({"id": id_, **of_last, "latest_completed_at": at, "attempts": attempts})
        return id_

    def answer(self, asked: Asked, *, is_admin: bool) -> Answer | None:
        """The answer of a path of webhooks; None for another path."""
        found = _HOOKS.fullmatch(asked.path.removesuffix(".json"))
        if found is None:
            return None
        if not (is_admin and self.may_manage):
            return _FORBIDDEN
        hook, part, invocation = found.groups()
        if hook is None:
            return self._create(asked) if asked.method == "POST" else self._list(asked)
        if hook not in self.hooks:
            return _MISSING
        if part == "signing_secret":
            secret = {"algorithm": "SHA256", "secret": self.secrets[hook]}
            return Answer(body={"signing_secret": secret})
        if part == "invocations":
            return (
                self._invocations(asked, hook) if invocation is None else self._of(hook, invocation)
            )
        return self._one(asked, hook) if part is None else _MISSING

    def _one(self, asked: Asked, hook: str) -> Answer:
        if asked.method == "GET":
            return Answer(body={"webhook": self.hooks[hook]})
        if asked.method == "DELETE":
            del self.hooks[hook]
            return Answer(204, b"")
        told = _told(asked)
        kept = self.hooks[hook] if asked.method == "PATCH" else {}
        wanted = {**kept, **told}
        was = _TRIGGERED in self.hooks[hook]["subscriptions"]
        problem = _problem(wanted)
        if problem is None and was != (_TRIGGERED in wanted["subscriptions"]):
            problem = "the kind of a webhook cannot be changed"
        if problem is not None:
            return _bad(problem)
        self.hooks[hook] = {**wanted, "id": hook}
        return Answer(204, b"")

    def _create(self, asked: Asked) -> Answer:
        told = _told(asked)
        problem = _problem(told)
        if problem is not None:
            return _bad(problem)
        return Answer(201, {"webhook": self.hooks[self._add(told)]})

    def _add(self, told: Mapping[str, Any]) -> str:
        id_ = f"01WEBHOOK{len(self.secrets):017d}"
        self.hooks[id_] = {**told, "id": id_, "created_at": _MADE_AT, "created_by": "1"}
        self.secrets[id_] = f"a-secret-of-the-fakes-own-{len(self.secrets)}"
        return id_

    def _list(self, asked: Asked) -> Answer:
        return self._page(asked, "webhooks", [*self.hooks.values()])

    def _invocations(self, asked: Asked, hook: str) -> Answer:
        since = asked.one("filter[from_ts]")
        from_ = parse_time(since) if since else None
        told = [
            {name: value for name, value in one.items() if name != "attempts"}
            for one in reversed(self.log.get(hook, []))
            if from_ is None or parse_time(one["latest_completed_at"]) >= from_
        ]
        return self._page(asked, "invocations", told)

    def _of(self, hook: str, invocation: str) -> Answer:
        found = [one for one in self.log.get(hook, []) if one["id"] == invocation]
        return Answer(body={"attempts": found[0]["attempts"]}) if found else _MISSING

    def _page(self, asked: Asked, name: str, rows: Sequence[Mapping[str, Any]]) -> Answer:
        begin = int(asked.one("page[after]", "0"))
        size = min(int(asked.one("page[size]", "100")), self.page_size)
        more = begin + size < len(rows)
        meta = {"has_more": more, **({"after_cursor": str(begin + size)} if more else {})}
        return Answer(body={"meta": meta, name: list(rows[begin : begin + size])})


def _told(asked: Asked) -> dict[str, Any]:
    told = asked.body.get("webhook") if isinstance(asked.body, dict) else None
    return told if isinstance(told, dict) else {}


def _bad(problem: str) -> Answer:
    return Answer(400, {"errors": [{"code": "InvalidWebhook", "title": problem}]})


def _problem(told: Mapping[str, Any]) -> str | None:
    """Why Zendesk takes no such webhook."""
    missing = [name for name in _NEEDED if not told.get(name)]
    wanted = told.get("subscriptions") or []
    if missing:
        return f"{missing[0]} is missing"
    if wanted == [_TRIGGERED]:
        return None
    odd = [one for one in wanted if not _EVENT.fullmatch(one)]
    if odd or not wanted:
        return f"unknown event {odd[:1]}"
    if (told["http_method"], told["request_format"]) != ("POST", "json"):
        return "events come as JSON by POST"
    return None
