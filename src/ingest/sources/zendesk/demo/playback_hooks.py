"""Recorded answers of Zendesk's about webhooks, as whoever looks after them asks for them.

…/webhooks/webhooks-api/webhooks
"""

from __future__ import annotations

import re

from ingest.core.values import JSON
from ingest.sources.zendesk.demo.playback_room import nothing_of, objects_of, playback_of
from ingest.testing.fakes import Answer
from ingest.testing.playback import End, Playback, Steps, Watch
from ingest.testing.recorded import RecordedAnswer


def hooks(of: RecordedAnswer, _at: re.Match[str]) -> Playback:
    """All of the account's, of which one is looked at with its log."""
    told = objects_of(of.object.get("webhooks"))
    none = nothing_of("invocations")
    routes: dict[str, Steps] = {"GET webhooks": (of.answer(), nothing_of("webhooks"))}
    routes |= {f"GET webhooks/{one.get('id')}/invocations": none for one in told}
    url = next((str(one.get("endpoint")) for one in told), "")
    return playback_of("list of webhooks", routes, [Watch("look", url)], {})


def secret(of: RecordedAnswer, at: re.Match[str]) -> Playback:
    """That of a webhook which is there already."""
    url = "https://ingest.example/webhooks"
    hook: dict[str, JSON] = {
        "id": at["hook"],
        "endpoint": url,
        "status": "active",
        "subscriptions": [],
    }
    routes: dict[str, Steps] = {
        "GET webhooks": Answer(200, {"webhooks": [hook], "meta": {"has_more": False}}),
        f"PATCH webhooks/{at['hook']}": Answer(204, b""),
        f"GET webhooks/{at['hook']}/signing_secret": of.answer(),
    }
    return playback_of("signing secret", routes, [Watch("create", url)], {})


def log(of: RecordedAnswer, at: re.Match[str]) -> Playback:
    """A webhook's invocations, without what each of them sent."""
    path = f"GET webhooks/{at['hook']}/invocations"
    routes: dict[str, Steps] = {path: (of.answer(), nothing_of("invocations"))}
    return playback_of("log of a webhook", routes, [Watch("missed")], {}, hook=at["hook"])


def attempts(of: RecordedAnswer, at: re.Match[str]) -> Playback:
    """What one invocation sent; where no attempt kept that, nothing can be said."""
    path = f"GET webhooks/{at['hook']}/invocations/{at['invocation']}/attempts"
    asks = [Watch("read", f"{at['hook']}/{at['invocation']}")]
    ends: frozenset[End] = frozenset({"read", "nothing said"})
    return playback_of("attempts of a webhook", {path: of.answer()}, asks, {}, ends=ends)
