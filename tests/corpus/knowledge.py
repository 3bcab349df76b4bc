"""What has to be known of a provider to send a payload as it does: one value, in its own module."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from ingest.demo.fake import Provider
from ingest.sources.registry import all_sources
from tests.corpus.folder import Recorded


@dataclass(frozen=True, slots=True)
class Knowledge:
    """`house` names the connection that a payload belongs to; None: it goes the app-wide way.

    `metadata` is that connection's, out of all its payloads. `headers` are those that the provider
    sends, but for the signature; what the file holds is laid over them. `act` is (event, action),
    for people. `dated` gives a body the time of sending, where the provider signs one. `provider`
    makes its API with an object for every id that the payloads name.
    """

    house: Callable[[Recorded], str | None]
    metadata: Callable[[str, Sequence[Recorded]], dict[str, Any]]
    headers: Callable[[Recorded, str, datetime], Mapping[str, str]]
    act: Callable[[Recorded], tuple[str, str]]
    dated: Callable[[bytes, datetime], bytes] = lambda body, _now: body
    provider: Callable[[Sequence[Recorded]], Provider] | None = None


def built() -> dict[str, Knowledge]:
    """The knowledge of every source; `LookupError` where it is missing."""
    found: dict[str, Knowledge] = {}
    for name in all_sources():
        module = f"tests.corpus.{name}"
        if find_spec(module) is None:
            raise LookupError(f"{module} is missing: say there how {name} sends")
        found[name] = import_module(module).KNOWLEDGE
    return found
