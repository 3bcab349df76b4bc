"""Vercel: deployments that begin, become ready, fail, are canceled, and are cleaned up.

The shapes are those of Vercel's webhook payloads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from chaos.accounts import linear
from chaos.accounts.account import Drawn, issue_of_linear, says
from chaos.told import Gone, Happened, Letter, Link, There, Thing
from ingest.sources.vercel.demo.fake import Vercel, make

SOURCE = "vercel"
_TEAM, _SLUG = "team_brindleFerries1", "brindle"
_PROJECT, _NAME = "prj_brindleDepartures1", "departures"
_ENDS: Mapping[str, str] = {"READY": "ready", "ERROR": "error", "CANCELED": "canceled"}
"""The last states, with the events that tell them."""


@dataclass(frozen=True, slots=True)
class _Deployment:
    """One that stands there; `is_over`: its state changes no more."""

    id: str
    host: str
    message: str
    key: str
    is_over: bool = False


@dataclass(slots=True)
class VercelAccount:
    """One project of a team."""

    drawn: Drawn
    provider: Vercel = field(default_factory=make)
    deployments: dict[str, _Deployment] = field(default_factory=dict)
    source_type: str = SOURCE
    metadata: Mapping[str, Any] = field(
        default_factory=lambda: {
            "type": SOURCE,
            "vercelProjectId": _PROJECT,
            "vercelTeamId": _TEAM,
            "projectName": _NAME,
        }
    )

    def __post_init__(self) -> None:
        self.provider.put_team(_TEAM, _SLUG)
        self.provider.put_project(_PROJECT, _NAME, _TEAM)

    def happens(self) -> Happened:
        """See `Account`."""
        return self.drawn.turn(((5, self._begin), (6, self._end), (1, self._clean_up)))

    def _begin(self) -> Happened:
        number, at_ms = self.drawn.next("deployment"), _now_ms()
        id_ = f"dpl_{self.drawn.seed:08d}Run{number:012d}"
        key = issue_of_linear(self.drawn.chance.randint(1, 40))
        message = says(self.drawn.text(), key)
        made = _Deployment(id_, f"{_NAME}-{number:09d}-{_SLUG}.vercel.app", message, key)
        meta = {"githubCommitMessage": message}
        self.provider.deploy(id_, _PROJECT, made.host, at_ms=at_ms, target="production", meta=meta)
        self.provider.become(id_, "BUILDING", at_ms=at_ms)
        return self._told(made, "created", "BUILDING", at_ms)

    def _end(self) -> Happened | None:
        found = [one for one in self.deployments.values() if not one.is_over]
        if not found:
            return None
        one, at_ms = self.drawn.chance.choice(found), _now_ms()
        state = self.drawn.chance.choice([*_ENDS])
        if state == "ERROR":
            text = "npm run build exited with 1"
            self.provider.log(one.id, "stderr", text, at_ms=at_ms)
            self.provider.fail(one.id, at_ms=at_ms, code="E1", message=text, step="buildStep")
        else:
            self.provider.become(one.id, state, at_ms=at_ms)
        over = _Deployment(one.id, one.host, one.message, one.key, is_over=True)
        return self._told(over, _ENDS[state], state, at_ms)

    def _clean_up(self) -> Happened | None:
        found = [one for one in self.deployments.values() if one.is_over]
        if not found:
            return None
        one = self.drawn.chance.choice(found)
        del self.deployments[one.id]
        self.provider.remove(one.id)
        return Happened((self._letter(one, "cleanup", _now_ms()),), (Gone(_thing(one.id)),))

    def _told(self, one: _Deployment, event: str, state: str, at_ms: int) -> Happened:
        self.deployments[one.id] = one
        fact = There(
            _thing(one.id),
            one.id,
            (one.message,),
            state=("status", state),
            links=frozenset((Link("mention", linear.SOURCE, one.key),)),
        )
        return Happened((self._letter(one, event, at_ms),), (fact,))

    def _letter(self, one: _Deployment, event: str, at_ms: int) -> Letter:
        key = f"hook-{self.drawn.seed}-{self.drawn.next('delivery')}"
        page = f"https://vercel.com/{_SLUG}/{_NAME}"
        meta = {"githubCommitMessage": one.message}
        payload = {
            "id": key,
            "type": f"deployment.{event}",
            "createdAt": at_ms,
            "region": "dub1",
            "payload": {
                "team": {"id": _TEAM},
                "user": {"id": "user_marit"},
                "deployment": {"id": one.id, "url": one.host, "name": _NAME, "meta": meta},
                "links": {"deployment": f"{page}/{one.id.removeprefix('dpl_')}", "project": page},
                "target": "production",
                "project": {"id": _PROJECT, "name": _NAME},
                "plan": "pro",
                "regions": ["dub1"],
            },
        }
        return Letter(SOURCE, key, {"user-agent": "Vercel Webhooks"}, payload)


def _thing(id_: str) -> Thing:
    return (SOURCE, "deployment", id_)


def _now_ms() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)
