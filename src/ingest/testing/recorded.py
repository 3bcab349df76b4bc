"""Payloads and answers that were recorded, and how a provider sends such a one. Performs no I/O.

What is special about a provider is one `Sending`, which its sample carries; of its API's answers
see `playback`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from ingest.testing.fakes import Answer, Provider

_OWN_WAY = frozenset({"connection", "content-encoding", "content-length", "content-type", "date"})
"""Of the connection that was recorded, as what begins with `transfer-`, and not of the answer."""


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
class RecordedAnswer:
    """One recorded answer of a provider's API. `name` is for people; header names in lower case.

    method, url, asked: the request, as far as it was kept; `asked` is its body as it was sent.
    status: None where nobody kept it, as of what a provider prints in its documents.
    """

    name: str
    source: str
    origin: str
    method: str
    url: str
    status: int | None
    headers: Mapping[str, str]
    body: Any
    asked: Any = None
    synthetic: bool = False

    @property
    def path(self) -> str:
        """Of the URL, decoded as a server sees it."""
        return unquote(urlsplit(self.url).path)

    @property
    def query(self) -> Mapping[str, Sequence[str]]:
        """Of the URL."""
        return parse_qs(urlsplit(self.url).query, keep_blank_values=True)

    @property
    def object(self) -> dict[str, Any]:
        """The body as an object; an empty one where it is something else."""
        return self.body if isinstance(self.body, dict) else {}

    @property
    def items(self) -> list[dict[str, Any]]:
        """The objects of a body that is a list; none of any other."""
        return [one for one in self.body if isinstance(one, dict)] if self.is_list else []

    @property
    def is_list(self) -> bool:
        return isinstance(self.body, list)

    @property
    def is_error(self) -> bool:
        """Whether its status is a refusal."""
        return self.status is not None and self.status >= 400

    def answer(self, body: Any = None) -> Answer:
        """The same from a server of ours; with another body where one is given."""
        told = self.body if body is None else body
        raw = b"" if told is None else told.encode() if isinstance(told, str) else told
        headers = {name: value for name, value in self.headers.items() if _is_kept(name, value)}
        return Answer(self.status or 200, raw, headers)


def _is_kept(name: str, value: str) -> bool:
    sendable = value.isprintable() and value.isascii()
    return sendable and name not in _OWN_WAY and not name.startswith("transfer-")


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
