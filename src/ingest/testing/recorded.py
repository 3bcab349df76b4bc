"""Payloads that were recorded, and how a provider sends such a one. Performs no I/O.

What is special about a provider is one `Sending`, which its sample carries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ingest.testing.fakes import Provider


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recorded webhook. `name` is for people; header names are in lower case.

    `raw` is the exact body where that was kept. `origin` says who recorded it; `event` and
    `synthetic` are what an index says of it, as far as there is one.
    """

    name: str
    source: str
    origin: str
    headers: Mapping[str, str]
    body: Any
    raw: bytes | None = None
    event: str | None = None
    synthetic: bool = False

    @property
    def payload(self) -> Mapping[str, Any]:
        """The body as an object; an empty one where it is something else."""
        return self.body if isinstance(self.body, dict) else {}


@dataclass(frozen=True, slots=True)
class Sending:
    """What has to be known of a provider to send a recorded payload as it does.

    connection: the key of the connection that a payload belongs to, made out of what it says; None:
        it goes the app-wide way.
    metadata: that connection's, by its key and all its payloads.
    headers: those that the provider sends, but for the signature, by the payload, the delivery's id
        and the time of sending; what was recorded is laid over them.
    event: (event, action), for people.
    dated: gives a body the time of sending, where the provider signs one.
    provider: makes its API with an object for every id that the payloads name; None: nothing is
        looked up.
    """

    connection: Callable[[Recorded], str | None]
    metadata: Callable[[str, Sequence[Recorded]], dict[str, Any]]
    headers: Callable[[Recorded, str, datetime], Mapping[str, str]]
    event: Callable[[Recorded], tuple[str, str]]
    dated: Callable[[bytes, datetime], bytes] = lambda body, _now: body
    provider: Callable[[Sequence[Recorded]], Provider] | None = None
