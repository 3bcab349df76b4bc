"""Recorded answers of GitHub's about a repository's webhooks, as whoever looks after them asks.

[REST-OAS] repos/list-webhooks, repos/list-webhook-deliveries, repos/get-webhook-delivery
"""

from __future__ import annotations

import re

from ingest.sources.github.demo.playback_room import Room
from ingest.sources.github.subscriptions import HOOK_ID
from ingest.testing.fakes import Answer
from ingest.testing.playback import Playback, Steps, Unasked, Watch, routed
from ingest.testing.recorded import RecordedAnswer


def hooks(of: RecordedAnswer, room: Room, _at: re.Match[str]) -> Playback | Unasked:
    """The webhooks of a repository, of which one is looked at with its log."""
    path = f"GET {room.path}/hooks"
    routes: dict[str, Steps] = {path: (of.answer(), Answer(200, []))}
    routes |= {f"{path}/{one.get('id')}/deliveries": Answer(200, []) for one in of.items}
    urls = [(one.get("config") or {}).get("url") for one in of.items]
    url = next((str(told) for told in urls if told), "")
    script = routed({**room.routes, **routes})
    return Playback("list of webhooks", room.metadata, script, (Watch("look", url),))


def log(of: RecordedAnswer, room: Room, at: re.Match[str]) -> Playback | Unasked:
    """What a webhook delivered, or one delivery of it."""
    routes = {f"GET {room.path}{at['rest']}": (of.answer(), Answer(200, []))}
    metadata = {**room.metadata, HOOK_ID: at["hook"]}
    one = at.groupdict().get("delivery")
    ask = Watch("missed") if one is None else Watch("read", f"{at['hook']}/{one}")
    kind = "log of a webhook" if one is None else "delivery of a webhook"
    return Playback(kind, metadata, routed({**room.routes, **routes}), (ask,))
