"""What the demo and the tests need of a source: a connection's metadata, and what is sent to it.

A source's package has them in its sub-package `demo`, as `SAMPLE`. That is found by its name and
imported only when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib.util import find_spec
from typing import Any

from ingest.core.errors import BrokenSource
from ingest.core.values import JSON
from ingest.sources.registry import imported, package_of, source_types
from ingest.testing.fakes import Provider
from ingest.testing.faults import Limited, retry_after
from ingest.testing.playback import Playing
from ingest.testing.recorded import Sending

EXPORTED = "SAMPLE"


@dataclass(frozen=True, slots=True)
class SampleDelivery:
    """One webhook of the story, and what becomes of it.

    arrives_min: when it arrives, on the story's own clock: whole minutes since it began. That is
        not the order in which things happened. Several may arrive in one minute: then they do so in
        the order of their source types, and of one source in the order in which it lists them.
    title: what happened, for people.
    headers: the provider's, but for the signature and what dates the sending; names in lower case.
    end: the terminal status that it must reach.
    copies: how often it is sent.
    """

    arrives_min: int
    title: str
    headers: Mapping[str, str]
    payload: Mapping[str, JSON]
    end: str = "processed"
    copies: int = 1


@dataclass(frozen=True, slots=True)
class TrialWebhook:
    """For which connection, and when, a trial webhook is made (`ingest send-test`).

    metadata: the connection's own, whose tenant the webhook names. delivery_id: new for each one.
    about: the provider's id of a thing that is there, to be looked up; None: one that there is not.
    """

    metadata: Mapping[str, JSON]
    delivery_id: str
    sent_at: datetime
    about: str | None = None

    def text(self, name: str, otherwise: str = "") -> str:
        """A field of the metadata, as it is or as `otherwise`."""
        told = self.metadata.get(name)
        return str(told) if told else otherwise

    @property
    def second(self) -> str:
        """The time of sending to the second, as `2026-03-02T12:00:00Z`."""
        return f"{self.sent_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


TRIAL_TITLE = "A test of ingest send-test"
TRIAL_TEXT = (
    "Nothing happened: somebody tried whether a webhook becomes a document. Safe to delete."
)


@dataclass(frozen=True, slots=True)
class LostWebhook:
    """Something that happens at the provider in the story, and of which no webhook arrives.

    title: what happened, for people. key: that of the document that a resync brings.
    happens: does it to the sample's fake, whose provider is given.
    """

    title: str
    key: str
    happens: Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Sample:
    """A source by example: how it is connected, and what it sends.

    name: the connection's name in the demo.
    metadata: a connection's metadata, as `ingest source connect` takes it.
    story_metadata: fields laid over it for the connection of the story, where that is another one.
    deliveries: its part of the story that the demo tells.
    headers: what is sent with any body beside signature and media type, by the delivery's id and
        the time of sending; names in lower case.
    provider: makes its API with the objects of the story in it; None: nothing is looked up.
    trial: makes the webhook with which somebody tries a connection of his own: in the provider's
        shape, of a thing that can be no real one, always the same; None: it cannot be tried so.
    sending: how it sends what was recorded; None: recorded payloads of it are not sent.
    playing: how recorded answers of its API are read; None: they are not.
    stood_before: its provider's objects were there before it was connected: the demo backfills it.
    lost: what of the story no webhook tells; the demo's resync brings it.
    limited: how its API says that whoever asks is to wait.
    """

    source_type: str
    name: str
    metadata: Mapping[str, JSON]
    story_metadata: Mapping[str, JSON] = field(default_factory=dict)
    deliveries: tuple[SampleDelivery, ...] = ()
    headers: Callable[[str, datetime], Mapping[str, str]] = lambda _id, _now: {}
    provider: Callable[[], Provider] | None = None
    trial: Callable[[TrialWebhook], SampleDelivery] | None = None
    sending: Sending | None = None
    playing: Playing | None = None
    stood_before: bool = False
    lost: LostWebhook | None = None
    limited: Limited = retry_after

    @property
    def connection(self) -> dict[str, JSON]:
        """The metadata of the story's connection."""
        return {**self.metadata, **self.story_metadata}


@cache
def sample_of(source_type: str) -> Sample | None:
    """The sample of a source; None where its package has no `demo`.

    Raises `BrokenSource` where the source, or its `demo`, cannot be used.
    """
    package = package_of(source_type)
    module = f"{package}.demo"
    if not package or find_spec(module) is None:
        return None
    found = imported(module, EXPORTED)
    if not isinstance(found, Sample) or found.source_type != source_type:
        raise BrokenSource(f"{module}:{EXPORTED} is no Sample of {source_type}")
    return found


def all_samples() -> tuple[Sample, ...]:
    """The samples of all sources that have one, in the order of their types."""
    found = (_sample_or_reason(name) for name in source_types())
    return tuple(one for one in found if isinstance(one, Sample))


def without_sample() -> dict[str, str]:
    """Why a source has no sample, by its type."""
    reasons = {name: _sample_or_reason(name) for name in source_types()}
    return {name: reason for name, reason in reasons.items() if isinstance(reason, str)}


def _sample_or_reason(source_type: str) -> Sample | str:
    try:
        return sample_of(source_type) or f"its package has no demo.{EXPORTED}"
    except BrokenSource as error:
        return str(error)


def all_sendings() -> dict[str, Sending]:
    """How recorded payloads are sent, by source type, where that is known."""
    return {one.source_type: one.sending for one in all_samples() if one.sending is not None}


def all_playings() -> dict[str, Playing]:
    """How recorded answers are played back, by source type, where that is known."""
    return {one.source_type: one.playing for one in all_samples() if one.playing is not None}
