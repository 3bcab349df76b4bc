"""What the laws are about: a source, a connection of it, and deliveries in its provider's shape.

A fixture is a file `<event>.<more>.json` with {"headers", "body"}. Its name begins with the kind as
a header or a field of the body says it, so that a law can make another kind of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ingest.core.errors import PermanentError
from ingest.core.values import JSON
from ingest.sources.contract import Message, Normalised, Source
from ingest.testing.sample import Sample, SampleDelivery

RECEIVED_AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
NO_TENANT = "the tenant of a test"
"""What the scope is made of where a payload names no tenant."""

Path_ = tuple[str | int, ...]
"""The way to a place within a body."""


@dataclass(frozen=True, eq=False, repr=False)
class Fixture:
    """A delivery of a source, as its provider sends it; header names in lower case.

    place: where it stands, for messages. connection: the metadata of the connection it comes to.
    """

    source: Source
    name: str
    place: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    connection: Mapping[str, JSON]

    def __repr__(self) -> str:
        return f"<{self.name} of {self.place}>"

    @property
    def event(self) -> str:
        """What it is about: the beginning of the fixture's name."""
        return self.name.partition(".")[0]

    @property
    def kind(self) -> str | None:
        """The kind of delivery: what of the fixture's name a header or a field of the body says.

        None where neither a header nor a field of the body's first level says any of it.
        """
        said = {one for one in (*self.headers.values(), *self.body.values()) if type(one) is str}
        parts = self.name.split(".")
        names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
        return next((name for name in names if name in said), None)

    @property
    def scope(self) -> str:
        """The scope of its identities on that connection."""
        descriptor = self.source.descriptor
        named = (*descriptor.tenants(self.headers, self.body), NO_TENANT)
        return descriptor.scope(named[0], self.connection)

    @cached_property
    def places(self) -> tuple[Path_, ...]:
        """The way to every value within its body."""
        return tuple(_places(self.body))

    def message(
        self,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        received_at: datetime = RECEIVED_AT,
        scope: str | None = None,
    ) -> Message:
        """The delivery as an adapter sees it, with another body or other headers if they are given.

        The body is a copy, unless it was given.
        """
        return Message(
            headers=dict(self.headers if headers is None else headers),
            payload=deepcopy(self.body) if body is None else body,
            delivery_key="a delivery",
            received_at=received_at,
            scope=self.scope if scope is None else scope,
            connection=self.connection,
        )

    def means(self, body: Any = None, headers: Mapping[str, str] | None = None) -> Normalised:
        """What the adapter makes of it."""
        return self.source.normalise(self.message(body, headers))

    def with_value(self, path: Path_, value: Any) -> dict[str, Any]:
        """A copy of its body, with another value at that place."""
        body = deepcopy(dict(self.body))
        holder(body, path)[path[-1]] = value
        return body

    def as_kind(self, kind: str) -> tuple[dict[str, str], dict[str, Any]] | None:
        """Headers and body as a delivery of another kind, where one of them says its own."""
        own = self.kind
        if own is None:
            return None
        headers = {name: kind if told == own else told for name, told in self.headers.items()}
        body = {name: kind if told == own else told for name, told in self.body.items()}
        return headers, body


@dataclass(frozen=True, eq=False, repr=False)
class Suite:
    """All that the laws need to know of a source.

    examples: how many bodies of junk each law tries. thorough: every value of a body is replaced by
    every odd one; else each place gets a third of them.
    free: the texts of a connection's metadata that need no form, each with its reason.
    sample: what the source plays in the demo, with its fake API; None where there is none yet.
    """

    source: Source
    connection: Mapping[str, JSON]
    fixtures: tuple[Fixture, ...]
    examples: int = 300
    thorough: bool = False
    free: Mapping[str, str] = field(default_factory=dict)
    sample: Sample | None = None

    def __repr__(self) -> str:
        return f"<the laws of {self.source.descriptor.title}>"

    @cached_property
    def deliveries(self) -> tuple[Fixture, ...]:
        """The deliveries of the sample's part in the story, by their titles."""
        told = self.sample.deliveries if self.sample is not None else ()
        return tuple(self._delivery(one) for one in told)

    @property
    def story_connection(self) -> Mapping[str, JSON]:
        """The metadata of the story's connection."""
        return self.sample.connection if self.sample is not None else self.connection

    def _delivery(self, one: SampleDelivery) -> Fixture:
        headers = {name.lower(): value for name, value in one.headers.items()}
        place = f"the sample of {self.source.descriptor.title}"
        return Fixture(self.source, one.title, place, headers, one.payload, self.story_connection)

    @property
    def source_type(self) -> str:
        """The type of the source."""
        return self.source.descriptor.source_type


def holder(body: Any, path: Path_) -> Any:
    """The object or list within a body that holds what stands at that place."""
    for step in path[:-1]:
        body = body[step]
    return body


def _places(value: Any, here: Path_ = ()) -> Iterator[Path_]:
    steps: list[str | int] = []
    if isinstance(value, dict):
        steps = list(value)
    elif isinstance(value, list):
        steps = list(range(len(value)))
    for step in steps:
        yield (*here, step)
        yield from _places(value[step], (*here, step))


# Reading them, with an error that an author can do something about.


def unusable(problem: str) -> Exception:
    """The error that ends the collection of an author's tests with this one line."""
    return pytest.Collector.CollectError(problem)


def read_fixtures(
    source: Source, folder: Path, connection: Mapping[str, JSON]
) -> tuple[Fixture, ...]:
    """The fixtures of a folder by their names; raises `unusable` where there are none to read."""
    files = sorted(folder.glob("*.json"))
    if not files:
        raise unusable(
            f"there is no fixture in {folder}: record a delivery of {source.descriptor.title} as "
            '<event>.<more>.json, with {"headers": {…}, "body": {…}}'
        )
    return tuple(_read(source, file, connection) for file in files)


def _read(source: Source, file: Path, connection: Mapping[str, JSON]) -> Fixture:
    try:
        told = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise unusable(f"the fixture {file} is no JSON: {error}") from None
    for part in ("headers", "body"):
        if not isinstance(told, dict) or not isinstance(told.get(part), dict):
            raise unusable(
                f'the fixture {file} has no object "{part}": a fixture is {{"headers": {{…}}, '
                '"body": {…}}, as the provider sends them, without the signature'
            )
    headers = {name.lower(): value for name, value in told["headers"].items()}
    if not all(isinstance(value, str) for value in headers.values()):
        raise unusable(f"the fixture {file} has a header that is no text: quote its value")
    return Fixture(source, file.stem, str(file), headers, told["body"], connection)


def check_connection(source: Source, connection: Mapping[str, JSON]) -> None:
    """Raise `unusable` for sample metadata that no connection of the source could have."""
    descriptor = source.descriptor
    try:
        descriptor.connection.model_validate(connection)
        descriptor.connection_tenants(connection)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'the whole'}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)
        )
        raise unusable(
            f"the sample metadata does not fit {descriptor.connection.__name__}: {faults}"
        ) from None
    except PermanentError as error:
        raise unusable(f"the sample metadata names no tenant: {error}") from None


Law = Callable[..., None]
"""A function `test_…` that takes `suite`, `fixture` or both, by these names."""
