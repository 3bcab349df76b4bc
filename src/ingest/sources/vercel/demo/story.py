"""Vercel's part: the deployment that mends the boards fails, and a second one is ready. No I/O.

The shapes are those of Vercel's webhook payloads, with the fields that a real payload has.
"""

from __future__ import annotations

from collections.abc import Mapping

from ingest.core.values import JSON
from ingest.sources.vercel.demo.fake import Vercel, make
from ingest.testing.fakes import Provider
from ingest.testing.sample import LostWebhook, SampleDelivery

_TEAM, _SLUG = "team_brindleFerries1", "brindle"
_PROJECT, _NAME = "prj_brindleDepartures1", "departures"
_FAILED = "dpl_Br1nd1eBoards0000Failed"
_READY = "dpl_Br1nd1eBoards0001Production"
_LOST = "dpl_Br1nd1eBoards0002Preview"
_HOSTS = {
    _LOST: "departures-p0r3v1e2w-brindle.vercel.app",
    _FAILED: "departures-f0a1l2e3d-brindle.vercel.app",
    _READY: "departures-b0a4r2d7s-brindle.vercel.app",
}
_MESSAGE = (
    "Change the day at midnight (#42)\n\n"
    "The boards asked for the ferries of the day on which they were switched on.\n\n"
    "Fixes https://github.com/brindle-ferries/departures/issues/41. Completes DEP-12."
)
_META: dict[str, JSON] = {
    "githubCommitSha": "a1" * 20,
    "githubCommitRef": "main",
    "githubCommitMessage": _MESSAGE,
    "githubCommitAuthorName": "Marit",
    "githubCommitAuthorLogin": "marit",
    "githubOrg": "brindle-ferries",
    "githubRepo": "departures",
    "githubCommitOrg": "brindle-ferries",
    "githubCommitRepo": "departures",
    "githubDeployment": "1",
    "githubPrId": "42",
}
# 2026-03-02 in UTC, in milliseconds.
_AT = {
    "14:01": 1_772_460_060_000,
    "14:02": 1_772_460_120_000,
    "14:03": 1_772_460_180_000,
    "14:04": 1_772_460_240_000,
    "14:06": 1_772_460_360_000,
    "14:31": 1_772_461_860_000,
    "14:33": 1_772_461_980_000,
}


def _delivery(arrives_min: int, title: str, type_: str, at: str, id_: str) -> SampleDelivery:
    page = f"https://vercel.com/{_SLUG}/{_NAME}"
    payload: dict[str, JSON] = {
        "id": f"brindle-hook-{arrives_min}",
        "type": type_,
        "createdAt": _AT[at],
        "region": "dub1",
        "payload": {
            "team": {"id": _TEAM},
            "user": {"id": "user_marit"},
            "deployment": {"id": id_, "url": _HOSTS[id_], "name": _NAME, "meta": _META},
            "links": {"deployment": f"{page}/{id_.removeprefix('dpl_')}", "project": page},
            "target": "production",
            "project": {"id": _PROJECT, "name": _NAME},
            "plan": "pro",
            "regions": ["dub1"],
        },
    }
    headers = {"content-type": "application/json; charset=utf-8", "user-agent": "Vercel Webhooks"}
    return SampleDelivery(arrives_min, title, headers, payload)


def provider() -> Provider:
    """What Vercel knows when it is all over: why the first one failed, and when which was made."""
    vercel = make()
    vercel.put_team(_TEAM, _SLUG)
    vercel.put_project(_PROJECT, _NAME, _TEAM)
    for id_, at in ((_FAILED, "14:01"), (_READY, "14:04")):
        vercel.deploy(id_, _PROJECT, _HOSTS[id_], at_ms=_AT[at], target="production", meta=_META)
    for type_, line in (
        ("command", "npm run build"),
        ("stdout", "> departures@4.2.0 build"),
        ("stderr", "\x1b[31merror\x1b[39m src/boards/day.ts(12,7): 'midnight' is not defined"),
        ("stderr", 'Error: Command "npm run build" exited with 1'),
    ):
        vercel.log(_FAILED, type_, line, at_ms=_AT["14:02"])
    vercel.fail(
        _FAILED,
        at_ms=_AT["14:03"],
        code="BUILD_FAILED",
        message='Command "npm run build" exited with 1',
        step="buildStep",
    )
    vercel.become(_READY, "READY", at_ms=_AT["14:06"], readySubstate="PROMOTED")
    return vercel


def _deploy_again(vercel: Vercel) -> None:
    """A preview of a branch is built and ready; of that nobody was told."""
    vercel.deploy(_LOST, _PROJECT, _HOSTS[_LOST], at_ms=_AT["14:31"], target=None, meta=_META)
    vercel.become(_LOST, "READY", at_ms=_AT["14:33"])


LOST = LostWebhook("a preview is deployed", _LOST, _deploy_again)
METADATA: Mapping[str, JSON] = {
    "vercelProjectId": _PROJECT,
    "vercelTeamId": _TEAM,
    "projectName": _NAME,
}
"""What the connection of the story stands for; laid over the sample\'s."""

DELIVERIES = (
    _delivery(25, "a deployment that fails", "deployment.error", "14:03", _FAILED),
    _delivery(26, "that deployment begun", "deployment.created", "14:01", _FAILED),
    _delivery(27, "the boards deployed (before it is begun)", "deployment.ready", "14:06", _READY),
    _delivery(28, "that deployment begun", "deployment.created", "14:04", _READY),
    _delivery(29, "what it passed", "deployment.succeeded", "14:06", _READY),
)
