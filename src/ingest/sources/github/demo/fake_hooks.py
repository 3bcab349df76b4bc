"""GitHub's webhooks, played: repository hooks and an App's, and the log of what they delivered.

[REST-OAS] repos/create-webhook, repos/update-webhook, repos/list-webhook-deliveries, repos/get-
webhook-delivery, repos/redeliver-webhook-delivery, apps/update-webhook-config-for-app and theirs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ingest.sources.github.demo.fake_access import App
from ingest.sources.github.demo.fake_shapes import Repository, failure
from ingest.testing.fakes import Answer, Asked


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


KNOWN = _words(
    """branch_protection_rule check_run check_suite commit_comment create delete deployment
    deployment_status discussion discussion_comment fork gollum issue_comment issue_dependencies
    issue_relates_to issues label member milestone page_build ping project public pull_request
    pull_request_review
    pull_request_review_comment push registry_package release repository star status sub_issues
    team_add watch workflow_run *"""
)
MOST_OF_ONE_EVENT = 20
_HOOK = re.compile(r"hooks(?:/(\d+))?")
_DELIVERIES = re.compile(r"(?:hooks/(\d+)|app/hook)/deliveries(?:/(\d+))?(/attempts)?")


def hook_answer(of: Repository, rest: str, asked: Asked, page_size: int) -> Answer | None:
    """What is said of a repository's hooks; None where nothing is asked about them."""
    if not rest.startswith("hooks"):
        return None
    if not of.administered:
        return failure(404, "Not Found")
    logged = _DELIVERIES.fullmatch(rest)
    if logged is not None:
        log = of.deliveries.get(int(logged[1]))
        if log is None:
            return failure(404, "Not Found")
        return log_answer(log, logged[2], asked, page_size, again=bool(logged[3]))
    found = _HOOK.fullmatch(rest)
    return _hook(of, found[1], asked, page_size) if found else None


def _hook(of: Repository, id_: str | None, asked: Asked, page_size: int) -> Answer:
    if id_ is None and asked.method == "POST":
        return _made(of, asked)
    if id_ is None:
        shown = [_shown(hook) for hook in of.hooks.values()]
        return _numbered(shown, asked, page_size)
    hook = of.hooks.get(int(id_))
    if hook is None:
        return failure(404, "Not Found")
    if asked.method == "PATCH":
        return _changed(hook, asked.body)
    if asked.method == "DELETE":
        del of.hooks[int(id_)]
        return Answer(204, b"")
    return Answer(200, _shown(hook))


def _made(of: Repository, asked: Asked) -> Answer:
    told = asked.body
    events = told.get("events") or ["push"]
    if not set(events) <= KNOWN:
        return failure(422, "Validation Failed: events is not included in the list")
    others = [hook for hook in of.hooks.values() if hook["config"]["url"] == told["config"]["url"]]
    if others:
        return failure(422, "Validation Failed: Hook already exists on this repository")
    each = [sum(event in hook["events"] for hook in of.hooks.values()) for event in events]
    if max(each, default=0) >= MOST_OF_ONE_EVENT:
        return failure(422, 'Validation Failed: The "push" event cannot have more than 20 hooks')
    id_ = max(of.hooks, default=70_000) + 1
    hook = {
        "type": "Repository",
        "id": id_,
        "name": "web",
        "active": told.get("active", True),
        "events": list(events),
        "config": {"content_type": "form", "insecure_ssl": "0", **told["config"]},
        "url": f"{of.api}/hooks/{id_}",
        "last_response": {"code": None, "status": "unused", "message": None},
    }
    of.hooks[id_], of.deliveries[id_] = hook, []
    return Answer(201, _shown(hook))


def _changed(hook: dict[str, Any], told: Mapping[str, Any]) -> Answer:
    """[REST-OAS] A `config` replaces the one before, and with it the secret."""
    events = told.get("events", hook["events"])
    if not set(events) <= KNOWN:
        return failure(422, "Validation Failed: events is not included in the list")
    hook["events"] = [*events, *(told.get("add_events") or ())]
    hook["active"] = told.get("active", hook["active"])
    if "config" in told:
        hook["config"] = {"content_type": "form", "insecure_ssl": "0", **told["config"]}
    return Answer(200, _shown(hook))


def _shown(hook: Mapping[str, Any]) -> dict[str, Any]:
    """A secret is never shown."""
    return {**hook, "config": _hidden(hook["config"])}


def _hidden(config: Mapping[str, Any]) -> dict[str, Any]:
    return {k: "********" if k == "secret" else v for k, v in config.items()}


def app_answer(app: App, path: str, asked: Asked, page_size: int) -> Answer:
    """What an App is told of itself and its hook; the caller has seen its JWT."""
    if path == "/app":
        body = {"id": int(app.id), "slug": "ingest", "events": app.events, "permissions": {}}
        return Answer(200, body)
    if path == "/app/hook/config":
        if asked.method == "PATCH":
            app.hook |= asked.body
        return Answer(200, _hidden(app.hook))
    logged = _DELIVERIES.fullmatch(path.removeprefix("/"))
    if logged is None:
        return failure(404, "Not Found")
    return log_answer(app.deliveries, logged[2], asked, page_size, again=bool(logged[3]))


# What was delivered.


def record(
    log: list[dict[str, Any]],
    event: str,
    payload: Mapping[str, Any],
    *,
    guid: str,
    at: str,
    status: str = "OK",
    code: int = 200,
    redelivery: bool = False,
) -> dict[str, Any]:
    """One attempt at a delivery, as the log keeps it."""
    made = {
        "id": 500_000 + len(log),
        "guid": guid,
        "delivered_at": at,
        "redelivery": redelivery,
        "duration": 0.03,
        "status": status,
        "status_code": code,
        "event": event,
        "action": payload.get("action"),
        "installation_id": (payload.get("installation") or {}).get("id"),
        "repository_id": (payload.get("repository") or {}).get("id"),
        "throttled_at": None,
        "request": {
            "headers": {
                "X-GitHub-Delivery": guid,
                "X-GitHub-Event": event,
                "X-Hub-Signature-256": "sha256=" + "0" * 64,
                "content-type": "application/json",
            },
            "payload": dict(payload),
        },
        "response": {"headers": {}, "payload": ""},
    }
    log.append(made)
    return made


def log_answer(
    log: list[dict[str, Any]], id_: str | None, asked: Asked, page_size: int, *, again: bool
) -> Answer:
    """A page of a log, newest first; one delivery of it; or that delivery once more."""
    if id_ is None:
        return _logged(log, asked, page_size)
    found = next((one for one in log if one["id"] == int(id_)), None)
    if found is None:
        return failure(404, "Not Found")
    if not again:
        return Answer(200, found)
    if asked.method != "POST":
        return failure(404, "Not Found")
    told = found["request"]["payload"]
    record(
        log,
        found["event"],
        told,
        guid=found["guid"],
        at=found["delivered_at"],
        redelivery=True,
    )
    return Answer(202, {})


def _logged(log: list[dict[str, Any]], asked: Asked, page_size: int) -> Answer:
    """Its cursor is that of the last one shown, so that what comes meanwhile moves nothing."""
    size = min(int(asked.one("per_page", "30")), 100, page_size)
    cursor = asked.one("cursor")
    older = [one for one in reversed(log) if not cursor or one["id"] < int(cursor[1:])]
    shown = [{k: v for k, v in one.items() if k not in ("request", "response")} for one in older]
    headers = {}
    if len(shown) > size:
        url = f"{asked.url}{asked.path}?per_page={size}&cursor=v{shown[size - 1]['id']}"
        headers["link"] = f'<{url}>; rel="next"'
    return Answer(200, shown[:size], headers)


def _numbered(shown: list[dict[str, Any]], asked: Asked, page_size: int) -> Answer:
    size = min(int(asked.one("per_page", "30")), 100, page_size)
    page = int(asked.one("page", "1"))
    rest = shown[page * size :]
    url = f"{asked.url}{asked.path}?per_page={size}&page={page + 1}"
    headers = {"link": f'<{url}>; rel="next"'} if rest else {}
    return Answer(200, shown[(page - 1) * size : page * size], headers)
